"""supersampling="auto": within 1e-4 dex and 1e-3 in light of the converged map, wherever light
matters.
"""

import logging

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.forward import resolve
from jaxmetal.forward.cells import is_concentric
from jaxmetal.inference.resampling import sampled_as
from jaxmetal.inference.sampling_cost import finer_samplings
from jaxmetal.instrument.choice import guess, margin_for
from jaxmetal.instrument.sampling import Sampling
from tests.scenes import blank, disc, observed


# The converged reference needs float64, and auto itself always measures in float64.
@pytest.mark.precision("double")
@pytest.mark.parametrize(
    ("R", "n", "fwhm"),
    [(0.25, 4.0, 0.1), (0.25, 4.0, 0.5), (0.25, 4.0, 2.0), (0.25, 0.5, 0.1), (1.0, 1.0, 0.5)],
)
def test_auto_is_within_its_tolerance_of_the_converged_map(fwhm, R, n):
    """The hardest of the cases that `scripts/validate.py sampling` goes through.

    A frame of 41 pixels keeps 25 × 25 points affordable.
    """
    instrument = jm.Instrument(jm.Grid.regular((41, 41), 0.066), jm.GaussianPSF(fwhm))
    galaxy = disc(R=R, n=n, x=0.013, y=0.021)
    chosen = resolve(galaxy, {"z": blank(instrument)})["z"].instrument.sampling
    assert (chosen.convolve < 1) == (fwhm >= 0.5), (
        "a wide PSF is convolved on cells larger than pixels"
    )
    light, z = observed(galaxy, instrument, (chosen.convolve, chosen.nodes, chosen.margin))
    true_light, true_z = observed(
        galaxy, instrument, (9, 3, min(2 * chosen.margin, 41) + 2) if fwhm < 1 else (5, 5, 41)
    )
    matters = true_light > 1e-4 * true_light.max()
    assert np.abs(z - true_z)[matters].max() < 1e-4
    assert np.abs(light / true_light - 1)[matters].max() < 1e-3


@pytest.mark.precision("single")
def test_auto_says_what_it_chose_and_what_it_measured(caplog):
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.8))
    with caplog.at_level(logging.INFO, "jaxmetal"):
        resolved = resolve(disc(), {"z": blank(instrument)})["z"].instrument
    assert "measured error" in caplog.text
    assert resolved.describe() in caplog.text
    assert resolved.error["the tracer"] < 1e-4 and resolved.error["light"] < 1e-3


def _faint_or_deep(signal_to_noise, n=1.0, start=1.0, **options):
    """A model of a light map of this signal-to-noise ratio at its peak, and the maps."""
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.5))
    flux = np.asarray(jm.simulate.light_map(disc(R=1.0, n=n), instrument).values)
    light = jm.LightMap(flux, flux.max() / signal_to_noise, instrument)
    priors = {
        "disc.light.amp": dist.LogUniform(0.1, 1000.0),
        "disc.light.R_sersic": dist.LogUniform(0.1, 10.0),
        "disc.light.n_sersic": dist.Uniform(0.4, 8.0),
    }
    return jm.Model(disc(R=1.0, n=start), {"light": light}, priors, **options)


@pytest.mark.precision("single")
def test_auto_is_as_fine_as_the_data_ask():
    samplings = [
        _faint_or_deep(ratio, **options).maps["light"].instrument.sampling
        for ratio, options in [(10, {}), (1000, {}), (10, {"accuracy": 0.001})]
    ]
    faint, deep, exact = (s.points((21, 21)) for s in samplings)
    assert 2 * faint < min(deep, exact)
    within_tolerance = _faint_or_deep(10, accuracy=None).maps["light"].instrument
    assert within_tolerance.error["light"] < 1e-3
    assert within_tolerance.sampling.points((21, 21)) > faint


@pytest.mark.wrong_types
@pytest.mark.parametrize("wrong", [0, 1.0, -0.1, "fine", True])
def test_an_accuracy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(jm.InputError, match="accuracy: expected a number between 0 and 1"):
        _faint_or_deep(10, accuracy=wrong)


@pytest.mark.precision("double")
def test_the_sampling_is_chosen_again_where_a_fit_ends():
    """A smooth start, and data that show a cusp: no parameter is off by 0.03 of its error."""
    model = _faint_or_deep(200, n=5.0, start=0.5)
    fit = jm.optimise(model)
    used, at_start = (m["light"].instrument.sampling for m in (fit.maps, model.maps))
    assert used.points((21, 21)) > at_start.points((21, 21))
    light = model.maps["light"]
    fine = jm.Instrument(light.instrument.grid, light.instrument.psf, (18, 6), 24)
    exact = jm.optimise(
        jm.Model(fit.galaxy, {"light": light.with_instrument(fine)}, dict(model.priors)), starts=1
    )
    for path, value in fit.parameters.items():
        assert abs(value - exact.parameters[path]) < 0.03 * exact.errors[path]
    # Draws are taken at the sampling of the fit, too.
    drawn = jm.sample(model, fit, draws=100)
    again = jm.sample(sampled_as(model, fit.maps), fit, draws=100)
    np.testing.assert_array_equal(drawn.samples["disc.light.amp"], again.samples["disc.light.amp"])


@pytest.mark.precision("single")
def test_the_fit_of_another_model_is_refused():
    model = _faint_or_deep(10)
    other = jm.Model(model.galaxy, {"image": model.maps["light"]}, dict(model.priors))
    with pytest.raises(jm.InputError, match="the fit has no map light: its maps are image"):
        jm.sample(model, jm.optimise(other, starts=1))


