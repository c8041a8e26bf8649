"""Starting values and weak priors of a whole galaxy from its maps."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from jaxmetal.galaxy import Galaxy, get, put, range_at
from jaxmetal.inference.checks import check_scene
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Tied
from jaxmetal.maps import Map
from jaxmetal.science.starts.estimates import Estimate, describe, inside, weak_prior
from jaxmetal.science.starts.lights import Seen, estimate_brightness, estimate_light, seen_lights
from jaxmetal.science.starts.shapes import Shape, shape_of_footprint
from jaxmetal.science.starts.tracers import Carried, estimate_geometry, estimate_tracer, with_data

# The most that a smooth model of light may scatter, as a part of the flux.
LIGHT_SCATTER = 0.2


class Line(NamedTuple):
    """What was guessed of one parameter.

    Parameters
    ----------
    path
        of the parameter.
    value
        to start from, in its unit; None if it stays at the galaxy's own.
    prior
        a distribution, a `Tied`, or None if it is held.
    source
        where it comes from, in words.
    """

    path: str
    value: float | None
    prior: Any
    source: str


class Guess(NamedTuple):
    """A galaxy at starting values from its maps, and weak priors; it prints a line for each.

    Parameters
    ----------
    galaxy
        with the new numbers.
    priors
        by path, for a `Model`.
    lines
        what is known of each parameter, in the order of the galaxy's.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> guess = jm.guess(model.galaxy, model.maps)
    >>> guess.model(model.maps).maps["z"].size
    225
    """

    galaxy: Galaxy
    priors: dict[str, Any]
    lines: tuple[Line, ...]

    def model(self, maps: Mapping[str, Map], **options: Any) -> Model:
        """The model of a fit from here.

        Parameters
        ----------
        maps
            that the guess was made from.
        options
            as for `Model`.

        Returns
        -------
        model
            with these starting values and priors.
        """
        return Model(self.galaxy, maps, self.priors, **options)

    def __str__(self) -> str:
        return "\n".join(as_text(self.lines))

    __repr__ = __str__


def as_text(lines: Sequence[Line]) -> list[str]:
    """Lines of a guess as text, in columns: path, value, prior, source."""
    wide = max((len(line.path) for line in lines), default=0)
    values = ["its own" if line.value is None else f"{line.value:.5g}" for line in lines]
    return [
        f"{line.path:<{wide}}  {value:>11}  {describe(line.prior):<34}  {line.source}"
        for line, value in zip(lines, values, strict=True)
    ]


def guess(galaxy: Galaxy, maps: Mapping[str, Map], paths: Collection[str] | None = None) -> Guess:
    """Starting values and weak priors from the data.

    Centre, size, ellipse and flux of the light come from moments of the maps that show it, the PSF
    taken out of the size in quadrature; where only tracers were observed their inverse variances,
    or their footprint, stand for the light, whose parameters are then held. A tracer starts from
    the straight line that ignores the PSF, a rotation from a plane through the velocities. Sizes
    and ellipses of tracers follow those of their light. Priors are as wide as these numbers are
    large, and inside of the ranges that profiles declare. What is not known by its name, unit or
    description stays at its value, without a prior, and so does light behind a lens.

    Parameters
    ----------
    galaxy
        whose structure is used; of its numbers, those that the maps do not tell.
    maps
        that observed it, by name.
    paths
        of the parameters that may be changed; all if left out. Priors are given for all.

    Returns
    -------
    guess
        the galaxy, the priors and their sources; see `Guess`.

    Raises
    ------
    InputError
        for anything but a galaxy and maps by name.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    >>> tracer = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2)
    >>> galaxy = jm.Galaxy(disc=jm.Component(light=light, metallicity=tracer))
    >>> instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.5))
    >>> maps = {"z": jm.simulate.tracer_map(galaxy, instrument, seed=1)}
    >>> sorted(jm.guess(galaxy, maps).priors)
    ['disc.metallicity.central', 'disc.metallicity.gradient', 'z.scatter']
    """
    check_scene(galaxy, maps)
    work = _Work(galaxy, paths)
    lights = seen_lights(galaxy, maps)
    for seen in (one for several in lights.values() for one in several):
        _guess_light(work, seen)
    for name in galaxy.components:
        if name not in lights:
            for path in _paths_below(galaxy, f"{name}.light"):
                work.add(path, Estimate(None, "behind a lens: not measured on the sky"))
    for name, component in galaxy.components.items():
        for tracer in component.tracers:
            _guess_tracer(work, f"{name}.{tracer}", lights.get(name), maps)
    _guess_scatters(work, maps)
    return Guess(work.galaxy, work.priors, tuple(work.lines))


class _Work:
    """A guess that is being made: each line goes into the galaxy before the next is looked for."""

    def __init__(self, galaxy: Galaxy, paths: Collection[str] | None):
        self.galaxy, self.paths = galaxy, paths
        self.priors: dict[str, Any] = {}
        self.lines: list[Line] = []

    def add(self, path: str, estimate: Estimate) -> None:
        """Add what is told of a parameter."""
        start, value, prior = get(self.galaxy, path), None, None
        if jnp.ndim(start) > 0:
            estimate = Estimate(None, "several numbers: not guessed")
        allowed = range_at(self.galaxy, path)
        if estimate.tied:
            prior = Tied(estimate.tied)
            value = float(np.asarray(get(self.galaxy, estimate.tied)))
        elif estimate.value is not None:
            estimate = estimate._replace(value=inside(estimate.value, allowed))
            value = estimate.value
            prior = None if estimate.width is None else weak_prior(estimate, allowed)
        if self.paths is not None and path not in self.paths:
            value = None
        if value is not None:
            self.galaxy = put(self.galaxy, path, jnp.asarray(value, start.dtype))
        if prior is not None:
            self.priors[path] = prior
        self.lines.append(Line(path, value, prior, estimate.source))


def _paths_below(galaxy: Galaxy, path: str) -> list[str]:
    """The paths of all numbers below a place."""
    node = get(galaxy, path)
    if hasattr(node, "parameters"):
        return [f"{path}.{name}" for name in node.parameters]
    return [f"{path}.{light}.{name}" for light in node for name in node[light].parameters]


def _guess_light(work: _Work, seen: Seen) -> None:
    if seen.profile.name == "image":
        # It is what was observed; there is nothing to guess.
        return
    for name in seen.profile.parameters:
        if name != "amp":
            work.add(f"{seen.path}.{name}", estimate_light(name, seen))
    if "amp" in seen.profile.parameters:
        path = f"{seen.path}.amp"
        several = np.ndim(seen.profile.parameters["amp"]) > 0
        estimate = (
            Estimate(None, "")
            if several
            else estimate_brightness(seen, get(work.galaxy, seen.path))
        )
        work.add(path, estimate)


def _guess_tracer(
    work: _Work, path: str, lights: list[Seen] | None, maps: Mapping[str, Map]
) -> None:
    light = lights[0] if lights else None
    carried = Carried(path, get(work.galaxy, path), _shape(path, light, maps), light)
    carried = with_data(carried, work.galaxy, maps)
    others = []
    for name in carried.profile.parameters:
        estimate = estimate_geometry(name, carried, work.priors)
        if estimate is None:
            others.append(name)
        else:
            work.add(f"{path}.{name}", estimate)
    # Radii are those of the disc as it lies now.
    carried = with_data(carried._replace(profile=get(work.galaxy, path)), work.galaxy, maps)
    for name in others:
        work.add(f"{path}.{name}", estimate_tracer(name, carried))


def _shape(path: str, light: Seen | None, maps: Mapping[str, Map]) -> Shape | None:
    """The shape of the light that carries a tracer; by the tracer's own map if none shows it."""
    if light is None or light.shape.is_light:
        return None if light is None else light.shape
    tracer = path.split(".")[1]
    own = [name for name, one_map in maps.items() if one_map.tracer == tracer]
    return shape_of_footprint(own[0], maps[own[0]]) if own else light.shape


def _guess_scatters(work: _Work, maps: Mapping[str, Map]) -> None:
    """Scatter of real galaxies about a smooth model, of each map."""
    for name, one_map in maps.items():
        # A scatter in proportion to the model does not go with correlated errors.
        if one_map.additive and one_map.correlation is not None:
            continue
        if one_map.is_flux:
            width, source = LIGHT_SCATTER, "a part of the flux"
        else:
            low, high = np.nanpercentile(one_map.data, [16, 84])
            width, source = 0.5 * float(high - low), f"spread of {name}"
        if width > 0:
            prior = dist.HalfNormal(width)
            work.priors[f"{name}.scatter"] = prior
            work.lines.append(Line(f"{name}.scatter", None, prior, source))
