"""The metallicity map that is usually made of line fluxes, and mock line maps."""

import numpy as np
import pytest

import jaxmetal as jm
from tests.scenes import telescope

# The calibrations and the noise are computed in float64 in either precision.
pytestmark = pytest.mark.precision("single")

GALAXY = jm.Galaxy(
    disc=jm.Component(
        light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.5, n_sersic=1.0),
        metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.06),
        emission=jm.Emission("marino13"),
    )
)
LINES = ("Ha", "Hb", "NII6584", "OIII5007")


@pytest.fixture(scope="module")
def exact():
    return jm.simulate.line_maps(GALAXY, telescope(fwhm=0.8), LINES)


def test_noise_of_lines_is_independent_and_of_one_size(exact):
    noisy = jm.simulate.line_maps(GALAXY, telescope(fwhm=0.8), LINES, seed=1)
    noise = [np.asarray((noisy[n].values - exact[n].values) / noisy[n].sigma) for n in LINES]
    covariance = np.cov([image.ravel() for image in noise])
    assert np.abs(covariance - np.eye(4)).max() < 5 / 31
    sigma = float(noisy["NII6584"].sigma[0, 0])
    assert sigma == pytest.approx(0.01 * float(exact["Ha"].values.max()), rel=1e-5)


@pytest.mark.parametrize("calibration", ["n2_m13", "o3n2_m13"])
def test_without_noise_and_gradient_the_map_is_the_metallicity(calibration):
    flat = jm.Profile(jm.tracer.uniform, value=8.4)
    disc = jm.Component(GALAXY.disc.light, metallicity=flat, emission=jm.Emission("marino13"))
    maps = jm.simulate.line_maps(jm.Galaxy(disc=disc), telescope(fwhm=0.8), LINES)
    z, sigma = jm.baselines.metallicity_map(maps, calibration, 1.0)
    usable = np.isfinite(z)
    assert usable.sum() > 100
    np.testing.assert_allclose(z[usable], 8.4, atol=2e-4)
    assert (sigma[usable] > 0).all() and np.isnan(sigma[~usable]).all()


def test_a_cut_turns_the_gradient_over():
    """The number is that of an independent calculation of the same scene, within its scatter."""
    instrument = jm.Instrument(jm.Grid.regular((61, 61), 0.2), jm.NoPSF(), (4, 1), 0)
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=2.5, n_sersic=1.0)
    disc = jm.Component(light, metallicity=GALAXY.disc.metallicity, emission=GALAXY.disc.emission)
    lines, galaxy = ("Ha", "NII6584"), jm.Galaxy(disc=disc)
    peak = float(jm.simulate.line_maps(galaxy, instrument, lines)["Ha"].values.max())
    radius = jm.baselines.radius_map(instrument.grid)
    gradients = []
    for seed in range(12):
        maps = jm.simulate.line_maps(galaxy, instrument, lines, peak / 15, seed)
        z, sigma = jm.baselines.metallicity_map(maps, "n2_m13", 3.0)
        gradients.append(jm.baselines.wls(radius, np.where(radius < 6, z, np.nan), sigma).gradient)
    assert np.mean(gradients) == pytest.approx(0.044, abs=4 * 0.010 / np.sqrt(12))


def test_what_makes_no_sense_is_refused(exact):
    with pytest.raises(jm.InputError, match="needs Ha, Hb, OIII5007, NII6584; there is no Hb"):
        jm.baselines.metallicity_map(
            {n: exact[n] for n in ("Ha", "NII6584", "OIII5007")}, "o3n2_m13"
        )
    with pytest.raises(jm.InputError, match="unknown calibration"):
        jm.baselines.metallicity_map(exact, "n3")
    with pytest.raises(jm.InputError, match="unknown light 'SII6717'"):
        jm.simulate.line_maps(GALAXY, telescope(), ["SII6717"])
