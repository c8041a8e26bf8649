"""A relation that is a table: line ratios of photoionisation models on a grid of parameters."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.emission.lines import BALMER, BRIGHTER, check_line
from jaxmetal.emission.relations import Ratios
from jaxmetal.errors import InputError, described, unknown

# The axes by default: 12 + log(O/H) and log10 of the ionisation parameter.
AXES = ("metallicity", "log_u")
# log10 ratios are hardly ever all positive, and never span factors such as this as linear ones do.
LINEAR_SPAN = 30.0


class LineGrid(eqx.Module):
    """Line ratios interpolated between the points of a grid, such as that of Cloudy or MAPPINGS.

        log10 R(Z, U, …) = Σ_corners [Π_axes (1 - t or t)] log10 R_corner

    with t the place in a cell along an axis, from 0 to 1. Outside of the grid the outermost cells
    are continued, linearly along each axis.

    Parameters
    ----------
    table
        columns by name, a row for each point in any order: an astropy table or a mapping of arrays.
    axes
        columns that are axes, the metallicity 12 + log(O/H) first; or {tracer: column} if the
        tracers of the component are called otherwise. Each is a tracer, such as "log_u".
    lines
        {line: column}; if left out, every other column, named after its line, such as "OIII5007".
        Where both lines of a doublet are there, their sum is used. Balmer lines but the reference
        are not: their ratios are those of case B, and `Emission(balmer=)`.
    reference
        the line that the ratios are relative to; if the table has it, its column is divided by.
    log
        whether the numbers are log10 of ratios or fluxes, or these themselves.
    name
        for messages.

    Raises
    ------
    InputError
        for columns that do not exist or are no lines, points that are missing or repeated, and
        numbers that are not finite, not positive, or not what `log` says.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> table = {"Z": [8.0, 8.5], "NII6584": [-1.2, -0.6]}
    >>> ratios = jm.LineGrid(table, {"metallicity": "Z"})
    >>> ratios.names
    ('NII6584/Hb',)
    """

    axes: tuple[Float[Array, " points"], ...]
    ratios: Float[Array, "*points lines"]
    tracers: tuple[str, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    name: str = eqx.field(static=True)
    # Each model's ratios are exact; how far nature scatters about them is not known.
    scatter: tuple[tuple[str, float], ...] = eqx.field(static=True, default=())

    def __init__(
        self,
        table: Any,
        axes: Sequence[str] | Mapping[str, str] = AXES,
        lines: Mapping[str, str] | None = None,
        reference: str = "Hb",
        log: bool = True,
        name: str = "LineGrid",
    ):
        columns, by_tracer = _columns(table), _by_tracer(axes)
        self.tracers, self.name, self.scatter = tuple(by_tracer), name, ()
        points = [_numbers(columns, column, "LineGrid.axes") for column in by_tracer.values()]
        if lines is None:
            lines = {n: n for n in columns if n not in by_tracer.values()}
        check_line(reference, "LineGrid.reference")
        fluxes = {
            check_line(line, "LineGrid.lines"): _numbers(columns, column, "LineGrid.lines")
            for line, column in lines.items()
        }
        logs = _log_ratios(fluxes, reference, log)
        values, order = _arranged(self.tracers, points)
        shape = tuple(map(len, values))
        self.axes = tuple(jnp.asarray(v, jnp.result_type(float)) for v in values)
        self.names = tuple(f"{line}/{reference}" for line in logs)
        stack = np.stack([column[order].reshape(shape) for column in logs.values()], axis=-1)
        self.ratios = jnp.asarray(stack, jnp.result_type(float))

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The lowest and highest value of each axis, by the name of its tracer."""
        ends = [(float(axis[0]), float(axis[-1])) for axis in self.axes]
        return dict(zip(self.tracers, ends, strict=True))

    @property
    def valid(self) -> tuple[float, float]:
        """The lowest and highest metallicity."""
        return self.ranges[self.tracers[0]]

    def __call__(self, *tracers: Float[ArrayLike, "..."]) -> Ratios:
        """The log10 ratios where the tracers have these values, in the order of `tracers`."""
        places = [_place(axis, x) for axis, x in zip(self.axes, tracers, strict=True)]
        total: Any = 0.0
        for corner in itertools.product((0, 1), repeat=len(places)):
            weight: Any = 1.0
            for (_, t), upper in zip(places, corner, strict=True):
                weight = weight * (t if upper else 1 - t)
            index = tuple(i + upper for (i, _), upper in zip(places, corner, strict=True))
            total = total + weight[..., None] * self.ratios[index]
        return {name: total[..., k] for k, name in enumerate(self.names)}


def _place(axis: Float[Array, " points"], x: Float[ArrayLike, "..."]) -> tuple[Array, Array]:
    """The cell of an axis that a value lies in, the outermost beyond its ends, and where in it."""
    x = jnp.asarray(x, axis.dtype)
    inner = axis[1:-1].reshape(*(1,) * x.ndim, -1)
    cell = jnp.sum(x[..., None] >= inner, axis=-1)
    low = axis[cell]
    return cell, (x - low) / (axis[cell + 1] - low)


