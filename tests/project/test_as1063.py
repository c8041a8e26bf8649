"""The example of a real arc, behind Abell S1063.

The gradient that its authors found, and the one that the light carries.
"""

import pytest

import jaxmetal as jm
from tests.data import data_path
from tests.paths import example_module

# Precision plays no part here, or the one in which most people run.
pytestmark = [
    pytest.mark.precision("single"),
    pytest.mark.slow,
    # Beyond the published deflection map there is no light of the arc.
    pytest.mark.filterwarnings(
        "ignore:z. the margin around the frame reaches:jaxmetal.errors.InputWarning"
    ),
]


@pytest.fixture(scope="module")
def example():
    return example_module("as1063")


def gradient(example, name):
    """The fit of a variant, and its gradient with the error, dex/kpc along the major axis."""
    fit = jm.optimise(example.variant(name).model(), starts=1)
    return fit, *(
        float(numbers[example.GRADIENT]) / example.KPC for numbers in (fit.parameters, fit.errors)
    )


@pytest.fixture
def with_data(monkeypatch):
    monkeypatch.setenv("JAXMETAL_DATA", str(data_path("as1063_lensed_muse").parent))


def test_the_authors_own_formulation_gives_the_authors_gradient(with_data, example):
    """-0.034 ± 0.002 dex/kpc of their minor-axis radius; their chain has -0.0341 ± 0.0017."""
    fit, slope, error = gradient(example, "authors")
    assert fit.converged and fit.size == 135
    assert slope / example.RATIO == pytest.approx(-0.0344, abs=0.0005)
    assert error / example.RATIO == pytest.approx(0.0018, abs=0.0002)
    # The measurement errors do not explain what is left.
    assert fit.reduced_chi_square == pytest.approx(5.8, abs=0.1)


def test_weighted_by_its_light_the_gradient_is_steeper(with_data, example):
    fit, slope, error = gradient(example, "weighted")
    assert fit.converged
    assert (slope, error) == (pytest.approx(-0.0302, abs=0.0005), pytest.approx(0.0031, abs=0.0003))
    assert float(fit.parameters["z.scatter"]) == pytest.approx(0.0516, abs=0.001)
    assert 0.9 < fit.reduced_chi_square < 1.2
