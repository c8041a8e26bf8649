"""Lenses and their light move over from lenstronomy and back, and are seen as there."""

import inspect
import warnings

import numpy as np
import numpyro.distributions as dist
import pytest

from tests.lenstronomy_scenes import data, pixel_psf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of lenstronomy's own imports
    pytest.importorskip("lenstronomy")
    from lenstronomy.Data.imaging_data import ImageData
    from lenstronomy.Data.psf import PSF
    from lenstronomy.ImSim.image_model import ImageModel
    from lenstronomy.ImSim.tracer_model import TracerModelSource
    from lenstronomy.LensModel.lens_model import LensModel
    from lenstronomy.Sampling.likelihood import Likelihood
    from lenstronomy.Sampling.parameters import Param
    from lenstronomy.Util.class_creator import create_class_instances

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.io.lenstronomy.names import LENSES

# What others computed in double precision.
pytestmark = pytest.mark.precision("double")

NONE = {"psf_type": "NONE"}
PLACE = {"center_x": 0.03, "center_y": -0.02}
MODEL = {
    "lens_model_list": ["SIE", "SHEAR"],
    "source_light_model_list": ["SERSIC_ELLIPSE", "GAUSSIAN"],
    "lens_light_model_list": ["SERSIC"],
    "tracer_source_model_list": ["LINEAR"],
    "tracer_partition": [[0, 0]],
    "tracer_type": "LINEAR",
}
BEHIND = {"center_x": 0.15, "center_y": -0.1}
RESULT = {
    "kwargs_lens": [
        {"theta_E": 0.9, "e1": 0.1, "e2": -0.05, **PLACE},
        {"gamma1": 0.03, "gamma2": -0.02, "ra_0": 0.0, "dec_0": 0.0},
    ],
    "kwargs_source": [
        {"amp": 6.0, "R_sersic": 0.3, "n_sersic": 1.2, "e1": 0.15, "e2": 0.1, **BEHIND},
        {"amp": 2.0, "sigma": 0.15, "center_x": 0.3, "center_y": 0.1},
    ],
    "kwargs_lens_light": [{"amp": 8.0, "R_sersic": 0.4, "n_sersic": 3.0, **PLACE}],
    "kwargs_tracer_source": [{"amp": 8.5, "k": -0.4, **BEHIND}],
}
LISTS = {
    "lens": "lens_model",
    "source": "source_model",
    "lens_light": "lens_light_model",
    "tracer_source": "tracer_source_model",
}
FREE = {
    "lens": [
        {"theta_E": (0.5, 1.5), "e1": (-0.4, 0.4), "center_x": (-0.2, 0.2)},
        {"gamma1": (-0.2, 0.2)},
    ],
    "source": [{"amp": (0.0, 50.0), "R_sersic": (0.1, 2.0), "center_x": (-1.0, 1.0)}, {}],
    "lens_light": [{"amp": (0.0, 50.0), "n_sersic": (0.5, 6.0), "center_x": (-0.3, 0.3)}],
    "tracer_source": [{"amp": (6.0, 9.0), "k": (-1.0, 1.0)}],
}


def script(psf=NONE, model=MODEL, constraints=None, **likelihood):
    """The five arguments of a FittingSequence, by name."""
    rng = np.random.default_rng(2)
    light, z = np.abs(rng.normal(1.0, 0.3, (13, 13))), 8.3 + rng.normal(0.0, 0.1, (13, 13))
    params = {}
    for kind, key in LISTS.items():
        pairs = list(zip(RESULT[f"kwargs_{kind}"], FREE[kind], strict=True))
        fixed = [{n: v for n, v in values.items() if n not in free} for values, free in pairs]
        low, high = (
            [{n: bounds[side] for n, bounds in free.items()} for _, free in pairs]
            for side in (0, 1)
        )
        params[key] = [
            [{n: values[n] for n in free} for values, free in pairs],
            [{}] * len(pairs),
            fixed,
            low,
            high,
        ]
    bands = (
        [data(light, 0.1), psf, {"supersampling_factor": 2}],
        [data(z, 0.1), psf, {"supersampling_factor": 2}],
    )
    return {
        "kwargs_data_joint": {"multi_band_list": [bands[0]], "tracer_data": bands[1]},
        "kwargs_model": model,
        "kwargs_constraints": {"linear_solver": False} | (constraints or {}),
        "kwargs_likelihood": {"tracer_likelihood": True} | likelihood,
        "kwargs_params": params,
    }


