"""The use cases of Metha et al. (2024), and the converged map that both codes are compared with."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.forward.views import predict_compiled
from jaxmetal.instrument.convolve import smear
from jaxmetal.instrument.sampling import Sampling

CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
PRIORS = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Uniform(-2.0, 2.0)}
CLUMPS = ("clump1", "clump2", "clump3")
# lenstronomy 1.14.2, use case 1 with its tutorial's PSO 100 × 100 and emcee 100 × 250, two cores,
# one thread: measured once, too long to repeat in every run.
LENSTRONOMY = {"seconds": 912.0, "ess": 1600.0, "ess_per_second": 1.8}
# Maps drawn by one call, one after the other, as an optimiser or a sampler does.
TOGETHER = 64


def case(name: str, fwhm: float, seed: int | None = None) -> tuple[jm.Galaxy, dict, float]:
    """Galaxy, maps, and R_e in arcsec."""
    if name == "use case 1":
        return *jm.simulate.use_case_1(fwhm, seed=seed), 1.0
    return *jm.simulate.use_case_2(fwhm, seed=seed), 0.25


def gradient_model(fwhm: float = 1.5, seed: int = 1) -> jm.Model:
    """Use case 1, its light known, started away from the truth."""
    galaxy, maps, _ = case("use case 1", fwhm, seed)
    start = jm.Component(
        galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1)
    )
    return jm.Model(jm.Galaxy(disc=start), {"z": maps["z"]}, PRIORS)


def clumps_model(seed: int = 1) -> jm.Model:
    """Use case 2 with all 24 parameters of light and metallicity free."""
    galaxy, maps = jm.simulate.use_case_2(seed=seed, supersampling=(6, 3))
    priors: dict = {}
    for name in CLUMPS:
        light = galaxy.components[name].light.parameters
        priors |= {
            f"{name}.metallicity.value": dist.Uniform(6.0, 10.0),
            f"{name}.light.amp": dist.LogNormal(np.log(16.0), 0.5),
        }
        priors |= {
            f"{name}.light.R_sersic": dist.LogNormal(np.log(0.25), 0.3),
            f"{name}.light.n_sersic": dist.LogNormal(0.0, 0.3),
        }
        priors |= {f"{name}.light.{e}": dist.Normal(0.0, 0.2) for e in ("e1", "e2")}
        priors |= {
            f"{name}.light.{c}": dist.Normal(float(light[c]), 0.05)
            for c in ("center_x", "center_y")
        }
    return jm.Model(galaxy, maps, priors)


def our_map(galaxy: jm.Galaxy, z: jm.TracerMap) -> tuple[jm.Model, dict[str, Callable]]:
    """A model of the map at its chosen sampling, and compiled functions of its metallicities.

    The functions are the map, the density, and the density with its gradient.
    """
    last = {
        n: "central" if "central" in c.tracers["metallicity"].parameters else "value"
        for n, c in galaxy.components.items()
    }
    priors: dict[str, Any] = {
        f"{n}.metallicity.{value}": dist.Uniform(6.0, 10.0) for n, value in last.items()
    }
    # The light changes, too: of a constant light the compiler would make one map for many.
    priors |= {f"{n}.light.R_sersic": _near(galaxy.components[n], "R_sersic") for n in last}
    model = jm.Model(galaxy, {"z": z}, priors)
    # As inside a larger compiled program: the arrays are its arguments, and no pytree is flattened
    # in Python at each call.
    arrays, static = eqx.partition(model, eqx.is_array)
    leaves, structure = jax.tree.flatten(arrays)

    def compiled(function: Callable) -> Callable:
        return jax.jit(
            lambda leaves, u: function(
                eqx.combine(jax.tree.unflatten(structure, leaves), static), u
            )
        )

    predict = lambda m, u: m.look(m.constrain(u)).predicted["z"]  # noqa: E731
    programs = {
        "map": compiled(predict),
        "value": compiled(lambda m, u: m.log_density(u)),
        "value and gradient": compiled(lambda m, u: jax.value_and_grad(m.log_density)(u)),
    }
    start = jax.block_until_ready(model.start)
    points = jnp.tile(start, (TOGETHER, 1))
    together = compiled(lambda m, points: jax.lax.map(lambda u: predict(m, u), points))
    calls: dict[str, Callable] = {
        name: lambda run=run: run(leaves, start) for name, run in programs.items()
    }
    return model, calls | {"many maps": lambda: together(leaves, points)}


def _near(component: jm.Component, name: str) -> dist.Distribution:
    """A prior of a tenth around a number of a component's light."""
    return dist.LogNormal(np.log(float(component.light.parameters[name])), 0.1)


