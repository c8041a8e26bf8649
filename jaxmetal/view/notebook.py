"""What a notebook shows of models, results, galaxies, instruments and maps: small HTML tables.

Colours are those of the notebook, so that a dark theme stays readable.
"""

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.image import imsave

from jaxmetal.galaxy import Galaxy, children, get
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.forecast import Forecast
from jaxmetal.inference.model import Model
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.posterior import Posterior
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import Map
from jaxmetal.science.starts.estimates import describe
from jaxmetal.view import style
from jaxmetal.view.document import table
from jaxmetal.view.maps import shared_norm

# Height of a picture on the page, pixels, and most points of its longer side.
HEIGHT, POINTS = 140, 256
# Parameters that a table of a galaxy shows.
MOST = 60


def as_html(thing: Any) -> str:
    """An object as HTML, for a notebook.

    Parameters
    ----------
    thing
        a Model, Fit, Forecast, Posterior, Galaxy, Instrument or Map.

    Returns
    -------
    html
        tables, and small pictures of maps, that need no other file.
    """
    kind = next(kind for kind in PAGES if isinstance(thing, kind))
    return page(PAGES[kind](thing))


def page(parts: Iterable[str]) -> str:
    """The parts of a page one below the other, in the colours of the notebook."""
    return f'<div style="color: inherit; overflow-x: auto">{"".join(parts)}</div>'


