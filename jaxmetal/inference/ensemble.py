"""Models that differ in one profile, such as a lens, and the mixture of their posteriors."""

import warnings
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

import jaxmetal
from jaxmetal.errors import InputError, InputWarning
from jaxmetal.forward import check_coverage
from jaxmetal.galaxy import get, put
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior, trusted
from jaxmetal.inference.proposals import resample
from jaxmetal.inference.stack import Batch
from jaxmetal.profiles.profile import Profile


def ensemble(model: Model, path: str, members: Sequence[Profile]) -> Batch:
    """The same model with each of several profiles in one place.

    For instance the deflection maps that a lens team drew from its posterior.

    Parameters
    ----------
    model
        with any of them in place; how it samples its instruments holds for all.
    path
        of the profile, such as "lens.cluster".
    members
        profiles of one kind that differ in numbers only, such as maps of one shape from
        `read_deflection`.

    Returns
    -------
    models
        for `optimise_batch` and `sample_batch`; `mixture` makes one posterior of theirs.

    Raises
    ------
    InputError
        without a member, for a path that is no profile's, a member of another kind or shape, or a
        deflection map that does not cover the frames.

    Examples
    --------
    >>> lenses = [jm.read_deflection(*pair) for pair in files]  # doctest: +SKIP
    >>> models = jm.ensemble(model, "lens.cluster", lenses)  # doctest: +SKIP
    >>> fits = jm.optimise_batch(models)  # doctest: +SKIP
    >>> posteriors = jm.sample_batch(models, fits, method="importance")  # doctest: +SKIP
    >>> posterior = jm.mixture(posteriors)  # doctest: +SKIP
    """
    old = get(model.galaxy, path)
    if not isinstance(old, Profile):
        raise InputError(
            f"ensemble: expected the path of a profile, such as 'lens.cluster', got {path!r}."
        )
    if not members:
        raise InputError("ensemble: at least one member is needed.")
    models = []
    for i, member in enumerate(members):
        if _kind(member) != _kind(old):
            raise InputError(
                f"ensemble: members[{i}] differs from the model's {path} in more than numbers: "
                "function, options or shapes."
            )
        galaxy = put(model.galaxy, path, member)
        check_coverage(galaxy, model.maps)
        models.append(eqx.tree_at(lambda model: model.galaxy, model, galaxy))
    return Batch(models)


def _kind(profile: Any) -> Any:
    """The static part of a profile."""
    return jax.tree.structure(profile), [np.shape(leaf) for leaf in jax.tree.leaves(profile)]


