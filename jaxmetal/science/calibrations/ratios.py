"""Indices of emission lines, and the metallicities that they are calibrated to."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmetal.quantities import in_one_unit

Flux = Float[ArrayLike, "..."]
Index = Float[Array, "..."]


def n2(halpha: Flux, nii: Flux) -> Index:
    """The index N2 = log10(nii / halpha).

    Parameters
    ----------
    halpha, nii
        line fluxes, any one unit.

    Returns
    -------
    N2
        dex.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.n2(halpha=2.86, nii=0.5):.2f}")
    -0.76
    """
    # Differences of logarithms: the fluxes may be as small as 1e-20, and float32 ends at 1e-38.
    flux = in_one_unit("n2", halpha=halpha, nii=nii)
    return jnp.log10(flux["nii"]) - jnp.log10(flux["halpha"])


def o3n2(halpha: Flux, hbeta: Flux, oiii: Flux, nii: Flux) -> Index:
    """The index O3N2 = log10(oiii / hbeta) - log10(nii / halpha).

    Parameters
    ----------
    halpha, hbeta, oiii, nii
        line fluxes, any one unit.

    Returns
    -------
    O3N2
        dex.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.o3n2(halpha=2.86, hbeta=1.0, oiii=1.0, nii=0.5):.2f}")
    0.76
    """
    flux = in_one_unit("o3n2", oiii=oiii, hbeta=hbeta)
    return jnp.log10(flux["oiii"]) - jnp.log10(flux["hbeta"]) - n2(halpha, nii)


def n2_marino13(halpha: Flux, nii: Flux) -> Index:
    """N2 calibrated on electron temperatures of HII regions.

        Z = 8.743 + 0.462 N2,   -1.6 < N2 < -0.2,   scatter 0.16 dex

    Parameters
    ----------
    halpha, nii
        line fluxes, any one unit.

    Returns
    -------
    Z
        12 + log(O/H), dex.

    References
    ----------
    Marino et al. (2013), A&A 559, A114, eq. 4.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.n2_marino13(halpha=2.86, nii=0.5):.2f}")
    8.39
    """
    return 8.743 + 0.462 * n2(halpha, nii)


def o3n2_marino13(halpha: Flux, hbeta: Flux, oiii: Flux, nii: Flux) -> Index:
    """O3N2 calibrated on electron temperatures of HII regions.

        Z = 8.533 - 0.214 O3N2,   -1.1 < O3N2 < 1.7,   scatter 0.18 dex

    Parameters
    ----------
    halpha, hbeta, oiii, nii
        line fluxes, any one unit.

    Returns
    -------
    Z
        12 + log(O/H), dex.

    References
    ----------
    Marino et al. (2013), A&A 559, A114, eq. 2.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.o3n2_marino13(halpha=2.86, hbeta=1.0, oiii=1.0, nii=0.5):.2f}")
    8.37
    """
    return 8.533 - 0.214 * o3n2(halpha, hbeta, oiii, nii)


def n2_pettini04(halpha: Flux, nii: Flux) -> Index:
    """The linear form of N2 of Pettini & Pagel.

        Z = 8.90 + 0.57 N2,   -2.5 < N2 < -0.3,   scatter 0.18 dex

    Parameters
    ----------
    halpha, nii
        line fluxes, any one unit.

    Returns
    -------
    Z
        12 + log(O/H), dex.

    References
    ----------
    Pettini & Pagel (2004), MNRAS 348, L59, eq. 1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.n2_pettini04(halpha=2.86, nii=0.5):.2f}")
    8.47
    """
    return 8.90 + 0.57 * n2(halpha, nii)


def o3n2_pettini04(halpha: Flux, hbeta: Flux, oiii: Flux, nii: Flux) -> Index:
    """O3N2 of Pettini & Pagel.

        Z = 8.73 - 0.32 O3N2,   -1 < O3N2 < 1.9,   scatter 0.14 dex

    Parameters
    ----------
    halpha, hbeta, oiii, nii
        line fluxes, any one unit.

    Returns
    -------
    Z
        12 + log(O/H), dex.

    References
    ----------
    Pettini & Pagel (2004), MNRAS 348, L59, eq. 3.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.calibrations.o3n2_pettini04(halpha=2.86, hbeta=1.0, oiii=1.0, nii=0.5):.2f}")
    8.49
    """
    return 8.73 - 0.32 * o3n2(halpha, hbeta, oiii, nii)


def star_forming(halpha: Flux, hbeta: Flux, oiii: Flux, nii: Flux) -> Bool[Array, "..."]:
    """The star-forming side of Kauffmann's line in the BPT diagram.

    On the other side an active nucleus or old stars ionise the gas.

        log10(oiii / hbeta) < 0.61 / (N2 - 0.05) + 1.3   and   N2 < 0.05

    Parameters
    ----------
    halpha, hbeta, oiii, nii
        line fluxes, any one unit.

    Returns
    -------
    mask
        True where star-forming; False also where a flux is not positive or not finite.

    References
    ----------
    Baldwin, Phillips & Terlevich (1981), PASP 93, 5; Kauffmann et al. (2003), MNRAS 346, 1055.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> bool(jm.calibrations.star_forming(halpha=2.86, hbeta=1.0, oiii=1.0, nii=0.5))
    True
    """
    flux = in_one_unit("star_forming", oiii=oiii, hbeta=hbeta)
    x, y = n2(halpha, nii), jnp.log10(flux["oiii"]) - jnp.log10(flux["hbeta"])
    defined = x < 0.05
    limit = 0.61 / jnp.where(defined, x - 0.05, -1.0) + 1.3
    return defined & (y < limit) & jnp.isfinite(x) & jnp.isfinite(y)
