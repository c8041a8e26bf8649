"""What a fit of emission lines says of itself."""

import pytest

import jaxmetal as jm
from jaxmetal.inference.emission_notes import emission_notes
from tests.scenes import blank, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def galaxy(central=8.4, gradient=-0.02, relation="curti20", **options):
    """A disc of Ha."""
    disc = jm.Component(
        light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
        metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
        reddening=jm.Profile(jm.tracer.uniform, value=0.2),
        emission=jm.Emission(relation),
    )
    return jm.Galaxy(disc=disc, **options)


def maps(*lines):
    return {name: blank(telescope(), jm.LineMap, line=name) for name in lines}


def test_nothing_is_said_of_an_ordinary_fit():
    free = ["disc.metallicity.gradient", "disc.reddening.value"]
    assert emission_notes(galaxy(), maps("Ha", "Hb", "NII6584"), free) == []
    assert emission_notes(galaxy(), maps("NII6584"), free[:1]) == []
    own = galaxy(relation=lambda metallicity: {"NII6584/Ha": metallicity - 9.0}, central=20.0)
    assert emission_notes(own, maps("Ha", "NII6584"), []) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [(("Ha", "NII6584"), "the only Balmer line is Ha"), (("NII6584",), "no map has a Balmer line")],
)
def test_dust_without_a_decrement_is_told(lines, words):
    (note,) = emission_notes(galaxy(), maps(*lines), ["disc.reddening.value"])
    assert note.startswith("disc.reddening rests on its prior") and words in note


def test_metallicities_outside_of_the_range_are_told():
    (note,) = emission_notes(galaxy(9.1), maps("Ha", "NII6584"), [])
    assert note.startswith("100 % of the light of disc has a metallicity outside of 7.6 to 8.85")
    # Half of the light lies outside of the half-light radius, where it is 7.6.
    (note,) = emission_notes(galaxy(8.6, -1.0), maps("Ha", "NII6584"), [])
    assert 45 < float(note.split()[0]) < 52


def test_behind_a_lens_the_metallicity_is_that_of_the_source():
    """A shift of 10 arcsec takes the centre of the source out of the frame."""

    def shift(x, y, along):
        return along + 0 * x, 0 * y

    lens = {"shift": jm.Profile(shift, along=10.0)}
    disc = galaxy(9.1, -1.0).disc
    assert emission_notes(jm.Galaxy(disc=disc), maps("Ha"), []) != []
    lensed = jm.Galaxy(
        lens=lens,
        disc=jm.Component(
            disc.light,
            metallicity=jm.Profile(jm.tracer.gradient, central=7.0, gradient=0.12),
            emission=disc.emission,
        ),
    )
    assert emission_notes(lensed, maps("Ha"), []) == []


def test_a_doublet_given_as_its_brighter_line_is_told():
    """By its flux over that of the fainter line; a lone map of the brighter one tells nothing."""
    names = ("Ha", "OIII5007", "OIII4959")
    lines = jm.simulate.line_maps(galaxy(8.0), telescope(), names, seed=5)
    assert emission_notes(galaxy(), lines, []) == []
    both = lines["OIII5007"].values + lines["OIII4959"].values
    sigma, instrument = lines["Ha"].sigma, lines["Ha"].instrument
    wrong = lines | {"OIII5007": jm.LineMap(both, sigma, instrument, "OIII5007")}
    (note,) = emission_notes(galaxy(), wrong, [])
    assert note.startswith("OIII5007 has ") and "its line is OIII5007+OIII4959" in note
    alone = {name: wrong[name] for name in ("Ha", "OIII5007")}
    assert emission_notes(galaxy(), alone, []) == []
    right = lines | {"O3": jm.LineMap(both, sigma, instrument, {"OIII5007": 1, "OIII4959": 1})}
    assert emission_notes(galaxy(), right, []) == []