def imported(arguments, **options):
    """The model, without the warnings that other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jm.InputWarning)
        return jm.from_lenstronomy(**arguments, **({"numerics": "lenstronomy"} | options))


# ----- what is seen


def theirs(model, result, band):
    """(light, tracer) of lenstronomy, whose own fitting path never hands tracer_type on."""
    frame, psf, numerics = band
    sources = {key: value for key, value in model.items() if not key.startswith("tracer")}
    tracers = {"source_light_model_list": model["tracer_source_model_list"]}
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # "kernel over-written", and numpy's of its Fourier transforms
        lens, source, lens_light, _, _ = create_class_instances(**sources)
        image = ImageModel(
            ImageData(**frame), PSF(**psf), lens, source, lens_light, kwargs_numerics=numerics
        )
        traced = TracerModelSource(
            ImageData(**frame),
            PSF(**psf),
            lens,
            source,
            lens_light,
            tracer_source_class=create_class_instances(**tracers)[1],
            kwargs_numerics=numerics,
            tracer_partition=model["tracer_partition"],
            tracer_type=model["tracer_type"],
        )
        lit = image.image(
            result["kwargs_lens"], result["kwargs_source"], result["kwargs_lens_light"]
        )
        return lit, traced.tracer_model(
            result["kwargs_tracer_source"], result["kwargs_lens"], result["kwargs_source"]
        )


FINE = {"supersampling_factor": 3, "supersampling_convolution": True}
CAMERAS = {
    "none": (NONE, {"supersampling_factor": 3}),
    "pixel": (pixel_psf(), {"supersampling_factor": 2}),
    "pixel-fine": (pixel_psf(27, 3.0, 3), FINE),
}


@pytest.mark.parametrize(
    ("name", "kind"), [("none", "LOG"), ("pixel", "LINEAR"), ("pixel-fine", "LOG")]
)
def test_a_lensed_scene_with_lens_light_is_lenstronomys(name, kind):
    model, band = MODEL | {"tracer_type": kind}, [data(), *CAMERAS[name]]
    joint = {"multi_band_list": [band], "tracer_data": band}
    seen = imported(
        {"kwargs_data_joint": joint, "kwargs_model": model, "kwargs_result": RESULT}
    ).predict({})
    light, tracer = theirs(model, RESULT, band)
    np.testing.assert_allclose(seen["light"], light, rtol=1e-8, atol=1e-8 * light.max())
    np.testing.assert_allclose(seen["tracer"], tracer, rtol=1e-8)
    # Lens and lens light are not idle: without either of them much is another.
    bare, unlensed = (
        theirs(MODEL | {key: []}, RESULT | {values: []}, band)[0]
        for key, values in (
            ("lens_light_model_list", "kwargs_lens_light"),
            ("lens_model_list", "kwargs_lens"),
        )
    )
    assert np.abs(light - bare).max() > 0.1 * light.max()
    assert np.abs(light - unlensed).max() > 0.1 * light.max()


RANGES = {
    **dict.fromkeys(("e1", "e2", "gamma1", "gamma2"), (-0.2, 0.2)),
    **dict.fromkeys(("center_x", "center_y"), (-0.2, 0.2)),
    **dict.fromkeys(("ra_0", "dec_0"), (-1.0, 1.0)),
    "gamma": (1.5, 2.5),
    "kappa": (-0.5, 0.5),
    "Ra": (0.02, 0.2),
}


@pytest.mark.parametrize("name", LENSES)
def test_each_lens_model_deflects_as_lenstronomys_and_comes_back(name):
    rng = np.random.default_rng(list(name.encode()))
    entry = LENSES[name]
    names = [
        p for p in list(inspect.signature(entry.function).parameters)[2:] if p not in entry.lacks
    ]
    values = {p: float(rng.uniform(*RANGES.get(p, (0.5, 2.0)))) for p in names}
    x, y = rng.uniform(-2.0, 2.0, (2, 10))
    model = {"lens_model_list": [name], "lens_light_model_list": ["SERSIC"]}
    result = {"kwargs_lens": [values], "kwargs_lens_light": RESULT["kwargs_lens_light"]}
    galaxy = jm.galaxy_from_lenstronomy(model, result)
    # Numba takes long to compile the same.
    plain = name.removesuffix("_NUMBA")
    np.testing.assert_allclose(
        galaxy.deflection(x, y), LensModel([plain]).alpha(x, y, [values]), rtol=1e-8, atol=1e-8
    )
    there, back = jm.to_lenstronomy(galaxy)
    assert there["lens_model_list"] == [plain]
    assert back["kwargs_lens"][0] == pytest.approx(values, rel=1e-12)


GAUSSIANS = {
    "prior_lens": [[0, "theta_E", 0.8, 0.1]],
    "prior_lens_light": [[0, "n_sersic", 4.0, 0.5]],
}


@pytest.fixture(scope="module")
def fitted():
    """The model of a script in which all four kinds of profile have something free."""
    return imported(script(pixel_psf(), **GAUSSIANS))


def test_the_likelihood_with_a_lens_is_lenstronomys_plus_its_normalisation(fitted):
    arguments, keys = script(pixel_psf(), **GAUSSIANS), {"fixed": 2, "lower": 3, "upper": 4}
    bounds = {
        f"kwargs_{s}_{kind}": arguments["kwargs_params"][key][n]
        for s, n in keys.items()
        for kind, key in LISTS.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # "kernel over-written", and numpy's of its Fourier transforms
        param = Param(MODEL, **bounds, **arguments["kwargs_constraints"])
        their = Likelihood(
            arguments["kwargs_data_joint"], MODEL, param, **arguments["kwargs_likelihood"]
        ).logL(param.kwargs2args(**RESULT))
    normalisation = -sum(
        float(np.sum(np.log(np.sqrt(2 * np.pi) * m.errors[np.asarray(m.valid)])))
        for m in fitted.maps.values()
    )
    priors = -0.5 * ((0.9 - 0.8) / 0.1) ** 2 - 0.5 * ((3.0 - 4.0) / 0.5) ** 2
    own = compiled_once(lambda u: fitted.log_likelihood(fitted.constrain(u)))(fitted.start)
    assert float(own) - normalisation + priors == pytest.approx(their, rel=1e-9)


# ----- what becomes of a script


def test_a_script_becomes_a_model_with_lenses_and_foreground_light(fitted):
    assert set(fitted.names) == {
        "lens.lens_0.theta_E",
        "lens.lens_0.e1",
        "lens.lens_0.center_x",
        "lens.lens_1.gamma1",
        "source_0.light.amp",
        "source_0.light.R_sersic",
        "source_0.light.center_x",
        "source_0.tracer.amp",
        "source_0.tracer.k",
        "lens_light_0.light.amp",
        "lens_light_0.light.n_sersic",
        "lens_light_0.light.center_x",
    }
    assert fitted.galaxy.lens_light_0.foreground
    assert not fitted.galaxy.lens_light_0.tracers
    assert float(fitted.galaxy.lens["lens_0"].theta_E) == 0.9
    shear = fitted.priors["lens.lens_1.gamma1"]
    assert isinstance(shear, dist.Uniform)
    assert (float(shear.low), float(shear.high)) == (-0.2, 0.2)
    # Gaussian priors narrow the bounds; the difference of their logarithms is a parabola's.
    for path, mean, sigma in (
        ("lens.lens_0.theta_E", 0.8, 0.1),
        ("lens_light_0.light.n_sersic", 4.0, 0.5),
    ):
        near, far = (
            float(fitted.priors[path].log_prob(mean + times * sigma)) for times in (0.0, 2.0)
        )
        assert near - far == pytest.approx(2.0)


def test_amplitudes_of_lens_light_are_solved_with_those_of_the_source():
    arguments = script(constraints={"linear_solver": True})
    band = arguments["kwargs_data_joint"]["multi_band_list"][0]
    joint = {"multi_band_list": [[data(theirs(MODEL, RESULT, band)[0], 0.1), *band[1:]]]}
    solved = imported(arguments | {"kwargs_data_joint": joint, "kwargs_likelihood": {}})
    found = compiled_once(lambda u: solved.complete(solved.constrain(u)))(solved.start)
    true = {"source_0.light.amp": 6.0, "source_1.light.amp": 2.0, "lens_light_0.light.amp": 8.0}
    assert set(solved.linear) == set(true)
    assert {path: float(found[path]) for path in true} == pytest.approx(true, rel=1e-6)


def test_joint_parameters_reach_across_lenses_and_light():
    model = MODEL | {
        "lens_light_model_list": ["SERSIC", "SERSIC"],
        "lens_model_list": ["SIE", "SHEAR", "CONVERGENCE"],
    }
    constraints = {
        "joint_lens_with_light": [[0, 0, ["center_x"]]],
        "joint_lens_with_lens": [[0, 2, {"ra_0": "center_x"}]],
        "joint_lens_light_with_lens_light": [[0, 1, ["center_x", "n_sersic"]]],
        "joint_lens_with_source_light": [[0, 1, {"ra_0": "center_x"}]],
    }
    arguments = script(model=model, constraints=constraints)
    lists = arguments["kwargs_params"]
    lists["lens_model"] = [[*entries, {}] for entries in lists["lens_model"]]
    lists["lens_model"][2][2] = {"kappa": 0.1, "dec_0": 0.0}
    lists["lens_light_model"] = [[*entries, *entries] for entries in lists["lens_light_model"]]
    fitted = imported(arguments)
    assert {path: tie.paths[0] for path, tie in fitted.ties} == {
        "lens.lens_0.center_x": "lens_light_0.light.center_x",
        "lens.lens_2.ra_0": "lens_light_0.light.center_x",
        "lens_light_1.light.center_x": "lens_light_0.light.center_x",
        "lens_light_1.light.n_sersic": "lens_light_0.light.n_sersic",
        "lens.lens_1.ra_0": "source_0.light.center_x",
    }
    # The start follows too: the lens takes the place of its light, whatever was said of it.
    assert float(fitted.galaxy.lens["lens_2"].ra_0) == PLACE["center_x"]
    assert float(fitted.galaxy.lens["lens_1"].ra_0) == BEHIND["center_x"]


def test_a_lens_that_follows_a_joint_source_is_put_right():
    """lenstronomy sets the lens before it sets the source, while that still is a placeholder."""
    constraints = {
        "joint_source_with_source": [[0, 1, ["center_x"]]],
        "joint_lens_with_source_light": [[1, 0, ["center_x"]]],
    }
    free = {key: value for key, value in script().items() if key != "kwargs_params"}
    param = Param(MODEL | {"tracer_source_model_list": []}, linear_solver=False, **constraints)
    there = param.args2kwargs(np.arange(1.0, 1.0 + param.num_param()[0]))
    assert there["kwargs_lens"][0]["center_x"] == 0
    assert there["kwargs_source"][1]["center_x"] != 0
    free["kwargs_constraints"] = free["kwargs_constraints"] | constraints
    with pytest.warns(
        jm.InputWarning,
        match=(
            "'center_x' of lens model 0 follows source 1, which is joint itself; "
            "lenstronomy puts a 0"
        ),
    ):
        fitted = jm.from_lenstronomy(
            **free, kwargs_params=script()["kwargs_params"], numerics="lenstronomy"
        )
    assert dict(fitted.ties)["lens.lens_0.center_x"].paths == ("source_0.light.center_x",)


def test_a_galaxy_behind_lenses_survives_the_way_there_and_back():
    galaxy = jm.galaxy_from_lenstronomy(MODEL, RESULT)
    names, values = jm.to_lenstronomy(galaxy, scale="linear")
    assert names == MODEL | {"tracer_partition": [[[0], [0]]]}
    for key, lists in RESULT.items():
        for own, expected in zip(values[key], lists, strict=True):
            assert own == pytest.approx(expected, rel=1e-12)


def test_a_line_is_looked_at_below_zero_where_the_lens_shows_it():
    """A sheet of this density shows the source much enlarged.

    The frame ends at a third of its size, where Z is still positive.
    """
    values = RESULT | {
        "kwargs_tracer_source": [{"amp": 1.0, "k": -1.0, **BEHIND}],
        "kwargs_lens": [{"kappa": 0.7}],
    }
    model, band = (
        MODEL | {"lens_model_list": ["CONVERGENCE"]},
        [data(np.full((13, 13), 0.5), 0.1), NONE, {}],
    )
    farthest = 1 - np.hypot(1.2 + 0.15, 1.2 + 0.1)
    assert farthest < 0 < 1 - np.hypot(0.3 * 1.2 + 0.15, 0.3 * 1.2 + 0.1)
    # A warning would be an error.
    jm.from_lenstronomy({"tracer_data": band}, model, kwargs_result=values, numerics="lenstronomy")


# ----- what cannot be carried over is refused by name


def with_model(**changes):
    return lambda arguments: arguments | {"kwargs_model": arguments["kwargs_model"] | changes}


def with_constraint(**changes):
    return lambda arguments: (
        arguments | {"kwargs_constraints": arguments["kwargs_constraints"] | changes}
    )


def without(key, n, name):
    def change(arguments):
        del arguments["kwargs_params"][key][n][0][name]
        return arguments

    return change


def without_list(key):
    return lambda a: (
        a | {"kwargs_params": {k: v for k, v in a["kwargs_params"].items() if k != key}}
    )


MISTAKES = {
    "planes": (
        with_model(multi_plane=True),
        r"kwargs_model\['multi_plane'\]: cannot be carried over",
    ),
    "redshifts": (with_model(lens_redshift_list=[0.3, 0.5]), "lens_redshift_list"),
    "scaling": (
        with_model(source_deflection_scaling_list=[1.0, 0.5]),
        r"\['source_deflection_scaling_list'\]: cannot be carried over",
    ),
    "sources": (
        with_model(source_redshift_list=[1.0, 2.0]),
        r"\['source_redshift_list'\]: cannot be carried over",
    ),
    "convention": (
        with_model(z_lens=0.3, z_source=1.0, z_source_convention=3.0),
        r"\['z_source_convention'\]: cannot be carried over",
    ),
    "bands": (
        with_model(index_lens_light_model_list=[[]]),
        r"\['index_lens_light_model_list'\]: cannot be carried over",
    ),
    "lens": (
        with_model(lens_model_list=["TNFW", "SHEAR"]),
        "unknown lenstronomy lens model 'TNFW'",
    ),
    "ways": (
        with_model(lens_profile_kwargs_list=[{"NIE": True}, None]),
        "lens_profile_kwargs_list",
    ),
    "scaled": (with_constraint(mass_scaling_list=[1, False]), "mass_scaling_list"),
    "logarithm": (with_constraint(log_sampling_lens=[[0, ["theta_E"]]]), "log_sampling_lens"),
    "point": (
        with_constraint(joint_lens_light_with_point_source=[[0, 0, ["center_x"]]]),
        "joint_lens_light_with_point_source",
    ),
    "joint": (
        with_constraint(joint_lens_with_light=[[0, 0, ["radius"]]]),
        r"\['joint_lens_with_light'\]\[0\]: unknown parameter 'radius'.* theta_E",
    ),
    "joint light": (
        with_constraint(joint_lens_with_light=[[1, 0, ["center_x"]]]),
        r"joint_lens_with_light'\]\[0\]\[0\]: expected a number",
    ),
    "joint lens": (
        with_constraint(joint_lens_with_lens=[[0, 2, ["center_x"]]]),
        r"joint_lens_with_lens'\]\[0\]\[1\]: expected a number",
    ),
    "bound": (
        without("lens_model", 3, "theta_E"),
        r"kwargs_params\['lens_model'\]\[3\]\[0\]\['theta_E'\] \(lower\): is missing",
    ),
    "start": (
        without("lens_light_model", 0, "n_sersic"),
        r"\['lens_light_model'\]\[0\]\[0\]\['n_sersic'\] \(init\): is missing",
    ),
    "list": (without_list("lens_model"), r"kwargs_params\['lens_model'\]: is missing"),
    "prior": (
        lambda a: a | {"kwargs_likelihood": {"prior_lens": [[0, "sigma", 1.0, 0.1]]}},
        r"kwargs_likelihood\['prior_lens'\]\[0\]: unknown parameter 'sigma'",
    ),
    "prior light": (
        lambda a: (
            a
            | {
                "kwargs_constraints": {},
                "kwargs_likelihood": {"prior_lens_light": [[0, "amp", 1.0, 0.1]]},
            }
        ),
        r"kwargs_likelihood\['prior_lens_light'\]: 'amp' of profile 0 is joint or linear",
    ),
}


@pytest.mark.filterwarnings("ignore::jaxmetal.InputWarning")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_lenstronomys_key(name):
    change, message = MISTAKES[name]
    with pytest.raises(jm.InputError, match=message):
        jm.from_lenstronomy(**change(script()))


def test_what_makes_no_difference_in_one_plane_is_welcome():
    kinds = {
        "index_lens_model_list": [[0, 1]],
        "index_source_light_model_list": [[0, 1]],
        "index_lens_light_model_list": [[0]],
    }
    redshifts = {
        "z_lens": 0.3,
        "z_source": 1.0,
        "z_source_convention": 1.0,
        "source_redshift_list": [1.0, 1.0],
    }
    imported(with_model(**kinds, **redshifts, source_deflection_scaling_list=[1, None])(script()))


def test_bands_that_see_different_sources_are_refused_without_lenses_too():
    values = [RESULT["kwargs_source"][0]] * 2
    model = {
        "source_light_model_list": ["SERSIC_ELLIPSE"] * 2,
        "index_source_light_model_list": [[0], [0]],
    }
    with pytest.raises(
        jm.InputError, match=r"\['index_source_light_model_list'\]: cannot be carried over"
    ):
        jm.galaxy_from_lenstronomy(model, {"kwargs_source": values})


def own_lens(x, y, b):
    return b * x, b * y


LIGHT = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0)
FLAT = jm.Profile(jm.tracer.uniform, value=8.0)
HALO = {"halo": jm.Profile(jm.lens.sis, theta_E=1.0)}
NOT_THERE = {
    "ratio": (
        jm.Galaxy(lens=HALO, disc=jm.Component(LIGHT, distance_ratio=0.5)),
        "disc: a distance_ratio of its own",
    ),
    "foreground": (
        jm.Galaxy(front=jm.Component(LIGHT, foreground=True, z=FLAT)),
        "front: lens light carries no tracer",
    ),
    "picture": (
        jm.Galaxy(lens=HALO, disc=jm.Component(LIGHT, lensed_light=False)),
        "disc: light that is a picture of the arc",
    ),
    "lens": (
        jm.Galaxy(lens={"own": jm.Profile(own_lens, b=0.1)}, disc=jm.Component(LIGHT)),
        "own_lens: lenstronomy has no such profile",
    ),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_galaxy_that_lenstronomy_does_not_have_is_refused(name):
    galaxy, message = NOT_THERE[name]
    with pytest.raises(jm.InputError, match=message):
        jm.to_lenstronomy(galaxy)
