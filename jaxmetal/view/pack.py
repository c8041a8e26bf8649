"""Tables and maps as small JSON that a page keeps until somebody looks."""

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

# Maps with longer sides are averaged in blocks: a page of a thousand galaxies has to be opened,
# too.
LONGEST = 128
# A byte for a pixel: no value, beyond the lower and the upper end, and the levels between them.
NOTHING, BELOW, ABOVE, LEVELS = 255, 0, 254, 252
# Residuals, in units of their error, from minus to plus this: steps of a tenth.
REACH = 12.6

Image = Float[np.ndarray, "ny nx"]


def inert(data: Any) -> str:
    """JSON that is safe inside a script element, whatever its strings say."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def columns(table: Any) -> list[dict[str, Any]]:
    """Name, unit, kind ("number", "flag" or "text") and values of every column with one value a row; null where there is none."""
    flat = [name for name in table.colnames if np.ndim(table[name]) == 1]
    return [
        {"name": name, "unit": unit_text(table[name]), **_values(table[name], name == "id")}
        for name in flat
    ]


def unit_text(column: Any) -> str:
    unit = getattr(column, "unit", None)
    return "" if unit is None else str(unit).replace(" / ", "/")


def _values(column: Any, words: bool) -> dict[str, Any]:
    mask = np.asarray(getattr(column, "mask", False)) | np.zeros(len(column), bool)
    plain = np.ma.getdata(np.ma.asanyarray(getattr(column, "value", column)))
    if plain.dtype.kind == "b":
        return {
            "kind": "flag",
            "values": [None if gone else bool(v) for v, gone in zip(plain, mask, strict=True)],
        }
    # Names are no numbers, and none of their digits may be lost.
    if plain.dtype.kind in "iu" and not words:
        return {
            "kind": "number",
            "values": [None if gone else int(v) for v, gone in zip(plain, mask, strict=True)],
        }
    if plain.dtype.kind == "f" and not words:
        return {"kind": "number", "values": numbers(np.where(mask, np.nan, plain.astype(float)), 9)}
    return {
        "kind": "text",
        "values": [
            None if gone or v is None else text(v) for v, gone in zip(plain, mask, strict=True)
        ],
    }


def text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def numbers(values: Any, digits: int = 5) -> list[float | int | None]:
    """Rounded to so many digits; null where not finite."""
    rounded = (
        float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in np.asarray(values, float)
    )
    return [int(v) if v is not None and v.is_integer() and abs(v) < 2**53 else v for v in rounded]


def colour_maps() -> dict[str, str]:
    """256 colours, three bytes each, of each colour map that the figures use."""
    names = {"tracer": style.TRACER, "light": style.LIGHT, "residual": style.RESIDUAL}
    shades = {
        use: matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
        for use, name in names.items()
    }
    return {use: base64.b64encode(colours.tobytes()).decode() for use, colours in shades.items()}


def galaxy(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A galaxy's maps, a byte for each pixel and all of them compressed together, and its profile.

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
    for name, given in (content.get("maps") or {}).items():
        described, images = _map(
            given, f"{where}: map {name!r}", None if scale is None else float(scale)
        )
        maps.append({"name": str(name), **described})
        planes += images
    packed = base64.b64encode(
        zlib.compress(b"".join(plane.tobytes() for plane in planes), 6)
    ).decode()
    profile = {
        key: numbers(np.ravel(values))
        for key, values in (content.get("profile") or {}).items()
        if values is not None
    }
    return {"maps": maps, "profile": profile or None, "pixels": packed}


def _map(
    given: Mapping[str, Any], where: str, scale: float | None
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What the page must know of a map, and its images in bytes."""
    found = {key: _finite(given[key]) for key in ("data", "model") if given.get(key) is not None}
    shape = next((image.shape for image in found.values()), ())
    if len(shape) != 2 or not all(shape):
        raise InputError(
            f"{where}: expected an image as data or model, got an array of shape {shape}."
        )
    sigma = _finite(np.nan if given.get("sigma") is None else given["sigma"])
    if any(image.shape != shape for image in found.values()) or sigma.shape not in ((), shape):
        raise InputError(f"{where}: data, model and sigma have different shapes.")
    sigma = np.broadcast_to(sigma, shape)
    if "data" in found:
        found = {
            key: np.where(np.isnan(found["data"]), np.nan, image) for key, image in found.items()
        }
    inside = _inside(found.values())
    found, sigma = {key: image[inside] for key, image in found.items()}, sigma[inside]
    shape = sigma.shape
    norm = shared_norm(light := bool(given.get("light")), sigma, *found.values())
    width, ends = (
        getattr(norm, "linear_width", None),
        (float(norm.vmin or 0.0), float(norm.vmax or 0.0)),
    )
    block = -(-max(shape) // LONGEST)
    panels = {key: _panel(smaller(image, block), *ends, width) for key, image in found.items()}
    if len(found) == 2 and (sigma > 0).any():
        panels["residual"] = _residual(found["data"], found["model"], sigma, block)
    described = {
        "unit": str(given.get("unit") or ""),
        "light": light,
        "width": width,
        "scale": scale and scale * block,
        "shape": [-(-n // block) for n in shape],
        "panels": {key: said for key, (said, _) in panels.items()},
    }
    return described, [plane for _, plane in panels.values()]


def _inside(images: Iterable[Image]) -> tuple[slice, slice]:
    """The frame without its empty border but for one pixel, the same on all sides so that its middle stays where it is."""
    known = np.any([np.isfinite(image) for image in images], axis=0)
    sides = (known.any(axis=1), known.any(axis=0))
    empty = (
        min(int(np.argmax(side)) for along in sides for side in (along, along[::-1]))
        if known.any()
        else 0
    )
    border = max(empty - 1, 0)
    rows, columns = known.shape
    return slice(border, rows - border), slice(border, columns - border)


def _finite(image: Any) -> Image:
    """As floating-point numbers, NaN for what no number can be drawn of."""
    image = np.asarray(image, float)
    return np.where(np.abs(image) < 1e30, image, np.nan)


def _residual(
    data: Image, model: Image, sigma: Image, block: int
) -> tuple[dict[str, Any], np.ndarray]:
    # Smaller errors than this would make infinities of any difference.
    image = (data - model) / np.where(sigma > 1e-200, sigma, np.nan)
    known = np.abs(image[np.isfinite(image)])
    limit = float(np.clip(np.percentile(known, 99), 3.0, REACH)) if known.size else 3.0
    return {"ends": [-REACH, REACH], "colours": [-limit, limit]}, to_bytes(
        smaller(image, block), -REACH, REACH
    )


def _panel(
    image: Image, low: float, high: float, width: float | None
) -> tuple[dict[str, Any], np.ndarray]:
    """Ends of the levels and of the colours, in the values' own unit or, with a width, in asinh(value / width)."""
    if width is not None:
        image, (low, high) = (
            np.arcsinh(image / width),
            (float(end) for end in np.arcsinh([low / width, high / width])),
        )
    # One value alone, of any size, lies in the middle of a scale.
    size = max(abs(low), abs(high), 1e-30)
    if high - low <= 1e-9 * size:
        low, high = low - 0.01 * size, high + 0.01 * size
    # Outliers beyond the colours by more than the colours' own range must not take the levels from
    # all others.
    known = image[np.isfinite(image)]
    first = max(float(known.min()), 2 * low - high) if known.size else low
    last = min(float(known.max()), 2 * high - low) if known.size else high
    first, last = (first, last) if last > first else (low, high)
    return {"ends": [first, last], "colours": [low, high]}, to_bytes(image, first, last)


def to_bytes(image: Image, low: float, high: float) -> np.ndarray:
    """Levels 1 to 253 from low to high; `BELOW`, `ABOVE`, and `NOTHING` for NaN."""
    level = 1 + np.round((np.nan_to_num(image, nan=low) - low) / (high - low) * LEVELS)
    # A rounding error beyond an end is no outlier.
    slack = 1e-6 * (high - low)
    level = np.where(
        image < low - slack,
        BELOW,
        np.where(image > high + slack, ABOVE, np.clip(level, 1, LEVELS + 1)),
    )
    return np.where(np.isnan(image), NOTHING, level).astype(np.uint8)


def smaller(image: Image, block: int) -> Image:
    """Means over blocks of so many pixels a side, NaN left out."""
    if block == 1:
        return image
    rows, across = (-(-n // block) for n in image.shape)
    padded = np.full((rows * block, across * block), np.nan)
    padded[: image.shape[0], : image.shape[1]] = image
    parts = padded.reshape(rows, block, across, block)
    known = np.isfinite(parts)
    total, count = np.where(known, parts, 0.0).sum(axis=(1, 3)), known.sum(axis=(1, 3))
    return np.where(count, total / np.maximum(count, 1), np.nan)
