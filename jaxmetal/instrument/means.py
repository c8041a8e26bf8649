"""Light-weighted means of smeared images, and where there is light enough for one."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# Light below this many times the rounding of the brightest pixel is lost in a Fourier transform: there
# a mean is wrong by up to 2e-3 of its contrast.
DARK = 128


def weighted_mean(
    light: Float[Array, "*map"], contrast: Float[Array, "*map"], reference: Float[Array, ""], shines: Bool[Array, "*map"]
) -> Float[Array, "*map"]:
    """The light-weighted mean, from smeared light L and smeared contrast C = K ∗ Σ I (g - reference).

        <g> = reference + C / L

    The contrast form keeps a uniform tracer uniform to rounding, and where nothing shines the mean is the
    reference, a finite number with zero gradient.
    """
    return reference + jnp.where(shines, contrast / jnp.where(shines, light, 1.0), 0.0)


def resolved_light(light: Float[Array, "*map"], through_fourier: bool = True) -> Bool[Array, "*map"]:
    """Where the smeared light is more than the rounding of the Fourier transform, 1.5e-5 of its peak in float32."""
    brightness = jnp.abs(light)
    floor = DARK * jnp.finfo(light.dtype).eps * jnp.max(brightness) if through_fourier else 0.0
    return brightness > floor
