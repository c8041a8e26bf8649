"""PSFs as other packages have them: photutils, STPSF."""

import jax.numpy as jnp
import numpy as np
import pytest
from astropy.io import fits

import jaxmetal as jm

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

OVERSAMPLING, SIGMA = 4, 1.2  # kernel pixels a pixel; of a star, in pixels


def effective_psf():
    """A star averaged over whole pixels, at points a quarter of a pixel apart."""
    from scipy.special import erf

    place = np.arange(-40, 41) / OVERSAMPLING
    edges = (place[:, None] + np.array([-0.5, 0.5])) / (np.sqrt(2) * SIGMA)
    line = np.diff(erf(edges), axis=1)[:, 0]
    return np.outer(line, line)


def test_an_image_psf_of_photutils_is_used_with_its_oversampling():
    """And the pixel that it includes is divided out: what is left is the star."""
    psf_module = pytest.importorskip("photutils.psf")
    psf = jm.KernelPSF(psf_module.ImagePSF(effective_psf(), oversampling=OVERSAMPLING))
    np.testing.assert_allclose(psf.oversampling, [4, 4])
    k = jnp.linspace(-0.6, 0.6, 13)
    transfer = psf.transfer(jm.Grid.regular((15, 15), 1.0), k[None, :], k[:, None])
    expected = np.exp(-2 * (np.pi * SIGMA) ** 2 * (k[None, :] ** 2 + k[:, None] ** 2))
    np.testing.assert_allclose(transfer, expected, atol=2e-4)


def test_what_stpsf_returns_is_read_without_a_file():
    y, x = np.indices((41, 41)) - 20
    star = np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(star, name="OVERDIST")])
    hdus[1].header["PIXELSCL"] = 0.025
    psf = jm.read_psf(hdus, pixel_scale=0.1)
    assert float(psf.oversampling) == pytest.approx(4.0) and not psf.includes_pixel
    del hdus[1].header["PIXELSCL"]
    with pytest.raises(jm.InputError, match=r"the HDUList\[OVERDIST.*does not tell the scale"):
        jm.read_psf(hdus, pixel_scale=0.1)


@pytest.mark.wrong_types
def test_a_wrong_word_for_the_pixel_is_told():
    with pytest.raises(jm.InputError, match="expected True, False or 'detector', got 'pixel'"):
        jm.KernelPSF(effective_psf(), 4, includes_pixel="pixel")
