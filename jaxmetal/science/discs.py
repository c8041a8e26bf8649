"""The disc in which radii are measured: its geometry in a model, kind of radius, and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import baselines
from jaxmetal.science.baselines import MAJOR_AXIS, MEAN
from jaxmetal.science.lensing import kpc_per_arcsec

# Parameters by which a tracer says where and how its disc lies.
SHAPE = ("inclination", "position_angle", "e1", "e2", "center_x", "center_y")
# Light profiles whose R_sersic is a half-light radius.
HALF_LIGHT = ("sersic", "sersic_q_phi")
NOBODY = "nobody says otherwise"
# Below this inclination (degrees) both radii are the circle's, to 0.02 %.
ROUND = 1.0


@dataclass(frozen=True)
class Disc:
    """A thin disc, and how radii in it are counted.

    Parameters
    ----------
    center
        (x, y), arcsec; in the source plane of a galaxy behind lenses.
    inclination, position_angle
        degrees; 0 is face-on, and the angle of the major axis is from +y (north) towards +x (east).
    radius
        "major axis", or "sqrt(ab)": the product average of an ellipse's axes.
    effective_radius
        along the major axis, arcsec; None where it is not known.
    redshift
        None where it is not known.
    component
        of the galaxy, in whose source plane the disc lies; None for one on the sky.
    sources
        {"inclination", "position_angle", "center", …: who says so}.
    map
        name of the tracer map that the disc is for.
    """

    center: tuple[float, float] = (0.0, 0.0)
    inclination: float = 0.0
    position_angle: float = 0.0
    radius: str = MAJOR_AXIS
    effective_radius: float | None = None
    redshift: float | None = None
    component: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    map: str = ""

    def radii(
        self, instrument: Instrument, galaxy: Galaxy | None = None
    ) -> Float[np.ndarray, "..."]:
        """The radius of every measurement of an instrument, arcsec; see `baselines.radii`.

        Parameters
        ----------
        instrument
            grid and apertures.
        galaxy
            behind whose lenses the disc lies.
        """
        lens, ratio = None, None
        if galaxy is not None and self.component is not None and galaxy.is_lensed(self.component):
            lens, ratio = galaxy, galaxy.components[self.component].distance_ratio
        return baselines.radii(
            instrument,
            *self.center,
            self.inclination,
            self.position_angle,
            galaxy=lens,
            radius=self.radius,
            distance_ratio=1.0 if ratio is None else ratio,
        )

    @property
    def to_major_axis(self) -> float:
        """The semi-major axis over the radius as it is counted here."""
        return 1.0 if self.radius == MAJOR_AXIS else float(1 / np.sqrt(self._axis_ratio))

    @property
    def _axis_ratio(self) -> float:
        return float(np.clip(abs(np.cos(np.deg2rad(self.inclination))), 1e-6, 1.0))

    @property
    def kpc(self) -> float | None:
        """Proper length of an arcsecond, kpc; None without a positive redshift."""
        if self.redshift is None or not self.redshift > 0:
            return None
        return kpc_per_arcsec(self.redshift)

    @property
    def scales(self) -> dict[str, float]:
        """{unit of radius: factor on a gradient per arcsec}: arcsec, and kpc and R_e if known."""
        scales = {"arcsec": 1.0}
        if self.kpc is not None:
            scales["kpc"] = 1 / self.kpc
        if self.effective_radius is not None:
            scales["R_e"] = self.effective_radius / self.to_major_axis
        return scales

    @property
    def radius_name(self) -> str:
        """Kind of radius: "major axis", "sqrt(ab)", or "circle" of a face-on disc."""
        return "circle" if self.inclination < ROUND else self.radius

    def describe(self) -> str:
        """Geometry, its sources, and the sizes by which gradients are scaled, in one line."""
        x, y = self.center
        face_on = self.inclination < ROUND
        geometry = {
            "inclination": "face-on" if face_on else f"inclination {self.inclination:.1f} deg",
            "position_angle": "" if face_on else f"position angle {self.position_angle:.1f} deg",
            "center": f"centre ({x:.2f}, {y:.2f}) arcsec",
        }
        by_source: dict[str, list[str]] = {}
        for name, text in geometry.items():
            if text:
                by_source.setdefault(self.sources.get(name, NOBODY), []).append(text)
        parts = [f"{', '.join(texts)} ({source})" for source, texts in by_source.items()]
        if self.effective_radius is not None:
            source = self.sources.get("effective_radius", "")
            parts.append(
                f"R_e {self.effective_radius:.3g} arcsec along the major axis"
                + (f" ({source})" if source else "")
            )
        if self.kpc is not None:
            parts.append(f"1 arcsec = {self.kpc:.3g} kpc at z = {self.redshift:.4g} (Planck 2018)")
        return "; ".join(parts)

    def told(self, source: str, **values: Any) -> "Disc":
        """The disc with values from another source; what is None stays as it is."""
        values = {name: value for name, value in values.items() if value is not None}
        return replace(self, **values, sources={**self.sources, **dict.fromkeys(values, source)})


def disc_of_model(galaxy: Galaxy, tracer: str, component: str | None = None) -> Disc:
    """The disc of the component that carries a tracer, at the model's own values.

    The tracer's parameters come first, and what they leave open is that of its light: a gradient
    per radius in one disc can only be compared with one in the same disc. What neither says is
    face-on and at (0, 0), and has no source.

    Parameters
    ----------
    galaxy
        at its fitted values.
    tracer
        by name.
    component
        to look at, where several carry the tracer; the only one whose tracer has a shape if left
        out.
    """
    name = _carrier(galaxy, tracer, component)
    if name is None:
        return Disc()
    carrier = galaxy.components[name]
    disc = _shape(Disc(component=name), carrier, tracer, name)
    size = _half_light(carrier)
    return disc.told(f"the model's {name}.light", effective_radius=size)


def _carrier(galaxy: Galaxy, tracer: str, component: str | None) -> str | None:
    """The name of the component that carries a tracer; None where several may be meant."""
    carriers = {name: part for name, part in galaxy.components.items() if tracer in part.tracers}
    if component in carriers:
        return component
    with_shape = [
        name for name, part in carriers.items() if set(SHAPE) & set(part.tracers[tracer].parameters)
    ]
    if len(with_shape) == 1:
        return with_shape[0]
    return next(iter(carriers)) if len(carriers) == 1 else None


def _shape(disc: Disc, component: Component, tracer: str, name: str) -> Disc:
    """The disc with the geometry of a component's tracer, or else of its light."""
    profile = component.tracers[tracer]
    light, light_source = _main_light(component), f"the model's {name}.light"
    angles, source = _angles(profile), f"the model's {name}.{tracer}"
    if angles is not None:
        disc = disc.told(source, **angles)
    elif (angles := _angles(light)) is not None:
        # The light says how the disc lies, and not which radius the tracer depends on.
        disc = disc.told(light_source, **(angles | {"radius": MAJOR_AXIS}))
    for holder, place in ((profile, source), (light, light_source)):
        # The centre of an image is the middle of its frame, wherever the galaxy is.
        if (center := _center(holder)) is not None and holder.name != "image":
            return disc.told(place, center=center)
    return disc


