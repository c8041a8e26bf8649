"""The scene and the model of one galaxy of a survey."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jaxmetal.errors import collected_warnings
from jaxmetal.inference.model import Model
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.io.frames import Frames
from jaxmetal.io.scene import Scene, build
from jaxmetal.survey.catalogue import Catalogue, configure


def scene_of(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    row: int,
    frames: Frames = None,
) -> tuple[Scene, str]:
    """A galaxy's scene, in frames of common sizes, and the InputWarnings about it as one text.

    Parameters
    ----------
    raw, folder
        the configuration with its references, and the folder that its paths are relative to.
    catalogue, row
        the galaxies, and which of them.
    frames
        {map: rows and columns} that all galaxies of its group have.

    Raises
    ------
    InputError
        with everything that is wrong with this galaxy.
    """
    with collected_warnings() as texts:
        scene = build(configure(raw, catalogue, row), folder, frames=frames or {})
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
        sampled_instrument = instrument.with_sampling(Sampling(**group["samplings"][name]), errors)
        maps[name] = observed.map.with_instrument(
            instruments.setdefault(id(instrument), sampled_instrument)
        )
    config = scene.config
    return Model(scene.galaxy, maps, scene.priors, config.accuracy, config.errors)
