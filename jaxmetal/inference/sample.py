"""The posterior by NumPyro's NUTS or HMC, started and scaled by the fit."""

import sys
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpyro.infer import HMC, NUTS

import jaxmetal
from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import optimise
from jaxmetal.inference.results import Fit, Posterior

METHODS = ("nuts", "hmc")
# How many pieces the chains are run in, so that a bar can move between them.
PIECES = 10


class Settings(NamedTuple):
    """What of a sampling is compiled in."""

    method: str
    warmup: int
    target: float
    adapt: bool


def sample(
    model: Model, start: Fit | None = None, seed: int = 0, *, method: str = "nuts", chains: int = 4, warmup: int = 300, draws: int = 500,
    target_accept: float = 0.8, adapt_metric: bool = False, progress: bool | None = None,
) -> Posterior:  # fmt: skip
    """Draws from the posterior by Hamiltonian Monte Carlo.

        theta ~ p(theta | data) ∝ p(data | theta) p(theta)

    The chains run in coordinates whitened by the fit's covariance (the same as a dense mass matrix), from points drawn
    from the Laplace approximation.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    start
        the fit to start from; `optimise(model)` if left out.
    seed
        of all random numbers.
    method
        "nuts", or "hmc" with trajectories of fixed length.
    chains, warmup, draws
        how many chains, steps to find the step size, and draws kept of each.
    target_accept
        acceptance that the step size is tuned for.
    adapt_metric
        whether the mass matrix is learned again during the warm-up; for posteriors far from Gaussian, with a longer
        warm-up.
    progress
        whether to show a bar; only on a terminal if left out.

    Returns
    -------
    posterior
        samples, and `summary()` with effective samples and R-hat.

    Raises
    ------
    InputError
        for numbers that make no sense, or a start without a covariance.

    References
    ----------
    Hoffman & Gelman (2014), JMLR 15, 1593; Phan, Pradhan & Jankowiak (2019), arXiv:1912.11554.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS, "sample")
    if min(chains, warmup, draws) < 1:
        raise InputError(f"sample: chains, warmup and draws must be at least 1, got {chains}, {warmup}, {draws}.")
    start = optimise(model, seed=seed) if start is None else start
    if not np.all(np.isfinite(start.unconstrained_covariance)):
        raise InputError(f"sample: the fit to start from has no covariance ({start.message}).")
    origin = jnp.asarray(start.unconstrained)
    whiten = jnp.asarray(np.linalg.cholesky(start.unconstrained_covariance), origin.dtype)
    settings = Settings(method, warmup, target_accept, adapt_metric)
    scatter_key, chain_key = jax.random.split(jax.random.key(seed))
    points = jax.random.normal(scatter_key, (chains, len(origin)), origin.dtype)
    states = _begin(model, origin, whiten, jax.random.split(chain_key, chains), points, settings)
    kept: list[Any] = []
    with _bar(warmup + draws, progress) as bar:
        for stage, total in (("warm-up", warmup), ("sampling", draws)):
            bar.set_description(stage)
            piece = -(-total // PIECES)
            for _ in range(-(-total // piece)):
                states, out = _advance(model, origin, whiten, states, settings, piece)
                kept.append(jax.device_get(out) if stage == "sampling" else None)
                bar.update(piece)
    joined = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1)[:, :draws], *(k for k in kept if k is not None))
    samples, statistics, derived = joined
    # A compiled program gives dictionaries back in alphabetical order; tables keep the model's, as the fit's do.
    samples = {name: samples[name] for name in model.names}
    attributes = {"method": method, "seed": seed, "warmup": warmup, "created_by": f"jaxmetal {jaxmetal.__version__}"}
    return Posterior(samples, statistics, attributes, derived)


def _kernel(model: Model, origin: Array, whiten: Array, settings: Settings) -> HMC:
    options: dict[str, Any] = {
        "potential_fn": lambda w: -model.log_density(origin + whiten @ w),
        "target_accept_prob": settings.target,
        "adapt_mass_matrix": settings.adapt,
        "dense_mass": settings.adapt,
    }
    # A quarter of a period of a unit Gaussian decorrelates a draw from the last one.
    return NUTS(**options) if settings.method == "nuts" else HMC(trajectory_length=float(np.pi / 2), **options)


@eqx.filter_jit
def _begin(model: Model, origin: Array, whiten: Array, keys: Array, points: Float[Array, "chains n"], settings: Settings) -> Any:
    kernel = _kernel(model, origin, whiten, settings)
    return jax.vmap(lambda key, point: kernel.init(key, settings.warmup, point, (), {}))(keys, points)


@eqx.filter_jit
def _advance(model: Model, origin: Array, whiten: Array, states: Any, settings: Settings, count: int) -> Any:
    """Every chain some steps further; the kernel itself knows from its state when the warm-up is over."""
    kernel = _kernel(model, origin, whiten, settings)
    # The kernel is set up by its init; the state that comes of it here is not used and costs nothing.
    kernel.init(jax.random.key(0), settings.warmup, origin * 0, (), {})

    def step(state: Any, _: None) -> Any:
        state = kernel.sample(state, (), {})
        values = model.constrain(origin + whiten @ state.z)
        statistics = {
            "diverging": state.diverging,
            "steps": state.num_steps,
            "accept": state.accept_prob,
            "log_density": -state.potential_energy,
        }
        return state, (values, statistics, model.derived(values))

    return jax.vmap(lambda state: jax.lax.scan(step, state, length=count))(states)


def _bar(total: int, progress: bool | None) -> Any:
    from tqdm.auto import tqdm

    shown = sys.stderr.isatty() if progress is None else progress
    return tqdm(total=total, disable=not shown, leave=False)
