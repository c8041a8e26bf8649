"""Maps of velocity and dispersion in a configuration, in a fit and in its results."""

import re

import numpy as np
import pytest
import yaml
from astropy.io import fits

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.io.config import resolved
from jaxmetal.io.scene import load
from jaxmetal.io.summary import unit_of
from jaxmetal.view.figures import fit_figures
from tests.scenes import blank

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE = (15, 16)
COMMON = {
    "file": "gas.fits",
    "unit": "km/s",
    "pixel_scale": 0.4,
    "psf": {"gaussian": {"fwhm": 1.2}},
    "supersampling": [2, 1],
    "margin": 4,
}
V = {"kind": "tracer", "tracer": "velocity", "scale": "linear", "value": "V", "sigma": 2.0}
SIGMA = {"kind": "dispersion", "value": "SIGMA", "sigma": 2.0, "instrumental": "LSF"}
ROTATION = {"v_max": 150.0, "r_turn": 0.5, "inclination": 60.0, "position_angle": 30.0}


def scene_of(**entry):
    velocity = {"profile": "rotation", "curve": "tanh", "systemic": 1500.0, **ROTATION}
    light = {"profile": "exponential", "amp": 1.0, "scale_length": 1.5}
    disc = {"light": light, "velocity": velocity, "dispersion": {"profile": "uniform", "value": 40}}
    priors = {
        "disc.velocity.v_max": {"uniform": [10, 400]},
        "disc.velocity.position_angle": {"normal": [20, 30]},
        "disc.dispersion.value": {"uniform": [1, 100]},
    }
    maps = {"v": V | COMMON, "s": SIGMA | COMMON | entry}
    options = {"fit": {"starts": 1}, "sample": False, "plots": False}
    return {"maps": maps, "galaxy": {"disc": disc}, "priors": priors, **options}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rotating disc of 25 km/s whose instrument has 30 km/s at one end and 40 at the other."""
    path = tmp_path_factory.mktemp("kinematics")
    spread = np.linspace(30.0, 40.0, SHAPE[1]) * np.ones(SHAPE)
    rotation = jm.Profile(jm.tracer.rotation, curve="tanh", systemic=1500.0, **ROTATION)
    component = jm.Component(
        jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.5),
        velocity=rotation,
        dispersion=jm.Profile(jm.tracer.uniform, value=25.0),
    )
    galaxy = jm.Galaxy(disc=component)
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, 0.4), jm.GaussianPSF(1.2), (2, 1), 4)
    kinds = {"instrumental": spread, "check": False}
    s = np.array(jm.predict(galaxy, blank(instrument, jm.DispersionMap, **kinds)))
    v = np.array(jm.predict(galaxy, blank(instrument, tracer="velocity", scale="linear")))
    rng = np.random.default_rng(5)
    images = {"V": v + 2 * rng.normal(size=SHAPE), "SIGMA": s + 2 * rng.normal(size=SHAPE)}
    images |= {"LSF": spread, "SQUARES": images["SIGMA"] ** 2}
    bins = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    images["BINS"] = bins
    hdus = [fits.ImageHDU(image, name=name) for name, image in images.items()]
    hdus[2].header["BUNIT"] = "km/s"
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path / "gas.fits")
    return path


def written(folder, tree, name="fit.yaml"):
    (folder / name).write_text(yaml.safe_dump(tree), "utf-8")
    return folder / name


def test_velocity_and_dispersion_are_fitted_from_a_configuration_and_from_its_results(folder):
    run = jm.run(written(folder, scene_of()), out=folder / "out")
    fit, scene = run.fit, run.scene
    assert fit.converged and isinstance(fit.maps["s"], jm.DispersionMap)
    true = {
        "disc.velocity.v_max": 150.0,
        "disc.velocity.position_angle": 30.0,
        "disc.dispersion.value": 25.0,
    }
    for path, value in true.items():
        assert abs(float(fit.parameters[path]) - value) < 4 * float(fit.errors[path]), path
    units = [unit_of(path, scene) for path in ("disc.dispersion.value", "disc.velocity.r_turn")]
    assert units == ["km/s", "arcsec"]
    # A velocity has a curve, not a gradient.
    assert scene.disc is None and scene.disc_of(fit.galaxy, "v").position_angle != 0
    expected = {"map_v", "map_s", "light_v", "rotation_v", "slit_v"}
    assert set(fit_figures(scene, fit, None)) == expected
    again = load(folder / "out" / "config.resolved.yaml")
    for name in ("values", "sigma", "instrumental"):
        kept, first = (np.asarray(getattr(m, name)) for m in (again.maps["s"].map, fit.maps["s"]))
        np.testing.assert_allclose(kept, first, rtol=1e-6, err_msg=name)


def test_an_instrumental_dispersion_is_a_number_or_a_map_in_its_own_unit(folder):
    number = load(written(folder, scene_of(instrumental=30))).maps["s"].map
    assert number.instrumental.shape == () and float(number.instrumental) == 30.0
    spread = load(written(folder, scene_of(unit="m/s", check=False))).maps["s"].map.instrumental
    assert float(spread.max()) == pytest.approx(4e4)
    squares = scene_of(value="SQUARES", squared=True, unit="km2/s2", bins="BINS")
    squared = load(written(folder, squares)).maps["s"].map
    assert squared.squared and float(squared.instrumental.max()) == pytest.approx(40.0)
    assert squared.instrumental.shape == (SHAPE[0] * SHAPE[1],)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"velocity": "gas"},
            "maps.s.velocity: unknown tracer 'gas'. It may be one of: dispersion",
        ),
        ({"instrumental": -3.0}, "maps.s.instrumental: expected zero or a positive number"),
        ({"instrumental": "NOTHING"}, "maps.s.*NOTHING"),
        ({"squares": True}, "maps.s: unknown key 'squares'|maps.s.squares"),
        ({"instrumental": 200.0}, "lie below that of the instrument"),
    ],
)
@pytest.mark.filterwarnings("ignore:maps.s")
def test_a_mistake_is_one_line(folder, entry, message):
    wrong = written(folder, scene_of(**entry), "wrong.yaml")
    if entry.get("instrumental") == 200.0:
        with pytest.warns(jm.InputWarning, match=message):
            load(wrong)
        return
    with pytest.raises(InputError, match=message) as error:
        load(wrong)
    assert len(str(error.value).splitlines()) == 1, str(error.value)


def test_velocities_of_a_convention_become_those_of_the_rest_frame(folder):
    """And the folder of results keeps these, which are not converted again."""
    plain = load(written(folder, scene_of())).maps
    frame = {"convention": "optical", "redshift": 0.25}
    raw = scene_of(**frame)
    raw["maps"]["v"] |= frame
    optical = written(folder, raw, "optical.yaml")
    maps = load(optical).maps
    speed = np.asarray(plain["v"].map.data, float)
    expected = jm.kinematics.convert_velocity(speed, "optical", "rest", 0.25)
    np.testing.assert_allclose(maps["v"].map.data, expected, rtol=1e-5)
    np.testing.assert_allclose(maps["v"].map.errors, 2.0 / 1.25, rtol=1e-6)
    for name in ("data", "errors", "instrumental"):
        before, after = (np.asarray(getattr(one["s"].map, name)) for one in (plain, maps))
        np.testing.assert_allclose(after, before / 1.25, rtol=1e-6)
    jm.run(optical, folder / "optical")
    kept = load(folder / "optical" / "config.resolved.yaml").maps
    np.testing.assert_allclose(kept["v"].map.data, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"convention": "optical"}, "convention and redshift belong together"),
        ({"redshift": 0.1}, "convention and redshift belong together"),
        ({"convention": "optic", "redshift": 0.1}, "'optical', 'radio' or 'relativistic'"),
        ({"convention": "radio", "redshift": 0.1, "squared": True}, "not of their squares"),
        (
            {"convention": "radio", "redshift": 0.1, "unit": "dex", "instrumental": 1},
            "expected km/s",
        ),
    ],
)
def test_a_convention_that_is_not_clear_is_refused(folder, entry, text):
    with pytest.raises(InputError, match=text):
        load(written(folder, scene_of(**entry), "wrong.yaml"))


def tied_to_the_light(tie):
    """A configuration whose velocity and metallicity share an inclination with the light."""
    tree = scene_of()
    tree["galaxy"]["disc"]["light"] |= {"e1": 0.1, "e2": 0.2}
    line = {"profile": "disc_gradient", "central": 8.4, "gradient": -0.05}
    tree["galaxy"]["disc"]["metallicity"] = line | {"inclination": 0.0, "position_angle": 30.0}
    tree["priors"] |= {f"disc.light.{e}": {"normal": [0.1, 0.2]} for e in ("e1", "e2")}
    tree["priors"] |= {f"disc.{tracer}.inclination": tie for tracer in ("velocity", "metallicity")}
    return tree


@pytest.mark.parametrize("thickness", [0.0, 0.2])
def test_light_metallicity_and_velocity_share_an_inclination(folder, thickness):
    """That of the light's axis ratio, in a configuration and in the one that results keep."""
    tie = {"tied_inclination": {"light": "disc.light", "thickness": thickness}}
    scene = load(written(folder, tied_to_the_light(tie), "tied.yaml"))
    size = np.hypot(0.15, -0.1)
    expected = jm.kinematics.inclination((1 - size) / (1 + size), thickness)
    derived = scene.model().derived({"disc.light.e1": 0.15, "disc.light.e2": -0.1})
    assert set(derived) == {f"disc.{name}.inclination" for name in ("velocity", "metallicity")}
    for value in derived.values():
        assert float(value) == pytest.approx(float(expected), rel=1e-5)
    kept = resolved(scene.config, folder, {})["priors"]["disc.velocity.inclination"]
    assert kept == {"tied_inclination": {"light": "disc.light", "thickness": thickness}}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"light": "disc.light", "thickness": 1}, "thickness: .*less than 1"),
        ({"light": "disc.velocity"}, "tied to 'disc.velocity.e1'"),
        ({"thickness": 0.2}, "tied_inclination.light: is missing"),
        (None, "tied_inclination: expected {light: , thickness: }, got nothing"),
    ],
)
def test_a_tied_inclination_that_is_wrong_is_told(folder, block, message):
    tree = tied_to_the_light({"tied_inclination": block})
    with pytest.raises(InputError, match=message):
        load(written(folder, tree, "wrong.yaml"))


