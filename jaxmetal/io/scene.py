"""From a configuration to a galaxy, its maps and its priors, with every mistake in it reported at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, comma_hint, unknown
from jaxmetal.galaxy import LENS, Galaxy, children, get, put
from jaxmetal.inference.checks import check_tie
from jaxmetal.inference.linear import check_linear
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Linear, Tied, check_ties, checked_prior
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes, parse, read
from jaxmetal.io.galaxies import make_galaxy
from jaxmetal.io.lenses import make_lenses
from jaxmetal.io.observations import Observed, as_sampling, make_psf, observe
from jaxmetal.science.discs import Disc, disc_of_model

# The maps that a simulation makes.
MOCK = ("z", "light")
# Who says how the disc lies where it is the file of the map.
FROM_FILE = "the file of the map"


@dataclass(frozen=True)
class Scene:
    """A configuration that has passed every check.

    Parameters
    ----------
    config, folder
        as it was written, and the folder that its paths are relative to.
    galaxy
        at its starting values.
    maps
        the data; a light map that serves as a picture of the light is none.
    priors
        by path.
    pictures
        the light maps that serve as pictures of the light.
    reference
        (right ascension, declination) of (x, y) = (0, 0), degrees; None if the maps have no place
        on the sky.
    """

    config: schema.Config
    folder: Path
    galaxy: Galaxy
    maps: dict[str, Observed]
    priors: dict[str, Any]
    pictures: dict[str, Observed] = field(default_factory=dict)
    reference: tuple[float, float] | None = None

    def model(self) -> Model:
        """The model, its sampling chosen."""
        return Model(
            self.galaxy, {name: observed.map for name, observed in self.maps.items()}, self.priors
        )

    @property
    def truth(self) -> Galaxy | None:
        """The galaxy of a simulation, if the configuration tells what it was."""
        galaxy = self.galaxy
        for path, value in self.config.truth.items():
            if path.split(".")[0] in galaxy.named:
                galaxy = put(galaxy, path, jnp.asarray(value, jnp.result_type(float)))
        return galaxy if self.config.truth else None

    @property
    def disc(self) -> Disc | None:
        """The disc of the naive fits at the starting values; None if there is no tracer map."""
        return self.disc_of(self.galaxy)

    def disc_of(self, galaxy: Galaxy) -> Disc | None:
        """The disc of the naive fits and the radial profile; None if there is no tracer map.

        Each of its numbers is as the configuration says, else as the model has it, else as the file
        of the map says; what nobody knows is face-on and at (0, 0). Radii are counted as the
        model's tracer counts them.

        Parameters
        ----------
        galaxy
            the scene's, at its fitted values.
        """
        said = self.config.baseline
        tracer_maps = [name for name, one in self.maps.items() if one.map.tracer is not None]
        if not (name := said.map or next(iter(tracer_maps), None)):
            return None
        observed = self.maps[name]
        assert observed.map.tracer is not None
        tracer, in_file = observed.map.tracer, observed.geometry
        # Where several components carry the tracer, the gradient that is free is the one to compare
        # with.
        ends = [
            path.split(".") for path, prior in self.priors.items() if not isinstance(prior, Tied)
        ]
        free = [parts[0] for parts in ends if parts[1:] == [tracer, "gradient"]]
        model = disc_of_model(galaxy, tracer, free[0] if len(free) == 1 else None)
        geometry = ("inclination", "position_angle", "effective_radius", "redshift")
        disc = Disc(map=name, component=model.component, radius=model.radius)
        disc = disc.told(FROM_FILE, **{key: getattr(in_file, key) for key in geometry})
        for source in dict.fromkeys(model.sources.values()):
            known = {
                key: getattr(model, key) for key, who in model.sources.items() if who == source
            }
            if in_file.effective_radius is not None:
                # The file's is measured on the sharper picture of the starlight.
                known.pop("effective_radius", None)
            disc = disc.told(source, **known)
        if model.component is not None and galaxy.is_lensed(model.component):
            behind = [
                lens.deflection.source_redshift
                for lens in self.config.lens.values()
                if lens.deflection
            ]
            disc = disc.told("the lens", redshift=next((z for z in behind if z is not None), None))
        return disc.told(
            "the configuration", **{key: getattr(said, key) for key in (*geometry, "center")}
        )


def load(path: str | os.PathLike, want: str = "fit") -> Scene:
    """The scene that a configuration file describes.

    Parameters
    ----------
    path
        of a YAML or TOML file.
    want
        "fit", or "simulate": what the configuration must be complete for.

    Raises
    ------
    InputError
        with a line for every mistake.
    """
    return build(read(path), Path(path).resolve().parent, want)


def build(raw: Mapping[str, Any], folder: Path, want: str = "fit", fill: bool = False) -> Scene:
    """The scene that the contents of a configuration describe; see `load`. With `fill` its frames are of a few common sizes."""
    mistakes = Mistakes()
    config = parse(raw, mistakes)
    if config is None:
        mistakes.raise_all()
        raise InputError("the configuration cannot be understood.")
    priors: dict[str, Any] = {path: make_prior(prior) for path, prior in config.priors.items()}
    observations = observe(config, folder, mistakes, fill)
    lenses = make_lenses(config, folder, observations, mistakes)
    galaxy = make_galaxy(config, folder, observations, lenses, mistakes)
    named = {
        profile.map
        for component in config.galaxy.values()
        for profile in component.profiles.values()
    }
    # A picture that the model is made of is not data as well.
    pictures = {n: o for n, o in observations.maps.items() if n in named and o.map.additive}
    maps = {n: o for n, o in observations.maps.items() if n not in pictures}
    if want == "fit":
        _check_fit(config, galaxy, maps, mistakes)
    else:
        _check_simulation(config, folder, galaxy, mistakes)
    _check_priors(config, want, galaxy, maps, priors, mistakes)
    mistakes.raise_all()
    assert galaxy is not None
    return Scene(config, folder, galaxy, maps, priors, pictures, observations.reference)


def make_prior(prior: schema.Prior) -> Any:
    """The distribution, tie or linear amplitude that a configuration describes."""
    (name, given), *_ = [(name, value) for name, value in prior if value is not None]
    if name == "truncated_normal":
        return dist.TruncatedNormal(given[0], given[1], low=given[2], high=given[3])
    if name == "log_normal":
        return dist.LogNormal(np.log(given[0]), given[1])
    if name == "linear":
        return Linear()
    families = {"uniform": dist.Uniform, "normal": dist.Normal, "log_uniform": dist.LogUniform}
    return (
        families[name](*given)
        if name in families
        else {"half_normal": dist.HalfNormal, "tied": Tied}[name](given)
    )


def _check_fit(
    config: schema.Config, galaxy: Galaxy | None, maps: Mapping[str, Observed], mistakes: Mistakes
) -> None:
    """There are data, something is free, and the galaxy carries what was observed."""
    if not maps and not mistakes.touches("maps"):
        why = (
            "is missing; a fit needs a map, such as one of kind tracer, light or manga."
            if not config.maps
            else "none is left as data."
        )
        mistakes.add("maps", why)
    if not any(prior.tied is None for prior in config.priors.values()) and not mistakes.touches(
        "priors"
    ):
        mistakes.add("priors", "nothing is free; give at least one parameter a prior.")
    for observed in maps.values():
        tracer = observed.map.tracer
        if (
            galaxy
            and tracer is not None
            and not mistakes.touches("galaxy")
            and tracer not in galaxy.tracers
        ):
            mistakes.add(f"maps.{observed.entry}.tracer", unknown("tracer", tracer, galaxy.tracers))
    tracers = [name for name, observed in maps.items() if observed.map.tracer is not None]
    if config.baseline.map not in (None, *tracers) and not mistakes.touches("maps"):
        mistakes.add("baseline.map", unknown("tracer map", str(config.baseline.map), tracers))


def _check_simulation(
    config: schema.Config, folder: Path, galaxy: Galaxy | None, mistakes: Mistakes
) -> None:
    """There is an instrument, and the galaxy carries what is to be observed."""
    if (wanted := config.simulate) is None:
        if not mistakes.touches("simulate"):
            mistakes.add("simulate", "is missing: shape, pixel_scale and psf.")
        return
    with mistakes.at("simulate"):
        mock_instrument(wanted, folder)
    if galaxy and not mistakes.touches("galaxy") and wanted.tracer not in galaxy.tracers:
        mistakes.add("simulate.tracer", unknown("tracer", wanted.tracer, galaxy.tracers))


def mock_instrument(wanted: schema.Simulate, folder: Path) -> Instrument:
    """The instrument of a simulation."""
    grid = Grid.regular(wanted.shape, wanted.pixel_scale)
    return Instrument(grid, make_psf(wanted.psf, grid, folder), as_sampling(wanted.supersampling))


def _check_truth(given: Any, start: Any) -> None:
    """What was true of a parameter is a number, or as many as the parameter has."""
    if isinstance(given, str):
        raise InputError(f"expected a number, got {given!r}{comma_hint(given)}.")
    if np.shape(given) != np.shape(start):
        expected = "one number" if np.shape(start) == () else f"numbers of shape {np.shape(start)}"
        raise InputError(f"expected {expected}, got {given!r}.")


def _check_priors(
    config: schema.Config,
    want: str,
    galaxy: Galaxy | None,
    maps: Mapping[str, Observed],
    priors: Mapping[str, Any],
    mistakes: Mistakes,
) -> None:
    """Every path exists, and every prior allows the value to start from."""
    scene: dict[str, Any] = {
        **(galaxy.named if galaxy else {}),
        **{name: observed.map for name, observed in maps.items()},
    }

    def value(path: str) -> Any:
        found = get(scene, path)
        if not eqx.is_inexact_array(found):
            raise InputError("the path stops at a group of parameters; name one of them.")
        return found

    def unknowable(path: str) -> bool:
        first, second = [*path.split("."), ""][:2]
        if first == LENS:
            return mistakes.spoils(f"{LENS}.{second}")
        if first in config.galaxy:
            profile = f"galaxy.{first}.{second}"
            unmade = first not in scene or second not in children(scene[first])
            return (
                mistakes.spoils(profile)
                or (unmade and mistakes.touches(profile))
                or first not in scene
            )
        if second in ("likelihood", "calibration") and mistakes.touches(f"maps.{first}.{second}"):
            return True
        lost = mistakes.spoils("galaxy") or mistakes.touches("maps")
        return first not in scene and (lost or (want == "simulate" and first in MOCK))

    for where, paths in (("priors", priors), ("truth", config.truth)):
        for path in paths:
            if unknowable(path):
                continue
            with mistakes.at(f"{where}.{path}"):
                start, prior = value(path), priors.get(path)
                if where == "truth":
                    _check_truth(config.truth[path], start)
                for source in prior.paths if isinstance(prior, Tied) else ():
                    if not unknowable(source):
                        check_tie(scene, path, source)
                if where == "priors" and not isinstance(prior, Tied | Linear):
                    checked_prior(path, prior, start)
    with mistakes.at("priors"):
        check_ties({path: prior for path, prior in priors.items() if isinstance(prior, Tied)})
        linear = tuple(path for path, prior in priors.items() if isinstance(prior, Linear))
        if want == "fit" and not mistakes.touches("maps") and not mistakes.touches("galaxy"):
            check_linear(scene, {name: observed.map for name, observed in maps.items()}, linear)
