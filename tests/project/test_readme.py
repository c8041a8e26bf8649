"""What the README says is run.

Its Python as it stands, its YAML by the checks, its commands by the parser.
"""

import ast
import re
import shlex

import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from astropy.table import Table
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.cli.parser import build_parser
from jaxmetal.io.fits import write_maps
from jaxmetal.io.scene import build
from jaxmetal.survey.catalogue import Catalogue, check_references, configure
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

README = (REPOSITORY / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


PYTHON = blocks("python")


@pytest.fixture(scope="module")
def first():
    """Everything that the first example defines, after it was run as it stands, but with fewer
    draws.
    """
    names = {}
    code = PYTHON[0].replace("jm.sample(model, fit)", "jm.sample(model, fit, draws=100)")
    exec(compile(code, "README.md", "exec"), names)
    return names


def test_the_first_example_runs_as_it_stands(first):
    fit, posterior = first["fit"], first["posterior"]
    assert fit.converged, fit.message
    for path, truth in {"disc.metallicity.central": 8.5, "disc.metallicity.gradient": -0.1}.items():
        assert abs(float(fit.parameters[path]) - truth) < 4 * float(fit.errors[path])
    assert (
        np.isfinite(posterior.flat["z.scatter"]).all() and (posterior.flat["z.scatter"] > 0).all()
    )


def test_what_follows_the_first_example_goes_on_from_it(first):
    """A batch of galaxies of its kind; the maps are the reader's own."""
    code = next(block for block in PYTHON if "jm.Batch" in block)
    (made,) = [node for node in ast.parse(code).body if "Batch" in ast.unparse(node)]
    names = first | {"maps": [first["z_map"], jm.simulate.renoise(first["z_map"], 2)]}
    exec(ast.unparse(made), names)
    assert len(names["models"]) == 2


def test_the_lines_are_fitted(first):
    names = dict(first)
    exec(next(block for block in PYTHON if "jm.Emission" in block), names)
    fit = names["line_fit"]
    assert fit.converged, fit.message
    truth = {"disc.metallicity.gradient": -0.1, "disc.reddening.value": 0.2}
    for path, value in truth.items():
        assert abs(float(fit.parameters[path]) - value) < 4 * float(fit.errors[path])


def test_the_map_of_a_kind_of_its_own_shows_something():
    """Age and metallicity that fall together covary in the beam, and not where one is uniform."""
    names = {"jm": jm}
    exec(next(block for block in PYTHON if "class CovarianceMap" in block), names)
    instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.0), (4, 2), 6)
    blank = names["CovarianceMap"](np.ones((9, 9)), 1.0, instrument, check=False)
    for slope in (0.0, -0.3):
        part = jm.Component(
            jm.Profile(jm.light.exponential, amp=1.0, scale_length=2.0),
            age=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=0.1, gradient=slope),
        )
        shown = np.asarray(jm.predict(jm.Galaxy(disc=part), blank))
        if slope:
            assert np.all(shown > 0.01)
        else:
            np.testing.assert_allclose(shown, 0.0, atol=1e-5)


def test_velocity_and_dispersion_are_as_they_stand():
    grid = jm.Grid.regular((9, 9), 0.5)
    names = {"jm": jm, "instrument": jm.Instrument(grid, jm.GaussianPSF(1.0))}
    x, _ = np.asarray(grid.coordinates, float)
    noise = np.random.default_rng(1).normal(size=(2, 9, 9))
    names |= {"velocity": 80.0 * x + noise[0], "velocity_error": 1.0}
    names |= {"dispersion": 50.0 + noise[1], "dispersion_error": 1.0}
    exec(next(block for block in PYTHON if "jm.DispersionMap" in block), names)
    assert float(names["s"].instrumental) == 30.0 and names["v"].scale == "linear"
    # It recedes towards the east, at a position angle of 90 degrees.
    assert float(names["disc"].velocity(jnp.ones(()), jnp.zeros(()))) > 100.0


