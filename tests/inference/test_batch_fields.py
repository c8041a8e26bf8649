"""Many galaxies with random fields at once: what each would be alone."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.optimise import NEAR
from tests.scenes import CENTRAL, GRADIENT, telescope

pytestmark = pytest.mark.precision("single")

SHAPE, SIGMA = (11, 11), 0.05
AMPLITUDE, LENGTH = "disc.metallicity.amplitude", "disc.metallicity.length"
PRIORS = {
    CENTRAL: dist.Normal(8.5, 1.0),
    GRADIENT: dist.Normal(0.0, 1.0),
    AMPLITUDE: dist.LogNormal(np.log(0.08), 0.5),
    LENGTH: dist.LogNormal(np.log(0.6), 0.3),
}


def galaxy(**field):
    line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05)
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.5, n_sersic=1.0)
    return jm.Galaxy(
        disc=jm.Component(light, metallicity=jm.Sum(line, jm.Field(0.08, 0.6, **field)))
    )


def z_map(scale, seed):
    rng = np.random.default_rng(seed)
    instrument = telescope(SHAPE, 0.4, 0.9, (2, 1), 5)
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, instrument, scale=scale, check=False)
    truth = galaxy(modes=rng.standard_normal((17, 17)), extent=7.0)
    values = np.asarray(jm.predict(truth, blank)) + SIGMA * rng.standard_normal(SHAPE)
    return jm.TracerMap(values, SIGMA, instrument, scale=scale, check=False)


@pytest.mark.parametrize("scale", ["linear", "log10"])
@pytest.mark.slow
def test_a_galaxy_with_a_field_is_fitted_in_a_batch_as_alone(scale):
    """Also where maps are linear in the field only near the fit, which has to be followed."""
    first = jm.Model(galaxy(), {"z": z_map(scale, 0)}, PRIORS)
    models = [first, *(first.with_maps({"z": z_map(scale, seed)}) for seed in (1, 2))]
    fits = jm.optimise_batch(models)
    for model, fit in zip(models, fits, strict=True):
        alone = jm.optimise(model, starts=1)
        assert fit.converged, fit.message
        for name, error in alone.errors.items():
            assert abs(fit.parameters[name] - alone.parameters[name]) < NEAR * error
            assert fit.errors[name] == pytest.approx(float(error), rel=0.02)
        np.testing.assert_allclose(fit.predicted["z"], alone.predicted["z"], atol=0.05 * SIGMA)
