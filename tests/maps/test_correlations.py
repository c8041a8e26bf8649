"""Errors that neighbouring pixels share: correlations by name, and the likelihood with them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.stats import multivariate_normal

import jaxmetal as jm
from jaxmetal.inference import likelihood
from jaxmetal.inference.noises import of_one_size
from jaxmetal.maps.correlations import BySeparation
from jaxmetal.maps.covariance import prepared
from tests.scenes import telescope

SHAPE = (7, 9)
INSTRUMENT = telescope(SHAPE, 0.5, 1.0, (2, 1), 4)
RNG = np.random.default_rng(5)
SIGMA = RNG.uniform(0.05, 0.1, SHAPE)
VALUES = 8.5 + SIGMA * RNG.normal(size=SHAPE)
VALUES[2:4, 3] = np.nan
USED = np.isfinite(VALUES).ravel()
PREDICTED = jnp.full(SHAPE, 8.52)
NAMED = {
    "manga": jm.noise.manga(),
    "sami": jm.noise.sami(),
    "gaussian": jm.noise.gaussian(0.7, 0.1, unit="arcsec"),
    "exponential": jm.noise.exponential(2.0),
    "matern": jm.noise.matern(1.5, 2.5, white=0.02),
    "drizzle": jm.noise.drizzle(1.0, 0.6),
}
# What is free, and so in which form the errors are kept.
FREE = {"Factor": (), "Modes": ("scatter",), "Dense": ("scatter", "correlation.length")}


def measured(correlation, scatter=0.0, kind=jm.TracerMap, **options):
    return kind(
        VALUES, SIGMA, INSTRUMENT, correlation=correlation, scatter=scatter, check=False, **options
    )


def matrix(correlation, shape=SHAPE, pixel=0.5):
    """The correlation matrix by a formula of its own."""
    row, column = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    dy, dx = row[:, None] - row, column[:, None] - column
    unit = pixel if correlation.unit == "arcsec" else 1.0
    d, (x, y) = unit * np.hypot(dx, dy), (unit * dx, unit * dy)
    name = type(correlation).__name__
    if name == "GaussianCorrelation":
        k = np.exp(-0.5 * (d / float(correlation.length)) ** 2) * (d <= float(correlation.cut))
    elif name == "DrizzleCorrelation":
        k = drizzled(x, float(correlation.drop)) * drizzled(y, float(correlation.drop))
    elif correlation.nu == 0.5:
        k = np.exp(-d / float(correlation.length))
    else:
        s = np.sqrt(5) * d / float(correlation.length)
        k = (1 + s + s**2 / 3) * np.exp(-s)
    white = float(correlation.white)
    return (1 - white) * k + white * np.eye(len(k))


def drizzled(offset, drop):
    """The autocorrelation of box(drop) * box(1), on a fine grid."""
    step = 1 / 400
    grid = np.arange(-6, 6, step) + step / 2
    weight = np.clip((drop + 1) / 2 - np.abs(grid), 0, min(1.0, drop))
    whole = np.correlate(weight, weight, "full")
    at = (np.arange(len(whole)) - len(grid) + 1) * step
    return np.interp(offset, at, whole / whole.max())


def covariance(correlation, scatter=0.0):
    full = SIGMA.ravel()[:, None] * matrix(correlation) * SIGMA.ravel()
    return (full + scatter**2 * np.eye(len(full)))[np.ix_(USED, USED)]


def test_manga_is_the_published_correlation(tolerance):
    """The sum over the lattice, and the error of a mean of 3 x 3 spaxels."""
    grid = jm.Grid.regular((20, 20), 0.5)
    bare = jm.noise.manga(white=0.0)
    assert float(jnp.sum(bare.lattice(grid, (40, 40)))) == pytest.approx(23.07, abs=0.005)
    block = np.asarray(bare.among(jm.Grid.regular((3, 3), 0.5), jnp.arange(9)), float)
    assert np.sqrt(block.sum() / 9) == pytest.approx(2.552, abs=0.001)
    assert bare.spectrum(grid).min() < -0.01
    assert jm.noise.manga(0.03).spectrum(grid, 4).min() > 0


@pytest.mark.parametrize("r", [0.5, 0.8, 1.0, 1.7, 2.5])
def test_drizzle_has_the_noise_of_fruchter_and_hook(r):
    grid = jm.Grid.regular((10, 10), 0.1)
    total = float(jnp.sum(jm.noise.drizzle(r, 1.0, white=0.0).lattice(grid, (16, 16))))
    expected = r / (1 - 1 / (3 * r)) if r >= 1 else 1 / (1 - r / 3)
    assert np.sqrt(total) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", NAMED)
def test_the_matrix_of_each_name(name, tolerance):
    correlation, grid = NAMED[name], INSTRUMENT.grid
    expected = matrix(correlation)
    made = np.asarray(correlation.among(grid, jnp.arange(len(expected))))
    np.testing.assert_allclose(made, expected, atol=tolerance(2e-5, 2e-5))
    image = RNG.normal(size=(2, *SHAPE))
    for power in (1, 2):
        spread = correlation.times(grid, jnp.asarray(image), power)
        flat = image.reshape(2, -1) @ made.astype(float) ** power
        np.testing.assert_allclose(spread.reshape(2, -1), flat, atol=tolerance(1e-9, 1e-4))


@pytest.mark.parametrize("form", FREE)
@pytest.mark.parametrize("scatter", [0.0, 0.04])
def test_the_likelihood_is_the_multivariate_normal(form, scatter, tolerance):
    if form == "Factor" and scatter:
        pytest.skip("a scatter has another form")
    z = measured(jm.noise.manga(), scatter)
    ready = z.with_noise(prepared(z, FREE[form], "z"))
    assert type(ready.noise).__name__ == form
    full = covariance(jm.noise.manga(), scatter)
    left = VALUES.ravel()[USED] - np.asarray(PREDICTED).ravel()[USED]
    expected = multivariate_normal(np.zeros(len(left)), full).logpdf(left)
    for one in (z, ready):
        np.testing.assert_allclose(
            likelihood.log_likelihood(one, PREDICTED), expected, rtol=tolerance(1e-9, 3e-4)
        )
        chi_square = float(jnp.sum(likelihood.residuals(one, PREDICTED) ** 2))
        assert chi_square == pytest.approx(left @ np.linalg.solve(full, left), rel=2e-3)


def with_numbers(z, scatter, length, white, scale):
    parts = lambda m: (  # noqa: E731
        m.scatter,
        m.correlation.length,
        m.correlation.white,
        m.calibration.error_scale,
    )
    return eqx.tree_at(parts, z, (scatter, length, white, scale))


@pytest.mark.precision("double")
@pytest.mark.parametrize("kind", ["tracer", "light"])
def test_gradient_and_information_are_those_of_dense_algebra(kind):
    """Of scatter, length, white part and scale of the errors together, and of the mean."""
    is_light = kind == "light"
    z = measured(jm.noise.gaussian(1.5, 0.2), kind=jm.LightMap if is_light else jm.TracerMap)
    at = jnp.array([0.04 / (8.5 if is_light else 1.0), 1.5, 0.2, 1.1])
    direction = jnp.asarray(RNG.normal(size=SHAPE))

    def dense(numbers, mean):
        scatter, length, white, scale = numbers
        number = np.arange(USED.size)[USED]
        row, column = np.divmod(number, SHAPE[1])
        square = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
        k = jnp.exp(-0.5 * square / length**2)
        r = (1 - white) * k + white * jnp.eye(len(k))
        sigma = jnp.asarray(SIGMA.ravel()[USED])
        predicted = (PREDICTED + mean * direction).ravel()[USED]
        extra = scatter * (predicted if is_light else jnp.ones_like(predicted))
        full = scale**2 * sigma[:, None] * r * sigma[None, :] + jnp.diag(extra**2)
        return predicted, full

    def expected(numbers, mean):
        predicted, full = dense(numbers, mean)
        left = jnp.asarray(VALUES.ravel()[USED]) - predicted
        quadratic = left @ jnp.linalg.solve(full, left)
        normalisation = jnp.linalg.slogdet(2 * jnp.pi * full)[1]
        return -0.5 * (quadratic + normalisation)

    def found(numbers, mean):
        return likelihood.log_likelihood(with_numbers(z, *numbers), PREDICTED + mean * direction)

    for at_mean in (0.0, 0.3):
        one, other = (
            jax.jit(jax.value_and_grad(f, (0, 1)))(at, at_mean) for f in (found, expected)
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7), one, other)

    every_root = jax.jacfwd(
        lambda p: likelihood.information_roots(
            with_numbers(z, *p[:4]), PREDICTED + p[4] * direction
        )
    )
    roots = jax.jit(every_root)(jnp.append(at, 0.0))
    slopes, changes = jax.jit(jax.jacfwd(lambda p: dense(p[:4], p[4])))(jnp.append(at, 0.0))
    inverse = np.linalg.inv(np.asarray(dense(at, 0.0)[1]))
    by_matrix = np.einsum("ia,ij,jb->ab", slopes, inverse, slopes)
    turned = [inverse @ np.asarray(changes[..., k]) for k in range(5)]
    by_matrix += [[0.5 * np.trace(a @ b) for b in turned] for a in turned]
    np.testing.assert_allclose(roots.T @ roots, by_matrix, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", FREE)
def test_masked_pixels_leave_no_trace(form):
    """Whatever they hold, value and gradient are the same, bit for bit."""
    maps = []
    for junk in (np.nan, 1e30):
        values = np.where(np.isfinite(VALUES), VALUES, junk)
        z = jm.TracerMap(
            values,
            SIGMA,
            INSTRUMENT,
            mask=~np.isfinite(VALUES),
            correlation=jm.noise.manga(),
            check=False,
        )
        maps.append(z.with_noise(prepared(z, FREE[form], "z")))
    one, other = (jax.grad(lambda p, z=z: likelihood.log_likelihood(z, p))(PREDICTED) for z in maps)
    np.testing.assert_array_equal(one, other)
    assert np.all(np.asarray(one)[~np.isfinite(VALUES)] == 0)


def test_matrices_of_a_batch_have_one_size():
    """Although other pixels are masked; the likelihoods are unchanged."""
    galaxy = jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=1.0, R_sersic=2.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.uniform, value=8.5),
        )
    )
    priors = {"disc.metallicity.value": dist.Normal(8.5, 1.0)}
    z = measured(jm.noise.manga())
    first = jm.Model(galaxy, {"z": z}, priors)
    values = np.where(np.arange(SHAPE[1])[None, :] < 2, np.nan, VALUES)
    other = first.with_maps({"z": eqx.tree_at(lambda m: m.valid, z, jnp.isfinite(values))})
    sizes = [len(model.maps["z"].noise.index) for model in (first, other)]
    assert sizes[0] > sizes[1]
    ready = of_one_size([first, other])
    assert [len(model.maps["z"].noise.index) for model in ready] == [sizes[0]] * 2
    before, after = (likelihood.log_likelihood(m.maps["z"], PREDICTED) for m in (other, ready[1]))
    assert float(before) == pytest.approx(float(after), rel=1e-6)


@pytest.mark.parametrize("name", ["manga", "matrix"])
def test_new_noise_has_the_correlation(name):
    correlation = matrix(NAMED["manga"]) if name == "matrix" else NAMED[name]
    z = jm.TracerMap(np.zeros(SHAPE), 0.1, INSTRUMENT, correlation=correlation, check=False)
    drawn = np.stack(
        [np.asarray(jm.simulate.renoise(z, seed).values, float).ravel() for seed in range(300)]
    )
    expected = matrix(NAMED["manga" if name == "matrix" else name])
    np.testing.assert_allclose(np.cov(drawn.T) / 0.01, expected, atol=5.5 / np.sqrt(300))


@pytest.mark.parametrize("kind", [jm.LightMap, jm.TracerMap])
def test_bins_have_the_correlation_of_their_pixels(kind, tolerance):
    ids = np.arange(SHAPE[0])[:, None] // 2 * 3 + np.arange(SHAPE[1])[None, :] // 3
    bins = jm.Apertures.bins(ids)
    instrument = eqx.tree_at(
        lambda i: i.apertures, INSTRUMENT, bins, is_leaf=lambda node: node is None
    )
    sums = (ids.ravel()[None, :] == np.arange(ids.max() + 1)[:, None]).astype(float)
    full = matrix(jm.noise.manga())
    if kind is jm.LightMap:
        flux = RNG.uniform(1, 2, SHAPE)
        one = kind(flux, SIGMA, instrument, correlation=jm.noise.manga(), check=False)
        sums = sums * SIGMA.ravel()
        expected = sums @ full @ sums.T
    else:
        sigma = RNG.uniform(0.05, 0.1, len(sums))
        values = np.full(len(sums), 8.5)
        one = kind(values, sigma, instrument, correlation=jm.noise.manga(), check=False)
        expected = sums @ full @ sums.T
        root = np.sqrt(np.diag(expected))
        expected = expected * sigma[:, None] * sigma / root[:, None] / root
    index = jnp.arange(len(sums))
    made = np.asarray(one.correlation.among(instrument.grid, index), float)
    sigma = np.asarray(one.sigma, float)
    # The Fourier transform rounds every element by the precision of the largest.
    rounding = tolerance(1e-9, np.finfo(np.float32).eps * expected.max())
    np.testing.assert_allclose(
        made * sigma[:, None] * sigma, expected, rtol=tolerance(1e-5, 1e-4), atol=rounding
    )


class Triangle(BySeparation):
    """A user's own: as a small module, or as a function."""

    reach: jax.Array = eqx.field(converter=jnp.asarray, default=2.5)

    def of_separation(self, distance):
        return jnp.maximum(1 - distance / self.reach, 0.0)


