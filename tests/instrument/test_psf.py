"""Point-spread functions.

Their transforms against numerical ones, and pictures of point sources of every size and sampling.
"""

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import ndtr

import jaxmetal as jm
from jaxmetal.instrument.convolve import smear, transfer_function
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.io.psfs import read_psf
from tests.data import data_path

SIGMA = 1 / 2.354820045030949
TURN = np.deg2rad(25.0)
SCALE = 0.1
GRID = jm.Grid.regular((64, 64), SCALE)
OBLONG = np.array([[-np.cos(TURN), np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]]) @ np.diag(
    [0.1, 0.08]
)
GRIDS = {"square": GRID, "rotated and oblong": jm.Grid((0, 0), OBLONG, (64, 64))}


def picture(sigma=2.0, size=25, offset=(0.0, 0.0)):
    """A Gaussian star, sampled at the points of an array.

    Its centre lies `offset` (column, row) from the middle.
    """
    row, column = np.indices((size, size)) - (size - 1) / 2
    return np.exp(-0.5 * ((column - offset[0]) ** 2 + (row - offset[1]) ** 2) / sigma**2)


def kernel_psf(*arguments, **keys):
    """A KernelPSF; what it says of its centre is tested in one place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)
        return jm.KernelPSF(*arguments, **keys)


PSFS = {
    "none": jm.NoPSF(),
    "gaussian": jm.GaussianPSF(0.5),
    "moffat": jm.MoffatPSF(0.5, 2.5),
    "kernel": jm.KernelPSF(picture(), 1.0),
    "even kernel": kernel_psf(picture(size=26), 1.0),
}


def transfer(psf, kx, ky, grid=GRID):
    """K at the frequencies kx × ky, cycles per pixel, indexed [ky, kx]."""
    kx, ky = (np.atleast_1d(np.asarray(k, float)) for k in (kx, ky))
    return np.asarray(
        psf.transfer(grid, jnp.asarray(kx[None, :], float), jnp.asarray(ky[:, None], float))
    )


def smeared(psf, image, grid=GRID):
    """An image convolved with a PSF, one cell per pixel."""
    # With two points to a cell, averages are convolved.
    sampling = Sampling(1, 2, 0)
    return np.asarray(
        smear(
            jnp.asarray(image[None], float), transfer_function(grid, psf, sampling), grid, sampling
        )[0],
        float,
    )


def real_space(psf, grid=GRID):
    """What becomes of a point of light in the middle of the frame."""
    point = np.zeros(grid.shape)
    point[32, 32] = 1.0
    return smeared(psf, point, grid)


def blob(width=3.0):
    """A round galaxy in the middle of the frame."""
    row, column = np.indices(GRID.shape) - 32.0
    return np.exp(-0.5 * (column**2 + row**2) / width**2)


def centroid(image, width=np.inf):
    """(column, row) from the middle of the frame, of the light as seen through a Gaussian window
    that follows it.
    """
    row, column = np.indices(image.shape) - np.reshape(image.shape, (2, 1, 1)) // 2.0
    center = np.zeros(2)
    for _ in range(100 if np.isfinite(width) else 1):
        seen = image * np.exp(
            -0.5 * ((column - center[0]) ** 2 + (row - center[1]) ** 2) / width**2
        )
        center = np.array([(column * seen).sum(), (row * seen).sum()]) / seen.sum()
    return center


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("psf", PSFS.values(), ids=PSFS)
def test_no_light_is_lost(psf, grid, tolerance):
    """The transfer function is 1 at zero frequency."""
    assert transfer(psf, 0.0, 0.0, grid).item() == pytest.approx(1.0, abs=tolerance(1e-13, 3e-6))


@pytest.mark.parametrize("psf", PSFS.values(), ids=PSFS)
def test_a_point_of_light_becomes_a_round_positive_spot_of_the_same_flux(psf, tolerance):
    """Brightest in its middle, and the same seen from all four sides."""
    spot = real_space(psf)
    assert spot.sum() == pytest.approx(1.0, rel=tolerance(1e-12, 1e-5))
    assert spot.min() > -1e-4 * spot.max() and spot[32, 32] == spot.max()
    for other in (spot.T, np.roll(spot[::-1], 1, 0), np.roll(spot[:, ::-1], 1, 1)):
        np.testing.assert_allclose(other, spot, atol=tolerance(1e-12, 1e-6))


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_gaussian_spot_has_its_width_on_the_sky(grid, tolerance):
    """Whatever the pixels: half its peak at half its FWHM, and the transform of a Gaussian."""
    psf = jm.GaussianPSF(0.5)
    k = np.linspace(-0.5, 0.5, 11)
    along = np.stack(np.meshgrid(k, k), axis=-1) @ np.linalg.inv(np.asarray(grid.matrix, float))
    expected = np.exp(-2 * np.pi**2 * (0.5 * SIGMA) ** 2 * (along**2).sum(-1))
    np.testing.assert_allclose(transfer(psf, k, k, grid), expected, atol=tolerance(1e-12, 2e-6))
    x, y = (np.asarray(a, float) for a in grid.coordinates)
    distance = (
        np.hypot(x - x[32, 32], y - y[32, 32])
        if x.shape == y.shape
        else np.hypot(x - x[..., 32], y - y[32])
    )
    spot = real_space(psf, grid)
    np.testing.assert_allclose(
        spot, spot.max() * 0.5 ** ((2 * distance / 0.5) ** 2), atol=spot.max() * 1e-5
    )


def moffat_transform(q, beta):
    """∫ of the Moffat profile's projection, (1 + x²)^(1/2 - beta), against cos(q x), by scipy."""
    return (
        quad(lambda x: (1 + x * x) ** (0.5 - beta), 0, np.inf, weight="cos", wvar=q)[0]
        * 2
        / beta_function(0.5, beta - 1)
    )


