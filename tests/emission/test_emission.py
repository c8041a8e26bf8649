"""What the gas of a component emits: ratios of all its lines to the reference line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm

SOLAR = {"metallicity": jnp.asarray(8.69)}


def numbers(ratios):
    return {name: float(value) for name, value in ratios.items()}


def test_lines_follow_from_ratios_to_two_balmer_lines():
    ratios = numbers(jm.Emission("curti20").log_ratios(SOLAR))
    # Ha is the reference, and 2.86 times Hb.
    hb = -np.log10(2.86)
    assert ratios["Ha"] == 0
    assert ratios["Hb"] == pytest.approx(hb, abs=1e-5)
    assert ratios["Hg"] == pytest.approx(hb + np.log10(0.468), abs=1e-5)
    assert ratios["OII3727"] == pytest.approx(hb + 0.435, abs=1e-5)
    assert ratios["OIII5007"] == pytest.approx(hb - 0.277, abs=1e-5)
    assert ratios["NII6584"] == pytest.approx(-0.489, abs=1e-5)
    # The fainter lines of doublets.
    assert ratios["OIII4959"] == pytest.approx(ratios["OIII5007"] - np.log10(2.984), abs=1e-5)
    both = np.log10(10 ** ratios["SII6717"] + 10 ** ratios["SII6731"])
    assert both == pytest.approx(-0.442, abs=1e-5)
    assert ratios["SII6717"] - ratios["SII6731"] == pytest.approx(np.log10(1.4), abs=1e-5)


def test_a_chain_of_ratios_is_resolved():
    # Bian et al.: (4959+5007)/Hb, (4959+5007)/[OII], [NeIII]/[OII].
    emission = jm.Emission("bian18", reference="Hb")
    flux = {n: 10**v for n, v in numbers(emission.log_ratios({"metallicity": 8.2})).items()}
    both = flux["OIII4959"] + flux["OIII5007"]
    polynomial = 43.9836 - 21.6211 * 8.2 + 3.4277 * 8.2**2 - 0.1747 * 8.2**3
    assert np.log10(both) == pytest.approx(polynomial, abs=1e-5)
    assert np.log10(both / flux["OII3727"]) == pytest.approx((8.54 - 8.2) / 0.59, abs=1e-5)
    assert np.log10(flux["NeIII3869"] / flux["OII3727"]) == pytest.approx(-0.4 / 0.63, abs=1e-5)


@pytest.mark.parametrize("family", jm.emission.RELATIONS)
def test_reference_lines_agree(family):
    """The flux of one line over another does not depend on the line that is the light."""
    relation = jm.emission.RELATIONS[family]
    values = dict.fromkeys(relation.tracers, jnp.asarray(-0.6)) | {
        "metallicity": jnp.asarray(8.3),
        "reddening": jnp.asarray(0.4),
    }
    by_ha = numbers(jm.Emission(family).log_ratios(values))
    other = jm.Emission(family, reference="Hb").lines[-1]
    by_other = numbers(jm.Emission(family, reference=other).log_ratios(values))
    for name, value in by_ha.items():
        assert by_other[name] - by_other["Ha"] == pytest.approx(value, abs=2e-6)


def test_dust_reddens_the_balmer_decrement():
    emission = jm.Emission("curti20", reference="Hb", attenuation="ccm89")
    clear = numbers(emission.log_ratios(SOLAR))
    dusty = numbers(emission.log_ratios(SOLAR | {"reddening": jnp.asarray(0.5)}))
    assert clear["Ha"] == pytest.approx(np.log10(2.86), abs=1e-5)
    # A colour of 2.328 log10 of the decrement is E(B-V) of this curve.
    excess = 2.3282 * (dusty["Ha"] - clear["Ha"])
    assert excess == pytest.approx(0.5, abs=1e-3)


def test_an_offset_moves_a_line_and_its_partner():
    emission = jm.Emission("curti20", offset={"OIII5007": 0.1})
    shift = {
        name: value - numbers(jm.Emission("curti20").log_ratios(SOLAR))[name]
        for name, value in numbers(emission.log_ratios(SOLAR)).items()
    }
    moved = {name for name, value in shift.items() if abs(value) > 1e-6}
    assert moved == {"OIII5007", "OIII4959"}
    assert shift["OIII5007"] == pytest.approx(0.1, abs=1e-6)


def test_the_balmer_ratio_leaves_nitrogen_over_hydrogen_alpha():
    hot = numbers(jm.Emission("curti20", balmer=2.75).log_ratios(SOLAR))
    assert hot["NII6584"] == pytest.approx(-0.489, abs=1e-5)
    assert hot["OIII5007"] == pytest.approx(-0.277 - np.log10(2.75), abs=1e-5)


def test_a_relation_of_several_tracers_takes_them_by_name():
    def ionised(metallicity, log_u):
        return {"OIII5007/Hb": metallicity - 8.0 + log_u, "NII6584/Ha": metallicity - 9.0}

    emission = jm.Emission(ionised)
    assert emission.tracers(["metallicity", "log_u"]) == ("metallicity", "log_u")
    values = {"log_u": jnp.asarray(-0.5), "metallicity": jnp.asarray(8.4)}
    ratios = numbers(emission.log_ratios(values))
    assert ratios["OIII5007"] == pytest.approx(-0.1 - np.log10(2.86), abs=1e-5)


def test_far_outside_brightness_and_gradient_are_finite():
    emission = jm.Emission("curti20")

    def total(z):
        tracers = {"metallicity": z, "reddening": jnp.asarray(30.0)}
        return sum(emission.brightness(jnp.asarray(1e-20), tracers).values())

    for z in (-1000.0, 0.0, 8.6, 20.0, 1000.0):
        value, slope = jax.jit(jax.value_and_grad(total))(z)
        assert np.isfinite(value) and np.isfinite(slope)


def test_dopita_gives_sulphur_at_a_nitrogen_index():
    values = {"metallicity": jnp.asarray(8.6), "n2": jnp.asarray(-0.5)}
    flux = {n: 10**v for n, v in numbers(jm.Emission("dopita16").log_ratios(values)).items()}
    n2 = np.log10(flux["NII6584"] / flux["Ha"])
    y = np.log10(flux["NII6584"] / (flux["SII6717"] + flux["SII6731"])) + 0.264 * n2
    assert 8.77 + y == pytest.approx(8.6, abs=1e-5)


def _plain(metallicity):
    return {"NII6584/Ha": metallicity - 9.0}


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: jm.Emission("curti2"), "unknown relation 'curti2'. Did you mean 'curti20'"),
        (lambda: jm.Emission(3), "expected one of curti20"),
        (lambda: jm.Emission(lambda metallicity: {"NII6584": metallicity}), "ratios such as"),
        (
            lambda: jm.Emission(lambda metallicity: {"OIII5007+OII3727/Hb": metallicity}),
            "a sum of lines of different ions",
        ),
        (
            lambda: jm.Emission(lambda metallicity: {"OIII5007/OII3727": metallicity}),
            "no Balmer line ties 'OIII5007/OII3727'",
        ),
        (
            lambda: jm.Emission(
                lambda metallicity: {"NII6584/Ha": metallicity, "NII6548/Ha": metallicity}
            ),
            "'NII6548/Ha' follows from its other ratios",
        ),
        (lambda: jm.Emission(lambda metallicity: {"NII/Ha": metallicity}), "unknown line 'NII'"),
        (lambda: jm.Emission(lambda *z: {}), "expected a function of tracers"),
        (lambda: jm.Emission("marino13", offset={"SII6717": 0.1}), "unknown offset 'SII6717'"),
        (lambda: jm.Emission("curti20", reference="OI6300"), "unknown line 'OI6300'"),
        (lambda: jm.Emission("curti20", attenuation="ccm98"), "Did you mean 'ccm89'"),
        (lambda: jm.Emission("curti20", attenuation=lambda w: np.nan), "one finite number"),
        (lambda: jm.Emission("curti20", balmer=-1.0), "expected a positive number"),
        (lambda: jm.Emission(_plain, sii_ratio="much"), "expected a number"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(jm.InputError) as error:
        make()
    assert words in str(error.value)
