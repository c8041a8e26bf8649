"""Checks of PSFs: whether an image is that of a point source, and its width fits the pixels."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.point_images import constant_level, distance_from, fwhm

# Thresholds of `problems`, as fractions. In brackets what good images reach: ten PSFs of JWST and
# HST and one of MUSE, whole, cut at 2 to 12 FWHM, resampled, with noise; Moffat profiles (beta 1.3
# to 5) cut at 3 FWHM and more; Airy patterns (obstructed up to 0.45); of any sampling.
#
# Height of a second peak over the first that is warned of [0.03; rings, which are no peaks, 0.1].
SECOND_PEAK = 0.1
# The height from which it is refused.
SECOND_STAR = 0.3
# Fraction of the light in a constant level over the whole image that is warned of.
LEVEL = 0.02
# The fraction from which it is refused.
MOSTLY_LEVEL = 0.5
# Least ratio of the level to the scatter about it, in frames that reach less than 2 FWHM from the
# peak [3.0].
FLAT_IN_SMALL = 3.6
# The same in larger frames, with room for a ring that looks constant [4.0].
FLAT = 6.5
# Fraction of the light in negative rings that is warned of [none beyond their noise].
NEGATIVE = 0.05
# The fraction from which it is refused.
MOSTLY_NEGATIVE = 0.3
# Level at the edge over the peak that is warned of [0.24].
CUT = 0.3
# Level of the core over the peak: refused if it reaches the edge.
CORE_CUT = 0.5
# Least number of pixels to tell a level from wings.
LEAST_PIXELS = 49
# Least distance of the nearest edge from the peak for that, in FWHM.
LEAST_RADIUS = 1.4
# Distance of a given centre from the peak, in FWHM.
OFF_CENTRE = 1.5
# Width of a PSF in pixels of the map that is warned of.
NARROW = 0.1
# The width below which it is refused. A scale in degrees that is read as arcsec makes it 3600 times
# too small.
POINT = 0.01


@dataclass(frozen=True)
class Problem:
    """What is wrong with an image, and whether that is clear enough to refuse it."""

    text: str
    clear: bool


def check_image(image: np.ndarray, where: str, center: Any = None) -> None:
    """Refuse an image that clearly is not that of one star, and warn of a doubtful one.

    Parameters
    ----------
    image
        finite numbers with a positive sum, shape (rows, columns).
    where
        the name of the image in messages.
    center
        (column, row) that the user takes as its centre, if any.

    Raises
    ------
    InputError
        with everything that was noticed, if any of it is clear.

    Warns
    -----
    InputWarning
        with everything that was noticed, if all of it is doubtful.
    """
    findings = problems(image, center)
    if not findings:
        return
    text = f"{where}: " + "; ".join(problem.text for problem in findings) + "."
    if any(problem.clear for problem in findings):
        raise InputError(text)
    warnings.warn(text, InputWarning, stacklevel=4)


def check_width(width: float, pixel_scale: float) -> None:
    """Refuse a PSF that is a point for the pixels of its map, and warn of one that is hardly more.

    Parameters
    ----------
    width, pixel_scale
        diameter of half of its light, and side of a pixel, arcsec.

    Raises
    ------
    InputError
        for a width below 1/100 of a pixel.

    Warns
    -----
    InputWarning
        for a width below 1/10 of a pixel.
    """
    # A PSF that says of itself that it has no width is one like NoPSF.
    if not 0 < width < NARROW * pixel_scale:
        return
    part = f"1/{pixel_scale / width:.0f} of a pixel ({pixel_scale:.3g} arcsec)"
    doubt = "is the width in arcsec, a kernel's scale or oversampling right?"
    text = f"psf: its width, {width:.3g} arcsec, is {part}: it does nothing; {doubt}"
    text += " If so, write NoPSF() or psf: none."
    if width < POINT * pixel_scale:
        raise InputError(text)
    warnings.warn(text, InputWarning, stacklevel=4)


def problems(image: np.ndarray, center: Any = None) -> list[Problem]:
    """Signs that this is not the image of one star; empty for a good one.

    Parameters
    ----------
    image
        finite numbers with a positive sum, shape (rows, columns).
    center
        (column, row) that the user takes as its centre, if any.
    """
    rows, columns = np.nonzero(image)
    inside = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    # Zeros around an image are padding: a constant level is looked for inside of it.
    star, whole = _Star(image[inside], (int(columns.min()), int(rows.min()))), _Star(image)
    if min(star.image.shape) < 3:
        return []
    candidates = [_second_peak(star) or _edge(whole), _level(star) or _negative_rings(star)]
    if center is not None:
        candidates.append(_centre(whole, *center))
    return [problem for problem in candidates if problem is not None]


class _Star:
    """An image scaled to a peak of 1; `origin` is its corner (column, row) in a larger one."""

    def __init__(self, image: np.ndarray, origin: tuple[int, int] = (0, 0)):
        self.origin = origin
        self.image = image / image.max()
        row, column = np.unravel_index(np.argmax(image), image.shape)
        self.row, self.column = int(row), int(column)
        self.distance = distance_from(image.shape, (self.column, self.row))
        self.light = float(self.image.sum())
        self.fwhm = fwhm(self.image)

    @property
    def radius(self) -> float:
        """Pixels from the peak to the nearest edge."""
        rows, columns = self.image.shape
        to_edges = self.row, self.column, rows - 1 - self.row, columns - 1 - self.column
        return 0.5 + min(to_edges)

    @property
    def angle(self) -> np.ndarray:
        """The direction of every pixel from the peak, radians."""
        row, column = np.indices(self.image.shape)
        return np.arctan2(row - self.row, column - self.column)

    def place(self, column: int, row: int) -> str:
        """A pixel of this part as it is counted in the whole image."""
        return f"column {column + self.origin[0]}, row {row + self.origin[1]}"

    @property
    def peak(self) -> str:
        """The place of the peak."""
        return self.place(self.column, self.row)


def _second_peak(star: _Star) -> Problem | None:
    """Another star: a connected region brighter than the others at its distance from the peak."""
    from scipy import ndimage

    # Means of 3 × 3 pixels, so that single noisy ones are no stars.
    smooth = ndimage.uniform_filter(star.image, 3, mode="constant")
    peak = smooth[star.row, star.column]
    noise = 1.4826 * float(np.median(np.abs(smooth - np.median(smooth))))
    # From the brightest down, because two stars separated at one level may be connected at a lower
    # one.
    for height in (0.9, 0.7, 0.5, SECOND_STAR, 0.2, 0.14, SECOND_PEAK):
        near = _island(smooth > 0.6 * height * peak, star.row, star.column)
        near |= star.distance < max(1.5 * star.fwhm, 2.5)
        row, column = np.unravel_index(np.argmax(np.where(near, -np.inf, smooth)), smooth.shape)
        level, away = float(smooth[row, column]), float(star.distance[row, column])
        if near[row, column] or level < max(height * peak, 6 * noise):
            continue
        # Not a ring, which is as bright all around.
        if level < 2.5 * np.median(smooth[np.abs(star.distance - away) < 0.75]):
            continue
        place = star.place(int(column), int(row))
        second = f"one of {level / peak:.0%} of its height, {away:.0f} pixels away ({place})"
        text = f"it holds more than one star: beside the peak ({star.peak}) there is {second}"
        return Problem(f"{text}; mask or cut off all but one", clear=height >= SECOND_STAR)
    return None


def _edge(star: _Star) -> Problem | None:
    """The core is cut off by the frame, or the wings are."""
    image = star.image
    sides = {"bottom": image[0], "top": image[-1], "left": image[:, 0], "right": image[:, -1]}
    level = {name: float(side.max()) for name, side in sides.items()}
    side = max(level, key=lambda name: level[name])
    core = _island(image > CORE_CUT, star.row, star.column)
    size = f"{image.shape[0]} × {image.shape[1]} pixels"
    remedy = "give a larger picture, or GaussianPSF or MoffatPSF"
    if core[0].any() or core[-1].any() or core[:, 0].any() or core[:, -1].any():
        text = f"its core is cut off: in the frame of {size} the light does not fall to half of "
        text += f"the peak ({star.peak}) before it reaches the edge"
        return Problem(f"{text}; {remedy}", clear=True)
    if level[side] <= CUT:
        return None
    text = f"it is too small for its width: at the {side} edge of {size} the light is still "
    text += f"{level[side]:.2f} of the peak, and what lies outside is lost"
    return Problem(f"{text}; {remedy}", clear=False)


def _level(star: _Star) -> Problem | None:
    """A constant that was not subtracted, or too much that was."""
    # Not beyond a circle outside of which everything was set to zero.
    inside = star.distance <= star.distance[star.image != 0].max()
    if inside.sum() < LEAST_PIXELS or star.radius < LEAST_RADIUS * star.fwhm:
        return None
    pixels = star.image[inside], star.distance[inside], star.angle[inside]
    level, least = constant_level(*pixels, FLAT if star.radius > 2 * star.fwhm else FLAT_IN_SMALL)
    share = level * inside.sum() / star.light
    if abs(share) < LEVEL or abs(level) < least:
        return None
    fault = "does not fall to zero at its edge" if level > 0 else "falls below zero at its edge"
    remedy = "subtract the sky" if level > 0 else "too much sky was subtracted"
    outermost = float(np.mean(star.image[star.distance > star.radius]))
    description = (
        f"its outermost pixels lie at {outermost:.1e} of the peak, and a constant level of at "
    )
    description += f"least {abs(level):.1e} makes up {share:.0%} of its light"
    return Problem(f"it {fault}: {description}; {remedy}", clear=abs(share) > MOSTLY_LEVEL)


def _negative_rings(star: _Star) -> Problem | None:
    """Rings about the peak whose mean is negative beyond its error."""
    step = max(1.0, 0.5 * star.fwhm)
    deficit = 0.0
    for start in np.arange(0.0, min(star.radius, 5 * star.fwhm), step):
        ring = star.image[(star.distance >= start) & (star.distance < start + step)]
        if ring.size and ring.mean() < -5 * ring.std() / np.sqrt(ring.size):
            deficit -= float(ring.sum())
    share = deficit / star.light
    if share < NEGATIVE:
        return None
    text = f"rings about its peak are negative and take away {share:.0%} of its light, "
    text += "more than any PSF's; is it a difference, a filter, or deconvolved?"
    return Problem(text, clear=share > MOSTLY_NEGATIVE)


def _centre(star: _Star, column: float, row: float) -> Problem | None:
    """The centre that is used lies far from the peak."""
    away = float(np.hypot(column - star.column, row - star.row))
    if away < max(OFF_CENTRE * star.fwhm, 3.0):
        return None
    text = f"its centre (column {column:.1f}, row {row:.1f}) lies {away:.1f} pixels from its peak "
    text += f"({star.peak}), {away / star.fwhm:.1f} times its width; every galaxy would be moved"
    return Problem(text, clear=False)


def _island(mask: np.ndarray, row: int, column: int) -> np.ndarray:
    """The connected part of a mask that holds this pixel."""
    from scipy import ndimage

    labels = np.asarray(ndimage.label(mask, structure=np.ones((3, 3)))[0])  # type: ignore[index]
    inside = labels[row, column]
    return labels == inside if inside else np.zeros(mask.shape, bool)
