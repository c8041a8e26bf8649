"""Maps of line fluxes and of line ratios: what they show, and that lines are lights."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.forward import predict_together
from tests.compilations import compilations
from tests.scenes import blank, telescope

LIGHT = {"amp": 3.0, "R_sersic": 1.0, "n_sersic": 1.0, "e1": 0.1}
METALLICITY = {"central": 8.6, "gradient": -0.15}
REDDENING = {"central": 0.3, "gradient": -0.1}


def gas(emission="curti20", metallicity=METALLICITY, reddening=None, light=LIGHT, **options):
    """A Sersic disc of Ha with a metallicity gradient."""
    tracers = {"metallicity": jm.Profile(jm.tracer.gradient, **metallicity)}
    if reddening is not None:
        tracers["reddening"] = jm.Profile(jm.tracer.gradient, **reddening)
    emission = jm.Emission(emission) if isinstance(emission, str) else emission
    profile = jm.Profile(jm.light.sersic, **light)
    return jm.Component(light=profile, emission=emission, **tracers, **options)


def line(name, instrument=None, **options):
    """A line map without content."""
    return blank(instrument or telescope(), jm.LineMap, line=name, check=False, **options)


def ratio(numerator, denominator, instrument=None):
    """A ratio map without content."""
    instrument = instrument or telescope()
    options = {"numerator": numerator, "denominator": denominator}
    return blank(instrument, jm.RatioMap, check=False, **options)


def images(galaxy, **maps):
    """Predictions as float64 arrays, by the name of the map."""
    groups = {}
    for name, one_map in maps.items():
        groups.setdefault(id(one_map.instrument), {})[name] = one_map
    predicted = {}
    for group in groups.values():
        predicted |= compiled_once(predict_together)(galaxy, group)
    return {name: np.asarray(image, float) for name, image in predicted.items()}


def _by_hand(x, y, amp, R_sersic, n_sersic, e1, central, gradient, inner_dust, slope_dust):
    """[OIII] 5007 of Curti et al. (2020), reddened by Cardelli et al., of a disc of Ha."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    light = jm.light.sersic(x, y, amp, R_sersic, n_sersic, e1)
    z = jm.tracer.gradient(x, y, central, gradient) - 8.69
    r3 = -0.277 - 3.549 * z - 3.593 * z**2 - 0.981 * z**3
    reddening = jm.tracer.gradient(x, y, inner_dust, slope_dust)
    return light * 10 ** (r3 - 0.4 * (3.473 - 2.535) * reddening) / 2.86


def test_a_line_is_the_light_that_the_formulas_give(tolerance):
    galaxy = jm.Galaxy(disc=gas(reddening=REDDENING))
    numbers = LIGHT | METALLICITY | {"inner_dust": 0.3, "slope_dust": -0.1}
    alone = jm.Galaxy(disc=jm.Component(light=jm.Profile(_by_hand, **numbers)))
    instrument = telescope()
    shown = images(galaxy, o3=line("OIII5007", instrument))["o3"]
    expected = images(alone, o3=blank(instrument, jm.LightMap, check=False))["o3"]
    # k is given to three decimals; the metallicity is inside of the range of the polynomial.
    np.testing.assert_allclose(shown, expected, rtol=6e-4, atol=1e-6 * expected.max())


def test_the_reference_line_is_the_light_itself(tolerance):
    galaxy, instrument = jm.Galaxy(disc=gas(reddening=REDDENING)), telescope()
    shown = images(galaxy, ha=line("Ha", instrument), light=blank(instrument, jm.LightMap))
    peak = shown["light"].max()
    np.testing.assert_allclose(shown["ha"], shown["light"], atol=tolerance(1e-13, 1e-6) * peak)


def test_a_map_of_several_lines_is_their_sum(tolerance):
    galaxy, instrument = jm.Galaxy(disc=gas()), telescope()
    shown = images(
        galaxy,
        ha=line("Ha", instrument),
        nii=line("NII6584", instrument),
        blend=line({"Ha": 1, "NII6584": 1.33}, instrument),
    )
    total = shown["ha"] + 1.33 * shown["nii"]
    np.testing.assert_allclose(shown["blend"], total, atol=tolerance(1e-13, 2e-6) * total.max())


