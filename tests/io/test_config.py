"""A configuration: what it means, and that every mistake in it is named, all of them at once."""

import copy

import numpy as np
import numpyro.distributions as dist
import pytest
import yaml
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.galaxy import get
from jaxmetal.io import scene
from jaxmetal.io.config import Mistakes, parse, read, resolved, write
from jaxmetal.io.fits import write_maps
from jaxmetal.io.pictures import picture
from jaxmetal.io.summary import unit_of
from jaxmetal.profiles.scatter import field_of
from tests.io.test_manga import write as write_manga
from tests.scenes import disc, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 15
Z = {
    "kind": "tracer",
    "file": "map.fits",
    "value": "Z",
    "error": "Z_ERR",
    "pixel_scale": 0.2,
    "psf": {"gaussian": {"fwhm": 0.8}},
    "supersampling": [2, 1],
}
LIGHT = Z | {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR"}
GOOD = {
    "maps": {"z": Z},
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
            "metallicity": {"profile": "gradient", "central": 8.0, "gradient": -0.2},
        }
    },
    "priors": {"disc.metallicity.gradient": {"normal": [0, 0.5]}},
}
LIGHTS = {
    "Ha": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
    "continuum": {"profile": "sersic", "amp": 5.0, "R_sersic": 2.0, "n_sersic": 1.5},
}
# Two lights by name: one weights the tracer, a map of flux shows the other.
TWO_LIGHTS = (
    ("galaxy/disc/light", LIGHTS),
    ("maps/z/light", "Ha"),
    ("maps/stars", LIGHT | {"light": "continuum"}),
)


def changed(*changes):
    """The good configuration with (dotted place, value) put in; None takes a key out."""
    config = copy.deepcopy(GOOD)
    for place, value in changes:
        *way, last = place.split("/")
        node = config
        for key in way:
            node = node.setdefault(key, {})
        if value is None:
            node.pop(last)
        else:
            node[last] = copy.deepcopy(value)
    return config


def sky(shape=(SIZE, SIZE), scale=0.2, turn=0.0, center=(150.0, 2.0)):
    """A camera on the sky, east to the left, turned by some degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = center, [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    wcs.wcs.cd = scale / 3600 * np.array([[-cos, sin], [sin, cos]])
    return wcs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Maps without and with a place on the sky."""
    path = tmp_path_factory.mktemp("config")
    rng = np.random.default_rng(0)
    image = rng.uniform(1.0, 2.0, (SIZE, SIZE))
    error = np.full((SIZE, SIZE), 0.1)
    images = {
        "Z": (8 + image, "dex"),
        "Z_ERR": (error, "dex"),
        "LIGHT": (image, "cts"),
        "LIGHT_ERR": (error, "cts"),
        "NEG": (-error, ""),
    }
    images |= {
        "ALL": (np.ones((SIZE, SIZE), np.uint8), ""),
        "SMALL": (error[:9], ""),
        "CUT": (np.where(image > 1.5, 1, 0), ""),
    }
    write_maps(path / "map.fits", images)
    write_maps(path / "sky.fits", images, sky())
    # Two pixels further east and one further north.
    write_maps(
        path / "beside.fits",
        images,
        sky(center=(150.0 + 0.4 / 3600 / np.cos(np.deg2rad(2.0)), 2.0 + 0.2 / 3600)),
    )
    write_maps(path / "psf.fits", {"BAD": (np.full((5, 5), np.nan), ""), "GOOD": (np.eye(5), "")})
    (path / "cut.fits").write_bytes((path / "map.fits").read_bytes()[:6500])
    (path / "mine.py").write_text(
        "def ring(x, y, height, radius=1.0):\n    return height + 0 * x\n\nnumber = 3\n"
    )
    (path / "broken.py").write_text("import nothing_of_the_kind\n")
    return path


def build(config, folder, want="fit"):
    return scene.build(config, folder, want)


def mistakes(config, folder, want="fit"):
    """The lines of everything that is wrong."""
    with pytest.raises(jm.InputError) as found:
        build(config, folder, want)
    return str(found.value).splitlines()


def test_a_configuration_becomes_a_model(folder):
    made = build(GOOD, folder)
    z = made.maps["z"].map
    assert (z.tracer, z.scale, z.size) == ("metallicity", "log10", SIZE**2)
    assert float(z.instrument.psf.fwhm) == pytest.approx(0.8)
    assert (z.instrument.sampling.evaluate, z.instrument.sampling.convolve) == (2, 1)
    assert float(made.galaxy.disc.metallicity.gradient) == pytest.approx(-0.2)
    assert made.maps["z"].unit == "dex"
    assert made.model().names == ("disc.metallicity.gradient",)


