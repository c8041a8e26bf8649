"""supersampling="auto": within 1e-4 dex and 1e-3 in light of the converged map, wherever light
matters.
"""

import logging

import jax
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.forward import resolve
from jaxmetal.instrument.sampling import Sampling, guess, margin_for
from tests.scenes import blank, disc, observed


# The converged reference needs float64, and auto itself always measures in float64.
@pytest.mark.precision("double")
@pytest.mark.parametrize(
    ("R", "n", "fwhm"),
    [(0.25, 4.0, 0.1), (0.25, 4.0, 0.5), (0.25, 4.0, 2.0), (0.25, 0.5, 0.1), (1.0, 1.0, 0.5)],
)
def test_auto_is_within_its_tolerance_of_the_converged_map(fwhm, R, n):
    """The hardest of the cases that `scripts/validate.py sampling` goes through.

    A frame of 41 pixels keeps 25 × 25 points affordable.
    """
    instrument = jm.Instrument(jm.Grid.regular((41, 41), 0.066), jm.GaussianPSF(fwhm))
    galaxy = disc(R=R, n=n, x=0.013, y=0.021)
    chosen = resolve([(galaxy, {"z": blank(instrument)})])["z"].instrument.sampling
    assert (chosen.convolve < 1) == (fwhm >= 0.5), (
        "a wide PSF is convolved on cells larger than pixels"
    )
    light, z = observed(galaxy, instrument, (chosen.convolve, chosen.nodes, chosen.margin))
    true_light, true_z = observed(
        galaxy, instrument, (9, 3, min(2 * chosen.margin, 41) + 2) if fwhm < 1 else (5, 5, 41)
    )
    matters = true_light > 1e-4 * true_light.max()
    assert np.abs(z - true_z)[matters].max() < 1e-4
    assert np.abs(light / true_light - 1)[matters].max() < 1e-3


@pytest.mark.precision("single")
def test_auto_says_what_it_chose_and_what_it_measured(caplog):
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.8))
    with caplog.at_level(logging.INFO, "jaxmetal"):
        resolved = resolve([(disc(), {"z": blank(instrument)})])["z"].instrument
    assert "measured error" in caplog.text
    assert resolved.describe() in caplog.text
    assert resolved.error["the tracer"] < 1e-4 and resolved.error["light"] < 1e-3


@pytest.mark.precision("single")
def test_auto_holds_for_the_galaxies_a_fit_may_pass():
    """A start that is smooth and a prior that allows a cusp.

    The error is that of the sharper galaxies too, and still small.
    """
    import numpyro.distributions as dist

    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.5))
    z = jm.simulate.tracer_map(disc(R=2.0, n=0.5), instrument)
    fixed = jm.Model(disc(R=2.0, n=0.5), {"z": z}).maps["z"].instrument.error
    priors = {
        "disc.light.n_sersic": dist.Uniform(0.4, 12.0),
        "disc.light.R_sersic": dist.Uniform(0.05, 3.0),
    }
    free = jm.Model(disc(R=2.0, n=0.5), {"z": z}, priors).maps["z"].instrument.error
    for label, tolerance in {"the tracer": 1e-4, "light": 1e-3}.items():
        assert float(fixed[label]) < float(free[label]) < tolerance


@pytest.mark.precision("double")
def test_cells_and_margin_grow_only_where_each_changes_something():
    """A gradient that may be steep asks for finer cells, the wings of a Moffat for a wider
    margin; neither for both.
    """
    import numpyro.distributions as dist

    sharp = jm.Instrument(jm.Grid.regular((41, 41), 0.2), jm.GaussianPSF(3.0))
    winged = jm.Instrument(sharp.grid, jm.MoffatPSF(0.8, beta=2.5))
    first = [guess(i.psf, i.grid, margin_for(i.psf, i.grid)) for i in (sharp, winged)]
    steep = {"disc.metallicity.gradient": dist.Uniform(-2.0, 2.0)}
    z = jm.simulate.tracer_map(disc(), sharp)
    finer, wider = (
        jm.Model(disc(), {"z": z}, steep).maps["z"].instrument,
        resolve([(disc(), {"z": blank(winged)})])["z"].instrument,
    )
    assert (
        finer.sampling.convolve > first[0].convolve,
        finer.sampling.margin - first[0].margin < 16,
    ) == (True, True)
    assert (
        wider.sampling.convolve == first[1].convolve,
        wider.sampling.margin > first[1].margin,
    ) == (True, True)
    light, seen = observed(
        disc(), winged, (wider.sampling.convolve, wider.sampling.nodes, wider.sampling.margin)
    )
    true_light, truth = observed(disc(), winged, (6, 3, 2 * wider.sampling.margin))
    matters = true_light > 1e-4 * true_light.max()
    assert np.abs(seen - truth)[matters].max() < 1e-4
    assert np.abs(light / true_light - 1)[matters].max() < 1e-3


@pytest.mark.precision("single")
def test_galaxies_that_no_map_could_show_decide_nothing():
    """A wide prior passes averages that span seven dex, where rounding and the far side of the
    margin are all that is left to see.
    """
    import numpyro.distributions as dist

    instrument = jm.Instrument(jm.Grid.regular((31, 31), 0.26), jm.GaussianPSF(3.0))
    priors = {
        "disc.metallicity.central": dist.Uniform(6.0, 10.0),
        "disc.metallicity.gradient": dist.Uniform(-2.0, 2.0),
    }
    chosen = jm.Model(disc(R=1.0), {"z": blank(instrument)}, priors).maps["z"].instrument
    assert chosen.error["the tracer"] < 1e-4 and chosen.error["light"] < 1e-3
    assert chosen.sampling.margin < 1.2 * margin_for(instrument.psf, instrument.grid)


def test_large_cells_are_judged_three_sizes_on_and_one_between_may_do():
    coarse = Sampling(1 / 4, 2, 40)
    finer = coarse.finer(40, more_nodes=False)
    assert finer == Sampling(1 / 1.5, 2, 40)
    assert [coarse.between(finer, excess) for excess in (1.7, 8.6, 100)] == [
        Sampling(1 / 3, 2, 42),
        Sampling(1 / 2, 2, 40),
        None,
    ]
    assert Sampling(1, 2, 8).between(Sampling(1, 2, 8).finer(8, more_nodes=False), 3) is None


def test_cells_may_be_larger_than_pixels():
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(2.0), (1, 0.5), 24)
    assert (instrument.sampling.nodes, instrument.sampling.cells((21, 21))) == (2, (36, 36))
    fine = jm.Instrument(instrument.grid, instrument.psf, (4, 2), 24)
    coarse, exact = (jm.predict(disc(R=2.0), blank(i)) for i in (instrument, fine))
    np.testing.assert_allclose(coarse, exact, atol=1e-4)


@pytest.mark.parametrize("wrong", ["fine", 0, (3, 2), (1, 2), 2.5, (2, 0), (1.2, 0.5), (3, 1.5)])
def test_a_sampling_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(jm.InputError, match="supersampling"):
        jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.NoPSF(), wrong)


@pytest.mark.precision("single")
def test_under_a_trace_auto_takes_a_safe_setting():
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.2), jm.GaussianPSF(0.5))
    traced = jax.jit(lambda galaxy: jm.predict(galaxy, blank(instrument)))(disc())
    np.testing.assert_allclose(traced, jm.predict(disc(), blank(instrument)), atol=1e-4)
