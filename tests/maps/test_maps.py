"""The data: what a map accepts, what it leaves out, and that what is left out has no influence
whatever.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxmetal as jm
from jaxmetal.inference.likelihood import log_likelihood
from jaxmetal.maps import scale_functions

SHAPE = (4, 6)
INSTRUMENT = jm.Instrument(jm.Grid.regular(SHAPE, 0.2), jm.NoPSF(), 1)
KINDS = [jm.LightMap, jm.TracerMap]
RANDOM = np.random.default_rng(0)
VALUES, SIGMA, PREDICTED = (
    RANDOM.normal(8.5, 0.2, SHAPE),
    RANDOM.uniform(0.1, 0.2, SHAPE),
    RANDOM.normal(8.5, 0.2, SHAPE),
)
SPOILT = [(0, 0), (1, 4), (3, 5)]

both_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def but(array, value):
    """A copy with another value in the spoilt pixels."""
    array = np.array(array)
    array[tuple(np.transpose(SPOILT))] = value
    return array


MASK = but(np.zeros(SHAPE, bool), True)


@both_kinds
def test_a_whole_map_keeps_its_numbers(kind):
    map = kind(VALUES, SIGMA, INSTRUMENT)
    np.testing.assert_allclose(map.values, VALUES, rtol=1e-6)
    np.testing.assert_allclose(map.sigma, SIGMA, rtol=1e-6)
    np.testing.assert_array_equal(map.data, map.values)
    assert map.valid.all() and map.size == VALUES.size and float(map.scatter) == 0


@both_kinds
def test_one_number_is_the_error_of_every_pixel(kind):
    np.testing.assert_array_equal(kind(VALUES, 0.125, INSTRUMENT).sigma, np.full(SHAPE, 0.125))


@both_kinds
@pytest.mark.parametrize(
    "spoilt",
    [
        {"values": but(VALUES, np.nan)},
        {"values": but(VALUES, np.inf)},
        {"values": but(VALUES, -np.inf)},
        {"sigma": but(SIGMA, np.nan)},
        {"sigma": but(SIGMA, np.inf)},
        {"sigma": but(SIGMA, 0.0)},
        {"sigma": but(SIGMA, -1.0)},
        {"mask": MASK},
        {"mask": MASK.astype(int)},
        {"mask": MASK, "values": but(VALUES, np.nan), "sigma": but(SIGMA, np.inf)},
        {"values": np.ma.masked_array(VALUES, MASK)},
        {"values": np.ma.masked_array(but(VALUES, np.nan), MASK)},
        {"sigma": np.ma.masked_array(SIGMA, MASK)},
        {"values": np.ma.masked_array(np.full(SHAPE, 8), MASK)},
        {"values": but(VALUES, np.nan).tolist()},
    ],
    ids=[
        "NaN value",
        "infinite value",
        "-infinite value",
        "NaN sigma",
        "infinite sigma",
        "no sigma",
        "negative sigma",
        "mask",
        "mask of 0 and 1",
        "everything",
        "masked array",
        "masked array with NaN",
        "masked sigma",
        "masked array of whole numbers",
        "lists",
    ],
)
def test_pixels_without_a_measurement_leave_by_themselves(kind, spoilt):
    """And leave finite numbers behind, since 0 × NaN is NaN."""
    map = kind(**{"values": VALUES, "sigma": SIGMA, "instrument": INSTRUMENT, **spoilt})
    np.testing.assert_array_equal(map.valid, ~MASK)
    assert map.size == VALUES.size - len(SPOILT)
    assert (
        np.all(np.isfinite(map.values)) and np.all(np.isfinite(map.sigma)) and np.all(map.sigma > 0)
    )
    for shown in (map.data, map.errors):
        np.testing.assert_array_equal(np.isnan(shown), MASK)


@both_kinds
@pytest.mark.parametrize(
    "options",
    [{}, {"scatter": 0.05}, {"likelihood": jm.StudentT(3.0)}],
    ids=["plain", "scatter", "student-t"],
)
def test_what_a_masked_pixel_holds_changes_not_one_bit(kind, options):
    """Neither of the log likelihood nor of its gradient in the prediction, the scatter and the
    degrees of freedom.
    """

    @jax.jit
    def judge(map, predicted):
        return jax.value_and_grad(lambda both: log_likelihood(*both), allow_int=True)(
            (map, predicted)
        )

    def bits(**spoilt):
        map = kind(
            **{
                "values": VALUES,
                "sigma": SIGMA,
                "instrument": INSTRUMENT,
                "mask": MASK,
                **options,
                **spoilt,
            }
        )
        leaves = jax.tree.leaves(
            eqx.filter(judge(map, jnp.asarray(PREDICTED, float)), eqx.is_inexact_array)
        )
        assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
        return [np.asarray(leaf).tobytes() for leaf in leaves]

    known = bits()
    for anything in (np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0):
        assert bits(values=but(VALUES, anything)) == known
        assert bits(sigma=but(SIGMA, anything)) == known
        assert bits(values=but(VALUES, anything), sigma=but(SIGMA, anything)) == known
    assert bits(values=VALUES + 0.01) != known


@both_kinds
@pytest.mark.parametrize(
    "likelihood", ["gaussian", jm.StudentT(3.0)], ids=["gaussian", "student-t"]
)
def test_the_log_likelihood_is_the_sum_over_the_pixels_that_are_left(kind, likelihood, tolerance):
    """Of the normalised densities, by scipy."""
    map = kind(VALUES, SIGMA, INSTRUMENT, mask=MASK, likelihood=likelihood)
    density = stats.norm() if likelihood == "gaussian" else stats.t(3.0)
    expected = (density.logpdf((VALUES - PREDICTED) / SIGMA) - np.log(SIGMA))[~MASK].sum()
    assert float(log_likelihood(map, jnp.asarray(PREDICTED, float))) == pytest.approx(
        expected, rel=tolerance(1e-10, 1e-4)
    )


@both_kinds
@pytest.mark.parametrize("anything", [1e30, -5.0, 0.0])
def test_what_is_predicted_for_a_masked_pixel_changes_nothing(kind, anything):
    map = kind(VALUES, SIGMA, INSTRUMENT, mask=MASK)
    known, found = (
        log_likelihood(map, jnp.asarray(p, float)) for p in (PREDICTED, but(PREDICTED, anything))
    )
    assert known == found
    slope = jax.grad(lambda p: log_likelihood(map, p))(jnp.asarray(but(PREDICTED, anything), float))
    assert (
        np.all(np.isfinite(slope))
        and np.all(np.asarray(slope)[MASK] == 0)
        and np.all(np.asarray(slope)[~MASK] != 0)
    )


@both_kinds
@pytest.mark.parametrize("unit", [1e-20, 1e-10, 1e15])
@pytest.mark.parametrize("scatter", [0.0, 0.1])
def test_the_unit_of_the_data_does_not_matter(kind, unit, scatter, tolerance):
    """Fluxes in erg/s/cm² are 1e-17 or less, whose squares single precision does not hold.

    The log likelihood loses N ln(unit).
    """

    def judge(unit):
        extra = scatter if kind is jm.LightMap else scatter * unit
        # A logarithm has no unit; here it stands for whatever light carries.
        map = kind(VALUES * unit, SIGMA * unit, INSTRUMENT, scatter=extra, check=False)
        return float(log_likelihood(map, jnp.asarray(PREDICTED * unit, float)))

    assert judge(unit) + VALUES.size * np.log(unit) == pytest.approx(
        judge(1.0), abs=tolerance(1e-9, 2e-2)
    )


@both_kinds
def test_a_second_map_of_the_same_shape_has_the_same_structure(kind):
    """So that it compiles nothing."""
    one, other = (
        kind(VALUES, SIGMA, INSTRUMENT),
        kind(VALUES + 1, 0.3, INSTRUMENT, mask=MASK, scatter=0.1),
    )
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert [leaf.aval for leaf in jax.tree.leaves(one)] == [
        leaf.aval for leaf in jax.tree.leaves(other)
    ]


ONES = np.ones(SHAPE)


@pytest.mark.wrong_types
@both_kinds
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"values": np.ones((6, 4))}, r"values: shape \(6, 4\) does not match the grid's \(4, 6\)"),
        ({"values": 8.5}, r"values: shape \(\) does not match"),
        ({"values": "map.fits"}, r"values: expected numbers, got str"),
        ({"values": [[1, 2], [3]]}, r"values: expected numbers, got list"),
        ({"sigma": np.ones(6)}, r"sigma: expected one number or shape \(4, 6\), got shape \(6,\)"),
        ({"sigma": "small"}, r"sigma: expected numbers, got str"),
        ({"sigma": -SIGMA}, r"sigma: standard deviations must be positive; 24 of 24"),
        (
            {"mask": np.zeros((4, 5), bool)},
            r"mask: shape \(4, 5\) does not match the grid's \(4, 6\)",
        ),
        ({"mask": np.full(SHAPE, 0.5)}, r"mask: expected True.*float64"),
        ({"mask": np.full(SHAPE, 7)}, r"mask: expected True"),
        ({"mask": np.full(SHAPE, "no")}, r"mask: expected True"),
        (
            {"mask": np.ones(SHAPE, bool)},
            r"no pixel is left; of 24, 0 are not finite, 24 are masked",
        ),
        ({"values": np.full(SHAPE, np.nan)}, r"no pixel is left; of 24, 24 are not finite"),
        ({"sigma": 0.0}, r"no pixel is left.*24 have no positive sigma"),
        (
            {"instrument": jm.Grid.regular(SHAPE, 0.2)},
            r"instrument: expected an Instrument, got Grid",
        ),
        (
            {"likelihood": "gausian"},
            r"unknown likelihood 'gausian'. Did you mean 'gaussian'.*student-t",
        ),
        ({"scatter": -0.1}, r"scatter: expected zero or a positive number, got -0.1"),
        ({"scatter": np.nan}, r"scatter: expected zero or a positive number, got nan"),
        ({"scatter": "some"}, r"scatter: expected a number.*'some'"),
        ({"scatter": [0.1, 0.2]}, r"scatter"),
        ({"likelihood": 3.0}, r"likelihood: expected a Likelihood such as StudentT.*got float"),
        ({"calibration": 1.1}, r"calibration: expected .*Calibration, got float"),
        ({"light": 3}, r"light: expected a light's name, got int"),
    ],
)
def test_an_error_names_the_field_what_was_expected_and_what_arrived(kind, wrong, message):
    with pytest.raises(jm.InputError, match=message) as error:
        kind(**{"values": VALUES, "sigma": SIGMA, "instrument": INSTRUMENT, **wrong})
    assert str(error.value).startswith(kind.__name__)


@pytest.mark.parametrize(
    "scale",
    ["log", "ln", 10, (jnp.exp,), (jnp.exp, "log"), None],
    ids=["log", "ln", "a number", "one function", "a function and a name", "nothing"],
)
def test_a_scale_is_a_name_or_a_pair_of_functions(scale):
    with pytest.raises(jm.InputError, match=r"scale.*(log10.*linear|linear.*log10)"):
        jm.TracerMap(VALUES, SIGMA, INSTRUMENT, scale=scale)


@pytest.mark.parametrize(
    "scale",
    ["log10", "linear", (jnp.exp, jnp.log), [jnp.square, jnp.sqrt]],
    ids=["log10", "linear", "tuple", "list"],
)
def test_the_second_function_of_a_scale_undoes_the_first(scale):
    there, back = scale_functions(jm.TracerMap(VALUES, SIGMA, INSTRUMENT, scale=scale).scale)
    np.testing.assert_allclose(back(there(jnp.asarray(VALUES, float))), VALUES, rtol=1e-5)
