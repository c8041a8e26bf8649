"""A function with its numbers: what it takes, what it refuses, and what it shows."""

import string

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from tests.profiles.test_profiles import on_the_sky, spread


def ring(x, y, amp, radius, width=0.1):
    """A user's own light profile."""
    return amp * jnp.exp(-0.5 * ((jnp.hypot(x, y) - radius) / width) ** 2)


def test_a_users_own_function_is_a_profile_like_any_other():
    profile = jm.Profile(ring, amp=2.0, radius=1.0)
    x, y = map(jnp.asarray, on_the_sky((1, 0), (0, 1.1)))
    np.testing.assert_allclose(profile(x, y), [2.0, 2.0 * np.exp(-0.5)], rtol=1e-5)
    assert profile.name == "ring" and float(profile.width) == pytest.approx(0.1)
    slopes = jax.grad(lambda p: p(x, y).sum())(profile)
    assert float(slopes.amp) == pytest.approx(1 + np.exp(-0.5), rel=1e-5)


def test_a_function_that_takes_any_parameter_takes_any_parameter():
    profile = jm.Profile(lambda x, y, **c: c["a"] * x + c["b"] * y, a=1.0, b=2.0)
    assert float(profile(jnp.asarray(3.0), jnp.asarray(4.0))) == 11.0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"amp": 1, "R_sersc": 1, "n_sersic": 1},
            (
                "sersic.*unknown parameter 'R_sersc'. Did you mean 'R_sersic'.*R_sersic, amp, "
                ".*n_sersic"
            ),
        ),
        ({"amp": 1}, "sersic.*missing parameter 'R_sersic', 'n_sersic'"),
        (
            {"amp": "bright", "R_sersic": 1, "n_sersic": 1},
            "sersic.*amp: expected a number.*'bright'",
        ),
        ({"amp": None, "R_sersic": 1, "n_sersic": 1}, "amp: expected a number.*None"),
        ({"amp": 1j, "R_sersic": 1, "n_sersic": 1}, "amp: expected a number"),
        ({"amp": [1, [2, 3]], "R_sersic": 1, "n_sersic": 1}, "amp: expected a number"),
        (
            {"amp": 1, "R_sersic": float("nan"), "n_sersic": 1},
            "R_sersic: expected finite numbers, got nan",
        ),
        (
            {"amp": 1, "R_sersic": 1, "n_sersic": float("inf")},
            "n_sersic: expected finite numbers, got inf",
        ),
    ],
    ids=string.ascii_lowercase[:8],
)
def test_wrong_parameters_are_refused_by_name(parameters, message):
    with pytest.raises(jm.InputError, match=message):
        jm.Profile(jm.light.sersic, **parameters)


@pytest.mark.parametrize(
    "function", ["sersic", None, lambda x: x, lambda: 0.0], ids=["text", "nothing", "f(x)", "f()"]
)
def test_what_is_no_function_of_x_and_y_is_refused(function):
    with pytest.raises(jm.InputError, match=r"f\(x, y, \*\*parameters\)"):
        jm.Profile(function)


@pytest.mark.parametrize(
    ("profile", "parameters"),
    [
        (jm.light.image, {"image": 1.0}),
        (jm.light.image, {"image": np.ones(4)}),
        (jm.tracer.polynomial, {"coefficients": 8.0}),
        (jm.tracer.polynomial, {"coefficients": np.ones((2, 2))}),
        (jm.tracer.polynomial, {"coefficients": np.ones(5)}),
    ],
    ids=[
        "a number for a picture",
        "a row for a picture",
        "one coefficient without a list",
        "a table",
        "five coefficients",
    ],
)
def test_an_array_of_the_wrong_shape_is_refused_by_name(profile, parameters):
    """At the latest when it is read."""
    with pytest.raises(jm.InputError, match=next(iter(parameters))):
        jm.Profile(profile, **parameters)(*map(jnp.asarray, spread(3)))


def test_a_profile_shows_its_parameters_and_no_others():
    disc = jm.Profile(jm.light.sersic, amp=16, R_sersic=1, n_sersic=1)
    assert float(disc.e1) == 0.0 and disc.amp.dtype == jnp.result_type(float)
    with pytest.raises(AttributeError, match="no parameter 'radius'"):
        _ = disc.radius
