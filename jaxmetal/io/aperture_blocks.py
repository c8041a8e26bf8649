"""Fibres and slitlets in a configuration: maps with a row of a table for each measurement."""

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from jaxmetal.io.words import Block, Count, Positive, not_bool, numbers


def _column(value: Any) -> Any:
    """A number, a list of numbers, or the name of a column."""
    value = numbers(not_bool(value))
    if np.ndim(value) > 1:
        raise ValueError("expected a number, a list of numbers or the name of a column")
    return value


Column = Annotated[Any, BeforeValidator(_column)]


class Footprint(Block):
    """Apertures of a table: of each number one for all, a list, or the name of a column."""

    x: Column
    y: Column


class Fibres(Footprint):
    """Fibres, round and of one diameter or of several."""

    diameter: Column


class Slitlets(Footprint):
    """Slitlets of NIRSpec's micro-shutters; see `jm.Apertures.slitlets`.

    With row_height a slitlet is several measurements, one after the other along its angle.
    """

    angle: Column = 0.0
    across: Column = 0.0
    along: Column = 0.0
    shutters: Count = 3
    row_height: Positive | None = None
    transmission: Annotated[float, BeforeValidator(not_bool), Field(ge=0, le=1)] | None = None
