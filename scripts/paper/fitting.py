"""Many noise draws of one map fitted as one batch, and the models that are fitted."""

from typing import Any

import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.inference.fits import Fits

CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
FLAT_CENTRAL, FLAT_GRADIENT = dist.Uniform(6.0, 10.0), dist.Uniform(-1.0, 1.0)
CLUMPS = ("clump1", "clump2", "clump3")


def gradient_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """A straight gradient with all light known, started away from the truth."""
    start = jm.Component(
        galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1)
    )
    return jm.Model(
        jm.Galaxy(disc=start), {"z": z}, {CENTRAL: FLAT_CENTRAL, GRADIENT: FLAT_GRADIENT}
    )


def clumps_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """Three metallicities, one for each clump, with all light known."""
    start = {
        n: jm.Component(
            galaxy.components[n].light, metallicity=jm.Profile(jm.tracer.uniform, value=7.8)
        )
        for n in CLUMPS
    }
    return jm.Model(
        jm.Galaxy(**start), {"z": z}, {f"{n}.metallicity.value": FLAT_CENTRAL for n in CLUMPS}
    )


def one_gradient_model(galaxy: jm.Galaxy, z: jm.TracerMap) -> jm.Model:
    """The wrong model: the light of three clumps, all with one gradient about the middle."""
    line = jm.Profile(jm.tracer.gradient, central=7.75, gradient=0.1)
    start = {n: jm.Component(galaxy.components[n].light, metallicity=line) for n in CLUMPS}
    first = {"central": FLAT_CENTRAL, "gradient": FLAT_GRADIENT}
    priors: dict[str, Any] = {f"clump1.metallicity.{p}": prior for p, prior in first.items()}
    priors |= {
        f"{n}.metallicity.{p}": jm.Tied(f"clump1.metallicity.{p}")
        for n in CLUMPS[1:]
        for p in first
    }
    return jm.Model(jm.Galaxy(**start), {"z": z}, priors)


def draws(z: jm.TracerMap, count: int) -> np.ndarray:
    """The values of a noise-free map with new noise, shape (count, rows, columns)."""
    return np.stack(
        [np.asarray(jm.simulate.renoise(z, seed).values, float) for seed in range(count)]
    )


def fit_each(model: jm.Model, images: Any) -> Fits:
    """The fits of every image in the place of the model's map "z".

    Parameters
    ----------
    model
        with one tracer map, "z".
    images
        shape (draws, rows, columns).
    """
    z = model.maps["z"]
    data = [jm.TracerMap(image, z.errors, z.instrument, scale=z.scale) for image in images]
    return jm.optimise_batch(
        [model.with_maps({"z": one_map}) for one_map in data], starts=1, chunk=min(len(data), 10)
    )
