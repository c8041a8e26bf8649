"""Models of one structure stacked into one, in parts that fit into memory."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, check_type, described
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.instruments import cells
from jaxmetal.inference.model import Model
from jaxmetal.inference.noises import of_one_size
from jaxmetal.inference.resampling import sampled_at
from jaxmetal.inference.transfers import of_one_transfer
from jaxmetal.instrument.sampling import finest

# Default number of models computed at once. A CPU is slower with more: 100 fits of 9 x 9 to 65 x 65
# pixels took 1.0 to 1.3 times as long by 16 or 50, and chains, which wait for the slowest of them,
# 1.3 times by 16 and 1.6 times by 32. A GPU is faster.
MOST_TOGETHER = {"cpu": 8}
MOST_ELSEWHERE = 4096
# Copies of its cells that a fit holds at once for each free parameter and a few more.
COPIES = 24
# Where few galaxies are computed, parts have so many times fewer.
FEWER = 4
# The fraction of the memory that all fits together may take.
SHARE = 0.4


class Batch(Sequence[Model]):
    """Models that differ in numbers only, stacked once for all that is done with them.

    Parameters
    ----------
    models
        of one structure; `Model.with_maps` makes one from another. Where their automatic samplings
        differ, because their data do, the finest is used for all.

    Raises
    ------
    InputError
        if there is none, or naming the first that differs from `models[0]` in more than numbers.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> batch = jm.Batch([jm.examples.model(seed=1), jm.examples.model(seed=2)])
    >>> len(batch)
    2
    """

    def __init__(self, models: Sequence[Model]):
        self._models = check_models(models)
        self._models = of_one_form(_with_common_samplings(self._models))
        self._arrays, self._rest = _stack(self._models)

    @classmethod
    def of(cls, models: Sequence[Model]) -> "Batch":
        """A batch of the models, or `models` itself if it is one."""
        return models if isinstance(models, cls) else cls(models)

    def __len__(self) -> int:
        return len(self._models)

    def __getitem__(self, index: Any) -> Any:
        return self._models[index]

    def at_once(self, chunk: int | None) -> int:
        """Number of models computed at once.

        A number that is asked for is kept, so that one program serves batches of any size.

        Parameters
        ----------
        chunk
            the number that is asked for; None to choose it by the memory of the device.

        Returns
        -------
        count
            a multiple of the number of local devices.

        Raises
        ------
        InputError
            for a chunk below 1.
        """
        if chunk is not None and chunk < 1:
            raise InputError(f"chunk: expected at least 1, got {chunk}.")
        devices = jax.local_device_count()
        return -(-(chunk or min(together(self[0]), len(self))) // devices) * devices

    def parts(self, chunk: int | None) -> Iterator[tuple[np.ndarray, Model]]:
        """Numbers of the models of each part, and those models stacked.

        All parts have one size, so that one program serves all. The last part is filled up with the
        last model.

        Parameters
        ----------
        chunk
            as for `at_once`.

        Yields
        ------
        numbers
            of the models in the batch, shape (part,).
        model
            stacked, every array with a first axis of the part.
        """
        size = self.at_once(chunk)
        for first in range(0, len(self), size):
            numbers = np.minimum(np.arange(first, first + size), len(self) - 1)
            rows = slice(first, first + size) if first + size <= len(self) else numbers
            yield (
                numbers,
                eqx.combine(
                    jax.tree.map(lambda a, rows=rows: jnp.asarray(a[rows]), self._arrays),
                    self._rest,
                ),
            )


def by_parts(batch: Batch, size: int, program: Callable[..., Any], *arrays: Any) -> Any:
    """What a program gives of all galaxies, part by part.

    Parameters
    ----------
    batch
        of models.
    size
        how many are computed at once.
    program
        of a stack of models, and of rows of the arrays.
    arrays
        pytrees with a first axis of galaxies.
    """
    results = [
        jax.device_get(program(part, *jax.tree.map(lambda array, rows=rows: array[rows], arrays)))
        for rows, part in batch.parts(size)
    ]
    return jax.tree.map(lambda *parts: np.concatenate(parts)[: len(batch)], *results)


def check_models(models: Sequence[Model]) -> list[Model]:
    """The models as a list.

    Raises
    ------
    InputError
        for anything but models, and if there is none.
    """
    if isinstance(models, Model) or not isinstance(models, Iterable):
        raise InputError(
            f"models: expected a list of models, got {described(models)}; for a single one "
            "there are optimise and sample."
        )
    for model in models:
        check_type(model, Model, "models", MODEL_HINT)
    if not len(models):
        raise InputError("models: at least one is needed.")
    return list(models)


def part_size(size: int, count: int) -> int:
    """How many of a few galaxies to compute at once, where otherwise there are `size`.

    A part is filled up to its size. Only two sizes are used, because each takes programs of its
    own.

    Parameters
    ----------
    size
        how many of all galaxies are computed at once.
    count
        of the galaxies.
    """
    devices = jax.local_device_count()
    fewer = -(-size // FEWER // devices) * devices or devices
    return min((size, fewer), key=lambda one: -(-count // one) * one)


def of_one_form(models: Sequence[Model]) -> list[Model]:
    """Models that differ in numbers only, with arrays of the same shapes.

    Parameters
    ----------
    models
        whose masks and the skews of whose pixels may differ.
    """
    return of_one_transfer(of_one_size(models))


def together(model: Model) -> int:
    """Number of models like this one to compute at once.

    It is limited by the memory, and by what makes the computation faster.
    """
    limit = MOST_TOGETHER.get(jax.default_backend(), MOST_ELSEWHERE)
    return int(np.clip(SHARE * _memory() / memory_of(model), 1, limit)) * jax.local_device_count()


def memory_of(model: Model) -> int:
    """Bytes that the fit of one such model takes, about."""
    matrices = sum(leaf.nbytes for m in model.maps.values() for leaf in jax.tree.leaves(m.noise))
    light = COPIES * cells(model.maps) * model.start.dtype.itemsize * (len(model.start) + 2)
    return light + 2 * matrices


def _memory() -> int:
    """Bytes of a device's memory."""
    limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    return (
        limit
        or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jax.local_device_count()
    )


