"""One map beside lenstronomy's, beside its gradient, and beside its convolution."""

import numpy as np
from benchmarks.lenstronomy_images import ACCURATE_SHIFT, SETTINGS, accurate, their_map
from benchmarks.scenes import (
    TOGETHER,
    bare_convolution,
    case,
    converged,
    errors,
    our_map,
    shifts,
)
from benchmarks.timing import alternate

CASES = [("use case 1", 0.3), ("use case 1", 0.7), ("use case 1", 1.5), ("use case 2", 0.05)]
# Largest error of an accurate map inside R_e, dex.
ACCURATE = 1e-4


def rows(options):
    """A row for each case; every side takes its turn in every round."""
    for name, fwhm in CASES:
        galaxy, maps, radius = case(name, fwhm, seed=1)
        z = maps["z"]
        model, ours = our_map(galaxy, z)
        z = model.maps["z"]
        sides = ours | {"convolution": bare_convolution(model)}
        settings = SETTINGS if options.compare else ()
        theirs = {setting: their_map(galaxy, z, setting) for setting in settings}
        seconds = alternate(sides | theirs, rounds=options.rounds)
        truth = converged(galaxy, z)
        shift = shifts(galaxy, z, truth)
        images = {"ours": ours["map"]()} | {setting: run() for setting, run in theirs.items()}
        inside = {
            side: (*errors(image, truth, galaxy, z, radius), shift(image))
            for side, image in images.items()
        }
        cells = int(np.prod(z.instrument.sampling.cells(z.values.shape)))
        row = {
            "case": f"{name}, {fwhm}",
            "map_ms": 1e3 * seconds["map"],
            "map_of_many_ms": 1e3 * seconds["many maps"] / TOGETHER,
            "error_1re": inside["ours"][0],
            "error_3re": inside["ours"][1],
            "shift": inside["ours"][2],
            "gradient_over_density": seconds["value and gradient"] / seconds["value"],
            "gradient_over_map": seconds["value and gradient"] / seconds["map"],
            "map_over_convolution": seconds["map"] / seconds["convolution"],
            "cells": cells,
        }
        yield row | (comparison(list(theirs), seconds, inside) if theirs else {})


def comparison(
    settings: list[str], seconds: dict[str, float], inside: dict[str, tuple[float, ...]]
) -> dict:
    """lenstronomy's columns: the cheapest of its settings that is accurate, and all of them."""

    def cheapest(column: int, allowed: float) -> str:
        off = {setting: inside[setting][column] for setting in settings}
        return min(accurate(off, allowed), key=seconds.__getitem__)

    best, fair = cheapest(0, ACCURATE), cheapest(2, ACCURATE_SHIFT)
    return {
        "lenstronomy": best,
        "lenstronomy_accurate": inside[best][0] < ACCURATE,
        "lenstronomy_ms": 1e3 * seconds[best],
        "lenstronomy_error_1re": inside[best][0],
        "lenstronomy_error_3re": inside[best][1],
        "times_faster": seconds[best] / seconds["map"],
        "times_faster_of_many": TOGETHER * seconds[best] / seconds["many maps"],
        "of_equal_shift": fair,
        "of_equal_shift_ms": 1e3 * seconds[fair],
        "of_equal_shift_shift": inside[fair][2],
        "times_faster_of_equal_shift": seconds[fair] / seconds["map"],
        "settings": {
            s: {
                "ms": 1e3 * seconds[s],
                "error_1re": inside[s][0],
                "error_3re": inside[s][1],
                "shift": inside[s][2],
            }
            for s in settings
        },
    }
