"""The scene of a configuration: galaxy, maps and priors; all mistakes reported at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy, put
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Tied
from jaxmetal.io import schema
from jaxmetal.io.completeness import check_fit, check_simulation
from jaxmetal.io.config import Mistakes, parse, read
from jaxmetal.io.galaxies import make_galaxy
from jaxmetal.io.lenses import make_lenses
from jaxmetal.io.observations import Observed, observe
from jaxmetal.io.priors import check_priors, make_prior
from jaxmetal.science.discs import Disc, disc_of_model

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
        the light maps that serve as images of the light.
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
        maps = {name: observed.map for name, observed in self.maps.items()}
        return Model(self.galaxy, maps, self.priors, self.config.accuracy)

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

    def disc_of(self, galaxy: Galaxy) -> Disc | None:
        """The disc of the naive fits and the radial profile; None if there is no tracer map.

        Each of its numbers comes from the configuration, else from the model, else from the file of
        the map; without any the disc is face-on and at (0, 0). Radii are those of the model's
        tracer.

        Parameters
        ----------
        galaxy
            the scene's, at its fitted values.
        """
        baseline = self.config.baseline
        tracer_maps = [name for name, one in self.maps.items() if one.map.tracer is not None]
        if not (name := baseline.map or next(iter(tracer_maps), None)):
            return None
        observed = self.maps[name]
        assert observed.map.tracer is not None
        tracer, in_file = observed.map.tracer, observed.geometry
        # If several components carry the tracer, the one with the free gradient is compared with.
        paths = [path for path, prior in self.priors.items() if not isinstance(prior, Tied)]
        free = [path.split(".")[0] for path in paths if path.split(".")[1:] == [tracer, "gradient"]]
        model = disc_of_model(galaxy, tracer, free[0] if len(free) == 1 else None)
        geometry = ("inclination", "position_angle", "effective_radius", "redshift")
        disc = Disc(map=name, component=model.component, radius=model.radius)
        disc = disc.told(FROM_FILE, **{key: getattr(in_file, key) for key in geometry})
        for source in dict.fromkeys(model.sources.values()):
            numbers = {key: getattr(model, key) for key, s in model.sources.items() if s == source}
            if in_file.effective_radius is not None:
                # The file's is measured on the sharper image of the starlight.
                numbers.pop("effective_radius", None)
            disc = disc.told(source, **numbers)
        if model.component is not None and galaxy.is_lensed(model.component):
            deflections = [lens.deflection for lens in self.config.lens.values() if lens.deflection]
            redshifts = [d.source_redshift for d in deflections if d.source_redshift is not None]
            disc = disc.told("the lens", redshift=next(iter(redshifts), None))
        numbers = {key: getattr(baseline, key) for key in (*geometry, "center")}
        return disc.told("the configuration", **numbers)


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
    """The scene that the contents of a configuration describe; see `load`.

    Parameters
    ----------
    raw, folder
        the contents, and the folder that paths are relative to.
    want
        "fit" or "simulate".
    fill
        whether frames are padded to a few common sizes, so that galaxies share compiled programs.
    """
    mistakes = Mistakes()
    config = parse(raw, mistakes)
    if config is None:
        mistakes.raise_all()
        raise InputError("the configuration cannot be understood.")
    priors: dict[str, Any] = {path: make_prior(prior) for path, prior in config.priors.items()}
    observations = observe(config, folder, mistakes, fill)
    lenses = make_lenses(config, folder, observations, mistakes)
    galaxy = make_galaxy(config, folder, observations, lenses, mistakes)
    parts = [profile for c in config.galaxy.values() for profile in c.profiles.values()]
    images = {profile.map for profile in parts}
    # An image that the model is made of is not data as well.
    pictures = {n: o for n, o in observations.maps.items() if n in images and o.map.additive}
    maps = {n: o for n, o in observations.maps.items() if n not in pictures}
    if want == "fit":
        check_fit(config, galaxy, maps, mistakes)
    else:
        check_simulation(config, folder, galaxy, mistakes)
    check_priors(config, want, galaxy, maps, priors, mistakes)
    mistakes.raise_all()
    assert galaxy is not None
    return Scene(config, folder, galaxy, maps, priors, pictures, observations.reference)
