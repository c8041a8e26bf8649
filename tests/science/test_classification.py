"""Diagnostic diagrams against independent unit values of their curves."""

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.science import classification

NII, SII, OI = (-1.0, -0.5, -0.2), (-0.6, -0.3, 0.0), (-1.5, -1.2, -1.0)
VALUES = {
    "kewley01": (NII, (0.7750, 0.5611, 0.2796)),
    "kauffmann03": (NII, (0.7190, 0.1909, -1.1400)),
    "stasinska06": (NII, (0.5562, -0.0067, -5.7587)),
    "kewley01_sii": (SII, (0.5174, 0.1387, -0.9500)),
    "kewley06_sii": (SII, (-0.374, 0.193, 0.760)),
    "kewley01_oi": (OI, (0.5278, 0.1333, -0.4505)),
    "kewley06_oi": (OI, (-0.470, -0.116, 0.120)),
}


@pytest.mark.parametrize("name", VALUES)
def test_curves_have_their_published_values(name):
    ratios, expected = VALUES[name]
    curve = getattr(classification, name)(np.array(ratios))
    assert np.allclose(curve, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("curve", "pole"), [("kewley01", 0.47), ("kauffmann03", 0.05), ("kewley01_sii", 0.32)]
)
def test_beyond_its_pole_everything_lies_above_a_curve(curve, pole):
    values = getattr(classification, curve)(np.array([pole, pole + 0.01, pole + 5]))
    assert np.all(np.isneginf(values))


def test_pixels_are_classified_and_dark_ones_are_not():
    """Between the two curves at x = -0.5 lie y from 0.19 to 0.56."""
    x, y = np.full(4, -0.5), np.array([0.0, 0.4, 0.7, 0.0])
    flux = np.array([1.0, 1.0, 1.0, -1.0])
    # Units far from one, as fluxes are.
    args = [1e-20 * f for f in (flux, np.ones(4), 10**y, 10**x)]
    classes = jm.classification.by_nii(*args)
    assert classes.tolist() == [0, 1, 2, -1]
    assert int(jm.classification.by_nii(1.0, 1.0, 1.0, 10**0.6)) == classification.ACTIVE
