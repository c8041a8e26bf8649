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
        mistakes.add(
            f"galaxy.{LENS}", f"{LENS} is the name of the lenses; a component needs another one."
        )
    made = {}
    for name, said in config.lens.items():
        where = f"lens.{name}"
        # A place on the sky that is missing because of another mistake may be missed here.
        with mistakes.at(
            where, follows=mistakes.touches("maps") and observations.reference is None
        ):
            if said.deflection is not None:
                made[name] = _published(said.deflection, folder, observations.reference)
            elif said.profile is not None:
                function = find_function(said.profile, [lens], folder)
                if (
                    profile := make_profile(
                        where, function, said.parameters, observations, mistakes
                    )
                ) is not None:
                    made[name] = _deflecting(profile)
    return made


def _published(
    said: schema.Deflection, folder: Path, reference: tuple[float, float] | None
) -> Profile:
    if reference is None:
        raise InputError(
            "deflection: the maps of this configuration have no place on the sky; give all of them a WCS."
        )
    return read_deflection(
        file_path(said.x_file, folder),
        file_path(said.y_file, folder),
        unit=said.unit,
        axes=said.axes,
        scaled_to=said.scaled_to,
        center=reference,
        lens_redshift=said.lens_redshift,
        source_redshift=said.source_redshift,
        sense=said.sense,
        extension=said.extension,
    )


def _deflecting(profile: Profile) -> Profile:
    if not profile.deflects:
        raise InputError(
            f"profile: {profile.name} is no lens: it gives no pair (alpha_x, alpha_y)."
        )
    return profile
