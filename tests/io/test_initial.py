"""`jaxmetal init`: what it finds in files of several customs, what it asks, and that what it
writes can be fitted.
"""

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.io.initial.contents import read_contents
from jaxmetal.io.initial.customs import pairs
from jaxmetal.io.initial.from_images import known_maps
from jaxmetal.io.initial.text import quoted
from jaxmetal.io.scene import load
from tests.data import data_path
from tests.scenes import disc, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

MANGA = "manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"
SAMI = "sami_dr3/41144_B/41144_B_Halpha_default_1-comp.fits"
CALIFA = "ngc4047_edge_califa/NGC4047_native.fits"
AS1063 = "as1063_lensed_muse/orig/Map_metallicity.fits"
OII = "as1063_lensed_muse/orig/Im_AS1063_OII_ContSub_CMSub.fits"


@pytest.fixture(scope="module")
def arrays():
    """Metallicity, light and their errors of a small galaxy."""
    truth, instrument = disc(R=1.2, central=8.6, gradient=-0.15), telescope()
    z = jm.simulate.tracer_map(truth, instrument, variance=lambda flux: 1e-3 + 1e-3 / flux, seed=1)
    light = jm.simulate.light_map(truth, instrument, seed=2)
    return {
        "z": np.asarray(z.values, float),
        "z_error": np.asarray(z.sigma, float),
        "light": np.asarray(light.values, float),
        "light_error": np.asarray(light.sigma, float),
    }


