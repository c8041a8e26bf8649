"""The API reference: a page for every public name of the package, in groups."""

import inspect
from types import ModuleType
from typing import Any

import jaxmetal as jm

# What belongs together, in the order in which a fit needs it.
GROUPS = {
    "Galaxies": [
        "Galaxy",
        "Component",
        "Profile",
        "Sum",
        "Product",
        "Field",
        "Texture",
        "Emission",
        "LineGrid",
    ],
    "Profiles, by kind": ["light", "tracer", "lens"],
    "Instruments": [
        "Instrument",
        "Grid",
        "GaussianPSF",
        "MoffatPSF",
        "EllipticalPSF",
        "KernelPSF",
        "NoPSF",
        "AperturePSFs",
        "Apertures",
    ],
    "Maps": [
        "TracerMap",
        "LightMap",
        "LineMap",
        "RelativeLineMap",
        "RatioMap",
        "DispersionMap",
        "Map",
        "Moment",
        "Calibration",
        "Likelihood",
        "Gaussian",
        "StudentT",
    ],
    "Prediction": ["predict", "intrinsic"],
    "Fits and posteriors": [
        "Model",
        "Tied",
        "Linear",
        "optimise",
        "sample",
        "Fit",
        "Posterior",
        "deconvolve",
        "compare",
        "score_test",
        "guess",
        "Guess",
        "forecast",
        "Forecast",
        "run",
    ],
    "Many galaxies": ["Batch", "optimise_batch", "sample_batch", "ensemble", "mixture"],
    "Astronomy": [
        "simulate",
        "noise",
        "calibrations",
        "classification",
        "baselines",
        "scales",
        "emission",
        "lines",
        "kinematics",
        "lensing",
        "arcs",
        "examples",
    ],
    "Files and other programs": [
        "read_deflection",
        "read_psf",
        "read_line_grid",
        "from_lenstronomy",
        "galaxy_from_lenstronomy",
        "to_lenstronomy",
    ],
    "Pictures": ["view"],
    "Errors": ["InputError", "InputWarning"],
    "Citing": ["cite"],
}


def members(module: ModuleType) -> list[str]:
    """The functions and classes that a module defines for others.

    Parameters
    ----------
    module
        of the package.

    Returns
    -------
    names
        sorted.
    """
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
    ]
    return sorted(own, key=str.lower)


def _entry(path: str, value: Any) -> list[str]:
    if inspect.isclass(value):
        return [f".. autoclass:: {path}", "   :members:", ""]
    return [f".. autofunction:: {path}", ""]


def _module_page(name: str, module: ModuleType) -> list[str]:
    names = members(module)
    lines = [f".. automodule:: {module.__name__}", "   :no-index:", ""]
    lines += [f".. currentmodule:: {module.__name__}", "", ".. autosummary::", "   :nosignatures:"]
    lines += ["", *(f"   {member}" for member in names), ""]
    for member in names:
        # What has a page of its own is described there.
        if member not in jm.__all__:
            lines += _entry(f"{module.__name__}.{member}", getattr(module, member))
    return lines


def page(name: str) -> str:
    """The source of the page of a public name.

    Parameters
    ----------
    name
        one of `jaxmetal.__all__`.

    Returns
    -------
    text
        in reStructuredText.
    """
    value = getattr(jm, name)
    title = f"jaxmetal.{name}"
    lines = [title, "=" * len(title), ""]
    if inspect.ismodule(value):
        lines += _module_page(name, value)
    else:
        lines += [".. currentmodule:: jaxmetal", "", *_entry(name, value)]
    return "\n".join(lines)


def index() -> str:
    """The source of the list of all public names, by group.

    Returns
    -------
    text
        in reStructuredText.

    Raises
    ------
    KeyError
        if a public name is in no group, or a name in a group is not public.
    """
    listed = {name for names in GROUPS.values() for name in names}
    if wrong := listed ^ set(jm.__all__):
        raise KeyError(f"docs/_ext/api.py: in one of GROUPS and jaxmetal.__all__: {sorted(wrong)}")
    lines = ["Python API", "==========", ""]
    lines += ["Every public name of ``import jaxmetal as jm``.", ""]
    for group, names in GROUPS.items():
        lines += [group, "-" * len(group), "", ".. list-table::", "   :widths: 30 70", ""]
        for name in names:
            summary = (inspect.getdoc(getattr(jm, name)) or "").split("\n")[0]
            lines += [f"   * - :doc:`jm.{name} <{name}>`", f"     - {_escaped(summary)}"]
        lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names), ""]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    for sign in "\\*|_":
        text = text.replace(sign, f"\\{sign}")
    return text
