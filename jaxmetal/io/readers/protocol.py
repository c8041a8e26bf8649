"""What a reader gives: maps of one object with their grid, PSF, bins and the disc's geometry.

A reader is a function with the path of a file first and options by keyword,

    def read(path, *, snr: float = 3.0, catalogue: Path | None = None) -> Reading: ...

A configuration calls it by its name (`kind: manga`), which `registry.BUILTIN` or an entry point of
the group "jaxmetal.readers" gives it, or as `kind: "file.py:function"`. Options are checked by
pydantic against the function's annotations; a path is relative to the configuration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jaxmetal.errors import InputError, unknown

if TYPE_CHECKING:
    from jaxmetal.instrument.grid import Grid
    from jaxmetal.instrument.psf import PSF
    from jaxmetal.io.aperture_blocks import Footprint


@dataclass(frozen=True)
class Geometry:
    """The disc of a galaxy as a survey describes it; None for what it does not say.

    Parameters
    ----------
    effective_radius
        along the major axis, arcsec.
    inclination, position_angle
        of a thin disc, degrees; the angle of the major axis from north through east.
    redshift
        of the galaxy.
    """

    effective_radius: float | None = None
    inclination: float | None = None
    position_angle: float | None = None
    redshift: float | None = None


@dataclass(frozen=True)
class SecondMoment:
    """That a map shows a velocity dispersion, and of what; as for a `DispersionMap`.

    Parameters
    ----------
    velocity, dispersion
        names of the tracers.
    instrumental
        dispersion of the instrument's line profile, a number or an image.
    squared
        whether the values are squares.
    """

    velocity: str = "velocity"
    dispersion: str = "dispersion"
    instrumental: Any = 0.0
    squared: bool = False


@dataclass(frozen=True)
class ReadMap:
    """One map of a file: of light, of a line, of a tracer that light carries, or its dispersion.

    Parameters
    ----------
    values
        shape (rows, columns); NaN where nothing was measured.
    sigma
        standard deviations, of the same shape or one number, in the unit of the values.
    unit
        of the values, as text such as "dex" or "km/s"; "" if unknown.
    tracer
        name of the tracer, such as "metallicity"; None for a map of light.
    line
        of a map of line flux: its name, such as "NII6584", or factors by line; as for a `LineMap`.
    scale
        how light averages the tracer: a name of `jm.scales.table()`.
    light
        name of the light that it shows or that weights it, where a component has several, such as
        "Ha" for gas and "continuum" for stars. A configuration may say otherwise.
    flux
        of a map of light in bins: "pixel" for flux per pixel, which is added up over a bin; "mean"
        or "total" where all pixels of a bin repeat its mean flux per pixel, or its total flux.
    mask
        True where a pixel is left out. All pixels of a bin must have the same; a pixel that is NaN
        leaves the rest of its bin.
    wavelength
        observed, Angstrom: where the PSF is taken if it is a function of wavelength.
    limits
        True where the flux of a line is an upper limit; see `LineMap`.
    covariance
        of all values, row by row; for maps made in Python. A configuration refuses it for now.
    correlation
        how neighbours share the errors, as for a TracerMap; None if they are independent. A
        configuration may say otherwise.
    moment
        of a map of velocity dispersion; None for other maps.
    """

    values: np.ndarray
    sigma: Any
    unit: str = ""
    tracer: str | None = None
    line: str | Mapping[str, float] | None = None
    scale: str = "log10"
    light: str = "light"
    flux: Literal["pixel", "mean", "total"] = "pixel"
    mask: np.ndarray | None = None
    wavelength: float | None = None
    limits: np.ndarray | None = None
    covariance: np.ndarray | None = None
    correlation: Any = None
    moment: SecondMoment | None = None


@dataclass(frozen=True)
class Reading:
    """What a reader gives of one object.

    Parameters
    ----------
    maps
        by the names that they have in a model unless a configuration renames them.
    grid
        with (x, y) = (0, 0) on the galaxy's centre. If None it is made from `wcs`, with (0, 0) at
        the reference of the configuration. Without a WCS a configuration takes a `Grid.regular`.
    wcs
        celestial astropy.wcs.WCS of the maps; None if they have no place on the sky.
    psf
        one for all maps, one per map by name, or a function of observed wavelength in Angstrom,
        without the average over the pixel; None if the file does not say.
    geometry
        of the disc.
    bins
        number of each pixel's bin, negative or NaN where it is in none: for all maps, or {name:
        numbers} for those of the maps that are in bins; None without bins.
    footprint
        of a table of fibres or slitlets, whose maps have a value for each and whose grid is that of
        the model: the block of a configuration with their places; None for images.
    name
        of the object.

    Raises
    ------
    InputError
        if there is no map, or shapes differ.
    """

    maps: Mapping[str, ReadMap]
    grid: "Grid | None" = None
    wcs: Any = None
    psf: "PSF | Mapping[str, PSF] | Callable[[float], PSF] | None" = None
    geometry: Geometry = field(default_factory=Geometry)
    bins: np.ndarray | Mapping[str, np.ndarray] | None = None
    footprint: "Footprint | None" = None
    name: str = ""

    def __post_init__(self) -> None:
        if not self.maps:
            raise InputError("Reading.maps: there is no map.")
        shapes = self._shapes()
        dimensions = 2 if self.footprint is None else 1
        if len(set(shapes.values())) > 1 or any(len(s) != dimensions for s in shapes.values()):
            list_text = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            kind = "images of one shape (rows, columns)" if dimensions == 2 else "as many numbers"
            expected = f"expected {kind}"
            raise InputError(f"Reading: {expected}, got {list_text}.")

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of maps, grid and bins, by what they are called."""
        shapes = {
            f"maps[{name!r}]": np.shape(one_map.values) for name, one_map in self.maps.items()
        }
        if self.grid is not None and self.footprint is None:
            shapes["grid"] = tuple(self.grid.shape)
        for name in self.maps:
            bins = self.bins_of(name)
            if bins is not None:
                shapes[f"bins of {name!r}"] = np.shape(bins)
        return shapes

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every map."""
        return np.shape(next(iter(self.maps.values())).values)

    def bins_of(self, name: str) -> np.ndarray | None:
        """The numbers of the bins that a map is in, or None."""
        return self.bins.get(name) if isinstance(self.bins, Mapping) else self.bins

    def psf_of(self, name: str) -> "PSF | None":
        """The PSF of a map.

        Parameters
        ----------
        name
            of the map, as in `maps`.

        Returns
        -------
        psf
            None if the reader does not know it.

        Raises
        ------
        InputError
            if there is no such map, or it has no wavelength and the PSF is a function of it.
        """
        if name not in self.maps:
            raise unknown("map", name, self.maps, "Reading")
        if isinstance(self.psf, Mapping):
            return self.psf.get(name)
        if not callable(self.psf):
            return self.psf
        wavelength = self.maps[name].wavelength
        if wavelength is None:
            raise InputError(f"Reading.maps[{name!r}]: has no wavelength at which to take the PSF.")
        return self.psf(wavelength)
