"""The data: a map of light, or of something that light carries; checked once, on construction."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.profiles.profile import as_array, is_traced

LIKELIHOODS = ("gaussian", "student-t")


LN10 = 2.302585092994046


def _ten_to_the(z: Array) -> Array:
    # Five times faster than a power of ten, which runs outside the CPU's vector units.
    return jnp.exp(LN10 * z)


def _same(z: Array) -> Array:
    return z


# The scale in which light averages a quantity: (g, its inverse).
SCALES: dict[str, tuple[Callable, Callable]] = {"log10": (_ten_to_the, jnp.log10), "linear": (_same, _same)}


class Map(eqx.Module):
    """What light and tracer maps share: values with errors on the pixels of an instrument."""

    adjustable: ClassVar = ("scatter", "dof", "instrument")
    values: Float[Array, "ny nx"]
    sigma: Float[Array, "ny nx"]
    valid: Bool[Array, "ny nx"]
    instrument: Instrument
    scatter: Float[Array, ""]
    dof: Float[Array, ""]
    likelihood: str = eqx.field(static=True)

    @property
    def data(self) -> np.ndarray:
        """The values with NaN wherever a pixel takes no part in the likelihood."""
        return np.where(self.valid, self.values, np.nan)

    @property
    def errors(self) -> np.ndarray:
        """The standard deviations with NaN wherever a pixel takes no part in the likelihood."""
        return np.where(self.valid, self.sigma, np.nan)

    @property
    def size(self) -> int:
        """How many pixels take part in the likelihood."""
        return int(np.sum(self.valid))

    def _fill(self, kind: str, values: Any, sigma: Any, instrument: Any, mask: Any, scatter: Any, likelihood: str, dof: Any):
        if not isinstance(instrument, Instrument):
            raise InputError(f"{kind}.instrument: expected an Instrument, got {type(instrument).__name__}.")
        if likelihood not in LIKELIHOODS:
            raise unknown("likelihood", likelihood, LIKELIHOODS, kind)
        shape = instrument.grid.shape
        values = _numbers(values, f"{kind}.values")
        if values.shape != shape:
            raise InputError(f"{kind}.values: shape {values.shape} does not match the grid's {shape} (rows, columns).")
        sigma = _numbers(sigma, f"{kind}.sigma")
        if sigma.shape not in ((), shape):
            raise InputError(f"{kind}.sigma: expected one number or shape {shape}, got shape {sigma.shape}.")
        sigma = np.broadcast_to(sigma, shape)
        masked = np.zeros(shape, bool) if mask is None else np.asarray(mask)
        if masked.shape != shape:
            raise InputError(f"{kind}.mask: shape {masked.shape} does not match the grid's {shape} (rows, columns).")
        if masked.dtype.kind not in "bui" or not np.isin(masked, (0, 1)).all():
            raise InputError(f"{kind}.mask: expected True (leave the pixel out) or False, got values of type {masked.dtype}.")
        valid = np.isfinite(values) & ~masked.astype(bool)
        negative = valid & (sigma < 0)
        if negative.sum() > 0.5 * max(valid.sum(), 1):
            raise InputError(
                f"{kind}.sigma: standard deviations must be positive; {negative.sum()} of {valid.sum()} pixels have a negative one."
            )
        usable = valid & np.isfinite(sigma) & (sigma > 0)
        if not usable.any():
            lost = {"are not finite": ~np.isfinite(values), "are masked": masked, "have no positive sigma": ~(sigma > 0)}
            counts = ", ".join(f"{int(np.sum(pixels))} {why}" for why, pixels in lost.items())
            raise InputError(f"{kind}: no pixel is left; of {values.size}, {counts} (mask=True leaves a pixel out).")
        # Finite stand-ins before any arithmetic: 0 × NaN is NaN, in the value and in the gradient.
        self.values = as_array(np.where(usable, values, 0.0), f"{kind}.values")
        self.sigma = as_array(np.where(usable, sigma, 1.0), f"{kind}.sigma")
        self.valid = jnp.asarray(usable)
        self.instrument = instrument
        self.scatter = as_array(scatter, f"{kind}.scatter")
        self.dof = as_array(dof, f"{kind}.dof")
        single = self.scatter.shape == self.dof.shape == ()
        traced = is_traced((self.scatter, self.dof))
        if not single or not (traced or (0 <= float(self.scatter) < np.inf and float(self.dof) > 0)):
            raise InputError(f"{kind}: scatter must be zero or positive and dof positive, got scatter={scatter!r}, dof={dof!r}.")
        self.likelihood = likelihood


class LightMap(Map):
    """A map of flux per pixel.

    Parameters
    ----------
    values
        flux in each pixel (surface brightness per arcsec² integrated over the pixel), shape (rows, columns).
    sigma
        its standard deviation, one number or a map.
    instrument
        grid and PSF.
    mask
        True where a pixel is to be left out. NaN, infinite, and pixels without a positive sigma leave by themselves.
    scatter
        extra scatter of real galaxies about a smooth model, as a fraction of the model's flux, added in quadrature;
        a parameter ("light.scatter") that may have a prior.
    likelihood
        "gaussian", or "student-t" with `dof` degrees of freedom, whose scale is sigma.
    dof
        degrees of freedom of the Student-t.

    Raises
    ------
    InputError
        for shapes that do not match, or when no pixel is left.
    """

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, mask: Any = None, *,
        scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0,
    ):  # fmt: skip
        self._fill("LightMap", values, sigma, instrument, mask, scatter, likelihood, dof)


class TracerMap(Map):
    """A map of something that light carries, such as 12 + log(O/H).

    Parameters
    ----------
    values
        the light-weighted mean in each pixel, shape (rows, columns).
    sigma
        its standard deviation, one number or a map.
    instrument
        grid and PSF.
    tracer
        the name of the tracer in the galaxy's components.
    scale
        how light averages the quantity: "log10" (g = 10^Z: abundances in dex), "linear" (g = Z: velocity, age), or a
        pair of functions (g, inverse of g).
    mask
        True where a pixel is to be left out. NaN, infinite, and pixels without a positive sigma leave by themselves.
    scatter
        extra scatter about the model in the tracer's unit, added in quadrature; a parameter ("z.scatter") that may
        have a prior.
    likelihood
        "gaussian", or "student-t" with `dof` degrees of freedom, whose scale is sigma.
    dof
        degrees of freedom of the Student-t.

    Raises
    ------
    InputError
        for shapes that do not match, an unknown scale, or when no pixel is left.
    """

    tracer: str = eqx.field(static=True)
    scale: str | tuple[Callable, Callable] = eqx.field(static=True)

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, tracer: str = "metallicity", scale: Any = "log10", mask: Any = None, *,
        scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0,
    ):  # fmt: skip
        self._fill("TracerMap", values, sigma, instrument, mask, scatter, likelihood, dof)
        scale_functions(scale)
        self.tracer = tracer
        self.scale = scale if isinstance(scale, str) else tuple(scale)


def scale_functions(scale: Any) -> tuple[Callable, Callable]:
    """(g, inverse of g) of a scale given by name or as a pair of functions.

    Raises
    ------
    InputError
        if it is neither.
    """
    if isinstance(scale, str):
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        return SCALES[scale]
    if not (isinstance(scale, tuple | list) and len(scale) == 2 and all(callable(f) for f in scale)):
        raise InputError(f'scale: expected "log10", "linear" or a pair of functions (g, inverse), got {scale!r}.')
    return tuple(scale)


def _numbers(value: Any, where: str) -> np.ndarray:
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(float), np.nan)
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected numbers, got {type(value).__name__}.") from None
