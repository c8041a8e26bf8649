"""How the errors of a model's maps enter: correlated, or independent and corrected afterwards."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import equinox as eqx

from jaxmetal.errors import InputError, unknown
from jaxmetal.maps import Map
from jaxmetal.maps.covariance import prepared
from jaxmetal.maps.noise import Factor, Independent, Modes
from jaxmetal.maps.vecchia import Vecchia

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model

FULL, SANDWICH = "full", "sandwich"


def check_errors(errors: str) -> str:
    """The word, if it is one of the two."""
    if errors not in (FULL, SANDWICH):
        raise unknown("errors", str(errors), (FULL, SANDWICH), "Model")
    return errors


def check_linear_errors(errors: str, linear: tuple[str, ...]) -> None:
    """Refuse Linear amplitudes, whose covariance has a closed form for independent errors alone.

    Raises
    ------
    InputError
        naming the first.
    """
    if errors == SANDWICH and linear:
        raise InputError(
            f'priors[{linear[0]!r}]: Linear does not go with errors="sandwich"; give it a prior.'
        )


def with_noise(
    maps: Mapping[str, Map],
    free: Collection[str],
    errors: str,
    like: Mapping[str, Map] | None = None,
) -> dict[str, Map]:
    """The maps with their errors in the form that goes with what is free.

    Parameters
    ----------
    maps
        by name.
    free
        the paths of all free parameters.
    errors
        "full" or "sandwich".
    like
        maps that were made ready for the same fit: their matrices are taken where they would be the
        same.

    Raises
    ------
    InputError
        for a correlation that is free although it does not enter.
    """
    ready = {}
    for name, one_map in maps.items():
        own = {path.partition(".")[2] for path in free if path.startswith(f"{name}.")}
        if errors == SANDWICH:
            _check_enters(name, own)
            noise = Independent()
        else:
            other = None if like is None else like[name]
            if other is not None and _has_same_matrix(one_map, other):
                noise = other.noise
            else:
                noise = prepared(one_map, own, name)
        ready[name] = one_map.with_noise(noise)
    return ready


def _check_enters(name: str, free: Collection[str]) -> None:
    """Refuse a free correlation of a map whose likelihood has none."""
    for path in free:
        if path.startswith("correlation."):
            raise InputError(
                f"priors['{name}.{path}']: a correlation cannot be free with "
                'errors="sandwich", where it does not enter the likelihood.'
            )


def _has_same_matrix(one_map: Map, other: Map) -> bool:
    """Whether what was prepared for one map serves another; R does not depend on the errors."""
    if not isinstance(other.noise, Factor | Modes | Vecchia):
        return False
    pairs = [(m.valid, m.correlation, m.instrument.grid.matrix) for m in (one_map, other)]
    same = bool(eqx.tree_equal(*pairs))
    return same and (
        not isinstance(other.noise, Modes) or bool(eqx.tree_equal(one_map.sigma, other.sigma))
    )


def of_one_size(models: Sequence["Model"]) -> list["Model"]:
    """Models whose maps have errors of one size, although other pixels are masked in them."""
    counts: dict[str, tuple[int, ...]] = {}
    for model in models:
        for name, one_map in model.maps.items():
            own = one_map.noise.counts
            counts[name] = tuple(map(max, counts.get(name, own), own))
    if all(m.noise.counts == counts[name] for model in models for name, m in model.maps.items()):
        return list(models)

    def filled(name: str, one_map: Map) -> Map:
        if one_map.noise.counts == counts[name]:
            return one_map
        return one_map.with_noise(one_map.noise.filled(counts[name], one_map.values.size))

    def ready(model: "Model") -> "Model":
        maps = {name: filled(name, one_map) for name, one_map in model.maps.items()}
        return eqx.tree_at(lambda model: model.maps, model, maps)

    return [ready(model) for model in models]
