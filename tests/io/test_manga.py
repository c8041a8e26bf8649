"""MaNGA: a small made-up galaxy whose answers are known, and a real one."""

import numpy as np
import pytest
from astropy.io import fits

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.io.fits import read_image
from jaxmetal.io.readers.manga import line_fluxes, read_manga
from jaxmetal.io.scene import load
from jaxmetal.science import baselines
from tests.data import data_path

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 16
DISC = {"ECOOPA": 30.0, "ECOOELL": 0.4, "REFF": 2.0}
CHANNELS = ["OII-3727", "Hb-4862", "OIII-5008", "Ha-6564", "NII-6585"]
REAL = "manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"


def disc_radius(nucleus=(8.3, 7.6)):
    """Deprojected radius, arcsec; east is to the left, north up."""
    row, column = np.indices((SIZE, SIZE))
    x, y = -0.5 * (column - nucleus[0]), 0.5 * (row - nucleus[1])
    angle = np.deg2rad(DISC["ECOOPA"])
    along, across = x * np.sin(angle) + y * np.cos(angle), x * np.cos(angle) - y * np.sin(angle)
    return np.hypot(along, across / (1 - DISC["ECOOELL"]))


def write(path, drop=None, header=None, lines=None, channels=CHANNELS, radius=None, more=()):
    """A MAPS file of a disc with Z = 8.6 - 0.1 R/Re by O3N2 of Marino et al. (2013)."""
    r = disc_radius()
    o3n2 = (8.533 - (8.6 - 0.1 * r / 2.0)) / 0.214
    halpha = 100 * np.exp(-r / 2)
    # oiii / hbeta = 10^(O3N2 - 0.6) with nii / halpha = 10^-0.6 lies on the star-forming side.
    planes = {
        "Ha-6564": halpha,
        "Hb-4862": halpha / 2.86,
        "NII-6585": halpha * 10**-0.6,
        "OIII-5008": halpha / 2.86 * 10 ** (o3n2 - 0.6),
    }
    planes |= {"OII-3727": np.ones_like(halpha)}
    planes |= lines or {}
    cube = np.stack([planes[name] for name in CHANNELS]).astype("f4")
    flags = np.zeros(cube.shape, "i4")
    flags[3, 2, 2] = 1 << 30
    inverse = np.full(cube.shape, 1 / 0.5**2, "f4")
    inverse[1, 3, 3] = 0
    primary = {
        "PLATEIFU": "1-1",
        "OBJRA": 150.0,
        "OBJDEC": 2.0,
        "SCINPVEL": 9000.0,
        "RFWHM": 2.6,
        "IFWHM": 2.5,
        "GFWHM": 2.7,
        "ZFWHM": 2.4,
    }
    primary |= DISC | (header or {})
    hdus = fits.HDUList(
        [fits.PrimaryHDU(header=fits.Header([(k, v) for k, v in primary.items() if k != drop]))]
    )
    for name, data in {
        "EMLINE_GFLUX": cube,
        "EMLINE_GFLUX_IVAR": inverse,
        "EMLINE_GFLUX_MASK": flags,
    }.items():
        hdus.append(fits.ImageHDU(data, name=name))
        for i, channel in enumerate(channels):
            hdus[-1].header[f"C{i + 1:02d}"] = channel
        # The nucleus, at pixel (8.3, 7.6) counted from 0, lies at OBJRA, OBJDEC.
        hdus[-1].header.update(
            {
                "CTYPE1": "RA---TAN",
                "CTYPE2": "DEC--TAN",
                "CRVAL1": 150.0,
                "CRVAL2": 2.0,
                "CRPIX1": 9.3,
                "CRPIX2": 8.6,
            }
        )
        hdus[-1].header.update(
            {"CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600, "CUNIT1": "deg", "CUNIT2": "deg"}
        )
    hdus.append(
        fits.ImageHDU(np.stack([r if radius is None else radius, r / 2, r]), name="SPX_ELLCOO")
    )
    hdus[-1].header["C1"] = "Elliptical radius"
    hdus.append(
        fits.ImageHDU(np.arange(5 * SIZE**2, dtype="i4").reshape(5, SIZE, SIZE), name="BINID")
    )
    hdus[-1].header["C4"] = "Em. line models"
    hdus[-1].header["C2"] = "Stellar continua"
    hdus.extend(more)
    hdus.writeto(path)
    return path


def radius_in_its_disc(galaxy):
    """The radius of every spaxel along the major axis, arcsec, by the geometry of the file."""
    disc = galaxy.geometry
    return baselines.radius_map(
        galaxy.grid, inclination=disc.inclination, position_angle=disc.position_angle
    )


def test_the_gradient_of_a_known_disc_is_read_exactly(tmp_path):
    galaxy = read_manga(write(tmp_path / "maps.fits"))
    radius = radius_in_its_disc(galaxy)
    np.testing.assert_allclose(radius, disc_radius(), atol=2e-3)
    z = galaxy.maps["z"]
    assert 100 < np.isfinite(z.values).sum() < SIZE**2
    fit = baselines.wls(radius / galaxy.geometry.effective_radius, z.values, z.sigma)
    assert (fit.central, fit.gradient) == pytest.approx((8.6, -0.1), abs=2e-4)


def test_geometry_and_psf_come_from_the_header(tmp_path):
    galaxy = read_manga(write(tmp_path / "maps.fits"))
    disc = galaxy.geometry
    assert galaxy.name == "1-1" and galaxy.bins is None
    assert np.cos(np.deg2rad(disc.inclination)) == pytest.approx(0.6)
    assert (disc.position_angle, disc.effective_radius) == (30.0, 2.0)
    assert disc.redshift == pytest.approx(0.03002, abs=1e-5)
    assert {name: (one.tracer, one.unit) for name, one in galaxy.maps.items()} == {
        "z": ("metallicity", "dex"),
        "halpha": (None, ""),
    }
    np.testing.assert_allclose(galaxy.grid.pixel(0.0, 0.0), (8.3, 7.6), atol=1e-3)


@pytest.mark.parametrize("velocity, band_fwhm", [(9000.0, 2.6), (45000.0, 2.5), (None, 2.6)])
def test_the_psf_is_that_of_the_band_where_halpha_lies_and_the_pixel_counts_once(
    tmp_path, velocity, band_fwhm
):
    header = {} if velocity is None else {"SCINPVEL": velocity}
    galaxy = read_manga(
        write(tmp_path / "maps.fits", header=header, drop="SCINPVEL" if velocity is None else None)
    )
    assert galaxy.psf_of("z").fwhm == galaxy.psf_of("halpha").fwhm
    variance = (float(galaxy.psf_of("z").fwhm) ** 2) / (8 * np.log(2)) + 0.5**2 / 12
    assert np.sqrt(8 * np.log(2) * variance) == pytest.approx(band_fwhm, rel=1e-5)


def test_flags_faint_lines_and_active_nuclei_leave(tmp_path):
    lines = {}
    r = disc_radius()
    oiii = 100 * np.exp(-r / 2) / 2.86 * 0.4
    oiii[5, 5], oiii[6, 6] = 3 * 1.25 * 0.5 - 0.01, 1e4
    lines["OIII-5008"] = oiii
    galaxy = read_manga(write(tmp_path / "maps.fits", lines=lines))
    mask = np.isnan(galaxy.maps["z"].values)
    assert mask[2, 2] and mask[3, 3], "flagged, or without an error"
    assert mask[5, 5], "signal-to-noise ratio below 3 with the inflated error"
    assert mask[6, 6], "an active nucleus"
    assert not mask[7, 7]
    light = np.isnan(galaxy.maps["halpha"].values)
    assert light[2, 2] and light.sum() == 1, (
        "the light keeps the spaxels where another line is missing"
    )


def test_errors_are_inflated(tmp_path):
    path = write(tmp_path / "maps.fits")
    assert line_fluxes(path)["halpha"].sigma[7, 7] == pytest.approx(1.25 * 0.5)
    plain, inflated = (
        read_manga(path, inflate=factor).maps["z"].sigma[7, 7] for factor in (1.0, 2.0)
    )
    assert inflated == pytest.approx(2 * plain, rel=1e-5)


def test_channels_are_found_by_name_not_by_number(tmp_path):
    with pytest.raises(InputError, match=r"maps.fits\[EMLINE_GFLUX\]: unknown channel 'Hb-4862'"):
        read_manga(write(tmp_path / "maps.fits", channels=["OII-3727", "Hc", *CHANNELS[2:]]))


@pytest.mark.parametrize(
    "changes, culprit",
    [
        ({"drop": "REFF"}, r"maps.fits\[0\]: header key REFF must be a number, got None"),
        ({"drop": "RFWHM"}, "RFWHM"),
        ({"header": {"OBJRA": "here"}}, "OBJRA must be a number, got 'here'"),
        ({"header": {"ECOOELL": 1.0}}, "ECOOELL"),
        ({"header": {"RFWHM": 0.1}}, "wider than a spaxel"),
        ({"header": {"OBJDEC": 2.0 + 0.5 / 3600}}, r"SPX_ELLCOO\]: the radii differ"),
        ({"header": {"ECOOPA": 120.0}}, r"SPX_ELLCOO\]: the radii differ"),
    ],
)
def test_a_header_that_is_wrong_is_named(tmp_path, changes, culprit):
    with pytest.raises(InputError, match=culprit):
        read_manga(write(tmp_path / "maps.fits", **changes)).psf_of("z")


def test_wrong_arguments_are_named(tmp_path):
    path = write(tmp_path / "maps.fits")
    with pytest.raises(InputError, match="unknown calibration 'o3n2'"):
        read_manga(path, "o3n2")
    with pytest.raises(InputError, match="inflate must be a positive number"):
        read_manga(path, inflate=0.0)
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "other.fits")
    with pytest.raises(InputError, match=r"other.fits: unknown extension 'EMLINE_GFLUX'"):
        read_manga(tmp_path / "other.fits")


