"""Where maps lie: positions, references and pixel scales beside the WCS of their files."""

from datetime import time

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.instrument.sky import as_position
from jaxmetal.io import scene
from jaxmetal.io.config import read
from tests.instrument.test_headers import (
    DEC_FIRST,
    N,
    deprojected,
    east_and_north,
    header,
    single,
    write,
)

# --- positions


POSITIONS = [
    (150.1, 2.2),
    ["10:00:24", "2:12:00"],
    ("10h00m24s", "+02d12m00s"),
    ["10 00 24", "02 12 00"],
    "10:00:24 +2:12:00",
    "10 00 24, +02 12 00",
    "150.1, 2.2",
    ["150.1", "2.2"],
    ["150.1d", "2.2d"],
    [time(10, 0, 24), time(2, 12)],
    [-209.9, 2.2],
    [150.1 * u.deg, 132 * u.arcmin],
    SkyCoord(150.1, 2.2, unit="deg"),
    SkyCoord(150.1, 2.2, unit="deg").galactic,
]


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
    expected = rf"^here: expected \[right ascension, declination\].*{hint}"
    with pytest.raises(jm.InputError, match=expected) as refused:
        as_position(written, "here: ")
    assert "\n" not in str(refused.value)


@single
def test_sexagesimal_numbers_of_yaml_and_times_of_toml_stay_what_they_are(tmp_path):
    (tmp_path / "a.yaml").write_text("reference: [10:00:24, -2:12:00.5]\nseed: 60\nscale: 1.5e+3\n")
    (tmp_path / "a.toml").write_text("reference = [10:00:24, 02:12:00]\n")
    assert read(tmp_path / "a.yaml") == {
        "reference": ["10:00:24", "-2:12:00.5"],
        "seed": 60,
        "scale": 1500.0,
    }
    assert as_position(read(tmp_path / "a.toml")["reference"]) == pytest.approx((150.1, 2.2))


# --- configurations, and fits through headers


GRADIENT, ANGLE = "disc.metallicity.gradient", "disc.metallicity.position_angle"
PRIORS = {
    "disc.metallicity.central": {"uniform": [6, 10]},
    GRADIENT: {"normal": [0, 0.5]},
    ANGLE: {"uniform": [-30, 90]},
}


def config(**entry):
    """A uniform disc of light with a gradient, seen without a PSF."""
    metallicity = {
        "profile": "disc_gradient",
        "central": 8.5,
        "gradient": -0.01,
        "inclination": 50,
        "position_angle": 10,
    }
    light = {"profile": "uniform", "amp": 1.0}
    z = {
        "kind": "tracer",
        "file": "m.fits",
        "value": "Z",
        "error": "E",
        "psf": "none",
        "supersampling": [1, 1],
    } | entry
    return {
        "maps": {"z": z},
        "galaxy": {"disc": {"light": light, "metallicity": metallicity}},
        "priors": PRIORS,
    }


def write_scene(path, cards, axes=2, to=None):
    """Z = 8.7 - 0.05 R of a disc at a position angle of 30 degrees, north through east."""
    made = cards if isinstance(cards, fits.Header) else header(**cards)
    for key in ("NAXIS1", "NAXIS2"):
        del made[key]
    plain = to or WCS(made).celestial
    row, column = np.indices((N, N))
    middle = plain.pixel_to_world((N - 1) / 2, (N - 1) / 2).icrs
    center = SkyCoord(middle.ra, middle.dec)
    x, y = east_and_north(center, plain.pixel_to_world(column, row).icrs)
    z = 8.7 - 0.05 * np.sqrt(deprojected(x, y, 30.0, 50.0))
    z = z.reshape((1,) * (axes - 2) + z.shape)
    write(path / "m.fits", Z=(z, made), E=(np.full(z.shape, 0.01), made))


