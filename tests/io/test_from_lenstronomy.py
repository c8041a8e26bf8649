"""Whoever has a script for lenstronomy moves it over in one line, and is told what differs."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from tests.lenstronomy_scenes import data, model, pixel_psf

# What others computed in double precision.
pytestmark = pytest.mark.precision("double")

PSF = {"psf_type": "GAUSSIAN", "fwhm": 0.5}
NUMERICS = {"supersampling_factor": 2}
FREE_LIGHT = {"R_sersic": (0.1, 2.0), "n_sersic": (0.5, 4.0)}
FREE_TRACER = {"amp": (6.0, 9.0), "k": (-1.0, 1.0)}


def settings(values, free):
    """One entry of kwargs_params: what is in `free` has bounds, the rest is fixed."""
    init = [{n: v[n] for n in free} for v in values]
    fixed = [{n: v[n] for n in v if n not in free} for v in values]
    low, high = ([{n: b[side] for n, b in free.items()} for _ in values] for side in (0, 1))
    return [init, [dict.fromkeys(free, 0.1) for _ in values], fixed, low, high]


def script(
    lights=1,
    tracers=1,
    partition=None,
    kind="LINEAR",
    free_light=FREE_LIGHT,
    free_tracer=FREE_TRACER,
    noise=0.0,
    band=None,
):
    """The five arguments of a FittingSequence, by name."""
    names, values = model(lights, tracers, partition, kind)
    rng = np.random.default_rng(5)
    light = np.abs(rng.normal(1.0, 0.3, (13, 13)))
    z = 8.0 + rng.normal(0.0, 0.1, (13, 13)) + noise
    light_band = band or [data(light, 0.1), PSF, NUMERICS]
    return {
        "kwargs_data_joint": {
            "multi_band_list": [light_band],
            "tracer_data": [data(z, 0.1), PSF, NUMERICS],
        },
        "kwargs_model": names,
        "kwargs_constraints": {"linear_solver": False},
        "kwargs_likelihood": {"tracer_likelihood": True},
        "kwargs_params": {
            "source_model": settings(values["kwargs_source"], free_light),
            "tracer_source_model": settings(values["kwargs_tracer_source"], free_tracer),
        },
    }


def imported(arguments, **options):
    """The model, without the warnings that other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)
        return jm.from_lenstronomy(**arguments, **({"numerics": "lenstronomy"} | options))


def with_(arguments, key, **changes):
    return arguments | {key: arguments[key] | changes}


# ----- what becomes of a script


def test_a_script_becomes_a_model_with_uniform_priors_and_stable_names():
    fitted = imported(script())
    assert set(fitted.maps) == {"light", "tracer"}
    assert set(fitted.names) == {
        "source_0.light.R_sersic",
        "source_0.light.n_sersic",
        "source_0.tracer.amp",
        "source_0.tracer.k",
    }
    prior = fitted.priors["source_0.tracer.k"]
    assert isinstance(prior, dist.Uniform)
    assert (float(prior.low), float(prior.high)) == (-1.0, 1.0)
    assert float(fitted.galaxy.source_0.light.amp) == 16.0


def test_nothing_is_free_without_kwargs_params():
    arguments = script()
    result = model()[1]
    fitted = imported(
        {key: arguments[key] for key in ("kwargs_data_joint", "kwargs_model")}, kwargs_result=result
    )
    assert fitted.names == ()
    assert set(fitted.maps) == {"light", "tracer"}


def test_a_result_says_where_to_start():
    result = {"kwargs_source": [{"R_sersic": 0.9}], "kwargs_tracer_source": [{"k": 0.25}]}
    fitted = imported(script(), kwargs_result=result)
    assert float(fitted.galaxy.source_0.light.R_sersic) == pytest.approx(0.9)
    assert float(fitted.galaxy.source_0.tracer.k) == pytest.approx(0.25)


def test_tracer_data_alone_are_enough():
    """lenstronomy cannot fit without an imaging band."""
    arguments = script(free_light={})
    arguments["kwargs_data_joint"] = {"tracer_data": arguments["kwargs_data_joint"]["tracer_data"]}
    arguments["kwargs_constraints"] = {}
    fitted = imported(arguments)
    assert set(fitted.maps) == {"tracer"}
    assert fitted.names == ("source_0.tracer.amp", "source_0.tracer.k")


