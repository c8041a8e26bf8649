"""A model as a NumPyro program, alone or inside a larger one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.galaxy import get
from jaxmetal.inference.coordinates import Values

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model


def numpyro_model(
    model: "Model", prefix: str = "", priors: Mapping[str, Any] | None = None
) -> Values:
    """The same model as a NumPyro program, with a site for each free path.

    It can be called inside a larger program, where its values can follow others.

    Parameters
    ----------
    prefix
        put before each site's name: site "a/disc.light.amp" for prefix "a".
    priors
        of the larger program, for free paths, instead of the model's own: a distribution whose
        numbers may be sampled, or the value itself, which then is no site to sample. Nothing
        checks that they stay within what a parameter may be.

    Returns
    -------
    values
        by path, without prefix: free parameters, Linear amplitudes and ties.

    Raises
    ------
    InputError
        for a path that is not free in the model, or numbers of a wrong shape.
    """
    where = "numpyro_model"
    if not isinstance(prefix, str):
        raise InputError(f"{where}: prefix: expected a text, got {described(prefix)}.")
    replacements = dict(priors or {})
    for path in replacements:
        if path not in model.names:
            raise unknown("free parameter", path, model.names, f"{where}: priors")

    def site(name: str) -> str:
        return f"{prefix}/{name}" if prefix else name

    sampled = {}
    for path in model.names:
        prior = replacements.get(path, model.priors[path])
        shape = jnp.shape(get(model._named, path))
        if isinstance(prior, dist.Distribution):
            sampled[path] = numpyro.sample(site(path), _shaped(path, prior, shape))
        else:
            sampled[path] = numpyro.deterministic(site(path), _number(path, prior, shape))
    complete = model.complete(sampled)
    followers = {path: complete[path] for path in model.linear} | model.derived(complete)
    for path, value in followers.items():
        numpyro.deterministic(site(path), value)
    numpyro.factor(site("log_likelihood"), model.log_likelihood(sampled))
    return {**complete, **followers}


def _shaped(path: str, prior: dist.Distribution, shape: tuple[int, ...]) -> dist.Distribution:
    """A prior of the shape of its parameter."""
    try:
        return prior if prior.shape() == shape else prior.expand(shape)
    except ValueError:
        raise _wrong_shape(path, prior.shape(), shape) from None


def _number(path: str, value: Any, shape: tuple[int, ...]) -> Array:
    """A value of the larger program, of the shape of its parameter."""
    try:
        number = jnp.asarray(value, jnp.result_type(float))
    except (TypeError, ValueError):
        raise InputError(
            f"numpyro_model: priors[{path!r}]: expected a numpyro distribution or a number of the "
            f"larger program, got {described(value)}."
        ) from None
    if number.shape not in ((), shape):
        raise _wrong_shape(path, number.shape, shape)
    return jnp.broadcast_to(number, shape)


def _wrong_shape(path: str, got: tuple[int, ...], shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"numpyro_model: priors[{path!r}]: shape {got} does not fit the parameter's shape {shape}."
    )
