"""The outcome of one galaxy of a survey."""

from dataclasses import dataclass, field

from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.scene import Scene


@dataclass
class Outcome:
    """The results of one galaxy, as far as it was computed.

    Parameters
    ----------
    row, id
        of the galaxy in the catalogue.
    note
        the InputWarnings about its input.
    message
        what the user should know about its fit or posterior, or why there is none.
    scene, model, fit, posterior
        None where a step was not reached.
    units
        of the parameters, in the order of the fit's labels.
    inputs
        the state of the files that it was computed from; see `io.inputs.fingerprint`.
    unread
        whether its files could not be read, though they could when the survey was planned.
    """

    row: int
    id: str
    note: str = ""
    message: str = ""
    scene: Scene | None = None
    model: Model | None = None
    fit: Fit | None = None
    posterior: Posterior | None = None
    units: list[str] = field(default_factory=list)
    inputs: str = ""
    unread: bool = False

    @property
    def answered(self) -> bool:
        """Whether it has a fit, or a posterior, that converged."""
        result = self.posterior or self.fit
        return result is not None and result.converged
