"""A shard of a survey: its galaxies read, fitted and sampled by one compiled program, and written as a whole."""

import logging
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.inference.batch import optimise_batch, sample_batch
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.inference.sample import not_to_be_sampled
from jaxmetal.inference.stack import Batch, memory_of
from jaxmetal.io.compiled import keep_compiled
from jaxmetal.io.scene import Scene
from jaxmetal.io.summary import unit_of
from jaxmetal.survey import plan as planning
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.pictures import naive, pictures
from jaxmetal.survey.store import Plan

log = logging.getLogger("jaxmetal")

# Bytes that the galaxies computed at once may take. Not what the machine has: their number must not
# depend on it.
MEMORY = 2e9
STATISTICS = ("mean", "sd", "16%", "50%", "84%", "ess", "r_hat")


@dataclass
class Outcome:
    """What became of one galaxy."""

    row: int
    id: str
    note: str = ""
    message: str = ""
    scene: Scene | None = None
    model: Model | None = None
    fit: Fit | None = None
    posterior: Posterior | None = None
    units: list[str] = field(default_factory=list)


def compute(folder: str, number: int, wait: bool = False, progress: bool | None = None) -> bool:
    """Compute a shard and write it, unless it is there already or another process is at it.

    Parameters
    ----------
    folder, number
        of the survey and of the shard.
    wait
        whether to wait for the other process, and to do it if that one fails.
    progress
        as for `survey.run`.

    Returns
    -------
    done
        False if another process is at it.

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
    with store.claimed(folder, number, wait) as mine:
        if not mine or path.is_file():
            return mine
        since = time.monotonic()
        try:
            outcomes = _outcomes(plan, store.read_input(folder), number, progress)
            groups = tables(outcomes, planning.settings(plan.raw).maps)
        except Exception as error:
            store.write_failure(folder, number, f"{type(error).__name__}: {error}")
            raise
        store.write_shard(folder, number, groups, _provenance(plan, time.monotonic() - since))
        troubled = sum(bool(outcome.message) for outcome in outcomes)
        log.info(
            "shard %d: %d galaxies, %d with something to say, %.1f s",
            number,
            len(outcomes),
            troubled,
            time.monotonic() - since,
        )
    return True


def work(folder: str, number: int, progress: bool | None = False) -> bool:
    """`compute` in a process of its own."""
    keep_compiled()
    return compute(folder, number, progress=progress)


def _provenance(plan: Plan, seconds: float) -> dict[str, Any]:
    return {
        **plan.versions,
        "jax": jax.__version__,
        "backend": jax.default_backend(),
        "host": platform.node(),
        "seconds": seconds,
        "configuration": plan.configuration["sha256"],
        "catalogue": plan.catalogue["sha256"],
    }


def _outcomes(
    plan: Plan, catalogue: Catalogue, number: int, progress: bool | None
) -> list[Outcome]:
    shard = plan.shards[number]
    group, ids = plan.groups[shard["group"]], catalogue.ids
    outcomes = [Outcome(row, ids[row]) for row in shard["rows"]]
    for outcome in outcomes:
        try:
            outcome.scene, outcome.note = planning.scene_of(
                plan.raw, Path(plan.folder), catalogue, outcome.row
            )
            outcome.model = planning.model_of(outcome.scene, group)
        except (InputError, OSError) as error:
            outcome.message = str(error).replace("\n", "; ")
    _of_one_structure(outcomes)
    together = planning.settings(plan.raw).together
    for first in range(0, len(outcomes), together):
        if ready := [
            outcome for outcome in outcomes[first : first + together] if outcome.model is not None
        ]:
            _fit(ready, min(together, group["size"]), progress)
    return outcomes


def _of_one_structure(outcomes: Sequence[Outcome]) -> None:
    """Take out galaxies whose files have become others since the survey was planned."""

    def structure(model: Model) -> Any:
        leaves, tree = jax.tree.flatten(model)
        return tree, tuple(np.shape(leaf) for leaf in leaves)

    found = {
        outcome.row: structure(outcome.model) for outcome in outcomes if outcome.model is not None
    }
    usual = Counter(found.values()).most_common(1)
    for outcome in outcomes:
        if outcome.model is not None and found[outcome.row] != usual[0][0]:
            outcome.model, outcome.message = (
                None,
                "the galaxy's files have changed in shape since the survey was planned.",
            )


def _fit(outcomes: Sequence[Outcome], together: int, progress: bool | None) -> None:
    """Fit and sample galaxies of one structure by programs for a fixed number of them, be they fewer or not."""
    first = outcomes[0]
    assert first.scene is not None and first.model is not None
    chunk = int(np.clip(MEMORY // memory_of(first.model), 1, together))
    models = Batch([outcome.model for outcome in outcomes if outcome.model is not None])
    fits = optimise_batch(
        models, **first.scene.config.fit.model_dump(), chunk=chunk, progress=progress
    )
    for outcome, fit in zip(outcomes, fits, strict=True):
        outcome.fit = fit
        # A fit that converged may have something to say all the same.
        outcome.message = "" if fit.message == "converged" else fit.message
        outcome.units = [unit_of(label, first.scene) for label in fit.labels]
    if first.scene.config.sample is not None:
        _sample(outcomes, models, fits, chunk, progress)


def _sample(
    outcomes: Sequence[Outcome],
    models: Batch,
    fits: Sequence[Fit],
    chunk: int,
    progress: bool | None,
) -> None:
    """Sample the galaxies whose fits have an answer; one without would hold up all the others, and says that it is left out."""
    scene = outcomes[0].scene
    assert scene is not None and scene.config.sample is not None
    wanted = scene.config.sample
    sampled = []
    for i, (outcome, fit) in enumerate(zip(outcomes, fits, strict=True)):
        if not_to_be_sampled(fit, wanted.allow_unconverged):
            outcome.message = f"not sampled: {fit.message}"
        else:
            sampled.append(i)
    if not sampled:
        return
    some = models if len(sampled) == len(models) else Batch([models[i] for i in sampled])
    asked = wanted.model_dump(exclude={"adapt_metric"})
    numbers = [number_of(outcomes[i].id) for i in sampled]
    posteriors = sample_batch(
        some, [fits[i] for i in sampled], **asked, numbers=numbers, chunk=chunk, progress=progress
    )
    for i, posterior in zip(sampled, posteriors, strict=True):
        outcomes[i].posterior = posterior
        if not posterior.converged:
            outcomes[i].message = "; ".join(filter(None, (outcomes[i].message, posterior.message)))


def number_of(name: str) -> int:
    """The number by which a galaxy draws its random numbers: from its name, so that it draws the same in every survey."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big")