def test_velocity_and_dispersion_are_a_valid_configuration(tmp_path):
    text = next(block for block in blocks("yaml") if "kind: dispersion" in block)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-0.5 / 3600, 0.5 / 3600]
    image = np.random.default_rng(0).normal(50.0, 1.0, (9, 9))
    images = dict.fromkeys(("VEL", "SIG"), image)
    images |= {"VEL_ERR": 0 * image + 1, "SIG_ERR": 0 * image + 1, "LSF": 0 * image + 25.0}
    write_maps(tmp_path / "gas.fits", {key: (a, "km/s") for key, a in images.items()}, wcs)
    disc = {
        "light": {"profile": "exponential", "amp": 1.0, "scale_length": 1.0},
        "velocity": {"profile": "rotation", "v_max": 100.0, "r_turn": 0.5, "inclination": 60.0},
        "dispersion": {"profile": "uniform", "value": 25.0},
    }
    priors = {"disc.velocity.v_max": {"uniform": [1, 400]}}
    made = build(yaml.safe_load(text) | {"galaxy": {"disc": disc}, "priors": priors}, tmp_path)
    assert float(made.maps["s"].map.instrumental.max()) == 25.0


def test_bins_fibres_lenses_and_profiles_are_made_as_they_stand(first):
    """Of what the reader must bring, such as a map of bin numbers, there is something."""
    ids = np.arange(31 * 31).reshape(31, 31) // 31
    component, profile = first["galaxy"].disc, first["galaxy"].disc.light
    own = {
        "bin_ids": ids,
        "x": [0.0, 1.5],
        "y": [0.0, 1.0],
        "psf": jm.GaussianPSF(1.1),
        "jnp": jnp,
        "disc": component,
        "bulge": profile,
        "values": np.linspace(8.0, 8.5, 31),
        "sigma": np.full(31, 0.1),
    }
    chosen = [
        block
        for block in PYTHON
        if any(word in block for word in ("Apertures", "jm.lens.sie", "def ring"))
    ]
    assert len(chosen) == 3
    for block in chosen:
        exec(block, {"jm": jm, **first, **own})


def test_every_name_of_the_library_exists():
    """Also in the examples that need files of the reader's."""
    used = [
        node
        for block in PYTHON
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute)
    ]
    names = {ast.unparse(node) for node in used if ast.unparse(node).startswith("jm.")}
    names |= set(re.findall(r"`(jm(?:\.\w+)+)", README))
    assert len(names) > 25
    for name in names:
        value = jm
        for part in name.split(".")[1:]:
            value = getattr(value, part)


def test_the_survey_is_a_valid_configuration(tmp_path):
    text = next(block for block in blocks("yaml") if "survey:" in block)
    image = np.full((15, 15), 8.5) + 0.01 * np.arange(15)
    write_maps(tmp_path / "a.fits", {"Z": (image, "dex"), "Z_ERR": (0 * image + 0.1, "dex")})
    table = Table(
        {"id": ["a"], "maps": ["a.fits"], "psf_fwhm": [2.5], "R_e": [3.0], "mass": [10.0]}
    )
    raw, catalogue = yaml.safe_load(text), Catalogue(table, "id")
    check_references(raw, catalogue)
    made = build(configure(raw, catalogue, 0), tmp_path)
    assert len(made.priors) == 2 and float(made.galaxy.disc.light.R_sersic) == 3.0
    assert made.config.survey.slurm.gpus == 1


def test_the_lines_are_a_valid_configuration(tmp_path):
    text = next(block for block in blocks("yaml") if "kind: lines" in block)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-0.2 / 3600, 0.2 / 3600]
    flux = np.random.default_rng(0).normal(5.0, 0.1, (15, 15))
    images = {"HA": flux, "HA_ERR": 0 * flux + 0.1, "NII": 0.3 * flux, "NII_ERR": 0 * flux + 0.1}
    write_maps(tmp_path / "cube.fits", {name: (image, "") for name, image in images.items()}, wcs)
    priors = {"disc.metallicity.gradient": {"normal": [0, 0.5]}}
    made = build(yaml.safe_load(text) | {"priors": priors}, tmp_path)
    assert list(made.maps) == ["NII6584"] and made.galaxy.disc.light.name == "image"


COMMANDS = [
    line for block in blocks("bash") for line in block.splitlines() if line.startswith("jaxmetal ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_those_of_the_command_line(line):
    arguments = build_parser().parse_args(shlex.split(line, comments=True)[1:])
    assert callable(arguments.run)


def test_files_that_are_named_are_there():
    named = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"^bash (\S+)", README, re.M)
    missing = [
        name for name in named if not name.startswith("http") and not (REPOSITORY / name).exists()
    ]
    assert not missing and len(named) > 10
    assert len(COMMANDS) >= 8