def test_frames_need_not_be_square():
    """lenstronomy raises for tracer data that are not."""
    arguments = script(free_light={})
    wide = data(np.full((9, 13), 8.0), 0.1)
    arguments["kwargs_data_joint"] = {"tracer_data": [wide, PSF, NUMERICS]}
    assert imported(arguments).predict({})["tracer"].shape == (9, 13)


def test_maps_with_one_instrument_share_it():
    fitted = imported(script())
    assert len(fitted.groups) == 1


def test_bands_are_named_by_their_number():
    arguments = script()
    bands = [
        [data(np.ones((13, 13)), 0.1), PSF, NUMERICS],
        [data(np.ones((9, 9)), 0.1, side=9), {"psf_type": "NONE"}, {}],
    ]
    arguments["kwargs_data_joint"] |= {"multi_band_list": bands, "multi_band_type": "joint-linear"}
    assert set(imported(arguments).maps) == {"light_0", "light_1", "tracer"}
    assert set(
        imported(with_(arguments, "kwargs_likelihood", bands_compute=[False, True])).maps
    ) == {"light", "tracer"}
    assert set(imported(with_(arguments, "kwargs_likelihood", image_likelihood=False)).maps) == {
        "tracer"
    }


def test_amplitudes_of_a_linear_solver_are_solved_here_too():
    arguments = script(2, 1) | {"kwargs_constraints": {}}
    fitted = imported(arguments)
    assert fitted.linear == ("source_0.light.amp", "source_1.light.amp")
    # A script may well start them at nothing.
    free = settings(model(2, 1)[1]["kwargs_source"], {"amp": (0.0, 9.0)})
    free[0] = [{"amp": 0.0}, {}]
    assert (
        float(
            imported(with_(arguments, "kwargs_params", source_model=free)).galaxy.source_0.light.amp
        )
        == 1.0
    )
    # Nothing says what they are, if there is no light to fit.
    arguments["kwargs_data_joint"] = {"tracer_data": arguments["kwargs_data_joint"]["tracer_data"]}
    assert not imported(arguments).linear


def test_profiles_with_many_amplitudes_have_them_all_solved():
    place = {"center_x": 0.0, "center_y": 0.0}
    arguments = script() | {"kwargs_constraints": {}}
    arguments["kwargs_model"] |= {
        "source_light_model_list": ["MULTI_GAUSSIAN", "SHAPELETS"],
        "tracer_partition": [[0, 0]],
    }
    fixed = [{"sigma": [0.2, 0.4]} | place, {"n_max": 2, "beta": 0.3} | place]
    lists = [[{"amp": [3.0, 4.0]}, {}], [{}, {}], fixed, [{}, {}], [{}, {}]]
    fitted = imported(with_(arguments, "kwargs_params", source_model=lists))
    solved = compiled_once(lambda: fitted.complete({}))()
    assert solved["source_0.light.amp"].shape == (2,)
    assert solved["source_1.light.amp"].shape == (6,)
    assert np.all(np.isfinite(fitted.predict({})["light"]))


# ----- ties


def test_one_tracer_on_two_lights_is_one_tracer():
    fitted = imported(script(2, 1))
    assert dict(fitted.ties)["source_1.tracer.k"].paths == ("source_0.tracer.k",)
    assert fitted.names.count("source_0.tracer.k") == 1
    moved = fitted.scene_at({"source_0.tracer.k": jnp.asarray(0.5)})[0]
    assert float(moved.source_1.tracer.k) == 0.5


def test_tracers_on_one_light_add_up():
    fitted = imported(script(1, 2))
    assert {"source_0.tracer.k_0", "source_0.tracer.k_1"} <= set(fitted.names)
    x, y = np.array([0.3]), np.array([-0.2])
    apart = [imported(script(1, 2, [[0, k]])).galaxy.source_0.tracer(x, y) for k in (0, 1)]
    assert float(fitted.galaxy.source_0.tracer(x, y)[0]) == pytest.approx(
        float((apart[0] + apart[1])[0]), rel=1e-6
    )


def test_joint_parameters_are_tied_through_to_the_first():
    free = FREE_LIGHT | {"center_x": (-1.0, 1.0), "center_y": (-1.0, 1.0)}
    arguments = script(2, 2, [[0, 0], [1, 1]], free_light=free)
    centre = ["center_x", "center_y"]
    arguments["kwargs_constraints"] |= {
        "joint_source_with_source": [[0, 1, centre]],
        "joint_source_light_with_tracer": [
            [0, 0, centre],
            [1, 1, {"center_x": "center_x", "center_y": "center_y"}],
        ],
    }
    fitted = imported(arguments)
    ties = dict(fitted.ties)
    followers = {
        f"source_{i}.{kind}.center_x" for i, kind in ((1, "light"), (0, "tracer"), (1, "tracer"))
    }
    assert {path for path in ties if path.endswith("center_x")} == followers
    assert all(ties[path].paths == ("source_0.light.center_x",) for path in followers)
    assert float(fitted.galaxy.source_1.tracer.center_x) == pytest.approx(0.1)