def test_components_have_relations_of_their_own(tolerance):
    """HII regions, and diffuse gas whose nitrogen is enhanced."""
    diffuse = gas(
        emission=jm.Emission("curti20", offset={"NII6584": 0.3}), light=LIGHT | {"R_sersic": 2.0}
    )
    parts = {"disc": gas(), "diffuse": diffuse, "stars": jm.Component(light=diffuse.light)}
    instrument = telescope()
    maps = {"nii": line("NII6584", instrument)}
    together = images(jm.Galaxy(**parts), **maps)["nii"]
    alone = [images(jm.Galaxy(one=parts[name]), **maps)["nii"] for name in ("disc", "diffuse")]
    np.testing.assert_allclose(together, sum(alone), atol=tolerance(1e-13, 2e-6) * together.max())


def test_a_light_named_as_a_line_is_seen_beside_emission(tolerance):
    """A nucleus whose lines are lights of its own."""
    profile = jm.Profile(jm.light.gaussian, amp=2.0, sigma=0.2)
    nucleus = jm.Component(light={"Ha": profile, "NII6584": profile})
    instrument = telescope()
    maps = {"nii": line("NII6584", instrument)}
    both = images(jm.Galaxy(disc=gas(), nucleus=nucleus), **maps)["nii"]
    disc = images(jm.Galaxy(disc=gas()), **maps)["nii"]
    alone = jm.Galaxy(nucleus=jm.Component(light=profile))
    own = images(alone, light=blank(instrument, jm.LightMap, check=False))["light"]
    np.testing.assert_allclose(both, disc + own, atol=tolerance(1e-13, 2e-6) * both.max())


def test_lines_of_a_named_light():
    lights = {"Ha": jm.Profile(jm.light.sersic, **LIGHT)}
    lights["continuum"] = jm.Profile(jm.light.gaussian, amp=1.0, sigma=2.0)
    tracers = {"metallicity": jm.Profile(jm.tracer.gradient, **METALLICITY)}
    several = jm.Component(light=lights, emission=jm.Emission("curti20"), **tracers)
    maps = {"nii": line("NII6584", telescope())}
    shown = images(jm.Galaxy(disc=several), **maps)["nii"]
    np.testing.assert_allclose(shown, images(jm.Galaxy(disc=gas()), **maps)["nii"], rtol=1e-5)
    with pytest.raises(jm.InputError, match="which of its lights, Ha, continuum"):
        jm.Component(light=lights, emission=jm.Emission("curti20", reference="Hb"), **tracers)
    named = jm.Emission("curti20", reference="Hb", light="Ha")
    assert jm.Component(light=lights, emission=named, **tracers).line_light == "Ha"


def _constant_deflection(x, y, along, across):
    return along + 0 * x, across + 0 * y


@pytest.mark.precision("single")
def test_a_line_that_neither_lights_nor_the_relation_have_is_named():
    """Also beside the reference line itself, which is a light."""
    light = {"Ha": jm.Profile(jm.light.sersic, **LIGHT)}
    metallicity = jm.Profile(jm.tracer.gradient, **METALLICITY)
    disc = jm.Component(light, metallicity=metallicity, emission=jm.Emission("curti20"))
    with pytest.raises(jm.InputError, match="unknown line 'OI6300'"):
        jm.predict(jm.Galaxy(disc=disc), line({"Ha": 1, "OI6300": 1}))


def test_lines_behind_a_lens_are_those_of_the_source_plane(tolerance):
    """A constant deflection moves the lines as it moves the light."""
    shift = {"shift": jm.Profile(_constant_deflection, along=0.4, across=-0.2)}
    here = LIGHT | {"center_x": 0.4, "center_y": -0.2}
    there = METALLICITY | {"center_x": 0.4, "center_y": -0.2}
    instrument = telescope()
    maps = {"nii": line("NII6584", instrument), "ratio": ratio("NII6584", "Ha", instrument)}
    lensed = images(jm.Galaxy(lens=shift, disc=gas()), **maps)
    moved = images(jm.Galaxy(disc=gas(light=here, metallicity=there)), **maps)
    # Behind a lens cells near the centre are not refined.
    np.testing.assert_allclose(lensed["nii"], moved["nii"], atol=0.02 * moved["nii"].max())
    bright = moved["nii"] > 1e-2 * moved["nii"].max()
    assert np.abs(lensed["ratio"] - moved["ratio"])[bright].max() < 5e-3


