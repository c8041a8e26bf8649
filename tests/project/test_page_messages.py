"""The messages that the page of messages explains are those that the package gives."""

import ast
import re
from pathlib import Path

import pytest

import jaxmetal as jm
from tests.pages import PAGES

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

# What stands for numbers and names on the page.
GAP = "…"


def texts():
    """All strings of the package, with gaps where values are put in."""
    for path in Path(jm.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) else GAP for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


TEXTS = list(texts())
ROWS = re.findall(r"^\| `([^`]+)` \|", PAGES["docs/reference/messages.md"].text, re.M)


def pieces(text):
    """What lies between gaps, without signs at their sides."""
    return [piece.strip(" ,:;()") for piece in text.split(GAP) if piece.strip(" ,:;()")]


@pytest.mark.parametrize("message", ROWS)
def test_a_message_of_the_page_is_one_of_the_package(message):
    """Its pieces follow each other in one text; odds are put together from two."""
    for part in message.split("with odds "):
        pattern = ".*".join(re.escape(piece) for piece in pieces(part))
        assert any(re.search(pattern, text, re.S) for text in TEXTS), part


def test_the_page_has_many():
    assert len(ROWS) > 25