def test_gaussian_priors_narrow_the_bounds():
    fitted = imported(
        with_(script(), "kwargs_likelihood", prior_source=[[0, "R_sersic", 0.5, 0.2]])
    )
    flat = imported(script())
    for radius in (0.3, 0.7):
        values = {"source_0.light.R_sersic": np.asarray(radius, flat.start.dtype)}
        ratio = [
            float(
                m.priors["source_0.light.R_sersic"].log_prob(values["source_0.light.R_sersic"])
                - m.priors["source_0.light.R_sersic"].log_prob(0.5)
            )
            for m in (fitted, flat)
        ]
        assert ratio[0] - ratio[1] == pytest.approx(-0.5 * ((radius - 0.5) / 0.2) ** 2, abs=1e-5)


# ----- there and back


@pytest.mark.parametrize("numerics", ["jaxmetal", "lenstronomy"])
@pytest.mark.parametrize(
    "scene",
    [(1, 1, None), (2, 1, None), (4, 3, [[[0, 2], [1]], [[1, 3], [0, 2]]]), (2, 1, [[0, 0]])],
    ids=str,
)
def test_a_galaxy_survives_the_way_there_and_back(scene, numerics):
    names, values = model(*scene, "LOG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)
        galaxy = jm.galaxy_from_lenstronomy(names, values, numerics)
    there = jm.to_lenstronomy(galaxy)
    back = jm.galaxy_from_lenstronomy(*there, numerics)
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))
    for name, component in galaxy.components.items():
        np.testing.assert_allclose(
            back.components[name].light(x, y), component.light(x, y), rtol=1e-6
        )
        assert set(back.components[name].tracers) == set(component.tracers)
        for tracer in component.tracers:
            np.testing.assert_allclose(
                back.components[name].tracers[tracer](x, y),
                component.tracers[tracer](x, y),
                rtol=1e-6,
            )
    assert there[0]["tracer_type"] == "LOG"
    assert len(there[0]["tracer_source_model_list"]) == (scene[1])


def test_ten_components_keep_their_order():
    names = {"source_light_model_list": ["SERSIC"] * 11}
    values = {
        "kwargs_source": [
            {"amp": 1.0 + i, "R_sersic": 1.0, "n_sersic": 1.0, "center_x": 0.0, "center_y": 0.0}
            for i in range(11)
        ]
    }
    back = jm.to_lenstronomy(jm.galaxy_from_lenstronomy(names, values))[1]
    assert [v["amp"] for v in back["kwargs_source"]] == [1.0 + i for i in range(11)]


def test_a_galaxy_with_two_tracers_must_say_which():
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0)
    flat = jm.Profile(jm.tracer.gradient, central=8.0, gradient=0.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, age=flat, metallicity=flat))
    with pytest.raises(jm.InputError, match="choose one with tracer=, of age, metallicity"):
        jm.to_lenstronomy(galaxy)
    assert jm.to_lenstronomy(galaxy, "age", "linear")[0]["tracer_type"] == "LINEAR"


# ----- what differs is said


def masked(arguments):
    mask = np.ones((13, 13), bool)
    mask[0, :4] = False
    return with_(arguments, "kwargs_likelihood", tracer_likelihood_mask=mask)


def with_nan(arguments):
    values = arguments["kwargs_data_joint"]["tracer_data"][0]["image_data"].copy()
    values[0, :2] = np.nan
    return with_(arguments, "kwargs_data_joint", tracer_data=[data(values, 0.1), PSF, NUMERICS])


def photon_noise(arguments):
    frame = data(np.ones((13, 13)), background_rms=0.1, exposure_time=100.0) | {"noise_map": None}
    return with_(arguments, "kwargs_data_joint", multi_band_list=[[frame, PSF, NUMERICS]])


def with_numerics(**numerics):
    def change(arguments):
        return with_(
            arguments,
            "kwargs_data_joint",
            multi_band_list=[[data(np.ones((13, 13)), 0.1), pixel_psf(19, 4.0, 4), numerics]],
        )

    return change


