"""What shines and what the light carries.

Each profile's formula, its gradient, and where it might break.
"""

import inspect
from collections import Counter
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from astropy.modeling import functional_models as astropy_models
from scipy.special import gammaincinv

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.profiles.geometry import disc_plane, disc_radius, elliptical_radius, ellipticity
from jaxmetal.profiles.numerics import sersic_b
from jaxmetal.profiles.profile import options_of
from jaxmetal.profiles.units import declared_unit, is_ellipticity, is_length
from jaxmetal.quantities import ARCSEC, PIXEL_SCALE

PICTURE = np.random.default_rng(5).uniform(0.5, 2.0, (6, 9))
B1 = 1.6783469900166605
PIECE = 2048

# Values away from anything special, in turn for the parameters of each unit that a profile
# declares; what has no unit gets 1.7.
ELLIPTICITIES, LENGTHS, PLACES = (
    (0.21, -0.13, 0.15, 0.09, -0.08, 0.12),
    (0.8, 1.1, 0.9, 1.2, 0.7, 1.3),
    (0.17, -0.11),
)
ORDINARY = {
    "deg": (43.0, 37.0, 25.0, 23.0),
    "rad": (0.4,),
    "tracer": (8.4, 0.2),
    "tracer / arcsec": (-0.17, -0.25),
    "flux": (2.3,),
}
ORDINARY |= {
    "flux / arcsec2": (0.6,),
    PIXEL_SCALE: (0.51,),
    "tracer / arcsec^order": (np.linspace(8.0, -0.7, 10),),
}

# Profiles that are sums of many have an amplitude for each; some numbers are not any number.
MANY = {"amp": np.linspace(2.0, 0.5, 6)}
SETS = {
    jm.light.multi_gaussian: MANY | {"sigma": np.linspace(0.4, 1.5, 6)},
    jm.light.mge_set: MANY,
    jm.light.shapelets: MANY,
    jm.light.shapelets_polar: MANY,
    jm.light.shapelets_polar_exp: {"amp": np.linspace(2.0, 0.5, 9)},
    jm.light.pl_sersic: {"r_c": 0.7},
    jm.light.core_sersic: {"gamma": 0.4},
    jm.light.power_law: {"gamma": 1.8},
    jm.light.pjaffe: {"Rs": 1.1},
    jm.light.sersic_flexion: dict.fromkeys(("a", "b1", "b2", "c1", "c2", "d1", "d2"), 0.04),
    jm.light.sersic_q_phi: {"q": 0.6},
    jm.light.image: {"image": PICTURE},
    jm.tracer.spiral_arms: {"number": 3.0, "width": 0.6, "inner_radius": 0.6},
    jm.tracer.broken_gradient: {"smoothness": 0.3},
    jm.tracer.spline_rotation: {
        "radii": np.array([0.4, 1.1, 2.0, 3.1]),
        "velocities": np.array([90.0, 140.0, 120.0, 150.0]),
    },
}

# Where a fit may well begin: some parameters are then zero, or the index of a well-known galaxy.
STARTING_POINTS = [
    {"e1": 0.0, "e2": 0.0},
    {"e1": 1.0, "e2": 0.0},
    {"e1": 0.8, "e2": -0.7},
    {"gradient": 0.0},
    {"contrast": 0.0},
    {"inclination": 0.0},
    {"gradient_x": 0.0, "gradient_y": 0.0},
    {"inner": 0.0, "outer": 0.0},
    {"phi_G": 0.0},
    {"amp": 0.0},
    {"center_x": 0.0, "center_y": 0.0},
    *({"n_sersic": n} for n in (0.5, 1.0, 2.0, 4.0, 8.0)),
]


def functions(module) -> list:
    found = inspect.getmembers(module, inspect.isfunction)
    return [f for name, f in found if f.__module__.startswith(module.__name__) and name[0] != "_"]


LIGHTS, TRACERS = functions(jm.light), functions(jm.tracer)
PROFILES = {f"{f.__module__.split('.')[2]}.{f.__name__}": f for f in LIGHTS + TRACERS}


def names(function) -> list[str]:
    """The parameters; options are none."""
    return [
        name
        for name in list(inspect.signature(function).parameters)[2:]
        if name not in options_of(function)
    ]