def test_a_uniform_metallicity_gives_a_uniform_ratio(tolerance):
    galaxy = jm.Galaxy(disc=gas(metallicity={"central": 8.4, "gradient": 0.0}))
    shown = images(galaxy, ratio=ratio("OIII5007", {"NII6548": 1, "NII6584": 1}))["ratio"]
    emitted = galaxy.disc.emission.log_ratios({"metallicity": jnp.asarray(8.4)})
    both = np.log10(10 ** float(emitted["NII6548"]) + 10 ** float(emitted["NII6584"]))
    expected = float(emitted["OIII5007"]) - both
    np.testing.assert_allclose(shown, expected, atol=tolerance(1e-12, 3e-6))


def test_a_ratio_is_that_of_the_fluxes():
    galaxy, instrument = jm.Galaxy(disc=gas(reddening=REDDENING)), telescope()
    shown = images(
        galaxy,
        hb=line("Hb", instrument),
        ha=line("Ha", instrument),
        ratio=ratio("Hb", "Ha", instrument),
    )
    bright = shown["ha"] > 1e-3 * shown["ha"].max()
    expected = np.log10(shown["hb"] / shown["ha"])[bright]
    np.testing.assert_allclose(shown["ratio"][bright], expected, atol=1e-4)


def test_flux_of_bins_is_the_sum_over_their_pixels(tolerance):
    galaxy, pixels = jm.Galaxy(disc=gas()), telescope()
    labels = np.arange(31 * 31).reshape(31, 31) // 7
    apertures = jm.Apertures.bins(labels)
    bins = jm.Instrument(pixels.grid, pixels.psf, (4, 2), 8, apertures=apertures)
    whole = images(galaxy, nii=line("NII6584", pixels))["nii"]
    binned = images(galaxy, nii=line("NII6584", bins))["nii"]
    expected = np.bincount(labels.ravel(), whole.ravel())
    np.testing.assert_allclose(binned, expected, atol=tolerance(1e-12, 3e-6) * expected.max())


def test_a_tracer_may_be_weighted_by_a_line():
    """The metallicity that oxygen's light shows is lower than that of nitrogen's."""
    galaxy, instrument = jm.Galaxy(disc=gas()), telescope(fwhm=2.0)
    shown = images(
        galaxy,
        oxygen=blank(instrument, light="OIII5007"),
        nitrogen=blank(instrument, light="NII6584"),
    )
    assert (shown["oxygen"] < shown["nitrogen"]).all()


def _observed(galaxy, instruments, noise, seed=0):
    """Line maps with Gaussian noise of this fraction of the peak of Ha."""
    random = np.random.default_rng(seed)
    predicted = images(galaxy, **{n: line(n, i) for n, i in instruments.items()})
    sigma = noise * predicted["Ha"].max()
    return {
        name: jm.LineMap(
            image + sigma * random.normal(size=image.shape), sigma, instruments[name], line=name
        )
        for name, image in predicted.items()
    }


PRIORS = {
    "disc.metallicity.central": dist.Uniform(7.0, 9.2),
    "disc.metallicity.gradient": dist.Normal(0.0, 0.5),
    "disc.light.amp": dist.LogNormal(1.0, 1.0),
}


def start(**options):
    """Where fits begin."""
    return jm.Galaxy(disc=gas(metallicity={"central": 8.4, "gradient": 0.0}, **options))


@pytest.mark.slow
@pytest.mark.precision("single")
def test_two_psfs_of_one_galaxy_make_no_gradient():
    """With one PSF for both lines a constant ratio turns into a gradient of its own."""
    flat = {"central": 8.4, "gradient": 0.0}
    galaxy = jm.Galaxy(disc=gas(metallicity=flat))
    instruments = {"Ha": telescope(fwhm=0.8), "NII6584": telescope(fwhm=0.92)}
    maps = _observed(galaxy, instruments, 0.002)
    # Without noise, with its errors: the shift is that of the model alone.
    exact = images(galaxy, **{n: line(n, i) for n, i in instruments.items()})
    path = "disc.metallicity.gradient"

    def gradient(instruments):
        data = {n: jm.LineMap(exact[n], maps[n].sigma, instruments[n], line=n) for n in maps}
        fit = jm.optimise(jm.Model(start(), data, PRIORS), starts=1)
        assert fit.converged
        return fit.parameters[path] / fit.errors[path]

    assert abs(gradient(instruments)) < 0.1
    assert abs(gradient(dict.fromkeys(maps, instruments["Ha"]))) > 3


