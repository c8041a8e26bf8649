"""What the gas of a component emits: the flux of every line relative to a reference line."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.emission.attenuation import Curve, attenuation_curve
from jaxmetal.emission.lines import BALMER, BRIGHTER, CASE_B, FIXED_RATIOS, WAVELENGTHS, check_line
from jaxmetal.emission.relations import Ratios, as_relation
from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles.numerics import LN10
from jaxmetal.profiles.profile import as_array, is_traced

# The tracer that holds the colour excess E(B-V), mag.
REDDENING = "reddening"
# No light is left of a line so much fainter than the reference, dex, and float32 ends at 1e-38.
FAINTEST = 20.0
# The low-density limit of the [SII] doublet is 1.44; 1.4 is that of 50 electrons per cm³.
SII_RATIO = 1.4


class Emission(eqx.Module):
    """The lines of the gas: their ratios to a reference line follow from tracers.

        I_l = I_ref · R_l(Z) / R_ref(Z) · 10^(offset_l) · 10^(-0.4 (k_l - k_ref) E(B-V))

    The component's light is the surface brightness of the reference line as it is observed,
    reddened. A tracer named "reddening" is the colour excess E(B-V) in mag; without it there is no
    attenuation. Dust acts before the PSF.

    Parameters
    ----------
    relation
        "curti20" or another of `emission.RELATIONS`; a function of metallicity that gives log10
        ratios by name, such as {"NII6584/Ha": ..., "OIII5007/Hb": ...}; or a `LineGrid`. The names
        of its arguments are those of the component's tracers.
    reference
        the line that the light is; a Balmer line, or one of the relation.
    attenuation
        "ccm89", "calzetti00", "power_law", or a function of the wavelength in Angstrom.
    balmer
        intrinsic Ha / Hb, positive; 2.86 is case B at 1e4 K, 2.75 at 2e4 K.
    sii_ratio
        [SII] 6717 / 6731, positive.
    offset
        dex by which the log10 of a line's ratio lies off the relation, {line: offset}; what is left
        out is 0. A prior of the relation's published scatter makes them nuisance parameters, by
        paths such as "disc.emission.offset.NII6584". The fainter line of a doublet follows.
    light
        the name of the light that is the reference line; by default that of its own name, or the
        only one.

    Raises
    ------
    InputError
        for an unknown relation, line or curve, ratios that do not lead to a Balmer line, or numbers
        that are not positive or finite.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> gas = jm.Emission("curti20", offset={"NII6584": 0.05})
    >>> gas.reference
    'Ha'
    """

    adjustable: ClassVar = ("balmer", "sii_ratio", "offset")
    relation: Any
    balmer: Float[Array, ""]
    sii_ratio: Float[Array, ""]
    offset: dict[str, Float[Array, ""]]
    reference: str = eqx.field(static=True)
    attenuation: Curve = eqx.field(static=True)
    light: str | None = eqx.field(static=True)

    def __init__(
        self,
        relation: Any,
        reference: str = "Ha",
        attenuation: Any = "ccm89",
        balmer: Any = 2.86,
        sii_ratio: Any = SII_RATIO,
        offset: Mapping[str, Any] | None = None,
        light: str | None = None,
    ):
        self.relation = as_relation(relation)
        self.attenuation = attenuation_curve(attenuation)
        self.balmer = _positive(balmer, "balmer")
        self.sii_ratio = _positive(sii_ratio, "sii_ratio")
        self.reference = check_line(reference, "Emission.reference")
        self.light = light
        primary = self._primary_lines()
        offsets = {check_line(n, "Emission.offset"): v for n, v in (offset or {}).items()}
        for name in offsets:
            if name not in primary:
                raise unknown("offset", name, primary, "Emission")
        self.offset = {
            name: as_array(offsets.get(name, 0.0), f"Emission.offset.{name}") for name in primary
        }
        if reference not in self.lines:
            raise unknown("line", reference, self.lines, "Emission.reference")

    def _primary_lines(self) -> list[str]:
        """The lines that the relation determines, but for fainter lines of doublets."""
        number = jax.ShapeDtypeStruct((), jnp.result_type(float))
        result: list[str] = []

        def relative(*values: Array) -> dict[str, Array | float]:
            fluxes = self._relative_to_hb(self.relation(*values))
            result.extend(name for name in fluxes if name not in BALMER)
            return fluxes

        jax.eval_shape(relative, *[number] * len(self.relation.tracers))
        return sorted(result)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that the gas emits."""
        primary = (*BALMER, *self.offset)
        return tuple(name for name in WAVELENGTHS if BRIGHTER.get(name, name) in primary)

    @property
    def relation_name(self) -> str:
        """The name of the relation, for messages."""
        return getattr(self.relation, "name", type(self.relation).__name__)

    def tracers(self, carried: Any) -> tuple[str, ...]:
        """The tracers that the lines depend on.

        Parameters
        ----------
        carried
            the names of those that the component carries.

        Returns
        -------
        names
            the relation's, and the reddening if it is carried.
        """
        return (*self.relation.tracers, *([REDDENING] if REDDENING in carried else []))

    def log_ratios(
        self, values: Mapping[str, Float[ArrayLike, "..."]], lines: Any = None
    ) -> dict[str, Float[Array, "..."]]:
        """log10 of the flux of lines over that of the reference line, as observed.

        Parameters
        ----------
        values
            of the tracers at some positions, by name.
        lines
            the names of those that are asked for; all by default.

        Returns
        -------
        ratios
            dex, by line, in the shape of the values.

        Raises
        ------
        InputError
            for a line that the relation does not have.
        """
        fluxes = self._relative_to_hb(self.relation(*(values[n] for n in self.relation.tracers)))
        fluxes |= {name: fluxes[name] + offset for name, offset in self.offset.items()}
        reference = self._flux(fluxes, self.reference)
        reddening = values.get(REDDENING)
        ratios = {}
        for name in lines or self.lines:
            ratio = self._flux(fluxes, name) - reference
            if reddening is not None:
                ratio = ratio - 0.4 * self._extinction(name) * reddening
            ratios[name] = ratio
        return ratios

    def brightness(
        self,
        reference: Float[Array, "..."],
        values: Mapping[str, Float[Array, "..."]],
        lines: Any = None,
    ) -> dict[str, Float[Array, "..."]]:
        """The surface brightness of lines.

        Parameters
        ----------
        reference
            that of the reference line at some positions.
        values, lines
            as for `log_ratios`.

        Returns
        -------
        brightness
            by line, in the unit of the reference.

        Raises
        ------
        InputError
            for a line that the relation does not have.
        """
        ratios = self.log_ratios(values, lines)
        return {
            name: reference * jnp.exp(LN10 * jnp.clip(ratio, -FAINTEST, FAINTEST))
            for name, ratio in ratios.items()
        }

    def multiple_of(self, line: str) -> tuple[str, Array | float]:
        """The line that a line is a fixed multiple of, where there is no dust, and the factor.

        Balmer lines are multiples of the reference, if that is one of them, else of Hb, and the
        fainter line of a doublet is one of the brighter.

        Parameters
        ----------
        line
            of those that the gas emits.

        Returns
        -------
        base, factor
            the line itself and 1 for all others.
        """
        if line in BALMER:
            base = self.reference if self.reference in BALMER else "Hb"
            ratios: dict[str, Array | float] = {**CASE_B, "Ha": self.balmer}
            return base, 1.0 if line == base else ratios[line] / ratios[base]
        base, fraction = self._doublet(line)
        return base, 1.0 if line == base else jnp.exp(LN10 * jnp.asarray(fraction))

    def _extinction(self, line: str) -> float:
        """k of a line minus that of the reference."""
        pair = np.array([WAVELENGTHS[line], WAVELENGTHS[self.reference]])
        one, reference = np.asarray(self.attenuation(pair), float)
        return float(one - reference)

    def _doublet(self, line: str) -> tuple[str, Array | float]:
        """The brighter line of a doublet, and log10 of a line's flux over that of the brighter."""
        brighter = BRIGHTER.get(line, line)
        if brighter != line and line not in FIXED_RATIOS:
            return brighter, -jnp.log10(self.sii_ratio)
        return brighter, -float(np.log10(FIXED_RATIOS.get(line, 1.0)))

    def _flux(self, fluxes: Mapping[str, Array | float], line: str) -> Array:
        """log10 of the flux of a line, of fluxes of the brighter lines."""
        brighter, fraction = self._doublet(line)
        if brighter not in fluxes:
            raise unknown("line", line, self.lines, f"relation {self.relation_name}")
        return jnp.asarray(fluxes[brighter] + fraction)

    def _side(self, text: str) -> tuple[str, Array | float]:
        """The brighter line of a sum such as "OIII4959+OIII5007", and log10 of the sum over it."""
        parts = [self._doublet(check_line(n.strip(), "relation")) for n in text.split("+")]
        brighter = {name for name, _ in parts}
        if len(brighter) > 1:
            problem = "a sum of lines of different ions; give the ratio of each"
            raise InputError(f"relation: {text!r} is {problem}.")
        if len(parts) == 1:
            return parts[0]
        return parts[0][0], jnp.log10(sum(jnp.exp(LN10 * jnp.asarray(f)) for _, f in parts))

    def _relative_to_hb(self, ratios: Ratios) -> dict[str, Array | float]:
        """log10 of the fluxes over that of Hb, of brighter lines, without offsets and dust."""
        fluxes: dict[str, Any] = {name: float(np.log10(r)) for name, r in CASE_B.items()}
        fluxes["Ha"] = jnp.log10(self.balmer)
        remaining = dict(ratios)
        while remaining:
            solved = [name for name in remaining if self._solve(name, remaining[name], fluxes)]
            if not solved:
                names = ", ".join(map(repr, remaining))
                raise InputError(f"relation: no Balmer line ties {names} to the others.")
            remaining = {name: v for name, v in remaining.items() if name not in solved}
        return fluxes

    def _solve(self, name: str, value: Array, fluxes: dict[str, Any]) -> bool:
        """Add the line that a ratio determines; False if neither of its sides is known yet."""
        numerator, slash, denominator = name.partition("/")
        if not (slash and numerator and denominator):
            raise InputError(f"relation: expected ratios such as 'OIII5007/Hb', got {name!r}.")
        (above, above_sum), (below, below_sum) = self._side(numerator), self._side(denominator)
        if above in fluxes and below in fluxes:
            raise InputError(f"relation: {name!r} follows from its other ratios already.")
        if below in fluxes:
            fluxes[above] = fluxes[below] + below_sum + value - above_sum
        elif above in fluxes:
            fluxes[below] = fluxes[above] + above_sum - value - below_sum
        return above in fluxes


def _positive(value: Any, name: str) -> Array:
    number = as_array(value, f"Emission.{name}")
    if number.shape != () or not (is_traced(number) or 0 < float(number) < np.inf):
        raise InputError(f"Emission.{name}: expected a positive number, got {value!r}.")
    return number
