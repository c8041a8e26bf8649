"""The mistakes in an input, collected so that all are reported at once."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from jaxmetal.errors import InputError
from jaxmetal.io.paths import why

log = logging.getLogger("jaxmetal")

# Lines, and characters of a line, that a reader may be expected to read.
MOST, LONGEST = 200, 1000


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
        full = f"{where}: {line}"
        full = full if len(full) <= LONGEST else f"{full[:LONGEST]}…"
        if full not in self.lines:
            self.lines.append(full)

    @contextmanager
    def at(self, where: str, follows: bool = False) -> Iterator[None]:
        """Note errors in the block instead of raising them.

        Whatever reading a file, or a user's own function, may raise becomes one line here.

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
        except (Exception, SystemExit) as error:  # of several packages, and of users' own code
            self.add(where, why(error))
            log.debug("%s", where, exc_info=True)

    def spoils(self, where: str) -> bool:
        """Whether this part, or one that holds it, is broken."""
        parts = where.split(".")
        return any(".".join(parts[:i]) in self.broken for i in range(1, len(parts) + 1))

    def touches(self, where: str) -> bool:
        """Whether anything at or below this part is broken."""
        return self.spoils(where) or any(place.startswith(f"{where}.") for place in self.broken)

    def raise_all(self) -> None:
        """Raise one InputError with all lines, if there are any."""
        rest = len(self.lines) - MOST
        more = [f"and {rest} more"] if rest > 0 else []
        if self.lines:
            raise InputError("\n".join(self.lines[:MOST] + more))
