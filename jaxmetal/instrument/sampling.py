"""The sampling of the sky: cells per pixel, points per cell, and the margin of the frame."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmetal.compiling import compiled
from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF

# Beyond this many evaluations of each profile a map no longer fits into a laptop's memory.
MAX_POINTS = 2e7
# Sides of cells larger than a pixel, in pixels.
CELL_SIZES = (1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16)
# A size is judged by cells that are this many sizes smaller.
SIZES_ON = 3
# The error scales about as this power of the size of the cells.
FALL = 4
# Cells larger by this factor than that scaling requires are tried.
LUCK = 1.15
# The margin stays where widening it changes less than this fraction of the allowed error.
SETTLED = 0.1


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
        "gauss": Gauss-Legendre points, which crowd towards cusps; "midpoint": the middles of
        nodes × nodes equal parts of a cell and nothing finer, as other codes do it.
    outside
        what fills the margin: "sky" (the profiles continue), "dark" (zeros), or "edge" (the
        outermost cells of the frame, repeated).
    """

    convolve: float
    nodes: int
    margin: int
    rule: Literal["gauss", "midpoint"] = "gauss"
    outside: Literal["sky", "dark", "edge"] = "sky"

    @property
    def evaluate(self) -> float:
        """Points per pixel side at which the profiles are evaluated."""
        return self.convolve * self.nodes

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

        Its cells are smaller, and so are the distances between their points.

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
            convolve=1 / smaller[0] if smaller else self.convolve + 1,
            nodes=min(self.nodes + more_nodes, 4),
        )
        if widest <= self.margin:
            return smaller_cells
        return smaller_cells.with_margin(min(self.margin + self.margin // 2 + 1, widest))

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

    def with_margin(self, margin: int) -> "Sampling":
        """A copy with at least this margin, widened until it holds whole cells.

        Cells then lie alike in the frame whatever the margin.
        """
        while abs(margin * self.convolve - round(margin * self.convolve)) > 1e-6:
            margin += 1
        return dataclasses.replace(self, margin=margin)


def choose(
    start: Sampling,
    widest: int,
    more_nodes: bool,
    compare: Callable[[Sampling, Sampling], Any],
    possible: Callable[[Sampling], bool],
) -> tuple[Sampling, Any]:
    """The coarsest sampling that is fine enough, by comparison with finer ones.

    Parameters
    ----------
    start
        the coarsest to try.
    widest
        pixels that the margin may grow to.
    more_nodes
        whether finer means more points in a cell too.
    compare
        gives the errors of one sampling by a finer one; its `excess` is the largest over what is
        allowed.
    possible
        whether a sampling fits into the memory.

    Returns
    -------
    sampling, comparison
        the choice, with its errors; their excess is above 1 if nothing fine enough is possible.
    """
    sampling = start
    while True:
        finer = sampling.finer(widest, more_nodes)
        comparison = compare(sampling, finer)
        if (
            comparison.excess > 1
            and (between := sampling.between(finer, comparison.excess)) is not None
        ):
            sampling = between
            comparison = compare(sampling, finer)
        if comparison.excess <= 1 or not possible(finer):
            return sampling, comparison
        if finer.margin > sampling.margin:
            # Most often only one of the two is to blame, the cells or the margin, and the other
            # would cost for nothing.
            narrow = finer.with_margin(sampling.margin)
            if compare(narrow, finer).excess < SETTLED:
                finer, widest = narrow, narrow.margin
            elif compare(sampling, narrow).excess <= 1:
                finer = sampling.with_margin(finer.margin)
        sampling = finer


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
    if not 0 < convolve <= evaluate < np.inf or (convolve >= 1 and convolve % 1):
        return None
    nodes = round(evaluate / convolve)
    return nodes if abs(nodes * convolve - evaluate) < 1e-6 * evaluate else None


def margin_for(psf: PSF, grid: Grid) -> int:
    """Pixels around the frame from which the PSF scatters all but 1e-4 of its light into it."""
    scale = float(grid.pixel_scale)
    reach = int(np.ceil(psf.radius(1e-4, scale) / scale))
    # Far wings of a wide Moffat would make the frame many times larger for nothing: one frame's
    # width around is enough.
    return min(reach, max(grid.shape))


def guess(psf: PSF, grid: Grid, margin: int) -> Sampling:
    """The coarsest convolution whose cells still resolve the PSF, and two points per cell.

    A convolution on cells is right when the PSF passes nothing beyond half a cycle per cell. With
    whole cells in a pixel 1e-3 is let through, because the average over the pixel and the galaxy's
    own smoothness suppress those frequencies further; with cells larger than a pixel 1e-6.
    """
    if margin == 0:
        return Sampling(1, 2, margin)
    coarse, whole = [1 / size for size in reversed(CELL_SIZES[1:])], range(1, 9)
    passed = np.asarray(_passed(psf, grid, 0.5 * np.array([*coarse, *whole])))
    allowed = np.array([1e-6] * len(coarse) + [1e-3] * len(whole))
    fit = [
        c for c, part, most in zip([*coarse, *whole], passed, allowed, strict=True) if part < most
    ]
    return Sampling(fit[0] if fit else whole[-1], 2, margin)


@compiled
def _passed(psf: PSF, grid: Grid, frequency: np.ndarray) -> Array:
    """The transfer function of the PSF at these cycles per pixel along either axis."""
    frequencies, zero = jnp.asarray(frequency, grid.origin.dtype), jnp.zeros(1, grid.origin.dtype)
    along, across = (
        psf.transfer(grid, frequencies[None, :], zero[:, None]),
        psf.transfer(grid, zero[None, :], frequencies[:, None]),
    )
    return jnp.maximum(jnp.abs(along[0]), jnp.abs(across[:, 0]))
