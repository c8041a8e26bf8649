"""The idea of the package, in code.

moments     M_k = A · (K ∗ Σᵢ Iᵢ w_k(tracersᵢ))
predicted   observed(M_1, M_2, …), such as g⁻¹(M_1 / M_0) for a tracer
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.forward.cells import Cells, average_over_cells, beam_of
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.convolve import Transfer, transfer_function
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.means import resolved_light
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.maps import Map, Moment, SmearedMoment


def observe(galaxy: Galaxy, *groups: Mapping[str, Map]) -> dict[str, tuple[SmearedMoment, ...]]:
    """The smeared moments of maps whose pixels and sampling are the same.

    Profiles are evaluated once for all of them; equal moments are convolved once for all maps of an
    instrument: one convolution for each light, and one for each weighted sum of it. Lines at a
    fixed ratio, such as those of a doublet without dust, are one light.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    groups
        maps by name; those of one group share an instrument, and all groups the grid and sampling.

    Returns
    -------
    moments
        {name: of each moment that the map needs}.

    Raises
    ------
    InputError
        if no component has a map's light, or carries its tracers.
    """
    distinct, places = _distinct_moments(galaxy, groups)
    first = next(iter(groups[0].values())).pointing
    sampling = first.sampling or _safe_sampling(first)
    smeared = not isinstance(first.psf, NoPSF)
    cells = average_over_cells(galaxy, first.grid, sampling, distinct, smeared)
    result = {}
    for maps in groups:
        instrument = next(iter(maps.values())).instrument
        indices = list(dict.fromkeys(index for name in maps for index, _ in places[name]))
        moments = [distinct[index] for index in indices]
        part = Cells(cells.light, [cells.weighted[index] for index in indices])
        smeared_moments = smear_moments(galaxy, instrument, sampling, moments, part)
        images = dict(zip(indices, smeared_moments, strict=True))
        result |= {
            name: tuple(images[index].times(factor) for index, factor in places[name])
            for name in maps
        }
    return result


def smear_moments(
    galaxy: Galaxy,
    instrument: Instrument,
    sampling: Sampling,
    moments: Sequence[Moment],
    cells: Cells,
) -> list[SmearedMoment]:
    """Moments through the PSF, summed over pixels or apertures.

    Parameters
    ----------
    galaxy
        says whose light each moment weights.
    instrument, sampling
        PSF and apertures, and the cells.
    moments, cells
        and their averages over cells.

    Returns
    -------
    moments
        smeared, in their order.
    """
    beams = [beam_of(galaxy, moment) for moment in moments]
    lights = list(dict.fromkeys(beams))
    # In units of the brightest cell, so that neither a Fourier transform nor a derivative leaves
    # the range of float32. No number depends on this unit, so no gradient flows through it.
    unit = {beam: jax.lax.stop_gradient(_peak(cells.light[beam])) for beam in lights}
    light = {beam: cells.light[beam] / unit[beam] for beam in lights}
    # A uniform weight stays uniform to rounding if only its contrast against the mean is
    # convolved. No number depends on this reference, so no gradient flows through it.
    references, contrasts = [], []
    for beam, weighted in zip(beams, cells.weighted, strict=True):
        if weighted is not None:
            image = weighted / unit[beam]
            reference = _ratio(image.mean(), light[beam].mean())
            references.append(jax.lax.stop_gradient(reference))
            contrasts.append(image - references[-1] * light[beam])
    transfer = _transfer(instrument, sampling)

    def through_psf(images: list[Array]) -> Array:
        # Light adds, averages do not: the sum over an aperture comes before any division.
        return instrument.measure(jnp.stack(images), transfer, sampling)

    # Light by itself: where it is known it is the same at every step and for every chain, and is
    # convolved once for all of them.
    smeared_light = dict(zip(lights, through_psf([light[beam] for beam in lights]), strict=True))
    smeared_contrasts = iter(through_psf(contrasts) if contrasts else ())
    next_reference = iter(references)
    result = []
    for beam, weighted in zip(beams, cells.weighted, strict=True):
        resolved = resolved_light(smeared_light[beam], transfer is not None)
        pair = (None, 1.0) if weighted is None else (next(smeared_contrasts), next(next_reference))
        result.append(SmearedMoment(smeared_light[beam], *pair, unit[beam], resolved))
    return result


def predict_together(galaxy: Galaxy, *groups: Mapping[str, Map]) -> dict[str, Float[Array, "*map"]]:
    """Predictions for maps whose pixels and sampling are the same; see `observe`.

    Parameters
    ----------
    galaxy, groups
        as for `observe`.

    Returns
    -------
    predicted
        by name, in the shapes of the maps' values.
    """
    moments = observe(galaxy, *groups)
    maps = {name: m for group in groups for name, m in group.items()}
    return {name: m.predicted(*moments[name]) for name, m in maps.items()}


def predict_groups(
    galaxy: Galaxy, maps: Mapping[str, Map], groups: Sequence[Sequence[Sequence[str]]]
) -> dict[str, Float[Array, "..."]]:
    """Predictions for maps of any instruments, those on the same cells together.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    maps
        by name; all of the groups or some.
    groups
        names of the maps on each set of cells, of each instrument on it.

    Returns
    -------
    predicted
        by name.
    """
    predicted: dict[str, Array] = {}
    for group in groups:
        parts = [{name: maps[name] for name in names if name in maps} for names in group]
        if any(parts):
            predicted |= predict_together(galaxy, *(part for part in parts if part))
    return predicted


def _distinct_moments(
    galaxy: Galaxy, groups: Sequence[Mapping[str, Map]]
) -> tuple[list[Moment], dict[str, list[tuple[int, Array | float]]]]:
    """The moments that maps need, each once, and {map: which multiple of which it needs}."""
    distinct: list[Moment] = []
    places: dict[str, list[tuple[int, Array | float]]] = {}
    for name, one_map in (item for maps in groups for item in maps.items()):
        places[name] = []
        for needed in one_map.moments(galaxy):
            moment, factor = _as_multiple(galaxy, needed)
            equal = [index for index, other in enumerate(distinct) if moment.same(other)]
            if not equal:
                equal = [len(distinct)]
                distinct.append(moment)
            places[name].append((equal[0], factor))
    return distinct, places


def _as_multiple(galaxy: Galaxy, moment: Moment) -> tuple[Moment, Array | float]:
    """The moment that a moment is a fixed multiple of, and the factor."""
    lit = [part for part in galaxy.components.values() if part.shines(moment.light)]
    # Of several components each has ratios of its own.
    if not moment.is_light or len(lit) != 1:
        return moment, 1.0
    base, factor = lit[0].multiple_of(moment.light)
    return Moment(light=base), factor


def _transfer(instrument: Instrument, sampling: Sampling) -> Transfer:
    """The PSF's transfer function, or its matrices; None where nothing is convolved."""
    if instrument.transfer is not None:
        return instrument.transfer
    if isinstance(instrument.psf, NoPSF) and sampling.convolve >= 1:
        return None
    return transfer_function(instrument.grid, instrument.psf, sampling)


def _peak(image: Array) -> Array:
    """The largest absolute value; 1 where all are 0."""
    largest = jnp.max(jnp.abs(image))
    return jnp.where(largest > 0, largest, 1.0)


def _ratio(numerator: Array, denominator: Array) -> Array:
    dark = denominator == 0
    return jnp.where(dark, 1.0, numerator / jnp.where(dark, 1.0, denominator))


def _safe_sampling(instrument: Instrument) -> Sampling:
    """Where "auto" cannot be measured because the numbers are traced."""
    margin = max(instrument.grid.shape) // 2 if instrument.margin is None else instrument.margin
    return Sampling(3, 2, margin)
