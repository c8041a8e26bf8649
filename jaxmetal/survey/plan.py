"""The plan of a survey: rows checked, galaxies grouped, groups divided into shards."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

import jaxmetal
from jaxmetal.errors import InputError
from jaxmetal.inference.progress import bar
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.schema import Survey
from jaxmetal.io.tables import ecsv_text
from jaxmetal.survey.catalogue import Catalogue, check_references
from jaxmetal.survey.groups import Facts, common_samplings, facts_of, grouped
from jaxmetal.survey.identity import Plan, that_counts
from jaxmetal.survey.scenes import scene_of

log = logging.getLogger("jaxmetal")


def make_plan(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    names: tuple[str, str],
    progress: bool | None = None,
) -> Plan:
    """The plan of a survey, from the catalogue, the configuration and the galaxies' files alone.

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
    config = settings(raw)
    groups = grouped(facts, config.together)
    # A multiple of the number that is computed at once, so that a galaxy is computed with the same
    # others however long the shards are.
    size = -(-config.shard // config.together) * config.together
    entries, shards = [], []
    samplings = common_samplings(raw, folder, catalogue, groups)
    for number, members in enumerate(groups):
        entries.append({"size": len(members), **samplings[number]})
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
    return replace(identity(raw, folder, catalogue, names), bad=bad, groups=entries, shards=shards)


def identity(
    raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, names: tuple[str, str]
) -> Plan:
    """The plan without groups and shards: what decides whether two surveys are the same."""
    try:
        whole = json.loads(json.dumps(raw, sort_keys=True))
        text = json.dumps(that_counts(whole), sort_keys=True)
    except TypeError as error:
        raise InputError(f"{names[1]}: {error}; quote it.") from None
    return Plan(
        versions=versions(),
        raw=whole,
        folder=str(folder),
        bad={},
        groups=[],
        shards=[],
        catalogue={"file": names[0], "sha256": table_hash(catalogue)},
        configuration={"file": names[1], "sha256": hashlib.sha256(text.encode()).hexdigest()},
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
    """The version and the precision, which must not change during a survey."""
    double: Any = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    return {
        "jaxmetal": jaxmetal.__version__,
        "precision": "float64" if double else "float32",
    }


def table_hash(catalogue: Catalogue) -> str:
    """The SHA-256 of the catalogue's contents, whatever the format of its file."""
    return hashlib.sha256(ecsv_text(catalogue.table).encode()).hexdigest()


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
    """The facts of every usable galaxy, and {row: what is wrong} of the others.

    The galaxies' files are read; an error in one does not affect the others.
    """
    facts, bad, first_row = [], {}, {}
    with bar(len(catalogue), progress, "checking", "galaxies") as progress_bar:
        for row, name in enumerate(catalogue.ids):
            progress_bar.update(1)
            if not name or name in first_row:
                bad[str(row)] = (
                    f"the galaxy of row {first_row[name] + 1} has the same name."
                    if name
                    else "the galaxy has no name."
                )
                continue
            first_row[name] = row
            if "\n" in name or "\0" in name:
                bad[str(row)] = "the galaxy's name has a line break or a null character in it."
                continue
            try:
                facts.append(facts_of(row, scene_of(raw, folder, catalogue, row)[0]))
            except (InputError, OSError) as error:
                bad[str(row)] = str(error)
    return facts, bad