def test_yaml_and_toml_say_the_same(tmp_path):
    toml = """
        sample = false
        [galaxy.disc.light]
        profile = "sersic"
        amp = 1e-3
        [maps.z]
        kind = "tracer"
        psf = {gaussian = {fwhm = 0.8}}
        [priors]
        "disc.light.amp" = {uniform = [0, 1]}
    """
    # YAML takes 1e-3 for a text.
    text = """
        sample: false
        galaxy: {disc: {light: {profile: sersic, amp: 1e-3}}}
        maps: {z: {kind: tracer, psf: {gaussian: {fwhm: 8e-1}}}}
        priors: {disc.light.amp: {uniform: [0, 1]}}
    """
    (tmp_path / "a.toml").write_text(toml)
    (tmp_path / "a.yaml").write_text(text)
    both = [parse(read(tmp_path / name), Mistakes()) for name in ("a.toml", "a.yaml")]
    assert both[0] == both[1]
    assert both[0].galaxy["disc"].profiles["light"].parameters == {"amp": 0.001}
    assert both[0].sample is None


@pytest.mark.parametrize(
    "name, text, culprit",
    [
        ("a.json", "{}", "ends in .yaml, .yml or .toml"),
        ("a.yaml", "a: [1", "a.yaml: cannot be read: while parsing"),
        ("a.yaml", "- 1", "expected keys such as maps, galaxy and priors, got list"),
        ("a.yaml", "maps: {}\ngalaxy:\n  a: 1\n  a: 2\n", "line 4: the key 'a' stands here twice"),
        ("a.toml", "a = ", "a.toml: cannot be read"),
        (
            "a.yaml",
            "a: !!python/object/apply:os.getcwd []",
            "cannot be read: could not determine a constructor",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text, culprit):
    (tmp_path / name).write_text(text)
    with pytest.raises(jm.InputError) as found:
        scene.load(tmp_path / name)
    assert culprit in str(found.value)
    assert len(str(found.value).splitlines()) == 1


WRONG = [
    (("mapz", {}), "mapz: unknown key 'mapz'. Did you mean 'maps'?"),
    (
        ("maps/z/pixel_scal", 1),
        "maps.z.pixel_scal: unknown key 'pixel_scal'. Did you mean 'pixel_scale'?",
    ),
    (("maps/z/pixel_scale", -1), "maps.z.pixel_scale: expected a number greater than 0, got -1"),
    (("maps/z/pixel_scale", "wide"), "maps.z.pixel_scale: expected a valid number, got 'wide'"),
    (("maps/z/pixel_scale", True), "maps.z.pixel_scale: expected a number, got true"),
    (
        ("maps/z/kind", "trace"),
        (
            "maps.z: kind: expected tracer, light, line, lines, ratio, dispersion, map, manga, "
            "sami or file.py:function, got 'trace'"
        ),
    ),
    (
        ("maps/z/kind", None),
        (
            "maps.z: kind: expected tracer, light, line, lines, ratio, dispersion, map, manga, "
            "sami or file.py:function, got None"
        ),
    ),
    (("maps/z/psf", None), "maps.z.psf: is missing"),
    (
        ("maps/z/psf", {"gauss": {"fwhm": 1}}),
        "maps.z.psf.gauss: unknown key 'gauss'. Did you mean 'gaussian'?",
    ),
    (
        ("maps/z/psf", 1.5),
        (
            "maps.z.psf: expected gaussian: {fwhm: }, moffat: {fwhm: , beta: }, kernel: "
            "{file: } or none, got 1.5"
        ),
    ),
    (("maps/z/psf", {"gaussian": {"fwhm": 80}}), "maps.z: psf: larger than the frame"),
    (
        ("maps/z/psf", {"kernel": {"file": "psf.fits", "extension": "BAD", "oversampling": 1}}),
        "25 of 25 values are not finite",
    ),
    (("maps/z/psf", {"kernel": {"file": "psf.fits", "extension": "GOOD"}}), "give oversampling="),
    (
        ("maps/z/supersampling", [4, 3]),
        "maps.z.supersampling: expected auto, a whole number or [evaluate, convolve]",
    ),
    (
        ("maps/z/error", None),
        "maps.z: expected one of error, variance, ivar (extensions) and sigma (a number), got none",
    ),
    (("maps/z/ivar", "Z"), "got error, ivar"),
    (
        ("maps/z/error", "NEG"),
        "map.fits[NEG]: expected positive numbers (error), it has none",
    ),
    (
        ("maps/z/error", "SMALL"),
        "map.fits[SMALL]: shape (9, 15) does not match the values' (15, 15)",
    ),
    (("maps/z/error", "Z_ER"), "map.fits: unknown extension 'Z_ER'. Did you mean 'Z_ERR'?"),
    (("maps/z/mask", "ALL"), "maps.z: TracerMap: no pixel is left; of 225"),
    (("maps/z/file", "nothing.fits"), "nothing.fits: no such file"),
    (("maps/z/file", "cut.fits"), "cut.fits[Z]: the data are damaged or cut short"),
    (
        ("maps/z/file", "${NO_SUCH_VARIABLE}/map.fits"),
        "maps.z: the environment variable NO_SUCH_VARIABLE is not set",
    ),
    (
        ("maps/z/pixel_scale", None),
        "maps.z: the file has no WCS in the extension 'Z'; give pixel_scale",
    ),
    (
        ("maps/z/tracer", "dust"),
        "maps.z.tracer: unknown tracer 'dust'. It may be one of: metallicity",
    ),
    (
        ("maps/disc", LIGHT),
        "maps.disc: 'disc' is also the name of another map, of a component or of the lenses",
    ),
    (
        ("maps/a.b", LIGHT),
        "maps.a.b: expected a name of letters, digits and underscores, got 'a.b'",
    ),
    (
        (
            "maps/there",
            {k: v for k, v in LIGHT.items() if k != "pixel_scale"} | {"file": "sky.fits"},
        ),
        "maps.z: has no place on the sky, other maps have one",
    ),
    (("maps", None), "maps: is missing; a fit needs a map"),
    (("galaxy", None), "galaxy: is missing"),
    (
        ("galaxy/disc/light/profile", "sersik"),
        "galaxy.disc.light: unknown profile 'sersik'. Did you mean 'sersic'?",
    ),
    (("galaxy/disc/light/profile", "gradient"), "galaxy.disc.light: unknown profile 'gradient'"),
    (
        ("galaxy/disc/light/profile", "nowhere:ring"),
        "'nowhere' cannot be imported (ModuleNotFoundError",
    ),
    (
        ("galaxy/disc/light/profile", "broken:ring"),
        "'broken' cannot be imported (ModuleNotFoundError: No module named 'nothing_of",
    ),
    (("galaxy/disc/light/profile", "mine:rin"), "'mine' has no function 'rin'"),
    (("galaxy/disc/light/profile", "mine:number"), "'mine' has no function 'number'"),
    (
        ("galaxy/disc/light/R", 1.0),
        "galaxy.disc.light.R: unknown parameter 'R'. It may be one of: R_sersic",
    ),
    (("galaxy/disc/light/R_sersic", None), "galaxy.disc.light.R_sersic: is missing"),
    (
        ("galaxy/disc/light/R_sersic", float("nan")),
        "galaxy.disc.light.R_sersic: expected a finite number or a list of numbers, got nan",
    ),
    (
        ("galaxy/disc/light/R_sersic", "big"),
        "galaxy.disc.light.R_sersic: expected a number, or the name.inclination",
    ),
    (("galaxy/disc/light", None), "galaxy.disc.light: is missing"),
    (("galaxy/disc/light/map", "z"), "galaxy.disc.light: unknown light map 'z'"),
    (("priors", None), "priors: nothing is free"),
    (
        ("priors/disc.metallicity.gradiant", {"normal": [0, 1]}),
        "priors.disc.metallicity.gradiant: unknown name 'gradiant'. Did you mean",
    ),
    (
        ("priors/disc.metallicity", {"normal": [0, 1]}),
        "priors.disc.metallicity: the path stops at a group",
    ),
    (
        ("priors/q.scatter", {"normal": [0, 1]}),
        "priors.q.scatter: unknown name 'q'. It may be one of: disc, z",
    ),
    (
        ("priors/disc.metallicity.central", {"uniform": [6, 7]}),
        "the starting value 8 lies outside the prior's support",
    ),
    (
        ("priors/disc.metallicity.central", {"uniform": [9, 7]}),
        "uniform: expected lowest < highest, got [9.0, 7.0]",
    ),
    (
        ("priors/disc.metallicity.central", {"normal": [9, -1]}),
        "normal: expected a positive standard deviation",
    ),
    (
        ("priors/disc.metallicity.central", {"normal": [9]}),
        "priors.disc.metallicity.central.normal: expected [mean, standard deviation], got [9]",
    ),
    (
        ("priors/disc.metallicity.central", {"norml": [9, 1]}),
        "unknown key 'norml'. Did you mean 'normal'?",
    ),
    (
        ("priors/disc.metallicity.central", {"normal": [9, 1], "uniform": [8, 9]}),
        "expected one of uniform, normal",
    ),
    (
        ("priors/disc.metallicity.central", {"log_uniform": [0, 9]}),
        "log_uniform: expected positive values",
    ),
    (
        ("priors/disc.metallicity.center_x", {"tied": "disc.light.middle"}),
        "center_x: tied to 'disc.light.middle': unknown name 'middle'",
    ),
    (
        ("fit", {"method": "newton"}),
        "fit.method: expected 'fisher', 'lbfgs' or 'adam', got 'newton'",
    ),
    (("sample", {"chain": 3}), "sample.chain: unknown key 'chain'. Did you mean 'chains'?"),
    (("sample", {"draws": 0}), "sample.draws: expected a number greater than 0, got 0"),
    (("baseline", {"map": "y"}), "baseline.map: unknown tracer map 'y'"),
    (("truth", {"disc.light.R": 1.0}), "truth.disc.light.R: unknown name 'R'"),
]


@pytest.mark.parametrize("change, culprit", WRONG, ids=[culprit[:50] for _, culprit in WRONG])
def test_a_mistake_is_one_line_that_names_it(folder, change, culprit):
    lines = mistakes(changed(change), folder)
    assert culprit in lines[0]
    assert len(lines) == 1


def test_all_mistakes_are_reported_at_once(folder):
    """Mistakes of form and of meaning, in any part.

    What only follows from another mistake is not one.
    """
    config = changed(
        ("colour", "blue"),
        ("maps/z/mask", "MASQ"),
        ("maps/l", LIGHT | {"sigma": 1}),
        ("galaxy/disc/light/R_sersic", "nan"),
        ("galaxy/bulge/light", {"profile": "devaucouleurs"}),
        ("priors/disc.light.ampl", {"uniform": [0, 1]}),
        ("priors/disc.light.amp", {"uniform": [0, 1]}),
        ("priors/bulge.light.amp", {"uniform": [0, 1]}),
        ("priors/z.scatter", {"half_normal": 1}),
    )
    starts = [line.split(": ")[0] for line in mistakes(config, folder)]
    assert sorted(starts) == sorted(
        ["colour", "galaxy.bulge.light", "galaxy.disc.light.R_sersic", "maps.l", "maps.z"]
    )
    config["galaxy"]["disc"]["light"]["R_sersic"] = 1.0
    starts = [line.split(": ")[0] for line in mistakes(config, folder)]
    assert {"priors.disc.light.ampl", "priors.disc.light.amp"} <= set(starts)
    assert not {"priors.z.scatter", "priors.bulge.light.amp"} & set(starts)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"uniform": [0.5, 20]}, dist.Uniform(0.5, 20.0)),
        ({"normal": [1, 0.2]}, dist.Normal(1.0, 0.2)),
        (
            {"truncated_normal": [1, 0.5, 0.0, 20]},
            dist.TruncatedNormal(1.0, 0.5, low=0.0, high=20.0),
        ),
        ({"log_normal": [2, 0.5]}, dist.LogNormal(np.log(2.0), 0.5)),
        ({"log_uniform": ["1e-2", 30]}, dist.LogUniform(0.01, 30.0)),
        ({"half_normal": 3}, dist.HalfNormal(3.0)),
    ],
)
def test_every_family_of_priors(folder, given, expected):
    prior = build(changed(("priors/disc.light.R_sersic", given)), folder).priors[
        "disc.light.R_sersic"
    ]
    for value in (0.7, 1.0, 3.0):
        assert float(prior.log_prob(value)) == pytest.approx(
            float(expected.log_prob(value)), rel=1e-5
        )


