"""From the lenses of a configuration to profiles that deflect light."""

from pathlib import Path

from jaxmetal.errors import InputError
from jaxmetal.galaxy import LENS
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes, file_path
from jaxmetal.io.deflections import read_deflection
from jaxmetal.io.galaxies import find_function, make_profile
from jaxmetal.io.observations import Observations
from jaxmetal.profiles import lens
from jaxmetal.profiles.profile import Profile


def make_lenses(
    config: schema.Config, folder: Path, observations: Observations, mistakes: Mistakes
) -> dict[str, Profile]:
    """The lenses of a configuration by name, as many as can be made.

    Parameters
    ----------
    config, folder
        the configuration, and the folder that its paths are relative to.
    observations
        whose place on the sky deflection maps must share.
    mistakes
        to which what is wrong is added.
    """
    if LENS in config.galaxy:
        reason = f"{LENS} is the name of the lenses; a component needs another one."
        mistakes.add(f"galaxy.{LENS}", reason)
    lenses = {}
    for name, entry in config.lens.items():
        where = f"lens.{name}"
        # A place on the sky that is missing because of another mistake may be missing here.
        follows = mistakes.touches("maps") and observations.reference is None
        with mistakes.at(where, follows=follows):
            if entry.deflection is not None:
                lenses[name] = _published(entry.deflection, folder, observations.reference)
            elif entry.profile is not None:
                function = find_function(entry.profile, [lens], folder)
                parameters = entry.parameters
                profile = make_profile(where, function, parameters, observations, mistakes)
                if profile is not None:
                    lenses[name] = _deflecting(profile)
    return lenses


def _published(
    entry: schema.Deflection, folder: Path, reference: tuple[float, float] | None
) -> Profile:
    if reference is None:
        raise InputError(
            "deflection: the maps of this configuration have no place on the sky; give all of them "
            "a WCS."
        )
    return read_deflection(
        file_path(entry.x_file, folder),
        file_path(entry.y_file, folder),
        unit=entry.unit,
        axes=entry.axes,
        scaled_to=entry.scaled_to,
        center=reference,
        lens_redshift=entry.lens_redshift,
        source_redshift=entry.source_redshift,
        sense=entry.sense,
        extension=entry.extension,
    )


def _deflecting(profile: Profile) -> Profile:
    if not profile.deflects:
        raise InputError(
            f"profile: {profile.name} is no lens: it gives no pair (alpha_x, alpha_y)."
        )
    return profile
