"""The correlations of errors in a configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer
from pydantic import model_validator as check

from jaxmetal.io.words import Block, Extension, Number, OneOf, Positive, refuse_nothing

White = Annotated[Number, Field(ge=0, lt=1)]
FORMS = (
    "manga, sami, gaussian: {length: }, exponential: {length: }, matern: {length: , nu: }, "
    "drizzle: {pixfrac: , scale: }, file: {file: , extension: }, file.py:function or none"
)


class Named(Block):
    """The correlation of a survey; white is the part of the variance that is not shared."""

    white: White | None = None


class Shape(Named):
    """A correlation by its length, in pixels or arcsec."""

    length: Positive
    unit: Literal["pixel", "arcsec"] | None = None


class Gaussian(Shape):
    """A Gaussian correlation, with none beyond cut."""

    cut: Positive | None = None


class Matern(Shape):
    """A Matern correlation of half-integer nu."""

    nu: Positive | None = None


class Drizzle(Named):
    """The correlation of a drizzled mosaic."""

    pixfrac: Positive
    scale: Positive


class Matrix(Named):
    """A correlation from a file: a matrix, or a table or an image as surveys write them."""

    file: str
    extension: Extension = 0
    channel: Annotated[int, Field(ge=0)] = 0


class Function(Named):
    """A user's function of separation, "file.py:function"."""

    name: str
    unit: Literal["pixel", "arcsec"] | None = None


class Correlation(OneOf):
    """How neighbours share the errors of a map."""

    manga: Named | None = None
    sami: Named | None = None
    gaussian: Gaussian | None = None
    exponential: Shape | None = None
    matern: Matern | None = None
    drizzle: Drizzle | None = None
    file: Matrix | None = None
    function: Function | None = None

    @check(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value in ("manga", "sami"):
                return {value: {}}
            if ":" in value:
                return {"function": {"name": value}}
            # Only the word "none" means that errors are independent; a missing value is a mistake.
            if value == "none":
                return {}
        if not isinstance(value, dict) or len(value) != 1:
            suffix = ", got nothing" if value is None else ""
            raise ValueError(f"expected {FORMS}{suffix}")
        return refuse_nothing(value)

    @property
    def kind(self) -> str:
        """Which of its keys is given; "none" if none is."""
        return next((name for name in type(self).model_fields if getattr(self, name)), "none")

    @model_serializer(mode="wrap")
    def _serialized(self, handler: Any) -> Any:
        return {key: value for key, value in handler(self).items() if value is not None} or "none"
