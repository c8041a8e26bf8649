"""The text of a first configuration: YAML with comments, questions marked by "# ?"."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

# What YAML reads as a text without quotes, and is no number and no word for true or false.
_BARE = re.compile(r"[A-Za-z_./][\w./-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}
# Column at which comments begin.
COLUMN = 60


class Entry(NamedTuple):
    """A line of a configuration.

    Parameters
    ----------
    key
        its name; "" for a comment alone.
    value
        as YAML writes it; "" where others follow below.
    note
        a comment; it begins with "?" where it is a question.
    depth
        of the indentation.
    """

    key: str
    value: str = ""
    note: str = ""
    depth: int = 0

    def __str__(self) -> str:
        head = "  " * self.depth
        if not self.key:
            return f"{head}# {self.note}" if self.note else ""
        line = f"{head}{self.key}:{' ' if self.value else ''}{self.value}"
        return f"{line:<{COLUMN}}  # {self.note}" if self.note else line


def quoted(text: str | int) -> str:
    """A text as YAML writes it, in quotes where it would be read as something else."""
    if isinstance(text, int):
        return str(text)
    bare = _BARE.fullmatch(text) and text.lower() not in _WORDS and ":" not in text
    return text if bare else json.dumps(text, ensure_ascii=False)


def inline(values: Mapping[str, str]) -> str:
    """A mapping in one line."""
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


def block(key: str, entries: Iterable[Entry], depth: int = 0) -> Iterator[Entry]:
    """Iterate over a key and the lines below it.

    Parameters
    ----------
    key
        of the block.
    entries
        with their depth in the block.
    depth
        of the key.
    """
    yield Entry(key, depth=depth)
    for entry in entries:
        yield entry._replace(depth=entry.depth + depth + 1)


def joined(entries: Iterable[Entry]) -> str:
    """The text of a file."""
    return "\n".join(str(entry).rstrip() for entry in entries) + "\n"


def questions(text: str) -> list[str]:
    """The lines of a configuration that are marked as questions, without the mark.

    Parameters
    ----------
    text
        of a configuration.

    Returns
    -------
    lines
        "key: value: question" of each.
    """
    marked = (line.partition("# ?") for line in text.splitlines() if "# ?" in line)
    found = [f"{head.strip()}: {tail.strip()}".removeprefix(": ") for head, _, tail in marked]
    return list(dict.fromkeys(found))
