"""Maps of velocity and dispersion against closed forms, tables and direct sums over the beam."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from astropy import units as u

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.forward import predict_together
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.profiles.geometry import ellipticity
from tests.scenes import blank, telescope

# A frame as wide as the PSF, of whose middle alone the tests speak.
SHAPE, PIXEL = (13, 13), 0.1
# A Gaussian of this width and a pixel have together the second moment of one whose FWHM is 1.
FWHM = np.sqrt(1 - 8 * np.log(2) * PIXEL**2 / 12)
INCLINATION, V_MAX, DISPERSION, SYSTEMIC = 60.0, 200.0, 30.0, 1e4
WIDTHS = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
RADII = np.array([0.0, 1.0, 2.2, 3.0])
# An exponential disc of scale length 1 seen at 60 degrees, whose velocities rise to, or peak at,
# 200 km/s and whose dispersion is 30 km/s, for PSFs of the widths above: the dispersion that is
# seen, and the fraction of the velocity that is left, on the major axis.
CASES = {
    ("arctan", 0.25): {
        ("sigma", 0.0): [47.1, 62.4, 78.2, 86.5, 91.7, 98.1],
        ("sigma", 1.0): [30.4, 32.9, 47.9, 66.5, 79.3, 92.9],
        ("sigma", 2.2): [30.0, 30.2, 32.2, 37.8, 49.5, 75.1],
        ("v", 1.0): [0.979, 0.927, 0.775, 0.613, 0.483, 0.315],
        ("v", 2.2): [0.995, 0.982, 0.938, 0.874, 0.786, 0.586],
        ("v", 3.0): [0.997, 0.990, 0.964, 0.927, 0.877, 0.722],
    },
    ("tanh", 0.5): {
        ("sigma", 0.0): [44.5, 62.7, 83.9, 94.4, 100.6, 107.4],
        ("v", 2.2): [0.995, 0.983, 0.941, 0.881, 0.794, 0.592],
    },
    ("freeman", 1.0): {
        ("sigma", 0.0): [40.7, 53.2, 71.2, 82.5, 89.9, 98.4],
        ("v", 2.2): [0.995, 0.980, 0.929, 0.856, 0.761, 0.559],
    },
}


def moving(light, velocity, dispersion=DISPERSION):
    field = jm.Profile(jm.tracer.uniform, value=dispersion)
    return jm.Galaxy(disc=jm.Component(light, velocity=velocity, dispersion=field))


def thin_disc(curve, r_turn, length=1.0, center=0.0, inclination=INCLINATION, **changes):
    """An exponential disc whose major axis lies along x, all lengths in units of `length`."""
    q = np.cos(np.deg2rad(inclination))
    e1, e2 = ellipticity(q, 90.0)
    shape = {"scale_length": length * np.sqrt(q), "e1": e1, "e2": e2, "center_x": center}
    numbers = {"v_max": V_MAX, "systemic": SYSTEMIC, "r_turn": r_turn * length}
    place = {"inclination": inclination, "position_angle": 90.0, "center_x": center}
    light = jm.Profile(jm.light.exponential, amp=1.0, **shape)
    return moving(light, jm.Profile(jm.tracer.rotation, curve=curve, **numbers | place | changes))


def both(instrument):
    """A map of velocity and one of dispersion, without data."""
    velocities = {"tracer": "velocity", "scale": "linear"}
    return {
        "v": blank(instrument, check=False, **velocities),
        "sigma": blank(instrument, jm.DispersionMap, check=False),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_smeared_velocities_and_dispersions_are_those_of_a_table(case):
    """In both precisions, on a systemic velocity of 10⁴ km/s.

    The PSF has one width, and the disc is large or small; a point of it lies in the frame's middle.
    """
    curve, r_turn = case
    maps = both(telescope(SHAPE, PIXEL, FWHM, (8, 2), 20))

    def look(width, radius):
        length = 1 / width
        disc = thin_disc(curve, r_turn, length, -radius * length)
        images = predict_together(disc, maps)
        there = disc.disc.velocity(jnp.zeros(()), jnp.zeros(())) - SYSTEMIC
        return images["v"][6, 6] - SYSTEMIC, images["sigma"][6, 6], there

    pairs = jnp.asarray([(width, radius) for width in WIDTHS for radius in RADII])
    v, sigma, true = (
        np.asarray(a, float).reshape(len(WIDTHS), len(RADII))
        for a in compiled_once(jax.vmap(look))(pairs[:, 0], pairs[:, 1])
    )
    for (quantity, radius), expected in CASES[case].items():
        column = list(RADII).index(radius)
        shown = sigma[:, column] if quantity == "sigma" else v[:, column] / true[:, column]
        np.testing.assert_allclose(shown, expected, rtol=5e-3 if quantity == "sigma" else 3e-3)


@pytest.mark.parametrize(
    "psf", [jm.GaussianPSF(1.0), jm.MoffatPSF(1.0, 3.0)], ids=lambda p: type(p).__name__
)
def test_a_flat_curve_shows_its_inclination_in_the_centre_whatever_the_psf(psf):
    """sigma² = sigma0² + V² sin² i cos i / (1 + cos i)."""
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, PIXEL), psf, (16, 2), 30)
    maps = both(instrument)

    def centre(inclination):
        numbers = {"v_max": V_MAX, "r_turn": 1e-4, "systemic": SYSTEMIC}
        velocity = jm.Profile(jm.tracer.rotation, **numbers, inclination=inclination)
        galaxy = moving(jm.Profile(jm.light.uniform, amp=1.0), velocity, 0.0)
        return predict_together(galaxy, maps)["sigma"][6, 6]

    shown = compiled_once(jax.vmap(centre))(jnp.asarray([30.0, 45.0, 60.0, 75.0]))
    np.testing.assert_allclose(shown, [68.13, 91.02, 100.00, 87.60], rtol=1e-3)


def test_solid_rotation_under_a_gaussian_light_is_known_exactly(tolerance):
    """Slope G S² / (S² + s²), and sigma² = sigma0² + G² s² S² / (s² + S²) everywhere."""
    slope, size, fwhm = 100.0, 1.0, 1.5
    light = jm.Profile(jm.light.gaussian, amp=1.0, sigma=size)
    field = {"central": SYSTEMIC, "gradient_x": slope, "gradient_y": 0.0}
    galaxy = moving(light, jm.Profile(jm.tracer.dipole, **field), 20.0)
    beam2 = fwhm**2 / (8 * np.log(2)) + PIXEL**2 / 12
    images = compiled_once(predict_together)(
        galaxy, both(telescope((17, 21), PIXEL, fwhm, (2, 1), 32))
    )
    v, sigma = (np.asarray(images[name], float)[8] for name in ("v", "sigma"))
    shown = np.polyfit(PIXEL * (np.arange(21) - 10), v - SYSTEMIC, 1)[0]
    assert shown == pytest.approx(slope * size**2 / (size**2 + beam2), rel=1e-3)
    assert shown == pytest.approx(71.136, rel=1e-3)
    np.testing.assert_allclose(sigma, 57.327, rtol=1e-3)


def direct(x, y, weight, sigma):
    """The mean of a weight over a Gaussian beam at (x, y), by a sum."""
    step = sigma / 40
    offset = step * (np.arange(-260, 260) + 0.5)
    dx, dy = np.meshgrid(offset, offset)
    return np.sum(np.exp(-(dx**2 + dy**2) / (2 * sigma**2)) * weight(x + dx, y + dy)) * step**2


@pytest.mark.parametrize("systemic", [0.0, 1e4, 5e4])
def test_a_cold_disc_keeps_its_dispersion_whatever_its_systemic_velocity(systemic):
    """300 km/s, 10 km/s: the squares differ by a factor of a thousand; float32 has seven digits."""
    places = (0.0, 1.0, 2.0, 4.0)
    grid = jm.Grid.regular((5, 85), 0.1)
    sharp = FWHM * 0.5
    instrument = jm.Instrument(grid, jm.GaussianPSF(sharp), (8, 2), 12)
    disc = thin_disc("arctan", 0.25, v_max=300.0, systemic=systemic)
    disc = moving(disc.disc.light, disc.disc.velocity, 10.0)
    images = compiled_once(predict_together)(disc, both(instrument))
    v, sigma = (np.asarray(images[name], float)[2] for name in ("v", "sigma"))
    # The pixel in quadrature.
    beam = np.sqrt(sharp**2 / (8 * np.log(2)) + 0.1**2 / 12)

    def light(x, y):
        return np.exp(-np.hypot(x, 2 * y))

    def velocity(x, y):
        radius = np.hypot(x, 2 * y)
        return 300.0 * 2 / np.pi * np.arctan(radius / 0.25) * x / radius * np.sqrt(0.75)

    for place in places:
        column = 42 + round(place / 0.1)
        total, first, second = (
            direct(place, 0.0, lambda x, y, p=power: light(x, y) * velocity(x, y) ** p, beam)
            for power in (0, 1, 2)
        )
        mean = first / total
        expected = np.sqrt(10.0**2 + second / total - mean**2)
        assert sigma[column] == pytest.approx(expected, rel=5e-3), place
        assert v[column] - systemic == pytest.approx(mean, abs=0.05 + 1e-3 * abs(mean)), place


def test_a_velocity_map_keeps_its_digits_on_fifty_thousand_km_s():
    """To 0.05 km/s, where float32 counts in steps of 0.004."""
    look = compiled_once(predict_together)
    maps = both(telescope((15, 15), 0.2, 0.6, (4, 2), 8))
    near, far = (
        np.asarray(look(thin_disc("arctan", 0.25, systemic=one), maps)["v"], float) - one
        for one in (0.0, 5e4)
    )
    assert np.ptp(near) > 200.0
    np.testing.assert_allclose(far, near, atol=0.05)


BINS = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3]])


def test_the_dispersion_of_a_bin_is_the_law_of_total_variance():
    """Of two components that move against each other, with the instrument's as number or map."""
    grid = jm.Grid.regular(BINS.shape, 1.0)
    instrument = jm.Instrument(grid, jm.NoPSF(), (1, 1), 0, apertures=jm.Apertures.bins(BINS))
    # The middles of pixels alone, as in the sums below.
    instrument = instrument.with_sampling(Sampling(1, 1, 0, "midpoint"))
    parts = {}
    for name, amp, central, spread in (("gas", 2.0, 100.0, 20.0), ("flow", 1.0, -60.0, 50.0)):
        light = jm.Profile(jm.light.linear, amp=amp, k=0.1 * amp)
        field = {"central": central, "gradient_x": 15.0, "gradient_y": -4.0}
        velocity = jm.Profile(jm.tracer.dipole, **field)
        parts[name] = moving(light, velocity, spread).disc
    galaxy = jm.Galaxy(**parts)
    x, y = (np.asarray(a, float) for a in grid.coordinates)
    lights = [np.asarray(c.light(x, y), float) for c in parts.values()]
    speeds = [np.asarray(c.velocity(x, y), float) for c in parts.values()]
    expected = []
    for number in range(4):
        inside = number == BINS
        weight = np.concatenate([one[inside] for one in lights])
        v = np.concatenate([one[inside] for one in speeds])
        s2 = np.repeat([20.0**2, 50.0**2], inside.sum())
        mean = np.average(v, weights=weight)
        expected.append(np.average(s2 + (v - mean) ** 2, weights=weight))
    expected = np.asarray(expected)
    pixels = np.where(BINS == 0, 40.0, 10.0)
    of_bins = np.array([40.0, 10.0, 10.0, 10.0])
    maps = {
        "none": jm.DispersionMap(np.ones(4), 1.0, instrument, check=False),
        "number": jm.DispersionMap(np.ones(4), 1.0, instrument, instrumental=30.0, check=False),
        "of bins": jm.DispersionMap(np.ones(4), 1.0, instrument, instrumental=of_bins, check=False),
        "of pixels": jm.DispersionMap(
            np.ones(BINS.shape), 1.0, instrument, instrumental=pixels, squared=True, check=False
        ),
    }
    shown = compiled_once(predict_together)(galaxy, maps)
    for name, spread in {"none": 0.0, "number": 30.0, "of bins": of_bins}.items():
        np.testing.assert_allclose(shown[name] ** 2, expected + spread**2, rtol=1e-4)
    np.testing.assert_allclose(shown["of pixels"], expected + of_bins**2, rtol=1e-4)


