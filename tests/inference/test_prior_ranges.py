"""Priors that reach beyond what their parameters may be: cut off and told, or refused."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.prior_ranges import within
from jaxmetal.profiles.ranges import ELLIPTICITY, NOT_NEGATIVE, POSITIVE, Range
from tests.scenes import blank, disc, telescope

SERSIC = Range("at least 0.3 and at most 20", 0.3, 20.0, True, True)
PATH = "disc.light.x"


@pytest.mark.parametrize(
    ("prior", "allowed", "low", "high"),
    [
        (dist.Normal(1.0, 0.5), POSITIVE, 0.0, np.inf),
        (dist.Normal(0.1, 0.1), NOT_NEGATIVE, 0.0, np.inf),
        (dist.Normal(0.0, 0.5), ELLIPTICITY, -1.0, 1.0),
        (dist.Normal(0.8, 0.1), ELLIPTICITY, -np.inf, 1.0),
        (dist.Normal(1.0, 1.0), SERSIC, 0.3, np.inf),
        (dist.StudentT(3.0, 1.5, 0.01), POSITIVE, 0.0, np.inf),
        (dist.Cauchy(0.0, 0.1), ELLIPTICITY, -1.0, 1.0),
        (dist.HalfNormal(0.5), ELLIPTICITY, 0.0, 1.0),
        (dist.TruncatedNormal(0.2, 0.5, low=-0.5), ELLIPTICITY, -0.5, 1.0),
        (dist.Normal(1.0, 0.5).expand((3,)), POSITIVE, 0.0, np.inf),
    ],
)
def test_a_prior_without_ends_is_cut_off_and_the_user_is_told(prior, allowed, low, high):
    with pytest.warns(jm.InputWarning, match=r"reaches beyond .* cut off there; x must be"):
        cut = within(PATH, prior, allowed)
    ends = [getattr(cut.support, end, np.inf) for end in ("lower_bound", "upper_bound")]
    ends[0] = -np.inf if ends[0] == np.inf else ends[0]
    np.testing.assert_allclose(np.asarray(ends, float), [low, high], rtol=1e-6)
    assert cut.shape() == prior.shape()
    # Between its ends it is the same, but for its norm.
    ratio = np.asarray(cut.log_prob(0.9)) - np.asarray(prior.log_prob(0.9))
    np.testing.assert_allclose(ratio, cut.log_prob(0.6) - prior.log_prob(0.6), atol=1e-4)


@pytest.mark.parametrize(
    ("prior", "allowed"),
    [
        (dist.Normal(1.5, 0.05), POSITIVE),
        (dist.Normal(0.0, 0.2), ELLIPTICITY),
        (dist.Uniform(0.0, 3.0), POSITIVE),
        (dist.Uniform(-1.0, 1.0), ELLIPTICITY),
        (dist.HalfNormal(0.1), NOT_NEGATIVE),
        (dist.LogNormal(0.0, 0.5), SERSIC),
        (dist.Gamma(8.0, 4.0), SERSIC),
        (dist.Normal(-5.0, 1.0), None),
        # Which is a little less than 1.3 in double precision.
        (dist.Uniform(np.float32(1.3), 5.0), Range("at least 1.3", 1.3, with_low=True)),
        (dist.Uniform(1, 20), SERSIC),
    ],
)
def test_a_prior_within_its_range_stays_as_it_is(prior, allowed):
    assert within(PATH, prior, allowed) is prior


@pytest.mark.parametrize(
    ("prior", "allowed", "words"),
    [
        (dist.Uniform(-1.0, 3.0), POSITIVE, "reaches -1, but x must be positive"),
        (dist.Uniform(-2.0, 0.5), ELLIPTICITY, "reaches -2, but x must be between -1 and 1"),
        (dist.LogUniform(0.1, 8.0), SERSIC, "reaches 0.1, but x must be at least 0.3"),
        (dist.TruncatedNormal(1.0, 1.0, low=-1.0), POSITIVE, "reaches -1, but"),
        (dist.Normal(-5.0, 0.1), POSITIVE, "too much of it lies outside: x must be positive;"),
        (dist.LogNormal(0.0, 2.0), SERSIC, "too much of it lies outside"),
        (dist.Gumbel(1.0, 1.0), POSITIVE, "too much of it lies outside"),
    ],
)
def test_a_prior_that_means_something_else_is_refused(prior, allowed, words):
    with pytest.raises(jm.InputError, match=f"x.*{words}"):
        within(PATH, prior, allowed)


def test_a_model_holds_its_priors_to_their_ranges():
    maps = {"z": blank(telescope((5, 5), 0.5, 1.0, (2, 1), 1))}
    path = "z.instrument.psf.fwhm"
    with pytest.warns(jm.InputWarning, match="fwhm must be positive"):
        model = jm.Model(disc(), maps, {path: dist.Normal(1.0, 0.5)})
    assert float(model.priors[path].support.lower_bound) == 0.0
    with pytest.raises(jm.InputError, match=r"'disc.light.R_sersic'.*reaches -1"):
        jm.Model(disc(), maps, {"disc.light.R_sersic": dist.Uniform(-1.0, 3.0)})
