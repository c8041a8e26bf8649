"""The directive `results`: a committed table of numbers, rounded, as a table of the page."""

import json
from pathlib import Path
from typing import Any, ClassVar

from astropy.table import Table
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def shown(value: Any, digits: int) -> str:
    """A value as it stands in a table.

    Parameters
    ----------
    value
        a number, a text or what has no value.
    digits
        significant digits of numbers that are not whole.

    Returns
    -------
    text
        with a minus sign, and empty for NaN and None.
    """
    if value is None:
        return ""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value != value:
            return ""
        text = f"{value:.{digits}g}"
        if "e+" in text:
            text = f"{value:.0f}"
        return text.replace("-", "−", 1) if text.startswith("-") else text
    return str(value)


def read_rows(source: str) -> list[dict[str, Any]]:
    """The rows of a table in scripts/.

    Parameters
    ----------
    source
        an ECSV file, or FILE.json#ITEM for the rows of an item of the benchmark.

    Returns
    -------
    rows
        {column: value}.
    """
    name, _, item = source.partition("#")
    if item:
        return json.loads((SCRIPTS / name).read_text("utf-8"))[item]["rows"]
    table = Table.read(SCRIPTS / name, format="ascii.ecsv")
    return [dict(zip(table.colnames, row, strict=True)) for row in table]


class Results(SphinxDirective):
    """Some columns of a table in scripts/, such as validation/results/fits.ecsv.

    The content has a line for each: column, or column = heading.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        # column = value, which picks rows
        "where": directives.unchanged,
        "digits": directives.positive_int,
        "most": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        """Make the table.

        Returns
        -------
        nodes
            a table in a frame that scrolls.
        """
        source = self.arguments[0]
        self.env.note_dependency(str(SCRIPTS / source.partition("#")[0]))
        pairs = [line.partition("=") for line in self.content if line.strip()]
        columns = {key.strip(): (text or key).strip() for key, _, text in pairs}
        rows = read_rows(source)
        if where := self.options.get("where"):
            key, _, value = (part.strip() for part in where.partition("="))
            rows = [row for row in rows if str(row.get(key)) == value]
        if not rows:
            raise self.error(f"no rows in {source}")
        digits = self.options.get("digits", 3)
        rows = rows[: self.options.get("most", len(rows))]
        cells = [[shown(row.get(key), digits) for key in columns] for row in rows]
        table = _table(list(columns.values()), cells)
        return [nodes.container("", table, classes=["results"])]


def _table(headings: list[str], cells: list[list[str]]) -> nodes.table:
    group = nodes.tgroup(cols=len(headings))
    group += [nodes.colspec(colwidth=1) for _ in headings]
    group += nodes.thead("", _row(headings))
    group += nodes.tbody("", *(_row(row) for row in cells))
    return nodes.table("", group)


def _row(texts: list[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=text)) for text in texts))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive.

    Parameters
    ----------
    app
        of the build.

    Returns
    -------
    metadata
        of the extension.
    """
    app.add_directive("results", Results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
