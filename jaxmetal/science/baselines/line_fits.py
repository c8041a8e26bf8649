"""Straight-line fits by least squares, which ignore the PSF."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.maps.measured import in_one_unit
from jaxmetal.quantities import ANY, as_numbers
from jaxmetal.science.baselines.usable import usable_pixels


@dataclass(frozen=True)
class LineFit:
    """A straight line Z = central + gradient · R.

    Parameters
    ----------
    central
        value at R = 0, in the unit of the values.
    gradient
        slope, per unit of the radius.
    covariance
        of (central, gradient), shape (2, 2).
    chi_square
        Σ (residual / sigma)²; without sigmas the sum of the squared residuals.
    count
        number of pixels used.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.baselines.ols([0.0, 1.0, 2.0], [8.5, 8.4, 8.3])
    >>> print(f"{line.gradient:.2f}, {line.count} pixels")
    -0.10, 3 pixels
    """

    central: float
    gradient: float
    covariance: Float[np.ndarray, "2 2"]
    chi_square: float
    count: int

    @property
    def central_error(self) -> float:
        """Standard error of the central value."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def gradient_error(self) -> float:
        """Standard error of the gradient."""
        return float(np.sqrt(self.covariance[1, 1]))


def ols(radius: Any, values: Any, mask: Any = None) -> LineFit:
    """Ordinary least squares: all pixels have equal weight.

        minimise Σ (Z - central - gradient R)²
        covariance = s² (XᵀX)⁻¹,   s² = Σ residual² / (count - 2)

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    mask
        True where a pixel is to be left out; pixels that are not finite leave by themselves.

    Returns
    -------
    fit
        with an undefined (NaN) covariance if only two pixels are left.

    Raises
    ------
    InputError
        for shapes that do not match, or fewer than two usable pixels at different radii.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.baselines.ols([0.0, 1.0, 2.0], [8.5, 8.4, 8.3])
    >>> print(f"{line.central:.2f} {line.gradient:+.2f} R")
    8.50 -0.10 R
    """
    numbers = as_numbers(values, "ols.values", ANY)
    radius, values = usable_pixels("ols", mask, radius=radius, values=numbers)
    fit = _line("ols", radius, values, np.ones_like(values))
    s2 = fit.chi_square / (fit.count - 2) if fit.count > 2 else np.nan
    return LineFit(fit.central, fit.gradient, s2 * fit.covariance, fit.chi_square, fit.count)


def wls(radius: Any, values: Any, sigma: Any, mask: Any = None) -> LineFit:
    """Weighted least squares: the weight of a pixel is its inverse variance.

        minimise Σ (Z - central - gradient R)² / sigma²
        covariance = (XᵀWX)⁻¹,   W = diag(1 / sigma²)

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    sigma
        standard deviations, one number or the same shape.
    mask
        True where a pixel is to be left out; pixels that are not finite or have no positive sigma
        leave by themselves.

    Returns
    -------
    fit
        its covariance is scaled by sigma, not by the scatter of the residuals.

    Raises
    ------
    InputError
        for shapes that do not match, or fewer than two usable pixels at different radii.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, eq. 4.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.baselines.wls([0.0, 1.0, 2.0], [8.5, 8.4, 8.3], sigma=0.1)
    >>> print(f"{line.gradient:.2f} +- {line.gradient_error:.2f}")
    -0.10 +- 0.07
    """
    data = in_one_unit("wls", values, sigma, None, None)
    values = data.values if data.mask is None else np.where(data.mask, np.nan, data.values)
    assert data.sigma is not None
    sigma = np.broadcast_to(data.sigma, values.shape) if data.sigma.shape == () else data.sigma
    radius, values, sigma = usable_pixels("wls", mask, radius=radius, values=values, sigma=sigma)
    return _line("wls", radius, values, 1 / sigma**2)


def _line(where: str, radius: np.ndarray, values: np.ndarray, weight: np.ndarray) -> LineFit:
    """The weighted line, with the covariance (XᵀWX)⁻¹."""
    if radius.size < 2 or np.ptp(radius) == 0:
        raise InputError(
            f"{where}: a line needs at least two usable pixels at different radii, "
            f"got {radius.size} pixels."
        )
    # About the mean radius, where the two numbers are independent and nothing cancels.
    total = weight.sum()
    middle, mean = (weight * radius).sum() / total, (weight * values).sum() / total
    spread = (weight * (radius - middle) ** 2).sum()
    gradient = (weight * (radius - middle) * (values - mean)).sum() / spread
    covariance = np.array(
        [[1 / total + middle**2 / spread, -middle / spread], [-middle / spread, 1 / spread]]
    )
    residual = values - mean - gradient * (radius - middle)
    return LineFit(
        float(mean - gradient * middle),
        float(gradient),
        covariance,
        float((weight * residual**2).sum()),
        radius.size,
    )
