"""A line relative to another of the same pixels, whose light is free in every pixel."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.emission import Blend, label_of, parts_of
from jaxmetal.errors import InputError, check_type
from jaxmetal.maps.correlations import Correlation
from jaxmetal.maps.covariance import unprepared
from jaxmetal.maps.line import LineMap, RatioMap
from jaxmetal.maps.map import Map
from jaxmetal.maps.moments import SmearedMoment
from jaxmetal.maps.tracer import TRACER_TOLERANCE


class RelativeLineMap(RatioMap):
    """The flux N of a line where the flux H of another was measured too, whatever the light is.

        shown = R H,   R = A · (K ∗ Σᵢ I_iN) / A · (K ∗ Σᵢ I_iH)
        -2 ln L = Σ (N - R H)² / (s_N² + R² s_H²)

    This is the likelihood of both fluxes with the light of each pixel at its most probable value:
    clumps that no profile describes cost nothing, negative fluxes count, and nothing is divided by
    a noisy flux. The light of the galaxy only weights what the PSF blends. A flat prior on the
    light of each pixel, marginalised, would add ln(s_N² + R² s_H²), and a bias.

    Every pixel brings a parameter, its light a, and so no likelihood of R has both this maximum and
    the right curvature: the slope of ln L varies by a² + v about its mean, with v the variance of
    the most probable light, where the curvature holds a² (Neyman & Scott 1948). Errors come out too
    small where v is not small beside a²: by 2 % with S/N(H) = 30 at the centre of an exponential
    disc, and by 15 % with 15, where 62 % of truths lie within one error. Two LineMaps with a
    profile of the light have no such flaw.

    Parameters
    ----------
    line_map
        N, with its errors, their correlation, likelihood and calibration.
    denominator
        H, in the same pixels or apertures and with the same PSF. It is not to be data as well. Two
        lines over one denominator share its errors, which is neglected: take a bright one. Its
        errors must be correlated as those of the line, as in one cube.

    Raises
    ------
    InputError
        if they are no LineMaps on one grid with one PSF, have upper limits, or their errors are
        correlated in different ways.

    References
    ----------
    Neyman & Scott (1948), Econometrica 16, 1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> maps = jm.examples.line_model().maps
    >>> relative = jm.RelativeLineMap(maps["NII6584"], maps["Ha"])
    >>> relative.size
    225
    """

    quantity: ClassVar[str] = "the line flux"
    base: Float[Array, "*map"]
    base_sigma: Float[Array, "*map"]

    def __init__(self, line_map: LineMap, denominator: LineMap):
        for name, one in {"line_map": line_map, "denominator": denominator}.items():
            check_type(one, LineMap, f"RelativeLineMap.{name}")
            if one.censored is not None:
                raise InputError(f"RelativeLineMap.{name}: limits are for lines fitted as fluxes.")
        _check_same_instrument(line_map, denominator)
        self.numerator, self.light = line_map.line, denominator.line
        # Where the denominator is 0 nothing is known of the ratio.
        self.valid = line_map.valid & denominator.valid & (denominator.values != 0)
        if not bool(self.valid.any()):
            raise InputError("RelativeLineMap: no pixel has both lines.")
        self.values = jnp.where(self.valid, line_map.values, 0.0)
        self.sigma = jnp.where(self.valid, line_map.sigma, 1.0)
        self.base = jnp.where(self.valid, denominator.values, 1.0)
        self.base_sigma = jnp.where(self.valid, denominator.sigma, 1.0)
        self.correlation = _common_correlation(line_map, denominator)
        self.instrument = line_map.instrument
        self.scatter, self.likelihood = line_map.scatter, line_map.likelihood
        self.calibration = line_map.calibration
        self.noise = unprepared(self)

    @property
    def fluxes(self) -> dict[str | Blend, tuple[np.ndarray, np.ndarray]]:
        """{line: (its flux, the errors)} of both; NaN where masked."""
        base = (
            np.where(self.valid, self.base, np.nan),
            np.where(self.valid, self.base_sigma, np.nan),
        )
        return {self.numerator: (self.data, self.errors), self.light: base}

    @property
    def label(self) -> str:
        """What axes and colour bars say of it."""
        return f"{label_of(self.numerator)} per pixel"

    @property
    def entry(self) -> dict[str, Any]:
        """What a configuration says of it; the map that it is relative to has a name only there."""
        return {"kind": "line", "line": dict(parts_of(self.numerator)), "relative_to": None}

    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """The mean ratio times the flux that was measured."""
        return moments[0].mean * self.base

    @property
    def is_flux(self) -> bool:
        """True, though its model is a ratio."""
        return True

    def profiled_error(self, predicted: Float[Array, "*map"]) -> Float[Array, "*map"]:
        """R s_H: what the error of the denominator makes of the prediction."""
        return predicted * (self.base_sigma / self.base)

    def total_errors(self, predicted: Any = None) -> np.ndarray:
        """The errors of both lines, and the scatter, in quadrature.

        Parameters
        ----------
        predicted
            the model, of which the scatter and the error of the denominator are fractions.

        Returns
        -------
        errors
            in the unit and shape of the map's values; NaN where masked.
        """
        shown = self.values if predicted is None else jnp.asarray(predicted, self.values.dtype)
        own = float(self.calibration.error_scale) * self.errors
        return np.hypot(own, np.hypot(self.scatter_of(shown), self.profiled_error(shown)))

    def tolerance(self, predicted: np.ndarray) -> np.ndarray:
        """1e-4 dex of the flux."""
        return np.log(10) * TRACER_TOLERANCE * np.abs(predicted)


def _common_correlation(line_map: Map, denominator: Map) -> Correlation | None:
    """The correlation of both lines, which is then that of N - R H where R is smooth."""
    if not eqx.tree_equal(line_map.correlation, denominator.correlation):
        problem = "the errors of both lines must be correlated in the same way"
        raise InputError(f"RelativeLineMap: {problem}.")
    return line_map.correlation


def _check_same_instrument(line_map: Map, denominator: Map) -> None:
    """Refuse lines of different pixels or PSFs, whose ratio no single light weights."""
    one, other = line_map.instrument, denominator.instrument
    if one.shape != other.shape:
        raise InputError(f"RelativeLineMap: the maps have shapes {one.shape} and {other.shape}.")
    if not eqx.tree_equal((one.grid, one.psf), (other.grid, other.psf)):
        problem = "both lines must have one grid and one PSF; fit them as two LineMaps"
        raise InputError(f"RelativeLineMap: {problem}.")
