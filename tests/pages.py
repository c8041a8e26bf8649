"""The README and the pages of docs/: their blocks of code, links, and what their Python defines."""

import atexit
import functools
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jaxmetal as jm
from tests.paths import REPOSITORY

DOCS = REPOSITORY / "docs"
# Pages whose Python says something about its input, as the page tells.
WARNING = ("docs/howto/lenstronomy.md",)
# What the build writes into docs/.
GENERATED = ("_build", "_generated", "_ext", "notebooks", "api")


class Page(NamedTuple):
    """A page.

    Parameters
    ----------
    name
        its path in the repository.
    text
        in Markdown.
    """

    name: str
    text: str

    def blocks(self, language: str) -> list[str]:
        """The blocks that are run, or checked as a whole."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.M | re.S)

    @property
    def shown(self) -> list[str]:
        """Blocks of Python that are only shown, because they need files or packages."""
        return re.findall(r"^```\{code-block\} python\n(.*?)^```$", self.text, re.M | re.S)

    @property
    def commands(self) -> list[str]:
        """Lines that call the command line."""
        lines = (line for block in self.blocks("bash") for line in block.splitlines())
        return [line for line in lines if re.match(r"jaxmetal [a-z]", line)]

    @property
    def links(self) -> list[str]:
        """Files that are linked to, as they are written."""
        named = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", self.text)
        return [name for name in named if not name.startswith("http")]

    @property
    def files(self) -> dict[str, str]:
        """{name: contents} of blocks of YAML whose first line is the name of a file."""
        found = {}
        for block in self.blocks("yaml"):
            if match := re.match(r"# (\S+\.yaml)\n", block):
                found[match[1]] = block
        return found


def pages() -> dict[str, Page]:
    """All pages by name."""
    paths = [REPOSITORY / "README.md"]
    paths += [p for p in sorted(DOCS.rglob("*.md")) if not set(p.parts) & set(GENERATED)]
    names = {path.relative_to(REPOSITORY).as_posix(): path for path in paths}
    return {name: Page(name, path.read_text("utf-8")) for name, path in names.items()}


PAGES = pages()


@functools.cache
def run(name: str) -> dict[str, Any]:
    """What the Python of a page defines, run in order as it stands but with fewer draws.

    It runs in a folder of its own, in which the page's configurations are.
    """
    page, names = PAGES[name], {}
    home = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file, text in page.files.items():
        (folder / file).write_text(text, "utf-8")
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            if name in WARNING:
                warnings.simplefilter("ignore", jm.InputWarning)
            for block in page.blocks("python"):
                code = block.replace("jm.sample(model, fit)", "jm.sample(model, fit, draws=100)")
                exec(compile(code, name, "exec"), names)
    finally:
        os.chdir(home)
    return names | {"folder": folder}
