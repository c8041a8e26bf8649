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
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.schema import Survey
from jaxmetal.io.tables import ecsv_text
from jaxmetal.survey.catalogue import Catalogue, check_references
from jaxmetal.survey.groups import Facts, common_samplings, grouped
from jaxmetal.survey.identity import Plan, that_counts
from jaxmetal.survey.joining import Group, joined
from jaxmetal.survey.rows import check_rows

log = logging.getLogger("jaxmetal")

# A group with programs of its own has at least so many times the galaxies that are computed at
# once; those of smaller ones are computed more finely than they need, which takes less time than
# compiling.
WORTH_A_PROGRAM = 4


def make_plan(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    names: tuple[str, str],
    executor: Any = None,
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
    executor, progress
        as for `survey.run`; rows are checked by it.

    Raises
    ------
    InputError
        for what is wrong with the configuration whatever the galaxy.
    """
    check_references(raw, catalogue)
    _check_method(raw)
    facts, bad = check_rows(raw, folder, catalogue, range(len(catalogue)), executor, progress)
    whole = identity(raw, folder, catalogue, names)
    plan = _with(whole, facts, catalogue, bad, executor)
    log.info(
        "%d galaxies in %d groups, %d shards; %d left out",
        len(facts),
        len(plan.groups),
        len(plan.shards),
        len(bad),
    )
    return plan


def with_mended(
    plan: Plan, catalogue: Catalogue, executor: Any = None, progress: bool | None = None
) -> Plan:
    """A plan with more shards, for those of the galaxies it left out that are usable now.

    Parameters
    ----------
    plan, catalogue
        of the survey.
    executor, progress
        as for `survey.run`; rows are checked by it.
    """
    rows = sorted(map(int, plan.bad))
    facts, bad = check_rows(plan.raw, Path(plan.folder), catalogue, rows, executor, progress)
    if not facts:
        return plan
    ids = catalogue.ids
    for galaxy in facts:
        log.info("row %d (%s): was left out, and is usable now", galaxy.row + 1, ids[galaxy.row])
    return _with(plan, facts, catalogue, bad, executor)


def _with(
    plan: Plan, facts: list[Facts], catalogue: Catalogue, bad: dict[str, str], executor: Any
) -> Plan:
    """A plan with groups and shards of further galaxies."""
    config = settings(plan.raw)
    groups = grouped(facts, WORTH_A_PROGRAM * config.together)
    # A multiple of the number that is computed at once, so that a galaxy is computed with the same
    # others however long the shards are.
    size = -(-config.shard // config.together) * config.together
    entries, shards = list(plan.groups), list(plan.shards)
    choices = common_samplings(plan.raw, Path(plan.folder), catalogue, groups, executor)
    for members, sampling in joined([Group(*pair) for pair in zip(groups, choices, strict=True)]):
        shards += [
            {"group": len(entries), "rows": [f.row for f in members[i : i + size]]}
            for i in range(0, len(members), size)
        ]
        entries.append({"size": len(members), **sampling})
    return replace(plan, bad=bad, groups=entries, shards=shards)


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