def _angles(profile: Profile) -> dict[str, Any] | None:
    """Inclination, position angle and kind of radius of a profile; None where it has none."""
    numbers = {name: _number(value) for name, value in profile.parameters.items()}
    inclination, angle = numbers.get("inclination"), numbers.get("position_angle")
    if inclination is not None or angle is not None:
        # As seen from behind, or with north and south exchanged, it is the same ellipse.
        cos = abs(np.cos(np.deg2rad(inclination or 0.0)))
        return {
            "inclination": float(np.degrees(np.arccos(cos))),
            "position_angle": angle or 0.0,
            "radius": MAJOR_AXIS,
        }
    if (ellipse := _ellipse(numbers)) is None:
        return None
    ratio, phi = ellipse
    return {
        "inclination": float(np.degrees(np.arccos(ratio))),
        "position_angle": float(90.0 - np.degrees(phi)) % 180.0,
        "radius": MEAN,
    }


def _ellipse(numbers: Mapping[str, float | None]) -> tuple[float, float] | None:
    """Axis ratio, and angle of the major axis from +x towards +y in radians."""
    e1, e2, q, phi = (numbers.get(name) for name in ("e1", "e2", "q", "phi"))
    if e1 is not None and e2 is not None:
        size = min(float(np.hypot(e1, e2)), 0.9999)
        return (1 - size) / (1 + size), 0.5 * float(np.arctan2(e2, e1)) if size > 0 else 0.5 * np.pi
    return (q, phi) if q is not None and phi is not None and 0 < q <= 1 else None


def _center(profile: Profile) -> tuple[float, float] | None:
    x, y = (_number(profile.parameters.get(name)) for name in ("center_x", "center_y"))
    return None if x is None or y is None else (x, y)


def _main_light(component: Component) -> Profile:
    """The light that says how a disc lies: the only one, or the first by name."""
    return next(iter(component.lights.values()))


def _half_light(component: Component) -> float | None:
    """The half-light radius of a Sersic profile along the major axis, arcsec, or None."""
    light = _main_light(component)
    radius = _number(light.parameters.get("R_sersic"))
    if light.name not in HALF_LIGHT or radius is None or not radius > 0:
        return None
    ellipse = _ellipse({name: _number(value) for name, value in light.parameters.items()})
    ratio = ellipse[0] if ellipse is not None and not light.options.get("major_axis") else 1.0
    return radius / float(np.sqrt(ratio))


def _number(value: Any) -> float | None:
    """One finite number; None for anything else."""
    if value is None or np.ndim(value) != 0 or not np.isfinite(value):
        return None
    return float(value)
