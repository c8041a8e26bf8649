"""Shards that are computed again: damaged ones, those of another survey or of other files.

A galaxy whose files could not be read is tried again as soon as they can be.
"""

import logging
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.io.inputs import changed_files
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.identity import Plan
from jaxmetal.survey.scenes import model_of, scene_of

log = logging.getLogger("jaxmetal")


def remove_stale(folder: str, plan: Plan) -> None:
    """Remove the shards that are to be computed again, each with the reason in the log.

    The lock file beside a shard that is complete is removed, too: its process was killed between
    writing the shard and removing the lock.

    Parameters
    ----------
    folder, plan
        of the survey.
    """
    catalogue = store.read_input(folder)
    for number in range(len(plan.shards)):
        path, claim = (store.shard_path(folder, number, suffix) for suffix in (".nc", ".lock"))
        if not path.is_file():
            continue
        if claim.is_file() and not store.is_claimed(folder, number):
            claim.unlink(missing_ok=True)
        try:
            galaxies = store.read_shard(folder, number, plan)["galaxies"]
        except InputError as error:
            log.warning("%s", error)
            path.unlink(missing_ok=True)
            continue
        reasons = _reasons(galaxies, plan, plan.shards[number]["group"], catalogue)
        for reason in reasons:
            log.warning("%s; shard %d is computed again", reason, number)
        if reasons:
            path.unlink(missing_ok=True)


def _reasons(galaxies: Any, plan: Plan, group: int, catalogue: Catalogue) -> list[str]:
    """Why the galaxies of a shard are to be computed again: a text for each that has changed."""
    ids, reasons = catalogue.ids, []
    if not {"inputs", "unread"} <= set(galaxies.data_vars):
        return []
    for i, row in enumerate(galaxies["row"].values.tolist()):
        where = f"row {row + 1} ({ids[row]})"
        if files := changed_files(str(galaxies["inputs"].values[i]), Path(plan.folder)):
            reasons.append(f"{where}: {', '.join(files)} changed since it was computed")
        elif galaxies["unread"].values[i] and _can_be_read(plan, group, catalogue, row):
            reasons.append(f"{where}: can be read now")
    return reasons


def _can_be_read(plan: Plan, group: int, catalogue: Catalogue, row: int) -> bool:
    try:
        scene, _ = scene_of(plan.raw, Path(plan.folder), catalogue, row)
        model_of(scene, plan.groups[group])
    except (InputError, OSError):
        return False
    return True
