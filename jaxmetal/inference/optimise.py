"""The most probable parameters, and their errors: an ascent, then Laplace."""

import math

import numpy as np

from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.inference.ascent import METHODS, arrived
from jaxmetal.inference.branches import mirrored
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.climbing import (
    best_of,
    climbed,
    heights_at,
    scaled_points,
    surroundings,
)
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.fit_programs import ALONE
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.maxima import far_from, rivals, with_ends
from jaxmetal.inference.model import Model
from jaxmetal.inference.progress import bar
from jaxmetal.inference.sampling_cost import cost_of_sampling, refined
from jaxmetal.inference.starts import can_be_scaled
from jaxmetal.inference.symmetries import Maxima, symmetries
from jaxmetal.threads import side_by_side

# An ascent that has not converged continues from where it is this many times at most.
ROUNDS = 4
# The sampling is chosen again where a fit ended at most this many times.
REFINEMENTS = 3
# The response to random fields is computed again until no parameter moves by this part of an error.
NEAR = 0.05
# A fit that converged may be lower in log posterior by this, a matter of rounding, than one that
# did not.
LITTLE = 0.1
# Which density is maximised: in the parameters' own units, or in unconstrained coordinates.
OWN_UNITS, ON_THE_LINE = 0.0, 1.0


def optimise(
    model: Model,
    starts: int = 4,
    method: str = "fisher",
    steps: int | None = None,
    seed: int = 0,
    *,
    progress: bool | None = None,
) -> Fit:
    """The maximum of the posterior density (MAP), and the Laplace approximation around it.

        theta_MAP = argmax [log p(data | theta) + log p(theta)]

        covariance = [-∂² log posterior]⁻¹ at theta_MAP

    The best of several starts is taken. Fisher scoring refines it, whatever the method. The second
    derivatives are differences of the gradient across a fraction of an error. Where a parameter
    lies at the edge of its prior, or the data hardly constrain it, errors come from the maximum of
    the density in unconstrained coordinates, and samplers start there: at an edge the density in
    own units has no curvature.

    Where line ratios have the same value at another metallicity, an ascent starts there too. Other
    maxima that are nearly as probable are `fit.others`, and the message tells their odds.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    starts
        how many: the galaxy's own values first, then points half-way from there to draws from the
        priors. Free amplitudes of light are scaled to the light maps in all of them.
    method
        "fisher" (scoring: Levenberg-Marquardt for any likelihood), "lbfgs" or "adam" (Optax).
    steps
        the most steps of the method; 40, and 600 for Adam, if left out.
    seed
        of the draws.
    progress
        whether to show progress; if left out, on a terminal, in a notebook, and every half
        minute in a log.

    Returns
    -------
    fit
        parameters, covariance, galaxy; `fit.converged` and `fit.message` say whether to trust it.

    Raises
    ------
    InputError
        if nothing is free, or the start has no finite density.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.model())
    >>> fit.converged
    True
    >>> print(f"{fit.parameters['disc.metallicity.gradient']:.2f}")
    -0.09
    """
    check_type(model, Model, "optimise: model", MODEL_HINT)
    steps = most_steps(model, starts, method, steps)
    # Not by `model.start`, which would be compiled for nothing else.
    count = sum(math.prod(prior.shape()) for prior in model.priors.values())
    with bar(None, progress, f"fitting {count} parameters"):
        points = _first_points(model, starts, seed)
        fit, points, heights = _best(model, points, method, steps)
        ends = points, heights
        here = fit.unconstrained[None]
        if others := mirrored([model], here, lambda form: ALONE.sweep(model, here, form))[0]:
            both = np.stack([fit.unconstrained, *others])
            fit, *more = _best(model, both, method, steps)
            points, heights = np.concatenate([points, more[0]]), np.append(heights, more[1])
        for _ in range(REFINEMENTS):
            cost = cost_of_sampling(model, fit)
            finer = model if cost.is_enough(model.accuracy) else refined(model, fit, cost)
            if finer is model:
                break
            model = finer
            fit, *_ = _best(model, fit.unconstrained[None], method, steps)
        if model.fields is not None:
            model, fit = _fields_followed(model, fit, method, steps)
        fit = rivals(fit, points, heights, lambda point: _best(model, point, method, steps)[0])
        fit = with_ends(fit, *ends)
        return fit.with_caveats(*_symmetries_of(model, fit))


def _symmetries_of(model: Model, fit: Fit) -> tuple[str, ...]:
    """The caveat that names what may be done to a fit without making it less probable."""
    point, covariance = fit.unconstrained[None], fit.unconstrained_covariance[None]
    here = ALONE.look(model, point)
    converged = np.array([fit.converged])
    maxima = Maxima(point, covariance, here.values, here.log_posterior, converged)
    return symmetries(
        [model],
        maxima,
        line_at=lambda values: ALONE.line(model, values),
        heights_at=lambda points: heights_at(ALONE, model, points),
    )[0]


