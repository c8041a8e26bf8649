"""The customs by which files name values, errors, masks and bins: pairs of extensions."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxmetal.io.initial.contents import Image

# Words of extensions that belong to others, by the key of a configuration.
WORDS = {
    "error": (
        "uncertainty",
        "stddev",
        "errors",
        "error",
        "sigma",
        "uncert",
        "noise",
        "err",
        "unc",
        "std",
        "rms",
        "e",
    ),
    "variance": ("variance", "stat", "var"),
    "ivar": ("invvar", "ivar", "weight", "wht"),
    "mask": ("badpix", "quality", "flags", "mask", "flag", "dq"),
    "bins": ("binnumber", "voronoi", "binmap", "binid", "bins", "bin"),
}
# Words of values that say nothing about what they are.
GENERIC = ("value", "values", "data", "sci", "map", "flux", "image", "primary", "")
# What is no map of a galaxy: coordinates, quality, equivalent widths.
NO_MAP = re.compile(
    r"(^|_)(ra|dec|x|y|xpos|ypos|radius|snr|sn|chi2?|rchi2|cov|coverage|exp|exposure|ncomb|ew|"
    r"sew|gew|area|skycoo|ellcoo)(_|$)",
    re.I,
)


class Value(NamedTuple):
    """An image of values with what belongs to it.

    Parameters
    ----------
    image
        the values.
    parts
        {key of a configuration, such as "error": its image}.
    """

    image: Image
    parts: dict[str, Image]

    @property
    def has_errors(self) -> bool:
        """Whether it has errors of any kind."""
        return bool({"error", "variance", "ivar"} & set(self.parts))


def plain(name: str) -> str:
    """A name without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def stem(name: str) -> str:
    """A name without the words that say nothing, such as FLUX in FLUX_HALPHA."""
    tokens = [token for token in re.split(r"[^a-z0-9]+", name.lower()) if token]
    kept = [token for token in tokens if token not in GENERIC]
    return "".join(kept)


def pairs(images: Sequence[Image]) -> list[Value]:
    """The values among some images, each with its errors, mask and bins.

    Parameters
    ----------
    images
        in the order of the file.

    Returns
    -------
    values
        in the same order. An error belongs to the values of its name (Z and Z_ERR, FLUX_HA and
        ERR_HA, EVEL and VEL), one without a name (ERROR, STAT, IVAR) to those before it.
    """
    keys = {plain(image.name) for image in images} | {stem(image.name) for image in images}
    roles = [_role(image, keys - {plain(image.name)}) for image in images]
    values = [
        Value(image, {})
        for image, role in zip(images, roles, strict=True)
        if role is None and not NO_MAP.search(image.name)
    ]
    for i, (image, role) in enumerate(zip(images, roles, strict=True)):
        if role is not None:
            key, owner = role
            for value in _owners(values, key, owner, images[:i]):
                value.parts.setdefault(_kind(key, image), image)
    return values


def _role(image: Image, others: set[str]) -> tuple[str, str] | None:
    """The key of an image that belongs to others, and the plain name of its values; or None."""
    name = plain(image.name)
    for key, words in WORDS.items():
        if name in words and name != "e":
            return key, ""
    for key, words in WORDS.items():
        for word in words:
            if (owner := _owner(image, word, others, key)) is not None:
                return key, owner
    return None


def _owner(image: Image, word: str, others: set[str], key: str) -> str | None:
    """The plain name of the values to whose name a word was added; None if it was not."""
    name = plain(image.name)
    # FLUX_HA and ERR_HA share what is left without the word.
    for rest in (name.removeprefix(word), name.removesuffix(word)):
        if rest not in (name, "") and (rest in others or stem(rest) in others):
            return rest
    marked = re.search(rf"(^|_){word}(_|$)", image.name, re.I)
    if word != "e" and key != "bins" and marked and not _is_dispersion(image):
        return name.replace(word, "")
    return None


def _is_dispersion(image: Image) -> bool:
    """Whether a sigma is the width of lines rather than an error."""
    return "sigma" in image.name.lower() and "km" in image.unit.lower()


def _owners(values: list[Value], key: str, owner: str, before: Sequence[Image]) -> list[Value]:
    """The values that an image belongs to."""
    if owner:
        named = [v for v in values if owner in (plain(v.image.name), stem(v.image.name))]
        # The only values of a file may have another name, or none.
        return named[:1] or (values if len(values) == 1 else [])
    if key in ("mask", "bins"):
        # One for all maps of a file.
        return values
    return _without_errors(values, before)


def _without_errors(values: list[Value], before: Sequence[Image]) -> list[Value]:
    """The last values before an image that have no errors yet, or the first after it."""
    lacking = [v for v in values if not v.has_errors]
    earlier = [v for v in lacking if any(v.image is image for image in before)]
    return earlier[-1:] or lacking[:1]


def _kind(key: str, image: Image) -> str:
    """The key of an image, by its numbers where the custom is not one: STAT is a variance."""
    numbers = image.values[np.isfinite(image.values)]
    whole = numbers.size > 0 and bool(np.all(numbers == np.round(numbers)))
    return "mask" if key == "ivar" and whole and set(np.unique(numbers)) <= {0.0, 1.0} else key
