"""What a reader is told.

Configurations that cannot be read or understood, and calls that were meant otherwise.
"""

import contextlib
import signal
from types import SimpleNamespace

import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.io.config import Mistakes, parse, read
from jaxmetal.io.entries import FromReader
from jaxmetal.io.readers.options import read_entry
from tests.io.test_config import GOOD, Z, build, changed, folder, mistakes  # noqa: F401
from tests.scenes import CENTRAL, GRADIENT, blank, disc, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

# 10⁹ values in 400 bytes, once every reference is followed, and the same by merged mappings.
ALIASES = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
UNREADABLE = {
    # A tab in front of a key, after one, inside braces, and where another line shows the
    # indentation.
    "maps:\n\tz: {kind: tracer}\n": (
        "a tab",
        "line 2, column 1: z: {kind: tracer}",
        "replace tabs by spaces",
    ),
    "maps:\n  z:\n  \tkind: tracer\n": ("a tab", "line 3, column 3"),
    "maps:\t1\n": ("a tab", "line 1, column 6"),
    "maps: {\n\tz: 1}\n": ("a tab", "line 2, column 1"),
    # Indentation, too deep and too shallow; a colon or the space after it forgotten.
    "maps:\n  z: 1\n   y: 2\n": ("line 3, column 5: y: 2", "indented deeper"),
    "maps:\n   z: 1\n  y: 2\n": (
        "line 3, column 3: y: 2",
        "the indentation does not fit the lines above",
    ),
    "maps\n  z: 1\n": ("line 2", "the colon"),
    "maps:\n  z:1\n  y: 1\n": ("line 3", "the space after it missing"),
    # What is opened and not closed, and texts that need quotes.
    "a: {b: 1\nc: 2\n": ("line 2, column 2: c: 2", "closing brace }"),
    "a: [1, 2\nb: 3\n": ("line 2", "closing bracket ]"),
    "a: 'abc\nb: 1\n": ("closing quote",),
    "a: *.fits\n": ("line 1, column 5: a: *.fits", "needs quotes"),
    "a: @x\n": ("line 1", "needs quotes"),
    "a: !foo 1\n": ("line 1", "without the tag"),
    # Values that are not what they look like.
    "a: 2024-13-45\n": ("line 1, column 4", "month must be in 1..12"),
    "a: !!int foo\n": ("line 1", "no value that can be read"),
    "a: {[1, 2]: 3}\n": ("line 1", "expected a name before the colon"),
    # What would take all memory, or never end.
    ALIASES: ("stands for more than 100000 values",),
    MERGES: ("stands for more than 100000 values",),
    "a: &a [*a]\n": ("inside what it refers to",),
    "a: " + 600 * "[": ("nested too deeply",),
    "a: " + 60 * "[" + 60 * "]": ("nested more than 40 deep",),
    "a: " + 400 * "1": ("more than 308 digits",),
    "".join(f"k{i}: 1\n" for i in range(3001)): ("it has 3001 keys, more than 3000",),
    "a: " + 400_000 * "x": ("it has 400003 characters",),
}
UNREADABLE_TOML = {
    "a = 1\nb = \n": ("Invalid value", "line 2, column 5: b ="),
    "a = 8,5\n": ("line 1", "numbers have a decimal point, write 8.5"),
    "a = " + 3000 * "[": ("nested too deeply",),
    "a = " + 5000 * "1": ("digits",),
}
WRONG = [
    # Every prior says what it expects, whatever arrived.
    ({"normal": 0.3}, "normal: expected [mean, standard deviation], got 0.3."),
    ({"normal": [0, 1, 2]}, "normal: expected [mean, standard deviation], got [0, 1, 2]."),
    ({"uniform": "6, 9"}, "uniform: expected [lowest, highest], got '6, 9'."),
    ({"uniform": {"low": 6}}, "uniform: expected [lowest, highest], got {'low': 6}."),
    (
        {"truncated_normal": [0, 1]},
        "truncated_normal: expected [mean, standard deviation, lowest, highest], got [0, 1].",
    ),
    (
        {"log_normal": 2},
        "log_normal: expected [median, standard deviation of the natural logarithm], got 2.",
    ),
    (
        {"half_normal": [0, 1]},
        "half_normal: expected one number, the standard deviation, got [0, 1].",
    ),
    ({"tied": 3}, "tied: expected the path of another parameter, got 3."),
    ({"uniform": None}, "uniform: expected [lowest, highest], got nothing."),
    (None, "such as {uniform: [lowest, highest]}, got nothing."),
    (0.3, "such as {uniform: [lowest, highest]}, got 0.3."),
    # Decimal commas.
    (
        {"normal": [0, "0,5"]},
        (
            "normal.1: expected a valid number, got '0,5', which is read as text: numbers "
            "have a decimal point, write 0.5."
        ),
    ),
    ({"normal": [0, 1, 0, 5]}, "got [0, 1, 0, 5]; with decimal points that is [0.1, 0.5]."),
]
NOT_A_PSF = [
    None,
    {},
    {"gaussian": None},
    {"moffat": None},
    {"kernel": None},
    "None",
    False,
    {"gaussian": 0.8},
]
# Where a mapping or a list stands for the name of an extension: the parser never came back from the
# first of them.
NOT_AN_EXTENSION = [{"file": "map.fits", "extension": "Z"}, ["Z"], 1.5, True, None]


