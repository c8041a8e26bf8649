"""The maps of a model made ready: shared instruments, and their samplings chosen."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import equinox as eqx

from jaxmetal.errors import InputError
from jaxmetal.forward import check_coverage
from jaxmetal.forward.criterion import Criterion
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference import instruments
from jaxmetal.inference.checks import check_scene
from jaxmetal.maps import Map

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model


def prepared(
    galaxy: Galaxy, maps: Mapping[str, Map], criterion: Criterion, paths: Sequence[str]
) -> tuple[dict[str, Map], tuple[instruments.Groups, ...]]:
    """The maps of a model with their samplings chosen, and which are computed together.

    Parameters
    ----------
    galaxy, maps
        where a fit starts.
    criterion
        when an automatic sampling is fine enough.
    paths
        of all parameters that a fit changes.

    Returns
    -------
    maps
        by name.
    groups
        names of the maps on each set of cells, of each instrument on it.
    """
    free = {path.split(".")[0] for path in paths if ".instrument." in path}
    moving = {
        path.split(".")[0]
        for path in paths
        if re.search(r"\.instrument\.grid|\.calibration\.shift", path)
    }
    # A shift moves the pixels of its map alone.
    alone = free | moving
    together = instruments.shared(maps, alone)
    # By the instruments as they were given, before some of them are copied.
    pixels = instruments.pixels_of(maps, together, moving)
    apart = instruments.set_apart(maps, alone)
    ready = instruments.make_ready(
        galaxy, apart, criterion, together, pixels, free, instruments.light_is_fixed(paths)
    )
    return ready, instruments.on_common_cells(ready, together, pixels)


def with_data(model: "Model", maps: Mapping[str, Map]) -> "Model":
    """See `Model.with_maps`."""
    check_scene(model.galaxy, maps)
    if set(maps) != set(model.maps):
        raise InputError(
            f"with_maps: expected maps {', '.join(model.maps)}, got {', '.join(maps)}."
        )
    instruments.check_shared(maps, model.groups)
    sampled_maps = instruments.sampled_like(maps, model.maps, model.together)
    check_coverage(model.galaxy, sampled_maps)
    ready_maps = model._with_noise(sampled_maps, model.maps)
    other = eqx.tree_at(lambda m: m.maps, model, ready_maps)
    if model.fields is None:
        return other
    return eqx.tree_at(lambda m: m.fields, other, model.fields.for_data(ready_maps))
