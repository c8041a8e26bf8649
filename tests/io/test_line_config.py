"""Emission lines in configurations: maps of several lines of one file, ratios, what gas emits."""

import textwrap

import numpy as np
import pytest
from astropy.io import fits

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.io.kept import write_map
from jaxmetal.io.scene import load
from jaxmetal.io.summary import unit_of
from jaxmetal.view.report import fit_page
from tests.data import data_path
from tests.scenes import telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

LINES = ("Ha", "Hb", "NII6584", "OIII4959", "OIII5007")
GALAXY = """
galaxy:
  disc:
    light: {profile: sersic, amp: 2.0, R_sersic: 1.0, n_sersic: 1}
    metallicity: {profile: gradient, central: 8.4, gradient: 0}
    emission: {relation: curti20}
priors:
  disc.light.amp: {log_uniform: [0.1, 100]}
  disc.metallicity.central: {uniform: [7.5, 9.2]}
  disc.metallicity.gradient: {normal: [0, 0.5]}
"""
MAPS = """
maps:
  gas:
    kind: lines
    file: lines.fits
    pixel_scale: 0.2
    psf: {gaussian: {fwhm: 0.8}}
    supersampling: [4, 2]
    margin: 8
    lines:
      Ha: {value: HA, error: HA_ERROR}
      NII6584: {value: NII6584, error: NII6584_ERROR}
      OIII4959+OIII5007: {value: O3, error: O3_ERROR, psf: {gaussian: {fwhm: 0.9}}}
"""

FIT_ALONE = "fit: {starts: 1}\nsample: false\nplots: false\n"


