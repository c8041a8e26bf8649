"""Stamps of 64 x 64 pixels with Moffat PSFs and free Sersic indices by two processes: time."""

from collections.abc import Iterator

from validation.mock_survey import STAMPS
from validation.survey import fitted, row

# Two shards, one for each process; a thousand take as many times longer as there are more.
GALAXIES = 128


def rows(count: int | None = None) -> Iterator[dict]:
    """One row for all."""
    results, seconds = fitted(STAMPS, count or GALAXIES, broken=0.0)
    yield row({"frame": STAMPS.frames[0], "seconds": seconds}, results)
