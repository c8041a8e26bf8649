"""A user's file: errors of which a part is wrong by a factor."""

import jax.numpy as jnp

import jaxmetal as jm


class Outliers(jm.Likelihood):
    """Normal errors, of which the part f is ten times as large.

    p(r) = (1 - f) N(r; 0, 1) + f N(r; 0, 10)
    """

    fraction: jnp.ndarray

    def __init__(self, fraction=0.05):
        self.fraction = jnp.asarray(fraction, jnp.result_type(float))

    def log_density(self, residual):
        """ln p(r)."""
        good = jnp.log1p(-self.fraction) - 0.5 * residual**2
        bad = jnp.log(self.fraction / 10) - 0.5 * (residual / 10) ** 2
        return jnp.logaddexp(good, bad) - 0.5 * jnp.log(2 * jnp.pi)
