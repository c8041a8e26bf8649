"""Random fields as profiles: of a tracer, to be added, and of light, to be multiplied."""

from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError, described
from jaxmetal.profiles.combine import Joint
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.random_field import field, texture

# Of a texture whose modes are parameters: 3721 of them, whose covariance takes half a minute.
MOST_WAVES = 30


def Field(amplitude: Any, length: Any, kernel: str = "matern32", **options: Any) -> Profile:
    """A Gaussian random field, to be added to a profile by `Sum`; see `random_field.field`.

    Parameters
    ----------
    amplitude
        standard deviation, in the tracer's unit.
    length
        correlation length, arcsec.
    kernel
        "exponential", "matern32", "matern52", "squared_exponential" or "krumholz_ting".
    options
        any other parameter of `random_field.field`, such as inclination and position_angle of the
        disc in which the field lies.

    Returns
    -------
    profile
        whose modes are left to `Model`, or those that are given.

    Raises
    ------
    InputError
        for an unknown kernel or parameter, or no numbers.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
    >>> metallicity = jm.Sum(line, jm.Field(amplitude=0.05, length=0.6))
    >>> metallicity.amplitude.item() > 0
    True
    """
    return Profile(field, amplitude=amplitude, length=length, kernel=kernel, **options)


def Texture(
    amplitude: Any,
    length: Any,
    extent: Any,
    waves: int,
    kernel: str = "matern32",
    **options: Any,
) -> Profile:
    """A log-normal texture of light, to be multiplied with a profile by `Product`.

    Its modes are parameters: give them the prior dist.Normal(0, 1), such as {"disc.light.modes":
    dist.Normal(0, 1)}, and keep amplitude and length fixed, because a fit that is free to choose
    them makes the amplitude large and the modes small. `compare` tells which of several fits best.

    Parameters
    ----------
    amplitude
        standard deviation of the logarithm of the light about the smooth profile; 0.5 to 1 for
        galaxies with clumps.
    length
        correlation length, arcsec: the size of the clumps.
    extent
        period of the texture, arcsec; longer than the map by some lengths.
    waves
        in a period at most; extent over the FWHM of the PSF suffices. There are (2 waves + 1)²
        modes.
    kernel
        as for `Field`.
    options
        any other parameter of `random_field.texture`, such as inclination and position_angle.

    Returns
    -------
    profile
        with modes of zero.

    Raises
    ------
    InputError
        for an unknown kernel or parameter, no numbers, or waves below 1 or above 30.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.Texture(amplitude=0.5, length=0.6, extent=20.0, waves=8).modes.shape
    (17, 17)
    """
    modes = options.pop("modes", no_modes(waves))
    numbers = {"amplitude": amplitude, "length": length, "modes": modes, "extent": extent}
    return Profile(texture, **numbers, kernel=kernel, **options)


def no_modes(waves: Any) -> Float[np.ndarray, "n n"]:
    """The modes, all zero, of a field of at most so many waves in a period."""
    is_whole = isinstance(waves, int | np.integer) and not isinstance(waves, bool)
    if not is_whole or not 1 <= waves <= MOST_WAVES:
        value = repr(waves) if isinstance(waves, str | int | float) else described(waves)
        raise InputError(f"waves: expected a whole number from 1 to {MOST_WAVES}, got {value}.")
    return np.zeros((2 * int(waves) + 1,) * 2)


def field_of(profile: Profile) -> Profile | None:
    """The random field of a sum, or a profile that is one; None if there is none."""
    function, numbers = profile.function, profile.parameters
    if function is field:
        return profile
    for part, names, options in function.functions if isinstance(function, Joint) else ():
        if part is field:
            return Profile(part, **{name: numbers[name] for name in names}, **dict(options))
    return None
