"""Priors by dotted path, and parameters tied to others."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array
from numpyro.distributions.transforms import biject_to

from jaxmetal.errors import InputError


@dataclasses.dataclass(frozen=True)
class Tied:
    """A parameter that follows others: value = function(*values at the paths).

    Parameters
    ----------
    paths
        one dotted path, or several.
    function
        of the values at the paths; the identity for a single path if left out.

    Examples
    --------
    >>> Tied("disc.light.center_x")
    >>> Tied(("disc.light.amp", "bulge.light.amp"), lambda disc, bulge: disc + bulge)

    Raises
    ------
    InputError
        if several paths come without a function.
    """

    paths: tuple[str, ...]
    function: Callable = lambda value: value

    def __init__(self, paths: str | tuple[str, ...], function: Callable | None = None):
        paths = (paths,) if isinstance(paths, str) else tuple(paths)
        if not all(isinstance(path, str) for path in paths):
            raise InputError(f"Tied: expected dotted paths, got {paths!r}.")
        if function is None and len(paths) != 1:
            raise InputError(f"Tied: a function of {len(paths)} values is needed to tie to {len(paths)} paths.")
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "function", function or _same)


@dataclasses.dataclass(frozen=True)
class Linear:
    """An amplitude of light that is solved for inside the fit, and marginalised over, with a flat prior.

        p(data | theta) = ∫ p(data | theta, a) da

    It is solved in closed form at every step: exactly for light maps, to first order where the relative brightness of
    components changes a tracer map.

    Examples
    --------
    >>> priors = {"disc.light.amp": Linear(), "bulge.light.amp": Linear()}

    References
    ----------
    Warren & Dye (2003), ApJ 590, 673; Birrer, Amara & Refregier (2015), ApJ 813, 102.
    """


def _same(value: Array) -> Array:
    return value


def checked_prior(path: str, prior: Any, start: Array) -> dist.Distribution:
    """The prior with array parameters and the shape of the value it is for.

    Raises
    ------
    InputError
        if it is not a distribution, has the wrong shape, or gives the starting value no density.
    """
    if not isinstance(prior, dist.Distribution):
        raise InputError(f"priors[{path!r}]: expected a numpyro distribution, Tied or Linear, got {type(prior).__name__}.")
    try:
        prior = prior if prior.shape() == start.shape else prior.expand(start.shape)
    except ValueError:
        raise InputError(f"priors[{path!r}]: shape {prior.shape()} does not fit the parameter's shape {start.shape}.") from None
    # Python numbers inside a distribution would be compiled in, once for every galaxy.
    prior = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), prior)
    density = prior.log_prob(start)
    inside = jnp.all(prior.support(start)) & jnp.all(jnp.isfinite(density))
    transform = biject_to(prior.support)
    if not (inside and jnp.all(jnp.isfinite(transform.inv(start)))):
        raise InputError(f"priors[{path!r}]: the starting value {_short(start)} lies outside the prior's support ({prior.support}).")
    return prior


def check_ties(ties: Mapping[str, Tied]) -> None:
    """Ties must not lead to other ties: what a tie follows is a free or fixed parameter."""
    for path, tie in ties.items():
        for source in tie.paths:
            if source in ties:
                raise InputError(f"priors[{path!r}]: tied to {source!r}, which is itself tied; tie both to the same parameter.")


def _short(value: Array) -> str:
    return f"{float(value):g}" if value.shape == () else str(value.tolist())
