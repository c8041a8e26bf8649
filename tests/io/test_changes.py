"""Single values that the command line sets."""

import pytest

import jaxmetal as jm
from jaxmetal.io.changes import changes_of, with_changes

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

RAW = {"fit": {"starts": 4}, "priors": {"disc.light.amp": {"normal": [1, 2]}}, "plots": True}


def test_values_are_read_as_in_a_configuration():
    texts = ["fit.starts=8", "plots=false", "priors.disc.light.amp={normal: [0, 1]}", "a.b=x=y"]
    assert changes_of(texts) == {
        "fit.starts": 8,
        "plots": False,
        "priors.disc.light.amp": {"normal": [0, 1]},
        "a.b": "x=y",
    }


def test_a_change_leaves_the_rest_and_the_contents_themselves():
    changed = with_changes(RAW, {"fit.starts": 8, "sample.draws": 100, "priors.z.scatter": 1})
    assert changed["fit"] == {"starts": 8} and changed["sample"] == {"draws": 100}
    assert changed["priors"] == {**RAW["priors"], "z.scatter": 1}
    assert RAW["fit"] == {"starts": 4}


@pytest.mark.parametrize("text", ["fit.starts", "=3", "fit..starts=3", "plots={"])
def test_what_is_no_change_is_one_line(text):
    with pytest.raises(jm.InputError, match="--set"):
        changes_of([text])


def test_a_path_through_a_number_is_refused():
    with pytest.raises(jm.InputError, match="plots is True, which has nothing below it"):
        with_changes(RAW, {"plots.size": 3})
