"""Hard posteriors: what fit and sampler say of them, against a sampler without a maximum."""

import time

import numpy as np
from validation.hard_posteriors import POSTERIORS
from validation.tempering import tempered

import jaxmetal as jm

PARTICLES = 1024
# A posterior is wrong if a mean is further away than this many standard deviations of the
# reference, or a standard deviation differs by more than this factor.
FAR, FACTOR = 0.5, 1.4
# Characters of a message that go into the table.
TOLD = 160
# Posteriors that begin at one start, as A6 has it.
ALONE = ("far_start",)


def rows(count: int | None = None):
    """A row for each posterior; `count` is the number of particles of the reference."""
    for make in POSTERIORS:
        begin = time.perf_counter()
        model = make()
        fit = jm.optimise(model, starts=1 if make.__name__ in ALONE else 4)
        posterior, said = None, fit.message
        try:
            posterior = jm.sample(model, fit)
            said = posterior.message
        except jm.InputError as error:
            said = str(error)
        seconds = time.perf_counter() - begin
        reference = [tempered(model, count or PARTICLES, seed) for seed in (1, 2)]
        yield _row(make.__name__, fit, posterior, said, reference) | {"seconds": seconds}


def _row(name: str, fit: jm.Fit, posterior: jm.Posterior | None, said: str, reference) -> dict:
    both = {n: np.concatenate([one[n] for one in reference]) for n in reference[0]}
    apart = _differences(reference[0], reference[1])
    row = {
        "posterior": name,
        "parameters": len(fit.labels),
        "fit": "converged" if fit.converged else "not converged",
        "method": "none" if posterior is None else str(posterior.attributes["method"]),
        "modes": len(fit.modes),
        "trusted": int(_is_trusted(posterior)),
        "mean_off": np.nan,
        "sd_ratio": np.nan,
        "reference_mean_off": apart[0],
        "reference_sd_ratio": apart[1],
        "false_trust": 0,
        "message": said[:TOLD],
    }
    if posterior is not None:
        samples = {n: s.reshape(-1, *s.shape[2:]) for n, s in posterior.samples.items()}
        row["mean_off"], row["sd_ratio"] = _differences(samples, both)
        wrong = row["mean_off"] > FAR or not 1 / FACTOR < row["sd_ratio"] < FACTOR
        row["false_trust"] = int(row["trusted"] and wrong)
    return row


def _is_trusted(posterior: jm.Posterior | None) -> bool:
    """Whether a posterior says that it is good, without any but."""
    return posterior is not None and posterior.converged and not posterior.attributes.get("caveats")


def _differences(samples: dict, reference: dict) -> tuple[float, float]:
    """The largest distance of means, in sd of the reference, and the worst ratio of sds."""
    means, ratios = [], []
    for name, draws in reference.items():
        ours, theirs = np.asarray(samples[name], float), np.asarray(draws, float)
        sd = theirs.std(axis=0)
        means.append(np.max(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / sd))
        ratios.append(np.ravel(ours.std(axis=0) / sd))
    each = np.concatenate(ratios)
    return float(max(means)), float(each[np.argmax(np.abs(np.log(each + 1e-9)))])