def truth():
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.15),
            emission=jm.Emission("curti20"),
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file of line maps, with noise."""
    folder = tmp_path_factory.mktemp("lines")
    maps = jm.simulate.line_maps(truth(), telescope(), LINES, seed=4)
    images = {name.upper(): np.asarray(one.values) for name, one in maps.items()}
    images["O3"] = images["OIII4959"] + images["OIII5007"]
    sigma = np.asarray(maps["Ha"].sigma)
    hdus = [fits.PrimaryHDU()]
    for name, image in images.items():
        error = sigma * (np.sqrt(2) if name == "O3" else 1)
        hdus += [fits.ImageHDU(image, name=name), fits.ImageHDU(error, name=f"{name}_ERROR")]
    ratio = np.log10(np.clip(images["NII6584"], 1e-6, None) / np.clip(images["HA"], 1e-6, None))
    hdus.append(fits.ImageHDU(ratio, name="N2"))
    bins = np.arange(31 * 31).reshape(31, 31) // 5
    hdus.append(fits.ImageHDU(bins, name="BINS"))
    fits.HDUList(hdus).writeto(folder / "lines.fits")
    return folder


def scene(folder, text, name="fit.yaml"):
    (folder / name).write_text(textwrap.dedent(text), "utf-8")
    return load(folder / name)


def test_lines_of_one_file_are_maps_by_their_names(folder):
    maps = {name: one.map for name, one in scene(folder, MAPS + GALAXY).maps.items()}
    assert list(maps) == ["Ha", "NII6584", "OIII4959_OIII5007"]
    assert all(isinstance(one, jm.LineMap) for one in maps.values())
    assert maps["OIII4959_OIII5007"].line == (("OIII4959", 1.0), ("OIII5007", 1.0))
    # The lines without a PSF of their own share their instrument.
    assert maps["Ha"].instrument is maps["NII6584"].instrument
    assert float(maps["OIII4959_OIII5007"].instrument.psf.fwhm) == pytest.approx(0.9)


@pytest.mark.slow
def test_a_fit_of_lines_keeps_what_it_needs(folder, tmp_path):
    """A folder of results makes the same figures, and can be fitted again."""
    text = MAPS.replace("fwhm: 0.9", "fwhm: 0.8") + GALAXY + FIT_ALONE
    (folder / "run.yaml").write_text(text, "utf-8")
    made = jm.run(folder / "run.yaml", out=tmp_path / "results")
    again = load(tmp_path / "results" / "config.resolved.yaml")
    assert [type(one.map) for one in again.maps.values()] == [jm.LineMap] * 3
    assert again.galaxy.disc.emission.lines == truth().disc.emission.lines
    height = compiled_once(lambda model, point: model.log_density(point))
    heights = [float(height(one.model(), made.fit.unconstrained)) for one in (again, made.scene)]
    assert heights[0] == pytest.approx(heights[1], rel=1e-5)
    fit = made.fit
    assert fit.converged
    for path, value in {"central": 8.6, "gradient": -0.15}.items():
        path = f"disc.metallicity.{path}"
        assert abs(fit.parameters[path] - value) < 4 * fit.errors[path]


def test_the_report_of_lines_has_their_figures_and_naive_gradients(folder, tmp_path):
    text = MAPS.replace("fwhm: 0.9", "fwhm: 0.8") + GALAXY + FIT_ALONE
    (folder / "report.yaml").write_text(text, "utf-8")
    made = jm.run(folder / "report.yaml", out=tmp_path / "results")
    failures = {}
    page = fit_page(made.scene, made.fit, None, "lines", failures)
    assert failures == {}
    for title in ("Emission lines", "Radial profile of metallicity", "Map NII6584"):
        assert f"<figcaption>{title}</figcaption>" in page
    assert "Gradient of metallicity" in page and "naive: S/N &gt; 3" in page
    summary = (tmp_path / "results" / "summary.txt").read_text("utf-8")
    assert "naive: positive fluxes" in summary and "forward-modelled, maximum" in summary


def test_parameters_have_units(folder):
    one = scene(folder, MAPS + GALAXY)
    units = {path: unit_of(path, one) for path in one.priors}
    assert units["disc.metallicity.central"] == "dex"
    assert units["disc.metallicity.gradient"] == "dex/arcsec"


def test_names_and_common_keys(folder):
    text = """
    maps:
      gas:
        kind: lines
        file: lines.fits
        pixel_scale: 0.2
        psf: none
        sigma: 0.01
        names: {Ha: red, NII6584: nitrogen}
        lines: {Ha: HA, NII6584: {value: NII6584, error: NII6584_ERROR, scatter: 0.1}}
    """
    maps = scene(folder, textwrap.dedent(text) + GALAXY).maps
    assert list(maps) == ["red", "nitrogen"]
    assert float(maps["nitrogen"].map.scatter) == pytest.approx(0.1)
    assert float(maps["red"].map.scatter) == 0
    np.testing.assert_allclose(maps["red"].map.sigma, 0.01, rtol=1e-6)


def test_a_single_line_and_a_ratio(folder):
    text = """
    maps:
      blend:
        kind: line
        line: {Ha: 1, NII6584: 1.33}
        file: lines.fits
        value: HA
        sigma: 0.01
        pixel_scale: 0.2
        psf: none
      n2:
        kind: ratio
        numerator: NII6584
        denominator: Ha
        file: lines.fits
        value: N2
        sigma: 0.1
        pixel_scale: 0.2
        psf: none
    """
    maps = scene(folder, textwrap.dedent(text) + GALAXY).maps
    assert maps["blend"].map.line == (("Ha", 1.0), ("NII6584", 1.33))
    assert isinstance(maps["n2"].map, jm.RatioMap) and maps["n2"].unit == "dex"


RELATION = """
def ratios(metallicity):
    return {"NII6584/Ha": 1.5 * (metallicity - 9.0), "OIII5007/Hb": 8.3 - metallicity}
