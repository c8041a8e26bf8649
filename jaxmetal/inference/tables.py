"""Numbers by parameter, as tables that print."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

# Parameters that a message tells several answers apart by.
TOLD = 2
# The most rows of one array, such as the modes of a texture, that a table prints.
MOST_ROWS = 24


class Summary(dict):
    """Rows of numbers by parameter; prints as a table, without the elements of large arrays."""

    def __str__(self) -> str:
        if not self:
            return "(nothing is free)"
        columns, (rows, large) = list(next(iter(self.values()))), self.without_large()
        width = max((len(name) for name in rows), default=0)
        lines = [" " * width + "".join(f"{column:>12}" for column in columns)]
        lines += [
            f"{name:<{width}}" + "".join(f"{row[column]:>12.5g}" for column in columns)
            for name, row in rows.items()
        ]
        return "\n".join(lines + large)

    def without_large(self) -> tuple[dict[str, Any], list[str]]:
        """The rows without those of large arrays, and a line for each of these."""
        single, large = single_and_large(self)
        lines = [f"{name}: {size} numbers" for name, size in large.items()]
        return {name: self[name] for name in single}, lines

    __repr__ = __str__

    def to_table(self) -> Any:
        """The rows as an astropy Table, with the parameters in the column "parameter"."""
        from astropy.table import Table

        columns: dict[str, list[Any]] = {"parameter": list(self)}
        for name in next(iter(self.values()), {}):
            columns[name] = [row[name] for row in self.values()]
        return Table(columns)


def single_and_large(labels: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """The labels outside of large arrays, and the sizes of these arrays by name."""
    by_name: dict[str, list[str]] = {}
    for label in labels:
        by_name.setdefault(label.partition("[")[0], []).append(label)
    large = {name: len(own) for name, own in by_name.items() if len(own) > MOST_ROWS}
    return [label for name, own in by_name.items() if name not in large for label in own], large


def listed(names: Sequence[str]) -> str:
    """Labels in a row, a large array as one of them."""
    single, large = single_and_large(names)
    return ", ".join(single + [f"{size} numbers of {name}" for name, size in large.items()])


def labels(name: str, shape: tuple[int, ...]) -> list[str]:
    """The parameter's name, or name[0], name[1], … for an array."""
    return [name + "".join(f"[{i}]" for i in index) for index in np.ndindex(shape)]


def told(
    values: Mapping[str, Float[np.ndarray, " modes"]],
    errors: Mapping[str, float],
    odds: Float[np.ndarray, " modes"],
    noun: str,
    source: str,
) -> str:
    """Several answers in words, by the parameters in which they differ most.

    Parameters
    ----------
    values
        of each mode, by parameter.
    errors
        of each parameter.
    odds
        the probability of each mode.
    noun, source
        what the modes are called, and where the odds are from.

    Returns
    -------
    text
        one line.
    """

    def distance(name: str) -> float:
        return float(np.nanmax(values[name]) - np.nanmin(values[name])) / (errors[name] or 1.0)

    by_distance = sorted(values, key=distance, reverse=True)
    names = [name for name in values if name in by_distance[:TOLD]]
    parts = []
    for k, odd in enumerate(odds):
        numbers = ", ".join(f"{name} {values[name][k]:.4g}" for name in names)
        parts.append(f"{numbers} ({100 * odd:.0f} %)")
    return f"{len(odds)} {noun}, with odds {source}: {' or '.join(parts)}"


def told_by_draws(
    draws: Mapping[str, Float[np.ndarray, "chains draws"]],
    mode: Int[np.ndarray, "chains draws"],
    odds: Float[np.ndarray, " modes"],
) -> str:
    """Several modes of a posterior in words; see `told`.

    Parameters
    ----------
    draws
        by parameter.
    mode
        the number of the mode of each draw; a mode may have none.
    odds
        the probability of each mode.

    Returns
    -------
    text
        one line.
    """
    parts = {name: [d[mode == k] for k in range(len(odds))] for name, d in draws.items()}
    values = {
        name: np.array([d.mean() if d.size else np.nan for d in each])
        for name, each in parts.items()
    }
    errors = {
        name: max((float(d.std()) for d in each if d.size), default=1.0)
        for name, each in parts.items()
    }
    return told(values, errors, odds, "modes", "by their evidence")
