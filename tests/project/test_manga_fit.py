"""The example of a real galaxy, MaNGA 7815-3702: what the PSF hides of its metallicity gradient."""

import numpy as np
import pytest
import yaml

import jaxmetal as jm
from jaxmetal.io import scene
from jaxmetal.io.gradients import gradients
from tests.data import data_path
from tests.paths import EXAMPLES

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]

EXAMPLE = EXAMPLES / "manga_7815-3702.yaml"
GRADIENT = "disc.metallicity.gradient"


@pytest.fixture(scope="module")
def galaxy():
    return example(EXAMPLE)


def example(path):
    """An example as it stands, but for a sampling that is known beforehand."""
    config = yaml.safe_load(path.read_text())
    file = config["maps"]["manga"]["file"].removeprefix("${JAXMETAL_DATA}/")
    config["maps"]["manga"] |= {"file": str(data_path(file)), "supersampling": [4, 2]}
    return scene.build(config, EXAMPLES)


@pytest.fixture(scope="module")
def model(galaxy):
    return galaxy.model()


@pytest.fixture(scope="module")
def fit(model):
    return jm.optimise(model, starts=1)


def test_the_light_of_a_real_galaxy_is_its_picture(galaxy):
    assert set(galaxy.maps) == {"z"}
    assert galaxy.galaxy.disc.light.name == "image"
    assert galaxy.disc.effective_radius == pytest.approx(3.775, abs=1e-3)
    assert (galaxy.disc.inclination, galaxy.disc.position_angle) == pytest.approx(
        (27.23, 163.245), abs=0.01
    )


def test_the_gradient_of_a_real_galaxy_is_steeper_than_it_looks(galaxy, fit):
    """In dex per effective radius.

    -0.048 without, -0.062 with the PSF, both with the scatter of 0.011 dex. With each spaxel taken
    as independent the error would be 0.0019.
    """
    rows = {
        row.name: galaxy.disc.effective_radius * row.gradient
        for row in gradients(galaxy, fit, None)
    }
    assert fit.converged
    assert rows["naive: weighted by errors"] == pytest.approx(-0.0593, abs=0.001)
    assert rows["naive: errors and scatter"] == pytest.approx(-0.0476, abs=0.001)
    assert rows["forward-modelled, maximum"] == pytest.approx(-0.0616, abs=0.001)
    assert galaxy.disc.effective_radius * float(fit.errors[GRADIENT]) == pytest.approx(
        0.0046, abs=0.0003
    )
    assert float(fit.parameters["z.scatter"]) == pytest.approx(0.011, abs=0.0005)
    assert float(fit.parameters["disc.metallicity.central"]) == pytest.approx(8.631, abs=0.002)
    assert 0.9 < fit.reduced_chi_square < 1.2


def test_a_straight_line_leaves_a_pattern_in_a_real_galaxy(fit):
    """Neighbours share their residuals, more than by their noise."""
    residual, valid = fit.residuals["z"], np.asarray(fit.maps["z"].valid)
    both = valid[:, 1:] & valid[:, :-1]
    assert np.corrcoef(residual[:, 1:][both], residual[:, :-1][both])[0, 1] > 0.5


def test_the_posterior_of_a_real_galaxy_agrees_with_its_maximum(model, fit):
    posterior = jm.sample(model, fit, method="nuts", chains=2, warmup=40, draws=40)
    row = posterior.summary()[GRADIENT]
    error = float(fit.errors[GRADIENT])
    assert posterior.divergences == 0
    assert row["r_hat"] < 1.2
    assert row["mean"] == pytest.approx(
        float(fit.parameters[GRADIENT]), abs=4 * error / np.sqrt(row["ess"])
    )
    assert 0.6 < row["sd"] / error < 1.5


def test_a_random_field_takes_up_what_no_line_describes(fit):
    """-0.013 ± 0.003 dex/arcsec, and residuals that are white."""
    with_field = jm.optimise(example(EXAMPLES / "manga_field.yaml").model(), starts=1)
    assert with_field.converged, with_field.message
    assert with_field.parameters[GRADIENT] == pytest.approx(-0.0131, abs=0.0005)
    assert with_field.errors[GRADIENT] == pytest.approx(0.0028, abs=0.0004)
    assert with_field.errors[GRADIENT] > 2 * fit.errors[GRADIENT]
    assert abs(with_field.autocorrelation["z"].neighbours) < 0.1
