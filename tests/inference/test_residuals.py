"""Correlated residuals are told, with the factor by which errors are likely too small."""

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.inference.residuals import LARGE, SIGNIFICANT, SMOOTH, autocorrelation
from tests.scenes import FLAT, blank, disc, telescope

PIXELS = 40
ROWS, COLUMNS = np.mgrid[:PIXELS, :PIXELS] - PIXELS / 2
ROUND = np.hypot(ROWS, COLUMNS) < PIXELS / 2


def told(image):
    result = autocorrelation(image, ROUND)
    return result.significance > SIGNIFICANT and result.inflation > LARGE


def test_independent_errors_are_not_called_correlated():
    rng = np.random.default_rng(0)
    assert not any(told(rng.standard_normal((PIXELS, PIXELS))) for _ in range(200))


def test_independent_errors_are_called_smooth_once_in_a_hundred_maps():
    rng = np.random.default_rng(4)
    scores = [autocorrelation(rng.standard_normal(ROWS.shape), ROUND).smooth for _ in range(400)]
    assert np.mean(np.array(scores) > SMOOTH) < 0.02


def test_a_misfit_that_neighbours_do_not_show_is_told_by_its_size():
    """A wide and faint one: less than half of an error at its top."""
    rng, wide = np.random.default_rng(5), 0.45 * np.exp(-(ROWS**2 + COLUMNS**2) / (2 * 6.0**2))
    results = [autocorrelation(wide + rng.standard_normal(ROWS.shape), ROUND) for _ in range(40)]
    assert np.median([one.significance for one in results]) < SIGNIFICANT
    assert np.median([one.smooth for one in results]) > SMOOTH
    assert np.median([one.size for one in results]) == 4.0


def test_residuals_smaller_than_errors_are_not_called_correlated():
    """Such as those of data without noise: the errors cover them."""
    assert not told(0.05 * np.sin(COLUMNS / 5))


@pytest.mark.parametrize(
    ("correlation", "variance"),
    [
        # The sum of the correlation over the lattice, with the white part counted at zero.
        (jm.noise.manga(white=0.0), 23.07),
        (jm.noise.gaussian(1.0, white=0.3), 0.3 + 0.7 * 2 * np.pi),
    ],
)
def test_the_factor_is_that_of_a_smooth_mean(correlation, variance):
    rng, grid = np.random.default_rng(1), jm.Grid.regular((PIXELS, PIXELS), 0.5)
    results = [autocorrelation(correlation.drawn(grid, rng), ROUND) for _ in range(40)]
    assert np.median([r.inflation for r in results]) == pytest.approx(np.sqrt(variance), rel=0.1)
    assert all(r.significance > SIGNIFICANT and r.inflation > LARGE for r in results)


def test_too_small_errors_of_a_smooth_misfit_are_told_with_masks_and_few_pixels():
    assert told(2 * np.sin(COLUMNS / 5) + np.random.default_rng(2).standard_normal(ROWS.shape))
    few = np.zeros((3, 3), bool)
    few[1] = True
    assert autocorrelation(np.ones((3, 3)), few).inflation == 1.0


@pytest.fixture(scope="module")
def correlated():
    """Values with correlated noise, their errors and instrument."""
    instrument, correlation = telescope(), jm.noise.manga()
    truth = np.asarray(jm.predict(disc(), blank(instrument)), float)
    noise = correlation.drawn(instrument.grid, np.random.default_rng(3))
    return truth + 0.02 * noise, 0.02, instrument


def fitted(data, errors="full", **options):
    maps = {"z": jm.TracerMap(*data, **options)}
    fit = jm.optimise(jm.Model(disc(), maps, FLAT, errors=errors), starts=1)
    assert fit.converged
    return fit


def test_a_fit_says_by_what_factor_its_errors_are_likely_too_small(correlated):
    fit = fitted(correlated)
    result = fit.autocorrelation["z"]
    assert f"residuals of neighbouring pixels of z are correlated ({result.neighbours:.2g})" in (
        fit.message
    )
    assert 2.5 < result.inflation < 5.5


@pytest.mark.parametrize("errors", ["full", "sandwich"])
def test_a_fit_that_knows_the_correlation_says_nothing(correlated, errors):
    fit = fitted(correlated, errors, correlation=jm.noise.manga())
    assert "neighbouring" not in fit.message
