"""Galaxies behind lenses.

Deflections, what is seen through them, and the numbers that go with them.
"""

import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from astropy.cosmology import WMAP9, FlatLambdaCDM, LambdaCDM
from astropy.io import fits
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.forward import predict_together
from jaxmetal.galaxy import get, put
from tests.data import data_path
from tests.scenes import blank, disc, observed, telescope

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lens_model = pytest.importorskip("lenstronomy.LensModel.lens_model")
    from lenstronomy.Data.imaging_data import ImageData
    from lenstronomy.Data.psf import PSF
    from lenstronomy.ImSim.image_model import ImageModel
    from lenstronomy.ImSim.tracer_model import TracerModelSource
    from lenstronomy.LightModel.light_model import LightModel

SETS = 120
X, Y = np.random.default_rng(5).uniform(-2.5, 2.5, (2, 20)).astype(np.float32).astype(float)
NAMES = {
    "SIS": jm.lens.sis,
    "SIE": jm.lens.sie,
    "NIE": jm.lens.nie,
    "EPL": jm.lens.epl,
    "SHEAR": jm.lens.shear,
    "CONVERGENCE": jm.lens.convergence,
    "POINT_MASS": jm.lens.point_mass,
    "NFW": jm.lens.nfw,
    "NFW_ELLIPSE_POTENTIAL": jm.lens.nfw_ellipse,
    "PJAFFE_ELLIPSE_POTENTIAL": jm.lens.dpie,
}
RANGES = {
    **dict.fromkeys(("e1", "e2"), (-0.45, 0.45)),
    **dict.fromkeys(("center_x", "center_y"), (-0.2, 0.2)),
    **dict.fromkeys(("gamma1", "gamma2"), (-0.3, 0.3)),
    **dict.fromkeys(("ra_0", "dec_0"), (-1.0, 1.0)),
    "gamma": (1.3, 2.7),
    "s_scale": (0.01, 0.5),
    "kappa": (-0.5, 0.8),
    "Rs": (0.3, 3.0),
    "Ra": (0.02, 0.28),
}


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)[2:]


