"""The configuration file: read, checked as a whole so that all mistakes are reported at once, and written as it was understood."""

import copy
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from jaxmetal.errors import InputError, unknown
from jaxmetal.files import whole_file
from jaxmetal.io.schema import Config

# Keys that name a file.
FILES = ("file", "x_file", "y_file")
# Where in the configuration: keys, and numbers of list items.
Place = tuple[Any, ...]


@dataclass
class Mistakes:
    """What is wrong with a configuration, a line each, and which parts of it are not to be judged further."""

    lines: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def add(self, where: str, text: object) -> None:
        """Note a mistake; the part it is in is broken."""
        self.broken.add(where)
        # The place stands in front of the line and need not be said twice.
        line = re.sub(r"^(priors\[[^]]*\]|path '[^']*'): ", "", " ".join(str(text).split()))
        if (full := f"{where}: {line}") not in self.lines:
            self.lines.append(full)

    @contextmanager
    def at(self, where: str, follows: bool = False) -> Iterator[None]:
        """Note what goes wrong in the block instead of passing it on; what only follows from another mistake leaves no line."""
        try:
            yield
        except InputError as error:
            self.broken.add(where)
            if not follows:
                self.add(where, error)
        except OSError as error:
            self.add(where, f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))

    def spoils(self, where: str) -> bool:
        """Whether this part, or one that holds it, is broken."""
        parts = where.split(".")
        return any(".".join(parts[:i]) in self.broken for i in range(1, len(parts) + 1))

    def touches(self, where: str) -> bool:
        """Whether anything at or below this part is broken."""
        return self.spoils(where) or any(place.startswith(f"{where}.") for place in self.broken)

    def raise_all(self) -> None:
        """One error with all lines, if there are any."""
        if self.lines:
            raise InputError("\n".join(self.lines))


class _Loader(yaml.SafeLoader):
    """The safe loader, which would take the last of two equal keys without a word."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    pairs = [(loader.construct_object(key, deep=True), key.start_mark.line + 1) for key, _ in node.value]
    for i, (key, line) in enumerate(pairs):
        if key in [other for other, _ in pairs[:i]]:
            raise InputError(f"line {line}: the key {key!r} stands here twice.")
    return loader.construct_mapping(node, deep=True)


def _number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    # YAML 1.1 reads 10:00:24 as 36024, to the base of 60; here it is a text, part of a position.
    if ":" in node.value:
        return node.value
    whole = node.tag.endswith("int")
    return loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(path: str | os.PathLike) -> dict[str, Any]:
    """The contents of a YAML or TOML file, by its suffix, not yet checked.

    Raises
    ------
    InputError
        if there is no such file, or it is not written as its suffix says.
    """
    path = Path(path)
    if path.suffix.lower() not in (".yaml", ".yml", ".toml"):
        raise InputError(f"{path}: expected a configuration that ends in .yaml, .yml or .toml.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else yaml.load(text, _Loader)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, InputError) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected keys such as maps, galaxy and priors, got {type(found).__name__}.")
    return found


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Config | None:
    """The configuration with every unusable part noted as a mistake and left out, or None if nothing usable is left.

    Parameters
    ----------
    raw
        the contents of the file.
    mistakes
        to which what is wrong is added, so that the rest can be checked in the same run.
    """
    rest, removed = copy.deepcopy(dict(raw)), set()
    while True:
        try:
            return Config.model_validate(rest)
        except ValidationError as error:
            found = [(_place(e["loc"]), e) for e in error.errors(include_url=False)]
        for place, details in found:
            # What is missing only because it was left out here has been reported already.
            if not any(gone[: len(place)] == place for gone in removed):
                mistakes.add(".".join(map(str, place)) or "configuration", _explain(place, details))
        for place, details in found:
            gone = _remove(rest, place[:-1] if details["type"] == "missing" else place)
            if not gone:
                return None
            removed |= {gone, place}
            mistakes.broken.add(".".join(map(str, gone)))


def _place(loc: Place) -> Place:
    """Pydantic's location without the words it adds: the kind of a map, and the mark of a key."""
    if loc[:1] == ("maps",) and len(loc) > 2:
        loc = loc[:2] + loc[3:]
    return tuple(part for part in loc if part != "[key]")


def _remove(tree: Any, place: Place) -> Place:
    """Take out what stands at a place, or the list that it is an item of; what was taken out."""
    for depth, key in enumerate(place):
        below = tree.get(key) if isinstance(tree, dict) else None
        if depth + 1 == len(place) or not isinstance(below, dict):
            if isinstance(tree, dict):
                tree.pop(key, None)
            return place[: depth + 1]
        tree = below
    return ()


