"""What the README and the pages of docs/ say is run.

Their Python as it stands, their YAML by the checks, their commands by the parser.
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
from jaxmetal.cli import main
from jaxmetal.cli.parser import build_parser
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.fits import write_maps
from jaxmetal.io.scene import build
from jaxmetal.survey.catalogue import Catalogue, check_references, configure
from tests.pages import PAGES, run
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

FIRST, LINES = "docs/start/python.md", "docs/howto/lines.md"
# Pages that take minutes.
LONG = tuple(
    f"docs/howto/{name}.md"
    for name in ("fields", "correlated", "light", "own_code", "slits", "lines", "planning")
)
RUNNING = [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
    for name, page in PAGES.items()
    if page.blocks("python")
]


@pytest.mark.parametrize("name", RUNNING)
def test_the_python_of_a_page_runs_as_it_stands(name):
    assert len(run(name)) > 2


def test_the_readme_is_short():
    text = PAGES["README.md"].text
    assert len(text.splitlines()) <= 90
    assert PAGES["README.md"].blocks("python")


def check_first(names):
    """The fit finds the galaxy that was made up, and the scatter stays positive."""
    fit, posterior = names["fit"], names["posterior"]
    assert fit.converged, fit.message
    for path, truth in {"disc.metallicity.central": 8.5, "disc.metallicity.gradient": -0.1}.items():
        assert abs(float(fit.parameters[path]) - truth) < 4 * float(fit.errors[path])
    assert (
        np.isfinite(posterior.flat["z.scatter"]).all() and (posterior.flat["z.scatter"] > 0).all()
    )


@pytest.mark.parametrize("name", ["README.md", FIRST])
def test_the_first_example_finds_what_was_made_up(name):
    check_first(run(name))


def test_what_follows_the_first_example_goes_on_from_it():
    """A batch of galaxies of its kind."""
    names = run(FIRST)
    assert len(names["models"]) == len(names["fits"]) == len(names["posteriors"]) == 2


@pytest.mark.slow
def test_the_lines_are_fitted():
    fit = run(LINES)["line_fit"]
    assert fit.converged, fit.message
    truth = {"disc.metallicity.gradient": -0.1, "disc.reddening.value": 0.2}
    for path, value in truth.items():
        assert abs(float(fit.parameters[path]) - value) < 4 * float(fit.errors[path])


@pytest.mark.slow
def test_slitlets_and_fibres_have_the_gradient_within_its_errors():
    """Light on the bars moves it by a fortieth of its error, as the page says."""
    names = run("docs/howto/slits.md")
    for fit, truth in ((names["fit"], -0.3), (names["fibre_fit"], -0.03)):
        assert fit.converged, fit.message
        error = float(fit.errors["disc.metallicity.gradient"])
        assert abs(float(fit.parameters["disc.metallicity.gradient"]) - truth) < 3 * error
    error = float(names["fit"].errors["disc.metallicity.gradient"])
    assert 0.01 < abs(names["shift"]) / error < 0.03


def test_a_component_of_galfit_has_its_flux_place_and_angle():
    """In the image as GALFIT counts: pixels from 1, angles from up to the left."""
    names = run("docs/howto/galfit.md")
    row, column = np.indices((101, 101)) + 1.0
    for image, ratio in zip(names["images"], names["ratios"], strict=True):
        assert ratio == pytest.approx(1, abs=1e-3)
        weight = np.asarray(image, float) / image.sum()
        x, y = (weight * column).sum(), (weight * row).sum()
        assert (x, y) == pytest.approx((52.3, 49.6), abs=0.01)
        xx, yy, xy = (
            (weight * u * v).sum()
            for u, v in ((column - x, column - x), (row - y, row - y), (column - x, row - y))
        )
        from_right = np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy))
        assert (from_right - 90) % 180 == pytest.approx(30, abs=0.2)
        spread = np.hypot(xx - yy, 2 * xy)
        assert np.sqrt((xx + yy - spread) / (xx + yy + spread)) == pytest.approx(0.6, abs=0.01)
        # Half of the light lies within the ellipse of semi-major axis 4.
        turn = np.deg2rad(120.0)
        along = (column - x) * np.cos(turn) + (row - y) * np.sin(turn)
        across = (row - y) * np.cos(turn) - (column - x) * np.sin(turn)
        assert weight[np.hypot(along, across / 0.6) < 4].sum() == pytest.approx(0.5, abs=0.03)


def test_the_map_of_a_kind_of_its_own_shows_something():
    """Age and metallicity that fall together covary in the beam, and not where one is uniform."""
    names = run("docs/howto/extend.md")
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


def test_the_likelihood_of_a_page_is_a_density():
    outliers = run("docs/howto/extend.md")["Outliers"](0.1)
    x = jnp.linspace(-200.0, 200.0, 40001)
    assert float(jnp.trapezoid(jnp.exp(outliers.log_density(x)), x)) == pytest.approx(1, abs=1e-4)


def test_the_reader_of_a_page_reads(tmp_path):
    np.savez(tmp_path / "a.npz", oh=np.full((9, 9), 8.5), oh_error=np.full((9, 9), 0.1))
    reading = run("docs/howto/extend.md")["read"](tmp_path / "a.npz")
    assert reading.shape == (9, 9) and reading.geometry.inclination == 50.0


def test_velocity_and_dispersion_are_as_they_stand():
    names = run("docs/howto/kinematics.md")
    assert float(names["s"].instrumental) == 30.0 and names["v"].scale == "linear"
    # It recedes towards the east, at a position angle of 90 degrees.
    assert float(names["disc"].velocity(jnp.ones(()), jnp.zeros(()))) > 100.0


@pytest.mark.slow
def test_own_code_agrees_with_the_model():
    """A chain of one's own wanders around the truth, and Optax climbs back to it."""
    names = run("docs/howto/own_code.md")
    draws = names["draws"]["disc.metallicity.gradient"]
    assert draws.shape == (200,) and 0 < abs(np.mean(draws) + 0.1) < 5 * np.std(draws)
    best = -float(names["model"].log_density(names["model"].start))
    assert names["losses"][0] > best + 10 and names["losses"][-1] < best + 5
    assert np.isfinite(names["value"]) and np.isfinite(names["slope"]).all()


