"""Rotation curves and stellar ages of real galaxies at two resolutions, and behind none.

    JAXMETAL_DATA=/path/to/data python scripts/examples/rotation.py [co] [halpha] [ages] [sami]

co       NGC 4047: velocity and dispersion of CO in a beam of 7 arcsec, beside published curves
halpha   its velocities of Ha, native and in a beam of 7 arcsec
ages     its stellar ages at the same two resolutions, averaged as the code that made them did
sami     SAMI 41144 in two seeings

README.md beside this file has the numbers.
"""

import csv
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpyro.distributions as dist
from astropy.io import fits
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.io.pictures import picture
from jaxmetal.io.scene import build
from jaxmetal.profiles.geometry import ellipticity

# NGC 4047 of CALIFA and EDGE; all beams are round Gaussians, FWHM in arcsec.
CENTER, INCLINATION, POSITION_ANGLE = (180.7111067, 48.6362161), 42.0, 284.0
BEAMS = {"native": 2.6, "7arcsec": 7.0}
# Length of the noise's correlation, arcsec; see lines.py.
LENGTHS = {"native": 1.1, "7arcsec": 4.05}
RADII = np.array([2.0, 4.0, 7.0, 10.0, 15.0, 20.0, 30.0])
# Least signal-to-noise ratio of the fluxes whose velocities are fitted, of CO and of Ha.
CO_SNR, HALPHA_SNR = 3.0, 10.0
GRADIENT = "disc.age.gradient"