def _line(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _number(value: Any) -> str:
    """A number in a cell; the shape of an array."""
    if np.ndim(value) > 0:
        return f"array of shape {np.shape(value)}"
    return f"{float(value):.5g}"


def _rows(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Iterate over (path, value) of every number below a node."""
    for name, value in children(node).items():
        below = f"{path}.{name}" if path else name
        if hasattr(value, "shape") and not children(value):
            yield below, value
        else:
            yield from _rows(value, below)


def _galaxy(galaxy: Galaxy) -> Iterator[str]:
    numbers = {path: value for path, value in _rows(galaxy) if value.size}
    units = units_of(galaxy, {}, numbers)
    rows = [(path, _number(value), units[path]) for path, value in numbers.items()]
    profiles = ", ".join(
        f"{name}: {' + '.join(light.name for light in component.lights.values())}"
        + "".join(f", {tracer} ({p.name})" for tracer, p in component.tracers.items())
        for name, component in galaxy.components.items()
    )
    yield table("Galaxy", ("parameter", "value", "unit"), rows[:MOST])
    yield _line(profiles + (f"; {len(rows) - MOST} more numbers" if len(rows) > MOST else ""))


def _instrument(instrument: Instrument) -> Iterator[str]:
    grid, psf = instrument.grid, instrument.psf
    scale = float(grid.pixel_scale)
    width = getattr(psf, "fwhm", None)
    fwhm = "" if width is None or np.ndim(width) else f", FWHM {float(width):.4g} arcsec"
    rows = [
        ("pixels", f"{grid.shape[0]} × {grid.shape[1]} of {scale:.4g} arcsec"),
        ("PSF", f"{type(psf).__name__}{fwhm}"),
        ("measurements", f"{int(np.prod(instrument.shape))} {instrument.measurements}"),
        ("sampling", instrument.describe() if instrument.sampling else "chosen by a model"),
    ]
    yield table("Instrument", ("", ""), rows)


def picture(one_map: Map) -> str:
    """A map as a small PNG inside of HTML, its masked pixels transparent; north is not always up.

    Parameters
    ----------
    one_map
        of light or of a tracer.

    Returns
    -------
    html
        an image element.
    """
    image = np.asarray(one_map.image(one_map.data), float)
    step = max(1, -(-max(image.shape) // POINTS))
    image, sigma = image[::step, ::step], one_map.image(one_map.errors)[::step, ::step]
    colours = colormaps[style.LIGHT if one_map.is_flux else style.TRACER]
    norm = shared_norm(one_map.is_flux, sigma, image)
    shades = colours(norm(np.ma.masked_invalid(image)))
    shades[~np.isfinite(image)] = 0.0
    buffer = io.BytesIO()
    imsave(buffer, shades, format="png", origin="lower")
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="picture of the map" src="data:image/png;base64,{data}" '
        f'style="height: {HEIGHT}px; margin: 4px 8px 4px 0; image-rendering: pixelated">'
    )


def _map_row(name: str, one_map: Map) -> tuple[str, ...]:
    low, high = np.nanpercentile(one_map.data, [5, 95])
    what = one_map.tracer or one_map.label
    light = one_map.light if isinstance(one_map.light, str) else "a sum of lines"
    numbers = f"{low:.4g} to {high:.4g}", f"{np.nanmedian(one_map.errors):.3g}"
    return name, type(one_map).__name__, what, light, str(one_map.size), *numbers


MAP_HEADS = ("map", "kind", "shows", "light", "measurements", "5 to 95 %", "median error")


def _map(one_map: Map) -> Iterator[str]:
    yield table("Map", MAP_HEADS, [_map_row("", one_map)])
    yield picture(one_map)


def _model(model: Model) -> Iterator[str]:
    rows = [_map_row(name, one_map) for name, one_map in model.maps.items()]
    yield table("Maps", MAP_HEADS, rows)
    yield "".join(picture(one_map) for one_map in model.maps.values())
    scene = {**model.galaxy.named, **model.maps}
    units = units_of(model.galaxy, model.maps, model.free)
    free = [
        (path, _number(get(scene, path)), _prior(model.priors[path]), units[path])
        for path in model.names
    ]
    free += [(path, "", "linear: solved for", units[path]) for path in model.linear]
    yield table("Free parameters", ("parameter", "start", "prior", "unit"), free)
    if model.ties:
        ties = [(path, ", ".join(tie.paths)) for path, tie in model.ties]
        yield table("Ties", ("parameter", "follows"), ties)
    yield _line(f"Fixed: {_fixed(model)}")


def _fixed(model: Model) -> str:
    """The parameters that have neither a prior nor a tie, with their values."""
    changed = {*model.free, *(path for path, _ in model.ties)}
    fixed = [(path, value) for path, value in _rows(model.galaxy) if path not in changed]
    texts = [f"{path} {_number(value)}" for path, value in fixed if value.size]
    return ", ".join(texts[:MOST]) or "nothing"


def _prior(prior: Any) -> str:
    """A prior in words; of a family without words its class."""
    try:
        return describe(prior)
    except (AttributeError, TypeError, ValueError):
        numbers = {key: getattr(prior, key, None) for key in prior.arg_constraints}
        texts = [f"{k} {_number(v)}" for k, v in numbers.items() if v is not None]
        return f"{type(prior).__name__}({', '.join(texts)})"


def _summary(caption: str, result: Fit | Forecast | Posterior) -> str:
    """A table of results."""
    summary, units = result.summary(), result.units
    columns = list(next(iter(summary.values()), {}))
    single, large = summary.without_large()
    rows = [
        (name, *(f"{row[column]:.5g}" for column in columns), units[name])
        for name, row in single.items()
    ]
    rows += [(text, *[""] * (len(columns) + 1)) for text in large]
    return table(caption, ("parameter", *columns, "unit"), rows)


def _fit(fit: Fit) -> Iterator[str]:
    yield _summary("Fit", fit)
    numbers = f"reduced chi-square {fit.reduced_chi_square:.3f}, BIC {fit.bic:.1f}"
    yield _line(f"{fit.message}; {fit.size} measurements, {numbers}")


def _posterior(posterior: Posterior) -> Iterator[str]:
    yield _summary("Posterior", posterior)
    chains, draws = posterior.statistics["diverging"].shape
    method = posterior.attributes.get("method", "")
    yield _line(f"{posterior.message}; {chains} × {draws} draws {method and f'by {method}'}")


def _forecast(forecast: Forecast) -> Iterator[str]:
    yield _summary("Forecast", forecast)
    yield _line(f"exposure {forecast.exposure:g}; prior is the error before any data")


PAGES: dict[type, Callable[[Any], Iterator[str]]] = {
    Model: _model,
    Fit: _fit,
    Forecast: _forecast,
    Posterior: _posterior,
    Galaxy: _galaxy,
    Instrument: _instrument,
    Map: _map,
}
