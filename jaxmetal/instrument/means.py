"""Where there is light enough for a light-weighted mean."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# Light below this many times the rounding of the brightest pixel is lost in a Fourier transform:
# there a mean is wrong by up to 2e-3 of its contrast.
DARK = 128


def resolved_light(
    light: Float[Array, "*map"], through_fourier: bool = True
) -> Bool[Array, "*map"]:
    """Where the convolved light exceeds the rounding error of the Fourier transform.

    In float32 that is 1.5e-5 of its peak.
    """
    brightness = jnp.abs(light)
    floor = DARK * jnp.finfo(light.dtype).eps * jnp.max(brightness) if through_fourier else 0.0
    return brightness > floor
