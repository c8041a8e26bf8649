"""The figures, the table and the model comparison of the paper, in short."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.science import baselines, toys
from tests.paths import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "scripts"))
from paper import clumps, sizes, toy_galaxies
from paper.fitting import CENTRAL, CLUMPS, GRADIENT, clumps_model, draws, gradient_model

# What others computed in double precision.
pytestmark = pytest.mark.precision("double")


@pytest.mark.parametrize("kind", toys.KINDS)
def test_a_straight_line_cannot_tell_the_four_galaxies_apart(kind):
    line, *_ = toy_galaxies.lines(kind)
    assert abs(line.central - toys.CENTRAL) < 1e-10
    assert abs(line.gradient - toys.GRADIENT) < 1e-10


@pytest.mark.parametrize("kind", ["smooth", "companion", "arms"])
def test_the_medians_of_annuli_can(kind):
    _, _, median = toy_galaxies.lines(kind)
    assert median.gradient == pytest.approx(toy_galaxies.MEDIAN_LINE[kind][1], abs=2e-4)
    differs = abs(median.gradient - toys.GRADIENT)
    assert (
        differs < 1e-10 if kind == "smooth" else differs > {"companion": 0.015, "arms": 0.005}[kind]
    )


def test_patches_leave_the_medians_where_they_were_on_the_average():
    slopes = [toy_galaxies.lines("patches", seed)[2].gradient for seed in range(4)]
    assert np.all(np.abs(np.array(slopes) - toys.GRADIENT) < 0.012)
    assert len(set(slopes)) == 4


def test_arms_stand_0_2_dex_above_the_disc():
    contrast = toys.metallicity("arms") - toys.metallicity("smooth")
    radius = baselines.radius_map(toys.frame())
    ring = (radius > 1.9) & (radius < 2.1)
    assert np.ptp(contrast[ring]) == pytest.approx(0.2, abs=0.01)


def test_a_gaussian_field_has_the_correlation_asked_for():
    """C(h) = sigma² e^{-h/length}, at neighbours along rows, columns and diagonals."""
    field = np.stack([toys.gaussian_field(96, 0.1, 0.08, 0.2, seed) for seed in range(40)])
    for dy, dx in ((0, 0), (0, 1), (2, 0), (3, 3)):
        product = (field[:, : 96 - dy, : 96 - dx] * field[:, dy:, dx:]).mean(axis=(1, 2))
        expected = 0.08**2 * np.exp(-0.1 * np.hypot(dx, dy) / 0.2)
        assert abs(product.mean() - expected) < 4 * product.std() / np.sqrt(40)


def test_an_unknown_toy_is_named():
    with pytest.raises(InputError, match="ring"):
        toys.metallicity("ring")


@pytest.mark.parametrize("i, fwhm", list(enumerate(toy_galaxies.WIDTHS)))
def test_a_psf_hides_patches_before_arms_and_arms_before_a_companion(i, fwhm):
    left = {kind: toy_galaxies.rms_left(kind, fwhm) for kind in toy_galaxies.RMS_LEFT}
    assert left == pytest.approx(
        {kind: expected[i] for kind, expected in toy_galaxies.RMS_LEFT.items()}, abs=0.05
    )
    assert left["companion"] > left["arms"] > left["patches"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pixels, reading", [(1, "half-light"), (2, "scale-length"), (3, "half-light")]
)
def test_small_galaxies_have_the_known_cramer_rao_bound(pixels, reading):
    galaxy, maps = jm.simulate.size_case(pixels, supersampling=(4, 2), reading=reading)
    z = maps["z"]
    model = gradient_model(galaxy, z)
    truth = model.unconstrain({CENTRAL: jnp.asarray(8.0), GRADIENT: jnp.asarray(-0.2)})
    units = jax.jacfwd(
        lambda u: jnp.stack([model.constrain(u)[path] for path in (CENTRAL, GRADIENT)])
    )(truth)
    covariance = np.asarray(units @ jnp.linalg.inv(model.information(truth)) @ units.T)
    sigma_gradient, sigma_central, naive = sizes.EXPECTED[reading][pixels]
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance)), [sigma_central, sigma_gradient], rtol=0.03
    )
    assert sizes.straight(z).gradient == pytest.approx(naive, abs=1e-3)


@pytest.mark.parametrize("pixels", [1, 1.4, 2, 3, 5, 8])
def test_frames_reach_four_radii_and_the_psf_is_sampled_twice(pixels):
    _, maps = jm.simulate.size_case(pixels, supersampling=1)
    grid, psf = maps["z"].instrument.grid, maps["z"].instrument.psf
    assert grid.shape == (2 * round(4 * pixels) + 1,) * 2
    assert float(psf.fwhm) == pytest.approx(2 * float(grid.pixel_scale))


def test_readings_and_sizes_that_do_not_exist_are_named():
    with pytest.raises(InputError, match="half-light"):
        jm.simulate.use_case_1(reading="diameter")
    with pytest.raises(InputError, match="pixels"):
        jm.simulate.size_case(0)


@pytest.fixture(scope="module")
def clump_fits():
    """The model of three clumps, two noise draws and the tutorial's, and their fits.

    Of three clumps, of one gradient, delta BIC.
    """
    galaxy, z = clumps.case()
    images = np.concatenate([draws(z, 2), clumps.tutorial_image(z)[None]])
    return clumps_model(galaxy, z), images, *clumps.compare(galaxy, z, images)


@pytest.mark.slow
def test_three_clumps_are_told_from_one_gradient(clump_fits):
    """delta BIC is 35 ± 13 over noise draws, of which these are three."""
    _, _, three, _, difference = clump_fits
    assert np.all((difference > 10) & (difference < 60))
    for name in CLUMPS:
        path = f"{name}.metallicity.value"
        assert np.all(np.abs(three.parameters[path] - clumps.TRUTH[name]) < 4 * three.errors[path])


@pytest.mark.slow
def test_the_true_model_leaves_noise_alone(clump_fits):
    model, images, three, _, _ = clump_fits
    sigma = model.maps["z"].errors
    freedom = sigma.size - 3
    for i, image in enumerate(images):
        predicted = model.predict(
            {path: jnp.asarray(value[i]) for path, value in three.parameters.items()}
        )["z"]
        chi_square = float(np.sum(((image - np.asarray(predicted)) / sigma) ** 2))
        assert abs(chi_square - freedom) < 5 * np.sqrt(2 * freedom)


@pytest.mark.slow
def test_the_noise_of_the_tutorial_gives_the_known_metallicities(clump_fits, tolerance):
    """And the known gradient and delta BIC, which do not depend on how light averages."""
    _, _, three, one, difference = clump_fits
    for name in CLUMPS:
        path, (value, error) = f"{name}.metallicity.value", clumps.SAME_SEED["log10"][name]
        assert three.parameters[path][2] == pytest.approx(value, abs=0.001)
        assert three.errors[path][2] == pytest.approx(error, abs=0.001)
    slope = "clump1.metallicity.gradient"
    assert one.parameters[slope][2] == pytest.approx(
        clumps.SAME_SEED["linear"]["one gradient"][0], abs=0.001
    )
    assert difference[2] == pytest.approx(
        clumps.SAME_SEED["linear"]["delta BIC"][0], abs=tolerance(0.5, 0.6)
    )
