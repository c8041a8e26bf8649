"""The example of a gradient whose disc is that of the velocities: MaNGA 7815-3702."""

import pytest

from tests.data import data_path
from tests.paths import example_module

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]


def test_velocities_share_their_disc_with_the_metallicity(monkeypatch):
    """As the table of the examples has it; the metallicity alone asks for another inclination."""
    folder = data_path("manga_7815-3702").parent
    monkeypatch.setenv("JAXMETAL_DATA", str(folder))
    example = example_module("manga_motions")
    alone, both = (
        example.fitted(*example.FITS[name]) for name in ("velocity alone", "both, angles shared")
    )
    assert alone.converged and both.converged
    for key, value, error in (("inclination", 29.1, 2.9), ("position_angle", 166.5, 0.32)):
        path = f"disc.velocity.{key}"
        assert float(alone.parameters[path]) == pytest.approx(value, abs=error)
        assert float(alone.errors[path]) == pytest.approx(error, rel=0.1)
        assert path in both.parameters and f"disc.metallicity.{key}" not in both.parameters
    gradient = example.EFFECTIVE_RADIUS * both.parameters["disc.metallicity.gradient"]
    error = example.EFFECTIVE_RADIUS * both.errors["disc.metallicity.gradient"]
    assert float(gradient) == pytest.approx(-0.0606, abs=0.001)
    assert float(error) == pytest.approx(0.0043, rel=0.1)
