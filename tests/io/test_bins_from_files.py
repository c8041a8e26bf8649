"""Maps measured in bins, from files to results and pictures."""

import re

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import QTable

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.io import scene
from jaxmetal.io.fits import write_maps
from jaxmetal.io.results import read_results
from jaxmetal.science import baselines
from tests.io.test_config import GOOD, Z, mistakes, sky
from tests.io.test_manga import SIZE as MANGA
from tests.io.test_manga import write as write_manga
from tests.scenes import disc, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 16
BINNED = {k: v for k, v in Z.items() if k != "pixel_scale"} | {"bins": "BINS"}


def blocks():
    """Bins of 2 × 2 pixels, larger ones below; the lowest two rows are in none."""
    row, column = np.indices((SIZE, SIZE))
    ids = np.where(row < 8, 100 + column // 4 + 4 * (row // 4), column // 2 + 8 * (row // 2))
    return np.where(row < 2, -1, ids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A galaxy seen in bins, as images whose pixels repeat their bin.

    And a configuration that fits it.
    """
    path = tmp_path_factory.mktemp("bins")
    bins = jm.Apertures.bins(blocks())
    grid = jm.Grid.from_wcs(sky((SIZE, SIZE)), (SIZE, SIZE))
    one = jm.Instrument(grid, telescope().psf, (2, 1), apertures=bins)
    z = jm.simulate.tracer_map(disc(), one, variance=lambda flux: 0.01**2 + 1e-5 / flux, seed=5)
    images = {
        "Z": (z.image(z.data), "dex"),
        "Z_ERR": (z.image(z.errors), "dex"),
        "BINS": (blocks(), ""),
    }
    write_maps(path / "map.fits", images, sky((SIZE, SIZE)))
    write_maps(path / "apart.fits", {"PLAIN": (blocks(), ""), "SMALL": (blocks()[:9], "")})
    cube = np.stack([np.zeros((SIZE, SIZE)), blocks()])
    fits.HDUList([fits.PrimaryHDU(cube.astype("i4"))]).writeto(path / "cube.fits")
    config = GOOD | {"maps": {"z": BINNED}, "fit": {"starts": 1}, "sample": False}
    config["priors"] = {
        "disc.metallicity.central": {"uniform": [6, 9]},
        "disc.metallicity.gradient": {"normal": [0, 0.5]},
    }
    (path / "fit.yaml").write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def results(folder):
    assert cli.main(["fit", str(folder / "fit.yaml"), "--out", str(folder / "out"), "--quiet"]) == 0
    return folder / "out"


@pytest.mark.parametrize(
    "bins", ["BINS", {"file": "apart.fits", "extension": 1}, {"file": "cube.fits", "channel": 1}]
)
def test_bins_come_from_an_extension_or_from_another_file(folder, bins):
    made = scene.build(GOOD | {"maps": {"z": BINNED | {"bins": bins}}}, folder)
    z = made.maps["z"].map
    assert z.size == z.instrument.apertures.count == np.unique(blocks()).size - 1


def test_without_its_bins_a_map_is_noticed(folder):
    with pytest.warns(jm.InputWarning, match="repeat the value and error of a neighbour"):
        scene.build(
            GOOD | {"maps": {"z": {k: v for k, v in BINNED.items() if k != "bins"}}}, folder
        )


@pytest.mark.parametrize(
    "bins, line",
    [
        ("BINZ", "maps.z: .*unknown extension 'BINZ'. Did you mean 'BINS'?"),
        ("Z", "maps.z: Apertures.bins: expected whole numbers"),
        (
            {"file": "apart.fits", "extension": "SMALL"},
            r"maps.z: .*\[SMALL\]: shape \(9, 16\) does not match the values' \(16, 16\)",
        ),
        ({"file": "nowhere.fits"}, "maps.z: .*nowhere.fits: no such file"),
        (
            {"fill": "x"},
            "maps.z.bins: expected an extension, or {file: , extension: , channel: }, got",
        ),
        (True, "maps.z.bins: expected an extension"),
    ],
)
def test_a_mistake_about_bins_is_one_line(folder, bins, line):
    lines = mistakes(GOOD | {"maps": {"z": BINNED | {"bins": bins}}}, folder)
    assert len(lines) == 1
    assert re.search(line, lines[0]), lines[0]


@pytest.mark.slow
def test_results_are_written_per_bin_and_as_images(results):
    table = QTable.read(results / "maps" / "z.ecsv")
    assert table.colnames == ["id", "data", "error", "model", "intrinsic", "residual"]
    assert table["id"].tolist() == [int(i) for i in np.unique(blocks()) if i >= 0]
    np.testing.assert_allclose(
        table["residual"], (table["data"] - table["model"]) / table["error"], rtol=1e-3, atol=1e-3
    )
    with fits.open(results / "maps" / "z.fits") as hdus:
        assert [hdu.name for hdu in hdus][1:] == [
            "DATA",
            "ERROR",
            "MODEL",
            "RESIDUAL",
            "INTRINSIC",
            "BINS",
        ]
        np.testing.assert_array_equal(hdus["BINS"].data, blocks())
        for name in ("DATA", "MODEL", "RESIDUAL"):
            image = hdus[name].data
            assert image.shape == (SIZE, SIZE)
            assert np.all(np.isnan(image[:2]))
            np.testing.assert_allclose(
                image[blocks() == 105], table[name.lower()][table["id"] == 105][0], rtol=1e-6
            )
    text = (results / "summary.txt").read_text()
    assert f"map z: {len(table)} bins" in text


@pytest.mark.slow
def test_results_can_be_read_again(results):
    found, fit, _ = read_results(results)
    assert fit.predicted["z"].shape == (found.maps["z"].map.instrument.apertures.count,)
    assert abs(float(fit.parameters["disc.metallicity.gradient"]) + 0.2) < 4 * float(
        fit.errors["disc.metallicity.gradient"]
    )
    assert 0.4 < fit.reduced_chi_square < 2


@pytest.mark.slow
def test_pictures_are_drawn_of_bins(results):
    from jaxmetal.view.maps import map_figure

    assert sorted(path.name for path in (results / "plots").iterdir()) == [
        "light_z.png",
        "map_z.png",
        "profile_z.png",
    ]
    found, fit, _ = read_results(results)
    panels = {axes.get_title(): axes for axes in map_figure(fit, "z").axes if axes.get_title()}
    shown = next(
        artist for artist in panels["residual"].collections if hasattr(artist, "get_coordinates")
    ).get_array()
    bins = found.maps["z"].map.instrument.apertures
    np.testing.assert_allclose(
        np.ma.filled(shown, np.nan), bins.paint(fit.residuals["z"]), rtol=1e-6
    )


def test_the_radius_of_a_bin_is_the_mean_of_its_pixels():
    one = telescope((SIZE, SIZE))
    binned = jm.Instrument(one.grid, one.psf, (2, 1), apertures=jm.Apertures.bins(blocks()))
    pixels, means = (baselines.radii(i, 0.1, -0.2, 40.0, 20.0) for i in (one, binned))
    assert pixels.shape == (SIZE, SIZE)
    np.testing.assert_allclose(
        means[np.asarray(binned.apertures.ids) == 105], pixels[blocks() == 105].mean()
    )


def test_lines_of_manga_in_voronoi_bins(tmp_path):
    """The file says which spaxels share a measurement.

    The flux of a bin is that of all its spaxels.
    """
    row, column = np.indices((MANGA, MANGA)) // 2
    ids = row * (MANGA // 2) + column
    smooth = np.exp(-(((ids // 8) - 3.5) ** 2 + (ids % 8 - 3.5) ** 2) / 20)
    planes = {
        "Ha-6564": 100 * smooth,
        "Hb-4862": 35 * smooth,
        "NII-6585": 25 * smooth,
        "OIII-5008": 20 * smooth**1.1,
    }
    write_manga(tmp_path / "maps.fits", lines=planes)
    with fits.open(tmp_path / "maps.fits", mode="update") as hdus:
        hdus["BINID"].data[3] = ids
    config = {
        "maps": {"m": {"kind": "manga", "file": "maps.fits", "supersampling": [1, 1]}},
        "priors": {"disc.light.amp": {"log_normal": [16, 1]}},
    }
    made = scene.build(GOOD | config, tmp_path)
    light, z = made.maps["halpha"].map, made.maps["z"].map
    assert light.instrument is z.instrument
    assert light.values.shape == z.values.shape == (ids.max() + 1,)
    # A flag or a missing error on one spaxel leaves the rest of its bin.
    assert light.size == ids.max() + 1
    np.testing.assert_allclose(light.values, 4 * 100 * smooth[::2, ::2].ravel(), rtol=1e-5)
    np.testing.assert_allclose(light.image(light.values), 100 * smooth, rtol=1e-5)
