"""SAMI's value-added maps: small made-up files whose answers are known, and real ones."""

import numpy as np
import pytest
from astropy.io import fits

from jaxmetal.errors import InputError
from jaxmetal.io.readers.sami import read_sami
from jaxmetal.io.scene import build
from tests.data import data_path
from tests.paths import example_module

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 12
NAME = "7_A_{}_default_1-comp.fits"
# Lines of a galaxy whose 12 + log(O/H) by O3N2 of Marino et al. (2013) is 8.533 - 0.214 * 0.6.
FLUXES = {"Halpha": 100.0, "Hbeta": 35.0, "OIII5007": 35.0, "NII6583": 100.0 * 10**-0.6}
CUBE = {"PSFFWHM": 2.1, "PSFBETA": 3.2}


def write(folder):
    """The files of a cube, with its header and the tables of the release."""
    for line, flux in FLUXES.items():
        values = np.full((SIZE, SIZE), flux, "f4")
        values[0, 0], values[1, 1] = np.nan, 0.1
        if line == "Halpha":
            # The sum over velocity components, then the first of them.
            values = np.stack([values, 0 * values])
        errors = fits.ImageHDU(np.ones_like(values), name=f"{line}_ERR")
        hdus = fits.HDUList([fits.PrimaryHDU(values), errors])
        for hdu in hdus:
            hdu.header.update(
                {
                    "CTYPE1": "RA---TAN",
                    "CTYPE2": "DEC--TAN",
                    "CRVAL1": 150.0,
                    "CRVAL2": 2.0,
                    "CRPIX1": 6.5,
                    "CRPIX2": 6.5,
                }
            )
            hdu.header.update(
                {"CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600, "CUNIT1": "deg", "CUNIT2": "deg"}
            )
        hdus[0].header["BUNIT"] = "10**(-16) erg/s/cm**2/angstrom/pixel"
        hdus.writeto(folder / NAME.format(line))
    fits.PrimaryHDU(header=fits.Header(CUBE)).writeto(folder / "cube.fits")
    tables = folder / "tables"
    tables.mkdir()
    (tables / "sami_InputCatGAMADR3.csv").write_text("catid,r_e,z_spec\n6,1,1\n7,3.5,0.05\n")
    (tables / "sami_MGEPhotomUnregDR3.csv").write_text("catid,pamge,epsmge_re\n7,40.0,0.5\n")
    return folder / NAME.format("Halpha")


def test_lines_geometry_and_psf_are_read(tmp_path):
    path = write(tmp_path)
    galaxy = read_sami(path, tables=tmp_path / "tables", cube=tmp_path / "cube.fits")
    disc, psf, z = galaxy.geometry, galaxy.psf_of("z"), galaxy.maps["z"]
    assert galaxy.name == "7_A"
    assert (disc.effective_radius, disc.redshift, disc.position_angle) == (3.5, 0.05, 40.0)
    assert np.cos(np.deg2rad(disc.inclination)) == pytest.approx(0.5)
    assert (float(psf.fwhm), float(psf.beta)) == pytest.approx((2.1, 3.2))
    assert z.values[5, 5] == pytest.approx(8.533 - 0.214 * 0.6, abs=1e-4)
    assert np.isnan(z.values[[0, 1], [0, 1]]).all() and np.isfinite(z.values).sum() == SIZE**2 - 2
    light = galaxy.maps["halpha"]
    assert light.values[5, 5] == 100 and np.isfinite(light.values).sum() == SIZE**2 - 1
    assert light.unit == "1e-16 erg / (s cm2)"
    np.testing.assert_allclose(galaxy.grid.pixel(0.0, 0.0), (5.5, 5.5), atol=1e-3)


def test_a_configuration_reads_it_with_its_options(tmp_path):
    write(tmp_path)
    entry = {
        "kind": "sami",
        "file": NAME.format("Halpha"),
        "tables": "tables",
        "cube": "cube.fits",
        "supersampling": 1,
    }
    metallicity = {
        "profile": "disc_gradient",
        "central": 8.5,
        "gradient": 0.0,
        "inclination": "s.inclination",
        "position_angle": 0,
    }
    light = {"profile": "image", "map": "halpha"}
    config = {
        "maps": {"s": entry},
        "galaxy": {"disc": {"light": light, "metallicity": metallicity}},
        "priors": {"disc.metallicity.central": {"normal": [8.5, 1]}},
    }
    scene = build(config, tmp_path)
    assert scene.maps["z"].map.size == SIZE**2 - 2 and scene.disc.redshift == 0.05
    entry["cube"] = None
    del entry["tables"]
    with pytest.raises(InputError) as found:
        build(config, tmp_path)
    lines = str(found.value).splitlines()
    assert lines == ["maps.s: psf: the reader does not know that of 'z'; give one, or none."]


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        (
            {"cube": "bare.fits"},
            r"bare.fits\[0\]: header key PSFFWHM must be a positive number, got None",
        ),
        ({"tables": "empty"}, "empty: no galaxy 7 in no table sami_InputCat"),
        ({"calibration": "o3n2"}, "unknown calibration 'o3n2'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, options, culprit):
    path = write(tmp_path)
    (tmp_path / "empty").mkdir()
    fits.PrimaryHDU().writeto(tmp_path / "bare.fits")
    paths = {name: tmp_path / value for name, value in options.items() if name != "calibration"}
    with pytest.raises(InputError, match=culprit):
        read_sami(path, **(options | paths))


def test_the_files_go_by_their_names(tmp_path):
    path = write(tmp_path)
    with pytest.raises(InputError, match="expected the map of H-alpha by its name in SAMI"):
        read_sami(tmp_path / NAME.format("Hbeta"))
    (tmp_path / NAME.format("Hbeta")).unlink()
    with pytest.raises((InputError, OSError), match=r"7_A_Hbeta_default_1-comp\.fits"):
        read_sami(path)


def test_a_real_galaxy(tmp_path):
    """41144 of SAMI as observed in April 2014: 678 star-forming spaxels."""
    folder = data_path("sami_dr3/41144_B")
    galaxy = read_sami(folder / "41144_B_Halpha_default_1-comp.fits", tables=folder.parent / "cat")
    assert galaxy.name == "41144_B" and galaxy.psf_of("z") is None
    assert np.isfinite(galaxy.maps["z"].values).sum() == 678
    disc = galaxy.geometry
    assert (disc.effective_radius, disc.redshift) == (6.85, 0.02964)
    assert np.cos(np.deg2rad(disc.inclination)) == pytest.approx(1 - 0.43990555)


def test_two_observations_of_a_galaxy_lie_on_one_sky(tmp_path):
    """The centre that the first file states is (0, 0) in both."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    for line in FLUXES:
        for extension in (0, 1):
            # What lies at the reference position is two pixels further south than in the first.
            fits.setval(
                tmp_path / "second" / NAME.format(line),
                "CRVAL2",
                value=2.0 + 1.0 / 3600,
                ext=extension,
            )
    entries = {
        name: {
            "kind": "sami",
            "file": f"{name}/{NAME.format('Halpha')}",
            "psf": "none",
            "supersampling": 1,
            "names": {"z": f"z_{name}", "halpha": "none"},
        }
        for name in ("first", "second")
    }
    config = {
        "maps": entries,
        "galaxy": {
            "disc": {
                "light": {"profile": "uniform", "amp": 1.0},
                "metallicity": {"profile": "uniform", "value": 8.5},
            }
        },
        "priors": {"disc.metallicity.value": {"normal": [8.5, 1]}},
    }
    maps = build(config, tmp_path).maps
    grids = [maps[name].map.instrument.grid for name in ("z_first", "z_second")]
    pixels = [np.asarray(grid.pixel(0.0, 0.0)) for grid in grids]
    np.testing.assert_allclose(pixels, [[5.5, 5.5], [5.5, 3.5]], atol=2e-3)


def test_the_velocity_of_the_gas_is_masked_where_its_line_is_faint(tmp_path):
    path = write(tmp_path)
    with pytest.raises(InputError, match="gas-velocity"):
        read_sami(path, kinematics=True)
    with fits.open(path) as hdus:
        values = np.full((1, SIZE, SIZE), 80.0, "f4")
        header = hdus[0].header
        first = fits.PrimaryHDU(values, header)
        gas = fits.HDUList([first, fits.ImageHDU(np.ones_like(values), hdus[1].header)])
        gas.writeto(tmp_path / NAME.format("gas-velocity"))
    velocity = read_sami(path, kinematics=True).maps["velocity"]
    assert (velocity.tracer, velocity.scale, velocity.unit) == ("velocity", "linear", "km/s")
    assert np.isnan(velocity.values[[0, 1], [0, 1]]).all()
    assert velocity.values[5, 5] == 80.0 and velocity.sigma[5, 5] == 1.0


@pytest.mark.slow
def test_two_seeings_of_one_galaxy_show_one_rotation_curve():
    """SAMI 41144 through 1.96 and 2.32 arcsec."""
    folder, rotation = data_path("sami_dr3"), example_module("rotation")
    first, second = (rotation.sami(folder, cube) for cube in ("41144_B", "41144_D"))
    assert first.converged and second.converged
    for name in ("v_max", "r_turn"):
        path = f"disc.velocity.{name}"
        difference = first.parameters[path] - second.parameters[path]
        error = np.hypot(first.errors[path], second.errors[path])
        print(f"{name}: {first.parameters[path]:.2f}, {second.parameters[path]:.2f} +- {error:.2f}")
        assert abs(difference) < 3 * error
    angles = [fit.parameters["disc.velocity.position_angle"] for fit in (first, second)]
    assert angles == pytest.approx([150.0, 150.0], abs=2.0)
