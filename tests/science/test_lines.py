"""What a fit of lines implies: noise-free fluxes, dust and metallicities, and the naive answer."""

import dataclasses

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import CENTRAL, GRADIENT, telescope

LINES = ("Ha", "Hb", "NII6584", "OIII5007")


def galaxy(reddening=None, relation="marino13", gradient=-0.06):
    tracers = {} if reddening is None else {"reddening": reddening}
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.5, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.5, gradient=gradient),
            emission=jm.Emission(relation),
            **tracers,
        )
    )


def fit_of(truth, maps):
    """A fit that ended at the truth, of maps whose noise plays no part."""
    priors = {CENTRAL: dist.Normal(8.5, 0.2), GRADIENT: dist.Normal(-0.06, 0.1)}
    return jm.optimise(jm.Model(truth, maps, priors), starts=1)


@pytest.fixture(scope="module")
def noisy():
    """S/N = 20 in Ha at the centre, so that [NII] is lost outside."""
    truth, instrument, lines = galaxy(), telescope(fwhm=1.2), ("Ha", "NII6584")
    peak = float(jm.simulate.line_maps(truth, instrument, lines)["Ha"].values.max())
    return fit_of(truth, jm.simulate.line_maps(truth, instrument, lines, peak / 20, 3))


@pytest.fixture(scope="module")
def dusty():
    """Two Balmer lines behind dust that falls outwards, and [NII]."""
    dust = jm.Profile(jm.tracer.gradient, central=0.4, gradient=-0.05)
    truth = galaxy(dust, relation="curti20")
    return fit_of(truth, jm.simulate.line_maps(truth, telescope(), ("Ha", "Hb", "NII6584")))


def test_lines_that_were_seen_and_others_are_predicted_without_noise(noisy):
    fluxes = jm.lines.fluxes(noisy)
    assert {"Ha", "Hb", "Hg", "NII6548", "OIII4959", "OIII5007"} <= set(fluxes)
    for line in ("Ha", "NII6584"):
        np.testing.assert_allclose(fluxes[line], noisy.predicted[line], rtol=1e-5)
    np.testing.assert_allclose(fluxes["Ha"], 2.86 * fluxes["Hb"], rtol=1e-5)
    np.testing.assert_allclose(fluxes["OIII5007"], 2.984 * fluxes["OIII4959"], rtol=1e-5)


def test_a_line_is_seen_through_its_own_psf():
    truth = galaxy()
    maps = jm.simulate.line_maps(truth, telescope(), ["Ha"])
    maps |= jm.simulate.line_maps(truth, telescope(fwhm=1.6), ["NII6584"])
    fit = fit_of(truth, maps)
    np.testing.assert_allclose(jm.lines.fluxes(fit, ["Ha"])["Ha"], fit.predicted["Ha"], rtol=1e-5)
    ratio = jm.lines.log_ratio(fit, "NII6584", "Ha")
    expected = np.log10(fit.predicted["NII6584"] / fit.predicted["Ha"])
    np.testing.assert_allclose(ratio, expected, atol=1e-5)
    # The wider PSF takes more from the centre than a gradient of -0.06 dex/arcsec adds.
    assert ratio[15, 15] < ratio[15, 22]


def test_ratios_of_sums_are_those_of_the_sums(noisy):
    pair = {"NII6548": 1.0, "NII6584": 1.0}
    both, one = (jm.lines.log_ratio(noisy, lines, "Ha") for lines in (pair, "NII6584"))
    np.testing.assert_allclose(both - one, np.log10(1 + 1 / 3.05), atol=1e-5)


def test_dust_is_that_of_the_light_in_a_pixel(dusty):
    shown = jm.lines.reddening(dusty)
    assert shown.shape == dusty.maps["Ha"].values.shape
    by_other_lines = jm.lines.reddening(dusty, "Hb", "Hg")
    # A gradient of 0.05 mag/arcsec through this PSF: in the centre it is blended with less dust.
    assert 0.33 < shown[15, 15] < 0.4 and shown[15, 20] < shown[15, 15]
    # Weights of other lines differ little; that of the brighter, bluer line has less dust in it.
    np.testing.assert_allclose(by_other_lines, shown, atol=2e-3)
    without = fit_of(galaxy(), jm.simulate.line_maps(galaxy(), telescope(), ("Ha", "NII6584")))
    np.testing.assert_allclose(jm.lines.reddening(without), 0.0, atol=1e-4)