@pytest.fixture(scope="module")
def real():
    return read_manga(data_path(REAL))


def test_the_nucleus_of_a_real_galaxy_is_the_origin(real):
    theirs = read_image(data_path(REAL), "SPX_ELLCOO", "Elliptical radius")
    row, column = np.unravel_index(theirs.argmin(), theirs.shape)
    np.testing.assert_allclose(real.grid.pixel(0.0, 0.0), (column, row), atol=0.5)
    np.testing.assert_allclose(radius_in_its_disc(real), theirs, atol=2e-4)


def test_the_naive_gradient_of_a_real_galaxy(real):
    """What a fit that ignores the PSF finds.

    -0.059 dex per effective radius, 8.631 in the centre.
    """
    assert real.name == "7815-3702"
    assert real.geometry.redshift == pytest.approx(0.0294, abs=1e-4)
    assert np.isfinite(real.maps["halpha"].values).sum() == 769
    z = real.maps["z"]
    fit = baselines.wls(
        radius_in_its_disc(real) / real.geometry.effective_radius, z.values, z.sigma
    )
    assert fit.gradient == pytest.approx(-0.059, abs=0.001)
    assert fit.central == pytest.approx(8.631, abs=0.001)


def test_without_inflation_575_spaxels_of_the_real_galaxy_are_star_forming():
    assert np.isfinite(read_manga(data_path(REAL), inflate=1.0).maps["z"].values).sum() == 575