@pytest.mark.slow
def test_the_summary_says_what_velocities_do_for_the_gradient(folder):
    """Metallicity in the disc that rotates: its errors against those of models of fewer maps."""
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, 0.4), jm.GaussianPSF(1.2), (2, 1), 4)
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.5)
    z = jm.Profile(
        jm.tracer.disc_gradient,
        central=8.5,
        gradient=-0.1,
        inclination=60.0,
        position_angle=30.0,
    )
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=z))
    image = np.asarray(jm.predict(galaxy, blank(instrument)), float)
    hdu = fits.ImageHDU(image + 0.05 * np.random.default_rng(2).normal(size=SHAPE), name="Z")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / "z.fits")
    tree = scene_of()
    entry = {"kind": "tracer", "tracer": "metallicity", "scale": "log10", "sigma": 0.05}
    tree["maps"]["z"] = COMMON | entry | {"file": "z.fits", "value": "Z", "unit": "dex"}
    tree["galaxy"]["disc"]["metallicity"] = {
        "profile": "disc_gradient",
        "central": 8.4,
        "gradient": -0.05,
        "inclination": 60.0,
        "position_angle": 30.0,
    }
    tree["priors"] |= {
        "disc.metallicity.central": {"uniform": [7, 9.5]},
        "disc.metallicity.gradient": {"normal": [0, 0.5]},
        "disc.velocity.inclination": {"uniform": [5, 85]},
        "disc.metallicity.inclination": {"tied": "disc.velocity.inclination"},
    }
    run = jm.run(written(folder, tree, "joint.yaml"), out=folder / "joint")
    (line,) = [text for text in run.summary.splitlines() if "times as large" in text]
    numbers = re.search(r"gradient: ([\d.]+) with s and v, ([\d.]+) without, ([\d.]+) times", line)
    joint, alone, ratio = (float(number) for number in numbers.groups())
    path = "disc.metallicity.gradient"
    assert joint == pytest.approx(float(run.fit.errors[path]), rel=0.05)
    priors = {name: p for name, p in run.scene.priors.items() if "dispersion" not in name}
    metallicity = jm.Model(run.fit.galaxy, {"z": run.fit.maps["z"]}, priors)
    assert alone == pytest.approx(float(jm.forecast(metallicity).errors[path]), rel=5e-3)
    assert ratio == pytest.approx(alone / joint, abs=0.01) and ratio > 1.2
    with pytest.raises(InputError, match="unknown map 'u'"):
        jm.forecast(metallicity, maps=["u"])
