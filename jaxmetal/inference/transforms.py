"""Transforms of free parameters to the whole real line, where priors are nearly unit normal.

    value = loc + scale · w(u),   or its exponential;   w(u) = u, Phi(u) or u Phi(u) + phi(u)

Optimiser and samplers work with u. Where the data say nothing about a parameter the curvature is
that of its prior, about 1, also at the edge of the prior's support: a scatter that the data do not
need, or an amplitude of light that is not there, stays well scaled. The prior is evaluated in units
of its own scale, so that fluxes of 1e-20 have derivatives in float32.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import log_ndtr, ndtr, ndtri
from jaxtyping import Array
from numpyro.distributions.transforms import biject_to

LOG_ROOT_2_PI = 0.9189385332046727
# Steps in which Newton's method inverts the hinge to rounding.
NEWTON_STEPS = 16
# The longest of them, in u.
LONGEST_STEP = 2.0


class Shape(NamedTuple):
    """A monotonic function w(u) of the whole real line, its inverse, and ln dw/du."""

    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    log_slope: Callable[[Array], Array]


def _log_normal_density(u: Array) -> Array:
    return -0.5 * u**2 - LOG_ROOT_2_PI


def _hinge(u: Array) -> Any:
    """u Phi(u) + phi(u), the integral of Phi.

    It grows as u to the right, and falls like a normal density to the left.
    """
    value = u * ndtr(u) + jnp.exp(_log_normal_density(u))
    # The two terms cancel far to the left, where rounding must not make the sum negative.
    return jnp.maximum(value, jnp.finfo(jnp.result_type(u)).tiny)


def _inverse_hinge(w: Array) -> Array:
    log_w = jnp.log(w)

    def newton(_: Array, u: Array) -> Array:
        value = _hinge(u)
        step = (jnp.log(value) - log_w) * value / jnp.maximum(ndtr(u), 1e-30)
        return u - jnp.clip(step, -LONGEST_STEP, LONGEST_STEP)

    root = jax.lax.fori_loop(0, NEWTON_STEPS, newton, jnp.maximum(w, -2.0))
    return jnp.where(w > 0, root, jnp.where(w == 0, -jnp.inf, jnp.nan))


LINE = Shape(lambda u: u, lambda w: w, jnp.zeros_like)
INTERVAL = Shape(ndtr, ndtri, _log_normal_density)
HALF_LINE = Shape(_hinge, _inverse_hinge, log_ndtr)


class Standard(NamedTuple):
    """A family of priors with a location and a scale.

    The value is loc + scale · w(u), or the exponential of that.

    Parameters
    ----------
    unit
        the prior of w.
    shape
        the function w(u).
    loc, scale
        in the parameter's own unit, or in its logarithm.
    exponential
        whether the parameter is the exponential.
    """

    unit: dist.Distribution
    shape: Shape
    loc: Any
    scale: Any
    exponential: bool = False

    def value(self, u: Array) -> Array:
        """The parameter in its own unit."""
        value = self.loc + self.scale * self.shape.forward(u)
        return jnp.exp(value) if self.exponential else value

    def line(self, value: Array) -> Array:
        """The inverse of `value`; infinite on the edge of the support, NaN outside."""
        value = jnp.log(value) if self.exponential else value
        return self.shape.inverse((value - self.loc) / self.scale)

    def log_jacobian(self, u: Array) -> Array:
        """ln |d value / du|."""
        return self.shape.log_slope(u) + jnp.log(jnp.abs(self.scale)) + self._log_value(u)

    def log_prior(self, u: Array) -> Any:
        """The log density of the prior in the parameter's own unit."""
        return self._log_unit(u) - jnp.log(jnp.abs(self.scale)) - self._log_value(u)

    def log_density(self, u: Array) -> Any:
        """The log density of the prior in u, in which loc and scale cancel."""
        return self._log_unit(u) + self.shape.log_slope(u)

    def _log_unit(self, u: Array) -> Any:
        """The log density of w."""
        # Uniform between 0 and 1, where all w are.
        flat = isinstance(self.unit, dist.Uniform)
        return jnp.zeros_like(u) if flat else self.unit.log_prob(self.shape.forward(u))

    def _log_value(self, u: Array) -> Array:
        return (
            self.loc + self.scale * self.shape.forward(u) if self.exponential else jnp.zeros_like(u)
        )

    def line_shape(self, prior: dist.Distribution) -> tuple[int, ...]:
        """The shape of u for a prior of the parameter's shape."""
        return prior.shape()


