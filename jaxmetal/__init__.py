"""jaxmetal: forward-modelled maps of what light carries, in pure JAX.

    Z_obs = g⁻¹[ A·(K ∗ Σᵢ Iᵢ g(Zᵢ)) / A·(K ∗ Σᵢ Iᵢ) ]

Every public name is loaded on first use, so that importing the package, and the command line's
--help, cost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jaxmetal.threads import keep_from_waiting

__version__ = "0.1.0"
keep_from_waiting()

_HOMES = {
    "InputError": "errors",
    "InputWarning": "errors",
    "light": "profiles.light",
    "tracer": "profiles.tracer",
    "lens": "profiles.lens",
    "Profile": "profiles.profile",
    "Sum": "profiles.combine",
    "Product": "profiles.combine",
    "Field": "profiles.scatter",
    "Texture": "profiles.scatter",
    "emission": "emission",
    "Emission": "emission",
    "LineGrid": "emission",
    "Component": "galaxy",
    "Galaxy": "galaxy",
    "Grid": "instrument.grid",
    "AperturePSFs": "instrument.aperture_psfs",
    "NoPSF": "instrument.psf",
    "GaussianPSF": "instrument.psf",
    "MoffatPSF": "instrument.psf",
    "EllipticalPSF": "instrument.elliptical_psf",
    "KernelPSF": "instrument.kernel_psf",
    "Apertures": "instrument.aperture",
    "Instrument": "instrument.instrument",
    "LightMap": "maps",
    "LineMap": "maps",
    "RatioMap": "maps",
    "RelativeLineMap": "maps",
    "TracerMap": "maps",
    "DispersionMap": "maps",
    "Map": "maps",
    "Moment": "maps",
    "Calibration": "maps",
    "Likelihood": "maps",
    "Gaussian": "maps",
    "StudentT": "maps",
    "predict": "forward",
    "intrinsic": "forward",
    "Model": "inference.model",
    "Tied": "inference.priors",
    "Linear": "inference.priors",
    "optimise": "inference.optimise",
    "sample": "inference.sample",
    "deconvolve": "inference.deconvolution",
    "compare": "inference.compare",
    "score_test": "inference.score_test",
    "Batch": "inference.stack",
    "ensemble": "inference.ensemble",
    "mixture": "inference.ensemble",
    "optimise_batch": "inference.batch",
    "sample_batch": "inference.batch_posteriors",
    "Fit": "inference.fit",
    "Posterior": "inference.posterior",
    "forecast": "inference.forecast",
    "Forecast": "inference.forecast",
    "run": "pipeline",
    "noise": "science.noise",
    "scales": "maps.scales",
    "calibrations": "science.calibrations",
    "classification": "science.classification",
    "baselines": "science.baselines",
    "simulate": "science.simulate",
    "kinematics": "science.kinematics",
    "lines": "science.lines",
    "lensing": "science.lensing",
    "arcs": "science.arcs",
    "examples": "science.examples",
    "guess": "science.starts",
    "Guess": "science.starts",
    "read_deflection": "io.deflections",
    "read_line_grid": "io.line_grids",
    "read_psf": "io.psfs",
    "view": "view",
    "from_lenstronomy": "io.lenstronomy",
    "galaxy_from_lenstronomy": "io.lenstronomy",
    "to_lenstronomy": "io.lenstronomy",
    "cite": "citation",
}
__all__ = [
    "AperturePSFs",
    "Apertures",
    "Batch",
    "Calibration",
    "Component",
    "DispersionMap",
    "EllipticalPSF",
    "Emission",
    "Field",
    "Fit",
    "Forecast",
    "Galaxy",
    "Gaussian",
    "GaussianPSF",
    "Grid",
    "Guess",
    "InputError",
    "InputWarning",
    "Instrument",
    "KernelPSF",
    "LightMap",
    "Likelihood",
    "LineGrid",
    "LineMap",
    "Linear",
    "Map",
    "Model",
    "MoffatPSF",
    "Moment",
    "NoPSF",
    "Posterior",
    "Product",
    "Profile",
    "RatioMap",
    "RelativeLineMap",
    "StudentT",
    "Sum",
    "Texture",
    "Tied",
    "TracerMap",
    "arcs",
    "baselines",
    "calibrations",
    "cite",
    "classification",
    "compare",
    "deconvolve",
    "emission",
    "ensemble",
    "examples",
    "forecast",
    "from_lenstronomy",
    "galaxy_from_lenstronomy",
    "guess",
    "intrinsic",
    "kinematics",
    "lens",
    "lensing",
    "light",
    "lines",
    "mixture",
    "noise",
    "optimise",
    "optimise_batch",
    "predict",
    "read_deflection",
    "read_line_grid",
    "read_psf",
    "run",
    "sample",
    "sample_batch",
    "scales",
    "score_test",
    "simulate",
    "to_lenstronomy",
    "tracer",
    "view",
]

if TYPE_CHECKING:
    from jaxmetal import emission, view
    from jaxmetal.citation import cite
    from jaxmetal.emission import Emission, LineGrid
    from jaxmetal.errors import InputError, InputWarning
    from jaxmetal.forward import intrinsic, predict
    from jaxmetal.galaxy import Component, Galaxy
    from jaxmetal.inference.batch import optimise_batch
    from jaxmetal.inference.batch_posteriors import sample_batch
    from jaxmetal.inference.compare import compare
    from jaxmetal.inference.deconvolution import deconvolve
    from jaxmetal.inference.ensemble import ensemble, mixture
    from jaxmetal.inference.fit import Fit
    from jaxmetal.inference.forecast import Forecast, forecast
    from jaxmetal.inference.model import Model
    from jaxmetal.inference.optimise import optimise
    from jaxmetal.inference.posterior import Posterior
    from jaxmetal.inference.priors import Linear, Tied
    from jaxmetal.inference.sample import sample
    from jaxmetal.inference.score_test import score_test
    from jaxmetal.inference.stack import Batch
    from jaxmetal.instrument.aperture import Apertures
    from jaxmetal.instrument.aperture_psfs import AperturePSFs
    from jaxmetal.instrument.elliptical_psf import EllipticalPSF
    from jaxmetal.instrument.grid import Grid
    from jaxmetal.instrument.instrument import Instrument
    from jaxmetal.instrument.kernel_psf import KernelPSF
    from jaxmetal.instrument.psf import GaussianPSF, MoffatPSF, NoPSF
    from jaxmetal.io.deflections import read_deflection
    from jaxmetal.io.lenstronomy import from_lenstronomy, galaxy_from_lenstronomy, to_lenstronomy
    from jaxmetal.io.line_grids import read_line_grid
    from jaxmetal.io.psfs import read_psf
    from jaxmetal.maps import (
        Calibration,
        DispersionMap,
        Gaussian,
        LightMap,
        Likelihood,
        LineMap,
        Map,
        Moment,
        RatioMap,
        RelativeLineMap,
        StudentT,
        TracerMap,
        scales,
    )
    from jaxmetal.pipeline import run
    from jaxmetal.profiles import lens, light, tracer
    from jaxmetal.profiles.combine import Product, Sum
    from jaxmetal.profiles.profile import Profile
    from jaxmetal.profiles.scatter import Field, Texture
    from jaxmetal.science import (
        arcs,
        baselines,
        calibrations,
        classification,
        examples,
        kinematics,
        lensing,
        lines,
        noise,
        simulate,
    )
    from jaxmetal.science.starts import Guess, guess


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxmetal' has no attribute {name!r}")
    home = _HOMES[name]
    module = import_module(f"jaxmetal.{home}")
    # A function may have the name of its module, and a package the name of one of its modules.
    is_module = home == name or (home.endswith(f".{name}") and not hasattr(module, name))
    value = module if is_module else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
