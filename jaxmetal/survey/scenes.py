"""The scene and the model of one galaxy of a survey."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jaxmetal.errors import collected_warnings
from jaxmetal.inference.model import Model
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.io.scene import Scene, build
from jaxmetal.survey.catalogue import Catalogue, configure


def scene_of(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, row: int
) -> tuple[Scene, str]:
    """A galaxy's scene, in a frame of a common size, and the InputWarnings about it as one text.

    Raises
    ------
    InputError
        with everything that is wrong with this galaxy.
    """
    with collected_warnings() as texts:
        scene = build(configure(raw, catalogue, row), folder, fill=True)
    return scene, "; ".join(texts)


def model_of(scene: Scene, group: Mapping[str, Any]) -> Model:
    """The model of a galaxy, with the sampling of its group.

    Maps that share an instrument share it afterwards, too.
    """
    instruments: dict[int, Any] = {}
    maps = {}
    for name, observed in scene.maps.items():
        instrument = observed.map.instrument
        # With errors it is an automatic one, which is checked where the fit ends.
        errors = {k: jnp.asarray(e) for k, e in group["errors"].get(name, {}).items()} or None
        sampled_instrument = instrument.with_sampling(Sampling(*group["samplings"][name]), errors)
        maps[name] = observed.map.with_instrument(
            instruments.setdefault(id(instrument), sampled_instrument)
        )
    config = scene.config
    return Model(scene.galaxy, maps, scene.priors, config.accuracy, config.errors)