def test_gradients_are_finite_where_nothing_moves():
    instrument = telescope((5, 5), 0.4, 1.0, (2, 1), 3)
    maps = both(instrument)

    def total(v_max, spread):
        disc = thin_disc("arctan", 0.25, v_max=v_max, systemic=0.0)
        galaxy = moving(disc.disc.light, disc.disc.velocity, spread)
        return jnp.sum(predict_together(galaxy, maps)["sigma"])

    slopes = compiled_once(jax.vmap(jax.value_and_grad(total, (0, 1))))(
        jnp.asarray([0.0, 0.0, 100.0]), jnp.asarray([0.0, 20.0, 0.0])
    )
    assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(slopes))
    assert slopes[0][0] == 0 and slopes[1][1][1] == pytest.approx(25.0, rel=1e-4)


@pytest.fixture(scope="module")
def truth():
    """A disc with maps of its velocity and dispersion, behind an instrument of 35 km/s."""
    instrument = telescope((21, 21), 0.3, 0.8, (2, 1), 8)
    galaxy = thin_disc("arctan", 0.3, systemic=1500.0)
    rng, blanks = np.random.default_rng(4), both(instrument)
    blanks["sigma"] = blank(instrument, jm.DispersionMap, instrumental=35.0, check=False)
    images = compiled_once(predict_together)(galaxy, blanks)
    noisy = {k: np.asarray(v, float) + 2.0 * rng.normal(size=v.shape) for k, v in images.items()}
    return galaxy, instrument, noisy


