"""The entries of maps in a configuration: files, errors, bins and PSFs."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator, model_serializer
from pydantic import model_validator as check

from jaxmetal.io.readers.registry import installed, is_reader
from jaxmetal.io.words import (
    Block,
    Extension,
    Name,
    NotNegative,
    Number,
    OneOf,
    Part,
    Positive,
    Supersampling,
    refuse_nothing,
)

# The likelihoods that have a name; others are classes of a user's file.
LIKELIHOODS = ("gaussian", "student-t")


class Gaussian(Block):
    """A Gaussian PSF; full width at half maximum in arcsec."""

    fwhm: Positive


class Moffat(Block):
    """A Moffat PSF; full width at half maximum in arcsec."""

    fwhm: Positive
    beta: Annotated[Number, Field(gt=1)]


class Kernel(Block):
    """An image of a point source; what is left out comes from the file's header."""

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


class Correction(Block):
    """The calibration of a map: factors on its flux and its errors, and a shift, arcsec."""

    flux_scale: Positive = 1.0
    error_scale: Positive = 1.0
    shift_x: Number = 0.0
    shift_y: Number = 0.0


class Observation(Block):
    """The keys of all maps: file, sampling of the instrument, scatter, likelihood, calibration.

    check is whether the data are inspected for likely mistakes.
    """

    tag: ClassVar[str]
    file: str
    check: bool = True
    supersampling: Supersampling = "auto"
    margin: Annotated[int, Field(ge=0)] | None = None
    scatter: NotNegative | None = None
    light: Name = "light"
    likelihood: str | dict[str, dict[str, Number]] = "gaussian"

    @field_validator("likelihood", mode="after")
    @classmethod
    def _one_likelihood(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else list(value)
        if len(names) != 1 or not (names[0] in LIKELIHOODS or ":" in names[0]):
            forms = "gaussian, student-t, student-t: {dof: } or file.py:Class: {parameter: }"
            raise ValueError(f"expected {forms}, got {', '.join(names) or 'nothing'}")
        return value


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
    calibration: Correction | None = None

    @check(mode="after")
    def _one_error(self) -> "FitsMap":
        kinds = ("error", "variance", "ivar", "sigma")
        names = [name for name in kinds if getattr(self, name) is not None]
        if len(names) != 1:
            expected = "expected one of error, variance, ivar (extensions) and sigma (a number)"
            raise ValueError(f"{expected}, got {', '.join(names) or 'none'}")
        return self


class Light(FitsMap):
    """A map of flux per pixel.

    With bins the pixels of each are summed; mean and total mean that they repeat the flux of their
    bin's mean pixel, or of the whole bin.
    """

    tag: ClassVar = "light"
    kind: Literal["light"]
    flux: Literal["pixel", "mean", "total"] = "pixel"

    @check(mode="after")
    def _of_bins(self) -> "Light":
        if self.flux != "pixel" and self.bins is None:
            raise ValueError(f"flux: {self.flux} is that of a bin; give the bins")
        return self


class Tracer(FitsMap):
    """A map of a tracer that light carries."""

    tag: ClassVar = "tracer"
    kind: Literal["tracer"]
    tracer: Name = "metallicity"
    scale: Literal["log10", "linear"] = "log10"


class Other(Light):
    """A map of a user's own kind: a subclass of `jaxmetal.Map`, and further arguments of it."""

    tag: ClassVar = "map"
    kind: Literal["map"]  # type: ignore[assignment]
    type: Annotated[str, Field(pattern=":")]
    options: dict[str, Any] = Field({})


class FromReader(Observation):
    """The maps of a file that a reader knows, such as MaNGA's; other keys are its options.

    names renames the reader's maps, or leaves one out ("none"); scatter is that of its tracer maps.
    The PSF is the reader's if left out.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    tag: ClassVar = "reader"
    # The place of the maps is the reader's; an option of that name is the reader's own.
    pixel_scale: ClassVar = None
    kind: str
    names: dict[Name, Name] = Field({})
    light_scatter: NotNegative | None = None
    psf: Psf | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The reader's own, not yet checked."""
        return dict(self.__pydantic_extra__ or {})

    @field_validator("psf", mode="before")
    @classmethod
    def _not_forgotten(cls, value: Any) -> Any:
        if value is None:
            lack = "expected a PSF or none, got nothing"
            raise ValueError(f"{lack}; leave the key out for the PSF of the reader")
        return value


def kinds() -> str:
    """What the kind of a map may be, for messages."""
    names = (Tracer.tag, Light.tag, Other.tag, *sorted(installed()))
    return f"{', '.join(names)} or file.py:function"


def _tag(entry: Any) -> str | None:
    """Which block an entry is, by its kind; None for a kind that does not exist."""
    if isinstance(entry, Observation):
        return entry.tag
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind in (Tracer.tag, Light.tag, Other.tag):
        return kind
    return FromReader.tag if is_reader(kind) else None


# An entry of the maps of a configuration.
_Entries = (
    Annotated[Tracer, Tag(Tracer.tag)]
    | Annotated[Light, Tag(Light.tag)]
    | Annotated[Other, Tag(Other.tag)]
    | Annotated[FromReader, Tag(FromReader.tag)]
)
Entry = Annotated[_Entries, Discriminator(_tag)]
