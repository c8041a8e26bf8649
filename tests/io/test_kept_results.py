"""A folder of results is enough by itself.

Moved away, its originals deleted, it is read, drawn and fitted as before.
"""

import shutil

import jax
import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import QTable

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.galaxy import get
from jaxmetal.io import results
from jaxmetal.io.config import write
from jaxmetal.io.fits import write_maps
from jaxmetal.io.kept import keep_input, write_map
from jaxmetal.io.scene import load
from tests.io.test_bins_from_files import blocks
from tests.io.test_config import sky
from tests.io.test_manga import SIZE as MANGA
from tests.io.test_manga import write as write_manga
from tests.scenes import DEFLECTION, blank, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE, FIELD = 16, 400
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
PRIORS = {CENTRAL: {"uniform": [6, 10]}, GRADIENT: {"normal": [0, 0.5]}}
FAST = {"supersampling": [2, 1], "margin": 2}
SETTINGS = {"fit": {"starts": 1}, "sample": False, "plots": False}
CODE = (
    "from helpers import radius\n\n\ndef slope(x, y, central, gradient):\n    "
    "return central + gradient * radius(x, y)\n"
)
HELPERS = (
    "import jax.numpy as jnp\n\n\ndef radius(x, y):\n    return jnp.sqrt(x**2 + y**2 + 1e-6)\n"
)


def gaussian(shape, width):
    row, column = (np.indices(shape).T - (np.array(shape) - 1) / 2).T
    return np.exp(-0.5 * (row**2 + column**2) / width**2)


def write_arc(folder):
    """Everything that a configuration can take from files.

    Several maps, kernels, bins, pictures, deflections and functions.
    """
    folder.mkdir()
    x, y = (
        np.asarray(a, float)
        for a in jm.Grid.from_wcs(sky(), (SIZE, SIZE), (150.0, 2.0)).coordinates
    )
    z = 8.5 - 0.1 * np.hypot(x, y) + 0.01 * np.random.default_rng(1).normal(size=x.shape)
    flux = 100 * gaussian((SIZE, SIZE), 4.0)
    binned = np.array(
        [flux[blocks() == i].mean() for i in range(blocks().max() + 1) if (blocks() == i).any()]
    )
    numbers = np.unique(blocks()[blocks() >= 0])
    repeated = np.where(blocks() >= 0, binned[np.searchsorted(numbers, blocks())], np.nan)
    images = {
        "Z": (z, "dex"),
        "ERR": (np.full_like(z, 0.02), ""),
        "BAD": (x > 1.2, ""),
        "BINS": (blocks(), ""),
    }
    images |= {"FLUX": (repeated, "Å"), "F_ERR": (np.full_like(flux, 2.0), ""), "SEEN": (flux, "")}
    write_maps(folder / "maps.fits", images, sky())
    write_maps(
        folder / "light.fits",
        {"OTHER": (flux, ""), "ARC": (gaussian((41, 41), 9.0), "")},
        sky((41, 41), 0.15),
    )
    write_maps(
        folder / "psf.fits", {"PSF": (gaussian((15, 15), 2.0), "")}, header={"NOTE": "a star"}
    )
    wide = sky((FIELD, FIELD), 0.1)
    at = jm.Grid.from_wcs(wide, (FIELD, FIELD), (150.0, 2.0)).coordinates
    for name, pull in (("x", 0.05 * at[0]), ("y", -0.05 * at[1])):
        write_maps(
            folder / f"{name}.fits",
            {"ALPHA": (np.asarray(pull) * np.ones((FIELD, FIELD)), "arcsec")},
            wide,
        )
    (folder / "mine.py").write_text(CODE)
    (folder / "helpers.py").write_text(HELPERS)
    kernel = {"kernel": {"file": "psf.fits", "extension": "PSF", "oversampling": 2}}
    common = {"file": "${ARC_DATA}/maps.fits", "psf": kernel} | FAST
    maps = {
        "z": common | {"kind": "tracer", "value": "Z", "error": "ERR", "mask": "BAD"},
        "age": common | {"kind": "tracer", "value": "Z", "sigma": 0.05, "unit": "10⁹ yr"},
        "flux": common
        | {"kind": "light", "value": "FLUX", "error": "F_ERR", "bins": "BINS", "flux": "mean"},
        "seen": common | {"kind": "light", "value": "SEEN", "sigma": 1.0},
    }
    picture = {"profile": "image", "file": "light.fits", "extension": "ARC"}
    galaxy = {
        "disc": {
            "light": picture,
            "lensed_light": False,
            "metallicity": {"profile": "mine.py:slope", "central": 8.4, "gradient": 0.0},
        },
        "glow": {
            "light": {
                "light": {"profile": "image", "map": "seen"},
                "haze": picture,
                "ring": {"profile": "mine.py:slope", "central": 1.0, "gradient": 0.0},
            },
            "foreground": True,
        },
    }
    return SETTINGS | {
        "maps": maps,
        "galaxy": galaxy,
        "lens": {"cluster": {"deflection": DEFLECTION}},
        "priors": PRIORS,
    }