def test_a_users_correlation():
    by_class = measured(Triangle(white=0.3))
    by_function = measured(lambda d: jnp.maximum(1 - d / 2.5, 0.0))
    index = jnp.arange(9)
    one, other = (m.correlation.among(INSTRUMENT.grid, index) for m in (by_class, by_function))
    np.testing.assert_allclose((one - 0.3 * jnp.eye(9)) / 0.7, (other - 0.05 * jnp.eye(9)) / 0.95)
    changed = jm.galaxy.put({"z": by_class}, "z.correlation.reach", jnp.asarray(1.5))
    assert float(changed["z"].correlation.reach) == 1.5


def test_an_astropy_covariance():
    nddata = pytest.importorskip("astropy.nddata")
    if not hasattr(nddata, "Covariance"):
        pytest.skip("this astropy has no Covariance")
    full = SIGMA.ravel()[:, None] * matrix(jm.noise.manga()) * SIGMA.ravel()
    theirs = nddata.Covariance(array=full)
    ours = jm.TracerMap(VALUES, None, INSTRUMENT, covariance=full, check=False)
    of_theirs = jm.TracerMap(VALUES, None, INSTRUMENT, covariance=theirs, check=False)
    correlated = measured(theirs)
    for one in (of_theirs, correlated):
        np.testing.assert_allclose(one.correlation.root, ours.correlation.root, atol=1e-5)
        np.testing.assert_allclose(one.errors, ours.errors, rtol=1e-5)


