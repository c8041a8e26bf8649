"""Maps of line fluxes that are none: densities, logarithms, variances."""

import warnings

import astropy.units as u
import numpy as np
import pytest

import jaxmetal as jm
from tests.scenes import telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE = (25, 25)


def fluxes():
    """An exponential disc with noise that grows outwards by five."""
    y, x = np.indices(SHAPE) - 12
    r = np.hypot(x, y)
    sigma = 0.02 * (1 + 4 * r / r.max())
    return np.exp(-r / 4) + sigma * np.random.default_rng(2).normal(size=SHAPE), sigma


def line_map(values, sigma, **options):
    return jm.LineMap(values, sigma, telescope(SHAPE), "Ha", **options)


def test_an_ordinary_map_is_taken_without_a_word():
    values, sigma = fluxes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line_map(values, sigma)
        line_map(values * u.Unit("1e-17 erg / (s cm2)"), sigma * u.Unit("1e-17 erg / (s cm2)"))
        # A galaxy whose line is absorbed in the middle.
        line_map(values - 2 * np.exp(-((np.indices(SHAPE) - 12) ** 2).sum(0) / 8), sigma)


@pytest.mark.parametrize("unit", ["1e-17 erg / (s cm2 Angstrom)", "W / (m2 nm)", "mJy"])
def test_a_flux_density_is_refused(unit):
    values, sigma = (one * u.Unit(unit) for one in fluxes())
    with pytest.raises(jm.InputError, match="a flux density; the flux of a line is integrated"):
        line_map(values, sigma)
    # Light of the continuum is one.
    jm.LightMap(values, sigma, telescope(SHAPE))
    line_map(values, sigma, check=False)


def test_logarithms_are_told_by_their_unit_and_without_one_by_their_signs():
    values, _ = fluxes()
    logs = np.log10(np.clip(values, 1e-3, None)) - 16
    with pytest.raises(jm.InputError, match="a logarithm; light adds up"):
        line_map(logs, 0.05, unit="dex")
    with pytest.warns(jm.InputWarning, match="are negative by more than three errors .*logarithms"):
        line_map(logs, np.full(SHAPE, 0.05))


def test_variances_given_as_errors_are_told():
    values, sigma = fluxes()
    with pytest.warns(jm.InputWarning, match="varianc"):
        line_map(values, sigma**2)