def test_a_tie_follows(folder):
    made = build(
        changed(
            ("priors/disc.metallicity.center_x", {"tied": "disc.light.center_x"}),
            ("galaxy/disc/light/center_x", 0.3),
        ),
        folder,
    )
    galaxy, _ = made.model().scene_at({})
    assert float(galaxy.disc.metallicity.center_x) == pytest.approx(0.3)


def test_a_scatter_starts_inside_its_prior(folder):
    free = ("priors/z.scatter", {"half_normal": 0.1})
    model = build(changed(free), folder).model()
    assert 0.01 < float(model.constrain(model.start)["z.scatter"]) < 0.2
    assert float(
        build(changed(free, ("maps/z/scatter", 0.03)), folder).maps["z"].map.scatter
    ) == pytest.approx(0.03)
    assert float(build(GOOD, folder).maps["z"].map.scatter) == 0


def test_maps_of_one_instrument_share_it(folder):
    maps = build(
        changed(("maps/light", LIGHT), ("maps/other", LIGHT | {"psf": "none"})), folder
    ).maps
    assert maps["z"].map.instrument is maps["light"].map.instrument
    assert maps["other"].map.instrument is not maps["light"].map.instrument
    assert isinstance(maps["other"].map.instrument.psf, jm.NoPSF)


