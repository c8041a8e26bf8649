"""Posteriors that are hard to draw from: several modes, edges, ridges, tails, symmetries."""

import numpy as np
import numpyro.distributions as dist
from validation.hard_toys import (
    banana,
    cross,
    funnel,
    heavy_tails,
    ring,
    sign,
    spike,
    stairs,
    top_hat,
    unequal_signs,
)

import jaxmetal as jm

CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
SIDE = 15


def _telescope(psf=None, side: int = SIDE, pixel: float = 0.4) -> jm.Instrument:
    grid = jm.Grid.regular((side, side), pixel)
    return jm.Instrument(grid, psf or jm.GaussianPSF(1.0), supersampling=(2, 1), margin=4)


def _disc(light=None, **metallicity) -> jm.Galaxy:
    light = light or jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    profile = jm.Profile(metallicity.pop("profile", jm.tracer.gradient), **metallicity)
    return jm.Galaxy(disc=jm.Component(light=light, metallicity=profile))


def _map(truth: jm.Galaxy, sigma: float, instrument: jm.Instrument, seed: int = 1):
    """A noisy map of the metallicity of a galaxy."""
    blank = jm.TracerMap(np.full(instrument.shape, 8.0), 1.0, instrument, check=False)
    clean = np.asarray(jm.predict(truth, blank), float)
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    return jm.TracerMap(clean + sigma * noise, sigma, instrument, check=False)


def _flux(truth: jm.Galaxy, sigma: float, instrument: jm.Instrument, seed: int = 1):
    blank = jm.LightMap(np.ones(instrument.shape), 1.0, instrument, check=False)
    clean = np.asarray(jm.predict(truth, blank), float)
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    return jm.LightMap(clean + sigma * noise, sigma, instrument, check=False)


def half_and_half():
    """Half of the pixels at 8.0, half at 8.6, with the heaviest tails."""
    values = np.full((SIDE, SIDE), 8.0)
    values[:, SIDE // 2 :] = 8.6
    z = jm.TracerMap(
        values, 0.002, _telescope(jm.NoPSF()), likelihood=jm.StudentT(1.0), check=False
    )
    galaxy = _disc(profile=jm.tracer.uniform, value=8.05)
    return jm.Model(galaxy, {"z": z}, {"disc.metallicity.value": dist.Uniform(7.0, 9.5)})


def ring_psf():
    """The centre of light and tracer through a PSF that is a ring."""
    y, x = np.indices((13, 13)) - 6
    kernel = np.exp(-0.5 * ((np.hypot(x, y) - 4.5) / 0.6) ** 2)
    instrument = _telescope(jm.KernelPSF(kernel))

    def galaxy(x, y):
        light = jm.Profile(
            jm.light.sersic, amp=16.0, R_sersic=0.5, n_sersic=1.0, center_x=x, center_y=y
        )
        return _disc(light, central=8.0, gradient=-0.2, center_x=x, center_y=y)

    place = {f"disc.light.center_{axis}": dist.Normal(0.0, 1.5) for axis in "xy"}
    ties = {
        f"disc.metallicity.center_{axis}": jm.Tied(f"disc.light.center_{axis}") for axis in "xy"
    }
    maps = {
        "z": _map(galaxy(0.9, 0.4), 0.02, instrument),
        "light": _flux(galaxy(0.9, 0.4), 0.02, instrument),
    }
    return jm.Model(galaxy(-1.6, -1.2), maps, place | ties)


def _clumps(*places: tuple[float, float, float]) -> jm.Galaxy:
    parts = {}
    for i, (amp, x, y) in enumerate(places):
        light = jm.Profile(jm.light.gaussian, amp=amp, sigma=0.5, center_x=x, center_y=y)
        parts[f"clump{i}"] = jm.Component(light=light)
    return jm.Galaxy(**parts)


def exchange():
    """Two components alike, at unequal places."""
    priors = {f"clump{i}.light.center_x": dist.Normal(0.0, 1.0) for i in (0, 1)}
    priors |= {f"clump{i}.light.amp": dist.LogNormal(np.log(4.0), 0.5) for i in (0, 1)}
    start = _clumps((4.0, -0.5, 0.0), (4.0, 0.5, 0.0))
    truth = _clumps((3.0, -0.8, 0.0), (5.0, 0.9, 0.0))
    return jm.Model(start, {"light": _flux(truth, 0.03, _telescope())}, priors)


def one_for_two():
    """One clump where there are two of the same brightness."""
    light = _flux(_clumps((4.0, -1.2, 0.0), (4.0, 1.2, 0.0)), 1.0, _telescope())
    priors = {f"clump0.light.center_{axis}": dist.Normal(0.0, 1.5) for axis in "xy"}
    return jm.Model(_clumps((4.0, 0.4, 0.0)), {"light": light}, priors)


def spiral_phase():
    """The phase of two arms, which is the same half a turn on."""

    def galaxy(phase):
        arms = {"contrast": 0.3, "pitch": 25.0, "inner_radius": 0.5, "width": 0.4}
        return _disc(profile=jm.tracer.spiral_arms, central=8.4, gradient=-0.1, phase=phase, **arms)

    z = _map(galaxy(40.0), 0.05, _telescope())
    return jm.Model(
        galaxy(10.0),
        {"z": z},
        {"disc.metallicity.phase": dist.Uniform(-10.0, 350.0), CENTRAL: dist.Normal(8.4, 0.3)},
    )


def _inclined(position_angle, low, high, truth, sigma=0.05):
    def galaxy(angle):
        return _disc(
            profile=jm.tracer.disc_gradient,
            central=8.4,
            gradient=-0.15,
            inclination=60.0,
            position_angle=angle,
        )

    priors = {
        "disc.metallicity.position_angle": dist.Uniform(low, high),
        GRADIENT: dist.Normal(0.0, 0.3),
    }
    return jm.Model(galaxy(position_angle), {"z": _map(galaxy(truth), sigma, _telescope())}, priors)


def angle_beyond_a_turn():
    """A position angle with a prior over two turns."""
    return _inclined(50.0, -180.0, 540.0, 40.0)


def angle_at_the_wrap():
    """A position angle of 0.5 degrees whose prior ends at 0 and 180."""
    return _inclined(20.0, 0.0, 180.0, 0.5)


def far_start():
    """Eight arcsec off, from one start."""

    def galaxy(x):
        return _clumps((6.0, x, 0.0))

    light = _flux(galaxy(-2.0), 0.05, _telescope(side=31))
    return jm.Model(galaxy(6.0), {"light": light}, {"clump0.light.center_x": dist.Normal(0.0, 5.0)})


def no_scatter():
    """A scatter that the data do not need, at the edge of its prior."""
    z = _map(_disc(central=8.0, gradient=-0.2), 0.03, _telescope())
    priors = {
        CENTRAL: dist.Uniform(6.0, 10.0),
        GRADIENT: dist.Normal(0.0, 0.5),
        "z.scatter": dist.HalfNormal(0.1),
    }
    return jm.Model(_disc(central=8.1, gradient=-0.1), {"z": z}, priors)


def beyond_the_prior():
    """A gradient whose truth the prior excludes."""
    z = _map(_disc(central=8.0, gradient=-0.2), 0.5, _telescope())
    priors = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Uniform(-0.15, 1.0)}
    return jm.Model(_disc(central=8.1, gradient=0.1), {"z": z}, priors)


