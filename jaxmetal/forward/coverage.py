"""Whether deflection maps cover the frames of the maps."""

import warnings
from collections.abc import Mapping

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.maps import Map
from jaxmetal.profiles.geometry import pixel_of
from jaxmetal.profiles.lens import deflection_map
from jaxmetal.profiles.profile import Profile, is_traced


def check_coverage(galaxy: Galaxy, maps: Mapping[str, Map]) -> None:
    """Check that every pixel of every frame lies on the galaxy's deflection maps.

    The InputError gives the distance beyond the map.

    Parameters
    ----------
    galaxy
        with its lenses.
    maps
        by name; only their instruments count.

    Warns
    -----
    InputWarning
        if only the margin around a frame, from which the PSF scatters light into it, reaches
        beyond.
    """
    if not any(galaxy.is_lensed(name) for name in galaxy.components):
        return
    for lens, profile in galaxy.lens.items():
        if profile.function is deflection_map:
            for name, one_map in maps.items():
                _check_map(lens, profile, name, one_map)


def _check_map(lens: str, profile: Profile, name: str, one_map: Map) -> None:
    """Check that the frame of a map lies on a deflection map, and warn of its margin."""
    grid, sampling = one_map.instrument.grid, one_map.instrument.sampling
    if is_traced((profile, grid)):
        return
    if (beyond := _beyond(profile, grid, 0)) > 0:
        raise InputError(
            f"{name}: the frame reaches {beyond:.2g} arcsec beyond the deflection map "
            f"lens.{lens}; cut it smaller."
        )
    margin = 0 if sampling is None or sampling.outside != "sky" else sampling.margin
    if (beyond := _beyond(profile, grid, margin)) > 0:
        warnings.warn(
            f"{name}: the margin around the frame reaches {beyond:.2g} arcsec beyond the "
            f"deflection map lens.{lens}, where the "
            "deflection is taken to stay what it is on the map's edge; a smaller "
            "Instrument(margin=) leaves that light out.",
            InputWarning,
            stacklevel=4,
        )


def _beyond(profile: Profile, grid: Grid, margin: int) -> float:
    """How far a frame reaches beyond the pixel centres of a deflection map, arcsec."""
    rows, columns = grid.shape
    before, after = -0.5 - margin, margin - 0.5
    corners = np.array(
        [(c, r) for c in (before, columns + after) for r in (before, rows + after)]
    ).T
    # In double precision, because a frame may end where its map does.
    origin, matrix = np.asarray(grid.origin, float), np.asarray(grid.matrix, float)
    place, step = (np.asarray(profile.parameters[name], float) for name in ("origin", "matrix"))
    x, y = origin[:, None] + matrix @ corners
    pixel = np.stack(pixel_of(x, y, place, step))
    last = np.array(profile.parameters["alpha_x"].shape[::-1])[:, None] - 1
    excess = np.maximum(np.maximum(-pixel, pixel - last), 0.0)
    return float(np.sqrt(abs(np.linalg.det(step))) * np.where(excess > 1e-3, excess, 0.0).max())
