"""Slitlets of NIRSpec's micro-shutters: areas, bars, orientation, and the light that passes."""

import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.special import erf

import jaxmetal as jm
from jaxmetal.instrument.shutters import OPEN, PITCH
from tests.scenes import blank

PIXEL, SIDE = 0.05, 75
GRID = jm.Grid.regular((SIDE, SIDE), PIXEL)
# Total flux 2, dispersion of the source 0.3", of the PSF 0.1".
FLUX, SOURCE, PSF = 2.0, 0.3, 0.1
CENTER = (0.13, -0.08)


def area(apertures, pixel=PIXEL):
    """Of each aperture, arcsec²; a bar counts by its transmission."""
    return apertures.totals(np.ones(apertures.shape)) * pixel**2


class TestAreas:
    @pytest.mark.parametrize("shutters", [1, 3, 5])
    @pytest.mark.parametrize("transmission", [0.0, 0.3, 1.0])
    def test_the_area_is_that_of_shutters_and_of_what_bars_let_through(
        self, shutters, transmission, tolerance
    ):
        slitlets = jm.Apertures.slitlets(
            GRID, [0.0, 0.1], 0.0, [0.0, 37.0], shutters=shutters, transmission=transmission
        )
        bars = 0.20 * 0.07 * (shutters - 1)
        expected = 0.20 * 0.46 * shutters + transmission * bars
        np.testing.assert_allclose(area(slitlets), expected, rtol=tolerance(1e-12, 1e-6))

    def test_three_shutters_are_open_over_0_648_of_three_pitches(self, tolerance):
        """0.20 x 0.46 of every 0.268 x 0.530 square arcsec, whatever the number of shutters."""
        opening = float(area(jm.Apertures.slitlets(GRID, 0.0, 0.0))[0])
        assert opening / (3 * PITCH[0] * PITCH[1]) == pytest.approx(0.648, abs=5e-4)
        # Of the slitlet itself, from its one end to the other, bars are little.
        whole = OPEN[0] * (2 * PITCH[1] + OPEN[1])
        assert opening / whole == pytest.approx(0.908, abs=5e-4)

    @pytest.mark.parametrize("transmission", [0.0, 0.4])
    def test_rows_share_out_the_slitlet(self, transmission, tolerance):
        whole = jm.Apertures.slitlets(GRID, 0.1, 0.0, 20.0, transmission=transmission)
        rows = jm.Apertures.slitlets(
            GRID, 0.1, 0.0, 20.0, transmission=transmission, row_height=0.1
        )
        # 1.52" long: 16 rows, the outer ones of 0.06".
        assert rows.count == 16 and whole.count == 1
        image = np.random.default_rng(0).random(GRID.shape)
        np.testing.assert_allclose(
            rows.totals(image).sum(), whole.totals(image)[0], rtol=tolerance(1e-12, 1e-6)
        )
        expected = np.full(16, 0.02)
        expected[[0, -1]] = 0.012
        # Bars lie at 0.23" to 0.30" from the middle, all of them in one row.
        expected[[5, 10]] = 0.006 + transmission * 0.014
        np.testing.assert_allclose(area(rows), expected, rtol=tolerance(1e-10, 1e-5))

    def test_apertures_of_finer_pixels_add_up_to_the_same_weights(self, tolerance):
        """Also in sheared pixels, and where shutter and bar meet in a pixel."""
        matrix, fine = np.array([[-0.08, 0.02], [0.03, 0.07]]), 4
        coarse = jm.Grid((0.0, 0.0), matrix, (31, 31))
        corner = matrix @ (np.full(2, -0.5) + 0.5 / fine)
        small = jm.Grid(tuple(corner), matrix / fine, (31 * fine, 31 * fine))
        middle = (matrix @ (15.0, 15.0)).tolist()

        def weights(grid):
            made = jm.Apertures.slitlets(grid, *middle, 25.0, transmission=0.2, shutters=2)
            image = np.zeros(grid.shape[0] * grid.shape[1])
            np.add.at(image, np.asarray(made.pixel), np.asarray(made.shares, float))
            return image.reshape(grid.shape)

        means = weights(small).reshape(31, fine, 31, fine).mean(axis=(1, 3))
        np.testing.assert_allclose(weights(coarse), means, atol=tolerance(1e-6, 1e-5))

    def test_an_open_array_of_shutters_and_bars_is_one_long_slit(self, tolerance):
        """What shutters and bars let through, side by side, is what the whole lets through."""
        slitlet = jm.Apertures.slitlets(GRID, 0.0, 0.1, 12.0, shutters=4, transmission=1.0)
        slit = jm.Apertures.rectangles(GRID, 0.0, 0.1, 0.20, 4 * 0.53 - 0.07, 12.0)
        image = np.random.default_rng(0).random(GRID.shape)
        np.testing.assert_allclose(
            slitlet.totals(image), slit.totals(image), rtol=tolerance(1e-12, 1e-6)
        )


