"""Correlations as users give them, checked; and the form of a map's errors that a fit needs."""

from collections.abc import Collection
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError, described
from jaxmetal.maps.correlations import (
    BySeparation,
    Correlation,
    FunctionOfSeparation,
    MatrixCorrelation,
)
from jaxmetal.maps.likelihood import Likelihood
from jaxmetal.maps.noise import Dense, Factor, Independent, Modes, Noise
from jaxmetal.maps.vecchia_weights import prepared_without_matrix
from jaxmetal.profiles.profile import as_array, is_traced

# A matrix from a file is symmetric to the rounding of single precision.
ASYMMETRY = 1e-5
# Of how many measurements the covariance is factorised once, and in every evaluation.
LARGEST_FACTOR = 8000
LARGEST_DENSE = 1000
# Larger maps, masked pixels included, need no matrix: of 5,000 pixels Vecchia's root is made in a
# quarter of the time, and is mostly faster. By the size of the map, so that galaxies of a batch
# agree.
LARGEST_WITH_MATRIX = 5000
EXPECTED = (
    "expected one of jaxmetal.noise such as noise.manga(), a function of separation in pixels, or "
    "a matrix"
)


def checked(covariance: Any, size: int, where: str) -> Float[np.ndarray, "n n"]:
    """The matrix, if it is one of numbers, square, and as large as the map."""
    try:
        matrix = np.asarray(covariance, float)
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: expected a matrix of numbers, got {type(covariance).__name__}."
        ) from None
    if matrix.shape != (size, size):
        raise InputError(
            f"{where}: expected shape ({size}, {size}) for the {size} measurements row by row, got "
            f"{matrix.shape}."
        )
    return matrix


def by_matrix(matrix: Float[np.ndarray, "n n"], valid: Any, where: str) -> MatrixCorrelation:
    """The correlation of a covariance, or of a correlation matrix.

    Parameters
    ----------
    matrix
        of all measurements in a row.
    valid
        which of them take part; of the others it may hold anything.
    where
        names the matrix in messages.

    Raises
    ------
    InputError
        if the matrix among those that take part is not finite, not symmetric, or not positive
        definite.
    """
    indices = np.flatnonzero(valid)
    block = matrix[np.ix_(indices, indices)]
    if not np.all(np.isfinite(block)):
        i, j = np.argwhere(~np.isfinite(block))[0]
        raise InputError(f"{where}: not finite between measurements {indices[i]} and {indices[j]}.")
    size = np.sqrt(np.abs(np.diag(block)))
    size = np.where(size > 0, size, 1.0)
    block = block / size[:, None] / size
    uneven = np.abs(block - block.T) > ASYMMETRY
    if uneven.any():
        i, j = np.argwhere(uneven)[0]
        pair = (x * size[i] * size[j] for x in (block[i, j], block[j, i]))
        first, second = pair
        raise InputError(
            f"{where}: not symmetric: {first:g} and {second:g} between measurements "
            f"{indices[i]} and {indices[j]}."
        )
    root = np.eye(len(matrix))
    root[np.ix_(indices, indices)] = _root(0.5 * (block + block.T), where)
    return MatrixCorrelation(as_array(root, where))


def _root(block: Float[np.ndarray, "k k"], where: str) -> Float[np.ndarray, "k k"]:
    """The Cholesky root of a correlation matrix."""
    from scipy.linalg import LinAlgError, cholesky

    try:
        root = cholesky(block, lower=True, check_finite=False)
        if np.diag(root).min() ** 2 > len(block) * np.finfo(float).eps:
            return root
    except LinAlgError:
        pass
    values = np.linalg.eigvalsh(block)
    raise InputError(
        f"{where}: not positive definite: its smallest eigenvalue is {values[0]:.3g}, its "
        f"largest {values[-1]:.3g}."
    )


def as_correlation(value: Any, size: int, valid: Any, where: str) -> Correlation | None:
    """A correlation as it may be given.

    Parameters
    ----------
    value
        a Correlation, a function of separation in pixels, a matrix, an astropy Covariance, or None.
    size, valid
        how many measurements the map has, and which of them take part.
    where
        names the argument in messages.

    Raises
    ------
    InputError
        for anything else, and for matrices that are no correlations.
    """
    if value is None or isinstance(value, Correlation):
        return value
    if hasattr(value, "to_dense"):
        value = value.to_dense(correlation=True)
    elif callable(value):
        return _by_function(value, where)
    if not hasattr(value, "shape") and not isinstance(value, list | tuple):
        raise InputError(f"{where}: {EXPECTED}, got {described(value)}.")
    matrix = checked(value, size, where)
    diagonal = np.diag(matrix)[np.ravel(valid)]
    if np.any(np.abs(diagonal - 1) > ASYMMETRY):
        first = diagonal[np.abs(diagonal - 1) > ASYMMETRY][0]
        hint = "give a covariance as covariance=, without sigma"
        raise InputError(f"{where}: expected 1 on the diagonal, got {first:g}; {hint}.")
    return by_matrix(matrix, valid, where)


def _by_function(function: Any, where: str) -> FunctionOfSeparation:
    """A user's function of separation, tried."""
    try:
        numbers = np.asarray(function(jnp.array([0.0, 1.0, 2.5])), float)
    except Exception as error:  # whatever the user's own code raises
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{where}: the function of separation failed ({reason}).") from None
    if numbers.shape != (3,) or not np.all(np.isfinite(numbers)) or abs(numbers[0] - 1) > ASYMMETRY:
        expected = "one finite number for each separation, and 1 at 0"
        raise InputError(f"{where}: the function of separation must give {expected}.")
    return FunctionOfSeparation(function)


