"""Positions in the source plane, magnification, critical curves, and distances of a lens."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.profiles.profile import Numbers, as_array
from jaxmetal.quantities import ARCSEC, as_number
from jaxmetal.science.zero_lines import zero_lines


def source_position(
    galaxy: Galaxy, x: Numbers, y: Numbers, distance_ratio: ArrayLike = 1.0
) -> tuple[Array, Array]:
    """Where in the source plane the light comes from that is seen at a position.

        beta = theta - distance_ratio · alpha(theta)

    Parameters
    ----------
    galaxy
        whose lenses to look through.
    x, y
        position on the sky, arcsec.
    distance_ratio
        of a component with a redshift of its own.

    Returns
    -------
    x, y
        in the source plane, arcsec.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> halo = jm.Profile(jm.lens.sis, theta_E=1.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=0.2)
    >>> galaxy = jm.Galaxy(lens={"halo": halo}, source=jm.Component(light))
    >>> x, y = jm.lensing.source_position(galaxy, 1.2, 0.0)
    >>> print(f"{x:.2f}, {y:.2f}")
    0.20, 0.00
    """
    x, y = as_array(x, "source_position.x", ARCSEC), as_array(y, "source_position.y", ARCSEC)
    distance_ratio = as_array(distance_ratio, "source_position.distance_ratio")
    along, across = galaxy.deflection(x, y)
    return x - distance_ratio * along, y - distance_ratio * across


def _inverse_magnification(
    galaxy: Galaxy, x: Numbers, y: Numbers, distance_ratio: ArrayLike
) -> Array:
    """The Jacobian determinant det(d beta / d theta)."""
    x, y = jnp.broadcast_arrays(
        as_array(x, "magnification.x", ARCSEC), as_array(y, "magnification.y", ARCSEC)
    )

    def trace(x: Array, y: Array) -> tuple[Array, Array]:
        return source_position(galaxy, x, y, distance_ratio)

    ones, zeros = jnp.ones_like(x), jnp.zeros_like(x)
    (xx, yx), (xy, yy) = (
        jax.jvp(trace, (x, y), step)[1] for step in ((ones, zeros), (zeros, ones))
    )
    return xx * yy - xy * yx


def magnification(galaxy: Galaxy, x: Numbers, y: Numbers, distance_ratio: ArrayLike = 1.0) -> Array:
    """Area on the sky over area in the source plane.

    It is negative where the image is a mirror image, and infinite on a critical curve.

        mu = 1 / det(d beta / d theta)

    Parameters
    ----------
    galaxy
        whose lenses to look through.
    x, y
        position on the sky, arcsec.
    distance_ratio
        of a component with a redshift of its own.

    Returns
    -------
    mu
        without a unit, broadcast over x and y.

    References
    ----------
    Schneider, Ehlers & Falco (1992), Gravitational Lenses, section 5.1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> halo = jm.Profile(jm.lens.sis, theta_E=1.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=0.2)
    >>> galaxy = jm.Galaxy(lens={"halo": halo}, source=jm.Component(light))
    >>> print(f"{jm.lensing.magnification(galaxy, 1.2, 0.0):.1f}")
    6.0
    """
    return 1 / _inverse_magnification(galaxy, x, y, distance_ratio)


def critical_curves(
    galaxy: Galaxy, grid: Grid, distance_ratio: float = 1.0
) -> Float[np.ndarray, "lines 2 2"]:
    """The curves of infinite magnification on the sky, in one line segment a grid cell.

    Parameters
    ----------
    galaxy
        whose lenses to look through.
    grid
        the finer, the smoother the curves. Let none of its points lie on the centre of a singular
        lens, whose core of 1e-4 arcsec has a curve of its own.
    distance_ratio
        of a component with a redshift of its own.

    Returns
    -------
    lines
        each from [0] to [1], (x, y) in arcsec: what matplotlib's LineCollection takes.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> halo = jm.Profile(jm.lens.sis, theta_E=1.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=0.2)
    >>> galaxy = jm.Galaxy(lens={"halo": halo}, source=jm.Component(light))
    >>> jm.lensing.critical_curves(galaxy, jm.Grid.regular((20, 20), 0.2)).shape[1:]
    (2, 2)
    """
    x, y = (np.asarray(value, float) for value in grid.coordinates)
    inverse = _inverse_magnification(galaxy, *grid.coordinates, distance_ratio)
    height = np.asarray(inverse, float)
    positions = np.stack([x * np.ones_like(height), y * np.ones_like(height)], axis=-1)
    return zero_lines(positions, height)


def caustics(
    galaxy: Galaxy, grid: Grid, distance_ratio: float = 1.0
) -> Float[np.ndarray, "lines 2 2"]:
    """The critical curves in the source plane: a source that crosses one gains or loses two images.

    Parameters
    ----------
    galaxy, grid, distance_ratio
        see `critical_curves`.

    Returns
    -------
    lines
        each from [0] to [1], (x, y) in arcsec.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> halo = jm.Profile(jm.lens.sis, theta_E=1.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=0.2)
    >>> galaxy = jm.Galaxy(lens={"halo": halo}, source=jm.Component(light))
    >>> jm.lensing.caustics(galaxy, jm.Grid.regular((20, 20), 0.2)).shape[1:]
    (2, 2)
    """
    lines = critical_curves(galaxy, grid, distance_ratio)
    source = source_position(galaxy, lines[..., 0], lines[..., 1], distance_ratio)
    return np.stack([np.asarray(value, float) for value in source], axis=-1)


def distance_ratio(lens_redshift: float, source_redshift: float, cosmology: Any = None) -> float:
    """The deflection for a source at a redshift, over that for one infinitely far behind.

        D_LS / D_S = sqrt(1 + Ok m_L²) - m_L/m_S sqrt(1 + Ok m_S²)
        m = transverse comoving distance / Hubble distance

    Parameters
    ----------
    lens_redshift, source_redshift
        0 < lens_redshift < source_redshift.
    cosmology
        an astropy.cosmology; Planck18 if left out.

    Returns
    -------
    ratio
        between 0 and 1.

    Raises
    ------
    InputError
        if the source does not lie behind the lens.

    References
    ----------
    Peebles (1993), Principles of Physical Cosmology, equation 13.46.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.lensing.distance_ratio(0.35, 0.72):.3f}")
    0.462
    """
    lens_redshift = as_redshift(lens_redshift, "lens_redshift")
    source_redshift = as_redshift(source_redshift, "source_redshift")
    if not source_redshift > lens_redshift:
        raise InputError(
            f"source_redshift: the source must lie behind the lens at {lens_redshift}, "
            f"got {source_redshift}."
        )
    cosmology = _cosmology(cosmology)
    # From the distances to both, because astropy's own name of the one between them changes with
    # its version.
    near, far = (
        float(cosmology.comoving_transverse_distance(z) / cosmology.hubble_distance)
        for z in (lens_redshift, source_redshift)
    )
    curved = float(cosmology.Ok0)
    return float(np.sqrt(1 + curved * near**2) - near / far * np.sqrt(1 + curved * far**2))


def kpc_per_arcsec(redshift: float, cosmology: Any = None) -> float:
    """Proper length of an arcsecond in the source plane, kpc.

    Parameters
    ----------
    redshift
        of the galaxy, positive.
    cosmology
        an astropy.cosmology; Planck18 if left out.

    Returns
    -------
    length
        kpc per arcsec.

    Raises
    ------
    InputError
        for a redshift that is not positive.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.lensing.kpc_per_arcsec(0.72):.2f}")
    7.44
    """
    redshift = as_redshift(redshift, "redshift")
    per_arcmin = _cosmology(cosmology).kpc_proper_per_arcmin(redshift)
    return float(per_arcmin.to_value("kpc / arcmin") / 60)


def as_redshift(value: Any, where: str) -> float:
    """A redshift, one positive number.

    Parameters
    ----------
    value
        a number, or an astropy Quantity without a unit or in astropy's unit of redshift.
    where
        names it in messages.

    Returns
    -------
    redshift
        as a plain number.

    Raises
    ------
    InputError
        for anything else, such as a velocity.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.lensing.as_redshift(0.72, "redshift")
    0.72
    """
    # astropy's unit of redshift is not always convertible to none.
    bare = value.value if str(getattr(value, "unit", "")) == "redshift" else value
    redshift = as_number(bare, where) if np.ndim(bare) == 0 else np.nan
    if not (np.isfinite(redshift) and redshift > 0):
        raise InputError(f"{where}: expected a positive number, got {value!r}.")
    return redshift


def _cosmology(cosmology: Any) -> Any:
    if cosmology is None:
        from astropy.cosmology import Planck18

        return Planck18
    if not hasattr(cosmology, "comoving_transverse_distance"):
        raise InputError(f"cosmology: expected an astropy.cosmology, got {cosmology!r}.")
    return cosmology
