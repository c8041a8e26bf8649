"""A user's file: a map of velocity dispersion, which beam smearing inflates."""

import jax
import jax.numpy as jnp

import jaxmetal as jm


class DispersionMap(jm.Map):
    """The second moment of the velocities in the beam.

    sigma² = <s² + v²> - <v>²
    """

    quantity = label = "velocity dispersion"

    def moments(self, galaxy):
        """Of velocities relative to that of one point, so that float32 keeps the digits."""
        one = next(c for c in galaxy.components.values() if "velocity" in c.tracers)
        zero = jax.lax.stop_gradient(one.velocity(jnp.zeros(()), jnp.zeros(())))
        first = jm.Moment(("velocity",), lambda v: v - zero, self.light)
        second = jm.Moment(
            ("velocity", "dispersion"), lambda v, s: s**2 + (v - zero) ** 2, self.light
        )
        return first, second

    def observed(self, first, second):
        """The root of the variance; zero gradient where it is not positive."""
        variance = second.mean - first.mean**2
        positive = variance > 0
        return jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1.0)), 0.0)
