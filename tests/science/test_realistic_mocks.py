"""The simulator of realistic mocks, which shares no code with the package, against its maps."""

import runpy

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.profiles.geometry import ellipticity
from tests.paths import REPOSITORY

MOCKS = runpy.run_path(str(REPOSITORY / "scripts" / "validation" / "realistic_mocks.py"))
SIDE, PIXEL, RADIUS = MOCKS["SIDE"], MOCKS["PIXEL"], MOCKS["RADIUS"]


def test_a_smooth_disc_is_seen_as_the_package_predicts_it():
    """Without clumps, scatter and noise, to 0.001 dex in every spaxel that counts."""
    mock = MOCKS["mock"](0, clumps=0, scatter=0.0, noisy=False)
    lies = {"inclination": MOCKS["INCLINATION"], "position_angle": MOCKS["POSITION_ANGLE"]}
    q = np.cos(np.deg2rad(lies["inclination"]))
    e1, e2 = (float(e) for e in ellipticity(q, lies["position_angle"]))
    light = jm.Profile(
        jm.light.sersic, amp=1.0, R_sersic=RADIUS * np.sqrt(q), n_sersic=1.0, e1=e1, e2=e2
    )
    line = {"central": MOCKS["CENTRAL"], "gradient": MOCKS["SLOPE"]}
    z = jm.Profile(jm.tracer.disc_gradient, **line, **lies)
    psf = jm.MoffatPSF(MOCKS["FWHM"], MOCKS["BETA"])
    instrument = jm.Instrument(jm.Grid.regular((SIDE, SIDE), PIXEL), psf, (2, 1), 16)
    blank = jm.TracerMap(np.zeros((SIDE, SIDE)), 1.0, instrument, check=False)
    shown = jm.predict(jm.Galaxy(disc=jm.Component(light, metallicity=z)), blank)
    assert mock.mask.sum() == SIDE**2 - MOCKS["COUNT"]
    assert np.abs(np.asarray(shown, float) - mock.values)[~mock.mask].max() < 1e-3


@pytest.mark.precision("single")
def test_noise_and_scatter_have_their_correlation_and_unit_variance():
    rng = np.random.default_rng(0)
    noise = np.stack([MOCKS["_noise"](rng) for _ in range(60)])
    near = np.mean(noise[:, :, 1:] * noise[:, :, :-1])
    assert noise.std() == pytest.approx(1.0, abs=0.03)
    expected = (1 - MOCKS["WHITE"]) * np.exp(-0.5 / MOCKS["NOISE_LENGTH"] ** 2)
    assert near == pytest.approx(expected, abs=0.03)
    # The frame of the cells from its centre: squares of the plane of the disc, a length apart.
    x, y = (0.25 * grid for grid in np.mgrid[-160:160, -160:160])
    fields = np.stack([MOCKS["_scatter"](x, y, rng) for _ in range(6)])
    assert fields.var() == pytest.approx(1.0, abs=0.1)
    along_major = fields[:, 4:] * fields[:, :-4]
    turn = np.deg2rad(MOCKS["POSITION_ANGLE"])
    tilt = np.cos(np.deg2rad(MOCKS["INCLINATION"]))
    distance = np.hypot(np.sin(turn), np.cos(turn) / tilt)
    assert along_major.mean() == pytest.approx(np.exp(-distance / MOCKS["LENGTH"]), abs=0.1)
