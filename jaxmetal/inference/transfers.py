"""The transfers of many models in one form: functions, or matrices where all have them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax

from jaxmetal.instrument.convolve import Separable, Transfer
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import Map

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model


def without(instrument: Instrument) -> Instrument:
    """The instrument without a transfer, for a PSF that changes in a fit."""
    return eqx.tree_at(lambda i: i.transfer, instrument, None, is_leaf=lambda leaf: leaf is None)


def structure(one_map: Map) -> Any:
    """What maps that differ in numbers only have in common.

    The form of the transfer is not part of it: the pixels of some may be skewed.
    """
    return jax.tree.structure(_with_transfer(one_map, None))


def of_one_transfer(models: Sequence["Model"]) -> list["Model"]:
    """Models with transfer functions where not all of them can have matrices.

    Parameters
    ----------
    models
        of a batch.
    """
    mixed = []
    for name in models[0].maps:
        same = [model.maps[name] for model in models if name in model.maps]
        separable = [isinstance(one.instrument.transfer, Separable) for one in same]
        if any(separable) and not all(separable):
            mixed.append(name)

    def ready(model: "Model") -> "Model":
        maps = dict(model.maps)
        for name in set(mixed) & set(maps):
            functions = maps[name].instrument.with_transfer(separable=False)
            maps[name] = _with_transfer(maps[name], functions.transfer)
        return eqx.tree_at(lambda model: model.maps, model, maps)

    return [ready(model) for model in models] if mixed else list(models)


def _with_transfer(one_map: Map, transfer: Transfer) -> Map:
    return eqx.tree_at(
        lambda m: m.instrument.transfer, one_map, transfer, is_leaf=lambda leaf: leaf is None
    )
