"""Inspection of the data before a fit: sentinel values, and inconsistent metadata.

It is a pure function of the numbers, on the host. What it finds is a line for each suspicion, for a
person to judge; only a map that consists mostly of one value far from all others is refused.
"""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError, warn_user
from jaxmetal.maps.binned import REPEATED, repeated
from jaxmetal.maps.blocks import missing_block
from jaxmetal.maps.findings import Finding, Inspected
from jaxmetal.maps.inverted import inverted_mask
from jaxmetal.maps.scales import wrong_scale
from jaxmetal.maps.sentinels import FEWEST, Odd, odd_values, quantiles
from jaxmetal.maps.speeds import speed_findings
from jaxmetal.maps.variances import exchanged, misread_errors

# A bin is taken for the background if it holds more than this fraction of all pixels ...
BACKGROUND_PART = 0.5
# ... and this many times the pixels of the usual bin.
BACKGROUND_TIMES = 10
# Errors dominate a fit if half of the weight is held by at most this fraction of them ...
DECIDING_PART = 0.02
# ... that are smaller than the usual one by this factor.
DECIDING_TIMES = 20
# Beyond this, 10^value overflows in single precision.
LARGEST_LOGARITHM = 37.0
# No quantity is averaged over so many decades.
DECADES = 5.0
# Units in which a logarithm is given, by the names of their parts.
LOGARITHMIC = ("dex", "mag", "dB")
# More of the pixels of a map of light are negative beyond their errors only if they are logarithms.
NEGATIVE_PART = 0.8
# Units by which a flux becomes a density, and the sign of their power.
DENSITIES = {
    "Angstrom": -1,
    "nm": -1,
    "um": -1,
    "micron": -1,
    "Hz": -1,
    "Jy": 1,
    "mJy": 1,
    "uJy": 1,
}
GIVE_LINEAR = 'give scale="linear" (scale: linear) for a velocity, an age and the like.'
ALLOWED = "check=False (in a configuration check: false) takes the map as it is"


def inspect_map(data: Inspected) -> list[Finding]:
    """What is strange about a map; nothing for a good one.

    Parameters
    ----------
    data
        the map.
    """
    # Missing values may be as large as a number can be.
    with np.errstate(all="ignore"):
        return _findings(data)


def _findings(data: Inspected) -> list[Finding]:
    odd, where = odd_values(data.values, data.sigma, data.usable, data.light)
    regular = data.usable & ~where
    block = missing_block(data.values, data.sigma, regular, data.light)
    if block is not None:
        odd.append(block._replace(size=int(data.usable.sum())))
        regular &= data.values != block.value
    errors = _errors(data, regular) if regular.any() else []
    # Invalid errors cannot be used to check the mask.
    misread = any(finding.about == "errors" for finding in errors)
    findings = [*_unit(data), *_scale(data), *speed_findings(data)]
    findings += [] if misread else inverted_mask(data)
    if not data.light and not odd and not findings:
        findings += _range(data)
    if data.light and regular.any():
        findings += _negative(data, regular)
    findings += _odd_findings(odd, int(data.usable.sum()))
    return findings + _background(data) + errors


def _odd_findings(odd: list[Odd], size: int) -> list[Finding]:
    """A finding for each kind of odd values; refused where most of `size` values are such."""
    sentinels = [candidate for candidate in odd if candidate.far and not np.isnan(candidate.value)]
    clear = sum(candidate.count for candidate in sentinels) > 0.5 * size
    return [Finding(clear and candidate in sentinels, candidate.text()) for candidate in odd]


def _errors(data: Inspected, usable: np.ndarray) -> list[Finding]:
    """Errors that dominate the fit, that repeat like those of bins, or that are variances."""
    findings = _deciding_errors(data.sigma, usable)
    if data.apertures is None:
        if not data.light and (part := repeated(data.values, data.sigma, usable)) > REPEATED:
            return [*findings, Finding(False, _bins_text(part))]
        if data.error_map and (text := misread_errors(data.values, data.sigma, usable, data.light)):
            return [*findings, Finding(False, text, "errors")]
    if data.error_map and (text := exchanged(data.values[usable], data.sigma[usable])):
        return [*findings, Finding(True, text, "errors")]
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
        texts = " ".join(finding.text for finding in findings)
        raise InputError(f"{kind}: {texts} {ALLOWED}.")
    for finding in findings:
        warn_user(f"{kind}: {finding.text}")


def _unit(data: Inspected) -> list[Finding]:
    """A unit that says something else than the kind of map or its scale."""
    if data.unit is None:
        return []
    if data.light:
        return _unit_of_light(data.unit) + (_unit_of_line(data.unit) if data.line else [])
    logarithm = data.scale == "log10" and not wrong_scale(data.tracer, data.scale)
    return _unit_of_logarithm(data.unit) if logarithm else []


def _scale(data: Inspected) -> list[Finding]:
    """A scale that is not that of the quantity by whose name the tracer goes."""
    text = wrong_scale(data.tracer, data.scale)
    return [Finding(False, text)] if text else []