def test_lines_are_read_as_fluxes_without_a_cut(tmp_path):
    """Each with the PSF at its own wavelength; negative fluxes stay."""
    path = write(tmp_path / "maps.fits", lines={"NII-6585": np.full((SIZE, SIZE), -0.1)})
    reading = read_manga(path, lines=("Ha", "NII6584", "Hb"))
    assert list(reading.maps) == ["Ha", "NII6584", "Hb"]
    assert [one.line for one in reading.maps.values()] == ["Ha", "NII6584", "Hb"]
    np.testing.assert_allclose(reading.maps["NII6584"].values, -0.1, rtol=1e-6)
    assert np.isnan(reading.maps["Ha"].values[2, 2])
    np.testing.assert_allclose(reading.maps["Ha"].sigma, 1.25 * 0.5, rtol=1e-6)
    widths = [float(reading.psf_of(name).fwhm) for name in ("Ha", "Hb")]
    # At 4861 (1 + z) the band is g, at 6563 (1 + z) it is r.
    pixel = 2.354820045 * 0.5 / np.sqrt(12)
    np.testing.assert_allclose(widths, np.sqrt(np.array([2.6, 2.7]) ** 2 - pixel**2), rtol=1e-6)


def test_real_oxygen_is_the_sum_of_its_doublet():
    path = data_path(REAL)
    oxygen = read_manga(path, lines=("OII3727",)).maps["OII3727"]
    parts = [read_image(path, "EMLINE_GFLUX", name) for name in ("OII-3727", "OII-3729")]
    usable = np.isfinite(oxygen.values)
    assert usable.sum() > 500
    np.testing.assert_allclose(oxygen.values[usable], sum(parts)[usable], rtol=1e-6)


