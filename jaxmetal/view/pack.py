"""Tables and maps as compact JSON for an HTML page."""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.view import style
from jaxmetal.view.maps import shared_norm

# Pixels on the longer side of a map, at most: larger ones are averaged in blocks, so that the page
# of a thousand galaxies stays small.
LONGEST = 128
# A pixel is one byte: no value, below the lower end, above the upper end.
NOTHING = 255
BELOW = 0
ABOVE = 254
# Steps between the two ends, which are the bytes 1 and 253.
LEVELS = 252
# Residuals, in units of their error, from minus to plus this: steps of a tenth.
REACH = 12.6

Image = Float[np.ndarray, "ny nx"]


def inert(data: Any) -> str:
    """JSON that is safe inside a script element, whatever its strings are."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def columns(table: Any) -> list[dict[str, Any]]:
    """The columns with one value a row: {"name", "unit", "kind", "values"} of each.

    The kind is "number", "flag" or "text"; masked values and NaN are None.
    """
    flat = [name for name in table.colnames if np.ndim(table[name]) == 1]
    return [
        {"name": name, "unit": unit_text(table[name]), **_values(table[name], name == "id")}
        for name in flat
    ]


def unit_text(column: Any) -> str:
    unit = getattr(column, "unit", None)
    return "" if unit is None else str(unit).replace(" / ", "/")


def _values(column: Any, as_text: bool) -> dict[str, Any]:
    mask = np.asarray(getattr(column, "mask", False)) | np.zeros(len(column), bool)
    plain = np.ma.getdata(np.ma.asanyarray(getattr(column, "value", column)))
    code = plain.dtype.kind
    # Names stay text, even if they are numbers, so that no digit is lost.
    if code == "f" and not as_text:
        return {"kind": "number", "values": numbers(np.where(mask, np.nan, plain.astype(float)), 9)}
    if code == "b":
        kind, convert = "flag", bool
    elif code in "iu" and not as_text:
        kind, convert = "number", int
    else:
        kind, convert = "text", text
    values = [
        None if masked or v is None else convert(v) for v, masked in zip(plain, mask, strict=True)
    ]
    return {"kind": kind, "values": values}


def text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def numbers(values: Any, digits: int = 5) -> list[float | int | None]:
    """Rounded to so many digits; null where not finite."""
    decimals = (
        float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in np.asarray(values, float)
    )
    return [int(v) if v is not None and v.is_integer() and abs(v) < 2**53 else v for v in decimals]


def colour_maps() -> dict[str, str]:
    """256 colours, three bytes each, of each colour map that the figures use."""
    names = {"tracer": style.TRACER, "light": style.LIGHT, "residual": style.RESIDUAL}
    shades = {
        use: matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
        for use, name in names.items()
    }
    return {use: base64.b64encode(colours.tobytes()).decode() for use, colours in shades.items()}


def galaxy(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A galaxy's profile, and its maps as one byte a pixel, compressed together.

    Parameters
    ----------
    content
        as `survey_page` takes it.
    where
        how an error calls the galaxy.

    Raises
    ------
    InputError
        for a map that is no image, or images of different shape.
    """
    scale, maps, planes = content.get("pixel_scale"), [], []
    for name, entry in (content.get("maps") or {}).items():
        header, images = _map(
            entry, f"{where}: map {name!r}", None if scale is None else float(scale)
        )
        maps.append({"name": str(name), **header})
        planes += images
    encoded_text = base64.b64encode(
        zlib.compress(b"".join(plane.tobytes() for plane in planes), 6)
    ).decode()
    profile: dict[str, Any] = {
        key: str(values) if key == "label" else numbers(np.ravel(values))
        for key, values in (content.get("profile") or {}).items()
        if values is not None
    }
    return {"maps": maps, "profile": profile or None, "pixels": encoded_text}


