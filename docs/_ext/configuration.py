"""The reference of the configuration, from the pydantic models that check it."""

import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from jaxmetal.io import (
    aperture_blocks,
    correlation_blocks,
    entries,
    galaxy_blocks,
    line_blocks,
    map_blocks,
    psf_blocks,
    schema,
    words,
)
from jaxmetal.io.readers.options import options_block
from jaxmetal.io.readers.registry import BUILTIN, find_reader

MODULES = (
    schema,
    map_blocks,
    line_blocks,
    entries,
    words,
    psf_blocks,
    aperture_blocks,
    correlation_blocks,
    galaxy_blocks,
)
# Sections of the page: heading, and the models whose keys are listed in it.
SECTIONS: dict[str, list[type[BaseModel]]] = {
    "The whole file": [schema.Config],
    "Maps: keys of all kinds": [map_blocks.Observation],
    "Maps in FITS files": [map_blocks.FitsFile, map_blocks.FitsMap, map_blocks.FluxMap],
    "kind: tracer": [map_blocks.Tracer],
    "kind: tracer, of a velocity, and kind: dispersion": [map_blocks.Moving],
    "kind: light": [map_blocks.Light],
    "kind: line": [line_blocks.Line],
    "kind: lines": [line_blocks.Lines, line_blocks.LineOfFile],
    "kind: ratio": [line_blocks.Ratio],
    "kind: dispersion": [map_blocks.Dispersion],
    "kind: map": [map_blocks.Other],
    "Maps from a reader": [entries.FromReader],
    "Images of a map": [words.PartBlock],
    "psf": [
        psf_blocks.Psf,
        psf_blocks.Ellipse,
        psf_blocks.Gaussian,
        psf_blocks.Moffat,
        psf_blocks.Kernel,
    ],
    "fibres and slitlets": [
        aperture_blocks.Footprint,
        aperture_blocks.Fibres,
        aperture_blocks.Slitlets,
    ],
    "correlation": [
        correlation_blocks.Correlation,
        correlation_blocks.Named,
        correlation_blocks.Shape,
        correlation_blocks.Gaussian,
        correlation_blocks.Matern,
        correlation_blocks.Drizzle,
        correlation_blocks.Matrix,
        correlation_blocks.Function,
    ],
    "calibration": [map_blocks.Correction],
    "galaxy": [
        galaxy_blocks.Component,
        galaxy_blocks.Profile,
        galaxy_blocks.RandomField,
        galaxy_blocks.Emission,
        galaxy_blocks.LineGrid,
    ],
    "lens": [schema.Lens, schema.Deflection],
    "priors": [schema.Prior, schema.TiedInclination],
    "fit": [schema.Fit],
    "sample": [schema.Sample],
    "baseline": [schema.Baseline],
    "simulate": [schema.Simulate],
    "survey": [schema.Survey, schema.Slurm],
}


def label(model: type[BaseModel]) -> str:
    """The name of a model in keys.yaml, such as schema.Config."""
    return f"{model.__module__.rpartition('.')[2]}.{model.__name__}"


def own_keys(model: type[BaseModel]) -> list[str]:
    """The keys that a model has and its parents do not.

    Parameters
    ----------
    model
        a part of the configuration.

    Returns
    -------
    keys
        in their order.
    """
    inherited = {name for base in model.__bases__ for name in getattr(base, "model_fields", {})}
    own = inspect.get_annotations(model)
    return [name for name in model.model_fields if name in own or name not in inherited]


def models(module: ModuleType) -> list[type[BaseModel]]:
    """The models that a module defines, but for those without keys of their own."""
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, BaseModel)
        and value.__module__ == module.__name__
        and value.__name__ not in ("Block", "OneOf")
    ]


def words_for(kind: Any, limits: list[Any]) -> str:
    """What may stand in a place of this type.

    Parameters
    ----------
    kind
        an annotation.
    limits
        what pydantic holds its values to.

    Returns
    -------
    text
        such as "number > 0".
    """
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        return words_for(kind, [*limits, *(x for m in more for x in getattr(m, "metadata", [m]))])
    if get_origin(kind) in (Union, UnionType):
        parts = [words_for(part, limits) for part in get_args(kind) if part is not NoneType]
        return " or ".join(dict.fromkeys(part for part in parts if part))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{str(v).lower() if v is True else v}`" for v in get_args(kind))
    if get_origin(kind) is tuple:
        count = len(get_args(kind))
        return "list" if Ellipsis in get_args(kind) else f"list of {count} numbers"
    if get_origin(kind) in (dict, list):
        return "block by name" if get_origin(kind) is dict else "list"
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return "block"
    names = {float: "number", int: "whole number", bool: "true or false", str: "text"}
    return " ".join([names.get(kind, ""), *_bounds(limits)]).strip()


def _bounds(limits: list[Any]) -> list[str]:
    signs = {"gt": ">", "ge": "≥", "lt": "<"}
    found = {name: getattr(m, name) for m in limits for name in signs if hasattr(m, name)}
    texts = [f"{signs[name]} {value:g}" for name, value in found.items() if value < 2**60]
    return [" and ".join(texts)]


def default(field: Any) -> str:
    """The default of a key, as it is written in YAML."""
    if field.is_required() or field.default is PydanticUndefined:
        return "required"
    value = field.default
    if value is None or value in ({}, ()) or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`".replace("'", "")


