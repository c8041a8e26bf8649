"""With numerics="lenstronomy", maps agree with lenstronomy's own to rounding."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of lenstronomy's own imports
    pytest.importorskip("lenstronomy")
    from lenstronomy.Data.imaging_data import ImageData
    from lenstronomy.Data.psf import PSF
    from lenstronomy.ImSim.image_model import ImageModel
    from lenstronomy.ImSim.tracer_model import TracerModelSource
    from lenstronomy.LightModel.light_model import LightModel
    from lenstronomy.Util import kernel_util

import jaxmetal as jm
from jaxmetal.io.lenstronomy import kernels
from jaxmetal.io.lenstronomy.instruments import instrument
from tests.lenstronomy_scenes import ROTATED, data, kernel, model, pixel_psf
from tests.scenes import blank

SHIFTED = {"matrix": ROTATED, "phi_rot": 0.1, "ra_shift": 0.05, "dec_shift": -0.03}
FINE = {"supersampling_factor": 3, "supersampling_convolution": True}
GAUSSIAN = {"psf_type": "GAUSSIAN", "fwhm": 0.5, "truncation": 4}
NONE = {"psf_type": "NONE"}


def theirs(kwargs_model, result, band):
    """(light, tracer) of lenstronomy, whose own fitting path never hands tracer_type on."""
    light, tracer = (
        LightModel(kwargs_model[key])
        for key in ("source_light_model_list", "tracer_source_model_list")
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # "kernel over-written", and numpy's of its Fourier transforms
        return _theirs(light, tracer, kwargs_model, result, band)


def _theirs(light, tracer, kwargs_model, result, band):
    frame, psf, numerics = band
    image = ImageModel(
        ImageData(**frame), PSF(**psf), source_model_class=light, kwargs_numerics=numerics
    )
    map = TracerModelSource(
        ImageData(**frame),
        PSF(**psf),
        source_model_class=light,
        tracer_source_class=tracer,
        kwargs_numerics=numerics,
        tracer_partition=kwargs_model["tracer_partition"],
        tracer_type=kwargs_model["tracer_type"],
    )
    lit = image.image(None, result["kwargs_source"])
    return lit, map.tracer_model(result["kwargs_tracer_source"], None, result["kwargs_source"])


def ours(kwargs_model, result, band):
    """(light, tracer) of the imported model."""
    joint = {"multi_band_list": [band], "tracer_data": band}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)  # they are another test's subject
        imported = jm.from_lenstronomy(
            joint, kwargs_model, numerics="lenstronomy", kwargs_result=result
        )
    seen = imported.predict({})
    return np.asarray(seen["light"]), np.asarray(seen["tracer"])


def worst(scene, band):
    """The largest differences in light and tracer, relative to the largest value of each map."""
    pairs = zip(ours(*scene, band), theirs(*scene, band), strict=True)
    return [np.abs(own - their).max() / np.abs(their).max() for own, their in pairs]


INSTRUMENTS = {
    "pixel-1": (pixel_psf(), {"supersampling_factor": 1}),
    "pixel-3": (pixel_psf(), {"supersampling_factor": 3}),
    "pixel-5-fine": (
        pixel_psf(15, 4.0, 5),
        {"supersampling_factor": 5, "supersampling_convolution": True},
    ),
    "pixel-5-of-3": (pixel_psf(15, 3.0, 3), {"supersampling_factor": 5}),
    "pixel-3-fine": (pixel_psf(27, 3.0, 3), FINE),
    "pixel-3-fine-rebuilt": (pixel_psf(), FINE),
    "pixel-2-fine-of-4": (
        pixel_psf(19, 4.0, 4),
        {"supersampling_factor": 2, "supersampling_convolution": True},
    ),
    "pixel-3-fine-cut": (
        pixel_psf(27, 3.0, 3),
        FINE | {"convolution_kernel_size": 5, "supersampling_kernel_size": 3},
    ),
    "pixel-3-fine-whole": (pixel_psf(27, 3.0, 3), FINE | {"supersampling_kernel_size": None}),
    "pixel-even": (pixel_psf(8), {"supersampling_factor": 2, "convolution_kernel_size": 7}),
    "pixel-unnormalised": (pixel_psf(15, 3.0, 3, kernel_point_source_normalisation=False), FINE),
    "gaussian-3": (GAUSSIAN, {"supersampling_factor": 3}),
    "gaussian-3-fine": (GAUSSIAN, FINE | {"truncation_conv": 3}),
    "none-3": (NONE, {"supersampling_factor": 3}),
}


@pytest.mark.precision("double")
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_kernel_and_sampling_gives_the_same_maps(name):
    psf, numerics = INSTRUMENTS[name]
    scene = model(1, 1, None, "LOG")
    assert max(worst(scene, [data(**SHIFTED), psf, numerics])) < 1e-12


PARTITIONS = {
    "one": (1, 1, None),
    "sum": (2, 2, None),
    "numbers": (2, 2, [[0, 1], [1, 0]]),
    "lists": (4, 3, [[[0, 2], [1]], [[1, 3], [0, 2]]]),
    "truth values": (3, 2, [[[True, False, True], [False, True]], [1, 0]]),
    "some light carries nothing": (3, 1, [[[0, 1], None]]),
    "four": (4, 4, [[i, i] for i in range(4)]),
}


@pytest.mark.precision("double")
@pytest.mark.parametrize("kind", ["LINEAR", "LOG"])
@pytest.mark.parametrize("name", PARTITIONS)
def test_every_partition_gives_the_same_maps(name, kind):
    assert (
        max(worst(model(*PARTITIONS[name], kind), [data(), GAUSSIAN, {"supersampling_factor": 2}]))
        < 1e-12
    )


@pytest.mark.precision("double")
@pytest.mark.parametrize(
    "frame",
    [{}, SHIFTED, {"ra_shift": 0.7, "dec_shift": 0.4}, {"phi_rot": 1.1}],
    ids=["plain", "all", "shift", "turn"],
)
def test_every_grid_gives_the_same_maps(frame):
    assert (
        max(worst(model(1, 1), [data(**frame), pixel_psf(), {"supersampling_factor": 1}])) < 1e-12
    )


@pytest.mark.precision("double")
@pytest.mark.parametrize("index", [1.0, 4.0])
def test_a_point_on_the_very_centre_gives_the_same_maps(index):
    """As in every frame of odd size about a galaxy at (0, 0).

    A steep profile shines there, and lenstronomy lets it stop.
    """
    names, values = model(1, 1)
    values["kwargs_source"][0] |= {"n_sersic": index, "center_x": 0.0, "center_y": 0.0}
    values["kwargs_tracer_source"][0] |= {"center_x": 0.0, "center_y": 0.0}
    assert max(worst((names, values), [data(), pixel_psf(), {"supersampling_factor": 1}])) < 1e-12


@pytest.mark.precision("double")
def test_profiles_of_every_kind_give_the_same_maps():
    place = {"center_x": 0.1, "center_y": -0.2}
    profiles = {
        "MULTI_GAUSSIAN_ELLIPSE": {
            "amp": np.array([3.0, 5.0]),
            "sigma": np.array([0.2, 0.5]),
            "e1": 0.1,
            "e2": -0.1,
        }
        | place,
        "SHAPELETS": {"amp": np.array([5.0, 0.5, -0.3, 0.2, 0.1, 0.4]), "n_max": 2, "beta": 0.4}
        | place,
        "NIE": {"amp": 4.0, "s_scale": 0.1, "e1": 0.1, "e2": 0.05} | place,
        "CORE_SERSIC": {
            "amp": 2.0,
            "R_sersic": 0.6,
            "Rb": 0.1,
            "n_sersic": 2.0,
            "gamma": 0.2,
            "e1": 0.1,
            "e2": 0.0,
        }
        | place,
    }
    names, values = model(1, 1)
    names |= {
        "source_light_model_list": list(profiles),
        "tracer_source_model_list": ["GAUSSIAN"],
        "tracer_type": "LOG",
    }
    values = {
        "kwargs_source": list(profiles.values()),
        "kwargs_tracer_source": [{"amp": 3.0, "sigma": 0.6} | place],
    }
    assert max(worst((names, values), [data(), GAUSSIAN, {"supersampling_factor": 2}])) < 1e-12


def test_single_precision_agrees_to_its_own_rounding(tolerance):
    scene = model(2, 2, [[0, 0], [1, 1]], "LOG")
    assert max(worst(scene, [data(**SHIFTED), pixel_psf(27, 3.0, 3), FINE])) < tolerance(
        1e-12, 1e-5
    )


@pytest.mark.parametrize("size", [6, 9])
def test_kernels_are_made_odd_as_in_lenstronomy(size):
    assert (
        np.abs(
            kernels.odd_sized(kernel(size, 2.0)) - kernel_util.kernel_make_odd(kernel(size, 2.0))
        ).max()
        < 1e-14
    )


@pytest.mark.parametrize(("size", "factor"), [(7, 2), (15, 3), (17, 4), (21, 5), (25, 2), (33, 5)])
def test_kernels_are_degraded_as_in_lenstronomy(size, factor):
    fine = kernel(size, 3.0)
    assert (
        np.abs(kernels.degraded(fine, factor) - kernel_util.degrade_kernel(fine, factor)).max()
        < 1e-13
    )


def test_a_kernel_that_lenstronomy_cannot_degrade_keeps_its_light():
    fine = kernel(17, 3.0)
    with pytest.raises(ValueError, match="could not broadcast"):
        kernel_util.degrade_kernel(fine, 5)
    assert kernels.degraded(fine, 5).sum() == pytest.approx(fine.sum(), rel=1e-14)


@pytest.mark.parametrize(("size", "factor"), [(5, 2), (7, 3), (9, 4), (9, 5)])
def test_kernels_are_refined_as_in_lenstronomy(size, factor):
    coarse = kernel(size, 1.2) / kernel(size, 1.2).sum()
    theirs = kernel_util.subgrid_kernel(coarse.copy(), factor, odd=True, num_iter=5)
    assert np.abs(kernels.refined(coarse, factor) - theirs).max() < 1e-15


def test_the_pixel_is_where_jaxmetals_own_numerics_differ():
    """lenstronomy averages over the pixel twice.

    The default does so once, and the map is visibly sharper.
    """
    scene = model(1, 1)
    band = [data(), pixel_psf(), {"supersampling_factor": 5}]
    with pytest.warns(jm.InputWarning, match="the pixel is counted once"):
        seen = instrument(*band, "jaxmetal", "band")
    galaxy = jm.galaxy_from_lenstronomy(*scene)
    own = jm.predict(galaxy, blank(jm.Instrument(seen.grid, seen.psf, (6, 2)), jm.LightMap))
    assert 1.01 < own.max() / theirs(*scene, band)[0].max() < 1.1
