"""What a map shows, by its name, its unit and its numbers."""

import re
from typing import NamedTuple

import numpy as np

from jaxmetal.io.initial.contents import Image
from jaxmetal.io.initial.customs import plain, stem

# Lines by the plain endings of names.
LINES = {
    "Ha": r"(h_?alpha|ha)(6563|6564|6565)?",
    "Hb": r"(h_?beta|hb)(4861|4862|4863)?",
    "Hg": r"(h_?gamma|hg|hgam)(4340|4341)?",
    "Hd": r"(h_?delta|hd|hdel)(4101|4102)?",
    "OIII4959": r"oiii49(58|59|60)",
    "OIII5007": r"oiii(500[678])?",
    "OII3727": r"oii(372[678])?",
    "OI6300": r"oi(630[012])?",
    "NII6548": r"nii654[89]",
    "NII6584": r"nii(658[345])?",
    "SII6717": r"sii671[678]",
    "SII6731": r"sii673[012]",
    "NeIII3869": r"neiii(3869|3868)?",
}
# Words before and after the name of a line.
_AROUND = r"(em|em_?line|gas|line|flux|f)?"
VELOCITY = re.compile(r"^(vel|velocity|vlos|vgas|rv|v)$", re.I)
SPREAD = re.compile(r"(disp|sigma|vdisp|fwhm|moment2|mom2)", re.I)
METALLICITY = re.compile(
    r"^(z|zgas|oh|o_?h|logoh|12logoh|metallicity|met|metal|abundance|zh|zgas.*|z_.*|zh_.*|oh_.*|"
    r".*metallicity.*)$",
    re.I,
)
# Words of file names that tell of a map.
TITLES = re.compile(r"(metallicity|velocity|vel|halpha|hbeta|age|light|continuum)$")
AGE = re.compile(r"^age", re.I)
LIGHT = re.compile(
    r"(light|cont|continuum|white|intensity|counts|mflux|sb|surface|brightness)", re.I
)
FLUX_UNIT = re.compile(r"erg|jy|electron|count|adu|nmgy|photon|e-|dn|watt|w/m", re.I)
# Oxygen abundances 12 + log(O/H), and the most that those of one galaxy differ.
OXYGEN, RANGE = (6.3, 9.8), 2.5


class Meaning(NamedTuple):
    """What a map shows.

    Parameters
    ----------
    kind
        "tracer", "line", "light", "dispersion" or "other".
    name
        of the tracer or of the line; "" for light.
    sure
        whether a name or a unit says so, not only the numbers.
    """

    kind: str
    name: str = ""
    sure: bool = True


def meaning(image: Image, title: str = "") -> Meaning:
    """What an image of values shows.

    Parameters
    ----------
    image
        of values.
    title
        the name of its file, where that may say more than the name of the extension.

    Returns
    -------
    meaning
        by the name first, then by the unit and the numbers.
    """
    unit = image.unit.lower()
    name = image.name if stem(image.name) else _word_of(title) or image.name
    if (motion := _motion(name, unit)) is not None:
        return motion
    if AGE.match(name):
        return Meaning("tracer", "age")
    if METALLICITY.match(name):
        return Meaning("tracer", "metallicity", _is_oxygen(image) or "dex" in unit)
    if (line := _line(name)) is not None:
        return Meaning("line", line)
    if LIGHT.search(name):
        return Meaning("light")
    return _by_numbers(image, unit)


def _word_of(title: str) -> str:
    """The first word of a file's name that tells of a map; empty if none does."""
    words = re.split(r"[^a-z0-9]+", title.lower())
    return next((word for word in words if TITLES.match(word)), "")


def _motion(name: str, unit: str) -> Meaning | None:
    """A velocity or a dispersion, by the name and the unit; None for anything else."""
    in_speed = "km" in unit and "s" in unit and not FLUX_UNIT.search(unit)
    if SPREAD.search(name) and (in_speed or "disp" in name.lower()):
        return Meaning("dispersion")
    is_named = any(VELOCITY.match(token) for token in re.split(r"[_\s]+", name))
    if is_named or (in_speed and "k km" not in unit):
        return Meaning("tracer", "velocity")
    return None


def _line(name: str) -> str | None:
    """The line that a name tells of; None for none."""
    for text in {plain(name), stem(name)}:
        for line, pattern in LINES.items():
            if re.fullmatch(f"{_AROUND}{pattern}", text):
                return line
    return None


def _by_numbers(image: Image, unit: str) -> Meaning:
    """What an image without a name that says it may show."""
    if stem(image.name) and not FLUX_UNIT.search(unit):
        return Meaning("other", image.name, False)
    if _is_oxygen(image):
        return Meaning("tracer", "metallicity", unit in ("dex", ""))
    if FLUX_UNIT.search(unit):
        return Meaning("light")
    if "dex" in unit:
        return Meaning("tracer", "metallicity", False)
    numbers = image.values[np.isfinite(image.values)]
    if numbers.size and np.percentile(numbers, 99) > 3 * abs(np.median(numbers)):
        return Meaning("light", "", False)
    return Meaning("tracer", "metallicity", False)


def _is_oxygen(image: Image) -> bool:
    """Whether numbers look like 12 + log(O/H), with missing values as zeros or whatever."""
    numbers = image.values[np.isfinite(image.values) & (image.values != 0)]
    if numbers.size == 0:
        return False
    low, middle, high = np.percentile(numbers, [10, 50, 90])
    return bool(OXYGEN[0] < middle < OXYGEN[1] and high - low < RANGE)
