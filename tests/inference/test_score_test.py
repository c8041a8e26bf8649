"""The score test of parameters that a fit holds fixed, against fits in which they are free."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import CENTRAL, GRADIENT, blank, disc, telescope

SIGMA, FWHM = 0.02, "z.instrument.psf.fwhm"
PRIORS = {CENTRAL: dist.Normal(8.0, 1.0), GRADIENT: dist.Normal(0.0, 1.0)}


def z_map(fwhm=0.8, noise=SIGMA):
    """Data through one PSF, for a fit through one of 0.8 arcsec."""
    truth = np.asarray(jm.predict(disc(), blank(telescope((21, 21), fwhm=fwhm))), float)
    values = truth + noise * np.random.default_rng(0).standard_normal(truth.shape)
    return jm.TracerMap(values, SIGMA, telescope((21, 21)), check=False)


def fitted(z, priors=PRIORS):
    model = jm.Model(disc(), {"z": z}, priors)
    return model, jm.optimise(model, starts=1)


@pytest.fixture(scope="module")
def blurred():
    """Data through a PSF a seventh too wide, without noise, and the fit that does not know."""
    return fitted(z_map(fwhm=0.92, noise=0.0))


@pytest.fixture(scope="module")
def table(blurred):
    return jm.score_test(*blurred)


def test_the_statistic_is_the_gain_of_a_fit_in_which_the_parameter_is_free(blurred, table):
    """Twice the gain in log likelihood, as far as the likelihood is a parabola."""
    _, fit = blurred
    assert table["parameter"][0] == FWHM
    _, wider = fitted(z_map(fwhm=0.92, noise=0.0), PRIORS | {FWHM: dist.Uniform(0.4, 1.2)})
    gain = 2 * (wider.log_likelihood - fit.log_likelihood)
    assert table["statistic"][0] == pytest.approx(gain, rel=0.15)
    assert wider.parameters[FWHM] == pytest.approx(0.92, abs=0.01)
    assert table["value"][0] == pytest.approx(0.92, abs=0.03)
    moved = abs(wider.parameters[GRADIENT] - fit.parameters[GRADIENT]) / fit.errors[GRADIENT]
    assert table["shift"][0] == pytest.approx(moved, rel=0.25)


def test_by_default_place_errors_and_psf_are_tested_alone_and_together(table):
    assert list(table["parameter"]) == [
        FWHM,
        *(f"z.calibration.{name}" for name in ("shift_x", "shift_y", "error_scale")),
        "all together",
    ]
    # Data without noise: errors are far too large, and a shift explains nothing.
    by_name = {row["parameter"]: row for row in table}
    assert by_name["z.calibration.error_scale"]["value"] < 1
    assert by_name["z.calibration.shift_x"]["statistic"] < 0.1
    assert by_name["all together"]["statistic"] >= table["statistic"][:-1].max()


def test_a_right_model_passes():
    table = jm.score_test(*fitted(z_map()))
    assert table["p_value"].min() > 0.01


def test_what_cannot_be_tested_is_told(blurred):
    model, fit = blurred
    with pytest.raises(jm.InputError, match="gradient is free already"):
        jm.score_test(model, fit, [GRADIENT])
    with pytest.raises(jm.InputError, match="unknown name 'width'"):
        jm.score_test(model, fit, ["z.instrument.psf.width"])


@pytest.mark.wrong_types
def test_the_fit_and_its_model_are_not_interchanged(blurred):
    model, _ = blurred
    with pytest.raises(jm.InputError, match="score_test: fit"):
        jm.score_test(model, model)