@pytest.mark.slow
@pytest.mark.precision("single")
def test_velocity_and_dispersion_are_fitted_together(truth):
    galaxy, instrument, noisy = truth
    v_map = jm.TracerMap(noisy["v"], 2.0, instrument, "velocity", "linear")
    s_map = jm.DispersionMap(noisy["sigma"], 2.0, instrument, instrumental=30.0)
    priors = {
        "disc.velocity.v_max": dist.LogNormal(5.0, 1.0),
        "disc.velocity.r_turn": dist.LogNormal(-1.0, 1.0),
        "disc.velocity.position_angle": dist.Normal(80.0, 30.0),
        "disc.velocity.systemic": dist.Normal(1500.0, 100.0),
        "disc.dispersion.value": dist.LogNormal(3.0, 1.0),
        "s.instrumental": dist.Normal(30.0, 10.0),
    }
    fit = jm.optimise(jm.Model(galaxy, {"v": v_map, "s": s_map}, priors), starts=1)
    assert fit.converged
    true = {"v_max": V_MAX, "r_turn": 0.3, "position_angle": 90.0, "systemic": 1500.0}
    for path, value in true.items():
        path = f"disc.velocity.{path}"
        assert abs(float(fit.parameters[path]) - value) < 4 * float(fit.errors[path]), path
    # The two dispersions are one number, but for the priors.
    pair = np.hypot(
        float(fit.parameters["disc.dispersion.value"]), fit.parameters["s.instrumental"]
    )
    assert pair == pytest.approx(np.hypot(DISPERSION, 35.0), abs=0.6)


