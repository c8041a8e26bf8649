"""The predictions of some parameter values, and the log likelihood of the data."""

from typing import NamedTuple

from jaxtyping import Array, Float

from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.fields import Integral
from jaxmetal.inference.linear import Solution
from jaxmetal.maps import Map


class Look(NamedTuple):
    """What some values predict.

    Parameters
    ----------
    values
        as given, with the Linear amplitudes that go with them.
    maps, predicted
        {name: map with its own values in place}, {name: predicted image}.
    log_likelihood
        of all maps, marginalised over the Linear amplitudes and random fields.
    solution
        of the Linear amplitudes, or None.
    integral
        over the modes of random fields, or None.
    """

    values: Values
    maps: dict[str, Map]
    predicted: dict[str, Array]
    log_likelihood: Float[Array, ""]
    solution: Solution | None
    integral: Integral | None
