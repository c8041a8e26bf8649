"""What a map must cost at least, counted, and the bare convolution measured beside it."""

import numpy as np
from benchmarks.scenes import bare_convolution, case, our_map
from benchmarks.timing import alternate

import jaxmetal as jm
from jaxmetal.instrument.convolve import Separable


def convolution_cost(instrument: jm.Instrument) -> tuple[str, float]:
    """How two images are convolved, and the floating-point operations that it takes."""
    rows, columns = instrument.sampling.cells(instrument.grid.shape)
    ny, nx = instrument.grid.shape
    if isinstance(instrument.transfer, Separable):
        return "two matrices each", 2 * 2 * (ny * rows * columns + ny * columns * nx)
    return "Fourier transforms, forth and back", 4 * 2.5 * rows * columns * np.log2(rows * columns)


def explain(options) -> None:
    """Print the cost model of use case 1 and use case 2."""
    for name, fwhm in (("use case 1", 1.5), ("use case 1", 0.3), ("use case 2", 0.05)):
        galaxy, maps, _ = case(name, fwhm)
        model, ours = our_map(galaxy, maps["z"])
        z = model.maps["z"]
        sampling, components = z.instrument.sampling, len(galaxy.components)
        rows, columns = sampling.cells(z.values.shape)
        cells, points = rows * columns, sampling.points(z.values.shape)
        seconds = alternate(ours | {"convolution": bare_convolution(model)}, rounds=options.rounds)
        form, flops = convolution_cost(z.instrument)
        print(
            f"{name}, FWHM {fwhm}: {z.values.shape[0]} pixels a side, "
            f"{rows} x {columns} cells, {sampling.nodes}^2 points in each"
        )
        print(f"  convolution   of light and weighted light by {form}, {flops / 1e6:.1f} Mflop")
        print(
            f"  exponentials  {3 * components} per point, "
            f"{3 * components * points / 1e6:.2f} million: two of Sersic, and 10^Z"
        )
        mib = 8 * cells * model.start.dtype.itemsize / 2**20
        print(f"  memory        {mib:.1f} MiB to read or write at least")
        bare, mapping, gradient = (
            seconds[side] for side in ("convolution", "map", "value and gradient")
        )
        print(
            f"  measured      convolution {1e3 * bare:.2f} ms; map {mapping / bare:.2f} times; "
            f"value and gradient {gradient / mapping:.2f} maps"
        )
    print(
        "posterior: importance sampling takes one density a draw; "
        "NUTS about 3 to 7 gradients a draw, and a warm-up"
    )
