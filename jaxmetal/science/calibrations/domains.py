"""Calibrations of metallicity by name, with the line ratios for which they were made."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Array, Bool

from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import in_one_unit
from jaxmetal.science.calibrations.ratios import (
    Flux,
    Index,
    n2,
    n2_marino13,
    n2_pettini04,
    o3n2,
    o3n2_marino13,
    o3n2_pettini04,
)


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

    Examples
    --------
    >>> import jaxmetal as jm
    >>> n2 = jm.calibrations.calibration("n2_m13")
    >>> n2.domain
    (-1.6, -0.2)
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

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.calibrations.calibration("n2_m13").lines
    ('halpha', 'nii')
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

    Examples
    --------
    >>> import jaxmetal as jm
    >>> bool(jm.calibrations.in_range("n2_m13", halpha=2.86, nii=0.5))
    True
    """
    diagnostic = calibration(name)
    lines = in_one_unit("in_range", **diagnostic.needed(fluxes))
    index = diagnostic.index(
        **{line: as_array(flux, f"in_range.{line}") for line, flux in lines.items()}
    )
    return (index > diagnostic.domain[0]) & (index < diagnostic.domain[1])