def _with_common_samplings(models: Sequence[Model]) -> list[Model]:
    """The models with the finest of their automatic samplings.

    Models whose maps have different names are left to the check of their structures.
    """
    names = set(models[0].maps)
    if any(set(model.maps) != names for model in models):
        return list(models)
    common = {}
    for name in names:
        instruments = [model.maps[name].instrument for model in models]
        if all(instrument.error is not None for instrument in instruments):
            common[name] = finest(i.sampling for i in instruments if i.sampling is not None)
    return [sampled_at(model, common) for model in models]


def _stack(models: Sequence[Model]) -> tuple[Any, Any]:
    """The arrays of all models with a first axis of models, and what they share."""
    leaves, structures = zip(*(jax.tree.flatten(model) for model in models), strict=True)
    _check_alike(leaves, structures)
    arrays = [
        np.stack([np.asarray(leaf) for leaf in same]) if eqx.is_array(same[0]) else None
        for same in zip(*leaves, strict=True)
    ]
    static = [None if eqx.is_array(leaf) else leaf for leaf in leaves[0]]
    return jax.tree.unflatten(structures[0], arrays), jax.tree.unflatten(structures[0], static)


def _check_alike(leaves: Sequence[Sequence[Any]], structures: Sequence[Any]) -> None:
    """Refuse models that differ from the first in structure or in shapes."""
    shapes = [[np.shape(leaf) for leaf in model_leaves] for model_leaves in leaves]
    for i, (structure, shape) in enumerate(zip(structures, shapes, strict=True)):
        if structure != structures[0] or shape != shapes[0]:
            raise InputError(
                f"models[{i}] differs from models[0] in more than numbers: components, priors, "
                "samplings or shapes of the maps."
            )
