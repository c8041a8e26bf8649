"""Whether a picture can be that of a point source, and whether its width goes with the pixels that it is for."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.pictures import distance_from, fwhm

# Thresholds of `problems`, as fractions. In brackets what real pictures reach (ten of JWST and HST, one of MUSE; whole, cut
# at 2 to 12 FWHM, resampled), and Moffat profiles (beta 1.3 to 5) and Airy patterns (obstructed up to 0.45) of any sampling.
#
# Height of a second peak over the first: said, refused [0.03; rings of Airy patterns, which are no peaks, 0.1].
SECOND_PEAK, SECOND_STAR = 0.1, 0.3
# Light in a constant level over the whole picture: said, refused [0.06], if it is so many times
# flatter than the wings of a PSF [3.2].
LEVEL, MOSTLY_LEVEL, FLATNESS = 0.02, 0.5, 3.8
# Light in negative rings: said, refused [0.014].
NEGATIVE, MOSTLY_NEGATIVE = 0.05, 0.3
# Level of a pixel at the edge, over the peak: said [0.18]; refused if it is in one piece with the core.
CUT, CORE_CUT = 0.3, 0.5
# Frames that are too small to tell a level from wings: pixels, and FWHM from the peak to the nearest edge.
LEAST_PIXELS, LEAST_RADIUS = 49, 1.4
# Distance of a given centre from the peak, in FWHM.
OFF_CENTRE = 1.5
# Width of a PSF, in pixels of the map: said, refused. Scales in degrees that are read as arcsec make it 3600 times too small.
NARROW, POINT = 0.1, 0.01


@dataclass(frozen=True)
class Problem:
    """What is wrong with a picture, and whether that is clear enough to refuse it."""

    text: str
    clear: bool


def check_picture(picture: np.ndarray, where: str, center: Any = None) -> None:
    """Refuse a picture that clearly is not that of one star, and warn of a doubtful one.

    Parameters
    ----------
    picture
        finite numbers with a positive sum, shape (rows, columns).
    where
        the name of the picture in messages.
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
    noticed = problems(picture, center)
    if not noticed:
        return
    text = f"{where}: " + "; ".join(problem.text for problem in noticed) + "."
    if any(problem.clear for problem in noticed):
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
    if width >= NARROW * pixel_scale:
        return
    text = (
        f"psf: its width, {width:.3g} arcsec, is 1/{pixel_scale / width:.0f} of a pixel ({pixel_scale:.3g} arcsec): "
        "it does nothing; is the width in arcsec, a kernel's scale or oversampling right? If so, write NoPSF() or psf: none."
    )
    if width < POINT * pixel_scale:
        raise InputError(text)
    warnings.warn(text, InputWarning, stacklevel=4)


def problems(picture: np.ndarray, center: Any = None) -> list[Problem]:
    """What speaks against this being the picture of one star; nothing for a good one.

    Parameters
    ----------
    picture
        finite numbers with a positive sum, shape (rows, columns).
    center
        (column, row) that the user takes as its centre, if any.
    """
    rows, columns = np.nonzero(picture)
    inside = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    # Darkness around a picture is a frame: what is constant inside of it is to be noticed.
    star = _Star(picture[inside], (columns.min(), rows.min()))
    if min(star.picture.shape) < 3:
        return []
    found = [_second_peak(star) or _edge(_Star(picture)), _level(star) or _negative_rings(star)]
    if center is not None:
        found.append(_centre(_Star(picture), *center))
    return [problem for problem in found if problem is not None]


class _Star:
    """A picture, scaled to a peak of one, and what all the checks need of it; `origin` is where (column, row) its corner lies."""

    def __init__(self, picture: np.ndarray, origin: tuple[int, int] = (0, 0)):
        self.origin = origin
        self.picture = picture / picture.max()
        self.row, self.column = (int(i) for i in np.unravel_index(np.argmax(picture), picture.shape))
        self.distance = distance_from(picture.shape, (self.column, self.row))
        row, column = np.indices(picture.shape)
        self.angle = np.arctan2(row - self.row, column - self.column)
        self.light = float(self.picture.sum())
        self.fwhm = fwhm(self.picture)
        rows, columns = picture.shape
        self.radius = 0.5 + min(self.row, self.column, rows - 1 - self.row, columns - 1 - self.column)

    def place(self, column: int, row: int) -> str:
        """A pixel of this part as it is counted in the whole picture."""
        return f"column {column + self.origin[0]}, row {row + self.origin[1]}"