def header(**cards):
    """A header with a WCS of 0.2 arcsec per pixel, and further cards."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [16, 16]
    wcs.wcs.cdelt = [-0.2 / 3600, 0.2 / 3600]
    return fits.Header({**wcs.to_header(), **cards})


def save(path, primary=None, **images):
    """Write images by the names of their extensions."""
    first = fits.PrimaryHDU(header=fits.Header(primary or {}))
    hdus = [fits.ImageHDU(np.asarray(image), name=name) for name, image in images.items()]
    fits.HDUList([first, *hdus]).writeto(path)
    return path


def initial(path, *options):
    """The configuration that the command writes beside a file, its text and its contents."""
    out = path.parent / "fit.yaml"
    assert cli.main(["init", str(path), "--out", str(out), *options]) == 0
    text = out.read_text()
    return text, yaml.safe_load(text)


def customs(arrays):
    """{custom: (images by extension, the keys of the errors and masks that are expected)}."""
    z, error = arrays["z"], arrays["z_error"]
    good = np.zeros(z.shape, np.int16)
    return {
        "value": ({"VALUE": z, "ERROR": error}, {"error": "ERROR"}),
        "muse": (
            {"DATA": z, "STAT": error**2, "DQ": good},
            {"variance": "STAT", "mask": "DQ"},
        ),
        "named": ({"Z": z, "Z_ERR": error}, {"error": "Z_ERR"}),
        "inverse": (
            {"OH": z, "OH_IVAR": 1 / error**2, "OH_MASK": good},
            {"ivar": "OH_IVAR", "mask": "OH_MASK"},
        ),
        "prefix": ({"ZGAS": z, "E_ZGAS": error}, {"error": "E_ZGAS"}),
        "bins": ({"Z": z, "ERR": error, "BINID": good + 1}, {"error": "ERR", "bins": "BINID"}),
        "yes": ({"Y_OTHER": z * 0 + 40, "Z": z, "SIGMA_Z": error}, {"error": "SIGMA_Z"}),
    }


@pytest.mark.parametrize("custom", ["value", "muse", "named", "inverse", "prefix", "yes"])
def test_values_find_their_errors_by_the_custom_of_the_file(arrays, tmp_path, custom):
    images, parts = customs(arrays)[custom]
    text, config = initial(save(tmp_path / "maps.fits", **images))
    entry = config["maps"]["z"]
    assert {key: entry.get(key) for key in parts} == parts
    assert entry["tracer"] == "metallicity" and "sigma" not in entry
    # A size of pixels and a PSF that no header has are questions, not facts.
    asked = [line.split(":")[0].strip() for line in text.splitlines() if "# ?" in line]
    assert {"pixel_scale", "psf", "light"} <= set(asked)


def test_bins_are_found(arrays, tmp_path):
    images, parts = customs(arrays)["bins"]
    path = save(tmp_path / "maps.fits", **images)
    (value,) = (one.value for one in known_maps(read_contents(path)))
    assert {key: image.place for key, image in value.parts.items()} == parts


def test_two_values_keep_their_own_errors(arrays, tmp_path):
    images = {"Z": "z", "Z_ERR": "z_error", "LIGHT": "light", "LIGHT_ERR": "light_error"}
    images = {name: arrays[key] for name, key in images.items()}
    for order in (list(images), ["Z", "LIGHT", "LIGHT_ERR", "Z_ERR"]):
        path = save(tmp_path / f"{order[1]}.fits", **{name: images[name] for name in order})
        found = {one.image.place: one.parts for one in pairs(read_contents(path).images)}
        assert {name: parts["error"].place for name, parts in found.items()} == {
            "Z": "Z_ERR",
            "LIGHT": "LIGHT_ERR",
        }


def test_a_plain_image_without_errors_gets_a_marked_one(arrays, tmp_path):
    path = tmp_path / "plain.fits"
    fits.PrimaryHDU(arrays["z"].astype("f4"), header()).writeto(path)
    text, config = initial(path)
    sigma = config["maps"]["z"]["sigma"]
    assert 0.3 * np.median(arrays["z_error"]) < sigma < 3 * np.median(arrays["z_error"])
    assert "pixel_scale" not in config["maps"]["z"]
    assert any("sigma" in line and "# ? no errors" in line for line in text.splitlines())


def test_errors_may_lie_in_a_file_beside(arrays, tmp_path):
    fits.PrimaryHDU(arrays["z"], header()).writeto(tmp_path / "gas_metallicity.fits")
    fits.PrimaryHDU(arrays["z_error"], header()).writeto(tmp_path / "gas_metallicity_unc.fits")
    _, config = initial(tmp_path / "gas_metallicity.fits")
    assert config["maps"]["z"]["error"]["file"] == "gas_metallicity_unc.fits"


def test_a_psf_in_a_header_is_no_question(arrays, tmp_path):
    cards = {"PSF_FWHM": 0.8, "PIXSCALE": 0.2}
    images = {name: arrays[name] for name in ("z", "z_error", "light", "light_error")}
    names = {"z": "Z", "z_error": "Z_ERR", "light": "LIGHT", "light_error": "LIGHT_ERR"}
    path = save(tmp_path / "maps.fits", cards, **{names[key]: a for key, a in images.items()})
    text, config = initial(path)
    assert "# ?" not in text
    for entry in config["maps"].values():
        assert entry["psf"] == {"gaussian": {"fwhm": 0.8}} and entry["pixel_scale"] == 0.2
    scene = load(tmp_path / "fit.yaml")
    assert float(scene.galaxy.disc.metallicity.gradient) == pytest.approx(-0.15, abs=0.08)
    # The galaxy is hardly wider than the PSF: its picture would be blurred twice.
    assert scene.galaxy.disc.light.name == "sersic"
    assert "disc.light.R_sersic" in scene.priors


def test_a_well_resolved_galaxy_has_its_picture_as_the_light(arrays, tmp_path):
    images = {"Z": "z", "Z_ERR": "z_error", "LIGHT": "light", "LIGHT_ERR": "light_error"}
    images = {name: arrays[key] for name, key in images.items()}
    path = save(tmp_path / "maps.fits", {"PSF_FWHM": 0.4, "PIXSCALE": 0.2}, **images)
    assert initial(path)[1]["galaxy"]["disc"]["light"]["profile"] == "image"


def test_a_velocity_field_becomes_a_rotation(tmp_path):
    instrument = telescope((15, 15))
    x, y = (np.asarray(axis) for axis in instrument.grid.coordinates)
    field = 1500 + 100 * np.tanh(x) + 0 * y
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(field, header(BUNIT="km/s"), name="VEL")]
    hdus.append(fits.ImageHDU(np.full(field.shape, 5.0), header(), name="EVEL"))
    fits.HDUList(hdus).writeto(tmp_path / "v.fits")
    _, config = initial(tmp_path / "v.fits")
    assert config["maps"]["vel"]["scale"] == "linear"
    assert config["galaxy"]["disc"]["velocity"]["profile"] == "rotation"
    velocity = load(tmp_path / "fit.yaml").galaxy.disc.velocity
    assert float(velocity.systemic) == pytest.approx(1500, abs=20)
    # On the sky the columns run to the west.
    assert float(velocity.position_angle) == pytest.approx(270, abs=5)


@pytest.fixture(scope="module")
def lines():
    """Images of two lines."""
    truth = jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=30.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.1),
            emission=jm.Emission("curti20"),
        )
    )
    maps = jm.simulate.line_maps(truth, telescope(), ("Ha", "NII6584"), seed=4)
    names = {"Ha": ("FLUX_HALPHA", "ERR_HALPHA"), "NII6584": ("FLUX_NII6583", "ERR_NII6583")}
    images = {}
    for line, (value, error) in names.items():
        images[value], images[error] = maps[line].values, maps[line].sigma
    return images


@pytest.mark.parametrize("options", [(), ("--lines",)])
def test_line_maps_are_fitted_as_lines(lines, tmp_path, options):
    _, config = initial(save(tmp_path / "lines.fits", **lines), *options)
    gas = config["maps"]["gas"]
    assert gas["lines"]["NII6584"] == {
        "value": "FLUX_NII6583",
        "error": "ERR_NII6583",
        "relative_to": "Ha",
    }
    assert config["galaxy"]["disc"]["emission"]["relation"] == "curti20"
    scene = load(tmp_path / "fit.yaml")
    assert float(scene.galaxy.disc.metallicity.central) == pytest.approx(8.6, abs=0.3)


def refused(tmp_path, capsys, path, *options):
    """The only line that the command says; nothing may be written."""
    capsys.readouterr()
    out = tmp_path / "refused.yaml"
    assert cli.main(["init", str(path), "--out", str(out), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert not out.exists()
    return line


def test_lines_that_are_not_there_are_asked_for_in_one_line(arrays, tmp_path, capsys):
    path = save(tmp_path / "maps.fits", Z=arrays["z"], Z_ERR=arrays["z_error"])
    assert "--lines needs" in refused(tmp_path, capsys, path, "--lines")


def bad_files(folder):
    """{what a line must say: the path of a file that cannot be used}."""
    paths = {}
    for text, contents in (("cannot be read", b"hello"), ("Empty", b"")):
        paths[text] = folder / f"{len(contents)}.fits"
        paths[text].write_bytes(contents)
    cube = fits.PrimaryHDU(np.zeros((3, 20, 20)))
    column = fits.Column("a", "D", array=np.arange(4.0))
    table = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])])
    for text, hdu in (
        ("cube", cube),
        ("table", table),
        ("no data", fits.PrimaryHDU()),
        ("row of numbers", fits.PrimaryHDU(np.arange(30.0))),
        ("no pixel", fits.PrimaryHDU(np.full((20, 20), np.nan))),
    ):
        paths[text] = folder / f"{text.replace(' ', '_')}.fits"
        hdu.writeto(paths[text])
    return {**paths, "no such file": folder / "nowhere.fits"}


def test_what_is_no_map_is_refused_in_one_line(tmp_path, capsys):
    for text, path in bad_files(tmp_path).items():
        line = refused(tmp_path, capsys, path)
        assert line.startswith("jaxmetal: ") and text in line, line


def test_a_configuration_is_not_replaced_by_accident(arrays, tmp_path, capsys):
    path = save(tmp_path / "maps.fits", Z=arrays["z"], Z_ERR=arrays["z_error"])
    out = tmp_path / "fit.yaml"
    out.write_text("mine")
    assert cli.main(["init", str(path), "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err and out.read_text() == "mine"
    assert cli.main(["init", str(path), "--out", str(out), "--force"]) == 0
    assert "maps:" in out.read_text()
    assert cli.main(["init", str(path), "--out", str(tmp_path / "fit.txt")]) == 2


@pytest.mark.parametrize("text", ["Y", "no", "12", "1e5", "a: b", "{x}", "Z_ERR", "maps/z.fits"])
def test_texts_stay_texts_in_yaml(text):
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}


@pytest.mark.slow
def test_a_manga_file_is_known_by_its_reader(tmp_path):
    path = data_path(MANGA)
    out = tmp_path / "fit.yaml"
    assert cli.main(["init", str(path), "--out", str(out)]) == 0
    config = yaml.safe_load(out.read_text())
    assert config["maps"]["manga"]["kind"] == "manga" and config["errors"] == "sandwich"
    assert config["galaxy"]["disc"]["metallicity"]["inclination"] == "manga.inclination"
    assert "# ?" not in out.read_text()
    assert float(load(out).galaxy.disc.metallicity.gradient) == pytest.approx(-0.0125, abs=0.003)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        (MANGA, ["--lines"], ("manga", "relative_to")),
        (SAMI, [], ("sami", "psf")),
        (SAMI, ["--lines"], ("sami", "relative_to")),
        (CALIFA, [], ("gas", "lines")),
        (AS1063, [], ("z", "error")),
        (OII, [], ("light", "variance")),
    ],
)
def test_real_files_give_configurations_that_are_valid(name, options, expected, tmp_path):
    out = tmp_path / "fit.yaml"
    assert cli.main(["init", str(data_path(name)), "--out", str(out), *options]) == 0
    config = yaml.safe_load(out.read_text())
    entry, key = expected
    assert key in config["maps"][entry]
    assert cli.main(["validate", str(out)]) == 0


@pytest.mark.slow
def test_from_a_file_to_a_gradient(arrays, tmp_path, monkeypatch, capsys):
    """The three commands of a first fit, with nothing written by hand."""
    monkeypatch.chdir(tmp_path)
    images = {"Z": "z", "Z_ERR": "z_error", "LIGHT": "light", "LIGHT_ERR": "light_error"}
    cards = {"PSF_FWHM": 0.8, "PIXSCALE": 0.2}
    save(tmp_path / "maps.fits", cards, **{name: arrays[key] for name, key in images.items()})
    for command in (["init", "maps.fits"], ["fit", "fit.yaml"], ["report", "fit-results"]):
        assert cli.main([*command, "--quiet"]) == 0
    assert (tmp_path / "fit-results" / "report.html").is_file()
    rows = capsys.readouterr().out.splitlines()
    row = next(line for line in rows if line.startswith("forward-modelled, posterior"))
    gradient, _, error = row.split()[2:5]
    assert abs(float(gradient) + 0.15) < 4 * float(error)
