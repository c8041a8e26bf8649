"""The scene of a configuration: galaxy, maps and priors; all mistakes reported at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jaxmetal.emission import is_of_lines
from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy, put
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Tied
from jaxmetal.io import schema
from jaxmetal.io.automatic import check_want, filled_in, find_automatic
from jaxmetal.io.changes import with_changes
from jaxmetal.io.completeness import check_fit, check_simulation
from jaxmetal.io.config import Mistakes, parse, read
from jaxmetal.io.frames import Frames
from jaxmetal.io.galaxies import make_galaxy
from jaxmetal.io.hdus import kept_open
from jaxmetal.io.lenses import make_lenses
from jaxmetal.io.observations import Observations, Observed, observe
from jaxmetal.io.paths import why
from jaxmetal.io.priors import check_priors, make_prior
from jaxmetal.io.readers.protocol import Geometry
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.science.kinematics import rotating
from jaxmetal.science.starts import Line

# The source of a disc's geometry if that is the file of the map.
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
        the data; a light map that serves as an image of the light is not among them.
    priors
        by path.
    pictures
        the light maps that serve as images of the light, or of which lines are fractions.
    reference
        (right ascension, declination) of (x, y) = (0, 0), degrees; None if the maps have no place
        on the sky.
    guessed
        what the configuration left to the data; its own contents have the numbers.
    """

    config: schema.Config
    folder: Path
    galaxy: Galaxy
    maps: dict[str, Observed]
    priors: dict[str, Any]
    pictures: dict[str, Observed] = field(default_factory=dict)
    reference: tuple[float, float] | None = None
    guessed: tuple[Line, ...] = ()

    def model(self, stricter: float = 1.0) -> Model:
        """The model, its samplings chosen.

        Parameters
        ----------
        stricter
            how many times smaller than the configuration's accuracy the effect of the samplings
            must be.
        """
        maps = {name: observed.map for name, observed in self.maps.items()}
        accuracy = self.config.accuracy
        if accuracy is not None:
            accuracy /= stricter
        return Model(self.galaxy, maps, self.priors, accuracy, self.config.errors)

    @property
    def truth(self) -> Galaxy | None:
        """The galaxy of a simulation, if the configuration has the true values."""
        galaxy = self.galaxy
        for path, value in self.config.truth.items():
            if path.split(".")[0] in galaxy.named:
                galaxy = put(galaxy, path, jnp.asarray(value, jnp.result_type(float)))
        return galaxy if self.config.truth else None

    @property
    def disc(self) -> Disc | None:
        """The disc of the naive fits at the starting values; None if there is no tracer map."""
        return self.disc_of(self.galaxy)

    def disc_of(self, galaxy: Galaxy, name: str | None = None) -> Disc | None:
        """The disc of the naive fits and the radial profile; None if there is no map with one.

        Each of its numbers comes from the configuration, else from the model, else from the file of
        the map; without any the disc is face-on and at (0, 0). Radii are those of the model's
        tracer.

        Parameters
        ----------
        galaxy
            the scene's, at its fitted values.
        name
            of the tracer map; that of the configuration if left out, else the first that is no
            rotating velocity, which has no gradient.
        """
        name = name or self._main_tracer_map()
        if not name:
            return None
        tracer = self.maps[name].map.tracer
        assert tracer is not None
        return self._disc(galaxy, tracer, Disc(map=name), self.maps[name].geometry)

    def disc_of_lines(self, galaxy: Galaxy) -> Disc | None:
        """As `disc_of`, of the metallicity that lines follow from; None without lines of one gas.

        Parameters
        ----------
        galaxy
            the scene's, at its fitted values.
        """
        lines = [o for o in self.maps.values() if any(map(is_of_lines, o.map.fluxes))]
        emissions = [part.emission for part in galaxy.components.values()]
        tracers = [emission.relation.tracers[0] for emission in emissions if emission is not None]
        if not lines or len(tracers) != 1:
            return None
        return self._disc(galaxy, tracers[0], Disc(map=tracers[0]), lines[0].geometry)

    def _disc(self, galaxy: Galaxy, tracer: str, disc: Disc, in_file: Geometry) -> Disc:
        """The disc of a tracer, with what the configuration, the model and the file say of it."""
        # If several components carry the tracer, the one with the free gradient is compared with.
        model = disc_of_model(galaxy, tracer, self._component_of_gradient(tracer))
        geometry = ("inclination", "position_angle", "effective_radius", "redshift")
        disc = replace(disc, component=model.component, radius=model.radius)
        disc = disc.told(FROM_FILE, **{key: getattr(in_file, key) for key in geometry})
        for key, source in model.sources.items():
            # The file's effective radius is measured on the sharper image of the starlight.
            if key != "effective_radius" or in_file.effective_radius is None:
                disc = disc.told(source, **{key: getattr(model, key)})
        if model.component is not None and galaxy.is_lensed(model.component):
            disc = disc.told("the lens", redshift=self._source_redshift())
        baseline = self.config.baseline
        numbers = {key: getattr(baseline, key) for key in (*geometry, "center")}
        return disc.told("the configuration", **numbers)

    def _main_tracer_map(self) -> str | None:
        """The name of the map of the naive fits: that of the configuration, else the first."""
        tracers = {name: observed.map.tracer for name, observed in self.maps.items()}
        tracer_maps = (
            name
            for name, tracer in tracers.items()
            if tracer is not None and rotating(self.galaxy, tracer) is None
        )
        return self.config.baseline.map or next(tracer_maps, None)

    def _component_of_gradient(self, tracer: str) -> str | None:
        """The component with the free gradient of a tracer; None if there is not exactly one."""
        components = []
        for path, prior in self.priors.items():
            component, *parameter = path.split(".")
            if parameter == [tracer, "gradient"] and not isinstance(prior, Tied):
                components.append(component)
        return components[0] if len(components) == 1 else None

    def _source_redshift(self) -> float | None:
        """The redshift of the galaxy that the first of the published lens models was made for."""
        for lens in self.config.lens.values():
            if lens.deflection is not None and lens.deflection.source_redshift is not None:
                return lens.deflection.source_redshift
        return None