def _edge(star: _Star) -> Problem | None:
    """The core is cut off by the frame, or the wings are."""
    image = star.picture
    sides = {"bottom": image[0], "top": image[-1], "left": image[:, 0], "right": image[:, -1]}
    level = {name: float(side.max()) for name, side in sides.items()}
    side = max(level, key=lambda name: level[name])
    core = _island(image > CORE_CUT, star.row, star.column)
    size = f"{image.shape[0]} × {image.shape[1]} pixels"
    if core[0].any() or core[-1].any() or core[:, 0].any() or core[:, -1].any():
        return Problem(
            f"its core is cut off: in the frame of {size} the light does not fall to half of the peak "
            f"({star.place(star.column, star.row)}) before it reaches the edge; give a larger picture, or GaussianPSF or MoffatPSF",
            clear=True,
        )
    if level[side] > CUT:
        return Problem(
            f"it is too small for its width: at the {side} edge of {size} the light is still {level[side]:.2f} of the peak; "
            "what lies outside is lost; give a larger picture, or GaussianPSF or MoffatPSF",
            clear=False,
        )
    return None


def _second_peak(star: _Star) -> Problem | None:
    """Another star: an island of light that stands out of what lies at the same distance from the peak."""
    from scipy import ndimage

    # Means of 3 × 3 pixels, so that single noisy ones are no stars.
    smooth = ndimage.uniform_filter(star.picture, 3, mode="constant")
    peak = smooth[star.row, star.column]
    noise = 1.4826 * float(np.median(np.abs(smooth - np.median(smooth))))
    # From the brightest down, because a lower level may join two stars that a higher one parts.
    for height in (0.9, 0.7, 0.5, SECOND_STAR, 0.2, 0.14, SECOND_PEAK):
        near = _island(smooth > 0.6 * height * peak, star.row, star.column)
        near |= star.distance < max(1.5 * star.fwhm, 2.5)
        row, column = np.unravel_index(np.argmax(np.where(near, -np.inf, smooth)), smooth.shape)
        level = float(smooth[row, column])
        if near[row, column] or level < max(height * peak, 6 * noise):
            continue
        away = float(star.distance[row, column])
        # Not a ring, which is as bright all around.
        if level < 2.5 * np.median(smooth[np.abs(star.distance - away) < 0.75]):
            continue
        return Problem(
            f"it holds more than one star: beside the peak ({star.place(star.column, star.row)}) "
            f"there is one of {level / peak:.0%} of its height, {away:.0f} pixels away "
            f"({star.place(int(column), int(row))}); mask or cut off all but one",
            clear=height >= SECOND_STAR,
        )
    return None


def _level(star: _Star) -> Problem | None:
    """A constant that was not subtracted, or too much that was."""
    # Not beyond a circle outside of which everything was set to zero.
    used = star.distance <= star.distance[star.picture != 0].max()
    if used.sum() < LEAST_PIXELS or star.radius < LEAST_RADIUS * star.fwhm:
        return None
    level, error = _constant(star.picture[used], star.distance[used], star.angle[used])
    share = level * used.sum() / star.light
    if abs(share) < LEVEL or abs(level) < error:
        return None
    if level > 0:
        fault = "does not fall to zero at its edge"
        what = f"a constant level of {level:.1e} of the peak makes up {share:.0%} of its light; subtract the sky"
    else:
        fault = "falls below zero towards its edge"
        what = f"a constant level of {level:.1e} of the peak makes up {share:.0%} of its light; too much sky was subtracted"
    return Problem(f"it {fault}: {what}", clear=abs(share) > MOSTLY_LEVEL)