class TestOrientation:
    def test_a_slitlet_turns_from_north_through_east(self):
        """Along an angle of 0 lies +y, along 90 degrees +x; across is to the right of along."""
        x, y = (np.broadcast_to(np.asarray(a, float), GRID.shape) for a in GRID.coordinates)

        def middle(angle, **step):
            one = jm.Apertures.slitlets(GRID, 0.1, 0.2, angle, **step)
            return [float(one.means(image)[0]) for image in (x, y)]

        places = {
            (0.0, "along"): (0.1, 0.5),
            (0.0, "across"): (0.4, 0.2),
            (90.0, "along"): (0.4, 0.2),
            (90.0, "across"): (0.1, -0.1),
            (30.0, "along"): (0.25, 0.2 + 0.3 * np.sqrt(0.75)),
        }
        for (angle, direction), place in places.items():
            np.testing.assert_allclose(middle(angle, **{direction: 0.3}), place, atol=1e-5)

    def test_rows_count_along_the_angle(self):
        x, _ = (np.broadcast_to(np.asarray(a, float), GRID.shape) for a in GRID.coordinates)
        rows = jm.Apertures.slitlets(GRID, 0.0, 0.0, 90.0, shutters=1, row_height=0.1)
        middles = rows.means(x)
        np.testing.assert_allclose(middles[1:4], [-0.1, 0.0, 0.1], atol=1e-5)
        # Edges inside pixels, whose middles count.
        np.testing.assert_allclose(middles[[0, 4]], [-0.19, 0.19], atol=0.1 * PIXEL)

    def test_steps_are_slitlets_of_one_map(self):
        steps = np.arange(-2, 3) * 0.15
        slitlets = jm.Apertures.slitlets(GRID, 0.05, 0.0, 40.0, across=steps, row_height=0.1)
        assert slitlets.count == 5 * 16
        alone = jm.Apertures.slitlets(GRID, 0.05, 0.0, 40.0, across=steps[3], row_height=0.1)
        image = np.random.default_rng(0).random(GRID.shape)
        np.testing.assert_allclose(slitlets.totals(image)[48:64], alone.totals(image), rtol=1e-6)


def gaussian_through(x, y, angle, shutters=3, transmission=0.0):
    """The flux of the Gaussian source that passes a slitlet, in closed form.

    A round Gaussian is a product of two along and across the slitlet.
    """
    width = np.hypot(SOURCE, PSF)
    turn = np.deg2rad(angle)
    dx, dy = CENTER[0] - x, CENTER[1] - y
    across, along = dx * np.cos(turn) - dy * np.sin(turn), dx * np.sin(turn) + dy * np.cos(turn)

    def between(low, high, middle):
        low, high = ((edge - middle) / (np.sqrt(2) * width) for edge in (low, high))
        return 0.5 * (erf(high) - erf(low))

    starts = -(shutters * 0.53 - 0.07) / 2 + 0.53 * np.arange(shutters)
    open_share = between(starts, starts + 0.46, along).sum()
    bars = between(starts[:-1] + 0.46, starts[1:], along).sum()
    return FLUX * between(-0.1, 0.1, across) * (open_share + transmission * bars)


class TestLight:
    @pytest.mark.precision("single")
    @pytest.mark.parametrize("transmission", [0.0, 0.5])
    def test_a_gaussian_source_is_what_its_integral_says(self, transmission):
        """Through the PSF, at any place and angle; in pixels half as large four times as closely.

        Light is taken to be even over a pixel where the edge of a shutter divides it.
        """
        x, y = np.array([-0.3, 0.0, 0.2, 0.4]), np.array([0.1, -0.1, 0.3, -0.2])
        angle = np.array([0.0, 90.0, 33.0, -60.0])
        places = zip(x, y, angle, strict=True)
        expected = [gaussian_through(*place, transmission=transmission) for place in places]
        errors = []
        for grid in (GRID, jm.Grid.regular((2 * SIDE, 2 * SIDE), PIXEL / 2)):
            slitlets = jm.Apertures.slitlets(grid, x, y, angle, transmission=transmission)
            errors.append(np.abs(seen(slitlets, grid=grid) / expected - 1))
        assert 1e-3 < errors[0].max() < 3e-3 and errors[1].max() < 8e-4
        assert np.all(errors[1] < 0.4 * errors[0])

    def test_a_uniform_source_gives_its_brightness_times_the_open_area(self, tolerance):
        light = jm.Profile(jm.light.uniform, amp=3.0)
        apertures = jm.Apertures.slitlets(GRID, [0.0, 0.3], 0.0, 25.0, transmission=0.25)
        instrument = jm.Instrument(GRID, jm.GaussianPSF(0.2), (2, 1), 8, apertures=apertures)
        flux = jm.predict(jm.Galaxy(sky=jm.Component(light)), blank(instrument, jm.LightMap))
        np.testing.assert_allclose(
            flux, 3.0 * (3 * 0.092 + 0.25 * 2 * 0.014), rtol=tolerance(1e-10, 1e-5)
        )

    @pytest.mark.precision("single")
    def test_each_slitlet_may_have_a_psf_of_its_own(self):
        places = {"x": [0.0, 0.0], "y": [0.1, 0.1], "angle": 20.0}
        slitlets = jm.Apertures.slitlets(GRID, **places)
        widths = {"narrow": jm.GaussianPSF(2.3548 * PSF), "wide": jm.GaussianPSF(0.6)}
        flux = seen(slitlets, jm.AperturePSFs(widths, ["narrow", "wide"]))
        assert flux[0] == pytest.approx(gaussian_through(0.0, 0.1, 20.0), rel=3e-3)
        assert flux[1] < 0.85 * flux[0]


