"""A look at the data before anything is fitted: values that are no measurements, and statements that contradict each other.

It is a pure function of the numbers, on the host. What it finds is a line for each suspicion, for a person to judge; only
a map that consists mostly of one value far from all others is refused.
"""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.maps.binned import REPEATED, repeated
from jaxmetal.maps.sentinels import FEWEST, odd_values
from jaxmetal.maps.variances import misread_errors

# A bin with more than this part of all pixels, and this many times those of the usual bin, is rather the background.
BACKGROUND_PART, BACKGROUND_TIMES = 0.5, 10
# Errors that decide a fit: at most this part of them, smaller than the usual one by this factor, holding half of the weight.
DECIDING_PART, DECIDING_TIMES = 0.02, 20
# A mask that leaves out this part of all measurements may be inverted.
MOSTLY = 0.5
# Beyond this 10^value has no meaning in single precision, and no quantity is averaged over so many decades.
LARGEST_LOGARITHM, DECADES = 37.0, 5.0
# Units in which a logarithm is given, by the names of their parts.
LOGARITHMIC = ("dex", "mag", "dB")
ALLOWED = "check=False (in a configuration check: false) takes the map as it is"


class Finding(NamedTuple):
    """Something strange about a map.

    Parameters
    ----------
    refused
        whether no fit of such a map can mean anything.
    text
        what it is and what to do, for a user.
    """

    refused: bool
    text: str


@dataclass(frozen=True)
class Inspected:
    """A map as it is looked at.

    Parameters
    ----------
    kind
        "LightMap" or "TracerMap".
    values, sigma, masked, usable
        of each pixel or aperture.
    error_map
        whether there is an error for each of them, not one for all and no covariance.
    apertures
        of the instrument, or None.
    unit
        an astropy unit, or None.
    scale
        of a tracer map.
    """

    kind: str
    values: np.ndarray
    sigma: np.ndarray
    masked: np.ndarray
    usable: np.ndarray
    error_map: bool = False
    apertures: Apertures | None = None
    unit: Any = None
    scale: Any = "linear"

    @property
    def light(self) -> bool:
        """Whether it is a map of light."""
        return self.kind == "LightMap"


def inspect_map(data: Inspected) -> list[Finding]:
    """What is strange about a map; nothing for a good one.

    Parameters
    ----------
    data
        the map.
    """
    findings = [*_unit(data), *_mask(data)]
    odd, where = odd_values(data.values, data.sigma, data.usable, data.light)
    clear = [one.far and one.count > 0.5 * one.size and not np.isnan(one.value) for one in odd]
    findings += [Finding(refused, one.text()) for refused, one in zip(clear, odd, strict=True)]
    rest = data.usable & ~where
    if not data.light and not odd:
        findings += _range(data)
    findings += _background(data)
    if rest.any():
        findings += _deciding_errors(data.sigma, rest)
        if data.apertures is None and not data.light and (part := repeated(data.values, data.sigma, rest)) > REPEATED:
            findings.append(Finding(False, _bins_text(part)))
        elif data.error_map and data.apertures is None and (text := misread_errors(data.values, data.sigma, rest, data.light)):
            findings.append(Finding(False, text))
    return findings


def report(kind: str, findings: list[Finding]) -> None:
    """Refuse or warn.

    Parameters
    ----------
    kind
        names the map in messages.
    findings
        of `inspect_map`.

    Raises
    ------
    InputError
        with all findings, if one of them is to be refused.

    Warns
    -----
    InputWarning
        for each finding.
    """
    if any(finding.refused for finding in findings):
        raise InputError(" ".join([f"{kind}:", *(finding.text for finding in findings), f"{ALLOWED}."]))
    for finding in findings:
        warnings.warn(f"{kind}: {finding.text}", InputWarning, stacklevel=5)


def _unit(data: Inspected) -> list[Finding]:
    """A unit that says something else than the kind of map or its scale."""
    if data.unit is None:
        return []
    names = [str(base) for base in getattr(data.unit, "bases", [])]
    logarithmic = hasattr(data.unit, "function_unit") or any(name in LOGARITHMIC for name in names)
    if data.light and logarithmic:
        return [
            Finding(True, f"the unit is {data.unit}, a logarithm; light adds up, so give fluxes, or another unit= if this one is wrong.")
        ]
    linear = not logarithmic and data.unit.physical_type != "dimensionless"
    if not data.light and data.scale == "log10" and (linear or "mag" in names):
        text = (
            f'the values are in {data.unit}, but scale "log10" averages 10^value over the light, as for abundances in dex; '
            'give scale="linear" (scale: linear) for a velocity, an age and the like.'
        )
        return [Finding(False, text)]
    return []


