"""Point-spread functions that are wider in one direction: an analytic one, squeezed."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, described
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF, GaussianPSF, MoffatPSF, positive_number
from jaxmetal.profiles.profile import as_array, is_traced
from jaxmetal.quantities import DEGREES


class EllipticalPSF(PSF):
    """A Gaussian or a Moffat profile, squeezed along its minor axis.

        K(x) = K_circular(S⁻¹ x) / q,   K(f) = K_circular(S f)

    S keeps the major axis and shrinks the minor one by q.

    Parameters
    ----------
    psf
        GaussianPSF or MoffatPSF, whose width is that along the major axis; its parameters have
        paths such as "z.instrument.psf.psf.fwhm".
    axis_ratio
        q, minor over major axis, above 0 and at most 1.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).

    Raises
    ------
    InputError
        for another PSF, or an axis ratio out of range.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> psf = jm.EllipticalPSF(jm.GaussianPSF(1.5), axis_ratio=0.8, position_angle=30.0)
    >>> print(f"{psf.axis_ratio:.1f}")
    0.8
    """

    psf: PSF
    axis_ratio: Float[Array, ""]
    position_angle: Float[Array, ""]

    def __init__(self, psf: PSF, axis_ratio: Any, position_angle: Any = 0.0):
        if not isinstance(psf, GaussianPSF | MoffatPSF):
            expected = "expected a GaussianPSF or a MoffatPSF"
            raise InputError(f"EllipticalPSF.psf: {expected}, got {described(psf)}.")
        self.psf = psf
        self.axis_ratio = positive_number(axis_ratio, "EllipticalPSF.axis_ratio")
        if not is_traced(self.axis_ratio) and self.axis_ratio > 1:
            raise InputError(f"EllipticalPSF.axis_ratio: must be at most 1, got {axis_ratio!r}.")
        self.position_angle = as_array(position_angle, "EllipticalPSF.position_angle", DEGREES)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        angle = jnp.deg2rad(self.position_angle)
        major = jnp.stack([jnp.sin(angle), jnp.cos(angle)])
        minor = jnp.stack([jnp.cos(angle), -jnp.sin(angle)])
        # A circle in pixels that are stretched by the inverse of S.
        stretch = jnp.outer(major, major) + jnp.outer(minor, minor) / self.axis_ratio
        matrix = jnp.sum(stretch[:, :, None] * grid.matrix[None, :, :], axis=1)
        round_grid = eqx.tree_at(lambda g: g.matrix, grid, matrix.astype(grid.matrix.dtype))
        return self.psf.transfer(round_grid, kx, ky)

    def radius(self, outside: float, pixel_scale: float) -> float:
        return self.psf.radius(outside, pixel_scale)


def ellipse_of(psf: PSF) -> tuple[PSF, dict[str, float]]:
    """The circular profile of a PSF, and the numbers of its ellipse; none of a circular one.

    Parameters
    ----------
    psf
        any.

    Returns
    -------
    psf, ellipse
        the latter with "axis_ratio" and "position_angle", or empty.
    """
    if not isinstance(psf, EllipticalPSF):
        return psf, {}
    numbers = {"axis_ratio": psf.axis_ratio, "position_angle": psf.position_angle}
    return psf.psf, {name: float(np.asarray(value)) for name, value in numbers.items()}