def bare_convolution(model: jm.Model) -> Callable:
    """The convolution of one map alone: light and weighted light, at its size."""
    instrument = model.maps["z"].instrument
    grid, sampling = instrument.grid, instrument.sampling
    cells = jnp.ones((2, *sampling.cells(grid.shape)), model.start.dtype)
    run = jax.jit(lambda cells, transfer: smear(cells, transfer, grid, sampling))
    return lambda: run(cells, instrument.transfer)


def converged(galaxy: jm.Galaxy, z: jm.TracerMap) -> np.ndarray:
    """The map at a fine sampling, in double precision."""
    sampling = z.instrument.sampling
    fine = Sampling(2 * math.ceil(sampling.convolve) + 1, 4, 2 * sampling.margin + 2)
    with jax.enable_x64(True):
        galaxy, instrument = jax.tree.map(
            lambda a: jnp.asarray(np.asarray(a), float), (galaxy, z.instrument)
        )
        fine_instrument = instrument.with_sampling(fine)
        blank = jm.TracerMap(np.zeros(z.values.shape), 1.0, fine_instrument, z.tracer, z.scale)
        return np.asarray(predict_compiled(galaxy, {"z": blank})["z"])


def shifts(galaxy: jm.Galaxy, z: jm.TracerMap, truth: np.ndarray) -> Callable:
    """A function of an image: how far it moves a fit's metallicities, in units of their errors.

        δθ = F⁻¹ Jᵀ W (image - truth),   F = Jᵀ W J

    The largest of all components' central metallicities and gradients, which are free, with the
    light known and the errors of the paper's mock data.
    """
    paths = [
        (name, key)
        for name, component in galaxy.components.items()
        for key in ("central", "gradient", "value")
        if key in component.tracers["metallicity"].parameters
    ]
    weights = 1 / np.broadcast_to(np.asarray(z.sigma, float), truth.shape).ravel() ** 2

    def moved(name: str, key: str, step: float) -> np.ndarray:
        place = lambda g: g.components[name].tracers["metallicity"].parameters[key]  # noqa: E731
        return converged(eqx.tree_at(place, galaxy, place(galaxy) + step), z).ravel()

    step = 0.01
    jacobian = np.stack(
        [(moved(*path, step) - moved(*path, -step)) / (2 * step) for path in paths], axis=1
    )
    covariance = np.linalg.inv(jacobian.T @ (weights[:, None] * jacobian))

    def shift(image: np.ndarray) -> float:
        away = (np.asarray(image, float) - truth).ravel()
        moves = covariance @ (jacobian.T @ (weights * away))
        return float(np.max(np.abs(moves) / np.sqrt(np.diag(covariance))))

    return shift


def errors(
    image: np.ndarray, truth: np.ndarray, galaxy: jm.Galaxy, z: jm.TracerMap, radius: float
) -> tuple[float, float]:
    """The largest error in dex inside one and three R_e of any component."""
    nearest = distance(galaxy, z)
    away = np.abs(np.asarray(image, float) - truth)
    return float(away[nearest < radius].max()), float(away[nearest < 3 * radius].max())


def distance(galaxy: jm.Galaxy, z: jm.TracerMap) -> np.ndarray:
    """The distance of every pixel to the nearest centre of a component, arcsec."""
    lights = (c.light.parameters for c in galaxy.components.values())
    centers = [(float(p["center_x"]), float(p["center_y"])) for p in lights]
    return np.min([jm.baselines.radius_map(z.instrument.grid, *c) for c in centers], axis=0)
