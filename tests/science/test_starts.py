"""Starting values from the data: near the truth where moments tell it, and said to be unknown
where they do not.
"""

import inspect

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.galaxy import get, range_at
from jaxmetal.inference.priors import Tied, checked_prior
from jaxmetal.io.automatic import placeholder
from jaxmetal.profiles.profile import options_of
from tests.scenes import disc, telescope

TRUTH = {"R": 1.0, "central": 8.6, "gradient": -0.15, "x": 0.4, "y": -0.3}
LIGHT = {"e1": 0.1, "e2": 0.15}
# Parameters that are lists.
LISTS = {
    "shapelets": {"amp": [1.0]},
    "shapelets_polar": {"amp": [1.0]},
    "shapelets_polar_exp": {"amp": [1.0]},
    "multi_gaussian": {"amp": [1.0, 1.0], "sigma": [0.5, 1.0]},
    "mge_set": {"amp": [1.0, 1.0]},
    "image": {"image": np.ones((5, 5))},
    "polynomial": {"coefficients": [8.0, 0.1, 0.1]},
    "spline_rotation": {"radii": [0.5, 1.0], "velocities": [100.0, 150.0]},
}
# Lights of the default run; each is compiled.
QUICK = ("sersic", "gaussian", "image", "shapelets")


@pytest.fixture(scope="module")
def maps():
    """A noisy map of metallicity and one of the light, of a galaxy away from the middle."""
    truth, instrument = disc(**TRUTH, **LIGHT), telescope()
    z = jm.simulate.tracer_map(truth, instrument, variance=lambda flux: 1e-3 + 1e-3 / flux, seed=1)
    return {"z": z, "light": jm.simulate.light_map(truth, instrument, seed=2)}


@pytest.fixture(scope="module")
def velocities():
    """A velocity field and the light of a disc whose receding side is in the south-west."""
    light = jm.Profile(jm.light.exponential, amp=16.0, scale_length=1.0, e1=0.2)
    motion = jm.Profile(
        jm.tracer.rotation, v_max=200.0, r_turn=0.4, inclination=50.0, position_angle=220.0,
        systemic=1500.0,
    )  # fmt: skip
    truth, instrument = jm.Galaxy(disc=jm.Component(light, velocity=motion)), telescope()
    field = jm.simulate.tracer_map(
        truth, instrument, "velocity", "linear", variance=lambda flux: 25.0 + 0 * flux, seed=1
    )
    return {"v": field, "light": jm.simulate.light_map(truth, instrument, seed=2)}


def test_moments_and_the_naive_line_lie_near_the_truth(maps):
    found = jm.guess(disc(R=4.0, n=3.0, central=0.0, gradient=0.0), maps)
    light = {name: float(value) for name, value in found.galaxy.disc.light.parameters.items()}
    assert light["center_x"] == pytest.approx(0.4, abs=0.05)
    assert light["center_y"] == pytest.approx(-0.3, abs=0.05)
    assert light["R_sersic"] == pytest.approx(1.0, rel=0.15)
    assert (light["e1"], light["e2"]) == pytest.approx((0.1, 0.15), abs=0.04)
    assert light["amp"] == pytest.approx(16.0, rel=0.3)
    tracer = found.galaxy.disc.metallicity
    assert float(tracer.central) == pytest.approx(8.6, abs=0.05)
    assert float(tracer.gradient) == pytest.approx(-0.15, abs=0.05)


def test_the_galaxy_that_is_given_stays_as_it_is(maps):
    galaxy = disc(R=4.0)
    jm.guess(galaxy, maps)
    assert float(galaxy.disc.light.R_sersic) == 4.0


def test_a_tracer_follows_the_centre_of_its_light(maps):
    priors = jm.guess(disc(), maps).priors
    for axis in ("x", "y"):
        assert priors[f"disc.metallicity.center_{axis}"].paths == (f"disc.light.center_{axis}",)


def test_all_priors_are_accepted_by_a_model_without_a_warning(maps):
    """Warnings are errors in these tests."""
    model = jm.guess(disc(R=4.0, central=0.0), maps).model(maps)
    assert {"disc.light.amp", "disc.metallicity.gradient", "z.scatter"} <= set(model.names)
    assert np.all(np.isfinite(model.start))


