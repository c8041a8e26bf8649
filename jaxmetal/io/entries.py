"""The entries of maps in a configuration, by their kinds; those of readers among them."""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator

from jaxmetal.io.line_blocks import Line, Lines, Ratio
from jaxmetal.io.map_blocks import Dispersion, Light, Observation, Other, Tracer
from jaxmetal.io.psf_blocks import Psf
from jaxmetal.io.readers.registry import installed, is_reader
from jaxmetal.io.words import Name, NotNegative


class FromReader(Observation):
    """The maps of a file that a reader knows, such as MaNGA's; other keys are its options.

    names renames the reader's maps, or leaves one out ("none"); scatter is that of its tracer maps.
    relative_to is {line: line whose light it shares}, as for a line. The light and the PSF are the
    reader's if left out.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    tag: ClassVar = "reader"
    # The place of the maps is the reader's; an option of that name is the reader's own.
    pixel_scale: ClassVar = None
    kind: str
    names: dict[Name, Name] = Field({})
    relative_to: dict[Name, Name] = Field({})
    light: Name | None = None
    light_scatter: NotNegative | None = None
    psf: Psf | None = None

    def part(self, key: str) -> Any:
        """The entry of one of its maps, by the name of the map."""
        return self

    def base(self, label: str) -> str | None:
        """The name of the map that one of its maps is relative to, if any."""
        return self.relative_to.get(label)

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


# The kinds of maps that need no reader.
OWN = tuple(block.tag for block in (Tracer, Light, Line, Lines, Ratio, Dispersion, Other))


def kinds() -> str:
    """What the kind of a map may be, for messages."""
    names = (*OWN, *sorted(installed()))
    return f"{', '.join(names)} or file.py:function"


def _tag(entry: Any) -> str | None:
    """Which block an entry is, by its kind; None for a kind that does not exist."""
    if isinstance(entry, Observation):
        return entry.tag
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind in OWN:
        return kind
    return FromReader.tag if is_reader(kind) else None


# An entry of the maps of a configuration.
_Entries = (
    Annotated[Tracer, Tag(Tracer.tag)]
    | Annotated[Light, Tag(Light.tag)]
    | Annotated[Line, Tag(Line.tag)]
    | Annotated[Lines, Tag(Lines.tag)]
    | Annotated[Ratio, Tag(Ratio.tag)]
    | Annotated[Dispersion, Tag(Dispersion.tag)]
    | Annotated[Other, Tag(Other.tag)]
    | Annotated[FromReader, Tag(FromReader.tag)]
)
Entry = Annotated[_Entries, Discriminator(_tag)]
