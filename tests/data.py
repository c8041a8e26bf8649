"""Where the real observations are, on machines that have them."""

import os
from pathlib import Path

import pytest

from tests.paths import REPOSITORY

PLACES = (os.environ.get("JAXMETAL_DATA"), REPOSITORY.parent / "shared" / "data")


def data_path(name: str) -> Path:
    """The path of an observation; skips the test where there is none.

    Parameters
    ----------
    name
        relative to JAXMETAL_DATA, or else to ../shared/data beside the repository.
    """
    for place in PLACES:
        if place and (Path(place) / name).exists():
            return Path(place) / name
    pytest.skip(
        f"the observation {name} is not on this machine; set JAXMETAL_DATA to the "
        f"folder that holds it"
    )
