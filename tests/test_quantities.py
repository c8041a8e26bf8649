"""Units, masks and uncertainties that come with numbers.

Converted or refused wherever numbers come in, never dropped.
"""

import inspect
import sys

import astropy.units as u
import numpy as np
import numpyro.distributions as dist
import pytest
from astropy import nddata
from astropy.coordinates import Angle, SkyCoord
from astropy.cosmology import units as cosmology_units
from astropy.io import fits
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.io.fits import Part, read_image, read_map
from jaxmetal.profiles.units import accepted_unit
from jaxmetal.quantities import as_number, as_numbers, contents
from jaxmetal.unit_texts import unit_of_text

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE = (6, 5)
GRID = jm.Grid.regular(SHAPE, 0.2)
INSTRUMENT = jm.Instrument(GRID, jm.NoPSF(), 1)
RANDOM = np.random.default_rng(0)
VALUES, SIGMA = RANDOM.normal(8.5, 0.2, SHAPE), RANDOM.uniform(0.1, 0.2, SHAPE)
MASK = np.zeros(SHAPE, bool)
MASK[0] = True
KMS = u.km / u.s


def sky():
    """A WCS of 5 × 5 pixels of 0.36 arcsec at (150, 2) degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [3.0, 3.0]
    wcs.wcs.cdelt, wcs.array_shape = [-1e-4, 1e-4], (5, 5)
    return wcs


def velocities(values=200.0 + VALUES, sigma=5.0, **options):
    return jm.TracerMap(values, sigma, INSTRUMENT, "velocity", "linear", **options)


def lens(**parameters):
    return jm.Galaxy(lens={"halo": jm.Profile(jm.lens.sis, theta_E=1.0)}, **parameters)


SOURCE = jm.Component(jm.Profile(jm.light.uniform, amp=1.0))
PLACE = SkyCoord(150 * u.deg, 2 * u.deg)
SERSIC = {"amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0}


def sersic(**parameters):
    return jm.Profile(jm.light.sersic, **(SERSIC | parameters))


# What is given, and what is read from it: the same as the number beside it.
CONVERTED = {
    "pixel scale in degrees": (
        lambda: jm.Grid.regular((5, 5), (0.2 * u.arcsec).to(u.deg)).pixel_scale,
        0.2,
    ),
    "pixel scale per pixel": (
        lambda: jm.Grid.regular((5, 5), 3.3e-3 * u.arcmin / u.pix).pixel_scale,
        0.198,
    ),
    "centre of one quantity and one number": (
        lambda: jm.Grid.regular((5, 5), 1.0, (1 * u.arcmin, 2.0)).origin,
        [58.0, 0.0],
    ),
    "matrix and origin": (
        lambda: jm.Grid([0, 1] * u.arcmin, np.eye(2) * 200 * u.mas, (3, 3)).origin,
        [0.0, 60.0],
    ),
    "WCS centre as SkyCoord": (lambda: jm.Grid.from_wcs(sky(), center=PLACE).origin, [0.72, -0.72]),
    "WCS centre in another frame": (
        lambda: jm.Grid.from_wcs(sky(), center=PLACE.galactic).origin,
        [0.72, -0.72],
    ),
    "WCS centre in hours": (
        lambda: jm.Grid.from_wcs(sky(), center=(10 * u.hourangle, 120 * u.arcmin)).origin,
        [0.72, -0.72],
    ),
    "FWHM in mas": (lambda: jm.GaussianPSF(110 * u.mas).fwhm, 0.11),
    "FWHM as Angle": (lambda: jm.MoffatPSF(Angle("0.02m"), 2.5 * u.one).fwhm, 1.2),
    "beta in percent": (lambda: jm.MoffatPSF(1.0, 250 * u.percent).beta, 2.5),
    "kernel in Jy": (
        lambda: jm.KernelPSF(
            np.outer([1, 4, 1], [1, 4, 1]) * u.Jy, 2 * u.one, (1 * u.pix, 1)
        ).kernel[0, 0],
        1 / 36,
    ),
    "radius in arcmin": (lambda: sersic(R_sersic=0.1 * u.arcmin).R_sersic, 6.0),
    "radii as a list": (
        lambda: (
            jm.Profile(
                jm.light.multi_gaussian, amp=[1, 1], sigma=[0.1 * u.arcmin, 2 * u.arcsec]
            ).sigma
        ),
        [6.0, 2.0],
    ),
    "inclination in radians": (
        lambda: (
            jm.Profile(
                jm.tracer.disc_gradient, central=8, gradient=0, inclination=1 * u.rad
            ).inclination
        ),
        57.29578,
    ),
    "angle in degrees for radians": (
        lambda: jm.Profile(jm.light.sersic_q_phi, **SERSIC, q=0.5, phi=180 * u.deg).phi,
        np.pi,
    ),
    "Einstein radius": (lambda: jm.Profile(jm.lens.sie, theta_E=1 * u.arcmin).theta_E, 60.0),
    "flexion": (lambda: jm.Profile(jm.light.sersic_flexion, **SERSIC, c1=6 / u.arcmin).c1, 0.1),
    "deflection map": (
        lambda: jm.Profile(
            jm.lens.deflection_map,
            alpha_x=np.ones((3, 3)) * u.mas,
            alpha_y=np.zeros((3, 3)),
            origin=[0, 0] * u.deg,
            matrix=np.eye(2) * u.arcsec / u.pix,
        ).alpha_x[0, 0],
        1e-3,
    ),
    "light at a position": (lambda: jm.Profile(jm.light.uniform, amp=2.0)(1 * u.arcmin, 0.0), 2.0),
    "gradient at a position": (
        lambda: jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.1)(0.1 * u.arcmin, 0.0),
        7.4,
    ),
    "deflection at a position": (
        lambda: lens(source=SOURCE).deflection(1 * u.arcmin, 0 * u.deg)[0],
        1.0,
    ),
    "source position": (
        lambda: jm.lensing.source_position(lens(source=SOURCE), 1 * u.arcmin, 0.0, 50 * u.percent)[
            0
        ],
        59.5,
    ),
    "magnification": (
        lambda: jm.lensing.magnification(lens(source=SOURCE), 0.05 * u.arcmin, 0.0),
        1.5,
    ),
    "distance ratio": (
        lambda: jm.Component(SOURCE.light, distance_ratio=50 * u.percent).distance_ratio,
        0.5,
    ),
    "redshift": (
        lambda: jm.lensing.kpc_per_arcsec(0.5 * cosmology_units.redshift),
        jm.lensing.kpc_per_arcsec(0.5),
    ),
    "redshifts": (
        lambda: jm.lensing.distance_ratio(0.3 * u.one, 1.0),
        jm.lensing.distance_ratio(0.3, 1.0),
    ),
    "fibres": (
        lambda: jm.Apertures.circles(
            jm.Grid.regular((21, 21), 1.0), 0.1 * u.arcmin, 0.0, 2000 * u.mas
        ).totals(np.ones((21, 21))),
        4 * np.pi,
    ),
    "slits": (
        lambda: jm.Apertures.rectangles(
            jm.Grid.regular((21, 21), 1.0), 0, 0, 0.1 * u.arcmin, 2, np.pi / 2 * u.rad
        ).means(jm.Grid.regular((21, 21), 1.0).coordinates[1] ** 2 * np.ones((21, 21))),
        19 / 6,
    ),
    "disc of the naive fit": (
        lambda: jm.baselines.radius_map(GRID, 0.01 * u.arcmin, 0.0, 1 * u.rad)[0, 0],
        jm.baselines.radius_map(GRID, 0.6, 0.0, 57.29578)[0, 0],
    ),
    "radius of the naive fit": (
        lambda: jm.baselines.ols(np.arange(3.0) * u.arcmin, [3.0, 2.0, 1.0] * u.dex).gradient,
        -1 / 60,
    ),
    "errors of the naive fit": (
        lambda: (
            jm.baselines.wls(np.arange(3.0), [1.0, 2.0, 3.0] * KMS, 100 * u.m / u.s).central_error
        ),
        jm.baselines.wls(np.arange(3.0), [1.0, 2.0, 3.0], 0.1).central_error,
    ),
    "annuli": (
        lambda: jm.baselines.annuli([10, 40] * u.arcsec, [1.0, 2.0], [0, 0.5, 1] * u.arcmin).median,
        [1.0, 2.0],
    ),
    "line ratio": (lambda: jm.calibrations.n2(3.0 * u.Jy, 1000 * u.mJy), np.log10(1 / 3)),
    "calibration": (
        lambda: jm.calibrations.o3n2_marino13(1 * u.Jy, 1 * u.Jy, 1e3 * u.mJy, 1e3 * u.mJy),
        8.533,
    ),
    "propagated error": (
        lambda: jm.noise.propagate(
            jm.calibrations.n2_marino13,
            {"halpha": [3.0] * u.Jy, "nii": [1e3] * u.mJy},
            {"halpha": 0.1, "nii": 100 * u.mJy},
        )[1],
        jm.noise.propagate(
            jm.calibrations.n2_marino13,
            {"halpha": np.array([3.0]), "nii": np.array([1.0])},
            {"halpha": 0.1, "nii": 0.1},
        )[1],
    ),
    "errors in m/s": (
        lambda: velocities((200 + VALUES) * KMS, np.full(SHAPE, 5000.0) * u.m / u.s).sigma[0, 0],
        5.0,
    ),
    "plain errors are in the values' unit": (
        lambda: velocities((200 + VALUES) * KMS, 5.0).sigma[0, 0],
        5.0,
    ),
    "values in another unit than asked for": (
        lambda: velocities(np.full(SHAPE, 200.0) * KMS, 5 * KMS, unit="m/s", check=False).values[
            0, 0
        ],
        2e5,
    ),
    "scatter": (
        lambda: velocities((200 + VALUES) * KMS, 5.0, scatter=1000 * u.m / u.s).scatter,
        1.0,
    ),
    "scatter of light": (
        lambda: jm.LightMap(VALUES * u.Jy, 100 * u.mJy, INSTRUMENT, scatter=5 * u.percent).scatter,
        0.05,
    ),
    "covariance": (
        lambda: velocities(
            (200 + VALUES) * KMS, None, covariance=np.eye(30) * 4e6 * u.m**2 / u.s**2
        ).sigma[0, 0],
        2.0,
    ),
    "logarithm of years": (
        lambda: jm.TracerMap(VALUES * u.dex(u.yr), 0.1 * u.dex, INSTRUMENT).sigma[0, 0],
        0.1,
    ),
    "rows of quantities": (
        lambda: jm.TracerMap([[z * u.dex for z in row] for row in VALUES], 0.1, INSTRUMENT).values[
            2, 2
        ],
        VALUES[2, 2],
    ),
    "a column": (
        lambda: as_numbers(Column([1.0, 2.0], unit="arcmin"), "x", "arcsec"),
        [60.0, 120.0],
    ),
}


@pytest.mark.parametrize("what", CONVERTED)
def test_a_quantity_is_converted_to_the_unit_that_its_place_expects(what):
    act, expected = CONVERTED[what]
    np.testing.assert_allclose(
        np.asarray(act(), float), np.asarray(expected, float), rtol=2e-6, atol=1e-5
    )


def scene():
    """A galaxy and a map to go with it."""
    galaxy = jm.Galaxy(
        disc=jm.Component(sersic(), metallicity=jm.Profile(jm.tracer.uniform, value=8.5))
    )
    return galaxy, {"z": jm.TracerMap(VALUES, SIGMA, INSTRUMENT)}


def ring(x, y, radius):
    """A user's own profile; what its radius is in, only the user knows."""
    return x + radius


