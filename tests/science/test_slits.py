"""Gradients from slitlets stepped over a galaxy and from a bundle of fibres, as in the page."""

import numpy as np
import pytest

import jaxmetal as jm
from tests.pages import run

NUMBER = 40


@pytest.mark.slow
# The harder precision of the two, and the one in which most people run.
@pytest.mark.precision("single")
@pytest.mark.parametrize(("model", "galaxy"), [("model", "galaxy"), ("fibre_model", "nearby")])
def test_gradients_are_unbiased_and_their_errors_right(model, galaxy):
    """In 40 mocks, to three standard deviations of the mean and of the width of as many pulls."""
    names = run("docs/howto/slits.md")
    model, galaxy = names[model], names[galaxy]
    z = model.maps["z"]
    clean = jm.TracerMap(jm.predict(galaxy, z), z.sigma, z.instrument)
    models = [model.with_maps({"z": jm.simulate.renoise(clean, seed)}) for seed in range(NUMBER)]
    fits = jm.optimise_batch(models, progress=False)
    assert all(fit.converged for fit in fits)
    for name in ("central", "gradient"):
        path, truth = f"disc.metallicity.{name}", float(getattr(galaxy.disc.metallicity, name))
        pulls = (np.asarray(fits.parameters[path], float) - truth) / np.asarray(fits.errors[path])
        assert abs(pulls.mean()) < 3 / np.sqrt(NUMBER)
        assert abs(pulls.std() - 1) < 3 / np.sqrt(2 * NUMBER)
