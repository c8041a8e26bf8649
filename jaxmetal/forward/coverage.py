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
    profiles = {
        name: profile for name, profile in galaxy.lens.items() if profile.function is deflection_map
    }
    if not any(galaxy.is_lensed(name) for name in galaxy.components):
        return
    for lens, profile in profiles.items():
        for name, one_map in maps.items():
            if is_traced((profile, one_map.instrument.grid)):
                continue
            if (beyond := _beyond(profile, one_map.instrument.grid, 0)) > 0:
                raise InputError(
                    f"{name}: the frame reaches {beyond:.2g} arcsec beyond the deflection map "
                    f"lens.{lens}; cut it smaller."
                )
            sampling = one_map.instrument.sampling
            margin = 0 if sampling is None or sampling.outside != "sky" else sampling.margin
            if (beyond := _beyond(profile, one_map.instrument.grid, margin)) > 0:
                warnings.warn(
                    f"{name}: the margin around the frame reaches {beyond:.2g} arcsec beyond the "
                    f"deflection map lens.{lens}, where the "
                    "deflection is taken to stay what it is on the map's edge; a smaller "
                    "Instrument(margin=) leaves that light out.",
                    InputWarning,
                    stacklevel=3,
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