def _fields_followed(model: Model, fit: Fit, method: str, steps: int) -> tuple[Model, Fit]:
    """The model linear in its random fields near its own fit, and that fit."""
    for _ in range(REFINEMENTS):
        before = fit.unconstrained
        model = model.with_fields_at(fit.galaxy, fit.maps)
        fit, *_ = _best(model, before[None], method, steps)
        errors = np.sqrt(np.diag(fit.unconstrained_covariance))
        if not np.any(np.abs(fit.unconstrained - before) > NEAR * errors):
            break
    return model, fit


def _best(
    model: Model, points: np.ndarray, method: str, steps: int
) -> tuple[Fit, np.ndarray, np.ndarray]:
    """The fit at the end of the best of several ascents; where all ended, and how high.

    Where Fisher scoring does not arrive, L-BFGS begins at the same points.
    """
    fit, ends, heights = _ascended(model, points, method, steps)
    if fit.converged or not falls_back(model, method):
        return fit, ends, heights
    again, *others = _ascended(model, points, "lbfgs", METHODS["lbfgs"][1])
    gain = again.log_likelihood + again.log_prior - fit.log_likelihood - fit.log_prior
    if not gain > (-LITTLE if again.converged else 0.0):
        return fit, ends, heights
    return again, np.concatenate([ends, others[0]]), np.append(heights, others[1])


def falls_back(model: Model, method: str) -> bool:
    """Whether L-BFGS may succeed where this method does not: Fisher scoring of outliers.

    The expected curvature of errors with heavy tails is positive also where that of the posterior
    is negative, and the steps by it are too long or too short there.

    Parameters
    ----------
    model, method
        of the fit.
    """
    return method == "fisher" and not all(m.likelihood.gaussian for m in model.maps.values())


def _ascended(
    model: Model, points: np.ndarray, method: str, steps: int
) -> tuple[Fit, np.ndarray, np.ndarray]:
    """As `_best`, by one method."""
    for _ in range(ROUNDS):
        # One start after the other: under vmap all would run until the longest ends.
        summits = [climbed(ALONE, model, p[None], method, steps, OWN_UNITS) for p in points]
        points, heights = (np.concatenate([s[i] for s in summits]) for i in (0, 1))
        if not np.any(np.isfinite(heights)):
            raise InputError(
                "optimise: the log density is not finite at any start; check the starting values, "
                "priors and data."
            )
        best = best_of(summits)
        fits = Fits([model], best.point, surroundings(ALONE, model, best, OWN_UNITS))
        if fits.prior_matters[0]:
            mode = climbed(ALONE, model, best.point, method, steps, ON_THE_LINE)
            around = surroundings(ALONE, model, mode, ON_THE_LINE)
            fits = fits.with_modes(np.array([0]), mode.point, around)
            if fits.trapped[0]:
                points, heights = fits.unconstrained, heights.max(keepdims=True)
                continue
        if fits.gains[0] < arrived(fits.points.shape[1]):
            break
    if fits.has_mode[0]:
        # Along a scatter of zero ascents end anywhere; they are one maximum, whose mode is known.
        points = np.where(far_from(best, points)[:, None], points, fits.unconstrained)
    return fits[0], points, heights


def most_steps(model: Model, starts: int, method: str, steps: int | None) -> int:
    """The maximum number of steps of an ascent; an InputError for invalid arguments."""
    if method not in METHODS:
        raise unknown("method", method, METHODS, "optimise")
    if starts < 1:
        raise InputError(f"optimise: starts must be at least 1, got {starts}.")
    if not model.names:
        raise InputError(
            "optimise: nothing is free; give the model a prior for at least one parameter."
        )
    return METHODS[method][1] if steps is None else steps


def _first_points(model: Model, starts: int, seed: int) -> np.ndarray:
    """The points where ascents begin, by programs that a fit needs anyway.

    Free amplitudes of light are scaled to the light maps. The program of the ascent is compiled
    meanwhile.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    starts
        how many points.
    seed
        of the draws.
    """
    points = np.asarray(ALONE.start(model, starts, seed))

    def compile_ascent() -> None:
        # An ascent of no steps.
        climbed(ALONE, model, points[:, 0], "fisher", 0, OWN_UNITS)

    def scaled() -> np.ndarray:
        if not can_be_scaled(model):
            # The report of the fit needs this program.
            ALONE.look(model, points[:, 0])
        return scaled_points(ALONE, model, model, points)

    return side_by_side(lambda job: job(), (compile_ascent, scaled))[1][0]
