"""The elements of an HTML document that needs no server, no network and no other file."""

import base64
import hashlib
import pkgutil
from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from typing import Any

from jaxmetal.view import pack


def page(title: str, kind: str, body: str, data: str, script: str) -> str:
    """An HTML document.

    Its content security policy forbids all requests and all scripts but this one, whatever is in
    the data.

    Parameters
    ----------
    title
        of the document, not escaped.
    kind
        class of the body, "survey" or "fit".
    body, data
        HTML: what is shown, and script elements with JSON.
    script
        JavaScript; empty for none.
    """
    allowed = (
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        if script
        else "'none'"
    )
    element = f"<script>{script}</script>" if script else ""
    parts = {
        "title": escape(title),
        "kind": kind,
        "allowed": allowed,
        "style": file_text("report.css"),
        "body": body,
        "data": data,
    }
    return Template(file_text("report.html")).substitute(parts, script=element)


def file_text(name: str) -> str:
    """The text of a template, style sheet or script in the folder `page`."""
    return (pkgutil.get_data("jaxmetal.view", f"page/{name}") or b"").decode("utf-8")


def block(name: str, data: Any) -> str:
    """A script element with data as JSON."""
    return f'<script type="application/json" id="{name}">{pack.inert(data)}</script>'


def definition_list(values: Mapping[str, Any]) -> str:
    """A definition list; texts of more than one line keep their line breaks."""
    texts = {key: value if isinstance(value, str) else str(value) for key, value in values.items()}
    return "\n".join(
        f"<dt>{escape(str(key))}</dt><dd>"
        + (f'<pre tabindex="0">{escape(value)}</pre>' if "\n" in value else escape(value))
        + "</dd>"
        for key, value in texts.items()
    )


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """An HTML table; the first column holds the headings of the rows."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "\n".join(_row(*row) for row in rows)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _row(name: str, *cells: str) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )
