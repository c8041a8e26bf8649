"""Rao's score test: would the data rather have a parameter that the fit holds fixed?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from astropy.table import Table
from jax.scipy.special import gammaincc
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.errors import InputError, check_type
from jaxmetal.galaxy import get
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.information import value_slope_information
from jaxmetal.inference.instruments import with_samplings
from jaxmetal.inference.laplace import inverses
from jaxmetal.inference.model import Model
from jaxmetal.inference.placement import named_parts
from jaxmetal.maps import Map

# What is tested by default: of each map its place on the sky, its errors and, where it has one
# number, the width of its PSF.
TESTED = (
    "instrument.psf.fwhm",
    "calibration.shift_x",
    "calibration.shift_y",
    "calibration.error_scale",
)
# The name of the row that tests all parameters together.
TOGETHER = "all together"


def score_test(model: Model, fit: Fit, paths: Sequence[str] | None = None) -> Table:
    """Whether the data ask for parameters that a fit holds fixed, by one Jacobian at its end.

        s = g_e - F_ef F_ff⁻¹ g_f,   V = F_ee - F_ef F_ff⁻¹ F_fe,   sᵀ V⁻¹ s ~ chi-square of dim e

    of the slope g of the log posterior and the Fisher information F of the fixed parameters e and
    those that are free, f. Where the model is right the statistic of one parameter exceeds 3.84 in
    5 % of all fits.

    Parameters
    ----------
    model, fit
        a model and its fit.
    paths
        of the parameters to be tested, single numbers; by default, of each map, its place on the
        sky, the scale of its errors, and the FWHM of its PSF where it has one.

    Returns
    -------
    table
        a row for each parameter and, where there are several, one for all together, with the
        columns "parameter"; "statistic" and "p_value"; "value", to which one step of Fisher scoring
        would bring the parameter; and "shift", the most that a free parameter would move then, in
        units of its error. A large shift without a small p-value is an error that these data cannot
        show: it lies where the free parameters can make up for it.

    Raises
    ------
    InputError
        for a path that does not exist, is free already or is no single number.

    References
    ----------
    Rao (1948), Proc. Camb. Phil. Soc. 44, 50; Engle (1984), Handbook of Econometrics II, 775.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> table = jm.score_test(model, jm.optimise(model), ["z.instrument.psf.fwhm"])
    >>> table.colnames
    ['parameter', 'statistic', 'p_value', 'value', 'shift']
    """
    check_type(model, Model, "score_test: model", MODEL_HINT)
    check_type(fit, Fit, "score_test: fit", "write score_test(model, optimise(model))")
    larger, names = extended(model, fit, paths)
    _, slope, information = _expansion(larger, larger.start)
    result = scores(np.asarray(slope, float), np.asarray(information, float), len(names))
    values = larger.constrain(larger.start + jnp.asarray(result.step, larger.start.dtype))
    rows = [
        (name, result.statistics[i], result.p_values[i], float(values[name]), result.shifts[i])
        for i, name in enumerate(names)
    ]
    if len(names) > 1:
        rows.append(
            (TOGETHER, result.statistics[-1], result.p_values[-1], np.nan, result.shifts[-1])
        )
    return Table(rows=rows, names=("parameter", "statistic", "p_value", "value", "shift"))


def extended(
    model: Model, fit: Fit, paths: Sequence[str] | None = None
) -> tuple[Model, tuple[str, ...]]:
    """The model with further free parameters, at the values of a fit, and the names of those.

    Their priors are flat around the values, which are at 0 in unconstrained coordinates.

    Parameters
    ----------
    model, fit, paths
        as for `score_test`.
    """
    galaxy, maps = model.scene_at({name: jnp.asarray(v) for name, v in fit.parameters.items()})
    parts = named_parts(galaxy, maps)
    names = tuple(dict.fromkeys(_default_paths(maps, model) if paths is None else paths))
    taken = {*model.free, *(path for path, _ in model.ties)}
    for name in names:
        if name in taken:
            raise InputError(f"score_test: {name} is free already.")
    priors: dict[str, Any] = {**model.priors, **dict(model.ties)}
    if model.linear:
        raise InputError(f"score_test: not with Linear amplitudes; give {model.linear[0]} a prior.")
    further = {name: _flat_about(name, get(parts, name), maps) for name in names}
    # The PSFs may change.
    bare = with_samplings(maps, maps, model.together)
    return Model(galaxy, bare, priors | further, model.accuracy, model.errors), names


def _default_paths(maps: dict[str, Map], model: Model) -> list[str]:
    """The paths of `TESTED` that the maps have and that are not free."""
    free = {*model.free, *(path for path, _ in model.ties)}
    paths = [f"{name}.{path}" for name in maps for path in TESTED]
    return [path for path in paths if path not in free and _has(maps, path)]


def _has(maps: dict[str, Map], path: str) -> bool:
    try:
        return np.shape(get(maps, path)) == ()
    except InputError:
        return False


def _flat_about(path: str, value: Any, maps: dict[str, Map]) -> dist.Uniform:
    """A flat prior around a value: by half of it, or by a pixel of the map where it is zero."""
    if np.shape(value) != ():
        raise InputError(f"score_test: {path} is no single number.")
    center = float(value)
    first = maps.get(path.split(".")[0], next(iter(maps.values())))
    width = 0.5 * abs(center) or float(first.instrument.grid.pixel_scale)
    return dist.Uniform(center - width, center + width)


class Scores(NamedTuple):
    """The result of a score test; see `score_test`. What is of each parameter ends with all.

    Parameters
    ----------
    statistics, p_values, shifts
        of each parameter that was tested, and of all together.
    step
        of all parameters, the free ones first, in unconstrained coordinates, with each tested
        parameter where it would go alone.
    """

    statistics: Float[np.ndarray, " tests"]
    p_values: Float[np.ndarray, " tests"]
    shifts: Float[np.ndarray, " tests"]
    step: Float[np.ndarray, " n"]


def scores(
    slope: Float[np.ndarray, " n"], information: Float[np.ndarray, "n n"], further: int
) -> Scores:
    """The score test of the last parameters of an expansion of the log posterior.

    Parameters
    ----------
    slope, information
        of all parameters at a maximum in the first ones.
    further
        how many are tested, the last ones.
    """
    free = len(slope) - further
    covariance = inverses(information[None, :free, :free])[0]
    mixed = information[:free, free:]
    score = slope[free:] - mixed.T @ covariance @ slope[:free]
    left = information[free:, free:] - mixed.T @ covariance @ mixed
    moved = -covariance @ mixed / np.sqrt(np.diag(covariance))[:, None]
    alone = score / np.diag(left)
    whole = inverses(left[None])[0] @ score
    statistics = np.append(score * alone, score @ whole)
    freedom = np.append(np.ones(further), further)
    p_values = np.asarray(gammaincc(freedom / 2, np.maximum(statistics, 0) / 2), float)
    shifts = np.append(np.abs(moved * alone).max(axis=0), np.abs(moved @ whole).max())
    return Scores(statistics, p_values, shifts, np.append(np.zeros(free), alone))


@compiled_soon
def _expansion(model: Model, u: Array) -> tuple[Array, Array, Array]:
    return value_slope_information(model, u)