@pytest.mark.precision("single")
@pytest.mark.slow
def test_models_of_a_batch_are_computed_at_the_finest_of_their_samplings():
    models = [_faint_or_deep(ratio) for ratio in (10, 1000)]
    coarse, fine = (model.maps["light"].instrument.sampling for model in models)
    assert coarse != fine
    fits = jm.optimise_batch(models)
    assert all(fit.converged for fit in fits)
    used = [fit.maps["light"].instrument.sampling for fit in fits]
    assert used[0] == used[1] and used[0].points((21, 21)) >= fine.points((21, 21))


@pytest.mark.slow
@pytest.mark.precision("single")
def test_posteriors_of_a_batch_are_drawn_at_the_sampling_of_the_fits():
    models = [_faint_or_deep(ratio) for ratio in (10, 1000)]
    fits = jm.optimise_batch(models)
    posteriors = jm.sample_batch(models, fits, draws=50, method="importance")
    assert all(posterior.attributes["k_hat"] < 0.7 for posterior in posteriors)


@pytest.mark.precision("double")
def test_cells_and_margin_grow_only_where_each_changes_something():
    """A gradient that may be steep asks for finer cells, the wings of a Moffat for a wider
    margin; neither for both.
    """
    sharp = jm.Instrument(jm.Grid.regular((41, 41), 0.2), jm.GaussianPSF(3.0))
    winged = jm.Instrument(sharp.grid, jm.MoffatPSF(0.8, beta=2.5))
    first = [guess(i.psf, i.grid, margin_for(i.psf, i.grid)) for i in (sharp, winged)]
    finer, wider = (
        resolve(disc(gradient=gradient), {"z": blank(instrument)})["z"].instrument
        for gradient, instrument in [(-1.0, sharp), (-0.2, winged)]
    )
    assert (
        finer.sampling.convolve > first[0].convolve,
        finer.sampling.margin - first[0].margin < 16,
    ) == (True, True)
    assert (
        wider.sampling.convolve == first[1].convolve,
        wider.sampling.margin > first[1].margin,
    ) == (True, True)
    light, seen = observed(
        disc(), winged, (wider.sampling.convolve, wider.sampling.nodes, wider.sampling.margin)
    )
    true_light, truth = observed(disc(), winged, (6, 3, 2 * wider.sampling.margin))
    matters = true_light > 1e-4 * true_light.max()
    assert np.abs(seen - truth)[matters].max() < 1e-4
    assert np.abs(light / true_light - 1)[matters].max() < 1e-3


def test_large_cells_are_judged_three_sizes_on_and_one_between_may_do():
    coarse = Sampling(1 / 4, 2, 40)
    finer = coarse.finer(40, more_nodes=False)
    assert finer == Sampling(1 / 1.5, 2, 40)
    assert [coarse.between(finer, excess) for excess in (1.7, 8.6, 100)] == [
        Sampling(1 / 3, 2, 42),
        Sampling(1 / 2, 2, 40),
        None,
    ]
    assert Sampling(1, 2, 8).between(Sampling(1, 2, 8).finer(8, more_nodes=False), 3) is None


def test_cells_may_be_larger_than_pixels():
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(2.0), (1, 0.5), 24)
    assert (instrument.sampling.nodes, instrument.sampling.cells((21, 21))) == (2, (36, 36))
    fine = jm.Instrument(instrument.grid, instrument.psf, (4, 2), 24)
    coarse, exact = (jm.predict(disc(R=2.0), blank(i)) for i in (instrument, fine))
    np.testing.assert_allclose(coarse, exact, atol=1e-4)


@pytest.mark.parametrize("wrong", ["fine", 0, (3, 2), (1, 2), 2.5, (2, 0), (1.2, 0.5), (3, 1.5)])
def test_a_sampling_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(jm.InputError, match="supersampling"):
        jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.NoPSF(), wrong)


@pytest.mark.precision("single")
def test_under_a_trace_auto_takes_a_safe_setting():
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.5))
    traced = jax.jit(lambda galaxy: jm.predict(galaxy, blank(instrument)))(disc())
    np.testing.assert_allclose(traced, jm.predict(disc(), blank(instrument)), atol=1e-4)


def test_a_component_is_refined_at_one_place_where_its_profiles_keep_one_centre():
    """Maps that a model of fixed centres has sampled are judged by all centres in another one."""
    instrument = jm.Instrument(jm.Grid.regular((15, 15), 0.3), jm.GaussianPSF(1.0))
    maps = {"z": jm.TracerMap(np.full((15, 15), 8.0), 0.1, instrument, check=False)}
    fixed = {"disc.metallicity.gradient": dist.Normal(0.0, 0.1)}
    free = fixed | {"disc.light.center_x": dist.Normal(0.0, 1.0)}
    model, moved = (jm.Model(disc(), maps, priors) for priors in (fixed, free))
    again = jm.Model(disc(), model.maps, free)

    def concentric(one):
        ((_, reference),) = finer_samplings(one)
        return one.maps["z"].instrument.sampling.concentric, reference.concentric

    assert [concentric(one) for one in (model, moved, again)] == [
        (True, True),
        (False, False),
        (True, False),
    ]


def test_profiles_with_two_centres_are_refined_at_both():
    tracer = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1, center_x=0.3)
    galaxy = jm.Galaxy(disc=jm.Component(disc().disc.light, metallicity=tracer))
    assert is_concentric(disc()) and not is_concentric(galaxy)