REFUSED = {
    "kpc on the sky": (
        lambda: jm.Grid.regular((5, 5), 0.2 * u.kpc),
        "Grid.regular.pixel_scale: expected arcsec, got a quantity in kpc",
    ),
    "a matrix in radians of time": (
        lambda: jm.Grid([0, 0], np.eye(2) * u.s, (3, 3)),
        "Grid.matrix: expected arcsec, got a quantity in s",
    ),
    "a centre in metres": (
        lambda: jm.Grid.from_wcs(sky(), center=(1 * u.m, 2 * u.m)),
        "Grid.from_wcs.center: expected deg, got a quantity in m",
    ),
    "a FWHM in pixels": (
        lambda: jm.GaussianPSF(3 * u.pix),
        "GaussianPSF.fwhm: expected arcsec, got a quantity in pix",
    ),
    "a beta in arcsec": (
        lambda: jm.MoffatPSF(1.0, 2.5 * u.arcsec),
        "MoffatPSF.beta: expected a number without a unit, got a quantity in arcsec",
    ),
    "an oversampling in arcsec": (
        lambda: jm.KernelPSF(np.ones((3, 3)), 2 * u.arcsec),
        "KernelPSF.oversampling: expected a number without",
    ),
    "an index in arcsec": (
        lambda: sersic(n_sersic=1 * u.arcsec),
        "Profile.sersic..n_sersic: expected a number without a unit, got a quantity in arcsec",
    ),
    "a radius in kpc": (
        lambda: sersic(R_sersic=2 * u.kpc),
        "Profile.sersic..R_sersic: expected arcsec, got a quantity in kpc",
    ),
    "an amplitude in Jy": (
        lambda: sersic(amp=2 * u.Jy),
        "Profile.sersic..amp: got a quantity in Jy.*give a plain number in that unit",
    ),
    "a metallicity in dex": (
        lambda: jm.Profile(jm.tracer.uniform, value=8.5 * u.dex),
        "Profile.uniform..value: got a quantity in dex",
    ),
    "a function of the user": (
        lambda: jm.Profile(ring, radius=1 * u.arcmin),
        "Profile.ring..radius: got a quantity in arcmin",
    ),
    "a masked parameter": (
        lambda: sersic(R_sersic=np.ma.masked),
        "Profile.sersic..R_sersic: expected finite numbers",
    ),
    "a ratio in kpc": (
        lambda: jm.Component(SOURCE.light, distance_ratio=1 * u.kpc),
        "distance_ratio: expected a number without a unit, got a quantity in kpc",
    ),
    "a fibre in kpc": (
        lambda: jm.Apertures.circles(GRID, 0, 0, 1 * u.kpc),
        "Apertures.circles.radius: expected arcsec, got a quantity in kpc",
    ),
    "an angle in arcsec of time": (
        lambda: jm.Apertures.rectangles(GRID, 0, 0, 1, 1, 1 * u.s),
        "rectangles.angle: expected deg, got a quantity in s",
    ),
    "bins in km": (
        lambda: jm.Apertures.bins(np.zeros((2, 2)) * u.km),
        "Apertures.ids: expected a number without a unit",
    ),
    "errors of another kind": (
        lambda: velocities((200 + VALUES) * KMS, 5 * u.arcsec),
        "TracerMap.sigma: expected km / s, got a quantity in arcsec",
    ),
    "errors squared": (
        lambda: velocities((200 + VALUES) * KMS, 25 * KMS**2),
        r"TracerMap.sigma: expected km / s, got a quantity in km2 / s2",
    ),
    "errors alone have a unit": (
        lambda: velocities(sigma=5 * KMS),
        "TracerMap.sigma: in km / s, but the values have no unit",
    ),
    "a covariance that is not squared": (
        lambda: velocities((200 + VALUES) * KMS, None, covariance=np.eye(30) * KMS),
        "TracerMap.covariance: expected km2 / s2, got a quantity in km / s",
    ),
    "values in another unit": (
        lambda: velocities((200 + VALUES) * KMS, 5 * KMS, unit="Gyr"),
        "TracerMap.values: expected Gyr, got a quantity in km / s",
    ),
    "a unit that is none": (
        lambda: velocities(unit="parsnips"),
        "TracerMap.unit: expected an astropy unit or its name.*got 'parsnips'",
    ),
    "a scatter in km": (lambda: velocities(scatter=1 * u.km), "TracerMap.scatter"),
    "a relative scatter in Jy": (
        lambda: jm.LightMap(VALUES, 0.1, INSTRUMENT, scatter=1 * u.Jy),
        "LightMap.scatter: expected a number without a unit",
    ),
    "a mask in Jy": (
        lambda: jm.LightMap(VALUES, 0.1, INSTRUMENT, MASK * u.Jy),
        "LightMap.mask: expected True.*got a quantity in Jy",
    ),
    "an unknown uncertainty": (
        lambda: jm.TracerMap(
            nddata.NDData(VALUES, uncertainty=nddata.UnknownUncertainty(SIGMA)), None, INSTRUMENT
        ),
        "uncertainty of type 'unknown'",
    ),
    "a prior of quantities": (
        lambda: jm.Model(
            *scene(), {"disc.light.R_sersic": dist.LogUniform(0.1 * u.arcmin, 1 * u.arcmin)}
        ),
        r"priors\['disc.light.R_sersic'\].*arcmin.*plain numbers",
    ),
    "a truncated prior of quantities": (
        lambda: jm.Model(
            *scene(), {"disc.light.R_sersic": dist.TruncatedNormal(1.0, 1.0, low=0.1 * u.arcmin)}
        ),
        r"priors\['disc.light.R_sersic'\].*arcmin",
    ),
    "a quantity as a prior": (
        lambda: jm.Model(*scene(), {"disc.light.R_sersic": 1 * u.arcsec}),
        "expected a numpyro distribution.*got Quantity",
    ),
    "a redshift as a velocity": (
        lambda: jm.lensing.kpc_per_arcsec(500 * KMS),
        "redshift: expected a number without a unit, got a quantity in km / s",
    ),
    "one flux without a unit": (
        lambda: jm.calibrations.n2(3.0 * u.Jy, 1.0),
        "n2: nii has no unit, halpha is in Jy",
    ),
    "lines in units of different kinds": (
        lambda: jm.calibrations.in_range("n2_m13", halpha=3.0 * u.Jy, nii=1 * u.s),
        "nii: expected Jy, got a quantity in s",
    ),
    "noise in dex": (
        lambda: jm.noise.variance(np.ones(2), 0.1 * u.dex**2, 0.1),
        "variance.c1: expected a number without a unit",
    ),
    "radii in kpc": (
        lambda: jm.baselines.ols([0, 1, 2] * u.kpc, [3, 2, 1]),
        "ols.radius: expected arcsec, got a quantity in kpc",
    ),
    "an error of a mock in Jy": (
        lambda: jm.simulate.light_map(scene()[0], INSTRUMENT, 0.1 * u.Jy),
        "light_map.sigma: expected a number without a unit",
    ),
    "lenstronomy's numbers": (
        lambda: jm.galaxy_from_lenstronomy(
            {"source_light_model_list": ["SERSIC"]},
            {
                "kwargs_source": [
                    {
                        "amp": 1,
                        "R_sersic": 1 * u.arcmin,
                        "n_sersic": 1,
                        "center_x": 0,
                        "center_y": 0,
                    }
                ]
            },
        ),
        (
            r"kwargs_result\['kwargs_source'\]\[0\]\['R_sersic'\]: expected a number "
            r"without a unit, got a quantity in arcmin"
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_unit_that_cannot_stand_there_is_refused_in_one_line_that_names_it(what):
    act, message = REFUSED[what]
    with pytest.raises(jm.InputError, match=message) as error:
        act()
    assert "\n" not in str(error.value)


def test_quantities_of_other_packages_are_not_taken_for_numbers():
    class Foreign(np.ndarray):
        units = "arcmin"

        def to(self, unit):
            return self

    with pytest.raises(
        jm.InputError, match=r"GaussianPSF.fwhm: got a .* quantity; give one of astropy"
    ):
        jm.GaussianPSF(np.array(1.0).view(Foreign))


def test_profiles_state_the_unit_of_each_parameter():
    """What a description says is read rightly: a change of its words shows here."""
    found = {}
    for home in (jm.light, jm.tracer, jm.lens):
        for name, function in inspect.getmembers(home, inspect.isfunction):
            if function.__module__.startswith(home.__name__):
                for parameter in list(inspect.signature(function).parameters)[2:]:
                    unit = accepted_unit(function, parameter)
                    found.setdefault(unit, set()).add(f"{name}.{parameter}")
    names = {unit: {one.split(".")[1] for one in some} for unit, some in found.items()}
    assert set(found) == {
        "arcsec",
        "deg",
        "rad",
        "1 / arcsec",
        "deg / arcsec",
        "",
        None,
        ("arcsec", "arcsec / pix"),
    }
    assert names["deg"] == {
        "inclination",
        "position_angle",
        "pitch",
        "phase",
        "angle",
        "bar_angle",
    }
    assert names["deg / arcsec"] == {"inclination_slope", "position_angle_slope"}
    assert names["rad"] == {"phi", "phi_G"} and names["1 / arcsec"] == {"c1", "c2", "d1", "d2"}
    assert found["arcsec", "arcsec / pix"] == {"image.scale", "deflection_map.matrix"}
    assert names[None] == {
        "amp",
        "image",
        "k",
        "central",
        "value",
        "gradient",
        "inner",
        "outer",
        "gradient_x",
        "gradient_y",
        "contrast",
        "coefficients",
        "dispersion",
        "systemic",
        "turbulence",
        "v_max",
        "v_disc",
        "v_halo",
        "v_radial",
        "v_tangential",
        "velocities",
    }
    assert {
        "moffat.alpha",
        "nfw.alpha_Rs",
        "shapelets.beta",
        "sie.theta_E",
        "dpie.Ra",
        "shear.ra_0",
    } <= found["arcsec"]
    assert {
        "core_sersic.alpha",
        "moffat.beta",
        "epl.gamma",
        "shear.gamma1",
        "dpie.sigma0",
        "sersic.n_sersic",
    } <= found[""]


CONTAINERS = {
    "numpy.ma": lambda values: np.ma.array(values, mask=MASK),
    "CCDData": lambda values: nddata.CCDData(values, mask=MASK, unit=""),
    "NDDataArray": lambda values: nddata.NDDataArray(values, mask=MASK),
    "NDData": lambda values: nddata.NDData(values, mask=MASK),
    "NDData with flags": lambda values: nddata.NDData(values, mask=4 * MASK),
    "Masked": lambda values: Masked(values, mask=MASK),
    "Masked Quantity": lambda values: Masked(values * u.one, mask=MASK),
    "NDData of Masked": lambda values: nddata.NDData(Masked(values, mask=MASK)),
    "numpy.ma of Quantity": lambda values: np.ma.array(values * u.one, mask=MASK),
    "a list of Masked": lambda values: [
        Masked(row, mask=mask) for row, mask in zip(values, MASK, strict=True)
    ],
}


@pytest.mark.parametrize("kind", [jm.LightMap, jm.TracerMap], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("container", CONTAINERS)
def test_what_is_masked_in_its_container_leaves(kind, container):
    """In the values, in the errors, and together with a mask of its own."""
    wrap, also = CONTAINERS[container], np.zeros(SHAPE, bool)
    also[3, 4] = True
    for map in (kind(wrap(VALUES), SIGMA, INSTRUMENT), kind(VALUES, wrap(SIGMA), INSTRUMENT)):
        np.testing.assert_array_equal(map.valid, ~MASK)
        np.testing.assert_allclose(map.values, np.where(MASK, 0.0, VALUES), rtol=1e-6)
    np.testing.assert_array_equal(
        kind(wrap(VALUES), 0.1, INSTRUMENT, mask=also).valid, ~MASK & ~also
    )
    np.testing.assert_array_equal(
        kind(VALUES, 0.1, INSTRUMENT, mask=np.ma.array(also, mask=MASK)).valid, ~MASK & ~also
    )


def test_a_masked_pixel_does_not_spoil_its_bin():
    ids = np.arange(30).reshape(SHAPE) // 3
    bins, painted = jm.Apertures.bins(ids), 8.0 + 0.01 * ids
    masked = np.zeros(SHAPE, bool)
    masked[0, 0] = True
    z = jm.TracerMap(
        Masked(painted, mask=masked), 0.1, jm.Instrument(GRID, jm.NoPSF(), 1, apertures=bins)
    )
    assert z.size == 10
    np.testing.assert_allclose(z.values, 8.0 + 0.01 * np.arange(10), rtol=1e-6)


@pytest.mark.parametrize(
    ("uncertainty", "power"),
    [(nddata.StdDevUncertainty, 1), (nddata.VarianceUncertainty, 2), (nddata.InverseVariance, -2)],
    ids=["standard deviation", "variance", "inverse variance"],
)
def test_an_uncertainty_is_taken_for_what_it_is(uncertainty, power):
    expected = (SIGMA * 1e-3).astype(np.float32)
    values = nddata.CCDData(
        (200 + VALUES) * KMS, uncertainty=uncertainty((SIGMA * u.m / u.s) ** power), mask=MASK
    )
    z = velocities(values, None)
    np.testing.assert_allclose(z.sigma, np.where(MASK, 1.0, expected), rtol=1e-6)
    np.testing.assert_allclose(velocities(sigma=uncertainty(SIGMA**power)).sigma, SIGMA, rtol=1e-6)
    # What is given beside the values is meant.
    np.testing.assert_allclose(velocities(values, 7.0).sigma[1:], 7.0)
    assert contents(values).mask.sum() == 5
    assert (
        jm.LightMap(
            nddata.NDData(VALUES, uncertainty=nddata.InverseVariance(np.where(MASK, 0.0, 1.0))),
            None,
            INSTRUMENT,
        ).size
        == 25
    )


def test_a_masked_column_is_nan_where_it_is_masked():
    column = MaskedColumn([1.0, 2.0], mask=[True, False], unit="arcmin")
    np.testing.assert_array_equal(as_numbers(column, "x", "arcsec"), [np.nan, 120.0])
    with pytest.raises(jm.InputError, match="x: expected one number, got shape"):
        as_number(column, "x", "arcsec")
    with pytest.raises(jm.InputError, match="some have a unit and others have none"):
        jm.TracerMap([[8.0 * u.dex, 8.0]], 0.1, INSTRUMENT)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("km/s", KMS),
        ("KM/S", KMS),
        ("km s-1", KMS),
        ("Gyr", u.Gyr),
        ("GYR", u.Gyr),
        ("MAG", u.mag),
        ("counts", u.ct),
        ("1e-17 erg/s/cm^2", 1e-17 * u.erg / u.s / u.cm**2),
        ("12+log(O/H)", None),
        ("", None),
        ("1E-17 erg/s/cm^2/spaxel", None),
    ],
)
def test_units_are_read_as_headers_spell_them(text, unit):
    found = unit_of_text(text)
    assert found is unit if unit is None else u.Unit(found) == u.Unit(unit)


def test_errors_of_a_file_are_converted_to_the_unit_of_its_values(tmp_path):
    """Each extension has a unit of its own; the power tells a variance."""
    path = tmp_path / "m.fits"
    units = {
        "V": "km/s",
        "E": "m/s",
        "VAR": "m2/s2",
        "IVAR": "s2/m2",
        "COPIED": "km/s",
        "OTHER": "Angstrom",
        "NONE": "",
    }
    hdus = [
        fits.ImageHDU(np.full(SHAPE, 4.0), fits.Header({"BUNIT": unit}), name=name)
        for name, unit in units.items()
    ]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    for kind, name, expected in (
        ("error", "E", 4e-3),
        ("variance", "VAR", 2e-3),
        ("ivar", "IVAR", 0.5e-3),
        ("variance", "COPIED", 2.0),
        ("error", "NONE", 4.0),
        ("error", Part(path, "E"), 4e-3),
    ):
        np.testing.assert_allclose(read_map(path, "V", **{kind: name}).sigma, expected)
    assert read_image(path, "E")[0, 0] == 4.0
    with pytest.raises(
        jm.InputError,
        match=(
            r"\[VAR\]: given as error, but its BUNIT 'm2/s2' is that of the variance of .*; "
            r"give it as variance"
        ),
    ):
        read_map(path, "V", error="VAR")
    with pytest.warns(
        jm.InputWarning, match=r"\[OTHER\]: its BUNIT is 'Angstrom', that of the values 'km/s'"
    ):
        assert read_map(path, "V", error="OTHER").sigma[0, 0] == 4.0


def test_plain_numbers_need_no_astropy(monkeypatch):
    """To look for its objects must not take the time to import it."""
    monkeypatch.setitem(sys.modules, "astropy", None)
    with pytest.raises(ImportError):
        unit_of_text("km/s")
    assert jm.TracerMap(VALUES, SIGMA, jm.Instrument(GRID, jm.GaussianPSF(0.3), 1)).size == 30
    assert float(sersic(R_sersic=2.0).R_sersic) == 2.0


class MarvinMap(u.Quantity):
    """What a Map of marvin has beside a Quantity: ivar, flags, and the pixels that they leave."""

    def __new__(cls, values, ivar, flags):
        made = super().__new__(cls, values, u.dex)
        made.ivar, made.mask = ivar, flags
        return made

    @property
    def masked(self):
        return np.ma.array(self.value, mask=(self.mask & (1 << 30)) > 0)


def test_a_map_of_marvin_brings_its_errors_and_quality_flags():
    instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.2), (2, 1))
    values = np.linspace(8.0, 8.5, 81).reshape(9, 9)
    flags = np.zeros((9, 9), int)
    flags[0, 0], flags[1, 1] = 1 << 30, 1 << 3
    ivar = np.full((9, 9), 400.0)
    ivar[2, 2] = 0.0
    one_map = jm.TracerMap(MarvinMap(values, ivar, flags), None, instrument)
    valid = np.ones((9, 9), bool)
    valid[0, 0] = valid[2, 2] = False
    np.testing.assert_array_equal(one_map.valid, valid)
    np.testing.assert_allclose(np.asarray(one_map.sigma)[valid], 0.05, rtol=1e-6)


