"""Maps of flux."""

from typing import Any, ClassVar

from jaxtyping import Array, Float

from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.map import Map
from jaxmetal.maps.moments import Moment, SmearedMoment


class LightMap(Map):
    """A map of flux per pixel, or per aperture.

        F = A · (K ∗ Σᵢ Iᵢ) · pixel area

    Parameters
    ----------
    values
        flux in each pixel (surface brightness per arcsec² integrated over the pixel), shape
        (rows, columns), or in each aperture of the instrument, shape (n,). Flux per pixel is summed
        where the apertures are bins; a bin with a pixel without flux is left out.
    sigma
        its standard deviation, one number or a map of the same shape, summed in quadrature where
        the values are summed; None with a covariance.
    instrument
        grid, PSF and apertures.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    options
        as for `Map`: `light`, the name of the light that it sees, such as "Ha", of the components
        that have it; `covariance` (not together with a scatter); `scatter`, of real galaxies about
        a smooth model, as a fraction of the model's flux; `likelihood`; `calibration`; `unit`;
        `check`.

    Raises
    ------
    InputError
        for shapes that do not match, a covariance that is not symmetric and positive definite,
        values per pixel that repeat in bins (the flux of the bin, or the mean of its pixels?), or
        when no pixel is left; units that cannot be converted, a unit of magnitudes, or a map that
        is mostly one value far from all others.

    Warns
    -----
    InputWarning
        for whatever else is strange about the data, a line each; see `maps.inspection`.

    Notes
    -----
    Values, errors and covariance may be astropy Quantities (errors are converted to the unit of the
    values), masked arrays, CCDData and the like: their masks count, and their uncertainty is taken
    if sigma is None.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> flux = np.ones((15, 15))
    >>> image = jm.LightMap(flux, 0.1, jm.examples.telescope(), check=False)
    >>> image.size
    225
    """

    additive: ClassVar[bool] = True
    quantity: ClassVar[str] = "light"
    label: ClassVar[str] = "flux per pixel"

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, mask: Any = None, **options: Any
    ):
        super().__init__(values, sigma, instrument, mask, **options)

    def moments(self, galaxy: Galaxy) -> tuple[Moment, ...]:
        """The light itself."""
        return (Moment(light=self.light),)

    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """Surface brightness times the area of a pixel."""
        return moments[0].total * self.instrument.grid.pixel_area