def ordinary(function, **special) -> dict:
    """Values of a profile's parameters, away from anything special but for those that are given."""
    values, special = {}, SETS.get(function, {}) | special
    counts = Counter()
    for name in names(function):
        unit = declared_unit(function, name)
        if is_ellipticity(function, name):
            unit, series = "ellipticity", ELLIPTICITIES
        elif unit == ARCSEC:
            unit, series = ("length", LENGTHS) if is_length(function, name) else ("place", PLACES)
        else:
            series = ORDINARY.get(unit, (1.7,))
        values[name] = series[counts[unit] % len(series)]
        counts[unit] += 1
    return {
        name: jnp.asarray(value, float)
        for name, value in (values | special).items()
        if name in values
    }


def on_the_sky(*points):
    """(x, y) arrays of some points."""
    x, y = np.transpose(np.asarray(points, float))
    return x, y


def spread(count, seed=0, reach=2.0):
    """Points all over the sky around the profile, none of them special."""
    return on_the_sky(*np.random.default_rng(seed).uniform(-reach, reach, (count, 2)))


@cache
def compiled(function):
    """A profile's values and its Jacobian in its parameters and the position, compiled once."""

    def moved(parameters, x, y):
        parameters = dict(parameters)
        return function(x + parameters.pop("x"), y + parameters.pop("y"), **parameters)

    return compiled_once(moved), compiled_once(jax.jacrev(moved))


