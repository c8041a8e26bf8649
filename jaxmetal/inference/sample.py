"""The posterior by NumPyro's NUTS or HMC, started and scaled by the fit, or by importance sampling around the fit."""

import logging
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpyro.infer import HMC, NUTS

import jaxmetal
from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.importance import draw_one
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import optimise
from jaxmetal.inference.posterior import Posterior, trusted
from jaxmetal.inference.progress import bar
from jaxmetal.profiles.numerics import product
from jaxmetal.threads import side_by_side

log = logging.getLogger("jaxmetal")

CHAINS, METHODS = ("nuts", "hmc"), ("nuts", "hmc", "importance", "auto")
# How many pieces the chains are run in, so that a bar can move between them.
PIECES = 10


class Settings(NamedTuple):
    """What of a sampling is compiled in."""

    method: str
    warmup: int
    target: float
    adapt: bool


def sample(
    model: Model,
    start: Fit | None = None,
    seed: int = 0,
    *,
    method: str = "auto",
    chains: int = 4,
    warmup: int = 300,
    draws: int = 500,
    target_accept: float = 0.8,
    adapt_metric: bool = False,
    allow_unconverged: bool = False,
    progress: bool | None = None,
) -> Posterior:
    """Draws from the posterior.

        theta ~ p(theta | data) ∝ p(data | theta) p(theta)

    Chains run in coordinates whitened by the fit's covariance (the same as a dense mass matrix),
    from points drawn from the Laplace approximation. Importance sampling draws from a Student-t
    around the fit, weights the draws by w = p / q with the largest weights Pareto-smoothed, and
    draws again from them by weight: independent draws in a fraction of the time, as long as the
    posterior is not far from what the fit says. The k-hat of the weights tells.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    start
        the fit to start from; `optimise(model)` if left out.
    seed
        of all random numbers.
    method
        "auto": importance sampling where its k-hat is below 0.7, NUTS otherwise; or one of
        "importance", "nuts" and "hmc" (trajectories of fixed length) by name.
        `posterior.attributes` says which it was, and k-hat.
    chains, warmup, draws
        how many chains, steps to find the step size, and draws kept of each; importance sampling
        draws chains × draws.
    target_accept
        acceptance that the step size is tuned for.
    adapt_metric
        whether the mass matrix is learned again during the warm-up; for posteriors far from
        Gaussian, with a longer warm-up.
    allow_unconverged
        whether to sample from a start that has not converged all the same: chains that set out from
        no maximum, scaled by errors that mean little, may take very long and end anywhere.
    progress
        whether to show how far it is; if left out, a bar on a terminal or in a notebook, and a line
        every half minute in a log.

    Returns
    -------
    posterior
        samples, and `summary()` with effective samples and R-hat.

    Raises
    ------
    InputError
        for numbers that make no sense, or a start that has not converged or has no covariance.

    References ---------- Hoffman & Gelman (2014), JMLR 15, 1593; Phan, Pradhan & Jankowiak (2019),
    arXiv:1912.11554; Vehtari et al. (2024), JMLR 25, 72.
    """
    check_type(model, Model, "sample: model", MODEL_HINT)
    if start is not None:
        check_type(start, Fit, "sample: start", "write sample(model, optimise(model))")
    settings = settings_for(method, chains, warmup, draws, target_accept, adapt_metric)
    start = optimise(model, seed=seed, progress=progress) if start is None else start
    if why := not_to_be_sampled(start, allow_unconverged):
        raise InputError(f"sample: {why}. Of the fit: {start.message}.")
    refused: list[Posterior] = []
    if method not in CHAINS:
        with bar(None, progress, f"importance sampling, {chains * draws} draws"):
            weighted = draw_one(model, start, jax.random.key(seed), seed, chains, draws)
        if method == "importance" or trusted(weighted):
            log.info("sample: importance sampling, k-hat %.2f", weighted.attributes["k_hat"])
            return weighted
        refused, settings = [weighted], fallback(settings, "nuts", [weighted])
    with bar(
        chains * (warmup + draws),
        progress,
        f"sampling ({settings.method.upper()}, {chains} chains)",
        "steps",
    ) as shown:
        drawn = run_chains(
            _PROGRAM,
            model,
            [start],
            jax.random.key(seed)[None],
            chains,
            draws,
            settings,
            seed,
            shown.update,
        )[0]
    return in_place_of(refused[0], drawn) if refused else drawn


def not_to_be_sampled(fit: Fit, allow_unconverged: bool = False) -> str:
    """Why no posterior can be drawn from around a fit, and what must change; empty if it can.

    Parameters
    ----------
    fit
        to start from.
    allow_unconverged
        whether a fit that did not converge will do, as long as it has a covariance.
    """
    if not np.all(np.isfinite(fit.unconstrained_covariance)):
        return "the fit to start from has no covariance; parameters that the data do not constrain need narrower priors or fixed values"
    if fit.converged or allow_unconverged:
        return ""
    return (
        "the fit to start from has not converged; starting values nearer to the data, more starts or steps, or fewer free parameters "
        "may help; allow_unconverged samples it all the same"
    )


