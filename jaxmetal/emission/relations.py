"""Relations in the forward direction: metallicity → line ratios, one self-consistent family each.

A ratio is written as its lines, such as "OIII5007/Hb" or "SII6717+SII6731/Ha", and its value is
log10 of it. Each family gives every line once: published fits of further ratios of the same lines,
such as R23 beside R2 and R3, are independent fits that contradict them.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.emission.polynomial import continued
from jaxmetal.errors import InputError, described, unknown

Metallicity = Float[Array, "..."]
Ratios = dict[str, Array]

O3 = "OIII5007/Hb"
O2 = "OII3727/Hb"
N2 = "NII6584/Ha"
S2 = "SII6717+SII6731/Ha"
NE3O2 = "NeIII3869/OII3727"


class Relation(eqx.Module):
    """A function of metallicity, and where it may be used.

    Parameters
    ----------
    function
        f(metallicity) → {"OIII5007/Hb": log10 ratio, …}. Its arguments are names of tracers, so
        that further ones, such as an ionisation parameter, are tracers of the component too.
    valid
        lowest and highest metallicity of the calibrators, dex; None if it has no such range.
    scatter
        published scatter of the calibrators about each log10 ratio, dex, by the first line of the
        ratio; as far as it is known.

    Raises
    ------
    InputError
        if it is no function of named arguments.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> linear = jm.emission.Relation(lambda metallicity: {"NII6584/Ha": metallicity - 9.0})
    >>> jm.Emission(linear).reference
    'Ha'
    """

    function: Callable[..., Ratios] = eqx.field(static=True)
    valid: tuple[float, float] | None = eqx.field(static=True)
    scatter: tuple[tuple[str, float], ...] = eqx.field(static=True)

    def __init__(
        self,
        function: Callable[..., Ratios],
        valid: tuple[float, float] | None = None,
        scatter: Mapping[str, float] | None = None,
    ):
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        if not kinds or set(kinds) - {inspect.Parameter.POSITIONAL_OR_KEYWORD}:
            expected = "expected a function of tracers, such as f(metallicity)"
            raise InputError(f"Relation: {expected}, got {inspect.signature(function)}.")
        self.function, self.valid = function, valid
        self.scatter = tuple((scatter or {}).items())

    @property
    def name(self) -> str:
        """The function's name."""
        return getattr(self.function, "__name__", repr(self.function))

    @property
    def tracers(self) -> tuple[str, ...]:
        """The tracers that the ratios depend on."""
        return tuple(inspect.signature(self.function).parameters)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Where it may be used, by tracer; empty if it has no such range."""
        return {} if self.valid is None else {self.tracers[0]: self.valid}

    def __call__(self, *tracers: Float[ArrayLike, "..."]) -> Ratios:
        """The log10 ratios where the tracers have these values, in the order of `tracers`."""
        return self.function(*map(jnp.asarray, tracers))


def curti20(metallicity: Metallicity) -> Ratios:
    """R2, R3, N2 and S2 on electron temperatures of stacked SDSS galaxies; 7.6 to 8.9.

    References
    ----------
    Curti et al. (2020), MNRAS 491, 944, table 2.
    """
    r2 = (0.435, -1.362, -5.655, -4.851, -0.478, 0.736)
    r3 = (-0.277, -3.549, -3.593, -0.981)
    n2 = (-0.489, 1.513, -2.554, -5.293, -2.867)
    s2 = (-0.442, -0.360, -6.271, -8.339, -3.559)
    wide = (7.6, 8.9)
    return {
        O2: continued(metallicity, r2, 8.69, wide),
        O3: continued(metallicity, r3, 8.69, wide),
        # Beyond 8.85 the polynomial of N2 turns over, which no data show.
        N2: continued(metallicity, n2, 8.69, (7.6, 8.85)),
        S2: continued(metallicity, s2, 8.69, wide),
    }


def maiolino08(metallicity: Metallicity) -> Ratios:
    """Electron temperatures below 8.35, photoionisation models above; 7.05 to 9.2.

    References
    ----------
    Maiolino et al. (2008), A&A 488, 463, table 4.
    """
    valid = (7.05, 9.2)
    r2 = (0.5603, 0.0450, -1.8017, -1.8434, -0.6549)
    return {
        O2: continued(metallicity, r2, 8.69, valid),
        O3: continued(metallicity, (0.1549, -1.5031, -0.9790, -0.0297), 8.69, valid),
        N2: continued(metallicity, (-0.7732, 1.2357, -0.2811, -0.7201, -0.3330), 8.69, valid),
        NE3O2: continued(metallicity, (-1.2608, -1.0861, -0.1470), 8.69, valid),
    }


def nakajima22(metallicity: Metallicity) -> Ratios:
    """R3 and O32 of EMPRESS, all equivalent widths; 6.9 to 8.9.

    References
    ----------
    Nakajima et al. (2022), ApJS 262, 3.
    """
    valid = (6.9, 8.9)
    return {
        O3: continued(metallicity, (-0.277, -3.182, -2.832, -0.637), 8.69, valid),
        "OIII5007/OII3727": continued(metallicity, (-0.693, -2.722, -1.201), 8.69, valid),
    }


def bian18(metallicity: Metallicity) -> Ratios:
    """Stacks of local analogues of galaxies at z = 2; 7.8 to 8.4.

    References
    ----------
    Bian et al. (2018), ApJ 859, 175.
    """
    valid = (7.8, 8.4)
    both = "OIII4959+OIII5007"
    return {
        f"{both}/Hb": continued(metallicity, (43.9836, -21.6211, 3.4277, -0.1747), 0.0, valid),
        f"{both}/OII3727": (8.54 - metallicity) / 0.59,
        N2: (metallicity - 8.82) / 0.49,
        NE3O2: (7.80 - metallicity) / 0.63,
    }


def sanders24(metallicity: Metallicity) -> Ratios:
    """Electron temperatures of galaxies at z = 2 to 9; 7.4 to 8.3.

    References
    ----------
    Sanders et al. (2024), ApJ 962, 24.
    """
    valid = (7.4, 8.3)
    return {
        O3: continued(metallicity, (0.834, -0.072, -0.453), 8.0, valid),
        O2: continued(metallicity, (0.067, 1.069), 8.0, valid),
        NE3O2: continued(metallicity, (-0.386, -0.998), 8.0, valid),
    }


def sanders25(metallicity: Metallicity) -> Ratios:
    """Electron temperatures of AURORA, z = 1.4 to 7; 7.3 to 8.6, [NII] and [SII] from 7.8.

    References
    ----------
    Sanders et al. (2025), arXiv:2508.10099.
    """
    valid = (7.3, 8.6)
    return {
        O3: continued(metallicity, (0.852, -0.162, -1.149, -0.553), 8.0, valid),
        O2: continued(metallicity, (0.172, 0.954, -0.832), 8.0, valid),
        N2: continued(metallicity, (-1.356, 1.532), 8.0, valid),
        S2: continued(metallicity, (-1.139, 0.723), 8.0, valid),
    }


def marino13(metallicity: Metallicity) -> Ratios:
    """N2 and O3N2 on electron temperatures of HII regions, inverted; 8.0 to 8.65.

    References
    ----------
    Marino et al. (2013), A&A 559, A114, eq. 2 and 4.
    """
    n2 = (metallicity - 8.743) / 0.462
    return {N2: n2, O3: (8.533 - metallicity) / 0.214 + n2}


def marino13_o3n2(metallicity: Metallicity, n2: Float[Array, "..."]) -> Ratios:
    """O3N2 alone, inverted; the index N2 is a tracer of its own; 8.17 to 8.77.

    References
    ----------
    Marino et al. (2013), A&A 559, A114, eq. 2.
    """
    return {N2: n2, O3: (8.533 - metallicity) / 0.214 + n2}


def pettini04(metallicity: Metallicity) -> Ratios:
    """The linear N2 and O3N2 of HII regions, inverted; 8.12 to 8.73.

    References
    ----------
    Pettini & Pagel (2004), MNRAS 348, L59, eq. 1 and 3.
    """
    n2 = (metallicity - 8.90) / 0.57
    return {N2: n2, O3: (8.73 - metallicity) / 0.32 + n2}


def dopita16(metallicity: Metallicity, n2: Float[Array, "..."]) -> Ratios:
    """[SII] at a metallicity and an index N2, which is a tracer of its own; 8.0 to 9.1.

        Z = 8.77 + y,   y = log10([NII]6584 / [SII]) + 0.264 N2

    References
    ----------
    Dopita et al. (2016), Ap&SS 361, 61.
    """
    return {N2: n2, S2: 1.264 * n2 - (metallicity - 8.77)}


RELATIONS: dict[str, Relation] = {
    "curti20": Relation(
        curti20,
        (7.6, 8.85),
        {"OII3727": 0.11, "OIII5007": 0.09, "NII6584": 0.16, "SII6717": 0.11},
    ),
    "maiolino08": Relation(maiolino08, (7.05, 9.2)),
    "nakajima22": Relation(nakajima22, (6.9, 8.9)),
    "bian18": Relation(bian18, (7.8, 8.4)),
    "sanders24": Relation(sanders24, (7.4, 8.3)),
    "sanders25": Relation(sanders25, (7.3, 8.6), {"OIII5007": 0.13, "OII3727": 0.25}),
    # The scatter of N2 in metallicity, 0.16 and 0.18 dex, times its slope.
    "marino13": Relation(marino13, (8.0, 8.65), {"NII6584": 0.16 / 0.462}),
    "marino13_o3n2": Relation(marino13_o3n2, (8.17, 8.77)),
    "pettini04": Relation(pettini04, (8.12, 8.73), {"NII6584": 0.18 / 0.57}),
    "dopita16": Relation(dopita16, (8.0, 9.1)),
}


def as_relation(choice: Any) -> Any:
    """A relation by name, a Relation or grid of one's own, or a plain function.

    Parameters
    ----------
    choice
        one of RELATIONS, an `equinox.Module` with `tracers`, `valid` and a call such as those of
        `Relation`, or a function as in `Relation`.

    Returns
    -------
    relation
        a Relation, or the module.

    Raises
    ------
    InputError
        for an unknown name, or what is no function.
    """
    if isinstance(choice, str):
        if choice not in RELATIONS:
            raise unknown("relation", choice, RELATIONS, "Emission.relation")
        return RELATIONS[choice]
    if isinstance(choice, eqx.Module):
        lacks = [name for name in ("tracers", "valid", "scatter") if not hasattr(choice, name)]
        if lacks or not callable(choice):
            raise InputError(
                f"Emission.relation: {type(choice).__name__} has no {lacks or 'call'}."
            )
        return choice
    if not callable(choice):
        expected = f"expected one of {', '.join(RELATIONS)} or a function of metallicity"
        raise InputError(f"Emission.relation: {expected}, got {described(choice)}.")
    return Relation(cast(Callable[..., Ratios], choice))