def two_branches():
    """[OII] + [OIII] over H beta, which two metallicities have."""
    lines = {"r23": {"OII3727": 1.0, "OIII4959": 1.0, "OIII5007": 1.0}, "Hb": "Hb"}

    def galaxy(central):
        metallicity = jm.Profile(jm.tracer.gradient, central=central, gradient=0.0)
        light = jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0)
        emission = jm.Emission("curti20", reference="Hb")
        return jm.Galaxy(disc=jm.Component(light=light, metallicity=metallicity, emission=emission))

    maps, rng = {}, np.random.default_rng(1)
    for name, line in lines.items():
        blank = jm.LineMap(np.ones((SIDE, SIDE)), 1.0, _telescope(), line=line, check=False)
        clean = np.asarray(jm.predict(galaxy(8.3), blank), float)
        noisy = clean + 0.1 * rng.normal(size=clean.shape)
        maps[name] = jm.LineMap(noisy, 0.1, _telescope(), line=line, check=False)
    priors = {CENTRAL: dist.Normal(8.4, 0.4), GRADIENT: dist.Normal(0.0, 0.3)}
    return jm.Model(galaxy(8.6), maps, priors)


def one_pixel():
    """Amplitude and size of a galaxy of which one pixel is valid."""
    instrument = _telescope()
    galaxy = jm.Galaxy(
        disc=jm.Component(light=jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0))
    )
    mask = np.ones(instrument.shape, bool)
    mask[SIDE // 2, SIDE // 2] = False
    light = jm.LightMap(np.full(instrument.shape, 4.0), 0.1, instrument, mask=mask, check=False)
    priors = {
        "disc.light.amp": dist.LogUniform(1e-3, 1e3),
        "disc.light.R_sersic": dist.LogUniform(0.1, 10.0),
    }
    return jm.Model(galaxy, {"light": light}, priors)


def outliers():
    """Thirty per cent of outliers, started without a gradient; degrees of freedom free."""
    z, rng = _map(_disc(central=8.5, gradient=-0.2), 0.02, _telescope()), np.random.default_rng(2)
    values = np.array(z.values, float)
    wrong = rng.uniform(size=values.shape) < 0.3
    values[wrong] += rng.normal(0.0, 1.0, wrong.sum())
    z = jm.TracerMap(values, 0.02, z.instrument, likelihood=jm.StudentT(2.0), check=False)
    priors = {
        CENTRAL: dist.Uniform(6.0, 10.0),
        GRADIENT: dist.Uniform(-1.0, 1.0),
        "z.likelihood.dof": dist.LogUniform(0.5, 30.0),
    }
    return jm.Model(_disc(central=8.5, gradient=0.0), {"z": z}, priors)


def easy():
    """For comparison: a line with good data."""
    z = _map(_disc(central=8.0, gradient=-0.2), 0.03, _telescope())
    priors = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Normal(0.0, 0.5)}
    return jm.Model(_disc(central=8.3, gradient=-0.05), {"z": z}, priors)


POSTERIORS = (
    half_and_half,
    ring_psf,
    exchange,
    sign,
    one_for_two,
    spiral_phase,
    angle_beyond_a_turn,
    far_start,
    angle_at_the_wrap,
    top_hat,
    stairs,
    funnel,
    banana,
    unequal_signs,
    ring,
    cross,
    spike,
    no_scatter,
    beyond_the_prior,
    heavy_tails,
    two_branches,
    one_pixel,
    outliers,
    easy,
)
