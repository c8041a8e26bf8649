"""A random field behind a lens: what an arc tells of it."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm

pytestmark = [pytest.mark.slow, pytest.mark.precision("double")]

AMPLITUDE, LENGTH = 0.1, 0.1
SOURCE = {"center_x": 0.18, "center_y": -0.1}
PRIORS = {
    "source.metallicity.central": dist.Normal(8.5, 0.5),
    "source.metallicity.gradient": dist.Normal(0.0, 1.0),
    "source.metallicity.amplitude": dist.LogNormal(np.log(0.1), 0.5),
    "source.metallicity.length": dist.LogNormal(np.log(0.1), 0.3),
}


def scene(**field):
    """The galaxies of the mock arc with a field in the source."""
    arc = jm.arcs.galaxy()
    rough = jm.Sum(arc.source.metallicity, jm.Field(AMPLITUDE, LENGTH, **SOURCE, **field))
    source = jm.Component(arc.source.light, metallicity=rough)
    return jm.Galaxy(lens=arc.lens, source=source, deflector=arc.components["deflector"])


def test_the_field_of_a_lensed_source_is_recovered():
    """Its posterior mean follows the truth, which is as far from it as draws of the posterior."""
    rng = np.random.default_rng(3)
    blank = jm.arcs.observe(supersampling=(2, 1))["z"]
    # Down to waves that are shorter than the pixels; without these it would be too smooth.
    truth = scene(modes=rng.standard_normal((101, 101)), extent=3.0)
    image = np.asarray(jm.predict(truth, blank))
    values = image + np.asarray(blank.sigma) * rng.standard_normal(image.shape)
    z = jm.TracerMap(values, blank.sigma, blank.instrument, mask=~np.asarray(blank.valid))
    model = jm.Model(scene(), {"z": z}, PRIORS)
    fit = jm.optimise(model, starts=1)
    assert fit.converged, fit.message
    posterior = jm.sample(model, fit, chains=2, draws=400)
    result = jm.deconvolve(model, posterior, "z", draws=400)

    at = jm.lensing.source_position(truth, *blank.instrument.grid.coordinates)
    valid = np.asarray(blank.valid)
    sharp = np.asarray(truth.source.metallicity(*at))[valid]
    line = np.asarray(scene().source.metallicity(*at))[valid]
    mean, error, draws = result.mean[valid], result.error[valid], result.draws[:, valid]
    # Draws of the prior are not correlated with the truth, and scatter about that by this much.
    modes = rng.standard_normal((100, 101, 101))
    before = [np.asarray(scene(modes=m, extent=3.0).source.metallicity(*at))[valid] for m in modes]
    by_chance = [np.corrcoef(one - line, sharp - line)[0, 1] for one in before]
    correlation = np.corrcoef(mean - line, sharp - line)[0, 1]
    assert correlation > 0.9 and correlation > np.max(by_chance)
    assert np.std(sharp - mean) < 0.4 * np.std(sharp - line)

    def distance(one):
        return np.mean(((one - mean) / error) ** 2)

    low, high = np.percentile([distance(draw) for draw in draws], [0.5, 99.5])
    assert low < distance(sharp) < high