def check_correlated(kind: str, likelihood: Likelihood, covariance: Any, correlation: Any) -> None:
    """Refuse a covariance beside a correlation, and either with errors that are not Gaussian.

    Raises
    ------
    InputError
        naming the argument.
    """
    for key, errors in {"covariance": covariance, "correlation": correlation}.items():
        if errors is not None and not likelihood.gaussian:
            problem = "goes with the Gaussian likelihood alone"
            raise InputError(f"{kind}.{key}: {problem}, got {type(likelihood).__name__}.")
    if covariance is not None and correlation is not None:
        problem = "a covariance has its own"
        raise InputError(f"{kind}.correlation: {problem}; leave one of the two out.")


def check_definite(one_map: Any, where: str) -> None:
    """Refuse a correlation by separation that is not positive definite among a map's pixels.

    Raises
    ------
    InputError
        with its smallest eigenvalue.
    """
    correlation = one_map.correlation
    if not isinstance(correlation, BySeparation) or is_traced(correlation):
        return
    spectrum = correlation.spectrum(one_map.instrument.grid)
    # Of a correlation that is as wide as the frame the periodic one says nothing.
    if spectrum.min() > 0 or (np.isfinite(spectrum).all() and one_map.size <= LARGEST_DENSE):
        if not spectrum.min() > 0:
            factorised(one_map, np.flatnonzero(one_map.valid), where)
        return
    least = "not finite" if not np.isfinite(spectrum).all() else f"{spectrum.min():.3g}"
    raise InputError(
        f"{where}: not positive definite: the smallest eigenvalue on its grid is {least}; a larger "
        f"white part (now {float(correlation.white):g}) makes it so."
    )


def factorised(one_map: Any, index: np.ndarray, where: str) -> Float[np.ndarray, "k k"]:
    """The Cholesky root of the correlation among some measurements, in double precision."""
    matrix = np.asarray(one_map.correlation.among(one_map.instrument.grid, jnp.asarray(index)))
    return _root(matrix.astype(float), where)


def unprepared(one_map: Any) -> Noise:
    """The form of a map's errors before a model says what is free: right for anything."""
    if one_map.correlation is None:
        return Independent()
    return Dense(jnp.asarray(np.flatnonzero(one_map.valid), jnp.int32))


def prepared(one_map: Any, free: Collection[str], where: str) -> Noise:
    """The form of a map's errors for what a fit leaves free.

    Parameters
    ----------
    one_map
        the data.
    free
        paths of what is free in it, such as "scatter" or "correlation.length".
    where
        the map's name, for messages.

    Returns
    -------
    noise
        the Cholesky factor where the covariance is fixed but for a factor, or Vecchia's root of a
        large map; the eigenbasis where a scatter is free, and the covariance itself where neither
        will do.

    Raises
    ------
    InputError
        if there are too many measurements.
    """
    if one_map.correlation is None:
        return Independent()
    index = np.flatnonzero(one_map.valid)
    changing = any(path.startswith("correlation.") for path in free)
    fixed = not changing and not _has_scatter(one_map, free)
    if fixed and (root := _without_matrix(one_map)) is not None:
        return root
    _check_count(len(index), fixed, where)
    if fixed:
        return factor(one_map, index, where)
    # A scatter that is a fraction of the flux is different in every pixel.
    if changing or one_map.is_flux:
        return Dense(jnp.asarray(index, jnp.int32))
    return _modes(one_map, index, where)


def _has_scatter(one_map: Any, free: Collection[str]) -> bool:
    """Whether independent scatter adds to the errors, or may."""
    return "scatter" in free or is_traced(one_map.scatter) or float(one_map.scatter) > 0


def _check_count(count: int, fixed: bool, where: str) -> None:
    """Refuse a matrix of too many measurements, with what needs none."""
    if count > LARGEST_FACTOR:
        hint = "" if fixed else " a correlation that is fixed, without scatter, needs none;"
        raise InputError(
            f"{where}.correlation: {count} measurements are too many for a matrix;{hint} "
            'Model(errors="sandwich") needs none.'
        )


def _without_matrix(one_map: Any) -> Noise | None:
    """Vecchia's root for a large map, where its correlation has one."""
    correlation, values = one_map.correlation, one_map.values
    large = values.ndim == 2 and values.size > LARGEST_WITH_MATRIX
    if not large or not isinstance(correlation, BySeparation):
        return None
    grid = one_map.instrument.grid
    return prepared_without_matrix(correlation, grid, np.asarray(one_map.valid), values.dtype)


def factor(one_map: Any, index: np.ndarray, where: str) -> Factor:
    """The inverse Cholesky root of the correlation among some measurements."""
    from scipy.linalg import lapack

    trtri: Any = lapack.get_lapack_funcs("trtri")
    inverse, _ = trtri(factorised(one_map, index, where), lower=1, overwrite_c=1)
    return Factor(jnp.asarray(index, jnp.int32), as_array(inverse, where))


def _modes(one_map: Any, index: np.ndarray, where: str) -> Modes:
    from scipy.linalg import eigh

    root = factorised(one_map, index, where)
    # In units of the typical error: squares of very small ones underflow in nothing then.
    sigma = np.asarray(one_map.sigma, float).ravel()[index]
    unit = np.median(sigma)
    root = root * (sigma / unit)[:, None]
    values, vectors = eigh(root @ root.T, overwrite_a=True, check_finite=False)
    values = np.maximum(values, np.finfo(float).eps * values[-1])
    return Modes(
        jnp.asarray(index, jnp.int32),
        as_array(vectors, where),
        as_array(unit * np.sqrt(values), where),
    )
