"""Galaxy + maps + priors: one log density."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions.transforms import biject_to

from jaxmetal.errors import InputError, unknown
from jaxmetal.forward import predict_together, resolve
from jaxmetal.galaxy import Galaxy, get, put
from jaxmetal.inference import likelihood
from jaxmetal.inference.priors import Tied, check_ties, checked_prior
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import Map, TracerMap

# "auto" supersampling must hold at the start and part of the way from there to some draws from the prior.
VISITED = 3
PART_OF_THE_WAY = 0.3

Values = dict[str, Any]


class Model(eqx.Module):
    """A galaxy, the maps that observed it, and what is free.

        log density(u) = log p(data | theta(u)) + log p(theta(u)) + log |d theta / du|

    Parameters
    ----------
    galaxy
        the starting point; what has no prior stays at its value.
    maps
        LightMaps and TracerMaps by name.
    priors
        a numpyro distribution, or Tied, for each free parameter by its dotted path: "component.profile.parameter" or
        "map.scatter", "map.instrument.psf.fwhm" and the like.

    Raises
    ------
    InputError
        for a path that does not exist, a prior that excludes the start, a tracer that nothing carries, or a name that
        is both a component and a map.

    Notes
    -----
    The model is a pytree: data, priors and starting values are arguments of every compiled program, so a second
    galaxy of the same shape compiles nothing.
    """

    galaxy: Galaxy
    maps: dict[str, Map]
    priors: dict[str, dist.Distribution]
    ties: tuple[tuple[str, Tied], ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    groups: tuple[tuple[str, ...], ...] = eqx.field(static=True)

    def __init__(self, galaxy: Galaxy, maps: Mapping[str, Map], priors: Mapping[str, Any] | None = None):
        priors = dict(priors or {})
        _check_scene(galaxy, maps)
        self.galaxy, self.maps = galaxy, dict(sorted(maps.items()))
        for path in priors:
            _check_path(self._scene, path)
        ties = {path: prior for path, prior in priors.items() if isinstance(prior, Tied)}
        for tie in ties.values():
            for path in tie.paths:
                _check_path(self._scene, path)
        check_ties(ties)
        self.ties = tuple(ties.items())
        self.names = tuple(path for path in priors if path not in ties)
        self.priors = {path: checked_prior(path, priors[path], get(self._scene, path)) for path in self.names}
        # An instrument with a free parameter belongs to its map alone, whoever else was given the same object.
        own = {path.split(".")[0] for path in priors if ".instrument." in path}
        self.groups = _shared(self.maps, own)
        self.maps = self._resolved_maps(own)

    @property
    def _scene(self) -> dict[str, Any]:
        """Everything that a path may start from."""
        return {**self.galaxy.components, **self.maps}

    def _resolved_maps(self, own: set[str]) -> dict[str, Map]:
        maps = {name: eqx.tree_at(lambda m: m.instrument, m, _copy(m.instrument)) if name in own else m for name, m in self.maps.items()}
        unresolved = eqx.tree_at(lambda model: model.maps, self, maps)
        scenes = [(self.galaxy, maps)]
        if any(m.instrument.sampling is None for m in maps.values()):
            scenes += [unresolved.scene_at(values) for values in unresolved._plausible()] if self.names else []
        maps = resolve(scenes)
        known: dict[int, Any] = {}
        for name, m in maps.items():
            if name not in own:
                instrument = known.setdefault(id(m.instrument), m.instrument.with_transfer())
                maps[name] = eqx.tree_at(lambda m: m.instrument, m, instrument)
        return maps

    def scene_at(self, values: Values) -> tuple[Galaxy, dict[str, Map]]:
        """The galaxy and the maps with these values in place, ties followed."""
        scene = self._scene
        for path, value in values.items():
            scene = put(scene, path, value)
        for path, value in self.tied(scene).items():
            scene = put(scene, path, value)
        galaxy = eqx.tree_at(lambda g: g.components, self.galaxy, {name: scene[name] for name in self.galaxy.components})
        return galaxy, {name: scene[name] for name in self.maps}

    def derived(self, values: Values) -> Values:
        """The values of the tied parameters that go with these free ones."""
        galaxy, maps = self.scene_at(values)
        return {path: get({**galaxy.components, **maps}, path) for path, _ in self.ties}

    def tied(self, scene: dict[str, Any]) -> Values:
        """The values of the tied parameters in a scene whose free values are in place."""
        return {path: tie.function(*(get(scene, source) for source in tie.paths)) for path, tie in self.ties}

    def _plausible(self) -> list[Values]:
        """Values that a fit may well pass: part of the way from the start to some draws from the prior."""
        ends = [self.unconstrain(self.draw(jax.random.key(i))) for i in range(VISITED)]
        return [self.constrain(self.start + PART_OF_THE_WAY * (end - self.start)) for end in ends]

    def draw(self, key: Array) -> Values:
        """One draw of the free parameters from their priors."""
        keys = jax.random.split(key, max(len(self.names), 1))
        return {name: self.priors[name].sample(k) for name, k in zip(self.names, keys, strict=False)}

    @property
    def start(self) -> Float[Array, " n"]:
        """The galaxy's own values, unconstrained."""
        return self.unconstrain({name: get(self._scene, name) for name in self.names})

    def unconstrain(self, values: Values) -> Float[Array, " n"]:
        """Free values by path as one vector on the whole real line."""
        parts = [biject_to(self.priors[name].support).inv(values[name]).ravel() for name in self.names]
        return jnp.concatenate(parts) if parts else jnp.zeros(0)

    def constrain(self, unconstrained: Float[Array, " n"]) -> Values:
        """The vector back as values by path, in their own units."""
        return self._constrain(unconstrained)[0]

    def _constrain(self, unconstrained: Float[Array, " n"]) -> tuple[Values, Float[Array, ""]]:
        values, log_jacobian, at = {}, jnp.zeros(()), 0
        for name in self.names:
            prior = self.priors[name]
            transform = biject_to(prior.support)
            shape = transform.inverse_shape(prior.shape())
            size = math.prod(shape)
            u = unconstrained[at : at + size].reshape(shape)
            values[name] = transform(u)
            log_jacobian += jnp.sum(transform.log_abs_det_jacobian(u, values[name]))
            at += size
        return values, log_jacobian

    def predict(self, values: Values) -> dict[str, Float[Array, "ny nx"]]:
        """The predicted maps by name; one light convolution for all maps on one instrument."""
        galaxy, maps = self.scene_at(values)
        return self.predict_scene(galaxy, maps)

    def predict_scene(self, galaxy: Galaxy, maps: dict[str, Map]) -> dict[str, Float[Array, "ny nx"]]:
        """The predicted maps of a scene that `scene_at` gave."""
        predicted: dict[str, Array] = {}
        for group in self.groups:
            predicted |= predict_together(galaxy, {name: maps[name] for name in group})
        return predicted

    def log_prior(self, values: Values) -> Float[Array, ""]:
        """The log density of the priors in the parameters' own units."""
        return sum((jnp.sum(self.priors[name].log_prob(values[name])) for name in self.names), jnp.zeros(()))

    def log_likelihood(self, values: Values) -> Float[Array, ""]:
        """The log probability of all maps, with its normalisation."""
        galaxy, maps = self.scene_at(values)
        return self.log_likelihood_of(maps, self.predict_scene(galaxy, maps))

    def log_likelihood_of(self, maps: dict[str, Map], predicted: dict[str, Array]) -> Float[Array, ""]:
        """The log probability of these maps under these predictions."""
        return sum((likelihood.log_likelihood(maps[name], predicted[name]) for name in maps), jnp.zeros(()))

    def log_density(self, unconstrained: Float[Array, " n"]) -> Float[Array, ""]:
        """The log posterior density (up to a constant) over the whole real line: pure, differentiable, vmap-able."""
        values, log_jacobian = self._constrain(unconstrained)
        return self.log_likelihood(values) + self.log_prior(values) + log_jacobian

    def log_posterior(self, unconstrained: Float[Array, " n"]) -> Float[Array, ""]:
        """The log posterior density in the parameters' own units: its maximum is the MAP."""
        values = self.constrain(unconstrained)
        return self.log_likelihood(values) + self.log_prior(values)

    def information(self, unconstrained: Float[Array, " n"]) -> Float[Array, "n n"]:
        """Fisher information of the data plus the curvature of the priors, in unconstrained coordinates."""

        def roots(u: Array) -> Array:
            galaxy, maps = self.scene_at(self.constrain(u))
            predicted = self.predict_scene(galaxy, maps)
            return jnp.concatenate([likelihood.information_roots(maps[name], predicted[name]) for name in maps])

        def prior_slope(u: Array) -> Array:
            return jax.grad(lambda u: -self.log_prior(self.constrain(u)) - self._constrain(u)[1])(u)

        jacobian = jax.jacfwd(roots)(unconstrained)
        # Priors are independent, so their curvature is diagonal; where one curves the wrong way it tells nothing.
        curvature = jax.jvp(prior_slope, (unconstrained,), (jnp.ones_like(unconstrained),))[1]
        return jacobian.T @ jacobian + jnp.diag(jnp.maximum(curvature, 1e-6))

    def numpyro_model(self) -> None:
        """The same model as a NumPyro program, with a site for each free path; call it inside a larger one."""
        values = {name: numpyro.sample(name, self.priors[name]) for name in self.names}
        for path, value in self.derived(values).items():
            numpyro.deterministic(path, value)
        numpyro.factor("log_likelihood", self.log_likelihood(values))