class Bijection(NamedTuple):
    """Any other prior, by numpyro's bijection onto its support; same methods as `Standard`."""

    prior: dist.Distribution

    def value(self, u: Array) -> Any:
        return biject_to(self.prior.support)(u)

    def line(self, value: Array) -> Any:
        return biject_to(self.prior.support).inv(value)

    def log_jacobian(self, u: Array) -> Any:
        return biject_to(self.prior.support).log_abs_det_jacobian(u, self.value(u))

    def log_prior(self, u: Array) -> Any:
        return self.prior.log_prob(self.value(u))

    def log_density(self, u: Array) -> Any:
        return jnp.sum(self.log_prior(u)) + jnp.sum(self.log_jacobian(u))

    def line_shape(self, prior: dist.Distribution) -> tuple[int, ...]:
        return biject_to(self.prior.support).inverse_shape(prior.shape())


def _normal(prior: Any) -> Standard:
    return Standard(dist.Normal(), LINE, prior.loc, prior.scale)


def _log_uniform(prior: Any) -> Standard:
    low, high = jnp.log(prior.low), jnp.log(prior.high)
    return Standard(dist.Uniform(), INTERVAL, low, high - low, exponential=True)


def _truncated_below(prior: Any) -> Standard:
    base = prior.base_dist
    unit = dist.LeftTruncatedDistribution(_unit_of(base, prior.low), low=0.0)
    return Standard(unit, HALF_LINE, prior.low, base.scale)


def _truncated_above(prior: Any) -> Standard:
    base = prior.base_dist
    distance = (prior.high - base.loc) / base.scale
    unit = dist.LeftTruncatedDistribution(_with_loc(base, distance), low=0.0)
    return Standard(unit, HALF_LINE, prior.high, -base.scale)


def _truncated(prior: Any) -> Standard:
    base, width = prior.base_dist, prior.high - prior.low
    unit_prior = type(base)(
        **_shape_parameters(base), loc=(base.loc - prior.low) / width, scale=base.scale / width
    )
    unit = dist.TwoSidedTruncatedDistribution(unit_prior, low=0.0, high=1.0)
    return Standard(unit, INTERVAL, prior.low, width)


def _unit_of(base: Any, origin: Any) -> dist.Distribution:
    return _with_loc(base, (base.loc - origin) / base.scale)


def _with_loc(base: Any, loc: Any) -> dist.Distribution:
    return type(base)(**_shape_parameters(base), loc=loc, scale=jnp.ones_like(base.scale))


def _shape_parameters(base: Any) -> dict[str, Any]:
    return {name: getattr(base, name) for name in ("df",) if hasattr(base, name)}


_FAMILIES: dict[type, Callable[[Any], Standard]] = {
    dist.Normal: _normal,
    dist.LogNormal: lambda prior: _normal(prior)._replace(exponential=True),
    dist.StudentT: lambda prior: Standard(dist.StudentT(prior.df), LINE, prior.loc, prior.scale),
    dist.Cauchy: lambda prior: Standard(dist.Cauchy(), LINE, prior.loc, prior.scale),
    dist.Laplace: lambda prior: Standard(dist.Laplace(), LINE, prior.loc, prior.scale),
    dist.Uniform: lambda prior: Standard(
        dist.Uniform(), INTERVAL, prior.low, prior.high - prior.low
    ),
    dist.LogUniform: _log_uniform,
    dist.HalfNormal: lambda prior: Standard(dist.HalfNormal(), HALF_LINE, 0.0, prior.scale),
    dist.HalfCauchy: lambda prior: Standard(dist.HalfCauchy(), HALF_LINE, 0.0, prior.scale),
    dist.Exponential: lambda prior: Standard(dist.Exponential(), HALF_LINE, 0.0, 1 / prior.rate),
    dist.LeftTruncatedDistribution: _truncated_below,
    dist.RightTruncatedDistribution: _truncated_above,
    dist.TwoSidedTruncatedDistribution: _truncated,
}


def coordinate_of(prior: dist.Distribution) -> Standard | Bijection:
    """How the parameter of a prior is put on the real line.

    Parameters
    ----------
    prior
        any numpyro distribution. One of no family that is known here goes by numpyro's bijection
        to its support.
    """
    plain: Any = prior
    while isinstance(plain, dist.ExpandedDistribution):
        plain = plain.base_dist
    family = _FAMILIES.get(type(plain))
    return Bijection(prior) if family is None else family(plain)
