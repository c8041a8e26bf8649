"""How functions are compiled, where JAX's cache of compiled programs lies, and threads that do
not wait for each other for ever.
"""

import gc
import os
import random
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled, compiled_once, compiled_soon
from jaxmetal.io import compiled as cache
from jaxmetal.io.compiled import release_programs
from jaxmetal.threads import side_by_side
from tests.compilations import compilations
from tests.scenes import blank, small_model

PROGRAM = """
import warnings
warnings.simplefilter("error")
import jax
from jaxmetal.io.compiled import keep_compiled
folder = keep_compiled()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
print(folder, float(jax.jit(lambda x: x + 1)(1.0)))
"""

# A truncated prior holds another distribution, whose numbers are to be in order too.
PRIORS = """
import hashlib
import jax
import numpyro.distributions as dist
from jaxmetal.inference.priors import Priors
priors = Priors(
    b=dist.Uniform(1.0, 2.0),
    a=dist.TruncatedNormal(0.0, 1.0, low=-1.0, high=3.0),
    c=dist.LogNormal(0.1, 0.2).expand((2,)),
)
def density(priors):
    return sum(prior.log_prob(1.5).sum() for prior in priors.values())
for some in (priors, dict(priors)):
    print(hashlib.sha256(jax.jit(density).lower(some).as_text().encode()).hexdigest())
"""


def run(**variables):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JAXMETAL_", "XDG_", "JAX_COMPILATION"))
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=kept | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    folder, result = done.stdout.split()
    assert result == "2.0"
    return folder


@pytest.mark.precision("single")
def test_programs_are_kept_in_the_users_cache_folder(tmp_path):
    folder = Path(run(XDG_CACHE_HOME=str(tmp_path)))
    assert folder.parent == tmp_path / "jaxmetal"
    assert list(folder.iterdir())


@pytest.mark.precision("single")
def test_a_folder_that_cannot_be_written_costs_a_compilation_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert run(JAXMETAL_CACHE_DIR=str(tmp_path / "file")) == "None"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.precision("single")
def test_a_flipped_bit_of_a_kept_program_is_noticed_and_costs_a_compilation(tmp_path):
    """JAX compresses programs, and with zlib as with zstd a checksum goes with them."""
    variables = {"JAXMETAL_CACHE_DIR": str(tmp_path)}
    folder, rng = Path(run(**variables)), random.Random(0)
    kept = sorted(folder.glob("*-cache"))
    assert kept
    for path in kept:
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    assert run(**variables) == str(folder)


@pytest.mark.parametrize("word", ["off", "0", " OFF ", ""])
def test_it_can_be_switched_off(monkeypatch, word):
    monkeypatch.setenv(cache.VARIABLE, word)
    assert cache._folder() is None


def test_it_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "elsewhere"))
    assert cache._folder().parent == tmp_path / "elsewhere"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache._folder().parent == tmp_path / ".cache" / "jaxmetal"


@pytest.mark.slow
def test_a_program_with_priors_is_the_same_in_every_process():
    orders = []
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", PRIORS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        orders.append(done.stdout.split())
    ours, theirs = zip(*orders, strict=True)
    assert len(set(ours)) == 1
    # By numpyro's own order, which is that of a set, they differ: otherwise this test would show
    # nothing.
    assert len(set(theirs)) > 1


# A fit and its posterior: how often JAX's cache had the program and how often not, and the numbers
# to the last digit.
FIT = """
import collections
import jax
found = collections.Counter()
jax.monitoring.register_event_listener(lambda event, **_: found.update([event.rsplit("/", 1)[-1]]))
import numpyro.distributions as dist
import jaxmetal as jm
from tests.scenes import small_model
model = small_model(seed=3)
fit = jm.optimise(model, starts=2)
posterior = jm.sample(model, fit, method="importance", draws=50)
eighth = [draws.ravel()[7] for draws in posterior.samples.values()]
values = [*fit.parameters.values(), *fit.errors.values(), *eighth]
print(*(float(value).hex() for value in values), found["cache_hits"], found["cache_misses"])
"""

# What somebody else's function does is not in its name: here it differs from run to run.
OWN = """
import sys
import jax.numpy as jnp
import jaxmetal as jm
step = float(sys.argv[1])
def stair(x, y, central):
    return central + step + 0 * x
light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0)
disc = jm.Component(light, metallicity=jm.Profile(stair, central=8.0))
instrument = jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.0), supersampling=(2, 1))
z = jm.TracerMap(jnp.ones((9, 9)), 0.1, instrument)
print(float(jm.predict(jm.Galaxy(disc=disc), z)[4, 4]))
"""

# Several transforms at once, again and again: in programs of JAX's own, or in ours when JAX has
# been at work before.
TRANSFORMS = """
{}
import jax
import jax.numpy as jnp
import numpy as np
def smooth(x):
    return jnp.fft.irfft2(jnp.fft.rfft2(x) / 2).sum()
x = np.ones((8, 120, 120), np.float32)
for how in {}:
    many = how(lambda x: sum(smooth(x + i) for i in range(6)))
    print(*{{float(many(x)) for _ in range(300)}})
"""
JAX_FIRST = """
import jax
jax.block_until_ready(jax.numpy.ones(3) + 1)
from jaxmetal.compiling import compiled, compiled_once, compiled_soon
"""


