"""Rotation curves of a real galaxy, beside published ones, and of a lensed one at its source."""

import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.spatial import cKDTree

import jaxmetal as jm
from jaxmetal.profiles.geometry import ellipticity
from tests.data import data_path
from tests.paths import example_module

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]


def test_a_rotation_curve_behind_a_wide_beam_is_that_of_a_cube():
    """Within 4 % of 3D-Barolo's from 4.5 to 22.5 arcsec; without the beam a third is missing."""
    folder, rotation = data_path("ngc4047_edge_califa"), example_module("rotation")
    radii, of_cube = rotation.published(folder, "bbarolo3D_smo7")
    psfs = (jm.GaussianPSF(rotation.BEAMS["7arcsec"]), jm.NoPSF())
    with_beam, without = (rotation.carbon_monoxide(folder, psf) for psf in psfs)
    assert with_beam.converged and without.converged
    (curve, errors), (raw, _) = (rotation.curve_of(fit, radii) for fit in (with_beam, without))
    for row in zip(radii, of_cube, curve, errors, raw, strict=True):
        print("{:5.1f} arcsec: cube {:.0f}, moments {:.0f} +- {:.0f}, no beam {:.0f}".format(*row))
    outer = radii > 4
    np.testing.assert_allclose(curve[outer], of_cube[outer], rtol=0.04)
    assert with_beam.parameters["disc.velocity.position_angle"] == pytest.approx(284.0, abs=1.0)
    # The moments of 1.5 arcsec, a fifth of the beam, do not say what a cube says.
    assert raw[0] < 0.7 * curve[0] < 0.7 * of_cube[0]
    assert raw[1] == pytest.approx(0.78 * of_cube[1], rel=0.05)


def test_a_lensed_disc_is_found_in_its_source_plane():
    """Its velocity and dispersion in Voronoi bins, behind a lens with shear."""
    angle, inclination, place = 40.0, 55.0, {"center_x": 0.15, "center_y": -0.1}
    e1, e2 = ellipticity(np.cos(np.deg2rad(inclination)), angle)
    numbers = {"v_max": 220.0, "r_turn": 0.08, "position_angle": angle, "systemic": 1000.0}
    source = jm.Component(
        jm.Profile(jm.light.exponential, amp=10.0, scale_length=0.25, e1=e1, e2=e2, **place),
        velocity=jm.Profile(jm.tracer.rotation, inclination=inclination, **numbers, **place),
        dispersion=jm.Profile(jm.tracer.uniform, value=35.0),
    )
    lens = {
        "mass": jm.Profile(jm.lens.sie, theta_E=1.2, e1=0.1, e2=-0.05),
        "shear": jm.Profile(jm.lens.shear, gamma1=0.04, gamma2=-0.02),
    }
    galaxy = jm.Galaxy(lens=lens, source=source)
    grid = jm.Grid.regular((41, 41), 0.12)
    pixels = jm.Instrument(grid, jm.GaussianPSF(0.5), (6, 2))
    flux = np.asarray(jm.predict(galaxy, jm.LightMap(np.ones(grid.shape), 1.0, pixels)))
    # Voronoi bins around places that are dense where the arc is bright; dark sky is in none.
    rng = np.random.default_rng(1)
    bright = flux > 0.05 * flux.max()
    seeds = rng.choice(
        np.flatnonzero(bright), 150, replace=False, p=flux[bright] / flux[bright].sum()
    )
    corners = np.stack(np.unravel_index(np.arange(flux.size), flux.shape), axis=1)
    bins = cKDTree(corners[seeds]).query(corners)[1].reshape(flux.shape)
    apertures = jm.Apertures.bins(np.where(bright, bins, -1))
    instrument = jm.Instrument(grid, jm.GaussianPSF(0.5), (6, 2), apertures=apertures)
    blank = np.ones(instrument.shape)
    v = jm.TracerMap(blank, 6.0, instrument, "velocity", "linear", check=False)
    s = jm.DispersionMap(blank, 6.0, instrument, check=False)
    exact = [np.asarray(jm.predict(galaxy, one), float) for one in (v, s)]
    noisy = [one + 6.0 * rng.normal(size=one.shape) for one in exact]
    maps = {
        "v": jm.TracerMap(noisy[0], 6.0, instrument, "velocity", "linear"),
        "s": jm.DispersionMap(noisy[1], 6.0, instrument),
    }
    priors = {
        "source.velocity.v_max": dist.Uniform(20.0, 500.0),
        "source.velocity.r_turn": dist.LogNormal(-2.0, 1.0),
        "source.velocity.position_angle": dist.Normal(60.0, 40.0),
        "source.velocity.systemic": dist.Normal(1000.0, 100.0),
        "source.dispersion.value": dist.Uniform(1.0, 150.0),
    }
    fit = jm.optimise(jm.Model(galaxy, maps, priors), starts=1)
    assert fit.converged
    true = {f"source.velocity.{name}": value for name, value in numbers.items()}
    for path, value in (true | {"source.dispersion.value": 35.0}).items():
        pull = (float(fit.parameters[path]) - value) / float(fit.errors[path])
        print(f"{path}: {float(fit.parameters[path]):.4g} +- {float(fit.errors[path]):.2g}")
        assert abs(pull) < 3.5, path
    assert fit.reduced_chi_square == pytest.approx(1.0, abs=5 * np.sqrt(2 / fit.size))
