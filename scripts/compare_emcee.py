"""One posterior by two codes: lenstronomy's likelihood under emcee, and jaxmetal's NUTS.

    python scripts/compare_emcee.py

Needs lenstronomy and emcee. With numerics="lenstronomy" both sample the same density, so the
difference of the means, in sigma, is the sampling error: a tenth or so. Prints it for every
parameter, with the cost of each run.
"""

import argparse
import time
from typing import Any

import emcee
import numpy as np
from benchmarks.ensemble import their_density

import jaxmetal as jm

SIDE, PIXEL = 21, 0.2
CENTER = {"center_x": 0.0, "center_y": 0.0}
TRUTH = {
    "light": {"amp": 16.0, "R_sersic": 0.8, "n_sersic": 1.0},
    "tracer": {"amp": 8.0, "k": -0.2},
}
BOUNDS = {
    "light": {"R_sersic": (0.2, 2.0), "n_sersic": (0.5, 4.0)},
    "tracer": {"amp": (6.0, 9.0), "k": (-1.0, 1.0)},
}


def settings(kind: str) -> list[list[dict[str, float]]]:
    """init, sigma, fixed, lower and upper of the profiles of one kind."""
    free, values = BOUNDS[kind], TRUTH[kind]
    constants = {name: value for name, value in values.items() if name not in free} | CENTER
    bounds = ({name: limits[side] for name, limits in free.items()} for side in (0, 1))
    return [
        [{name: values[name] for name in free}],
        [dict.fromkeys(free, 0.02)],
        [constants],
        *([b] for b in bounds),
    ]


def frame(values: np.ndarray, sigma: float) -> dict[str, Any]:
    """kwargs_data of a frame about (0, 0)."""
    corner = -PIXEL * (SIDE - 1) / 2
    where = {"ra_at_xy_0": corner, "dec_at_xy_0": corner, "transform_pix2angle": PIXEL * np.eye(2)}
    return {"image_data": values, "noise_map": np.full(values.shape, sigma)} | where


def script(light: np.ndarray, z: np.ndarray) -> dict[str, Any]:
    """The arguments of a FittingSequence.

    The tracer is LINEAR, which lenstronomy fits whatever model it is given.
    """
    psf, numerics = {"psf_type": "GAUSSIAN", "fwhm": 0.8}, {"supersampling_factor": 2}
    return {
        "kwargs_data_joint": {
            "multi_band_list": [[frame(light, 0.02), psf, numerics]],
            "multi_band_type": "single-band",
            "tracer_data": [frame(z, 0.1), psf, numerics],
        },
        "kwargs_model": {
            "source_light_model_list": ["SERSIC"],
            "tracer_source_model_list": ["LINEAR"],
        },
        "kwargs_constraints": {"linear_solver": False},
        "kwargs_likelihood": {"tracer_likelihood": True},
        "kwargs_params": {
            "source_model": settings("light"),
            "tracer_source_model": settings("tracer"),
        },
    }


def observed(seed: int) -> dict[str, Any]:
    """The script for a noisy mock, made by jaxmetal at the truth."""
    blank = np.zeros((SIDE, SIDE))
    images = jm.from_lenstronomy(**script(blank, blank), numerics="lenstronomy").predict({})
    rng = np.random.default_rng(seed)
    light, z = (np.asarray(images[name], float) for name in ("light", "tracer"))
    return script(
        light + 0.02 * rng.standard_normal(light.shape), z + 0.1 * rng.standard_normal(z.shape)
    )


def run_emcee(
    arguments: dict[str, Any], walkers: int, steps: int, seed: int
) -> tuple[list[str], np.ndarray, float]:
    """Names of the parameters, draws, and the autocorrelation time.

    The draws have the shape (steps, walkers, parameters); the time is in steps.
    """
    names, start, log_density = their_density(arguments)
    rng = np.random.default_rng(seed)
    sampler = emcee.EnsembleSampler(walkers, len(start), log_density)
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(start + 0.01 * rng.standard_normal((walkers, len(start))), steps)
    return (
        names,
        sampler.get_chain(discard=steps // 5),
        float(np.max(sampler.get_autocorr_time(tol=0))),
    )


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--walkers", type=int, default=24)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    arguments = observed(options.seed)
    begin = time.perf_counter()
    names, chain, correlation = run_emcee(arguments, options.walkers, options.steps, options.seed)
    draws = chain.shape[0] * chain.shape[1]
    seconds = time.perf_counter() - begin
    print(f"emcee: {seconds:.0f} s, {draws} draws, {draws / correlation:.0f} independent")
    begin = time.perf_counter()
    model = jm.from_lenstronomy(**arguments, numerics="lenstronomy")
    summary = jm.sample(
        model, jm.optimise(model, starts=1), method="nuts", warmup=200, draws=500, seed=options.seed
    ).summary()
    seconds, ess = time.perf_counter() - begin, min(row["ess"] for row in summary.values())
    print(f"NUTS: {seconds:.0f} s, compilation included, {ess:.0f} independent")
    flat = chain.reshape(-1, chain.shape[-1])
    for name, values in zip(names, flat.T, strict=True):
        kind = "light" if "source_light" in name else "tracer"
        parameter = next(p for p in BOUNDS[kind] if name.startswith(p + "_"))
        row = summary[f"source_0.{kind}.{parameter}"]
        theirs = f"{values.mean():.4f} ± {values.std():.4f}"
        ours = f"{row['mean']:.4f} ± {row['sd']:.4f}"
        apart = (values.mean() - row["mean"]) / row["sd"]
        print(f"{kind}.{parameter}: {theirs} and {ours}, {apart:+.2f} sigma apart")


if __name__ == "__main__":
    main()
