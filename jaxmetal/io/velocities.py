"""Velocities and dispersions of a configuration's maps in the rest frame of the galaxy."""

from dataclasses import replace
from typing import Any

import numpy as np

from jaxmetal.io.map_blocks import Tracer
from jaxmetal.io.readers.protocol import ReadMap
from jaxmetal.quantities import converted
from jaxmetal.science.kinematics import VELOCITY, convert_velocity, convert_width
from jaxmetal.unit_texts import unit_of_text


def in_rest_frame(entry: Any, data: ReadMap, where: str) -> ReadMap:
    """A map of velocity or dispersion whose entry names a convention, in the rest frame.

    Parameters
    ----------
    entry
        of the configuration, with a convention and a redshift.
    data
        as it was read.
    where
        the file and the extension, for messages.

    Returns
    -------
    data
        in km/s; dispersions, and that of the instrument, as they are at the redshift.

    Raises
    ------
    InputError
        for a unit that is none of a velocity.
    """
    frame = (entry.convention, "rest", entry.redshift)
    values, sigma = (_in_km_s(array, data.unit, where) for array in (data.values, data.sigma))
    if isinstance(entry, Tracer):
        sigma = convert_width(sigma, *frame, velocity=values)
        return replace(data, values=convert_velocity(values, *frame), sigma=sigma, unit=VELOCITY)
    assert data.moment is not None
    spread = convert_width(_in_km_s(data.moment.instrumental, data.unit, where), *frame)
    factor = float(convert_width(1.0, *frame))
    moment = replace(data.moment, instrumental=spread)
    return replace(data, values=factor * values, sigma=factor * sigma, moment=moment, unit=VELOCITY)


def _in_km_s(numbers: Any, text: str, where: str) -> np.ndarray:
    """Numbers in km/s, in which those without a unit are."""
    unit = unit_of_text(text)
    numbers = np.asarray(numbers, float)
    return numbers if unit is None else np.asarray(converted(numbers, unit, VELOCITY, where))