@contextlib.contextmanager
def within(seconds):
    """An endless loop is an error, and no endless test."""

    def stop(number, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        *(("a.yaml", *one) for one in UNREADABLE.items()),
        *(("a.toml", *one) for one in UNREADABLE_TOML.items()),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_names_the_place_and_the_likely_cause(
    tmp_path, name, text, words
):
    (tmp_path / name).write_text(text)
    with within(20), pytest.raises(jm.InputError) as error:
        read(tmp_path / name)
    message = str(error.value)
    assert (
        message.startswith(f"{tmp_path / name}: cannot be read: ")
        and len(message.splitlines()) == 1
    )
    assert all(word in message for word in words) and "<unicode string>" not in message


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "a.yaml").write_bytes("a: Å".encode("latin1"))
    with pytest.raises(jm.InputError, match="no UTF-8 text; save the file as UTF-8"):
        read(tmp_path / "a.yaml")


def test_entries_can_be_taken_over_from_another_mapping(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert read(tmp_path / "a.yaml") == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


@pytest.mark.parametrize(("prior", "culprit"), WRONG, ids=[culprit[:40] for _, culprit in WRONG])
def test_a_prior_says_what_it_expects(prior, culprit):
    config, found = changed(), Mistakes()
    config["priors"][CENTRAL] = prior
    parse(config, found)
    (line,) = found.lines
    assert line.startswith(f"priors.{CENTRAL}") and culprit in line


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        # {central: 8,5} is {central: 8, 5: nothing}.
        (
            "galaxy/disc/metallicity",
            {"profile": "gradient", "central": 8, 5: None, "gradient": -0.1},
            "galaxy.disc.metallicity.central: '8,5'",
        ),
        ("maps/z/psf", {"gaussian": {"fwhm": 0, 8: None}}, "maps.z.psf.gaussian.fwhm: '0,8'"),
        ("baseline", {"inclination": 45, 5: None}, "baseline.inclination: '45,5'"),
    ],
)
def test_a_decimal_comma_between_braces_is_read_as_text(place, value, line):
    found = Mistakes()
    parse(
        {**changed(), "baseline": value} if place == "baseline" else changed((place, value)), found
    )
    (told,) = found.lines
    number = line.split("'")[1].replace(",", ".")
    assert told == f"{line} is read as text: numbers have a decimal point, write {number}."