def _range(data: Inspected) -> list[Finding]:
    """Values that are no logarithms, whatever their unit."""
    values = data.values[data.usable]
    low, high = np.percentile(values, [5, 95])
    if data.scale != "log10" or not (np.abs(values).max() > LARGEST_LOGARITHM or high - low > DECADES):
        return []
    if data.unit is not None and _unit(data):
        return []
    text = (
        f'scale "log10" averages 10^value over the light, and the values go from {values.min():.4g} to {values.max():.4g}; '
        'are they logarithms? Give scale="linear" (scale: linear) for a velocity, an age and the like.'
    )
    return [Finding(False, text)]


def _mask(data: Inspected) -> list[Finding]:
    """A mask that leaves out the good pixels and keeps the bad ones."""
    measures = np.isfinite(data.values) & np.isfinite(data.sigma) & (data.sigma > 0)
    out, kept = measures & data.masked, data.usable
    if out.sum() < max(FEWEST, MOSTLY * measures.sum()):
        return []
    text = f"the mask leaves out {int(out.sum())} of {int(measures.sum())} measurements and keeps"
    hint = "is it inverted? True leaves a pixel out."
    first = data.values[kept].flat[0]
    if np.all(data.values[kept] == first) and kept.sum() >= FEWEST and np.ptp(data.values[out]) > 0:
        low, high = np.percentile(data.values[out], [5, 95])
        far = max(low - first, first - high) > (high - low)
        return [Finding(bool(far), f"{text} {int(kept.sum())} that are all exactly {first:g}; {hint}")]
    quality = np.abs(data.values) / data.sigma if data.light else 1 / data.sigma
    better, worse = float(np.median(quality[out])), float(np.median(quality[kept]))
    if better > 3 * worse and (not data.light or better > 5):
        what = "a signal-to-noise ratio" if data.light else "errors"
        return [Finding(False, f"{text} those with {what} {better / worse:.2g} times worse; {hint}")]
    not_measured = ~data.masked & ~measures
    if not_measured.sum() > kept.sum() and out.sum() > 0.9 * measures.sum() and not better < worse:
        return [Finding(False, f"{text} {int(not_measured.sum())} pixels without one; {hint}")]
    if data.values.ndim == 2 and _keeps_the_border(measures, out):
        return [Finding(False, f"{text} the border of the frame with all its corners; {hint}")]
    return []


def _keeps_the_border(measures: np.ndarray, out: np.ndarray) -> bool:
    """Whether what is left out touches no border of the measured frame, whose corners are all kept."""
    rows, columns = (np.flatnonzero(measures.any(axis=axis)) for axis in (1, 0))
    frame = np.ix_(range(rows[0], rows[-1] + 1), range(columns[0], columns[-1] + 1))
    measures, out = measures[frame], out[frame]
    border = np.ones(out.shape, bool)
    border[1:-1, 1:-1] = False
    return bool(measures[[0, 0, -1, -1], [0, -1, 0, -1]].all() and not (out & border).any())


def _background(data: Inspected) -> list[Finding]:
    """A bin that holds most of the frame."""
    if data.apertures is None or data.apertures.count <= 2:
        return []
    sizes = data.apertures.totals(np.ones(data.apertures.shape))
    largest = int(np.argmax(sizes))
    usual = float(np.median(np.delete(sizes, largest)))
    if not data.usable[largest] or sizes[largest] < BACKGROUND_PART * sizes.sum() or sizes[largest] < BACKGROUND_TIMES * usual:
        return []
    name, value = int(data.apertures.ids[largest]), data.values[largest]
    text = (
        f"bin {name} holds {sizes[largest]:.0f} of {sizes.sum():.0f} pixels (its value is {value:.4g}); "
        "if it is the background, give its pixels a negative bin number or mask them."
    )
    return [Finding(False, text)]


def _deciding_errors(sigma: np.ndarray, chosen: np.ndarray) -> list[Finding]:
    """A few errors that are much smaller than the others and have most of the weight."""
    errors = np.sort(sigma[chosen])
    usual = float(np.median(errors))
    if errors.size < FEWEST or not errors[0] < usual / DECIDING_TIMES:
        return []
    weight = np.cumsum((errors[0] / errors) ** 2)
    few = int(np.searchsorted(errors, usual / DECIDING_TIMES))
    share = weight[few - 1] / weight[-1]
    if few > max(1, DECIDING_PART * errors.size) or share < MOSTLY:
        return []
    names = "errors are" if few > 1 else "error is"
    text = (
        f"{few} of {errors.size} {names} {usual / errors[few - 1]:.2g} times smaller than the usual {usual:.3g} or more "
        f"({errors[0]:.3g}), and {'have' if few > 1 else 'has'} {100 * share:.0f} % of the weight; mask them if they are wrong."
    )
    return [Finding(False, text)]


def _bins_text(part: float) -> str:
    return (
        f"{100 * part:.0f} % of the pixels repeat the value and error of a neighbour, as maps measured in bins do; each bin "
        "would count as often as it has pixels. Give the bins: Instrument(..., apertures=Apertures.bins(ids)), or bins: in a "
        "configuration."
    )