def write_spaxels(folder):
    """A MaNGA file whose lines are measured in bins, with numbers in the configuration that only
    its header knows.
    """
    folder.mkdir()
    path = write_manga(folder / "manga.fits")
    with fits.open(path, mode="update") as hdus:
        row, column = np.indices((MANGA, MANGA)) // 2
        for plane in hdus["BINID"].data:
            plane[:] = 8 * row + column
        for name in ("EMLINE_GFLUX", "EMLINE_GFLUX_IVAR"):
            hdus[name].data[:] = hdus[name].data[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    disc = {"inclination": "gas.inclination", "position_angle": "gas.position_angle"}
    light = {"profile": "sersic", "amp": 100.0, "R_sersic": "gas.effective_radius", "n_sersic": 1.0}
    metallicity = {"profile": "disc_gradient", "central": 8.5, "gradient": -0.05} | disc
    galaxy = {"disc": {"light": {"Ha": light, "stars": light}, "metallicity": metallicity}}
    entry = {"kind": "manga", "file": "manga.fits", "snr": 0.1, "scatter": 0.02, "light": "Ha"}
    entry |= FAST
    return SETTINGS | {
        "maps": {"gas": entry},
        "galaxy": galaxy,
        "priors": PRIORS | {"z.scatter": {"half_normal": 0.1}},
    }


SCENES = {"arc": write_arc, "spaxels": write_spaxels}


@pytest.fixture(scope="module", params=SCENES)
def kept(request, tmp_path_factory):
    """The scene as it was read from the originals, and what a folder keeps of it after they have
    gone.
    """
    home = tmp_path_factory.mktemp("kept")
    path = save(SCENES[request.param](home / "data"), home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARC_DATA", str(home / "data"))
        before = load(path)
    said = keep_input(home / "made", before, dict.fromkeys(before.maps, ((2, 1), 2)))
    write(home / "made" / results.CONFIG, said)
    for name, observed in before.maps.items():
        images = {"DATA": observed.map.data, "ERROR": observed.map.errors}
        images = {
            key: (observed.map.image(values), observed.unit) for key, values in images.items()
        }
        write_map(home / "made" / "maps" / f"{name}.fits", observed, images)
    shutil.rmtree(home / "data")
    (home / "elsewhere").mkdir()
    shutil.move(home / "made", home / "elsewhere" / "mail")
    return before, home / "elsewhere" / "mail"


def save(config, folder):
    path = folder / "fit.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path


def same(found, wanted):
    """Two trees of numbers are the same to the rounding of one writing."""
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for (path, one), (_, other) in zip(
        *(jax.tree_util.tree_leaves_with_path(tree) for tree in (found, wanted)), strict=True
    ):
        np.testing.assert_allclose(
            one, other, rtol=2e-6, atol=1e-5, err_msg=jax.tree_util.keystr(path)
        )


def test_what_is_read_again_is_what_was_fitted(kept):
    before, folder = kept
    after = load(folder / results.CONFIG)
    assert list(after.maps) == list(before.maps) and list(after.pictures) == list(before.pictures)
    assert after.priors.keys() == before.priors.keys()
    for name, observed in before.maps.items():
        found = after.maps[name]
        assert found.unit == observed.unit
        same(found.map, observed.map)
        assert (found.wcs is None) == (observed.wcs is None)
    for name, component in before.galaxy.components.items():
        same(jax.tree.leaves(after.galaxy.components[name]), jax.tree.leaves(component))
    grid = before.maps["z"].map.instrument.grid
    pulls = [np.asarray(scene.galaxy.deflection(*grid.coordinates)) for scene in (before, after)]
    np.testing.assert_allclose(*pulls, atol=1e-6)
    for key in ("inclination", "position_angle", "effective_radius"):
        assert getattr(after.disc, key) == pytest.approx(getattr(before.disc, key), abs=1e-4)


def test_nothing_outside_of_the_folder_is_named(kept):
    _, folder = kept
    text = (folder / results.CONFIG).read_text("utf-8")
    assert str(folder.parents[1]) not in text and "$" not in text and "gas." not in text
    deflections = yaml.safe_load(text).get("lens", {})
    for lens in deflections.values():
        # A deflection map may be as large as a cluster; what is not looked through need not travel.
        shapes = [fits.getdata(folder / lens["deflection"][f"{axis}_file"]).shape for axis in "xy"]
        assert max(max(shape) for shape in shapes) < FIELD / 4


@pytest.mark.slow
def test_a_mailed_folder_is_drawn_and_fitted_again(tmp_path, monkeypatch):
    monkeypatch.setenv("ARC_DATA", str(tmp_path / "data"))
    path = save(write_arc(tmp_path / "data"), tmp_path / "data")
    assert cli.main(["fit", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    shutil.rmtree(tmp_path / "data")
    monkeypatch.delenv("ARC_DATA")
    shutil.move(tmp_path / "out", tmp_path / "mail")
    assert (
        cli.main(
            ["report", str(tmp_path / "mail"), "--out", str(tmp_path / "page.html"), "--quiet"]
        )
        == 0
    )
    assert (tmp_path / "page.html").read_text("utf-8").count("data:image/png") == 8
    assert (
        cli.main(
            [
                "fit",
                str(tmp_path / "mail" / results.CONFIG),
                "--out",
                str(tmp_path / "again"),
                "--quiet",
            ]
        )
        == 0
    )
    first, second = (results.read_results(tmp_path / name)[1] for name in ("mail", "again"))
    for name, error in first.errors.items():
        assert float(second.parameters[name]) == pytest.approx(
            float(first.parameters[name]), abs=0.02 * float(error)
        )


def two_lights():
    """A disc whose metallicity is weighted by a small light, beside a larger one."""
    return jm.Galaxy(
        disc=jm.Component(
            light={
                "Ha": jm.Profile(jm.light.sersic, amp=16.0, R_sersic=0.8, n_sersic=1.0),
                "continuum": jm.Profile(jm.light.sersic, amp=5.0, R_sersic=1.6, n_sersic=1.0),
            },
            metallicity=jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.3),
        )
    )


def write_two_lights(folder):
    """Mock maps of the tracer and of the other light, and the configuration that fits them."""
    instrument = telescope((SIZE, SIZE), 0.4, 0.8, (2, 1), 2)
    rng = np.random.default_rng(2)
    maps = {
        "z": blank(instrument, light="Ha"),
        "stars": blank(instrument, jm.LightMap, light="continuum"),
    }
    images = {
        name: np.asarray(jm.predict(two_lights(), one_map)) + 0.02 * rng.normal(size=(SIZE, SIZE))
        for name, one_map in maps.items()
    }
    folder.mkdir()
    write_maps(folder / "maps.fits", {name: (image, "") for name, image in images.items()})
    psf = {"gaussian": {"fwhm": 0.8}}
    common = {"file": "maps.fits", "sigma": 0.02, "pixel_scale": 0.4, "psf": psf} | FAST
    entries = {
        name: {"kind": "tracer" if name == "z" else "light", "value": name, "light": one_map.light}
        | common
        for name, one_map in maps.items()
    }
    lights = {
        name: {"profile": "sersic", "amp": 10.0, "R_sersic": radius, "n_sersic": 1.0}
        for name, radius in (("Ha", 0.8), ("continuum", 1.2))
    }
    metallicity = {"profile": "gradient", "central": 8.4, "gradient": 0.0}
    priors = PRIORS | {
        "disc.light.continuum.R_sersic": {"log_normal": [1.2, 0.5]},
        "disc.light.continuum.amp": {"log_normal": [10, 1]},
    }
    return SETTINGS | {
        "maps": entries,
        "galaxy": {"disc": {"light": lights, "metallicity": metallicity}},
        "priors": priors,
    }


def test_lights_by_name_are_fitted_and_read_again(tmp_path):
    path = save(write_two_lights(tmp_path / "data"), tmp_path / "data")
    fit = jm.run(path, out=tmp_path / "out", progress=False).fit
    assert fit.converged
    for name, error in fit.errors.items():
        truth = float(get(two_lights(), name))
        assert float(fit.parameters[name]) == pytest.approx(truth, abs=4 * float(error))
    table = QTable.read(tmp_path / "out" / "parameters.ecsv")
    units = dict(zip(table["name"], table["unit"], strict=True))
    assert units["disc.light.continuum.R_sersic"] == "arcsec"
    shutil.rmtree(tmp_path / "data")
    scene, again, _ = results.read_results(tmp_path / "out")
    assert [scene.maps[name].map.light for name in ("z", "stars")] == ["Ha", "continuum"]
    for name, value in fit.parameters.items():
        assert float(again.parameters[name]) == pytest.approx(float(value), rel=1e-5)
    assert again.chi_square == pytest.approx(fit.chi_square, rel=1e-3)
