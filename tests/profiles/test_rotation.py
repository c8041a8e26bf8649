"""Velocity fields: their curves, where they recede, and how their sky may be turned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import i0e, i1e, k0e, k1e

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.profiles.bessel import disc_difference

RADII = np.geomspace(0.01, 12.0, 60)
KNOTS, HEIGHTS = np.array([0.5, 1.3, 2.2, 4.0]), np.array([90.0, 160.0, 150.0, 210.0])
V_MAX, R_TURN = 200.0, 0.6


def freeman(radius, length):
    """In units of its peak, with scipy's Bessel functions."""
    y = radius / (2 * length)
    return y * np.sqrt((i0e(y) * k0e(y) - i1e(y) * k1e(y)) / 0.1935227)


def nfw(radius, scale):
    x = radius / scale
    return np.sqrt((np.log1p(x) - x / (1 + x)) / x / 0.2162166)


BASIC = {"v_max": V_MAX, "r_turn": R_TURN}
COURTEAU = {"beta": 0.3, "gamma": 2.5}
# (profile, its numbers, the curve in numpy).
CURVES = {
    "arctan": (jm.tracer.rotation, BASIC, lambda r: V_MAX * 2 / np.pi * np.arctan(r / R_TURN)),
    "tanh": (jm.tracer.rotation, BASIC, lambda r: V_MAX * np.tanh(r / R_TURN)),
    "freeman": (jm.tracer.rotation, BASIC, lambda r: V_MAX * freeman(r, R_TURN)),
    "nfw": (jm.tracer.rotation, BASIC, lambda r: V_MAX * nfw(r, R_TURN)),
    "courteau": (
        jm.tracer.courteau_rotation,
        BASIC | COURTEAU,
        lambda r: V_MAX * (1 + R_TURN / r) ** 0.3 / (1 + (R_TURN / r) ** 2.5) ** (1 / 2.5),
    ),
    "polyex": (
        jm.tracer.polyex_rotation,
        BASIC | {"outer_slope": 0.02},
        lambda r: V_MAX * (1 - np.exp(-r / R_TURN)) * (1 + 0.02 * r / R_TURN),
    ),
    "disc and halo": (
        jm.tracer.disc_halo_rotation,
        {"v_disc": 150.0, "scale_length": 0.5, "v_halo": 120.0, "r_halo": 4.0},
        lambda r: np.hypot(150.0 * freeman(r, 0.5), 120.0 * nfw(r, 4.0)),
    ),
    "spline": (
        jm.tracer.spline_rotation,
        {"radii": KNOTS, "velocities": HEIGHTS},
        lambda r: CubicSpline([0, *KNOTS], [0, *HEIGHTS], bc_type="natural")(np.minimum(r, 4.0)),
    ),
}
GEOMETRY = {"inclination": 62.0, "position_angle": 35.0, "systemic": 40.0}
SIN_I = np.sin(np.deg2rad(62.0))


def profile(name, **changes):
    """A disc with one of the curves."""
    function, numbers, _ = CURVES[name]
    option = {"curve": name} if function is jm.tracer.rotation else {}
    return jm.Profile(function, **numbers, **{**GEOMETRY, **changes}, **option)


def on_axis(profile, radius, angle):
    """Values along a direction of the sky, counted from north through east."""
    return profile(radius * jnp.sin(jnp.deg2rad(angle)), radius * jnp.cos(jnp.deg2rad(angle)))


@pytest.fixture(scope="module")
def curves():
    """Velocities and slopes of every curve along the receding major axis, in one program."""

    def all_of_them(radius):
        def along(one):
            return lambda r: on_axis(one, r, GEOMETRY["position_angle"])

        ones = jnp.ones_like(radius)
        return {name: jax.jvp(along(profile(name)), (radius,), (ones,)) for name in CURVES}

    values = compiled_once(all_of_them)(jnp.asarray(np.append(RADII, 0.0)))
    return jax.tree.map(lambda a: np.asarray(a, float), values)


@pytest.mark.parametrize("name", CURVES)
def test_the_major_axis_shows_the_curve_and_its_slope(name, curves, tolerance):
    radius = np.asarray(jnp.asarray(RADII), float)
    curve, step = CURVES[name][2], 1e-5 * radius
    velocity, slope = (values[:-1] for values in curves[name])
    np.testing.assert_allclose(velocity, 40.0 + SIN_I * curve(radius), rtol=tolerance(1e-6, 3e-6))
    expected = SIN_I * (curve(radius + step) - curve(radius - step)) / (2 * step)
    near_knot = np.min(np.abs(radius[:, None] - KNOTS), axis=1) < 1e-3
    size = np.abs(expected).max()
    np.testing.assert_allclose(
        slope[~near_knot], expected[~near_knot], rtol=1e-4, atol=tolerance(1e-6, 1e-5) * size
    )


