"""Draws from the posterior: importance sampling around the fit, or NumPyro's NUTS or HMC."""

import logging
from collections.abc import Sequence

import jax
import numpy as np

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.inference.chains import Program, Settings, advance, begin, run_chains
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.importance import draw_one
from jaxmetal.inference.model import Model
from jaxmetal.inference.modes import joined
from jaxmetal.inference.optimise import optimise
from jaxmetal.inference.posterior import Posterior, trusted
from jaxmetal.inference.progress import bar
from jaxmetal.inference.resampling import sampled_as
from jaxmetal.inference.sandwich import spread

log = logging.getLogger("jaxmetal")

# Methods that run Markov chains.
CHAINS = ("nuts", "hmc")
METHODS = ("nuts", "hmc", "importance", "auto")


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
    posterior is close to the Laplace approximation, which the k-hat of the weights measures.

    Where the fit has other maxima, importance sampling draws around each, and the weights tell how
    probable each mode is; chains run in each, and are joined by these odds.

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
        whether the mass matrix is adapted again during the warm-up; for posteriors far from
        Gaussian, with a longer warm-up.
    allow_unconverged
        whether to sample from a start that has not converged all the same: chains that start away
        from a maximum, with an unsuitable metric, may take very long and not converge.
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
        for invalid numbers, or a start that has not converged or has no covariance.

    References
    ----------
    Hoffman & Gelman (2014), JMLR 15, 1593; Phan, Pradhan & Jankowiak (2019), arXiv:1912.11554;
    Vehtari et al. (2024), JMLR 25, 72.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> posterior = jm.sample(model, jm.optimise(model), draws=200, seed=1)
    >>> posterior.samples["disc.metallicity.gradient"].shape
    (4, 200)
    """
    check_type(model, Model, "sample: model", MODEL_HINT)
    if start is not None:
        check_type(start, Fit, "sample: start", "write sample(model, optimise(model))")
    settings = settings_for(method, chains, warmup, draws, target_accept, adapt_metric)
    start = optimise(model, seed=seed, progress=progress) if start is None else start
    model = sampled_as(model, start.maps).with_fields_at(start.galaxy, start.maps)
    if cause := not_to_be_sampled(start, allow_unconverged):
        raise InputError(f"sample: {cause}. Of the fit: {start.message}.")
    untrusted: list[Posterior] = []
    if method not in CHAINS or start.others:
        with bar(None, progress, f"importance sampling, {chains * draws} draws"):
            importance = draw_one(model, start, jax.random.key(seed), seed, chains, draws)
        if method == "importance" or (method == "auto" and trusted(importance)):
            log.info("sample: importance sampling, k-hat %.2f", importance.attributes["k_hat"])
            return finished(importance, model, start)
        untrusted = [importance]
    if method == "auto":
        settings = fallback(settings, "nuts", untrusted)
    posteriors = _chains_of_modes(model, start, settings, seed, (chains, draws), progress)
    posterior = posteriors[0]
    if start.others:
        posterior = joined(posteriors, untrusted[0].attributes["odds"], seed)
    posterior = in_place_of(untrusted[0], posterior) if method == "auto" else posterior
    return finished(posterior, model, start)


def finished(posterior: Posterior, model: Model, fit: Fit) -> Posterior:
    """A posterior spread for correlated errors, with what its draws cannot see of the fit.

    Parameters
    ----------
    posterior, model, fit
        the draws, the model, and the fit that they started from.
    """
    if not fit.converged:
        posterior.attributes["start"] = fit.message
    if fit.caveats:
        posterior.attributes["caveats"] = "; ".join(fit.caveats)
    return spread(posterior, model, fit)


def _chains_of_modes(
    model: Model,
    start: Fit,
    settings: Settings,
    seed: int,
    size: tuple[int, int],
    progress: bool | None,
) -> list[Posterior]:
    """The posterior of the chains around each mode of a fit; size is (chains, draws) of each."""
    (chains, draws), key = size, jax.random.key(seed)
    keys = jax.random.split(key, len(start.modes)) if start.others else key[None]
    text = f"sampling ({settings.method.upper()}, {chains} chains)"
    steps = len(start.modes) * chains * (settings.warmup + draws)
    with bar(steps, progress, text, "steps") as display:
        return [
            run_chains(
                _PROGRAM, model, [mode], key[None], chains, draws, settings, seed, display.update
            )[0]
            for mode, key in zip(start.modes, keys, strict=True)
        ]


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
        return (
            "the fit to start from has no covariance; parameters that the data do not constrain "
            "need narrower priors or fixed values"
        )
    if fit.converged or allow_unconverged:
        return ""
    return (
        "the fit to start from has not converged; starting values nearer to the data, more starts "
        "or steps, or fewer free parameters may help; allow_unconverged samples it all the same"
    )


def fallback(settings: Settings, method: str, posteriors: Sequence[Posterior]) -> Settings:
    """The settings of the chains that follow importance samplings that cannot be trusted."""
    worst = max(posterior.attributes["k_hat"] for posterior in posteriors)
    log.info(
        "sample: k-hat %.2f is too large for importance sampling (%d); %s instead",
        worst,
        len(posteriors),
        method.upper(),
    )
    return settings._replace(method=method)


def in_place_of(untrusted: Posterior, posterior: Posterior) -> Posterior:
    """The chains that replace an importance sampling, with its k-hat as an attribute."""
    posterior.attributes["refused_k_hat"] = untrusted.attributes["k_hat"]
    return posterior


def settings_for(
    method: str, chains: int, warmup: int, draws: int, target: float, adapt: bool = False
) -> Settings:
    """The settings, checked."""
    if method not in METHODS:
        raise unknown("method", method, METHODS, "sample")
    if min(chains, warmup, draws) < 1:
        raise InputError(
            f"sample: chains, warmup and draws must be at least 1, got {chains}, {warmup}, {draws}."
        )
    return Settings(method, warmup, target, adapt)


_PROGRAM = Program(compiled_once(begin), compiled(advance), draws_axis=1)
