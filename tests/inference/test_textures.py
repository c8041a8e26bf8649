"""Light with a texture: the modes are fitted with everything else."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.tables import listed
from tests.scenes import CENTRAL, GRADIENT, telescope

INSTRUMENT = telescope((15, 15), 0.4, 1.2, (2, 1), 6)
LIGHT_SIGMA, Z_SIGMA, SLOPE = 0.01, 0.02, -0.1


def disc(*clumps):
    """A disc, with a clump for each flux and place."""
    z = jm.Profile(jm.tracer.gradient, central=8.5, gradient=SLOPE)
    smooth = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    lights = [smooth] + [
        jm.Profile(jm.light.gaussian, amp=flux, sigma=0.3, center_x=x, center_y=y)
        for flux, x, y in clumps
    ]
    return jm.Galaxy(**{f"part{i}": jm.Component(p, metallicity=z) for i, p in enumerate(lights)})


def maps():
    """Light and metallicity of a disc with three clumps."""
    rng, truth = np.random.default_rng(1), disc((1.2, 1.0, 0.4), (1.5, -0.6, 1.2), (0.9, 0.2, -1.4))
    blanks = {
        "light": jm.LightMap(np.ones(INSTRUMENT.shape), LIGHT_SIGMA, INSTRUMENT, check=False),
        "z": jm.TracerMap(np.full(INSTRUMENT.shape, 8.0), Z_SIGMA, INSTRUMENT, check=False),
    }
    values = {n: np.asarray(jm.predict(truth, blank), float) for n, blank in blanks.items()}
    noisy = {
        name: image + sigma * rng.standard_normal(image.shape)
        for (name, image), sigma in zip(values.items(), (LIGHT_SIGMA, Z_SIGMA), strict=True)
    }
    return {
        "light": jm.LightMap(noisy["light"], LIGHT_SIGMA, INSTRUMENT, check=False),
        "z": jm.TracerMap(noisy["z"], Z_SIGMA, INSTRUMENT, check=False),
    }


def fitted(textured):
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    priors = {
        CENTRAL: dist.Normal(8.5, 1.0),
        GRADIENT: dist.Normal(0.0, 0.5),
        "disc.light.amp": dist.LogNormal(0.0, 1.0),
        "disc.light.scale_length": dist.LogNormal(0.0, 0.5),
    }
    if textured:
        light = jm.Product(light, jm.Texture(0.7, 0.5, extent=8.0, waves=4))
        priors["disc.light.modes"] = dist.Normal(0.0, 1.0)
    z = jm.Profile(jm.tracer.gradient, central=8.4, gradient=0.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=z))
    return jm.optimise(jm.Model(galaxy, maps(), priors), starts=1, progress=False)


@pytest.mark.precision("single")
def test_a_texture_shows_clumps_that_a_smooth_profile_does_not():
    smooth, rough = fitted(False), fitted(True)
    assert rough.converged
    assert smooth.chi_square["light"] > 2 * 15**2
    assert rough.chi_square["light"] < 1.2 * 15**2
    off = [abs(fit.parameters[GRADIENT] - SLOPE) for fit in (smooth, rough)]
    assert off[1] < 3 * rough.errors[GRADIENT]
    # Eighty-one numbers are one line of a table.
    assert "disc.light.modes: 81 numbers" in str(rough.summary())


def test_messages_name_a_large_array_once():
    names = [f"disc.light.modes[{i}][{j}]" for i in range(9) for j in range(9)]
    assert listed(["disc.light.amp", *names]) == "disc.light.amp, 81 numbers of disc.light.modes"
    assert listed(["a[0]", "a[1]"]) == "a[0], a[1]"
