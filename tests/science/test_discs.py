"""The rival is fair: naive lines are measured in the disc of the model, and every gradient says
which radius it is per.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.galaxy import get
from jaxmetal.io.fits import write_maps
from jaxmetal.io.gradients import gradient_table, gradients
from jaxmetal.io.summary import summary_text
from jaxmetal.profiles import geometry
from jaxmetal.science.baselines import MAJOR_AXIS, MEAN
from jaxmetal.science.discs import Disc, disc_of_model
from tests.io.test_config import build, folder, manga, manga_config  # noqa: F401
from tests.scenes import disc, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

PLACE = {"center_x": 0.3, "center_y": -0.2}


def galaxy(tracer, light=None, **others):
    """A disc that carries a tracer, and other components."""
    light = light or jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    return jm.Galaxy(disc=jm.Component(light=light, metallicity=tracer), **others)


def inclined(**options):
    numbers = {
        "central": 8.5,
        "gradient": -0.1,
        "inclination": 60.0,
        "position_angle": 20.0,
    } | PLACE
    return jm.Profile(jm.tracer.disc_gradient, **(numbers | options))


def elliptical(**options):
    return jm.Profile(
        jm.tracer.gradient,
        **({"central": 8.5, "gradient": -0.1, "e1": 0.2, "e2": -0.25} | PLACE | options),
    )


def own(x, y, central, gradient):
    return central + gradient * jnp.hypot(x, y)


FLAT = jm.Profile(jm.tracer.uniform, value=8.5)
OVAL = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=2.0, n_sersic=1.0, e1=0.2, e2=-0.25, **PLACE)


@pytest.mark.parametrize("profile", [inclined(), elliptical()], ids=["disc", "ellipse"])
def test_radii_are_those_of_the_models_own_tracer(profile):
    """A tracer that is its radius, seen without a PSF, is the radius of the naive lines."""
    found = disc_of_model(galaxy(profile), "metallicity")
    instrument = telescope(shape=(9, 11))
    x, y = instrument.grid.coordinates
    expected = (profile(x, y) - 8.5) / -0.1
    np.testing.assert_allclose(found.radii(instrument), expected, rtol=1e-4, atol=1e-4)
    assert found.center == pytest.approx((0.3, -0.2))
    assert found.sources["inclination"] == "the model's disc.metallicity"


def test_the_two_radii_of_an_ellipse_differ_by_the_root_of_its_axis_ratio():
    instrument = telescope(shape=(9, 11))
    e1, e2 = (float(e) for e in geometry.ellipticity(np.cos(np.deg2rad(60.0)), 20.0))
    major = disc_of_model(galaxy(inclined()), "metallicity")
    mean = disc_of_model(galaxy(elliptical(e1=e1, e2=e2)), "metallicity")
    assert (major.radius_name, mean.radius_name) == (MAJOR_AXIS, MEAN)
    assert mean.inclination == pytest.approx(
        60.0, abs=1e-3
    ) and mean.position_angle == pytest.approx(20.0, abs=1e-3)
    np.testing.assert_allclose(
        mean.radii(instrument) * np.sqrt(2.0), major.radii(instrument), rtol=1e-4
    )
    assert (
        mean.to_major_axis == pytest.approx(np.sqrt(2.0), rel=1e-4) and major.to_major_axis == 1.0
    )


@pytest.mark.parametrize(
    ("model", "radius", "source", "center"),
    [
        (
            galaxy(elliptical(e1=0.0, e2=0.0), OVAL),
            "circle",
            "the model's disc.metallicity",
            (0.3, -0.2),
        ),
        (galaxy(FLAT, OVAL), MAJOR_AXIS, "the model's disc.light", (0.3, -0.2)),
        (
            galaxy(jm.Profile(own, central=8.0, gradient=-0.1), OVAL),
            MAJOR_AXIS,
            "the model's disc.light",
            (0.3, -0.2),
        ),
        (galaxy(FLAT), "circle", "the model's disc.light", (0.0, 0.0)),
        # The middle of a picture's frame is not where the galaxy is.
        (
            galaxy(
                FLAT, jm.Profile(jm.light.image, image=np.ones((5, 5)), scale=1.0, center_x=3.0)
            ),
            "circle",
            None,
            (0.0, 0.0),
        ),
        (
            galaxy(inclined(), bulge=jm.Component(light=OVAL, metallicity=FLAT)),
            MAJOR_AXIS,
            "the model's disc.metallicity",
            (0.3, -0.2),
        ),
        (
            galaxy(FLAT, bulge=jm.Component(light=OVAL, metallicity=FLAT)),
            "circle",
            None,
            (0.0, 0.0),
        ),
    ],
    ids=[
        "round tracer",
        "no radius",
        "own function",
        "round light",
        "picture",
        "one of two",
        "either of two",
    ],
)
def test_what_a_tracer_leaves_open_is_that_of_its_light(model, radius, source, center):
    found = disc_of_model(model, "metallicity")
    assert found.radius_name == radius and found.sources.get("inclination") == source
    assert found.center == pytest.approx(center)
    if source == "the model's disc.light" and radius == MAJOR_AXIS:
        size = np.hypot(0.2, 0.25)
        assert np.cos(np.deg2rad(found.inclination)) == pytest.approx(
            (1 - size) / (1 + size), rel=1e-5
        )


def test_the_component_whose_gradient_is_meant_can_be_named():
    two = galaxy(inclined(), outer=jm.Component(light=OVAL, metallicity=elliptical(center_x=1.0)))
    assert disc_of_model(two, "metallicity").sources == {}
    assert disc_of_model(two, "metallicity", "outer").center == pytest.approx((1.0, -0.2))
    assert disc_of_model(two, "metallicity", "disc").radius == MAJOR_AXIS


def test_a_disc_behind_a_lens_is_measured_in_its_own_source_plane():
    lens = {"halo": jm.Profile(jm.lens.sie, theta_E=1.0)}
    source = {"light": OVAL, "metallicity": elliptical(e1=0.0, e2=0.0)}
    far = jm.Galaxy(lens=lens, disc=jm.Component(**source, distance_ratio=0.5))
    near = jm.Galaxy(lens=lens, disc=jm.Component(**source, foreground=True))
    instrument = telescope(shape=(7, 7))
    x, y = (np.asarray(value) for value in instrument.grid.coordinates)
    for one, behind in ((far, jm.lensing.source_position(far, x, y, 0.5)), (near, (x, y))):
        expected = np.hypot(np.asarray(behind[0]) - 0.3, np.asarray(behind[1]) + 0.2)
        np.testing.assert_allclose(
            disc_of_model(one, "metallicity").radii(instrument, one), expected, atol=1e-4
        )


def test_gradients_are_scaled_to_kpc_and_effective_radii():
    major = Disc(inclination=60.0, effective_radius=3.0, redshift=0.03)
    kpc = jm.lensing.kpc_per_arcsec(0.03)
    assert major.scales == pytest.approx({"arcsec": 1.0, "kpc": 1 / kpc, "R_e": 3.0})
    assert replace(major, radius=MEAN).scales["R_e"] == pytest.approx(3.0 * np.sqrt(0.5))
    assert Disc(redshift=-0.001).scales == {"arcsec": 1.0}
    # R_sersic is the mean of the axes, unless the profile says otherwise.
    q = (1 - np.hypot(0.2, 0.25)) / (1 + np.hypot(0.2, 0.25))
    assert disc_of_model(galaxy(FLAT, OVAL), "metallicity").effective_radius == pytest.approx(
        2.0 / np.sqrt(q), rel=1e-5
    )
    along = jm.Profile(
        jm.light.sersic, amp=1.0, R_sersic=2.0, n_sersic=1.0, e1=0.2, e2=-0.25, major_axis=True
    )
    assert disc_of_model(galaxy(FLAT, along), "metallicity").effective_radius == pytest.approx(2.0)
    assert disc_of_model(galaxy(FLAT), "metallicity").effective_radius is None


def test_the_configuration_comes_before_the_model_and_that_before_the_file(manga):  # noqa: F811
    config = manga_config()
    made = build(config, manga)
    assert made.disc.sources["inclination"] == "the model's disc.metallicity"
    assert made.disc.sources["effective_radius"] == "the file of the map"
    # The fitted values, not those that the fit started from.
    turned = made.galaxy.with_named({"disc": galaxy(inclined(inclination=10.0)).disc})
    assert made.disc_of(turned).inclination == pytest.approx(10.0, abs=1e-3)
    config["galaxy"]["disc"]["metallicity"] = {"profile": "uniform", "value": 8.6}
    config["priors"] = {"disc.metallicity.value": {"normal": [8.5, 1]}}
    by_file = build(config, manga).disc
    assert (
        by_file.sources["inclination"] == by_file.sources["position_angle"] == "the file of the map"
    )
    assert np.cos(np.deg2rad(by_file.inclination)) == pytest.approx(
        0.6
    ) and by_file.position_angle == pytest.approx(30.0)
    config["baseline"] = {
        "inclination": 0,
        "center": [1, 2],
        "redshift": 0.5,
        "effective_radius": 4,
    }
    told = build(config, manga).disc
    assert (told.inclination, told.center, told.redshift, told.effective_radius) == (
        0,
        (1.0, 2.0),
        0.5,
        4,
    )
    assert (
        told.sources["inclination"] == "the configuration"
        and told.position_angle == by_file.position_angle
    )


SCALE, SIZE = 0.3, 21


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A map of an inclined disc in dex, without a PSF and without a baseline.

    Its scene, and a fit that found the truth.
    """
    path = tmp_path_factory.mktemp("inclined")
    grid = jm.Grid.regular((SIZE, SIZE), SCALE)
    noise = 0.002 * np.random.default_rng(1).normal(size=(SIZE, SIZE))
    write_maps(path / "map.fits", {"Z": (np.asarray(inclined()(*grid.coordinates)) + noise, "dex")})
    entry = {
        "kind": "tracer",
        "file": "map.fits",
        "value": "Z",
        "sigma": 0.002,
        "pixel_scale": SCALE,
    }
    start = {
        "profile": "disc_gradient",
        "central": 8.4,
        "gradient": -0.05,
        "inclination": 40,
        "position_angle": 0,
    }
    config = {
        "maps": {"z": entry | {"psf": "none", "supersampling": 1}},
        "galaxy": {
            "disc": {"light": {"profile": "uniform", "amp": 1.0}, "metallicity": start | PLACE}
        },
        "priors": {
            "disc.metallicity.central": {"uniform": [8, 9]},
            "disc.metallicity.gradient": {"normal": [0, 0.5]},
            "disc.metallicity.inclination": {"uniform": [5, 85]},
            "disc.metallicity.position_angle": {"normal": [0, 30]},
        },
    }
    made = build(config, path)
    truth = made.galaxy.with_named(
        {"disc": jm.Component(light=made.galaxy.disc.light, metallicity=inclined())}
    )
    free = {path: np.asarray(get(truth, path)) for path in config["priors"]}
    predicted = np.asarray(inclined()(*grid.coordinates))
    return made, jm.Fit(
        parameters=free,
        covariance=1e-6 * np.eye(4),
        galaxy=truth,
        maps={"z": made.maps["z"].map},
        predicted={"z": predicted},
        log_prior=0.0,
        converged=True,
        message="converged",
        unconstrained=np.zeros(4),
        unconstrained_covariance=np.eye(4),
    )


