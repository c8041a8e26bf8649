"""A survey planned: every row checked, galaxies grouped by what they can compute together, groups divided into shards."""

import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

import jaxmetal
from jaxmetal.errors import InputError, collected_warnings
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Linear, Tied
from jaxmetal.inference.progress import bar
from jaxmetal.instrument.sampling import Sampling, guess, margin_for
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.scene import Scene, build
from jaxmetal.io.schema import Survey
from jaxmetal.profiles.units import is_length
from jaxmetal.survey.catalogue import Catalogue, check_references, configure
from jaxmetal.survey.store import Plan

log = logging.getLogger("jaxmetal")


@dataclass(frozen=True)
class Facts:
    """What a plan needs to know of a galaxy.

    Parameters
    ----------
    row
        in the catalogue, from 0.
    structure
        equal for galaxies whose models differ in numbers only, however finely they are sampled.
    samplings
        {map: a first guess, or what the configuration says}.
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


def scene_of(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, row: int
) -> tuple[Scene, str]:
    """A galaxy's scene, in a frame of a common size, and what was changed in its input, in words.

    Raises
    ------
    InputError
        with everything that is wrong with this galaxy, whatever it is.
    """
    with collected_warnings() as texts:
        try:
            scene = build(configure(raw, catalogue, row), folder, fill=True)
        except (InputError, OSError):
            raise
        except Exception as error:  # what one galaxy's files do to a reader must not end the survey
            raise InputError(f"{type(error).__name__}: {error}") from error
    return scene, "; ".join(texts)


def make_plan(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    names: tuple[str, str],
    progress: bool | None = None,
) -> Plan:
    """The plan of a survey; depends on the catalogue, the configuration and the galaxies' files alone.

    Parameters
    ----------
    raw, folder
        the configuration with its references, and the folder that its paths are relative to.
    catalogue
        the galaxies.
    names
        of the catalogue and of the configuration, for the record.
    progress
        as for `survey.run`.

    Raises
    ------
    InputError
        for what is wrong with the configuration whatever the galaxy.
    """
    check_references(raw, catalogue)
    _check_method(raw)
    facts, bad = _facts(raw, folder, catalogue, progress)
    said = settings(raw)
    groups = _groups(facts, said.together)
    # Whole numbers of what is computed at once, so that a galaxy has the same neighbours there
    # however long the shards are.
    size = -(-said.shard // said.together) * said.together
    described, shards = [], []
    for number, members in enumerate(groups):
        described.append(
            {"size": len(members), **_common_sampling(raw, folder, catalogue, members)}
        )
        shards += [
            {"group": number, "rows": [f.row for f in members[i : i + size]]}
            for i in range(0, len(members), size)
        ]
    log.info(
        "%d galaxies in %d groups, %d shards; %d left out",
        len(facts),
        len(groups),
        len(shards),
        len(bad),
    )
    return replace(
        identity(raw, folder, catalogue, names), bad=bad, groups=described, shards=shards
    )


def identity(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, names: tuple[str, str]
) -> Plan:
    """What is asked for, not yet divided: by which two surveys are the same or not."""
    try:
        said = json.dumps(raw, sort_keys=True)
    except TypeError as error:
        raise InputError(f"{names[1]}: {error}; quote it.") from None
    return Plan(
        versions=versions(),
        raw=json.loads(said),
        folder=str(folder),
        bad={},
        groups=[],
        shards=[],
        catalogue={"file": names[0], "sha256": table_hash(catalogue)},
        configuration={"file": names[1], "sha256": hashlib.sha256(said.encode()).hexdigest()},
    )


def settings(raw: Mapping[str, Any]) -> Survey:
    """The part `survey` of a configuration.

    Raises
    ------
    InputError
        with a line for every mistake in it.
    """
    mistakes = Mistakes()
    config = parse({"galaxy": {}, "survey": raw.get("survey") or {}}, mistakes)
    mistakes.raise_all()
    assert config is not None and config.survey is not None
    return config.survey


def _check_method(raw: Mapping[str, Any]) -> None:
    if isinstance(raw.get("sample"), dict) and raw["sample"].get("adapt_metric"):
        raise InputError("sample.adapt_metric: is not available for many galaxies at once.")


def versions() -> dict[str, str]:
    """Of what must not change during a survey."""
    return {
        "jaxmetal": jaxmetal.__version__,
        "precision": "float64" if jax.config.jax_enable_x64 else "float32",
    }  # type: ignore[attr-defined]


def table_hash(catalogue: Catalogue) -> str:
    """Of the catalogue's contents, in whatever format they came."""
    text = io.StringIO()
    catalogue.table.write(text, format="ascii.ecsv")
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def bad_lines(plan: Plan, catalogue: Catalogue) -> list[str]:
    """A line for each mistake: the row, counted from 1, the galaxy and what is wrong."""
    ids = catalogue.ids
    return [
        f"row {int(row) + 1} ({ids[int(row)]}): {line}"
        for row, text in plan.bad.items()
        for line in text.splitlines()
    ]


