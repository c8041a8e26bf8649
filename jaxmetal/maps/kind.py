"""What a kind of map says of itself, to configurations, tables and figures."""

from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array

from jaxmetal.emission import Blend
from jaxmetal.shown import as_html, shown


class MapKind(eqx.Module):
    """What a kind of map says of itself.

    Attributes
    ----------
    additive
        class variable: whether it shows a sum over the light, such as a flux. Sums add up in bins
        and have a scatter relative to the model; the others are undefined where no light falls.
    quantity
        class variable: what "auto" sampling says that its error is in.
    label
        class variable: what axes and colour bars say of it.
    tracer
        the name of the tracer whose mean it shows; None if it shows something else.
    scale
        how light averages it, as for a TracerMap.
    """

    additive: ClassVar[bool] = False
    quantity: ClassVar[str] = "value"
    label: ClassVar[str] = "value"
    tracer: ClassVar[str | None] = None
    scale: ClassVar[Any] = "linear"
    light: eqx.AbstractVar[str | Blend]

    _repr_html_ = as_html

    def plot(self, ax: Any = None, unit: str | None = None) -> Any:
        """Draw the values on the sky.

        Parameters
        ----------
        ax
            axes of matplotlib to draw into; those of a new figure if left out.
        unit
            of the values, for the label.

        Returns
        -------
        axes
            that were drawn into.
        """
        return shown("quick.plot_map", self, ax, unit)

    @property
    def tracers(self) -> dict[str, str]:
        """The tracers that it depends on, by the keys that name them in a configuration."""
        return {} if self.tracer is None else {"tracer": self.tracer}

    @property
    def tracers_in_its_unit(self) -> tuple[str, ...]:
        """Those of the tracers whose values have the unit of the map."""
        return tuple(self.tracers.values())

    @property
    def planes(self) -> dict[str, Array]:
        """Further data of each pixel or aperture, by the keys that name them in a configuration."""
        return {}

    @property
    def entry(self) -> dict[str, Any]:
        """What a configuration says of it, beside the files that hold it and its errors."""
        return {"kind": "light", "light": self.light}
