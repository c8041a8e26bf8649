"""The look at the data: what is no measurement is named, what contradicts itself is said, and
good maps pass in silence.
"""

import astropy.units as u
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.errors import collected_warnings
from jaxmetal.io.fits import read_map
from jaxmetal.io.scene import load
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.scenes import scene_of
from jaxmetal.unit_texts import unit_of_text
from tests.data import data_path
from tests.scenes import telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIDE = 41
ROW, COLUMN = np.indices((SIDE, SIDE)) - SIDE // 2
RADIUS = 0.2 * np.hypot(ROW, COLUMN)
INSIDE, MOST = RADIUS < 2.5, RADIUS < 3.9
INSTRUMENT = jm.Instrument(jm.Grid.regular((SIDE, SIDE), 0.2), jm.NoPSF(), 1)
NOISE = np.random.default_rng(5).normal(size=(SIDE, SIDE))
CLEAN = 8.7 - 0.1 * RADIUS
METALS = CLEAN + 0.03 * NOISE
VELOCITY = 7.5 * COLUMN + 5 * NOISE
AGE = 10 - 1.5 * RADIUS + 0.2 * NOISE
MODEL = 100 * np.exp(-RADIUS / 0.8)
FLUX = MODEL + NOISE
ONE = (ROW == 4) & (COLUMN == 3)
LINEAR = {"scale": "linear"}


def metals(values=METALS, sigma=0.03, **options):
    return jm.TracerMap(values, sigma, options.pop("instrument", INSTRUMENT), **options)


def velocity(values=VELOCITY, sigma=5.0, **options):
    return metals(values, sigma, **LINEAR | options)


def light(values=FLUX, sigma=1.0, **options):
    return jm.LightMap(values, sigma, options.pop("instrument", INSTRUMENT), **options)


def remarks(make, *given, **options):
    """What a map says when it is made, a line each."""
    with collected_warnings() as texts:
        make(*given, **options)
    return texts


# (which map, how its values are spoilt): the missing value, and where it stands.
MISSING = {
    "metallicity -999": (metals, METALS, -999.0),
    "metallicity 0": (metals, METALS, 0.0),
    "metallicity 1": (metals, METALS, 1.0),
    "metallicity 1e30": (metals, METALS, 1e30),
    "metallicity without noise -1": (metals, CLEAN, -1.0),
    "velocity 9999": (velocity, VELOCITY, 9999.0),
    "age -99": (velocity, AGE, -99.0),
    "light -99": (light, FLUX, -99.0),
    "light 1e20": (light, FLUX, 1e20),
    "light in erg -999": (lambda values, **o: light(values * 1e-17, 1e-17, **o), FLUX, -999.0),
}


@pytest.mark.parametrize("what", MISSING)
def test_a_map_of_one_value_far_from_all_others_is_refused_unless_allowed(what):
    make, values, missing = MISSING[what]
    number = missing * 1e-17 if "erg" in what else missing
    with pytest.raises(
        jm.InputError,
        match=rf"1192 of 1681 values are exactly {number:g}, the others .*check=False".replace(
            "+", r"\+"
        ),
    ):
        make(np.where(INSIDE, values, missing))
    assert remarks(make, np.where(INSIDE, values, missing), check=False) == []
    assert remarks(make, np.where(INSIDE, values, np.nan)) == []
    # Where most values are good it is for a person to judge.
    for where, count in ((MOST, 480), (~(COLUMN > 16), 164)):
        (text,) = remarks(make, np.where(where, values, missing))
        assert f"{count} of 1681 values are exactly {number:g}" in text and "mask them" in text


@pytest.mark.parametrize("value", [0.0, -99.0])
@pytest.mark.parametrize("where", [INSIDE, MOST], ids=["most", "some"])
def test_a_block_of_one_value_among_the_others_is_noticed(where, value):
    """0 lies in the middle of all velocities; nothing but the place and the number tell."""
    (text,) = remarks(velocity, np.where(where, VELOCITY, value))
    assert f"{np.sum(~where)} of 1681 values are exactly {value:g}; if that means missing" in text


@pytest.mark.parametrize("where", [INSIDE, MOST], ids=["most", "some"])
def test_ages_and_fluxes_of_zero_outside_of_the_field_are_noticed(where):
    bright = 100 * np.exp(-RADIUS / 3) + NOISE
    for make, values, sigma in ((velocity, AGE, 0.2), (light, bright, 1.0)):
        (text,) = remarks(make, np.where(where, values, 0.0), sigma)
        assert f"{np.sum(~where)} of 1681 values are exactly 0" in text


