"""Strong-line calibrations: from ratios of emission lines to 12 + log(O/H).

The lines are halpha (6563), hbeta (4861), oiii (5007) and nii (6584), as fluxes in any one unit;
the pairs lie so close in wavelength that dust hardly changes their ratios. The two of a pair may be
astropy Quantities, converted to one unit.

    N2 = log10(nii / halpha),   O3N2 = log10(oiii / hbeta) - N2
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import in_one_unit

# The lines of this module by their names in `emission.WAVELENGTHS`.
LINES = {"halpha": "Ha", "hbeta": "Hb", "oiii": "OIII5007", "nii": "NII6584"}

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
    """
    return 8.73 - 0.32 * o3n2(halpha, hbeta, oiii, nii)


@dataclass(frozen=True)
class Calibration:
    """A diagnostic with its domain; call it with the fluxes of its lines, by name.

    Parameters
    ----------
    function
        `Z = f(**fluxes)`, dex.
    index
        the line ratio that the domain is about, a function of the same fluxes.
    domain
        lowest and highest index for which the calibration was made.
    scatter
        of the calibrators about the relation, dex.
    """

    function: Callable[..., Array]
    index: Callable[..., Array]
    domain: tuple[float, float]
    scatter: float

    @property
    def lines(self) -> tuple[str, ...]:
        """The names of the lines it needs."""
        return tuple(inspect.signature(self.function).parameters)

    def __call__(self, **fluxes: Flux) -> Index:
        """12 + log(O/H), dex; lines that it does not need are not used."""
        return self.function(**self.needed(fluxes))

    def needed(self, fluxes: Mapping[str, Flux]) -> dict[str, Flux]:
        """The fluxes of the lines it needs.

        Parameters
        ----------
        fluxes
            by name; further lines are not used.

        Returns
        -------
        fluxes
            of these lines alone.

        Raises
        ------
        InputError
            if one is missing.
        """
        missing = [line for line in self.lines if line not in fluxes]
        if missing:
            raise InputError(
                f"{self.function.__name__}: missing line {', '.join(missing)}; "
                f"it needs {', '.join(self.lines)}, got {', '.join(fluxes)}."
            )
        return {line: fluxes[line] for line in self.lines}


CALIBRATIONS = {
    "n2_m13": Calibration(n2_marino13, n2, (-1.6, -0.2), 0.16),
    "o3n2_m13": Calibration(o3n2_marino13, o3n2, (-1.1, 1.7), 0.18),
    "n2_pp04": Calibration(n2_pettini04, n2, (-2.5, -0.3), 0.18),
    "o3n2_pp04": Calibration(o3n2_pettini04, o3n2, (-1.0, 1.9), 0.14),
}


def calibration(name: str) -> Calibration:
    """The calibration of this name, one of CALIBRATIONS.

    Parameters
    ----------
    name
        one of CALIBRATIONS.

    Returns
    -------
    calibration
        with its domain and scatter.

    Raises
    ------
    InputError
        for a name that does not exist, with those that do.
    """
    if name not in CALIBRATIONS:
        raise unknown("calibration", str(name), CALIBRATIONS)
    return CALIBRATIONS[name]


def in_range(name: str, **fluxes: Flux) -> Bool[Array, "..."]:
    """Where a calibration may be used: its index lies inside the domain for which it was made.

        lowest < index < highest

    Parameters
    ----------
    name
        one of CALIBRATIONS.
    fluxes
        of the lines it needs, by name; further lines are welcome and not used.

    Returns
    -------
    inside
        False also where a flux is not positive or not finite.

    Raises
    ------
    InputError
        for an unknown name or a missing line.
    """
    diagnostic = calibration(name)
    lines = in_one_unit("in_range", **diagnostic.needed(fluxes))
    index = diagnostic.index(
        **{line: as_array(flux, f"in_range.{line}") for line, flux in lines.items()}
    )
    return (index > diagnostic.domain[0]) & (index < diagnostic.domain[1])


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
    """
    flux = in_one_unit("star_forming", oiii=oiii, hbeta=hbeta)
    x, y = n2(halpha, nii), jnp.log10(flux["oiii"]) - jnp.log10(flux["hbeta"])
    defined = x < 0.05
    limit = 0.61 / jnp.where(defined, x - 0.05, -1.0) + 1.3
    return defined & (y < limit) & jnp.isfinite(x) & jnp.isfinite(y)