def draws(name) -> dict[str, np.ndarray]:
    """Parameters of one of lenstronomy's lenses, as numbers that single precision has too."""
    rng = np.random.default_rng(list(name.encode()))
    return {
        p: rng.uniform(*RANGES.get(p, (0.4, 2.0)), SETS).astype(np.float32).astype(float)
        for p in parameters(NAMES[name])
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_lens_deflects_as_lenstronomys(name, tolerance):
    drawn, model = draws(name), lens_model.LensModel([name])
    expected = np.array(
        [model.alpha(X, Y, [{key: value[i] for key, value in drawn.items()}]) for i in range(SETS)]
    )
    at = jnp.asarray(X, float), jnp.asarray(Y, float)
    deflect = compiled_once(jax.vmap(lambda values: jnp.stack(NAMES[name](*at, **values))))
    found = np.asarray(
        deflect({key: jnp.asarray(value, float) for key, value in drawn.items()}), float
    )
    np.testing.assert_allclose(
        found, expected, rtol=tolerance(1e-8, 2e-5), atol=tolerance(1e-8, 2e-5)
    )


EDGES = np.array([(0, 0), (1, 0), (0, 1), (1e-6, 0), (3e-5, 2e-5), (0.8, 0.6), (30, -40)], float)


@pytest.mark.precision("single")
@pytest.mark.parametrize("name", NAMES)
def test_every_derivative_of_a_lens_is_finite_where_it_is_round_and_on_its_centre(name):
    function = NAMES[name]
    nought = {"e1", "e2", "center_x", "center_y", "ra_0", "dec_0", "gamma1", "gamma2"}
    values = {
        p: jnp.asarray(0.0 if p in nought else 2.0 if p == "gamma" else 1.0 if p == "Rs" else 0.5)
        for p in parameters(function)
    }
    slopes = compiled_once(
        jax.vmap(
            jax.jacrev(lambda x, y, v: jnp.stack(function(x, y, **v)), argnums=(0, 1, 2)),
            in_axes=(0, 0, None),
        )
    )
    found = slopes(*jnp.asarray(EDGES.T, float), values)
    assert all(np.all(np.isfinite(slope)) for slope in jax.tree.leaves(found))
    # A round lens is no flat spot: the ellipticity's slope there is that of its differences.
    if "e1" in values:
        step = 1e-2
        far = [
            jnp.stack(
                function(jnp.asarray(0.9), jnp.asarray(0.6), **{**values, "e1": jnp.asarray(e)})
            )
            for e in (step, -step)
        ]
        slope = jax.jacfwd(lambda e: jnp.stack(function(0.9, 0.6, **{**values, "e1": e})))(
            jnp.asarray(0.0)
        )
        np.testing.assert_allclose((far[0] - far[1]) / (2 * step), slope, rtol=2e-3, atol=1e-4)


def lensed(lens, **kwargs):
    """A small disc with a gradient, behind some lenses."""
    return jm.Galaxy(lens=lens, disc=disc(**kwargs).disc)


def halo(**values):
    return jm.Profile(jm.lens.sie, **{"theta_E": 1.5, "e1": 0.1, "e2": -0.05, **values})


def test_a_lens_without_mass_changes_nothing(tolerance):
    empty = {"halo": halo(theta_E=0.0), "shear": jm.Profile(jm.lens.shear, gamma1=0.0, gamma2=0.0)}
    seen, plain = (observed(galaxy, telescope(), (2, 4, 8)) for galaxy in (lensed(empty), disc()))
    # The points crowd towards a centre only where nothing is lensed.
    for own, other in zip(seen, plain, strict=True):
        np.testing.assert_allclose(own, other, rtol=tolerance(2e-4, 3e-4))


def test_a_tide_and_a_sheet_make_a_round_galaxy_elliptical_and_large(tolerance):
    """beta = A theta with a constant A.

    A round galaxy becomes an ellipse with the axes 1/(1 - kappa -+ gamma).
    """
    kappa, gamma = 0.3, 0.15
    lens = {
        "sheet": jm.Profile(jm.lens.convergence, kappa=kappa),
        "tide": jm.Profile(jm.lens.shear, gamma1=gamma, gamma2=0.0),
    }
    q, size = (1 - kappa - gamma) / (1 - kappa + gamma), 1 / np.sqrt((1 - kappa) ** 2 - gamma**2)
    e1 = (1 - q) / (1 + q)
    plain = jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=16.0, R_sersic=0.6 * size, n_sersic=1.0, e1=e1),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2 / size, e1=e1),
        )
    )
    seen, expected = (
        observed(galaxy, telescope(), (2, 4, 8)) for galaxy in (lensed(lens, R=0.6), plain)
    )
    for own, other in zip(seen, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=tolerance(3e-4, 5e-4))


@pytest.mark.precision("double")
def test_a_small_source_is_magnified_by_its_images(tolerance):
    """All light of an image is mu × flux, at a place where mu hardly changes over the source."""
    sigma, at = 0.01, (1.0, 0.4)
    galaxy = jm.Galaxy(lens={"halo": halo(theta_E=0.5)}, spot=_spot(halo(theta_E=0.5), at, sigma))
    grid = jm.Grid.regular((60, 60), 0.005, center=at)
    light = jm.predict(galaxy, blank(jm.Instrument(grid, jm.NoPSF(), (2, 1)), jm.LightMap))
    assert float(light.sum()) == pytest.approx(
        float(jm.lensing.magnification(galaxy, *at)), rel=tolerance(1e-3, 2e-3)
    )


def _spot(lens, at, sigma):
    x, y = jm.lensing.source_position(jm.Galaxy(lens={"halo": lens}, disc=disc().disc), *at)
    return jm.Component(jm.Profile(jm.light.gaussian, amp=1.0, sigma=sigma, center_x=x, center_y=y))


def test_a_uniform_tracer_stays_uniform_behind_any_lens(tolerance):
    galaxy = lensed({"halo": halo()}, R=0.3, gradient=0.0, x=0.2)
    _, tracer = observed(galaxy, telescope(), (2, 4, 8))
    np.testing.assert_allclose(tracer, 8.0, rtol=tolerance(1e-12, 1e-6))


