"""Bins, fibres, slitlets and masks: light is added up before it is divided.

And errors that are correlated.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.stats import multivariate_normal

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.inference import likelihood
from jaxmetal.inference.information import value_slope_information
from jaxmetal.instrument.overlap import disc_area, square_area
from tests.scenes import CENTRAL, FLAT, GRADIENT, blank, disc, telescope

SIDE = 15
# Sheared and turned, rows running to the west, as a camera may lie on the sky.
SHEARED = np.array([[-0.21, 0.05], [0.08, 0.19]])


def checkerboard(side=SIDE, size=3):
    """Square bins, numbered with gaps, and a corner that is in none."""
    row, column = np.indices((side, side)) // size
    ids = 10 * (row * (side // size) + column) + 7
    ids[-size:, -size:] = -1
    return ids


def instrument(apertures=None, sampling=(4, 2)):
    one = telescope((SIDE, SIDE), fwhm=0.6, supersampling=sampling, margin=5)
    return jm.Instrument(one.grid, one.psf, sampling, 5, apertures=apertures)


@pytest.fixture(scope="module")
def bins():
    return jm.Apertures.bins(checkerboard())


@pytest.fixture(scope="module")
def galaxy():
    return disc(R=0.8, x=0.11, y=-0.07)


@pytest.fixture(scope="module")
def pixels(galaxy):
    """(light, metallicity) in the pixels."""
    return [
        np.asarray(jm.predict(galaxy, blank(instrument(), kind)), float)
        for kind in (jm.LightMap, jm.TracerMap)
    ]


def measured(ids, image, how=np.mean):
    return np.array([how(image[ids == i]) for i in np.unique(ids[ids >= 0])])


class TestTheForwardModel:
    def test_bins_of_one_pixel_are_pixels(self, galaxy, pixels, tolerance):
        each = instrument(jm.Apertures.bins(np.arange(SIDE**2).reshape(SIDE, SIDE)))
        for kind, expected in zip((jm.LightMap, jm.TracerMap), pixels, strict=True):
            seen = jm.predict(galaxy, blank(each, kind))
            assert seen.shape == (SIDE**2,)
            np.testing.assert_allclose(seen, expected.ravel(), rtol=tolerance(1e-13, 1e-6))

    def test_a_bin_is_the_light_weighted_mean_of_its_pixels(self, galaxy, pixels, bins, tolerance):
        ids, (light, z) = checkerboard(), pixels
        flux = measured(ids, light, np.sum)
        binned = instrument(bins)
        np.testing.assert_allclose(
            jm.predict(galaxy, blank(binned, jm.LightMap)), flux, rtol=tolerance(1e-13, 2e-6)
        )
        expected = np.log10(measured(ids, light * 10**z, np.sum) / flux)
        np.testing.assert_allclose(
            jm.predict(galaxy, blank(binned)), expected, atol=tolerance(1e-12, 3e-6)
        )
        # Which is not the mean of the pixels.
        assert np.abs(expected - measured(ids, z)).max() > 1e-3

    def test_a_bin_is_the_light_weighted_mean_of_a_fine_map_of_the_sky(self, bins, tolerance):
        """Without a PSF, by a sum over 31 × 31 points in each pixel."""
        sharp, points = jm.Instrument(instrument().grid, jm.NoPSF(), (12, 6), apertures=bins), 31
        fine = jm.Grid.regular((SIDE * points, SIDE * points), 0.2 / points)
        x, y = (np.asarray(a, float) for a in np.broadcast_arrays(*fine.coordinates))
        r = np.hypot(x - 0.11, y + 0.07)
        light, g = np.exp(-r / 0.8), 10 ** (8.0 - 0.2 * r)
        ids = np.kron(checkerboard(), np.ones((points, points), int))
        expected = np.log10(measured(ids, light * g, np.sum) / measured(ids, light, np.sum))
        galaxy = jm.Galaxy(
            disc=jm.Component(
                light=jm.Profile(
                    jm.light.exponential, amp=1.0, scale_length=0.8, center_x=0.11, center_y=-0.07
                ),
                metallicity=jm.Profile(
                    jm.tracer.gradient, central=8.0, gradient=-0.2, center_x=0.11, center_y=-0.07
                ),
            )
        )
        np.testing.assert_allclose(
            jm.predict(galaxy, blank(sharp)), expected, atol=tolerance(2e-5, 2e-5)
        )

    def test_a_uniform_tracer_stays_uniform_in_apertures_of_any_kind(self, tolerance):
        grid, uniform = instrument().grid, disc(gradient=0.0, central=8.4)
        kinds = (
            jm.Apertures.circles(grid, [0.0, 0.3], [0.2, 0.1], [0.4, 0.7]),
            jm.Apertures.rectangles(grid, 0.1, 0.0, 0.3, 1.7, 25.0),
            jm.Apertures.weights(np.random.default_rng(1).random((2, SIDE, SIDE))),
        )
        for apertures in kinds:
            np.testing.assert_allclose(
                jm.predict(uniform, blank(instrument(apertures))), 8.4, atol=tolerance(1e-13, 2e-6)
            )

    def test_overlapping_apertures_see_what_each_would_see_alone(self, galaxy, tolerance):
        grid = instrument().grid
        both = jm.Apertures.circles(grid, [0.0, 0.3], [0.2, 0.1], [0.5, 0.7])
        alone = [
            jm.Apertures.circles(grid, x, y, r) for x, y, r in ((0.0, 0.2, 0.5), (0.3, 0.1, 0.7))
        ]
        seen = jm.predict(galaxy, blank(instrument(both)))
        each = [jm.predict(galaxy, blank(instrument(one)))[0] for one in alone]
        np.testing.assert_allclose(seen, each, rtol=tolerance(1e-14, 1e-6))

    @pytest.mark.precision("single")
    def test_the_sampling_is_judged_by_what_the_apertures_see(self, galaxy, bins):
        from jaxmetal.forward import resolve

        def error(apertures):
            maps = {"z": blank(instrument(apertures, "auto"))}
            errors = resolve(galaxy, maps)["z"].instrument.error
            return np.array([float(error) for error in errors.values()])

        assert np.all(error(bins) < error(None)) and np.all(error(None) < 1e-3)

    def test_intrinsic_maps_have_the_shape_of_the_apertures(self, galaxy, bins):
        sharp = jm.intrinsic(galaxy, blank(instrument(bins)))
        assert sharp.shape == (bins.count,)
        middle = int(np.argmax(sharp))
        assert sharp[middle] > jm.predict(galaxy, blank(instrument(bins)))[middle] + 1e-3


class TestOverlaps:
    @pytest.mark.parametrize("center", [(7.3, 6.6), (5.0, 8.0), (6.5, 6.5)])
    @pytest.mark.parametrize("radius", [0.3, 1.0, 4.71])
    def test_circles_cover_what_photutils_says(self, center, radius, tolerance):
        photutils = pytest.importorskip("photutils.aperture")
        grid = jm.Grid((0.0, 0.0), np.eye(2), (SIDE, SIDE))
        ours = weights_of(jm.Apertures.circles(grid, *center, radius))
        theirs = (
            photutils.CircularAperture(center, radius)
            .to_mask(method="exact")
            .to_image((SIDE, SIDE))
        )
        np.testing.assert_allclose(ours, theirs, atol=tolerance(1e-12, 1e-6))

    def test_circles_are_ellipses_in_sheared_pixels(self, tolerance):
        photutils = pytest.importorskip("photutils.aperture")
        grid = jm.Grid((0.3, -0.2), SHEARED, (SIDE, SIDE))
        matrix, origin = np.asarray(grid.matrix, float), np.asarray(grid.origin, float)
        radius, middle = 0.55, (origin + matrix @ (7.2, 6.9)).tolist()
        ours = weights_of(jm.Apertures.circles(grid, *middle, radius))
        # |matrix p| = radius is an ellipse whose axes are the singular vectors.
        _, sizes, turns = np.linalg.svd(matrix)
        ellipse = photutils.EllipticalAperture(
            (7.2, 6.9),
            radius / sizes[1],
            radius / sizes[0],
            theta=np.arctan2(turns[1, 1], turns[1, 0]),
        )
        np.testing.assert_allclose(
            ours, ellipse.to_mask(method="exact").to_image((SIDE, SIDE)), atol=tolerance(1e-6, 1e-6)
        )
        assert abs(ours.sum() * float(grid.pixel_area) / (np.pi * radius**2) - 1) < tolerance(
            1e-12, 1e-6
        )

    def test_rectangles_cover_what_a_fine_sum_says(self):
        grid, points = jm.Grid((0.3, -0.2), SHEARED, (SIDE, SIDE)), 201
        x, y = np.asarray(grid.position(6.6, 7.4), float)
        width, height, angle = 0.31, 0.93, 33.0
        ours = weights_of(jm.Apertures.rectangles(grid, x, y, width, height, angle))
        fine = (np.arange(SIDE * points) + 0.5) / points - 0.5
        px, py = grid.position(fine[None, :], fine[:, None])
        dx, dy, pa = np.asarray(px, float) - x, np.asarray(py, float) - y, np.deg2rad(angle)
        along, across = dx * np.sin(pa) + dy * np.cos(pa), dx * np.cos(pa) - dy * np.sin(pa)
        inside = (np.abs(along) < height / 2) & (np.abs(across) < width / 2)
        expected = inside.reshape(SIDE, points, SIDE, points).mean(axis=(1, 3))
        np.testing.assert_allclose(ours, expected, atol=2e-3)
        assert abs(ours.sum() * float(grid.pixel_area) / (width * height) - 1) < 1e-5

    @pytest.mark.precision("single")
    def test_areas_of_polygons_in_closed_form(self):
        def box(x0, x1, y0, y1):
            return np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], float)

        assert disc_area(box(-2, 2, -2, 2))[0] == pytest.approx(np.pi, abs=1e-14)
        assert disc_area(box(0, 2, 0, 2))[0] == pytest.approx(np.pi / 4, abs=1e-14)
        assert disc_area(box(0.5, 2, -2, 2))[0] == pytest.approx(
            np.pi / 3 - np.sqrt(3) / 4, abs=1e-14
        )
        assert disc_area(box(-0.1, 0.3, 0.2, 0.5))[0] == pytest.approx(0.12, abs=1e-14)
        assert disc_area(box(1, 2, 1, 2))[0] == 0
        assert square_area(box(-2, 2, -2, 2))[0] == pytest.approx(4, abs=1e-14)
        assert square_area(box(0.5, 3, -0.25, 9))[0] == pytest.approx(0.5 * 1.25, abs=1e-14)
        assert square_area(box(1.5, 3, -0.25, 0.5))[0] == pytest.approx(0, abs=1e-14)
        # A diamond whose corners stick out of the square.
        assert square_area(np.array([[[1.5, 0], [0, 1.5], [-1.5, 0], [0, -1.5]]]))[
            0
        ] == pytest.approx(2 * 1.5**2 - 4 * 0.25, abs=1e-14)


def weights_of(apertures):
    """The weight of each pixel in the first aperture."""
    image = np.zeros(apertures.shape[0] * apertures.shape[1])
    image[np.asarray(apertures.pixel)] = apertures.weight
    return image.reshape(apertures.shape)


@pytest.fixture(scope="module")
def binned(galaxy, bins):
    """Noise-free maps in bins: {"z", "light"}."""
    one = instrument(bins)
    return {
        "z": jm.simulate.tracer_map(galaxy, one, variance=lambda flux: 0.02**2),
        "light": jm.simulate.light_map(galaxy, one),
    }


START = {"R": 0.8, "x": 0.11, "y": -0.07, "central": 8.3, "gradient": -0.05}


@pytest.fixture(scope="module")
def model(binned):
    maps = {name: jm.simulate.renoise(m, seed) for seed, (name, m) in enumerate(binned.items())}
    return jm.Model(disc(**START), maps, FLAT)


@pytest.fixture(scope="module")
def second(model, galaxy):
    """A model of the same galaxy without noise, in bins that lie otherwise."""
    other = instrument(jm.Apertures.bins(checkerboard()[::-1]))
    z = jm.simulate.tracer_map(galaxy, other, variance=lambda flux: 0.02**2)
    return model.with_maps({"z": z, "light": jm.simulate.light_map(galaxy, other)})


@pytest.fixture(scope="module")
def fits(model, second):
    return jm.optimise_batch([model, second], progress=False)


# The harder precision of the two, and the one in which most people run.
@pytest.mark.precision("single")
class TestFits:
    def test_a_fit_in_bins_recovers_the_truth_with_fisher_errors(self, fits, model, bins):
        fit = fits[0]
        assert fit.converged
        assert fit.size == 2 * bins.count
        for path, truth in ((CENTRAL, 8.0), (GRADIENT, -0.2)):
            assert abs(float(fit.parameters[path]) - truth) < 3 * float(fit.errors[path]), path
        assert fit.residuals["z"].shape == (bins.count,)
        assert 0.5 < fit.reduced_chi_square < 1.7
        fisher = np.linalg.inv(
            np.asarray(compiled_once(model.information)(fit.unconstrained), float)
        )
        np.testing.assert_allclose(
            fit.unconstrained_covariance, fisher, atol=0.1 * np.diag(fisher).min()
        )

    def test_models_in_other_bins_join_a_batch(self, fits):
        assert fits[1].converged
        np.testing.assert_allclose(fits[1].parameters[GRADIENT], -0.2, atol=2e-4)
        assert fits[1].residuals["z"].shape == (24,)

    def test_linear_amplitudes_are_what_least_squares_gives(self, model, binned, tolerance):
        """The tracer map says nothing of the amplitude of a single component."""
        light = {"light": model.maps["light"]}
        solved = solve_amplitude(jm.Model(disc(**START), light, {"disc.light.amp": jm.Linear()}))
        shape = np.asarray(binned["light"].values, float) / 16.0
        data, sigma = (np.asarray(a, float) for a in (light["light"].values, light["light"].sigma))
        expected = (shape * data / sigma**2).sum() / (shape**2 / sigma**2).sum()
        np.testing.assert_allclose(solved, expected, rtol=tolerance(1e-8, 2e-5))

    def test_gradients_are_finite_and_other_bins_compile_nothing(self, model, second, tolerance):
        u, traces = model.start + 0.1, []

        @compiled_once
        def height_and_slope(model, u):
            traces.append(1)
            return jax.value_and_grad(model.log_density)(u)

        _, slope = height_and_slope(model, u)
        assert np.all(np.isfinite(slope))
        step = tolerance(1e-5, 3e-3)
        along = jnp.eye(len(u))[1]
        up, down = (float(height_and_slope(model, u + sign * step * along)[0]) for sign in (1, -1))
        np.testing.assert_allclose(slope[1], (up - down) / (2 * step), rtol=tolerance(1e-6, 0.02))
        height_and_slope(second, u)
        assert len(traces) == 1

    def test_a_masked_bin_never_leaks(self, model):
        mask = np.zeros(24, bool)
        mask[[3, 20]] = True
        look = compiled_once(lambda model, u: jax.value_and_grad(model.log_density)(u))

        def seen(bad):
            z = model.maps["z"]
            spoiled = jm.TracerMap(
                np.where(mask, bad, z.values),
                z.sigma,
                z.instrument,
                mask=mask if np.isfinite(bad) else None,
            )
            return look(model.with_maps({**model.maps, "z": spoiled}), model.start)

        (height, slope), (other, _) = seen(np.nan), seen(1e30)
        assert float(height) == float(other) != float(look(model, model.start)[0])
        assert np.all(np.isfinite(slope))

    @pytest.mark.precision("single")
    def test_a_posterior_in_bins_has_the_errors_of_the_fit(self, model, fits):
        fit = fits[0]
        posterior = jm.sample(model, fit, method="importance", chains=1, draws=500, progress=False)
        drawn = posterior.summary()[GRADIENT]
        assert drawn["sd"] == pytest.approx(float(fit.errors[GRADIENT]), rel=0.15)
        assert abs(drawn["mean"] - float(fit.parameters[GRADIENT])) < 0.3 * drawn["sd"]


def solve_amplitude(model):
    return compiled_once(lambda model: model.complete({}))(model)["disc.light.amp"]


@pytest.mark.precision("single")
class TestMapsPerPixel:
    """Maps that come per pixel and are measured per bin."""

    def test_one_value_is_taken_from_each_bin(self, bins):
        values = np.arange(24.0)
        painted, sigma = bins.paint(values), bins.paint(0.1 + 0.01 * values)
        painted[0, 0] = np.nan
        z = jm.TracerMap(painted, sigma, instrument(bins), scale="linear")
        np.testing.assert_array_equal(z.values, values.astype(z.values.dtype))
        np.testing.assert_allclose(z.sigma, 0.1 + 0.01 * values, rtol=1e-6)
        assert z.size == 24

    def test_a_bin_without_a_value_or_with_a_mask_leaves(self, bins):
        values, mask = np.arange(24.0), bins.paint(np.arange(24.0)) == 5
        values[2] = np.nan
        z = jm.TracerMap(bins.paint(values), 0.1, instrument(bins), scale="linear", mask=mask)
        assert np.flatnonzero(~np.asarray(z.valid)).tolist() == [2, 5]

    def test_flux_per_pixel_is_added_up(self, bins, galaxy, pixels, tolerance):
        flux, sigma = pixels[0], np.full((SIDE, SIDE), 0.3)
        light = jm.LightMap(flux, sigma, instrument(bins))
        np.testing.assert_allclose(
            light.values, jm.predict(galaxy, light), rtol=tolerance(1e-12, 2e-6)
        )
        np.testing.assert_allclose(light.sigma, 0.9, rtol=1e-6)
        holed = np.where(np.arange(SIDE) == 4, np.nan, flux)
        assert jm.LightMap(holed, sigma, instrument(bins)).size == 24 - 5

    def test_a_painted_image_gives_its_values_back(self, bins):
        values = np.random.default_rng(0).random(24)
        image = bins.paint(values)
        np.testing.assert_allclose(
            bins.means(image[:-3].tolist() + np.nan_to_num(image[-3:]).tolist()), values
        )
        assert np.isnan(image[-1, -1])
        overlapping = jm.Apertures.weights(np.stack([np.ones((2, 2)), np.eye(2)]))
        np.testing.assert_allclose(overlapping.paint([1.0, 3.0]), [[2.0, 1.0], [1.0, 2.0]])
        np.testing.assert_allclose(overlapping.paint([1.0, np.nan]), 1.0)

    def test_maps_that_repeat_themselves_are_noticed(self, bins):
        rng = np.random.default_rng(0)
        values, sigma = bins.paint(rng.random(24)), bins.paint(rng.random(24) + 0.1)
        with pytest.warns(
            jm.InputWarning, match=r"100 % of the pixels repeat .* apertures=Apertures\.bins"
        ):
            jm.TracerMap(values, sigma, instrument())
        with pytest.warns(jm.InputWarning, match=r"100 % of the pixels repeat"):
            jm.TracerMap(values, 0.1, instrument())
        # A few equal neighbours are no sign of bins.
        jm.TracerMap(
            np.where(np.arange(SIDE) < 7, values, rng.random((SIDE, SIDE))), sigma, instrument()
        )

    @pytest.mark.parametrize("side", [10, 15])
    def test_symmetric_galaxies_without_noise_are_not_taken_for_bins(self, side):
        one = telescope((side, side), fwhm=0.6, supersampling=(2, 1), margin=3)
        for gradient in (-0.2, 0.0):
            z = jm.simulate.tracer_map(disc(gradient=gradient), one)
            jm.TracerMap(z.values, 0.1, one)
        jm.TracerMap(np.full((side, side), 8.0), np.full((side, side), 0.1), one)


@pytest.fixture(scope="module")
def matrix():
    """A covariance of 24 bins whose neighbours are correlated."""
    number = np.arange(24)
    sigma = 0.02 * (1 + 0.03 * number)
    return np.outer(sigma, sigma) * 0.6 ** np.abs(number[:, None] - number)


class TestCovariance:
    @pytest.mark.parametrize("scatter", [0.0, 0.015])
    def test_the_likelihood_is_the_multivariate_normal(self, bins, matrix, scatter, tolerance):
        rng = np.random.default_rng(4)
        predicted, values = 8 + 0.1 * rng.random(24), 8 + 0.1 * rng.random(24)
        values[[2, 17]] = np.nan
        matrix = matrix.copy()
        matrix[2] = np.nan
        z = jm.TracerMap(values, None, instrument(bins), covariance=matrix, scatter=scatter)
        assert z.size == 22
        used = np.isfinite(values)
        full = matrix[np.ix_(used, used)] + scatter**2 * np.eye(22)
        expected = multivariate_normal(predicted[used], full).logpdf(values[used])
        np.testing.assert_allclose(
            likelihood.log_likelihood(z, jnp.asarray(predicted)),
            expected,
            rtol=tolerance(1e-9, 2e-4),
        )
        root = np.linalg.inv(full)
        left = values[used] - predicted[used]
        assert float(
            np.sum(np.square(likelihood.residuals(z, jnp.asarray(predicted))))
        ) == pytest.approx(left @ root @ left, rel=tolerance(1e-9, 1e-3))

    def test_a_diagonal_matrix_is_a_map_of_errors(self, binned, tolerance):
        z = binned["z"]
        sigma = 0.02 + 0.001 * np.arange(24)
        plain, full = (
            jm.TracerMap(z.values, s, z.instrument, covariance=c, scatter=0.01)
            for s, c in ((sigma, None), (None, np.diag(sigma**2)))
        )
        other = z.values + 0.01
        np.testing.assert_allclose(
            likelihood.log_likelihood(full, other),
            likelihood.log_likelihood(plain, other),
            rtol=tolerance(1e-12, 1e-5),
        )
        np.testing.assert_allclose(full.errors, plain.errors, rtol=1e-6)

    @pytest.mark.precision("single")
    def test_generalised_least_squares_in_closed_form(self, bins, matrix, fits, tolerance):
        """On the linear scale, with one component, the tracer is linear in central value and
        gradient.
        """

        def measured(data):
            return jm.TracerMap(data, None, instrument(bins), scale="linear", covariance=matrix)

        parts = [
            disc(R=0.8, central=central, gradient=gradient)
            for central, gradient in ((1.0, 0.0), (0.0, 1.0))
        ]
        templates = np.stack(
            [np.asarray(jm.predict(part, measured(np.zeros(24))), float) for part in parts]
        )
        data = np.array([8.0, -0.2]) @ templates + np.linalg.cholesky(
            matrix
        ) @ np.random.default_rng(7).standard_normal(24)
        wide = {CENTRAL: dist.Normal(8.0, 100.0), GRADIENT: dist.Normal(0.0, 100.0)}
        model = jm.Model(disc(R=0.8, central=8.01, gradient=-0.19), {"z": measured(data)}, wide)
        _, slope, information = (
            np.asarray(a, float) for a in compiled_once(value_slope_information)(model, model.start)
        )
        covariance = np.linalg.inv(templates @ np.linalg.solve(matrix, templates.T))
        expected = covariance @ (templates @ np.linalg.solve(matrix, data))
        # Normal priors are in units of their standard deviations on the line.
        np.testing.assert_allclose(
            100.0**2 * np.linalg.inv(information), covariance, rtol=tolerance(1e-5, 1e-3)
        )
        # One step leads to the maximum of a parabola.
        found = np.array([8.01, -0.19]) + 100.0 * np.linalg.solve(information, slope)
        np.testing.assert_allclose(
            found, expected, atol=tolerance(1e-6, 0.02) * np.sqrt(covariance.max())
        )
        # Residuals of a fit are independent.
        predicted = expected @ templates
        fit = dataclasses.replace(fits[0], maps={"z": measured(data)}, predicted={"z": predicted})
        whitened = np.linalg.solve(np.linalg.cholesky(matrix), data - predicted)
        np.testing.assert_allclose(fit.residuals["z"], whitened, atol=tolerance(1e-6, 5e-3))

    def test_linear_amplitudes_with_a_covariance(self, binned, matrix, tolerance):
        shape = np.asarray(binned["light"].values, float) / 16.0
        data = 20 * shape + np.linalg.cholesky(matrix) @ np.random.default_rng(3).standard_normal(
            24
        )
        light = jm.LightMap(data, None, binned["light"].instrument, covariance=matrix)
        solved = solve_amplitude(
            jm.Model(disc(**START), {"light": light}, {"disc.light.amp": jm.Linear()})
        )
        weighted = np.linalg.solve(matrix, shape)
        np.testing.assert_allclose(
            solved, weighted @ data / (weighted @ shape), rtol=tolerance(1e-8, 2e-5)
        )

    def test_new_noise_has_the_covariance(self, bins, matrix):
        z = jm.TracerMap(np.zeros(24), None, instrument(bins), covariance=matrix)
        drawn = np.stack(
            [np.asarray(jm.simulate.renoise(z, seed).values, float) for seed in range(400)]
        )
        np.testing.assert_allclose(np.cov(drawn.T), matrix, atol=5 * matrix.max() / np.sqrt(400))


def slope():
    return 8 + 0.001 * np.arange(SIDE**2).reshape(SIDE, SIDE)


MISTAKES = {
    "bins of another shape": (
        lambda: instrument(jm.Apertures.bins(np.ones((4, 5)))),
        r"apertures: made for shape \(4, 5\), the grid has \(15, 15\)",
    ),
    "bins that are no map": (
        lambda: jm.Apertures.bins(np.ones((3, 4, 5))),
        r"expected a map of bin numbers .* got shape \(3, 4, 5\)",
    ),
    "no bin": (lambda: jm.Apertures.bins(np.full((4, 5), -1)), "no bin"),
    "half a bin": (lambda: jm.Apertures.bins(np.full((4, 5), 1.5)), "whole numbers, got 1.5"),
    "words": (lambda: jm.Apertures.bins([["a"]]), "Apertures.ids: expected numbers"),
    "no apertures": (
        lambda: instrument(checkerboard()),
        "expected Apertures, such as .* got ndarray",
    ),
    "circle outside": (
        lambda: jm.Apertures.circles(instrument().grid, [0, 9], [0, 0], 0.5),
        r"circles: aperture 1 at \(9, 0\) arcsec has 100 %",
    ),
    "circle half outside": (
        lambda: jm.Apertures.circles(instrument().grid, 1.5, 0, 0.5),
        "aperture 0 .* has 50 % of its area outside",
    ),
    "negative radius": (
        lambda: jm.Apertures.circles(instrument().grid, [0, 0], 0, [1, -1]),
        "radius: expected positive numbers, got -1 for aperture 1",
    ),
    "no radius": (
        lambda: jm.Apertures.circles(instrument().grid, 0, 0, 0),
        "radius: expected positive",
    ),
    "NaN": (
        lambda: jm.Apertures.circles(instrument().grid, np.nan, 0, 1),
        "x: expected finite numbers, got nan",
    ),
    "lengths": (
        lambda: jm.Apertures.circles(instrument().grid, [0, 1, 2], [0, 1], 1),
        r"y: expected one number or shape \(3,\), got \(2,\)",
    ),
    "thin slit": (
        lambda: jm.Apertures.rectangles(instrument().grid, 0, 0, 0, 1),
        "width: expected positive",
    ),
    "no grid": (lambda: jm.Apertures.circles(None, 0, 0, 1), "expected a Grid"),
    "negative weight": (
        lambda: jm.Apertures.weights(np.stack([np.ones((2, 2)), -np.eye(2)])),
        "aperture 1 has a weight that is negative",
    ),
    "infinite weight": (
        lambda: jm.Apertures.weights(np.full((1, 2, 2), np.inf)),
        "aperture 0 has a weight that is negative or not finite",
    ),
    "empty aperture": (
        lambda: jm.Apertures.weights(np.stack([np.eye(2), np.zeros((2, 2))])),
        "aperture 1 is empty",
    ),
    "one mask": (
        lambda: jm.Apertures.weights(np.eye(2)),
        r"expected shape \(n, rows, columns\), got \(2, 2\)",
    ),
    "values differ": (
        lambda: jm.TracerMap(slope(), 0.1, instrument(bins_now())),
        "TracerMap.values: bin 7 has pixels of different values, from 8 to 8.032",
    ),
    "errors differ": (
        lambda: jm.TracerMap(bins_now().paint(np.arange(24)), slope(), instrument(bins_now())),
        "TracerMap.sigma: bin 7",
    ),
    "half a mask": (
        lambda: jm.TracerMap(
            bins_now().paint(np.arange(24)), 0.1, instrument(bins_now()), mask=slope() < 8.0005
        ),
        "TracerMap.mask: bin 7 has pixels of different values",
    ),
    "flux of what": (
        lambda: jm.LightMap(bins_now().paint(np.arange(24)), 0.1, instrument(bins_now())),
        "may be the flux of the whole bin or the mean",
    ),
    "per pixel in fibres": (
        lambda: jm.TracerMap(
            slope(), 0.1, instrument(jm.Apertures.circles(instrument().grid, 0, 0, 1))
        ),
        "given per pixel, but the apertures overlap",
    ),
    "too many values": (
        lambda: jm.TracerMap(np.ones(25), 0.1, instrument(bins_now())),
        r"shape \(25,\) does not match the grid's \(15, 15\) or the apertures' \(24,\)",
    ),
    "sigma of another shape": (
        lambda: jm.TracerMap(np.ones(24), slope(), instrument(bins_now())),
        r"sigma: expected one number or shape \(24,\)",
    ),
    "neither": (
        lambda: jm.TracerMap(np.ones(24), None, instrument(bins_now())),
        "expected sigma or covariance, got neither",
    ),
    "both": (lambda: covariant(np.eye(24), sigma=0.1), "expected sigma or covariance, got both"),
    "covariance of words": (lambda: covariant("much"), "covariance: expected a matrix of numbers"),
    "covariance of another shape": (
        lambda: covariant(np.eye(23)),
        r"covariance: expected shape \(24, 24\) for the 24 measurements row by row, got \(23, 23\)",
    ),
    "not symmetric": (
        lambda: covariant(np.eye(24) + 0.1 * np.eye(24, k=1)),
        "not symmetric: 0.1 and 0 between measurements 0 and 1",
    ),
    "not positive": (
        lambda: covariant(np.eye(24) + 2 * np.eye(24, k=1) + 2 * np.eye(24, k=-1)),
        "not positive definite: its smallest eigenvalue is -",
    ),
    "singular": (lambda: covariant(np.ones((24, 24))), "not positive definite"),
    "not finite": (
        lambda: covariant(np.where(np.eye(24, k=1) + np.eye(24, k=-1), np.nan, np.eye(24))),
        "not finite between measurements 0 and 1",
    ),
    "Student-t": (
        lambda: covariant(np.eye(24), likelihood="student-t"),
        "covariance: goes with the Gaussian likelihood alone",
    ),
}


def bins_now():
    return jm.Apertures.bins(checkerboard())


def covariant(matrix, kind=jm.TracerMap, sigma=None, **options):
    return kind(np.ones(24), sigma, instrument(bins_now()), covariance=matrix, **options)


@pytest.mark.precision("single")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_said(mistake):
    act, message = MISTAKES[mistake]
    with pytest.raises(jm.InputError, match=message):
        act()


def _three_fibres(psf, supersampling=(4, 2)):
    grid = jm.Grid.regular((31, 31), 0.2)
    fibres = jm.Apertures.circles(grid, [0.0, 0.6, -1.0], [0.0, 0.4, 0.5], 0.4)
    instrument = jm.Instrument(grid, psf, supersampling, apertures=fibres)
    return jm.TracerMap(np.zeros(3), 1.0, instrument)


@pytest.mark.parametrize(
    "supersampling",
    [
        pytest.param("auto", marks=pytest.mark.precision("single")),
        (4, 2),
        pytest.param((1, 0.5), marks=pytest.mark.precision("single")),
    ],
)
def test_apertures_may_have_psfs_of_their_own(supersampling):
    nights = {"first": jm.MoffatPSF(0.8, 2.8), "second": jm.GaussianPSF(1.4)}
    order = ["first", "second", "first"]
    own = jm.predict(disc(), _three_fibres(jm.AperturePSFs(nights, order), supersampling))
    alone = {
        name: jm.predict(disc(), _three_fibres(psf, supersampling)) for name, psf in nights.items()
    }
    expected = [float(alone[name][i]) for i, name in enumerate(order)]
    # "auto" chooses for each psf alone, too.
    np.testing.assert_allclose(own, expected, atol=2e-4 if supersampling == "auto" else 2e-6)
    assert abs(alone["first"][1] - alone["second"][1]) > 1e-3


@pytest.mark.precision("single")
def test_one_of_several_psfs_may_be_free():
    nights = {"first": jm.MoffatPSF(0.8, 2.8), "second": jm.GaussianPSF(1.4)}
    z = _three_fibres(jm.AperturePSFs(nights, ["first", "second", "first"]))
    path = "z.instrument.psf.psfs.second.fwhm"
    model = jm.Model(disc(), {"z": z}, {path: dist.LogNormal(0.3, 0.1)})
    predict = jax.jit(jax.jacfwd(lambda fwhm: model.look({path: fwhm}).predicted["z"]))
    change = predict(jnp.asarray(1.4))
    assert abs(change[1]) > 1e-3
    np.testing.assert_array_equal(np.asarray(change)[[0, 2]], 0.0)


@pytest.mark.precision("single")
def test_psfs_of_apertures_that_do_not_belong_to_them_are_refused():
    psf = jm.GaussianPSF(1.0)
    with pytest.raises(jm.InputError, match="unknown PSF 'b'"):
        jm.AperturePSFs({"a": psf}, ["a", "b"])
    with pytest.raises(jm.InputError, match="expected PSFs by name"):
        jm.AperturePSFs([psf], ["a"])
    with pytest.raises(jm.InputError, match=r"AperturePSFs\['a'\]: expected a PSF"):
        jm.AperturePSFs({"a": 1.0}, ["a"])
    two = jm.AperturePSFs({"a": psf}, ["a", "a"])
    with pytest.raises(jm.InputError, match="PSFs of 2 apertures, but 3 apertures"):
        _three_fibres(two)
    with pytest.raises(jm.InputError, match="PSFs of 2 apertures, but no apertures"):
        jm.Instrument(jm.Grid.regular((31, 31), 0.2), two)