def curve_of(fit: jm.Fit, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Velocities of an arctan curve and their errors, from the covariance of its parameters."""
    names = ["disc.velocity.v_max", "disc.velocity.r_turn"]
    places = [list(fit.parameters).index(name) for name in names]
    v, r = (float(fit.parameters[name]) for name in names)
    x = radii / r
    slopes = 2 / np.pi * np.stack([np.arctan(x), -v * x / r / (1 + x**2)], axis=1)
    covariance = np.asarray(fit.covariance, float)[np.ix_(places, places)]
    errors = np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes))
    return v * 2 / np.pi * np.arctan(x), errors


def published(folder: Path, source: str) -> np.ndarray:
    """(radii, velocities) of a published rotation curve of NGC 4047."""
    with (folder / "rotation_curves.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    return np.array(sorted((float(r["radius_arcsec"]), float(r["Vrot"])) for r in rows)).T


def images_of(path: Path, names: tuple[str, ...]) -> tuple[dict[str, np.ndarray], jm.Grid]:
    """Images of a file of NGC 4047 by the names of their extensions, and their pixels."""
    with fits.open(path) as hdus:
        images = {name: np.array(hdus[name].data, float) for name in names}
        wcs = WCS(hdus[names[0]].header)
    return images, jm.Grid.from_wcs(wcs, images[names[0]].shape, center=CENTER)


def carbon_monoxide(folder: Path, psf: Any) -> jm.Fit:
    """An arctan curve and a constant dispersion under an exponential disc of CO."""
    names = ("CO_VEL", "CO_DISP", "CO_MOM0")
    path = folder / "NGC4047_7arcsec.fits"
    images, grid = images_of(path, (*names, *(f"E{name}" for name in names)))
    instrument = jm.Instrument(grid, psf, (4, 2))
    faint = ~(images["CO_MOM0"] > CO_SNR * images["ECO_MOM0"])
    v, s, light = ((images[name], images[f"E{name}"], instrument) for name in names)
    maps = {
        "v": jm.TracerMap(*v, "velocity", "linear", mask=faint, unit="km/s"),
        "s": jm.DispersionMap(*s, mask=faint, unit="km/s"),
        "light": jm.LightMap(*light),
    }
    e1, e2 = ellipticity(np.cos(np.deg2rad(INCLINATION)), POSITION_ANGLE)
    disc = jm.Component(
        jm.Profile(jm.light.exponential, amp=10.0, scale_length=7.0, e1=e1, e2=e2),
        velocity=rotation(),
        dispersion=jm.Profile(jm.tracer.uniform, value=15.0),
    )
    priors = {
        "disc.dispersion.value": dist.Uniform(0.0, 80.0),
        "disc.light.amp": dist.LogNormal(2.0, 2.0),
        "disc.light.scale_length": dist.LogNormal(2.0, 0.7),
        # A galaxy is no smooth disc.
        "s.scatter": dist.HalfNormal(20.0),
        "light.scatter": dist.HalfNormal(0.3),
    }
    model = jm.Model(jm.Galaxy(disc=disc), maps, motion_priors() | priors)
    return jm.optimise(model, starts=1)


def rotation() -> jm.Profile:
    """An arctan curve whose position angle is that of neither side of NGC 4047."""
    numbers = {"v_max": 200.0, "r_turn": 3.0, "position_angle": 270.0, "systemic": 3400.0}
    return jm.Profile(jm.tracer.rotation, inclination=INCLINATION, **numbers)


def motion_priors() -> dict[str, Any]:
    """Priors of the curve of NGC 4047, and of the scatter of the map `v` about it."""
    return {
        "disc.velocity.v_max": dist.Uniform(50.0, 500.0),
        "disc.velocity.r_turn": dist.Uniform(0.01, 20.0),
        "disc.velocity.position_angle": dist.Uniform(200.0, 340.0),
        "disc.velocity.systemic": dist.Uniform(3300.0, 3500.0),
        "v.scatter": dist.HalfNormal(20.0),
    }


def native_picture(folder: Path, name: str) -> jm.Profile:
    """The light of NGC 4047 at its native resolution, in which positive pixels count."""
    images, grid = images_of(folder / "NGC4047_native.fits", (name,))
    flux = np.nan_to_num(images[name])
    return jm.Profile(jm.light.image, **picture(np.maximum(flux, 0.0), grid))


def halpha(folder: Path, resolution: str, smeared: bool = True) -> jm.Fit:
    """An arctan curve of the velocities of Ha; the centre is the published one."""
    names = ("VEL_HALPHA", "EVEL_HALPHA", "FLUX_HALPHA", "ERR_HALPHA")
    images, grid = images_of(folder / f"NGC4047_{resolution}.fits", names)
    velocity, sigma, flux, error = images.values()
    instrument = instrument_of(grid, resolution, smeared)
    v = jm.TracerMap(
        velocity,
        sigma,
        instrument,
        "velocity",
        "linear",
        mask=~(flux > HALPHA_SNR * error),
        unit="km/s",
        correlation=jm.noise.gaussian(LENGTHS[resolution], unit="arcsec"),
        check=False,
    )
    disc = jm.Component(native_picture(folder, "FLUX_HALPHA"), velocity=rotation())
    model = jm.Model(jm.Galaxy(disc=disc), {"v": v}, motion_priors(), errors="sandwich")
    return jm.optimise(model, starts=1)


def ages(folder: Path, resolution: str, scale: str = "mean_log", smeared: bool = True) -> jm.Fit:
    """The gradient of the light-weighted age, log10 of years.

    The column EAGE_LW of these files is no error of it (it is AGE_MW - 9), so that all errors are
    in the scatter, which is free.
    """
    images, grid = images_of(folder / f"NGC4047_{resolution}.fits", ("AGE_LW", "CONT", "ECONT"))
    age, continuum, error = images.values()
    z = jm.TracerMap(
        age,
        0.01,
        instrument_of(grid, resolution, smeared),
        "age",
        scale,
        mask=~(continuum > HALPHA_SNR * error),
        unit="dex",
        correlation=jm.noise.gaussian(LENGTHS[resolution], unit="arcsec"),
        check=False,
    )
    geometry = {"inclination": INCLINATION, "position_angle": POSITION_ANGLE}
    line = jm.Profile(jm.tracer.disc_gradient, central=9.3, gradient=0.0, **geometry)
    disc = jm.Component(native_picture(folder, "CONT"), age=line)
    priors = {
        "disc.age.central": dist.Uniform(7.0, 10.5),
        GRADIENT: dist.Normal(0.0, 0.1),
        "z.scatter": dist.HalfNormal(0.5),
    }
    model = jm.Model(jm.Galaxy(disc=disc), {"z": z}, priors, errors="sandwich")
    return jm.optimise(model, starts=1)


def instrument_of(grid: jm.Grid, resolution: str, smeared: bool) -> jm.Instrument:
    """The instrument of a resolution; as if it were perfect where nothing is smeared."""
    return jm.Instrument(grid, jm.GaussianPSF(BEAMS[resolution]) if smeared else jm.NoPSF())


def sami(folder: Path, cube: str, smeared: bool = True) -> jm.Fit:
    """An arctan curve of SAMI's gas where Ha has S/N > 10, about a centre of its own."""
    with (folder / "psf_moffat.csv").open(encoding="utf-8") as file:
        star = next(row for row in csv.DictReader(file) if row["cube"] == cube)
    moffat = {"fwhm": float(star["psf_fwhm_arcsec"]), "beta": float(star["moffat_beta"])}
    gas = {
        "kind": "sami",
        "file": str(folder / cube / f"{cube}_Halpha_default_1-comp.fits"),
        "tables": str(folder / "cat"),
        "kinematics": True,
        "names": {"z": "none"},
        "snr": HALPHA_SNR,
        "psf": {"moffat": moffat} if smeared else "none",
        "margin": 12,
    }
    curve = {"profile": "rotation", "v_max": 200, "r_turn": 1.5, "systemic": 0}
    angles = {"inclination": "gas.inclination", "position_angle": "gas.position_angle"}
    priors = {
        "disc.velocity.v_max": {"uniform": [20, 600]},
        "disc.velocity.r_turn": {"uniform": [0.05, 15]},
        "disc.velocity.position_angle": {"uniform": [-180, 360]},
        "disc.velocity.systemic": {"normal": [0, 100]},
        "disc.velocity.center_x": {"normal": [0, 0.5]},
        "disc.velocity.center_y": {"normal": [0, 0.5]},
        "velocity.scatter": {"half_normal": 20},
    }
    disc = {"light": {"profile": "image", "map": "halpha"}, "velocity": {**curve, **angles}}
    raw = {"maps": {"gas": gas}, "galaxy": {"disc": disc}, "priors": priors, "errors": "sandwich"}
    return jm.optimise(build(raw, folder).model(), starts=1)


def show_curves(radii: np.ndarray, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """A column for each curve, km/s; errors that are not known are left out."""
    print(f"{'arcsec':>8}" + "".join(f"{name:>22}" for name in curves))
    for i, radius in enumerate(radii):
        cells = (
            f"{v[i]:.1f}" + (f" ± {error[i]:.1f}" if np.isfinite(error[i]) else "")
            for v, error in curves.values()
        )
        print(f"{radius:8.2f}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def show_angles(fit: jm.Fit, name: str) -> None:
    """The fit's message, position angle and systemic velocity."""
    print(f"{name}: {fit.message}")
    for key in ("position_angle", "systemic"):
        path = f"disc.velocity.{key}"
        print(f"    {key} {fit.parameters[path]:.2f} ± {fit.errors[path]:.2f}")


def main() -> None:
    """Print the tables that were asked for."""
    data = Path(os.environ["JAXMETAL_DATA"])
    folder = data / "ngc4047_edge_califa"
    asked = sys.argv[1:] or ["co", "halpha", "ages", "sami"]
    if "co" in asked:
        psfs = {"through the beam": jm.GaussianPSF(BEAMS["7arcsec"]), "no beam": jm.NoPSF()}
        all_fits = {name: carbon_monoxide(folder, psf) for name, psf in psfs.items()}
        for source in ("bbarolo3D_smo7", "leung18_beam_corrected", "leung18_raw"):
            radii, velocities = published(folder, source)
            unknown = np.full(len(radii), np.nan)
            ours = {name: curve_of(fit, radii) for name, fit in all_fits.items()}
            show_curves(radii, {source: (velocities, unknown), **ours})
        show_angles(all_fits["through the beam"], "CO")
    for name, resolutions, fitted in (
        ("halpha", BEAMS, partial(halpha, folder)),
        ("sami", ("41144_B", "41144_D"), partial(sami, data / "sami_dr3")),
    ):
        if name in asked:
            all_fits = {one: fitted(one) for one in resolutions}
            all_fits |= {f"{one}, no PSF": fitted(one, smeared=False) for one in resolutions}
            for one, fit in all_fits.items():
                show_angles(fit, one)
            show_curves(RADII, {one: curve_of(fit, RADII) for one, fit in all_fits.items()})
    if "ages" in asked:
        for resolution in BEAMS:
            for scale, smeared in (("mean_log", True), ("log_mean", True), ("mean_log", False)):
                fit = ages(folder, resolution, scale, smeared)
                numbers = f"{fit.parameters[GRADIENT]:+.5f} ± {fit.errors[GRADIENT]:.5f}"
                how = "through the PSF" if smeared else "no PSF"
                print(f"{resolution:8} {scale:9} {how:16} {numbers} dex/arcsec, {fit.message}")


if __name__ == "__main__":
    main()
