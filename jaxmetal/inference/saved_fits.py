"""Fits in netCDF files: `Fit.save` and `Fit.load`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

import jaxmetal
from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.inference.ends import Ends
from jaxmetal.inference.fingerprint import fingerprint
from jaxmetal.inference.model import Model

if TYPE_CHECKING:
    from jaxmetal.inference.fit import Fit

# Groups of a file, and the arrays and numbers of a fit in its root.
PARAMETERS, PREDICTED, OTHERS = "parameters", "predicted", "others"
ARRAYS = ("covariance", "unconstrained", "unconstrained_covariance", "excess")
ENDS = ("ends_points", "ends_heights")
NUMBERS = ("log_prior", "converged", "message", "field_volume")


def save(fit: "Fit", path: str | os.PathLike) -> None:
    """Write a fit as a netCDF file, atomically.

    Parameters
    ----------
    fit
        with all its maxima.
    path
        of the file.
    """
    import xarray

    groups = {
        f"{place}{name}": dataset
        for place, mode in _placed(fit)
        for name, dataset in _groups(mode).items()
    }
    tree = xarray.DataTree.from_dict(groups)
    tree.attrs |= {
        "created_by": f"jaxmetal {jaxmetal.__version__}",
        "data": fingerprint(fit.maps),
        "maxima": len(fit.modes),
    }
    with whole_file(path) as part:
        tree.to_netcdf(part, engine="h5netcdf")


def read(path: str | os.PathLike, model: Model) -> dict[str, Any]:
    """What `save` wrote, as the arguments of a Fit.

    Parameters
    ----------
    path
        of the file.
    model
        that was fitted: its galaxy, maps and priors are not in the file.

    Returns
    -------
    arguments
        of each maximum, of the others as the list "others".

    Raises
    ------
    InputError
        if the file is missing or holds no fit, or the fit is of other data or parameters.
    """
    import xarray

    where = os.fspath(path)
    if not Path(path).is_file():
        raise InputError(f"Fit.load: no file {where!r}.")
    try:
        with xarray.open_datatree(path, engine="h5netcdf") as tree:
            data, count = tree.attrs["data"], int(tree.attrs["maxima"])
            modes = [_read(tree if i == 0 else tree[f"{OTHERS}/{i}"]) for i in range(count)]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"Fit.load: {where!r} does not hold a fit ({error}).") from None
    if data != fingerprint(model.maps):
        raise InputError(f"Fit.load: {where!r} is the fit of other data than the model's.")
    for arguments in modes:
        if set(arguments[PARAMETERS]) != set(model.free):
            names = ", ".join(arguments[PARAMETERS])
            raise InputError(f"Fit.load: {where!r} has the parameters {names}, not the model's.")
        arguments["galaxy"], arguments["maps"] = _scene(model, arguments[PARAMETERS])
    return modes[0] | {OTHERS: modes[1:]}


def _placed(fit: "Fit") -> list[tuple[str, "Fit"]]:
    """The maxima and the groups that they lie in."""
    return [("/" if i == 0 else f"/{OTHERS}/{i}/", mode) for i, mode in enumerate(fit.modes)]


def _groups(fit: "Fit") -> dict[str, Any]:
    """The datasets of one maximum; "" is the one above the others."""
    import xarray

    def dataset(arrays: dict[str, Any]) -> Any:
        return xarray.Dataset(
            {
                name: (tuple(f"{name}_dim_{i}" for i in range(np.ndim(array))), np.asarray(array))
                for name, array in arrays.items()
                if array is not None
            }
        )

    ends = {} if fit.ends is None else dict(zip(ENDS, fit.ends, strict=True))
    whole = dataset({name: getattr(fit, name) for name in ARRAYS} | ends)
    whole.attrs = {name: getattr(fit, name) for name in NUMBERS}
    whole.attrs |= {"converged": int(fit.converged), "paths": list(fit.parameters)}
    whole.attrs["caveats"] = "\n".join(fit.caveats)
    return {"": whole, PARAMETERS: dataset(fit.parameters), PREDICTED: dataset(fit.predicted)}


def _read(group: Any) -> dict[str, Any]:
    """The arguments of a Fit that a group holds."""
    arrays: dict[str, Any] = {
        name: np.asarray(group[name]) for name in ARRAYS if name in group.data_vars
    }
    numbers = {name: group.attrs[name] for name in NUMBERS}
    numbers |= {"converged": bool(numbers["converged"]), "message": str(numbers["message"])}
    numbers["caveats"] = tuple(str(group.attrs["caveats"]).splitlines())
    if ENDS[0] in group.data_vars:
        arrays["ends"] = Ends(*(np.asarray(group[name]) for name in ENDS))
    parts = {
        name: {str(key): np.asarray(value) for key, value in group[name].data_vars.items()}
        for name in (PARAMETERS, PREDICTED)
    }
    # Files list variables in an order of their own; a covariance has that of the paths.
    paths = [str(path) for path in np.atleast_1d(group.attrs["paths"])]
    parts[PARAMETERS] = {path: parts[PARAMETERS][path] for path in paths}
    return {**arrays, **numbers, **parts}


def _scene(model: Model, parameters: dict[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
    """Galaxy and maps of a model with parameters in place."""
    values = {name: jnp.asarray(parameters[name], float) for name in model.names}
    return model.scene_at(values)