def broken(i, j, value):
    full = matrix(jm.noise.manga())
    full[i, j] = value
    return full


MISTAKES = {
    "not definite": (
        lambda: jm.TracerMap(
            np.ones((40, 40)),
            1.0,
            telescope((40, 40), 0.5, 1.0, (2, 1), 4),
            check=False,
            correlation=jm.noise.manga(0.0),
        ),
        r"TracerMap.correlation: not positive definite: the smallest eigenvalue .* is -0.0",
    ),
    "matrix not definite": (
        lambda: measured(np.ones((63, 63))),
        "TracerMap.correlation: not positive definite: its smallest eigenvalue",
    ),
    "wrong size": (lambda: measured(np.eye(5)), r"expected shape \(63, 63\) for the 63 measure"),
    "NaN": (lambda: measured(broken(0, 1, np.nan)), "not finite between measurements 0 and 1"),
    "not symmetric": (lambda: measured(broken(0, 1, 0.1)), "not symmetric"),
    "a covariance": (lambda: measured(2 * np.eye(63)), "expected 1 on the diagonal, got 2"),
    "a word": (lambda: measured("manga"), "expected one of jaxmetal.noise"),
    "function": (lambda: measured(lambda d: d), "must give one finite number .* and 1 at 0"),
    "failing function": (lambda: measured(lambda d: d.nothing), "the function of separation fai"),
    "both": (
        lambda: jm.TracerMap(
            VALUES, None, INSTRUMENT, covariance=np.eye(63), correlation=jm.noise.manga()
        ),
        "a covariance has its own",
    ),
    "Student-t": (
        lambda: measured(jm.noise.manga(), likelihood="student-t"),
        "correlation: goes with the Gaussian likelihood alone",
    ),
    "length": (lambda: jm.noise.gaussian(-1.0), "length must be one positive number, got -1.0"),
    "white": (lambda: jm.noise.manga(white=1.0), "white must be at least 0 and below 1"),
    "nu": (lambda: jm.noise.matern(1.0, 1.0), "nu must be 0.5, 1.5"),
    "unit": (lambda: jm.noise.exponential(1.0, unit="kpc"), "expected 'pixel' or 'arcsec'"),
    "drizzle": (lambda: jm.noise.drizzle(0.0, 1.0), "pixfrac and scale must be positive"),
}


@pytest.mark.precision("single")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_said(mistake):
    act, message = MISTAKES[mistake]
    with pytest.raises(jm.InputError, match=message) as caught:
        act()
    assert "\n" not in str(caught.value)
