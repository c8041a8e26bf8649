"""The mistakes in an input, collected so that all are reported at once."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from jaxmetal.errors import InputError


@dataclass
class Mistakes:
    """The mistakes in a configuration.

    Parameters
    ----------
    lines
        a message for each.
    broken
        parts of the configuration, as dotted paths, that are not checked further.
    """

    lines: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def add(self, where: str, text: object) -> None:
        """Note a mistake; the part it is in is broken."""
        self.broken.add(where)
        # The place is in front of the line already.
        line = re.sub(r"^(priors\[[^]]*\]|path '[^']*'): ", "", " ".join(str(text).split()))
        if (full := f"{where}: {line}") not in self.lines:
            self.lines.append(full)

    @contextmanager
    def at(self, where: str, follows: bool = False) -> Iterator[None]:
        """Note errors in the block instead of raising them.

        Parameters
        ----------
        where
            the part that is checked.
        follows
            whether an error only follows from another mistake; it is then not reported.
        """
        try:
            yield
        except InputError as error:
            self.broken.add(where)
            if not follows:
                self.add(where, error)
        except OSError as error:
            self.add(where, f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))

    def spoils(self, where: str) -> bool:
        """Whether this part, or one that holds it, is broken."""
        parts = where.split(".")
        return any(".".join(parts[:i]) in self.broken for i in range(1, len(parts) + 1))

    def touches(self, where: str) -> bool:
        """Whether anything at or below this part is broken."""
        return self.spoils(where) or any(place.startswith(f"{where}.") for place in self.broken)

    def raise_all(self) -> None:
        """Raise one InputError with all lines, if there are any."""
        if self.lines:
            raise InputError("\n".join(self.lines))
