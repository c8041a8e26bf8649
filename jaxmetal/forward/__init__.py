"""The forward model: what the telescope would see of a galaxy."""

from jaxmetal.forward.predict import intrinsic, predict, predict_together
from jaxmetal.forward.resolve import resolve

__all__ = ["intrinsic", "predict", "predict_together", "resolve"]