def _unit_of_light(unit: Any) -> list[Finding]:
    """A unit of light that is that of a logarithm."""
    if not _is_logarithmic(unit):
        return []
    text = (
        f"the unit is {unit}, a logarithm; light adds up, so give fluxes, or another unit= "
        "(unit: in a configuration) if this one is wrong."
    )
    return [Finding(True, text)]


def _unit_of_line(unit: Any) -> list[Finding]:
    """The unit of a line's flux that is that of a flux density."""
    pairs = zip(getattr(unit, "bases", []), getattr(unit, "powers", []), strict=True)
    if not any(
        f"{base}" in DENSITIES and power * DENSITIES[f"{base}"] > 0 for base, power in pairs
    ):
        return []
    text = (
        f"the unit is {unit}, a flux density; the flux of a line is integrated over its width, so "
        "give that, or another unit= (unit: in a configuration) if this one is wrong."
    )
    return [Finding(True, text)]


def _negative(data: Inspected, usable: np.ndarray) -> list[Finding]:
    """Light that is negative almost everywhere, as logarithms of small numbers are."""
    values, sigma = data.values[usable], data.sigma[usable]
    part = float(np.mean(values < -3 * sigma)) if values.size >= FEWEST else 0.0
    if part < NEGATIVE_PART:
        return []
    text = (
        f"{100 * part:.0f} % of the fluxes are negative by more than three errors (the median is "
        f"{np.median(values):.4g}), which light is not: are they logarithms? Light adds up, so "
        "give fluxes."
    )
    return [Finding(False, text)]


def _unit_of_logarithm(unit: Any) -> list[Finding]:
    """A unit of values on a logarithmic scale that is that of something else."""
    linear = not _is_logarithmic(unit) and unit.physical_type != "dimensionless"
    if not linear and "mag" not in _parts(unit):
        return []
    averages = 'scale "log10" averages 10^value over the light, as for abundances in dex'
    text = f"the values are in {unit}, but {averages}; {GIVE_LINEAR}"
    return [Finding(False, text)]


def _parts(unit: Any) -> set[str]:
    """The names of the units of which a unit is composed."""
    return {str(base) for base in getattr(unit, "bases", [])}


def _is_logarithmic(unit: Any) -> bool:
    return hasattr(unit, "function_unit") or not _parts(unit).isdisjoint(LOGARITHMIC)


def _range(data: Inspected) -> list[Finding]:
    """Values that are no logarithms, whatever their unit."""
    if data.scale != "log10":
        return []
    # What has an error far beyond the others' does not count.
    values = data.values[data.usable & (data.sigma <= 100 * quantiles(data.sigma[data.usable])[0])]
    low, _, high = quantiles(values)
    if not (np.abs(values).max() > LARGEST_LOGARITHM or high - low > DECADES):
        return []
    text = (
        'scale "log10" averages 10^value over the light, and the values go from '
        f"{values.min():.4g} to {values.max():.4g}; if they are no logarithms, {GIVE_LINEAR}"
    )
    return [Finding(False, text)]


def _background(data: Inspected) -> list[Finding]:
    """A bin that holds most of the frame."""
    if data.apertures is None or data.apertures.count <= 2:
        return []
    sizes = data.apertures.totals(np.ones(data.apertures.shape))
    largest = int(np.argmax(sizes))
    usual = float(np.median(np.delete(sizes, largest)))
    limit = max(BACKGROUND_PART * sizes.sum(), BACKGROUND_TIMES * usual)
    if not data.usable[largest] or sizes[largest] < limit:
        return []
    name, value = int(data.apertures.ids[largest]), data.values[largest]
    text = (
        f"bin {name} holds {sizes[largest]:.0f} of {sizes.sum():.0f} pixels (its value is "
        f"{value:.4g}); if it is the background, give its pixels a negative bin number or mask "
        "them."
    )
    return [Finding(False, text)]


def _deciding_errors(sigma: np.ndarray, usable: np.ndarray) -> list[Finding]:
    """A few errors that are much smaller than the others and have most of the weight."""
    errors = np.sort(sigma[usable])
    usual = float(errors[errors.size // 2])
    if errors.size < FEWEST or not errors[0] < usual / DECIDING_TIMES:
        return []
    weight = np.cumsum((errors[0] / errors) ** 2)
    count = int(np.searchsorted(errors, usual / DECIDING_TIMES))
    share = weight[count - 1] / weight[-1]
    if count > max(1, DECIDING_PART * errors.size) or share < 0.5:
        return []
    are, have = ("are", "have") if count > 1 else ("is", "has")
    text = (
        f"{count} of {errors.size} errors {are} {usual / errors[count - 1]:.2g} times smaller than "
        f"the usual {usual:.3g} or more ({errors[0]:.3g}), and {have} {100 * share:.0f} % of the "
        "weight; mask them if they are wrong."
    )
    return [Finding(False, text)]


def _bins_text(part: float) -> str:
    return (
        f"{100 * part:.0f} % of the pixels repeat the value and error of a neighbour, as maps "
        "measured in bins do; each bin would count as often as it has pixels. Give the bins: "
        "Instrument(..., apertures=Apertures.bins(ids)), or bins: in a configuration."
    )
