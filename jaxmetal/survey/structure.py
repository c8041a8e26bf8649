"""What galaxies have in common whose models differ in numbers only, as a text.

The text is the same in every process, so that rows may be checked by workers.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import equinox as eqx
import jax
import numpy as np
import numpyro.distributions as dist

from jaxmetal.inference.priors import Linear, Tied
from jaxmetal.io.scene import Scene
from jaxmetal.maps import Map
from jaxmetal.maps.noise import Independent

# What stands for the shape of a frame that may be padded to any size.
ANY_FRAME = ("frame",)


def structure_of(scene: Scene) -> str:
    """A digest of the tree of a galaxy's model, the shapes of its leaves, and shared instruments.

    Parameters
    ----------
    scene
        of which numbers, the sampling, and the sizes of frames that can be padded do not count.
    """
    instruments = [id(observed.map.instrument) for observed in scene.maps.values()]
    shared = [instruments.index(one) for one in instruments]
    maps = [(name, _of_map(observed.map)) for name, observed in scene.maps.items()]
    priors = {path: _of_prior(prior) for path, prior in scene.priors.items()}
    leaves, tree = jax.tree.flatten(scene.galaxy)
    shapes = tuple(map(np.shape, leaves))
    return sha256(repr((_text(tree), shapes, maps, priors, shared)).encode()).hexdigest()


def _of_map(one_map: Map) -> Any:
    """The structure of a map, but for its sampling and the size of a frame that can be padded."""
    instrument = one_map.instrument
    frame = instrument.grid.shape
    parts = instrument.grid.origin, instrument.grid.matrix, instrument.psf, instrument.apertures
    leaves, tree = jax.tree.flatten(eqx.tree_at(lambda m: m.instrument, one_map, parts))
    shapes = [np.shape(leaf) for leaf in leaves]
    # Apertures and the correlations of errors are those of a frame.
    if instrument.apertures is None and isinstance(one_map.noise, Independent):
        shapes = [ANY_FRAME if shape == frame else shape for shape in shapes]
        frame = ANY_FRAME
    fixed = instrument.sampling
    # The margin is one number among those that galaxies of a group differ in.
    sampling = None if fixed is None else (fixed.convolve, fixed.nodes)
    return _text(tree), shapes, frame, sampling


def _of_prior(prior: Any) -> Any:
    """The kind of a prior and of its parameters, in an order that every process has."""
    if isinstance(prior, dist.Distribution):
        fields = sorted(type(prior).gather_pytree_data_fields())
        return _text(type(prior)), *((f, _of_prior(prior.__dict__.get(f))) for f in fields)
    if isinstance(prior, list | tuple):
        return tuple(map(_of_prior, prior))
    if isinstance(prior, Tied | Linear):
        return _text(prior)
    return _text(type(prior)) if np.asarray(prior).dtype == object else np.shape(prior)


def _text(part: Any) -> Any:
    """A part of the structure of a tree as texts and tuples of texts, without any address."""
    if isinstance(part, jax.tree_util.PyTreeDef):
        node = part.node_data()
        return "leaf" if node is None else (_text(node), *map(_text, part.children()))
    if isinstance(part, Mapping):
        return tuple((_text(key), _text(value)) for key, value in part.items())
    if isinstance(part, tuple | list):
        return tuple(map(_text, part))
    if isinstance(part, type):
        return f"{part.__module__}.{part.__qualname__}"
    if code := getattr(part, "__code__", None):
        return f"{code.co_filename}:{part.__qualname__}"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(part))
