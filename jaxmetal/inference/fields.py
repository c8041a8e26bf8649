"""Random fields of a model, integrated over: their modes have a closed form where they are small.

    maps = predicted(theta) + Tᵀ s ξ + noise,   ξ ~ N(0, 1),   s = amplitude sqrt(P(k; length))

T is the response of the maps to each mode. Where a tracer is averaged linearly and the light is
known this is exact; otherwise the maps are linear in the field near the galaxy for which T was
computed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.galaxy import Galaxy, get, put
from jaxmetal.inference import likelihood
from jaxmetal.maps import Map
from jaxmetal.maps.error_terms import errors_of
from jaxmetal.profiles.numerics import product, sqrt
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.random_field import mode_power, wave_numbers
from jaxmetal.profiles.scatter import field_of

Whitened = Float[Array, "m n"]


class Modes(eqx.Module):
    """The modes of one field that are integrated over.

    Parameters
    ----------
    path
        of the tracer that has the field.
    size
        of the lattice of its modes along an axis.
    extent
        period, arcsec.
    rows, columns
        where each mode lies in the lattice; the size of the lattice for one that fills up.
    """

    path: str = eqx.field(static=True)
    size: int = eqx.field(static=True)
    extent: Float[Array, ""]
    rows: Int[Array, " m"]
    columns: Int[Array, " m"]

    def scale(self, profile: Profile) -> Float[Array, " m"]:
        """The standard deviation of the coefficient of each mode, in the tracer's unit."""
        field = field_of(profile)
        assert field is not None
        numbers = jnp.asarray(wave_numbers(self.size))
        q, p = (numbers.at[i].get(mode="clip") for i in (self.rows, self.columns))
        kernel = str(field.options["kernel"])
        power = mode_power(q, p, field.length, self.extent, field.injection, kernel)
        return field.amplitude * sqrt(power)

    def lattice(
        self, values: Float[Array, " m"], rest: Float[Array, "larger larger"] | None = None
    ) -> Float[Array, "larger larger"]:
        """The values of the modes in their places.

        Parameters
        ----------
        values
            of the modes.
        rest
            values of those that are left out, on a lattice of this size or a larger one; 0 on a
            lattice of this size by default.
        """
        if rest is None:
            rest = jnp.zeros((self.size, self.size), values.dtype)
        first = (len(rest) - self.size) // 2
        # A mode that fills up lies outside of any lattice.
        rows, columns = (
            jnp.where(at < self.size, at + first, len(rest)) for at in (self.rows, self.columns)
        )
        return rest.at[rows, columns].set(values, mode="drop")