def _constant(level: np.ndarray, distance: np.ndarray, angle: np.ndarray) -> tuple[float, float]:
    """A constant that is in all pixels, and how large it must be to be none of a PSF's wings and no noise.

    The wings of no PSF fall less steeply than r^-2, or it would hold infinite light. What is left in the outermost quarter of
    the pixels when such wings are continued from the quarter inside of it is constant; and nowhere can it be darker than that.
    """
    order = np.argsort(distance, kind="stable")
    half = order[order.size // 2 :]
    inner, outer = np.array_split(half, 2)
    r2 = [float(np.mean(distance[zone] ** 2)) for zone in (inner, outer)]
    mean = [float(level[zone].mean()) for zone in (inner, outer)]
    beyond_wings = (mean[1] * r2[1] - mean[0] * r2[0]) / (r2[1] - r2[0])
    patches, count, noise = _patches(level[half], angle[half])
    low, high = np.quantile(patches, [0.04, 0.96])
    patch_noise = noise / np.sqrt(count.mean())
    scatter = np.sqrt(max(patches.var() - patch_noise**2, 0.0))
    error = float(np.hypot(*r2) / (r2[1] - r2[0]) * noise / np.sqrt(outer.size))
    least = max(FLATNESS * float(scatter), 5 * error)
    # Too much was subtracted where everything is negative.
    if high + 1.75 * patch_noise < 0:
        return float(high), least
    ring = distance[half].astype(int) - int(distance[half].min())
    count = np.bincount(ring)
    rings = np.bincount(ring, level[half]) / np.maximum(count, 1) + 1.75 * noise / np.sqrt(np.maximum(count, 1))
    darkest = float(rings[count >= 8].min(initial=np.inf))
    return max(0.0, min(beyond_wings, float(low + 1.75 * patch_noise), darkest)), least


def _patches(level: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Means over 12 sectors of three rings, how many pixels they have, and the noise of a pixel.

    The pixels come in the order of their distance.
    """
    sector = np.minimum(((angle / (2 * np.pi) + 0.5) * 12).astype(int), 11)
    patch = 3 * sector + np.arange(level.size) * 3 // level.size
    count = np.bincount(patch, minlength=36)
    mean = np.bincount(patch, level, minlength=36) / np.maximum(count, 1)
    noise = 1.4826 * float(np.median(np.abs(level - mean[patch])))
    return mean[count > 0], count[count > 0], noise


def _negative_rings(star: _Star) -> Problem | None:
    """Rings about the peak whose mean is negative beyond its error."""
    step = max(1.0, 0.5 * star.fwhm)
    reach = min(star.radius, 5 * star.fwhm)
    lost = 0.0
    for start in np.arange(0.0, reach, step):
        ring = star.picture[(star.distance >= start) & (star.distance < start + step)]
        if ring.size and ring.mean() < -5 * ring.std() / np.sqrt(ring.size):
            lost -= float(ring.sum())
    if lost < NEGATIVE * star.light:
        return None
    return Problem(
        f"rings about its peak are negative and take away {lost / star.light:.0%} of its light, more than any PSF's; "
        "is it a difference, a filter, or deconvolved?",
        clear=lost > MOSTLY_NEGATIVE * star.light,
    )


def _centre(star: _Star, column: float, row: float) -> Problem | None:
    """The centre that is used lies far from the peak."""
    away = float(np.hypot(column - star.column, row - star.row))
    if away < max(OFF_CENTRE * star.fwhm, 3.0):
        return None
    return Problem(
        f"its centre (column {column:.1f}, row {row:.1f}) lies {away:.1f} pixels from its peak ({star.place(star.column, star.row)}), "
        f"{away / star.fwhm:.1f} times its width; every galaxy would be moved by that",
        clear=False,
    )


def _island(mask: np.ndarray, row: int, column: int) -> np.ndarray:
    """The connected part of a mask that holds this pixel."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    return labels == labels[row, column] if labels[row, column] else np.zeros(mask.shape, bool)