def rows(model: type[BaseModel], texts: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row for each key: name, value, default, unit, meaning.

    Parameters
    ----------
    model
        a part of the configuration.
    texts
        {class: {key: text}}, as in keys.yaml.

    Returns
    -------
    rows
        of texts.

    Raises
    ------
    KeyError
        if a key is not described, or one is described that does not exist.
    """
    described, keys = texts.get(label(model), {}), own_keys(model)
    if wrong := set(described) ^ set(keys):
        raise KeyError(f"docs/_ext/keys.yaml: {label(model)}: {sorted(wrong)}")
    result = []
    for key in keys:
        field = model.model_fields[key]
        entry = described[key]
        unit, text, *form = ["", entry] if isinstance(entry, str) else entry
        value = form[0] if form else words_for(field.annotation, field.metadata)
        result.append((f"`{key}`", value, default(field), unit, text))
    return result


def entries_of(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as a list of definitions in Markdown.

    Parameters
    ----------
    rows
        name, value, default, unit and meaning of each key.

    Returns
    -------
    lines
        which, unlike a table of five columns, fit a narrow window.
    """
    lines = []
    for key, value, standard, unit, text in rows:
        words = f"default {standard}" if standard.startswith("`") else standard
        lines += [" · ".join(part for part in (key, value, unit, words) if part), f": {text}", ""]
    return lines


def _readers() -> list[str]:
    """The options of the readers of the package, by the signatures of their functions."""
    lines = []
    for name in BUILTIN:
        reader = find_reader(name, Path())
        described = _parameters(inspect.getdoc(reader) or "")
        fields = options_block(reader).model_fields
        made = [
            (f"`{key}`", words_for(field.annotation, field.metadata), default(field), "", text)
            for key, field in fields.items()
            if (text := described[key])
        ]
        lines += [f"Further keys of `kind: {name}`:", "", *entries_of(made)]
    return lines


def _parameters(docstring: str) -> dict[str, str]:
    """{parameter: description} of a docstring."""
    section = docstring.partition("Parameters\n")[2].partition("\n\nReturns")[0]
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines()[1:]:
        if line[:1].strip():
            name = line.strip()
            found[name] = ""
        else:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _description(model: type[BaseModel]) -> str:
    """The docstring of a model; names in it are keys."""
    return (inspect.getdoc(model) or "").replace("{", "`{").replace("}", "}`")


def beside(name: str) -> Any:
    """What a YAML file of this folder holds.

    Parameters
    ----------
    name
        of the file.

    Returns
    -------
    contents
        as Python has them.
    """
    return yaml.safe_load((Path(__file__).parent / name).read_text("utf-8"))


def examples() -> dict[str, str]:
    """A part of a configuration for each section, as it is written.

    Returns
    -------
    examples
        in YAML, by heading.

    Raises
    ------
    KeyError
        if a section has none, or an example is of no section.
    """
    text = (Path(__file__).parent / "examples.yaml").read_text("utf-8")
    parts = re.split(r"^(\S[^\n]*):\n", text, flags=re.M)[1:]
    found = {
        heading.strip('"'): textwrap.dedent(body).rstrip()
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }
    if wrong := set(found) ^ set(SECTIONS):
        raise KeyError(f"docs/_ext/examples.yaml: {sorted(wrong)}")
    return found


def configuration() -> str:
    """The sections of the page.

    Returns
    -------
    text
        in Markdown.
    """
    texts, written = beside("keys.yaml"), examples()
    parts: list[str] = []
    for heading, listed in SECTIONS.items():
        parts += [f"## {heading}", ""]
        for model in listed:
            if len(listed) > 1:
                parts += [f"### {model.__name__}", ""]
            parts += [_description(model), ""]
            if found := rows(model, texts):
                parts += entries_of(found)
        parts += ["For example:", "", "```yaml", written[heading], "```", ""]
        if heading == "Maps from a reader":
            parts += _readers()
    return "\n".join(parts)