def mixture(
    posteriors: Sequence[Posterior], log_weights: Sequence[float] | None = None, seed: int = 0
) -> Posterior:
    """The mixture of several posteriors, weighted by the evidence of their models.

    It marginalises over the models.

        p(theta | data) = Σ_k w_k p(theta | data, k),   w_k ∝ p(k) Z_k,

        Z_k = ∫ p(data | theta, k) p(theta) d theta

    Parameters
    ----------
    posteriors
        of the same data and the same priors, such as those of an `ensemble`.
    log_weights
        ln w_k up to a constant. If left out, ln Z_k from importance sampling: all models are
        equally probable before the data, as draws from the posterior of a lens team are.
        `[fit.log_evidence for fit in fits]` serves for chains; zeros leave the data out.
    seed
        of the random choice of draws.

    Returns
    -------
    posterior
        with as many draws as the first. Its statistics have the "member" that each draw is from,
        its attributes the "weights", and "log_evidence", the logarithm of the mean of Z_k, if they
        were used.

    Raises
    ------
    InputError
        for posteriors of different parameters, weights that do not match, or without weights where
        a posterior has no evidence.

    Warns
    -----
    InputWarning
        if a posterior that takes part is not converged.

    References
    ----------
    Hoeting, Madigan, Raftery & Volinsky (1999), Stat. Sci. 14, 382.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> posterior = jm.sample(model, jm.optimise(model), draws=200, seed=1)
    >>> both = jm.mixture([posterior, posterior])
    >>> both.attributes["weights"]
    array([0.5, 0.5])
    """
    _check_alike(posteriors)
    logs = np.asarray(_evidences(posteriors) if log_weights is None else log_weights, float)
    if logs.shape != (len(posteriors),) or not np.all(logs < np.inf) or not np.isfinite(logs.max()):
        raise InputError(
            f"mixture: expected a finite logarithm for each of the {len(posteriors)} posteriors, "
            f"got {log_weights!r}."
        )
    weights = np.exp(logs - logs.max())
    attributes: dict[str, Any] = (
        {"log_evidence": float(logs.max() + np.log(weights.mean()))} if log_weights is None else {}
    )
    weights /= weights.sum()
    shape, rng = _shape(posteriors[0]), np.random.default_rng(seed)
    member = resample(weights, int(np.prod(shape)), rng)
    sizes = [int(np.prod(_shape(p))) for p in posteriors]
    indices, shares = _picked(member, sizes, rng)

    def mixed(arrays: Sequence[np.ndarray]) -> np.ndarray:
        flat = np.concatenate([np.reshape(a, (-1, *np.shape(a)[2:])) for a in arrays])[indices]
        return flat.reshape(*shape, *flat.shape[1:])

    def joined(part: str, names: Sequence[str]) -> dict[str, np.ndarray]:
        return {name: mixed([getattr(p, part)[name] for p in posteriors]) for name in names}

    attributes |= {
        "method": "mixture",
        "seed": seed,
        "created_by": f"jaxmetal {jaxmetal.__version__}",
        "weights": weights,
        "units": posteriors[0].attributes.get("units", {}),
    }
    attributes |= _trust(posteriors, shares / np.asarray(sizes))
    statistics = joined("statistics", ("diverging", "log_density"))
    statistics["member"] = member.reshape(shape)
    samples = joined("samples", list(posteriors[0].samples))
    derived = joined("derived", list(posteriors[0].derived))
    return Posterior(samples, statistics, attributes, derived)


def _picked(
    member: np.ndarray, sizes: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of draws among those of all posteriors in a row, and how many are from each."""
    shares = np.bincount(member, minlength=len(sizes))
    indices = np.empty(len(member), int)
    for k in np.flatnonzero(shares).tolist():
        indices[member == k] = sum(sizes[:k]) + np.resize(rng.permutation(sizes[k]), shares[k])
    return indices, shares


def _shape(posterior: Posterior) -> tuple[int, ...]:
    return posterior.statistics["diverging"].shape


def _check_alike(posteriors: Sequence[Posterior]) -> None:
    if not posteriors:
        raise InputError("mixture: at least one posterior is needed.")
    kinds = [
        {name: values.shape[2:] for name, values in {**p.samples, **p.derived}.items()}
        for p in posteriors
    ]
    for k, kind in enumerate(kinds):
        if kind != kinds[0]:
            raise InputError(
                f"mixture: posteriors[{k}] has other parameters than posteriors[0]: "
                f"{', '.join(kind)}."
            )


def _evidences(posteriors: Sequence[Posterior]) -> list[float]:
    """ln Z of each, from its importance weights."""
    for k, posterior in enumerate(posteriors):
        if "log_evidence" not in posterior.attributes or not trusted(posterior):
            raise InputError(
                f"mixture: posteriors[{k}] ({posterior.attributes.get('method')}) has no evidence "
                'that can be trusted; draw it with method="importance", or give log_weights, '
                "such as [fit.log_evidence for fit in fits]."
            )
    return [posterior.attributes["log_evidence"] for posterior in posteriors]


def _trust(posteriors: Sequence[Posterior], parts: np.ndarray) -> dict[str, float]:
    """Effective samples and k-hat of a mixture that takes these parts of the draws of each."""
    effective, worst = 0.0, -np.inf
    for k in np.flatnonzero(parts).tolist():
        attributes = posteriors[k].attributes
        if not posteriors[k].converged:
            warnings.warn(
                f"mixture: posteriors[{k}]: {posteriors[k].message}.", InputWarning, stacklevel=3
            )
        samples = attributes.get("effective_samples")
        if samples is None:
            samples = min(row["ess"] for row in posteriors[k].summary().values())
        effective += min(parts[k], 1.0) * samples
        worst = max(worst, attributes.get("k_hat", -np.inf))
    return {"effective_samples": float(effective), "k_hat": float(worst)}
