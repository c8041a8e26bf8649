"""lenstronomy's images of a scene: its metallicity, and its light.

For Sersic profiles with linear gradients or constant metallicities, and a Moffat or Gaussian PSF.
"""

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import jax.numpy as jnp
import numpy as np
from benchmarks.scenes import converged, distance, shifts
from benchmarks.timing import alternate

import jaxmetal as jm
from jaxmetal.instrument.psf import PSF as AnyPSF
from jaxmetal.profiles.numerics import sersic_b

SETTINGS = {
    "1x, convolved at pixels": {"supersampling_factor": 1, "supersampling_convolution": False},
    "3x, convolved at pixels": {"supersampling_factor": 3, "supersampling_convolution": False},
    "5x, convolved at pixels": {"supersampling_factor": 5, "supersampling_convolution": False},
    "adaptive 5x": {"supersampling_factor": 5, "compute_mode": "adaptive"},
}
# Pixels around a centre in which the adaptive mode samples finely.
NEAR = 5
# The part of the light that kernels leave out: of a Gaussian beyond five sigma, of wide wings more.
OUTSIDE, OUTSIDE_OF_WINGS = 1.5e-6, 1e-3
# The largest half width of a kernel, pixels.
LARGEST = 60
# How far an accurate map moves a metallicity, in units of its error.
ACCURATE_SHIFT = 0.03


def their_map(galaxy: jm.Galaxy, z: jm.TracerMap, setting: str) -> Callable[[], np.ndarray]:
    """A function that computes lenstronomy's map of round profiles, averaged in linear units."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lenstronomy.Data.psf import PSF

        psf = z.instrument.psf
        if "compute_mode" in SETTINGS[setting]:
            # That mode needs a kernel.
            scale = float(z.instrument.grid.pixel_scale)
            theirs = PSF(psf_type="PIXEL", kernel_point_source=_kernel(psf, scale, OUTSIDE))
        else:
            theirs = PSF(psf_type="GAUSSIAN", fwhm=float(psf.fwhm))
        return _models(galaxy, z, setting, theirs, "SERSIC")[1]


def columns(fit: jm.Fit) -> dict[str, Any]:
    """What lenstronomy takes for both images, by the cheapest numerics that are accurate.

    Or by those that shift least. Empty where it is not installed or does not have the scene.
    """
    if find_spec("lenstronomy") is None or not _has(fit):
        return {}
    z = fit.maps["z"]
    shift_of = shifts(fit.galaxy, z, converged(fit.galaxy, z))
    runs = {setting: _both_images(fit.galaxy, z, setting) for setting in SETTINGS}
    moved = {setting: shift_of(run()[1]) for setting, run in runs.items()}
    seconds = alternate({s: runs[s] for s in accurate(moved, ACCURATE_SHIFT)}, rounds=5)
    best = min(seconds, key=seconds.__getitem__)
    return {
        "lenstronomy": best,
        "lenstronomy_seconds": seconds[best],
        "lenstronomy_shift": moved[best],
    }


def accurate(errors: Mapping[str, float], allowed: float) -> list[str]:
    """The settings within what is allowed, or within a tenth of the best where none is."""
    limit = max(allowed, 1.1 * min(errors.values()))
    return [setting for setting, error in errors.items() if error < limit]


def _has(fit: jm.Fit) -> bool:
    """Whether lenstronomy has the profiles and the PSF."""
    psf = fit.maps["z"].instrument.psf
    components = fit.galaxy.components.values()
    known = (jm.light.sersic, jm.tracer.gradient, jm.tracer.uniform)
    functions = [c.light.function for c in components]
    functions += [c.tracers["metallicity"].function for c in components]
    return isinstance(psf, jm.MoffatPSF | jm.GaussianPSF) and all(f in known for f in functions)


def _both_images(galaxy: jm.Galaxy, z: jm.TracerMap, setting: str) -> Callable[[], tuple]:
    """A function that computes the images of light and metallicity of elliptical profiles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lenstronomy.Data.psf import PSF

        kernel = _kernel(z.instrument.psf, float(z.instrument.grid.pixel_scale), OUTSIDE_OF_WINGS)
        psf = PSF(psf_type="PIXEL", kernel_point_source=kernel)
        light, metallicity = _models(galaxy, z, setting, psf, "SERSIC_ELLIPSE")
    return lambda: (light(), metallicity())


