"""Correlations of errors from configurations and files, and back."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.io import hdus
from jaxmetal.io.correlation_blocks import Correlation
from jaxmetal.io.frames import Shape, filled
from jaxmetal.io.paths import file_path, imported_function
from jaxmetal.maps.correlation_shapes import (
    DrizzleCorrelation,
    GaussianCorrelation,
    MaternCorrelation,
)
from jaxmetal.maps.correlations import BySeparation, FunctionOfSeparation
from jaxmetal.science import noise

# Columns of the two tables of the upper triangle: astropy's and mangadap's, and MaNGA's own.
PAIRS = ("INDXI", "INDXJ")
MANGA_PAIRS = ("INDXI_C1", "INDXI_C2", "INDXJ_C1", "INDXJ_C2")
VALUES = ("RHOIJ", "COVARIJ")


def make_correlation(block: Correlation, folder: Path, shape: tuple[int, int]) -> Any:
    """What a configuration says of the correlation of a map's errors.

    Parameters
    ----------
    block, folder
        the part of the configuration, and the folder that its paths are relative to.
    shape
        (rows, columns) of the map in its file.

    Returns
    -------
    correlation
        as `jaxmetal.TracerMap(correlation=)` takes it; None for independent errors.

    Raises
    ------
    InputError
        for a file or a function that cannot be used.
    """
    if block.kind == "none":
        return None
    part = getattr(block, block.kind)
    if block.kind == "file":
        path = file_path(part.file, folder)
        white = 0.0 if part.white is None else part.white
        return read_correlation(path, part.extension, shape, part.channel, white)
    options = part.model_dump(exclude_none=True)
    if block.kind == "function":
        function = imported_function(options.pop("name"), folder, "correlation")
        return FunctionOfSeparation(function, **options)
    return getattr(noise, block.kind)(**options)


def read_correlation(
    path: Any,
    extension: str | int,
    shape: tuple[int, int],
    channel: int = 0,
    white: float = 0.0,
) -> np.ndarray:
    """The correlation matrix of a map's spaxels in a FITS file.

    Parameters
    ----------
    path, extension
        of a square image; of a table of the upper triangle, as astropy's Covariance and mangadap
        write them, or as in MaNGA's cubes (GCORREL, RCORREL, ICORREL, ZCORREL, in which C1 counts
        columns); or of the covariances of SAMI's cubes (COVAR, relative to the variance of each
        spaxel, with its neighbours up to two rows and columns away).
    shape
        (rows, columns) of the map.
    channel
        which of SAMI's wavelengths.
    white
        a part of the variance that is not shared, mixed in; matrices that are cut off are often
        not positive definite without.

    Returns
    -------
    matrix
        with 1 on its diagonal where there is a variance, row by row, shape (n, n).

    Raises
    ------
    InputError
        for another form, or another number of spaxels.
    """
    where = f"{path}[{extension}]"
    with hdus.opened(path) as file:
        hdu = hdus.find(file, path, extension)
        if hdu.is_image:
            data = np.asarray(hdus.pixels(hdu, where), float)
            matrix = data if data.ndim == 2 else _of_neighbours(data, channel, where)
        else:
            matrix = _of_table(hdu, shape, where)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"{where}: expected a square matrix, got shape {matrix.shape}.")
    variance = np.diag(matrix).copy()
    root = np.sqrt(np.where(variance > 0, variance, 1.0))
    matrix = (1 - white) * matrix / root[:, None] / root
    matrix[np.diag_indices(len(matrix))] = np.where(variance > 0, 1.0, np.nan)
    return matrix


def _of_table(hdu: Any, shape: tuple[int, int], where: str) -> np.ndarray:
    """The matrix of a table of its upper triangle."""
    columns = {name.upper() for name in hdu.columns.names}
    value = next((name for name in VALUES if name in columns), None)
    size = shape[0] * shape[1]
    pairs = _pairs(hdu, columns, shape[1])
    if value is None or pairs is None:
        expected = "expected columns INDXI, INDXJ and RHOIJ or COVARIJ, or INDXI_C1 and so on"
        raise InputError(f"{where}: {expected}, got {', '.join(sorted(columns))}.")
    if any(p.size and (p.min() < 0 or p.max() >= size) for p in pairs):
        raise InputError(f"{where}: has spaxels outside of the map of {shape}.")
    matrix, numbers = np.zeros((size, size)), np.asarray(hdu.data[value], float)
    matrix[pairs[0], pairs[1]] = numbers
    matrix[pairs[1], pairs[0]] = numbers
    return matrix


def _pairs(hdu: Any, columns: set[str], width: int) -> list[np.ndarray] | None:
    """The numbers of the two spaxels of each row of a table; None without such columns."""
    if set(MANGA_PAIRS) <= columns:
        x1, y1, x2, y2 = (np.asarray(hdu.data[name], int) for name in MANGA_PAIRS)
        return [width * y1 + x1, width * y2 + x2]
    if not set(PAIRS) <= columns:
        return None
    pairs = [np.asarray(hdu.data[name], int) for name in PAIRS]
    return [p if p.ndim == 1 else p @ np.array([width, 1]) for p in pairs]


def _of_neighbours(data: np.ndarray, channel: int, where: str) -> np.ndarray:
    """The matrix of covariances with near neighbours, relative to the variance of each spaxel.

    rho_ij is the geometric mean of cov_ij / var_i and cov_ij / var_j.
    """
    if data.ndim == 5 and channel < len(data):
        data = data[channel]
    if data.ndim != 4 or data.shape[0] % 2 == 0 or data.shape[1] % 2 == 0:
        expected = "expected a matrix, or covariances of shape ([channels,] 5, 5, rows, columns)"
        raise InputError(f"{where}: {expected}, got {data.shape} for channel {channel}.")
    high, wide, rows, columns = data.shape
    data = np.where(np.isfinite(data), data, 0.0)
    row, column = np.divmod(np.arange(rows * columns), columns)
    matrix = np.zeros((rows * columns, rows * columns))
    for i in range(high):
        for j in range(wide):
            there = row + i - high // 2, column + j - wide // 2
            inside = (there[0] >= 0) & (there[0] < rows) & (there[1] >= 0) & (there[1] < columns)
            other = there[0][inside] * columns + there[1][inside]
            matrix[np.flatnonzero(inside), other] = data[i, j].ravel()[inside]
    return np.sign(matrix) * np.sqrt(np.maximum(matrix * matrix.T, 0.0))


def in_frame(correlation: Any, shape: Shape, frame: Shape) -> Any:
    """A correlation matrix of a map that is padded after its last row and column to a frame."""
    if not isinstance(correlation, np.ndarray) or len(correlation) != shape[0] * shape[1]:
        return correlation
    number = filled(np.arange(shape[0] * shape[1]).reshape(shape), -1, frame).ravel()
    index = np.flatnonzero(number >= 0)
    matrix = np.eye(number.size)
    matrix[np.ix_(index, index)] = correlation
    return matrix


def named(correlation: Any) -> dict[str, Any] | None:
    """The part of a configuration that gives this correlation again; None for other kinds."""
    if isinstance(correlation, GaussianCorrelation):
        cut = float(correlation.cut)
        numbers = {"length": float(correlation.length)} | ({"cut": cut} if cut < np.inf else {})
        kind = "gaussian"
    elif isinstance(correlation, MaternCorrelation):
        numbers = {"length": float(correlation.length), "nu": correlation.nu}
        kind = "matern"
    elif isinstance(correlation, DrizzleCorrelation):
        return {
            "drizzle": {
                "pixfrac": float(correlation.drop),
                "scale": 1.0,
                "white": float(correlation.white),
            }
        }
    else:
        return None
    return {kind: {**numbers, "white": float(correlation.white), "unit": correlation.unit}}


def described_correlation(correlation: Any) -> str:
    """A correlation of errors in words, for a line of a log or a summary."""
    if not isinstance(correlation, BySeparation):
        return "a matrix says"
    white = f"{100 * float(correlation.white):.0f} % of the variance white"
    entry = named(correlation)
    if entry is None:
        return f"a function of separation says, {white}"
    kind, numbers = next(iter(entry.items()))
    units = {"pixel": "pixels", "arcsec": "arcsec"}
    size = numbers.get("length", numbers.get("pixfrac"))
    what = "length" if "length" in numbers else "drop"
    return f"a {kind} of {what} {size:.3g} {units[correlation.unit]}, {white}"
