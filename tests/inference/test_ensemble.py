"""Many lenses in the place of one: what is left open between them is marginalised over."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import disc

# The harder precision of the two, and the one in which most people run.
pytestmark = pytest.mark.precision("single")

NAMES = ("disc.metallicity.central", "disc.metallicity.gradient")
MEAN, SPREAD, SIGMA = np.array([8.2, -0.1]), np.array([0.5, 0.3]), 0.1
SIDE, PIXEL = 9, 0.3
# Sheets of mass, whose density no data can tell from the source's size, and how far they move the
# source; the second is the true.
LENSES = ((0.0, 0.1), (0.25, 0.05), (0.5, 0.1))


def deflection(kappa, shift):
    """Maps of alpha = (kappa x + shift, kappa y)."""
    grid = jm.Grid.regular((SIDE + 6, SIDE + 6), PIXEL)
    x, y = (np.asarray(a, float) for a in grid.coordinates)
    return jm.Profile(
        jm.lens.deflection_map,
        alpha_x=kappa * x + shift,
        alpha_y=kappa * y,
        origin=grid.origin,
        matrix=grid.matrix,
    )


@pytest.fixture(scope="module")
def models():
    """A linear map of two parameters with Gaussian priors, so that everything is known, behind
    three lenses.
    """
    instrument = jm.Instrument(jm.Grid.regular((SIDE, SIDE), PIXEL), jm.NoPSF(), (2, 1), 0)
    lenses = [deflection(*numbers) for numbers in LENSES]
    galaxy = jm.Galaxy(lens={"cluster": lenses[1]}, disc=disc(central=8.2, gradient=-0.3).disc)
    blank = jm.TracerMap(np.zeros((SIDE, SIDE)), SIGMA, instrument, scale="linear")
    priors = {
        name: dist.Normal(mean, sd) for name, mean, sd in zip(NAMES, MEAN, SPREAD, strict=True)
    }
    model = jm.Model(galaxy, {"z": blank}, priors)
    noise = np.random.default_rng(1).normal(0.0, SIGMA, (SIDE, SIDE))
    z = jm.TracerMap(
        np.asarray(model.predict(model.constrain(model.start))["z"], float) + noise,
        SIGMA,
        instrument,
        scale="linear",
    )
    return jm.ensemble(model.with_maps({"z": z}), "lens.cluster", lenses)


@pytest.fixture(scope="module")
def known(models):
    """(ln Z, mean, covariance) of each model by the algebra of Gaussians."""
    found = []
    for model in models:

        def seen(central, gradient, model=model):
            values = {
                name: np.asarray(v, model.start.dtype)
                for name, v in zip(NAMES, (central, gradient), strict=True)
            }
            return np.asarray(model.predict(values)["z"], float).ravel()

        data, nothing = np.asarray(model.maps["z"].values, float).ravel(), seen(0.0, 0.0)
        design = np.stack([seen(1.0, 0.0) - nothing, seen(0.0, 1.0) - nothing], axis=1)
        off, total = (
            data - nothing - design @ MEAN,
            SIGMA**2 * np.eye(len(data)) + design * SPREAD**2 @ design.T,
        )
        log_z = -0.5 * (off @ np.linalg.solve(total, off) + np.linalg.slogdet(2 * np.pi * total)[1])
        covariance = np.linalg.inv(design.T @ design / SIGMA**2 + np.diag(1 / SPREAD**2))
        found.append((log_z, MEAN + covariance @ design.T @ off / SIGMA**2, covariance))
    return found


@pytest.fixture(scope="module")
def fits(models):
    return jm.optimise_batch(models)


@pytest.fixture(scope="module")
def posteriors(models, fits):
    return jm.sample_batch(models, fits, method="importance", draws=2000, seed=1)


def of_all(known, weights):
    """Mean and standard deviation of the mixture."""
    mean = sum(w * m for w, (_, m, _) in zip(weights, known, strict=True))
    second = sum(w * (np.diag(c) + m**2) for w, (_, m, c) in zip(weights, known, strict=True))
    return mean, np.sqrt(second - mean**2)


def check(mixed, mean, sd):
    for i, name in enumerate(NAMES):
        row = mixed.summary()[name]
        assert row["mean"] == pytest.approx(mean[i], abs=4 * sd[i] / np.sqrt(row["ess"]))
        assert row["sd"] == pytest.approx(sd[i], rel=4 / np.sqrt(row["ess"]))


def test_the_evidence_is_that_of_gaussians(known, fits, posteriors):
    for (log_z, _, _), fit, posterior in zip(known, fits, posteriors, strict=True):
        assert fit.log_evidence == pytest.approx(log_z, abs=2e-3)
        # The relative error of a mean of weights.
        error = np.sqrt(
            1 / posterior.attributes["importance_ess"] - 1 / posterior.attributes["proposals"]
        )
        assert posterior.attributes["log_evidence"] == pytest.approx(log_z, abs=4 * error + 2e-3)


def test_the_mixture_is_the_known_one(known, posteriors):
    log_z = np.array([z for z, _, _ in known])
    weights = np.exp(log_z - log_z.max()) / np.sum(np.exp(log_z - log_z.max()))
    assert np.sum(weights > 0.1) >= 2, "one member that takes all would be no test"
    mixed = jm.mixture(posteriors)
    np.testing.assert_allclose(mixed.attributes["weights"], weights, atol=0.03)
    assert mixed.attributes["log_evidence"] == pytest.approx(
        np.log(np.mean(np.exp(log_z - log_z.max()))) + log_z.max(), abs=0.05
    )
    shares = (
        np.bincount(mixed.statistics["member"].ravel(), minlength=len(LENSES))
        / mixed.statistics["member"].size
    )
    np.testing.assert_allclose(shares, mixed.attributes["weights"], atol=1e-3)
    mean, sd = of_all(known, weights)
    check(mixed, mean, sd)
    assert mixed.converged
    # What the lenses disagree about is wider than what most of them leave open.
    assert sd[1] > 1.5 * np.median([np.sqrt(covariance[1, 1]) for _, _, covariance in known])


def test_weights_may_be_said(known, posteriors):
    check(jm.mixture(posteriors, [0.0, 0.0, 0.0]), *of_all(known, np.full(3, 1 / 3)))
    mixed = jm.mixture(posteriors, [-np.inf, 5.0, -np.inf])
    assert set(mixed.statistics["member"].ravel()) == {1}
    assert "log_evidence" not in mixed.attributes
    # All of its draws, each once.
    for name in NAMES:
        np.testing.assert_array_equal(
            np.sort(mixed.samples[name].ravel()), np.sort(posteriors[1].samples[name].ravel())
        )


def test_a_mixture_is_saved_and_read_and_mixed_again(posteriors, tmp_path):
    mixed = jm.mixture(posteriors)
    mixed.save(tmp_path / "mixture.nc")
    again = jm.Posterior.load(tmp_path / "mixture.nc")
    assert again.message == mixed.message
    np.testing.assert_array_equal(again.attributes["weights"], mixed.attributes["weights"])
    assert jm.mixture([mixed, again]).attributes["log_evidence"] == pytest.approx(
        mixed.attributes["log_evidence"]
    )


@pytest.mark.slow
def test_linear_amplitudes_are_marginalised_over_in_both_evidences():
    instrument = jm.Instrument(jm.Grid.regular((7, 7), 0.5), jm.NoPSF(), (2, 1), 0)
    galaxy = jm.Galaxy(disc=jm.Component(jm.Profile(jm.light.gaussian, amp=1.0, sigma=0.8)))
    light = np.asarray(jm.predict(galaxy, jm.LightMap(np.zeros((7, 7)), 1.0, instrument)))
    model = jm.Model(
        galaxy,
        {"light": jm.LightMap(5 * light, 0.01, instrument)},
        {"disc.light.amp": jm.Linear(), "disc.light.sigma": dist.Normal(0.8, 0.1)},
    )
    fit = jm.optimise(model, starts=1)
    drawn = jm.sample(model, fit, method="importance", seed=3)
    assert fit.log_evidence == pytest.approx(drawn.attributes["log_evidence"], abs=0.05)


def changed(posterior, **attributes):
    return jm.Posterior(
        posterior.samples,
        posterior.statistics,
        posterior.attributes | attributes,
        posterior.derived,
    )


def test_what_cannot_be_mixed_is_refused(posteriors):
    first = posteriors[0]
    other = jm.Posterior({"x": first.samples[NAMES[0]]}, first.statistics, first.attributes)
    chains = jm.Posterior(first.samples, first.statistics, {"method": "nuts"})
    for given, message in (
        ([], "at least one posterior"),
        ([first, other], r"posteriors\[1\] has other parameters than posteriors\[0\]: x"),
        ([first, chains], r"posteriors\[1\] \(nuts\) has no evidence that can be trusted"),
        (
            [first, changed(first, k_hat=0.8)],
            r"posteriors\[1\] \(importance\) has no evidence that can be trusted",
        ),
    ):
        with pytest.raises(jm.InputError, match=message):
            jm.mixture(given)
    for weights in ([0.0], [0.0, np.nan], [-np.inf, -np.inf], [0.0, np.inf]):
        with pytest.raises(
            jm.InputError, match="expected a finite logarithm for each of the 2 posteriors"
        ):
            jm.mixture([first, first], weights)
    with pytest.warns(jm.InputWarning, match=r"posteriors\[1\]: k-hat 0.80 is not below 0.7"):
        assert not jm.mixture([first, changed(first, k_hat=0.8)], [0.0, 0.0]).converged


def test_members_that_do_not_fit_are_refused(models):
    far = jm.Profile(
        jm.lens.deflection_map,
        **models[0].galaxy.lens["cluster"].parameters | {"origin": np.array([9.0, 9.0])},
    )
    for path, members, message in (
        ("lens.halo", [far], "unknown name 'halo'"),
        ("lens.cluster.alpha_x", [far], "expected the path of a profile"),
        ("lens.cluster", [], "at least one member"),
        (
            "lens.cluster",
            [deflection(0.0, 0.0), jm.Profile(jm.lens.sis, theta_E=1.0)],
            r"members\[1\] differs from the model's",
        ),
        ("lens.cluster", [deflection(0.0, 0.0), far], "beyond the deflection map lens.cluster"),
    ):
        with pytest.raises(jm.InputError, match=message):
            jm.ensemble(models[0], path, members)
