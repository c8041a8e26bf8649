"""Groups of galaxies that can be computed by one program: of one structure and one sampling."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.forward.resolve import first_sampling
from jaxmetal.inference.accuracy import criterion_of
from jaxmetal.instrument.sampling import Sampling, finest
from jaxmetal.io.frames import Shape
from jaxmetal.io.scene import Scene
from jaxmetal.profiles.units import is_length
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.scenes import scene_of
from jaxmetal.survey.structure import structure_of
from jaxmetal.survey.workers import Rows, by_workers

# The samplings of a group are chosen for a few of its galaxies where their fits start, and must do
# for the others where those end: one that fails there costs compiling all programs again.
STRICTER = 2.0


@dataclass(frozen=True)
class Facts:
    """The properties of a galaxy by which it is put into a group.

    Parameters
    ----------
    row
        in the catalogue, from 0.
    structure
        of `structure.structure_of`: equal for galaxies whose models differ in numbers and frames
        only.
    frames
        {map: rows and columns}.
    samplings
        {map: the sampling of the configuration, or a first guess}.
    automatic
        whether any of them is a guess.
    width, size
        of the narrowest PSF, and the smallest length in the galaxy, in pixels.
    depth
        Σ (value / sigma)² of its maps of flux and Σ 1 / sigma² of the others: how much its data
        can see.
    """

    row: int
    structure: str
    frames: dict[str, Shape]
    samplings: dict[str, Sampling]
    automatic: bool
    width: float
    size: float
    depth: float


def facts_of(row: int, scene: Scene) -> Facts:
    """The facts of the galaxy in a row of the catalogue."""
    criterion = criterion_of(scene.config.accuracy, scene.priors)
    samplings, widths = {}, []
    for name, observed in scene.maps.items():
        instrument = observed.map.instrument
        samplings[name] = instrument.sampling or first_sampling(scene.galaxy, instrument, criterion)
        scale = float(instrument.grid.pixel_scale)
        widths.append(instrument.psf.radius(0.5, scale) / scale)
    pixel = min(float(observed.map.instrument.grid.pixel_scale) for observed in scene.maps.values())
    return Facts(
        row,
        structure_of(scene),
        {name: o.map.instrument.grid.shape for name, o in scene.maps.items()},
        samplings,
        _automatic(scene),
        min(widths),
        _smallest(scene) / pixel,
        _depth(scene),
    )


def _depth(scene: Scene) -> float:
    """How much the data of a galaxy can see."""
    total = 0.0
    for observed in scene.maps.values():
        values = observed.map.data if observed.map.additive else 1.0
        total += float(np.nansum((values / observed.map.errors) ** 2))
    return total


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
    """Galaxies of one structure, of similar sampling and of the same frames.

    A group of fewer than `enough` galaxies joins the next more finely sampled one.
    """
    by_structure: dict[str, dict[tuple, list[Facts]]] = {}
    for galaxy in facts:
        fineness = tuple(sampling.convolve for sampling in galaxy.samplings.values())
        by_structure.setdefault(galaxy.structure, {}).setdefault(fineness, []).append(galaxy)
    groups = []
    for by_fineness in by_structure.values():
        _join_small(by_fineness, enough)
        for members in by_fineness.values():
            by_frames: dict[tuple, list[Facts]] = {}
            for galaxy in members:
                by_frames.setdefault(tuple(galaxy.frames.items()), []).append(galaxy)
            groups += by_frames.values()
    return groups


def _join_small(by_fineness: dict[tuple, list[Facts]], enough: int) -> None:
    """Let the galaxies of small groups join the next group that is as fine or finer in every map.

    Compiling a program costs more than computing a few galaxies too finely.
    """
    levels = sorted(by_fineness, key=lambda fineness: (sum(fineness), fineness))
    for i, level in enumerate(levels):
        finer = [other for other in levels[i + 1 :] if np.all(np.less_equal(level, other))]
        if finer and len(by_fineness[level]) < enough:
            by_fineness[finer[0]] += by_fineness.pop(level)


def common_samplings(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    groups: Sequence[Sequence[Facts]],
    executor: Any = None,
) -> list[dict[str, Any]]:
    """The frames and the sampling of all galaxies of each group, and its measured errors.

    Where it is automatic, the sampling is chosen for four galaxies of the largest of the groups
    with the same maps and the same first guess, such as those that differ in their frames: the
    galaxies with the narrowest and the widest PSF, the smallest one and that with the deepest data.
    The finest is taken; where a fit ends it is checked. The workers of an executor share the work.
    """
    by_fineness: dict[tuple, list[int]] = {}
    for number, members in enumerate(groups):
        by_fineness.setdefault(_fineness(members), []).append(number)
    largest = [max(same, key=lambda number: len(groups[number])) for same in by_fineness.values()]
    examples = [
        Rows.of(raw, folder, catalogue, _rows_to_choose_for(groups[number])) for number in largest
    ]
    entries: dict[int, dict[str, Any]] = {}
    choices = by_workers(executor, chosen, examples)
    for numbers, (samplings, errors) in zip(by_fineness.values(), choices, strict=True):
        for number in numbers:
            members = groups[number]
            finest_of_each = {
                name: dataclasses.asdict(
                    finest([*(f.samplings[name] for f in members), *samplings.get(name, ())])
                )
                for name in members[0].samplings
            }
            entries[number] = {
                "frames": members[0].frames,
                "samplings": finest_of_each,
                "errors": errors,
            }
    return [entries[number] for number in range(len(groups))]


def chosen(examples: Rows) -> tuple[dict[str, list[Sampling]], dict[str, dict[str, float]]]:
    """The samplings chosen for some galaxies of a group, and the largest error of each map."""
    samplings: dict[str, list[Sampling]] = {}
    errors: dict[str, dict[str, float]] = {}
    for row in range(len(examples.catalogue)):
        scene = scene_of(examples.raw, examples.folder, examples.catalogue, row)[0]
        for name, one_map in scene.model(STRICTER).maps.items():
            instrument = one_map.instrument
            if instrument.sampling is not None:
                samplings.setdefault(name, []).append(instrument.sampling)
            for label, error in (instrument.error or {}).items():
                largest = errors.setdefault(name, {})
                largest[label] = max(largest.get(label, 0.0), float(error))
    return samplings, errors


def _fineness(members: Sequence[Facts]) -> tuple:
    """The maps of a group, the most cells to a pixel of a first guess, and whether it is one."""
    cells = {
        name: max(f.samplings[name].convolve for f in members) for name in members[0].samplings
    }
    return (*cells.items(), any(galaxy.automatic for galaxy in members))


def _rows_to_choose_for(members: Sequence[Facts]) -> list[int]:
    """The rows of the galaxies that decide an automatic sampling; none if it is not automatic."""
    if not any(galaxy.automatic for galaxy in members):
        return []
    extremes = (
        min(members, key=lambda f: f.width),
        max(members, key=lambda f: f.width),
        min(members, key=lambda f: f.size),
        max(members, key=lambda f: f.depth),
    )
    return list(dict.fromkeys(galaxy.row for galaxy in extremes))