def _map(
    entry: Mapping[str, Any], where: str, scale: float | None
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The header of a map for the page, and its images in bytes."""
    images, sigma = _framed(*_checked_images(entry, where))
    block = -(-max(sigma.shape) // LONGEST)
    light = bool(entry.get("light"))
    norm = shared_norm(light, sigma, *images.values())
    panels = _panels(images, sigma, norm, block)
    header = {
        "unit": str(entry.get("unit") or ""),
        "light": light,
        "width": getattr(norm, "linear_width", None),
        "scale": scale and scale * block,
        "shape": [-(-n // block) for n in sigma.shape],
        "panels": {key: colours for key, (colours, _) in panels.items()},
    }
    return header, [plane for _, plane in panels.values()]


def _checked_images(entry: Mapping[str, Any], where: str) -> tuple[dict[str, Image], Image]:
    """The images of a map, and its errors in the same shape."""
    images = {key: _finite(entry[key]) for key in ("data", "model") if entry.get(key) is not None}
    shape = next((image.shape for image in images.values()), ())
    if len(shape) != 2 or not all(shape):
        raise InputError(
            f"{where}: expected an image as data or model, got an array of shape {shape}."
        )
    sigma = _finite(np.nan if entry.get("sigma") is None else entry["sigma"])
    if any(image.shape != shape for image in images.values()) or sigma.shape not in ((), shape):
        raise InputError(f"{where}: data, model and sigma have different shapes.")
    return images, np.broadcast_to(sigma, shape)


def _framed(images: dict[str, Image], sigma: Image) -> tuple[dict[str, Image], Image]:
    """Images and errors without an empty border, the images NaN where there are no data."""
    if "data" in images:
        empty = np.isnan(images["data"])
        images = {key: np.where(empty, np.nan, image) for key, image in images.items()}
    inside = _inside(images.values())
    return {key: image[inside] for key, image in images.items()}, sigma[inside]


def _panels(
    images: dict[str, Image], sigma: Image, norm: Any, block: int
) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """The header and the bytes of data, model and residual, as far as there are any."""
    ends = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    width = getattr(norm, "linear_width", None)
    panels = {key: _panel(smaller(image, block), *ends, width) for key, image in images.items()}
    if len(images) == 2 and (sigma > 0).any():
        panels["residual"] = _residual(images["data"], images["model"], sigma, block)
    return panels


def _inside(images: Iterable[Image]) -> tuple[slice, slice]:
    """The slices of the frame without its empty border, except for one pixel.

    The same number of pixels is removed on all sides, so that the centre does not move.
    """
    finite = np.any([np.isfinite(image) for image in images], axis=0)
    sides = (finite.any(axis=1), finite.any(axis=0))
    empty = (
        min(int(np.argmax(side)) for along in sides for side in (along, along[::-1]))
        if finite.any()
        else 0
    )
    border = max(empty - 1, 0)
    rows, columns = finite.shape
    return slice(border, rows - border), slice(border, columns - border)


def _finite(image: Any) -> Image:
    """As floating-point numbers, NaN where infinite or too large to be drawn."""
    image = np.asarray(image, float)
    return np.where(np.abs(image) < 1e30, image, np.nan)


def _residual(
    data: Image, model: Image, sigma: Image, block: int
) -> tuple[dict[str, Any], np.ndarray]:
    # The division by a smaller error would overflow.
    image = (data - model) / np.where(sigma > 1e-200, sigma, np.nan)
    sizes = np.abs(image[np.isfinite(image)])
    limit = float(np.clip(np.percentile(sizes, 99), 3.0, REACH)) if sizes.size else 3.0
    return {"ends": [-REACH, REACH], "colours": [-limit, limit]}, to_bytes(
        smaller(image, block), -REACH, REACH
    )


def _panel(
    image: Image, low: float, high: float, width: float | None
) -> tuple[dict[str, Any], np.ndarray]:
    """The ends of the levels and of the colours, and the image in bytes.

    They are in the unit of the image or, with a width, in asinh(value / width).
    """
    if width is not None:
        image, (low, high) = (
            np.arcsinh(image / width),
            (float(end) for end in np.arcsinh([low / width, high / width])),
        )
    # A constant image, of any size, lies in the middle of the scale.
    size = max(abs(low), abs(high), 1e-30)
    if high - low <= 1e-9 * size:
        low, high = low - 0.01 * size, high + 0.01 * size
    # The levels extend beyond the colours by the range of the colours at most, so that outliers do
    # not coarsen the levels.
    values = image[np.isfinite(image)]
    first = max(float(values.min()), 2 * low - high) if values.size else low
    last = min(float(values.max()), 2 * high - low) if values.size else high
    first, last = (first, last) if last > first else (low, high)
    return {"ends": [first, last], "colours": [low, high]}, to_bytes(image, first, last)


def to_bytes(image: Image, low: float, high: float) -> np.ndarray:
    """Levels 1 to 253 from low to high; `BELOW`, `ABOVE`, and `NOTHING` for NaN."""
    level = 1 + np.round((np.nan_to_num(image, nan=low) - low) / (high - low) * LEVELS)
    # Values beyond an end by a rounding error belong to the end.
    slack = 1e-6 * (high - low)
    level = np.where(
        image < low - slack,
        BELOW,
        np.where(image > high + slack, ABOVE, np.clip(level, 1, LEVELS + 1)),
    )
    return np.where(np.isnan(image), NOTHING, level).astype(np.uint8)


def smaller(image: Image, block: int) -> Image:
    """Means over square blocks of pixels, without NaN."""
    if block == 1:
        return image
    rows, across = (-(-n // block) for n in image.shape)
    padded = np.full((rows * block, across * block), np.nan)
    padded[: image.shape[0], : image.shape[1]] = image
    parts = padded.reshape(rows, block, across, block)
    finite = np.isfinite(parts)
    total, count = np.where(finite, parts, 0.0).sum(axis=(1, 3)), finite.sum(axis=(1, 3))
    return np.where(count, total / np.maximum(count, 1), np.nan)
