"""Numbers by parameter, as tables that print."""

import numpy as np


class Summary(dict):
    """Rows of numbers by parameter; prints as a table."""

    def __str__(self) -> str:
        if not self:
            return "(nothing is free)"
        columns = list(next(iter(self.values())))
        width = max(len(name) for name in self)
        lines = [" " * width + "".join(f"{column:>12}" for column in columns)]
        lines += [
            f"{name:<{width}}" + "".join(f"{row[column]:>12.5g}" for column in columns)
            for name, row in self.items()
        ]
        return "\n".join(lines)

    __repr__ = __str__


def labels(name: str, shape: tuple[int, ...]) -> list[str]:
    """The parameter's name, or name[0], name[1], … for an array."""
    return [name + "".join(f"[{i}]" for i in index) for index in np.ndindex(shape)]
