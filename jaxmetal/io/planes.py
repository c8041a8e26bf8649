"""The plane of an image in an array of more axes, such as a cube."""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.cards import card
from jaxmetal.instrument.header_repairs import sky_axes


def image_plane(data: np.ndarray, header: Any, channel: int | str | None, where: str) -> np.ndarray:
    """The image in an array: axes of length one are dropped, another may be a cube's.

    Parameters
    ----------
    data, header
        of an extension.
    channel
        the plane of a cube, by number from 0 or by the name in a card such as C01; None for images.
    where
        names the extension in messages.

    Returns
    -------
    image
        shape (rows, columns).

    Raises
    ------
    InputError
        if the array is no image, or has no such plane.
    """
    others = _other_axes(data.shape, header, channel, where)
    longer = [axis for axis in others if data.shape[axis] > 1]
    shape = f"the extension has shape {data.shape}"
    if channel is not None and not others:
        raise InputError(f"{where}: channel {channel!r} asks for a plane of a cube, {shape}.")
    if data.ndim < 2 or len(longer) > 1 or (longer and channel is None):
        expected = f"expected an image (rows, columns), {shape}"
        raise InputError(f"{where}: {expected}; a cube needs channel=.")
    planes = np.moveaxis(data, others, range(len(others)))
    planes = planes.reshape(-1, *planes.shape[-2:])
    return planes[0 if channel is None else _channel(header, channel, len(planes), where)]


def _other_axes(shape: tuple[int, ...], header: Any, channel: Any, where: str) -> list[int]:
    """The axes beside the two of an image."""
    if len(shape) <= 2:
        return []
    image = _image_axes(shape, header, channel, where)
    return [axis for axis in range(len(shape)) if axis not in image]


def _image_axes(shape: tuple[int, ...], header: Any, channel: Any, where: str) -> list[int]:
    """The axes of an image: the celestial ones, else the only longer ones, else the last two."""
    celestial = [len(shape) - axis for axis in sky_axes(header, where) if axis <= len(shape)]
    if len(celestial) == 2:
        return celestial
    longer = [axis for axis, length in enumerate(shape) if length > 1]
    if channel is None and len(longer) == 2:
        return longer
    return [len(shape) - 2, len(shape) - 1]


def _channel(header: Any, channel: int | str, count: int, where: str) -> int:
    """The number of a cube's plane given by number, or by the name in a card such as C01."""
    if isinstance(channel, str):
        keys = [key for key in header if key[:1] == "C" and key[1:].isdigit()]
        names = {str(card(header, key, where)).strip(): int(key[1:]) - 1 for key in keys}
        if channel not in names:
            raise unknown("channel", channel, names, where)
        channel = names[channel]
    if not (isinstance(channel, int | np.integer) and 0 <= channel < count):
        raise InputError(f"{where}: channel must be 0 … {count - 1}, got {channel}.")
    return int(channel)