def test_the_difference_of_bessel_functions_is_scipys(tolerance):
    y = np.asarray(jnp.asarray(np.geomspace(5e-6, 200.0, 200)), float)
    expected = i0e(y) * k0e(y) - i1e(y) * k1e(y)
    # scipy's products cancel far out.
    rounding = 4e-16 * i0e(y) * k0e(y) / expected
    difference = np.abs(np.asarray(disc_difference(jnp.asarray(y)), float) / expected - 1)
    assert np.all(difference < tolerance(3e-10, 2e-6) + rounding)


@pytest.mark.parametrize(("name", "peak"), [("freeman", 2.150053), ("nfw", 2.162582)])
def test_the_largest_velocity_of_a_mass_is_v_max(name, peak, tolerance):
    places = R_TURN * jnp.asarray([0.9 * peak, peak, 1.1 * peak])
    disc = profile(name, systemic=0.0, inclination=60.0, position_angle=0.0)
    inner, top, outer = np.asarray(disc(jnp.zeros(3), places), float) / np.sin(np.pi / 3)
    assert top == pytest.approx(V_MAX, rel=tolerance(1e-9, 1e-6)) and top > max(inner, outer)


@pytest.mark.parametrize("name", ["arctan", "tanh", "polyex", "spline"])
def test_a_curve_that_begins_straight_has_its_slope_on_the_centre_itself(name, curves):
    velocity, slope = (values[-1] for values in curves[name])
    assert velocity == pytest.approx(40.0, rel=1e-6)
    assert slope == pytest.approx(SIN_I * CURVES[name][2](1e-5) / 1e-5, rel=1e-4)


POINTS = np.random.default_rng(3).uniform(-2.0, 2.0, (2, 40))
MOVING = {
    "rotation": (jm.tracer.rotation, BASIC),
    "warp": (
        jm.tracer.warped_rotation,
        BASIC | {"position_angle_slope": 8.0, "inclination_slope": 3.0, "warp_radius": 0.4},
    ),
    "bar": (
        jm.tracer.bar_flow,
        {"v_tangential": 40.0, "v_radial": 25.0, "r_bar": 0.9, "bar_angle": 20.0},
    ),
    "flow": (jm.tracer.radial_flow, {"v_radial": 30.0, "r_turn": 0.5}),
}


def velocities(name, x, y, **changes):
    function, numbers = MOVING[name]
    geometry = {"inclination": 55.0, "position_angle": 30.0} | changes
    return np.asarray(jm.Profile(function, **numbers, **geometry)(x, y), float)


def test_pressure_slows_the_gas_as_published(tolerance):
    """V² = V_c² - 3.36 sigma² R/R_e (Burkert et al. 2010), with R_e = 1.678 scale lengths."""
    radius, scale_length = np.geomspace(0.05, 3.0, 20), 0.5
    gas = jm.Profile(
        jm.tracer.pressure_rotation, **BASIC, dispersion=45.0, scale_length=scale_length, **GEOMETRY
    )
    seen = np.asarray(on_axis(gas, jnp.asarray(radius), GEOMETRY["position_angle"]), float)
    squared = CURVES["arctan"][2](radius) ** 2 - 3.36 * 45.0**2 * radius / (1.678 * scale_length)
    expected = np.sqrt(np.maximum(squared, 0.0))
    np.testing.assert_allclose(seen, 40.0 + SIN_I * expected, rtol=1e-3, atol=0.1)
    assert np.any(expected == 0) and np.any(expected > 100)
    slopes = jax.grad(lambda r: jnp.sum(on_axis(gas, r, 35.0)))(jnp.asarray([0.0, 1e-3, 1.0]))
    assert np.all(np.isfinite(slopes))


@pytest.mark.parametrize("name", MOVING)
def test_what_recedes_after_half_a_turn_approached_before(name):
    x, y = POINTS
    turned = velocities(name, x, y, position_angle=210.0)
    np.testing.assert_allclose(turned, -velocities(name, x, y), atol=1e-3)


def test_the_mirror_image_has_the_opposite_position_angle():
    x, y = POINTS
    mirrored = velocities("rotation", -x, y)
    np.testing.assert_allclose(
        mirrored, velocities("rotation", x, y, position_angle=-30.0), atol=1e-3
    )
    # The far side is mirrored, too: a flow of the same sign recedes where it approached.
    flow = velocities("flow", -x, y)
    np.testing.assert_allclose(flow, -velocities("flow", x, y, position_angle=-30.0), atol=1e-3)


def test_the_position_angle_is_that_of_the_receding_side_north_through_east():
    one = profile("arctan", position_angle=90.0, systemic=0.0)
    east, west, north = np.asarray(one(jnp.asarray([1.0, -1.0, 0.0]), jnp.asarray([0.0, 0.0, 1.0])))
    assert east > 100.0 and west == pytest.approx(-east) and north == pytest.approx(0.0, abs=1e-4)


