"""Maps of a fit's emission lines without noise: fluxes, ratios, E(B-V), metallicities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmetal.emission import WAVELENGTHS, blend, is_of_lines
from jaxmetal.emission.lines import BALMER, CASE_B
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import LineMap
from jaxmetal.science import calibrations
from jaxmetal.science.simulate.mocks import noise_free

Image = Float[np.ndarray, "*map"]


def fluxes(fit: Fit, lines: Sequence[str] | None = None) -> dict[str, Image]:
    """The flux of lines per pixel or aperture in a fitted galaxy, without noise.

    Each line is seen through the PSF of the map that shows it, and one that no map shows through
    that of the first map of a line. A relation predicts lines that were not observed, too.

    Parameters
    ----------
    fit
        of maps of lines.
    lines
        names of lines; all that the gas emits if left out.

    Returns
    -------
    fluxes
        by line, in the unit of the maps.

    Raises
    ------
    InputError
        for a fit without maps of lines, maps of different shapes, or a line that the galaxy does
        not emit.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.line_model())
    >>> sorted(jm.lines.fluxes(fit, ["Ha", "Hb"]))  # also what was not observed
    ['Ha', 'Hb']
    """
    check_type(fit, Fit, "lines.fluxes: fit")
    return seen(fit, {name: name for name in (_emitted(fit.galaxy) if lines is None else lines)})


def seen(fit: Fit, named: Mapping[str, Any]) -> dict[str, Image]:
    """The noise-free fluxes of lines, or of sums of lines, by names of the caller's.

    Parameters
    ----------
    fit
        of maps of lines.
    named
        {name: line, or factors of a sum of lines as for a LineMap}.

    Returns
    -------
    fluxes
        by the same names.
    """
    own = {light: m.instrument for m in fit.maps.values() for light in m.fluxes}
    if not any(map(is_of_lines, own)):
        raise InputError("lines: the fit has no map of the flux of a line.")
    first = next(iter(own.values()))
    maps = {
        name: _blank(own.get(blend(line, "lines"), first), line) for name, line in named.items()
    }
    if len(shapes := {one_map.values.shape for one_map in maps.values()}) > 1:
        raise InputError(f"lines: the maps of the lines have shapes {sorted(shapes)}; need one.")
    images = _by_instrument(fit.galaxy, maps)
    # A compiled program gives dictionaries back in alphabetical order.
    return {name: images[name] for name in named}


def _by_instrument(galaxy: Galaxy, maps: Mapping[str, LineMap]) -> dict[str, Image]:
    """The noise-free images of maps, those of one instrument at once."""
    images: dict[str, Image] = {}
    for shared in {id(m.instrument): m.instrument for m in maps.values()}.values():
        together = {name: m for name, m in maps.items() if m.instrument is shared}
        images |= noise_free(galaxy, **together)
    return images


def _blank(instrument: Instrument, line: Any) -> LineMap:
    return LineMap(np.zeros(instrument.shape), 1.0, instrument, line, check=False)


def _emitted(galaxy: Galaxy) -> list[str]:
    """The lines that the gas of any component emits, from blue to red."""
    emissions = [part.emission for part in galaxy.components.values() if part.emission is not None]
    names = {line for emission in emissions for line in emission.lines}
    return sorted(names, key=lambda line: WAVELENGTHS[line])


def log_ratio(fit: Fit, numerator: Any, denominator: Any) -> Image:
    """log10 of one line over another in a fitted galaxy, without noise.

    Parameters
    ----------
    fit
        of maps of lines.
    numerator, denominator
        names of lines, or factors of sums such as {"SII6717": 1, "SII6731": 1}.

    Returns
    -------
    ratio
        dex, in each pixel or aperture; NaN where a flux is not positive.

    Raises
    ------
    InputError
        as for `fluxes`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.line_model())
    >>> jm.lines.log_ratio(fit, "NII6584", "Ha").shape
    (15, 15)
    """
    check_type(fit, Fit, "lines.log_ratio: fit")
    above, below = seen(fit, {"numerator": numerator, "denominator": denominator}).values()
    positive = (above > 0) & (below > 0)
    ratio = np.where(positive, above, 1.0) / np.where(positive, below, 1.0)
    return np.where(positive, np.log10(ratio), np.nan)


def reddening(fit: Fit, numerator: str = "Ha", denominator: str = "Hb") -> Image:
    """The colour excess E(B-V) that two Balmer lines of a fitted galaxy show, without noise.

        E(B-V) = [log10(F_n / F_d) - log10(R_n / R_d)] / [0.4 (k_d - k_n)]

    It is that of the light in each pixel, through the PSF; R are the intrinsic ratios to Hb of the
    first component with emission, and k its attenuation curve.

    Parameters
    ----------
    fit
        of maps of lines.
    numerator, denominator
        names of Balmer lines.

    Returns
    -------
    reddening
        mag, in each pixel or aperture.

    Raises
    ------
    InputError
        for other lines, two equal ones, or as for `fluxes`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.line_model())
    >>> print(f"{jm.lines.reddening(fit)[7, 7]:.2f}")
    0.20
    """
    for name in (numerator, denominator):
        if name not in BALMER:
            raise unknown("Balmer line", str(name), BALMER, "lines.reddening")
    if numerator == denominator:
        raise InputError(f"lines.reddening: needs two lines, got {numerator} twice.")
    ratio = log_ratio(fit, numerator, denominator)
    emissions = (part.emission for part in fit.galaxy.components.values())
    emission = next(one for one in emissions if one is not None)
    intrinsic = {"Ha": float(emission.balmer), **CASE_B}
    wavelengths = np.array([WAVELENGTHS[name] for name in (numerator, denominator)])
    k_above, k_below = np.asarray(emission.attenuation(wavelengths), float)
    without_dust = np.log10(intrinsic[numerator] / intrinsic[denominator])
    return (ratio - without_dust) / (0.4 * (k_below - k_above))


def metallicity(fit: Fit, calibration: str = "n2_m13") -> Image:
    """The metallicity map that a calibration would make of a fitted galaxy's lines without noise.

    It compares a fit with published maps: the ratios are those of the fit's own relation, seen
    through the PSF.

    Parameters
    ----------
    fit
        of maps of lines.
    calibration
        one of `calibrations.CALIBRATIONS`.

    Returns
    -------
    metallicity
        12 + log(O/H), dex, in each pixel or aperture; NaN where a flux is not positive.

    Raises
    ------
    InputError
        for an unknown calibration, or as for `fluxes`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.line_model())
    >>> jm.lines.metallicity(fit, "n2_m13").shape
    (15, 15)
    """
    check_type(fit, Fit, "lines.metallicity: fit")
    diagnostic = calibrations.calibration(calibration)
    by_line = seen(fit, {name: calibrations.LINES[name] for name in diagnostic.lines})
    positive = np.all([flux > 0 for flux in by_line.values()], axis=0)
    usable = {name: np.where(positive, flux, 1.0) for name, flux in by_line.items()}
    return np.where(positive, np.asarray(diagnostic(**usable), float), np.nan)
