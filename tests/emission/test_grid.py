"""Grids of line ratios: interpolation, continuation, and tables that are no grid."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import telescope

Z, U = np.linspace(7.6, 9.2, 33), np.linspace(-4.0, -2.0, 21)


def ratios(z, u):
    """Smooth log10 ratios to Hb that bend by less than 1.5 dex per dex²."""
    x, y = z - 8.4, u + 3
    return {
        "OIII5007": 0.5 - 0.7 * x**2 + 0.6 * y,
        "NII6584": -0.5 + 1.2 * x - 0.3 * y + 0.2 * x * y,
        "SII6717": -0.6 + 0.5 * x - 0.4 * y,
        "SII6731": -0.75 + 0.5 * x - 0.4 * y,
    }


def columns(order=None, **changes):
    """A table of the ratios on the grid, its rows in any order."""
    z, u = (p.ravel() for p in np.meshgrid(Z, U, indexing="ij"))
    table = {"metallicity": z, "log_u": u} | ratios(z, u) | changes
    order = np.random.default_rng(0).permutation(z.size) if order is None else order
    return {name: column[order] for name, column in table.items()}


def test_a_smooth_function_and_its_slopes_are_interpolated():
    grid = jm.LineGrid(columns())
    random = np.random.default_rng(1)
    z, u = random.uniform(7.6, 9.2, 200), random.uniform(-4.0, -2.0, 200)
    values, expected = grid(jnp.asarray(z), jnp.asarray(u)), ratios(z, u)
    # The error of a parabola: its second derivative times (step / 2)² / 2.
    np.testing.assert_allclose(values["OIII5007/Hb"], expected["OIII5007"], atol=1.4 * 0.025**2 / 2)
    # What is bilinear is exact.
    np.testing.assert_allclose(values["NII6584/Hb"], expected["NII6584"], atol=1e-5)
    slopes = jax.vmap(jax.grad(lambda z, u: grid(z, u)["OIII5007/Hb"], (0, 1)))(
        jnp.asarray(z), jnp.asarray(u)
    )
    np.testing.assert_allclose(slopes[0], -1.4 * (z - 8.4), atol=1.4 * 0.025 + 1e-3)
    np.testing.assert_allclose(slopes[1], 0.6, atol=1e-3)


def test_outside_the_grid_the_outermost_cells_go_on():
    grid = jm.LineGrid(columns())
    value, slope = jax.value_and_grad(lambda z: grid(z, -1.0)["NII6584/Hb"])(jnp.asarray(10.0))
    assert float(value) == pytest.approx(ratios(10.0, -1.0)["NII6584"], abs=1e-4)
    assert float(slope) == pytest.approx(1.2 + 0.2 * 2.0, abs=1e-4)
    o3 = [float(grid(jnp.asarray(z), jnp.asarray(-3.0))["OIII5007/Hb"]) for z in (9.2, 9.3, 9.5)]
    assert (o3[2] - o3[0]) / 0.3 == pytest.approx((o3[1] - o3[0]) / 0.1, abs=1e-3)


def test_linear_ratios_another_reference_and_names_of_columns_are_the_same_grid():
    logs = columns()
    fluxes = {
        "Z": logs["metallicity"],
        "U": logs["log_u"],
        "O__3": 3e-3 * 10 ** logs["OIII5007"],
        "N__2": 3e-3 * 10 ** logs["NII6584"],
        "H__1": np.full(Z.size * U.size, 3e-3),
    }
    lines = {"OIII5007": "O__3", "NII6584": "N__2", "Hb": "H__1"}
    grid = jm.LineGrid(fluxes, {"metallicity": "Z", "log_u": "U"}, lines, log=False)
    at = jnp.asarray(8.31), jnp.asarray(-2.77)
    one, other = jm.LineGrid(logs)(*at), grid(*at)
    for name in other:
        assert float(other[name]) == pytest.approx(float(one[name]), abs=1e-5)


def test_a_grid_is_a_relation():
    emission = jm.Emission(jm.LineGrid(columns()), reference="Hb")
    assert emission.tracers(["metallicity", "log_u"]) == ("metallicity", "log_u")
    values = {"metallicity": jnp.asarray(8.4), "log_u": jnp.asarray(-3.0)}
    emitted = {name: float(value) for name, value in emission.log_ratios(values).items()}
    assert emitted["OIII5007"] == pytest.approx(0.5, abs=1e-5)
    assert emitted["Ha"] == pytest.approx(np.log10(2.86), abs=1e-5)
    assert emitted["OIII4959"] == pytest.approx(0.5 - np.log10(2.984), abs=1e-5)
    both = np.log10(10 ** emitted["SII6717"] + 10 ** emitted["SII6731"])
    assert both == pytest.approx(np.log10(10**-0.6 + 10**-0.75), abs=1e-5)


def disc(central=8.5, gradient=-0.1, log_u=-3.1):
    grid = jm.LineGrid(columns())
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            log_u=jm.Profile(jm.tracer.uniform, value=log_u),
            emission=jm.Emission(grid),
        )
    )


@pytest.mark.slow
def test_metallicity_and_ionisation_are_fitted_together():
    instrument = telescope((15, 15), 0.4, supersampling=(2, 1), margin=3)
    maps = jm.simulate.line_maps(disc(), instrument, ["Ha", "OIII5007", "NII6584"], seed=3)
    priors = {
        "disc.metallicity.central": dist.Uniform(7.5, 9.3),
        "disc.metallicity.gradient": dist.Normal(0.0, 0.5),
        "disc.log_u.value": dist.Normal(-3.0, 0.5),
    }
    fit = jm.optimise(jm.Model(disc(8.3, 0.0, -2.8), maps, priors), starts=1)
    assert fit.converged and "outside" not in fit.message
    for path, truth in zip(priors, (8.5, -0.1, -3.1), strict=True):
        assert abs(fit.parameters[path] - truth) < 4 * fit.errors[path]
    outside = jm.optimise(
        jm.Model(disc(log_u=-5.0), maps, {"disc.metallicity.gradient": dist.Normal(0.0, 0.5)}),
        starts=1,
    )
    assert "100 % of the light of disc has a log_u outside of -4 to -2" in outside.message


@pytest.mark.parametrize("suffix", ["ecsv", "csv", "fits"])
def test_a_grid_comes_from_a_table_in_a_file(tmp_path, suffix):
    from astropy.table import Table

    path = tmp_path / f"grid.{suffix}"
    Table(columns()).write(path)
    grid = jm.read_line_grid(path)
    assert grid.name == path.name and grid.ranges == {
        "metallicity": pytest.approx((7.6, 9.2)),
        "log_u": pytest.approx((-4.0, -2.0)),
    }


def _without_a_point(index):
    return columns(np.delete(np.arange(Z.size * U.size), index))


def _with(name, index, value):
    table = columns(np.arange(Z.size * U.size))
    table[name][index] = value
    return table


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (lambda: _without_a_point(22), {}, "no point at metallicity 7.65, log_u -3.9; of a grid"),
        (lambda: columns(np.r_[0 : Z.size * U.size, 3]), {}, "rows 4, 694 are one point, metal"),
        (lambda: _with("NII6584", 5, np.nan), {}, "column 'NII6584' is nan in row 6"),
        (lambda: columns(OIII507=np.zeros(693)), {}, "unknown line 'OIII507'. Did you mean 'OIII5"),
        (columns, {"axes": ["metallicity", "logU"]}, "unknown column 'logU'. Did you mean 'log_u'"),
        (columns, {"lines": {"OIII5007": "O3"}}, "unknown column 'O3'"),
        (columns, {"log": False}, "a ratio is positive"),
        (
            lambda: {
                n: c if n in ("metallicity", "log_u") else 10**c for n, c in columns().items()
            },
            {},
            "say log=False",
        ),
        (lambda: _with("metallicity", slice(None), 8.0), {}, "metallicity needs two values"),
        (lambda: {"metallicity": ["a"], "log_u": [1.0], "Ha": [1.0]}, {}, "does not hold numbers"),
        (lambda: 3, {}, "expected columns by name"),
        (columns, {"reference": "Hbeta"}, "unknown line 'Hbeta'"),
    ],
)
def test_what_is_no_grid_is_refused(table, options, words):
    with pytest.raises(jm.InputError) as error:
        jm.LineGrid(table(), **options)
    assert words in str(error.value) and "\n" not in str(error.value)
