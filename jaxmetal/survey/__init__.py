"""Surveys: all galaxies of a catalogue fitted by one configuration, with a catalogue of results.

`io` reads the configuration and the files of each galaxy, and does not depend on this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmetal.survey.master import run
    from jaxmetal.survey.output import collect
    from jaxmetal.survey.state import status

# Module of each public name, imported on first use.
_HOMES = {"collect": "output", "run": "master", "status": "state"}
__all__ = ["collect", "run", "status"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxmetal.survey' has no attribute {name!r}")
    return getattr(import_module(f"jaxmetal.survey.{_HOMES[name]}"), name)
