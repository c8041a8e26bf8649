"""Chains of NumPyro's NUTS or HMC, whitened by a fit: for one galaxy, or mapped over many."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpyro.infer import HMC, NUTS

import jaxmetal
from jaxmetal.inference.fingerprint import fingerprint
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.posterior import Posterior
from jaxmetal.inference.progress import duration
from jaxmetal.profiles.numerics import product
from jaxmetal.threads import side_by_side

log = logging.getLogger("jaxmetal")

# Number of pieces in which the chains are run; progress is shown after each.
PIECES = 10


class Settings(NamedTuple):
    """The static options of a sampler: others compile another program."""

    method: str
    warmup: int
    target: float
    adapt: bool


class Program(NamedTuple):
    """The two compiled parts of a sampler: for one galaxy, or mapped over many."""

    begin: Callable
    advance: Callable
    draws_axis: int


def run_chains(
    program: Program,
    model: Model,
    starts: Sequence[Fit],
    keys: Array,
    chains: int,
    draws: int,
    settings: Settings,
    seed: int,
    on_steps: Callable[[int], Any],
) -> list[Posterior]:
    """Run the chains of one galaxy or of many, piece by piece.

    After each piece `on_steps` is called with its number of steps, summed over all chains and
    galaxies, from several threads at once.
    """
    origin, whiten = _whitening(starts)
    chain_keys, points = _starting_points(keys, chains, origin)
    single = program.draws_axis == 1
    frame = tuple(array[0] if single else array for array in (origin, whiten))
    # Pieces of one length, whether they warm up or draw, are one compiled program.
    steps, stop_event = range(settings.warmup, settings.warmup + draws), Event()
    piece = -(-steps.stop // PIECES)

    def run(group: slice) -> Any:
        begin_at = (array[0][group] if single else array for array in (chain_keys, points))
        states = program.begin(model, *frame, *begin_at, settings)
        pieces: list[Any] = []
        while len(pieces) * piece < steps.stop and not stop_event.is_set():
            clock = time.perf_counter()
            states, out = program.advance(model, *frame, states, settings, piece)
            pieces.append(jax.device_get(out))
            # The first piece is compiled first, and the second is the first that can be timed.
            if len(pieces) == 2 and group.start in (None, 0):
                seconds = time.perf_counter() - clock
                _log_pace(settings, pieces[-1][1]["steps"], seconds, steps.stop / piece - 2)
            steps_done = min(piece, steps.stop - (len(pieces) - 1) * piece)
            on_steps(steps_done * len(range(chains)[group]) * len(starts))
        axis = program.draws_axis
        return jax.tree.map(lambda *parts: np.concatenate(parts, axis).take(steps, axis), *pieces)

    try:
        groups = side_by_side(run, _groups(chains, single))
    finally:
        stop_event.set()
    tree = jax.tree.map(lambda *parts: np.concatenate(parts)[None] if single else parts[0], *groups)
    return [
        _posterior(model.free, tree, i, _attributes(settings, seed, start))
        for i, start in enumerate(starts)
    ]


def _log_pace(settings: Settings, gradients: np.ndarray, seconds: float, pieces: float) -> None:
    """Say what a gradient costs, and how long the sampling will take.

    Parameters
    ----------
    settings
        of the sampler.
    gradients
        of each step of a piece, for each of the chains and galaxies that ran together.
    seconds
        that this piece took.
    pieces
        that are left.
    """
    log.info(
        "%s: %.2g ms a gradient, %.0f gradients a step, %s left",
        settings.method.upper(),
        1000 * seconds / np.sum(gradients),
        np.mean(gradients),
        duration(seconds * pieces),
    )


def _groups(chains: int, single: bool) -> list[slice]:
    """The chains that run together: on a CPU each has a core of its own, if there is one galaxy."""
    if single and jax.default_backend() == "cpu":
        return [slice(i, i + 1) for i in range(chains)]
    return [slice(None)]


def _whitening(starts: Sequence[Fit]) -> tuple[Array, Array]:
    """Maxima, shape (galaxies, n), and Cholesky factors of the covariances, (galaxies, n, n)."""
    origin = jnp.asarray(np.stack([fit.unconstrained for fit in starts]))
    covariances = np.stack([fit.unconstrained_covariance for fit in starts])
    return origin, jnp.asarray(np.linalg.cholesky(covariances), origin.dtype)


def _starting_points(keys: Array, chains: int, origin: Array) -> tuple[Array, Array]:
    """Random keys, shape (galaxies, chains), and whitened starting points, last axis n."""
    scatter, chain = jnp.swapaxes(jax.vmap(lambda key: jax.random.split(key, 2))(keys), 0, 1)
    points = jax.vmap(lambda key: jax.random.normal(key, (chains, origin.shape[1]), origin.dtype))(
        scatter
    )
    return jax.vmap(lambda key: jax.random.split(key, chains))(chain), points


def _attributes(settings: Settings, seed: int, start: Fit) -> dict[str, Any]:
    return {
        "method": settings.method,
        "seed": seed,
        "warmup": settings.warmup,
        "created_by": f"jaxmetal {jaxmetal.__version__}",
        "data": fingerprint(start.maps),
        "units": units_of(start.galaxy, start.maps, start.parameters),
    }


def _posterior(
    names: Sequence[str], outputs: Any, index: int, attributes: dict[str, Any]
) -> Posterior:
    """The posterior of one galaxy of many."""
    samples, statistics, derived = jax.tree.map(lambda array: array[index], outputs)
    # A compiled program gives dictionaries back in alphabetical order; tables keep the model's, as
    # the fit's do.
    return Posterior({name: samples[name] for name in names}, statistics, attributes, derived)


def _kernel(model: Model, origin: Array, whiten: Array, settings: Settings) -> HMC:
    options: dict[str, Any] = {
        "potential_fn": lambda w: -model.log_density(origin + product(whiten, w)),
        "target_accept_prob": settings.target,
        "adapt_mass_matrix": settings.adapt,
        "dense_mass": settings.adapt,
    }
    # A quarter of a period of a unit Gaussian decorrelates a draw from the last one.
    return (
        NUTS(**options)
        if settings.method == "nuts"
        else HMC(trajectory_length=float(np.pi / 2), **options)
    )


def begin(
    model: Model,
    origin: Array,
    whiten: Array,
    keys: Array,
    points: Float[Array, "chains n"],
    settings: Settings,
) -> Any:
    """The initial states of the chains."""
    kernel = _kernel(model, origin, whiten, settings)
    return _over_chains(
        lambda chain: kernel.init(chain[0], settings.warmup, chain[1], (), {}), (keys, points)
    )


def advance(
    model: Model, origin: Array, whiten: Array, states: Any, settings: Settings, count: int
) -> Any:
    """Advance every chain by `count` steps.

    The state of the kernel holds whether the warm-up is over.
    """
    kernel = _kernel(model, origin, whiten, settings)
    # The kernel is set up by its init; the state that it returns here is not used, and the compiler
    # drops it.
    kernel.init(jax.random.key(0), settings.warmup, origin * 0, (), {})

    def step(state: Any, _: None) -> Any:
        state = kernel.sample(state, (), {})
        values = model.complete(
            model.constrain(origin + product(whiten, state.z)), jax.random.fold_in(state.rng_key, 1)
        )
        statistics = {
            "diverging": state.diverging,
            "steps": state.num_steps,
            "accept": state.accept_prob,
            "energy": state.energy,
            "log_density": -state.potential_energy,
        }
        return state, (values, statistics, model.derived(values))

    return _over_chains(lambda state: jax.lax.scan(step, state, length=count), states)


def _over_chains(function: Callable, chains: Any) -> Any:
    """Map `function` over the chains.

    On a CPU one after the other, so that none waits for the trajectory of another; on other devices
    all at once.
    """
    return (
        jax.lax.map(function, chains)
        if jax.default_backend() == "cpu"
        else jax.vmap(function)(chains)
    )
