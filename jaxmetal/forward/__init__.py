"""The forward model: what the telescope would see of a galaxy."""

from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.predict import intrinsic, predict, predict_together
from jaxmetal.forward.resolve import resolve

__all__ = ["check_coverage", "intrinsic", "predict", "predict_together", "resolve"]