def test_a_decimal_comma_of_a_parameter_is_read_as_text(folder):  # noqa: F811
    (line,) = mistakes(changed(("galaxy/disc/metallicity/central", "8,5")), folder)
    assert line.startswith("galaxy.disc.metallicity.central: ") and line.endswith(
        "decimal point, write 8.5."
    )
    (line,) = mistakes(changed(("truth", {GRADIENT: "-0,2"})), folder)
    assert line.startswith(f"truth.{GRADIENT}: ") and line.endswith("decimal point, write -0.2.")


@pytest.mark.parametrize("key", [1.5, None, 3, True], ids=str)
@pytest.mark.parametrize(
    "place", ["maps", "galaxy", "priors", "truth", "lens", "fit", "galaxy/disc", ""]
)
def test_a_key_that_is_no_text_is_named_and_ends_nothing(place, key):
    config, found = changed(), Mistakes()
    node = config
    for name in filter(None, place.split("/")):
        node = node.setdefault(name, {})
    node[key] = {"kind": "tracer"}
    with within(20):
        parse(config, found)
    where = place.replace("/", ".") or "configuration"
    assert any(
        line.startswith(f"{where}: expected names as keys") and "put it in quotes" in line
        for line in found.lines
    )


@pytest.mark.parametrize("place", ["value", "channel"])
@pytest.mark.parametrize("value", NOT_AN_EXTENSION, ids=str)
def test_what_is_no_extension_is_named_and_ends_nothing(place, value):
    found, config = Mistakes(), changed()
    config["maps"]["z"][place] = value
    with within(20):
        parse(config, found)
    wanted = (
        [f"maps.z.{place}: expected a value"]
        if (place, value) == ("channel", None)
        else [f"maps.z.{place}: expected the name or the number of an extension"]
    )
    assert [line.partition(", got")[0] for line in found.lines] == wanted


def test_of_many_mistakes_and_long_ones_only_so_much_is_told():
    found = Mistakes()
    parse({"galaxy": {}, "fit": {f"k{i}": 1 for i in range(300)} | {"x" * 10**5: 1}}, found)
    assert len(found.lines) == 301
    with pytest.raises(jm.InputError) as error:
        found.raise_all()
    lines = str(error.value).splitlines()
    assert lines[-1] == "and 101 more" and len(lines) == 201
    assert max(map(len, found.lines)) < 1100


@pytest.mark.parametrize("psf", NOT_A_PSF, ids=str)
def test_only_the_word_none_says_that_there_is_no_psf(psf):
    for place in ("maps/z/psf", "simulate"):
        found, config = Mistakes(), changed()
        if place == "simulate":
            config["simulate"] = {"shape": [9, 9], "pixel_scale": 0.2, "psf": psf}
        else:
            config["maps"]["z"]["psf"] = psf
        parse(config, found)
        (line,) = found.lines
        assert ".psf" in line and "expected" in line
    assert parse(changed(("maps/z/psf", "none")), Mistakes()) is not None


def test_a_forgotten_psf_is_not_that_of_the_reader():
    found, config = Mistakes(), changed()
    config["maps"]["m"] = {"kind": "manga", "file": "maps.fits", "psf": None}
    parse(config, found)
    hint = "leave the key out for the PSF of the reader."
    assert found.lines == [f"maps.m.psf: expected a PSF or none, got nothing; {hint}"]


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("reference", 5, "reference: expected [right ascension, declination] in degrees (ICRS)"),
        ("baseline", {"center": 3}, "baseline.center: expected [x, y], got 3."),
        ("fit", 3, "fit: expected entries such as method, seed, starts, steps, got 3."),
        ("fit", {"starts": 2.5}, "fit.starts: expected a whole number, got 2.5."),
        ("plots", 3.5, "plots: expected true or false, got 3.5."),
        ("sample", None, "sample: expected true, false or settings by name, got nothing"),
        ("galaxy", [1], "galaxy: expected entries by name, got [1]."),
    ],
)
def test_other_values_are_told_in_plain_words(place, value, line):
    found = Mistakes()
    parse({**GOOD, place: value}, found)
    assert found.lines[0].startswith(line.rstrip("."))


