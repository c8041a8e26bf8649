"""A posterior in the schema of ArviZ."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.inference.pointwise import pointwise

if TYPE_CHECKING:
    from jaxmetal.inference.posterior import Posterior

# What ArviZ calls the statistics of a sampler; the rest have the same names there.
NAMES = {"steps": "n_steps", "accept": "acceptance_rate", "log_density": "lp"}


def to_datatree(posterior: "Posterior", log_likelihood: dict[str, np.ndarray] | None = None) -> Any:
    """An xarray.DataTree in the ArviZ schema, with ArviZ's names.

    Its groups are "posterior" and "sample_stats" with dimensions chain and draw, and "derived".

    Parameters
    ----------
    posterior
        the draws.
    log_likelihood
        {map: (chains, draws, measurements)}, which becomes a group, too.

    Returns
    -------
    tree
        of the groups.
    """
    import xarray

    chains, draws = posterior.statistics["diverging"].shape

    def dataset(variables: dict[str, np.ndarray]) -> Any:
        return xarray.Dataset(
            {
                name: (("chain", "draw", *(f"{name}_dim_{i}" for i in range(v.ndim - 2))), v)
                for name, v in variables.items()
            },
            coords={"chain": np.arange(chains), "draw": np.arange(draws)},
        )

    statistics = {NAMES.get(name, name): values for name, values in posterior.statistics.items()}
    groups = {
        "posterior": posterior.samples,
        "sample_stats": statistics,
        "derived": posterior.derived,
    }
    if log_likelihood is not None:
        groups["log_likelihood"] = log_likelihood
    tree = xarray.DataTree.from_dict(
        {name: dataset(variables) for name, variables in groups.items()}
    )
    attributes = dict(posterior.attributes)
    for name, unit in attributes.pop("units", {}).items():
        tree["posterior"][name].attrs["units"] = unit
    tree["posterior"].attrs = attributes
    return tree


def attributes_of(group: Any) -> dict[str, Any]:
    """The attributes of the draws in a group "posterior"; the inverse of `to_datatree`.

    Parameters
    ----------
    group
        of a tree.

    Returns
    -------
    attributes
        as a Posterior has them.
    """
    attributes = {str(key): value for key, value in group.attrs.items()}
    units = {str(n): v.attrs["units"] for n, v in group.data_vars.items() if "units" in v.attrs}
    return attributes | ({"units": units} if units else {})


def to_arviz(posterior: "Posterior", model: Any = None) -> Any:
    """An ArviZ object of whichever ArviZ is installed (the `arviz` extra).

    Parameters
    ----------
    posterior
        the draws.
    model
        the draws are of: adds a group "log_likelihood" with a variable of each map, the terms
        of its measurements, for `arviz.loo` and `arviz.compare`. Of correlated errors each term
        is that of one whitened residual: of a measurement given those before it, row by row.
        None leaves the group out.

    Returns
    -------
    tree
        an xarray.DataTree, or the InferenceData of an ArviZ before 1.

    Raises
    ------
    InputError
        if ArviZ is not installed, if the draws are of another model, or if its likelihood is no
        sum over measurements, as with random fields, Linear amplitudes and errors="sandwich".

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Stat. Comput. 27, 1413: PSIS-LOO.
    """
    try:
        import arviz
    except ImportError:
        raise InputError(
            'to_arviz: ArviZ is not installed; pip install "jaxmetal[arviz]".'
        ) from None
    import xarray

    tree = to_datatree(posterior, None if model is None else pointwise(model, posterior.samples))
    # ArviZ 1 takes xarray's container; looking up its old one by attribute would warn.
    container = vars(arviz).get("InferenceData", xarray.DataTree)
    if issubclass(container, xarray.DataTree):
        return tree
    return container(**{name: node.to_dataset() for name, node in tree.children.items()})
