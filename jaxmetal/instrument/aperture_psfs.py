"""A PSF for each aperture: slitlets and fibres that were exposed in seeings of their own."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF


class AperturePSFs(PSF):
    """Several PSFs, and which of them each aperture of an instrument has.

        M_a = A_a · (K_p(a) ∗ I)

    The profiles are evaluated once, and convolved once for every PSF.

    Parameters
    ----------
    psfs
        by name; what is free in one has the path "map.instrument.psf.NAME.fwhm" and the like.
    names
        of the PSF of each aperture, in their order, shape (n,).

    Raises
    ------
    InputError
        if there is no PSF, or a name is not one of theirs.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> psfs = {"night 1": jm.MoffatPSF(0.8, 2.8), "night 2": jm.MoffatPSF(1.2, 2.8)}
    >>> jm.AperturePSFs(psfs, ["night 1", "night 1", "night 2"]).index.tolist()
    [0, 0, 1]
    """

    adjustable: ClassVar = ("psfs",)
    psfs: dict[str, PSF]
    index: Int[Array, " n"]

    def __init__(self, psfs: Mapping[str, PSF], names: Sequence[str]):
        if not isinstance(psfs, Mapping) or not psfs:
            raise InputError(f"AperturePSFs: expected PSFs by name, got {described(psfs)}.")
        for name, psf in psfs.items():
            if not isinstance(psf, PSF) or isinstance(psf, AperturePSFs):
                raise InputError(f"AperturePSFs[{name!r}]: expected a PSF, got {described(psf)}.")
        self.psfs = dict(sorted(psfs.items()))
        places = {name: place for place, name in enumerate(self.psfs)}
        for name in names:
            if name not in places:
                raise unknown("PSF", name, places, "AperturePSFs")
        self.index = jnp.asarray([places[name] for name in names], int)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Float[Array, "psfs ..."]:
        """The Fourier transforms, with a first axis of PSFs."""
        return jnp.stack([psf.transfer(grid, kx, ky) for psf in self.psfs.values()])

    def radius(self, outside: float, pixel_scale: float) -> float:
        """The largest of all PSFs, arcsec."""
        return max(psf.radius(outside, pixel_scale) for psf in self.psfs.values())

    def of_each(self, sums: Float[Array, "images psfs n"]) -> Float[Array, "images n"]:
        """What each aperture receives through its own PSF, of what it would through all of them."""
        return sums[:, self.index, np.arange(len(self.index))]
