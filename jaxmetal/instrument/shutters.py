"""NIRSpec's micro-shutters: slitlets of open shutters, and the bars between them."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.footprints import Shapes, boxes
from jaxmetal.quantities import ARCSEC, as_numbers

# Of the open area of a shutter and of the distance to the next, in the direction of the dispersion
# and along the slitlet, arcsec.
OPEN = (0.20, 0.46)
PITCH = (0.268, 0.530)
# Pieces shorter than this are rounding, arcsec.
SHORTEST = 1e-9


class Pieces(NamedTuple):
    """The rectangles of one slitlet, from its one end to the other.

    Parameters
    ----------
    row
        the number of the measurement that each belongs to.
    middle, height
        along the slitlet, from its middle, arcsec.
    is_bar
        whether each is a bar, not a shutter.
    """

    row: Int[np.ndarray, " pieces"]
    middle: Float[np.ndarray, " pieces"]
    height: Float[np.ndarray, " pieces"]
    is_bar: Bool[np.ndarray, " pieces"]


def slitlet_pieces(shutters: int, row_height: Any, transmission: float | None) -> Pieces:
    """Where a slitlet is open; see `Apertures.slitlets`.

    Parameters
    ----------
    shutters
        how many of them.
    row_height
        of a measurement, arcsec; None for the whole slitlet.
    transmission
        of the bars; None where they are dark and no part of the slitlet.

    Returns
    -------
    pieces
        those that let light through.

    Raises
    ------
    InputError
        for numbers that are out of range, or a row that lets nothing through.
    """
    length = _length(shutters)
    height = length if row_height is None else _row_height(row_height)
    if transmission is not None and not 0 <= transmission <= 1:
        raise InputError(
            f"Apertures.slitlets.transmission: expected a number from 0 to 1, got {transmission}."
        )
    count = int(np.ceil(length / height - SHORTEST))
    starts = np.arange(shutters) * PITCH[1] - length / 2
    rows = (np.arange(count + 1) - count / 2) * height
    edges = np.clip(np.concatenate([starts, starts + OPEN[1], rows]), -length / 2, length / 2)
    edges = np.unique(edges)
    middle, heights = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    row = np.floor(middle / height + count / 2).astype(int)
    is_bar = (middle + length / 2) % PITCH[1] >= OPEN[1]
    counts = (heights > SHORTEST) & (~is_bar | (transmission is not None))
    lit = counts & (~is_bar | bool(transmission))
    missing = np.setdiff1d(np.arange(count), row[lit])
    if missing.size:
        raise InputError(
            f"Apertures.slitlets: row {missing[0]} lies on a bar and lets nothing through; "
            "give taller rows, or a transmission of the bars."
        )
    return Pieces(row[counts], middle[counts], heights[counts], is_bar[counts])


def slitlet_shapes(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    angle: Float[np.ndarray, " n"],
    across: Float[np.ndarray, " n"],
    along: Float[np.ndarray, " n"],
    pieces: Pieces,
) -> Shapes:
    """The rectangles of slitlets on the sky.

    Parameters
    ----------
    x, y
        where steps start, arcsec.
    angle
        of the slitlets, degrees, from +y towards +x.
    across, along
        steps, arcsec.
    pieces
        of which each slitlet consists.

    Returns
    -------
    shapes
        each belongs to its slitlet's measurement.
    """
    cos, sin = np.cos(np.deg2rad(angle))[:, None], np.sin(np.deg2rad(angle))[:, None]
    step = along[:, None] + pieces.middle
    east = x[:, None] + across[:, None] * cos + step * sin
    north = y[:, None] - across[:, None] * sin + step * cos
    slitlet, height, turn, is_bar = np.broadcast_arrays(
        np.arange(len(x))[:, None], pieces.height, angle[:, None], pieces.is_bar
    )
    aperture = slitlet * (pieces.row.max() + 1) + pieces.row
    width = np.full(east.size, OPEN[0])
    shapes = boxes(east.ravel(), north.ravel(), width, height.ravel(), turn.ravel())
    return shapes._replace(aperture=aperture.ravel(), is_bar=is_bar.ravel())


def _length(shutters: Any) -> float:
    """From end to end, arcsec."""
    if isinstance(shutters, bool) or not isinstance(shutters, int | np.integer) or shutters < 1:
        raise InputError(
            f"Apertures.slitlets.shutters: expected a positive whole number, got {shutters!r}."
        )
    return float((shutters - 1) * PITCH[1] + OPEN[1])


def _row_height(value: Any) -> float:
    height = as_numbers(value, "Apertures.slitlets.row_height", ARCSEC)
    if height.ndim or not height > 0 or not np.isfinite(height):
        raise InputError(
            f"Apertures.slitlets.row_height: expected one positive number, got {value!r}."
        )
    return float(height)
