"""Fits on disk: the same numbers come back with the model that was fitted."""

import dataclasses

import numpy as np
import pytest

import jaxmetal as jm
from tests.scenes import GRADIENT, small_model

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def test_a_fit_comes_back_whole(fit, model, tmp_path):
    other = dataclasses.replace(fit, message="another maximum")
    fit = dataclasses.replace(fit, others=(other,), excess=np.eye(2)).with_caveats("one", "two")
    fit.save(tmp_path / "fit.nc")
    again = jm.Fit.load(tmp_path / "fit.nc", model)
    assert list(again.parameters) == list(fit.parameters) and again.converged is fit.converged
    for name in ("covariance", "unconstrained", "unconstrained_covariance", "excess"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fit, name))
    np.testing.assert_array_equal(again.predicted["z"], fit.predicted["z"])
    assert again.others[0].message == "another maximum"
    assert again.caveats == ("one", "two") and again.message == fit.message
    for points_or_heights, expected in zip(again.ends, fit.ends, strict=True):
        np.testing.assert_array_equal(points_or_heights, expected)
    assert again.bic == pytest.approx(fit.bic)
    gradient = again.galaxy.disc.metallicity.gradient
    assert float(gradient) == pytest.approx(float(fit.parameters[GRADIENT]))


def test_the_sampler_goes_on_from_a_fit_that_was_saved(fit, model, tmp_path):
    fit.save(tmp_path / "fit.nc")
    again = jm.Fit.load(tmp_path / "fit.nc", model)
    draws = [jm.sample(model, f, draws=50, method="importance").samples for f in (fit, again)]
    np.testing.assert_array_equal(draws[0][GRADIENT], draws[1][GRADIENT])


def test_a_fit_of_other_data_or_parameters_is_refused(fit, model, tmp_path):
    fit.save(tmp_path / "fit.nc")
    with pytest.raises(jm.InputError, match="other data"):
        jm.Fit.load(tmp_path / "fit.nc", small_model(seed=4))
    less = jm.Model(model.galaxy, model.maps, {GRADIENT: model.priors[GRADIENT]})
    with pytest.raises(jm.InputError, match="not the model's"):
        jm.Fit.load(tmp_path / "fit.nc", less)


def test_what_is_no_fit_is_told(model, tmp_path):
    with pytest.raises(jm.InputError, match="no file"):
        jm.Fit.load(tmp_path / "none.nc", model)
    (tmp_path / "text.nc").write_text("text", "utf-8")
    with pytest.raises(jm.InputError, match="does not hold a fit"):
        jm.Fit.load(tmp_path / "text.nc", model)
