"""A reader of a survey that jaxmetal does not know: arrays of NumPy in .npz files."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

import jaxmetal as jm
from jaxmetal.io.readers import Geometry, Reading, ReadMap

OIII, HALPHA = 5008.0, 6565.0


NotNegative = Annotated[float, Field(ge=0)]


def read(path, *, floor: NotNegative = 0.0, seeing: Path | None = None) -> Reading:
    """Maps with errors of at least `floor`; the FWHM at 5000 Angstrom is in the file `seeing`."""
    with np.load(path) as arrays:
        galaxy = dict(arrays)
    stretch = 1 + float(galaxy["redshift"])
    fwhm = 2.0 if seeing is None else float(Path(seeing).read_text())

    def psf(wavelength: float) -> jm.MoffatPSF:
        return jm.MoffatPSF(fwhm * (wavelength / 5000.0) ** -0.2, beta=3.0)

    z = ReadMap(
        galaxy["oh"],
        np.maximum(galaxy["oh_error"], floor),
        unit="dex",
        tracer="metallicity",
        wavelength=HALPHA * stretch,
    )
    oiii = ReadMap(galaxy["oiii"], galaxy["oiii_error"], wavelength=OIII * stretch)
    disc = Geometry(
        effective_radius=float(galaxy["r_e"]),
        inclination=float(galaxy["inclination"]),
        position_angle=float(galaxy["pa"]),
        redshift=float(galaxy["redshift"]),
    )
    grid = jm.Grid.regular(galaxy["oh"].shape, 0.5)
    return Reading({"oh": z, "oiii": oiii}, grid=grid, psf=psf, geometry=disc, name=path.stem)


def shifted(path) -> Reading:
    """A grid that nothing in a folder of results could state."""
    grid = jm.Grid([1.0, 0.0], [[0.5, 0.0], [0.0, 0.5]], (20, 20))
    return Reading({"z": ReadMap(np.zeros((20, 20)), 1.0)}, grid=grid)


def wrong(path):
    """Returns no Reading."""
    return 3


def broken(path):
    """Has a mistake of its own."""
    return {}["galaxy"]
