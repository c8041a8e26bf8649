"""An image used as the light."""

from typing import Literal

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate


def image(
    x: Coordinate,
    y: Coordinate,
    image,
    amp=1.0,
    center_x=0.0,
    center_y=0.0,
    phi_G=0.0,
    scale=1.0,
    *,
    interpolation: Literal["bicubic", "bilinear"] = "bicubic",
) -> Coordinate:
    """An image used as the light, interpolated between its pixels and dark outside.

        I = amp · image(u, v)
        (u, v) = rotation by -phi_G of (x - center_x, y - center_y), / scale

    Parameters
    ----------
    x, y
        position, arcsec.
    image
        surface brightness at the pixel centres, per arcsec², indexed [v, u].
    amp
        factor on the image, not negative.
    center_x, center_y
        where the middle of the image lies, arcsec.
    phi_G
        rotation of the image from +x towards +y, radians.
    scale
        size of a pixel of the image, arcsec. A negative value reverses u (east to the left).
    interpolation
        bicubic is smooth, bilinear is what lenstronomy does.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Keys (1981), IEEE Trans. ASSP 29, 1153.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.image, image=[[0.0, 1.0], [1.0, 4.0]])
    >>> print(f"{light(1.0, 0.5):.3f}")
    2.188
    """
    dx, dy = x - center_x, y - center_y
    u = (jnp.cos(phi_G) * dx + jnp.sin(phi_G) * dy) / scale
    v = (-jnp.sin(phi_G) * dx + jnp.cos(phi_G) * dy) / jnp.abs(scale)
    rows, columns = image.shape
    weights = numerics.cubic_weights if interpolation == "bicubic" else numerics.linear_weights
    return amp * numerics.interpolate(image, v + (rows - 1) / 2, u + (columns - 1) / 2, weights)
