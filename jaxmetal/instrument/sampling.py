"""The sampling of the sky: cells per pixel, points per cell, and the margin of the frame."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from jaxmetal.errors import InputError

# Beyond this many evaluations of each profile a map exceeds the memory of a laptop.
MAX_POINTS = 2e7
# No supersampling asks for more of them.
MOST_POINTS = 1e9
# Points per pixel side, and cells, of which neither is ever needed more; nor such large cells.
MOST_PER_PIXEL, FEWEST_PER_PIXEL = 1000, 1e-3
# Sides of cells larger than a pixel, in pixels.
CELL_SIZES = (1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16)
# A size is judged by cells that are this many sizes smaller.
SIZES_ON = 3
# The error scales about as this power of the size of the cells.
FALL = 4
# Cells larger by this factor than that scaling requires are tried.
LUCK = 1.15
# The error of the margin falls at least about as this power of its width.
MARGIN_FALL = 3
# The margin grows at most by this factor at once.
LARGEST_GROWTH = 3


@dataclasses.dataclass(frozen=True)
class Sampling:
    """The sampling at which an instrument is computed.

    Parameters
    ----------
    convolve
        cells per pixel side on which the convolution runs: a whole number, or less than 1 where the
        PSF is so wide that cells may be larger than pixels.
    nodes
        points per cell side at which the profiles are evaluated.
    margin
        pixels around the frame whose light may scatter into it.
    rule
        "gauss": Gauss-Legendre points, which are denser near cusps; "midpoint": the middles of
        nodes × nodes equal parts of a cell and nothing finer, as other codes do it.
    outside
        what fills the margin: "sky" (the profiles continue), "dark" (zeros), or "edge" (the
        outermost cells of the frame, repeated).
    concentric
        whether all profiles of a component have one centre, so that points need to be denser around
        the last of them only, which is that of a light.
    """

    convolve: float
    nodes: int
    margin: int
    rule: Literal["gauss", "midpoint"] = "gauss"
    outside: Literal["sky", "dark", "edge"] = "sky"
    concentric: bool = False

    @property
    def evaluate(self) -> float:
        """Points per pixel side at which the profiles are evaluated."""
        return self.convolve * self.nodes

    @property
    def by_middles(self) -> bool:
        """Whether values in the middles of cells are convolved in the place of averages."""
        return self.nodes == 1 and self.rule == "gauss" and self.outside == "sky"

    def cells(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the padded grid of cells, of sizes with a fast Fourier transform."""
        rows, columns = (
            fast_size(math.ceil(self.convolve * (n + 2 * self.margin) - 1e-6)) for n in shape
        )
        return rows, columns

    def points(self, shape: tuple[int, int]) -> int:
        """How many times each profile is evaluated for one map."""
        rows, columns = self.cells(shape)
        return rows * columns * self.nodes**2

    def finer(self, widest: int, more_nodes: bool) -> "Sampling":
        """A finer sampling, as a reference to judge this one by.

        Its cells are smaller, and so are the distances between their points. Twice as many to a
        pixel, because around a cusp the error falls slowly; and its margin is twice as wide,
        because the wings of a Moffat and of a galaxy fall slowly, too.

        From cells larger than a pixel it is three sizes on, which costs little: then there may be
        one between the two.

        Parameters
        ----------
        widest
            pixels that the margin may grow to.
        more_nodes
            whether there are more points in a cell too.
        """
        smaller = [size for size in CELL_SIZES if size < 0.99 / self.convolve][-SIZES_ON:]
        smaller_cells = dataclasses.replace(
            self,
            convolve=1 / smaller[0] if smaller else min(2 * self.convolve, self.convolve + 3),
            nodes=min(self.nodes + more_nodes, 4),
        )
        if widest <= self.margin:
            return smaller_cells
        return smaller_cells.with_margin(min(2 * self.margin + 1, widest))

    def between(self, finer: "Sampling", excess: float) -> "Sampling | None":
        """The coarsest sampling between this one and a finer one that may suffice.

        The error of this one is `excess` times the allowed one.
        """
        enough = self.convolve * excess ** (1 / FALL) / LUCK
        sizes = [
            size
            for size in CELL_SIZES
            if enough * size <= 1
            and self.convolve < 0.99 / size
            and 1 / size < 0.99 * finer.convolve
        ]
        return (
            dataclasses.replace(self, convolve=1 / max(sizes)).with_margin(self.margin)
            if sizes
            else None
        )

    def with_smaller_cells(self, finer: "Sampling", excess: float) -> "Sampling":
        """The next to try: cells about as small as the error asks for.

        The error of the cells of this one is `excess` times the allowed one.
        """
        convolve = finer.convolve
        if self.convolve >= 1:
            target = math.ceil(self.convolve * excess ** (1 / FALL) / LUCK)
            convolve = max(target, self.convolve + 1)
        return dataclasses.replace(self, convolve=convolve, nodes=finer.nodes).with_margin(
            self.margin
        )

    def with_wider_margin(self, widest: int, excess: float) -> "Sampling":
        """The next to try: a margin wider by half or more, but no wider than `widest`.

        The error of the margin of this one is `excess` times the allowed one.
        """
        growth = min(excess ** (1 / MARGIN_FALL), LARGEST_GROWTH)
        wider = max(self.margin + self.margin // 2 + 1, math.ceil(self.margin * growth))
        return self.with_margin(max(min(wider, widest), self.margin))

    def with_margin(self, margin: int) -> "Sampling":
        """A copy with at least this margin, widened until it holds whole cells.

        The place of the cells in the frame then does not depend on the margin.
        """
        while abs(margin * self.convolve - round(margin * self.convolve)) > 1e-6:
            margin += 1
        return dataclasses.replace(self, margin=margin)


def finest(samplings: Iterable[Sampling]) -> Sampling:
    """The coarsest sampling that is nowhere coarser than any of these."""
    all_samplings = list(samplings)
    finest_cells = max(all_samplings, key=lambda s: (s.convolve, s.nodes))
    nodes = max(s.nodes for s in all_samplings)
    margin = max(s.margin for s in all_samplings)
    concentric = all(s.concentric for s in all_samplings)
    return dataclasses.replace(finest_cells, nodes=nodes, concentric=concentric).with_margin(margin)


def fast_size(n: int) -> int:
    """The smallest even number with no prime factor above 7 that is at least n."""
    size = n + n % 2
    while True:
        factor = size
        for prime in (2, 3, 5, 7):
            while factor % prime == 0:
                factor //= prime
        if factor == 1:
            return size
        size += 2


def check_points(sampling: Sampling | None, margin: int, shape: tuple[int, int]) -> None:
    """Refuse a sampling, or without one a frame with its margin, that no memory holds.

    Raises
    ------
    InputError
        with the number of points at which every profile would be evaluated.
    """
    # In floating point, because a margin may have any number of digits.
    density = 1.0 if sampling is None else max(sampling.evaluate, 1.0)
    points = math.prod((n + 2.0 * margin) * density for n in shape)
    if points > MOST_POINTS:
        raise InputError(
            f"Instrument: with this supersampling and margin a map has {points:.2g} points, more "
            f"than {MOST_POINTS:.0e}."
        )


def parse(supersampling: Any, margin: int) -> Sampling | None:
    """A Sampling from the `supersampling` option.

    None for "auto", n for (n, n), or (evaluate, convolve).
    """
    if isinstance(supersampling, str) and supersampling == "auto":
        return None
    pair = (
        (supersampling, supersampling)
        if isinstance(supersampling, int | np.integer)
        else supersampling
    )
    try:
        evaluate, convolve = (float(n) for n in pair)
    except (TypeError, ValueError):
        raise InputError(
            'supersampling: expected "auto", a whole number or (evaluate, convolve), got '
            f"{supersampling!r}."
        ) from None
    nodes = nodes_for(evaluate, convolve)
    if nodes is None:
        raise InputError(
            "supersampling: evaluate must be a whole multiple of convolve, and convolve at least "
            "1 and whole, or a number between 0 and 1, "
            f"got {(evaluate, convolve)}."
        )
    return Sampling(int(convolve) if convolve >= 1 else convolve, nodes, margin)


def nodes_for(evaluate: float, convolve: float) -> int | None:
    """Points per cell side, or None if the two numbers do not go together."""
    if not FEWEST_PER_PIXEL <= convolve <= evaluate <= MOST_PER_PIXEL:
        return None
    if convolve >= 1 and convolve % 1:
        return None
    nodes = round(evaluate / convolve)
    return nodes if abs(nodes * convolve - evaluate) < 1e-6 * evaluate else None
