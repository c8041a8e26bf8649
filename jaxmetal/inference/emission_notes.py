"""Notes of a fit of emission lines: metallicities and dust that the data do not hold."""

import itertools
from collections.abc import Collection, Iterator, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.emission import REDDENING, parts_of
from jaxmetal.emission.lines import BALMER, BRIGHTER, FIXED_RATIOS
from jaxmetal.galaxy import Galaxy
from jaxmetal.maps import Map

# More of the light than this at metallicities outside of a relation's range is worth a word.
OUTSIDE = 0.05
# A ratio that is this many errors off that of atomic physics is worth a word.
DOUBTFUL = 5.0


def emission_notes(galaxy: Galaxy, maps: Mapping[str, Map], free: Collection[str]) -> list[str]:
    """Notes about the emission of a fitted galaxy.

    Parameters
    ----------
    galaxy
        at its fitted values.
    maps
        the data, by name.
    free
        the paths of free parameters.

    Returns
    -------
    notes
        one for each component whose metallicity, or another tracer of its relation, lies outside of
        the relation's range in more than 5 % of its light, and for each with a free reddening that
        fewer than two Balmer lines hold, and for a map of one line of a doublet that seems to hold
        both; none for a galaxy without emission lines.
    """
    emits = any(component.emission is not None for component in galaxy.components.values())
    notes = list(_doublets(maps)) if emits else []
    for name, component in galaxy.components.items():
        if component.emission is None:
            continue
        notes += _outside(galaxy, name, maps)
        if any(path.startswith(f"{name}.{REDDENING}.") for path in free):
            notes += _reddening(galaxy, name, maps)
    return notes


def _reddening(galaxy: Galaxy, name: str, maps: Mapping[str, Map]) -> list[str]:
    """A note about a free reddening that fewer than two Balmer lines hold."""
    lines = set(_lines(galaxy, maps))
    balmer = [line for line in BALMER if line in lines]
    if len(balmer) >= 2:
        return []
    reason = f"the only Balmer line is {balmer[0]}" if balmer else "no map has a Balmer line"
    return [f"{name}.{REDDENING} rests on its prior and on the relation: {reason}"]


def _lines(galaxy: Galaxy, maps: Mapping[str, Map]) -> Iterator[str]:
    """The names of the lights that any map shows."""
    for one_map in maps.values():
        for moment in one_map.moments(galaxy):
            for light in (moment.light, moment.numerator):
                yield from (part for part, _ in parts_of(light or ()))


def _doublets(maps: Mapping[str, Map]) -> Iterator[str]:
    """A note for a map that is as bright as both lines of a doublet, beside one of the fainter."""
    for faint, ratio in FIXED_RATIOS.items():
        pair = [[n for n, m in maps.items() if m.light == one] for one in (BRIGHTER[faint], faint)]
        for bright_name, faint_name in itertools.product(*pair):
            one, other = maps[bright_name], maps[faint_name]
            if one.values.shape != other.values.shape or not (one.is_flux and other.is_flux):
                continue
            times = _doubtful_ratio(one, other, ratio)
            if times is not None:
                yield (
                    f"{bright_name} has {times:.2f} times the flux of {faint_name}, and the line "
                    f"alone {ratio:g} times: does it hold both? Then its line is "
                    f"{BRIGHTER[faint]}+{faint}"
                )


def _doubtful_ratio(bright: Map, faint: Map, ratio: float) -> float | None:
    """The ratio of two lines, where it is closer to that of both lines to one of them."""
    both = np.asarray(bright.valid & faint.valid)
    fluxes = [float(np.sum(np.asarray(m.values, float)[both])) for m in (bright, faint)]
    errors = [float(np.sum(np.asarray(m.sigma, float)[both] ** 2)) for m in (bright, faint)]
    # Of the difference from each of the two ratios, so that a faint line divides nothing.
    single, double = (
        (fluxes[0] - r * fluxes[1]) / np.sqrt(errors[0] + r**2 * errors[1])
        for r in (ratio, ratio + 1)
    )
    doubtful = abs(single) > DOUBTFUL and abs(double) < abs(single)
    return fluxes[0] / fluxes[1] if doubtful else None


def light_and_tracer(
    galaxy: Galaxy, name: str, tracer: str, maps: Mapping[str, Map]
) -> tuple[Float[Array, "y x"], Float[Array, "y x"]]:
    """The reference line of a component with emission, and one of its tracers.

    Parameters
    ----------
    galaxy, name, tracer
        its component, and what that carries.
    maps
        the first of which has the positions.

    Returns
    -------
    light, values
        at the positions of the pixels.
    """
    component = galaxy.components[name]
    assert component.emission is not None
    x, y = next(iter(maps.values())).instrument.grid.coordinates
    plane = galaxy.source_planes([name], x, y)[name]
    sky = plane if component.lensed_light else (x, y)
    light = component.light_at(component.emission.reference, sky, plane)
    return light, jnp.broadcast_to(component.tracers[tracer](*plane), light.shape)


def _outside(galaxy: Galaxy, name: str, maps: Mapping[str, Map]) -> Iterator[str]:
    """A note for a tracer that much of the light has outside of the range of the relation."""
    emission = galaxy.components[name].emission
    assert emission is not None
    relation = emission.relation
    for tracer, (low, high) in getattr(relation, "ranges", {}).items():
        at_pixels = light_and_tracer(galaxy, name, tracer, maps)
        light, values = (np.asarray(image, float) for image in at_pixels)
        outside = (values < low) | (values > high)
        part = float(np.sum(light[outside]) / np.sum(light)) if np.sum(light) > 0 else 0.0
        if part > OUTSIDE:
            yield (
                f"{100 * part:.0f} % of the light of {name} has a {tracer} outside of {low:g} to "
                f"{high:g}, where {emission.relation_name} is continued by tangents"
            )
