"""Scenes that several tests look at."""

import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.forward import predict_together
from jaxmetal.instrument.sampling import Sampling

METALLICITY = ("metallicity", "log10")
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
# Not in alphabetical order, into which a compiled program would bring them.
FLAT = {GRADIENT: dist.Uniform(-1.0, 1.0), CENTRAL: dist.Uniform(6.0, 9.0)}
# What a configuration says of a deflection map in two files.
DEFLECTION = {
    "x_file": "x.fits",
    "y_file": "y.fits",
    "unit": "arcsec",
    "axes": "sky",
    "scaled_to": "source",
    "extension": "ALPHA",
}


def disc(R=1.0, n=1.0, central=8.0, gradient=-0.2, x=0.0, y=0.0, **light):
    """A Sersic disc with a metallicity gradient."""
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(
                jm.light.sersic, amp=16.0, R_sersic=R, n_sersic=n, center_x=x, center_y=y, **light
            ),
            metallicity=jm.Profile(
                jm.tracer.gradient, central=central, gradient=gradient, center_x=x, center_y=y
            ),
        )
    )


def telescope(shape=(31, 31), pixel_scale=0.2, fwhm=0.8, supersampling=(4, 2), margin=8):
    """An instrument whose sampling is fixed, so that tests share compiled programs."""
    return jm.Instrument(
        jm.Grid.regular(shape, pixel_scale), jm.GaussianPSF(fwhm), supersampling, margin
    )


def blank(instrument, kind=jm.TracerMap, **options):
    """A map without content: something to predict."""
    return kind(np.zeros(instrument.shape), 1.0, instrument, **options)


def observed(galaxy, instrument, sampling, average=METALLICITY):
    """(light, tracer) of a galaxy at a given sampling, as float64 arrays.

    Sampling(convolve, nodes, margin).
    """
    instrument = instrument.with_sampling(Sampling(*sampling))
    tracer, scale = average
    maps = {
        "light": blank(instrument, jm.LightMap),
        "z": blank(instrument, tracer=tracer, scale=scale),
    }
    images = _predict_together(galaxy, maps)
    light = np.asarray(images["light"], float) / float(instrument.grid.pixel_area)
    return light, np.asarray(images["z"], float)


_predict_together = compiled_once(predict_together)


def small_model(seed=0, priors=None, noise=True, **kwargs):
    """A model of a small noisy tracer map, started away from the truth."""
    instrument = telescope()
    z = jm.simulate.tracer_map(
        disc(**kwargs),
        instrument,
        variance=lambda flux: 0.005 + 0.0005 / flux,
        seed=seed if noise else None,
    )
    return jm.Model(disc(central=8.3, gradient=-0.05), {"z": z}, FLAT if priors is None else priors)