def _models(
    galaxy: jm.Galaxy, z: jm.TracerMap, setting: str, psf: Any, profile: str
) -> tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]:
    """Functions that compute the image of the light, and that of the metallicity."""
    from lenstronomy.Data.imaging_data import ImageData
    from lenstronomy.ImSim.image_model import ImageModel
    from lenstronomy.ImSim.tracer_model import TracerModelSource
    from lenstronomy.LightModel.light_model import LightModel

    grid = z.instrument.grid
    x, y = (float(value) for value in grid.position(0, 0))
    data = ImageData(
        image_data=np.zeros(grid.shape),
        noise_map=np.ones(grid.shape),
        ra_at_xy_0=x,
        dec_at_xy_0=y,
        transform_pix2angle=np.asarray(grid.matrix, float),
    )
    numerics = dict(SETTINGS[setting])
    if "compute_mode" in numerics:
        numerics["supersampled_indexes"] = distance(galaxy, z) < NEAR * float(grid.pixel_scale)
    lights, tracers = _profiles(galaxy, elliptical=profile == "SERSIC_ELLIPSE")
    light_model = LightModel([profile] * len(lights))
    light = ImageModel(data, psf, source_model_class=light_model, kwargs_numerics=numerics)
    metallicity = TracerModelSource(
        data,
        psf,
        source_model_class=light_model,
        tracer_source_class=LightModel(["LINEAR"] * len(tracers)),
        kwargs_numerics=numerics,
        tracer_partition=[[i, i] for i in range(len(lights))],
        tracer_type="LOG",
    )
    return (
        lambda: light.image(None, lights, None, None),
        lambda: metallicity.tracer_model(tracers, None, lights),
    )


def _kernel(psf: AnyPSF, scale: float, outside: float) -> np.ndarray:
    """The PSF at the centres of pixels; an odd number of them to a side."""
    half = min(int(np.ceil(psf.radius(outside, scale) / scale)), LARGEST)
    row, column = np.mgrid[-half : half + 1, -half : half + 1] * scale
    squared = row**2 + column**2
    if isinstance(psf, jm.MoffatPSF):
        kernel = (1 + squared / float(psf.alpha) ** 2) ** -float(psf.beta)
    else:
        kernel = np.exp(-4 * np.log(2) * squared / float(psf.fwhm) ** 2)
    return kernel / kernel.sum()


def _profiles(galaxy: jm.Galaxy, elliptical: bool) -> tuple[list[dict], list[dict]]:
    """lenstronomy's parameters of the light and the metallicity of each component."""
    lights, tracers = [], []
    for component in galaxy.components.values():
        light = {k: float(v) for k, v in component.light.parameters.items()}
        tracer = {k: float(v) for k, v in component.tracers["metallicity"].parameters.items()}
        center = {"center_x": light["center_x"], "center_y": light["center_y"]}
        own = {place: tracer.get(place, value) for place, value in center.items()}
        shape = {name: light[name] for name in ("e1", "e2")} if elliptical else {}
        sizes = {name: light[name] for name in ("amp", "R_sersic", "n_sersic")}
        lights.append(_under_their_b_n(sizes) | shape | center)
        amp = tracer.get("central", tracer.get("value"))
        tracers.append({"amp": amp, "k": tracer.get("gradient", 0.0)} | own)
    return lights, tracers


def _under_their_b_n(light: dict[str, float]) -> dict[str, float]:
    """Parameters of the same brightness under lenstronomy's b_n, to compare numerics only."""
    n, exact = light["n_sersic"], float(sersic_b(jnp.asarray(light["n_sersic"])))
    theirs = 1.9992 * n - 0.3271
    return light | {
        "R_sersic": light["R_sersic"] * (theirs / exact) ** n,
        "amp": light["amp"] * float(np.exp(exact - theirs)),
    }