@pytest.mark.parametrize("calibration", ["n2_m13", "o3n2_m13"])
def test_a_calibration_shows_the_metallicity_of_its_own_relation(calibration):
    truth = galaxy(gradient=0.0)
    fit = fit_of(truth, jm.simulate.line_maps(truth, telescope(), LINES))
    central = float(fit.parameters[CENTRAL])
    shown = jm.lines.metallicity(fit, calibration)
    np.testing.assert_allclose(shown[10:21, 10:21], central, atol=3e-3)
    other = jm.lines.metallicity(fit, "n2_pp04")
    expected = 8.90 + 0.57 * (central - 8.743) / 0.462
    np.testing.assert_allclose(other[10:21, 10:21], expected, atol=3e-3)


@pytest.mark.parametrize("snr", [0.0, 3.0])
def test_one_ratio_is_inverted_as_by_its_calibration(noisy, snr):
    z, sigma = jm.lines.pixel_metallicity(noisy, snr)
    expected, error = jm.baselines.metallicity_map(noisy.maps, "n2_m13", snr)
    assert np.isfinite(z).sum() > 50
    np.testing.assert_array_equal(np.isfinite(z), np.isfinite(expected))
    np.testing.assert_allclose(z, expected, atol=2e-4)
    np.testing.assert_allclose(sigma, error, rtol=2e-3)


def test_several_lines_behind_dust_agree_on_one_metallicity(dusty):
    """Without noise and with little blending a pixel by itself shows the metallicity there."""
    z, sigma = jm.lines.pixel_metallicity(dusty)
    radius = jm.baselines.radius_map(dusty.maps["Ha"].instrument.grid)
    profile = dusty.parameters[CENTRAL] + dusty.parameters[GRADIENT] * radius
    middle = (radius > 0.8) & (radius < 2.0)
    np.testing.assert_allclose(z[middle], profile[middle], atol=0.01)
    assert (sigma[middle] > 0).all() and (sigma[middle] < 0.2).all()


def test_the_other_branch_is_that_of_the_fit():
    """[OIII] alone has two metallicities; each pixel takes the one near the fit's."""
    for central in (8.4, 7.7):
        disc = galaxy(relation="curti20", gradient=0.0).disc
        metallicity = jm.Profile(jm.tracer.uniform, value=central)
        one = jm.Component(disc.light, metallicity=metallicity, emission=disc.emission)
        truth = jm.Galaxy(disc=one)
        maps = jm.simulate.line_maps(truth, telescope(), ("Hb", "OIII5007"))
        model = jm.Model(truth, maps, {"disc.metallicity.value": dist.Normal(central, 0.1)})
        z, _ = jm.lines.pixel_metallicity(jm.optimise(model, starts=1), 5.0)
        np.testing.assert_allclose(z[np.isfinite(z)], central, atol=0.01)


def test_a_relative_map_has_both_of_its_lines(noisy):
    relative = jm.RelativeLineMap(noisy.maps["NII6584"], noisy.maps["Ha"])
    fit = fit_of(galaxy(), {"nii": relative})
    z, _ = jm.lines.pixel_metallicity(fit, 3.0)
    expected, _ = jm.lines.pixel_metallicity(noisy, 3.0)
    np.testing.assert_allclose(z, expected, atol=2e-4)


def test_cuts_flatten_a_gradient_and_the_fit_does_not(noisy):
    rows = jm.lines.naive_gradients(noisy)
    assert list(rows) == [
        "naive: positive fluxes",
        "naive: S/N > 3",
        "naive: S/N > 5",
        "forward-modelled",
    ]
    pixels = [row["pixels"] for row in rows.values()]
    assert pixels[3] == noisy.maps["Ha"].size > pixels[0] > pixels[1] > pixels[2] > 10
    cut, ours = rows["naive: S/N > 3"], rows["forward-modelled"]
    assert ours["gradient"] == noisy.parameters[GRADIENT]
    assert abs(ours["gradient"] + 0.06) < 4 * ours["error"]
    assert cut["gradient"] + 0.06 > 4 * cut["error"]


def test_where_pixels_have_no_metallicity(noisy):
    one = dataclasses.replace(noisy, maps={"Ha": noisy.maps["Ha"]})
    with pytest.raises(jm.InputError, match="two lines or more in the same pixels"):
        jm.lines.pixel_metallicity(one)
    with pytest.raises(jm.InputError, match="no map of the flux of a line"):
        jm.lines.fluxes(dataclasses.replace(noisy, maps={}))
    with pytest.raises(jm.InputError, match="unknown Balmer line 'NII6584'"):
        jm.lines.reddening(noisy, "NII6584")
    with pytest.raises(jm.InputError, match="unknown line 'Halpha'"):
        jm.lines.fluxes(noisy, ["Halpha"])
    empty = jm.lines.naive_gradients(noisy, [1e9])["naive: S/N > 1e+09"]
    assert empty["pixels"] == 0 and np.isnan(empty["gradient"])
