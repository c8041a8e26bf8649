"""The unit of every parameter of every profile by hand, compared with what docstrings declare."""

import inspect

import pytest

import jaxmetal as jm
from jaxmetal.profiles.profile import options_of
from jaxmetal.profiles.units import declared_unit, is_ellipticity, is_length, known_unit
from jaxmetal.quantities import PIXEL_SCALE

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

# By name, and below what a name means in one profile alone.
PLACES = {
    "center_x",
    "center_y",
    "start_x",
    "start_y",
    "ra_0",
    "dec_0",
    "origin",
    "warp_radius",
}
LENGTHS = {
    "R_sersic",
    "Rb",
    "r_c",
    "Rs",
    "Ra",
    "w_c",
    "w_t",
    "w_c1",
    "w_t1",
    "w_c2",
    "w_t2",
    "w_c3",
    "w_t3",
    "s_scale",
    "scale_length",
    "radius",
    "sigma",
    "sigma_min",
    "sigma_width",
    "length",
    "width",
    "break_radius",
    "smoothness",
    "inner_radius",
    "theta_E",
    "r_turn",
    "r_halo",
    "r_bar",
    "radii",
    "height",
}
VELOCITIES = {"v_max", "v_disc", "v_halo", "v_radial", "v_tangential", "dispersion"}
VELOCITIES |= {"turbulence"}
ELLIPTICITIES = {"e1", "e2", "e11", "e21", "e12", "e22", "e13", "e23"}
NUMBERS = {
    "n_sersic",
    "gamma",
    "alpha",
    "alpha_c",
    "q",
    "ratio",
    "ratio12",
    "ratio13",
    "a",
    "b1",
    "b2",
    "kappa",
    "gamma1",
    "gamma2",
    "sigma0",
    "distance_ratio",
    "number",
    "outer_slope",
}
UNITS = {
    "deg": {"inclination", "position_angle", "pitch", "phase", "angle", "bar_angle"},
    "deg / arcsec": {"inclination_slope", "position_angle_slope"},
    "rad": {"phi", "phi_G"},
    "1 / arcsec": {"c1", "c2", "d1", "d2"},
    "flux": {"amp", "image"},
    "flux / arcsec2": {"k"},
    "tracer": {"central", "value", "contrast", "systemic", "velocities"} | VELOCITIES,
    "tracer / arcsec": {"gradient", "gradient_x", "gradient_y", "inner", "outer"},
    "tracer / arcsec^order": {"coefficients"},
    "arcsec": PLACES | LENGTHS | {"alpha_x", "alpha_y", "alpha_Rs"},
    "": NUMBERS | ELLIPTICITIES,
    PIXEL_SCALE: {"scale", "matrix"},
}
ALONE = {
    ("moffat", "alpha"): ("arcsec", True),
    ("moffat", "beta"): ("", False),
    ("courteau_rotation", "beta"): ("", False),
    ("exponential", "outer"): ("tracer", False),
    ("shapelets", "beta"): ("arcsec", True),
    ("shapelets_polar", "beta"): ("arcsec", True),
    ("shapelets_polar_exp", "beta"): ("arcsec", True),
}
PARAMETERS = [
    pytest.param(function, name, id=f"{home.__name__.split('.')[-1]}.{function.__name__}.{name}")
    for home in (jm.light, jm.tracer, jm.lens)
    for _, function in inspect.getmembers(home, inspect.isfunction)
    if function.__module__.startswith(home.__name__)
    for name in list(inspect.signature(function).parameters)[2:]
    if function.__name__[0] != "_" and name not in options_of(function)
]


@pytest.mark.parametrize(("function", "name"), PARAMETERS)
def test_every_parameter_declares_its_unit(function, name):
    units = [unit for unit, names in UNITS.items() if name in names]
    unit, length = ALONE.get((function.__name__, name)) or (*units, name in LENGTHS)
    assert declared_unit(function, name) == unit
    assert is_length(function, name) is length
    assert is_ellipticity(function, name) is (name in ELLIPTICITIES)


def test_a_sharp_break_is_no_length():
    assert not is_length(jm.light.core_sersic, "alpha") and is_length(jm.light.core_sersic, "Rb")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("central", "km/s"),
        ("gradient", "km/s/arcsec"),
        ("contrast", "km/s"),
        ("inner_radius", "arcsec"),
        ("pitch", "deg"),
        ("number", ""),
    ],
)
def test_units_of_what_light_carries_are_those_of_its_map(name, unit):
    assert known_unit(jm.tracer.spiral_arms, name, "km/s") == unit
    if "km/s" in unit:
        assert known_unit(jm.tracer.spiral_arms, name) is None


def ring(x, y, central, height, radius, width=0.3, sharpness=2.0, center_x=0.0):
    """A ring of a user.

    Parameters
    ----------
    central, height
        metallicity of the disc, and of the ring above it, in the tracer's unit.
    radius : float
        of the ring, arcsec.
    sharpness
        of its edge.
    """
    return central + height * x * y / radius / width / sharpness + center_x


def test_a_function_of_a_user_declares_units_in_the_same_way():
    """What it does not describe goes by the name, if that is one of those that everybody uses."""
    assert [known_unit(ring, name, "dex") for name in ("central", "height")] == [
        "dex",
        "dex",
    ]
    assert [known_unit(ring, name) for name in ("radius", "sharpness", "center_x")] == [
        "arcsec",
        None,
        "arcsec",
    ]
    assert [name for name in inspect.signature(ring).parameters if is_length(ring, name)] == [
        "radius",
        "width",
    ]


def test_a_quantity_is_converted_where_a_user_declares_the_unit():
    from astropy import units

    profile = jm.Profile(ring, central=8.5, height=0.1, radius=2.0 * units.arcmin)
    assert float(profile.radius) == pytest.approx(120.0)
    with pytest.raises(jm.InputError, match="the unit of this number is that of your own"):
        jm.Profile(ring, central=8.5, height=0.1, radius=1.0, sharpness=2.0 * units.arcmin)
