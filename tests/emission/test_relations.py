"""Relations between metallicity and line ratios, against published values; attenuation curves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxmetal as jm
from jaxmetal.emission.attenuation import CURVES
from jaxmetal.emission.polynomial import continued

# log10 ratios of Curti et al. (2020) at 12 + log(O/H) = 8.0 and 8.69.
CURTI = {
    "OII3727/Hb": (0.053, 0.435),
    "OIII5007/Hb": (0.783, -0.277),
    "NII6584/Ha": (-1.660, -0.489),
    "SII6717+SII6731/Ha": (-1.247, -0.442),
}
# d log10 R / dZ of the same at these metallicities.
SLOPES_AT = (7.7, 7.9, 8.1, 8.3, 8.5, 8.7, 8.8)
SLOPES = {
    "OII3727/Hb": (0.96, 0.87, 1.08, 1.03, 0.28, -1.48, -2.78),
    "OIII5007/Hb": (0.68, 0.29, -0.33, -1.19, -2.29, -3.62, -4.38),
    "NII6584/Ha": (2.13, 1.29, 1.35, 1.77, 1.99, 1.46, 0.74),
    "SII6717+SII6731/Ha": (1.35, 0.95, 1.26, 1.57, 1.22, -0.49, -2.06),
}
# Where a ratio has its maximum: family, ratio, metallicity.
PEAKS = (
    ("curti20", "OII3727/Hb", 8.5421),
    ("curti20", "OIII5007/Hb", 8.0026),
    ("curti20", "SII6717+SII6731/Ha", 8.6595),
    ("maiolino08", "OIII5007/Hb", 7.894),
    ("maiolino08", "OII3727/Hb", 8.702),
    ("sanders24", "OIII5007/Hb", 7.92),
    ("sanders25", "OIII5007/Hb", 7.925),
    ("sanders25", "OII3727/Hb", 8.573),
)
# k(λ) of Cardelli et al. (R_V = 3.1) and of Calzetti et al., evaluated from the formulas.
EXTINCTION = {
    "OII3727": (4.771, 5.857),
    "NeIII3869": (4.660, 5.676),
    "Hd": (4.437, 5.394),
    "Hg": (4.174, 5.125),
    "Hb": (3.609, 4.598),
    "OIII4959": (3.516, 4.507),
    "OIII5007": (3.473, 4.464),
    "OI6300": (2.661, 3.502),
    "Ha": (2.535, 3.326),
    "NII6584": (2.525, 3.313),
    "SII6717": (2.462, 3.230),
    "SII6731": (2.455, 3.221),
}
RELATIONS = jm.emission.RELATIONS


def ratio(family, name, metallicity):
    """One log10 ratio of a family whose only tracer is the metallicity."""
    return RELATIONS[family](jnp.asarray(metallicity, float))[name]


@pytest.mark.parametrize("name", CURTI)
def test_ratios_of_curti_have_their_published_values(name):
    values = np.asarray(ratio("curti20", name, [8.0, 8.69]))
    np.testing.assert_allclose(values, CURTI[name], atol=6e-4)


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_of_curti_are_those_of_its_polynomials(name):
    slopes = jax.vmap(jax.grad(lambda z: ratio("curti20", name, z)))(jnp.asarray(SLOPES_AT))
    np.testing.assert_allclose(slopes, SLOPES[name], atol=6e-3)


@pytest.mark.parametrize(("family", "name", "peak"), PEAKS)
def test_a_ratio_turns_over_where_its_polynomial_does(family, name, peak):
    slope = jax.jit(jax.grad(lambda z: ratio(family, name, z)))
    turn = brentq(lambda z: float(slope(z)), peak - 0.2, peak + 0.15)
    assert abs(turn - peak) < 2e-3


@pytest.mark.parametrize("family", RELATIONS)
def test_a_relation_is_continued_by_its_tangents(family):
    relation = RELATIONS[family]
    low, high = relation.valid
    others = [jnp.asarray(-0.5)] * (len(relation.tracers) - 1)

    def ratios(z):
        return jnp.stack(list(relation(z, *others).values()))

    values, slopes = jax.vmap(ratios), jax.vmap(jax.jacobian(ratios))
    for end, outward in ((low, -1.0), (high, 1.0)):
        # Beyond the widest range of any ratio of a family.
        far = end + outward * jnp.array([0.3, 1.0, 3.0])
        np.testing.assert_allclose(slopes(far), slopes(far[:1]).repeat(3, 0), rtol=1e-4)
        np.testing.assert_allclose(
            values(far)[2] - values(far)[0], 2.7 * outward * slopes(far)[0], rtol=1e-3, atol=1e-4
        )


def test_a_polynomial_with_large_terms_keeps_its_digits():
    # Terms of 40 to 180 that cancel: [OIII]/Hb of Bian et al. (2018).
    coefficients = (43.9836, -21.6211, 3.4277, -0.1747)
    z = np.linspace(7.8, 8.4, 13)
    expected = sum(c * z**n for n, c in enumerate(coefficients))
    values = continued(jnp.asarray(z), coefficients, 0.0, (7.8, 8.4))
    np.testing.assert_allclose(values, expected, atol=1e-6)


@pytest.mark.parametrize("line", EXTINCTION)
def test_attenuation_curves_have_their_published_values(line):
    wavelength = jm.emission.WAVELENGTHS[line]
    values = [float(CURVES[name](wavelength)) for name in ("ccm89", "calzetti00")]
    np.testing.assert_allclose(values, EXTINCTION[line], atol=1.5e-3)


def test_a_power_law_is_one_at_5500_angstrom():
    assert float(jm.emission.power_law(5500.0)) == pytest.approx(4.05)
    assert float(jm.emission.power_law(11000.0, index=1.0)) == pytest.approx(2.025)


def test_attenuation_in_the_infrared():
    # x = 1 per micron: a = 0.574, b = -0.527.
    assert float(jm.emission.ccm89(1e4)) == pytest.approx(3.1 * 0.574 - 0.527)
