"""Options of readers in configurations: checked against the signature of the reader's function."""

import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError, create_model

from jaxmetal.errors import InputError, unknown
from jaxmetal.io.entries import FromReader
from jaxmetal.io.explain import explain
from jaxmetal.io.mistakes import Mistakes
from jaxmetal.io.paths import file_path
from jaxmetal.io.readers.protocol import Reading
from jaxmetal.io.readers.registry import find_reader
from jaxmetal.io.words import Block


def options_block(reader: Callable) -> type[BaseModel]:
    """The options of a reader as a pydantic model.

    Parameters
    ----------
    reader
        function of a path and options, which have annotations and defaults.

    Returns
    -------
    block
        a class with a field for each option; others are refused.

    Raises
    ------
    InputError
        for an option with the name of a key that all readers have.
    """
    hints = typing.get_type_hints(reader, include_extras=True)
    fields: dict[str, Any] = {}
    for name, option in list(inspect.signature(reader).parameters.items())[1:]:
        if name in FromReader.model_fields:
            raise InputError(f"the reader's option {name!r} is a key of every map; rename it.")
        default = ... if option.default is option.empty else option.default
        fields[name] = (hints.get(name, Any), default)
    return create_model("Options", __base__=Block, **fields)


def path_options(reader: str, folder: Path) -> tuple[str, ...]:
    """The names of a reader's options that are paths.

    Parameters
    ----------
    reader, folder
        its name or "file.py:function", and the folder that a file is relative to.

    Returns
    -------
    names
        those whose annotation is a pathlib.Path, or a Path or None.

    Raises
    ------
    InputError
        if there is no such reader.
    """
    fields = options_block(find_reader(reader, folder)).model_fields
    types = {name: field.annotation for name, field in fields.items()}
    return tuple(name for name, kind in types.items() if Path in (kind, *typing.get_args(kind)))


def read_entry(place: str, entry: FromReader, folder: Path, mistakes: Mistakes) -> Reading | None:
    """What the reader of an entry of a configuration gives.

    Parameters
    ----------
    place
        of the entry, such as "maps.manga", for messages.
    entry
        file, kind and options.
    folder
        that paths are relative to.
    mistakes
        to which wrong options are added.

    Returns
    -------
    reading
        whose maps have a place; None if an option is wrong.

    Raises
    ------
    InputError
        if there is no such reader, it fails, or what it gives cannot be used.
    """
    try:
        reader = find_reader(entry.kind, folder)
        options = _checked_options(place, entry, reader, folder, mistakes)
        if options is None:
            return None
        reading = reader(file_path(entry.file, folder), **options)
    except (InputError, OSError):
        raise
    except Exception as error:  # whatever a user's own reader raises
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"the reader {entry.kind!r} failed ({reason}).") from error
    _check_reading(reading, entry.kind)
    return reading


def _checked_options(
    place: str,
    entry: FromReader,
    reader: Callable,
    folder: Path,
    mistakes: Mistakes,
) -> dict[str, Any] | None:
    """The options as the reader takes them, paths of files filled in."""
    block = options_block(reader)
    try:
        options = block.model_validate(entry.options)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            where, text = _explained(place, details, block)
            mistakes.add(where, text)
        mistakes.broken.add(place)
        return None
    values = {name: getattr(options, name) for name in block.model_fields}
    paths = {name: value for name, value in values.items() if isinstance(value, Path)}
    return values | {name: file_path(str(path), folder) for name, path in paths.items()}


def _explained(place: str, details: Mapping[str, Any], block: type[BaseModel]) -> tuple[str, str]:
    """The place of a wrong option, and what is wrong with it."""
    name = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        keys = [*FromReader.model_fields, *block.model_fields]
        return f"{place}.{name}", str(unknown("key", name, keys))
    # As if the option were a key of the configuration's own.
    where = (*place.split("."), FromReader.tag, *details["loc"])
    path, text = explain({**details, "loc": where})
    return ".".join(map(str, path)), text


def _check_reading(reading: Any, kind: str) -> None:
    if not isinstance(reading, Reading):
        type_name = type(reading).__name__
        raise InputError(f"the reader {kind!r} must return a Reading, got {type_name}.")
    if reading.wcs is None:
        _check_grid(reading, kind)
    for name, one_map in reading.maps.items():
        if one_map.covariance is not None:
            raise InputError(f"the covariance of {name!r} cannot be used in a configuration yet.")


def _check_grid(reading: Reading, kind: str) -> None:
    """Without a WCS results can state the pixel scale alone."""
    # Not at the top: it imports JAX, which the help of the command line must not wait for.
    from jaxmetal.instrument.grid import Grid

    grid = reading.grid
    if grid is None:
        raise InputError(f"the reader {kind!r} gives neither a grid nor a WCS.")
    regular = Grid.regular(reading.shape, float(grid.pixel_scale))
    for actual, expected in ((grid.origin, regular.origin), (grid.matrix, regular.matrix)):
        if not np.allclose(actual, expected, atol=1e-3 * float(grid.pixel_scale)):
            lack = "gives a grid without a WCS that is not Grid.regular"
            raise InputError(f"the reader {kind!r} {lack}; give its WCS.")