class Fields(eqx.Module):
    """The random fields of a model.

    Parameters
    ----------
    parts
        the modes of each field; all modes are in a row after that.
    response
        T, the change of each map with the coefficient of each mode, shape (m, *map), by the names
        of the maps that change.
    whitened
        T in units of the errors, maps and pixels in a row, where nothing free changes them.
    gram
        its products, T C⁻¹ Tᵀ.
    """

    parts: tuple[Modes, ...]
    response: dict[str, Float[Array, "m ..."]]
    whitened: Whitened | None = None
    gram: Float[Array, "m m"] | None = None

    def scale(self, galaxy: Galaxy) -> Float[Array, " m"]:
        """The standard deviation of the coefficient of each mode."""
        return jnp.concatenate([m.scale(get(galaxy.named, m.path)) for m in self.parts])

    def prepared(self, maps: Mapping[str, Map]) -> "Fields":
        """The same with the response in units of the errors of the maps, which must be fixed."""
        bare = Fields(self.parts, self.response)
        # Errors that are fixed depend on no prediction.
        rows = bare.in_errors(maps, {name: maps[name].values for name in self.response})
        return Fields(self.parts, self.response, rows, product(rows, rows.T))

    def for_data(self, maps: Mapping[str, Map]) -> "Fields":
        """The same for other data of the same instruments, which respond alike."""
        return self if self.gram is None else self.prepared(maps)

    def in_errors(self, maps: Mapping[str, Map], predicted: Mapping[str, Array]) -> Whitened:
        """The response in units of the errors, maps and pixels in a row."""
        if self.whitened is not None:
            return self.whitened
        rows = []
        for name, response in self.response.items():
            errors = errors_of(maps[name], predicted[name])
            images = jax.vmap(maps[name].noise.whitened, (0, None))(response, errors)
            rows.append(images.reshape(len(response), -1))
        return jnp.concatenate(rows, axis=1)

    def integral(
        self, galaxy: Galaxy, maps: Mapping[str, Map], predicted: Mapping[str, Array]
    ) -> "Integral":
        """The integral over the modes, for what is predicted without a field."""
        rows = self.in_errors(maps, predicted)
        gram = product(rows, rows.T) if self.gram is None else self.gram
        residuals = [likelihood.residuals(maps[n], predicted[n]).ravel() for n in self.response]
        projection = product(rows, jnp.concatenate(residuals))
        return Integral(self.scale(galaxy), rows, gram, projection, tuple(self.response))

    def added(
        self, predicted: Mapping[str, Array], coefficients: Float[Array, " m"]
    ) -> dict[str, Array]:
        """The maps with a field of these coefficients added."""
        changes = {n: jnp.tensordot(coefficients, t, 1) for n, t in self.response.items()}
        return {n: image + changes[n] if n in changes else image for n, image in predicted.items()}

    def placed(
        self,
        galaxy: Galaxy,
        modes: Float[Array, " m"],
        rest: Sequence[Float[Array, "larger larger"] | None] | None = None,
    ) -> Galaxy:
        """The galaxy with fields of these modes, in units of their standard deviations.

        Parameters
        ----------
        galaxy
            that has the fields.
        modes
            of all fields.
        rest
            of each field: values of the modes that are left out; 0 by default.
        """
        parts = dict(galaxy.named)
        rest = [None] * len(self.parts) if rest is None else rest
        for part, values, others in zip(self.parts, self._split(modes), rest, strict=True):
            lattice = part.lattice(values, others)
            numbers = {"modes": lattice, "extent": part.extent}
            for name, value in numbers.items():
                parts = put(parts, f"{part.path}.{name}", value)
        return galaxy.with_named(parts)

    def _split(self, values: Float[Array, " m"]) -> list[Float[Array, " k"]]:
        """The values of the modes of each field."""
        ends = np.cumsum([len(part.rows) for part in self.parts])
        return jnp.split(values, ends[:-1])


class Integral(NamedTuple):
    """The modes of the fields given everything else: a Gaussian.

    Parameters
    ----------
    scale
        s, the standard deviation of each coefficient before the data.
    response
        T in units of the errors, shape (m, n).
    gram
        M = T Tᵀ.
    projection
        y = T r of the residuals r in units of the errors.
    names
        of the maps that change with the modes, in the order of the columns of T.
    """

    scale: Float[Array, " m"]
    response: Whitened
    gram: Float[Array, "m m"]
    projection: Float[Array, " m"]
    names: tuple[str, ...]

    @property
    def log_factor(self) -> Float[Array, ""]:
        """What integrating over the modes adds to the log likelihood of a model without a field."""
        return _log_factor(self.scale, self.gram, self.projection)

    @property
    def mean(self) -> Float[Array, " m"]:
        """The mean of each mode, in units of its standard deviation before the data."""
        root = _root(self.scale, self.gram)
        return jax.scipy.linalg.cho_solve((root, True), self.scale * self.projection)

    @property
    def log_volume(self) -> Float[Array, ""]:
        """`log_factor` less what the mean field adds to the log likelihood of the maps."""
        root = _root(self.scale, self.gram)
        return -0.5 * jnp.sum(self.mean**2) - jnp.sum(jnp.log(jnp.diag(root)))

    def draw(self, key: Array) -> Float[Array, " m"]:
        """One draw of the modes, in the units of `mean`."""
        root = _root(self.scale, self.gram)
        normal = jax.random.normal(key, self.scale.shape, self.scale.dtype)
        return self.mean + jax.scipy.linalg.solve_triangular(root.T, normal)

    def roots(self, mean: Float[Array, " n"]) -> list[Array]:
        """Functions whose Jacobian J gives the Fisher information JᵀJ of means and of scales.

            F = ∂μᵀ C⁻¹ ∂μ + ½ tr(C⁻¹ ∂C C⁻¹ ∂C),   C = 1 + (s T)ᵀ (s T)

        Parameters
        ----------
        mean
            μ, what is predicted in units of the errors.
        """
        scale, response, gram = jax.lax.stop_gradient(self[:3])
        inverse = _inverse(scale, gram)
        rows = scale[:, None] * response
        modes = product(inverse, product(rows, mean))
        gain = jnp.eye(len(inverse), dtype=inverse.dtype) - inverse
        # Not by Cholesky: the square of each element is positive definite up to rounding only.
        values, vectors = jnp.linalg.eigh(2 * gain**2)
        root = sqrt(values)[:, None] * vectors.T
        log_scale = jnp.log(jnp.maximum(self.scale, jnp.finfo(gain.dtype).tiny))
        return [mean - product(modes, rows), modes, product(root, log_scale)]


