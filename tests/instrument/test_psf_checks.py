"""Pictures of point sources that are none, and real ones that must pass without a word."""

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage
from scipy.special import j1

import jaxmetal as jm
from jaxmetal.instrument.psf_checks import problems
from jaxmetal.io import scene
from jaxmetal.io.psfs import read_psf
from tests.data import data_path

# Pictures are looked at on the host, in double precision.
pytestmark = pytest.mark.precision("single")

REAL = [
    *(
        f"psf_jwst_hst/psf-{name}.fits"
        for name in (
            "glass-f160w",
            "glass-f814w",
            "glass-nrca3-f150w",
            "glass-nrca3-f200w",
            "glass-nrca5-f444w",
            "smacs0723-f150w-20mas",
            "smacs0723-f200w-20mas",
            "smacs0723-nis-f115w-smacs",
            "smacs0723-nis-f200w-smacs",
            "smacs0723-nrca3-f150w-smacs",
        )
    ),
    "as1063_lensed_muse/orig/PSF_AS1063_image_plane.fits",
]


def radius(size, center=0.0, stretch=1.0):
    row, column = np.indices((size, size)) - (size - 1) / 2
    return np.hypot((column - center) / stretch, (row - center) * stretch)


def moffat(fwhm, beta, size, **place):
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    return (1 + (radius(size, **place) / alpha) ** 2) ** -beta


def gaussian(fwhm, size, **place):
    return np.exp(-4 * np.log(2) * (radius(size, **place) / fwhm) ** 2)


def airy(pixels, obstruction, size):
    """A diffraction pattern with so many pixels per lambda/D."""
    v = np.pi * np.maximum(radius(size), 1e-6) / pixels
    amplitude = 2 * j1(v) / v
    if obstruction:
        inner = obstruction * v
        amplitude = (amplitude - obstruction**2 * 2 * j1(inner) / inner) / (1 - obstruction**2)
    return amplitude**2