@pytest.mark.precision("single")
def test_foreground_light_is_seen_where_it_is_and_dilutes_no_tracer():
    light = jm.Component(
        jm.Profile(jm.light.sersic, amp=4.0, R_sersic=0.5, n_sersic=4.0), foreground=True
    )
    behind = lensed({"halo": halo()}, R=0.3, x=0.2)
    both = jm.Galaxy(lens=behind.lens, disc=behind.disc, deflector=light)
    (lit, tracer), (arc, alone) = (
        observed(galaxy, telescope(), (2, 4, 8)) for galaxy in (both, behind)
    )
    plain = disc().disc
    own = (
        observed(jm.Galaxy(deflector=light, disc=plain), telescope(), (2, 4, 8))[0]
        - observed(disc(), telescope(), (2, 4, 8))[0]
    )
    np.testing.assert_allclose(tracer, alone, rtol=1e-6)
    np.testing.assert_allclose(lit - arc, own, rtol=1e-4, atol=1e-4 * lit.max())


def test_the_images_of_one_source_come_back_to_it():
    """An SIS has images at beta ± theta_E."""
    galaxy = lensed({"halo": halo(e1=0.0, e2=0.0)})
    x, y = jm.lensing.source_position(galaxy, [1.9, -1.1], [0.0, 0.0])
    np.testing.assert_allclose([x, y], [[0.4, 0.4], [0.0, 0.0]], atol=1e-6)
    # Half of the deflection for a source that is nearer.
    x, _ = jm.lensing.source_position(galaxy, 1.15, 0.0, distance_ratio=0.5)
    assert float(x) == pytest.approx(0.4, abs=1e-6)
    near = jm.Galaxy(
        lens=galaxy.lens, disc=disc().disc, near=jm.Component(disc().disc.light, distance_ratio=0.5)
    )
    assert float(get(near, "near.distance_ratio")) == 0.5


@pytest.mark.precision("double")
def test_a_component_with_its_own_redshift_is_deflected_by_its_own_ratio(tolerance):
    """The same as all of the lens at that ratio."""
    ratio = 0.6
    own = jm.Galaxy(
        lens={"halo": halo()},
        disc=jm.Component(disc().disc.light, distance_ratio=ratio, **disc().disc.tracers),
    )
    other = lensed({"halo": halo(theta_E=1.5 * ratio)})
    for a, b in zip(
        observed(own, telescope(), (2, 4, 8)), observed(other, telescope(), (2, 4, 8)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=tolerance(1e-10, 1e-4))


@pytest.mark.precision("double")
def test_critical_curves_and_caustics_of_an_isothermal_sphere_are_its_ring_and_its_centre():
    galaxy = lensed({"halo": halo(e1=0.0, e2=0.0)})
    grid = jm.Grid.regular((100, 100), 0.04)
    lines = jm.lensing.critical_curves(galaxy, grid)
    np.testing.assert_allclose(np.hypot(*np.moveaxis(lines, -1, 0)), 1.5, atol=2e-3)
    length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=-1).sum()
    assert length == pytest.approx(2 * np.pi * 1.5, rel=2e-3)
    assert np.abs(jm.lensing.caustics(galaxy, grid)).max() < 3e-3
    assert jm.lensing.critical_curves(disc(), grid).shape == (0, 2, 2)


def test_distances_are_those_of_a_flat_universe():
    """D_LS/D_S = 1 - chi_L/chi_S."""
    cosmology = FlatLambdaCDM(70, 0.3)
    chi = cosmology.comoving_distance([0.348, 0.611]).value
    assert jm.lensing.distance_ratio(0.348, 0.611, cosmology) == pytest.approx(
        1 - chi[0] / chi[1], rel=1e-10
    )
    curved = LambdaCDM(70, 0.3, 0.5)
    own = float(
        curved.angular_diameter_distance(0.348, 0.611) / curved.angular_diameter_distance(0.611)
    )
    assert jm.lensing.distance_ratio(0.348, 0.611, curved) == pytest.approx(own, rel=1e-10)
    assert jm.lensing.kpc_per_arcsec(0.611, cosmology) == pytest.approx(
        chi[1] * 1e3 / 1.611 * np.pi / 648000, rel=1e-10
    )


SIDE, PIXEL = 25, 0.16
BAND = (
    {
        "image_data": np.zeros((SIDE, SIDE)),
        "ra_at_xy_0": -1.92,
        "dec_at_xy_0": -1.92,
        "transform_pix2angle": PIXEL * np.eye(2),
    },
    {"psf_type": "NONE"},
    {"supersampling_factor": 4, "supersampling_convolution": True},
)