def sky(scale):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-scale / 3600, scale / 3600]
    return wcs


def yaml_with(word, name):
    return yaml.safe_load(next(b for b in PAGES[name].blocks("yaml") if word in b))


def test_velocity_and_dispersion_are_a_valid_configuration(tmp_path):
    image = np.random.default_rng(0).normal(50.0, 1.0, (9, 9))
    images = dict.fromkeys(("VEL", "SIG"), image)
    images |= {"VEL_ERR": 0 * image + 1, "SIG_ERR": 0 * image + 1, "LSF": 0 * image + 25.0}
    maps = {key: (a, "km/s") for key, a in images.items()}
    write_maps(tmp_path / "gas.fits", maps, sky(0.5))
    disc = {
        "light": {"profile": "exponential", "amp": 1.0, "scale_length": 1.0},
        "velocity": {"profile": "rotation", "v_max": 100.0, "r_turn": 0.5, "inclination": 60.0},
        "dispersion": {"profile": "uniform", "value": 25.0},
    }
    raw = yaml_with("kind: dispersion", "docs/howto/kinematics.md")
    priors = {"disc.velocity.v_max": {"uniform": [1, 400]}}
    made = build(raw | {"galaxy": {"disc": disc}, "priors": priors}, tmp_path)
    assert float(made.maps["s"].map.instrumental.max()) == 25.0


def test_the_survey_is_a_valid_configuration(tmp_path):
    image = np.full((15, 15), 8.5) + 0.01 * np.arange(15)
    write_maps(tmp_path / "a.fits", {"Z": (image, "dex"), "Z_ERR": (0 * image + 0.1, "dex")})
    table = Table(
        {"id": ["a"], "maps": ["a.fits"], "psf_fwhm": [2.5], "R_e": [3.0], "mass": [10.0]}
    )
    raw, catalogue = yaml_with("survey:", "docs/howto/surveys.md"), Catalogue(table, "id")
    check_references(raw, catalogue)
    made = build(configure(raw, catalogue, 0), tmp_path)
    assert len(made.priors) == 2 and float(made.galaxy.disc.light.R_sersic) == 3.0
    assert made.config.survey.slurm.gpus == 1