@pytest.mark.slow
def test_dust_that_falls_outwards_makes_no_gradient_if_it_is_in_the_model():
    """E(B-V) of 0.3 mag, by lines of O32 and R23; left out it is taken for metallicity."""
    truth = jm.Galaxy(disc=gas(reddening=REDDENING))
    instruments = dict.fromkeys(("Ha", "Hb", "OII3727", "OIII5007"), telescope())
    maps = _observed(truth, instruments, 0.02)
    exact = images(truth, **{n: line(n, i) for n, i in instruments.items()})
    data = {n: jm.LineMap(exact[n], maps[n].sigma, instruments[n], line=n) for n in maps}
    dusty = {
        "disc.reddening.central": dist.HalfNormal(0.5),
        "disc.reddening.gradient": dist.Normal(0.0, 0.5),
    }
    path = "disc.metallicity.gradient"

    def shift(galaxy, priors):
        fit = jm.optimise(jm.Model(galaxy, data, priors), starts=1)
        assert fit.converged
        return (fit.parameters[path] - METALLICITY["gradient"]) / fit.errors[path]

    flat = {"central": 0.1, "gradient": 0.0}
    assert abs(shift(start(reddening=flat), PRIORS | dusty)) < 0.1
    assert abs(shift(start(), PRIORS)) > 3


@pytest.mark.precision("single")
def test_another_galaxy_compiles_nothing():
    galaxy, instruments = jm.Galaxy(disc=gas()), dict.fromkeys(("Ha", "NII6584"), telescope())
    fits = []
    for seed in (1, 2, 3):
        maps = _observed(galaxy, instruments, 0.01, seed)
        with compilations() as programs:
            fits.append(jm.optimise(jm.Model(start(), maps, PRIORS), starts=1))
        if seed == 3:
            assert not list(programs)
    assert all(fit.converged for fit in fits)


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: line("NII6583"), "unknown line 'NII6583'. Did you mean 'NII6584'"),
        (lambda: line({}), "expected a line"),
        (lambda: line({"Ha": 0.0}), "a finite factor but 0"),
        (lambda: line(["Ha"]), "expected a line"),
        (lambda: ratio("Ha", "Hbeta"), "RatioMap.denominator: unknown line 'Hbeta'"),
        (
            lambda: jm.predict(jm.Galaxy(disc=gas("marino13")), line("SII6717")),
            "unknown light 'SII6717'",
        ),
        (
            lambda: jm.predict(jm.Galaxy(disc=gas()), line({"Ha": 1, "OI6300": 1})),
            "unknown line 'OI6300'",
        ),
        (
            lambda: jm.Component(
                light=jm.Profile(jm.light.sersic, **LIGHT), emission=jm.Emission("curti20")
            ),
            "emission needs a: unknown tracer 'metallicity'",
        ),
        (lambda: gas(emission="curti20", light=LIGHT | {"amp": "x"}), "expected a number"),
        (
            lambda: jm.Component(light=jm.Profile(jm.light.sersic, **LIGHT), emission=3),
            "expected an Emission",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(jm.InputError) as error:
        make()
    assert words in str(error.value)


def test_labels_of_axes():
    assert line({"OIII4959": 1, "OIII5007": 1}).label == "[O III] 4959 + [O III] 5007 per pixel"
    assert ratio("NII6584", "Ha").label == "log ([N II] 6584) / (Hα)"


def test_derivatives_are_finite_where_no_light_falls():
    galaxy = jm.Galaxy(disc=gas(reddening=REDDENING, metallicity=METALLICITY | {"gradient": -9.0}))
    one_map = line("OIII5007")

    def total(galaxy):
        return jnp.sum(predict_together(galaxy, {"o3": one_map})["o3"])

    slopes = jax.jit(jax.grad(total))(galaxy)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