def test_masks_and_single_errors(folder):
    made = (
        build(
            changed(("maps/z/mask", "CUT"), ("maps/z/error", None), ("maps/z/sigma", 0.5)), folder
        )
        .maps["z"]
        .map
    )
    assert 0 < made.size < SIZE**2
    np.testing.assert_allclose(made.sigma[np.asarray(made.valid)], 0.5)


def on_the_sky(**entries):
    plain = {key: value for key, value in LIGHT.items() if key != "pixel_scale"}
    return ("maps", {name: plain | {"file": file} for name, file in entries.items()})


def test_maps_with_different_places_lie_on_one_sky(folder):
    """The middle of the first map is (0, 0) for all of them, or whatever position is named."""
    first, second = build(changed(on_the_sky(a="sky.fits", b="beside.fits")), folder).maps.values()
    middle = (SIZE - 1) / 2
    np.testing.assert_allclose(
        first.map.instrument.grid.position(middle, middle), (0, 0), atol=1e-4
    )
    np.testing.assert_allclose(
        second.map.instrument.grid.position(middle, middle), (0.4, 0.2), atol=1e-4
    )
    maps = build(
        changed(on_the_sky(a="sky.fits"), ("reference", [150.0, 2.0 - 1 / 3600])), folder
    ).maps
    np.testing.assert_allclose(
        maps["a"].map.instrument.grid.position(middle, middle), (0, 1), atol=1e-4
    )