def test_the_lines_are_a_valid_configuration(tmp_path):
    flux = np.random.default_rng(0).normal(5.0, 0.1, (15, 15))
    images = {"HA": flux, "HA_ERR": 0 * flux + 0.1, "NII": 0.3 * flux, "NII_ERR": 0 * flux + 0.1}
    maps = {name: (image, "") for name, image in images.items()}
    write_maps(tmp_path / "cube.fits", maps, sky(0.2))
    priors = {"disc.metallicity.gradient": {"normal": [0, 0.5]}}
    made = build(yaml_with("kind: lines", LINES) | {"priors": priors}, tmp_path)
    assert list(made.maps) == ["NII6584"] and made.galaxy.disc.light.name == "image"


YAML = [
    (name, block)
    for name, page in PAGES.items()
    for block in page.blocks("yaml")
    # A reference to a column is no number yet.
    if '"{' not in block
]


@pytest.mark.parametrize(("name", "block"), YAML, ids=[name for name, _ in YAML])
def test_a_block_of_a_configuration_is_one(name, block):
    """Its keys and values, whatever the files are."""
    mistakes = Mistakes()
    light = {"profile": "sersic", "amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0}
    assert parse({"galaxy": {"disc": {"light": light}}} | yaml.safe_load(block), mistakes)
    assert mistakes.lines == []


WITH_FILES = [name for name, page in PAGES.items() if page.files]


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_configuration_of_a_page_is_valid(name, monkeypatch, capsys):
    """With the files that the page's Python writes."""
    page = PAGES[name]
    monkeypatch.chdir(run(name)["folder"])
    for line in (line for line in page.commands if line.startswith("jaxmetal validate")):
        assert main(shlex.split(line, comments=True)[1:]) == 0
        assert "nothing strange" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_FILES)
def test_the_commands_of_a_page_do_what_it_says(name, monkeypatch):
    page = PAGES[name]
    monkeypatch.chdir(run(name)["folder"])
    for line in page.commands:
        assert main(shlex.split(line, comments=True)[1:]) == 0


def python_of(page):
    return [*page.blocks("python"), *page.shown]


def test_every_name_of_the_library_exists():
    """Also in the examples that need files of the reader's."""
    used = [
        node
        for page in PAGES.values()
        for block in python_of(page)
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute)
    ]
    names = {ast.unparse(node) for node in used if ast.unparse(node).startswith("jm.")}
    for page in PAGES.values():
        names |= set(re.findall(r"`(jm(?:\.\w+)+)", page.text))
    assert len(names) > 60
    for name in names:
        value = jm
        for part in name.split(".")[1:]:
            value = getattr(value, part)


COMMANDS = sorted({line for page in PAGES.values() for line in page.commands})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_those_of_the_command_line(line):
    arguments = build_parser().parse_args(shlex.split(line, comments=True)[1:])
    assert callable(arguments.run)


def target(page, link):
    """The file that a link leads to, or that its page is made from."""
    path = (REPOSITORY / page.name).parent / link
    parts = path.resolve().relative_to(REPOSITORY).parts
    if parts[:2] == ("docs", "notebooks"):
        return REPOSITORY.joinpath(*parts[1:])
    if parts[:3] == ("docs", "reference", "api"):
        return REPOSITORY / "jaxmetal" if parts[3] in ("index", *jm.__all__) else path
    return path


def test_files_that_are_named_are_there():
    missing, count = [], 0
    for page in PAGES.values():
        named = page.links
        scripts = re.findall(r"^bash (\S+)", page.text, re.M)
        missing += [(page.name, name) for name in named if not target(page, name).exists()]
        missing += [(page.name, name) for name in scripts if not (REPOSITORY / name).exists()]
        count += len(named) + len(scripts)
    assert not missing and count > 60
    assert len(COMMANDS) >= 8
