"""Galaxies of a catalogue that lack a line."""

import numpy as np
import pytest
from astropy.table import Table

import jaxmetal as jm
from jaxmetal.survey.catalogue import Catalogue, configure

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

RAW = {
    "maps": {
        "gas": {
            "kind": "lines",
            "file": "{file}",
            "lines": {"Ha": "HA", "NII6584": {"value": "{nii}", "error": "E"}, "Hb": "{hb}"},
            "names": {"NII6584": "n2"},
        },
        "o3": {"kind": "line", "line": "OIII5007", "file": "{o3}", "value": "O3"},
    },
    "galaxy": {},
    "priors": {"n2.scatter": {"half_normal": 0.1}, "disc.light.amp": {"log_normal": [0, 1]}},
}


def catalogue(**cells):
    row = {"id": "g", "file": "a.fits", "nii": "NII", "hb": "HB", "o3": "b.fits"} | cells
    empty = [name for name, value in row.items() if value is None]
    table = Table([{name: value or "x" for name, value in row.items()}], masked=True)
    for name in empty:
        table[name].mask[0] = True
    return Catalogue(table, "id")


def test_nothing_is_left_out_of_a_whole_row(recwarn):
    whole = configure(RAW, catalogue(), 0)
    assert set(whole["maps"]["gas"]["lines"]) == {"Ha", "NII6584", "Hb"} and not recwarn.list
    assert whole["priors"] == RAW["priors"]


@pytest.mark.parametrize("nothing", [None, " "])
def test_a_line_without_a_place_is_left_out_with_its_priors(nothing):
    with pytest.warns(jm.InputWarning, match="without n2: the catalogue has no nii in this row"):
        rest = configure(RAW, catalogue(nii=nothing), 0)
    assert set(rest["maps"]["gas"]["lines"]) == {"Ha", "Hb"} and not rest["maps"]["gas"]["names"]
    assert rest["maps"]["o3"]["file"] == "b.fits"
    assert set(rest["priors"]) == {"disc.light.amp"}


def test_a_map_of_its_own_is_left_out_too():
    with pytest.warns(jm.InputWarning, match="without o3: the catalogue has no o3"):
        assert set(configure(RAW, catalogue(o3=None), 0)["maps"]) == {"gas"}


def test_one_line_is_no_ratio():
    with pytest.raises(jm.InputError, match="has no nii, hb, o3 in this row; one line is no ratio"):
        configure(RAW, catalogue(nii=None, hb=None, o3=None), 0)


def test_what_all_lines_need_is_still_an_error():
    with pytest.raises(jm.InputError, match=r"maps\.gas\.file: the catalogue has no file"):
        configure(RAW, catalogue(file=None), 0)


def test_a_galaxy_is_fitted_with_the_lines_that_it_has(tmp_path):
    from jaxmetal.io.fits import write_maps
    from jaxmetal.survey.scenes import scene_of
    from tests.scenes import telescope

    galaxy = jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1),
            emission=jm.Emission("curti20"),
        )
    )
    lines = ("Ha", "NII6584", "OIII5007")
    maps = jm.simulate.line_maps(galaxy, telescope((12, 12), 0.5), lines, seed=1)
    images = {name: (np.asarray(one.values), "") for name, one in maps.items()}
    write_maps(tmp_path / "g.fits", images)
    entry = {
        "kind": "lines",
        "file": "g.fits",
        "pixel_scale": 0.5,
        "psf": {"gaussian": {"fwhm": 0.8}},
    }
    entry |= {"sigma": float(np.max(maps["Ha"].sigma))}
    entry["lines"] = {"Ha": "Ha", "NII6584": "NII6584", "OIII5007": "{o3}"}
    disc = {
        "light": {"profile": "sersic", "amp": 3.0, "R_sersic": 1.0, "n_sersic": 1.0},
        "metallicity": {"profile": "gradient", "central": 8.3, "gradient": 0.0},
        "emission": {"relation": "curti20"},
    }
    raw = {"maps": {"gas": entry}, "galaxy": {"disc": disc}}
    raw["priors"] = {"disc.metallicity.central": {"uniform": [7, 9]}}
    raw["survey"] = {}
    table = Table({"id": ["a", "b"], "o3": ["OIII5007", ""]})
    scenes = [scene_of(raw, tmp_path, Catalogue(table, "id"), row) for row in (0, 1)]
    assert [set(scene.maps) for scene, _ in scenes] == [set(lines), set(lines[:2])]
    assert [note for _, note in scenes] == [
        "",
        "without OIII5007: the catalogue has no o3 in this row",
    ]