def _by_tracer(axes: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """The columns of the axes by their tracers."""
    by_tracer = dict(axes) if isinstance(axes, Mapping) else {axis: axis for axis in axes}
    if not by_tracer:
        raise InputError("LineGrid.axes: expected at least one column, the metallicity first.")
    return by_tracer


def _columns(table: Any) -> dict[str, Any]:
    if hasattr(table, "colnames"):
        return {name: table[name] for name in table.colnames}
    if not isinstance(table, Mapping) or not table:
        expected = "expected columns by name: an astropy table or a mapping of arrays"
        raise InputError(f"LineGrid: {expected}, got {described(table)}.")
    return dict(table)


def _numbers(columns: Mapping[str, Any], name: str, where: str) -> np.ndarray:
    """A column as numbers; what is masked is NaN."""
    if name not in columns:
        raise unknown("column", name, columns, where)
    try:
        column = np.ma.filled(np.ma.asarray(columns[name], float), np.nan)
    except (TypeError, ValueError):
        raise InputError(f"{where}: column {name!r} does not hold numbers.") from None
    length = len(np.ravel(columns[next(iter(columns))]))
    if column.shape != (length,):
        raise InputError(f"{where}: column {name!r} has shape {column.shape}, not ({length},).")
    bad = np.flatnonzero(~np.isfinite(column))
    if len(bad):
        more = f", and {len(bad) - 1} more are not finite" if len(bad) > 1 else ""
        raise InputError(f"{where}: column {name!r} is {column[bad[0]]} in row {bad[0] + 1}{more}.")
    return column


def _log_ratios(fluxes: dict[str, np.ndarray], reference: str, log: bool) -> dict[str, np.ndarray]:
    """log10 of each ratio to the reference line; doublets added up."""
    logs = _logs(fluxes, log)
    base = logs.pop(reference, 0.0)
    ratios = {line: column - base for line, column in logs.items() if line not in BALMER}
    for faint, bright in BRIGHTER.items():
        if faint in ratios and bright in ratios:
            pair = ratios.pop(bright), ratios.pop(faint)
            ratios[f"{bright}+{faint}"] = np.log10(10 ** pair[0] + 10 ** pair[1])
    if not ratios:
        raise InputError("LineGrid.lines: no line but Balmer lines and the reference.")
    return ratios


def _logs(fluxes: dict[str, np.ndarray], log: bool) -> dict[str, np.ndarray]:
    """The columns as log10, if they are what `log` says."""
    if log:
        if largest := _look_linear(fluxes):
            problem = f"all numbers are positive, up to {largest:.3g}; are they ratios, not their"
            raise InputError(f"LineGrid.log: {problem} log10? Then say log=False.")
        return dict(fluxes)
    for line, column in fluxes.items():
        if np.min(column) <= 0:
            problem = f"{line} is {np.min(column):g}; a ratio is positive, its log10 is log=True"
            raise InputError(f"LineGrid.log: {problem}.")
    return {line: np.log10(column) for line, column in fluxes.items()}


def _look_linear(fluxes: Mapping[str, np.ndarray]) -> float | None:
    """The largest number, if all are positive and those of a line span decades."""
    lowest = min(float(column.min()) for column in fluxes.values())
    spans = [float(column.max() / column.min()) for column in fluxes.values() if column.min() > 0]
    if lowest <= 0 or max(spans) < LINEAR_SPAN:
        return None
    return max(float(column.max()) for column in fluxes.values())


def _arranged(
    tracers: Sequence[str], points: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """The values of each axis, and the row of each point of the grid in C order."""
    values, indices = zip(*(np.unique(p, return_inverse=True) for p in points), strict=True)

    def at(flat: int) -> str:
        where = np.unravel_index(flat, shape)
        named = zip(tracers, values, where, strict=True)
        return ", ".join(f"{name} {axis[i]:g}" for name, axis, i in named)

    for tracer, axis in zip(tracers, values, strict=True):
        if len(axis) < 2:
            raise InputError(f"LineGrid.axes: {tracer} needs two values at least, got {axis[0]:g}.")
    shape = tuple(map(len, values))
    places = np.ravel_multi_index([index.ravel() for index in indices], shape)
    counts = np.bincount(places, minlength=int(np.prod(shape)))
    if np.any(counts > 1):
        first = int(np.argmax(counts > 1))
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(places == first))
        raise InputError(f"LineGrid: rows {rows} are one point, {at(first)}.")
    if np.any(counts == 0):
        size = " x ".join(map(str, shape))
        problem = f"no point at {at(int(np.argmin(counts)))}"
        present = int(np.sum(counts))
        raise InputError(f"LineGrid: {problem}; of a grid of {size} points {present} are there.")
    return list(values), np.argsort(places)