class PixelRegion:
    """A rectangle of pixels, with what a region of pixels of the package `regions` has."""

    def __init__(self, rows, columns):
        self.box = rows, columns

    def to_mask(self, mode):
        assert mode == "center"
        return self

    def to_image(self, shape):
        image = np.zeros(shape)
        image[slice(*self.box[0]), slice(*self.box[1])] = 1.0
        return image


def test_regions_of_pixels_are_masks():
    """Several are left out together; one on the sky needs a WCS first."""
    instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.2), (2, 1))
    values = np.linspace(8.0, 8.5, 81).reshape(9, 9)
    parts = [PixelRegion((0, 2), (0, 3)), PixelRegion((8, 9), (8, 9))]
    for mask, count in ((parts[0], 6), (parts, 7)):
        assert jm.TracerMap(values, 0.1, instrument, mask=mask).size == 81 - count

    class SkyRegion:
        def to_pixel(self, wcs):
            return parts[0]

    with pytest.raises(jm.InputError, match=r"give its pixels, region.to_pixel\(wcs\)"):
        jm.TracerMap(values, 0.1, instrument, mask=SkyRegion())


def test_regions_of_the_package_are_masks():
    regions = pytest.importorskip("regions")
    circle = regions.CirclePixelRegion(regions.PixCoord(4.0, 4.0), 1.2)
    instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.2), (2, 1))
    values = np.linspace(8.0, 8.5, 81).reshape(9, 9)
    one_map = jm.TracerMap(values, 0.1, instrument, mask=regions.Regions([circle]))
    assert one_map.size == 76 and not np.asarray(one_map.valid)[4, 4]
