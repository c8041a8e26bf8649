"""Configurations that mean nothing: every one of them is refused, in one line that says why."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.io.config import resolved
from jaxmetal.io.fits import write_maps
from tests.io.test_config import LIGHT, build, changed, folder, mistakes  # noqa: F401

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SERSIC, HALO = "galaxy/disc/light", {"profile": "sie", "theta_E": 1.0}
TRACER, SINGLE = "galaxy/disc/metallicity", "for single precision"
BENT = {"profile": "disc_gradient", "central": 8, "gradient": -0.2}
ARMS = {"profile": "spiral_arms", "central": 8, "gradient": -0.2, "contrast": 0.1}
ROUND = {"profile": "sersic_q_phi", "amp": 16, "R_sersic": 1, "n_sersic": 1, "phi": 0, "q": 1}
MOCK = {"shape": [15, 15], "pixel_scale": 0.2, "psf": {"gaussian": {"fwhm": 0.8}}}
NOTHING = "expected a value, got nothing"
# What a parameter may not be, in each part that has parameters.
IMPOSSIBLE = [
    *((f"{SERSIC}/n_sersic", value, "must be at least 0.3") for value in (-1, 0, 0.1, 1e5)),
    *((f"{SERSIC}/R_sersic", value, "must be positive") for value in (0, -1)),
    (f"{SERSIC}/amp", -5, "must be zero or positive"),
    (f"{SERSIC}/amp", 0, "must be positive, or free"),
    *((f"{SERSIC}/e1", value, "must be between -1 and 1") for value in (1, 1.5, -3)),
    *((f"{SERSIC}", ROUND | {"q": value}, "q: must be above 0 and at most 1") for value in (0, 3)),
    *((TRACER, BENT | {"inclination": value}, "below 90") for value in (90, 95, 1e5)),
    *((TRACER, ARMS | {name: 0}, f"{name}: must be ") for name in ("pitch", "number", "width")),
    ("lens/halo", HALO | {"theta_E": -1}, "theta_E: must be zero or positive"),
    ("lens/halo", HALO | {"e1": 1.5}, "e1: must be between -1 and 1"),
    ("lens/halo", HALO | {"e1": 0.8, "e2": 0.8}, "together must be below 1"),
    ("truth", {"disc.light.R_sersic": -1}, "truth.disc.light.R_sersic: must be positive"),
    ("maps/z/likelihood", {"student-t": {"dof": 0}}, "expected one positive number"),
    ("maps/z/likelihood", {"student-t": None}, "expected parameters by name"),
    ("maps/z/calibration", {"error_scale": 0}, "expected a number greater than 0"),
    ("maps/z/calibration", {"flux_scale": 2}, "this map shows no flux"),
    ("maps/z/scatter", -1, "expected a number greater than or equal to 0"),
]
# Priors by path: one with ends that lie outside, or that lies outside as a whole.
REACHING = [
    ("disc.light.R_sersic", {"uniform": [-1, 3]}, "reaches -1, but R_sersic must be positive"),
    ("disc.light.R_sersic", {"truncated_normal": [1, 1, -1, 5]}, "reaches -1, but"),
    ("disc.light.R_sersic", {"normal": [-9, 0.1]}, "too much of it lies outside"),
    ("disc.light.n_sersic", {"log_uniform": [0.01, 8]}, "reaches 0.01, but n_sersic must be at"),
    ("disc.light.e1", {"uniform": [-2, 2]}, "reaches -2, but e1 must be between -1 and 1"),
    ("z.scatter", {"uniform": [-1, 1]}, "reaches -1, but scatter must be zero or positive"),
    ("z.instrument.psf.fwhm", {"uniform": [-1, 2]}, "reaches -1, but fwhm must be positive"),
]
# A key whose value was forgotten.
EMPTY = [f"maps/z/{key}" for key in ("pixel_scale", "mask", "bins", "unit", "scatter", "channel")]
EMPTY += ["fit/steps", "baseline/center", "reference", "accuracy", "lens/halo/e1"]
EMPTY += ["galaxy/disc/emission", "galaxy/disc/distance_ratio", f"{SERSIC}/file"]
EMPTY += ["survey/slurm/partition", "simulate", "maps/z/calibration"]
# Numbers that no computer holds, or computes with in a life.
BEYOND = [
    *((f"fit/{key}", 10**12, "less than or equal to") for key in ("starts", "steps")),
    *((f"sample/{key}", 1e12, "less than or equal") for key in ("draws", "warmup", "chains")),
    *((f"{part}/seed", 2**63, "expected a number less than") for part in ("fit", "sample")),
    *((f"sample/{key}", True, "expected a number") for key in ("draws", "chains")),
    *(("maps/z/margin", value, "maps.z.margin: expected") for value in (1e30, True, -1)),
    ("maps/z/margin", 10**5, "points, more than"),
    *(("maps/z/supersampling", value, "expected auto") for value in (1e308, 10**4, [1e-30, 1e-30])),
    ("maps/z/pixel_scale", 1e39, SINGLE),
    ("maps/z/pixel_scale", " 3 ", "expected a number"),
    ("maps/z/scatter", 1e39, SINGLE),
    ("truth", {"disc.metallicity.gradient": 1e39}, "expected a finite number"),
    ("baseline/center", [1e39, 0], SINGLE),
    ("baseline/redshift", 1e30, "less than 1100"),
    ("reference", [400, 100], "reference: expected"),
    ("survey/together", 10**12, "less than or equal"),
]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [*IMPOSSIBLE, *BEYOND, *((f"priors/{path}", prior, words) for path, prior, words in REACHING)],
    ids=lambda value: repr(value)[:30],
)
def test_nonsense_is_refused_by_its_place(folder, place, value, words):  # noqa: F811
    # Of a parameter that every tracer here has.
    prior = ("priors", {"disc.metallicity.central": {"normal": [8, 1]}})
    (line,) = mistakes(changed(*((prior,) if place == TRACER else ()), (place, value)), folder)
    top = ".".join(place.split("/")[:2])
    assert line.startswith(top) and words in line


@pytest.mark.parametrize("place", EMPTY)
def test_a_forgotten_value_is_no_default(folder, place):  # noqa: F811
    config = changed(("lens/halo", HALO)) if place.startswith("lens") else changed()
    *way, last = place.split("/")
    node = config
    for key in way:
        node = node.setdefault(key, {})
    node[last] = None
    (line,) = mistakes(config, folder)
    assert line.startswith(f"{'.'.join([*way, last])}: ") and "got nothing" in line


def test_a_mock_is_held_to_the_same(folder):  # noqa: F811
    for place, value, words in (
        (f"{SERSIC}/R_sersic", -1, "must be positive"),
        (f"{SERSIC}/amp", 0, "must be positive"),
        ("simulate/psf", {"gaussian": None}, "expected {fwhm: }, got nothing"),
        ("simulate/shape", [10**6, 10**6], "points, more than"),
    ):
        (line,) = mistakes(changed(("simulate", MOCK), (place, value)), folder, "simulate")
        assert words in line


def test_a_normal_prior_of_a_size_is_cut_off_at_zero(folder):  # noqa: F811
    """Told once: the model gets what is left of it."""
    change = ("priors/disc.light.R_sersic", {"normal": [1, 0.5]})
    with pytest.warns(jm.InputWarning, match="R_sersic must be positive") as told:
        scene = build(changed(change), folder)
        scene.model()
    assert len(told) == 1
    assert isinstance(scene.priors["disc.light.R_sersic"], dist.LeftTruncatedDistribution)


def test_dark_light_may_be_free(folder):  # noqa: F811
    build(changed((f"{SERSIC}/amp", 0), ("priors/disc.light.amp", {"uniform": [0, 20]})), folder)


@pytest.mark.parametrize("kind", ["tracer", "light"])
def test_values_and_errors_are_not_exchanged(tmp_path, kind):
    y, x = (np.indices((15, 15)) - 7) * 0.2
    error = np.full((15, 15), 0.02)
    write_maps(tmp_path / "map.fits", {"V": (error, ""), "E": (9 - np.hypot(x, y), "")})
    entry = {"kind": kind, "value": "V", "error": "E", "sigma": None}
    entry = {k: v for k, v in (LIGHT | entry).items() if v is not None}
    (line,) = mistakes(changed(("maps/z", entry)), tmp_path)
    assert "of which none is negative: are values and errors exchanged?" in line
    (line,) = mistakes(changed(("maps/z", entry | {"error": "V"})), tmp_path)
    assert "the errors are the values themselves" in line


def test_the_word_none_is_kept_for_an_absolute_accuracy(folder):  # noqa: F811
    config = build(changed(("accuracy", "none")), folder).config
    assert config.accuracy is None and resolved(config, folder, {})["accuracy"] == "none"
