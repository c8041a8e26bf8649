"""Light and light-weighted sums on the cells of a padded frame, before the PSF."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.emission import Blend, parts_of
from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.quadrature import AT_ONCE, cell_means
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.maps import Moment
from jaxmetal.profiles.profile import Profile, is_traced

# Up to this many components that differ in numbers only are evaluated side by side where all points
# of each are, so that a compiler sees what stays the same from step to step of a fit or a chain,
# such as light that is known; more, one after the other, so that memory does not grow with them.
ABREAST = 10


class Beam(NamedTuple):
    """Whose light a moment weights.

    Parameters
    ----------
    light
        the name of the light, or (name, factor) of each in a sum.
    components
        the names of those that have it, and carry the moment's tracers.
    """

    light: str | Blend
    components: tuple[str, ...]


class Cells(NamedTuple):
    """Averages over cells, or values in their middles; see `quadrature.cell_means`.

    Parameters
    ----------
    light
        {beam: surface brightness}, shape (rows, columns) of the padded grid of cells.
    weighted
        Σ I w, or Σ J, of each moment; None of one that is the light itself.
    """

    light: dict[Beam, Array]
    weighted: list[Array | None]


def beam_of(galaxy: Galaxy, moment: Moment) -> Beam:
    """Whose light a moment weights.

    Raises
    ------
    InputError
        if no component has this light, or none of those carries the tracers.
    """
    components = galaxy.components.values()
    for light in (moment.light, moment.numerator or moment.light):
        if not any(component.shines(light) for component in components):
            raise unknown("light", parts_of(light)[0][0], galaxy.lights)
    lit = [name for name, c in galaxy.components.items() if c.shines(moment.light)]
    for tracer in moment.tracers:
        lit = [name for name in lit if tracer in galaxy.components[name].tracers]
        if not lit:
            raise _not_carried(galaxy, moment, tracer)
    return Beam(moment.light, tuple(lit))


def _not_carried(galaxy: Galaxy, moment: Moment, tracer: str) -> InputError:
    """The error that no component with a light carries a tracer."""
    if tracer in galaxy.tracers:
        return InputError(f"no component with the light {moment.light!r} carries {tracer!r}.")
    return unknown("tracer", tracer, galaxy.tracers)


def average_over_cells(
    galaxy: Galaxy, grid: Grid, sampling: Sampling, moments: Sequence[Moment], smeared: bool
) -> Cells:
    """The light and the weighted light of each moment, averaged over cells.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    grid, sampling
        the pixels and how they are divided.
    moments
        no two the same.
    smeared
        whether a PSF follows.

    Returns
    -------
    cells
        lights by beam, and the weighted light of each moment.
    """
    beams = [beam_of(galaxy, moment) for moment in moments]
    light: dict[Beam, Any] = dict.fromkeys(beams, 0.0)
    weighted: list[Any] = [None if moment.is_light else 0.0 for moment in moments]
    abreast = ABREAST if sampling.points(grid.shape) <= AT_ONCE else 1
    averages = partial(cell_means, grid=grid, sampling=sampling, smeared=smeared)
    for names in _batches(galaxy):
        components, images = _batch_images(galaxy, names, moments, averages, abreast)
        for name, component in components.items():
            for one_light in _lights(component, moments):
                brightness = next(images)
                for beam in light:
                    if beam.light == one_light and name in beam.components:
                        light[beam] += brightness
            for index in _carried(component, moments):
                weighted[index] += next(images)
    return Cells(light, weighted)


def _batches(galaxy: Galaxy) -> list[list[str]]:
    """The components evaluated together.

    Those behind the lenses, whose rays are traced once, and those that differ in numbers only.
    """
    lensed = [name for name in galaxy.components if galaxy.is_lensed(name)]
    alike: dict[Any, list[str]] = {}
    for name in galaxy.components:
        if name not in lensed:
            leaves, structure = jax.tree.flatten(galaxy.components[name])
            kinds = ((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
            alike.setdefault((structure, *kinds), []).append(name)
    return [*alike.values()] + [lensed] * bool(lensed)


def _batch_images(
    galaxy: Galaxy,
    names: list[str],
    moments: Sequence[Moment],
    averages: Callable,
    abreast: int,
) -> tuple[dict[str, Component], Iterator[Array]]:
    """The components of a batch, and the cell averages of each, one component after the other."""
    components = {name: galaxy.components[name] for name in names}
    if galaxy.is_lensed(names[0]):
        return components, iter(_lensed(galaxy, components, moments, averages))
    images = _sum(list(components.values()), moments, averages, abreast)
    # Alike in what they carry, they count as one.
    return {names[0]: components[names[0]]}, iter(images)


def _sum(
    components: list[Component], moments: Sequence[Moment], averages: Callable, abreast: int
) -> list[Array]:
    """The cell averages of components that differ in numbers only, summed.

    Compiled once, however many they are.
    """

    def images(component: Component) -> list[Array]:
        def sources(x: Array, y: Array) -> list[Array]:
            return _images(component, moments, (x, y), (x, y))

        count = _count(component, moments)
        return averages(sources, count, cusps=_cusps(component, moments)) if count else []

    if len(components) == 1:
        return images(components[0])
    alike = jax.tree.map(lambda *same: jnp.stack(same), *components)
    if len(components) <= abreast:
        # One after the other: XLA's reduction along a first axis takes a hundred times as long on a
        # CPU.
        return [reduce(jnp.add, image) for image in jax.vmap(images)(alike)]
    shapes = jax.eval_shape(images, components[0])
    zeros = jax.tree.map(lambda image: jnp.zeros(image.shape, image.dtype), shapes)

    def add(sums: list[Array], component: Component) -> tuple[list[Array], None]:
        return jax.tree.map(jnp.add, sums, images(component)), None

    return jax.lax.scan(add, zeros, alike)[0]


def _lensed(
    galaxy: Galaxy, components: dict[str, Component], moments: Sequence[Moment], averages: Callable
) -> list[Array]:
    """The cell averages of what lies behind the lenses."""

    def sources(x: Array, y: Array) -> list[Array]:
        planes = galaxy.source_planes(tuple(components), x, y)
        images = []
        for name, component in components.items():
            light_plane = planes[name] if component.lensed_light else (x, y)
            images += _images(component, moments, light_plane, planes[name])
        return images

    count = sum(_count(component, moments) for component in components.values())
    # The centre of what is lensed has an unknown and varying number of images; there only a finer
    # sampling helps.
    return averages(sources, count, cusps=[]) if count else []


def _lights(component: Component, moments: Sequence[Moment]) -> list[str | Blend]:
    """The lights of a component that any moment weights, and of which it carries the tracers."""
    lights = [m.light for m in moments if set(m.tracers) <= set(component.tracers)]
    return [light for light in dict.fromkeys(lights) if component.shines(light)]


def _carried(component: Component, moments: Sequence[Moment]) -> list[int]:
    """The moments with a weight, or of two lights, in which a component takes part."""
    return [
        index
        for index, m in enumerate(moments)
        if not m.is_light
        and component.shines(m.numerator or m.light)
        and set(m.tracers) <= set(component.tracers)
    ]


def _count(component: Component, moments: Sequence[Moment]) -> int:
    return len(_lights(component, moments)) + len(_carried(component, moments))


def _all_lights(component: Component, moments: Sequence[Moment]) -> list[str | Blend]:
    """The lights of a component that moments need: those that are weighted, and numerators."""
    carried = [moments[index].numerator for index in _carried(component, moments)]
    return list(dict.fromkeys([*_lights(component, moments), *(n for n in carried if n)]))


def _tracers(component: Component, moments: Sequence[Moment]) -> list[str]:
    """The tracers of a component on which weights and lines depend."""
    weights = [name for index in _carried(component, moments) for name in moments[index].tracers]
    return list(dict.fromkeys([*weights, *component.needs(_all_lights(component, moments))]))


def _images(
    component: Component,
    moments: Sequence[Moment],
    light_plane: tuple[Array, Array],
    plane: tuple[Array, Array],
) -> list[Array]:
    """The lights of a component, then its part in each other moment, at some positions."""
    values = {name: component.tracers[name](*plane) for name in _tracers(component, moments)}
    brightness = component.brightness(_all_lights(component, moments), light_plane, values)
    images = [brightness[light] for light in _lights(component, moments)]
    for moment in (moments[index] for index in _carried(component, moments)):
        if moment.weight is None:
            assert moment.numerator is not None
            images.append(brightness[moment.numerator])
        else:
            weight = moment.weight(*(values[name] for name in moment.tracers))
            images.append(brightness[moment.light] * weight)
    return images


def _cusps(component: Component, moments: Sequence[Moment]) -> list[tuple[Array, Array]]:
    """Where a component may be sharp: the centres of its profiles."""
    # Where two lie close to each other the last one counts, and light is sharper than what it
    # carries.
    profiles = [component.tracers[name] for name in _tracers(component, moments)]
    profiles += component.sources(_all_lights(component, moments)).values()
    centres = [center for profile in profiles for center in _centers(profile)]
    if is_traced(centres):
        return centres
    return list({(float(x), float(y)): (x, y) for x, y in centres}.values())


def is_concentric(galaxy: Galaxy) -> bool:
    """Whether all profiles of each component have one centre."""
    for component in galaxy.components.values():
        profiles = [*component.tracers.values(), *component.lights.values()]
        centres = (center for profile in profiles for center in _centers(profile))
        if len({(float(x), float(y)) for x, y in centres}) > 1:
            return False
    return True


def _centers(profile: Profile) -> list[tuple[Array, Array]]:
    """The centres of a profile; a total has one with an ending for each of its parts."""
    along = [name for name in profile.parameters if name.startswith("center_x")]
    pairs = [(name, name.replace("center_x", "center_y", 1)) for name in along]
    numbers = profile.parameters
    return [(numbers[x], numbers[y]) for x, y in pairs if y in numbers]
