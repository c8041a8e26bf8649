"""Groups of galaxies that can be computed by one program: of one structure and one sampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxmetal.inference.priors import Linear, Tied
from jaxmetal.instrument.choice import guess, margin_for
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.io.scene import Scene
from jaxmetal.profiles.units import is_length
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.scenes import scene_of


@dataclass(frozen=True)
class Facts:
    """The properties of a galaxy by which it is put into a group.

    Parameters
    ----------
    row
        in the catalogue, from 0.
    structure
        the structure of the model without its sampling: equal for galaxies whose models differ in
        numbers only.
    samplings
        {map: the sampling of the configuration, or a first guess}.
    automatic
        whether any of them is a guess.
    width, size
        of the narrowest PSF, and the smallest length in the galaxy, in pixels.
    """

    row: int
    structure: Any
    samplings: dict[str, Sampling]
    automatic: bool
    width: float
    size: float


def facts_of(row: int, scene: Scene) -> Facts:
    """The facts of the galaxy in a row of the catalogue."""
    samplings, widths = {}, []
    for name, observed in scene.maps.items():
        instrument = observed.map.instrument
        margin = (
            margin_for(instrument.psf, instrument.grid)
            if instrument.margin is None
            else instrument.margin
        )
        samplings[name] = instrument.sampling or guess(instrument.psf, instrument.grid, margin)
        scale = float(instrument.grid.pixel_scale)
        widths.append(instrument.psf.radius(0.5, scale) / scale)
    pixel = min(float(observed.map.instrument.grid.pixel_scale) for observed in scene.maps.values())
    return Facts(
        row,
        _structure(scene),
        samplings,
        _automatic(scene),
        min(widths),
        _smallest(scene) / pixel,
    )


def _structure(scene: Scene) -> Any:
    """(pytree structure, shapes of the leaves, which maps share an instrument)."""
    instruments: dict[int, Any] = {}
    bare = {}
    for name, observed in scene.maps.items():
        instrument = observed.map.instrument
        fixed = instrument.sampling
        # The margin is one number among those that galaxies of a group differ in.
        stripped = (
            instrument
            if fixed is None
            else instrument.with_sampling(Sampling(fixed.convolve, fixed.nodes, 0))
        )
        bare[name] = eqx.tree_at(
            lambda m: m.instrument, observed.map, instruments.setdefault(id(instrument), stripped)
        )
    priors = {
        path: repr(prior) if isinstance(prior, Tied | Linear) else prior
        for path, prior in scene.priors.items()
    }
    leaves, tree = jax.tree.flatten((scene.galaxy, bare, priors))
    shared = tuple(
        list(instruments).index(id(observed.map.instrument)) for observed in scene.maps.values()
    )
    shapes = tuple(leaf if isinstance(leaf, str) else np.shape(leaf) for leaf in leaves)
    return tree, shapes, shared


def _automatic(scene: Scene) -> bool:
    """Whether the sampling of any map is left to be chosen."""
    return any(observed.map.instrument.sampling is None for observed in scene.maps.values())


def _smallest(scene: Scene) -> float:
    """The smallest length in a galaxy's light, arcsec; inf if there is none.

    In pixels it decides how fine a sampling the light needs.
    """
    profiles = [
        profile
        for component in scene.galaxy.components.values()
        for profile in component.lights.values()
    ]
    lengths = [
        float(np.min(value))
        for profile in profiles
        for name, value in profile.parameters.items()
        if is_length(profile.function, name)
    ]
    return min((length for length in lengths if length > 0), default=np.inf)


def grouped(facts: Sequence[Facts], enough: int) -> list[list[Facts]]:
    """Galaxies of one structure and of similar sampling, in the order of the catalogue.

    A group of fewer than `enough` galaxies joins the next more finely sampled one.
    """
    by_structure: dict[Any, dict[tuple, list[Facts]]] = {}
    for galaxy in facts:
        fineness = tuple(sampling.convolve for sampling in galaxy.samplings.values())
        by_structure.setdefault(galaxy.structure, {}).setdefault(fineness, []).append(galaxy)
    groups = []
    for by_fineness in by_structure.values():
        levels = sorted(by_fineness, key=lambda fineness: (sum(fineness), fineness))
        for i, level in enumerate(levels):
            # Compiling a program costs more than computing a few galaxies too finely.
            finer = next(
                (
                    other
                    for other in levels[i + 1 :]
                    if all(a <= b for a, b in zip(level, other, strict=True))
                ),
                None,
            )
            if finer and len(by_fineness[level]) < enough:
                by_fineness[finer] += by_fineness.pop(level)
        groups += [sorted(members, key=lambda f: f.row) for members in by_fineness.values()]
    return sorted(groups, key=lambda members: members[0].row)


def common_sampling(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, members: Sequence[Facts]
) -> dict[str, Any]:
    """The sampling of all galaxies of a group, and its measured errors.

    Where it is automatic, the sampling is chosen for the galaxies with the narrowest and the widest
    PSF and for the smallest galaxy, and the finest of the three is taken.
    """
    samplings = [f.samplings for f in members]
    errors: list[dict[str, np.ndarray]] = []
    if any(f.automatic for f in members):
        extremes = [
            min(members, key=lambda f: f.width),
            max(members, key=lambda f: f.width),
            min(members, key=lambda f: f.size),
        ]
        for row in dict.fromkeys(f.row for f in extremes):
            scene = scene_of(raw, folder, catalogue, row)[0]
            instruments = {
                name: observed.instrument for name, observed in scene.model().maps.items()
            }
            samplings.append(
                {name: i.sampling for name, i in instruments.items() if i.sampling is not None}
            )
            errors.append(
                {
                    name: np.asarray(i.error, float)
                    for name, i in instruments.items()
                    if i.error is not None
                }
            )
    names = list(samplings[0])
    finest = {
        name: [
            max(getattr(s[name], key) for s in samplings) for key in ("convolve", "nodes", "margin")
        ]
        for name in names
    }
    by_map = {name: [e[name] for e in errors if name in e] for name in names}
    return {
        "samplings": finest,
        "errors": {
            name: np.max(values, axis=0).tolist() for name, values in by_map.items() if values
        },
    }
