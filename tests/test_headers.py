"""Headers as others write them: whatever their axes, units, signs and frames, x is to the east, y to the north, or a line says why not."""

import warnings
from datetime import time

import astropy.units as u
import numpy as np
import numpyro.distributions as dist
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxmetal as jm
from jaxmetal.instrument.headers import celestial
from jaxmetal.instrument.sky import as_position
from jaxmetal.io import scene
from jaxmetal.io.config import read
from jaxmetal.io.fits import read_image, read_map, write_maps

N = 31
PLAIN = {
    "NAXIS1": N, "NAXIS2": N, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 16.0, "CRPIX2": 16.0, "CRVAL1": 150.1, "CRVAL2": 2.2,
    "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600,
}  # fmt: skip
single = pytest.mark.precision("single")


def header(**changes):
    """The plain header with other cards; None takes one out, and a text "bare:…" stands there without quotes."""
    cards = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    made = fits.Header({key: value for key, value in cards.items() if not str(value).startswith("bare:")})
    for key, value in cards.items():
        if str(value).startswith("bare:"):
            made.append(fits.Card.fromstring(f"{key:8s}= {value.removeprefix('bare:')}"))
    return made


def matrix(source):
    """Arcsec to the east and to the north, for a step of one column and one row."""
    return np.asarray(jm.Grid.from_wcs(source, (N, N)).matrix, float)


# --- spellings that mean the same sky