def without_fields(galaxy: Galaxy) -> Galaxy:
    """The galaxy with random fields of zero: what its tracers scatter about."""
    parts = dict(galaxy.named)
    for name, component in galaxy.components.items():
        for tracer, profile in component.tracers.items():
            field = field_of(profile)
            if field is not None:
                path = f"{name}.{tracer}.modes"
                parts = put(parts, path, jnp.zeros_like(field.modes))
    return galaxy.with_named(parts)


def _whole(scale: Float[Array, " m"], gram: Float[Array, "m m"]) -> Float[Array, "m m"]:
    """A = 1 + s M s, the inverse covariance of the modes."""
    return jnp.eye(len(scale), dtype=gram.dtype) + scale[:, None] * gram * scale[None, :]


def _root(scale: Float[Array, " m"], gram: Float[Array, "m m"]) -> Float[Array, "m m"]:
    return jnp.linalg.cholesky(_whole(scale, gram))


def _inverse(scale: Float[Array, " m"], gram: Float[Array, "m m"]) -> Float[Array, "m m"]:
    unit = jnp.eye(len(scale), dtype=gram.dtype)
    return jax.scipy.linalg.cho_solve((_root(scale, gram), True), unit)


@jax.custom_jvp
def _log_factor(
    scale: Float[Array, " m"], gram: Float[Array, "m m"], projection: Float[Array, " m"]
) -> Float[Array, ""]:
    """½ bᵀ A⁻¹ b - ½ ln |A|,   A = 1 + s M s,   b = s y."""
    root = _root(scale, gram)
    white = jax.scipy.linalg.solve_triangular(root, scale * projection, lower=True)
    return 0.5 * jnp.sum(white**2) - jnp.sum(jnp.log(jnp.diag(root)))


@_log_factor.defjvp
def _log_factor_slope(primals: Any, tangents: Any) -> tuple[Array, Array]:
    """By A⁻¹, once for all directions: through the factorisation each would cost as much."""
    scale, gram, projection = primals
    d_scale, d_gram, d_projection = tangents
    inverse = _inverse(scale, gram)
    modes = product(inverse, scale * projection)
    coefficients = scale * modes
    by_scale = modes * (projection - product(gram, coefficients))
    by_scale -= jnp.sum(inverse * gram * scale[None, :], axis=1)
    by_gram = jnp.outer(coefficients, coefficients) + scale[:, None] * inverse * scale[None, :]
    slope = jnp.sum(by_scale * d_scale) + jnp.sum(coefficients * d_projection)
    return _log_factor(*primals), slope - 0.5 * jnp.sum(by_gram * d_gram)