def load(
    path: str | os.PathLike, want: str = "fit", changes: Mapping[str, Any] | None = None
) -> Scene:
    """The scene that a configuration file describes.

    Parameters
    ----------
    path
        of a YAML or TOML file.
    want
        "fit", or "simulate": what the configuration must be complete for.
    changes
        {path: value} of values in the place of the file's; see `io.changes`.

    Raises
    ------
    InputError
        with a line for every mistake.
    """
    return build(with_changes(read(path), changes or {}), Path(path).resolve().parent, want)


def build(raw: Mapping[str, Any], folder: Path, want: str = "fit", frames: Frames = None) -> Scene:
    """The scene that the contents of a configuration describe; see `load`.

    Parameters
    ----------
    raw, folder
        the contents, and the folder that paths are relative to.
    want
        "fit" or "simulate".
    frames
        {map: rows and columns to which it is padded}, so that galaxies share compiled programs; a
        map that is not there is padded to one of a few common sizes. None pads none.

    Raises
    ------
    InputError
        with a line for every mistake, and for whatever reading the files or a user's function
        raises.
    """
    try:
        with kept_open():
            return _built(raw, folder, want, frames)
    except (InputError, OSError):
        raise
    except (Exception, SystemExit) as error:  # of several packages, and of users' own code
        raise InputError(why(error)) from error


def _built(raw: Mapping[str, Any], folder: Path, want: str, frames: Frames) -> Scene:
    mistakes = Mistakes()
    raw, automatic = find_automatic(raw)
    check_want(automatic, want, mistakes)
    config = parse(raw, mistakes)
    if config is None:
        mistakes.raise_all()
        raise InputError("the configuration cannot be understood.")
    observations = observe(config, folder, mistakes, frames)
    lenses = make_lenses(config, folder, observations, mistakes)
    galaxy = make_galaxy(config, folder, observations, lenses, mistakes)
    # An image that the model is made of is not data as well.
    pictures = _pictures(config, observations)
    maps = {n: o for n, o in observations.maps.items() if n not in pictures}
    guessed: tuple[Line, ...] = ()
    if automatic:
        # Data and galaxy must be right before anything is taken from them.
        mistakes.raise_all()
        data = {name: observed.map for name, observed in maps.items()}
        assert galaxy is not None
        raw, guessed = filled_in(raw, automatic, galaxy, data, mistakes)
        mistakes.raise_all()
        config = parse(raw, mistakes)
        assert config is not None
        galaxy = make_galaxy(config, folder, observations, lenses, mistakes)
    priors: dict[str, Any] = {path: make_prior(prior) for path, prior in config.priors.items()}
    if want == "fit":
        check_fit(config, galaxy, maps, mistakes)
    else:
        check_simulation(config, folder, galaxy, mistakes)
    check_priors(config, want, galaxy, maps, priors, mistakes)
    mistakes.raise_all()
    assert galaxy is not None
    place = observations.reference
    return Scene(config, folder, galaxy, maps, priors, pictures, place, guessed)


def _pictures(config: schema.Config, observations: Observations) -> dict[str, Observed]:
    """The light maps that profiles of the galaxy name as their image, or lines as their base."""
    components = config.galaxy.values()
    images = {profile.map for part in components for profile in part.profiles.values()}
    return {
        name: observed_map
        for name, observed_map in observations.maps.items()
        if name in observations.bases or (name in images and observed_map.map.additive)
    }