def tables(outcomes: Sequence[Outcome], with_maps: bool) -> dict[str, Any]:
    """The results of a shard as datasets with a dimension of galaxies: "galaxies", "posterior", "maps/NAME"."""
    import xarray

    columns: dict[str, Any] = {
        "row": ("galaxy", np.array([outcome.row for outcome in outcomes])),
        **{
            name: ("galaxy", _texts(getattr(outcome, name) for outcome in outcomes))
            for name in ("id", "message", "note")
        },
        "method": ("galaxy", _texts(_method(outcome) for outcome in outcomes)),
        "converged": ("galaxy", np.array([_converged(outcome) for outcome in outcomes], np.int8)),
    }
    for name, asked in (
        ("reduced_chi_square", "reduced_chi_square"),
        ("log_likelihood", "log_likelihood"),
        ("pixels", "size"),
    ):
        columns[name] = (
            "galaxy",
            np.array([getattr(o.fit, asked) if o.fit else np.nan for o in outcomes], float),
        )
    columns["k_hat"] = ("galaxy", np.array([_k_hat(outcome) for outcome in outcomes], float))
    lines = np.array([naive(outcome) for outcome in outcomes], float)
    columns |= {
        name: ("galaxy", lines[:, i])
        for i, name in enumerate(("naive_gradient", "naive_gradient_error"))
    }
    first = next((outcome for outcome in outcomes if outcome.fit), None)
    if first is None or first.fit is None:
        return {"galaxies": xarray.Dataset(columns)}
    labels = first.fit.labels
    rows = np.stack([_numbers(outcome, len(labels)) for outcome in outcomes])
    for i, name in enumerate(("value", "error", *STATISTICS)):
        columns[name.replace("16%", "q16").replace("50%", "q50").replace("84%", "q84")] = (
            ("galaxy", "parameter"),
            rows[:, i],
        )
    nothing = np.full((len(labels), len(labels)), np.nan)
    columns["covariance"] = (
        ("galaxy", "parameter", "other"),
        np.stack([o.fit.covariance if o.fit else nothing for o in outcomes]),
    )
    coordinates = {"parameter": _texts(labels), "unit": ("parameter", _texts(first.units))}
    found = {"galaxies": xarray.Dataset(columns, coordinates)}
    if any(outcome.posterior for outcome in outcomes):
        found["posterior"] = _draws(outcomes)
    return found | (pictures(outcomes) if with_maps else {})


def _texts(values: Any) -> np.ndarray:
    # HDF5 knows no text that holds a zero.
    return np.array([str(value).replace("\0", "") for value in values], dtype=object)


def _method(outcome: Outcome) -> str:
    """How the posterior was found; empty where there is none."""
    if outcome.posterior:
        return str(outcome.posterior.attributes["method"])
    return "laplace" if outcome.fit is not None and outcome.fit.converged else ""


def _converged(outcome: Outcome) -> bool:
    found = outcome.posterior or outcome.fit
    return found is not None and found.converged


def _k_hat(outcome: Outcome) -> float:
    said = outcome.posterior.attributes if outcome.posterior else {}
    return said.get("k_hat", said.get("refused_k_hat", np.nan))


def _numbers(outcome: Outcome, count: int) -> np.ndarray:
    """Value, error and statistics of each parameter, shape (2 + statistics, parameters).

    Without draws the statistics are Laplace's, and NaN where the fit has not converged: it says
    nothing of a posterior then.
    """
    if outcome.fit is None:
        return np.full((2 + len(STATISTICS), count), np.nan)
    value, error = (
        np.concatenate([np.ravel(v) for v in part.values()])
        for part in (outcome.fit.parameters, outcome.fit.errors)
    )
    if outcome.posterior is None:
        nothing = np.full(count, np.nan)
        if not outcome.fit.converged:
            return np.stack([value, error, *([nothing] * len(STATISTICS))])
        return np.stack(
            [value, error, value, error, value - error, value, value + error, nothing, nothing]
        )
    drawn = outcome.posterior.summary()
    return np.stack([value, error, *([row[key] for row in drawn.values()] for key in STATISTICS)])


def _draws(outcomes: Sequence[Outcome]) -> Any:
    """The samples of all galaxies, NaN where there are none."""
    import xarray

    like = next(outcome.posterior for outcome in outcomes if outcome.posterior)
    drawn: dict[str, Any] = {}
    for name, samples in {**like.samples, **like.derived}.items():
        nothing = np.full_like(samples, np.nan)
        parts = [
            {**o.posterior.samples, **o.posterior.derived}[name] if o.posterior else nothing
            for o in outcomes
        ]
        drawn[name] = (
            ("galaxy", "chain", "draw", *(f"{name}_dim_{i}" for i in range(samples.ndim - 2))),
            np.stack(parts),
        )
    return xarray.Dataset(drawn)