def test_a_line_that_the_pipeline_lacks_is_named(tmp_path):
    with pytest.raises(InputError, match="unknown line 'NII6583'"):
        read_manga(write(tmp_path / "maps.fits"), lines=("NII6583",))


def test_the_motions_of_a_real_galaxy_come_with_the_instruments_dispersion(tmp_path):
    """Those of H-alpha; a configuration and its results keep them."""
    path = data_path(REAL)
    reading = read_manga(path, kinematics=True, snr=10.0)
    velocity, dispersion = (reading.maps[name] for name in ("velocity", "dispersion"))
    measured = np.isfinite(velocity.values)
    assert measured.sum() == np.isfinite(dispersion.values).sum() == 749
    assert velocity.unit == dispersion.unit == "km/s"
    for data, extension in ((velocity, "EMLINE_GVEL"), (dispersion, "EMLINE_GSIGMA")):
        image = read_image(path, extension, "Ha-6564")
        np.testing.assert_array_equal(data.values[measured], image[measured])
        inverse = read_image(path, f"{extension}_IVAR", "Ha-6564")[measured]
        np.testing.assert_allclose(data.sigma[measured], 1.25 / np.sqrt(inverse))
    assert dispersion.moment.instrumental[measured].min() > 70.0
    light = "{profile: sersic, amp: 1, R_sersic: 3, n_sersic: 1}"
    (tmp_path / "fit.yaml").write_text(
        f"""
maps: {{gas: {{kind: manga, file: "{path}", kinematics: true, names: {{z: none, halpha: none}}}}}}
galaxy:
  disc:
    light: {light}
    velocity: {{profile: rotation, v_max: 200, r_turn: 1, inclination: gas.inclination}}
    dispersion: {{profile: uniform, value: 30}}
priors: {{disc.velocity.v_max: {{uniform: [1, 500]}}}}
""",
        "utf-8",
    )
    maps = load(tmp_path / "fit.yaml").maps
    assert isinstance(maps["dispersion"].map, jm.DispersionMap)
    assert maps["velocity"].map.scale == "linear" and maps["velocity"].map.tracer == "velocity"


def stars():
    """Extensions of stellar motions in spaxels that carry their numbers; [4, 4] is flagged."""
    row, column = np.indices((SIZE, SIZE))
    flags = np.zeros((SIZE, SIZE), "i4")
    flags[4, 4] = 1 << 6
    images = {
        "STELLAR_VEL": 10.0 * column,
        "STELLAR_SIGMA": 100.0 + row,
        "SPX_MFLUX": 0.1 + 0.0 * row,
    }
    for name, image in images.items():
        yield fits.ImageHDU(image.astype("f4"), name=name)
        yield fits.ImageHDU(np.full(image.shape, 0.25, "f4"), name=f"{name}_IVAR")
        if name != "SPX_MFLUX":
            yield fits.ImageHDU(flags, name=f"{name}_MASK")
        yield fits.ImageHDU(np.zeros(1), name=f"{name}_OTHER")