def test_a_profile_of_ones_own_lies_beside_the_configuration(folder, tmp_path):
    config = changed(
        ("galaxy/disc/metallicity", {"profile": "mine:ring", "height": 8.5}),
        ("priors", {"disc.metallicity.height": {"normal": [8, 1]}}),
    )
    made = build(config, folder)
    assert made.galaxy.disc.metallicity.name == "ring"
    assert float(made.galaxy.disc.metallicity.radius) == 1
    # Written somewhere else, the configuration still finds its files.
    write(tmp_path / "again.yaml", resolved(made.config, folder, {"z": ((4, 2), 3)}))
    again = scene.load(tmp_path / "again.yaml")
    assert again.galaxy.disc.metallicity.name == "ring"
    sampling = again.maps["z"].map.instrument.sampling
    assert (sampling.evaluate, sampling.convolve, sampling.margin) == (4, 2, 3)
    np.testing.assert_array_equal(again.maps["z"].map.values, made.maps["z"].map.values)


def test_the_resolved_configuration_says_every_default(folder):
    said = resolved(parse(changed(("sample", False)), Mistakes()), folder, {})
    assert said["sample"] is False
    assert said["fit"] == {"starts": 4, "method": "fisher", "seed": 0}
    assert said["maps"]["z"]["likelihood"] == "gaussian"
    assert said["maps"]["z"]["file"] == str(folder / "map.fits")
    assert parse(yaml.safe_load(yaml.safe_dump(said)), Mistakes()) is not None


@pytest.mark.parametrize("turn", [0.0, 30.0, 200.0])
def test_a_picture_is_seen_where_it_was_taken(turn):
    """East to the left, north up or turned: without a PSF the picture reproduces itself."""
    wcs = sky((31, 31), turn=turn)
    instrument = jm.Instrument(
        jm.Grid.from_wcs(wcs, (31, 31), (150.0 + 0.0002, 2.0)), jm.NoPSF(), (4, 1), 0
    )
    smooth = np.asarray(
        jm.light.gaussian(*instrument.grid.coordinates, 10.0, 0.8, 0.2, 0.1, -0.5, 0.7)
    )
    galaxy = jm.Galaxy(
        disc=jm.Component(light=jm.Profile(jm.light.image, **picture(smooth, instrument.grid)))
    )
    seen = np.asarray(jm.predict(galaxy, jm.LightMap(smooth, 1.0, instrument))) / float(
        instrument.grid.pixel_area
    )
    np.testing.assert_allclose(seen, smooth, atol=0.01 * smooth.max())


def test_a_picture_is_dark_where_nothing_is_known():
    brightness = np.array([[1.0, np.nan], [-2.0, np.inf]])
    np.testing.assert_array_equal(
        picture(brightness, jm.Grid.regular((2, 2), 1.0))["image"], [[1, 0], [0, 0]]
    )
    with pytest.raises(jm.InputError, match="must be squares"):
        picture(brightness, jm.Grid((0, 0), [[1, 0], [0, 2]], (2, 2)))


