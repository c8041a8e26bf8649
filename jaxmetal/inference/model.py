"""The model of a fit: galaxy, maps and priors as one log density."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.forward import predict_groups
from jaxmetal.forward.criterion import Criterion
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.inference import coordinates, density, field_modes, instruments, likelihood, noises
from jaxmetal.inference.accuracy import ACCURACY, criterion_of
from jaxmetal.inference.checks import check_accuracy, check_paths, check_priors, check_scene
from jaxmetal.inference.coordinates import Values, Vector
from jaxmetal.inference.fields import Fields, Modes
from jaxmetal.inference.linear import Solution, check_linear
from jaxmetal.inference.look import Look
from jaxmetal.inference.placement import Scene, named_parts, place, solve_amplitudes
from jaxmetal.inference.preparation import prepared, with_data
from jaxmetal.inference.priors import Linear, Priors, Tied, check_ties, checked_prior
from jaxmetal.inference.program import numpyro_model
from jaxmetal.maps import Map
from jaxmetal.shown import as_html


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
        a numpyro distribution, Tied or Linear, for each free parameter by its dotted path:
        "component.profile.parameter" or "map.scatter", "map.instrument.psf.fwhm" and the like.
    accuracy
        how fine "auto" supersampling is: its error moves no parameter by more than this part of the
        parameter's own error. None for 1e-4 dex, and 1e-3 in light, whatever the data.
    errors
        "full": correlated in the likelihood as the maps say; "sandwich": independent there, and
        covariance and draws corrected afterwards, without a matrix; see `inference.sandwich`.

    Raises
    ------
    InputError
        for a path that does not exist, a prior that excludes the start, a tracer that nothing
        carries, or a name that is both a component and a map.

    Notes
    -----
    "auto" supersampling is chosen at the galaxy's own values, by a bound that holds for all
    parameters together; `optimise` checks it again where it ends.

    The model is a pytree: data, priors and starting values are arguments of every compiled program,
    so a second galaxy of the same shape compiles nothing.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> list(model.free)
    ['disc.metallicity.central', 'disc.metallicity.gradient']
    """

    galaxy: Galaxy
    maps: dict[str, Map]
    priors: Priors
    ties: tuple[tuple[str, Tied], ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    linear: tuple[str, ...] = eqx.field(static=True)
    groups: tuple[instruments.Groups, ...] = eqx.field(static=True)
    fields: Fields | None
    accuracy: float | None = eqx.field(static=True)
    errors: str = eqx.field(static=True)

    def __init__(
        self,
        galaxy: Galaxy,
        maps: Mapping[str, Map],
        priors: Mapping[str, Any] | None = None,
        accuracy: float | None = ACCURACY,
        errors: str = noises.FULL,
    ):
        check_scene(galaxy, maps)
        priors = check_priors(priors)
        self.accuracy, self.errors = check_accuracy(accuracy), noises.check_errors(errors)
        self.galaxy, self.maps = galaxy, dict(sorted(maps.items()))
        ties = {path: prior for path, prior in priors.items() if isinstance(prior, Tied)}
        check_paths(self._named, priors)
        check_ties(ties)
        self.ties = tuple(ties.items())
        self.linear = tuple(path for path, prior in priors.items() if isinstance(prior, Linear))
        check_linear(self._named, self.maps, self.linear)
        noises.check_linear_errors(self.errors, self.linear)
        self.names = tuple(path for path in priors if path not in ties and path not in self.linear)
        self.priors = Priors(
            {path: checked_prior(path, priors[path], self._named) for path in self.names}
        )
        self.maps, self.groups = prepared(
            galaxy, self._with_noise(self.maps), self.criterion, self._paths
        )
        self.maps = self._with_noise(self.maps, self.maps)
        parts = field_modes.choose_modes(self.galaxy, self.maps, self.priors)
        field_modes.check_fields(parts, self.maps, self.errors, self.linear)
        self.fields = self._response_at(self.galaxy, self.maps, parts)

    _repr_html_ = as_html
    numpyro_model = numpyro_model

    # Models are compared by identity, so that their bound methods can be given to jit.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    @property
    def together(self) -> instruments.Groups:
        """The names of the maps of each instrument."""
        return tuple(names for on_cells in self.groups for names in on_cells)

    @property
    def _named(self) -> dict[str, Any]:
        """Everything that a path may start from."""
        return named_parts(self.galaxy, self.maps)

    @property
    def _scene(self) -> Scene:
        return Scene(self.galaxy, self.maps, self.ties)

    @property
    def _paths(self) -> tuple[str, ...]:
        """The paths of all that a fit changes."""
        return (*self.free, *(path for path, _ in self.ties))

    @property
    def criterion(self) -> Criterion:
        """When an automatic sampling is fine enough."""
        return criterion_of(self.accuracy if self.free else None, self._paths)

    def _with_noise(self, maps: Mapping[str, Map], like: Any = None) -> dict[str, Map]:
        """The maps with their errors in the form that goes with what is free."""
        return noises.with_noise(maps, self._paths, self.errors, like)

    def _response_at(
        self, galaxy: Galaxy, maps: dict[str, Map], parts: Sequence[Modes]
    ) -> Fields | None:
        """The random fields, with the response of the maps near a galaxy."""
        if not parts:
            return None
        return field_modes.respond(galaxy, maps, self.groups, parts, self._paths)

    def with_fields_at(self, galaxy: Galaxy, maps: dict[str, Map]) -> "Model":
        """The same model, linear in its random fields near another galaxy, such as a fit's."""
        if self.fields is None:
            return self
        fields = self._response_at(galaxy, maps, self.fields.parts)
        return eqx.tree_at(lambda model: model.fields, self, fields)

    def scene_at(self, values: Values) -> tuple[Galaxy, dict[str, Map]]:
        """The galaxy and the maps at these values, ties followed and Linear amplitudes solved."""
        return place(self._scene, self.complete(values))

    def complete(self, values: Values, key: Array | None = None) -> Values:
        """The values with their Linear amplitudes, the most probable ones or drawn with a key."""
        solution = self._solved(values)
        if solution is None:
            return values
        return {**values, **(solution.amplitudes if key is None else solution.draw(key))}

    def _solved(self, values: Values) -> Solution | None:
        """The Linear amplitudes that go with these values; None if there are none to solve for."""
        return solve_amplitudes(self._scene, self.linear, values, self.predict_scene)

    def with_maps(self, maps: Mapping[str, Map]) -> "Model":
        """The same model of other data: maps of the same names and shapes.

        Their instruments are computed as the model's own.

        Raises
        ------
        InputError
            for other names, shapes or kinds of maps.
        """
        return with_data(self, maps)

    def derived(self, values: Values) -> Values:
        """The values of the tied parameters that go with these free ones."""
        galaxy, maps = self.scene_at(values)
        parts = named_parts(galaxy, maps)
        return {path: get(parts, path) for path, _ in self.ties}

    def draw(self, key: Array) -> Values:
        """One draw of the free parameters from their priors."""
        return coordinates.draw(self.priors, key)

    @property
    def free(self) -> tuple[str, ...]:
        """Paths of all that a fit reports: parameters with a prior, then Linear amplitudes."""
        return (*self.names, *self.linear)

    @property
    def start(self) -> Float[Array, " n"]:
        """The galaxy's own values, unconstrained."""
        return self.unconstrain({name: get(self._named, name) for name in self.names})

    def unconstrain(self, values: Values) -> Float[Array, " n"]:
        """Free values by path as one vector on the whole real line."""
        return coordinates.to_line(self.priors, values)

    def constrain(self, unconstrained: Vector) -> Values:
        """The vector back as values by path, in their own units."""
        return self.point(unconstrained).values

    def point(self, unconstrained: Vector) -> coordinates.Point:
        """The values by path, with the log densities of their priors in both coordinates."""
        return coordinates.from_line(self.priors, unconstrained)

    def predict(self, values: Values) -> dict[str, Float[Array, "..."]]:
        """The predicted maps by name, by a compiled program.

        The light is convolved once for all maps on one instrument.
        """
        return density.predicted(self, values)

    def predict_scene(self, galaxy: Galaxy, maps: dict[str, Map]) -> dict[str, Float[Array, "..."]]:
        """The predicted maps of a scene that `scene_at` gave, or of some of its maps."""
        return predict_groups(galaxy, maps, self.groups)

    def look(self, values: Values) -> Look:
        """The predictions of these values, and the log likelihood of the data."""
        solution = self._solved(values)
        values = values if solution is None else {**values, **solution.amplitudes}
        galaxy, maps = place(self._scene, values)
        predicted = self.predict_scene(galaxy, maps)
        terms = [likelihood.log_likelihood(maps[name], predicted[name]) for name in maps]
        terms += [] if solution is None else [solution.log_volume]
        integral = self.fields and self.fields.integral(galaxy, maps, predicted)
        terms += [] if integral is None else [integral.log_factor]
        return Look(values, maps, predicted, sum(terms, jnp.zeros(())), solution, integral)

    def log_prior(self, values: Values) -> Float[Array, ""]:
        """The log density of the priors in the parameters' own units."""
        return sum(
            (jnp.sum(self.priors[name].log_prob(values[name])) for name in self.names),
            jnp.zeros(()),
        )

    def log_likelihood(self, values: Values) -> Float[Array, ""]:
        """The normalised log likelihood of all maps, marginalised over Linear amplitudes."""
        return density.log_likelihood(self, values)

    def log_density(self, unconstrained: Vector) -> Float[Array, ""]:
        """The log posterior density, up to a constant, in unconstrained coordinates; it is pure."""
        return self.log_posterior(unconstrained, with_jacobian=1.0)

    def log_posterior(self, unconstrained: Vector, with_jacobian: Any = 0.0) -> Float[Array, ""]:
        """The log posterior density in the parameters' own units: its maximum is the MAP.

        Parameters
        ----------
        unconstrained
            the point.
        with_jacobian
            1 for the density in unconstrained coordinates, which is `log_density`.

        Returns
        -------
        log_density
            a scalar, up to a constant.
        """
        return density.log_posterior(self, unconstrained, with_jacobian)

    def information(self, unconstrained: Vector) -> Float[Array, "n n"]:
        """Fisher information of the data plus the curvature of the priors, unconstrained."""
        return density.information(self, unconstrained)
