"""Correlations of errors in configurations: by name, from files, and kept with the results."""

import numpy as np
import pytest
import yaml
from astropy.io import fits

import jaxmetal as jm
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.correlations import named, read_correlation
from jaxmetal.io.results import CONFIG
from jaxmetal.io.scene import load

SHAPE = (6, 8)
GRID = jm.Grid.regular(SHAPE, 0.5)
SIZE = SHAPE[0] * SHAPE[1]
MATRIX = np.asarray(jm.noise.manga().among(GRID, np.arange(SIZE)), float)
UPPER = np.triu_indices(SIZE)


def table(columns):
    return fits.BinTableHDU.from_columns(
        [
            fits.Column(name, "D" if array.dtype.kind == "f" else "J", array=array)
            for name, array in columns.items()
        ],
        name="R",
    )


def files():
    """The same matrix as a square image, as two kinds of tables, and as astropy writes it."""
    (i, j), rho = UPPER, MATRIX[UPPER]
    yield "image", fits.ImageHDU(MATRIX, name="R")
    yield "mangadap", table({"INDXI": i, "INDXJ": j, "RHOIJ": rho})
    yield (
        "MaNGA",
        table(
            {
                "INDXI_C1": i % SHAPE[1],
                "INDXI_C2": i // SHAPE[1],
                "INDXJ_C1": j % SHAPE[1],
                "INDXJ_C2": j // SHAPE[1],
                "RHOIJ": rho,
            }
        ),
    )
    nddata = pytest.importorskip("astropy.nddata")
    if hasattr(nddata, "Covariance"):
        theirs = nddata.Covariance(array=4 * MATRIX, data_shape=SHAPE).to_table()
        yield "astropy", fits.BinTableHDU(theirs, name="R")


@pytest.mark.precision("single")
@pytest.mark.parametrize("kind", ["image", "mangadap", "MaNGA", "astropy"])
def test_a_matrix_from_a_file(kind, tmp_path):
    hdus = dict(files())
    if kind not in hdus:
        pytest.skip("this astropy has no Covariance")
    fits.HDUList([fits.PrimaryHDU(), hdus[kind]]).writeto(tmp_path / "r.fits")
    np.testing.assert_allclose(read_correlation(tmp_path / "r.fits", "R", SHAPE), MATRIX, atol=1e-9)


@pytest.mark.precision("single")
def test_covariances_with_neighbours_as_of_sami(tmp_path):
    """Relative to the variance of each spaxel, which differs from spaxel to spaxel."""
    sigma = np.random.default_rng(1).uniform(1, 2, SHAPE)
    rho = jm.noise.drizzle(1.0, 0.7, white=0.0)
    full = np.asarray(rho.among(GRID, np.arange(SIZE)), float)
    relative = np.full((2, 5, 5, *SHAPE), np.nan)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            for i in range(5):
                for j in range(5):
                    there = row + i - 2, column + j - 2
                    if 0 <= there[0] < SHAPE[0] and 0 <= there[1] < SHAPE[1]:
                        one, other = (
                            np.ravel_multi_index(p, SHAPE) for p in ((row, column), there)
                        )
                        relative[1, i, j, row, column] = (
                            full[one, other] * sigma[there] / sigma[row, column]
                        )
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(relative, name="COVAR")]).writeto(
        tmp_path / "cube.fits"
    )
    made = read_correlation(tmp_path / "cube.fits", "COVAR", SHAPE, channel=1, white=0.1)
    number = np.arange(SIZE)
    near = (abs(number[:, None] // 8 - number // 8) <= 2) & (
        abs(number[:, None] % 8 - number % 8) <= 2
    )
    expected = 0.9 * np.where(near, full, 0.0) + 0.1 * np.eye(SIZE)
    np.testing.assert_allclose(made, expected, atol=1e-6)


def config(folder, correlation=None):
    """A configuration of a map whose file is written."""
    rng = np.random.default_rng(3)
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(8.5 + 0.05 * rng.normal(size=SHAPE), name="Z"),
            fits.ImageHDU(MATRIX, name="R"),
        ]
    ).writeto(folder / "z.fits", overwrite=True)
    entry = {
        "kind": "tracer",
        "file": "z.fits",
        "value": "Z",
        "sigma": 0.05,
        "unit": "dex",
        "pixel_scale": 0.5,
        "psf": "none",
        "supersampling": [2, 1],
        "check": False,
    }
    if correlation is not None:
        entry["correlation"] = correlation
    return {
        "maps": {"z": entry},
        "galaxy": {
            "disc": {
                "light": {"profile": "sersic", "amp": 1.0, "R_sersic": 2.0, "n_sersic": 1.0},
                "metallicity": {"profile": "gradient", "central": 8.5, "gradient": -0.05},
            }
        },
        "priors": {"disc.metallicity.gradient": {"normal": [0.0, 1.0]}},
        "sample": False,
        "plots": False,
    }


