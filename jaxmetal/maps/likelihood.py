"""Likelihoods: the probability of a measurement given its prediction and error."""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.scipy.special import betainc, gammaln, ndtri
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import as_array, is_traced

# Nodes of the quadrature over the residual r = sinh(s), |s| <= LARGEST_S. Squares of the largest
# residual, 1e8, do not overflow in float32.
QUADRATURE_NODES = 257
LARGEST_S = 19.0


class Likelihood(eqx.Module):
    """The distribution of r = (data - model) / s of one measurement.

    A user's likelihood needs only `log_density`; its arrays are parameters that may have
    priors, such as "z.likelihood.dof".

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import jax.numpy as jnp
    >>> class Laplace(jm.Likelihood):
    ...     def log_density(self, r):
    ...         return -jnp.abs(r) - jnp.log(2.0)
    >>> print(f"{Laplace().log_density(1.0):.3f}")
    -1.693
    """

    # Whether it is Gaussian: then amplitudes can be solved for, and errors may be correlated.
    gaussian: ClassVar[bool] = False

    @abstractmethod
    def log_density(self, residual: Float[Array, "*map"]) -> Float[Array, "*map"]:
        """ln p(r), normalised over r.

        Parameters
        ----------
        residual
            r = (data - model) / s.

        Returns
        -------
        log_density
            of each measurement.
        """

    def normal_scores(self, residual: Float[np.ndarray, "*map"]) -> Float[np.ndarray, "*map"]:
        """Numbers that are normally distributed where the residuals are as the likelihood says.

            z = sign(r) |Phi⁻¹(P(> |r|))|

        A sum of their squares is a chi-square whatever the likelihood. Without a distribution
        function, as here, residuals count for nothing.

        Parameters
        ----------
        residual
            r = (data - model) / s.

        Returns
        -------
        scores
            of each measurement.
        """
        return np.zeros_like(residual)

    def score_information(self) -> Float[Array, "k k"]:
        """Fisher information of one measurement on its (model / s, ln s, own parameters).

            F = ∫ p(r) g gᵀ dr,   g = ∂ [ln p(r) - ln s] / ∂ (model / s, ln s, own parameters)

        Returns
        -------
        information
            by quadrature, shape (2 + parameters, 2 + parameters).
        """
        parameters, unravel = ravel_pytree(eqx.filter(self, eqx.is_inexact_array))
        static = eqx.filter(self, eqx.is_inexact_array, inverse=True)

        def density(r: Array, parameters: Array) -> Array:
            return eqx.combine(unravel(parameters), static).log_density(r)

        dtype = jnp.result_type(float)
        # The trapezoidal rule in s converges exponentially, also where tails are as heavy as 1/r².
        s = np.linspace(-LARGEST_S, LARGEST_S, QUADRATURE_NODES)
        r = jnp.asarray(np.sinh(s), dtype)
        measure = jnp.asarray((s[1] - s[0]) * np.cosh(s), dtype)
        log_p = jax.vmap(density, (0, None))(r, parameters)
        by_r, by_parameters = jax.vmap(jax.grad(density, (0, 1)), (0, None))(r, parameters)
        score = jnp.concatenate([-by_r[:, None], -(1 + r * by_r)[:, None], by_parameters], axis=1)
        # Each score by the root of its probability: the square of a score far out overflows.
        score = score * jnp.sqrt(measure * jnp.exp(log_p))[:, None]
        return product(score.T, score)


class Gaussian(Likelihood):
    """Normally distributed errors.

    ln p(r) = -(r² + ln 2 pi) / 2

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.Gaussian().log_density(0.0):.3f}")
    -0.919
    """

    gaussian: ClassVar[bool] = True

    def log_density(self, residual: Float[Array, "*map"]) -> Float[Array, "*map"]:
        return -0.5 * (residual**2 + jnp.log(2 * jnp.pi))

    def normal_scores(self, residual: Float[np.ndarray, "*map"]) -> Float[np.ndarray, "*map"]:
        return residual

    def score_information(self) -> Float[Array, "2 2"]:
        return jnp.diag(jnp.array([1.0, 2.0]))


class StudentT(Likelihood):
    """Errors with outliers: Student's t, whose scale is the quoted sigma.

    ln p(r) = ln Γ((nu+1)/2) - ln Γ(nu/2) - ln(nu pi)/2 - (nu+1)/2 · ln(1 + r²/nu)

    Parameters
    ----------
    dof
        nu, degrees of freedom, positive; a parameter ("z.likelihood.dof") that may have a prior.

    Raises
    ------
    InputError
        if it is not one positive number.

    References
    ----------
    Lange, Little & Taylor (1989), JASA 84, 881: the Fisher information.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.StudentT(dof=4.0).log_density(0.0):.3f}")
    -0.981
    """

    dof: Float[Array, ""]

    def __init__(self, dof: Any = 4.0):
        self.dof = as_array(dof, "StudentT.dof")
        single = self.dof.shape == ()
        if not single or not (is_traced(self.dof) or 0 < float(self.dof) < np.inf):
            raise InputError(f"StudentT.dof: expected one positive number, got {dof!r}.")

    def log_density(self, residual: Float[Array, "*map"]) -> Float[Array, "*map"]:
        nu = self.dof
        peak = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(nu * jnp.pi)
        return peak - (nu + 1) / 2 * jnp.log1p(residual**2 / nu)

    def normal_scores(self, residual: Float[np.ndarray, "*map"]) -> Float[np.ndarray, "*map"]:
        r = jnp.asarray(residual, jnp.result_type(float))
        beyond = 0.5 * betainc(self.dof / 2, 0.5, self.dof / (self.dof + r**2))
        far = ndtri(jnp.maximum(beyond, jnp.finfo(r.dtype).tiny))
        return np.asarray(-jnp.sign(r) * far, float)


LIKELIHOODS: dict[str, type[Likelihood]] = {"gaussian": Gaussian, "student-t": StudentT}


def as_likelihood(value: Any, where: str) -> Likelihood:
    """A likelihood given as itself or by its name.

    Parameters
    ----------
    value
        a Likelihood, or "gaussian" or "student-t" with its default parameters.
    where
        names the map in messages.

    Raises
    ------
    InputError
        for anything else.
    """
    if isinstance(value, Likelihood):
        return value
    if isinstance(value, str):
        if value not in LIKELIHOODS:
            raise unknown("likelihood", value, LIKELIHOODS, where)
        return LIKELIHOODS[value]()
    expected = 'a Likelihood such as StudentT(dof=4.0), "gaussian" or "student-t"'
    raise InputError(f"{where}.likelihood: expected {expected}, got {described(value)}.")