def test_units_are_converted(truth):
    _, instrument, noisy = truth
    kms, one = u.km / u.s, np.ones(instrument.shape)
    numbers = noisy["sigma"] * one
    plain = jm.DispersionMap(numbers, 2.0, instrument, instrumental=30.0, unit="km/s")
    metres = jm.DispersionMap(
        (numbers * kms).to(u.m / u.s), 2.0 * kms, instrument, instrumental=30.0 * kms, unit="km/s"
    )
    squares = jm.DispersionMap(
        (numbers * kms) ** 2, 100.0 * kms**2, instrument, instrumental=30.0 * kms, squared=True
    )
    assert float(metres.instrumental) == float(squares.instrumental) == 30.0
    np.testing.assert_allclose(metres.values, plain.values, rtol=1e-6)
    np.testing.assert_allclose(squares.values, np.asarray(plain.values) ** 2, rtol=1e-5)
    assert squares.label == "velocity dispersion squared"


@pytest.mark.precision("single")
def test_what_an_instrument_cannot_have_is_told(truth):
    _, instrument, noisy = truth
    values = noisy["sigma"]
    spread = np.full(instrument.shape, 30.0)
    spread[2, 3] = np.nan
    s_map = jm.DispersionMap(values, 2.0, instrument, instrumental=spread)
    assert not bool(s_map.valid[2, 3]) and s_map.size == values.size - 1
    for wrong, message in ((-3.0, "zero or positive"), (np.ones((3, 3)), r"shape \(21, 21\)")):
        with pytest.raises(jm.InputError, match=f"DispersionMap.instrumental: expected.*{message}"):
            jm.DispersionMap(values, 2.0, instrument, instrumental=wrong)
    with pytest.warns(jm.InputWarning, match="dispersions lie below that of the instrument"):
        jm.DispersionMap(values, 2.0, instrument, instrumental=80.0)
    with pytest.raises(jm.InputError, match="standard deviations must be positive"):
        jm.DispersionMap(values, -2.0 * np.ones_like(values), instrument)
    with pytest.raises(jm.InputError, match="unknown tracer 'stars'"):
        jm.predict(truth[0], jm.DispersionMap(values, 2.0, instrument, "stars"))


@pytest.mark.precision("single")
def test_units_and_scales_that_are_no_velocitys_are_told(truth):
    _, instrument, noisy = truth
    v, linear = noisy["v"], {"tracer": "velocity", "scale": "linear"}
    kms, ms = u.km / u.s, u.m / u.s
    for options in ({}, {"unit": "km/s"}):
        jm.TracerMap(v, 2.0, instrument, **linear, **options)
    jm.TracerMap((v * kms).to(ms), 2.0 * kms, instrument, **linear, unit="km/s")
    with pytest.warns(jm.InputWarning, match='values are in m / s, and so must be.*unit="km/s"'):
        jm.TracerMap((v * kms).to(ms), 2.0 * kms, instrument, **linear)
    with pytest.warns(jm.InputWarning, match="velocities from .* km/s are none of one galaxy"):
        jm.TracerMap(1000 * v, 2000.0, instrument, **linear, unit="km/s")
    for options in ({}, {"unit": "km/s"}):
        with pytest.warns(jm.InputWarning, match='scale="linear"'):
            jm.TracerMap(v, 2.0, instrument, tracer="velocity", **options)
