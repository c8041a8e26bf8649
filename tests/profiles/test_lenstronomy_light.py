"""Our light profiles against lenstronomy's, all of those in its list but the starlets, and the
way from one to the other.
"""

import itertools
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from scipy.integrate import quad

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.io.config import Mistakes, parse, resolved
from jaxmetal.io.galaxies import make_galaxy
from jaxmetal.io.lenstronomy.names import NAMES, profile_from_lenstronomy, profile_to_lenstronomy
from jaxmetal.io.observations import Observations
from jaxmetal.profiles.geometry import elliptical_radius
from tests.io.test_config import changed
from tests.profiles.test_profiles import names
from tests.scenes import blank, telescope

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("lenstronomy")
    from lenstronomy.LightModel.light_model import LightModel

SETS, POINTS = 200, 16
X, Y = np.random.default_rng(8).uniform(-1, 1, (2, POINTS)).astype(np.float32).astype(float)
CHAMELEONS = ("CHAMELEON", "DOUBLE_CHAMELEON", "TRIPLE_CHAMELEON")

# From where each parameter is drawn; a name that is not here comes from (0.6, 1.5). Shapelets stay
# inside 5 sqrt(n + 2) beta, where lenstronomy cuts its Hermite polynomials off; all radii stay
# above 1e-4 arcsec and below 100 R_sersic, its other cuts.
RANGES = {
    **dict.fromkeys(("e1", "e2", "e11", "e21", "e12", "e22", "e13", "e23"), (-0.45, 0.45)),
    **dict.fromkeys(("center_x", "center_y", "start_x", "start_y"), (-0.2, 0.2)),
    **dict.fromkeys(("a", "b1", "b2", "c1", "c2", "d1", "d2"), (-0.08, 0.08)),
    **dict.fromkeys(("w_c", "w_c1", "w_c2", "w_c3"), (0.02, 0.5)),
    "n_sersic": (0.5, 6.0),
    "phi": (-3.0, 3.0),
    "phi_G": (-3.0, 3.0),
    "angle": (-180.0, 180.0),
    "gamma": (0.3, 2.5),
    "alpha_c": (0.1, 0.9),
    "q": (0.2, 1.0),
    "k": (0.0, 1.0),
    "Ra": (0.02, 0.5),
    "alpha": (3.0, 3.0),
    "scale": (0.2, 0.5),
}
MANY = {"MULTI_GAUSSIAN", "MULTI_GAUSSIAN_ELLIPSE", "MGE_SET", "MGE_SET_ELLIPSE"}


def draws(name, count=SETS) -> dict[str, np.ndarray]:
    """Parameters of one of lenstronomy's profiles, as numbers that single precision has too."""
    rng, entry = np.random.default_rng(list(name.encode())), NAMES[name]
    shapes = {"image": (6, 9)} | (
        {"amp": (entry.size(4),)}
        if entry.size
        else {"amp": (5,), "sigma": (5,)}
        if name in MANY
        else {}
    )
    parameters = [p for p in names(entry.function) if p not in entry.lacks]
    return {
        p: rng.uniform(*RANGES.get(p, (0.6, 1.5)), (count, *shapes.get(p, ())))
        .astype(np.float32)
        .astype(float)
        for p in parameters
    }


def one(name, drawn, i=0) -> dict:
    """lenstronomy's keyword arguments for one of the draws."""
    return {key: value[i] for key, value in drawn.items()} | (
        {"n_max": 4} if NAMES[name].size else {}
    )


def theirs(name, drawn) -> np.ndarray:
    made_with = {"n_comp": 5} if name.startswith("MGE") else {}
    values = []
    for i in range(SETS):
        # A new model each time: INTERPOL keeps the first picture that it sees.
        values.append(
            LightModel([name], profile_kwargs_list=[dict(made_with)]).surface_brightness(
                X, Y, [one(name, drawn, i)]
            )
        )
    return np.array(values)


def ours(name, drawn) -> np.ndarray:
    """All draws in one compiled call."""
    profile = profile_from_lenstronomy(name, one(name, drawn), numerics="lenstronomy")
    stacked = {
        key: jnp.asarray(drawn[key] if key in drawn else np.full(SETS, value), float)
        for key, value in profile.parameters.items()
    }
    profiles = eqx.tree_at(lambda p: p.parameters, profile, stacked)
    x, y = jnp.asarray(X, float), jnp.asarray(Y, float)
    return np.asarray(
        compiled_once(jax.vmap(lambda p: p(x, y) * jnp.ones_like(x)))(profiles), float
    )


