"""The components of a configuration: profiles by name, and emission lines."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from pydantic import model_validator as check

from jaxmetal.io.words import NAME, Block, Choice, Extension, Name, Number, Positive


class RandomField(Block):
    """The random field of a tracer, or the texture of a light: its parameters and options."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Choice] = Field(init=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """The numbers, the texts that name one, and the options."""
        return dict(self.__pydantic_extra__ or {})


class Profile(Block):
    """A profile by name with its parameters; an image comes from a file or a light map."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Choice] = Field(init=False)
    profile: str
    file: str | None = None
    extension: Extension | None = None
    map: str | None = None
    field: RandomField | None = None
    texture: RandomField | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The numbers, the texts that name one, and the options."""
        return dict(self.__pydantic_extra__ or {})


def _one_or_several(light: Any) -> str:
    """Whether the light of a component is one profile, or several by name."""
    if not isinstance(light, dict) or "profile" in light:
        return "one"
    # Without a block in it, this is one profile whose name was forgotten.
    by_name = not light or any(isinstance(part, dict | Profile) for part in light.values())
    return "several" if by_name else "one"


def _not_empty(lights: dict[str, Profile]) -> dict[str, Profile]:
    if not lights:
        raise ValueError("expected a profile, or profiles by the names of lights")
    return lights


_LightsByName = Annotated[dict[Name, Profile], AfterValidator(_not_empty)]
LightOrLights = Annotated[
    Annotated[Profile, Tag("one")] | Annotated[_LightsByName, Tag("several")],
    Discriminator(_one_or_several),
]


class LineGrid(Block):
    """A grid of line ratios in a table, in the place of a relation's name."""

    grid: str
    # By default those of `emission.LineGrid`, which this module, read without JAX, cannot ask.
    axes: list[str] | dict[Name, str] = Field(["metallicity", "log_u"])
    lines: dict[str, str] | None = None
    reference: str = "Hb"
    log: bool = True


class Emission(Block):
    """The lines that the gas of a component emits: a relation by name, a grid, or a user's own."""

    relation: str | LineGrid
    reference: str = "Ha"
    attenuation: str = "ccm89"
    balmer: Positive = 2.86
    sii_ratio: Positive = 1.4
    offset: dict[str, Number] = Field({})
    light: Name | None = None


class Component(Block):
    """The light, or lights by name, the tracers and the emission lines; its place beside lenses."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Profile] = Field(init=False)
    foreground: bool = False
    distance_ratio: Positive | None = None
    lensed_light: bool = True
    light: LightOrLights | None = None
    emission: Emission | None = None

    @check(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        names = value if isinstance(value, dict) else ()
        wrong = [name for name in names if not re.fullmatch(NAME, str(name))]
        if wrong:
            raise ValueError(f"expected names of letters, digits and underscores, got {wrong[0]!r}")
        return value

    @property
    def profiles(self) -> dict[str, Profile]:
        """The lights and the tracers by their paths, such as "light" or "light.Ha"."""
        tracers = self.__pydantic_extra__ or {}
        if self.light is None:
            return dict(tracers)
        if isinstance(self.light, Profile):
            return {"light": self.light, **tracers}
        return {f"light.{name}": profile for name, profile in self.light.items()} | tracers