@pytest.mark.parametrize("beta", [1.3, 1.5, 2.5, 4.765, 10.0, 50.0])
def test_the_moffat_transform_is_the_numerical_one(beta, tolerance):
    """From wings that hardly fall to what is nearly a Gaussian."""
    fwhm = 0.6
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    k = np.array([0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5])
    expected = [moffat_transform(2 * np.pi * f / SCALE * alpha, beta) for f in k]
    np.testing.assert_allclose(
        transfer(jm.MoffatPSF(fwhm, beta), k, 0.0)[0], expected, atol=tolerance(1e-5, 2e-5)
    )


@pytest.mark.parametrize("beta", [1.3, 2.8, 12.0])
def test_the_moffat_transform_of_many_modes_is_interpolated(beta, tolerance):
    """Value and gradients are those of the quadrature at every mode, on skewed pixels too."""
    grid = jm.Grid((0.0, 0.0), np.array([[0.2, 0.03], [-0.05, 0.25]]), (64, 70))
    kx, ky = jnp.fft.rfftfreq(80)[None, :], jnp.fft.fftfreq(72)[:, None]
    weights = jnp.cos(jnp.arange(72 * 41.0)).reshape(72, 41)

    def at_once(fwhm):
        return jm.MoffatPSF(fwhm, beta).transfer(grid, kx, ky)

    def row_by_row(fwhm):
        psf = jm.MoffatPSF(fwhm, beta)
        return jax.lax.map(lambda y: psf.transfer(grid, kx[0], y), ky[:, 0])

    (modes, slope), (expected, expected_slope) = (
        (way(jnp.asarray(1.1)), jax.grad(lambda fwhm, way=way: jnp.sum(weights * way(fwhm)))(1.1))
        for way in (at_once, row_by_row)
    )
    np.testing.assert_allclose(modes, expected, atol=tolerance(2e-9, 1e-6))
    np.testing.assert_allclose(slope, expected_slope, rtol=tolerance(1e-6, 1e-3))


