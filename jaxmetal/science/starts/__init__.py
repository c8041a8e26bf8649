"""Starting values and weak priors from the data."""

from jaxmetal.science.starts.guess import Guess, Line, guess

__all__ = ["Guess", "Line", "guess"]