def seen(function, x, y, move=(0.0, 0.0), **parameters) -> np.ndarray:
    """A profile's values as float64, in pieces of one size so that each profile is compiled
    once.
    """
    defaults = inspect.signature(function).parameters.items()
    known = {
        name: p.default
        for name, p in defaults
        if p.default is not p.empty and p.kind is not p.KEYWORD_ONLY
    }
    arrays = {
        name: jnp.asarray(value, float)
        for name, value in {**known, **parameters, "x": move[0], "y": move[1]}.items()
    }
    x, y = (np.asarray(a, float) for a in np.broadcast_arrays(x, y))
    pieces = -(-x.size // PIECE)
    padded = [
        jnp.asarray(np.pad(a.ravel(), (0, pieces * PIECE - a.size), mode="edge")).reshape(
            pieces, PIECE
        )
        for a in (x, y)
    ]
    values = [
        np.asarray(compiled(function)[0](arrays, *piece), float)
        for piece in zip(*padded, strict=True)
    ]
    return np.concatenate(values)[: x.size].reshape(x.shape)


@pytest.mark.precision("double")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_gradient_is_that_of_finite_differences(profile):
    """For every parameter and the position, at points all over the sky."""
    points, parameters = spread(10), ordinary(profile)
    known = compiled(profile)[1](
        {**parameters, "x": jnp.zeros(()), "y": jnp.zeros(())}, *map(jnp.asarray, points)
    )
    assert set(known) == {"x", "y", *names(profile)}

    def moved(name, index, step):
        if name in ("x", "y"):
            return seen(
                profile, *points, move=(step * (name == "x"), step * (name == "y")), **parameters
            )
        return seen(profile, *points, **{**parameters, name: parameters[name].at[index].add(step)})

    for name, slope in known.items():
        step = 2e-4 * max(1.0, float(jnp.abs(parameters.get(name, 0.0)).max()))
        for index in np.ndindex(slope.shape[1:]):
            near, far = (
                (moved(name, index, s) - moved(name, index, -s)) / (2 * s) for s in (step, 2 * step)
            )
            expected = (4 * near - far) / 3
            np.testing.assert_allclose(
                slope[(slice(None), *index)],
                expected,
                rtol=1e-6,
                atol=1e-6 * np.abs(expected).max() + 1e-10,
            )


CASES = [
    pytest.param(
        function,
        special,
        id=f"{name}-{','.join(f'{key}={value:g}' for key, value in special.items())}",
    )
    for name, function in PROFILES.items()
    for special in STARTING_POINTS
    if set(special) <= set(names(function))
    and not (function in SETS and "amp" in SETS[function] and "amp" in special)
]


@pytest.mark.parametrize(("profile", "special"), CASES)
def test_value_and_gradient_are_finite_wherever_a_fit_may_begin(profile, special):
    """On the centre itself, beside it, on the axes and far away.

    Also for |e| >= 1, where there is no ellipse but an optimiser may look.
    """
    parameters = ordinary(
        profile, **{name: jnp.asarray(value, float) for name, value in special.items()}
    )
    centre = [float(parameters.get(name, 0.0)) for name in ("center_x", "center_y")]
    x, y = on_the_sky(
        (0, 0),
        centre,
        (1e-12, 0),
        (0, -1e-12),
        (1, 0),
        (0, 1),
        (-1, 0),
        (0, -1),
        (0.3, 0.7),
        (1e3, -1e3),
    )
    slopes = compiled(profile)[1](
        {**parameters, "x": jnp.zeros(()), "y": jnp.zeros(())},
        jnp.asarray(x, float),
        jnp.asarray(y, float),
    )
    assert np.all(np.isfinite(seen(profile, x, y, **parameters)))
    assert all(np.all(np.isfinite(slope)) for slope in slopes.values())


# Those that have dark places, or places below zero.
DARK = (
    jm.light.image,
    jm.light.linear,
    jm.light.ellipsoid,
    jm.light.line_profile,
    *(f for f in LIGHTS if "shapelets" in f.__name__),
)


@pytest.mark.parametrize(
    "profile", [f for f in LIGHTS if f not in DARK and f not in SETS], ids=lambda f: f.__name__
)
def test_light_is_positive_and_proportional_to_its_amplitude(profile):
    x, y = spread(200)
    once, twice = (seen(profile, x, y, **ordinary(profile, amp=amp)) for amp in (1.5, 3.0))
    assert np.all(once > 0)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


# The sky of flexion is bent around (0, 0).
CENTRED = {
    name: f
    for name, f in PROFILES.items()
    if "center_x" in names(f) and f is not jm.light.sersic_flexion
}


@pytest.mark.parametrize("profile", CENTRED.values(), ids=CENTRED)
def test_moving_the_centre_moves_the_picture(profile, tolerance):
    x, y = spread(20)
    here = seen(profile, x, y, **ordinary(profile, center_x=0.0, center_y=0.0))
    there = seen(profile, x + 0.75, y - 0.5, **ordinary(profile, center_x=0.75, center_y=-0.5))
    np.testing.assert_allclose(there, here, rtol=tolerance(1e-12, 1e-4))


# --- geometry


def stretched(q, phi) -> dict:
    """The ellipticity of an ellipse whose major axis lies at phi degrees from +x towards +y."""
    e, angle = (1 - q) / (1 + q), 2 * np.deg2rad(phi)
    return {"e1": e * np.cos(angle), "e2": e * np.sin(angle)}


SHAPES = [(1.0, 0.0), (0.7, 0.0), (0.7, 90.0), (0.4, 30.0), (0.2, 135.0)]


@pytest.mark.parametrize(("q", "phi"), SHAPES)
def test_the_elliptical_radius_is_the_same_all_around_an_ellipse_of_the_same_area(
    q, phi, tolerance
):
    """Its major axis lies at phi from +x towards +y, and the radius is sqrt(ab)."""
    turn = np.deg2rad(phi)
    t = np.linspace(0, 2 * np.pi, 17)
    along, across = 1.3 / np.sqrt(q) * np.cos(t), 1.3 * np.sqrt(q) * np.sin(t)
    x, y = (
        np.cos(turn) * along - np.sin(turn) * across,
        np.sin(turn) * along + np.cos(turn) * across,
    )
    radius = seen(
        elliptical_radius, x + 0.2, y - 0.4, **stretched(q, phi), center_x=0.2, center_y=-0.4
    )
    np.testing.assert_allclose(radius, 1.3, rtol=tolerance(1e-13, 2e-6))


def test_positive_e1_stretches_along_x_and_positive_e2_along_the_diagonal():
    x, y = on_the_sky((1, 0), (0, 1), (0.7, 0.7), (0.7, -0.7))
    by_e1, by_e2 = (
        seen(jm.light.gaussian, x, y, amp=1.0, sigma=1.0, **{name: 0.3}) for name in ("e1", "e2")
    )
    assert by_e1[0] > by_e1[2] > by_e1[1]
    assert by_e2[2] > by_e2[0] > by_e2[3]


@pytest.mark.parametrize(
    ("angle", "direction"), [(0, (0, 1)), (90, (1, 0)), (45, (1, 1)), (135, (1, -1))]
)
def test_position_angles_turn_from_north_through_east(angle, direction, tolerance):
    """North is +y and east is +x, as on a grid made from a WCS.

    The major axis of PA = 90 lies along +x.
    """
    major = np.asarray(direction) / np.hypot(*direction)
    minor = np.array([major[1], -major[0]])
    x, y = on_the_sky(major, minor)
    along, across = disc_plane(
        jnp.asarray(x, float), jnp.asarray(y, float), 60.0, float(angle), 0.0, 0.0
    )
    np.testing.assert_allclose(along, [1, 0], atol=tolerance(1e-14, 1e-6))
    np.testing.assert_allclose(np.abs(across), [0, 2], atol=tolerance(1e-14, 2e-6))
    e1, e2 = ellipticity(0.5, float(angle))
    radius = seen(elliptical_radius, x, y, e1=e1, e2=e2, center_x=0, center_y=0)
    np.testing.assert_allclose(radius, [np.sqrt(0.5), np.sqrt(2)], rtol=tolerance(1e-13, 2e-6))


@pytest.mark.parametrize("inclination", [0.0, 35.0, 80.0])
def test_a_thin_inclined_disc_is_an_ellipse_with_axis_ratio_cos_i(inclination, tolerance):
    """Its radius runs along the major axis a, the ellipse's is sqrt(ab).

    They differ by sqrt(cos i).
    """
    x, y = spread(20)
    q = np.cos(np.deg2rad(inclination))
    e1, e2 = ellipticity(q, 28.0)
    in_disc = seen(
        disc_radius, x, y, inclination=inclination, position_angle=28.0, center_x=0.1, center_y=0.2
    )
    on_sky = seen(elliptical_radius, x, y, e1=e1, e2=e2, center_x=0.1, center_y=0.2)
    np.testing.assert_allclose(on_sky, np.sqrt(q) * in_disc, rtol=tolerance(1e-12, 2e-5))


# --- light


def test_b_n_makes_the_half_light_radius_exact(tolerance):
    """gamma(2n, b) = Gamma(2n)/2, solved by scipy."""
    n = np.linspace(0.3, 12, 118)
    np.testing.assert_allclose(
        sersic_b(jnp.asarray(n, float)), gammaincinv(2 * n, 0.5), rtol=tolerance(1e-12, 3e-6)
    )


@pytest.mark.parametrize("n", [0.5, 1.0, 2.3, 4.0, 8.0])
def test_half_of_a_sersic_profile_lies_within_its_half_light_radius(n, tolerance):
    """Added up ring by ring, out to where nothing is left."""
    t = (np.arange(40000) + 0.5) * 0.002
    radius = 0.7 * (t / gammaincinv(2 * n, 0.5)) ** n
    rings = seen(jm.light.sersic, radius, 0.0, amp=3.0, R_sersic=0.7, n_sersic=n) * radius**2 / t
    within = np.interp(0.7, radius, (np.cumsum(rings) - rings / 2) / rings.sum())
    assert within == pytest.approx(0.5, abs=tolerance(2e-6, 1e-5))


@pytest.mark.parametrize(("q", "phi"), SHAPES)
def test_the_amplitude_of_a_gaussian_is_its_flux_whatever_its_shape(q, phi, tolerance):
    x = np.arange(-6, 6, 0.1)
    picture = seen(
        jm.light.gaussian,
        x,
        x[:, None],
        amp=3.7,
        sigma=0.5,
        **stretched(q, phi),
        center_x=0.3,
        center_y=0.1,
    )
    assert picture.sum() * 0.1**2 == pytest.approx(3.7, rel=tolerance(1e-7, 1e-5))


def test_an_exponential_disc_is_a_sersic_profile_with_index_one(tolerance):
    """Whose half-light radius is 1.678347 scale lengths."""
    x, y = spread(20)
    where = {"e1": 0.2, "e2": 0.1, "center_x": 0.3, "center_y": -0.2}
    disc = seen(jm.light.exponential, x, y, amp=5.0, scale_length=0.6, **where)
    sersic = seen(
        jm.light.sersic, x, y, amp=5.0 * np.exp(-B1), R_sersic=B1 * 0.6, n_sersic=1.0, **where
    )
    np.testing.assert_allclose(disc, sersic, rtol=tolerance(1e-12, 1e-5))


@pytest.mark.parametrize(("q", "phi"), SHAPES)
def test_sersic_gaussian_and_moffat_agree_with_astropy(q, phi, tolerance):
    """Which counts its radii along the major axis, sqrt(q) larger than here, and its angles from
    +x towards +y.
    """
    x, y = spread(50)
    turn, major = np.deg2rad(phi), 0.9 / np.sqrt(q)
    where = {**stretched(q, phi), "center_x": 0.1, "center_y": -0.3}
    sersic = astropy_models.Sersic2D(2.0, major, 2.6, 0.1, -0.3, 1 - q, turn)(x, y)
    gaussian = astropy_models.Gaussian2D(
        3.0 / (2 * np.pi * 0.9**2), 0.1, -0.3, major, major * q, turn
    )(x, y)
    # A Moffat profile of astropy is round; one that is squeezed along x and turned is the same
    # thing.
    along, across = (
        np.cos(turn) * (x - 0.1) + np.sin(turn) * (y + 0.3),
        -np.sin(turn) * (x - 0.1) + np.cos(turn) * (y + 0.3),
    )
    moffat = astropy_models.Moffat2D(2.0, 0.0, 0.0, 0.9, 3.1)(
        along * np.sqrt(q), across / np.sqrt(q)
    )
    found = seen(jm.light.sersic, x, y, amp=2.0, R_sersic=0.9, n_sersic=2.6, **where)
    np.testing.assert_allclose(found, sersic, rtol=tolerance(1e-10, 3e-5))
    np.testing.assert_allclose(
        seen(jm.light.gaussian, x, y, amp=3.0, sigma=0.9, **where),
        gaussian,
        rtol=tolerance(1e-10, 1e-4),
    )
    np.testing.assert_allclose(
        seen(jm.light.moffat, x, y, amp=2.0, alpha=0.9, beta=3.1, **where),
        moffat,
        rtol=tolerance(1e-12, 3e-5),
    )


def picture_light(x, y, image=PICTURE, **parameters):
    return seen(jm.light.image, x, y, image=image, **parameters)


def pixel_centres(scale=0.5, shape=PICTURE.shape):
    rows, columns = shape
    return np.meshgrid(
        scale * (np.arange(columns) - (columns - 1) / 2), scale * (np.arange(rows) - (rows - 1) / 2)
    )


def test_a_picture_has_its_own_values_at_its_pixel_centres(tolerance):
    """Its middle lies on the centre, its columns run along x and its rows along y."""
    x, y = pixel_centres()
    found = picture_light(x + 0.2, y - 0.7, amp=2.0, center_x=0.2, center_y=-0.7, scale=0.5)
    np.testing.assert_allclose(found, 2.0 * PICTURE, rtol=tolerance(1e-12, 1e-5))


def test_a_picture_is_dark_outside():
    """From the first pixel centre that it does not have."""
    angle = np.linspace(0, 2 * np.pi, 400)
    for size in (1.0, 30.0, 1e6):
        x, y = size * 6.0 * np.cos(angle), size * 6.0 * np.sin(angle)
        assert np.all(picture_light(x, y)[np.maximum(np.abs(x) - 4, np.abs(y) - 2.5) >= 2] == 0)
    x, y = pixel_centres(1.0, (10, 13))
    outside = (np.abs(x) > 4) | (np.abs(y) > 2.5)
    assert (
        np.all(np.abs(picture_light(x, y)[outside]) < 1e-6)
        and outside.sum() == 10 * 13 - PICTURE.size
    )


def test_a_picture_keeps_its_flux(tolerance):
    """The sum of its pixels times their area, however finely it is read."""
    fine = np.arange(-8, 8, 0.1) + 0.05
    assert picture_light(fine, fine[:, None]).sum() * 0.1**2 == pytest.approx(
        PICTURE.sum(), rel=tolerance(1e-4, 1e-4)
    )


def test_a_picture_of_a_parabola_is_read_exactly_between_its_pixels(tolerance):
    def parabola(x, y):
        return 1 + 0.1 * x - 0.2 * y + 0.03 * x**2 - 0.02 * x * y + 0.01 * y**2

    x, y = np.random.default_rng(0).uniform(-2, 2, (2, 50))
    np.testing.assert_allclose(
        picture_light(x, y, parabola(*pixel_centres(1.0, (9, 9)))),
        parabola(x, y),
        rtol=tolerance(1e-12, 1e-5),
    )


@pytest.mark.precision("double")
@pytest.mark.parametrize("y", [0.0, 0.37, 2.9])
def test_light_and_slope_of_a_picture_have_no_steps_between_its_pixels(y):
    """Nor at its edge, where it fades out."""

    def sides(x, h=1e-4):
        """Values left and right of x, and the slopes there."""
        left, near_left, near_right, right = (
            picture_light(x + d, y) for d in (-h, -h / 100, h / 100, h)
        )
        return (
            near_left,
            near_right,
            (near_left - left) / (0.99 * h),
            (right - near_right) / (0.99 * h),
        )

    left, right, slope_left, slope_right = sides(np.arange(-7.0, 7.5, 0.5))
    np.testing.assert_allclose(left, right, atol=1e-5)
    np.testing.assert_allclose(slope_left, slope_right, atol=2e-3)
    assert np.abs(slope_left).max() > 0.5


def test_a_picture_turns_from_x_towards_y(tolerance):
    x, y = np.random.default_rng(2).uniform(-2, 2, (2, 50))
    turn = 0.6
    turned = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
    np.testing.assert_allclose(
        picture_light(*turned, phi_G=turn), picture_light(x, y), rtol=tolerance(1e-10, 2e-4)
    )
    np.testing.assert_allclose(
        picture_light(-x, y, scale=-1.0), picture_light(x, y), rtol=tolerance(1e-12, 1e-5)
    )


# --- tracers


def test_gradients_start_at_the_central_value_and_fall_along_the_radius(tolerance):
    """The radius sqrt(ab) for the ellipse; along the major axis for the disc."""
    x, y = on_the_sky((0, 0), (0, 2), (2, 0))
    ellipse = seen(jm.tracer.gradient, x, y, central=8.5, gradient=-0.1, e1=1 / 3)
    disc = seen(
        jm.tracer.disc_gradient,
        x,
        y,
        central=8.5,
        gradient=-0.1,
        inclination=60.0,
        position_angle=90.0,
    )
    np.testing.assert_allclose(
        ellipse, [8.5, 8.5 - 0.2 * np.sqrt(2), 8.5 - 0.2 / np.sqrt(2)], rtol=tolerance(1e-13, 1e-6)
    )
    np.testing.assert_allclose(disc, [8.5, 8.5 - 0.4, 8.5 - 0.2], rtol=tolerance(1e-13, 1e-6))


def test_a_broken_gradient_has_its_two_slopes_and_its_central_value(tolerance):
    def broken(radius):
        return seen(
            jm.tracer.broken_gradient,
            0.0,
            radius,
            central=8.5,
            inner=0.02,
            outer=-0.3,
            break_radius=4.0,
            smoothness=0.1,
        )

    def slope(radius):
        return (broken(np.asarray(radius) + 0.01) - broken(np.asarray(radius) - 0.01)) / 0.02

    np.testing.assert_allclose(slope([0.5, 1.0, 2.0]), 0.02, atol=tolerance(1e-7, 1e-4))
    np.testing.assert_allclose(slope([6.0, 9.0, 50.0]), -0.3, atol=tolerance(1e-7, 5e-4))
    np.testing.assert_allclose(slope([4.0]), (0.02 - 0.3) / 2, atol=tolerance(1e-7, 1e-4))
    assert broken(0.0) == 8.5
    assert broken(9.0) == pytest.approx(8.5 + 4 * 0.02 - 5 * 0.3, abs=tolerance(1e-10, 1e-5))


@pytest.mark.parametrize(("break_radius", "smoothness"), [(0.0, 0.1), (0.05, 0.5), (1.0, 1e-3)])
def test_the_central_value_of_a_broken_gradient_does_not_depend_on_how_it_bends(
    break_radius, smoothness
):
    """Even if the break lies within its own smoothness of the centre."""
    bend = {"break_radius": break_radius, "smoothness": smoothness}
    assert (
        seen(jm.tracer.broken_gradient, 0.0, 0.0, central=8.25, inner=0.5, outer=-0.5, **bend)
        == 8.25
    )


def test_a_dipole_is_richer_on_one_side_and_central_in_the_middle(tolerance):
    x, y = on_the_sky((0.3, 0.1), (1.3, 0.1), (0.3, 1.1), (-0.7, 0.1))
    found = seen(
        jm.tracer.dipole,
        x,
        y,
        central=8.0,
        gradient_x=0.2,
        gradient_y=-0.1,
        center_x=0.3,
        center_y=0.1,
    )
    np.testing.assert_allclose(found, [8.0, 8.2, 7.9, 7.8], rtol=tolerance(1e-13, 1e-6))


ARMS = {
    "central": 8.5,
    "gradient": -0.02,
    "contrast": 0.2,
    "pitch": 25.0,
    "width": 0.2,
    "inner_radius": 0.5,
}


def excess(radius, angle, **parameters):
    """How much richer than the gradient the arms are, at polar coordinates in a face-on disc
    whose major axis is +y.
    """
    parameters = ARMS | parameters
    found = seen(
        jm.tracer.spiral_arms, radius * np.sin(angle), radius * np.cos(angle), **parameters
    )
    return found - (parameters["central"] + parameters["gradient"] * radius)


def ridge(radius):
    """The angle of an arm of ARMS from the major axis, at a radius."""
    return np.log(radius / ARMS["inner_radius"]) / np.tan(np.deg2rad(ARMS["pitch"]))


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_spiral_arms_repeat_themselves_number_times_around_the_centre(number, tolerance):
    radius, angle = np.random.default_rng(1).uniform((0.2, 0), (4, 7), (40, 2)).T
    once = excess(radius, angle, number=number)
    np.testing.assert_allclose(
        excess(radius, angle + 2 * np.pi / number, number=number), once, atol=tolerance(1e-12, 2e-5)
    )
    assert np.abs(excess(radius, angle + np.pi / number, number=number) - once).max() > 0.05


def test_the_crest_of_an_arm_is_as_high_as_the_contrast(tolerance):
    """And nowhere is the disc richer than that, or poorer than the gradient."""
    radius = np.geomspace(2.0, 8.0, 9)
    np.testing.assert_allclose(excess(radius, ridge(radius)), 0.2, atol=tolerance(1e-6, 2e-5))
    everywhere = excess(*np.random.default_rng(3).uniform((0, 0), (5, 7), (2000, 2)).T)
    assert everywhere.min() > -1e-5 and everywhere.max() < 0.2 + 1e-5


def test_the_profile_across_an_arm_is_a_gaussian_of_its_width():
    """Measured perpendicular to the ridge, which makes the pitch angle with the circle."""
    radius, pitch = 6.0, np.deg2rad(ARMS["pitch"])
    for distance in (-0.2, 0.1, 0.2):
        # A step outwards across the ridge: part of it along the radius, part of it backwards along
        # the circle.
        outwards, along = distance * np.cos(pitch), -distance * np.sin(pitch)
        place = (
            np.hypot(radius + outwards, along),
            ridge(radius) + np.arctan2(along, radius + outwards),
        )
        assert excess(*place) == pytest.approx(0.2 * np.exp(-0.5 * (distance / 0.2) ** 2), rel=0.05)


def test_arms_fade_in_the_centre():
    """So that the angle, which does not exist there, does not matter."""
    angle = np.linspace(0, 6, 20)
    for radius, most in ((0.0, 1e-6), (0.005, 1e-4), (0.05, 1e-2)):
        assert np.abs(excess(radius, angle)).max() < 0.2 * most + 2e-6


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_polynomial_coefficients_count_by_order_then_from_x_to_y(order, tolerance):
    """1; x, y; x², xy, y²; … against numpy's own evaluation."""
    powers = [(n - j, j) for n in range(order + 1) for j in range(n + 1)]
    coefficients = np.random.default_rng(order).normal(size=len(powers))
    table = np.zeros((order + 1, order + 1))
    table[tuple(np.transpose(powers))] = coefficients
    x, y = spread(20)
    expected = np.polynomial.polynomial.polyval2d(x - 0.3, y + 0.2, table)
    found = seen(jm.tracer.polynomial, x, y, coefficients=coefficients, center_x=0.3, center_y=-0.2)
    np.testing.assert_allclose(
        found, expected, rtol=tolerance(1e-10, 1e-4), atol=tolerance(1e-12, 1e-4)
    )