@pytest.mark.parametrize("planes", [1, 2])
def test_stars_have_their_own_maps_light_and_correction(tmp_path, planes):
    """Later releases have a second plane of the correction, which is another one."""
    correction = np.full((SIZE, SIZE), 40.0, "f4")
    images = correction if planes == 1 else np.stack([correction, 2 * correction])
    more = [*stars(), fits.ImageHDU(images, name="STELLAR_SIGMACORR")]
    reading = read_manga(write(tmp_path / "maps.fits", more=more), kinematics="stars")
    assert list(reading.maps) == [
        "z",
        "halpha",
        "stellar_velocity",
        "stellar_dispersion",
        "continuum",
    ]
    lights = [one.light for one in reading.maps.values()]
    assert lights == ["Ha", "Ha", "continuum", "continuum", "continuum"]
    velocity, dispersion = reading.maps["stellar_velocity"], reading.maps["stellar_dispersion"]
    assert np.isnan(velocity.values[4, 4]) and np.isnan(dispersion.values[4, 4])
    assert velocity.values[3, 5] == 50.0 and dispersion.values[3, 5] == 103.0
    np.testing.assert_allclose(velocity.sigma, 1.25 * 2.0)
    np.testing.assert_array_equal(dispersion.moment.instrumental, correction)
    assert dispersion.moment.velocity == velocity.tracer == "stellar_velocity"
    assert all(reading.bins_of(name) is None for name in reading.maps)
    # The PSF is that of the g band.
    assert reading.psf_of("continuum") == reading.psf_of("stellar_velocity")
    assert float(reading.psf_of("continuum").fwhm) > float(reading.psf_of("halpha").fwhm)


def test_stars_of_a_file_without_them_are_told(tmp_path):
    path = write(tmp_path / "maps.fits")
    with pytest.raises(InputError, match="STELLAR_SIGMACORR"):
        read_manga(path, kinematics="stars")


@pytest.mark.wrong_types
def test_motions_of_something_else_are_refused(tmp_path):
    path = write(tmp_path / "maps.fits")
    with pytest.raises(InputError, match="unknown kinematics 'star'"):
        read_manga(path, kinematics="star")


def test_gas_in_spaxels_and_stars_in_bins_make_one_real_galaxy(tmp_path):
    """The component has a light for each; the stars' maps are in 497 bins, the others in none."""
    path = data_path(REAL)
    reading = read_manga(path, kinematics="both")
    bins = read_image(path, "BINID", "Stellar continua")
    np.testing.assert_array_equal(reading.bins_of("stellar_velocity"), bins)
    (tmp_path / "fit.yaml").write_text(
        f"""
maps: {{manga: {{kind: manga, file: "{path}", kinematics: both, names: {{z: none}}}}}}
galaxy:
  disc:
    light:
      Ha: {{profile: image, map: halpha}}
      continuum: {{profile: image, map: continuum}}
    velocity: &curve {{profile: rotation, v_max: 200, r_turn: 1, inclination: manga.inclination}}
    stellar_velocity: *curve
    dispersion: &spread {{profile: uniform, value: 30}}
    stellar_dispersion: *spread
priors:
  disc.velocity.v_max: {{uniform: [1, 500]}}
  disc.stellar_velocity.v_max: {{uniform: [1, 500]}}
  disc.stellar_velocity.position_angle: {{tied: disc.velocity.position_angle}}
""",
        "utf-8",
    )
    maps = {name: observed.map for name, observed in load(tmp_path / "fit.yaml").maps.items()}
    names = ("velocity", "dispersion", "stellar_velocity", "stellar_dispersion")
    assert [maps[name].light for name in names] == ["Ha", "Ha", "continuum", "continuum"]
    assert maps["velocity"].values.shape == (42, 42)
    assert (
        maps["stellar_velocity"].values.shape == maps["stellar_dispersion"].values.shape == (497,)
    )
    # All spaxels of a bin repeat its velocity.
    image = read_image(path, "STELLAR_VEL", None)
    first = np.unique(bins[bins >= 0], return_index=True)[1]
    expected = image[bins >= 0][first]
    np.testing.assert_allclose(maps["stellar_velocity"].values, expected, rtol=1e-6)