@pytest.mark.parametrize("outside", [0.5, 0.1, 1e-3])
@pytest.mark.parametrize(
    ("psf", "profile"),
    [
        (jm.GaussianPSF(0.5), lambda r: np.exp(-0.5 * (r / (0.5 * SIGMA)) ** 2)),
        (jm.MoffatPSF(0.5, 2.5), lambda r: (1 + (r / 0.5) ** 2 * 4 * (2 ** (1 / 2.5) - 1)) ** -2.5),
        (
            jm.MoffatPSF(0.5, 4.765),
            lambda r: (1 + (r / 0.5) ** 2 * 4 * (2 ** (1 / 4.765) - 1)) ** -4.765,
        ),
    ],
    ids=["gaussian", "moffat 2.5", "moffat 4.765"],
)
def test_a_fraction_of_the_light_falls_outside_the_radius_that_says_so(psf, profile, outside):
    def light(start, stop):
        return quad(lambda r: r * profile(r), start, stop)[0]

    radius = psf.radius(outside, SCALE)
    assert light(radius, np.inf) == pytest.approx(outside * light(0, np.inf), rel=1e-4)


@pytest.mark.parametrize("oversampling", [1.0, 3.0, 2.5])
def test_half_of_a_kernels_light_lies_within_its_radius(oversampling):
    """To a kernel pixel; sigma sqrt(2 ln 2) for a Gaussian."""
    pixel = SCALE / oversampling
    assert jm.KernelPSF(picture(3.0, 41), oversampling).radius(0.5, SCALE) == pytest.approx(
        3.0 * np.sqrt(2 * np.log(2)) * pixel, abs=pixel
    )


def test_without_a_psf_no_light_goes_anywhere():
    assert jm.NoPSF().radius(1e-6, SCALE) == 0.0
    np.testing.assert_array_equal(transfer(jm.NoPSF(), [0.0, 0.3, 0.5], [-0.5, 0.2]), 1.0)


# --- pictures of a point source


@pytest.mark.parametrize("center", ["centroid", "given"])
@pytest.mark.parametrize(
    "offset",
    [(0.0, 0.0), (0.31, -0.22), (-1.4, 2.0)],
    ids=["centred", "beside a pixel", "off by pixels"],
)
@pytest.mark.parametrize("size", [29, 30])
@pytest.mark.parametrize("oversampling", [1.0, 3.0, 2.5])
def test_a_picture_of_a_gaussian_is_that_gaussian(oversampling, size, offset, center, tolerance):
    """At every frequency that the picture holds; whether its centre is told or found."""
    middle = (size - 1) / 2
    where = {} if center == "centroid" else {"center": (middle + offset[0], middle + offset[1])}
    psf = kernel_psf(picture(2.0, size, offset), oversampling, **where)
    k = np.linspace(-0.5, 0.5, 12) * oversampling
    expected = transfer(jm.GaussianPSF(2.0 / SIGMA * SCALE / oversampling), k, k)
    np.testing.assert_allclose(transfer(psf, k, k), expected, atol=tolerance(1e-5, 2e-5))