def _facts(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, progress: bool | None
) -> tuple[list[Facts], dict[str, str]]:
    """Every row looked at, its files included; what is wrong with one touches no other."""
    facts, bad, seen = [], {}, {}
    with bar(len(catalogue), progress, "checking", "galaxies") as shown:
        for row, name in enumerate(catalogue.ids):
            shown.update(1)
            if not name or name in seen:
                bad[str(row)] = (
                    f"the galaxy of row {seen[name] + 1} has the same name."
                    if name
                    else "the galaxy has no name."
                )
                continue
            seen[name] = row
            try:
                facts.append(_facts_of(row, scene_of(raw, folder, catalogue, row)[0]))
            except (InputError, OSError) as error:
                bad[str(row)] = str(error)
    return facts, bad


def _facts_of(row: int, scene: Scene) -> Facts:
    known: dict[int, Any] = {}
    samplings, bare, widths = {}, {}, []
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
        # How far light scatters is one number among those that galaxies of a group differ in.
        fixed = instrument.sampling
        stripped = (
            instrument
            if fixed is None
            else instrument.with_sampling(Sampling(fixed.convolve, fixed.nodes, 0))
        )
        bare[name] = eqx.tree_at(
            lambda m: m.instrument, observed.map, known.setdefault(id(instrument), stripped)
        )
    priors = {
        path: repr(prior) if isinstance(prior, Tied | Linear) else prior
        for path, prior in scene.priors.items()
    }
    leaves, tree = jax.tree.flatten((scene.galaxy, bare, priors))
    shared = tuple(
        list(known).index(id(observed.map.instrument)) for observed in scene.maps.values()
    )
    shapes = tuple(leaf if isinstance(leaf, str) else np.shape(leaf) for leaf in leaves)
    pixel = min(float(observed.map.instrument.grid.pixel_scale) for observed in scene.maps.values())
    return Facts(
        row,
        (tree, shapes, shared),
        samplings,
        _automatic(scene),
        min(widths),
        _smallest(scene) / pixel,
    )


def _automatic(scene: Scene) -> bool:
    return any(observed.map.instrument.sampling is None for observed in scene.maps.values())


def _smallest(scene: Scene) -> float:
    """The smallest length in a galaxy's light, arcsec; in pixels it is how hard that is to sample."""
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


def _groups(facts: Sequence[Facts], enough: int) -> list[list[Facts]]:
    """Galaxies of one structure that are sampled about as finely, in the order of the catalogue."""
    found: dict[Any, dict[tuple, list[Facts]]] = {}
    for one in facts:
        fineness = tuple(sampling.convolve for sampling in one.samplings.values())
        found.setdefault(one.structure, {}).setdefault(fineness, []).append(one)
    groups = []
    for by_fineness in found.values():
        levels = sorted(by_fineness, key=lambda fineness: (sum(fineness), fineness))
        for i, level in enumerate(levels):
            # To compile a program costs more than to compute a few galaxies more finely than they
            # need.
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


def _common_sampling(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, members: Sequence[Facts]
) -> dict[str, Any]:
    """A sampling for all galaxies of a group: where it is automatic, the finest that those with extreme PSFs and sizes ask for."""
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
            instruments = {name: map.instrument for name, map in scene.model().maps.items()}
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
    chosen = {
        name: [
            max(getattr(s[name], key) for s in samplings) for key in ("convolve", "nodes", "margin")
        ]
        for name in names
    }
    measured = {name: [e[name] for e in errors if name in e] for name in names}
    return {
        "samplings": chosen,
        "errors": {name: np.max(some, axis=0).tolist() for name, some in measured.items() if some},
    }


def model_of(scene: Scene, group: Mapping[str, Any]) -> Model:
    """The model of a galaxy, sampled as its group is."""
    known: dict[int, Any] = {}
    maps = {}
    for name, observed in scene.maps.items():
        instrument = observed.map.instrument
        sampling = Sampling(*group["samplings"][name])
        sampled = known.setdefault(id(instrument), instrument.with_sampling(sampling))
        maps[name] = eqx.tree_at(lambda m: m.instrument, observed.map, sampled)
    return Model(scene.galaxy, maps, scene.priors)