def _explain(place: Place, details: Mapping[str, Any]) -> str:
    """A pydantic error in one sentence."""
    kind, given = details["type"], details["input"]
    if kind == "missing":
        return "is missing."
    if kind == "extra_forbidden":
        return str(unknown("key", str(place[-1]), _keys(place[:-1], details["loc"])))
    if kind.startswith("union_tag"):
        return f"kind: expected {details['ctx'].get('expected_tags', 'tracer, light or manga')}, got {_short(_kind(given))}."
    if kind == "string_pattern_mismatch":
        return f"expected a name of letters, digits and underscores, got {_short(given)}."
    text = re.sub(r"^Value error, |, unable to parse.*$|, got a number with.*$", "", details["msg"])
    text = re.sub(r"^Input should be (?=greater|less)", "expected a number ", text).replace("Input should be", "expected")
    text = text if ", got " in text else f"{text}, got {_short(given)}"
    return text if text.endswith((".", "?")) else text + "."


def _kind(given: Any) -> Any:
    return given.get("kind") if isinstance(given, dict) else given


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _keys(place: Place, loc: Place) -> list[str]:
    """The words that are known at a place, found by walking the models' types."""
    types: list[Any] = [Config]
    for key in place:
        types = [below for t in types for below in _below(t, key)]
    # Of the kinds of map, the one that pydantic's own location names.
    named = [t for t in types if "kind" in getattr(t, "model_fields", {}) and t.model_fields["kind"].annotation == Literal[loc[2]]]
    return sorted({name for t in named or types if _is_model(t) for name in t.model_fields})


def _below(kind: Any, key: Any) -> list[Any]:
    """The types that may stand under a key of this type."""
    if _is_model(kind):
        # What may have any name, such as the light and the tracers of a component.
        others = get_args(kind.__annotations__.get("__pydantic_extra__"))
        return _flat(kind.model_fields[key].annotation) if key in kind.model_fields else [t for o in others[1:] for t in _flat(o)]
    return _flat(get_args(kind)[1]) if get_origin(kind) is dict else []


def _flat(kind: Any) -> list[Any]:
    """A type without Annotated, and the parts of a union."""
    if get_origin(kind) is Annotated:
        return _flat(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [part for choice in get_args(kind) for part in _flat(choice)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def file_path(text: str, folder: Path) -> Path:
    """The path of a file named in a configuration: ${VARIABLE} and ~ filled in, relative to the configuration's folder.

    Raises
    ------
    InputError
        for an environment variable that is not set.
    """
    for name in re.findall(r"\$\{?(\w+)\}?", text):
        if not os.environ.get(name):
            raise InputError(f"the environment variable {name} is not set, needed by {text!r}.")
    path = Path(os.path.expandvars(text)).expanduser()
    return path if path.is_absolute() else folder / path


def module_file(name: str, folder: Path) -> Path | None:
    """The file of a user's module, "file.py" or a module beside the configuration; None if it must be an installed one.

    Raises
    ------
    InputError
        for a file that does not exist.
    """
    if name.endswith(".py"):
        path = file_path(name, folder)
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        return path
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def resolved(config: Config, folder: Path, sampling: Mapping[str, tuple[Any, int]]) -> dict[str, Any]:
    """The configuration as it was understood: every default said, files by absolute path, "auto" by what was chosen.

    Parameters
    ----------
    config, folder
        the configuration and the folder that its paths are relative to.
    sampling
        {map: ((evaluate, convolve), margin)} for each map of the configuration.
    """
    said = config.model_dump(mode="json", exclude_none=True)
    said["sample"] = False if config.sample is None else said["sample"]
    for name, ((evaluate, convolve), margin) in sampling.items():
        said["maps"][name] |= {"supersampling": [evaluate, convolve], "margin": margin}
    _absolute(said, folder)
    return said


def _absolute(tree: Any, folder: Path) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _absolute(value, folder)
        # A path that begins with a variable means the same from everywhere.
        elif key in FILES and isinstance(value, str) and not value.startswith(("$", "~")):
            tree[key] = str((folder / value).resolve())
        elif key == "profile" and ":" in value and (path := module_file(value.rpartition(":")[0], folder)):
            tree[key] = f"{path.resolve()}:{value.rpartition(':')[2]}"


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which says a thing again where the usual one would refer to the first time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_text(said: Mapping[str, Any]) -> str:
    """A configuration as YAML."""
    return yaml.dump(dict(said), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def write(path: Path, said: Mapping[str, Any]) -> None:
    """Write a configuration as YAML; the file appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(as_text(said), encoding="utf-8")