def allowed(name, drawn) -> np.ndarray | float:
    """How far lenstronomy's own double-precision numbers may be from the equation, relative to
    the value.
    """
    if name in CHAMELEONS:
        # Its normalisation is the deflection of an isothermal lens whose axis ratio stops at 1 -
        # 1e-8: see the test of the shape.
        return 1e-8
    if name.startswith("HERNQUIST"):
        # Its closed form is 0/0 at R = Rs, and rounding is blown up by 1/(X² - 1)²: see the test
        # against the density. Some ten roundings, which are not the same on every processor: 3e-15
        # on one, 3.9e-15 on another.
        shape = [
            drawn.get(key, np.zeros(SETS))[:, None] for key in ("e1", "e2", "center_x", "center_y")
        ]
        x, y = jnp.asarray(X), jnp.asarray(Y)
        radius = np.asarray(jax.vmap(lambda *e: elliptical_radius(x, y, *e))(*shape))
        t = (radius / drawn["Rs"][:, None]) ** 2 - 1
        return np.maximum(1e-10, 1e-14 / t**2)
    if name == "PL_SERSIC":
        # It adds up the line of sight to 1.5e-8 of an absolute error: see the test of the sum.
        return 1e-8
    return 1e-10


@pytest.mark.parametrize("name", NAMES)
def test_each_profile_has_lenstronomys_values(name, x64):
    """On random parameters, in double precision to 1e-10 of the value.

    In single precision as far as that goes.
    """
    drawn = draws(name)
    expected, found = theirs(name, drawn), ours(name, drawn)
    assert np.all(np.isfinite(found)) and expected.std() > 0
    if x64:
        assert np.all(np.abs(found - expected) <= allowed(name, drawn) * np.abs(expected))
    else:
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.precision("double")
def test_a_chameleon_has_lenstronomys_shape_and_the_normalisation_of_its_equation():
    """Where lenstronomy's normalisation is 4e-9 off; the same factor for every position."""
    drawn = draws("CHAMELEON")
    factor = ours("CHAMELEON", drawn) / theirs("CHAMELEON", drawn)
    np.testing.assert_allclose(factor, factor[:, :1] * np.ones(POINTS), rtol=1e-10)
    w_c, w_t, size = 0.2, 0.9, 1 + np.hypot(0.1, 0.2)
    D = (np.hypot(1, w_c) - w_c) - (np.hypot(1, w_t) - w_t)
    here = jm.Profile(jm.light.chameleon, amp=1.0, w_c=w_c, w_t=w_t, e1=0.1, e2=0.2)(
        jnp.zeros(()), jnp.zeros(())
    )
    assert float(here) == pytest.approx((1 / w_c - 1 / w_t) / (2 * D * size), rel=1e-13)