def loaded(folder, correlation):
    (folder / "fit.yaml").write_text(yaml.safe_dump(config(folder, correlation)))
    return load(folder / "fit.yaml").maps["z"].map.correlation


GIVEN = {
    "manga": ("manga", jm.noise.manga()),
    "sami": ({"sami": {"white": 0.1}}, jm.noise.sami(0.1)),
    "gaussian": ({"gaussian": {"length": 1.92, "white": 0.05}}, jm.noise.gaussian(1.92, 0.05)),
    "exponential": (
        {"exponential": {"length": 0.9, "unit": "arcsec"}},
        jm.noise.exponential(0.9, unit="arcsec"),
    ),
    "matern": ({"matern": {"length": 2.0, "nu": 2.5}}, jm.noise.matern(2.0, 2.5)),
    "drizzle": ({"drizzle": {"pixfrac": 1.0, "scale": 0.6}}, jm.noise.drizzle(1.0, 0.6)),
}


@pytest.mark.precision("single")
@pytest.mark.parametrize("name", GIVEN)
def test_a_configuration_names_a_correlation(name, tmp_path):
    said, expected = GIVEN[name]
    made = loaded(tmp_path, said)
    index = np.arange(SIZE)
    np.testing.assert_allclose(made.among(GRID, index), expected.among(GRID, index), rtol=1e-6)
    # As results keep it.
    again = loaded(tmp_path, named(made))
    np.testing.assert_allclose(again.among(GRID, index), made.among(GRID, index), rtol=1e-6)


@pytest.mark.precision("single")
def test_matrices_functions_and_none(tmp_path):
    made = loaded(tmp_path, {"file": {"file": "z.fits", "extension": "R"}})
    np.testing.assert_allclose(made.among(GRID, np.arange(SIZE)), MATRIX, atol=1e-6)
    (tmp_path / "own.py").write_text("def falling(d):\n    return 1 / (1 + d**2) ** 3\n")
    by_function = loaded(tmp_path, "own.py:falling")
    assert float(by_function.of_separation(np.float32(1.0))) == 0.125
    assert loaded(tmp_path, "none") is None
    assert loaded(tmp_path, None) is None


@pytest.mark.precision("single")
def test_results_keep_the_correlation(tmp_path):
    (tmp_path / "fit.yaml").write_text(
        yaml.safe_dump(config(tmp_path, {"file": {"file": "z.fits", "extension": "R"}}))
    )
    made = jm.run(tmp_path / "fit.yaml", out=tmp_path / "out", progress=False)
    assert "errors correlated as a matrix says" in made.summary
    again = load(tmp_path / "out" / CONFIG).maps["z"].map.correlation
    np.testing.assert_allclose(again.among(GRID, np.arange(SIZE)), MATRIX, atol=1e-6)


MISTAKES = {
    "word": ("mango", "expected manga, sami, gaussian"),
    "length": ({"gaussian": {"length": -1.0}}, "length"),
    "white": ({"manga": {"white": 1.5}}, "white"),
    "nothing": ({"gaussian": None}, "expected"),
}


@pytest.mark.precision("single")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_said(mistake, tmp_path):
    said, message = MISTAKES[mistake]
    mistakes = Mistakes()
    parse(config(tmp_path, said), mistakes)
    with pytest.raises(jm.InputError, match=message):
        mistakes.raise_all()