class TestBars:
    """The light that passes the bars, as a parameter."""

    @staticmethod
    def instrument(transmission):
        steps = np.array([-0.2, 0.0, 0.2])
        slitlets = jm.Apertures.slitlets(
            GRID, 0.0, 0.0, 20.0, across=steps, row_height=0.1, transmission=transmission
        )
        return jm.Instrument(GRID, jm.GaussianPSF(0.2), (2, 1), 8, apertures=slitlets)

    @pytest.mark.precision("single")
    def test_fluxes_tell_how_much_it_is(self):
        light = jm.Profile(jm.light.gaussian, amp=FLUX, sigma=SOURCE)
        galaxy = jm.Galaxy(source=jm.Component(light))
        rows = jm.simulate.light_map(galaxy, self.instrument(0.2), seed=1)
        path = "rows.instrument.apertures.transmission"
        priors = {path: dist.Uniform(0.0, 0.5), "source.light.amp": dist.LogNormal(1.0, 1.0)}
        there = jm.LightMap(rows.values, rows.sigma, self.instrument(0.05))
        fit = jm.optimise(jm.Model(galaxy, {"rows": there}, priors), starts=1)
        assert fit.converged, fit.message
        assert float(fit.errors[path]) < 0.05
        assert abs(float(fit.parameters[path]) - 0.2) < 3 * float(fit.errors[path])
        assert float(fit.maps["rows"].instrument.apertures.transmission) != 0.05

    @pytest.mark.precision("single")
    def test_dark_bars_and_bins_have_no_such_parameter(self):
        assert jm.Apertures.slitlets(GRID, 0.0, 0.0).transmission is None
        light = jm.Profile(jm.light.gaussian, amp=FLUX, sigma=SOURCE)
        rows = blank(self.instrument(None), jm.LightMap)
        galaxy, name = jm.Galaxy(source=jm.Component(light)), "rows.instrument.apertures"
        with pytest.raises(jm.InputError, match="transmission"):
            jm.Model(galaxy, {"rows": rows}, {f"{name}.transmission": dist.Uniform(0.0, 1.0)})

    @pytest.mark.precision("single")
    def test_no_more_than_all_light_passes(self):
        light = jm.Profile(jm.light.gaussian, amp=FLUX, sigma=SOURCE)
        rows, galaxy = blank(self.instrument(0.1), jm.LightMap), jm.Galaxy(s=jm.Component(light))
        prior = {"rows.instrument.apertures.transmission": dist.Uniform(-1.0, 0.5)}
        with pytest.raises(jm.InputError, match="at least 0 and at most 1"):
            jm.Model(galaxy, {"rows": rows}, prior)


def seen(apertures, psf=None, grid=GRID):
    """The flux of the Gaussian source in each aperture."""
    light = jm.Profile(
        jm.light.gaussian, amp=FLUX, sigma=SOURCE, center_x=CENTER[0], center_y=CENTER[1]
    )
    psf = jm.GaussianPSF(PSF * np.sqrt(8 * np.log(2))) if psf is None else psf
    instrument = jm.Instrument(grid, psf, (2, 1), 24, apertures=apertures)
    return np.asarray(
        jm.predict(jm.Galaxy(source=jm.Component(light)), blank(instrument, jm.LightMap))
    )


MISTAKES = {
    "no shutter": ({"shutters": 0}, "shutters: expected a positive whole number, got 0"),
    "half a shutter": ({"shutters": 1.5}, "shutters: expected a positive whole number, got 1.5"),
    "more than all": ({"transmission": 1.2}, "transmission: expected a number from 0 to 1"),
    "not a number": ({"transmission": np.nan}, "transmission: expected a number from 0 to 1"),
    "flat row": ({"row_height": 0.0}, "row_height: expected one positive number, got 0"),
    "several rows": ({"row_height": [0.1, 0.2]}, "row_height: expected one positive number"),
    "a row on a bar": (
        {"row_height": 0.02},
        "row 23 lies on a bar and lets nothing through; give taller rows",
    ),
    "outside": (
        {"across": [0.0, 3.0], "row_height": 0.1},
        r"slitlets: aperture 16 at \(3, -0.73\) arcsec has 100 % of its area outside",
    ),
    "steps": (
        {"across": [0.0, 0.1], "along": [0.0, 0.1, 0.2]},
        r"across: expected one number or shape \(3,\), got \(2,\)",
    ),
}


@pytest.mark.precision("single")
@pytest.mark.wrong_types
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_with_a_slitlet_is_said(mistake):
    options, message = MISTAKES[mistake]
    with pytest.raises(jm.InputError, match=message):
        jm.Apertures.slitlets(GRID, 0.0, 0.0, **options)
