"""Many galaxies at once: what each would be alone."""

import dataclasses
import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference import batch_refinement, climbing
from jaxmetal.inference.resampling import nowhere_coarser, samplings_of
from jaxmetal.instrument.sampling import Sampling, finest
from tests.compilations import compilations
from tests.scenes import CENTRAL, FLAT, GRADIENT, disc, small_model

# The harder precision of the two, and the one that GPUs are used in.
pytestmark = pytest.mark.precision("single")


@pytest.fixture(scope="module")
def models():
    """Five galaxies of different gradient, noise, mask and PSF."""
    alone = small_model(seed=0)
    z = alone.maps["z"]
    made = []
    for i, gradient in enumerate([-0.2, -0.1, 0.0, 0.1, -0.3]):
        instrument = jm.Instrument(z.instrument.grid, jm.GaussianPSF(0.7 + 0.1 * i), (4, 2), 8)
        map = jm.simulate.tracer_map(
            disc(gradient=gradient), instrument, variance=lambda flux: 0.005 + 0.0005 / flux, seed=i
        )
        mask = np.random.default_rng(i).random(map.values.shape) < 0.1 * i
        made.append(
            alone.with_maps({"z": jm.TracerMap(map.values, map.sigma, instrument, mask=mask)})
        )
    return made


@pytest.fixture(scope="module")
def fits(models):
    return jm.optimise_batch(models, chunk=3)


def test_a_galaxy_in_a_batch_is_fitted_as_if_it_were_alone(models, fits):
    assert len(fits) == len(models)
    for i in (0, 3, 4):
        alone = jm.optimise(models[i], starts=1)
        assert fits[i].converged
        for name in FLAT:
            assert (
                abs(fits[i].parameters[name] - alone.parameters[name]) < 0.01 * alone.errors[name]
            )
            assert fits[i].errors[name] == pytest.approx(float(alone.errors[name]), rel=1e-3)
            assert fits.errors[name][i] == fits[i].errors[name]
        assert fits[i].size == models[i].maps["z"].size


def test_a_bad_galaxy_touches_no_other(models, fits):
    poison = jnp.full_like(models[1].maps["z"].values, jnp.nan)
    bad = jm.Model.with_maps(models[1], models[1].maps)
    object.__setattr__(bad.maps["z"], "values", poison)
    together = jm.optimise_batch([models[0], bad, models[2]], chunk=3)
    assert not together[1].converged
    assert "not finite" in together[1].message
    for i, j in ((0, 0), (2, 2)):
        np.testing.assert_array_equal(
            together[i].parameters[GRADIENT], fits[j].parameters[GRADIENT]
        )


@pytest.mark.slow
def test_posteriors_of_a_batch_agree_with_laplace(models, fits):
    posteriors = jm.sample_batch(
        models[:3], fits[:3], method="hmc", chains=2, warmup=60, draws=200, chunk=3
    )
    for fit, posterior in zip(fits, posteriors, strict=False):
        assert posterior.divergences == 0
        for name, row in posterior.summary().items():
            assert row["r_hat"] < 1.05
            assert row["mean"] == pytest.approx(
                float(fit.parameters[name]), abs=0.4 * fit.errors[name]
            )
            assert row["sd"] == pytest.approx(float(fit.errors[name]), rel=0.2)


@pytest.mark.slow
def test_importance_sampling_of_a_batch_agrees_with_laplace(models, fits):
    posteriors = jm.sample_batch(models[:3], fits[:3], method="auto", chains=2, draws=500, chunk=3)
    for fit, posterior in zip(fits, posteriors, strict=False):
        assert posterior.attributes["method"] == "importance"
        for name, row in posterior.summary().items():
            assert row["ess"] > 700
            assert row["mean"] == pytest.approx(
                float(fit.parameters[name]), abs=0.3 * fit.errors[name]
            )
            assert row["sd"] == pytest.approx(float(fit.errors[name]), rel=0.15)
    assert not np.array_equal(posteriors[0].samples[GRADIENT], posteriors[1].samples[GRADIENT])


@pytest.mark.slow
def test_one_refused_galaxy_gets_chains_and_its_neighbours_keep_their_draws(models, fits):
    """A fit that claims a tenth of its errors, between two that tell the truth."""
    narrow = dataclasses.replace(
        fits[1], unconstrained_covariance=1e-2 * fits[1].unconstrained_covariance
    )
    starts, settings = (
        [fits[0], narrow, fits[2]],
        {"chains": 2, "warmup": 60, "draws": 200, "chunk": 3},
    )
    mixed, alone = (
        jm.sample_batch(models[:3], starts, method=method, **settings)
        for method in ("auto", "importance")
    )
    assert [posterior.attributes["method"] for posterior in mixed] == [
        "importance",
        "hmc",
        "importance",
    ]
    assert mixed[1].attributes["refused_k_hat"] == alone[1].attributes["k_hat"] >= 0.7
    for i in (0, 2):
        np.testing.assert_array_equal(mixed[i].samples[GRADIENT], alone[i].samples[GRADIENT])


