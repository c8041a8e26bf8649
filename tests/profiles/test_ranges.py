"""What every parameter of every profile may be, by hand, compared with what docstrings declare."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.galaxy import range_at
from jaxmetal.profiles.ranges import declared_range
from jaxmetal.profiles.units import is_length
from tests.profiles.test_units import ELLIPTICITIES, PARAMETERS
from tests.scenes import disc

# Lengths that may be zero: there is no core, no lens, no break.
MAY_BE_ZERO = {"w_c", "w_t", "w_c1", "w_t1", "w_c2", "w_t2", "w_c3", "w_t3", "Ra", "s_scale"}
MAY_BE_ZERO |= {"theta_E", "break_radius", "sigma_width", "alpha_Rs"}
OTHERS = {
    "at least 0.3 and at most 20": {"n_sersic"},
    "above 0 and at most 1": {"q"},
    "at least 0 and below 90": {"inclination"},
    "above 0 and below 90": {"pitch"},
    "positive": {"number"},
    "zero or positive": {"ratio", "ratio12", "ratio13", "sigma0", "distance_ratio"},
}
# By profile, where a name means something else in it alone.
ALONE = {
    ("moffat", "alpha"): "positive",
    ("moffat", "beta"): "positive",
    ("core_sersic", "alpha"): "positive",
    ("epl", "gamma"): "between 1 and 3",
    # The same if they change places, so that both are core radii.
    ("pjaffe", "Rs"): "zero or positive",
    ("dpie", "Rs"): "zero or positive",
    ("courteau_rotation", "beta"): "below 1",
    ("courteau_rotation", "gamma"): "positive",
    ("pressure_rotation", "dispersion"): "at least 0",
    ("thick_disc", "turbulence"): "at least 0",
}
# Light that may be negative: sums of positive and negative terms, a background, a falling line.
ANY_SIGN = {"shapelets", "shapelets_polar", "shapelets_polar_exp", "multi_gaussian", "mge_set"}
ANY_SIGN |= {"uniform", "linear"}


def expected(function, name):
    """The words for a parameter."""
    if (function.__name__, name) in ALONE:
        return ALONE[function.__name__, name]
    if name == "amp":
        return None if function.__name__ in ANY_SIGN else "zero or positive"
    if name in ELLIPTICITIES:
        return "between -1 and 1"
    if is_length(function, name) or name == "alpha_Rs":
        return "zero or positive" if name in MAY_BE_ZERO else "positive"
    return next((words for words, names in OTHERS.items() if name in names), None)


def test_every_parameter_declares_what_it_may_be():
    wrong = {}
    for function, name in (parameter.values for parameter in PARAMETERS):
        stated = declared_range(function, name)
        if (None if stated is None else stated.words) != expected(function, name):
            wrong[f"{function.__module__}.{function.__name__}.{name}"] = stated
    assert wrong == {} and len(PARAMETERS) > 150


GOOD = {"amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0}


@pytest.mark.parametrize(
    ("function", "values", "words"),
    [
        (jm.light.sersic, GOOD | {"n_sersic": 0.29}, "n_sersic: must be at least 0.3 and at most"),
        (jm.light.sersic, GOOD | {"n_sersic": 1e5}, "n_sersic: must be at least 0.3 and at most"),
        (jm.light.sersic, GOOD | {"R_sersic": 0.0}, "R_sersic: must be positive, got 0"),
        (jm.light.sersic, GOOD | {"R_sersic": -1}, "R_sersic: must be positive, got -1"),
        (jm.light.sersic, GOOD | {"amp": -5}, "amp: must be zero or positive, got -5"),
        (jm.light.sersic, GOOD | {"e1": 1.0}, "e1: must be between -1 and 1, got 1"),
        (jm.light.sersic, GOOD | {"e1": 0.8, "e2": -0.8}, "e1 and e2 together must be below 1"),
        (jm.light.sersic_q_phi, GOOD | {"q": 3.0, "phi": 0}, "q: must be above 0 and at most 1"),
        (jm.light.multi_gaussian, {"amp": [1, -1], "sigma": [1, -2]}, "sigma.*positive, got -2"),
        (
            jm.tracer.disc_gradient,
            {"central": 8, "gradient": 0, "inclination": 90},
            "inclination: must be at least 0 and below 90, got 90",
        ),
        (jm.lens.sie, {"theta_E": -1.0}, "theta_E: must be zero or positive"),
        (jm.lens.epl, {"theta_E": 1, "gamma": 3}, "gamma: must be between 1 and 3, got 3"),
        (jm.lens.sie, {"theta_E": 1.0, "e1": 0.9, "e2": 0.9}, "together must be below 1: 1.27"),
    ],
)
def test_numbers_that_no_galaxy_has_are_refused(function, values, words):
    with pytest.raises(jm.InputError, match=words):
        jm.Profile(function, **values)


@pytest.mark.parametrize("n_sersic", [0.3, 20.0])
def test_what_is_at_an_end_is_allowed_in_either_precision(n_sersic):
    assert float(jm.Profile(jm.light.sersic, **GOOD | {"n_sersic": n_sersic}).n_sersic) > 0


def ring(x, y, amp, radius, sharpness, e1=0.0, e2=0.0, tilt=0.0):
    """A ring of a user.

    Parameters
    ----------
    amp
        anything, positive towards the east.
    radius
        of the ring, arcsec, positive.
    sharpness : float
        of its edge, above -2.5 and at most 4.
    e1, e2
        ellipticity.
    tilt
        of the ring, degrees, from below 5 to more.
    """
    return amp * jnp.exp(-((jnp.hypot(x, y) - radius) ** 2)) * sharpness + e1 + e2 + tilt


def test_a_function_of_a_user_states_ranges_in_the_same_words():
    assert [declared_range(ring, name) for name in ("amp", "tilt", "x")] == [None] * 3
    jm.Profile(ring, amp=-1, radius=2.0, sharpness=-2.0, tilt=400)
    for values, words in (
        ({"radius": 0.0}, "radius: must be positive"),
        ({"sharpness": -2.5}, "sharpness: must be above -2.5 and at most 4, got -2.5"),
        ({"e1": 0.9, "e2": 0.9}, "e1 and e2 together must be below 1"),
    ):
        with pytest.raises(jm.InputError, match=rf"Profile\(ring\).*{words}"):
            jm.Profile(ring, **{"amp": 1, "radius": 2.0, "sharpness": 1.0} | values)


def test_a_compiled_function_states_its_ranges_too():
    with pytest.raises(jm.InputError, match="radius: must be positive"):
        jm.Profile(jax.jit(ring), amp=1, radius=0.0, sharpness=1.0)


def test_under_a_trace_a_number_is_not_known_yet():
    def brightness(size):
        return jm.Profile(jm.light.sersic, **GOOD | {"R_sersic": size})(jnp.ones(()), 1.0)

    values = jax.jit(jax.vmap(brightness))(jnp.array([-1.0, 1.0]))
    assert values.shape == (2,) and np.isfinite(values[1])


def test_what_is_no_profile_states_its_ranges_too():
    """Maps, their instruments and calibrations, and what a component has beside its profiles."""
    grid = jm.Grid.regular((5, 5), 0.2)
    instrument = jm.Instrument(grid, jm.MoffatPSF(0.5, 2.5), 1)
    z = jm.TracerMap(8 + np.zeros((5, 5)), 0.1, instrument, likelihood=jm.StudentT(), check=False)
    scene = {**disc().named, "z": z}
    words = {
        "z.scatter": "zero or positive",
        "z.likelihood.dof": "positive",
        "z.calibration.error_scale": "positive",
        "z.instrument.psf.fwhm": "positive",
        "z.instrument.psf.beta": "at least 1.3",
        "disc.light.R_sersic": "positive",
    }
    assert {path: range_at(scene, path).words for path in words} == words
    assert range_at(scene, "z.calibration.shift_x") is None
    light = jm.Profile(jm.light.sersic, **GOOD)
    with pytest.raises(jm.InputError, match="distance_ratio must be positive, got -1"):
        jm.Component(light, distance_ratio=-1)
