"""Many galaxies from one command: a catalogue and a configuration in, shards of results and a catalogue out.

It stands on `io`, which reads the configuration and the files of each galaxy; nothing there knows
of surveys.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmetal.survey.master import run
    from jaxmetal.survey.output import collect
    from jaxmetal.survey.state import status

# Loaded on first use, as the package's own names are.
_HOMES = {"collect": "output", "run": "master", "status": "state"}
__all__ = ["collect", "run", "status"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxmetal.survey' has no attribute {name!r}")
    return getattr(import_module(f"jaxmetal.survey.{_HOMES[name]}"), name)
