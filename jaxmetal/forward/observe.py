"""The idea of the package, in code.

light       L = A · (K ∗ Σᵢ Iᵢ)
weighted    M = A · (K ∗ Σᵢ Iᵢ g(Zᵢ))
observed    Z_obs = g⁻¹(M / L)
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.errors import unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.convolve import AT_ONCE, cell_means, smear, transfer_function
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.means import resolved_light, weighted_mean
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.maps import scale_functions
from jaxmetal.profiles.profile import is_traced

# A tracer's name and the scale in which light averages it.
Average = tuple[str, Any]
# So many components that differ in numbers only are evaluated side by side where all points of each are, so that a compiler sees what
# stays the same from step to step of a fit or a chain, such as light that is known; more, one after the other, so that memory does not
# grow with them.
ABREAST = 10


def observe(
    galaxy: Galaxy, instrument: Instrument, averages: tuple[Average, ...], with_light: bool
) -> tuple[Float[Array, "..."] | None, dict[Average, Float[Array, "..."]]]:
    """The surface brightness of all components, and the light-weighted mean of some tracers, in each pixel or aperture.

    One convolution for each group of components that carries a tracer, and one for each tracer.

    Parameters
    ----------
    galaxy
        light and tracers.
    instrument
        grid, PSF, apertures and sampling.
    averages
        the tracers wanted, each with its scale.
    with_light
        whether the light of all components is wanted too.

    Returns
    -------
    light
        surface brightness per arcsec² averaged over each pixel, and summed over the pixels of each aperture if there are any; or None.
    means
        for each of `averages`, in the tracer's unit.

    Raises
    ------
    InputError
        if no component carries a tracer.
    """
    carriers = {average: _carriers(galaxy, average[0]) for average in averages}
    everyone = tuple(galaxy.components)
    groups = list(dict.fromkeys([everyone] * with_light + list(carriers.values())))
    sampling = instrument.sampling or _safe_sampling(instrument)
    light, weighted = _cells(galaxy, instrument, sampling, groups, averages)
    # In units of the brightest cell, so that neither a Fourier transform nor a derivative leaves the
    # range of float32. The result does not depend on this unit, so no gradient flows through it.
    unit = {group: jax.lax.stop_gradient(_peak(image)) for group, image in light.items()}
    light = {group: image / unit[group] for group, image in light.items()}
    weighted = {a: image / unit[carriers[a]] for a, image in weighted.items()}
    # A uniform tracer stays uniform to rounding if only its contrast against the mean is convolved. The result does
    # not depend on this reference, so no gradient flows through it.
    reference = {a: jax.lax.stop_gradient(_ratio(weighted[a].mean(), light[carriers[a]].mean())) for a in averages}
    contrast = [weighted[a] - reference[a] * light[carriers[a]] for a in averages]
    transfer = instrument.transfer
    if transfer is None and not (isinstance(instrument.psf, NoPSF) and sampling.convolve >= 1):
        transfer = transfer_function(instrument.grid, instrument.psf, sampling)

    def seen(images: list[Array]) -> Array:
        smeared = smear(jnp.stack(images), transfer, instrument.grid, sampling)
        # Light adds, averages do not: the sum over an aperture comes before the division.
        return smeared if instrument.apertures is None else instrument.apertures.sums(smeared)

    # Light by itself: where it is known it is the same at every step and for every chain, and is convolved once for all of them.
    seen_light = dict(zip(groups, seen([light[group] for group in groups]), strict=True))
    means = {}
    for average, image in zip(averages, seen(contrast) if contrast else (), strict=True):
        inverse = scale_functions(average[1])[1]
        carried_by = seen_light[carriers[average]]
        shines = resolved_light(carried_by, transfer is not None)
        means[average] = inverse(weighted_mean(carried_by, image, reference[average], shines))
    return (seen_light[everyone] * unit[everyone] if with_light else None), means


def _carriers(galaxy: Galaxy, tracer: str) -> tuple[str, ...]:
    carriers = tuple(name for name, component in galaxy.components.items() if tracer in component.tracers)
    if not carriers:
        raise unknown("tracer", tracer, galaxy.tracers)
    return carriers


def _cells(galaxy: Galaxy, instrument: Instrument, sampling: Sampling, groups: list[tuple[str, ...]], averages: tuple[Average, ...]):
    """Cell averages of the summed light of each group of components, and of Σ I g(Z) for each tracer."""
    light: dict = dict.fromkeys(groups, 0.0)
    weighted: dict = dict.fromkeys(averages, 0.0)
    abreast = ABREAST if sampling.points(instrument.grid.shape) <= AT_ONCE else 1
    averaged = partial(cell_means, grid=instrument.grid, sampling=sampling, smeared=not isinstance(instrument.psf, NoPSF))
    for names in _batches(galaxy):
        components = {name: galaxy.components[name] for name in names}
        if galaxy.is_lensed(names[0]):
            images = iter(_lensed(galaxy, components, averages, averaged))
        else:
            images = iter(_sum(list(components.values()), averages, averaged, abreast))
            # Alike in what they carry, they count as one.
            components = {names[0]: components[names[0]]}
        for name, component in components.items():
            brightness = next(images)
            for group in groups:
                if name in group:
                    light[group] += brightness
            for average in _carried(component, averages):
                weighted[average] += next(images)
    return light, weighted


def _batches(galaxy: Galaxy) -> list[list[str]]:
    """The components evaluated together: those behind the lenses, whose rays are traced once, and those that differ in numbers only."""
    lensed = [name for name in galaxy.components if galaxy.is_lensed(name)]
    alike: dict[Any, list[str]] = {}
    for name in galaxy.components:
        if name not in lensed:
            leaves, structure = jax.tree.flatten(galaxy.components[name])
            alike.setdefault((structure, *((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)), []).append(name)
    return [*alike.values()] + [lensed] * bool(lensed)


def _sum(components: list[Component], averages: tuple[Average, ...], averaged: Callable, abreast: int) -> list[Array]:
    """The cell averages of components that differ in numbers only, summed: compiled once, however many they are."""

    def images(component: Component) -> list[Array]:
        carried = _carried(component, averages)
        cusps = _cusps(component, [tracer for tracer, _ in carried])
        return averaged(lambda x, y: _images(component, component.light(x, y), carried, x, y), 1 + len(carried), cusps=cusps)

    if len(components) == 1:
        return images(components[0])
    alike = jax.tree.map(lambda *same: jnp.stack(same), *components)
    if len(components) <= abreast:
        return [image.sum(axis=0) for image in jax.vmap(images)(alike)]
    zeros = jax.tree.map(lambda image: jnp.zeros(image.shape, image.dtype), jax.eval_shape(images, components[0]))
    return jax.lax.scan(lambda sums, component: (jax.tree.map(jnp.add, sums, images(component)), None), zeros, alike)[0]


def _lensed(galaxy: Galaxy, components: dict[str, Component], averages: tuple[Average, ...], averaged: Callable) -> list[Array]:
    """The cell averages of what lies behind the lenses."""

    def sources(x: Array, y: Array) -> list[Array]:
        planes = _source_planes(galaxy, tuple(components), x, y)
        seen = {name: c.light(*(planes[name] if c.lensed_light else (x, y))) for name, c in components.items()}
        return [image for name, c in components.items() for image in _images(c, seen[name], _carried(c, averages), *planes[name])]

    # The centre of what is lensed has an unknown number of images that come and go; there only a finer sampling helps.
    return averaged(sources, sum(1 + len(_carried(c, averages)) for c in components.values()), cusps=[])


def _carried(component: Component, averages: tuple[Average, ...]) -> list[Average]:
    return [average for average in averages if average[0] in component.tracers]


def _source_planes(galaxy: Galaxy, names: tuple[str, ...], x: Array, y: Array) -> dict[str, tuple[Array, Array]]:
    """Where in the plane of each component the light comes from that is seen at a position: beta = theta - alpha(theta)."""
    along, across = galaxy.deflection(x, y)
    ratios = {name: galaxy.components[name].distance_ratio for name in names}
    return {name: (x - along, y - across) if r is None else (x - r * along, y - r * across) for name, r in ratios.items()}


def _images(component: Component, brightness: Array, carried: list[Average], x: Array, y: Array) -> list[Array]:
    return [brightness] + [brightness * scale_functions(s)[0](component.tracers[t](x, y)) for t, s in carried]


def _cusps(component: Component, tracers: list[str]) -> list[tuple[Array, Array]]:
    """Where a component may be sharp: the centres of its profiles."""
    # Where two lie close to each other the last one counts, and light is sharper than what it carries.
    profiles = [*(component.tracers[name] for name in tracers), component.light]
    # A total has a center_x with an ending for each of its parts.
    names = [(p, x, x.replace("center_x", "center_y", 1)) for p in profiles for x in p.parameters if x.startswith("center_x")]
    centres = [(p.parameters[x], p.parameters[y]) for p, x, y in names if y in p.parameters]
    if is_traced(centres):
        return centres
    return list({(float(x), float(y)): (x, y) for x, y in centres}.values())


def _peak(image: Array) -> Array:
    """The largest absolute value; 1 where all are 0."""
    largest = jnp.max(jnp.abs(image))
    return jnp.where(largest > 0, largest, 1.0)


def _ratio(numerator: Array, denominator: Array) -> Array:
    dark = denominator == 0
    return jnp.where(dark, 1.0, numerator / jnp.where(dark, 1.0, denominator))


def _safe_sampling(instrument: Instrument) -> Sampling:
    """What is used where "auto" cannot be measured because the numbers are being traced."""
    return Sampling(3, 2, max(instrument.grid.shape) // 2 if instrument.margin is None else instrument.margin)


observe_compiled, observe_once = compiled(observe), compiled_once(observe)
