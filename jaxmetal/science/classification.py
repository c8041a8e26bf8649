"""Where line ratios lie on diagnostic diagrams: star formation, composite, active nucleus.

Use ratios without noise, such as those of a fit's predicted lines: a cut of noisy pixels on a
diagram is a cut by signal to noise in disguise.

    x = log10([NII]6584 / Ha),   s = log10([SII]6716+6731 / Ha),   o = log10([OI]6300 / Ha)
    y = log10([OIII]5007 / Hb)

The curves are those of y where a class begins. They are hyperbolas; beyond the pole, where every
galaxy lies above, they are -inf.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxmetal.quantities import in_one_unit

Ratio = Float[ArrayLike, "..."]
Curve = Float[Array, "..."]
# The classes of `by_nii`.
STAR_FORMING, COMPOSITE, ACTIVE = 0, 1, 2


def _hyperbola(ratio: Ratio, numerator: float, pole: float, level: float) -> Curve:
    distance = jnp.asarray(ratio, float) - pole
    below = distance < 0
    return jnp.where(below, numerator / jnp.where(below, distance, -1.0) + level, -jnp.inf)


def kewley01(x: Ratio) -> Curve:
    """The most that star formation makes, by [NII]: y = 0.61 / (x - 0.47) + 1.19.

    References
    ----------
    Kewley et al. (2001), ApJ 556, 121, equation 5.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kewley01(-0.5):.3f}")
    0.561
    """
    return _hyperbola(x, 0.61, 0.47, 1.19)


def kauffmann03(x: Ratio) -> Curve:
    """Where galaxies leave the star-forming sequence, by [NII]: y = 0.61 / (x - 0.05) + 1.3.

    References
    ----------
    Kauffmann et al. (2003), MNRAS 346, 1055, equation 1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kauffmann03(-0.5):.3f}")
    0.191
    """
    return _hyperbola(x, 0.61, 0.05, 1.3)


def stasinska06(x: Ratio) -> Curve:
    """The upper edge of pure star formation, by [NII].

        y = (-30.787 + 1.1358 x + 0.27297 x²) tanh(5.7409 x) - 31.093

    References
    ----------
    Stasinska et al. (2006), MNRAS 371, 972, equation 11.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.stasinska06(-0.5):.3f}")
    -0.007
    """
    x = jnp.asarray(x, float)
    return (-30.787 + 1.1358 * x + 0.27297 * x**2) * jnp.tanh(5.7409 * x) - 31.093


def schawinski07(x: Ratio) -> Curve:
    """Between LINERs below and Seyferts above, by [NII]: y = 1.05 x + 0.45.

    References
    ----------
    Schawinski et al. (2007), MNRAS 382, 1415.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.schawinski07(-0.2):.3f}")
    0.240
    """
    return 1.05 * jnp.asarray(x, float) + 0.45


def kewley01_sii(s: Ratio) -> Curve:
    """The most that star formation makes, by [SII]: y = 0.72 / (s - 0.32) + 1.30.

    References
    ----------
    Kewley et al. (2001), ApJ 556, 121, equation 6.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kewley01_sii(-0.5):.3f}")
    0.422
    """
    return _hyperbola(s, 0.72, 0.32, 1.30)


def kewley06_sii(s: Ratio) -> Curve:
    """Between LINERs below and Seyferts above, by [SII]: y = 1.89 s + 0.76.

    References
    ----------
    Kewley et al. (2006), MNRAS 372, 961, equation 7.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kewley06_sii(-0.2):.3f}")
    0.382
    """
    return 1.89 * jnp.asarray(s, float) + 0.76


def kewley01_oi(o: Ratio) -> Curve:
    """The most that star formation makes, by [OI]: y = 0.73 / (o + 0.59) + 1.33.

    References
    ----------
    Kewley et al. (2001), ApJ 556, 121, equation 7.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kewley01_oi(-1.5):.3f}")
    0.528
    """
    return _hyperbola(o, 0.73, -0.59, 1.33)


def kewley06_oi(o: Ratio) -> Curve:
    """Between LINERs below and Seyferts above, by [OI]: y = 1.18 o + 1.30.

    References
    ----------
    Kewley et al. (2006), MNRAS 372, 961, equation 10.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.classification.kewley06_oi(-1.0):.3f}")
    0.120
    """
    return 1.18 * jnp.asarray(o, float) + 1.30


def by_nii(
    halpha: Float[ArrayLike, "..."],
    hbeta: Float[ArrayLike, "..."],
    oiii: Float[ArrayLike, "..."],
    nii: Float[ArrayLike, "..."],
) -> Int[Array, "..."]:
    """The class of each pixel on the [NII] diagram.

    Parameters
    ----------
    halpha, hbeta, oiii, nii
        fluxes of Ha, Hb, [OIII]5007 and [NII]6584 without noise, in any one unit, such as
        `fit.predicted["Ha"]`.

    Returns
    -------
    classes
        STAR_FORMING below `kauffmann03`, ACTIVE above `kewley01`, COMPOSITE between; -1 where a
        flux is not positive.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> int(jm.classification.by_nii(halpha=2.86, hbeta=1.0, oiii=1.0, nii=0.5))
    0
    """
    flux = in_one_unit("by_nii", halpha=halpha, hbeta=hbeta, oiii=oiii, nii=nii)
    good = jnp.all(jnp.stack(jnp.broadcast_arrays(*(f > 0 for f in flux.values()))), axis=0)
    log = {name: jnp.log10(jnp.where(f > 0, f, 1.0)) for name, f in flux.items()}
    x, y = log["nii"] - log["halpha"], log["oiii"] - log["hbeta"]
    classes = jnp.where(y < kauffmann03(x), STAR_FORMING, COMPOSITE)
    classes = jnp.where(y > kewley01(x), ACTIVE, classes)
    return jnp.where(good, classes, -1)
