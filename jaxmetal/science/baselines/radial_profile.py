"""Medians in annuli, and the line through them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from jaxmetal.errors import InputError
from jaxmetal.quantities import ANY, as_numbers
from jaxmetal.science.baselines.line_fits import LineFit, ols
from jaxmetal.science.baselines.usable import RADIUS, usable_pixels


@dataclass(frozen=True)
class Annuli:
    """A radial profile in annuli, NaN where an annulus is empty.

    Parameters
    ----------
    radius
        median radius of the pixels in each annulus.
    median, p16, p84
        of the values there.
    count
        number of pixels there.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> profile = jm.baselines.annuli([0.2, 0.8, 1.5], [8.5, 8.4, 8.3], edges=[0, 1, 2])
    >>> profile.count.tolist()
    [2, 1]
    """

    radius: Float[np.ndarray, " annuli"]
    median: Float[np.ndarray, " annuli"]
    p16: Float[np.ndarray, " annuli"]
    p84: Float[np.ndarray, " annuli"]
    count: Int[np.ndarray, " annuli"]


def annuli(radius: Any, values: Any, edges: Any, mask: Any = None) -> Annuli:
    """Medians in annuli, edges[i] <= R < edges[i + 1].

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    edges
        growing radii of the circles between the annuli, one more than there are annuli.
    mask
        True where a pixel is to be left out; pixels that are not finite leave by themselves.

    Returns
    -------
    profile
        one entry per annulus.

    Raises
    ------
    InputError
        for shapes that do not match, or edges that do not grow.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> profile = jm.baselines.annuli([0.2, 0.8, 1.5], [8.5, 8.4, 8.3], edges=[0, 1, 2])
    >>> profile.median.round(2).tolist()
    [8.45, 8.3]
    """
    edges = as_numbers(edges, "annuli.edges", RADIUS)
    values = as_numbers(values, "annuli.values", ANY)
    if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
        raise InputError(f"annuli.edges: expected two or more growing radii, got {edges.tolist()}.")
    radius, values = usable_pixels("annuli", mask, radius=radius, values=values)
    index = np.digitize(radius, edges) - 1
    profile = np.full((4, edges.size - 1), np.nan)
    for i in range(edges.size - 1):
        inside = index == i
        if inside.any():
            profile[:, i] = [
                np.median(radius[inside]),
                *np.percentile(values[inside], [50, 16, 84]),
            ]
    inner = index[(index >= 0) & (index < edges.size - 1)]
    count = np.bincount(inner, minlength=edges.size - 1)
    return Annuli(*profile, count=count)


def line_through(profile: Annuli) -> LineFit:
    """The line through the medians of the annuli, each counting the same; see `ols`.

    Parameters
    ----------
    profile
        as `annuli` gives it.

    Returns
    -------
    fit
        in the units of the profile.

    Raises
    ------
    InputError
        for fewer than two annuli that are not empty.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> profile = jm.baselines.annuli([0.5, 1.5, 2.5], [8.5, 8.4, 8.3], edges=[0, 1, 2, 3])
    >>> print(f"{jm.baselines.line_through(profile).gradient:.2f}")
    -0.10
    """
    return ols(profile.radius, profile.median)
