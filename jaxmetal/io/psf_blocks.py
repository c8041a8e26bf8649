"""The point-spread functions of a configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer
from pydantic import model_validator as check

from jaxmetal.io.words import Block, Extension, Number, OneOf, Positive, refuse_nothing


class Ellipse(Block):
    """The axes of a PSF that is not round; its width is that along the major axis."""

    axis_ratio: Annotated[Number, Field(gt=0, le=1)] = 1.0
    position_angle: Number = 0.0


class Gaussian(Ellipse):
    """A Gaussian PSF; full width at half maximum in arcsec."""

    fwhm: Positive


class Moffat(Ellipse):
    """A Moffat PSF; full width at half maximum in arcsec."""

    fwhm: Positive
    beta: Annotated[Number, Field(gt=1)]


class Kernel(Block):
    """An image of a point source; what is left out comes from the file's header."""

    file: str
    extension: Extension | None = None
    oversampling: Positive | None = None
    includes_pixel: bool | Literal["detector"] | None = None


class Psf(OneOf):
    """The point-spread function."""

    gaussian: Gaussian | None = None
    moffat: Moffat | None = None
    kernel: Kernel | None = None

    @check(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        # Only the word "none" means that there is no PSF; a missing value is a mistake.
        if isinstance(value, str) and value == "none":
            return {}
        if not isinstance(value, dict) or len(value) != 1:
            suffix = ", got nothing" if value is None else ""
            forms = "gaussian: {fwhm: }, moffat: {fwhm: , beta: }, kernel: {file: } or none"
            raise ValueError(f"expected {forms}{suffix}")
        return refuse_nothing(value)

    @model_serializer(mode="wrap")
    def _serialized(self, handler: Any) -> Any:
        return {key: value for key, value in handler(self).items() if value is not None} or "none"