def test_a_fair_rival_agrees_where_nothing_is_blurred(fitted):
    """Without a PSF the naive line is right, in the fitted disc and its radius.

    Face-on it was off by a third.
    """
    made, fit = fitted
    rows = {row.name: row for row in gradients(made, fit, None)}
    best = rows["forward-modelled, maximum"].gradient
    assert best == pytest.approx(-0.1, abs=0.002)
    for name in ("naive: all pixels alike", "naive: weighted by errors"):
        assert rows[name].gradient == pytest.approx(best, rel=0.01)
    assert {row.radius for row in rows.values()} == {MAJOR_AXIS}
    told = made.config.model_copy(
        update={"baseline": made.config.baseline.model_copy(update={"inclination": 0.0})}
    )
    unfair = {row.name: row for row in gradients(replace(made, config=told), fit, None)}
    assert unfair["naive: weighted by errors"].gradient < 1.2 * best
    assert (
        unfair["naive: weighted by errors"].radius == "circle"
        and unfair["forward-modelled, maximum"].radius == MAJOR_AXIS
    )


def test_the_table_says_which_radius_and_which_geometry(fitted):
    made, fit = fitted
    assert gradient_table(made, fit, None).splitlines()[0].split() == [
        "radius:",
        "major",
        "axis",
        "dex/arcsec",
    ]
    said = summary_text(made, fit, None)
    line = next(line for line in said.splitlines() if line.startswith("gradient of z"))
    assert (
        "inclination 60.0 deg, position angle 20." in line
        and "(the model's disc.metallicity)" in line
    )
    known = {"redshift": 0.03, "effective_radius": 1.5, "inclination": 0.0}
    told = made.config.model_copy(
        update={"baseline": made.config.baseline.model_copy(update=known)}
    )
    observed = replace(made.maps["z"], unit="km/s")
    lines = gradient_table(replace(made, config=told, maps={"z": observed}), fit, None).splitlines()
    assert lines[0].split() == [
        "radius:",
        "see",
        "the",
        "rows",
        "km/s/arcsec",
        "km/s/kpc",
        "km/s/R_e",
    ]
    assert lines[1].startswith("naive: all pixels alike (circle) ") and lines[-1].startswith(
        "forward-modelled, maximum (major axis) "
    )
    value = float(lines[-1].split()[4])
    kpc, per_R_e = float(lines[-1].split()[7]), float(lines[-1].split()[10])
    assert kpc == pytest.approx(value / jm.lensing.kpc_per_arcsec(0.03), abs=2e-4)
    assert per_R_e == pytest.approx(1.5 * value, abs=2e-4)
    plain = gradient_table(replace(made, maps={"z": replace(observed, unit="")}), fit, None)
    assert plain.splitlines()[0].split()[-2:] == ["per", "arcsec"]


def test_a_face_on_disc_is_said_to_be_one():
    found = disc_of_model(disc(), "metallicity")
    assert found.describe().startswith(
        "face-on, centre (0.00, 0.00) arcsec (the model's disc.metallicity); R_e 1 arcsec"
    )
    assert Disc().describe() == "face-on, centre (0.00, 0.00) arcsec (nobody says otherwise)"