def test_a_few_values_far_from_all_others_are_named():
    assert (
        "1 of 1681 values is exactly -999, the others"
        in remarks(metals, np.where(ONE, -999.0, METALS))[0]
    )
    assert "1 of 1681 values is exactly 1e+30" in remarks(light, np.where(ONE, 1e30, FLUX))[0]
    assert (
        "1 of 1681 values (3.3) lies far from all others (8.2"
        in remarks(metals, np.where(ONE, 3.3, METALS))[0]
    )
    spoilt = np.where(ROW == 0, np.linspace(1e4, 2e4, SIDE), VELOCITY)
    assert (
        "41 of 1681 values (1e+04, 1.025e+04, 1.05e+04, …) lie far from"
        in remarks(velocity, spoilt)[0]
    )
    # Its own error says how little it knows.
    assert remarks(metals, np.where(ONE, 3.3, METALS), np.where(ONE, 2.0, 0.03)) == []


def test_several_missing_values_together_are_most_of_a_map():
    values = np.where(INSIDE, METALS, np.where(COLUMN > 0, -99.0, 0.0))
    with pytest.raises(
        jm.InputError, match=r"588 of 1681 values are exactly -99.*604 of 1681 values are exactly 0"
    ):
        metals(values)


def test_a_map_of_fibres_is_looked_at_too():
    """One value per aperture: there are no neighbours."""
    instrument = telescope((21, 21), 1.0)
    x, y = (a.ravel() for a in np.meshgrid(np.arange(-8.0, 9.0, 4.0), np.arange(-8.0, 9.0, 4.0)))
    fibres = jm.Apertures.circles(instrument.grid, x, y, 1.5)
    instrument = jm.Instrument(instrument.grid, instrument.psf, 1, apertures=fibres)
    values = 8.7 - 0.02 * np.hypot(x, y)
    assert remarks(metals, values, 0.05, instrument=instrument) == []
    (text,) = remarks(metals, np.where(x < -7, -99.0, values), 0.05, instrument=instrument)
    assert "5 of 25 values are exactly -99" in text


SPOILT = np.where(INSIDE, 0.03, 1.0)
UPSIDE_DOWN = {
    "zeros are kept": (
        metals,
        (np.where(INSIDE, METALS, 0.0), 0.03),
        INSIDE,
        "keeps 1192 that are all exactly 0",
    ),
    "noise is kept": (
        metals,
        (METALS + 0.9 * ~INSIDE * NOISE, SPOILT),
        INSIDE,
        "keeps those with errors 33 times worse",
    ),
    "garbage is kept": (
        metals,
        (np.where(INSIDE, METALS, 8 + NOISE), 0.03),
        INSIDE,
        "keeps those whose neighbours differ by",
    ),
    "the border is kept": (
        metals,
        (METALS, 0.03),
        MOST,
        "keeps what lies around them, up to the edge",
    ),
    "the sky is kept": (light, (FLUX, 1.0), MOST, "leaves out 1201 of 1681 measurements"),
    "mostly empty sky is kept": (
        light,
        (np.where(MOST, 50 + NOISE, np.where(NOISE > 1, NOISE, 0.0)), 1.0),
        MOST,
        "keeps those with a signal-to-noise ratio of mostly 0",
    ),
    "the rim is kept": (
        metals,
        (np.where(RADIUS < 3, METALS, np.nan), 0.03),
        INSIDE,
        "keeps what lies around them",
    ),
}


@pytest.mark.parametrize("what", UPSIDE_DOWN)
def test_a_mask_the_wrong_way_round_is_noticed(what):
    make, given, mask, message = UPSIDE_DOWN[what]
    if "zeros" in what:
        with pytest.raises(jm.InputError, match=message):
            make(*given, mask=mask)
    else:
        (text,) = remarks(make, *given, mask=mask)
        assert message in text and "is it inverted? True leaves a pixel out" in text
    if make is metals and "border" not in what:
        assert remarks(make, *given, mask=~mask) == []


def test_a_mask_that_leaves_nothing_is_told_apart():
    with pytest.raises(
        jm.InputError,
        match=r"489 are masked.*the 489 that hold a measurement are all masked.* inverted",
    ):
        metals(np.where(INSIDE, METALS, np.nan), mask=INSIDE)