@pytest.mark.parametrize("size", [(25, 25), (26, 26), (25, 26), (26, 25)], ids=str)
@pytest.mark.parametrize("oversampling", [1.0, 3.0])
def test_a_symmetric_kernel_of_any_size_shifts_no_galaxy(size, oversampling, tolerance):
    """There is no half pixel in it."""
    kernel = (
        picture(2.0, 26)[: size[0], : size[1]]
        if size == (26, 26)
        else np.outer(*(picture(2.0, n)[n // 2] for n in size))
    )
    shift = centroid(smeared(kernel_psf(kernel, oversampling), blob()))
    np.testing.assert_allclose(shift, 0.0, atol=tolerance(1e-6, 1e-4))


def test_a_kernel_is_used_in_the_orientation_of_the_array(tolerance):
    """Its columns along the map's columns, its rows along the rows, unflipped, at its own
    sampling.
    """
    psf = jm.KernelPSF(picture(2.0, 31, (4.0, -2.0)), 2.0, center=(15.0, 15.0))
    np.testing.assert_allclose(
        centroid(smeared(psf, blob())), (2.0, -1.0), atol=tolerance(1e-6, 1e-4)
    )


def test_the_pixel_response_is_divided_out_of_a_kernel_that_includes_it(tolerance):
    """A star on a detector is averaged over its pixels; the instrument does this once more."""
    edges = np.arange(34) - 16.5
    star = np.diff(ndtr(edges / 2.0))
    k = np.linspace(-0.9, 0.9, 15)
    expected = transfer(jm.GaussianPSF(2.0 / SIGMA * SCALE / 2), k, k)
    divided, plain = (
        transfer(jm.KernelPSF(np.outer(star, star), 2.0, includes_pixel=yes), k, k)
        for yes in (True, False)
    )
    np.testing.assert_allclose(divided, expected, atol=tolerance(1e-5, 2e-5))
    assert np.abs(plain - expected).max() > 5e-3


def test_frequencies_that_a_picture_does_not_hold_are_zero():
    psf = jm.KernelPSF(picture(0.7, 15), 1.5)
    assert np.all(transfer(psf, [0.76, 1.0, -3.0], [0.0, 0.2]) == 0)
    assert np.all(np.abs(transfer(psf, [0.0, 0.3, 0.74], [0.0, 0.2])) > 1e-3)


def test_a_kernel_that_is_not_normalised_is_normalised():
    one, many = jm.KernelPSF(picture()), jm.KernelPSF(7e4 * picture())
    assert float(many.kernel.sum()) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(many.kernel, one.kernel, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "offset"), [(25, (0.3, 0.0)), (26, (0.0, 0.0)), (26, (0.4, -1.2))], ids=str
)
def test_the_user_is_told_which_centre_was_used(size, offset):
    with pytest.warns(
        jm.InputWarning, match=rf"{size} × {size} kernel.*give center=\(column, row\)"
    ) as told:
        psf = jm.KernelPSF(picture(2.0, size, offset))
    found = re.search(
        r"column ([\d.]+), row ([\d.]+) \(the middle of the array is ([\d.]+), ([\d.]+)\)",
        str(told[0].message),
    )
    middle = (size - 1) / 2
    np.testing.assert_allclose(
        [float(number) for number in found.groups()], [*psf.center, middle, middle], atol=6e-4
    )
    np.testing.assert_allclose(psf.center, (middle + offset[0], middle + offset[1]), atol=0.02)


def test_nothing_is_said_of_a_centre_that_is_plain_or_given():
    """A warning would be an error here."""
    jm.KernelPSF(picture(size=25))
    jm.KernelPSF(picture(size=26), center=(12.5, 12.5))
    jm.KernelPSF(picture(size=25, offset=(3.0, 0.0)), center=(15.0, 12.0))


def test_noise_in_the_wings_does_not_move_the_centre():
    """Of 1/500 of a star's peak, which the plain mean of all positions would follow."""
    noise = 2e-3 * np.random.default_rng(0).standard_normal((101, 101))
    row, column = np.indices((101, 101)) - 50
    noisy = picture(2.0, 101) + noise
    assert np.hypot((column * noisy).sum(), (row * noisy).sum()) / noisy.sum() > 0.3
    np.testing.assert_allclose(kernel_psf(noisy).center, 50.0, atol=0.05)


REAL = {
    **dict.fromkeys(
        (
            "glass-f160w",
            "glass-f814w",
            "glass-nrca3-f150w",
            "glass-nrca3-f200w",
            "glass-nrca5-f444w",
        ),
        1.0,
    ),
    **dict.fromkeys(("smacs0723-f150w-20mas", "smacs0723-f200w-20mas"), 2.0),
    **dict.fromkeys(
        ("smacs0723-nis-f115w-smacs", "smacs0723-nis-f200w-smacs", "smacs0723-nrca3-f150w-smacs"),
        1.0,
    ),
}


@pytest.mark.parametrize(("name", "oversampling"), REAL.items(), ids=list(REAL))
def test_the_psfs_of_jwst_and_hst_move_no_galaxy(name, oversampling):
    """Of 0.2 arcsec on pixels of 0.04 arcsec, by 0.03 pixel at most.

    Their peaks lie off the middle all the same, and their sums are not 1.

    They are lopsided: what is the centre for a small galaxy is not for a large one, by about that
    much.
    """
    path = data_path(f"psf_jwst_hst/psf-{name}.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)
        psf = read_psf(path, pixel_scale=0.04)
    assert float(psf.oversampling) == pytest.approx(oversampling)
    grid = jm.Grid.regular((128, 128), 0.04)
    row, column = np.indices(grid.shape) - 64.0
    galaxy = np.exp(-0.5 * (column**2 + row**2) / 5.0**2)
    seen = smeared(psf, galaxy, grid)
    assert seen.sum() == pytest.approx(galaxy.sum(), rel=1e-4)
    assert np.hypot(*centroid(seen, width=5.0)) < 0.03


# --- what is refused


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: jm.GaussianPSF(-1.0), r"GaussianPSF.fwhm: must be a positive number, got -1"),
        (lambda: jm.GaussianPSF(0.0), r"GaussianPSF.fwhm.*positive"),
        (lambda: jm.GaussianPSF(np.nan), r"GaussianPSF.fwhm.*positive.*nan"),
        (
            lambda: jm.GaussianPSF([0.5, 0.6]),
            r"GaussianPSF.fwhm: expected one number, got shape \(2,\)",
        ),
        (lambda: jm.GaussianPSF("wide"), r"GaussianPSF.fwhm: expected a number"),
        (lambda: jm.MoffatPSF(np.inf, 3.0), r"MoffatPSF.fwhm.*positive"),
        (lambda: jm.MoffatPSF(0.5, 1.0), r"MoffatPSF.beta: must be at least 1.3.*got 1"),
        (lambda: jm.MoffatPSF(0.5, -2.0), r"MoffatPSF.beta"),
        (
            lambda: jm.KernelPSF(np.where(np.eye(5) > 0, np.nan, 1.0)),
            r"KernelPSF.kernel: 5 of 25 values are not finite",
        ),
        (lambda: jm.KernelPSF(np.ones(5)), r"KernelPSF.kernel: expected a picture.*shape \(5,\)"),
        (
            lambda: jm.KernelPSF(np.ones((2, 3, 3))),
            r"KernelPSF.kernel: expected a picture.*\(2, 3, 3\)",
        ),
        (lambda: jm.KernelPSF(np.ones((0, 3))), r"KernelPSF.kernel: expected a picture"),
        (
            lambda: jm.KernelPSF(np.zeros((5, 5))),
            r"KernelPSF.kernel: the sum must be positive, got 0",
        ),
        (
            lambda: jm.KernelPSF(-np.ones((5, 5))),
            r"KernelPSF.kernel: the sum must be positive, got -25",
        ),
        (lambda: jm.KernelPSF("psf.fits"), r"KernelPSF.kernel: expected"),
        (lambda: jm.KernelPSF(picture(), oversampling=0), r"KernelPSF.oversampling.*positive"),
        (
            lambda: jm.KernelPSF(picture(), oversampling=(2, 2, 2)),
            r"KernelPSF.oversampling: expected one number",
        ),
        (
            lambda: jm.KernelPSF(picture(), center="peak"),
            r"KernelPSF.center: expected \"centroid\" or \(column, row\), got 'peak'",
        ),
        (lambda: jm.KernelPSF(picture(), center=(1.0, 2.0, 3.0)), r"KernelPSF.center"),
        (lambda: jm.KernelPSF(picture(), center=(np.nan, 12.0)), r"KernelPSF.center"),
    ],
)
def test_a_psf_that_cannot_be_is_refused_by_name(build, message):
    with pytest.raises(jm.InputError, match=message):
        build()


@pytest.mark.parametrize(
    "psf",
    [jm.GaussianPSF(50.0), jm.MoffatPSF(50.0, 2.5), jm.KernelPSF(picture(8.0, 101), 0.1)],
    ids=["gaussian", "moffat", "kernel"],
)
def test_a_psf_that_does_not_fit_into_the_frame_is_refused(psf):
    """Its width was given in other units than arcsec, or its oversampling is wrong."""
    with pytest.raises(jm.InputError, match=r"psf: larger than the frame.*arcsec"):
        jm.Instrument(jm.Grid.regular((21, 21), 0.1), psf)