def test_a_home_folder_of_nobody_is_bad_input(folder):  # noqa: F811
    (line,) = mistakes(changed(("maps/z", Z | {"file": "~nobody_of_this_name/map.fits"})), folder)
    assert line.startswith("maps.z: '~nobody_of_this_name/map.fits': there is no such user")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("disc.light.middle", "unknown name 'middle'. It may be one of: "),
        ("bulge.light.amp", "unknown name 'bulge'. It may be one of: disc, z"),
        ("disc.light", "the path stops at a group of parameters"),
    ],
)
def test_a_tie_to_what_is_not_there_is_named_with_its_target(folder, target, reason):  # noqa: F811
    path = "disc.metallicity.center_x"
    (line,) = mistakes(changed((f"priors/{path}", {"tied": target})), folder)
    assert line.startswith(f"priors.{path}: tied to {target!r}: {reason}")
    z = blank(telescope())
    with pytest.raises(jm.InputError) as error:
        jm.Model(disc(), {"z": z}, {CENTRAL: dist.Uniform(6.0, 9.0), path: jm.Tied(target)})
    assert str(error.value).startswith(f"priors[{path!r}]: tied to {target!r}: {reason}")


# What people write of a galaxy, an instrument, a map and so on, and what they are told.
CALLS = {
    "a map for maps": (
        lambda it: jm.Model(it.galaxy, it.z, it.priors),
        "Model.maps: expected maps by name, such as {'z': map}, got TracerMap",
    ),
    "a list for maps": (
        lambda it: jm.Model(it.galaxy, [it.z], it.priors),
        "such as {'z': map}, got list",
    ),
    "a number as the name of a map": (
        lambda it: jm.Model(it.galaxy, {1: it.z}, it.priors),
        "expected names without a dot, got 1",
    ),
    "a dot in the name of a map": (
        lambda it: jm.Model(it.galaxy, {"a.b": it.z}, it.priors),
        "expected names without a dot, got 'a.b'",
    ),
    "a list for priors": (
        lambda it: jm.Model(it.galaxy, {"z": it.z}, list(it.priors)),
        "Model.priors: expected priors by path",
    ),
    "no path": (
        lambda it: jm.Model(it.galaxy, {"z": it.z}, {3: dist.Uniform(6.0, 9.0)}),
        "expected a dotted path such as",
    ),
    "a pair for a prior": (
        lambda it: jm.Model(it.galaxy, {"z": it.z}, {CENTRAL: (6, 9)}),
        "got tuple; write dist.Uniform(lowest, highest)",
    ),
    "a family for a prior": (
        lambda it: jm.Model(it.galaxy, {"z": it.z}, {CENTRAL: dist.Uniform}),
        "got the class Uniform itself",
    ),
    "maps before the galaxy": (
        lambda it: jm.Model({"z": it.z}, it.galaxy, it.priors),
        "Model.galaxy: expected a Galaxy, got dict",
    ),
    "one map for with_maps": (
        lambda it: it.model.with_maps(it.z),
        "such as {'z': map}, got TracerMap",
    ),
    "a profile for a component": (
        lambda it: jm.Galaxy(disc=it.light),
        "got Profile; write disc=Component(light=profile)",
    ),
    "a component without a name": (
        lambda it: jm.Galaxy(it.galaxy.disc),
        "such as disc=component, got Component without a name",
    ),
    "a dictionary of components": (
        lambda it: jm.Galaxy({"disc": it.galaxy.disc}),
        "such as disc=component, got dict",
    ),
    "a function for a profile": (
        lambda it: jm.Component(light=jm.light.sersic),
        "got the function sersic; write Profile(sersic, …)",
    ),
    "a tracer without a name": (
        lambda it: jm.Component(it.light, it.light),
        "such as metallicity=profile, got Profile without a name",
    ),
    "a number for a profile": (
        lambda it: jm.Component(light=it.light, age=8.5),
        "age must be a Profile, got float; write Profile(",
    ),
    "a profile by name": (
        lambda it: jm.Profile("sersic", amp=1.0),
        "such as jaxmetal.light.sersic, got 'sersic'",
    ),
    "a profile of nothing": (
        lambda it: jm.Profile(amp=1.0),
        "expected a function f(x, y, **parameters)",
    ),
    "parameters without names": (
        lambda it: jm.Profile(jm.light.exponential, 1.0, 0.8),
        "given by name, such as amp=16.0, got 1.0",
    ),
    "predict the other way round": (
        lambda it: jm.predict(it.z, it.galaxy),
        "expected a Galaxy, got TracerMap; write predict(galaxy, map)",
    ),
    "predict all maps": (
        lambda it: jm.predict(it.galaxy, {"z": it.z}),
        "expected a Map, got dict; write predict(galaxy, map)",
    ),
    "predict an instrument": (
        lambda it: jm.predict(it.galaxy, it.instrument),
        "expected a Map, got Instrument",
    ),
    "intrinsic the other way round": (
        lambda it: jm.intrinsic(it.z, it.galaxy),
        "write intrinsic(galaxy, map)",
    ),
    "optimise a galaxy": (
        lambda it: jm.optimise(it.galaxy),
        "optimise: model: expected a Model, got Galaxy; write Model(",
    ),
    "optimise several": (
        lambda it: jm.optimise([it.model]),
        "optimise: model: expected a Model, got list",
    ),
    "sample a galaxy": (
        lambda it: jm.sample(it.galaxy),
        "sample: model: expected a Model, got Galaxy",
    ),
    "sample from a word": (
        lambda it: jm.sample(it.model, "fit"),
        "sample: start: expected a Fit, got str",
    ),
    "a batch of one": (
        lambda it: jm.optimise_batch(it.model),
        "expected a list of models, got Model",
    ),
    "a batch of galaxies": (
        lambda it: jm.Batch([it.galaxy]),
        "models: expected a Model, got Galaxy",
    ),
    "simulate the other way round": (
        lambda it: jm.simulate.tracer_map(it.instrument, it.galaxy),
        "write tracer_map(galaxy, instrument)",
    ),
    "a mask in the place of the tracer": (
        lambda it: jm.TracerMap(it.z.values, 1.0, it.instrument, it.z.valid),
        "given by name, as mask=",
    ),
    "radii of a grid": (
        lambda it: jm.baselines.radii(it.instrument.grid),
        "radii: instrument: expected an Instrument, got Grid",
    ),
    "a radius of another kind": (
        lambda it: jm.baselines.radii(it.instrument, radius="minor axis"),
        "unknown radius 'minor axis'",
    ),
    "a tie to nothing": (
        lambda it: jm.Tied(None),
        "Tied: expected a dotted path, or a list of them, got None",
    ),
}


@pytest.fixture(scope="module")
def it():
    """What is written correctly."""
    galaxy, instrument = disc(), telescope()
    z, priors = blank(instrument), {CENTRAL: dist.Uniform(6.0, 9.0)}
    return SimpleNamespace(
        galaxy=galaxy,
        instrument=instrument,
        z=z,
        light=galaxy.disc.light,
        priors=priors,
        model=jm.Model(galaxy, {"z": z}, priors),
    )


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_was_meant_otherwise_is_bad_input(it, name):
    call, words = CALLS[name]
    with pytest.raises(jm.InputError) as error:
        call(it)
    assert words in str(error.value) and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "value", "line"),
    [
        ("manga", "gass", "expected false, true, 'gas', 'stars' or 'both', got 'gass'."),
        ("sami", "gas", "expected true or false, got 'gas'."),
    ],
)
def test_true_and_false_are_told_as_a_configuration_writes_them(kind, value, line, tmp_path):
    found = Mistakes()
    entry = FromReader.model_validate({"kind": kind, "file": "maps.fits", "kinematics": value})
    assert read_entry("maps.m", entry, tmp_path, found) is None
    (text,) = found.lines
    assert text == f"maps.m.kinematics: {line}"
