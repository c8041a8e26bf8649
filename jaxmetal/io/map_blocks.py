"""The entries of maps of light and of tracers in a configuration: files, errors and bins."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic import model_validator as check

from jaxmetal.io.aperture_blocks import Fibres, Footprint, Slitlets
from jaxmetal.io.correlation_blocks import Correlation
from jaxmetal.io.psf_blocks import Psf
from jaxmetal.io.words import (
    Block,
    CountOrNone,
    Extension,
    Name,
    NotNegative,
    Number,
    NumberOrPart,
    Part,
    Positive,
    Scale,
    Supersampling,
    numbers,
)

# The keys of which a map has exactly one.
ERRORS = ("error", "variance", "ivar", "sigma")
# Keys that a table of fibres or slitlets has not.
PIXELS = ("bins", "channel", "correlation", "relative_to")
# The likelihoods that have a name; others are classes of a user's file.
LIKELIHOODS = ("gaussian", "student-t")


class Correction(Block):
    """The calibration of a map: factors on its flux and its errors, and a shift, arcsec."""

    flux_scale: Positive = 1.0
    error_scale: Positive = 1.0
    shift_x: Number = 0.0
    shift_y: Number = 0.0


class Observation(Block):
    """The keys of all maps: file, sampling, scatter, likelihood, correlation of the errors.

    check is whether the data are inspected for likely mistakes.
    """

    tag: ClassVar[str]
    file: str
    check: bool = True
    supersampling: Supersampling = "auto"
    margin: CountOrNone | None = None
    scatter: NotNegative | None = None
    likelihood: Any = "gaussian"
    correlation: Correlation | None = None

    @field_validator("correlation", mode="before")
    @classmethod
    def _no_empty_correlation(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("expected a correlation or none, got nothing")
        return value

    @field_validator("likelihood", mode="before")
    @classmethod
    def _one_likelihood(cls, value: Any) -> Any:
        entries = {value: None} if isinstance(value, str) else value
        names = list(entries) if isinstance(entries, dict) else []
        if len(names) != 1 or not (names[0] in LIKELIHOODS or ":" in names[0]):
            forms = "gaussian, student-t, student-t: {dof: } or file.py:Class: {parameter: }"
            raise ValueError(f"expected {forms}, got {', '.join(names) or 'nothing'}")
        if isinstance(value, str):
            return value
        parameters = entries[names[0]]
        if not isinstance(parameters, dict):
            raise ValueError(f"{names[0]}: expected parameters by name, such as {{dof: 4}}")
        return {names[0]: {key: numbers(number) for key, number in parameters.items()}}


class FitsFile(Observation):
    """Extensions of a FITS file; errors, mask and bins may lie in others.

    With fibres or slitlets they are columns of a table (.ecsv, .csv or .fits) that has a row for
    each measurement, and pixel_scale is that of the model's pixels.
    """

    error: Part | None = None
    variance: Part | None = None
    ivar: Part | None = None
    sigma: Positive | None = None
    mask: Part | None = None
    bins: Part | None = None
    fibres: Fibres | None = None
    slitlets: Slitlets | None = None
    channel: Extension | None = None
    unit: str | None = None
    pixel_scale: Positive | None = None
    psf: Psf
    calibration: Correction | None = None

    @check(mode="after")
    def _of_a_table(self) -> "FitsFile":
        if self.fibres is not None and self.slitlets is not None:
            raise ValueError("expected fibres or slitlets, got both")
        for name in PIXELS if self.footprint is not None else ():
            if getattr(self, name, None) is not None:
                raise ValueError(f"{name}: is for maps of pixels, not of fibres or slitlets")
        return self

    @property
    def footprint(self) -> Footprint | None:
        """The fibres or slitlets of the measurements; None for images."""
        return self.slitlets if self.fibres is None else self.fibres

    def part(self, key: str) -> Any:
        """The entry of one of its maps, by the name of the map."""
        return self

    def base(self, label: str) -> str | None:
        """The name of the map that its map is relative to; lines alone have one."""
        return None


class FitsMap(FitsFile):
    """A map in an extension of a FITS file."""

    value: Extension

    @check(mode="after")
    def _one_error(self) -> "FitsMap":
        names = [name for name in ERRORS if getattr(self, name) is not None]
        if len(names) != 1:
            expected = "expected one of error, variance, ivar (extensions) and sigma (a number)"
            raise ValueError(f"{expected}, got {', '.join(names) or 'none'}")
        return self


class FluxMap(FitsMap):
    """A map of flux per pixel.

    With bins the pixels of each are summed; mean and total mean that they repeat the flux of their
    bin's mean pixel, or of the whole bin.
    """

    flux: Literal["pixel", "mean", "total"] = "pixel"

    @check(mode="after")
    def _of_bins(self) -> "FluxMap":
        if self.flux != "pixel" and self.bins is None:
            raise ValueError(f"flux: {self.flux} is that of a bin; give the bins")
        return self


class Light(FluxMap):
    """A map of flux per pixel, of all light or of one by name."""

    tag: ClassVar = "light"
    kind: Literal["light"]
    light: Name = "light"


class Moving(FitsMap):
    """A map of velocities, or of their dispersion.

    convention is that in which they are stated; they become those of the rest frame at redshift.
    """

    convention: Literal["optical", "radio", "relativistic"] | None = None
    redshift: Number | None = None

    @check(mode="after")
    def _both_or_none(self) -> "Moving":
        if (self.convention is None) != (self.redshift is None):
            raise ValueError("convention and redshift belong together; give both, or none")
        return self


class Tracer(Moving):
    """A map of a tracer that light carries; a convention is that of a velocity."""

    tag: ClassVar = "tracer"
    kind: Literal["tracer"]
    tracer: Name = "metallicity"
    scale: Scale = "log10"
    light: Name = "light"

    @check(mode="after")
    def _velocity(self) -> "Tracer":
        if self.convention is not None and self.scale != "linear":
            raise ValueError("convention: is that of a velocity, whose scale is linear")
        return self


class Dispersion(Moving):
    """A map of velocity dispersion, by the names of the tracers velocity and dispersion.

    instrumental is that of the instrument: a number, or the extension of a map, {extension: } if it
    has no name. squared is whether the values are squares.
    """

    tag: ClassVar = "dispersion"
    kind: Literal["dispersion"]
    velocity: Name = "velocity"
    dispersion: Name = "dispersion"
    light: Name = "light"
    instrumental: NumberOrPart = 0.0
    squared: bool = False

    @check(mode="after")
    def _no_squares(self) -> "Dispersion":
        if self.convention is not None and self.squared:
            raise ValueError("convention: is that of dispersions, not of their squares")
        return self


class Other(Light):
    """A map of a user's own kind: a subclass of `jaxmetal.Map`, and further arguments of it."""

    tag: ClassVar = "map"
    kind: Literal["map"]  # type: ignore[assignment]
    type: Annotated[str, Field(pattern=":")]
    options: dict[str, Any] = Field({})
