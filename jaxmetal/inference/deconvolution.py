"""Maps of what the light carries without the telescope: draws, their mean and their spread."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.forward import predict_together
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.maps import Map


class Deconvolved(NamedTuple):
    """What a map would show at the centres of its pixels without PSF and noise.

    Parameters
    ----------
    mean, error
        of the draws, in the unit and shape of the map.
    draws
        of the posterior, of parameters and random fields together, shape (draws, *map).
    """

    mean: np.ndarray
    error: np.ndarray
    draws: np.ndarray


def deconvolve(
    model: Model, posterior: Posterior, name: str, draws: int = 200, seed: int = 0
) -> Deconvolved:
    """A map without the telescope: its mean and error over draws of a posterior.

    With a random field this is the map of the galaxy, as far as the data tell of it; each draw
    scatters as the galaxy does. Without one it is the map of its profiles.

    Parameters
    ----------
    model, posterior
        of a fit.
    name
        of the map.
    draws
        how many, evenly spread over the posterior's.
    seed
        of the modes of the field.

    Returns
    -------
    deconvolved
        mean, error and draws.

    Raises
    ------
    InputError
        for a map that the model does not have, one of apertures, or no draws.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> posterior = jm.sample(model, jm.optimise(model), draws=200, seed=1)
    >>> sharp = jm.deconvolve(model, posterior, "z", draws=20)
    >>> sharp.mean.shape
    (15, 15)
    """
    check_type(model, Model, "deconvolve: model", MODEL_HINT)
    check_type(posterior, Posterior, "deconvolve: posterior", "write sample(model, fit)")
    if name not in model.maps:
        raise unknown("map", name, model.maps, "deconvolve")
    one_map = model.maps[name]
    if one_map.instrument.apertures is not None:
        raise InputError(f"deconvolve: {name} has apertures; it is for maps of pixels.")
    if draws < 1:
        raise InputError(f"deconvolve: draws must be at least 1, got {draws}.")
    samples = {path: jnp.asarray(v) for path, v in _spread(posterior, draws).items()}
    middle = {path: jnp.mean(values, axis=0) for path, values in samples.items()}
    model = model.with_fields_at(*model.scene_at(middle))
    sharp = one_map.with_instrument(_middles(one_map.instrument))
    keys = jax.random.split(jax.random.key(seed), len(next(iter(samples.values()))))
    images = np.asarray(_images(model, sharp, samples, keys, _sizes(model, sharp)), float)
    return Deconvolved(images.mean(axis=0), images.std(axis=0), images)


def _spread(posterior: Posterior, draws: int) -> dict[str, np.ndarray]:
    """So many draws of the posterior, evenly spread over all of them."""
    flat = {path: v.reshape(-1, *v.shape[2:]) for path, v in posterior.samples.items()}
    count = len(next(iter(flat.values())))
    indices = np.linspace(0, count - 1, min(draws, count)).round().astype(int)
    return {path: values[indices] for path, values in flat.items()}


def _middles(instrument: Instrument) -> Instrument:
    """An instrument that shows what lies in the middles of the pixels."""
    return Instrument(instrument.grid, NoPSF(), 1, 0).with_sampling(Sampling(1, 1, 0, "midpoint"))


def _sizes(model: Model, sharp: Map) -> tuple[int, ...]:
    """The sizes of the lattices of modes that have waves of two pixels, of each field."""
    pixel = float(sharp.instrument.grid.pixel_scale)
    parts = () if model.fields is None else model.fields.parts
    shortest = (2 * math.ceil(float(part.extent) / (2 * pixel)) + 1 for part in parts)
    return tuple(max(part.size, s) for part, s in zip(parts, shortest, strict=True))


@compiled_soon
def _images(
    model: Model, sharp: Map, samples: Values, keys: Array, sizes: tuple[int, ...]
) -> Float[Array, "draws rows columns"]:
    """What the map shows without a PSF at each draw."""

    def one(draw: tuple[Values, Array]) -> Array:
        values, key = draw
        galaxy, maps = model.scene_at(values)
        if model.fields is not None:
            predicted = model.predict_scene(galaxy, maps)
            keys = jax.random.split(key, 1 + len(model.fields.parts))
            modes = model.fields.integral(galaxy, maps, predicted).draw(keys[0])
            # What the data cannot see scatters as before them, down to the size of the pixels.
            rest = [
                jax.random.normal(one_key, (size, size), modes.dtype)
                for one_key, size in zip(keys[1:], sizes, strict=True)
            ]
            galaxy = model.fields.placed(galaxy, modes, rest)
        return predict_together(galaxy, {"map": sharp})["map"]

    return jax.lax.map(one, (samples, keys))
