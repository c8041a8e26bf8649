"""What must hold for the light-weighted convolution, whatever the galaxy and the telescope."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.forward import predict_together
from jaxmetal.forward.cells import ABREAST
from jaxmetal.instrument.quadrature import BLOCK, block_around
from tests.scenes import blank, disc, observed, telescope

X64 = jax.config.jax_enable_x64
ROUNDING = 1e-12 if X64 else 2e-6
PSFS = {
    "none": jm.NoPSF(),
    "gaussian": jm.GaussianPSF(0.8),
    "moffat": jm.MoffatPSF(0.8, 2.5),
    "kernel": jm.KernelPSF(
        np.exp(-0.5 * (np.hypot(*(np.indices((25, 25)) - 12.0)) / 3.0) ** 2), oversampling=2.0
    ),
}


def on(psf, shape=(31, 31), pixel_scale=0.2, supersampling=(4, 2), margin=8, grid=None):
    return jm.Instrument(grid or jm.Grid.regular(shape, pixel_scale), psf, supersampling, margin)


@pytest.mark.parametrize("psf", PSFS.values(), ids=PSFS)
@pytest.mark.parametrize(
    "scale", ["log10", "linear", (jnp.square, jnp.sqrt)], ids=["log10", "linear", "square"]
)
def test_a_uniform_tracer_stays_uniform(psf, scale):
    """Under any PSF, light, grid and scale, down to where there is hardly any light."""
    rotated = jm.Grid((-1.0, 2.0), [[-0.15, 0.08], [0.08, 0.15]], (23, 31))
    galaxy = jm.Galaxy(
        a=jm.Component(
            jm.Profile(jm.light.sersic, amp=5.0, R_sersic=0.5, n_sersic=2.0, e1=0.2),
            metallicity=jm.Profile(jm.tracer.uniform, value=7.7),
        ),
        b=jm.Component(
            jm.Profile(jm.light.gaussian, amp=5.0, sigma=0.3, center_x=1.0),
            metallicity=jm.Profile(jm.tracer.uniform, value=7.7),
        ),
    )
    for grid in (jm.Grid.regular((23, 31), 0.2), rotated):
        seen = jm.predict(galaxy, blank(on(psf, grid=grid), scale=scale))
        np.testing.assert_allclose(seen, 7.7, rtol=ROUNDING)


def test_without_psf_and_with_fine_sampling_the_map_is_the_intrinsic_one():
    """Z at the pixel centres, up to what the average over a small pixel does."""
    instrument = on(jm.NoPSF(), pixel_scale=0.01)
    galaxy = disc(x=0.5)
    x, y = instrument.grid.coordinates
    np.testing.assert_allclose(
        jm.predict(galaxy, blank(instrument)),
        galaxy.disc.metallicity(x, y),
        atol=5e-6 if X64 else 2e-5,
    )
    light = jm.predict(galaxy, blank(instrument, jm.LightMap))
    np.testing.assert_allclose(light, galaxy.disc.light(x, y) * 0.01**2, rtol=1e-3)


@pytest.mark.parametrize("psf", PSFS.values(), ids=PSFS)
def test_total_light_is_conserved(psf):
    """A source well inside the frame keeps its flux."""
    galaxy = jm.Galaxy(blob=jm.Component(jm.Profile(jm.light.gaussian, amp=3.0, sigma=0.3)))
    wings = 2e-2 if isinstance(psf, jm.MoffatPSF) else 1e-5
    seen = jm.predict(galaxy, blank(on(psf, (61, 61)), jm.LightMap))
    assert float(seen.sum()) == pytest.approx(3.0, rel=wings)


def test_shifting_galaxy_and_grid_together_changes_nothing():
    shift = np.array([3.3, -1.7])
    here = on(jm.GaussianPSF(0.8))
    there = on(
        jm.GaussianPSF(0.8),
        grid=jm.Grid(np.asarray(here.grid.origin) + shift, here.grid.matrix, here.grid.shape),
    )
    for kind in (jm.TracerMap, jm.LightMap):
        a = jm.predict(disc(x=0.13, y=-0.07), blank(here, kind))
        b = jm.predict(disc(x=0.13 + shift[0], y=-0.07 + shift[1]), blank(there, kind))
        np.testing.assert_allclose(a, b, rtol=1e-10 if X64 else 3e-4)


def test_rotating_galaxy_and_grid_together_changes_nothing():
    turn = np.deg2rad(30.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    here = on(jm.GaussianPSF(0.8))
    there = on(
        jm.GaussianPSF(0.8),
        grid=jm.Grid(
            rotation @ np.asarray(here.grid.origin),
            rotation @ np.asarray(here.grid.matrix),
            here.grid.shape,
        ),
    )
    e = 0.3
    a = jm.predict(disc(e1=e, e2=0.0), blank(here, jm.LightMap))
    b = jm.predict(
        disc(e1=e * np.cos(2 * turn), e2=e * np.sin(2 * turn)), blank(there, jm.LightMap)
    )
    np.testing.assert_allclose(a, b, rtol=1e-9 if X64 else 3e-4)


def test_the_map_is_the_sum_over_points_of_light():
    """Against a direct sum in real space over finely divided sky, pixel by pixel."""
    fwhm, scale, n = 0.5, 0.2, 9
    galaxy = disc(R=0.4, gradient=-0.4, x=0.05)
    fine, half = 0.0125, 3.0
    edges = np.arange(-half + fine / 2, half, fine)
    x, y = np.meshgrid(edges, edges)
    light = np.asarray(galaxy.disc.light(jnp.asarray(x), jnp.asarray(y)), float)
    metals = light * 10 ** np.asarray(
        galaxy.disc.metallicity(jnp.asarray(x), jnp.asarray(y)), float
    )
    from scipy.special import erf

    sigma = fwhm / 2.354820045
    centre = (np.arange(n) - (n - 1) / 2) * scale
    lower, upper = centre - scale / 2, centre + scale / 2
    # The share of each point's light that a Gaussian PSF drops into each pixel, exactly.
    share = 0.5 * (
        erf((upper[:, None] - edges) / (np.sqrt(2) * sigma))
        - erf((lower[:, None] - edges) / (np.sqrt(2) * sigma))
    )
    expected_light = share @ light @ share.T * fine**2
    expected = np.log10((share @ metals @ share.T) / (share @ light @ share.T))
    instrument = jm.Instrument(jm.Grid.regular((n, n), scale), jm.GaussianPSF(fwhm), (6, 3), 12)
    np.testing.assert_allclose(jm.predict(galaxy, blank(instrument)), expected, atol=1e-4)
    np.testing.assert_allclose(
        jm.predict(galaxy, blank(instrument, jm.LightMap)), expected_light, rtol=1e-3
    )


def test_light_from_outside_the_frame_is_scattered_in():
    """The middle of a large frame and a small frame of the same telescope see the same."""
    large = observed(disc(R=0.5), telescope((41, 41), 0.1, 0.4), (2, 2, 8))
    small = observed(disc(R=0.5), telescope((21, 21), 0.1, 0.4), (2, 2, 8))
    for wide, narrow in zip(large, small, strict=True):
        np.testing.assert_allclose(narrow, wide[10:31, 10:31], rtol=1e-5 if X64 else 3e-5)
    without = observed(disc(R=0.5), telescope((21, 21), 0.1, 0.4), (2, 2, 0))[0]
    assert np.abs(without / small[0] - 1).max() > 1e-3


def test_components_without_the_tracer_have_no_part_in_its_average():
    instrument = telescope()
    plain = disc()
    with_foreground = jm.Galaxy(
        disc=plain.disc,
        star=jm.Component(jm.Profile(jm.light.gaussian, amp=50.0, sigma=0.2, center_x=0.6)),
    )
    np.testing.assert_allclose(
        jm.predict(plain, blank(instrument)),
        jm.predict(with_foreground, blank(instrument)),
        rtol=1e-6,
    )
    assert (
        jm.predict(with_foreground, blank(instrument, jm.LightMap)).sum()
        > 1.1 * jm.predict(plain, blank(instrument, jm.LightMap)).sum()
    )


@pytest.mark.precision("double")
def test_several_tracers_are_observed_as_if_each_were_alone():
    """One light, two tracers on different scales, in one pass."""
    galaxy = jm.Galaxy(
        disc=jm.Component(
            disc().disc.light,
            metallicity=disc().disc.metallicity,
            velocity=jm.Profile(jm.tracer.dipole, central=0.0, gradient_x=100.0, gradient_y=20.0),
        )
    )
    instrument = telescope()
    maps = {
        "z": blank(instrument),
        "v": blank(instrument, tracer="velocity", scale="linear"),
        "light": blank(instrument, jm.LightMap),
    }
    together = compiled_once(predict_together)(galaxy, maps)
    for name, map in maps.items():
        alone = jm.predict(galaxy, map)
        np.testing.assert_allclose(
            together[name], alone, atol=float(jnp.abs(alone).max()) * (1e-12 if X64 else 3e-5)
        )


def transforms(function, *arguments):
    """How many Fourier transforms a function makes, and of how many images."""
    counted = []

    def walk(jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name == "fft":
                counted.append(int(np.prod(equation.invars[0].aval.shape[:-2])))
            for value in equation.params.values():
                inner = getattr(value, "jaxpr", value)
                if hasattr(inner, "eqns"):
                    walk(inner)

    walk(jax.make_jaxpr(function)(*arguments).jaxpr)
    return counted


def test_two_convolutions_for_the_first_tracer_and_one_more_for_each_further_one():
    """Whatever the number of components."""
    instrument = telescope()
    for components in (1, 3):
        part = jm.Component(
            disc().disc.light,
            a=disc().disc.metallicity,
            b=disc().disc.metallicity,
            c=disc().disc.metallicity,
        )
        galaxy = jm.Galaxy(**{f"part{i}": part for i in range(components)})
        for tracers in (1, 2, 3):
            maps = {name: blank(instrument, tracer=name) for name in "abc"[:tracers]}
            images = transforms(lambda x: predict_together(galaxy, maps), 0.0)  # noqa: B023
            assert sum(images) == 2 * (tracers + 1)


LINES = ("Ha", "Hb", "OIII4959", "OIII5007", "NII6548", "NII6584", "SII6717", "SII6731")


def gas(reference="Ha", dust=None, **numbers):
    """A disc of gas; with a reddening, its lines are evaluated and convolved one by one."""
    emission = jm.Emission("curti20", reference=reference, **numbers)
    tracers = {"metallicity": disc(central=8.5).disc.metallicity}
    if dust is not None:
        tracers["reddening"] = jm.Profile(jm.tracer.uniform, value=dust)
    return jm.Galaxy(disc=jm.Component(disc().disc.light, emission=emission, **tracers))


def test_lines_at_a_fixed_ratio_are_one_convolution():
    """Balmer lines, and doublets, where no dust changes their ratios."""
    maps = {line: blank(telescope(), jm.LineMap, line=line) for line in LINES}
    for dust, images in ((None, 4), (0.2, 8)):
        counted = transforms(lambda x: predict_together(gas(dust=dust), maps), 0.0)  # noqa: B023
        assert sum(counted) == 2 * images


@pytest.mark.parametrize("reference", ["Ha", "Hb", "OIII5007"])
def test_a_multiple_of_a_line_is_what_the_line_itself_would_be(reference):
    """In value and slope: against gas with a reddening of 0, whose lines share nothing."""
    maps = {line: blank(telescope(), jm.LineMap, line=line) for line in LINES}

    def predicted(ratios, dust):
        images = predict_together(gas(reference, dust, balmer=ratios[0], sii_ratio=ratios[1]), maps)
        return jnp.stack([images[line] for line in LINES])

    point, step = jnp.asarray([2.9, 1.3]), jnp.ones(2)
    shared, alone = (
        jax.jit(lambda x: jax.jvp(lambda r: predicted(r, dust), (x,), (step,)))(point)  # noqa: B023
        for dust in (None, 0.0)
    )
    for one, other in zip(shared, alone, strict=True):
        scale = float(jnp.abs(other).max())
        np.testing.assert_allclose(one, other, atol=scale * (1e-12 if X64 else 1e-5))


@pytest.mark.parametrize("count", [3, ABREAST + 1])
def test_components_that_differ_in_numbers_only_add_up(count):
    """Evaluated side by side where they are few, one after the other where they are many.

    What is seen of each alone adds up.
    """
    parts = [
        disc(R=0.5 + 0.1 * i, x=0.3 * np.cos(i), y=0.3 * np.sin(i), gradient=-0.05 * i).disc
        for i in range(count)
    ]
    light, z = observed(
        jm.Galaxy(**{f"part{i}": part for i, part in enumerate(parts)}), telescope(), (2, 1, 8)
    )
    each = [observed(jm.Galaxy(part=part), telescope(), (2, 1, 8)) for part in parts]
    np.testing.assert_allclose(light, sum(a for a, _ in each), rtol=0, atol=ROUNDING * light.max())
    bright = light > 1e-2 * light.max()
    np.testing.assert_allclose(
        z[bright],
        np.log10(sum(a * 10**b for a, b in each) / light)[bright],
        rtol=0,
        atol=50 * ROUNDING,
    )


@compiled_once
@jax.value_and_grad
def slopes_of(scene):
    """One program for all galaxies seen through one kind of PSF."""
    return jnp.sum(jm.predict(scene[0], blank(scene[1])) ** 2)


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    "galaxy",
    [disc(gradient=0.0), disc(n=0.5), disc(n=4.0), disc(n=8.0), disc(x=0.2, y=0.2)],
    ids=["no gradient", "n=0.5", "n=4", "n=8", "on a pixel's centre"],
)
@pytest.mark.parametrize(
    "psf", [PSFS["none"], PSFS["gaussian"], PSFS["moffat"]], ids=["none", "gaussian", "moffat"]
)
def test_gradients_are_finite_at_every_natural_starting_point(galaxy, psf):
    values, slopes = slopes_of((galaxy, on(psf)))
    assert np.isfinite(values)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


@pytest.mark.precision("double")
@pytest.mark.parametrize(
    "psf", [PSFS["gaussian"], PSFS["moffat"], PSFS["kernel"]], ids=["gaussian", "moffat", "kernel"]
)
def test_the_gradient_of_the_map_agrees_with_finite_differences(psf):
    """For every parameter of the galaxy and of the PSF."""
    scene = (disc(R=0.7, n=1.3, e1=0.1, e2=-0.05, x=0.03, y=0.02), on(psf))
    leaves, structure = jax.tree.flatten(scene)
    weights = np.random.default_rng(0).standard_normal((31, 31))

    def number(leaves):
        galaxy, instrument = jax.tree.unflatten(structure, leaves)
        return jnp.sum(weights * jm.predict(galaxy, blank(instrument)))

    slopes, number = compiled_once(jax.grad(number))(leaves), compiled_once(number)
    for i, leaf in enumerate(leaves):
        index = np.unravel_index(leaf.size // 2, leaf.shape)
        step = 1e-5 * max(1.0, abs(float(leaf[index])))
        up, down = (
            number([*leaves[:i], leaf.at[index].add(s), *leaves[i + 1 :]]) for s in (step, -step)
        )
        assert float(slopes[i][index]) == pytest.approx(
            float((up - down) / (2 * step)), rel=2e-4, abs=1e-5
        )


@pytest.mark.precision("double")
def test_float32_and_float64_agree_to_their_precision():
    galaxy, instrument = disc(), telescope()
    single = jax.tree.map(lambda a: a.astype(jnp.float32), (galaxy, instrument))
    light, exact = observed(galaxy, instrument, (2, 2, 8))
    rough_light, rough = observed(*single, (2, 2, 8))
    bright = light > 1e-3 * light.max()
    assert np.abs(rough - exact)[bright].max() < 1e-4
    assert np.abs(rough_light / light - 1)[bright].max() < 1e-4


@pytest.mark.precision("single")
def test_where_there_is_no_light_the_mean_is_a_finite_number_with_zero_gradient():
    """Inside a program; with concrete numbers NaN says that there is none."""
    galaxy = disc(R=0.05, n=0.5)
    value, slope = compiled_once(
        jax.value_and_grad(lambda g: jm.predict(g, blank(telescope()))[0, 0])
    )(galaxy)
    assert np.isfinite(value)
    with pytest.warns(jm.InputWarning, match="values are NaN: the model's light there is below"):
        assert np.isnan(jm.predict(galaxy, blank(telescope()))[0, 0])
    assert all(np.all(np.asarray(leaf) == 0) for leaf in jax.tree.leaves(slope))


def test_an_unknown_tracer_is_named():
    with pytest.raises(jm.InputError, match=r"unknown tracer .dust..*metallicity"):
        jm.predict(disc(), blank(telescope(), tracer="dust"))


@pytest.mark.parametrize("margin", [2, 3, 4, 6])
def test_a_cusp_on_the_border_of_two_cells_is_refined_where_it_lies(margin):
    """Wherever in the padded frame the centre falls.

    Here rounding could put the refined cells beside it, 0.6 % too bright.
    """
    wide, narrow = (
        np.asarray(jm.predict(disc(), blank(on(jm.NoPSF(), (9, 9), 1.0, margin=m), jm.LightMap)))
        for m in (12, margin)
    )
    np.testing.assert_allclose(narrow, wide, rtol=1e-4)


def test_rounding_does_not_move_the_cells_that_are_refined_around_a_cusp():
    """Most cusps lie on the border of two cells; a position may be computed twice."""
    place = jnp.array([12.0, 17.0])

    def corner(offset):
        return tuple(np.asarray(block_around(place + offset, (40, 40), BLOCK, 5)))

    assert len({corner(offset) for offset in (-1e-5, 0.0, 1e-5)}) == 1


@pytest.mark.precision("single")
def test_products_are_computed_in_full_precision():
    """A GPU left to itself rounds the factors of a float32 product to ten bits.

    A uniform tracer would not stay uniform.
    """
    galaxy, instrument = disc(), on(PSFS["kernel"], supersampling=(1, 0.5))
    traced = jax.make_jaxpr(jax.grad(lambda galaxy: jm.predict(galaxy, blank(instrument)).sum()))(
        galaxy
    )
    precisions = {
        equation.params["precision"]
        for equation in equations(traced.jaxpr)
        if equation.primitive.name == "dot_general"
    }
    assert precisions == {(jax.lax.Precision.HIGHEST, jax.lax.Precision.HIGHEST)}


def equations(jaxpr):
    """All that a program does, in its loops and functions too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()),
            is_leaf=lambda x: hasattr(x, "jaxpr") or hasattr(x, "eqns"),
        ):
            if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                yield from equations(getattr(inner, "jaxpr", inner))
