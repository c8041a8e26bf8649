"""Linear amplitudes of light: their most probable values and covariance in closed form."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.galaxy import get
from jaxmetal.inference.likelihood import in_units_of_error, residuals
from jaxmetal.maps import Map
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import Profile


class Solution(NamedTuple):
    """The posterior of some amplitudes a, given everything else: a Gaussian.

    Parameters
    ----------
    amplitudes
        {path: most probable value}.
    information
        inverse covariance of all of them in a row, each in units of its scale, shape (K, K).
    log_scale
        ln of the scale of each amplitude, about what the data alone leave uncertain of it, shape
        (K,). The second derivative of a logarithm of 1e-25 overflows in float32.
    """

    amplitudes: dict[str, Array]
    information: Float[Array, "K K"]
    log_scale: Float[Array, " K"]

    @property
    def scale(self) -> Float[Array, " K"]:
        """The scale of each amplitude."""
        return jnp.exp(self.log_scale)

    @property
    def log_volume(self) -> Float[Array, ""]:
        """The log of ∫ exp[-1/2 (a - mean)ᵀ information (a - mean)] da.

        It is the term that marginalising over the amplitudes adds.
        """
        log_determinant = jnp.linalg.slogdet(self.information)[1]
        constant = len(self.log_scale) * math.log(2 * math.pi)
        return 0.5 * (constant - log_determinant) + jnp.sum(self.log_scale)

    def draw(self, key: Array) -> dict[str, Array]:
        """Amplitudes drawn from this Gaussian."""
        root = jnp.linalg.cholesky(self.information)
        normal = jax.random.normal(key, (len(root),), root.dtype)
        noise = jax.scipy.linalg.solve_triangular(root.T, normal)
        return _unravel(_ravel(self.amplitudes) + self.scale * noise, self.amplitudes)


def solve(
    predict: Callable[[dict[str, Array]], dict[str, Array]],
    maps: Mapping[str, Map],
    at: Mapping[str, Array],
) -> Solution:
    """The amplitudes that fit some maps best, if what is predicted is linear around a point.

        predicted(a) = predicted(a0) + T (a - a0),   information = Tᵀ W T,   W = 1/sigma²
        mean = a0 + information⁻¹ Tᵀ W [data - predicted(a0)]

    Parameters
    ----------
    predict
        {map: prediction} for given amplitudes.
    maps
        the maps to fit.
    at
        {path: amplitude} of the point a0.

    Returns
    -------
    solution
        differentiable in everything that `predict` depends on.
    """
    point = _ravel(at)
    push = jax.vmap(
        lambda along: jax.jvp(lambda a: predict(_unravel(a, at)), (point,), (along,)),
        out_axes=(None, 0),
    )
    predicted, templates = push(jnp.eye(len(point), dtype=point.dtype))
    rows, columns = [], []
    for name, m in maps.items():
        in_errors = jax.vmap(in_units_of_error, (None, 0, None))
        rows.append(in_errors(m, templates[name], predicted[name]).reshape(len(point), -1))
        columns.append(residuals(m, predicted[name]).ravel())
    # Each amplitude in units of its own uncertainty: in any unit of flux, and of any size beside
    # the others, the information is of order one.
    design, log_scale = _unit_rows(jnp.concatenate(rows, axis=1))
    information = product(design, design.T)
    # Regularised.
    padding = 4 * jnp.finfo(point.dtype).eps * jnp.eye(len(point), dtype=point.dtype)
    shift = jnp.linalg.solve(information + padding, product(design, jnp.concatenate(columns)))
    return Solution(_unravel(point + jnp.exp(log_scale) * shift, at), information, log_scale)


def _unit_rows(rows: Float[Array, "K n"]) -> tuple[Float[Array, "K n"], Float[Array, " K"]]:
    """The rows divided by their norms, and minus the logarithms of the norms.

    A row of zeros is left as it is.
    """
    # Divided by the largest number first, because squares of very large ones overflow.
    largest = jnp.max(jnp.abs(rows), axis=1, keepdims=True)
    largest = jax.lax.stop_gradient(jnp.where(largest > 0, largest, 1.0))
    rows = rows / largest
    length = jnp.sqrt(jnp.maximum(jnp.sum(rows**2, axis=1, keepdims=True), 1e-30))
    length = jnp.where(length > 1e-14, length, 1.0)
    return rows / length, -(jnp.log(largest) + jnp.log(length))[:, 0]


def _ravel(values: Mapping[str, Array]) -> Float[Array, " K"]:
    return jnp.concatenate([value.ravel() for value in values.values()])


def _unravel(vector: Float[Array, " K"], like: Mapping[str, Array]) -> dict[str, Array]:
    parts = jnp.split(vector, np.cumsum([value.size for value in like.values()])[:-1])
    return {
        path: part.reshape(value.shape)
        for part, (path, value) in zip(parts, like.items(), strict=True)
    }


def check_linear(scene: Mapping[str, Any], maps: Mapping[str, Map], paths: tuple[str, ...]) -> None:
    """Check that the paths name linear amplitudes, and that maps constrain them.

    An amplitude is one in which the light of a component is linear.

    Raises
    ------
    InputError
        naming the path, or the map, that does not allow it.
    """
    if not paths:
        return
    if not any(one_map.additive for one_map in maps.values()):
        raise InputError(
            f"priors[{paths[0]!r}]: a Linear amplitude needs a map of flux, such as a LightMap, to "
            "be solved from."
        )
    for name, one_map in maps.items():
        scattered = one_map.additive and float(one_map.scatter) > 0
        if not one_map.likelihood.gaussian or scattered or one_map.censored is not None:
            raise InputError(
                f"maps[{name!r}]: Linear amplitudes need Gaussian likelihoods, and light maps "
                "without extra scatter or upper limits."
            )
    for path in paths:
        _check_amplitude(scene, path)


def _check_amplitude(scene: Mapping[str, Any], path: str) -> None:
    parent, _, name = path.rpartition(".")
    profile = get(scene, parent)
    if path.split(".")[1] != "light" or not isinstance(profile, Profile):
        raise InputError(
            f"priors[{path!r}]: only an amplitude of light can be Linear, such as "
            "component.light.amp."
        )
    if not _is_linear(profile, name):
        raise InputError(
            f"priors[{path!r}]: the light is not linear in this parameter, so it cannot be Linear."
        )


def _is_linear(profile: Profile, name: str) -> bool:
    """Whether a profile is linear in a parameter, at some places and values."""
    x, y = jnp.array([0.1, 0.7, 1.3]), jnp.array([0.4, -0.2, 0.9])

    def value(factor: float) -> np.ndarray:
        numbers = profile.parameters | {name: factor * jnp.ones_like(profile.parameters[name])}
        return np.asarray(profile.function(x, y, **numbers), float)

    at_one, at_two, at_three = value(1.0), value(2.0), value(3.0)
    bend = np.abs(at_three - 2 * at_two + at_one).max()
    return bool(bend <= 1e-4 * np.abs(at_three).max())