def test_the_second_chunk_compiles_nothing(models, fits):
    with compilations() as programs:
        jm.optimise_batch([models[i] for i in (4, 3, 2, 1)], chunk=3)
    assert programs == []


SHARED = """
import jax
from tests.scenes import small_model
import jaxmetal as jm
assert jax.local_device_count() == 2
model = small_model(seed=0)
models = [model.with_maps({"z": jm.simulate.renoise(model.maps["z"], seed)}) for seed in range(3)]
print([float(value) for value in jm.optimise_batch(models).parameters["disc.metallicity.gradient"]])
"""


@pytest.mark.slow
def test_several_devices_share_a_batch_and_agree_with_one():
    """Three galaxies on two devices, which a process can only be given before it starts."""
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    path = os.pathsep.join(sys.path)
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", SHARED], capture_output=True, text=True, check=True, env=environment
    )
    alone = small_model(seed=0)
    again = [
        alone.with_maps({"z": jm.simulate.renoise(alone.maps["z"], seed)}) for seed in range(3)
    ]
    np.testing.assert_allclose(
        json.loads(done.stdout), jm.optimise_batch(again, chunk=3).parameters[GRADIENT], rtol=1e-4
    )


def test_models_that_differ_in_structure_are_named(models):
    other = jm.Model(disc(), {"z": models[0].maps["z"]}, {CENTRAL: dist.Uniform(6.0, 9.0)})
    with pytest.raises(jm.InputError, match=r"models\[1\] differs"):
        jm.optimise_batch([models[0], other])
    with pytest.raises(jm.InputError, match="expected maps z, got light"):
        models[0].with_maps({"light": models[0].maps["z"]})
    with pytest.raises(jm.InputError, match="2 models but 1 fits"):
        jm.sample_batch(models[:2], [None])
    with pytest.raises(jm.InputError, match="at least one"):
        jm.optimise_batch([])
    assert jax.tree.structure(models[0]) == jax.tree.structure(models[4])


def test_a_finer_sampling_for_all_is_nowhere_coarser_than_before():
    """The worst galaxy may do with a narrower margin, in which another would lose light."""
    samplings, z = [Sampling(2, 1, 7), Sampling(3, 2, 4)], small_model().maps["z"]
    wide, fine = (
        jm.Model(disc(), {"z": z.with_instrument(z.instrument.with_sampling(sampling))}, FLAT)
        for sampling in samplings
    )
    both = nowhere_coarser(fine, wide)
    assert both.maps["z"].instrument.sampling == finest(samplings) == Sampling(3, 2, 7)
    assert nowhere_coarser(fine, fine) is fine


def test_slopes_by_a_program_of_their_own_give_the_same_errors(models, fits, monkeypatch):
    monkeypatch.setattr(climbing, "MANY_SLOPES", 0)
    again, alone = jm.optimise_batch(models, chunk=3), jm.optimise(models[1], starts=1)
    for path, errors in fits.errors.items():
        np.testing.assert_allclose(again.errors[path], errors, rtol=2e-3)
        assert alone.errors[path] == pytest.approx(float(errors[1]), rel=2e-3)


@pytest.mark.slow
def test_only_galaxies_that_need_it_are_computed_more_finely(monkeypatch):
    """One of three is steeper than where its fit starts; the others keep their sampling."""
    monkeypatch.setattr(batch_refinement, "WORTH_TWO_SAMPLINGS", 0)
    grid = jm.Grid.regular((20, 20), 0.4)

    def galaxy(index):
        light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.2, n_sersic=index)
        return jm.Galaxy(disc=jm.Component(light=light))

    priors = {
        "disc.light.amp": dist.LogNormal(np.log(16.0), 1.0),
        "disc.light.R_sersic": dist.LogNormal(0.0, 0.5),
        "disc.light.n_sersic": dist.Uniform(0.5, 6.0),
    }
    models = []
    for seed, index in enumerate([0.8, 3.5, 1.0]):
        instrument = jm.Instrument(grid, jm.GaussianPSF(1.0), (6, 2), 12)
        seen = jm.simulate.light_map(galaxy(index), instrument, sigma=0.05, seed=seed)
        automatic = jm.Instrument(grid, jm.GaussianPSF(1.0))
        light = jm.LightMap(seen.values, 0.05, automatic, check=False)
        models.append(jm.Model(galaxy(1.0), {"light": light}, priors))
    fits = jm.optimise_batch(models)
    samplings = [samplings_of(model) for model in fits.models]
    assert samplings[0] == samplings[2] != samplings[1]
    posteriors = jm.sample_batch(models, fits, method="importance", draws=500)
    for model, fit, posterior in zip(models, fits, posteriors, strict=True):
        alone = jm.optimise(model, starts=1)
        for path in priors:
            assert abs(fit.parameters[path] - alone.parameters[path]) < 0.1 * alone.errors[path]
            mean = posterior.flat[path].mean()
            assert abs(mean - fit.parameters[path]) < 0.5 * fit.errors[path]