def scene(rng) -> tuple[dict, dict, dict, dict, dict]:
    """Parameters of a power law with shear, of a source with a gradient, and of light in front."""
    e1, e2, s1, s2, g1, g2 = rng.uniform(-0.2, 0.2, 6)
    x, y = rng.uniform(-0.3, 0.3, 2)
    centre, ellipse = {"center_x": x, "center_y": y}, {"e1": s1, "e2": s2}
    halo = {
        "theta_E": rng.uniform(0.7, 1.3),
        "gamma": rng.uniform(1.7, 2.3),
        "e1": e1,
        "e2": e2,
        "center_x": 0.011,
        "center_y": 0.007,
    }
    source = {
        "amp": 3.0,
        "R_sersic": rng.uniform(0.2, 0.5),
        "n_sersic": rng.uniform(0.7, 2.0),
        **ellipse,
        **centre,
    }
    front = {"amp": 2.0, "sigma": 0.4, "center_x": 0.0, "center_y": 0.0}
    return (
        halo,
        {"gamma1": g1 / 3, "gamma2": g2 / 3},
        source,
        {"amp": 8.5, "k": rng.uniform(-0.5, 0.5), **centre},
        front,
    )


def theirs(halo, shear, source, tracer, front) -> tuple[np.ndarray, np.ndarray]:
    frame, psf, numerics = BAND
    model, light = lens_model.LensModel(["EPL", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
    common = {"lens_model_class": model, "source_model_class": light, "kwargs_numerics": numerics}
    image = ImageModel(
        ImageData(**frame), PSF(**psf), lens_light_model_class=LightModel(["GAUSSIAN"]), **common
    )
    map = TracerModelSource(
        ImageData(**frame),
        PSF(**psf),
        tracer_source_class=LightModel(["LINEAR"]),
        tracer_partition=[[0, 0]],
        tracer_type="LOG",
        **common,
    )
    return image.image([halo, shear], [source], [front]), map.tracer_model(
        [tracer], [halo, shear], [source]
    )


@pytest.mark.precision("double")
def test_a_lensed_scene_is_lenstronomys_image_and_tracer():
    """Sixty random lenses, sources and gradients, on lenstronomy's own points."""
    from jaxmetal.instrument.sampling import Sampling

    grid = jm.Grid((-1.92, -1.92), PIXEL * np.eye(2), (SIDE, SIDE))
    instrument = jm.Instrument(grid, jm.NoPSF(), Sampling(4, 1, 0, rule="midpoint"))

    def galaxy(halo, shear, source, tracer, front):
        lens = {
            "halo": jm.Profile(jm.lens.epl, **halo),
            "shear": jm.Profile(jm.lens.shear, **shear),
        }
        back = jm.Component(
            jm.Profile(jm.light.sersic, b_n="lenstronomy", **source),
            metallicity=jm.Profile(
                jm.tracer.gradient,
                central=tracer["amp"],
                gradient=tracer["k"],
                center_x=tracer["center_x"],
                center_y=tracer["center_y"],
            ),
        )
        return jm.Galaxy(
            lens=lens,
            back=back,
            front=jm.Component(jm.Profile(jm.light.gaussian, **front), foreground=True),
        )

    maps = {"light": blank(instrument, jm.LightMap), "z": blank(instrument)}
    predict = compiled_once(lambda g: predict_together(g, maps))
    rng = np.random.default_rng(4)
    for _ in range(60):
        values = scene(rng)
        images = predict(galaxy(*values))
        expected, tracer = theirs(*values)
        np.testing.assert_allclose(images["light"], expected, rtol=1e-6)
        np.testing.assert_allclose(images["z"], tracer, rtol=1e-6)


@pytest.mark.precision("single")
def test_the_lens_is_fitted_by_dotted_path():
    instrument = telescope((21, 21), 0.3, 0.6, (4, 2), 4)
    spot = jm.Component(jm.Profile(jm.light.gaussian, amp=5.0, sigma=0.3, center_x=0.2))
    true = jm.Galaxy(lens={"halo": jm.Profile(jm.lens.sis, theta_E=1.4)}, spot=spot)
    light = jm.predict(true, blank(instrument, jm.LightMap))
    model = jm.Model(
        put(true, "lens.halo.theta_E", jnp.asarray(1.3)),
        {"light": jm.LightMap(light, 0.05, instrument)},
        {
            "lens.halo.theta_E": dist.Uniform(0.5, 2.0),
            "lens.halo.center_x": dist.Normal(0.0, 0.2),
        },
    )
    fit = jm.optimise(model)
    assert fit.converged
    assert float(fit.parameters["lens.halo.theta_E"]) == pytest.approx(1.4, abs=1e-3)
    assert float(fit.galaxy.lens["halo"].theta_E) == pytest.approx(1.4, abs=1e-3)


@pytest.mark.precision("double")
def test_auto_sampling_is_measured_through_the_lens():
    galaxy = lensed({"halo": jm.Profile(jm.lens.sis, theta_E=1.0)}, R=0.3, x=0.1, y=0.05)
    grid, psf = jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.6)
    resolved = jm.Model(galaxy, {"z": blank(jm.Instrument(grid, psf))}).maps["z"].instrument
    fine = jm.predict(galaxy, blank(jm.Instrument(grid, psf, (18, 6), 12)))
    coarse = jm.predict(galaxy, blank(jm.Instrument(grid, psf, resolved.sampling)))
    assert float(jnp.abs(fine - coarse).max()) < 1e-4
    assert resolved.sampling.nodes > 2 or resolved.sampling.convolve > 2


# Deflection maps.

CENTRE = (342.18, -44.53)


def wcs(rows=41, columns=51, pixel=0.1, angle=20.0):
    made = WCS(naxis=2)
    made.wcs.ctype, made.wcs.crval, made.wcs.crpix = (
        ["RA---TAN", "DEC--TAN"],
        CENTRE,
        [(columns + 1) / 2 + 3, (rows + 1) / 2],
    )
    turn = np.deg2rad(angle)
    made.wcs.cd = (
        pixel / 3600 * np.array([[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    )
    made.array_shape = (rows, columns)
    return made


def files(folder, lens, unit="arcsec", axes="array", factor=1.0, made=None):
    """A lens's deflection as the two files that somebody might publish."""
    made = wcs() if made is None else made
    grid = jm.Grid.from_wcs(made, center=CENTRE)
    alpha = np.stack([np.asarray(a, float) for a in lens(*grid.coordinates)]) * factor
    if axes == "array":
        alpha = np.tensordot(
            np.linalg.inv(np.asarray(grid.matrix, float) / float(grid.pixel_scale)), alpha, axes=1
        )
    alpha /= float(grid.pixel_scale) if unit == "pixel" else 1.0
    for name, values in zip(("x.fits", "y.fits"), alpha, strict=True):
        fits.writeto(folder / name, values, made.to_header(), overwrite=True)
    return folder / "x.fits", folder / "y.fits"


SAID = {"unit": "arcsec", "axes": "array", "scaled_to": "source", "center": CENTRE}
SMOOTH = jm.Profile(jm.lens.nie, theta_E=1.0, s_scale=0.4, e1=0.2, e2=0.1)
REDSHIFTS = {"lens_redshift": 0.348, "source_redshift": 0.611, "cosmology": FlatLambdaCDM(70, 0.3)}


@pytest.mark.precision("double")
@pytest.mark.parametrize("unit", ["arcsec", "pixel"])
@pytest.mark.parametrize("axes", ["array", "sky"])
def test_a_deflection_map_deflects_as_the_lens_that_it_shows(tmp_path, unit, axes):
    lens = jm.read_deflection(
        *files(tmp_path, SMOOTH, unit, axes), **SAID | {"unit": unit, "axes": axes}
    )
    x, y = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 50))
    x, y = jnp.asarray(x, float), jnp.asarray(y, float)
    np.testing.assert_allclose(lens(x, y), SMOOTH(x, y), atol=4e-4)


@pytest.mark.precision("double")
def test_a_deflection_map_is_scaled_to_the_redshift_of_the_source(tmp_path):
    ratio = jm.lensing.distance_ratio(0.348, 0.611, REDSHIFTS["cosmology"])
    other = jm.lensing.distance_ratio(0.348, 2.0, REDSHIFTS["cosmology"])
    paths = files(tmp_path, SMOOTH)
    assert float(jm.read_deflection(*paths, **SAID).distance_ratio) == 1
    assert float(
        jm.read_deflection(*paths, **SAID | REDSHIFTS | {"scaled_to": "infinity"}).distance_ratio
    ) == pytest.approx(ratio)
    assert float(
        jm.read_deflection(*paths, **SAID | REDSHIFTS | {"scaled_to": 2.0}).distance_ratio
    ) == pytest.approx(ratio / other)
    back = jm.read_deflection(*paths, **SAID | {"sense": "source - image"})
    np.testing.assert_allclose(back(0.5, 0.2)[0], -jm.read_deflection(*paths, **SAID)(0.5, 0.2)[0])


@pytest.mark.precision("double")
def test_a_deflection_map_has_continuous_derivatives_up_to_its_edge(tolerance):
    rng = np.random.default_rng(2)
    lens = jm.Profile(
        jm.lens.deflection_map,
        alpha_x=rng.normal(size=(6, 7)),
        alpha_y=rng.normal(size=(6, 7)),
        origin=(0.0, 0.0),
        matrix=np.eye(2),
    )
    slope = compiled_once(jax.vmap(jax.jacfwd(lambda p: jnp.stack(lens(p[0], p[1])))))
    near = tolerance(1e-9, 1e-6)
    knots = np.array([(c, r) for c in range(1, 6) for r in range(1, 5)], float)
    below, above = (slope(jnp.asarray(knots + d, float)) for d in (-near, near))
    np.testing.assert_allclose(below, above, atol=tolerance(1e-7, 1e-4))
    np.testing.assert_allclose(
        lens(jnp.asarray(6.0), jnp.asarray(5.0))[0], lens.alpha_x[5, 6], rtol=1e-5
    )


@pytest.mark.precision("double")
def test_a_frame_beyond_the_deflection_map_is_refused_and_a_margin_is_told_of(tmp_path):
    lens = jm.read_deflection(*files(tmp_path, SMOOTH), **SAID)
    galaxy = lensed({"cluster": lens}, R=0.3)
    inside = jm.Instrument(jm.Grid.regular((11, 11), 0.2), jm.GaussianPSF(0.4), (2, 1), margin=0)
    assert np.all(np.isfinite(jm.predict(galaxy, blank(inside))))
    wide = jm.Instrument(jm.Grid.regular((41, 41), 0.2), jm.GaussianPSF(0.4), (2, 1), margin=0)
    with pytest.raises(
        jm.InputError, match=r"frame reaches .* arcsec beyond the deflection map lens\.cluster"
    ):
        jm.predict(galaxy, blank(wide))
    with pytest.raises(jm.InputError, match=r"z: the frame reaches"):
        jm.Model(galaxy, {"z": blank(wide)})
    with pytest.warns(jm.InputWarning, match=r"the margin around the frame reaches .* beyond"):
        jm.Model(galaxy, {"z": blank(jm.Instrument(inside.grid, inside.psf, (2, 1), margin=9))})


WRONG = {
    "unit": ({"unit": "degrees"}, "unit: expected 'arcsec' or 'pixel'"),
    "axes": ({"axes": "west"}, "axes: expected 'array' or 'sky'"),
    "sense": ({"sense": -1}, "sense: expected"),
    "scaled": ({"scaled_to": "one"}, "scaled_to: expected 'infinity', 'source' or a redshift"),
    "redshift": ({"scaled_to": "infinity"}, "lens_redshift: needed"),
    "in front": (
        REDSHIFTS | {"scaled_to": "infinity", "source_redshift": 0.2},
        "source must lie behind the lens at 0.348, got 0.2",
    ),
    "reference": (
        REDSHIFTS | {"scaled_to": 0.3},
        "scaled_to: the redshift must lie behind the lens",
    ),
}


@pytest.mark.wrong_types
@pytest.mark.precision("double")
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_about_deflection_maps_is_named(tmp_path, case):
    said, message = WRONG[case]
    with pytest.raises(jm.InputError, match=message):
        jm.read_deflection(*files(tmp_path, SMOOTH), **SAID | said)


def test_two_maps_that_do_not_belong_together_are_refused(tmp_path):
    x, y = files(tmp_path, SMOOTH)
    fits.writeto(tmp_path / "short.fits", np.zeros((41, 50)), wcs().to_header())
    fits.writeto(tmp_path / "turned.fits", np.zeros((41, 51)), wcs(angle=21.0).to_header())
    fits.writeto(tmp_path / "bare.fits", np.zeros((41, 51)))
    fits.writeto(tmp_path / "holes.fits", np.full((41, 51), np.nan), wcs().to_header())
    for other, message in (
        ("short", r"short.fits: shape \(41, 50\) does not match"),
        ("turned", "turned.fits: its WCS differs"),
        ("bare", "bare.fits.*no celestial WCS"),
        ("holes", "holes.fits.*have no deflection"),
        ("none", "no such file"),
    ):
        with pytest.raises(jm.InputError, match=message):
            jm.read_deflection(x, tmp_path / f"{other}.fits", **SAID)
    with pytest.raises(jm.InputError, match="the same file"):
        jm.read_deflection(y, y, **SAID)


@pytest.mark.wrong_types
def test_what_is_no_lens_is_refused_by_name():
    sersic = disc().disc.light
    with pytest.raises(
        jm.InputError,
        match="Component: light must have one value at each position, got the lens sie",
    ):
        jm.Component(halo())
    with pytest.raises(jm.InputError, match=r"Galaxy.lens\['light'\]: sersic is no lens"):
        lensed({"light": sersic})
    with pytest.raises(
        jm.InputError,
        match=r"expected lenses by name.*got Component; a component needs another name",
    ):
        lensed(disc().disc)
    with pytest.raises(jm.InputError, match="foreground light is not deflected"):
        jm.Component(sersic, foreground=True, distance_ratio=0.5)
    with pytest.raises(jm.InputError, match=r"Did you mean 'halo'\?"):
        get(lensed({"halo": halo()}), "lens.hallo.theta_E")


def test_a_users_own_lens_works():
    def gradient(x, y, strength):
        return strength * jnp.ones_like(x), 0.0 * y

    galaxy = lensed({"own": jm.Profile(gradient, strength=0.4)}, x=-0.4)
    seen, plain = (observed(g, telescope(), (2, 4, 8)) for g in (galaxy, disc()))
    np.testing.assert_allclose(seen[1], plain[1], rtol=3e-4)


# The arc behind Abell S1063.


@pytest.mark.precision("double")
def test_the_published_deflection_of_as1063_takes_pixels_to_their_published_places():
    """The authors' own projection of their MUSE pixels, in kpc of WMAP9 at z = 0.611, from the
    corner of their map.
    """
    folder = data_path("as1063_lensed_muse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        muse = WCS(fits.getheader(folder / "orig" / "Map_metallicity.fits")).celestial
    said = {
        "unit": "arcsec",
        "axes": "array",
        "scaled_to": "source",
        "center": (342.1789, -44.5348),
    }
    paths = folder / "AS1063_dplx_crop.fits.gz", folder / "AS1063_dply_crop.fits.gz"
    lens = jm.read_deflection(*paths, **said)
    grid = jm.Grid.from_wcs(muse, (45, 56), center=said["center"])
    galaxy = lensed({"cluster": lens})
    published = np.load(folder / "authors_projection_and_model.npz")
    scale = jm.lensing.kpc_per_arcsec(0.611, WMAP9)

    def apart(galaxy):
        """The largest distance, kpc.

        Theirs grows to the west, and has its origin where we do not.
        """
        x, y = (
            scale * np.asarray(value, float)
            for value in jm.lensing.source_position(galaxy, *grid.coordinates)
        )
        off = np.array([-x - published["project_x_kpc"], y - published["project_y_kpc"]])
        return np.abs(off - off.mean(axis=(1, 2), keepdims=True)).max()

    assert apart(galaxy) < 0.02
    # Any other reading of the maps is off by kiloparsecs.
    flipped = jm.read_deflection(*paths, **said | {"sense": "source - image"})
    eastward = jm.read_deflection(*paths, **said | {"axes": "sky"})
    assert min(apart(lensed({"cluster": flipped})), apart(lensed({"cluster": eastward}))) > 5
    instrument = jm.Instrument(grid, jm.GaussianPSF(1.03), (2, 1), margin=0)
    assert np.all(np.isfinite(jm.predict(galaxy, blank(instrument))))
