"""The types of the values of a configuration."""

from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_serializer,
)
from pydantic import model_validator as check

# Larger numbers are infinite in single precision, and smaller ones not to be told from zero.
LARGEST, SMALLEST = 1e38, 1e-37
# The most of anything that is counted, such as draws, ...
MOST = 10**6
# ... and of what is computed side by side, such as chains.
MOST_TOGETHER = 10**4


def not_bool(value: Any) -> Any:
    """A number, also as a text such as "1e-3", which YAML takes for one."""
    if isinstance(value, bool) or (isinstance(value, str) and value != value.strip()):
        raise ValueError("expected a number")
    return value


def _not_too_large(value: float) -> float:
    if abs(value) > LARGEST:
        raise ValueError(f"expected a number of at most {LARGEST:.0e}, for single precision")
    return value


def _not_too_small(value: float) -> float:
    if value < SMALLEST:
        raise ValueError(f"expected a number of at least {SMALLEST:.0e}, for single precision")
    return value


def numbers(value: Any) -> Any:
    """A number or list of numbers, or a text that names one, such as "manga.inclination"."""
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError, OverflowError):
        array = None
    if isinstance(value, str) and array is None:
        return value
    if (
        array is None
        or isinstance(value, bool)
        or array.size == 0
        or not np.all(np.abs(array) <= LARGEST)
    ):
        raise ValueError("expected a finite number or a list of numbers")
    return array.tolist()


def _choice(value: Any) -> Any:
    """A number or list of numbers, a text, or an option such as true or 3, which is unchanged."""
    return value if isinstance(value, bool | int) else numbers(value)


def _supersampling(value: Any) -> Any:
    # Not at the top: it imports JAX, which the help of the command line must not wait for.
    from jaxmetal.instrument.sampling import nodes_for

    if value == "auto":
        return value
    pair = value if isinstance(value, list | tuple) else (value, value)
    numbers = len(pair) == 2 and all(
        isinstance(n, int | float) and not isinstance(n, bool) for n in pair
    )
    if not numbers or nodes_for(*pair) is None:
        raise ValueError(
            "expected auto, a whole number or [evaluate, convolve] with evaluate a multiple of "
            "convolve"
        )
    return list(pair) if isinstance(value, list | tuple) else value


def scaled_to(value: Any) -> Any:
    """What a deflection map is scaled to."""
    redshift = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    if not redshift and value not in ("infinity", "source"):
        raise ValueError("expected infinity, source, or a redshift")
    return value


def position(value: Any) -> Any:
    """A place on the sky as (right ascension, declination), degrees."""
    from jaxmetal.instrument.sky import as_position

    return value if value is None else as_position(value)


def fraction_or_none(value: Any) -> Any:
    """None for the word none."""
    return None if value == "none" else value


def switch(value: Any) -> Any:
    """None for false, the defaults for true."""
    if value is None:
        raise ValueError("expected true, false or settings by name, got nothing")
    return {False: None, True: {}}[value] if isinstance(value, bool) else value


def _extension(value: Any) -> Any:
    """The name or number of a FITS extension."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("expected the name or the number of an extension")
    return value


def _scale(value: Any) -> Any:
    """The name of a scale in which light averages a tracer."""
    from jaxmetal.maps.scales import scale_functions

    if not isinstance(value, str):
        raise ValueError("expected the name of a scale, such as log10 or linear")
    scale_functions(value)
    return value


Number = Annotated[
    float, BeforeValidator(not_bool), Field(allow_inf_nan=False), AfterValidator(_not_too_large)
]
Positive = Annotated[Number, Field(gt=0), AfterValidator(_not_too_small)]
NotNegative = Annotated[Number, Field(ge=0)]
Fraction = Annotated[Number, Field(gt=0, lt=1)]
Redshift = Annotated[Positive, Field(lt=1100)]
Seed = Annotated[int, BeforeValidator(not_bool), Field(ge=0, lt=2**63)]
Count = Annotated[int, BeforeValidator(not_bool), Field(gt=0), Field(le=MOST)]
CountTogether = Annotated[Count, Field(le=MOST_TOGETHER)]
CountOrNone = Annotated[int, BeforeValidator(not_bool), Field(ge=0), Field(le=MOST)]
Numbers = Annotated[Any, BeforeValidator(numbers)]
Choice = Annotated[Any, BeforeValidator(_choice)]
Pair = tuple[Number, Number]
Position = Annotated[Pair, BeforeValidator(position)]
Extension = Annotated[Any, BeforeValidator(_extension)]
Scale = Annotated[str, BeforeValidator(_scale)]
Supersampling = Annotated[Any, BeforeValidator(_supersampling)]
# How the value of a key is written, for messages.
FORMS = {
    "uniform": "[lowest, highest]",
    "normal": "[mean, standard deviation]",
    "truncated_normal": "[mean, standard deviation, lowest, highest]",
    "log_normal": "[median, standard deviation of the natural logarithm]",
    "log_uniform": "[lowest, highest]",
    "half_normal": "one number, the standard deviation",
    "tied": "the path of another parameter",
    "tied_inclination": "{light: , thickness: }",
    "linear": "true",
    "gaussian": "{fwhm: }",
    "moffat": "{fwhm: , beta: }",
    "kernel": "{file: }",
    "reference": "[right ascension, declination]",
    "center": "[x, y]",
    "shape": "[rows, columns]",
}
# A name is a part of dotted paths.
NAME = r"^[A-Za-z]\w*$"
Name = Annotated[str, StringConstraints(pattern=NAME)]

# What may stand in the head of a job script.
ShellWord = Annotated[str, StringConstraints(pattern=r"^[\w.,:+&|*\[\]-]+$")]


class Block(BaseModel):
    """A part of the configuration; an unknown key in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refuse_nothing(choice: dict[str, Any]) -> dict[str, Any]:
    """The one entry of a part that is one of several; raises if its value is missing."""
    for name, value in choice.items():
        if value is None:
            raise ValueError(f"{name}: expected {FORMS.get(name, 'a value')}, got nothing")
    return choice


class OneOf(Block):
    """A part with exactly one of its keys."""

    @check(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            first = next(iter(cls.model_fields))
            example = f"{{{first}: {FORMS[first]}}}"
            raise ValueError(f"expected one of {', '.join(cls.model_fields)}, such as {example}")
        return refuse_nothing(value)

    @model_serializer(mode="wrap")
    def _serialized(self, handler: Any) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class PartBlock(Block):
    """An image that belongs to a map: in another file, in another plane of a cube, or both."""

    file: str | None = None
    extension: Extension = 0
    channel: Extension | None = None


def _part(value: Any) -> Any:
    """The name or number of an extension, or the file, extension and channel of an image."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    try:
        return PartBlock.model_validate(value)
    except ValidationError:
        raise ValueError("expected an extension, or {file: , extension: , channel: }") from None


def _number_or_part(value: Any) -> Any:
    """A number, zero or more, or the image of a map; its extension by name."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < np.inf:
            raise ValueError(f"expected zero or a positive number, got {value}")
        return float(value)
    return _part(value)


Part = Annotated[Any, BeforeValidator(_part)]
NumberOrPart = Annotated[Any, BeforeValidator(_number_or_part)]