TURN = np.deg2rad(30.0)
TURNED = 0.5 * np.array([[-np.cos(TURN), -np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])
EAST_LEFT = np.diag([-0.5, 0.5])
DEC_FIRST = {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 2.2, "CRVAL2": 150.1, "CDELT1": 0.5 / 3600, "CDELT2": -0.5 / 3600}
SPELLINGS = {
    "plain": ({}, EAST_LEFT),
    "lower case": ({"CTYPE1": "ra---tan", "CTYPE2": "dec--tan"}, EAST_LEFT),
    "too few dashes": ({"CTYPE1": "RA--TAN", "CTYPE2": "DEC-TAN"}, EAST_LEFT),
    "numbers in quotes": ({"CDELT1": "-1.388888889E-4", "CRVAL1": " 150.1 "}, EAST_LEFT),
    "declination first": (DEC_FIRST, np.array([[0.0, -0.5], [0.5, 0.0]])),
    "declination first, near the right ascension": (DEC_FIRST | {"CRVAL1": 10.0, "CRVAL2": 10.003}, np.array([[0.0, -0.5], [0.5, 0.0]])),
    "turned by CROTA2": ({"CROTA2": 30.0}, TURNED),
    "turned by PC": ({f"PC{i + 1}_{j + 1}": TURNED[i, j] / EAST_LEFT[i, i] for i in (0, 1) for j in (0, 1)}, TURNED),
    "turned by CD": ({f"CD{i + 1}_{j + 1}": TURNED[i, j] / 3600 for i in (0, 1) for j in (0, 1)} | {"CDELT1": None, "CDELT2": None}, TURNED),
    "CDELT = 1 beside CD": ({"CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600, "CDELT1": 1.0, "CDELT2": 1.0}, EAST_LEFT),
    "PC in arcsec": ({"CDELT1": 1 / 3600, "CDELT2": 1 / 3600, "PC1_1": -0.03, "PC2_2": 0.03}, np.diag([-0.03, 0.03])),
    "oblong pixels": ({"CDELT1": -0.125 / 3600, "CDELT2": 0.25 / 3600}, np.diag([-0.125, 0.25])),
    "arcsec by CUNIT": (
        {"CUNIT1": "arcsec", "CUNIT2": "ARCSEC", "CDELT1": -0.5, "CDELT2": 0.5, "CRVAL1": 540360.0, "CRVAL2": 7920.0}, EAST_LEFT,
    ),
    "degrees by another name": ({"CUNIT1": "degree", "CUNIT2": "Degrees"}, EAST_LEFT),
    "a system in lower case": ({"RADESYS": "fk5 "}, EAST_LEFT),
    "a system by its equinox": ({"RADECSYS": "J2000"}, EAST_LEFT),
    "an equinox as text": ({"EQUINOX": "J2000"}, EAST_LEFT),
}  # fmt: skip


@single
@pytest.mark.parametrize(("changes", "expected"), SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_mean_the_same_sky(changes, expected):
    """From a header, a dictionary of its cards, its HDU, and what a reader keeps of it."""
    made = header(**changes)
    before = made.tostring()
    for source in (made, celestial(made, ""), dict(made), fits.ImageHDU(np.zeros((N, N)), made)):
        np.testing.assert_allclose(matrix(source), expected, atol=1e-6)
    assert made.tostring() == before


@single
def test_a_card_that_says_nothing_of_the_sky_may_break_the_rules():
    np.testing.assert_allclose(matrix(header(FILTER="bare:F200W without quotes")), EAST_LEFT, atol=1e-6)


UNITS = {
    "no CUNIT, CDELT in arcsec": ({"CDELT1": -0.5, "CDELT2": 0.5}, "CDELT1 = -0.5, CDELT2 = 0.5 without CUNIT .* taken as arcsec"),
    "no CUNIT, CD in arcsec": ({"CDELT1": None, "CDELT2": None, "CD1_1": -0.5, "CD2_2": 0.5}, "CD1_1 = -0.5.* taken as arcsec"),
    "CUNIT of CDELT alone": (
        {"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CDELT1": -0.5, "CDELT2": 0.5},
        r"CRVAL = 150\.1, 2\.2 .* as degrees",
    ),
    "arcmin of CDELT alone": ({"CUNIT1": "arcmin", "CUNIT2": "arcmin", "CDELT1": -0.5 / 60, "CDELT2": 0.5 / 60}, "taken as degrees"),
}


@single
@pytest.mark.parametrize(("changes", "said"), UNITS.values(), ids=UNITS)
def test_steps_in_other_units_than_positions_are_taken_as_meant_with_a_word(changes, said):
    with pytest.warns(jm.InputWarning, match=rf"f\.fits\[0\]: .*{said}") as warned:
        wcs = celestial(header(**changes), "f.fits[0]")
    assert len(warned) == 1
    np.testing.assert_allclose(matrix(wcs), EAST_LEFT, atol=1e-6)
    assert wcs.pixel_to_world(15, 15).separation(SkyCoord(150.1, 2.2, unit="deg")).arcsec < 1e-6


@single
def test_pixels_of_half_a_degree_or_a_milliarcsec_are_worth_a_word():
    with pytest.warns(jm.InputWarning, match=r"pixels of 0\.5 degrees"):
        celestial(header(CDELT1=-0.5, CDELT2=0.5, CUNIT1="deg", CUNIT2="deg"), "f")
    with pytest.warns(jm.InputWarning, match=r"pixels of 0\.0005 arcsec"):
        celestial(header(CDELT1=-0.5e-3 / 3600, CDELT2=0.5e-3 / 3600), "f")


REFUSED = {
    "zero CD": ({"CDELT1": None, "CDELT2": None, "CD1_1": 0.0, "CD2_2": 0.0}, "the CD matrix CD1_1.* gives the pixels no area"),
    "half of CD": ({"CDELT1": None, "CDELT2": None, "CD1_1": -1e-4}, "the CD matrix"),
    "zero CDELT": ({"CDELT2": 0.0}, "CDELT2 = 0 gives the pixels no area"),
    "zero PC": ({"PC1_1": 0.0, "PC2_2": 0.0}, "PC matrix gives the pixels no area"),
    "no scale": ({"CDELT1": None, "CDELT2": None}, "does not tell the scale of the WCS: neither CDELT1 nor a CD"),
    "the scale twice": ({"PC1_1": -0.5 / 3600, "PC2_2": 0.5 / 3600}, "CDELT .* and the PC matrix .* both hold the scale"),
    "NaN": ({"CDELT1": "bare:                 NaN"}, "the header card CDELT1 cannot be read"),
    "no number": ({"CRPIX1": "middle"}, "the header card CRPIX1 must be a number, got 'middle'"),
    "a number with its unit": ({"CRVAL1": "bare:150.1 deg"}, "the header card CRVAL1 cannot be read"),
    "a name without quotes": ({"CTYPE1": "bare:RA---TAN"}, "the header card CTYPE1 cannot be read"),
    "exchanged positions": ({"CRVAL1": 2.2, "CRVAL2": 150.1}, r"CRVAL2 = 150\.1 is no DEC.*exchanged"),
    "an unknown system": ({"RADESYS": "FOO"}, r"RADESYS = 'FOO'.*may be ICRS, FK5"),
    "the Sun": ({"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"}, "no sky coordinates that are known.*'HPLN-TAN'"),
    "an unknown projection": ({"CTYPE1": "RA---FOO", "CTYPE2": "DEC--FOO"}, r"cannot be read \(Unrecognized projection code"),
    "two right ascensions": ({"CTYPE2": "RA---TAN"}, r"cannot be read \(Inconsistent projection types"),
    "an unknown unit": ({"CUNIT1": "furlong", "CUNIT2": "furlong"}, r"cannot be read \(In CUNIT1"),
    "a table that is not there": ({"CPDIS1": "LOOKUP"}, "cannot be read"),
    "sky and wavelength mixed": (
        {"NAXIS3": 5, "CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6, "CRPIX3": 1.0, "PC1_3": 0.1}, r"cannot be read \(Non-zero off-diagonal",
    ),
}  # fmt: skip


@single
@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_a_header_without_sense_is_one_line_that_names_the_card(changes, message):
    with pytest.raises(jm.InputError, match=rf"^f\.fits\[0\]: .*{message}") as refused:
        celestial(header(**changes), "f.fits[0]")
    assert "\n" not in str(refused.value) and "cextern" not in str(refused.value)


@single
@pytest.mark.parametrize("source", ["map.fits", None, 3, np.zeros((3, 3)), [("CTYPE1", "RA---TAN")]], ids=lambda s: type(s).__name__)
def test_what_is_no_header_is_refused(source):
    with pytest.raises(jm.InputError, match=r"Grid\.from_wcs: expected an astropy\.wcs\.WCS or a FITS header, got"):
        jm.Grid.from_wcs(source, (N, N))


@single
@pytest.mark.parametrize("source", [fits.Header(), {}, header(CTYPE1="LINEAR", CTYPE2="LINEAR"), WCS(naxis=1)], ids=repr)
def test_a_header_without_a_sky_is_refused(source):
    with pytest.raises(jm.InputError, match=r"Grid\.from_wcs: the WCS has no celestial axes"):
        jm.Grid.from_wcs(source, (N, N))


@single
@pytest.mark.parametrize(
    "changes", [c for c, _ in SPELLINGS.values()] + [{"RADESYS": "FK4", "EQUINOX": 1950.0}, {"LONPOLE": 150.0}], ids=str
)
def test_written_coordinates_come_back(changes, tmp_path):
    """What results are written with: the same places to 1e-6 arcsec."""
    wcs = celestial(header(**changes), "")
    write_maps(tmp_path / "map.fits", {"Z": (np.zeros((N, N)), "dex")}, wcs)
    again = read_map(tmp_path / "map.fits", "Z").wcs
    pixel = np.array([0, 30, 0, 30]), np.array([0, 0, 30, 30])
    assert np.all(again.pixel_to_world(*pixel).icrs.separation(wcs.pixel_to_world(*pixel).icrs).arcsec < 1e-6)


# --- any header leaves angles and gradients as they are


EQUATORIAL = ("RA---TAN", "DEC--TAN")
FRAMES = {
    "ICRS": ("icrs", EQUATORIAL, {"RADESYS": "ICRS"}),
    "FK5": ("fk5", EQUATORIAL, {"RADESYS": "FK5", "EQUINOX": 2000.0}),
    "FK4": ("fk4", EQUATORIAL, {"RADESYS": "FK4", "EQUINOX": 1950.0}),
    "galactic": ("galactic", ("GLON-TAN", "GLAT-TAN"), {}),
    "supergalactic": ("supergalactic", ("SLON-TAN", "SLAT-TAN"), {}),
    "ecliptic": ("barycentricmeanecliptic", ("ELON-TAN", "ELAT-TAN"), {}),
}


def described(center, shape, turn, scale, flip, oblong, system, dec_first, way, unit, more_axes):
    """A header of a frame, as one writer or another would make it: the cards, and the same WCS in the plainest form."""
    frame, names, cards = FRAMES[system]
    at = center.transform_to(frame).spherical
    values = [at.lon.deg, at.lat.deg]
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    # By CROTA2 alone pixels cannot be sheared, nor is the sense of the axes free.
    step = np.array([-scale if flip else scale, scale * oblong])
    rotation = np.array([[cos, -sin * step[1] / step[0]], [sin * step[0] / step[1], cos]])
    cd = np.diag(step) @ rotation / 3600
    plain = WCS(naxis=2)
    plain.wcs.ctype, plain.wcs.crval, plain.wcs.cd = names, values, cd
    plain.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    order = (1, 0) if dec_first and way != "CROTA2" else (0, 1)
    small = {"deg": 1.0, "arcsec": 3600.0, "none": 3600.0}[unit]
    # Degenerate axes may stand before those of the sky.
    first = 2 if more_axes == 2 else 1
    cards = cards | {f"CRPIX{first + j}": (shape[1 - j] + 1) / 2 for j in (0, 1)}
    for i, axis in enumerate(order):
        number = first + i
        cards |= {f"CTYPE{number}": names[axis], f"CRVAL{number}": values[axis] * (3600 if unit == "arcsec" else 1)}
        cards |= {f"CUNIT{number}": unit} if unit == "arcsec" else {}
        if way == "CROTA2":
            cards[f"CDELT{number}"] = step[axis] / 3600 * small
        for j in (0, 1):
            if way == "CD":
                cards[f"CD{number}_{first + j}"] = cd[axis, j] * small
            elif way == "PC":
                cards[f"PC{number}_{first + j}"] = cd[axis, j] * 3600 / step[axis]
                cards[f"CDELT{number}"] = step[axis] / 3600 * small
    if way == "CROTA2":
        cards[f"CROTA{first + 1}"] = turn
    for number in {0: (), 1: (3,), 2: (1,), 3: (3, 4)}[more_axes]:
        cards |= {f"CTYPE{number}": "FREQ" if number != 4 else "STOKES", f"CRVAL{number}": 1.0, f"CRPIX{number}": 1.0}
        cards |= {f"CD{number}_{number}": 1.0} if way == "CD" else {f"CDELT{number}": 1.0}
    return fits.Header(cards), plain


def deprojected(x, y, angle, inclination):
    """Squared radius in a disc."""
    angle = np.deg2rad(angle)
    along, across = x * np.sin(angle) + y * np.cos(angle), x * np.cos(angle) - y * np.sin(angle)
    return along**2 + (across / np.cos(np.deg2rad(inclination))) ** 2


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(
    place=st.tuples(st.floats(0, 359.9), st.floats(-80, 80)),
    shape=st.sampled_from([(7, 12), (16, 5), (20, 20)]),
    turn=st.floats(-180, 180),
    scale=st.sampled_from([0.05, 0.2, 0.5, 2.0]),
    flip=st.booleans(),
    oblong=st.sampled_from([1.0, 0.5, 2.0]),
    system=st.sampled_from(list(FRAMES)),
    dec_first=st.booleans(),
    way=st.sampled_from(["CD", "PC", "CROTA2"]),
    unit=st.sampled_from(["deg", "arcsec", "none"]),
    more_axes=st.integers(0, 3),
    angle=st.floats(0, 179),
)
def test_no_header_turns_or_stretches_a_disc(
    x64, place, shape, turn, scale, flip, oblong, system, dec_first, way, unit, more_axes, angle
):  # fmt: skip
    """Coordinates are astropy's to 1e-3 arcsec, and a disc measured on them has its angle, axis ratio and scale."""
    center = SkyCoord(*place, unit="deg")
    made, plain = described(center, shape, turn, scale, flip, oblong, system, dec_first, way, unit, more_axes)
    with warnings.catch_warnings():
        # That CDELT is in arcsec is said; it is tested above.
        warnings.simplefilter("ignore", jm.InputWarning)
        grid = jm.Grid.from_wcs(made, shape, center)
    row, column = np.indices(shape)
    longitude, latitude = plain.all_pix2world(column, row, 0)
    places = SkyCoord(longitude, latitude, unit="deg", frame=FRAMES[system][0]).icrs
    x, y = (a.to_value(u.arcsec) for a in center.spherical_offsets_to(SkyCoord(places.ra, places.dec)))
    found = [np.broadcast_to(np.asarray(a, float), shape) for a in grid.coordinates]
    atol = 1e-3 if x64 else 1e-3 + 1e-6 * scale * max(shape)
    np.testing.assert_allclose(found, (x, y), atol=atol)
    r2 = deprojected(x, y, angle, 50.0).ravel()
    terms = np.stack([found[0] ** 2, found[0] * found[1], found[1] ** 2], axis=-1).reshape(-1, 3)
    a, b, c = np.linalg.lstsq(terms, r2, rcond=None)[0]
    values, vectors = np.linalg.eigh([[a, b / 2], [b / 2, c]])
    measured = np.degrees(np.arctan2(vectors[0, 0], vectors[1, 0]))
    assert abs((measured - angle + 90) % 180 - 90) < 0.05
    assert np.sqrt(values[0]) == pytest.approx(1.0, abs=1e-3)
    assert np.sqrt(values[0] / values[1]) == pytest.approx(np.cos(np.deg2rad(50.0)), abs=1e-3)


# --- files


def write(path, **images):
    """Extensions by name; a header may come with them."""
    hdus = [fits.ImageHDU(*(made if isinstance(made, tuple) else (made,)), name=name) for name, made in images.items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


@single
@pytest.mark.parametrize("written", ["metallicity", "Metallicity", "METALLICITY", "metallicity   "])
def test_an_extension_is_found_by_name_whatever_the_case(tmp_path, written):
    hdu = fits.ImageHDU(np.arange(6.0).reshape(2, 3))
    hdu.header["EXTNAME"] = written
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "m.fits")
    for asked in ("metallicity", "METALLICITY", " Metallicity ", 1, "1"):
        assert read_image(tmp_path / "m.fits", asked)[1, 2] == 5
    with pytest.raises(jm.InputError, match=f"unknown extension 'metalicity'. Did you mean '{written.strip()}'"):
        read_image(tmp_path / "m.fits", "metalicity")


@single
def test_names_that_several_extensions_have(tmp_path):
    """Told apart by their case, by EXTVER, or by a word that the first is used."""
    hdus = [fits.ImageHDU(np.full((2, 2), float(i))) for i in range(1, 5)]
    for hdu, name, version in zip(hdus, ("SCI", "sci", "ERR", "ERR"), (1, 1, 1, 2), strict=True):
        hdu.header["EXTNAME"], hdu.header["EXTVER"] = name, version
    path = tmp_path / "m.fits"
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert [read_image(path, name)[0, 0] for name in ("SCI", "sci", "ERR,2", "err, 1", 4)] == [1, 2, 4, 3, 4]
    with pytest.warns(jm.InputWarning, match=r"m\.fits: extensions 3, 4 are all called 'ERR'; the first is used"):
        assert read_image(path, "ERR")[0, 0] == 3
    with pytest.raises(jm.InputError, match="unknown extension 'ERR,3'"):
        read_image(path, "ERR,3")


IMAGE = np.arange(12.0).reshape(3, 4)
CUBE = np.stack([IMAGE, 100 + IMAGE])
SKY = {"CRVAL1": 150.1, "CRVAL2": 2.2}
AXES = {
    "four axes": (IMAGE[None, None], {}, None),
    "four axes and a channel": (IMAGE[None, None], {}, 0),
    "three axes": (IMAGE[None], {}, None),
    "a last axis": (IMAGE[..., None], {}, None),
    "a cube of one polarisation": (100 * (CUBE[None] > 99) + IMAGE, {}, 1),
    "one polarisation in a cube": (CUBE[:, None], {}, 1),
    "frequency first": (IMAGE[..., None], {"CTYPE1": "FREQ", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"}, None),
    "a cube with frequency first": (np.moveaxis(CUBE, 0, -1), {"CTYPE1": "FREQ", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"}, 1),
    "frequency between": (np.moveaxis(CUBE, 0, 1), {"CTYPE1": "RA---TAN", "CTYPE2": "FREQ", "CTYPE3": "DEC--TAN"}, 1),
    "a slit": (IMAGE[None, None, :1], {}, None),
}


@single
@pytest.mark.parametrize(("data", "names", "channel"), AXES.values(), ids=AXES)
def test_axes_of_length_one_are_dropped(tmp_path, data, names, channel):
    path = tmp_path / "m.fits"
    cards = dict(names)
    for key, name in names.items():
        cards |= {f"CDELT{key[-1]}": 1e-4, f"CRPIX{key[-1]}": 1.0, f"CRVAL{key[-1]}": {"RA": 150.0, "DE": 2.0}.get(name[:2], 1.0)}
    fits.PrimaryHDU(data, fits.Header(cards)).writeto(path)
    expected = IMAGE[:1] if data.shape == (1, 1, 1, 4) else IMAGE + (100 if channel == 1 else 0)
    found = read_map(path, 0, channel=channel)
    np.testing.assert_array_equal(found.values, expected)
    assert (found.wcs is not None) == bool(names)
    if names:
        np.testing.assert_allclose(np.abs(matrix(found.wcs)), np.diag([0.36, 0.36]), atol=1e-6)


@single
def test_axes_that_are_not_of_length_one_need_a_channel(tmp_path):
    fits.PrimaryHDU(CUBE[None]).writeto(tmp_path / "m.fits")
    with pytest.raises(jm.InputError, match=r"m\.fits\[0\]: expected an image.*\(1, 2, 3, 4\); a cube needs channel="):
        read_map(tmp_path / "m.fits", 0)
    with pytest.raises(jm.InputError, match=r"channel must be 0 … 1, got 2"):
        read_map(tmp_path / "m.fits", 0, channel=2)
    fits.PrimaryHDU(np.stack([CUBE, CUBE])).writeto(tmp_path / "n.fits")
    with pytest.raises(jm.InputError, match=r"expected an image.*\(2, 2, 3, 4\)"):
        read_map(tmp_path / "n.fits", 0, channel=0)


# --- positions


POSITIONS = [
    (150.1, 2.2), ["10:00:24", "2:12:00"], ("10h00m24s", "+02d12m00s"), ["10 00 24", "02 12 00"], "10:00:24 +2:12:00", "10 00 24, +02 12 00",
    "150.1, 2.2", ["150.1", "2.2"], ["150.1d", "2.2d"], [time(10, 0, 24), time(2, 12)], [-209.9, 2.2], [150.1 * u.deg, 132 * u.arcmin],
    SkyCoord(150.1, 2.2, unit="deg"), SkyCoord(150.1, 2.2, unit="deg").galactic,
]  # fmt: skip


@single
@pytest.mark.parametrize("written", POSITIONS, ids=str)
def test_a_position_may_be_written_as_astronomers_do(written):
    assert as_position(written) == pytest.approx((150.1, 2.2), abs=1e-9)


@single
@pytest.mark.parametrize(
    "written, hint",
    [
        ([2.2, 150.1], r"Is it \(declination, right ascension\)\? Did you mean \[150\.1, 2\.2\]\?"),
        (["2:12:00", "150:06:00"], "got"),
        ([36024, 7920], r"such as 10:00:24 must stand in quotes"),
        ([400, 100], "got"),
        (["10:61:00", "2:12:00"], "got '10:61:00'"),
        ([True, 2.2], "got True"),
        ([np.nan, 2.2], "got nan"),
        ([1.0, 2.0, 3.0], "got"),
        ("somewhere", "got"),
        (5.0, "got 5"),
        ([150.1 * u.m, 2.2 * u.deg], "got 150.1 m"),
    ],
    ids=str,
)
def test_what_is_no_position_is_said_with_the_likely_reason(written, hint):
    with pytest.raises(jm.InputError, match=rf"^here: expected \[right ascension, declination\].*{hint}") as refused:
        as_position(written, "here: ")
    assert "\n" not in str(refused.value)


@single
def test_sexagesimal_numbers_of_yaml_and_times_of_toml_stay_what_they_are(tmp_path):
    (tmp_path / "a.yaml").write_text("reference: [10:00:24, -2:12:00.5]\nseed: 60\nscale: 1.5e+3\n")
    (tmp_path / "a.toml").write_text("reference = [10:00:24, 02:12:00]\n")
    assert read(tmp_path / "a.yaml") == {"reference": ["10:00:24", "-2:12:00.5"], "seed": 60, "scale": 1500.0}
    assert as_position(read(tmp_path / "a.toml")["reference"]) == pytest.approx((150.1, 2.2))


# --- configurations, and fits through headers


GRADIENT, ANGLE = "disc.metallicity.gradient", "disc.metallicity.position_angle"
PRIORS = {
    "disc.metallicity.central": {"uniform": [6, 10]}, GRADIENT: {"normal": [0, 0.5]}, ANGLE: {"uniform": [-30, 90]},
}  # fmt: skip


def config(**entry):
    """A uniform disc of light with a gradient, seen without a PSF."""
    metallicity = {"profile": "disc_gradient", "central": 8.5, "gradient": -0.01, "inclination": 50, "position_angle": 10}
    z = {"kind": "tracer", "file": "m.fits", "value": "Z", "error": "E", "psf": "none", "supersampling": [1, 1]} | entry
    return {
        "maps": {"z": z},
        "galaxy": {"disc": {"light": {"profile": "uniform", "amp": 1.0}, "metallicity": metallicity}},
        "priors": PRIORS,
    }


def write_scene(path, cards, axes=2, to=None):
    """Z = 8.7 - 0.05 R of a disc at a position angle of 30 degrees, north through east, by astropy alone."""
    made = cards if isinstance(cards, fits.Header) else header(**cards)
    for key in ("NAXIS1", "NAXIS2"):
        del made[key]
    plain = to or WCS(made).celestial
    row, column = np.indices((N, N))
    places = plain.pixel_to_world(column, row).icrs
    middle = plain.pixel_to_world((N - 1) / 2, (N - 1) / 2).icrs
    x, y = (a.to_value(u.arcsec) for a in SkyCoord(middle.ra, middle.dec).spherical_offsets_to(SkyCoord(places.ra, places.dec)))
    z = 8.7 - 0.05 * np.sqrt(deprojected(x, y, 30.0, 50.0))
    z = z.reshape((1,) * (axes - 2) + z.shape)
    write(path / "m.fits", Z=(z, made), E=(np.full(z.shape, 0.01), made))


AS_OTHERS_WRITE = {
    "declination first": DEC_FIRST,
    "declination first, near the right ascension": DEC_FIRST | {"CRVAL1": 10.0, "CRVAL2": 10.003},
    "galactic, turned": {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 237.0, "CRVAL2": 41.0, "CROTA2": 130.0},
    "oblong, upside down": {"CDELT1": 0.5 / 3600, "CDELT2": -0.25 / 3600, "RADESYS": "FK5"},
    "axes of length one": {"CTYPE3": "FREQ", "CTYPE4": "STOKES", "CRPIX3": 1.0, "CRPIX4": 1.0, "CDELT3": 1.0, "CDELT4": 1.0},
}


@pytest.mark.parametrize("cards", AS_OTHERS_WRITE.values(), ids=AS_OTHERS_WRITE)
def test_fits_have_their_gradient_and_position_angle_whatever_the_header(tmp_path, cards):
    """To a tenth of what a degree would change; one program for all of them."""
    write_scene(tmp_path, cards, axes=4 if "CTYPE4" in cards else 2)
    model = scene.build(config(), tmp_path).model()
    fit = jm.optimise(model, starts=1)
    assert fit.converged and fit.reduced_chi_square < 0.05
    assert float(fit.parameters[GRADIENT]) == pytest.approx(-0.05, abs=2e-4)
    assert float(fit.parameters[ANGLE]) == pytest.approx(30.0, abs=0.1)


def mistake(tmp_path, **changes):
    """The line that a configuration is refused with."""
    with pytest.raises(jm.InputError) as refused:
        scene.build(config() | changes, tmp_path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@single
def test_a_reference_far_from_every_map_is_refused_in_one_line(tmp_path):
    write_scene(tmp_path, {})
    exchanged = "Is it (declination, right ascension)? Did you mean"
    assert mistake(tmp_path, reference=[2.2, 150.1]).startswith("reference: expected [right ascension, declination] in degrees (ICRS)")
    assert mistake(tmp_path, reference=[2.2, 150.1]).endswith(f"{exchanged} [150.1, 2.2]?")
    # As texts, both are positions.
    line = mistake(tmp_path, reference=["2:12:00", "10:00:24"])
    assert line.startswith("reference: [33, 10.0067] lies 116 degrees off every frame, the middle of the nearest is [150.1")
    assert line.endswith(f"{exchanged} [150.1, 2.2]?")
    assert "must stand in quotes" in mistake(tmp_path, reference=[36024, 7920])
    assert mistake(tmp_path, reference=[151.2, 2.2]).startswith("reference: [151.2, 2.2] lies 1.1 degrees off every frame")


@single
@pytest.mark.parametrize("reference", [[150.1, 2.2], ["10:00:24", "2:12:00"], [150.1 - 4 / 3600, 2.2]], ids=str)
def test_a_reference_on_a_map_is_used_without_a_word(tmp_path, reference):
    write_scene(tmp_path, {})
    grid = scene.build(config() | {"reference": reference}, tmp_path).maps["z"].map.instrument.grid
    column, row = grid.pixel(0.0, 0.0)
    at = 15.0 if not isinstance(reference[0], float) or reference[0] == 150.1 else 15.0 + 8 * np.cos(np.deg2rad(2.2))
    assert (float(column), float(row)) == pytest.approx((at, 15.0), abs=1e-3)


@single
def test_a_reference_outside_of_every_map_is_said(tmp_path):
    write_scene(tmp_path, {})
    with pytest.warns(
        jm.InputWarning, match=r"reference: \[150\.117, 2\.2\] lies outside of every map, 6\d\.\d+ arcsec from the middle of maps\.z"
    ):
        scene.build(config() | {"reference": [150.1167, 2.2]}, tmp_path)
    # Right ascension and declination that are nearly the same, exchanged.
    write_scene(tmp_path, {"CRVAL1": 10.0, "CRVAL2": 10.01})
    with pytest.warns(jm.InputWarning, match=r"lies outside of every map.*Did you mean \[10, 10\.01\]\?"):
        scene.build(config() | {"reference": [10.01, 10.0]}, tmp_path)
    # One map that holds it is enough.
    both = config()
    (tmp_path / "n").mkdir()
    write_scene(tmp_path / "n", {"CRVAL1": 10.01, "CRVAL2": 10.0})
    both["maps"]["y"] = both["maps"]["z"] | {"file": "n/m.fits"}
    scene.build(both | {"reference": [10.01, 10.0]}, tmp_path)


@single
def test_a_reference_that_no_map_can_use_is_said(tmp_path):
    write(tmp_path / "m.fits", Z=np.ones((5, 5)), E=np.ones((5, 5)))
    with pytest.warns(jm.InputWarning, match="reference: not used, because no map has a place on the sky"):
        assert scene.build(config(pixel_scale=0.5) | {"reference": [150.1, 2.2]}, tmp_path).maps


# --- pixel_scale beside a WCS


WEST = "x is then counted to the right of the array, which is west on the sky, y upwards, which is north"
BESIDE = {
    "mirrored": ({}, 0.5, rf"maps\.z\.pixel_scale: 0\.5 arcsec is used instead of the file's WCS; {WEST}, and position angles from up"),
    "another scale": ({}, 0.2, rf"0\.2 arcsec is used, the file's WCS says 0\.5 arcsec per pixel; {WEST}"),
    "turned": ({"CROTA2": 25.0}, 0.5, r"is position angle 245\.0 degrees on the sky, y upwards, which is position angle 335\.0 degrees"),
    "upside down": ({"CDELT2": -0.5 / 3600}, 0.5, "which is west on the sky, y upwards, which is south"),
    "only the scale": ({"CDELT1": 0.5 / 3600}, 0.4, r"0\.4 arcsec is used, the file's WCS says 0\.5 arcsec per pixel\. Leave pixel_scale out"),
    "oblong": ({"CDELT1": 0.25 / 3600, "CDELT2": 1 / 3600}, 0.5, "instead of the file's WCS; x is then counted"),
    "galactic": ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, 0.5, "position angle"),
}  # fmt: skip


@single
@pytest.mark.parametrize(("cards", "pixel_scale", "said"), BESIDE.values(), ids=BESIDE)
def test_a_pixel_scale_beside_a_wcs_says_both_once(tmp_path, cards, pixel_scale, said):
    write_scene(tmp_path, cards)
    with pytest.warns(jm.InputWarning, match=said) as warned:
        made = scene.build(config(pixel_scale=pixel_scale), tmp_path).maps["z"]
    assert len(warned) == 1 and str(warned[0].message).endswith("Leave pixel_scale out to use the WCS.")
    np.testing.assert_allclose(made.map.instrument.grid.matrix, pixel_scale * np.eye(2), rtol=1e-6)


@single
def test_a_pixel_scale_that_the_wcs_agrees_with_is_silent(tmp_path):
    write_scene(tmp_path, {"CDELT1": 0.5 / 3600})
    scene.build(config(pixel_scale=0.5), tmp_path)
    scene.build(config(pixel_scale=0.501), tmp_path)


@single
@pytest.mark.parametrize(("pixel_scale", "unit"), [(0.000138889, "degrees"), (0.5 / 60, "arcmin"), (500, "milliarcsec")])
def test_a_pixel_scale_in_another_unit_is_refused_with_the_cause(tmp_path, pixel_scale, unit):
    write_scene(tmp_path, {})
    with pytest.raises(jm.InputError, match=rf"^maps\.z: pixel_scale: .* looks like {unit}, the file's WCS says 0\.5 arcsec per pixel"):
        scene.build(config(pixel_scale=pixel_scale), tmp_path)


@single
def test_a_pixel_scale_replaces_a_wcs_that_cannot_be_read(tmp_path):
    write_scene(tmp_path, header(CDELT1=0.0), to=WCS(header()))
    with pytest.raises(jm.InputError, match=r"^maps\.z: .*m\.fits\[Z\]: CDELT1 = 0 gives the pixels no area\.$"):
        scene.build(config(), tmp_path)
    with pytest.warns(jm.InputWarning, match=r"CDELT1 = 0 gives the pixels no area\. The WCS is not used\."):
        made = scene.build(config(pixel_scale=0.5), tmp_path)
    assert made.maps["z"].wcs is None
