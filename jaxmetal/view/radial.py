"""Radial profiles of a galaxy's tracer: intrinsic, and of draws."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled
from jaxmetal.emission import Blend
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map, scale_functions
from jaxmetal.profiles.profile import as_array

# Points along the radius of the curves.
RADII = 80
# Annuli of the data.
ANNULI = 12
# Draws of the parameters, at most.
DRAWS = 400
# Points on each circle over which the profile is averaged.
ANGLES = 128

Center = tuple[float, float]
Curve = Float[np.ndarray, " radii"]


class Bins(NamedTuple):
    """The largest radius, the radii of the curves, and the edges of the annuli, arcsec."""

    reach: float
    radii: Curve
    edges: Curve

    @classmethod
    def up_to(cls, reach: float) -> "Bins":
        """Those of radii up to the largest."""
        edges = np.linspace(0.0, reach * (1 + 1e-6), ANNULI + 1)
        return cls(reach, np.linspace(0.0, reach, RADII), edges)


def ring(
    radii: Curve, center: Center, inclination: float, position_angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of points on circles in the plane of an inclined disc, arcsec.

    Parameters
    ----------
    radii
        of the circles in the plane of the disc, arcsec.
    center
        (x, y) of the disc, arcsec.
    inclination, position_angle
        of the disc, degrees; the angle from +y (north) towards +x (east).

    Returns
    -------
    x, y
        each of shape (ANGLES, radii).
    """
    angle = np.arange(ANGLES)[:, None] * 2 * np.pi / ANGLES
    along, across = radii * np.cos(angle), radii * np.sin(angle) * np.cos(np.deg2rad(inclination))
    pa = np.deg2rad(position_angle)
    return (
        center[0] + along * np.sin(pa) + across * np.cos(pa),
        center[1] + along * np.cos(pa) - across * np.sin(pa),
    )


def intrinsic_profile(galaxy: Galaxy, one_map: Map, x: Any, y: Any) -> Curve:
    """The intrinsic tracer, weighted by light over the components and the angles of the positions.

        Z = g⁻¹(Σ I g(Z) / Σ I)

    For a single axisymmetric component this is its profile along the major axis.

    Parameters
    ----------
    galaxy
        light and tracers.
    one_map
        whose tracer and scale to use.
    x, y
        positions, arcsec, shape (angles, radii).

    Returns
    -------
    profile
        in the tracer's unit; NaN where there is no light at all.
    """
    x, y = as_array(x, "intrinsic_profile.x"), as_array(y, "intrinsic_profile.y")
    profile = np.asarray(
        _profile(galaxy, one_map.light, one_map.tracer, one_map.scale, x, y), float
    )
    return np.where(np.isfinite(profile), profile, np.nan)


@compiled
def _profile(
    galaxy: Galaxy, light: str | Blend, tracer: str | None, scale: Any, x: Array, y: Array
) -> Array:
    g, inverse = scale_functions(scale)
    carriers = [
        component
        for component in galaxy.components.values()
        if tracer in component.tracers and component.shines(light)
    ]
    weight = jnp.stack(
        [component.light_at(light, (x, y)) * jnp.ones_like(x) for component in carriers]
    )
    # A single component needs no weights, so that its tracer is defined also where its light
    # underflows.
    weight = jnp.ones_like(weight) if len(carriers) == 1 else weight
    integrands = weight * jnp.stack(
        [g(component.tracers[str(tracer)](x, y)) for component in carriers]
    )
    return inverse(integrands.sum(axis=(0, 1)) / weight.sum(axis=(0, 1)))


def draws(fit: Fit, posterior: Posterior | None = None) -> list[Galaxy]:
    """Up to DRAWS galaxies with parameters from the posterior, or from the fit's covariance."""
    if posterior is None:
        if not fit.parameters or not np.all(np.isfinite(fit.covariance)):
            return []
        posterior = _laplace(fit)
    count = int(np.prod(next(iter(posterior.samples.values())).shape[:2]))
    return [
        posterior.at(fit.galaxy, int(i))
        for i in np.unique(np.linspace(0, count - 1, DRAWS).astype(int))
    ]


def _laplace(fit: Fit) -> Posterior:
    """Draws from the Laplace approximation of the posterior."""
    values = np.concatenate([value.ravel() for value in fit.parameters.values()])
    vectors = np.random.default_rng(0).multivariate_normal(
        values, fit.covariance, size=(1, DRAWS), method="eigh"
    )
    samples, at = {}, 0
    for name, value in fit.parameters.items():
        samples[name] = vectors[..., at : at + value.size].reshape(1, DRAWS, *value.shape)
        at += value.size
    return Posterior(samples, {})
