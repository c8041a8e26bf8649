"""What goes wrong because of the input: one error and one warning, each a readable line."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something the user can put right; the message names the field, what was expected and what arrived."""


class InputWarning(UserWarning):
    """The input was usable only after a change, and the message says which."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> InputError:
    """The error for a name that does not exist, with the nearest right one and the whole list."""
    known = sorted(known)
    # Whatever the case: METALLICITY is near metalicity.
    folded = {other.casefold(): other for other in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    listed = ", ".join(known) or "none"
    return InputError(f"{where + ': ' if where else ''}unknown {kind} {name!r}.{hint} It may be one of: {listed}.")