"""


def test_a_relation_and_its_numbers_in_a_configuration(folder):
    (folder / "own.py").write_text(RELATION, "utf-8")
    emission = "{relation: own.py:ratios, balmer: 2.75, offset: {NII6584: 0.1}, reference: Ha}"
    galaxy = GALAXY.replace("{relation: curti20}", emission)
    disc = scene(folder, MAPS + galaxy).galaxy.disc
    assert float(disc.emission.balmer) == pytest.approx(2.75)
    assert float(disc.emission.offset["NII6584"]) == pytest.approx(0.1)
    assert disc.emission.relation.function(8.0)["NII6584/Ha"] == pytest.approx(-1.5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("relation: curti20", "relation: curti", "galaxy.disc.emission: Emission.relation"),
        ("relation: curti20", "relaton: curti20", "unknown key 'relaton'"),
        ("NII6584: {", "NII6585: {", "unknown line 'NII6585'. Did you mean 'NII6584'"),
        ("value: HA, error: HA_ERROR", "value: HA", "Ha: expected one of error, variance, ivar"),
        ("value: HA, error: HA_ERROR", "error: HA_ERROR", "Ha: value is missing"),
        ("value: HA,", "value: NOTHING,", "NOTHING"),
        ("relation: curti20", "relation: marino13, reference: SII6717", "unknown line 'SII6717'"),
        ("metallicity: {profile", "age: {profile", "emission needs a: unknown tracer"),
        ("Ha: {value", "OI6300: {value", "OI6300"),
    ],
)
def test_mistakes_are_named(folder, old, new, words):
    text = MAPS + GALAXY
    assert old in text
    with pytest.raises(jm.InputError) as error:
        scene(folder, text.replace(old, new), "wrong.yaml")
    assert words in str(error.value)


def test_a_line_relative_to_another(folder, tmp_path):
    """The other is the picture of the light, and no data of its own; results can be read again."""
    text = MAPS.replace("NII6584: {value", "NII6584: {relative_to: Ha, value")
    text = text[: text.index("      OIII4959")]
    galaxy = GALAXY.replace("{profile: sersic, amp: 2.0, R_sersic: 1.0, n_sersic: 1}", PICTURE)
    galaxy = galaxy.replace("  disc.light.amp: {log_uniform: [0.1, 100]}\n", "")
    name = folder / "relative.yaml"
    name.write_text(text + galaxy + FIT_ALONE, "utf-8")
    first = load(name)
    assert list(first.maps) == ["NII6584"] and list(first.pictures) == ["Ha"]
    assert isinstance(first.maps["NII6584"].map, jm.RelativeLineMap)
    jm.run(name, out=tmp_path / "results")
    again = load(tmp_path / "results" / "config.resolved.yaml")
    assert isinstance(again.maps["NII6584"].map, jm.RelativeLineMap)
    base = again.maps["NII6584"].map.base
    np.testing.assert_allclose(base, first.maps["NII6584"].map.base, rtol=1e-6)
    with pytest.raises(jm.InputError, match="relative_to: unknown map 'Hb'"):
        scene(folder, (text + galaxy).replace("relative_to: Ha", "relative_to: Hb"), "wrong.yaml")


def test_a_relative_line_in_bins_is_kept(folder, tmp_path):
    """The flux of each bin comes back, not that of its mean pixel, nor their sum."""
    text = MAPS.replace("NII6584: {value", "NII6584: {relative_to: Ha, value")
    text = text[: text.index("      OIII4959")].replace("    margin: 8\n", "    bins: BINS\n")
    name = folder / "bins.yaml"
    galaxy = GALAXY.replace("  disc.light.amp: {log_uniform: [0.1, 100]}\n", "")
    name.write_text(text + galaxy + FIT_ALONE, "utf-8")
    first = load(name).maps["NII6584"].map
    assert first.values.shape == (193,)
    jm.run(name, out=tmp_path / "results")
    again = load(tmp_path / "results" / "config.resolved.yaml").maps["NII6584"].map
    for field in ("values", "sigma", "base", "base_sigma"):
        one, other = (np.asarray(getattr(m, field)) for m in (first, again))
        np.testing.assert_allclose(other, one, rtol=1e-5)


PICTURE = "{profile: image, map: Ha}"


def test_a_grid_in_a_file_is_a_relation(folder):
    """The light of a second tracer, the ionisation parameter, has a prior like any other."""
    from astropy.table import Table

    z, u = (p.ravel() for p in np.meshgrid([7.0, 8.0, 9.5], [-4.0, -2.0], indexing="ij"))
    columns = {"logOH": z, "log_u": u, "OIII5007": 8.6 - z + 0.6 * (u + 3), "NII6584": z - 9.2}
    Table(columns).write(folder / "grid.ecsv", overwrite=True)
    text = (MAPS + GALAXY).replace(
        "emission: {relation: curti20}",
        "log_u: {profile: uniform, value: -3}\n"
        "    emission: {relation: {grid: grid.ecsv, axes: {metallicity: logOH, log_u: log_u}}}",
    )
    one = scene(folder, text + "  disc.log_u.value: {normal: [-3, 0.5]}\n", "grid.yaml")
    emission = one.galaxy.disc.emission
    assert emission.tracers(["metallicity", "log_u"]) == ("metallicity", "log_u")
    values = {"metallicity": np.array(8.5), "log_u": np.array(-2.5)}
    expected = 8.6 - 8.5 + 0.3 - np.log10(2.86)
    assert float(emission.log_ratios(values)["OIII5007"]) == pytest.approx(expected, abs=1e-5)
    assert "disc.log_u.value" in one.model().names
    with pytest.raises(jm.InputError, match=r"grid\.ecsv: LineGrid\.axes: unknown column"):
        scene(folder, text.replace("metallicity: logOH", "metallicity: logO"), "grid.yaml")


def test_upper_limits_of_a_file_are_kept_with_the_results(folder, tmp_path):
    """Where an extension says so, for one line of several."""
    with fits.open(folder / "lines.fits") as hdus:
        images = {h.name: h.data.copy() for h in hdus if h.data is not None}
    limits = (images["NII6584"] < images["NII6584_ERROR"]).astype(np.int16)
    images["NII6584"] = np.where(limits, 3 * images["NII6584_ERROR"], images["NII6584"])
    hdus = [fits.ImageHDU(image, name=name) for name, image in (images | {"LIM": limits}).items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / "limits.fits", overwrite=True)
    text = (MAPS + GALAXY).replace("lines.fits", "limits.fits")
    text = text.replace("error: NII6584_ERROR}", "error: NII6584_ERROR, limits: LIM}")
    one = scene(folder, text, "limits.yaml")
    assert one.maps["Ha"].map.censored is None
    np.testing.assert_array_equal(one.maps["NII6584"].map.censored, limits > 0)
    keep = one.maps["NII6584"]
    write_map(tmp_path / "map.fits", keep, {"DATA": (np.asarray(keep.map.data), "")})
    np.testing.assert_array_equal(fits.getdata(tmp_path / "map.fits", "LIMITS"), limits)


CALIFA = """
maps:
  gas:
    kind: lines
    file: PATH
    psf: {gaussian: {fwhm: 2.6}}
    lines:
      Ha: {value: FLUX_HALPHA, error: ERR_HALPHA}
      NII6584: {value: FLUX_NII6583, error: ERR_NII6583}
"""


@pytest.mark.parametrize("resolution", ["native", "7arcsec"])
def test_line_maps_of_califa_are_read_with_errors_and_place(resolution, tmp_path):
    path = data_path(f"ngc4047_edge_califa/NGC4047_{resolution}.fits")
    one = scene(tmp_path, CALIFA.replace("PATH", str(path)) + GALAXY)
    with fits.open(path) as file:
        for name, plane in {"Ha": "HALPHA", "NII6584": "NII6583"}.items():
            values, errors = (np.asarray(file[f"{k}_{plane}"].data, float) for k in ("FLUX", "ERR"))
            found = one.maps[name].map
            known = np.asarray(found.valid)
            expected = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
            assert known.sum() > 400 and not np.any(known & ~expected)
            np.testing.assert_allclose(found.data[known], values[known], rtol=1e-5)
            np.testing.assert_allclose(found.errors[known], errors[known], rtol=1e-5)
            assert one.maps[name].unit == "1e-16 erg / (s cm2)"
        place = [file["FLUX_HALPHA"].header[key] for key in ("CRVAL1", "CRVAL2")]
    np.testing.assert_allclose(one.reference, place, atol=0.003)
