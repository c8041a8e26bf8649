"""What the data tell of one parameter, and the weak prior that goes with it."""

from typing import Any, NamedTuple

import numpy as np
import numpyro.distributions as dist

from jaxmetal.profiles.ranges import ELLIPTICITY, Range

# Widths of priors of positive numbers, of the natural logarithm.
SIZE, BRIGHTNESS = 0.7, 1.0
# Ellipticities beyond which no prior reaches.
FLAT = 0.9
# A prior without an end of its own, beside one with, ends after this many widths.
FAR = 10.0
SMALLEST = 1e-30


class Estimate(NamedTuple):
    """What the data tell of one parameter.

    Parameters
    ----------
    value
        to start from, in the parameter's unit; None to leave it as it is.
    source
        where it comes from, in words.
    width
        standard deviation of its prior; None for no prior, the parameter is held.
    factor
        that of the natural logarithm, where the parameter is positive.
    tied
        the path of a parameter that it follows instead; empty for none.
    """

    value: float | None
    source: str
    width: float | None = None
    factor: float = SIZE
    tied: str = ""


def weak_prior(estimate: Estimate, allowed: Range | None) -> Any:
    """A wide prior about a value, inside the range that the parameter's description declares.

    Parameters
    ----------
    estimate
        with a value and a width.
    allowed
        what the parameter may be; None for any number.

    Returns
    -------
    prior
        normal for any number, log-normal for positive ones, else truncated at the ends.
    """
    assert estimate.value is not None and estimate.width is not None
    value, width = estimate.value, estimate.width
    if allowed is None:
        return dist.Normal(value, width)
    if allowed.low == 0 and allowed.high == np.inf:
        return dist.LogNormal(float(np.log(max(value, SMALLEST))), estimate.factor)
    low, high = allowed.low, allowed.high
    if allowed is ELLIPTICITY:
        low, high = -FLAT, FLAT
    low = low if np.isfinite(low) else value - FAR * width
    high = high if np.isfinite(high) else value + FAR * width
    return dist.TruncatedNormal(value, width, low=low, high=high)


def inside(value: float, allowed: Range | None) -> float:
    """The number, or the nearest one well inside of what the parameter may be."""
    if allowed is None:
        return value
    if allowed is ELLIPTICITY:
        return float(np.clip(value, 0.9 * -FLAT, 0.9 * FLAT))
    if np.isfinite(allowed.low) and np.isfinite(allowed.high):
        edge = 0.01 * (allowed.high - allowed.low)
        return float(np.clip(value, allowed.low + edge, allowed.high - edge))
    step = 1e-3 * max(abs(value), 1.0)
    if np.isfinite(allowed.low) and value <= allowed.low:
        return allowed.low + step
    if np.isfinite(allowed.high) and value >= allowed.high:
        return allowed.high - step
    return value


def describe(prior: Any) -> str:
    """A prior in words, with its numbers.

    Parameters
    ----------
    prior
        a distribution of this module, a `Tied`, None, or what a text says of it.

    Returns
    -------
    text
        such as "normal(8.6, 0.3)", or "held" without a prior.
    """
    if prior is None or isinstance(prior, str):
        return prior or "held"
    if hasattr(prior, "paths"):
        return f"tied to {', '.join(prior.paths)}"
    name, numbers = numbers_of(prior)
    return f"{name}({', '.join(f'{number:.4g}' for number in numbers)})"


def numbers_of(prior: Any) -> tuple[str, list[float]]:
    """The family of a prior and its numbers, as a configuration writes them.

    Parameters
    ----------
    prior
        one of the distributions that `guess` gives.

    Returns
    -------
    family, numbers
        such as "log_normal", [median, standard deviation of the natural logarithm].
    """
    numbers: list[Any]
    if isinstance(prior, dist.LogNormal):
        family, numbers = "log_normal", [np.exp(np.asarray(prior.loc)), prior.scale]
    elif isinstance(prior, dist.HalfNormal):
        family, numbers = "half_normal", [prior.scale]
    elif isinstance(prior, dist.Normal):
        family, numbers = "normal", [prior.loc, prior.scale]
    else:
        family = "truncated_normal"
        numbers = [prior.base_dist.loc, prior.base_dist.scale, prior.low, prior.high]
    return family, [float(np.asarray(number)) for number in numbers]
