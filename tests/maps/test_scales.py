"""How light averages each quantity that has a name."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from tests.scenes import telescope

SCALES = jm.scales.SCALES
# Two values of each quantity, far apart.
VALUES = {
    "dex": (8.0, 9.0),
    "any": (-150.0, 180.0),
    "none": (1.2, 1.9),
    "Angstrom": (1.0, 6.0),
    "mag": (0.1, 0.9),
    "cm-3": (30.0, 800.0),
    "K": (8000.0, 14000.0),
}


def ratio(a, b, c, n):
    return a * (b + n) / (c + n)


# What telescopes average with the light in the table: the physical quantity, by independent code.
PHYSICAL = {
    "log10": lambda z: 10.0**z,
    "log_mean": lambda z: 10.0**z,
    "index_magnitude": lambda m: 10.0 ** (-0.4 * m),
    "colour": lambda m: 10.0 ** (-0.4 * m),
    "reddening_ccm89": lambda e: 2.86 * 10.0 ** (0.4296 * e),
    "reddening_calzetti": lambda e: 2.86 * 10.0 ** (0.509 * e),
    "density_sii": lambda n: ratio(0.4315, 2107.0, 627.1, n),
    "density_oii": lambda n: ratio(0.3771, 2468.0, 638.4, n),
    "temperature_oiii": lambda t: 0.14 * np.exp(-32900.0 / t),
}


def component(value, center):
    return jm.Component(
        light=jm.Profile(jm.light.exponential, amp=10.0, scale_length=0.6, center_x=center),
        quantity=jm.Profile(jm.tracer.uniform, value=value),
    )


def blank(scale):
    instrument = telescope()
    shape = instrument.grid.shape
    return jm.TracerMap(np.ones(shape), 1.0, instrument, "quantity", scale, check=False)


@pytest.mark.parametrize("name", SCALES)
def test_a_uniform_field_stays_uniform(name):
    value = VALUES[SCALES[name].unit][0]
    galaxy = jm.Galaxy(one=component(value, 0.0))
    np.testing.assert_allclose(jm.predict(galaxy, blank(name)), value, rtol=1e-4)


@pytest.mark.parametrize("name", SCALES)
def test_the_average_over_a_beam_is_that_of_the_physical_quantity(name):
    """Two uniform components: a mean of two numbers, weighted by their smeared light."""
    low, high = VALUES[SCALES[name].unit]
    pair = {"one": component(low, -0.3), "two": component(high, 0.5)}
    lights = []
    for one in pair.values():
        light = jm.LightMap(np.ones(telescope().grid.shape), 1.0, telescope(), check=False)
        lights.append(np.asarray(jm.predict(jm.Galaxy(one=one), light), float))
    physical = PHYSICAL.get(name, lambda z: z)
    numerator = lights[0] * physical(low) + lights[1] * physical(high)
    mean = numerator / (lights[0] + lights[1])
    shown = np.asarray(jm.predict(jm.Galaxy(**pair), blank(name)), float)
    np.testing.assert_allclose(physical(shown), mean, rtol=1e-3)
    assert np.ptp(shown) > 0.2 * abs(high - low)


def test_densities_are_those_of_the_tabulated_ratios():
    table = {10: (1.4338, 1.4412), 100: (1.3098, 1.3115), 1000: (0.8240, 0.7982)}
    for density, ratios in table.items():
        for name, expected in zip(("density_sii", "density_oii"), ratios, strict=True):
            scale = SCALES[name]
            assert float(scale.function(jnp.asarray(float(density)))) == pytest.approx(
                expected, abs=1e-4
            )
            back = float(scale.inverse(jnp.asarray(scale.function(jnp.asarray(float(density))))))
            assert back == pytest.approx(density, rel=1e-3)


def test_the_table_lists_what_is_weighted_by_what():
    table = jm.scales.table()
    assert list(table["scale"]) == list(SCALES)
    assert all(table["light"]) and all(table["quantity"])
    assert set().union(*jm.scales.OF_TRACERS.values()) <= set(SCALES)


@pytest.mark.parametrize(
    ("tracer", "wrong", "right"),
    [
        ("velocity", "log10", "linear"),
        ("reddening", "linear", "reddening_ccm89"),
        ("electron_density", "linear", "density_sii"),
        ("colour", "linear", "colour"),
    ],
)
def test_a_wrong_scale_of_a_quantity_with_a_name_is_told(tracer, wrong, right):
    values = np.random.default_rng(0).normal(1.0, 0.1, telescope().grid.shape)
    with pytest.warns(jm.InputWarning, match=f'{tracer} as "{wrong}"; give scale="{right}"'):
        jm.TracerMap(values, 0.1, telescope(), tracer, wrong)
    # A name of one's own, and functions of one's own, are taken for right.
    jm.TracerMap(values, 0.1, telescope(), "mine", "linear")
    jm.TracerMap(values, 0.1, telescope(), tracer, (jnp.sqrt, jnp.square))
    jm.TracerMap(values, 0.1, telescope(), tracer, right)


def test_an_unknown_scale_is_refused_with_the_names():
    with pytest.raises(jm.InputError, match="density_sii"):
        jm.TracerMap(np.ones((9, 9)), 0.1, telescope(), "n", "density_si")
