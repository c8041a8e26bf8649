"""Commands that look something up."""

import json

import pytest

from jaxmetal import cli
from jaxmetal.io.schema import Config

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def told(capsys, *arguments):
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def test_profiles_are_listed_by_kind(capsys):
    text = told(capsys, "profiles")
    light, tracer, lens = (text.index(f"{kind}:\n") for kind in ("light", "tracer", "lens"))
    assert light < text.index("  sersic ") < tracer < text.index("  disc_gradient ") < lens
    assert "  epl " in text[lens:]


def test_a_profile_is_described_with_equation_units_and_ranges(capsys):
    text = told(capsys, "profiles", "sersic")
    assert text.startswith("light: {profile: sersic, amp:, R_sersic:, n_sersic:, e1: 0.0,")
    assert "exp{-b_n [(R/R_sersic)^(1/n) - 1]}" in text and "at least 0.3 and at most 20" in text


def test_a_name_of_two_kinds_is_described_twice(capsys):
    text = told(capsys, "profiles", "uniform")
    assert "light: {profile: uniform" in text and "tracer: {profile: uniform" in text


def test_a_profile_that_does_not_exist_is_bad_input(capsys):
    assert cli.main(["profiles", "sersik"]) == 2
    assert "sersic" in capsys.readouterr().err


def test_the_schema_is_that_of_configurations(capsys):
    schema = json.loads(told(capsys, "schema"))
    assert set(schema["properties"]) == set(Config.model_fields)
    assert "Tracer" in schema["$defs"]