def cut(picture, half):
    """So many pixels on each side of the peak; None where the picture does not reach that far."""
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
    part = picture[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
    return part if part.shape == (2 * half + 1, 2 * half + 1) else None


def noticed(picture):
    return [problem.text for problem in problems(picture / picture.sum())]


# --- what must pass


@pytest.mark.parametrize("name", REAL)
def test_real_pictures_pass_without_a_word(name):
    """Whole, cut at 2 to 8 FWHM, finer and coarser, rotated, shifted, and with noise."""
    picture = np.asarray(fits.getdata(data_path(name)), float)
    half_peak = 2 * np.sqrt((picture > picture.max() / 2).sum() / np.pi)
    rng = np.random.default_rng(0)
    variants = {"whole": picture}
    for times in (2, 3, 4, 5, 6, 8):
        variants[f"cut at {times} FWHM"] = cut(picture, max(round(times * half_peak), 3))
    for angle in (20, 45):
        variants[f"rotated by {angle}"] = ndimage.rotate(picture, angle, reshape=False)
    variants["shifted"] = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(picture), (0.5, 0.3))).real
    rows, columns = (n // 2 * 2 for n in picture.shape)
    blocks = picture[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2)
    variants["coarser"] = blocks.sum(axis=(1, 3))
    variants |= {f"{n} times finer": ndimage.zoom(cut(picture, 15), n) for n in (2, 5)}
    for level in (1e-3, 1e-2):
        noise = level * picture.max() * rng.standard_normal(picture.shape)
        variants[f"noise of {level}"] = picture + noise
    # Where the frame ends in a ring of diffraction, the ring looks constant.
    for half in (11, 13, 15):
        part = cut(picture, half)
        for seed in range(4 if part is not None else 0):
            noise = np.random.default_rng(seed).standard_normal(part.shape)
            variants[f"{half} pixels and noise {seed}"] = part + 1e-3 * picture.max() * noise
    for variant, changed in variants.items():
        if changed is not None:
            assert noticed(changed) == [], variant


@pytest.mark.parametrize("fwhm", [1.0, 1.5, 3.0, 10.0])
def test_profiles_cut_at_3_to_10_widths_pass(fwhm):
    """Wide wings and none, sampled well and hardly, on pixels and between them, and elongated."""
    for widths in (3, 5, 10):
        size = 2 * max(round(widths * fwhm / 2), 1) + 1
        for beta in (1.6, 2.5, 5.0):
            assert noticed(moffat(fwhm, beta, size)) == []
            assert noticed(moffat(fwhm, beta, size + 1)) == []
        assert noticed(gaussian(fwhm, size, stretch=1.15)) == []
        assert noticed(gaussian(fwhm, size, center=0.25)) == []


@pytest.mark.parametrize("obstruction", [0.0, 0.33, 0.45])
def test_diffraction_rings_are_no_stars_and_no_sky(obstruction):
    for pixels in (2, 4, 8):
        for widths in (6, 8, 11, 15, 20):
            assert noticed(airy(pixels, obstruction, widths * pixels + 1)) == []


def test_noise_is_neither_a_star_nor_a_sky():
    rng = np.random.default_rng(1)
    for level in (1e-3, 1e-2, 3e-2):
        for fwhm in (2.0, 5.0):
            for _ in range(5):
                assert noticed(gaussian(fwhm, 41) + level * rng.standard_normal((41, 41))) == []


@pytest.mark.parametrize(
    "picture",
    [
        np.ones((1, 1)),
        np.ones((1, 7)),
        np.pad([[1.0]], 5),
        gaussian(5, 31)[:, 15:16],
        np.where(radius(31) < 8, 1.0, 0.0),
    ],
    ids=["one pixel", "a row", "a point", "a column", "a fibre"],
)
def test_kernels_that_are_no_pictures_of_stars_are_left_alone(picture):
    assert noticed(picture) == []


# --- what is refused, and what is said


STAR = gaussian(6.0, 81)
HAT = 1 - radius(41) ** 2 / 40
WRONG = {
    "a second star": (
        STAR + np.roll(STAR, (30, 30), (0, 1)),
        True,
        r"more than one star.*100% of its height, 42 pixels away",
    ),
    "half as bright": (
        STAR + 0.5 * np.roll(STAR, (0, 12), (0, 1)),
        True,
        r"row 40\) there is one of 50%.*\(column 52, row 40\)",
    ),
    "a faint neighbour": (
        STAR + 0.15 * np.roll(STAR, (-20, 9), (0, 1)),
        False,
        r"more than one star.*15%",
    ),
    "a neighbour cut in half": (
        STAR + np.roll(STAR, 40, 1) * (radius(81) > 30),
        True,
        "more than one star",
    ),
    "a field of stars": (
        STAR + np.roll(STAR, 25, 0) + 0.6 * np.roll(STAR, -22, 1),
        True,
        "more than one star",
    ),
    "1 % of sky": (
        STAR + 0.01,
        True,
        r"does not fall to zero at its edge.*9\.9e-03 of the peak, .* makes up 62% of its light",
    ),
    "0.1 % of sky under wide wings": (moffat(4, 2.5, 81) + 1e-3, False, r"does not fall to zero"),
    "sky with noise": (
        moffat(4, 4, 61) + 5e-3 + 5e-3 * np.random.default_rng(0).standard_normal((61, 61)),
        False,
        "fall to zero",
    ),
    "sky inside a circle": (
        np.where(radius(61) < 29, moffat(4, 4, 61) + 3e-3, 0.0),
        False,
        "does not fall to zero",
    ),
    "sky around a star off the middle": (
        np.roll(gaussian(4, 41) + 5e-3, (6, -5), (0, 1)),
        False,
        "does not fall to zero",
    ),
    "1 % of sky in a frame of three widths": (
        gaussian(24, 81) + 0.01,
        False,
        r"does not fall to zero at its edge: its outermost pixels lie at 1\.0e-02 of the peak",
    ),
    "mostly sky": (gaussian(4, 61) + 0.05, True, r"does not fall to zero.*9\d% of its light"),
    "too much subtracted": (
        gaussian(6, 41) - 2e-3,
        False,
        "falls below zero at its edge.*too much sky was subtracted",
    ),
    "a core cut off": (STAR[40:, 40:], True, r"core is cut off.*41 × 41.*\(column 0, row 0\)"),
    "half of a star": (STAR[:, 41:], True, "core is cut off"),
    "a frame smaller than the star": (gaussian(9, 7), True, "core is cut off"),
    "too small a frame": (gaussian(4, 5), False, r"too small for its width.*0\.50"),
    "flat": (np.ones((5, 5)), True, "core is cut off"),
    "an unsharp mask": (gaussian(5, 41) - 0.05 * gaussian(12, 41), False, "negative.*PSF's"),
    "a difference": (gaussian(5, 41) - 0.15 * gaussian(11, 41), True, "negative"),
}


@pytest.mark.parametrize(("picture", "clear", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_picture_of_one_star_is_refused_or_said_once(picture, clear, message):
    if clear:
        with pytest.raises(jm.InputError, match=rf"KernelPSF\.kernel: .*{message}") as refused:
            jm.KernelPSF(picture)
        assert "\n" not in str(refused.value)
        return
    with pytest.warns(jm.InputWarning) as said:
        jm.KernelPSF(picture)
    texts = [str(warning.message) for warning in said]
    texts = [text for text in texts if "centre of light" not in text]
    assert len(texts) == 1
    assert re.search(message, texts[0])


def test_a_centre_far_from_the_peak_is_said():
    """Row and column exchanged."""
    star = np.roll(gaussian(4, 41), (8, -8), (0, 1))
    with pytest.warns(
        jm.InputWarning,
        match=r"column 28\.0, row 12\.0\) lies 22\.6 pixels from its peak \(column 12, row 28\)",
    ):
        jm.KernelPSF(star, center=(28.0, 12.0))
    jm.KernelPSF(star, center=(12.0, 28.0))
    jm.KernelPSF(gaussian(8, 41), center=(24.0, 20.0))


# --- widths and pixels


GRID = jm.Grid.regular((21, 21), 0.2)


@pytest.mark.parametrize(
    "psf",
    [jm.GaussianPSF(0.2 / 400), jm.MoffatPSF(0.2 / 400, 2.5), jm.KernelPSF(gaussian(5, 41), 2000)],
    ids=repr,
)
def test_a_psf_that_is_a_point_is_refused(psf):
    narrow = r"psf: its width, .* arcsec, is 1/\d+ of a pixel \(0\.2 arcsec\)"
    with pytest.raises(jm.InputError, match=narrow):
        jm.Instrument(GRID, psf)


@pytest.mark.parametrize(
    "psf",
    [jm.GaussianPSF(0.01), jm.MoffatPSF(0.01, 3.0), jm.KernelPSF(gaussian(5, 41), 100)],
    ids=repr,
)
def test_a_psf_far_below_a_pixel_is_said_once(psf):
    with pytest.warns(jm.InputWarning, match=r"psf: its width.*1/\d\d of a pixel.*NoPSF") as said:
        instrument = jm.Instrument(GRID, psf, 2)
    assert len(said) == 1
    # Copies that the package makes of it say nothing.
    instrument.with_sampling(instrument.sampling)


def test_narrow_and_undersampled_psfs_pass():
    """A quarter of a pixel is a telescope in space before coarse pixels."""
    for psf in (
        jm.GaussianPSF(0.05),
        jm.MoffatPSF(0.05, 2.5),
        jm.NoPSF(),
        jm.KernelPSF(np.pad([[1.0]], 3)),
        jm.KernelPSF(gaussian(5, 41), 20),
    ):
        jm.Instrument(GRID, psf)


def test_a_width_that_is_traced_is_not_judged():
    def light(fwhm):
        psf = jm.Instrument(GRID, jm.GaussianPSF(fwhm), (1, 1), 2).psf
        return psf.transfer(GRID, jnp.array([[0.3]]), jnp.array([[0.1]])).sum()

    assert np.isfinite(jax.jit(jax.grad(light))(1e-3))


# --- scales in the headers of files


def psf_file(path, **cards):
    """A star of 12 kernel pixels FWHM, with the cards of its header."""
    fits.PrimaryHDU(gaussian(12, 61), fits.Header(cards)).writeto(path / "psf.fits", overwrite=True)
    return path / "psf.fits"


def on_sky(scale, **more):
    """The cards of a WCS with pixels of so many arcsec."""
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRPIX1": 31.0,
        "CRPIX2": 31.0,
        "CRVAL1": 150.0,
        "CRVAL2": 2.0,
        "CDELT1": -scale / 3600,
        "CDELT2": scale / 3600,
    } | more


@pytest.mark.parametrize(
    "cards, culprits",
    [
        (
            {"PIXSCALE": 0.05 / 3600},
            [
                "by PIXSCALE = 1.38889e-05 arcsec the PSF is 0.00017 arcsec wide",
                "of a pixel of the map (0.2",
                "degrees, a pixel of the kernel is 0.05 arcsec",
            ],
        ),
        ({"PIXELSCL": 0.03 / 3600}, ["PIXELSCL = 8.33333e-06", "0.03 arcsec"]),
        (
            {"PIXELSCL": 50.0},
            ["PIXELSCL = 50 arcsec", "as wide as 250 pixels of the map", "milliarcsec"],
        ),
        (
            on_sky(1.0, PC1_1=1 / 3600, PC2_2=1 / 3600),
            ["CDELT (0.000278) and the PC matrix (0.000278) both hold the scale"],
        ),
        (on_sky(0.05 / 3600), ["by the WCS = 1.389e-05 arcsec", "the PSF is"]),
        ({"OVERSAMP": 14400}, ["OVERSAMP = 14400", "1/1199 of a pixel"]),
    ],
)
def test_a_scale_in_other_units_is_named_with_what_it_would_mean(tmp_path, cards, culprits):
    with pytest.raises(jm.InputError) as refused:
        read_psf(psf_file(tmp_path, **cards), 0.2)
    for culprit in (*culprits, "psf.fits[0]"):
        assert culprit in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "cards, keys, oversampling, both",
    [
        (
            {"PIXELSCL": 0.05, "OVERSAMP": 2},
            {},
            4.0,
            ["PIXELSCL = 0.05 arcsec means 4 kernel", "OVERSAMP = 2 means 2"],
        ),
        (
            {"PIXELSCL": 0.2, "DET_SAMP": 4},
            {},
            1.0,
            ["PIXELSCL = 0.2 arcsec means 1 kernel", "DET_SAMP = 4 means 4"],
        ),
        (
            {"PIXELSCL": 0.05} | on_sky(0.1),
            {},
            4.0,
            ["PIXELSCL = 0.05 arcsec", "the WCS = 0.1 arcsec means 2"],
        ),
        ({"OVERSAMP": 4} | on_sky(0.1), {}, 4.0, ["OVERSAMP = 4", "the WCS = 0.1 arcsec means 2"]),
        (
            {"PIXELSCL": 0.05},
            {"oversampling": 2},
            2.0,
            ["oversampling = 2 means 2", "PIXELSCL = 0.05 arcsec means 4"],
        ),
        (
            on_sky(0.05),
            {"oversampling": 1.0},
            1.0,
            ["oversampling = 1 means 1", "the WCS = 0.05 arcsec means 4"],
        ),
    ],
)
def test_scales_that_contradict_each_other_are_said_once(tmp_path, cards, keys, oversampling, both):
    with pytest.warns(jm.InputWarning) as said:
        psf = read_psf(psf_file(tmp_path, **cards), 0.2, **keys)
    assert len(said) == 1
    for text in (*both, "the former is used"):
        assert text in str(said[0].message)
    assert float(psf.oversampling) == pytest.approx(oversampling)


def test_statements_of_the_scale_that_agree_are_silent(tmp_path):
    for cards in (
        {"PIXELSCL": 0.05, "OVERSAMP": 4} | on_sky(0.05),
        {"PIXELSCL": 0.05, "PIXSCALE": 0.05},
        {"DET_SAMP": 4, "OVERSAMP": 4},
    ):
        assert float(read_psf(psf_file(tmp_path, **cards), 0.2).oversampling) == pytest.approx(4.0)
    rounded = psf_file(tmp_path, PIXELSCL=0.0627)
    assert float(read_psf(rounded, 0.25, oversampling=4).oversampling) == 4


def test_a_kernel_of_square_pixels_keeps_its_shape_on_oblong_ones(tmp_path):
    """As for slit spectrographs: columns of 0.2 arcsec, rows of 0.4 arcsec."""
    psf = read_psf(psf_file(tmp_path, PIXELSCL=0.05), (0.2, 0.4))
    np.testing.assert_allclose(psf.oversampling, (4.0, 8.0))
    grid = jm.Grid((0, 0), np.diag([-0.2, 0.4]), (21, 21))
    kx, ky = jnp.linspace(-0.4, 0.4, 5)[None, :], jnp.linspace(-0.4, 0.4, 7)[:, None]
    expected = jm.GaussianPSF(0.6).transfer(grid, kx, ky)
    np.testing.assert_allclose(psf.transfer(grid, kx, ky), expected, atol=1e-4)
    assert psf.radius(0.5, float(grid.pixel_scale)) == pytest.approx(0.3, abs=0.03)
    # A kernel of the detector's own pixels has their shape.
    assert read_psf(psf_file(tmp_path, OVERSAMP=4), (0.2, 0.4)).oversampling.shape == ()


def test_a_configuration_names_the_file_of_what_is_wrong(tmp_path):
    """The same words as in Python, and all in one line."""
    z = 8.7 - 0.02 * radius(21)
    for name, image in {"z.fits": z, "e.fits": np.full_like(z, 0.02)}.items():
        fits.PrimaryHDU(image).writeto(tmp_path / name)
    entry = {
        "kind": "tracer",
        "file": "z.fits",
        "value": 0,
        "error": {"file": "e.fits"},
        "pixel_scale": 0.2,
        "psf": {"kernel": {"file": "psf.fits"}},
        "supersampling": [1, 1],
    }
    disc = {
        "light": {"profile": "uniform", "amp": 1.0},
        "metallicity": {"profile": "gradient", "central": 8.5, "gradient": -0.1},
    }
    priors = {"disc.metallicity.gradient": {"normal": [0, 0.5]}}
    config = {"maps": {"z": entry}, "galaxy": {"disc": disc}, "priors": priors}

    def with_kernel(kernel):
        hdu = fits.PrimaryHDU(kernel, fits.Header({"PIXELSCL": 0.05}))
        hdu.writeto(tmp_path / "psf.fits", overwrite=True)
        return scene.build(config, tmp_path).maps["z"].map.instrument

    named = r"psf\.fits\[0\]: KernelPSF\.kernel: it"
    with pytest.raises(jm.InputError, match=rf"^maps\.z: .*{named} holds more than one star.*$"):
        with_kernel(STAR + np.roll(STAR, 30, 0))
    with pytest.warns(jm.InputWarning, match=rf"{named} does not fall to zero at its edge") as said:
        with_kernel(STAR + 3e-3)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(with_kernel(STAR).psf.oversampling) == pytest.approx(4.0)
    entry["psf"] = {"gaussian": {"fwhm": 0.0005}}
    narrow = r"^maps\.z: psf: its width, 0\.0005 arcsec, is 1/400 of a pixel"
    with pytest.raises(jm.InputError, match=narrow):
        scene.build(config, tmp_path)