@pytest.mark.precision("double")
@pytest.mark.parametrize(("n", "alpha_c"), [(0.5, 0.0), (1.09, 0.85), (4.0, 0.4), (8.0, 1.3)])
@pytest.mark.parametrize("R", [0.02, 0.4, 0.69])
def test_the_light_inside_the_break_is_its_density_along_the_line_of_sight(R, n, alpha_c):
    """Added up by scipy, decade by decade, from the middle to where nothing is left."""
    r_c, s, nu = 0.7, 1.1 / (2 * n), 1 / n
    u, turn = 1 - 0.6097 * nu + 0.054635 * nu**2, (0.7 / s) ** nu

    def density(z):
        r = np.hypot(R, z)
        return (r / r_c) ** -alpha_c if r < r_c else (r / r_c) ** -u * np.exp(turn - (r / s) ** nu)

    edge, end = np.sqrt(r_c**2 - R**2), s * (turn + 45) ** n
    steps = np.concatenate(
        [[0.0], edge * np.geomspace(1e-3, 1, 10), edge + np.geomspace(1e-3, end, 80)]
    )
    expected = 2 * sum(
        quad(density, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(steps)
    )
    profile = jm.Profile(
        jm.light.pl_sersic,
        amp=1.0,
        R_sersic=1.1,
        n_sersic=n,
        alpha_c=alpha_c,
        r_c=r_c,
        b_n="lenstronomy",
    )
    assert float(profile(jnp.asarray(R), jnp.zeros(()))) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("X", [0.05, 0.7, 0.999, 1.0, 1.0001, 1.3, 8.0])
def test_a_hernquist_profile_is_its_density_along_the_line_of_sight(X, tolerance):
    """rho = amp / [r (1 + r)³], Rs = 1, added up by scipy; no digits are lost where X = 1."""
    expected = quad(
        lambda t: 2 / (1 + X * np.cosh(t)) ** 3, 0, 40, epsabs=0, epsrel=1e-12, limit=200
    )[0]
    found = jm.Profile(jm.light.hernquist, amp=1.0, Rs=1.0)(jnp.asarray(X, float), jnp.zeros(()))
    assert float(found) == pytest.approx(expected, rel=tolerance(1e-11, 3e-5))


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_that_went_to_lenstronomy_and_back_is_the_same(name):
    given = one(name, draws(name, 1))
    back, kwargs = profile_to_lenstronomy(profile_from_lenstronomy(name, given))
    given.pop("alpha", None), kwargs.pop("alpha", None)
    assert back == name and kwargs.keys() == given.keys()
    for key, value in given.items():
        np.testing.assert_allclose(kwargs[key], value, rtol=1e-6)


@pytest.mark.precision("double")
def test_radii_along_the_major_axis_are_lenstronomys_and_leave_as_product_averages():
    kwargs = {
        "amp": 2.0,
        "R_sersic": 0.7,
        "n_sersic": 2.1,
        "e1": 0.3,
        "e2": -0.2,
        "center_x": 0.1,
        "center_y": 0.0,
    }
    along = {"sersic_major_axis": True}
    profile = profile_from_lenstronomy("SERSIC_ELLIPSE", kwargs, "lenstronomy", along)
    expected = LightModel(["SERSIC_ELLIPSE"], profile_kwargs_list=[along]).surface_brightness(
        X, Y, [kwargs]
    )
    np.testing.assert_allclose(profile(jnp.asarray(X), jnp.asarray(Y)), expected, rtol=1e-10)
    name, plain = profile_to_lenstronomy(profile)
    np.testing.assert_allclose(
        LightModel([name]).surface_brightness(X, Y, [plain]), expected, rtol=1e-10
    )


SERSIC = {"amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0}


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("name", "kwargs", "more", "message"),
    [
        ("SERSIK", SERSIC, {}, "'SERSIK'. Did you mean 'SERSIC'"),
        ("SERSIC", SERSIC | {"e1": 0.1}, {}, "SERSIC: unknown parameter 'e1'"),
        ("SERSIC_ELLIPSE", SERSIC, {}, "SERSIC_ELLIPSE: missing parameter 'e1', 'e2'"),
        (
            "SHAPELETS",
            {"amp": [1.0, 2.0, 3.0], "n_max": 2, "beta": 1.0},
            {},
            "SHAPELETS.amp: expected 6 numbers for this n_max",
        ),
        (
            "SERSIC",
            SERSIC,
            {"numerics": "fast"},
            "numerics: expected 'jaxmetal' or 'lenstronomy', got 'fast'",
        ),
        ("SERSIC", SERSIC, {"profile_kwargs": {"smoothing": 0.1}}, "SERSIC: 'smoothing'"),
    ],
    ids=["name", "surplus", "missing", "count", "numerics", "class"],
)
def test_what_lenstronomy_would_not_understand_is_refused_by_its_name(name, kwargs, more, message):
    with pytest.raises(jm.InputError, match=message):
        profile_from_lenstronomy(name, kwargs, **more)


def test_a_profile_that_lenstronomy_lacks_is_refused():
    with pytest.raises(jm.InputError, match="moffat: lenstronomy has no such profile"):
        profile_to_lenstronomy(jm.Profile(jm.light.moffat, amp=1.0, alpha=1.0, beta=2.0))


@pytest.mark.parametrize(
    "options",
    [{"b_n": "linear"}, {"b_n": 1}, {"b_n": None}, {"major_axis": 1}, {"major_axis": "yes"}],
    ids=str,
)
def test_a_wrong_option_is_refused_with_the_right_ones(options):
    with pytest.raises(
        jm.InputError,
        match=(
            f"sersic.*{next(iter(options))}: expected one of ('exact', 'lenstronomy'|False, True)"
        ),
    ):
        jm.Profile(jm.light.sersic, **SERSIC, **options)


def test_an_option_is_no_number_to_fit():
    profile = jm.Profile(jm.light.sersic, **SERSIC, b_n="lenstronomy")
    assert (
        profile.options == {"b_n": "lenstronomy", "major_axis": False}
        and "b_n" not in profile.parameters
    )
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(profile))
    assert jax.tree.structure(profile) != jax.tree.structure(jm.Profile(jm.light.sersic, **SERSIC))


def test_a_light_profile_can_be_what_the_light_carries():
    light = jm.Profile(jm.light.hernquist, amp=1.0, Rs=1.0)
    falling = jm.Profile(jm.light.linear, amp=8.0, k=-0.2)
    same = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2)
    found, expected = (
        jm.predict(
            jm.Galaxy(disc=jm.Component(light=light, metallicity=z)), blank(telescope((11, 11)))
        )
        for z in (falling, same)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_configuration_knows_profiles_and_options_by_name_and_writes_them_again(tmp_path):
    options = {"profile": "sersic", **SERSIC, "b_n": "lenstronomy", "major_axis": True}
    said = changed(
        ("galaxy/disc/light", options),
        ("galaxy/disc/metallicity", {"profile": "linear", "amp": 8.0, "k": -0.2}),
    )
    config = parse(said, mistakes := Mistakes())
    again = parse(yaml.safe_load(yaml.safe_dump(resolved(config, tmp_path, {}))), mistakes)
    galaxy = make_galaxy(again, tmp_path, Observations({}, None), {}, mistakes)
    assert (
        galaxy.disc.light.options == {"b_n": "lenstronomy", "major_axis": True}
        and galaxy.disc.light.name == "sersic"
    )
    assert galaxy.disc.metallicity.function is jm.light.linear
    mistakes.raise_all()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"b_n": "linear"}, "b_n: expected one of 'exact', 'lenstronomy'"),
        ({"amp": True}, "amp.*number"),
    ],
)
def test_a_configuration_refuses_a_wrong_option(option, message, tmp_path):
    with pytest.raises(jm.InputError, match=message):
        mistakes = Mistakes()
        config = parse(
            changed(("galaxy/disc/light", {"profile": "sersic", **SERSIC, **option})), mistakes
        )
        make_galaxy(config, tmp_path, Observations({}, None), {}, mistakes)
        mistakes.raise_all()
