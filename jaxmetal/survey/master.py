"""The run of a survey: it is planned once, and the shards that are missing are computed."""

import copy
import logging
import os
import time
from asyncio import CancelledError
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError, reason
from jaxmetal.inference.progress import bar
from jaxmetal.io.config import read
from jaxmetal.io.paths import own_failure
from jaxmetal.survey import plan as planning
from jaxmetal.survey import shard, store
from jaxmetal.survey.catalogue import Catalogue, read_catalogue
from jaxmetal.survey.executors import check_executor
from jaxmetal.survey.identity import Plan
from jaxmetal.survey.slurm import Array
from jaxmetal.survey.stale import remove_stale
from jaxmetal.survey.state import Status, missing, status

log = logging.getLogger("jaxmetal")

# Attempts to compute a shard whose worker dies.
ROUNDS = 3
# Seconds between looks at the futures of an executor.
POLL = 0.2


def prepare(
    catalogue: Any,
    config: Any,
    out: str | os.PathLike,
    skip_bad: bool = False,
    executor: Any = None,
    progress: bool | None = None,
) -> Plan:
    """The plan of a survey, made and written if there is none yet in its folder; see `run`."""
    from astropy.table import Table

    out, raw, folder, name = Path(out), *_configuration(config)
    is_file = isinstance(catalogue, str | os.PathLike)
    column = planning.settings(raw).id
    table = read_catalogue(catalogue, column) if is_file else Table(catalogue)
    whole = Catalogue(table, column)
    names = (os.fspath(catalogue) if is_file else "a table", name)
    if (out / store.PLAN).exists():
        plan = _existing(out, planning.identity(raw, folder, whole, names), table)
        return _mended(out, plan, whole, executor, progress) if skip_bad and plan.bad else plan
    _check_free(out)
    plan = planning.make_plan(raw, folder, whole, names, executor, progress)
    lines = planning.bad_lines(plan, whole)
    if lines and not skip_bad:
        count = f"{len(plan.bad)} of {len(whole)} galaxies cannot be used"
        raise InputError("\n".join([*lines, f"{count}; --skip-bad goes on without them."]))
    if not plan.shards:
        raise InputError("\n".join([*lines, "no galaxy is left."]))
    for line in lines:
        log.warning("left out: %s", line)
    store.keep_plan(out, plan, table)
    # Another process may have written its plan first.
    return _existing(out, plan, table)


def _check_free(out: Path) -> None:
    """The folder is empty, does not exist yet, or is that of a survey without a plan."""
    is_empty = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if not is_empty and not (out / store.SHARDS).is_dir():
        raise InputError(f"{out}: expected an empty folder or the folder of a survey.")


def _existing(out: Path, request: Plan, table: Any) -> Plan:
    """The plan in a folder, if it is for the same survey as the request.

    The copy of the catalogue is written again if it is damaged.
    """
    plan = store.read_plan(out)
    if changes := plan.differences(request):
        raise InputError(
            "\n".join(
                f"{out}: holds another survey: {change}; --out names another folder."
                for change in changes
            )
        )
    if not store.input_is_whole(out, plan):
        store.write_input(out, table)
    return plan


def run(
    catalogue: Any,
    config: Any,
    out: str | os.PathLike,
    *,
    skip_bad: bool = False,
    executor: Any = None,
    progress: bool | None = None,
) -> Status:
    """Fit and sample every galaxy of a catalogue; shards that exist are not computed again.

    Parameters
    ----------
    catalogue
        an ECSV, CSV or FITS file, or an astropy Table: a row for each galaxy.
    config
        a YAML or TOML file, or its contents, in which {column} stands for a value of the catalogue.
    out
        folder of the survey; a second run with other input is an error.
    skip_bad
        whether to leave out galaxies whose input is wrong; they are rows of the final catalogue,
        with the reason.
    executor
        anything with a method submit, such as those of concurrent.futures, Dask or submitit; this
        process if left out. Processes must not be forks of this one.
    progress
        whether to show the progress; if left out, bars on a terminal or in a notebook, and a line
        every half minute in a log.

    Returns
    -------
    status
        which shards are done: all, unless another process still computes some of them.

    Raises
    ------
    InputError
        with a line for everything that is wrong with the input, or with the shards that could not
        be computed.
    """
    check_executor(executor)
    plan = prepare(catalogue, config, out, skip_bad, executor, progress)
    folder = os.fspath(Path(out).absolute())
    remove_stale(folder, plan)
    sizes = [len(entry["rows"]) for entry in plan.shards]
    with bar(sum(sizes), progress, "survey", "galaxies") as progress_bar:

        def advance(number: int) -> None:
            progress_bar.update(sizes[number])

        absent = missing(folder, plan)
        progress_bar.update(sum(size for n, size in enumerate(sizes) if n not in absent))
        failures = _compute_missing(plan, folder, executor, progress, advance)
    if failures:
        raise InputError(
            "\n".join(f"shard {number}: {text}" for number, text in sorted(failures.items()))
        )
    return status(folder)


