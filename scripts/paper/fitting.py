"""Many noise draws of one map fitted as one batch, and the models that are fitted."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
FLAT_CENTRAL, FLAT_GRADIENT = dist.Uniform(6.0, 10.0), dist.Uniform(-1.0, 1.0)
CLUMPS = ("clump1", "clump2", "clump3")
# Newton steps with the Fisher matrix: each gains more than a digit, and the gain of one more is reported.
STEPS = 8
# Draws that are in memory together.
TOGETHER = 10


class Batch(NamedTuple):
    """What was found, draw by draw.

    Parameters
    ----------
    values, errors
        {path: (draws,)}, most probable value and Laplace error.
    log_likelihood
        of the data at the most probable values, with its normalisation, shape (draws,).
    gain
        what one more Newton step would gain in log posterior, shape (draws,).
    """

    values: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    log_likelihood: np.ndarray
    gain: np.ndarray


def gradient_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """A straight gradient with all light known, started away from the truth."""
    start = jm.Component(galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1))
    return jm.Model(jm.Galaxy(disc=start), {"z": z}, {CENTRAL: FLAT_CENTRAL, GRADIENT: FLAT_GRADIENT})


def clumps_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """Three metallicities, one for each clump, with all light known."""
    start = {n: jm.Component(galaxy.components[n].light, metallicity=jm.Profile(jm.tracer.uniform, value=7.8)) for n in CLUMPS}
    return jm.Model(jm.Galaxy(**start), {"z": z}, {f"{n}.metallicity.value": FLAT_CENTRAL for n in CLUMPS})


def one_gradient_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """The wrong model: the light of three clumps, and one gradient about the middle of the frame for all of it."""
    line = jm.Profile(jm.tracer.gradient, central=7.75, gradient=0.1)
    start = {n: jm.Component(galaxy.components[n].light, metallicity=line) for n in CLUMPS}
    first = {"central": FLAT_CENTRAL, "gradient": FLAT_GRADIENT}
    priors: dict[str, Any] = {f"clump1.metallicity.{p}": prior for p, prior in first.items()}
    priors |= {f"{n}.metallicity.{p}": jm.Tied(f"clump1.metallicity.{p}") for n in CLUMPS[1:] for p in first}
    return jm.Model(jm.Galaxy(**start), {"z": z}, priors)


def draws(z: jm.TracerMap, count: int) -> np.ndarray:
    """The values of a noise-free map with new noise, shape (count, rows, columns)."""
    return np.stack([np.asarray(jm.simulate.renoise(z, seed).values, float) for seed in range(count)])


def fit_batch(model: jm.Model, images: Any) -> Batch:
    """The most probable parameters of every image in the place of the model's map "z", with Laplace errors.

    Parameters
    ----------
    model
        with one tracer map, "z".
    images
        shape (draws, rows, columns).
    """
    found = _fit_batch(model, jnp.asarray(images, model.maps["z"].values.dtype))
    values, errors, log_likelihood, gain = (jax.tree.map(np.asarray, part) for part in found)
    columns = dict(zip(model.names, errors.T, strict=True))
    return Batch({name: values[name] for name in model.names}, columns, log_likelihood, gain)


@eqx.filter_jit
def _fit_batch(model: jm.Model, images: jax.Array) -> tuple:
    def fit(image: jax.Array) -> tuple:
        own = eqx.tree_at(lambda m: m.maps["z"].values, model, image)

        def step(u: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            slope = jax.grad(own.log_posterior)(u)
            move = jnp.linalg.solve(own.information(u), slope)
            return u + move, 0.5 * slope @ move

        u, gains = jax.lax.scan(step, own.start, length=STEPS)
        units = jax.jacfwd(lambda u: jnp.stack([own.constrain(u)[name] for name in own.names]))(u)
        covariance = units @ jnp.linalg.inv(-jax.hessian(own.log_posterior)(u)) @ units.T
        values = own.constrain(u)
        return values, jnp.sqrt(jnp.diag(covariance)), own.log_likelihood(values), gains[-1]

    return jax.lax.map(fit, images, batch_size=TOGETHER)
