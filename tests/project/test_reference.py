"""The references that the documentation makes of the code name everything that there is."""

import importlib
import sys

import pytest
import yaml

import jaxmetal as jm
from jaxmetal.io.config import Mistakes, parse
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.fixture
def extension(monkeypatch):
    """extension(name): a module of docs/_ext, as Sphinx imports it."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "docs" / "_ext"))
    yield importlib.import_module
    for name in ("api", "commands", "configuration"):
        sys.modules.pop(name, None)


def test_every_key_of_a_configuration_is_described(extension):
    """And no key that does not exist."""
    module = extension("configuration")
    listed = [model for models in module.SECTIONS.values() for model in models]
    assert len(listed) == len(set(listed))
    assert {model for place in module.MODULES for model in module.models(place)} == set(listed)
    text = module.configuration()
    assert "`accuracy` · number > 0 and < 1 · parameter errors · default `0.03`\n: " in text
    assert "`snr` · number ≥ 0 · default `3.0`\n: " in text


def test_an_example_of_each_section_is_valid(extension):
    """Its keys and values, whatever the files are."""
    examples = extension("configuration").examples()
    light = {"profile": "sersic", "amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0}
    wrong = {}
    for heading, text in examples.items():
        mistakes = Mistakes()
        parse({"galaxy": {"disc": {"light": light}}} | yaml.safe_load(text), mistakes)
        if mistakes.lines:
            wrong[heading] = mistakes.lines
    assert wrong == {} and len(examples) > 20


def test_a_key_without_a_description_stops_the_build(extension):
    module = extension("configuration")
    with pytest.raises(KeyError, match="starts"):
        module.rows(jm.io.schema.Fit, {"schema.Fit": {"method": "", "steps": "", "seed": ""}})


def test_every_public_name_has_a_page(extension):
    module = extension("api")
    index = module.index()
    for name in jm.__all__:
        assert f"<{name}>" in index
        assert f"jaxmetal.{name}\n=" in module.page(name)
    assert ".. autofunction:: jaxmetal.profiles.light.sersic" in module.page("light")


def test_every_command_has_its_help(extension):
    module = extension("commands")
    text = module.commands()
    assert len(module.subcommands()) >= 10
    for name in module.subcommands():
        assert f"## jaxmetal {name}" in text
    assert "| 130 | interrupted" in module.statuses()