def test_the_size_is_that_before_the_psf(maps):
    truth = disc(**TRUTH, **LIGHT)
    sizes = []
    for fwhm in (0.4, 1.6):
        light = jm.simulate.light_map(truth, telescope(fwhm=fwhm), seed=2)
        found = jm.guess(disc(R=3.0), {"z": maps["z"], "light": light})
        sizes.append(float(found.galaxy.disc.light.R_sersic))
    assert sizes == pytest.approx([1.0, 1.0], rel=0.2)


def test_without_a_map_of_light_its_shape_comes_from_the_errors_and_is_held(maps):
    found = jm.guess(disc(R=4.0), {"z": maps["z"]})
    assert not [path for path in found.priors if path.startswith("disc.light")]
    line = next(line for line in found.lines if line.path == "disc.light.center_x")
    assert line.value == pytest.approx(0.4, abs=0.3)
    assert "inverse variances of z" in line.source and "no map shows the light" in line.source


def test_errors_that_are_all_alike_leave_the_footprint():
    instrument = telescope()
    x, y = (np.asarray(axis) for axis in instrument.grid.coordinates)
    inside = np.hypot(x - 0.5, y) < 1.5
    flat = jm.TracerMap(
        np.where(inside, 8.5 - 0.1 * np.hypot(x - 0.5, y), np.nan), 0.1, instrument, check=False
    )
    found = jm.guess(disc(), {"z": flat})
    line = next(line for line in found.lines if line.path == "disc.light.center_x")
    assert line.value == pytest.approx(0.5, abs=0.05) and "footprint" in line.source


def test_a_rotation_starts_from_the_velocity_field(velocities):
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=3.0)
    motion = jm.Profile(jm.tracer.rotation, v_max=1.0, r_turn=3.0)
    found = jm.guess(jm.Galaxy(disc=jm.Component(light, velocity=motion)), velocities)
    field = {name: float(value) for name, value in found.galaxy.disc.velocity.parameters.items()}
    assert field["position_angle"] == pytest.approx(220.0, abs=5.0)
    assert field["systemic"] == pytest.approx(1500.0, abs=10.0)
    assert 120.0 < field["v_max"] < 350.0
    assert 20.0 <= field["inclination"] <= 75.0
    # Its speed and its inclination cannot be told apart.
    assert "disc.velocity.inclination" not in found.priors
    assert {"disc.velocity.v_max", "disc.velocity.r_turn"} <= set(found.priors)


def test_only_the_paths_that_are_asked_for_change(maps):
    galaxy = disc(R=4.0, central=0.0)
    found = jm.guess(galaxy, maps, ["disc.light.R_sersic"])
    assert float(found.galaxy.disc.light.R_sersic) < 2.0
    assert float(found.galaxy.disc.metallicity.central) == 0.0
    assert "disc.metallicity.central" in found.priors


def test_two_components_share_the_flux_and_keep_their_order(maps):
    parts = {
        name: jm.Component(jm.Profile(jm.light.sersic, amp=1.0, R_sersic=size, n_sersic=1.0))
        for name, size in (("bulge", 0.1), ("disc", 2.0))
    }
    found = jm.guess(jm.Galaxy(**parts), {"light": maps["light"]}).galaxy
    assert float(found.bulge.light.R_sersic) < float(found.disc.light.R_sersic)
    assert float(found.bulge.light.amp) > 0


def test_light_behind_a_lens_is_left_alone(maps):
    galaxy = disc(R=4.0)
    lensed = jm.Galaxy(lens={"halo": jm.Profile(jm.lens.sis, theta_E=0.3)}, disc=galaxy.disc)
    found = jm.guess(lensed, {"z": maps["z"]})
    assert float(found.galaxy.disc.light.R_sersic) == 4.0
    line = next(line for line in found.lines if line.path == "disc.light.R_sersic")
    assert line.value is None and "behind a lens" in line.source
    assert "disc.metallicity.gradient" in found.priors


