"""Which modes of a random field the maps can see, and how the maps respond to them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.compiling import compiled_soon
from jaxmetal.errors import InputError
from jaxmetal.forward import predict_groups
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fields import Fields, Modes, without_fields
from jaxmetal.inference.noises import FULL
from jaxmetal.inference.priors import Priors
from jaxmetal.inference.transforms import coordinate_of
from jaxmetal.maps import Map, Moment
from jaxmetal.profiles.combine import total
from jaxmetal.profiles.geometry import disc_plane
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.random_field import mode_power, wave, wave_numbers
from jaxmetal.profiles.scatter import field_of

# The weakest modes are left out, as long as all of them together add less than this part to the
# variance of the data's errors, at the middle of the prior of the amplitude.
LEFT_OUT = 0.02
# Nor do they hold more than this part of what the maps tell of the amplitude, which many weak modes
# together tell where noise is large.
UNTOLD = 0.001
# The most modes of a field, and the most along an axis of its lattice.
MOST_MODES, MOST_ALONG = 1024, 95
# The number of modes of a field is a multiple of this, so that galaxies of one survey share
# programs.
MULTIPLE = 32
# Periods are longer than the maps by this many correlation lengths, and by this factor at most.
LENGTHS_AROUND, LONGEST_PERIOD = 5.0, 3.0
# The shortest waves that count, in units of 1 / sigma of the PSF: 1 % of them is left.
SHORTEST = 3.0
# The middle 90 % of a prior, in standard deviations.
REACH = 1.645
# How many modes are taken through the PSF at once.
TOGETHER = 8

# Names of the maps on each set of cells, of each instrument on it.
Groups = tuple[tuple[tuple[str, ...], ...], ...]
GEOMETRY = ("inclination", "position_angle", "center_x", "center_y")


def tracers_with_fields(galaxy: Galaxy) -> list[str]:
    """The paths of the tracers with a random field whose modes are not given."""
    return [
        f"{name}.{tracer}"
        for name, component in galaxy.components.items()
        for tracer, profile in component.tracers.items()
        if (field := field_of(profile)) is not None and field.modes.size == 0
    ]


def choose_modes(galaxy: Galaxy, maps: Mapping[str, Map], priors: Priors) -> tuple[Modes, ...]:
    """The modes of each field that the maps may see, by what the PSF leaves of them.

    Parameters
    ----------
    galaxy, maps
        where a fit starts.
    priors
        of amplitudes and lengths: the middle 90 % of them.

    Returns
    -------
    modes
        of each field, none if there is none.

    Raises
    ------
    InputError
        for a field that no map shows, that is finer than what the maps resolve, or longer than they
        are.
    """
    paths = tracers_with_fields(galaxy)
    modes = (_modes_of(path, galaxy, maps, priors) for path in paths)
    # A field whose amplitude is fixed at zero has none.
    return tuple(part for part in modes if len(part.rows))


def _modes_of(path: str, galaxy: Galaxy, maps: Mapping[str, Map], priors: Priors) -> Modes:
    name, tracer = path.split(".")
    field = field_of(galaxy.components[name].tracers[tracer])
    assert field is not None
    amplitudes, lengths = (
        _range(priors, f"{path}.{key}", field.parameters[key]) for key in ("amplitude", "length")
    )
    seen_by = _maps_that_show(path, galaxy, maps)
    views = [_view(galaxy, name, field, one_map) for one_map in seen_by]
    across = max(frame for frame, _, _ in views)
    sigma = min(sigma for _, sigma, _ in views)
    _check_length(path, float(lengths[1]), sigma, across)
    extent = min(across + LENGTHS_AROUND * lengths[-1], LONGEST_PERIOD * across)
    shortest = int(np.ceil(extent * SHORTEST / sigma / (2 * np.pi)))
    size = min(2 * shortest + 1, MOST_ALONG)
    q, p = np.meshgrid(wave_numbers(size), wave_numbers(size), indexing="ij")
    k = 2 * np.pi * np.hypot(q, p) / extent
    # Of a wave of unit amplitude, the sum over the maps of what the PSF leaves of it.
    signal = sum(information * np.exp(-((k * s) ** 2)) for _, s, information in views)
    kernel, injection = str(field.options["kernel"]), float(field.injection)
    power = np.max(
        [mode_power(q, p, float(length), extent, injection, kernel) for length in lengths], axis=0
    )
    count = sum(one_map.size for one_map in seen_by)
    strongest = _strongest(amplitudes[1] ** 2 * power * signal, LEFT_OUT * count)
    rows, columns = (_filled(numbers, size) for numbers in strongest)
    return Modes(path, size, jnp.asarray(extent, field.length.dtype), rows, columns)


def _strongest(strength: np.ndarray, least: float) -> tuple[np.ndarray, ...]:
    """Rows and columns of all but the weakest modes.

    Parameters
    ----------
    strength
        of each mode, the square of its signal over noise.
    least
        what the modes that are left out have together at most.
    """
    weakest = np.argsort(strength, axis=None, kind="stable")
    sorted_strength = strength.ravel()[weakest]
    # Of the logarithm of the amplitude, up to a factor.
    information = np.cumsum((sorted_strength / (1 + sorted_strength)) ** 2)
    first = min(
        np.searchsorted(np.cumsum(sorted_strength), least),
        np.searchsorted(information, UNTOLD * information[-1], side="right"),
    )
    strongest = weakest[max(first, len(weakest) - MOST_MODES) :]
    return np.unravel_index(np.sort(strongest), strength.shape)


def _maps_that_show(path: str, galaxy: Galaxy, maps: Mapping[str, Map]) -> list[Map]:
    """The maps that depend on the tracer of a component; to have none is an error."""
    name, tracer = path.split(".")
    component = galaxy.components[name]

    def shows(moment: Moment) -> bool:
        lights = [light for light in (moment.light, moment.numerator) if light is not None]
        return tracer in (*moment.tracers, *component.needs(lights))

    shown = [m for m in maps.values() if any(map(shows, m.moments(galaxy)))]
    if not shown:
        raise InputError(f"{path}: no map shows what has the random field.")
    return shown


def _range(priors: Priors, path: str, value: Array) -> np.ndarray:
    """The lower end, middle and upper end of a prior; a fixed value thrice."""
    if path not in priors:
        return np.full(3, float(value))
    of_line = coordinate_of(priors[path]).value
    return np.array([float(of_line(jnp.asarray(end))) for end in (-REACH, 0.0, REACH)])


def _view(
    galaxy: Galaxy, component: str, field: Profile, one_map: Map
) -> tuple[float, float, float]:
    """The size of a map in the plane of a field, sigma of its PSF there, and Σ 1 / errors².

    Errors in the unit of the field: of a flux as if it were proportional to 10^field.
    """
    instrument = one_map.pointing
    x, y = instrument.grid.coordinates
    plane = galaxy.source_planes([component], x, y)[component]
    places = disc_plane(*plane, *(getattr(field, name) for name in GEOMETRY))
    valid = np.asarray(one_map.valid)
    used = valid if valid.shape == x.shape else np.ones(x.shape, bool)
    across = max(float(np.ptp(np.asarray(place)[used])) for place in places)
    pixel = float(instrument.grid.pixel_scale)
    # Half of a Gaussian lies within 1.18 sigma.
    sigma = max(instrument.psf.radius(0.5, pixel) / np.sqrt(2 * np.log(2)), pixel / 3)
    steps = [
        np.hypot(*(np.diff(np.asarray(place), axis=axis) for place in places)) for axis in (0, 1)
    ]
    # A lens makes pixels smaller; those of the most magnified quarter count.
    smaller = min(float(np.quantile(step, 0.25)) for step in steps) / pixel
    per_error = 1 / np.asarray(one_map.errors, float)
    if one_map.additive:
        per_error = np.log(10) * one_map.data * per_error
    return across, sigma * min(max(smaller, 0.1), 1.0), float(np.nansum(per_error**2))


def _check_length(path: str, length: float, sigma: float, across: float) -> None:
    """Refuse a field that is nothing but noise, or nothing but a constant, to the maps."""
    if length < 0.1 * sigma:
        problem = f"shorter than a tenth of what the maps resolve, {sigma:.2g} arcsec"
    elif length > across:
        problem = f"longer than the maps, {across:.3g} arcsec"
    else:
        return
    raise InputError(f"{path}.length: {length:.3g} arcsec is {problem}.")


def _filled(places: np.ndarray, size: int) -> Int[Array, " m"]:
    """Places of modes in the lattice, and some outside of it up to the next multiple."""
    missing = -len(places) % MULTIPLE
    return jnp.asarray(np.concatenate([places, np.full(missing, size)]).astype(np.int32))


def respond(
    galaxy: Galaxy,
    maps: dict[str, Map],
    groups: Groups,
    parts: Sequence[Modes],
    free: Collection[str],
) -> Fields:
    """The fields with the response of the maps to their modes near a galaxy.

    Parameters
    ----------
    galaxy, maps
        where a fit starts, or ended.
    groups
        names of the maps on each set of cells, of each instrument on it.
    parts
        the modes of each field.
    free
        the paths of all free parameters.
    """
    responses = [_response(galaxy, maps, groups, modes) for modes in parts]
    names = [name for name in maps if any(np.any(t[name]) for t in responses)]
    joined = {name: jnp.concatenate([t[name] for t in responses]) for name in names}
    fields = Fields(tuple(parts), joined)
    fixed = all(_has_fixed_errors(name, maps[name], free) for name in names)
    return fields.prepared(maps) if fixed else fields


def _has_fixed_errors(name: str, one_map: Map, free: Collection[str]) -> bool:
    """Whether neither a parameter nor the prediction changes the errors of a map."""
    own = (path.removeprefix(f"{name}.") for path in free if path.startswith(f"{name}."))
    changing = ("scatter", "calibration.error_scale", "correlation.")
    by_flux = one_map.additive and float(one_map.scatter) > 0
    by_data = one_map.profiled_error(one_map.values) is not None
    return not (by_flux or by_data or any(path.startswith(changing) for path in own))


def check_fields(parts: Sequence[Modes], maps: Mapping[str, Map], errors: str, linear: Any) -> None:
    """Refuse what has no closed form with a random field.

    Raises
    ------
    InputError
        naming it.
    """
    if not parts:
        return
    path = parts[0].path
    if errors != FULL:
        raise InputError(f'{path}: a random field does not go with errors="{errors}".')
    if linear:
        raise InputError(
            f"{path}: a random field does not go with Linear; give {linear[0]} a prior."
        )
    for name, one_map in maps.items():
        if not one_map.likelihood.gaussian or one_map.censored is not None:
            raise InputError(
                f"maps[{name!r}]: a random field goes with Gaussian errors, without upper limits."
            )


@compiled_soon
def _response(
    galaxy: Galaxy, maps: dict[str, Map], groups: Groups, modes: Modes
) -> dict[str, Float[Array, "m ..."]]:
    """The change of each map with the coefficient of each mode."""
    component, tracer = modes.path.split(".")
    # The galaxy of a fit has the mean field; the response is that about none.
    galaxy = without_fields(galaxy)
    profile = galaxy.components[component].tracers[tracer]
    field = field_of(profile)
    assert field is not None
    geometry = {name: field.parameters[name] for name in GEOMETRY}
    numbers = jnp.asarray(wave_numbers(modes.size), modes.extent.dtype)

    def along(place: tuple[Array, Array]) -> dict[str, Array]:
        q, p = (numbers.at[at].get(mode="clip") for at in place)

        def shown(coefficient: Array) -> dict[str, Array]:
            one = Profile(wave, coefficient=coefficient, p=p, q=q, extent=modes.extent, **geometry)
            both = total(mean=profile, field=one)
            moved = eqx.tree_at(lambda g: g.components[component].tracers[tracer], galaxy, both)
            return predict_groups(moved, maps, groups)

        # The waves that fill up are none.
        unit = (place[0] < modes.size).astype(modes.extent.dtype)
        return jax.jvp(shown, (jnp.zeros_like(unit),), (unit,))[1]

    return jax.lax.map(along, (modes.rows, modes.columns), batch_size=TOGETHER)
