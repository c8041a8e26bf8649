"""A telescope and camera: grid, PSF, apertures, and how finely they are computed."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.aperture_psfs import AperturePSFs
from jaxmetal.instrument.choice import margin_for
from jaxmetal.instrument.convolve import Separable, Transfer, smear, transfer_for
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument_checks import (
    check_arguments,
    check_not_a_point,
    check_psf_width,
)
from jaxmetal.instrument.psf import PSF
from jaxmetal.instrument.sampling import Sampling, check_points, parse
from jaxmetal.profiles.profile import is_traced
from jaxmetal.shown import as_html


class Instrument(eqx.Module):
    """Grid, PSF, apertures of the measurements, and the sampling of the computation.

    Parameters
    ----------
    grid
        where the pixels lie.
    psf
        how light scatters before it reaches them.
    supersampling
        "auto" (chosen and measured when a Model is built or a map predicted), n, or (evaluate,
        convolve): points per pixel side at which the profiles are evaluated, and cells per pixel
        side on which the PSF is applied: a whole number, or less than 1 for cells larger than
        pixels, as wide PSFs allow.
    margin
        pixels around the frame whose light is scattered in; the width of the PSF if left out.
    apertures
        what is added up to one measurement each: bins, fibres, slitlets; every pixel is one if left
        out.

    Raises
    ------
    InputError
        if half of the PSF's light spreads over more than the frame, or less than 1/100 of a pixel
        (usually a wrong unit), the sampling is not valid, or the apertures are not of the grid's
        shape.

    Warns
    -----
    InputWarning
        if half of the PSF's light falls within 1/10 of a pixel.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> grid = jm.Grid.regular((31, 31), pixel_scale=0.2)
    >>> jm.Instrument(grid, jm.GaussianPSF(fwhm=1.1)).shape
    (31, 31)
    """

    # Of apertures that let light through bars, how much; nothing of the others.
    adjustable: ClassVar = ("grid", "psf", "apertures")
    grid: Grid
    psf: PSF
    sampling: Sampling | None = eqx.field(static=True)
    margin: int | None = eqx.field(static=True)
    apertures: Apertures | None
    transfer: Transfer
    error: dict[str, Float[Array, ""]] | None
    rounding: Float[Array, ""] | None

    def __init__(
        self,
        grid: Grid,
        psf: PSF,
        supersampling: Any = "auto",
        margin: int | None = None,
        *,
        apertures: Apertures | None = None,
        transfer: Transfer = None,
        error: dict[str, Array] | None = None,
        rounding: Array | None = None,
    ):
        check_arguments(grid, psf, margin, apertures)
        self.grid, self.psf, self.apertures = grid, psf, apertures
        self.margin = None if margin is None else int(margin)
        traced = is_traced((grid, psf))
        if not traced:
            check_psf_width(psf, grid)
            # The package makes copies of an instrument by Sampling objects; it was looked at then.
            if not isinstance(supersampling, Sampling):
                check_not_a_point(psf, grid)
        if isinstance(supersampling, Sampling):
            self.sampling = supersampling
        else:
            width = self.margin
            if width is None:
                width = max(grid.shape) // 2 if traced else margin_for(psf, grid)
            self.sampling = parse(supersampling, width)
            check_points(self.sampling, width, grid.shape)
        # Set by with_sampling and with_transfer; nobody writes these by hand.
        self.transfer = transfer
        self.error = error
        self.rounding = rounding

    _repr_html_ = as_html

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a map: (rows, columns) of the grid, or (n,) with one value per aperture."""
        return self.grid.shape if self.apertures is None else (self.apertures.count,)

    @property
    def measurements(self) -> str:
        """The kind of a map's measurements: "pixels", "bins" or "apertures" (fibres, slitlets)."""
        if self.apertures is None:
            return "pixels"
        return "bins" if self.apertures.whole else "apertures"

    def image(self, values: Any) -> Float[np.ndarray, "ny nx"]:
        """Values of a map as an image of the grid's shape, apertures painted; NaN in none."""
        return np.asarray(values) if self.apertures is None else self.apertures.paint(values)

    def with_sampling(
        self,
        sampling: Sampling,
        error: dict[str, Array] | None = None,
        rounding: Array | None = None,
    ) -> "Instrument":
        """A copy computed at this sampling.

        Parameters
        ----------
        sampling
            cells, points and margin.
        error
            what was measured for it: {what a map shows: largest error}, of light relative to it.
        rounding
            how far the precision in use may carry what is shown where light is faint.

        Returns
        -------
        instrument
            without a transfer function.
        """
        return Instrument(
            self.grid,
            self.psf,
            sampling,
            self.margin,
            apertures=self.apertures,
            error=error,
            rounding=rounding,
        )

    def with_transfer(self, separable: bool = True) -> "Instrument":
        """A copy with the PSF's transfer function, for a PSF that stays fixed in a fit.

        Parameters
        ----------
        separable
            whether that of a PSF which is a product may be in the form of two matrices.

        Returns
        -------
        instrument
            the same, with `transfer`.

        Raises
        ------
        InputError
            if the sampling is still "auto".
        """
        if self.sampling is None:
            raise InputError(
                'Instrument: supersampling "auto" must be chosen before the transfer function is '
                "known."
            )
        return Instrument(
            self.grid,
            self.psf,
            self.sampling,
            self.margin,
            apertures=self.apertures,
            transfer=transfer_for(self.grid, self.psf, self.sampling, separable),
            error=self.error,
            rounding=self.rounding,
        )

    def measure(
        self, cells: Float[Array, "images height width"], transfer: Transfer, sampling: Sampling
    ) -> Float[Array, "images ..."]:
        """Images on the cells of the padded frame, through the PSF, in pixels or apertures.

        Parameters
        ----------
        cells, transfer, sampling
            as for `convolve.smear`.

        Returns
        -------
        sums
            the mean of each pixel, or the weighted sum of each aperture.
        """
        if self.apertures is None:
            return smear(cells, transfer, self.grid, sampling)
        if not isinstance(self.psf, AperturePSFs):
            return self.apertures.sums(smear(cells, transfer, self.grid, sampling))
        assert transfer is not None and not isinstance(transfer, Separable)
        each = [self.apertures.sums(smear(cells, t, self.grid, sampling)) for t in transfer]
        return self.psf.of_each(jnp.stack(each, axis=1))

    def describe(self) -> str:
        """One line: the sampling in use and the error that was measured for it."""
        if self.sampling is None:
            return 'supersampling "auto", not yet chosen'
        line = (
            f"profiles evaluated at {self.sampling.evaluate:.3g} and convolved at "
            f"{self.sampling.convolve:.3g} points per pixel side, "
            f"margin {self.sampling.margin} pixels"
        )
        if self.error is None:
            return line
        # Light comes last, because every map is held to it.
        errors = {
            label: float(self.error[label])
            for label in sorted(self.error, key=lambda label: (label == "light", label))
        }
        line = f"{line}; measured error " + ", ".join(
            f"{error:.1e} in {label}" for label, error in errors.items()
        )
        others = [error for label, error in errors.items() if label != "light"]
        if self.rounding is None or not others or not float(self.rounding) > 0.1 * max(others):
            return line
        return (
            f"{line}; rounding of {self.grid.origin.dtype} up to {float(self.rounding):.1e} where "
            "light is faint"
        )
