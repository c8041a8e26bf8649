"""The galaxy of a first configuration: its light, what it carries, and the priors."""

from collections.abc import Iterator, Mapping

from jaxmetal.io.automatic import AUTO
from jaxmetal.io.initial.text import Entry, block, inline

# A galaxy whose half-light radius is at least this many of the PSF is resolved: its picture shows
# clumps that no profile describes, and is blurred little.
RESOLVED = 4.0
SERSIC = ("amp", "R_sersic", "n_sersic", "e1", "e2", "center_x", "center_y")


def sersic() -> str:
    """A Sersic profile whose numbers come from the data."""
    return inline({"profile": "sersic", **dict.fromkeys(SERSIC, AUTO)})


def light_entry(picture: str | None, size: float | None, has_light: bool) -> Iterator[Entry]:
    """Iterate over the line of a component's light, and what else it might be.

    Parameters
    ----------
    picture
        name of a map of light; None without one.
    size
        its half-light radius over that of the PSF; None where it is not known.
    has_light
        whether a map of light is data.
    """
    if picture is not None and (size is None or size >= RESOLVED):
        reason = "the picture shows the galaxy's own structure"
        yield Entry("light", inline({"profile": "image", "map": picture}), reason)
        yield Entry("", note=f"light: {sersic()}   # a smooth profile instead, fitted to the map")
        return
    note = "" if has_light else "? no map shows the light: held at what the errors tell"
    yield Entry("light", sersic(), note)
    if picture is not None:
        text = inline({"profile": "image", "map": picture})
        yield Entry("", note=f"light: {text}   # the picture, where it is well resolved")


def tracer_entry(tracer: str, geometry: Mapping[str, str]) -> Iterator[Entry]:
    """Iterate over the line of a tracer.

    Parameters
    ----------
    tracer
        its name.
    geometry
        the numbers of the disc, by parameter.
    """
    if tracer == "velocity":
        numbers = dict.fromkeys(("v_max", "r_turn", "systemic"), AUTO)
        yield Entry(tracer, inline({"profile": "rotation", **numbers, **geometry}))
        yield Entry("", note="speeds depend on the inclination, which is held: write what you know")
        return
    numbers = dict.fromkeys(("central", "gradient"), AUTO)
    yield Entry(tracer, inline({"profile": "disc_gradient", **numbers, **geometry}))


def galaxy_entries(parts: Iterator[Entry], extra: Iterator[Entry] | None = None) -> Iterator[Entry]:
    """Iterate over the galaxy and its priors.

    Parameters
    ----------
    parts
        the lines of its only component.
    extra
        further lines at the end of it.
    """
    inner = [*parts, *(extra or ())]
    yield Entry("")
    yield from block("galaxy", block("disc", inner))
    yield Entry("")
    yield Entry("priors", AUTO, "weak ones, scaled by the data; `jaxmetal validate` prints them")
    yield Entry("fit", "{starts: 2}")