def test_a_light_map_may_be_the_light(folder):
    """As surface brightness, and then it is no datum any more."""
    config = changed(
        ("maps/light", LIGHT | {"mask": "CUT"}),
        ("galaxy/disc/light", {"profile": "image", "map": "light"}),
    )
    made = build(config, folder)
    assert set(made.maps) == {"z"}
    image = np.asarray(made.galaxy.disc.light.image)
    assert image.max() == pytest.approx(1.5 / 0.2**2, rel=0.02)
    assert image.min() == 0
    assert float(made.galaxy.disc.light.scale) == pytest.approx(0.2)


def test_a_picture_from_a_file(folder):
    light = {"profile": "image", "file": "beside.fits", "extension": "LIGHT"}
    galaxy = build(changed(on_the_sky(a="sky.fits"), ("galaxy/disc/light", light)), folder).galaxy
    assert float(galaxy.disc.light.scale) == pytest.approx(-0.2, rel=1e-4)
    assert float(galaxy.disc.light.center_x) == pytest.approx(0.4, abs=1e-4)
    (line,) = mistakes(changed(("galaxy/disc/light", light)), folder)
    assert "the maps have no place on the sky; give scale" in line
    galaxy = build(changed(("galaxy/disc/light", light | {"scale": 0.1})), folder).galaxy
    assert float(galaxy.disc.light.scale) == pytest.approx(0.1)


@pytest.fixture(scope="module")
def manga(tmp_path_factory):
    path = tmp_path_factory.mktemp("manga")
    write_manga(path / "maps.fits")
    return path


def manga_config(**entry):
    disc_of_the_file = {
        "inclination": "manga.inclination",
        "position_angle": "manga.position_angle",
    }
    return {
        "maps": {"manga": {"kind": "manga", "file": "maps.fits", "supersampling": [2, 1]} | entry},
        "galaxy": {
            "disc": {
                "light": {"profile": "image", "map": "halpha"},
                "metallicity": {"profile": "disc_gradient", "central": 8.6, "gradient": -0.05}
                | disc_of_the_file,
            }
        },
        "priors": {"disc.metallicity.gradient": {"normal": [0, 1]}},
    }


def test_a_manga_file_gives_maps_and_geometry(manga):
    made = build(manga_config(), manga)
    assert set(made.maps) == {"z"}
    assert float(get(made.galaxy, "disc.metallicity.position_angle")) == pytest.approx(30.0)
    assert made.disc.effective_radius == pytest.approx(2.0)
    assert np.cos(np.deg2rad(made.disc.inclination)) == pytest.approx(0.6)
    assert float(made.maps["z"].map.instrument.psf.fwhm) == pytest.approx(2.57, abs=0.03)
    sharp = build(manga_config(psf="none", names={"z": "oh"}), manga)
    assert isinstance(sharp.maps["oh"].map.instrument.psf, jm.NoPSF)


@pytest.mark.parametrize(
    "change, culprit",
    [
        ({"calibration": "o3n2"}, "maps.manga: unknown calibration 'o3n2'"),
        ({"names": {"halpha": "none"}}, "galaxy.disc.light: unknown light map 'halpha'"),
        (
            {"names": {"halpha": "disc"}},
            "maps.manga: 'disc' is also the name of another map, of a component or of the lenses",
        ),
        ({"file": "gone.fits"}, "gone.fits: no such file"),
        (
            {"names": {"oh": "z"}},
            "maps.manga: names: unknown map 'oh'. It may be one of: halpha, z.",
        ),
        ({"snrr": 3}, "maps.manga.snrr: unknown key 'snrr'. Did you mean 'snr'?"),
        ({"inflate": 0}, "maps.manga.inflate: expected a number greater than 0, got 0."),
        ({"calibration": 3}, "maps.manga.calibration: expected a text, got 3."),
        (
            {"scatter": -1},
            "maps.manga.scatter: expected a number greater than or equal to 0, got -1.",
        ),
        (
            {"kind": "mange"},
            (
                "maps.manga: kind: expected tracer, light, line, lines, ratio, dispersion, map, "
                "manga, sami or file.py:function, got 'mange'."
            ),
        ),
        ({"kind": "mine.py:read"}, "mine.py: no such file."),
    ],
)
def test_a_mistake_about_a_manga_file_is_one_line(manga, change, culprit):
    (line,) = mistakes(manga_config(**change), manga)
    assert culprit in line


