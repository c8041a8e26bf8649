"""The metallicity of each pixel by itself, as it is usually derived: without PSF or light."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.emission import Blend, Emission, is_of_lines, parts_of
from jaxmetal.errors import InputError, check_type
from jaxmetal.inference.emission_notes import light_and_tracer
from jaxmetal.inference.fit import Fit
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.profiles.numerics import LN10

# Gauss-Newton steps from the model's metallicity, the longest of them, and the longest that the
# last may have, dex.
STEPS, LONGEST, ARRIVED = 30, 0.2, 1e-3

# {line, or sum of lines: (flux, error)}.
Fluxes = Mapping[str | Blend, tuple[np.ndarray, np.ndarray]]
Image = Float[np.ndarray, "*map"]


def pixel_metallicity(fit: Fit, snr: float = 0.0) -> tuple[Image, Image]:
    """The metallicity of each pixel by its own fluxes and the fit's relation, as without a PSF.

        maximise over Z and H:  -1/2 Σ_l [(f_l - H R_l(Z)) / s_l]²

    With one ratio of two lines this is the relation's inverse, on the branch of the fit. Dust and
    further tracers of the relation are those of the fit. The answer selects pixels with upward
    noise, and blends what the PSF blends: it is the rival of the fit, not a way to make data.

    Parameters
    ----------
    fit
        of maps of lines in the same pixels or apertures, with one component that has emission.
    snr
        least signal-to-noise ratio of each line; 0 leaves out what is not positive.

    Returns
    -------
    metallicity, sigma
        dex; NaN where a line is masked, is an upper limit or is too faint, or where no metallicity
        has these ratios.

    Raises
    ------
    InputError
        for a fit of fewer than two lines, maps of different shapes, or without exactly one
        component with emission.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> z, sigma = jm.lines.pixel_metallicity(jm.optimise(jm.examples.line_model()), snr=3)
    >>> z.shape
    (15, 15)
    """
    check_type(fit, Fit, "lines.pixel_metallicity: fit")
    return inverted(fit, measured(fit), snr)


def measured(fit: Fit) -> Fluxes:
    """The fluxes of the lines of a fit and their errors; NaN where masked or an upper limit.

    Parameters
    ----------
    fit
        of maps of lines.
    """
    line_fluxes: dict[str | Blend, tuple[np.ndarray, np.ndarray]] = {}
    for one_map in fit.maps.values():
        limit = one_map.censored
        for light, (flux, error) in one_map.fluxes.items():
            if is_of_lines(light):
                values = flux if limit is None else np.where(np.asarray(limit), np.nan, flux)
                line_fluxes[light] = values, np.broadcast_to(error, values.shape)
    return line_fluxes


def emitting(fit: Fit) -> str | None:
    """The name of the only component with emission; None if there is not exactly one.

    Parameters
    ----------
    fit
        what `optimise` gave.
    """
    names = [n for n, part in fit.galaxy.components.items() if part.emission is not None]
    return names[0] if len(names) == 1 else None


def has_pixels(fit: Fit) -> bool:
    """Whether each pixel of a fit has a metallicity by itself; see `pixel_metallicity`.

    Parameters
    ----------
    fit
        what `optimise` gave.
    """
    line_fluxes = measured(fit)
    one_shape = len({flux.shape for flux, _ in line_fluxes.values()}) == 1
    return emitting(fit) is not None and one_shape and len(line_fluxes) > 1


def instrument_of(fit: Fit) -> Instrument:
    """The instrument of the first map of a line.

    Parameters
    ----------
    fit
        of maps of lines.
    """
    lights = measured(fit)
    return next(m.instrument for m in fit.maps.values() if any(n in lights for n in m.fluxes))


def inverted(fit: Fit, line_fluxes: Fluxes, snr: float) -> tuple[Image, Image]:
    """As `pixel_metallicity`, of any fluxes.

    Parameters
    ----------
    fit
        whose relation, dust and branch to use.
    line_fluxes
        fluxes and errors in the fit's pixels or apertures.
    snr
        least signal-to-noise ratio.

    Returns
    -------
    metallicity, sigma
        dex.
    """
    name = emitting(fit)
    if name is None or not has_pixels(fit):
        needed = "one component with emission, and two lines or more in the same pixels"
        raise InputError(f"lines.pixel_metallicity: needs {needed}.")
    emission = fit.galaxy.components[name].emission
    assert emission is not None
    flux, error = (np.stack([pair[i] for pair in line_fluxes.values()]) for i in (0, 1))
    bright = np.all(np.isfinite(flux) & (error > 0) & (flux > snr * error), axis=0)
    scale = np.nanmedian(error)
    tracers = {tracer: _in_pixels(fit, name, tracer) for tracer in tracers_of(fit, name)}
    with np.errstate(invalid="ignore", divide="ignore"):
        seen, relative = (np.where(bright, x, 1.0) for x in (flux / error, error / scale))
    solved = _solved(emission, tuple(line_fluxes), tracers, seen, relative)
    z, sigma, last = (np.asarray(image, float) for image in solved)
    good = bright & np.isfinite(z) & np.isfinite(sigma) & (np.abs(last) < ARRIVED)
    return np.where(good, z, np.nan), np.where(good, sigma, np.nan)


def tracers_of(fit: Fit, name: str) -> tuple[str, ...]:
    """What the lines of a component depend on, the metallicity first.

    Parameters
    ----------
    fit, name
        and the component.
    """
    component = fit.galaxy.components[name]
    assert component.emission is not None
    return component.emission.tracers(component.tracers)


def _in_pixels(fit: Fit, name: str, tracer: str) -> Image:
    """A tracer of the fit at the centres of the pixels, or its mean in the apertures."""
    instrument = instrument_of(fit)
    one = next(n for n, m in fit.maps.items() if m.instrument is instrument)
    _, values = light_and_tracer(fit.galaxy, name, tracer, {one: fit.maps[one]})
    apertures = instrument.apertures
    return np.array(values if apertures is None else apertures.means(values))


@compiled_soon
def _solved(
    emission: Emission,
    lights: tuple[str | Blend, ...],
    tracers: dict[str, Array],
    flux: Float[Array, "lines ..."],
    error: Float[Array, "lines ..."],
) -> tuple[Array, Array, Array]:
    """Metallicity, its error, and the last step; fluxes are in units of their errors."""
    tracer = emission.relation.tracers[0]
    names = list(dict.fromkeys(name for light in lights for name, _ in parts_of(light)))

    def ratios(z: Array) -> Array:
        logs = emission.log_ratios({**tracers, tracer: z}, names)
        line = {name: jnp.exp(LN10 * jnp.broadcast_to(log, z.shape)) for name, log in logs.items()}
        sums = [sum(factor * line[name] for name, factor in parts_of(one)) for one in lights]
        return jnp.stack(sums) / error

    def terms(z: Array) -> tuple[Array, Array]:
        """The Gauss-Newton step, and the error, at the most probable reference flux."""
        ratio, slope = jax.jvp(ratios, (z,), (jnp.ones_like(z),))
        total = partial(jnp.sum, axis=0, keepdims=True)
        power = total(ratio**2)
        reference = total(flux * ratio) / power
        # The part of the slope that no change of the reference flux makes up for.
        across = reference * (slope - ratio * (total(ratio * slope) / power))
        information = total(across**2)[0]
        along = total((flux - reference * ratio) * across)[0]
        informed = information > 0
        safe = jnp.where(informed, information, 1.0)
        step = jnp.where(informed, jnp.clip(along / safe, -LONGEST, LONGEST), LONGEST)
        return step, jnp.where(informed, 1 / jnp.sqrt(safe), jnp.inf)

    def body(_: Any, carried: tuple[Array, Array]) -> tuple[Array, Array]:
        step, _ = terms(carried[0])
        return carried[0] + step, step

    start = jnp.asarray(tracers[tracer], flux.dtype)
    z, last = jax.lax.fori_loop(0, STEPS, body, (start, jnp.zeros_like(start)))
    return z, terms(z)[1], last
