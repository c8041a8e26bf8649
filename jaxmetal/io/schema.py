"""A configuration: what may stand where, and of which type."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic import model_validator as check

from jaxmetal.io.correlation_blocks import Correlation
from jaxmetal.io.entries import Entry
from jaxmetal.io.galaxy_blocks import Component
from jaxmetal.io.psf_blocks import Psf
from jaxmetal.io.words import (
    Block,
    Choice,
    Count,
    CountOrNone,
    CountTogether,
    Extension,
    Fraction,
    Name,
    NotNegative,
    Number,
    Numbers,
    OneOf,
    Pair,
    Position,
    Positive,
    Redshift,
    Scale,
    Seed,
    ShellWord,
    Supersampling,
    fraction_or_none,
    scaled_to,
    switch,
)

# The maps of a simulation: of a tracer, and of the light that carries it.
TRACER, LIGHT = "z", "light"


class Deflection(Block):
    """Published maps of a lens's deflection; their headers do not define the numbers."""

    x_file: str
    y_file: str
    unit: Literal["arcsec", "pixel"]
    axes: Literal["array", "sky"]
    scaled_to: Annotated[Any, BeforeValidator(scaled_to)]
    sense: Literal["image - source", "source - image"] = "image - source"
    lens_redshift: Redshift | None = None
    source_redshift: Redshift | None = None
    extension: Extension = 0


