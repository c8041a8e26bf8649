"""FITS headers as others write them: x is to the east, y to the north, or a line says why not."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxmetal as jm
from jaxmetal.instrument.headers import celestial
from jaxmetal.io.fits import read_image, read_map, write_maps

N = 31
PLAIN = {
    "NAXIS1": N,
    "NAXIS2": N,
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRPIX1": 16.0,
    "CRPIX2": 16.0,
    "CRVAL1": 150.1,
    "CRVAL2": 2.2,
    "CDELT1": -0.5 / 3600,
    "CDELT2": 0.5 / 3600,
}
single = pytest.mark.precision("single")


def header(**changes):
    """The plain header with other cards; None takes one out, "bare:…" stands without quotes."""
    cards = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    made = fits.Header()
    for key, value in cards.items():
        if str(value).startswith("bare:"):
            made.append(fits.Card.fromstring(f"{key:8s}= {value[5:]}"))
        else:
            made.append(fits.Card(key, value))
    return made


def matrix(source):
    """Arcsec to the east and to the north, for a step of one column and one row."""
    return np.asarray(jm.Grid.from_wcs(source, (N, N)).matrix, float)


# --- spellings that mean the same sky


TURN = np.deg2rad(30.0)
TURNED = 0.5 * np.array([[-np.cos(TURN), -np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])
EAST_LEFT = np.diag([-0.5, 0.5])
DEC_FIRST = {
    "CTYPE1": "DEC--TAN",
    "CTYPE2": "RA---TAN",
    "CRVAL1": 2.2,
    "CRVAL2": 150.1,
    "CDELT1": 0.5 / 3600,
    "CDELT2": -0.5 / 3600,
}
SPELLINGS = {
    "plain": ({}, EAST_LEFT),
    "lower case": ({"CTYPE1": "ra---tan", "CTYPE2": "dec--tan"}, EAST_LEFT),
    "too few dashes": ({"CTYPE1": "RA--TAN", "CTYPE2": "DEC-TAN"}, EAST_LEFT),
    "numbers in quotes": ({"CDELT1": "-1.388888889E-4", "CRVAL1": " 150.1 "}, EAST_LEFT),
    "declination first": (DEC_FIRST, np.array([[0.0, -0.5], [0.5, 0.0]])),
    "declination first, near the right ascension": (
        DEC_FIRST | {"CRVAL1": 10.0, "CRVAL2": 10.003},
        np.array([[0.0, -0.5], [0.5, 0.0]]),
    ),
    "turned by CROTA2": ({"CROTA2": 30.0}, TURNED),
    "turned by PC": (
        {f"PC{i + 1}_{j + 1}": TURNED[i, j] / EAST_LEFT[i, i] for i in (0, 1) for j in (0, 1)},
        TURNED,
    ),
    "turned by CD": (
        {f"CD{i + 1}_{j + 1}": TURNED[i, j] / 3600 for i in (0, 1) for j in (0, 1)},
        TURNED,
    ),
    "CDELT = 1 beside CD": (
        {"CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600, "CDELT1": 1.0, "CDELT2": 1.0},
        EAST_LEFT,
    ),
    "PC in arcsec": (
        {"CDELT1": 1 / 3600, "CDELT2": 1 / 3600, "PC1_1": -0.03, "PC2_2": 0.03},
        np.diag([-0.03, 0.03]),
    ),
    "PC in degrees": (
        {"CDELT1": 1.0, "CDELT2": 1.0, "PC1_1": -0.5 / 3600, "PC2_2": 0.5 / 3600},
        EAST_LEFT,
    ),
    "PC alone": (
        {"CDELT1": None, "CDELT2": None, "PC1_1": -0.5 / 3600, "PC2_2": 0.5 / 3600},
        EAST_LEFT,
    ),
    "oblong pixels": ({"CDELT1": -0.125 / 3600, "CDELT2": 0.25 / 3600}, np.diag([-0.125, 0.25])),
    "arcsec by CUNIT": (
        {
            "CUNIT1": "arcsec",
            "CUNIT2": "ARCSEC",
            "CDELT1": -0.5,
            "CDELT2": 0.5,
            "CRVAL1": 540360.0,
            "CRVAL2": 7920.0,
        },
        EAST_LEFT,
    ),
    "degrees by another name": ({"CUNIT1": "degree", "CUNIT2": "Degrees"}, EAST_LEFT),
    "a system in lower case": ({"RADESYS": "fk5 "}, EAST_LEFT),
    "a system by its equinox": ({"RADECSYS": "J2000"}, EAST_LEFT),
    "an equinox as text": ({"EQUINOX": "J2000"}, EAST_LEFT),
}


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
    made = header(FILTER="bare:F200W without quotes")
    np.testing.assert_allclose(matrix(made), EAST_LEFT, atol=1e-6)


UNITS = {
    "no CUNIT, CDELT in arcsec": (
        {"CDELT1": -0.5, "CDELT2": 0.5},
        "CDELT1 = -0.5, CDELT2 = 0.5 without CUNIT .* taken as arcsec",
    ),
    "no CUNIT, CD in arcsec": (
        {"CDELT1": None, "CDELT2": None, "CD1_1": -0.5, "CD2_2": 0.5},
        "CD1_1 = -0.5.* taken as arcsec",
    ),
    "CUNIT of CDELT alone": (
        {"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CDELT1": -0.5, "CDELT2": 0.5},
        r"CRVAL = 150\.1, 2\.2 .* as degrees",
    ),
    "arcmin of CDELT alone": (
        {"CUNIT1": "arcmin", "CUNIT2": "arcmin", "CDELT1": -0.5 / 60, "CDELT2": 0.5 / 60},
        "taken as degrees",
    ),
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
    for size, step in (("0.5 degrees", 0.5), ("0.0005 arcsec", 0.5e-3 / 3600)):
        made = header(CDELT1=-step, CDELT2=step, CUNIT1="deg", CUNIT2="deg")
        for source in (made, WCS(made)):
            with pytest.warns(jm.InputWarning, match=f"pixels of {size}") as said:
                jm.Grid.from_wcs(source)
            assert len(said) == 1


REFUSED = {
    "zero CD": (
        {"CDELT1": None, "CDELT2": None, "CD1_1": 0.0, "CD2_2": 0.0},
        "by CD1_1 = 0, CD2_2 = 0 the pixels have no area",
    ),
    "half of CD": (
        {"CDELT1": None, "CDELT2": None, "CD1_1": -1e-4},
        "by CD1_1 = -0.0001 the pixels",
    ),
    "zero CDELT": ({"CDELT2": 0.0}, "CDELT2 = 0 the pixels have no area"),
    "zero PC": ({"PC1_1": 0.0, "PC2_2": 0.0}, "by the PC matrix the pixels have no area"),
    "no scale": (
        {"CDELT1": None, "CDELT2": None},
        "does not tell the scale of the WCS: neither CDELT1 nor a CD",
    ),
    "the scale twice": (
        {"PC1_1": -0.5 / 3600, "PC2_2": 0.5 / 3600},
        "CDELT .* and the PC matrix .* both hold the scale",
    ),
    "NaN": ({"CDELT1": "bare:                 NaN"}, "the header card CDELT1 cannot be read"),
    "no number": ({"CRPIX1": "middle"}, "the header card CRPIX1 must be a number, got 'middle'"),
    "a number with its unit": (
        {"CRVAL1": "bare:150.1 deg"},
        "the header card CRVAL1 cannot be read",
    ),
    "a name without quotes": ({"CTYPE1": "bare:RA---TAN"}, "the header card CTYPE1 cannot be read"),
    "exchanged positions": (
        {"CRVAL1": 2.2, "CRVAL2": 150.1},
        r"CRVAL2 = 150\.1 is no DEC.*exchanged",
    ),
    "an unknown system": ({"RADESYS": "FOO"}, r"RADESYS = 'FOO'.*may be ICRS, FK5"),
    "the Sun": (
        {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"},
        "no sky coordinates that are known.*'HPLN-TAN'",
    ),
    "an unknown projection": (
        {"CTYPE1": "RA---FOO", "CTYPE2": "DEC--FOO"},
        r"cannot be read \(Unrecognized projection code",
    ),
    "two right ascensions": (
        {"CTYPE2": "RA---TAN"},
        r"cannot be read \(Inconsistent projection types",
    ),
    "an unknown unit": ({"CUNIT1": "furlong", "CUNIT2": "furlong"}, r"cannot be read \(In CUNIT1"),
    "a table that is not there": ({"CPDIS1": "LOOKUP"}, "cannot be read"),
    "sky and wavelength mixed": (
        {"NAXIS3": 5, "CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6, "CRPIX3": 1.0, "PC1_3": 0.1},
        r"cannot be read \(Non-zero off-diagonal",
    ),
}


@single
@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_a_header_without_sense_is_one_line_that_names_the_card(changes, message):
    with pytest.raises(jm.InputError, match=rf"^f\.fits\[0\]: .*{message}") as refused:
        celestial(header(**changes), "f.fits[0]")
    assert "\n" not in str(refused.value) and "cextern" not in str(refused.value)


@single
@pytest.mark.parametrize(
    "source",
    ["map.fits", None, 3, np.zeros((3, 3)), [("CTYPE1", "RA---TAN")]],
    ids=lambda s: type(s).__name__,
)
def test_what_is_no_header_is_refused(source):
    expected = r"Grid\.from_wcs: expected an astropy\.wcs\.WCS or a FITS header, got"
    with pytest.raises(jm.InputError, match=expected):
        jm.Grid.from_wcs(source, (N, N))


@single
@pytest.mark.parametrize(
    "source",
    [fits.Header(), {}, header(CTYPE1="LINEAR", CTYPE2="LINEAR"), WCS(naxis=1)],
    ids=repr,
)
def test_a_header_without_a_sky_is_refused(source):
    with pytest.raises(jm.InputError, match=r"Grid\.from_wcs: the WCS has no celestial axes"):
        jm.Grid.from_wcs(source, (N, N))


@single
@pytest.mark.parametrize(
    "changes",
    [
        *(changes for changes, _ in SPELLINGS.values()),
        {"RADESYS": "FK4", "EQUINOX": 1950.0},
        {"LONPOLE": 150.0},
    ],
    ids=str,
)
def test_written_coordinates_come_back(changes, tmp_path):
    """What results are written with: the same places to 1e-6 arcsec."""
    wcs = celestial(header(**changes), "")
    write_maps(tmp_path / "map.fits", {"Z": (np.zeros((N, N)), "dex")}, wcs)
    again = read_map(tmp_path / "map.fits", "Z").wcs
    pixel = np.array([0, 30, 0, 30]), np.array([0, 0, 30, 30])
    before, after = (made.pixel_to_world(*pixel).icrs for made in (wcs, again))
    assert np.all(after.separation(before).arcsec < 1e-6)


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


def described(center, shape, scale, system, turn, flip, oblong, dec_first, way, unit, more_axes):
    """A header as one writer or another would make it, and the same WCS in its plainest form."""
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
        cards |= {
            f"CTYPE{number}": names[axis],
            f"CRVAL{number}": values[axis] * (3600 if unit == "arcsec" else 1),
        }
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
        cards |= {
            f"CTYPE{number}": "FREQ" if number != 4 else "STOKES",
            f"CRVAL{number}": 1.0,
            f"CRPIX{number}": 1.0,
        }
        cards |= {f"CD{number}_{number}": 1.0} if way == "CD" else {f"CDELT{number}": 1.0}
    return fits.Header(cards), plain


def east_and_north(center, places):
    """Offsets of ICRS places, arcsec, by astropy alone."""
    offsets = center.spherical_offsets_to(SkyCoord(places.ra, places.dec))
    return [offset.to_value(u.arcsec) for offset in offsets]


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
def test_no_header_turns_or_stretches_a_disc(x64, place, shape, scale, system, angle, **writing):
    """Coordinates are astropy's, and a disc on them has its angle, its axis ratio and its scale."""
    center = SkyCoord(*place, unit="deg")
    made, plain = described(center, shape, scale, system, **writing)
    with warnings.catch_warnings():
        # That CDELT is in arcsec is said; it is tested above.
        warnings.simplefilter("ignore", jm.InputWarning)
        grid = jm.Grid.from_wcs(made, shape, center)
    row, column = np.indices(shape)
    longitude, latitude = plain.all_pix2world(column, row, 0)
    places = SkyCoord(longitude, latitude, unit="deg", frame=FRAMES[system][0]).icrs
    x, y = east_and_north(center, places)
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
    parts = {name: made if isinstance(made, tuple) else (made,) for name, made in images.items()}
    hdus = [fits.ImageHDU(*part, name=name) for name, part in parts.items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)


