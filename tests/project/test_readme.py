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
    """The dispersion of a disc at rest is its own; of one that turns, larger."""
    names = {"jm": jm, "jnp": jnp}
    exec(next(block for block in PYTHON if "class DispersionMap" in block), names)
    instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.0), (4, 2), 6)
    blank = names["DispersionMap"](np.ones((9, 9)), 1.0, instrument, check=False)
    for slope in (0.0, 30.0):
        part = jm.Component(
            jm.Profile(jm.light.exponential, amp=1.0, scale_length=2.0),
            velocity=jm.Profile(jm.tracer.dipole, central=0.0, gradient_x=slope, gradient_y=0.0),
            dispersion=jm.Profile(jm.tracer.uniform, value=20.0),
        )
        shown = np.asarray(jm.predict(jm.Galaxy(disc=part), blank))
        if slope:
            assert np.all(shown > 21)
        else:
            np.testing.assert_allclose(shown, 20.0, rtol=1e-5)


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
