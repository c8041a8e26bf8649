"""What a model predicts, and how probable it is, as compiled programs.

Operation by operation, as JAX runs what is not compiled, they would take ten times as long.
"""

from typing import TYPE_CHECKING, Any

from jaxtyping import Array

from jaxmetal.compiling import compiled
from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.information import value_slope_information

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model


@compiled
def predicted(model: "Model", values: Values) -> dict[str, Array]:
    """See `Model.predict`."""
    return model.look(values).predicted


@compiled
def log_likelihood(model: "Model", values: Values) -> Array:
    """See `Model.log_likelihood`."""
    return model.look(values).log_likelihood


@compiled
def log_posterior(model: "Model", unconstrained: Array, with_jacobian: Any) -> Array:
    """See `Model.log_posterior`."""
    point = model.point(unconstrained)
    log_prior = point.log_prior + with_jacobian * point.log_jacobian
    return model.log_likelihood(point.values) + log_prior


@compiled
def information(model: "Model", unconstrained: Array) -> Array:
    """See `Model.information`."""
    return value_slope_information(model, unconstrained)[2]
