"""Priors by dotted path, and parameters tied to others."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.core import Tracer
from jaxtyping import Array

from jaxmetal.compiling import compiled_once
from jaxmetal.errors import InputError, described
from jaxmetal.galaxy import get, range_at
from jaxmetal.inference.prior_ranges import within
from jaxmetal.inference.transforms import coordinate_of
from jaxmetal.quantities import contents


@dataclasses.dataclass(frozen=True)
class Tied:
    """A parameter that follows others: `value = function(*values at the paths)`.

    Parameters
    ----------
    paths
        one dotted path, or several.
    function
        of the values at the paths; the identity for a single path if left out.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.Tied("disc.light.center_x").paths
    ('disc.light.center_x',)
    >>> both = jm.Tied(("disc.light.amp", "bulge.light.amp"), lambda disc, bulge: disc + bulge)
    >>> both.function(1.0, 2.0)
    3.0

    Raises
    ------
    InputError
        if several paths come without a function.
    """

    paths: tuple[str, ...]
    function: Callable = lambda value: value

    def __init__(self, paths: str | tuple[str, ...], function: Callable | None = None):
        path_list = (paths,) if isinstance(paths, str) else paths
        if not isinstance(path_list, tuple | list) or not all(
            isinstance(path, str) for path in path_list
        ):
            raise InputError(f"Tied: expected a dotted path, or a list of them, got {paths!r}.")
        paths = tuple(path_list)
        if function is None and len(paths) != 1:
            raise InputError(
                f"Tied: a function of {len(paths)} values is needed to tie to {len(paths)} paths."
            )
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "function", function or _same)


@dataclasses.dataclass(frozen=True)
class Linear:
    """An amplitude of light that is solved for inside the fit and marginalised over.

    Its prior is flat.

        p(data | theta) = ∫ p(data | theta, a) da

    It is solved in closed form at every step: exactly for light maps, to first order where the
    relative brightness of components changes a tracer map.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> priors = {"disc.light.amp": jm.Linear(), "bulge.light.amp": jm.Linear()}

    References
    ----------
    Warren & Dye (2003), ApJ 590, 673; Birrer, Amara & Refregier (2015), ApJ 813, 102.
    """


def _same(value: Any) -> Any:
    return value


# The order of the numbers of priors, by their structure. To sort them takes longer than all else
# that a compiled program does with its arguments.
_ORDERS: dict[Any, tuple[int, ...]] = {}


@jax.tree_util.register_pytree_node_class
class Priors(dict[str, dist.Distribution]):
    """Priors by path, in the order given, inside compiled programs too.

    numpyro lists the numbers of a distribution in the order of a set, another one in each process.
    A program with that order is not found in the compilation cache of another process, so the order
    is fixed here.
    """

    def tree_flatten(self) -> tuple[list[Any], Any]:
        priors = list(self.values())
        leaves, structure = jax.tree.flatten(priors, is_leaf=_is_none)
        if structure not in _ORDERS:
            names = [(i, *name) for i, prior in enumerate(priors) for name in _numbers(prior)]
            _ORDERS[structure] = tuple(sorted(range(len(leaves)), key=names.__getitem__))
        order = _ORDERS[structure]
        return [leaves[i] for i in order], (tuple(self), structure, order)

    @classmethod
    def tree_unflatten(cls, static: Any, leaves: Any) -> "Priors":
        names, structure, order = static
        by_path = dict(zip(order, leaves, strict=True))
        return cls(
            zip(
                names,
                jax.tree.unflatten(structure, [by_path[i] for i in sorted(by_path)]),
                strict=True,
            )
        )


def _numbers(value: Any) -> list[tuple]:
    """A name for each number of a distribution, as a pytree has them."""
    if isinstance(value, dist.Distribution):
        fields = type(value).gather_pytree_data_fields()
        return [(field, *name) for field in fields for name in _numbers(value.__dict__.get(field))]
    return [(i,) for i in range(len(jax.tree.leaves(value, is_leaf=_is_none)))]


def _is_none(value: Any) -> bool:
    """None counts, because it stands for a number where a pytree is taken apart."""
    return value is None


def checked_prior(path: str, prior: Any, scene: Mapping[str, Any]) -> dist.Distribution:
    """The prior with array parameters, the shape of its parameter, and within what that may be.

    Parameters
    ----------
    path, prior
        of the parameter.
    scene
        what the path starts from, by name, at the starting values.

    Raises
    ------
    InputError
        if it is not a distribution, has the wrong shape, gives the starting value no density, or
        the parameter a value that it may not have (see `prior_ranges`). A start on the edge of the
        support, and a scatter of 0, are allowed: a fit starts in the middle of the prior instead.
    """
    if not isinstance(prior, dist.Distribution):
        hint = "write dist.Uniform(lowest, highest) or jm.Tied('another.path')"
        raise InputError(
            f"priors[{path!r}]: expected a numpyro distribution, Tied or Linear, got "
            f"{described(prior)}; {hint}."
        )
    _check_concrete(path, prior)
    for number in jax.tree.leaves(prior):
        if (unit := contents(number).unit) is not None and str(unit):
            raise InputError(
                f"priors[{path!r}]: a distribution of quantities in {unit}; numpyro drops units, "
                "so give plain numbers in the unit "
                "of the parameter (arcsec for lengths, degrees for most angles, the unit of the "
                "map for what light carries)."
            )
    start = get(scene, path)
    prior = within(path, prior, range_at(scene, path))
    try:
        prior = prior if prior.shape() == start.shape else prior.expand(start.shape)
    except ValueError:
        raise InputError(
            f"priors[{path!r}]: shape {prior.shape()} does not fit the parameter's shape "
            f"{start.shape}."
        ) from None
    # Python numbers inside a distribution would be compiled in, once for every galaxy.
    prior = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), prior)
    unset = path.endswith(".scatter") and not np.any(np.asarray(start))
    if not unset and not _admits(Priors({"": prior}), start):
        raise InputError(
            f"priors[{path!r}]: the starting value {_short(start)} lies outside the prior's "
            f"support ({prior.support})."
        )
    return prior


def _check_concrete(path: str, prior: dist.Distribution) -> None:
    """Refuse a prior with numbers of a program that is being traced."""
    if any(isinstance(number, Tracer) for number in jax.tree.leaves(prior)):
        raise InputError(
            f"priors[{path!r}]: its numbers are not known yet, such as those that a larger program "
            "samples; make the Model outside of that program, with a prior of plain numbers, and "
            "give this prior to model.numpyro_model(priors={path: prior})."
        )


@compiled_once
def _admits(priors: Priors, value: Array) -> Array:
    """Whether a value has a density under the only prior, or lies on the edge of its support."""
    (prior,) = priors.values()
    support: Any = prior.support
    inside = support(value) & jnp.isfinite(prior.log_prob(value))
    inside = jnp.all(inside) & jnp.all(jnp.isfinite(coordinate_of(prior).line(value)))
    bounds = [getattr(support, bound, None) for bound in ("lower_bound", "upper_bound")]
    at_edge = [jnp.all(value == bound) for bound in bounds if bound is not None]
    return jnp.any(jnp.stack([inside, *at_edge]))


def check_ties(ties: Mapping[str, Tied]) -> None:
    """Ties must not lead to other ties: what a tie follows is a free or fixed parameter."""
    for path, tie in ties.items():
        for source in tie.paths:
            if source in ties:
                raise InputError(
                    f"priors[{path!r}]: tied to {source!r}, which is itself tied; tie both to the "
                    "same parameter."
                )


def _short(value: Array) -> str:
    return f"{float(value):g}" if value.shape == () else str(value.tolist())
