"""What is to be cited: one set of facts, in BibTeX and in CITATION.cff."""

import re

import pytest
import yaml

import jaxmetal as jm
from jaxmetal.citation import METHOD, SOFTWARE
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def plain(text):
    """Text without the braces by which BibTeX keeps capitals and whole names."""
    return re.sub(r"[{}]", "", text)


def test_the_file_for_programs_has_the_same_facts():
    file = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    for name in ("title", "version", "license"):
        assert file[name] == plain(SOFTWARE.fields[name])
    assert [author["name"] for author in file["authors"]] == [plain(SOFTWARE.fields["author"])]
    (paper,) = file["references"]
    authors = [f"{one['family-names']}, {one['given-names']}" for one in paper["authors"]]
    assert " and ".join(authors) == METHOD.fields["author"]
    assert paper["title"] == plain(METHOD.fields["title"])
    assert str(paper["year"]) == METHOD.fields["year"]
    assert paper["url"] == METHOD.fields["url"] and METHOD.fields["eprint"] in paper["url"]


def test_the_text_is_bibtex():
    """Every entry has a comment, a key of its own, and braces that close."""
    text = jm.cite()
    assert f"version = {{{jm.__version__}}}" in text
    entries = text.split("\n\n")
    keys = [re.match(r"% [A-Z].*\.\n@(software|article)\{(\w+),\n", entry)[2] for entry in entries]
    assert keys[:2] == ["jaxmetal", "Metha2024"] and len(set(keys)) == len(keys) == 5
    for entry in entries:
        assert entry.count("{") == entry.count("}") and entry.endswith("\n}")
        for field in ("author", "title"):
            assert re.search(rf"^  {field} = {{.+}},$", entry, re.M)
