"""The configuration of Sphinx, which also writes what is generated: see docs/_ext."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import api  # noqa: E402
import commands  # noqa: E402
import configuration  # noqa: E402

import jaxmetal as jm  # noqa: E402

project = "jaxmetal"
author = "the jaxmetal developers"
copyright = f"2026, {author}"
version = release = jm.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "mathml",
    "equations",
    "tables",
]
exclude_patterns = ["_build", "_generated", "_ext", "README.md"]
root_doc = "index"

html_theme = "furo"
html_title = f"jaxmetal {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_update_mathjax = False
smartquotes = False
copybutton_exclude = ".linenos, .gp, .go"

# Types are in the descriptions of parameters, with shape and unit.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# A name in backticks is a link where there is such a name, and code otherwise.
default_role = "py:obj"
nitpick_ignore_regex = [(r"py:.*", r"(?s).*")]

# JAXMETAL_DOCS_EXECUTE chooses the notebooks that are executed: "all" by default, "quickstart" or
# "none". What was executed is kept in docs/_build, and again only if its code has changed.
EXECUTED = {"all": None, "quickstart": ["quickstart"], "none": []}
executed = EXECUTED[os.environ.get("JAXMETAL_DOCS_EXECUTE", "all")]
NOTEBOOKS = sorted((HERE.parent / "notebooks").glob("*.ipynb"))
nb_execution_mode = "cache"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_excludepatterns = [
    f"notebooks/{path.name}"
    for path in NOTEBOOKS
    if executed is not None and path.stem not in executed
]
nb_merge_streams = True

linkcheck_timeout = 20
linkcheck_anchors = False


def write(path: Path, text: str) -> None:
    """Write a generated file, unless it is there as it should be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def generate(app: Any) -> None:
    """Write the pages that come from the package, and copy the notebooks beside them."""
    generated = HERE / "_generated"
    write(generated / "configuration.md", configuration.configuration())
    write(generated / "commands.md", commands.commands())
    write(generated / "statuses.md", commands.statuses())
    examples = HERE.parent / "scripts" / "examples" / "README.md"
    # Its links are those of its own folder; the page that includes it lies in docs/howto.
    text = re.sub(r"\]\((?!http)", "](../../scripts/examples/", examples.read_text("utf-8"))
    write(generated / "examples.md", text)
    pages = HERE / "reference" / "api"
    write(pages / "index.rst", api.index())
    for name in jm.__all__:
        write(pages / f"{name}.rst", api.page(name))
    (HERE / "notebooks").mkdir(exist_ok=True)
    for path in NOTEBOOKS:
        copy = HERE / "notebooks" / path.name
        if not copy.is_file() or copy.read_bytes() != path.read_bytes():
            shutil.copyfile(path, copy)


def level_captions(app: Any, page: str, template: str, context: dict, tree: Any) -> None:
    """State the level of the headings in the sidebar, which screen readers ask for."""
    for key, value in context.items():
        if key == "furo_navigation_tree":
            context[key] = value.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", generate)
    # After furo has made the sidebar.
    app.connect("html-page-context", level_captions, priority=900)
