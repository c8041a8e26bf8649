"""A shard of a survey: its galaxies read, fitted and sampled by one program, and written."""

import logging
import platform
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError, reason
from jaxmetal.inference.batch import optimise_batch
from jaxmetal.inference.batch_posteriors import sample_batch
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.sample import not_to_be_sampled
from jaxmetal.inference.stack import Batch, memory_of, of_one_form
from jaxmetal.io.compiled import keep_compiled, release_programs
from jaxmetal.io.inputs import fingerprint
from jaxmetal.io.paths import named_files, own_failure
from jaxmetal.io.schema import Sample
from jaxmetal.io.summary import unit_of
from jaxmetal.survey import plan as planning
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.datasets import datasets
from jaxmetal.survey.identity import Plan
from jaxmetal.survey.outcome import Outcome
from jaxmetal.survey.scenes import model_of, scene_of

log = logging.getLogger("jaxmetal")

# Bytes that the galaxies computed at once may take. It is a constant and not what the machine has,
# because their number must not depend on the machine.
MEMORY = 2e9


def compute(folder: str, number: int, wait: bool = False, progress: bool | None = None) -> bool:
    """Compute a shard and write it, unless it exists or another process computes it.

    Parameters
    ----------
    folder, number
        of the survey and of the shard.
    wait
        whether to wait for the other process, and to compute the shard if that one fails.
    progress
        as for `survey.run`.

    Returns
    -------
    done
        False if another process computes it.

    Raises
    ------
    InputError
        if the results cannot be written.
    """
    plan, path = store.read_plan(folder), store.shard_path(folder, number)
    if planning.versions() != plan.versions:
        raise InputError(
            f"{folder}: planned with {plan.versions}, this process has {planning.versions()}."
        )
    with store.claimed(folder, number, wait) as is_mine:
        if not is_mine or path.is_file():
            return is_mine
        release_programs()
        since = time.monotonic()
        try:
            outcomes = _outcomes(plan, store.read_input(folder), number, progress)
            groups = datasets(outcomes, planning.settings(plan.raw).maps)
        except Exception as error:
            store.write_failure(folder, number, own_failure(error) or reason(error))
            raise
        tally = {
            "unanswered": sum(not outcome.answered for outcome in outcomes),
            "unread": sum(outcome.unread for outcome in outcomes),
        }
        provenance = _provenance(plan, time.monotonic() - since)
        store.write_shard(folder, number, groups, provenance, tally)
        messages = sum(bool(outcome.message) for outcome in outcomes)
        log.info(
            "shard %d: %d galaxies, %d with something to say, %.1f s",
            number,
            len(outcomes),
            messages,
            time.monotonic() - since,
        )
    return True


def work(folder: str, number: int, progress: bool | None = False) -> bool:
    """`compute` in a worker process."""
    keep_compiled()
    return compute(folder, number, progress=progress)


def _provenance(plan: Plan, seconds: float) -> dict[str, Any]:
    return {
        **plan.marks,
        "jax": jax.__version__,
        "backend": jax.default_backend(),
        "host": platform.node(),
        "seconds": seconds,
    }


def _outcomes(
    plan: Plan, catalogue: Catalogue, number: int, progress: bool | None
) -> list[Outcome]:
    shard = plan.shards[number]
    group, ids = plan.groups[shard["group"]], catalogue.ids
    outcomes = [Outcome(row, ids[row]) for row in shard["rows"]]
    for outcome in outcomes:
        try:
            with named_files() as files:
                outcome.scene, outcome.note = scene_of(
                    plan.raw, Path(plan.folder), catalogue, outcome.row, group["frames"]
                )
                outcome.inputs = fingerprint(files)
            outcome.model = model_of(outcome.scene, group)
        except (InputError, OSError) as error:
            outcome.message, outcome.unread = str(error).replace("\n", "; "), True
        except Exception as error:
            if not (text := own_failure(error)):
                raise
            outcome.message = text
    _of_one_structure(outcomes)
    together = planning.settings(plan.raw).together
    for first in range(0, len(outcomes), together):
        if ready := [
            outcome for outcome in outcomes[first : first + together] if outcome.model is not None
        ]:
            _fit(ready, min(together, group["size"]), progress)
    return outcomes


def _of_one_structure(outcomes: Sequence[Outcome]) -> None:
    """Remove the models of galaxies whose files have changed in shape since the planning."""
    ready = [(outcome, outcome.model) for outcome in outcomes if outcome.model is not None]
    models = of_one_form([model for _, model in ready])
    structures = [_structure(model) for model in models]
    most_common = Counter(structures).most_common(1)
    for (outcome, _), model, structure in zip(ready, models, structures, strict=True):
        if structure == most_common[0][0]:
            outcome.model = model
        else:
            outcome.model = None
            outcome.message = (
                "the galaxy's files have changed in shape since the survey was planned."
            )


def _structure(model: Model) -> Any:
    """What models share that one program computes: the tree, and the shapes of its leaves."""
    leaves, tree = jax.tree.flatten(model)
    return tree, tuple(np.shape(leaf) for leaf in leaves)


def _fit(outcomes: Sequence[Outcome], together: int, progress: bool | None) -> None:
    """Fit and sample galaxies of one structure.

    The compiled program is for `together` galaxies, or as many as fit into `MEMORY`, also where
    there are fewer.
    """
    first = outcomes[0]
    assert first.scene is not None and first.model is not None
    chunk = int(np.clip(MEMORY // memory_of(first.model), 1, together))
    models = Batch([outcome.model for outcome in outcomes if outcome.model is not None])
    fits = optimise_batch(
        models, **first.scene.config.fit.model_dump(), chunk=chunk, progress=progress
    )
    for outcome, fit in zip(outcomes, fits, strict=True):
        outcome.fit = fit
        # A fit that converged may have a message, too.
        outcome.message = "" if fit.message == "converged" else fit.message
        outcome.units = [unit_of(label, first.scene) for label in fit.labels]
    if first.scene.config.sample is not None:
        # Sampled as where the fits ended.
        _sample(outcomes, fits.models, fits, first.scene.config.sample, chunk, progress)


def _sample(
    outcomes: Sequence[Outcome],
    models: Sequence[Model],
    fits: Sequence[Fit],
    config: Sample,
    chunk: int,
    progress: bool | None,
) -> None:
    """Sample the galaxies whose fits allow it.

    One without would slow down all others of its batch; its message says that it is left out.
    """
    indices = []
    for i, (outcome, fit) in enumerate(zip(outcomes, fits, strict=True)):
        if not_to_be_sampled(fit, config.allow_unconverged):
            outcome.message = f"not sampled: {fit.message}"
        else:
            indices.append(i)
    if not indices:
        return
    options = config.model_dump(exclude={"adapt_metric"})
    numbers = [number_of(outcomes[i].id) for i in indices]
    posteriors = sample_batch(
        _some(models, indices),
        [fits[i] for i in indices],
        **options,
        numbers=numbers,
        chunk=chunk,
        progress=progress,
    )
    for i, posterior in zip(indices, posteriors, strict=True):
        outcomes[i].posterior = posterior
        if not posterior.converged:
            outcomes[i].message = "; ".join(filter(None, (outcomes[i].message, posterior.message)))


def _some(models: Sequence[Model], numbers: Sequence[int]) -> Sequence[Model]:
    """The models with these numbers; `models` itself, which may be stacked, if these are all."""
    return models if len(numbers) == len(models) else [models[i] for i in numbers]


def number_of(name: str) -> int:
    """The seed of a galaxy's random numbers: a hash of its name, the same in every survey."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big")
