"""The entries of maps of emission lines in a configuration."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic import model_validator as check

from jaxmetal.io.map_blocks import ERRORS, Correction, FitsFile, FitsMap, FluxMap
from jaxmetal.io.psf_blocks import Psf
from jaxmetal.io.words import Block, Extension, Name, NotNegative, Number, Part, Positive


def line_or_lines(value: Any) -> Any:
    """A line, a sum such as "OIII4959+OIII5007", or factors by line; checked by the map itself."""
    if isinstance(value, str):
        names = [name.strip() for name in value.split("+")]
        return names[0] if len(names) == 1 else dict.fromkeys(names, 1.0)
    if not isinstance(value, dict) or not value:
        raise ValueError("expected a line, a sum such as Ha+NII6584, or factors by line")
    return value


def extension_or_block(value: Any) -> Any:
    """A line's block, of which an extension alone is the value."""
    return {"value": value} if isinstance(value, str | int) else value


LineOrLines = Annotated[str | dict[str, Number], BeforeValidator(line_or_lines)]


class Line(FluxMap):
    """A map of the flux in one line, or in a sum of lines.

    relative_to is the name of the map of another line: then the light of every pixel is free, and
    the other map is not data of its own. limits is not zero where a value is an upper limit.
    """

    tag: ClassVar = "line"
    kind: Literal["line"]
    line: LineOrLines
    limits: Part | None = None
    relative_to: Name | None = None

    def base(self, label: str) -> str | None:
        """The name of the map that its map is relative to, if any."""
        return self.relative_to


class Ratio(FitsMap):
    """A map of the log10 of one line over another."""

    tag: ClassVar = "ratio"
    kind: Literal["ratio"]
    numerator: LineOrLines
    denominator: LineOrLines


class LineOfFile(Block):
    """Where a line lies; what is left out is as for the others of its file."""

    file: str | None = None
    value: Extension | None = None
    error: Part | None = None
    variance: Part | None = None
    ivar: Part | None = None
    sigma: Positive | None = None
    mask: Part | None = None
    limits: Part | None = None
    channel: Extension | None = None
    psf: Psf | None = None
    scatter: NotNegative | None = None
    calibration: Correction | None = None
    relative_to: Name | None = None


class Lines(FitsFile):
    """Maps of several lines, by line: their extensions, or what differs between them.

    names renames their maps, which are called after their lines.
    """

    tag: ClassVar = "lines"
    kind: Literal["lines"]
    value: Extension | None = None
    flux: Literal["pixel", "mean", "total"] = "pixel"
    lines: dict[str, Annotated[LineOfFile, BeforeValidator(extension_or_block)]]
    names: dict[Name, Name] = Field({})

    @check(mode="after")
    def _parts(self) -> "Lines":
        if not self.lines:
            raise ValueError("lines: expected extensions by line, such as {Ha: 1, NII6584: 2}")
        for key in self.parts:
            self.part(key)
        return self

    @property
    def parts(self) -> dict[str, str]:
        """The lines by the names of their maps."""
        return {line.replace("+", "_"): line for line in self.lines}

    def part(self, key: str) -> Line:
        """The entry of the map of one line."""
        line = self.parts[key]
        own = self.lines[line].model_dump(exclude_none=True)
        common = self.model_dump(exclude_none=True, exclude={"kind", "lines", "names"})
        if any(name in own for name in ERRORS):
            common = {name: value for name, value in common.items() if name not in ERRORS}
        try:
            return Line.model_validate({**common, **own, "kind": "line", "line": line})
        except ValidationError as error:
            details = error.errors()[0]
            place = ".".join(map(str, details["loc"]))
            text = "is missing" if details["type"] == "missing" else details["msg"]
            text = text.removeprefix("Value error, ")
            raise ValueError(f"{line}: {place} {text}".replace("  ", " ")) from None