@single
@pytest.mark.parametrize("written", ["metallicity", "Metallicity", "METALLICITY", "metallicity   "])
def test_an_extension_is_found_by_name_whatever_the_case(tmp_path, written):
    hdu = fits.ImageHDU(np.arange(6.0).reshape(2, 3))
    hdu.header["EXTNAME"] = written
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "m.fits")
    for asked in ("metallicity", "METALLICITY", " Metallicity ", 1, "1"):
        assert read_image(tmp_path / "m.fits", asked)[1, 2] == 5
    meant = f"unknown extension 'metalicity'. Did you mean '{written.strip()}'"
    with pytest.raises(jm.InputError, match=meant):
        read_image(tmp_path / "m.fits", "metalicity")


@single
def test_names_that_several_extensions_have(tmp_path):
    """Told apart by their case, by EXTVER, or by a word that the first is used."""
    hdus = [fits.ImageHDU(np.full((2, 2), float(i))) for i in range(1, 5)]
    for hdu, name, version in zip(hdus, ("SCI", "sci", "ERR", "ERR"), (1, 1, 1, 2), strict=True):
        hdu.header["EXTNAME"], hdu.header["EXTVER"] = name, version
    path = tmp_path / "m.fits"
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert [read_image(path, name)[0, 0] for name in ("SCI", "sci", "ERR,2", "err, 1", 4)] == [
        1,
        2,
        4,
        3,
        4,
    ]
    several = r"m\.fits: extensions 3, 4 are all called 'ERR'; the first is used"
    with pytest.warns(jm.InputWarning, match=several):
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
    "frequency first": (
        IMAGE[..., None],
        {"CTYPE1": "FREQ", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"},
        None,
    ),
    "a cube with frequency first": (
        np.moveaxis(CUBE, 0, -1),
        {"CTYPE1": "FREQ", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"},
        1,
    ),
    "frequency between": (
        np.moveaxis(CUBE, 0, 1),
        {"CTYPE1": "RA---TAN", "CTYPE2": "FREQ", "CTYPE3": "DEC--TAN"},
        1,
    ),
    "a slit": (IMAGE[None, None, :1], {}, None),
}


@single
@pytest.mark.parametrize(("data", "names", "channel"), AXES.values(), ids=AXES)
def test_axes_of_length_one_are_dropped(tmp_path, data, names, channel):
    path = tmp_path / "m.fits"
    cards = dict(names)
    for key, name in names.items():
        cards |= {
            f"CDELT{key[-1]}": 1e-4,
            f"CRPIX{key[-1]}": 1.0,
            f"CRVAL{key[-1]}": {"RA": 150.0, "DE": 2.0}.get(name[:2], 1.0),
        }
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
    with pytest.raises(
        jm.InputError,
        match=r"m\.fits\[0\]: expected an image.*\(1, 2, 3, 4\); a cube needs channel=",
    ):
        read_map(tmp_path / "m.fits", 0)
    with pytest.raises(jm.InputError, match=r"channel must be 0 … 1, got 2"):
        read_map(tmp_path / "m.fits", 0, channel=2)
    fits.PrimaryHDU(np.stack([CUBE, CUBE])).writeto(tmp_path / "n.fits")
    with pytest.raises(jm.InputError, match=r"expected an image.*\(2, 2, 3, 4\)"):
        read_map(tmp_path / "n.fits", 0, channel=0)