@pytest.mark.parametrize(
    "change, culprit",
    [
        (("simulate", None), "simulate: is missing"),
        (("simulate/shape", [0, 3]), "simulate.shape.0: expected a number greater than 0, got 0"),
        (("simulate/psf", {"gaussian": {"fwhm": 80}}), "simulate: psf: larger than the frame"),
        (("simulate/tracer", "age"), "simulate.tracer: unknown tracer 'age'"),
    ],
)
def test_a_simulation_is_checked_too(folder, change, culprit):
    base = [
        ("maps", None),
        ("priors/z.scatter", {"half_normal": 1}),
        ("simulate", {"shape": [9, 9], "pixel_scale": 0.2, "psf": "none"}),
    ]
    (line,) = mistakes(changed(*base, change), folder, want="simulate")
    assert culprit in line
    assert build(changed(*base), folder, want="simulate").config.simulate.shape == (9, 9)


def test_the_truth_of_a_simulation_is_a_galaxy(folder):
    made = build(changed(("truth", {"disc.metallicity.gradient": -0.3})), folder)
    assert float(made.truth.disc.metallicity.gradient) == pytest.approx(-0.3)
    assert build(GOOD, folder).truth is None
    assert disc().disc.light.name == made.truth.disc.light.name
    assert telescope().grid.shape != made.maps["z"].map.values.shape


def test_lights_by_name_become_a_component(folder):
    """Their parameters are free, tied, solved for and true by their paths, with their units."""
    made = build(
        changed(
            *TWO_LIGHTS,
            ("priors/disc.light.Ha.R_sersic", {"uniform": [0.5, 2]}),
            ("priors/disc.light.continuum.center_x", {"tied": "disc.light.Ha.center_x"}),
            ("priors/disc.light.continuum.amp", {"linear": True}),
            ("truth", {"disc.light.Ha.R_sersic": 1.2}),
        ),
        folder,
    )
    assert {name: float(light.amp) for name, light in made.galaxy.disc.lights.items()} == {
        "Ha": 16.0,
        "continuum": 5.0,
    }
    assert [made.maps[name].map.light for name in ("z", "stars")] == ["Ha", "continuum"]
    model = made.model()
    assert set(model.names) == {"disc.light.Ha.R_sersic", "disc.metallicity.gradient"}
    assert "disc.light.continuum.amp" in model.linear
    assert float(get(made.truth, "disc.light.Ha.R_sersic")) == pytest.approx(1.2)
    assert unit_of("disc.light.Ha.R_sersic", made) == "arcsec"
    again = build(resolved(made.config, folder, {}), folder)
    assert set(again.galaxy.disc.lights) == set(LIGHTS)


def test_lights_by_name_may_be_pictures(folder):
    pictures = {
        "Ha": {"profile": "image", "map": "seen"},
        "continuum": {
            "profile": "image",
            "file": "sky.fits",
            "extension": "LIGHT",
            "scale": 0.1,
        },
    }
    made = build(
        changed(*TWO_LIGHTS, ("galaxy/disc/light", pictures), ("maps/seen", LIGHT)), folder
    )
    assert set(made.maps) == {"z", "stars"} and set(made.pictures) == {"seen"}
    scales = {name: float(light.scale) for name, light in made.galaxy.disc.lights.items()}
    assert scales == pytest.approx({"Ha": 0.2, "continuum": 0.1})


@pytest.mark.parametrize(
    "change, culprit",
    [
        (
            ("maps/z/light", "HA"),
            "maps.z.light: unknown light 'HA'. Did you mean 'Ha'? It may be one of: Ha, continuum.",
        ),
        (
            ("maps/z/light", "light"),
            "maps.z.light: unknown light 'light'. It may be one of: Ha, continuum.",
        ),
        (
            ("galaxy/disc/light", {}),
            "galaxy.disc.light: expected a profile, or profiles by the names of lights, got {}.",
        ),
        (
            ("galaxy/disc/light/Ha", {}),
            "galaxy.disc.light.Ha.profile: is missing",
        ),
        (
            ("galaxy/disc/light/H a", LIGHTS["Ha"]),
            "galaxy.disc.light.H a: expected a name of letters, digits and underscores, got 'H a'",
        ),
        (
            ("galaxy/disc/light/continuum", 3),
            "galaxy.disc.light.continuum: expected entries such as extension, field, file, map",
        ),
        (
            ("galaxy/disc/light/continuum/profile", "sersik"),
            "galaxy.disc.light.continuum: unknown profile 'sersik'. Did you mean 'sersic'?",
        ),
        (
            ("galaxy/disc/light/continuum/R_sersic", float("nan")),
            "galaxy.disc.light.continuum.R_sersic: expected a finite number",
        ),
        (
            ("galaxy/disc/light/continuum/R", 1.0),
            "galaxy.disc.light.continuum.R: unknown parameter 'R'",
        ),
        (
            ("priors/disc.light.HA.amp", {"uniform": [0, 20]}),
            "priors.disc.light.HA.amp: unknown name 'HA'. Did you mean 'Ha'?",
        ),
        (
            ("priors/disc.light.amp", {"uniform": [0, 20]}),
            "priors.disc.light.amp: unknown name 'amp'. It may be one of: Ha, continuum",
        ),
        (
            ("priors/disc.light.Ha", {"uniform": [0, 20]}),
            "priors.disc.light.Ha: the path stops at a group",
        ),
    ],
)
def test_a_mistake_about_lights_by_name_is_one_line(folder, change, culprit):
    free = ("priors/disc.light.continuum.amp", {"uniform": [0, 20]})
    (line,) = mistakes(changed(*TWO_LIGHTS, free, change), folder)
    assert culprit in line


