"""Random fields whose modes are sampled by NUTS, against the integral over them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.field_modes import respond
from jaxmetal.inference.fields import Modes
from tests.inference.test_fields import AMPLITUDE, LENGTH, PRIORS, galaxy, z_map
from tests.scenes import GRADIENT

SIZE, EXTENT = 7, 8.0
MODES = "disc.metallicity.modes"


@pytest.mark.slow
@pytest.mark.precision("single")
def test_the_integral_agrees_with_sampled_modes():
    """The same 49 modes: means within 0.15 of an error, and errors within 12 %."""
    blank = np.zeros((SIZE, SIZE))
    sampled = jm.Model(
        galaxy(modes=blank, extent=EXTENT),
        {"z": z_map()},
        {**PRIORS, MODES: dist.Normal(blank, 1.0)},
    )
    assert sampled.fields is None
    by_nuts = jm.sample(sampled, method="nuts", chains=2, draws=600, allow_unconverged=True)
    integrated = _on_the_same_modes(jm.Model(galaxy(), {"z": z_map()}, PRIORS))
    by_integral = jm.sample(integrated, _fit(integrated), method="nuts", chains=2, draws=600)
    for path in (GRADIENT, AMPLITUDE, LENGTH):
        one, other = by_nuts.flat[path], by_integral.flat[path]
        assert abs(one.mean() - other.mean()) < 0.15 * other.std(), path
        assert one.std() == pytest.approx(other.std(), rel=0.12), path


def _on_the_same_modes(model):
    """The model with all modes of the small lattice in the place of those that it chose."""
    rows, columns = (jnp.asarray(a.ravel(), jnp.int32) for a in np.mgrid[:SIZE, :SIZE])
    parts = [Modes("disc.metallicity", SIZE, jnp.asarray(EXTENT), rows, columns)]
    fields = respond(model.galaxy, model.maps, model.groups, parts, model.names)
    return eqx.tree_at(lambda m: m.fields, model, fields)


def _fit(model):
    return jm.optimise(model, starts=1)
