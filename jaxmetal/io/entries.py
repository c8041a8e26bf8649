"""What a configuration says of its maps: files, errors, bins and PSFs."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_serializer
from pydantic import model_validator as check

from jaxmetal.io.words import Block, Extension, Name, NotNegative, Number, OneOf, Part, Positive, Supersampling, or_none, refuse_nothing


class Gaussian(Block):
    """A Gaussian PSF; full width at half maximum in arcsec."""

    fwhm: Positive


class Moffat(Block):
    """A Moffat PSF; full width at half maximum in arcsec."""

    fwhm: Positive
    beta: Annotated[Number, Field(gt=1)]


class Kernel(Block):
    """A picture of a point source; what is left out comes from the file's header."""

    file: str
    extension: Extension | None = None
    oversampling: Positive | None = None
    includes_pixel: bool | None = None


class Psf(OneOf):
    """The point-spread function."""

    gaussian: Gaussian | None = None
    moffat: Moffat | None = None
    kernel: Kernel | None = None

    @check(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        # Only the word says that there is none: a value that was forgotten does not.
        if isinstance(value, str) and value == "none":
            return {}
        if not isinstance(value, dict) or len(value) != 1:
            got = ", got nothing" if value is None else ""
            raise ValueError(f"expected gaussian: {{fwhm: }}, moffat: {{fwhm: , beta: }}, kernel: {{file: }} or none{got}")
        return refuse_nothing(value)

    @model_serializer(mode="wrap")
    def _said(self, handler: Any) -> Any:
        return {key: value for key, value in handler(self).items() if value is not None} or "none"


class Observation(Block):
    """What all maps have: a file, how finely the instrument is computed, how the data scatter, and whether they are looked at."""

    file: str
    check: bool = True
    supersampling: Supersampling = "auto"
    margin: Annotated[int, Field(ge=0)] | None = None
    scatter: NotNegative | None = None
    likelihood: Literal["gaussian", "student-t"] = "gaussian"
    dof: Positive = 4.0


class FitsMap(Observation):
    """A map in the extensions of a FITS file; errors, mask and bins may lie in others."""

    value: Extension
    error: Part | None = None
    variance: Part | None = None
    ivar: Part | None = None
    sigma: Positive | None = None
    mask: Part | None = None
    bins: Part | None = None
    channel: Extension | None = None
    unit: str | None = None
    pixel_scale: Positive | None = None
    psf: Psf

    @check(mode="after")
    def _one_error(self) -> "FitsMap":
        given = [name for name in ("error", "variance", "ivar", "sigma") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of error, variance, ivar (extensions) and sigma (a number), got {', '.join(given) or 'none'}")
        return self


class Light(FitsMap):
    """A map of flux per pixel.

    With bins the pixels of each are added up; mean and total say that they repeat the flux of their bin's mean pixel, or of the
    whole bin.
    """

    kind: Literal["light"]
    flux: Literal["pixel", "mean", "total"] = "pixel"

    @check(mode="after")
    def _of_bins(self) -> "Light":
        if self.flux != "pixel" and self.bins is None:
            raise ValueError(f"flux: {self.flux} is that of a bin; give the bins")
        return self


class Tracer(FitsMap):
    """A map of something that light carries."""

    kind: Literal["tracer"]
    tracer: Name = "metallicity"
    scale: Literal["log10", "linear"] = "log10"


class Manga(Observation):
    """A tracer map and a light map from one MaNGA MAPS file; the PSF is the header's if left out."""

    kind: Literal["manga"]
    metallicity: Name = "z"
    light: Annotated[Name | None, BeforeValidator(or_none)] = "halpha"
    calibration: str = "o3n2_m13"
    snr: NotNegative = 3.0
    inflate: Positive = 1.25
    light_scatter: NotNegative | None = None
    psf: Psf | None = None

    @field_validator("psf", mode="before")
    @classmethod
    def _not_forgotten(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("expected a PSF or none, got nothing; leave the key out for the PSF of the header")
        return value