AS_OTHERS_WRITE = {
    "declination first": DEC_FIRST,
    "declination first, near the right ascension": DEC_FIRST | {"CRVAL1": 10.0, "CRVAL2": 10.003},
    "galactic, turned": {
        "CTYPE1": "GLON-TAN",
        "CTYPE2": "GLAT-TAN",
        "CRVAL1": 237.0,
        "CRVAL2": 41.0,
        "CROTA2": 130.0,
    },
    "oblong, upside down": {"CDELT1": 0.5 / 3600, "CDELT2": -0.25 / 3600, "RADESYS": "FK5"},
    "axes of length one": {
        "CTYPE3": "FREQ",
        "CTYPE4": "STOKES",
        "CRPIX3": 1.0,
        "CRPIX4": 1.0,
        "CDELT3": 1.0,
        "CDELT4": 1.0,
    },
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
    line = mistake(tmp_path, reference=[2.2, 150.1])
    assert line.startswith("reference: expected [right ascension, declination] in degrees (ICRS)")
    assert line.endswith(f"{exchanged} [150.1, 2.2]?")
    # As texts, both are positions.
    line = mistake(tmp_path, reference=["2:12:00", "10:00:24"])
    assert line.startswith("reference: [33, 10.0067] lies 116 degrees off every frame, the middle")
    assert line.endswith(f"{exchanged} [150.1, 2.2]?")
    assert "must stand in quotes" in mistake(tmp_path, reference=[36024, 7920])
    line = mistake(tmp_path, reference=[151.2, 2.2])
    assert line.startswith("reference: [151.2, 2.2] lies 1.1 degrees off every frame")


@single
@pytest.mark.parametrize(
    ("reference", "column"),
    [
        ([150.1, 2.2], 15.0),
        (["10:00:24", "2:12:00"], 15.0),
        # To the west, which is to the right.
        ([150.1 - 4 / 3600, 2.2], 15.0 + 8 * np.cos(np.deg2rad(2.2))),
    ],
    ids=str,
)
def test_a_reference_on_a_map_is_used_without_a_word(tmp_path, reference, column):
    write_scene(tmp_path, {})
    made = scene.build(config() | {"reference": reference}, tmp_path)
    at = made.maps["z"].map.instrument.grid.pixel(0.0, 0.0)
    assert [float(p) for p in at] == pytest.approx((column, 15.0), abs=1e-3)


@single
def test_a_reference_outside_of_every_map_is_said(tmp_path):
    write_scene(tmp_path, {})
    with pytest.warns(
        jm.InputWarning,
        match=(
            r"reference: \[150\.117, 2\.2\] lies outside of every map, 60\.\d+ arcsec from "
            r"the middle"
        ),
    ):
        scene.build(config() | {"reference": [150.1167, 2.2]}, tmp_path)
    # Right ascension and declination that are nearly the same, exchanged.
    write_scene(tmp_path, {"CRVAL1": 10.0, "CRVAL2": 10.01})
    hint = r"lies outside of every map.*Did you mean \[10, 10\.01\]\?"
    with pytest.warns(jm.InputWarning, match=hint):
        scene.build(config() | {"reference": [10.01, 10.0]}, tmp_path)
    # One map that holds it is enough.
    both = config()
    (tmp_path / "n").mkdir()
    write_scene(tmp_path / "n", {"CRVAL1": 10.01, "CRVAL2": 10.0})
    both["maps"]["y"] = both["maps"]["z"] | {"file": "n/m.fits"}
    scene.build(both | {"reference": [10.01, 10.0]}, tmp_path)


@single
def test_a_reference_that_no_map_can_use_is_said(tmp_path):
    write(tmp_path / "m.fits", Z=np.ones((5, 5)), E=np.full((5, 5), 0.1))
    why = "reference: not used, because no map has a place on the sky"
    with pytest.warns(jm.InputWarning, match=why):
        assert scene.build(config(pixel_scale=0.5) | {"reference": [150.1, 2.2]}, tmp_path).maps


# --- pixel_scale beside a WCS


RIGHT = "x is then counted to the right of the array, which is"
WEST = f"{RIGHT} west on the sky, y upwards, which is north"
BESIDE = {
    "mirrored": (
        {},
        0.5,
        (
            rf"maps\.z\.pixel_scale: 0\.5 arcsec is used instead of the file's WCS; {WEST}, "
            rf"and position"
        ),
    ),
    "another scale": (
        {},
        0.2,
        rf"0\.2 arcsec is used, the file's WCS says 0\.5 arcsec per pixel; {WEST}",
    ),
    "turned": (
        {"CROTA2": 25.0},
        0.5,
        rf"{RIGHT} position angle 245\.0 .* y upwards, which is position angle 335\.0 degrees",
    ),
    "upside down": (
        {"CDELT2": -0.5 / 3600},
        0.5,
        "which is west on the sky, y upwards, which is south",
    ),
    "only the scale": (
        {"CDELT1": 0.5 / 3600},
        0.4,
        r"0\.4 arcsec is used, the file's WCS says 0\.5 arcsec per pixel\. Leave pixel_scale out",
    ),
    "oblong": (
        {"CDELT1": 0.25 / 3600, "CDELT2": 1 / 3600},
        0.5,
        "instead of the file's WCS; x is then counted",
    ),
    "galactic": ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, 0.5, "position angle"),
}


@single
@pytest.mark.parametrize(("cards", "pixel_scale", "said"), BESIDE.values(), ids=BESIDE)
def test_a_pixel_scale_beside_a_wcs_says_both_once(tmp_path, cards, pixel_scale, said):
    write_scene(tmp_path, cards)
    with pytest.warns(jm.InputWarning, match=said) as warned:
        made = scene.build(config(pixel_scale=pixel_scale), tmp_path).maps["z"]
    assert len(warned) == 1
    assert str(warned[0].message).endswith("Leave pixel_scale out to use the WCS.")
    np.testing.assert_allclose(made.map.instrument.grid.matrix, pixel_scale * np.eye(2), rtol=1e-6)


@single
def test_a_pixel_scale_that_the_wcs_agrees_with_is_silent(tmp_path):
    write_scene(tmp_path, {"CDELT1": 0.5 / 3600})
    scene.build(config(pixel_scale=0.5), tmp_path)
    scene.build(config(pixel_scale=0.501), tmp_path)


@single
@pytest.mark.parametrize(
    ("pixel_scale", "unit"),
    [(0.000138889, "degrees"), (0.5 / 60, "arcmin"), (500, "milliarcsec")],
)
def test_a_pixel_scale_in_another_unit_is_refused_with_the_cause(tmp_path, pixel_scale, unit):
    write_scene(tmp_path, {})
    with pytest.raises(
        jm.InputError,
        match=rf"^maps\.z: pixel_scale: .* looks like {unit}, the file's WCS says 0\.5 arcsec",
    ):
        scene.build(config(pixel_scale=pixel_scale), tmp_path)


@single
def test_a_pixel_scale_replaces_a_wcs_that_cannot_be_read(tmp_path):
    write_scene(tmp_path, header(CDELT1=0.0), to=WCS(header()))
    with pytest.raises(
        jm.InputError,
        match=r"^maps\.z: .*m\.fits\[Z\]: by CDELT1 = 0, .* the pixels have no area\.$",
    ):
        scene.build(config(), tmp_path)
    unused = r"CDELT1 = 0, .* the pixels have no area\. The WCS is not used\."
    with pytest.warns(jm.InputWarning, match=unused):
        made = scene.build(config(pixel_scale=0.5), tmp_path)
    assert made.maps["z"].wcs is None