def test_a_bin_that_holds_most_of_the_frame_is_rather_the_background():
    ids = np.where(RADIUS < 2, 1 + ((ROW + 20) // 4) * 11 + (COLUMN + 20) // 4, 0)
    names, number = np.unique(ids, return_inverse=True)
    values = np.where(names == 0, 0.0, 8.7 - 0.01 * np.arange(names.size))[
        number.reshape(ids.shape)
    ]
    binned = {
        bins: jm.Instrument(INSTRUMENT.grid, jm.NoPSF(), 1, apertures=jm.Apertures.bins(bins_))
        for bins, bins_ in (("background", ids), ("bins", np.where(ids == 0, -1, ids)))
    }
    far, held = remarks(metals, values, 0.05, instrument=binned["background"])
    assert "1 of 31 values (0) lies far from all others" in far
    assert (
        "bin 0 holds 1376 of 1681 pixels (its value is 0)" in held and "negative bin number" in held
    )
    assert remarks(metals, values, 0.05, instrument=binned["bins"]) == []
    # As a flux per bin, and with a mean value that looks like all others.
    assert (
        "bin 0 holds 1376"
        in remarks(metals, np.where(ids == 0, 8.6, values), 0.05, instrument=binned["background"])[
            0
        ]
    )
    assert (
        "bin 0 holds 1376"
        in remarks(light, np.arange(1.0, 32.0), 0.1, instrument=binned["background"])[0]
    )
    # Where it was not measured it does no harm.
    assert (
        remarks(metals, np.where(ids == 0, np.nan, values), 0.05, instrument=binned["background"])
        == []
    )


@pytest.mark.parametrize(("few", "share"), [(1, 100), (4, 100), (30, 0)])
def test_a_few_tiny_errors_that_decide_everything_are_named(few, share):
    sigma = np.full((SIDE, SIDE), 0.03)
    sigma.flat[:few] = 3e-16 if few < 30 else 0.01
    found = remarks(metals, METALS, sigma)
    assert len(found) == bool(share)
    if share:
        assert (
            f"{few} of 1681 errors {'are' if few > 1 else 'is'} 1e+14 times smaller than "
            f"the usual 0.03 or more"
        ) in found[0]
        assert "100 % of the weight" in found[0]


@pytest.mark.parametrize("size", [0.02, 0.1, 3.0, 1e-17, 1e12], ids="{:g}".format)
@pytest.mark.parametrize("varied", [False, True], ids=["one error", "errors that differ"])
def test_an_error_map_that_is_a_variance_or_its_inverse_is_noticed(size, varied):
    """By how much the values scatter from one pixel to the next."""
    sigma = size * (0.5 + RADIUS / 3 if varied else np.ones((SIDE, SIDE)))
    values = size * (100 - RADIUS) + sigma * NOISE
    for make in (velocity, light):
        assert remarks(make, values, sigma) == []
        (text,) = remarks(make, values, sigma**-2.0) if size != 3.0 or varied else ("ivar",)
        assert "ivar" in text
    if size != 3.0:
        (text,) = remarks(velocity, values, sigma**2)
        assert (
            "if the errors are variances; if so, give sigma = sqrt(variance), in a "
            "configuration variance: instead"
        ) in text


def test_errors_that_are_only_too_small_are_not_taken_for_variances():
    """Real galaxies scatter about their neighbours by more than the errors."""
    sigma = 0.02 * (0.5 + RADIUS / 3)
    for scatter in (0.0, 0.1):
        values = CLEAN + np.hypot(sigma, scatter) * NOISE
        assert remarks(metals, values, sigma) == []
        assert remarks(metals, values, sigma / 3) == []


@pytest.mark.parametrize("unit", ["km/s", "Gyr", u.km / u.s, "Angstrom", "mag"], ids=str)
def test_a_unit_that_is_no_logarithm_contradicts_the_default_scale(unit):
    (text,) = remarks(metals, METALS, unit=unit)
    assert f'the values are in {u.Unit(unit)}, but scale "log10" averages 10^value' in text
    assert remarks(metals, METALS, unit=unit, scale="linear") == []
    assert remarks(metals, METALS, unit=unit, scale=(jnp.exp, jnp.log)) == []
    # As a quantity it says the same.
    assert "averages 10^value" in remarks(metals, METALS * u.Unit(unit), 0.03)[0]


@pytest.mark.parametrize("unit", ["dex", u.dex(u.yr), "", None, "%"], ids=str)
def test_a_logarithm_or_a_number_without_unit_goes_with_the_default_scale(unit):
    assert remarks(metals, METALS, unit=unit) == []


def test_values_that_can_be_no_logarithms_contradict_the_scale_without_a_unit():
    (text,) = remarks(metals, VELOCITY, 5.0)
    assert 'scale "log10" averages 10^value over the light, and the values go from -1' in text
    assert "if they are no logarithms, give scale=" in remarks(metals, AGE, 0.2)[0]


@pytest.mark.parametrize("unit", ["mag", "mag/arcsec2", "mag(AB)", "dex"])
def test_light_in_magnitudes_is_refused(unit):
    for given in ({"unit": unit}, {"values": FLUX * u.Unit(unit), "sigma": 1.0}):
        with pytest.raises(
            jm.InputError, match=r"LightMap: the unit is .*, a logarithm; light adds up"
        ):
            light(**given)
    assert light(unit=unit, check=False).size == 1681


def test_bins_are_visible_with_one_error_for_all():
    """In values that look like nothing else, in values that rise by one step from bin to bin,
    and between missing pixels.
    """
    number = ((ROW + 20) // 4) * 11 + (COLUMN + 20) // 4
    for values in (
        8.7 - 0.02 * np.hypot(number // 11 - 5, number % 11 - 5),
        8.0 + 0.005 * number,
        8.5 + 0.1 * NOISE.flat[number],
    ):
        for sigma in (0.05, np.full((SIDE, SIDE), 0.05)):
            (text,) = remarks(metals, values, sigma)
            assert "100 % of the pixels repeat the value and error of a neighbour" in text
        holed = np.where(ROW > 12, np.nan, values)
        assert "repeat the value and error" in remarks(metals, holed, 0.05)[0]
        both = remarks(metals, np.where(ROW > 12, -999.0, values), 0.05)
        assert (
            "328 of 1681 values are exactly -999" in both[0]
            and "repeat the value and error" in both[1]
        )


GOOD = {
    "metallicity": (metals, METALS, 0.03),
    "without noise": (metals, CLEAN, 0.02),
    "constant": (metals, np.full((SIDE, SIDE), 8.5), 0.02),
    "zero": (light, np.zeros((SIDE, SIDE)), 1.0),
    "one pixel": (light, 1.0 * ONE, 1.0),
    "velocity": (velocity, VELOCITY, 5.0),
    "a tilted plane": (velocity, 7.5 * COLUMN, 5.0),
    "whole km/s": (velocity, np.round(VELOCITY), 5.0),
    "whole km/s without noise": (velocity, np.round(0.9 * COLUMN), 5.0),
    "two digits": (metals, np.round(METALS, 2), 0.03),
    "one digit without noise": (metals, np.round(CLEAN, 1), 0.03),
    "rounding of a constant": (
        metals,
        8.5 + np.float32(1e-6) * np.random.default_rng(0).integers(0, 3, (SIDE, SIDE)),
        0.05,
    ),
    "clumps of one value each": (
        metals,
        np.where(RADIUS < 1, 7.9, np.where(COLUMN > 5, 7.8, 7.6)),
        0.02,
    ),
    "clipped": (metals, np.minimum(METALS, 8.6), 0.03),
    "clipped at zero": (velocity, np.maximum(0.3 - 0.2 * RADIUS + 0.1 * NOISE, 0.0), 0.1),
    "light": (light, FLUX, 1.0),
    "light without noise": (light, MODEL, 1.0),
    "a sky of exactly zero": (light, np.where(MODEL < 1, 0.0, MODEL), 1.0),
    "counts": (light, np.random.default_rng(0).poisson(MODEL), np.sqrt(MODEL + 1)),
    "few counts": (light, np.random.default_rng(0).poisson(MODEL / 50), 1.0),
    "errors that grow": (metals, CLEAN + (0.01 + 0.1 * RADIUS) * NOISE, 0.01 + 0.1 * RADIUS),
    "missing pixels with huge errors": (
        metals,
        np.where(INSIDE, METALS, 0.0),
        np.where(INSIDE, 0.03, 1e3),
    ),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_good_map_passes_in_silence(what):
    make, values, sigma = GOOD[what]
    assert remarks(make, values, sigma) == []
    # So it does where a mask leaves out the faint and noisy part, or the nucleus.
    mask = (RADIUS > 2) | (RADIUS < 0.5)
    assert remarks(make, np.where(MOST, values, np.nan), sigma, mask=mask) == []


def test_real_maps_pass_in_silence_and_their_errors_misread_do_not():
    """Lines of a MaNGA galaxy as its pipeline writes them.

    Where there is no spaxel there is no error.
    """
    path = data_path("manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz")
    for make, name in ((light, "EMLINE_GFLUX"), (velocity, "EMLINE_GVEL")):
        found = read_map(path, name, ivar=f"{name}_IVAR", mask=f"{name}_MASK", channel=18)
        camera = jm.Instrument(jm.Grid.regular(found.values.shape, 0.5), jm.NoPSF(), 1)
        known = {"instrument": camera, "unit": unit_of_text(found.unit)}
        assert remarks(make, found.values, found.sigma, **known) == []
        assert remarks(make, found.values, found.sigma, mask=found.mask, **known) == []
        (text,) = remarks(make, found.values, found.sigma, mask=~found.mask, **known)
        assert "leaves out 769 of 773 measurements and keeps those with" in text


CONFIG = {
    "maps": {
        "z": {
            "kind": "tracer",
            "file": "m.fits",
            "value": "Z",
            "sigma": 0.05,
            "pixel_scale": 0.2,
            "psf": "none",
            "supersampling": 1,
        }
    },
    "galaxy": {
        "disc": {
            "light": {"profile": "uniform", "amp": 1.0},
            "metallicity": {"profile": "gradient", "central": 8.5, "gradient": -0.05},
        }
    },
    "priors": {"disc.metallicity.central": {"uniform": [6, 10]}},
}


def write(folder, values, bunit="", name="m.fits", **entry):
    """A file with a map, and a configuration that reads it."""
    image = fits.ImageHDU(values, fits.Header({"BUNIT": bunit}), name="Z")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(folder / name, overwrite=True)
    config = CONFIG | {"maps": {"z": CONFIG["maps"]["z"] | entry}}
    (folder / "fit.yaml").write_text(yaml.safe_dump(config))
    return folder / "fit.yaml"


def test_validate_prints_what_the_look_saw_and_for_a_good_file_one_quiet_line(tmp_path, capsys):
    def validate(*given, **entry):
        status = cli.main(["validate", str(write(tmp_path, *given, **entry)), "--quiet"])
        written = capsys.readouterr()
        return status, (written.out + written.err).replace(str(tmp_path), "").splitlines()

    assert validate(METALS) == (
        0,
        ["/fit.yaml: valid; maps z (1681 pixels); 1 priors; nothing strange in the data"],
    )
    status, (found, last) = validate(np.where(MOST, METALS, -99.0).astype("f4"))
    assert status == 0 and found.startswith(
        "maps.z: TracerMap: 480 of 1681 values are exactly -99, the others"
    )
    assert last.endswith("; remarks on the data: 1")
    status, (found,) = validate(np.where(INSIDE, METALS, 0.0))
    assert (
        status == 2
        and "maps.z: TracerMap: 1192 of 1681 values are exactly 0" in found
        and "check: false" in found
    )
    assert validate(np.where(INSIDE, METALS, 0.0), check=False)[0] == 0
    # The header's unit, or that of the configuration, against the scale.
    status, (found, _) = validate(METALS, "Gyr")
    assert status == 0 and 'maps.z: TracerMap: the values are in Gyr, but scale "log10"' in found
    assert (
        len(validate(METALS, "Gyr", scale="linear")[1])
        == len(validate(METALS, "Gyr", unit="dex")[1])
        == 1
    )
    status, (found,) = validate(FLUX, kind="light", sigma=1.0, unit="mag")
    assert status == 2 and "maps.z: LightMap: the unit is mag, a logarithm" in found


def test_what_the_look_saw_is_told_of_each_galaxy_of_a_survey(tmp_path):
    """In the note of its row; a map that is refused is a row that is left out, with the reason."""
    write(tmp_path, METALS, name="good.fits")
    write(tmp_path, np.where(MOST, METALS, -99.0), name="some.fits")
    write(tmp_path, np.where(INSIDE, METALS, -99.0), name="most.fits")
    raw = CONFIG | {"maps": {"z": CONFIG["maps"]["z"] | {"file": "{file}"}}}
    catalogue = Catalogue(
        Table({"id": ["a", "b", "c"], "file": ["good.fits", "some.fits", "most.fits"]}), "id"
    )
    assert scene_of(raw, tmp_path, catalogue, 0)[1] == ""
    assert (
        "maps.z: TracerMap: 480 of 1681 values are exactly -99"
        in scene_of(raw, tmp_path, catalogue, 1)[1]
    )
    with pytest.raises(
        jm.InputError, match=r"maps\.z: TracerMap: 1192 of 1681 values are exactly -99"
    ):
        scene_of(raw, tmp_path, catalogue, 2)


def test_a_warning_names_the_map_that_it_is_about(tmp_path):
    with pytest.warns(
        jm.InputWarning, match=r"^maps\.z: TracerMap: 480 of 1681 values are exactly 0"
    ):
        load(write(tmp_path, np.where(MOST, METALS, 0.0)))


def test_a_warning_points_at_the_line_of_the_user():
    with pytest.warns(jm.InputWarning) as caught:
        jm.TracerMap(np.where(ONE, -999.0, METALS), 0.03, INSTRUMENT)
    assert [warning.filename for warning in caught] == [__file__]