def test_a_metallicity_of_line_fluxes_comes_from_a_calibration():
    truth = jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=30.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.1),
            emission=jm.Emission("curti20"),
        )
    )
    lines = jm.simulate.line_maps(truth, telescope(), ("Ha", "NII6584"), seed=4)
    both = {
        "fluxes": lines,
        "ratio": {"n2": jm.RelativeLineMap(lines["NII6584"], lines["Ha"])},
    }
    for maps_of_lines in both.values():
        found = jm.guess(truth, maps_of_lines)
        line = next(line for line in found.lines if line.path == "disc.metallicity.central")
        assert line.value == pytest.approx(8.6, abs=0.3) and "n2_m13" in line.source


def test_a_guess_prints_a_line_for_each_parameter(maps):
    found = jm.guess(disc(), maps)
    lines = str(found).splitlines()
    assert len(lines) == len(found.lines)
    assert any(
        "disc.light.R_sersic" in line and "log_normal" in line and "moments of light" in line
        for line in lines
    )
    assert any("tied to disc.light.center_x" in line for line in lines)


def made(function):
    """A profile with any numbers that it may have."""
    lists = LISTS.get(function.__name__, {})
    names = list(inspect.signature(function).parameters)[2:]
    numbers = {
        name: placeholder(function, name)
        for name in names
        if name not in lists and name not in options_of(function)
    }
    return jm.Profile(function, **numbers, **{key: jnp.asarray(v) for key, v in lists.items()})


def check_guess(galaxy, maps):
    """Every value is in the range of its parameter, every prior can be used."""
    found = jm.guess(galaxy, maps)
    scene = {**found.galaxy.named, **maps}
    for line in found.lines:
        if line.value is not None:
            assert np.isfinite(line.value), line
            allowed = range_at(scene, line.path)
            assert allowed is None or allowed.holds(np.asarray(line.value)), line
    for path, prior in found.priors.items():
        if isinstance(prior, Tied):
            assert np.shape(get(scene, prior.paths[0])) == np.shape(get(scene, path))
        else:
            assert isinstance(checked_prior(path, prior, scene), dist.Distribution)


SMALL = telescope((9, 9), 0.5, 0.8)


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in jm.light.__all__
        if name != "line_profile"
    ],
)
def test_any_light_can_be_started(name):
    x, y = (np.asarray(axis) for axis in SMALL.grid.coordinates)
    picture = 10 * np.exp(-np.hypot(x - 0.2, y))
    seen = {"light": jm.LightMap(picture, 0.1, SMALL, check=False)}
    check_guess(jm.Galaxy(disc=jm.Component(made(getattr(jm.light, name)))), seen)


@pytest.mark.precision("single")
@pytest.mark.parametrize("name", jm.tracer.__all__)
def test_any_tracer_can_be_started(name):
    x, y = (np.asarray(axis) for axis in SMALL.grid.coordinates)
    field = jm.TracerMap(8.5 - 0.1 * np.hypot(x, y) + 0.02 * x, 0.1, SMALL, "t", check=False)
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0)
    check_guess(
        jm.Galaxy(disc=jm.Component(light, t=made(getattr(jm.tracer, name)))), {"t_map": field}
    )


@pytest.mark.slow
@pytest.mark.precision("single")
@pytest.mark.parametrize("size", [0.6, 2.0])
def test_a_fit_converges_from_a_guess(size):
    """Whatever the numbers that the galaxy had before."""
    place = {"center_x": 0.4, "center_y": -0.3, **LIGHT}
    light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=size, n_sersic=1.5, **place)
    tracer = jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.15, **place)
    truth = jm.Galaxy(disc=jm.Component(light, metallicity=tracer))
    z = jm.simulate.tracer_map(truth, telescope(), variance=lambda flux: 9e-4 + 0 * flux, seed=5)
    maps = {"z": z, "light": jm.simulate.light_map(truth, telescope(), seed=6)}
    fit = jm.optimise(jm.guess(disc(R=7.0, central=0.0), maps).model(maps), starts=1)
    assert fit.converged
    for name, true in {"light.R_sersic": size, "metallicity.gradient": -0.15}.items():
        value, error = (float(numbers[f"disc.{name}"]) for numbers in (fit.parameters, fit.errors))
        assert abs(value - true) < 4 * error