def _check_scene(galaxy: Galaxy, maps: Mapping[str, Map]) -> None:
    if not isinstance(galaxy, Galaxy):
        raise InputError(f"Model.galaxy: expected a Galaxy, got {type(galaxy).__name__}.")
    if not maps:
        raise InputError("Model.maps: at least one LightMap or TracerMap is needed.")
    for name, map in maps.items():
        if not isinstance(map, Map):
            raise InputError(f"Model.maps[{name!r}]: expected a LightMap or TracerMap, got {type(map).__name__}.")
        if name in galaxy.components:
            raise InputError(f"Model.maps: {name!r} is also the name of a component; paths would be ambiguous.")
        if isinstance(map, TracerMap) and map.tracer not in galaxy.tracers:
            raise unknown("tracer", map.tracer, galaxy.tracers, f"Model.maps[{name!r}]")


def _check_path(scene: Mapping[str, Any], path: str) -> None:
    if not eqx.is_inexact_array(get(scene, path)):
        raise InputError(f"priors[{path!r}]: the path stops at a group of parameters; name one of them.")


def _copy(instrument: Instrument) -> Instrument:
    return jax.tree.map(lambda leaf: leaf, instrument)


def _shared(maps: Mapping[str, Map], own: set[str]) -> tuple[tuple[str, ...], ...]:
    """The names of the maps, those with one instrument together; those with an instrument of their own alone."""
    groups: dict[Any, list[str]] = {}
    for name, map in maps.items():
        groups.setdefault(name if name in own else id(map.instrument), []).append(name)
    return tuple(tuple(group) for group in groups.values())