def test_a_radial_flow_shows_on_the_minor_axis():
    radius = jnp.asarray([0.2, 0.8, 3.0])
    flow = jm.Profile(jm.tracer.radial_flow, v_radial=30.0, r_turn=0.5, inclination=60.0)
    # On the sky the minor axis is foreshortened.
    expected = 30.0 * np.tanh(np.asarray(radius) / 0.5 / np.cos(np.pi / 3)) * np.sin(np.pi / 3)
    np.testing.assert_allclose(on_axis(flow, radius, 90.0), expected, rtol=1e-5)
    np.testing.assert_allclose(on_axis(flow, radius, 0.0), 0.0, atol=1e-4)


def test_a_bar_is_bisymmetric_in_the_plane_of_the_disc():
    x, y = POINTS
    i, pa, bar = (np.deg2rad(angle) for angle in (55.0, 30.0, 20.0))
    along = x * np.sin(pa) + y * np.cos(pa)
    across = (x * np.cos(pa) - y * np.sin(pa)) / np.cos(i)
    radius, theta = np.hypot(along, across), np.arctan2(across, along)
    tangential, radial = (v * radius / 0.9 * np.exp(1 - radius / 0.9) for v in (40.0, 25.0))
    expected = -np.sin(i) * (
        tangential * np.cos(2 * (theta - bar)) * np.cos(theta)
        + radial * np.sin(2 * (theta - bar)) * np.sin(theta)
    )
    np.testing.assert_allclose(velocities("bar", x, y), expected, atol=1e-3)


def test_a_warp_turns_the_rings_beyond_its_radius():
    x, y = POINTS
    straight = jm.Profile(jm.tracer.warped_rotation, **BASIC, inclination=55.0, position_angle=30.0)
    np.testing.assert_allclose(straight(x, y), velocities("rotation", x, y), atol=1e-3)
    # Seen almost face-on, the ring at 2 arcsec recedes most at 30 + 8 (2 - 0.4) degrees.
    changes = {"inclination": 1.0, "position_angle": 30.0}
    numbers = MOVING["warp"][1] | {"inclination_slope": 0.0}
    disc = jm.Profile(jm.tracer.warped_rotation, **numbers, **changes)
    angles = jnp.linspace(0.0, 90.0, 901)
    fastest = float(angles[jnp.argmax(on_axis(disc, 2.0, angles))])
    assert fastest == pytest.approx(42.8, abs=0.15)


@pytest.mark.precision("single")
def test_a_wrong_curve_or_list_of_knots_is_one_line():
    with pytest.raises(jm.InputError, match=r"curve: expected one of 'arctan', 'tanh', 'freeman'"):
        jm.Profile(jm.tracer.rotation, **BASIC, curve="flat")
    for radii in ([1.0], [1.0, 2.0, 3.0], 1.0):
        with pytest.raises(jm.InputError, match="spline_rotation: expected a list of two or more"):
            jm.Profile(jm.tracer.spline_rotation, radii=radii, velocities=[100.0, 120.0])


def test_an_exponential_dispersion_falls_to_its_outer_value():
    numbers = {"central": 80.0, "scale_length": 2.0, "outer": 10.0, "inclination": 60.0}
    field = jm.Profile(jm.tracer.exponential, **numbers)
    values = field(jnp.asarray([0.0, 0.0, 1.0]), jnp.asarray([0.0, 2.0, 0.0]))
    expected = [80.0, 10.0 + 70.0 / np.e, 10.0 + 70.0 / np.e]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_the_dispersion_of_a_thick_disc_is_its_height_times_the_angular_velocity():
    """And a solid body's at the centre, on which V/R has a limit."""
    radius, height, turbulence = np.geomspace(0.05, 3.0, 20), 0.1, 15.0
    tilt = {"inclination": 60.0, "position_angle": 90.0}
    numbers = {**BASIC, "height": height, "turbulence": turbulence, **tilt}
    field = jm.Profile(jm.tracer.thick_disc, **numbers)
    of_thickness = height * V_MAX * 2 / np.pi * np.arctan(radius / R_TURN) / radius
    expected = np.hypot(of_thickness, turbulence)
    zero = np.zeros_like(radius)
    for x, y in ((radius, zero), (zero, radius / 2)):
        np.testing.assert_allclose(field(jnp.asarray(x), jnp.asarray(y)), expected, rtol=2e-5)
    center = field(jnp.zeros(1), jnp.zeros(1))
    inner = height * V_MAX * 2 / np.pi / R_TURN
    np.testing.assert_allclose(center, np.hypot(inner, turbulence), rtol=1e-5)
    # The beam of a slow disc is not noise: no gradient is infinite where both terms vanish.
    x, y = jnp.zeros(()), jnp.ones(())
    slope = jax.grad(lambda v: jm.tracer.thick_disc(x, y, v, R_TURN, height))(0.0)
    assert np.isfinite(slope)
