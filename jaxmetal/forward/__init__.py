"""The forward model: what the telescope would see of a galaxy."""

from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.observe import predict_groups, predict_together
from jaxmetal.forward.predict import intrinsic, predict
from jaxmetal.forward.resolve import resolve

__all__ = [
    "check_coverage",
    "intrinsic",
    "predict",
    "predict_groups",
    "predict_together",
    "resolve",
]