class Lens(Block):
    """A lens by the name of its profile, with its parameters, or by maps of its deflection."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Choice] = Field(init=False)
    profile: str | None = None
    deflection: Deflection | None = None

    @check(mode="after")
    def _one(self) -> "Lens":
        if (self.profile is None) == (self.deflection is None):
            raise ValueError(
                "expected profile, or deflection: {x_file: , y_file: , unit: , axes: , scaled_to: }"
            )
        if self.deflection is not None and self.parameters:
            raise ValueError(
                f"deflection: the maps have no parameters, got {', '.join(self.parameters)}"
            )
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """The numbers, and the options."""
        return dict(self.__pydantic_extra__ or {})


class TiedInclination(Block):
    """The light whose ellipticity an inclination follows, and the thickness of the disc."""

    light: str
    thickness: Annotated[NotNegative, Field(lt=1)] = 0.0


class Prior(OneOf):
    """A prior, a tie to other parameters, or (linear: true) an amplitude that is solved for.

    log_normal takes the median and the standard deviation of the natural logarithm;
    truncated_normal the mean, the standard deviation, the lowest and the highest value.
    """

    uniform: Pair | None = None
    normal: Pair | None = None
    truncated_normal: tuple[Number, Number, Number, Number] | None = None
    log_normal: Pair | None = None
    log_uniform: Pair | None = None
    half_normal: Positive | None = None
    tied: str | None = None
    tied_inclination: TiedInclination | None = None
    linear: Literal[True] | None = None

    @check(mode="after")
    def _sensible(self) -> "Prior":
        for name in ("uniform", "log_uniform", "truncated_normal"):
            if (value := getattr(self, name)) and not value[-2] < value[-1]:
                raise ValueError(f"{name}: expected lowest < highest, got {list(value)}")
        for name in ("normal", "log_normal", "truncated_normal"):
            if (value := getattr(self, name)) and not value[1] > 0:
                expected = "expected a positive standard deviation"
                raise ValueError(f"{name}: {expected}, got {list(value)}")
        for name in ("log_uniform", "log_normal"):
            if (value := getattr(self, name)) and not value[0] > 0:
                raise ValueError(f"{name}: expected positive values, got {list(value)}")
        return self


class Fit(Block):
    """How the maximum of the posterior is found."""

    starts: CountTogether = 4
    method: Literal["fisher", "lbfgs", "adam"] = "fisher"
    steps: Count | None = None
    seed: Seed = 0


class Sample(Block):
    """How the posterior is sampled, and whether even if the fit has not converged."""

    method: Literal["nuts", "hmc", "importance", "auto"] = "auto"
    chains: CountTogether = 4
    warmup: Count = 300
    draws: Count = 500
    target_accept: Fraction = 0.8
    adapt_metric: bool = False
    allow_unconverged: bool = False
    seed: Seed = 0


class Baseline(Block):
    """The disc of the naive fits and of the radial profile.

    What is left out comes from the fitted model, else from the file of the map (as MaNGA's), else
    it is face-on and at (0, 0). The effective radius is that along the major axis, arcsec; it and
    the redshift give gradients per R_e and per kpc.
    """

    map: str | None = None
    center: Pair | None = None
    inclination: Annotated[Number, Field(ge=0, lt=90)] | None = None
    position_angle: Number | None = None
    effective_radius: Positive | None = None
    redshift: Redshift | None = None


class Simulate(Block):
    """A mock observation: of a tracer and its light, or of emission lines.

    field_of_view, one side or [width, height], stands for shape. The variance of the tracer is
    c1 + c2 / flux; light_sigma, and the error of a line, are 1 % of the peak if left out.
    """

    shape: tuple[Count, Count] | None = None
    field_of_view: Positive | tuple[Positive, Positive] | None = None
    pixel_scale: Positive
    psf: Psf
    supersampling: Supersampling = "auto"
    tracer: Name = "metallicity"
    scale: Scale = "log10"
    c1: NotNegative = 0.00725
    c2: NotNegative = 0.00091
    light_sigma: Positive | None = None
    lines: tuple[str, ...] = ()
    line_noise: Positive | None = None
    correlation: Correlation | None = None
    seed: Seed = 0

    @check(mode="after")
    def _one_frame(self) -> "Simulate":
        if (self.shape is None) == (self.field_of_view is None):
            raise ValueError("expected shape: [rows, columns], or field_of_view in arcsec")
        return self

    @property
    def maps(self) -> tuple[str, ...]:
        """The names of the maps: those of the lines, or of a tracer and its light."""
        return tuple(line.replace("+", "_") for line in self.lines) or (TRACER, LIGHT)

    @property
    def pixels(self) -> tuple[int, int]:
        """(rows, columns) of the maps."""
        if self.shape is not None:
            return self.shape
        view = self.field_of_view or 0.0
        width, height = view if isinstance(view, tuple) else (view, view)
        rows, columns = (max(round(side / self.pixel_scale), 1) for side in (height, width))
        return rows, columns


class Slurm(Block):
    """How the shards of a survey are sent to Slurm.

    minutes, gpus, cpus and memory (GB) are those of a job; setup is lines of shell that run first.
    """

    partition: ShellWord | None = None
    account: ShellWord | None = None
    qos: ShellWord | None = None
    constraint: ShellWord | None = None
    minutes: Count = 60
    gpus: CountOrNone = 0
    cpus: Count = 1
    memory: Positive | None = None
    at_once: Count = 64
    requeues: CountOrNone = 10
    setup: tuple[str, ...] = ()


class Survey(Block):
    """How a survey of many galaxies is divided, and what is kept of each.

    together is the number of galaxies that are computed at once, shard that in a file of results:
    a multiple of the former.
    """

    id: str = "id"
    shard: Count = 64
    together: CountTogether = 16
    maps: bool = True
    slurm: Slurm = Slurm()


class Config(Block):
    """A whole configuration."""

    maps: dict[Name, Entry] = Field({})
    galaxy: dict[Name, Component]
    lens: dict[Name, Lens] = Field({})
    priors: dict[str, Prior] = Field({})
    reference: Position | None = None
    # As `inference.accuracy.ACCURACY`, without JAX, which a command such as `status` does not need.
    accuracy: Annotated[Fraction | None, BeforeValidator(fraction_or_none)] = 0.03
    errors: Literal["full", "sandwich"] = "full"
    fit: Fit = Fit()
    sample: Annotated[Sample | None, BeforeValidator(switch)] = Sample()
    plots: bool = True
    baseline: Baseline = Baseline()
    truth: dict[str, Numbers] = Field({})
    simulate: Simulate | None = None
    survey: Survey | None = None
