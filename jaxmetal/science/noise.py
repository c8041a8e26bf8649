"""The error of a metallicity: from the light in its pixel or its lines; shared by neighbours."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import Numbers, as_array
from jaxmetal.quantities import as_number, contents, in_one_unit
from jaxmetal.science.correlated import drizzle, exponential, gaussian, manga, matern, sami

__all__ = [
    "constants",
    "drizzle",
    "exponential",
    "gaussian",
    "manga",
    "matern",
    "propagate",
    "sami",
    "variance",
]


def variance(light: Numbers, c1, c2) -> Float[Array, "..."]:
    """Variance of a metallicity whose lines are limited by photon noise.

        sigma_Z² = c1 + c2 / I

    Parameters
    ----------
    light
        I, flux per pixel.
    c1
        variance that no amount of light removes, dex².
    c2
        photon noise, dex² times the unit of the flux.

    Returns
    -------
    variance
        dex², infinite where there is no light.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, eq. A7.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.noise.variance(0.5, c1=0.005, c2=0.001):.3f}")
    0.007
    """
    light = as_array(light, "variance.light")
    c1, c2 = as_array(c1, "variance.c1"), as_array(c2, "variance.c2")
    bright = light > 0
    return jnp.where(bright, c1 + c2 / jnp.where(bright, light, 1.0), jnp.inf)


def constants(
    light_center: float, light_edge: float, variance_center: float, variance_edge: float
) -> tuple[float, float]:
    """The constants of `variance` that give two variances at two brightnesses.

        c2 = (s_edge - s_center) / (1/I_edge - 1/I_center),   c1 = s_center - c2 / I_center

    Parameters
    ----------
    light_center, light_edge
        flux per pixel, the first the brighter.
    variance_center, variance_edge
        there, dex².

    Returns
    -------
    c1, c2
        dex², and dex² times the unit of the flux.

    Raises
    ------
    InputError
        if no c1 >= 0 and c2 >= 0 meet both targets: c1 >= 0 needs I_edge / I_center <= s_center /
        s_edge. Light smeared by a wide PSF is often too flat for that; fix the constants on the
        sharpest image.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, section 3.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> c1, c2 = jm.noise.constants(1.0, 0.2, 0.01, 0.03)
    >>> print(f"{c1:.3f} {c2:.3f}")
    0.005 0.005
    """
    light_center = as_number(light_center, "constants.light_center")
    light_edge = as_number(light_edge, "constants.light_edge")
    variance_center = as_number(variance_center, "constants.variance_center")
    variance_edge = as_number(variance_edge, "constants.variance_edge")
    light, variances = (light_center, light_edge), (variance_center, variance_edge)
    if not (np.all(np.isfinite(light + variances)) and min(light + variances) > 0):
        raise InputError(
            f"constants: light and variances must be positive numbers, "
            f"got light {light} and variances {variances}."
        )
    if light_center <= light_edge or variance_center > variance_edge:
        raise InputError(
            f"constants: the centre must be the brighter and not the noisier of the two, "
            f"got light {light} and variances {variances}."
        )
    c1 = (variance_center * light_center - variance_edge * light_edge) / (light_center - light_edge)
    c2 = (variance_edge - variance_center) / (1 / light_edge - 1 / light_center)
    if c1 < 0:
        raise InputError(
            f"constants: the variances {variances} cannot both be met: "
            f"the light falls only to {light_edge / light_center:.3g} of the centre, "
            f"it must fall to {variance_center / variance_edge:.3g} or less (c1 would be {c1:.3g})."
        )
    return float(c1), float(c2)


def propagate(
    diagnostic: Callable[..., Array],
    fluxes: Mapping[str, Any],
    sigmas: Mapping[str, Any],
    scatter: float = 0.0,
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """A metallicity and its error from line fluxes with independent errors.

        sigma_Z² = Σ_l (dZ/dl)² sigma_l² + scatter²

    The derivatives are automatic.

    Parameters
    ----------
    diagnostic
        `Z = f(**fluxes)`, element by element, written with jax.numpy.
    fluxes
        of the lines by the names of f's arguments, any one unit (astropy Quantities are converted),
        all of one shape.
    sigmas
        their standard deviations by the same names, each one number or an array.
    scatter
        of the calibration, dex.

    Returns
    -------
    Z, sigma_Z
        dex; NaN where a flux is not positive or not finite.

    Raises
    ------
    InputError
        for lines without an error, lines that the diagnostic does not take, or shapes that do not
        match.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, appendix A.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lines, errors = {"halpha": 2.86, "nii": 0.5}, {"halpha": 0.1, "nii": 0.05}
    >>> z, sigma = jm.noise.propagate(jm.calibrations.n2_marino13, lines, errors)
    >>> print(f"{z:.3f} +- {sigma:.3f}")
    8.393 +- 0.021
    """
    lines, errors = _checked(diagnostic, fluxes, sigmas)
    extra = as_array(scatter, "propagate.scatter", ("", "dex"))
    usable = jnp.all(
        jnp.stack([jnp.isfinite(flux) & (flux > 0) for flux in lines.values()]), axis=0
    )
    # Finite stand-ins before any arithmetic, so that whatever the diagnostic does with a dark pixel
    # stays there.
    lines = {name: jnp.where(usable, flux, 1.0) for name, flux in lines.items()}
    squares = jnp.full(usable.shape, jnp.square(extra))
    for name, flux in lines.items():

        def along(flux: Array, name: str = name) -> Array:
            return diagnostic(**{**lines, name: flux})

        _, change = jax.jvp(along, (flux,), (errors[name],))
        squares = squares + jnp.square(change)
    z = diagnostic(**lines)
    if jnp.shape(z) != usable.shape:
        raise InputError(
            f"propagate: the diagnostic must work element by element: "
            f"shape {usable.shape} went in, {jnp.shape(z)} came out."
        )
    return jnp.where(usable, z, jnp.nan), jnp.where(usable, jnp.sqrt(squares), jnp.nan)


def _checked(
    diagnostic: Callable, fluxes: Mapping[str, Any], sigmas: Mapping[str, Any]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Fluxes and errors as arrays of one shape."""
    _check_names(diagnostic, fluxes, sigmas)
    units = [contents(flux).unit for flux in fluxes.values()]
    # Errors without a unit are in that of the fluxes.
    unit = next((unit for unit in units if unit is not None), "")
    fluxes = in_one_unit("propagate.fluxes", **fluxes)
    lines = {name: as_array(flux, f"propagate.fluxes[{name!r}]") for name, flux in fluxes.items()}
    errors = {name: as_array(sigmas[name], f"propagate.sigmas[{name!r}]", unit) for name in fluxes}
    shape = next(iter(lines.values())).shape
    for name in lines:
        if lines[name].shape != shape or errors[name].shape not in ((), shape):
            raise InputError(
                f"propagate: all lines must have one shape, {shape}; "
                f"{name!r} has {lines[name].shape} with errors {errors[name].shape}."
            )
    return lines, {name: jnp.broadcast_to(error, shape) for name, error in errors.items()}


def _check_names(
    diagnostic: Callable, fluxes: Mapping[str, Any], sigmas: Mapping[str, Any]
) -> None:
    """The diagnostic takes these lines, and each of them has an error."""
    try:
        inspect.signature(diagnostic).bind(**fluxes)
    except TypeError as error:
        lines = ", ".join(sorted(fluxes)) or "none"
        raise InputError(
            f"propagate: the diagnostic does not take the lines {lines}: {error}."
        ) from None
    if not fluxes or set(fluxes) != set(sigmas):
        raise InputError(
            f"propagate: fluxes and sigmas must name the same lines, "
            f"got {sorted(fluxes)} and {sorted(sigmas)}."
        )