def test_what_follows_from_a_wrong_light_is_not_a_mistake(folder):
    """Every light is told, and neither the priors nor the maps of lights that are not there."""
    priors = {f"disc.light.{name}.amp": {"uniform": [0, 20]} for name in LIGHTS}
    wrong = {"Ha": {"profile": 3}, "continuum": LIGHTS["continuum"] | {"profile": "sersik"}}
    lines = mistakes(changed(*TWO_LIGHTS, ("galaxy/disc/light", wrong), ("priors", priors)), folder)
    assert [line.split(": ")[0] for line in lines] == [
        "galaxy.disc.light.Ha.profile",
        "galaxy.disc.light.continuum",
    ]
    (line,) = mistakes(changed(("galaxy/disc/light", {"Ha": {"profile": 3}})), folder)
    assert line.startswith("galaxy.disc.light.Ha.profile: expected a text")


def test_a_simulation_shows_the_light_without_a_name(folder):
    simulation = {"shape": [9, 9], "pixel_scale": 0.2, "psf": "none"}
    config = changed(("maps", None), ("simulate", simulation), ("galaxy/disc/light", LIGHTS))
    (line,) = mistakes(config, folder, want="simulate")
    assert line == "simulate: expected a light without a name, got lights named Ha, continuum."


def test_a_light_may_have_a_texture(tmp_path):
    light = {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0}
    texture = {"amplitude": 0.7, "length": 0.6, "extent": 9.0, "waves": 3}
    metallicity = {"profile": "gradient", "central": 8.6, "gradient": -0.1}
    disc = {"light": light | {"texture": texture}, "metallicity": metallicity}
    simulation = {"shape": [9, 9], "pixel_scale": 0.3, "psf": "none"}
    config = {"galaxy": {"disc": disc}, "simulate": simulation}
    made = build(config, tmp_path, want="simulate").galaxy.disc.light
    assert made.name == "sersic * texture" and made.modes.shape == (7, 7)
    for wrong, message in (
        ({"waves": 0}, "texture: waves: expected a whole number from 1 to 30"),
        ({"extent": None}, r"texture\.extent: (is missing|expected)"),
        ({"wave": 3}, r"texture\.wave: unknown parameter"),
    ):
        disc["light"]["texture"] = texture | wrong
        with pytest.raises(jm.InputError, match=message):
            build(config, tmp_path, want="simulate")
    disc["light"], metallicity["texture"] = light, texture
    with pytest.raises(jm.InputError, match="a texture goes with light"):
        build(config, tmp_path, want="simulate")


def test_a_tracer_may_have_a_random_field(tmp_path):
    config = {
        "galaxy": {
            "disc": {
                "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
                "metallicity": {
                    "profile": "disc_gradient",
                    "central": 8.6,
                    "gradient": -0.1,
                    "inclination": 30.0,
                    "field": {"amplitude": 0.05, "length": 0.6, "kernel": "exponential"},
                },
            }
        },
        "simulate": {"shape": [9, 9], "pixel_scale": 0.3, "psf": "none"},
    }
    metallicity = build(config, tmp_path, want="simulate").galaxy.disc.metallicity
    assert field_of(metallicity).options == {"kernel": "exponential"}
    assert float(field_of(metallicity).inclination) == 30.0
    with pytest.raises(jm.InputError, match=r"field\.lenght: unknown parameter"):
        config["galaxy"]["disc"]["metallicity"]["field"] = {"amplitude": 0.05, "lenght": 0.6}
        build(config, tmp_path, want="simulate")
    with pytest.raises(jm.InputError, match="a random field goes with a tracer"):
        config["galaxy"]["disc"]["light"]["field"] = {"amplitude": 0.05, "length": 0.6}
        build(config, tmp_path, want="simulate")