def _configuration(config: Any) -> tuple[dict[str, Any], Path, str]:
    """(contents, folder of its paths, name) of a configuration."""
    if isinstance(config, Mapping):
        return copy.deepcopy(dict(config)), Path.cwd(), "a mapping"
    return read(config), Path(config).resolve().parent, os.fspath(config)


def slurm_of(config: Any) -> Array:
    """The Slurm executor that a configuration's survey.slurm describes."""
    return Array(planning.settings(_configuration(config)[0]).slurm)


def _mended(
    out: Path, plan: Plan, catalogue: Catalogue, executor: Any, progress: bool | None
) -> Plan:
    """The plan with the galaxies that were left out, as far as they are usable now."""
    more = planning.with_mended(plan, catalogue, executor, progress)
    if more is not plan:
        store.replace_plan(out, plan, more)
    return store.read_plan(out)


def _compute_missing(
    plan: Plan, folder: str, executor: Any, progress: bool | None, advance: Callable[[int], None]
) -> dict[int, str]:
    """Compute the shards that are missing, in several rounds if need be.

    Parameters
    ----------
    plan, folder
        of the survey.
    executor, progress
        as for `run`.
    advance
        is called with the number of each shard that is done.

    Returns
    -------
    failures
        {number: why} of the shards that could not be computed.
    """
    failures: dict[int, str] = {}
    for attempt in range(ROUNDS):
        todo = [number for number in missing(folder, plan) if number not in failures]
        if not todo:
            break
        if executor is None:
            _compute_in_process(folder, todo, attempt > 0, progress, failures, advance)
        else:
            order = by_turns(todo, [entry["group"] for entry in plan.shards])
            _compute_by_executor(executor, folder, order, attempt + 1 == ROUNDS, failures, advance)
    return failures


def _compute_in_process(
    folder: str,
    todo: Sequence[int],
    wait: bool,
    progress: bool | None,
    failures: dict[int, str],
    advance: Callable[[int], None],
) -> None:
    """Compute one shard after the other in this process."""
    for number in todo:
        try:
            if shard.compute(folder, number, wait, progress):
                advance(number)
        except InputError:
            # The folder cannot be written, so the other shards would fail, too.
            raise
        except Exception as error:
            failures[number] = own_failure(error) or reason(error)


def _compute_by_executor(
    executor: Any,
    folder: str,
    todo: Sequence[int],
    last: bool,
    failures: dict[int, str],
    advance: Callable[[int], None],
) -> None:
    """Submit all shards to an executor and wait for them.

    A shard whose worker died is not added to `failures`, unless this is the last round.
    """
    try:
        if hasattr(executor, "shards"):
            futures = executor.shards(folder, todo)
        else:
            futures = {number: executor.submit(shard.work, folder, number) for number in todo}
    except InputError:
        raise
    except Exception as error:  # of a cluster that has ended, by the kind of cluster
        rest = "the same command again computes what is missing"
        raise InputError(f"the executor takes no work ({reason(error)}); {rest}.") from None
    while futures:
        for number, future in list(futures.items()):
            if future.done():
                del futures[number]
                _take_result(future, folder, number, last, failures, advance)
        time.sleep(POLL if futures else 0.0)


def by_turns(todo: Sequence[int], groups: Sequence[int]) -> list[int]:
    """Shards in an order in which those that follow each other are of different groups.

    Workers that begin at the same time then compile different programs, and find those of the other
    workers in the cache later.

    Parameters
    ----------
    todo, groups
        numbers of the shards, and the group of every shard of the survey.

    Returns
    -------
    order
        the first missing shard of each group, then the second of each, and so on.
    """
    turns: Counter[int] = Counter()
    places = []
    for number in todo:
        places.append((turns[groups[number]], groups[number], number))
        turns[groups[number]] += 1
    return [number for *_, number in sorted(places)]


def _take_result(
    future: Any,
    folder: str,
    number: int,
    last: bool,
    failures: dict[int, str],
    advance: Callable[[int], None],
) -> None:
    """Count a shard whose future is done, or add it to those that failed."""
    try:
        if future.result():
            advance(number)
    except InputError as error:
        failures[number] = str(error)
    except (Exception, CancelledError) as error:
        if last or store.read_failure(folder, number):
            failures[number] = f"{type(error).__name__}: {error}"
