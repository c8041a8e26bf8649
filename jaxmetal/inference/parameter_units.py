"""Units of the parameters of a model, as far as profiles and maps say them."""

from collections.abc import Iterable, Mapping

from jaxmetal.emission import REDDENING
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.maps import Map, scales
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.units import known_unit

# The units of tracers on which emission lines depend.
EMITTED = {"metallicity": "dex", "n2": "dex", REDDENING: "mag"}
# Scales of any unit, or of none.
NO_UNIT = ("any", "none")


def units_of(
    galaxy: Galaxy,
    maps: Mapping[str, Map],
    paths: Iterable[str],
    map_units: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The units of parameters.

    Parameters
    ----------
    galaxy, maps
        of a model.
    paths
        of the parameters; that of an array may end in the index of an element.
    map_units
        of the maps, as text; a tracer's is that of its scale where it is left out.

    Returns
    -------
    units
        by path, "" where a number has none or it is not known.
    """
    known = {name: _unit_of_map(one_map) for name, one_map in maps.items()}
    known |= {name: unit for name, unit in (map_units or {}).items() if unit}
    return {path: _unit(galaxy, maps, known, path) for path in paths}


def _unit_of_map(one_map: Map) -> str:
    """That of the scale of its tracer; nothing for other maps."""
    scale = getattr(one_map, "scale", None)
    unit = scales.SCALES[scale].unit if isinstance(scale, str) and scale in scales.SCALES else ""
    return "" if unit in NO_UNIT else unit


def _unit(galaxy: Galaxy, maps: Mapping[str, Map], map_units: Mapping[str, str], path: str) -> str:
    above, _, last = path.partition("[")[0].rpartition(".")
    first = above.split(".")[0]
    if first in maps and last in ("scatter", "instrumental"):
        relative = maps[first].is_flux or getattr(maps[first], "squared", False)
        return "" if relative else map_units[first]
    owner = get({**galaxy.named, **maps}, above)
    if not isinstance(owner, Profile):
        return known_unit(owner, last) or ""
    tracer = _unit_of_tracer(galaxy, maps, map_units, *path.split(".")[:2])
    return known_unit(owner.function, last, tracer) or ""


def _unit_of_tracer(
    galaxy: Galaxy, maps: Mapping[str, Map], map_units: Mapping[str, str], name: str, tracer: str
) -> str:
    """The unit of a tracer in the maps that show it, or by what its lines depend on."""
    units = (map_units[n] for n, m in maps.items() if tracer in m.tracers_in_its_unit)
    emission = getattr(galaxy.components.get(name), "emission", None)
    default = "" if emission is None else EMITTED.get(tracer, "")
    return next((unit for unit in units if unit), default)