def fallback(settings: Settings, method: str, refused: Sequence[Posterior]) -> Settings:
    """The settings of the chains that follow importance samplings that cannot be trusted."""
    worst = max(posterior.attributes["k_hat"] for posterior in refused)
    log.info(
        "sample: k-hat %.2f is too large for importance sampling (%d); %s instead",
        worst,
        len(refused),
        method.upper(),
    )
    return settings._replace(method=method)


def in_place_of(refused: Posterior, drawn: Posterior) -> Posterior:
    """The chains that took over, with a word on why."""
    drawn.attributes["refused_k_hat"] = refused.attributes["k_hat"]
    return drawn


class Program(NamedTuple):
    """The two compiled parts of a sampling: for one galaxy, or mapped over many."""

    begin: Callable
    advance: Callable
    draws_axis: int


def settings_for(
    method: str, chains: int, warmup: int, draws: int, target: float, adapt: bool = False
) -> Settings:
    """The settings, once it is clear that they make sense."""
    if method not in METHODS:
        raise unknown("method", method, METHODS, "sample")
    if min(chains, warmup, draws) < 1:
        raise InputError(
            f"sample: chains, warmup and draws must be at least 1, got {chains}, {warmup}, {draws}."
        )
    return Settings(method, warmup, target, adapt)


def run_chains(
    program: Program,
    model: Model,
    starts: Sequence[Fit],
    keys: Array,
    chains: int,
    draws: int,
    settings: Settings,
    seed: int,
    moved: Callable[[int], Any],
) -> list[Posterior]:
    """Run the chains of one galaxy or of many, piece by piece.

    Of each piece `moved` is told how many steps it was, counted over all chains and galaxies;
    threads tell it side by side.
    """
    origin = jnp.asarray(np.stack([fit.unconstrained for fit in starts]))
    whiten = jnp.asarray(
        np.linalg.cholesky(np.stack([fit.unconstrained_covariance for fit in starts])), origin.dtype
    )
    scatter, chain = jnp.swapaxes(jax.vmap(lambda key: jax.random.split(key, 2))(keys), 0, 1)
    points = jax.vmap(lambda key: jax.random.normal(key, (chains, origin.shape[1]), origin.dtype))(
        scatter
    )
    chain_keys = jax.vmap(lambda key: jax.random.split(key, chains))(chain)
    alone = program.draws_axis == 1
    each = tuple(part[0] if alone else part for part in (origin, whiten))
    # A processor has a core for each chain; other devices take all at once.
    groups = (
        [slice(i, i + 1) for i in range(chains)]
        if alone and jax.default_backend() == "cpu"
        else [slice(None)]
    )
    # Pieces of one length, whether they warm up or draw, are one compiled program.
    steps, stopped = range(settings.warmup, settings.warmup + draws), Event()
    piece = -(-steps.stop // PIECES)

    def run(some: slice) -> Any:
        states = program.begin(
            model,
            *each,
            *(part[0][some] if alone else part for part in (chain_keys, points)),
            settings,
        )
        kept: list[Any] = []
        while len(kept) * piece < steps.stop and not stopped.is_set():
            states, out = program.advance(model, *each, states, settings, piece)
            kept.append(jax.device_get(out))
            moved(
                min(piece, steps.stop - (len(kept) - 1) * piece)
                * len(range(chains)[some])
                * len(starts)
            )
        return jax.tree.map(
            lambda *parts: np.concatenate(parts, program.draws_axis).take(
                steps, program.draws_axis
            ),
            *kept,
        )

    try:
        drawn = side_by_side(run, groups)
    finally:
        stopped.set()
    tree = jax.tree.map(lambda *parts: np.concatenate(parts)[None] if alone else parts[0], *drawn)
    attributes = {
        "method": settings.method,
        "seed": seed,
        "warmup": settings.warmup,
        "created_by": f"jaxmetal {jaxmetal.__version__}",
    }
    return [
        _posterior(model.free, jax.tree.map(lambda a, i=i: a[i], tree), dict(attributes))
        for i in range(len(starts))
    ]


def _posterior(names: Sequence[str], drawn: Any, attributes: dict[str, Any]) -> Posterior:
    samples, statistics, derived = drawn
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
    """The states from which the chains set out."""
    kernel = _kernel(model, origin, whiten, settings)
    return _over_chains(
        lambda chain: kernel.init(chain[0], settings.warmup, chain[1], (), {}), (keys, points)
    )


def advance(
    model: Model, origin: Array, whiten: Array, states: Any, settings: Settings, count: int
) -> Any:
    """Every chain some steps further; the kernel itself knows from its state when the warm-up is over."""
    kernel = _kernel(model, origin, whiten, settings)
    # The kernel is set up by its init; the state that comes of it here is not used and costs
    # nothing.
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
    """`function` of every chain: on a processor in turns, so that none waits for another one's trajectory, else all at once."""
    return (
        jax.lax.map(function, chains)
        if jax.default_backend() == "cpu"
        else jax.vmap(function)(chains)
    )


_PROGRAM = Program(compiled_once(begin), compiled(advance), draws_axis=1)