def alone(program, *arguments, seconds=240, **variables):
    """What a program prints in a process of its own."""
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": path} | variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_the_next_process_finds_every_program_in_jaxs_cache_and_the_same_numbers(tmp_path):
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    (*first, _, missed), (*again, hits, missed_again) = (alone(FIT, **kept) for _ in range(2))
    assert len(first) == 6
    assert again == first
    assert int(missed) > 3
    assert (int(hits) >= int(missed), int(missed_again)) == (True, 0)


@pytest.mark.precision("single")
def test_somebody_elses_function_is_never_taken_from_an_earlier_process(tmp_path):
    shown = [
        float(*alone(OWN, step, JAX_COMPILATION_CACHE_DIR=str(tmp_path)))
        for step in ("0.25", "0.5")
    ]
    assert shown == pytest.approx([8.25, 8.5], abs=1e-4)


@pytest.mark.precision("single")
def test_a_second_galaxy_of_the_same_shape_compiles_nothing():
    traced = []
    look = compiled(lambda model: (traced.append(model), model.log_density(model.start))[1])
    assert float(look(small_model(seed=3))) != float(look(small_model(seed=4)))
    assert len(traced) == 1


def test_what_is_compiled_is_seen_once():
    """Other tests ask that nothing is compiled, which means something if it would be seen."""
    double = jax.jit(lambda x: 2 * x)
    number = np.float32(1.0)
    with compilations() as programs:
        double(number)
        double(number)
    assert len(programs) == 1


@pytest.mark.parametrize("how", [compiled, compiled_soon, compiled_once])
def test_whoever_looks_for_nan_is_told_where_it_is(how):
    logarithm = how(lambda x: jnp.log(x))
    assert np.isnan(logarithm(np.float32(-1.0)))
    with jax.debug_nans(True), pytest.raises(FloatingPointError, match="log"):
        logarithm(np.float32(-1.0))


def test_a_nan_in_a_prediction_is_found():
    galaxy = jm.Galaxy(
        disc=jm.Component(jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0))
    )
    dark = eqx.tree_at(
        lambda g: g.components["disc"].light.parameters["amp"], galaxy, jnp.asarray(jnp.nan)
    )
    one_map = blank(
        jm.Instrument(jm.Grid.regular((9, 9), 0.5), jm.GaussianPSF(1.0), supersampling=(2, 1)),
        jm.LightMap,
    )
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jm.predict(dark, one_map)


def test_what_is_set_for_jax_after_the_first_call_counts():
    add = compiled(lambda x, y: x + y)
    matrix, vector = np.ones((3, 3), np.float32), np.ones(3, np.float32)
    with jax.numpy_rank_promotion("allow"):
        assert add(matrix, vector).shape == (3, 3)
    with jax.numpy_rank_promotion("raise"), pytest.raises(ValueError, match="rank"):
        add(matrix, vector)


def test_what_is_no_array_comes_and_goes_as_it_is():
    said = compiled(lambda function, text, x: (function(x), text + "!", None))
    value, text, nothing = said(jnp.negative, "now", np.float32(2.0))
    assert (float(value), text, nothing) == (-2.0, "now!", None)


def test_numbers_that_decide_are_part_of_a_program_and_those_that_do_not_are_no_part():
    seen = []

    @compiled_once
    def power(x, exponent):
        seen.append(exponent)
        return x**exponent

    assert [float(power(np.float32(x), n)) for x, n in ((2.0, 2), (3.0, 2), (2.0, 3))] == [
        4.0,
        9.0,
        8.0,
    ]
    assert seen == [2, 3]


def test_inside_another_program_it_is_a_part_of_that_one():
    double = compiled_once(lambda x: 2 * x)
    assert float(jax.jit(jax.grad(lambda x: double(x) ** 2))(3.0)) == 24.0
    assert np.array_equal(jax.vmap(double)(np.arange(3.0)), [0.0, 2.0, 4.0])
    two = np.float32(2.0)
    assert float(jax.jit(lambda x: x + double(two))(3.0)) == 7.0


@pytest.mark.skipif(
    jax.__version_info__ < (0, 11), reason="transforms have waited for each other since JAX 0.11"
)
@pytest.mark.parametrize(
    ("first", "ways"),
    [("import jaxmetal", "[jax.jit]"), (JAX_FIRST, "[compiled, compiled_once, compiled_soon]")],
)
def test_transforms_at_the_same_time_do_not_wait_for_each_other_for_ever(first, ways):
    assert alone(TRANSFORMS.format(first, ways), XLA_FLAGS="")


def test_other_threads_compute_in_the_precision_of_this_one(x64):
    with jax.enable_x64(not x64):
        kinds = side_by_side(lambda _: jax.numpy.ones(1).dtype.name, range(4))
    assert set(kinds) == {"float32" if x64 else "float64"}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system lists no memory maps")
@pytest.mark.slow
def test_programs_are_released_before_a_process_has_too_many():
    """Beyond 65,530 memory maps XLA ends a process of Linux with a segmentation fault."""

    def maps():
        return Path("/proc/self/maps").read_bytes().count(b"\n")

    before = maps()
    # Each shape is a program of its own.
    program = compiled_once(lambda x: jnp.sin(x) @ x.T)
    for n in range(1, 60):
        program(jnp.ones((n, 3)))
    full = maps()
    assert full > before + 59
    assert not release_programs(share=1.0)
    assert release_programs(share=0.0)
    gc.collect()
    assert maps() < full - 59
    np.testing.assert_allclose(program(jnp.ones((2, 3))), np.full((2, 2), 3 * np.sin(1)), rtol=1e-6)
