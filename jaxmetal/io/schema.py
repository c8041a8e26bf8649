"""The words of a configuration: what may stand where, and of which type."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PositiveInt, model_serializer
from pydantic import model_validator as check

from jaxmetal.io.words import (
    Block,
    Choice,
    Extension,
    Fraction,
    Name,
    NotNegative,
    Number,
    Numbers,
    OneOf,
    Pair,
    Positive,
    Seed,
    ShellWord,
    Supersampling,
    or_none,
    switch,
)


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
        if value in (None, "none"):
            return {}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("expected gaussian: {fwhm: }, moffat: {fwhm: , beta: }, kernel: {file: } or none")
        return value

    @model_serializer(mode="wrap")
    def _said(self, handler: Any) -> Any:
        return {key: value for key, value in handler(self).items() if value is not None} or "none"


class Observation(Block):
    """What all maps have: a file, how finely the instrument is computed, and how the data scatter."""

    file: str
    supersampling: Supersampling = "auto"
    margin: Annotated[int, Field(ge=0)] | None = None
    scatter: NotNegative | None = None
    likelihood: Literal["gaussian", "student-t"] = "gaussian"
    dof: Positive = 4.0


class FitsMap(Observation):
    """A map in the extensions of a FITS file."""

    value: Extension
    error: Extension | None = None
    variance: Extension | None = None
    ivar: Extension | None = None
    sigma: Positive | None = None
    mask: Extension | None = None
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
    """A map of flux per pixel."""

    kind: Literal["light"]


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


class Profile(Block):
    """A profile by name with its parameters; a picture comes from a file or from a light map of this configuration."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Choice] = Field(init=False)
    profile: str
    file: str | None = None
    extension: Extension | None = None
    map: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The numbers, the texts that name one, and the options."""
        return dict(self.__pydantic_extra__ or {})


class Prior(OneOf):
    """A prior, a tie to another parameter, or (linear: true) an amplitude of light to be solved for.

    log_normal takes the median and the standard deviation of the natural logarithm; truncated_normal the mean, the
    standard deviation, the lowest and the highest value.
    """

    uniform: Pair | None = None
    normal: Pair | None = None
    truncated_normal: tuple[Number, Number, Number, Number] | None = None
    log_normal: Pair | None = None
    log_uniform: Pair | None = None
    half_normal: Positive | None = None
    tied: str | None = None
    linear: Literal[True] | None = None

    @check(mode="after")
    def _sensible(self) -> "Prior":
        for name in ("uniform", "log_uniform", "truncated_normal"):
            if (given := getattr(self, name)) and not given[-2] < given[-1]:
                raise ValueError(f"{name}: expected lowest < highest, got {list(given)}")
        for name in ("normal", "log_normal", "truncated_normal"):
            if (given := getattr(self, name)) and not given[1] > 0:
                raise ValueError(f"{name}: expected a positive standard deviation, got {list(given)}")
        for name in ("log_uniform", "log_normal"):
            if (given := getattr(self, name)) and not given[0] > 0:
                raise ValueError(f"{name}: expected positive values, got {list(given)}")
        return self


class Fit(Block):
    """How the maximum is looked for."""

    starts: PositiveInt = 4
    method: Literal["fisher", "lbfgs", "adam"] = "fisher"
    steps: PositiveInt | None = None
    seed: Seed = 0


class Sample(Block):
    """How the posterior is sampled."""

    method: Literal["nuts", "hmc", "importance", "auto"] = "nuts"
    chains: PositiveInt = 4
    warmup: PositiveInt = 300
    draws: PositiveInt = 500
    target_accept: Fraction = 0.8
    adapt_metric: bool = False
    seed: Seed = 0


class Baseline(Block):
    """The disc of the naive fits and of the radial profile; what is left out comes from the MaNGA file, or is face-on."""

    map: str | None = None
    center: Pair = (0.0, 0.0)
    inclination: Annotated[Number, Field(ge=0, lt=90)] | None = None
    position_angle: Number | None = None
    effective_radius: Positive | None = None


class Simulate(Block):
    """A mock observation: sigma² = c1 + c2 / flux of the tracer, and the error of the light (1 % of its peak if left out)."""

    shape: tuple[PositiveInt, PositiveInt]
    pixel_scale: Positive
    psf: Psf
    supersampling: Supersampling = "auto"
    tracer: Name = "metallicity"
    scale: Literal["log10", "linear"] = "log10"
    c1: NotNegative = 0.00725
    c2: NotNegative = 0.00091
    light_sigma: Positive | None = None
    seed: Seed = 0


class Slurm(Block):
    """How the shards of a survey are sent to Slurm: minutes and GPUs of a job, and lines of shell that stand before it."""

    partition: ShellWord | None = None
    account: ShellWord | None = None
    qos: ShellWord | None = None
    constraint: ShellWord | None = None
    minutes: PositiveInt = 60
    gpus: Annotated[int, Field(ge=0)] = 0
    cpus: PositiveInt = 1
    memory: Positive | None = None
    at_once: PositiveInt = 64
    requeues: Annotated[int, Field(ge=0)] = 10
    setup: tuple[str, ...] = ()


class Survey(Block):
    """How a survey of many galaxies is divided, and what is kept of each; memory of a job in GB.

    together is how many galaxies are computed at once, shard how many make a file of results: a whole number of the former.
    """

    id: str = "id"
    shard: PositiveInt = 64
    together: PositiveInt = 16
    maps: bool = True
    slurm: Slurm = Slurm()


class Config(Block):
    """A whole configuration."""

    maps: dict[Name, Annotated[Tracer | Light | Manga, Field(discriminator="kind")]] = Field(default_factory=dict)
    galaxy: dict[Name, dict[Name, Profile]]
    priors: dict[str, Prior] = Field(default_factory=dict)
    reference: Pair | None = None
    fit: Fit = Fit()
    sample: Annotated[Sample | None, BeforeValidator(switch)] = Sample()
    plots: bool = True
    baseline: Baseline = Baseline()
    truth: dict[str, Numbers] = Field(default_factory=dict)
    simulate: Simulate | None = None
    survey: Survey | None = None
