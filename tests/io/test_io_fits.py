"""Reading maps and PSFs, writing maps."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.grid import Grid
from jaxmetal.io.fits import read_header, read_image, read_map, write_maps
from jaxmetal.io.psfs import read_psf
from tests.data import data_path

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE = (9, 11)


def celestial() -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [6.0, 5.0]
    wcs.wcs.cdelt = [-0.2 / 3600, 0.2 / 3600]
    return wcs


@pytest.fixture
def file(tmp_path):
    """A file with a map, its errors in three forms, a mask, a cube and a table."""
    random = np.random.default_rng(1)
    error = random.uniform(0.1, 0.2, SHAPE)
    error[0, 0] = 0.0
    inverse = np.divide(1.0, error**2, out=np.zeros(SHAPE), where=error > 0)
    planes = random.normal(size=(3, *SHAPE))
    flags = np.zeros(SHAPE, np.int32)
    flags[2, 3] = 1 << 30
    images = {
        "FLUX": random.normal(size=SHAPE),
        "ERR": error,
        "VAR": error**2,
        "IVAR": inverse,
        "MASK": flags,
        "CUBE": planes,
    }
    hdus = fits.HDUList(
        [fits.PrimaryHDU()] + [fits.ImageHDU(image, name=name) for name, image in images.items()]
    )
    hdus["FLUX"].header.update(celestial().to_header())
    hdus["FLUX"].header["BUNIT"] = "1E-17 erg/s/cm^2/spaxel"
    hdus["CUBE"].header["C01"], hdus["CUBE"].header["C03"] = "OII-3727", "Ha-6564"
    hdus.append(
        fits.BinTableHDU.from_columns([fits.Column("q", "E", array=np.zeros(3))], name="TABLE")
    )
    hdus.append(fits.ImageHDU(np.zeros((4, 4)), name="SMALL"))
    path = tmp_path / "map.fits"
    hdus.writeto(path)
    return path


def test_errors_variances_and_inverse_variances_say_the_same(file):
    by_error, by_variance, by_ivar = (
        read_map(file, "FLUX", **{kind: kind[:3] if kind != "ivar" else "IVAR"})
        for kind in ("error", "variance", "ivar")
    )
    known = by_error.sigma > 0
    np.testing.assert_allclose(by_variance.sigma[known], by_error.sigma[known])
    np.testing.assert_allclose(by_ivar.sigma[known], by_error.sigma[known])
    assert np.isinf(by_ivar.sigma[0, 0]) and np.isinf(by_variance.sigma[0, 0])


def test_a_map_is_native_float64_with_its_unit_as_text(file):
    found = read_map(file, 1)
    assert found.values.dtype == np.float64 and found.values.dtype.isnative
    assert found.unit == "1E-17 erg/s/cm^2/spaxel"
    assert found.sigma is None and not found.mask.any()
    assert read_map(file, 1, unit="dex").unit == "dex"


def test_any_flag_leaves_the_pixel_out(file):
    mask = read_map(file, "flux", mask="mask").mask
    assert mask.sum() == 1 and mask[2, 3]


def test_the_coordinates_come_with_the_map(file):
    grid = Grid.from_wcs(read_map(file, "FLUX").wcs, center=(150.0, 2.0))
    assert grid.shape == SHAPE
    assert float(grid.pixel_scale) == pytest.approx(0.2, rel=1e-5)
    np.testing.assert_allclose(grid.pixel(0.0, 0.0), (5.0, 4.0), atol=1e-4)
    assert read_map(file, "ERR").wcs is None


def test_a_map_may_keep_the_header_of_its_cube_and_old_spellings(tmp_path):
    header = fits.Header(
        {
            "WCSAXES": 3,
            "CTYPE3": "WAVE",
            "CUNIT3": "m",
            "CRVAL3": 6e-7,
            "CRPIX3": 1.0,
            "CDELT3": 1e-10,
        }
    )
    header.update(celestial().to_header(), WCSAXES=3)
    del header["RADESYS"]
    header["RADECSYS"] = "FK5"
    fits.PrimaryHDU(np.zeros(SHAPE), header).writeto(tmp_path / "slice.fits")
    grid = Grid.from_wcs(read_map(tmp_path / "slice.fits", 0).wcs)
    assert grid.shape == SHAPE and float(grid.pixel_scale) == pytest.approx(0.2, rel=1e-5)


def test_a_plane_of_a_cube_is_chosen_by_number_or_name(file):
    np.testing.assert_array_equal(read_image(file, "CUBE", 2), read_image(file, "CUBE", "Ha-6564"))
    assert not np.array_equal(read_image(file, "CUBE", 0), read_image(file, "CUBE", 2))
    both = read_map(file, "CUBE", error="CUBE", channel=1)
    np.testing.assert_array_equal(both.values, both.sigma)


@pytest.mark.parametrize(
    "arguments, culprits",
    [
        (
            {"value": "FLUXX"},
            ["map.fits: unknown extension 'FLUXX'", "Did you mean 'FLUX'", "CUBE, ERR"],
        ),
        ({"value": 20}, ["map.fits: unknown extension '20'"]),
        ({"value": 0}, ["map.fits[0]", "no data"]),
        ({"value": "TABLE"}, ["map.fits[TABLE]", "a table"]),
        ({"value": "CUBE"}, ["map.fits[CUBE]", "(3, 9, 11)", "channel="]),
        ({"value": "FLUX", "channel": 0}, ["map.fits[FLUX]", "channel 0"]),
        ({"value": "CUBE", "channel": 3}, ["map.fits[CUBE]", "0 … 2", "got 3"]),
        ({"value": "CUBE", "channel": 1.5}, ["map.fits[CUBE]", "0 … 2", "got 1.5"]),
        ({"value": "CUBE", "channel": "Hb"}, ["map.fits[CUBE]", "unknown channel 'Hb'", "Ha-6564"]),
        ({"value": "FLUX", "error": "SMALL"}, ["map.fits[SMALL]", "(4, 4)", "(9, 11)"]),
        ({"value": "FLUX", "mask": "SMALL"}, ["map.fits[SMALL]", "(4, 4)"]),
        (
            {"value": "FLUX", "error": "ERR", "ivar": "IVAR"},
            ["map.fits", "only one", "error, ivar"],
        ),
        ({"value": "FLUX", "variance": "MASK", "mask": "NOPE"}, ["unknown extension 'NOPE'"]),
        (
            {"value": "SMALL", "ivar": "SMALL"},
            ["map.fits[SMALL]", "expected positive numbers (ivar)"],
        ),
    ],
)
def test_a_wrong_request_names_the_file_and_the_extension(file, arguments, culprits):
    with pytest.raises(InputError) as raised:
        read_map(file, **arguments)
    message = str(raised.value)
    assert "\n" not in message
    for culprit in culprits:
        assert culprit in message


@pytest.mark.parametrize("keep", [0, 100, 2000, 2880, 5900, 9000])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_short_is_an_input_error(file, tmp_path, keep, compressed):
    short = tmp_path / ("short.fits.gz" if compressed else "short.fits")
    whole = file.read_bytes()
    short.write_bytes(gzip.compress(whole)[: keep // 5] if compressed else whole[:keep])
    with pytest.raises(InputError, match=r"short\.fits"):
        read_image(short, "IVAR")


@pytest.mark.parametrize("content", [b"", b"not a FITS file", bytes(range(256)) * 40])
def test_garbage_is_an_input_error(tmp_path, content):
    path = tmp_path / "garbage.fits"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"garbage\.fits: cannot be read as a FITS file"):
        read_map(path, 0)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.fits: no such file"):
        read_map(tmp_path / "nowhere.fits", 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_written_maps_come_back_as_they_were(tmp_path, dtype):
    path = tmp_path / "out" / "maps.fits"
    z = np.random.default_rng(2).normal(8.5, 0.1, SHAPE).astype(dtype)
    z[0, 0] = np.nan
    write_maps(
        path,
        {"Z": (z, "dex"), "Z_MASK": (np.isnan(z), "")},
        wcs=celestial(),
        header={"PLATEIFU": "7815-3702", "long key": 1.5},
    )
    with fits.open(path) as hdus:
        assert hdus["Z"].data.dtype.newbyteorder("=") == dtype
        np.testing.assert_array_equal(hdus["Z"].data, z)
    found = read_map(path, "Z", mask="Z_MASK")
    assert found.unit == "dex" and found.mask[0, 0] and found.mask.sum() == 1
    grid = Grid.from_wcs(found.wcs, center=(150.0, 2.0))
    np.testing.assert_allclose(
        grid.origin, Grid.from_wcs(celestial(), SHAPE, (150.0, 2.0)).origin, atol=1e-4
    )
    header = read_header(path)
    assert header["PLATEIFU"] == "7815-3702" and header["long key"] == 1.5


@pytest.mark.parametrize("failure", [OSError("disc full"), RuntimeError("killed")])
def test_nothing_is_half_written(tmp_path, monkeypatch, failure):
    path = tmp_path / "maps.fits"
    path.write_bytes(b"the old one")

    def fail(self, part, *arguments, **options):
        part.write_bytes(b"half of it")
        raise failure

    monkeypatch.setattr(fits.HDUList, "writeto", fail)
    with pytest.raises(
        InputError if isinstance(failure, OSError) else RuntimeError, match=str(failure)
    ):
        write_maps(path, {"Z": (np.zeros(SHAPE), "dex")})
    assert [p.name for p in tmp_path.iterdir()] == ["maps.fits"]
    assert path.read_bytes() == b"the old one"


@pytest.mark.parametrize(
    "images, header, culprit",
    [
        ({"Z": (np.zeros(3), "dex")}, None, r"\[Z\]: expected a map"),
        ({"Z": (np.full(SHAPE, "a"), "dex")}, None, r"\[Z\]: expected a map"),
        ({"Z": (np.zeros(SHAPE), "dex")}, {"BIC": [1.0, 2.0]}, r"header: BIC = \[1.0, 2.0\]"),
    ],
)
def test_what_fits_cannot_hold_is_named(tmp_path, images, header, culprit):
    with pytest.raises(InputError, match=culprit):
        write_maps(tmp_path / "maps.fits", images, header=header)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("unit", "card"),
    [
        ("km/s", "km/s"),
        ("a unit of my own", "a unit of my own"),
        ("µm", "um"),
        ("Å⁻¹", "Angstrom-1"),
        ("erg/s/cm²", "erg s-1 cm-2"),
        ("m²", "m2"),
        ("Σ", None),
    ],
)
def test_units_are_written_as_a_header_can_hold_them(tmp_path, unit, card):
    write_maps(tmp_path / "maps.fits", {"Z": (np.zeros(SHAPE), unit)})
    header = fits.getheader(tmp_path / "maps.fits", "Z")
    assert header.get("BUNIT") == card
    assert ("COMMENT" in header) == (card is None)


@pytest.mark.parametrize(
    ("value", "card"),
    [
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        (np.float32("inf"), "inf"),
        ("zå", "z\\xe5"),
        ("two\nlines", "two lines"),
        (3, 3),
    ],
)
def test_cards_hold_what_they_can_and_text_for_the_rest(tmp_path, value, card):
    write_maps(tmp_path / "maps.fits", {"Z": (np.zeros(SHAPE), "dex")}, header={"CHISQ": value})
    assert read_header(tmp_path / "maps.fits")["CHISQ"] == card


def stpsf(path, keys=("PIXELSCL",)):
    """A file as STPSF writes it.

    Four extensions, two of them sampled four times finer than the detector.
    """
    row, column = np.indices((41, 41)) - 20.0
    hdus = fits.HDUList([fits.PrimaryHDU()])
    for name, step in {"OVERSAMP": 1, "DET_SAMP": 4, "OVERDIST": 1, "DET_DIST": 4}.items():
        picture = np.exp(-0.5 * (row**2 + column**2) * (step / 6) ** 2)
        cards = {"PIXELSCL": 0.0157 * step, "OVERSAMP": 4 if step == 1 else 1, "DET_SAMP": 4}
        header = fits.Header([(key, cards[key]) for key in keys])
        hdus.append(fits.ImageHDU(picture, header, name=name))
    hdus.writeto(path)
    return path


@pytest.mark.parametrize(
    "extension, oversampling, whole",
    [
        (None, 4.0, False),
        ("OVERSAMP", 4.0, False),
        ("DET_SAMP", 1.0, True),
        ("DET_DIST", 1.0, True),
    ],
)
@pytest.mark.parametrize("keys", [("PIXELSCL",), ("OVERSAMP", "DET_SAMP"), ("OVERSAMP",)])
def test_an_stpsf_file_tells_its_sampling(tmp_path, extension, oversampling, whole, keys):
    psf = read_psf(stpsf(tmp_path / "psf.fits", keys), 4 * 0.0157, extension)
    assert float(psf.oversampling) == pytest.approx(oversampling, rel=1e-6)
    assert psf.includes_pixel is whole
    assert float(psf.kernel.sum()) == pytest.approx(1.0, rel=1e-5)


def test_the_scale_of_a_psf_may_come_from_its_wcs_or_from_the_user(tmp_path):
    picture = np.exp(-0.5 * ((np.indices((21, 21)) - 10.0) ** 2).sum(axis=0) / 4)
    fits.PrimaryHDU(picture, celestial().to_header()).writeto(tmp_path / "wcs.fits")
    fits.PrimaryHDU(picture).writeto(tmp_path / "bare.fits")
    assert float(read_psf(tmp_path / "wcs.fits", 0.5).oversampling) == pytest.approx(2.5, rel=1e-5)
    assert float(read_psf(tmp_path / "bare.fits", 0.5, oversampling=3).oversampling) == 3
    assert read_psf(tmp_path / "bare.fits", 0.5, oversampling=3, includes_pixel=True).includes_pixel
    with pytest.raises(InputError, match=r"bare.fits: pixel_scale must be positive"):
        read_psf(tmp_path / "bare.fits", 0.0)
    with pytest.raises(
        InputError, match=r"bare.fits\[0\]: the header does not tell .* give oversampling="
    ):
        read_psf(tmp_path / "bare.fits", 0.5)


# File, kernel pixel (arcsec) and FWHM in kernel pixels: the diameter of a circle as large as the
# area above half the peak.
TELESCOPES = [
    ("psf-smacs0723-nis-f115w-smacs.fits", 0.04, 2.5),
    ("psf-smacs0723-nis-f200w-smacs.fits", 0.04, 3.0),
    ("psf-glass-nrca3-f150w.fits", 0.04, 1.6),
    ("psf-smacs0723-nrca3-f150w-smacs.fits", 0.04, 1.95),
    ("psf-glass-nrca3-f200w.fits", 0.04, 2.3),
    ("psf-glass-nrca5-f444w.fits", 0.04, 4.2),
    ("psf-glass-f160w.fits", 0.04, 4.5),
    ("psf-glass-f814w.fits", 0.04, 2.5),
    ("psf-smacs0723-f150w-20mas.fits", 0.02, 3.0),
    ("psf-smacs0723-f200w-20mas.fits", 0.02, 3.4),
]


@pytest.mark.parametrize("name, scale, fwhm", TELESCOPES, ids=[name for name, _, _ in TELESCOPES])
def test_the_psfs_of_real_telescopes_have_their_width(name, scale, fwhm):
    path = data_path(f"psf_jwst_hst/{name}")
    with pytest.warns(InputWarning, match="centre of light"):
        psf = read_psf(path, 0.065)
    assert float(psf.oversampling) == pytest.approx(0.065 / scale, rel=1e-6)
    kernel = np.asarray(psf.kernel)
    assert kernel.sum() == pytest.approx(1.0, rel=1e-5)
    assert 2 * np.sqrt((kernel > kernel.max() / 2).sum() / np.pi) == pytest.approx(fwhm, abs=0.06)