def below_zero(arguments):
    lists = settings(
        [{"amp": 0.1, "k": -0.5, "center_x": 0.0, "center_y": 0.0}], {"k": (-1.0, 1.0)}
    )
    return with_(arguments, "kwargs_params", tracer_source_model=lists)


DIFFERENCES = {
    "log": (lambda a: with_(a, "kwargs_model", tracer_type="LOG"), "tracer_type LOG is used"),
    "mask": (masked, "4 pixels are left out; lenstronomy's TracerLikelihood ignores its mask"),
    "nan": (with_nan, "2 pixels are not finite"),
    "photon noise": (photon_noise, "photon noise is taken from the data"),
    "adaptive": (
        with_numerics(compute_mode="adaptive", supersampling_factor=2),
        "every pixel is supersampled",
    ),
    "other factor": (
        with_numerics(supersampling_convolution=True, supersampling_factor=2),
        "degraded and refined to factor 2",
    ),
    "bounds": (
        lambda a: with_(a, "kwargs_likelihood", check_bounds=False),
        "the bounds of kwargs_params hold all the same",
    ),
    "sum": (lambda a: script(1, 2), "the 2 tracers add up on all of the light"),
    "idle": (lambda a: script(1, 2, [[0, 1]]), "tracer 0 is in no group of tracer_partition"),
    "below zero": (below_zero, "cuts it off at zero"),
    "no tracer": (lambda a: a | {"kwargs_likelihood": {}}, "the tracer data take no part"),
}


@pytest.mark.filterwarnings("ignore::jaxmetal.InputWarning")
@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_from_lenstronomy_is_said_in_one_line(name):
    change, message = DIFFERENCES[name]
    with pytest.warns(jm.InputWarning) as caught:
        jm.from_lenstronomy(**change(script()), numerics="lenstronomy")
    said = [str(w.message) for w in caught if message in str(w.message)]
    assert len(said) == 1
    assert "\n" not in said[0]


def test_a_plain_script_gives_no_warning():
    jm.from_lenstronomy(**script(), numerics="lenstronomy")


# ----- what cannot be carried over is refused by name


