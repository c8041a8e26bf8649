"""The posteriors of many galaxies of one kind, from one compiled program."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.inference.chains import Program, Settings, advance, begin, run_chains
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.galaxy_axis import over_galaxies
from jaxmetal.inference.importance import draw_each
from jaxmetal.inference.model import Model
from jaxmetal.inference.modes import joined
from jaxmetal.inference.posterior import Posterior, trusted
from jaxmetal.inference.progress import bar
from jaxmetal.inference.resampling import sampled_as, samplings_of
from jaxmetal.inference.sample import (
    CHAINS,
    fallback,
    finished,
    in_place_of,
    not_to_be_sampled,
    settings_for,
)
from jaxmetal.inference.stack import Batch, check_models, part_size

_PROGRAM = Program(over_galaxies(begin), over_galaxies(advance), draws_axis=2)


def sample_batch(
    models: Sequence[Model],
    fits: Sequence[Fit],
    seed: int = 0,
    *,
    method: str = "auto",
    chains: int = 4,
    warmup: int = 300,
    draws: int = 500,
    target_accept: float = 0.8,
    allow_unconverged: bool = False,
    numbers: Sequence[int] | None = None,
    chunk: int | None = None,
    progress: bool | None = None,
) -> list[Posterior]:
    """The posteriors of many galaxies whose models differ in numbers only.

    Parameters
    ----------
    models
        of one structure.
    fits
        where each starts, from `optimise_batch`; all must have converged.
    seed, method, chains, warmup, draws, target_accept
        as for `sample`, the modes of a fit included. "auto" takes HMC where importance sampling
        cannot be trusted, for those galaxies alone; with "nuts" all galaxies wait at every step for
        the longest trajectory among them.
    allow_unconverged
        as for `sample`; a single galaxy without a maximum may hold up all the others.
    numbers
        by which each galaxy draws its own random numbers from the seed; 0, 1, 2, … if left out. A
        galaxy that keeps its number draws the same in every batch.
    chunk
        how many are computed at once; chosen by memory and device if left out. Several
        devices share them.
    progress
        as for `sample`.

    Returns
    -------
    posteriors
        one for each model.

    Raises
    ------
    InputError
        for models of different structure, or fits that do not belong to them, have not converged or
        have no covariance.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> models = [jm.examples.model(seed=1), jm.examples.model(seed=2)]
    >>> posteriors = jm.sample_batch(models, jm.optimise_batch(models), draws=200)
    >>> len(posteriors)
    2
    """
    settings = settings_for(method, chains, warmup, draws, target_accept)
    numbers = range(len(models)) if numbers is None else numbers
    _check_fits(models, fits, numbers, allow_unconverged)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(seed), i))(
        jnp.asarray(np.asarray(numbers, np.uint32))
    )
    posteriors: dict[int, Posterior] = {}
    for rows, batch in _as_fitted(models, fits):
        size = batch.at_once(chunk)
        size = size if len(rows) == len(models) else part_size(size, len(rows))
        own = [fits[i] for i in rows]
        job = _Job(batch, own, keys[np.asarray(rows)], seed, (chains, draws), size, progress)
        posteriors |= zip(rows, job.run(settings, mend=method == "auto"), strict=True)
    return [posteriors[i] for i in range(len(models))]


class _Job(NamedTuple):
    """The galaxies to sample, and how; shape is (chains, draws)."""

    batch: Batch
    fits: Sequence[Fit]
    keys: Array
    seed: int
    shape: tuple[int, int]
    chunk: int
    progress: bool | None

    def run(self, settings: Settings, mend: bool) -> list[Posterior]:
        """The posteriors of all; `mend` takes chains where importance sampling is not trusted."""
        everyone = range(len(self.batch))
        if settings.method in CHAINS:
            posteriors = self.in_chains(settings, everyone, {})
        else:
            posteriors = self.draw(settings, everyone, self.fits)
        if mend:
            posteriors = self.mended(settings, posteriors)
        return [finished(posteriors[i], self.batch[i], self.fits[i]) for i in everyone]

    def draw(
        self, settings: Settings, indices: Sequence[int], starts: Sequence[Fit], mode: int = 0
    ) -> list[Posterior]:
        """The posteriors of some galaxies by one method, from one mode of each."""
        every = len(indices) == len(self.batch)
        members = self.batch if every else Batch([self.batch[i] for i in indices])
        size = self.chunk if every else part_size(self.chunk, len(indices))
        keys = self.keys[np.asarray(indices)]
        if mode:
            keys = jax.vmap(lambda key: jax.random.fold_in(key, mode))(keys)
        return _draw(members, starts, keys, self.seed, settings, self.shape, size, self.progress)

    def mended(self, settings: Settings, posteriors: list[Posterior]) -> list[Posterior]:
        """Importance samplings, and chains instead of those that cannot be trusted."""
        untrusted = [i for i, posterior in enumerate(posteriors) if not trusted(posterior)]
        if not untrusted:
            return posteriors
        chain_settings = fallback(settings, "hmc", [posteriors[i] for i in untrusted])
        chains = self.in_chains(chain_settings, untrusted, dict(enumerate(posteriors)))
        mended = list(posteriors)
        for i, posterior in zip(untrusted, chains, strict=True):
            mended[i] = in_place_of(posteriors[i], posterior)
        return mended

    def in_chains(
        self, settings: Settings, indices: Sequence[int], weighted: Mapping[int, Posterior]
    ) -> list[Posterior]:
        """Chains in every mode of some galaxies, joined by the odds of importance sampling.

        Parameters
        ----------
        settings
            of the chains.
        indices
            of the galaxies.
        weighted
            importance samplings by number, as far as there are any.
        """
        chains: dict[int, list[Posterior]] = {i: [] for i in indices}
        for mode in range(max(len(self.fits[i].modes) for i in indices)):
            members = [i for i in indices if len(self.fits[i].modes) > mode]
            starts = [self.fits[i].modes[mode] for i in members]
            for i, posterior in zip(
                members, self.draw(settings, members, starts, mode), strict=True
            ):
                chains[i].append(posterior)
        several = [i for i in indices if len(chains[i]) > 1]
        odds = self._odds(settings, several, weighted)
        return [
            joined(chains[i], odds[i], self.seed) if i in several else chains[i][0] for i in indices
        ]

    def _odds(
        self, settings: Settings, indices: Sequence[int], weighted: Mapping[int, Posterior]
    ) -> dict[int, Any]:
        """The odds of the modes of some galaxies, by importance sampling."""
        new = [i for i in indices if i not in weighted]
        if new:
            importance = settings._replace(method="importance")
            more = self.draw(importance, new, [self.fits[i] for i in new])
            weighted = {**weighted, **dict(zip(new, more, strict=True))}
        return {i: weighted[i].attributes["odds"] for i in indices}


def _as_fitted(models: Sequence[Model], fits: Sequence[Fit]) -> list[tuple[list[int], Batch]]:
    """The models of each sampling with which fits ended, linear in random fields near there.

    Parameters
    ----------
    models
        of one structure.
    fits
        one for each.

    Returns
    -------
    parts
        numbers of the models of each sampling, and those models.
    """
    check_models(models)
    fitted = [
        sampled_as(model, fit.maps).with_fields_at(fit.galaxy, fit.maps)
        for model, fit in zip(models, fits, strict=True)
    ]
    rows: dict[tuple, list[int]] = {}
    for i, model in enumerate(fitted):
        rows.setdefault(samplings_of(model), []).append(i)
    if len(rows) == 1 and all(new is old for new, old in zip(fitted, models, strict=True)):
        return [(list(range(len(fitted))), Batch.of(models))]
    return [(own, Batch([fitted[i] for i in own])) for own in rows.values()]


def _check_fits(
    models: Sequence[Model], fits: Sequence[Fit], numbers: Sequence[int], allow_unconverged: bool
) -> None:
    """Check that there is a fit for each model, and that all can be sampled."""
    if len(fits) != len(models) or len(numbers) != len(models):
        raise InputError(
            f"sample_batch: {len(models)} models but {len(fits)} fits and {len(numbers)} numbers."
        )
    reasons = {
        i: reason
        for i, fit in enumerate(fits)
        if (reason := not_to_be_sampled(fit, allow_unconverged))
    }
    if reasons:
        first = next(iter(reasons))
        raise InputError(
            f"sample_batch: fits {list(reasons)} cannot be sampled; leave them out. "
            f"fits[{first}]: {reasons[first]}. Of the fit: {fits[first].message}."
        )


def _draw(
    batch: Batch,
    fits: Sequence[Fit],
    keys: Array,
    seed: int,
    settings: Settings,
    shape: tuple[int, int],
    chunk: int,
    progress: bool | None,
) -> list[Posterior]:
    """The posteriors of a batch by one method, part by part."""
    posteriors: list[Posterior] = []
    chains, draws = shape
    in_chains = settings.method in CHAINS
    steps = chains * (settings.warmup + draws) if in_chains else 1
    text, unit = f"sampling ({settings.method})", "steps" if in_chains else "galaxies"
    with bar(len(batch) * steps, progress, text, unit) as display:
        for numbers, part in batch.parts(chunk):
            starts, part_keys = [fits[i] for i in numbers], keys[numbers]
            if in_chains:
                posteriors += run_chains(
                    _PROGRAM,
                    part,
                    starts,
                    part_keys,
                    chains,
                    draws,
                    settings,
                    seed,
                    display.update,
                )
            else:
                members = [batch[i] for i in numbers]
                posteriors += draw_each(members, part, starts, list(part_keys), seed, chains, draws)
                display.update(len(numbers))
    return posteriors[: len(batch)]