REFUSED = {
    "point sources": (
        "kwargs_model",
        {"point_source_model_list": ["UNLENSED"]},
        r"kwargs_model\['point_source_model_list'\]: cannot be carried over",
    ),
    "extinction": (
        "kwargs_model",
        {"optical_depth_model_list": ["UNIFORM"]},
        "optical_depth_model_list",
    ),
    "planes": ("kwargs_model", {"multi_plane": True}, "multi_plane"),
    "solver": ("kwargs_constraints", {"solver_type": "PROFILE"}, "solver_type"),
    "custom": ("kwargs_likelihood", {"custom_logL_addition": print}, "custom_logL_addition"),
    "kde": (
        "kwargs_likelihood",
        {"prior_source_kde": [[0, "R_sersic", [1.0]]]},
        "prior_source_kde",
    ),
    "time delays": ("kwargs_data_joint", {"time_delays_measured": [1.0]}, "time_delays_measured"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_carried_over_is_refused_by_name(name):
    key, change, message = REFUSED[name]
    with pytest.raises(jm.InputError, match=message):
        jm.from_lenstronomy(**with_(script(), key, **change))


def test_radii_along_the_major_axis_stay_so():
    names = {
        "source_light_model_list": ["SERSIC_ELLIPSE"],
        "source_light_profile_kwargs_list": [{"sersic_major_axis": True}],
    }
    values = {
        "kwargs_source": [{"amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0, "e1": 0.2, "e2": 0.0}]
    }
    light = jm.galaxy_from_lenstronomy(names, values).source_0.light
    assert float(light(1.0, 0.0)) == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(
        jm.InputError, match=r"kwargs_result\['kwargs_source'\]\[0\]: SERSIC_ELLIPSE: 'smoothing'"
    ):
        jm.galaxy_from_lenstronomy(
            names | {"source_light_profile_kwargs_list": [{"smoothing": 0.1}]}, values
        )


def test_what_lenstronomy_does_nothing_with_is_welcome():
    arguments = with_(
        script(),
        "kwargs_model",
        lens_model_list=[],
        multi_plane=False,
        lens_redshift_list=None,
        z_lens=0.5,
    )
    imported(
        with_(
            arguments,
            "kwargs_constraints",
            solver_type="NONE",
            image_plane_source_list=[False],
            joint_lens_with_light=[],
        )
    )


BANDS = {
    "flux scaling": (
        [data(flux_scaling=2.0), PSF, NUMERICS],
        r"tracer_data'\]\[0\]\['flux_scaling'\]: cannot be carried over",
    ),
    "interferometer": (
        [data(likelihood_method="interferometry_natwt"), PSF, NUMERICS],
        "likelihood_method",
    ),
    "no noise": (
        [{"image_data": np.ones((13, 13))}, PSF, NUMERICS],
        r"\['background_rms'\]: is missing",
    ),
    "no picture": (
        [{"noise_map": np.ones((13, 13))}, PSF, NUMERICS],
        r"\['image_data'\]: expected a picture",
    ),
    "noise shape": ([data(noise_map=np.ones((3, 3))), PSF, NUMERICS], "noise_map"),
    "no fwhm": (
        [data(), {"psf_type": "GAUSSIAN"}, NUMERICS],
        r"\[1\]\['fwhm'\]: is missing; a GAUSSIAN psf needs it",
    ),
    "no kernel": ([data(), {"psf_type": "PIXEL"}, NUMERICS], "kernel_point_source"),
    "fwhm": (
        [data(), {"psf_type": "GAUSSIAN", "fwhm": -0.5}, NUMERICS],
        r"\[1\]\['fwhm'\]: expected a positive number",
    ),
    "psf type": ([data(), {"psf_type": "MOFFAT"}, NUMERICS], "unknown psf_type 'MOFFAT'"),
    "numerics": ([data(), PSF, {"supersampling": 2}], "unknown key 'supersampling'. Did you mean"),
    "factor": ([data(), PSF, {"supersampling_factor": 2.5}], "supersampling_factor"),
    "unseen pixels": (
        [data(), PSF, {"flux_evaluate_indexes": np.zeros((13, 13))}],
        "flux_evaluate_indexes",
    ),
    "cut": ([data(), pixel_psf(), {"convolution_kernel_size": 11}], "convolution_kernel_size"),
    "even core": (
        [
            data(),
            pixel_psf(),
            {
                "supersampling_factor": 3,
                "supersampling_convolution": True,
                "supersampling_kernel_size": 4,
            },
        ],
        "supersampling_kernel_size",
    ),
    "two entries": ([data(), PSF], r"\['tracer_data'\]: expected 3 entries, got 2"),
}


@pytest.mark.parametrize("name", BANDS)
def test_a_band_that_cannot_be_carried_over_is_named(name):
    band, message = BANDS[name]
    with pytest.raises(jm.InputError, match=message):
        imported(with_(script(), "kwargs_data_joint", tracer_data=band))


def without(key, n, name):
    def change(arguments):
        lists = [[dict(entry) for entry in entries] for entries in arguments["kwargs_params"][key]]
        del lists[n][0][name]
        return with_(arguments, "kwargs_params", **{key: lists})

    return change


def with_bound(n, name, value):
    def change(arguments):
        lists = [
            [dict(entry) for entry in entries]
            for entries in arguments["kwargs_params"]["source_model"]
        ]
        lists[n][0][name] = value
        return with_(arguments, "kwargs_params", source_model=lists)

    return change


MISTAKES = {
    "bound": (
        without("source_model", 3, "R_sersic"),
        r"kwargs_params\['source_model'\]\[3\]\[0\]\['R_sersic'\] \(lower\): is missing",
    ),
    "start": (
        without("tracer_source_model", 0, "k"),
        r"\['tracer_source_model'\]\[0\]\[0\]\['k'\] \(init\): is missing",
    ),
    "order": (with_bound(4, "R_sersic", 0.05), "must be above the lower bound"),
    "outside": (with_bound(0, "R_sersic", 7.0), r"\(init\): must lie between"),
    "settings": (
        lambda a: with_(a, "kwargs_params", source_model=[[{}]] * 4),
        r"\['source_model'\]: expected 5 entries, got 4",
    ),
    "entries": (
        lambda a: with_(a, "kwargs_params", source_model=[[None]] * 5),
        r"\(init\): expected a dictionary for each profile",
    ),
    "profiles": (
        lambda a: with_(a, "kwargs_model", source_light_model_list=["SERSIC", "SERSIC"]),
        "expected 2 entries, got 1",
    ),
    "profile": (lambda a: with_(a, "kwargs_model", source_light_model_list=["SERSICK"]), "unknown"),
    "key": (
        lambda a: with_(a, "kwargs_model", source_light_model=["SERSIC"]),
        "unknown key 'source_light_model'. Did you mean",
    ),
    "type": (lambda a: with_(a, "kwargs_model", tracer_type="LOGARITHM"), "unknown tracer_type"),
    "partition": (
        lambda a: with_(a, "kwargs_model", tracer_partition=[[0, 1]]),
        r"\['tracer_partition'\]\[0\]\[1\]: expected a number from 0 to 0",
    ),
    "twice": (
        lambda a: with_(a, "kwargs_model", tracer_partition=[[0, 0], [None, 0]]),
        "weighs twice",
    ),
    "mask": (
        lambda a: with_(a, "kwargs_likelihood", tracer_likelihood_mask=np.ones((13, 12))),
        r"tracer_likelihood_mask'\]: shape \(13, 12\)",
    ),
    "joint": (
        lambda a: with_(
            a, "kwargs_constraints", joint_source_light_with_tracer=[[0, 0, ["radius"]]]
        ),
        "unknown parameter 'radius'",
    ),
    "prior": (
        lambda a: (
            with_(a, "kwargs_likelihood", prior_source=[[0, "amp", 16.0, 1.0]])
            | {"kwargs_constraints": {}}
        ),
        "'amp' of profile 0 is joint or linear, not free",
    ),
    "numerics": (lambda a: a | {"numerics": "galfit"}, "unknown numerics 'galfit'"),
    "nothing": (lambda a: a | {"kwargs_params": None}, "one of them must say where to start"),
    "no data": (
        lambda a: a | {"kwargs_likelihood": {"image_likelihood": False}},
        "no data are left",
    ),
    "linear": (
        lambda a: (
            with_(
                a,
                "kwargs_data_joint",
                multi_band_list=a["kwargs_data_joint"]["multi_band_list"] * 2,
            )
            | {"kwargs_constraints": {}}
        ),
        "'multi-linear' gives each of the 2 bands amplitudes of its own",
    ),
}


@pytest.mark.filterwarnings("ignore::jaxmetal.InputWarning")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_lenstronomys_key(name):
    change, message = MISTAKES[name]
    with pytest.raises(jm.InputError, match=message):
        jm.from_lenstronomy(**change(script()))


# ----- the likelihood


def theirs(arguments, values):
    """lenstronomy's log likelihood of its own parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of lenstronomy's imports, and of numpy about its Fourier transforms
        pytest.importorskip("lenstronomy")
        from lenstronomy.Sampling.likelihood import Likelihood
        from lenstronomy.Sampling.parameters import Param

        keys = {"source": "source_model", "tracer_source": "tracer_source_model"}
        bounds = {
            f"kwargs_{s}_{k}": arguments["kwargs_params"][key][n]
            for s, n in (("fixed", 2), ("lower", 3), ("upper", 4))
            for k, key in keys.items()
        }
        param = Param(arguments["kwargs_model"], **bounds, **arguments["kwargs_constraints"])
        likelihood = Likelihood(
            arguments["kwargs_data_joint"],
            arguments["kwargs_model"],
            param,
            **arguments["kwargs_likelihood"],
        )
        return likelihood.logL(param.kwargs2args(**values))


@pytest.mark.parametrize("psf", [PSF, pixel_psf(15, 3.0, 3)], ids=["gaussian", "pixel"])
def test_the_likelihood_is_lenstronomys_plus_its_normalisation(psf, tolerance):
    arguments = script(2, 2, [[0, 0], [1, 1]])
    for key, band in (("tracer_data", None), ("multi_band_list", 0)):
        old = arguments["kwargs_data_joint"][key]
        changed = [
            (old if band is None else old[0])[0],
            psf,
            {"supersampling_factor": 3, "supersampling_convolution": True},
        ]
        arguments["kwargs_data_joint"] |= {key: changed if band is None else [changed]}
    mask = np.random.default_rng(2).random((13, 13)) > 0.2
    arguments["kwargs_likelihood"] |= {"image_likelihood_mask_list": [mask]}
    fitted = imported(arguments)
    values = model(2, 2)[1]
    normalisation = -sum(
        float(np.sum(np.log(np.sqrt(2 * np.pi) * m.errors[np.asarray(m.valid)])))
        for m in fitted.maps.values()
    )
    own = float(fitted.log_likelihood(fitted.constrain(fitted.start))) - normalisation
    assert own == pytest.approx(theirs(arguments, values), rel=tolerance(1e-11, 1e-4))


def test_the_gradient_is_finite_at_the_start():
    fitted = imported(script(2, 2))
    assert np.all(
        np.isfinite(compiled_once(lambda u: jax.grad(fitted.log_density)(u))(fitted.start))
    )
