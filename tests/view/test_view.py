"""What the figures say: where the sky is, what is masked, which numbers, and in what unit."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from astropy.wcs import WCS
from matplotlib.contour import QuadContourSet

import jaxmetal as jm
from jaxmetal.io import summary
from jaxmetal.profiles import geometry
from jaxmetal.science import discs
from jaxmetal.view import density, frames, light, maps, posterior, profile, radial, save, style
from jaxmetal.view.profile_data import shown_pixels
from tests.data import data_path
from tests.scenes import CENTRAL, FLAT, GRADIENT, disc

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 41
FOUR = ("data", "model", "residual", "intrinsic, without PSF")


def sky(turn=0.0, size=SIZE, scale=0.15):
    """A camera on the sky, east to the left, turned by some degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [(size + 1) / 2] * 2
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    wcs.wcs.cd = scale / 3600 * np.array([[-cos, sin], [sin, cos]])
    wcs.array_shape = (size, size)
    return wcs


@pytest.fixture(scope="module")
def truth():
    return disc(central=8.8)


@pytest.fixture(scope="module")
def model(truth):
    instrument = jm.Instrument(jm.Grid.from_wcs(sky()), jm.GaussianPSF(1.2), (2, 1), 12)
    found = jm.simulate.tracer_map(
        truth, instrument, variance=lambda flux: 0.0002 + 0.0002 / flux, seed=1
    )
    mask = np.zeros((SIZE, SIZE), bool)
    mask[5:9, 25:33] = True
    z = jm.TracerMap(found.values, found.sigma, instrument, mask=mask)
    return jm.Model(
        disc(central=8.5, gradient=-0.1),
        {"z": z},
        {CENTRAL: FLAT[CENTRAL], GRADIENT: FLAT[GRADIENT]},
    )


@pytest.fixture(scope="module")
def fit(model, truth):
    """The fit of a tracer map; a light map that had no part in it is there to be drawn."""
    found = jm.optimise(model, starts=1)
    flux = jm.simulate.light_map(truth, model.maps["z"].instrument, seed=2)
    predicted = found.predicted | {"flux": np.asarray(jm.predict(found.galaxy, flux))}
    return dataclasses.replace(found, maps=found.maps | {"flux": flux}, predicted=predicted)


@pytest.fixture(scope="module")
def post(model, fit):
    return jm.sample(model, fit, chains=2, warmup=100, draws=100, method="hmc", progress=False)


@pytest.fixture(scope="module")
def picture(fit):
    return maps.map_figure(fit, "z")


def panels(figure):
    """{title: axes} of the panels of a map figure."""
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def mesh(axes):
    """The image in a panel."""
    return next(artist for artist in axes.collections if hasattr(artist, "get_coordinates"))


def texts(figure):
    """Everything that is written in a figure, except numbers at ticks."""
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def screen(axes, x, y):
    """Where a point of the sky is drawn, in dots from the lower left corner."""
    axes.figure.draw_without_rendering()
    return axes.transData.transform((x, y))


def gaussian(rho, size=20_000, seed=0, names=("disc.light.a", "disc.light.b")):
    """A posterior that is a Gaussian of known correlation, about (3, -1) with deviations (0.1,
    20).
    """
    draws = np.random.default_rng(seed).multivariate_normal(
        [3.0, -1.0], [[0.01, 2.0 * rho], [2.0 * rho, 400.0]], size=(2, size // 2)
    )
    return jm.Posterior(
        {name: draws[..., i] for i, name in enumerate(names)},
        {"diverging": np.zeros((2, size // 2), bool)},
    )


def test_data_model_and_intrinsic_map_share_one_colour_scale(picture):
    shown = panels(picture)
    assert tuple(shown) == FOUR
    limits = {title: mesh(axes).get_clim() for title, axes in shown.items()}
    assert limits["data"] == limits["model"] == limits["intrinsic, without PSF"]


def test_residuals_have_limits_of_two_signs(picture, fit):
    low, high = mesh(panels(picture)["residual"]).get_clim()
    assert low == -high <= -3
    shown = mesh(panels(picture)["residual"]).get_array()
    np.testing.assert_allclose(shown.compressed(), fit.residuals["z"][fit.maps["z"].valid])


def test_the_last_panel_is_the_galaxy_without_blur(picture, fit):
    shown = mesh(panels(picture)["intrinsic, without PSF"]).get_array()
    expected = np.asarray(jm.intrinsic(fit.galaxy, fit.maps["z"]))[fit.maps["z"].valid]
    np.testing.assert_allclose(shown.compressed(), expected, rtol=1e-6)


@pytest.mark.parametrize("title", FOUR)
def test_masked_pixels_are_masked_in_every_panel_and_explained(picture, fit, title):
    shown = mesh(panels(picture)[title]).get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), ~np.asarray(fit.maps["z"].valid))
    assert "masked" in texts(picture)


def test_a_map_without_masked_pixels_needs_no_explanation(fit):
    assert "masked" not in texts(maps.map_figure(fit, "flux"))


@pytest.mark.parametrize("turn", [0.0, 30.0, 140.0, -90.0])
def test_east_is_left_and_north_is_up_however_the_camera_is_turned(turn):
    wcs = sky(turn)
    grid = jm.Grid.from_wcs(wcs)
    image = np.zeros(grid.shape)
    column, row = (
        int(np.round(p)) for p in wcs.all_world2pix(150.0 + 1.5 / 3600, 2.0 + 0.6 / 3600, 0)
    )
    image[row, column] = 1.0
    figure = style.new_figure(3, 3)
    axes = figure.add_subplot()
    drawn = maps.draw_map(axes, grid, image, style.TRACER, style.tracer_norm(0, 1))
    corner = drawn.get_coordinates()[row : row + 2, column : column + 2].mean(axis=(0, 1))
    blob, middle = screen(axes, *corner), screen(axes, 0.0, 0.0)
    assert blob[0] < middle[0] and blob[1] > middle[1]


def test_a_plain_grid_runs_to_the_right_and_has_no_compass(picture, fit, truth):
    instrument = jm.Instrument(jm.Grid.regular((SIZE, SIZE), 0.15), jm.GaussianPSF(1.2), (2, 1), 12)
    z = jm.simulate.tracer_map(truth, instrument)
    plain = maps.map_figure(dataclasses.replace(fit, maps={"z": z}), "z")
    axes = panels(plain)["data"]
    assert screen(axes, 1.0, 0.0)[0] > screen(axes, 0.0, 0.0)[0]
    assert {"N", "E"} <= set(texts(picture).split("\n")) and not {"N", "E"} & set(
        texts(plain).split("\n")
    )


@pytest.mark.parametrize(
    "matrix", [[[0.2, 0.0], [0.0, 0.2]], [[-0.2, 0.0], [0.0, 0.2]], [[0.1, -0.2], [0.15, 0.1]]]
)
def test_pixels_are_drawn_where_they_lie(matrix):
    grid = jm.Grid((0.3, -0.4), matrix, (4, 6))
    x, y = maps.corners(grid)
    middles = [(c[:-1, :-1] + c[1:, 1:]) / 2 for c in (x, y)]
    np.testing.assert_allclose(middles, [np.asarray(c) for c in grid.coordinates], atol=1e-6)


def test_the_circle_holds_half_of_the_light_of_the_psf(picture):
    circle = next(
        patch for patch in panels(picture)["data"].patches if isinstance(patch, mpl.patches.Circle)
    )
    assert 2 * circle.radius == pytest.approx(1.2, rel=1e-5), (
        "for a Gaussian this is the full width at half maximum"
    )


@pytest.mark.parametrize(
    "name, unit, label",
    [
        ("z", None, "12 + log(O/H) [dex]"),
        ("z", "km/s", "metallicity [km/s]"),
        ("flux", "erg/s", "flux per pixel [erg/s]"),
        ("flux", None, "flux per pixel"),
    ],
)
def test_colour_bars_name_quantity_and_unit(fit, name, unit, label):
    figure = maps.map_figure(fit, name, unit=unit)
    bars = [axes.get_xlabel() for axes in figure.axes if axes not in panels(figure).values()]
    assert bars == [label, r"(data $-$ model) / $\sigma$", label]
    assert (
        panels(figure)["data"].get_xlabel() == "x, east [arcsec]"
        and panels(figure)["data"].get_ylabel() == "y, north [arcsec]"
    )


def test_a_metallicity_relative_to_the_sun_is_not_called_an_oxygen_abundance(fit):
    z = fit.maps["z"]
    relative = jm.TracerMap(z.data - 8.7, z.errors, z.instrument)
    assert style.quantity(relative, "dex") == "metallicity [dex]"


def test_bars_of_light_have_ticks_inside_the_scale(fit):
    figure = maps.map_figure(fit, "flux")
    low, high = mesh(panels(figure)["data"]).get_clim()
    ticks = figure.axes[4].get_xticks()
    assert len(ticks) >= 3 and low <= min(ticks) and max(ticks) <= high


def test_a_fit_that_did_not_converge_says_so(fit):
    failed = dataclasses.replace(fit, converged=False, message="not converged: it ran away")
    for figure in (maps.map_figure(failed, "z"), profile.profile_figure(failed, "z")):
        assert "not converged: it ran away" in texts(figure)
    assert "converged" not in texts(maps.map_figure(fit, "z"))


def test_unknown_maps_and_maps_of_light_are_named(fit):
    with pytest.raises(jm.InputError, match="map_figure: unknown map 'Z'"):
        maps.map_figure(fit, "Z")
    with pytest.raises(jm.InputError, match="'flux' is a map of light"):
        profile.profile_figure(fit, "flux")


def test_the_profile_gives_the_naive_and_the_true_gradient(fit, post, truth):
    figure = profile.profile_figure(fit, "z", post, truth=truth)
    legend = {
        text.get_text().split(":")[0]: text.get_text() for text in figure.legends[0].get_texts()
    }
    gradient = style.number(float(fit.parameters[GRADIENT]), 0.0)
    number = float(legend["forward-modelled"].split()[1].replace(style.MINUS, "-"))
    assert number == pytest.approx(float(fit.parameters[GRADIENT]), abs=6e-4), gradient
    naive = float(legend["naive line"].split()[2].replace(style.MINUS, "-"))
    assert -0.2 < naive < -0.1 and abs(number + 0.2) < 0.02
    assert legend["truth"] == f"truth: {style.MINUS}0.2 dex/arcsec"
    assert (
        figure.axes[0].get_ylabel() == "12 + log(O/H) [dex]"
        and "[arcsec]" in figure.axes[0].get_xlabel()
    )


def test_the_band_of_the_profile_is_as_wide_as_the_errors(fit, post):
    for drawn, count in ((radial.draws(fit), radial.DRAWS), (radial.draws(fit, post), 200)):
        found = [float(galaxy.disc.metallicity.gradient) for galaxy in drawn]
        assert len(found) == count
        assert np.std(found) == pytest.approx(float(fit.errors[GRADIENT]), rel=0.3)
        assert np.mean(found) == pytest.approx(
            float(fit.parameters[GRADIENT]), abs=0.5 * float(fit.errors[GRADIENT])
        )
    assert radial.draws(dataclasses.replace(fit, covariance=np.full((2, 2), np.nan))) == []


def test_rings_are_circles_in_the_plane_of_the_disc():
    radii = np.linspace(0.0, 4.0, 9)
    x, y = radial.ring(radii, (0.3, -0.2), 55.0, 30.0)
    found = geometry.disc_radius(jnp.asarray(x), jnp.asarray(y), 55.0, 30.0, 0.3, -0.2)
    np.testing.assert_allclose(found, np.broadcast_to(radii, x.shape), atol=1e-5)


def test_the_intrinsic_profile_of_one_component_is_its_tracer(fit):
    galaxy = disc(central=8.8, x=0.3)
    radii = np.linspace(0.0, 30.0, 7)
    found = radial.intrinsic_profile(
        galaxy, fit.maps["z"], *radial.ring(radii, (0.3, 0.0), 0.0, 0.0)
    )
    np.testing.assert_allclose(found, 8.8 - 0.2 * radii, rtol=1e-5)


def test_the_intrinsic_profile_of_several_components_is_weighted_by_light(fit):
    def lamp(amp, value):
        return jm.Component(
            light=jm.Profile(jm.light.exponential, amp=amp, scale_length=1.0),
            metallicity=jm.Profile(jm.tracer.uniform, value=value),
        )

    dark = jm.Component(light=jm.Profile(jm.light.exponential, amp=100.0, scale_length=2.0))
    galaxy = jm.Galaxy(poor=lamp(3.0, 8.0), rich=lamp(1.0, 9.0), dark=dark)
    found = radial.intrinsic_profile(
        galaxy, fit.maps["z"], *radial.ring(np.array([0.0, 1.0, 3.0]), (0.0, 0.0), 0.0, 0.0)
    )
    np.testing.assert_allclose(found, np.log10((3 * 1e8 + 1e9) / 4), rtol=1e-5)


def test_the_model_through_the_psf_runs_through_the_annuli(fit):
    z = fit.maps["z"]
    radius = np.where(z.valid, np.hypot(*z.instrument.grid.coordinates), np.nan)
    edges = np.linspace(0.0, 3.0, 7)
    noisy = shown_pixels(fit, "z").expected
    expected = jm.baselines.annuli(np.broadcast_to(radius, noisy.shape), noisy, edges)
    found = jm.baselines.annuli(radius, z.data, edges)
    error = 1.25 * (found.p84 - found.p16) / 2 / np.sqrt(found.count)
    assert np.all(np.abs(found.median - expected.median) < 4 * error)
    np.testing.assert_allclose(found.p84 - found.p16, expected.p84 - expected.p16, rtol=0.3)


@pytest.mark.parametrize("rho", [0.0, 0.6, -0.97])
def test_contours_of_a_gaussian_hold_what_they_say(rho):
    """In units of the deviations they are ellipses of radius sqrt(-2 ln 0.32) = 1.51 and 2.45."""
    figure = posterior.corner_figure(gaussian(rho))
    inverse = np.linalg.inv([[0.01, 2.0 * rho], [2.0 * rho, 400.0]])
    lines = next(
        c
        for axes in figure.axes
        for c in axes.collections
        if isinstance(c, QuadContourSet) and not c.filled
    )
    for part, path in zip(lines.levels, lines.get_paths(), strict=True):
        off = path.vertices - [3.0, -1.0]
        radius = np.sqrt(np.einsum("ni,ij,nj->n", off, inverse, off))
        assert np.mean(radius) == pytest.approx(np.sqrt(-2 * np.log(1 - part)), rel=0.04)
        assert np.std(radius) < 0.1


def test_the_smoothing_of_few_draws_widens_nothing():
    found = []
    for seed in range(20):
        x, y = (values.ravel() for values in gaussian(0.9, size=300, seed=seed).samples.values())
        across, up, parts = density.density(x, y)
        cell = np.abs(
            np.linalg.det(
                [
                    [across[1, 0] - across[0, 0], up[1, 0] - up[0, 0]],
                    [across[0, 1] - across[0, 0], up[0, 1] - up[0, 0]],
                ]
            )
        )
        found.append(cell * np.sum(parts < 0.68))
    area = -2 * np.log(0.32) * np.pi * 0.1 * 20.0 * np.sqrt(1 - 0.9**2)
    assert np.mean(found) == pytest.approx(area, rel=0.05)


def test_histograms_give_median_and_percentiles(post):
    figure = posterior.corner_figure(post, truths={GRADIENT: -0.2}, labels={CENTRAL: "Z(0)"})
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    low, middle, high = np.percentile(post.flat[GRADIENT], [16, 50, 84])
    places = style.decimals(0.5 * (high - low))
    assert (
        titles[1]
        == f"${middle:.{places}f}^{{+{high - middle:.{places}f}}}_{{-{middle - low:.{places}f}}}$"
    )
    assert (
        "Z(0)" in texts(figure)
        and "metallicity\ngradient" in texts(figure)
        and "truth" in texts(figure)
    )


def test_names_say_no_more_than_they_must():
    paths = [
        "disc.light.amp",
        "bulge.light.amp",
        "disc.metallicity.gradient",
        "z.instrument.psf.fwhm",
        "z.scatter",
    ]
    assert list(posterior.names(paths).values()) == [
        "disc\nlight\namp",
        "bulge\nlight\namp",
        "metallicity\ngradient",
        "psf\nfwhm",
        "z\nscatter",
    ]


def test_of_many_parameters_ten_are_drawn_and_this_is_said():
    random = np.random.default_rng(3)
    many = jm.Posterior(
        {f"disc.light.p{i}": random.standard_normal((2, 50)) for i in range(12)},
        {"diverging": np.zeros((2, 50), bool)},
    )
    for figure, count in ((posterior.corner_figure(many), 55), (posterior.trace_figure(many), 20)):
        assert len(figure.axes) == count
        assert "the first 10 of 12 parameters" in texts(figure)


def test_a_parameter_that_never_moves_can_be_drawn():
    still = gaussian(0.5, size=200)
    still.samples["disc.light.c"] = np.full((2, 100), 4.0)
    posterior.corner_figure(still).draw_without_rendering()
    posterior.trace_figure(still).draw_without_rendering()


def test_traces_show_every_chain_and_divergent_draws(post):
    diverging = np.zeros((2, 100), bool)
    diverging[1, 30] = True
    figure = posterior.trace_figure(dataclasses.replace(post, statistics={"diverging": diverging}))
    first = figure.axes[0]
    np.testing.assert_allclose(
        [line.get_ydata() for line in first.lines[:2]], post.by_chain[CENTRAL]
    )
    assert len(first.lines) == 3 and first.lines[2].get_xdata() == [30, 30]
    assert "1 divergent draws" in texts(figure) and "effective samples" in first.get_title(
        loc="right"
    )


def test_corner_names_wrong_paths_and_draws(post):
    with pytest.raises(jm.InputError, match="truths: unknown parameter 'gradient'"):
        posterior.corner_figure(post, truths={"gradient": 0.0})
    broken = jm.Posterior(
        {"disc.light.amp": np.array([[1.0, np.nan, 2.0]])}, {"diverging": np.zeros((1, 3), bool)}
    )
    with pytest.raises(jm.InputError, match="two or more finite draws, got 2 of 3"):
        posterior.corner_figure(broken)


@pytest.mark.parametrize("ending, start", [("png", b"\x89PNG"), ("PDF", b"%PDF")])
def test_files_appear_whole_and_twice_the_same(tmp_path, ending, start):
    def written(name):
        figure = style.new_figure(2, 2)
        figure.add_subplot().plot([1, 2])
        save.save_figure(figure, tmp_path / name)
        return (tmp_path / name).read_bytes()

    assert written(f"a/one.{ending}").startswith(start)
    assert written(f"a/one.{ending}") == written(f"a/two.{ending}")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        f"one.{ending}",
        f"two.{ending}",
    ]


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(jm.InputError, match=r"ends in \.png or \.pdf"):
        save.save_figure(style.new_figure(1, 1), tmp_path / "figure.docx")


def test_figures_show_themselves_and_leave_matplotlib_alone(fit):
    before = dict(mpl.rcParams)
    figure = maps.map_figure(fit, "z")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    "value, error, text",
    [
        (-0.2, 0.0042, f"{style.MINUS}0.200 ± 0.004"),
        (-0.14421, 0.0017, f"{style.MINUS}0.1442 ± 0.0017"),
        (8.5, 12.0, "8 ± 12"),
        (0.3, np.nan, "0.3"),
        (-4e-9, 0.0, "0"),
    ],
)
def test_numbers_have_the_digits_that_their_errors_leave(value, error, text):
    assert style.number(value, error) == text


def test_a_real_galaxy_lies_as_on_the_sky():
    from jaxmetal.io.readers.manga import read_manga

    galaxy = read_manga(data_path("manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"))
    figure = style.new_figure(3, 3)
    axes = figure.add_subplot()
    image = galaxy.maps["z"].values
    drawn = maps.draw_map(axes, galaxy.grid, image, style.TRACER, style.tracer_norm(8.5, 8.7))
    np.testing.assert_array_equal(np.ma.getmaskarray(drawn.get_array()), np.isnan(image))
    rows, columns = image.shape
    corners = np.array([[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]])
    ra, dec = galaxy.wcs.all_pix2world(corners, 0).T
    places = np.array([screen(axes, *galaxy.grid.position(*corner)) for corner in corners])
    assert (
        np.corrcoef(ra, places[:, 0])[0, 1] < -0.99 and np.corrcoef(dec, places[:, 1])[0, 1] > 0.99
    )


# Pictures that could mislead.


def with_scatter(fit, scatter=0.05):
    """The same fit with a scatter, as if it had been fitted."""
    z = fit.maps["z"]
    return dataclasses.replace(
        fit, maps=fit.maps | {"z": eqx.tree_at(lambda m: m.scatter, z, jnp.asarray(scatter))}
    )


def test_a_fitted_scatter_does_not_hide_in_the_residual(fit):
    """The panel shows the measured errors alone, and both chi-squares are said."""
    scattered, z = with_scatter(fit), fit.maps["z"]
    figure = maps.map_figure(scattered, "z", "dex")
    shown = mesh(panels(figure)["residual"]).get_array()
    valid = np.asarray(z.valid)
    np.testing.assert_allclose(
        shown.compressed(), ((z.data - fit.predicted["z"]) / z.errors)[valid], rtol=1e-3, atol=1e-4
    )
    by_errors, by_scatter = (one.chi_square["z"] / z.size for one in (fit, scattered))
    assert by_scatter < 0.8 * by_errors
    said = (
        f"χ² per pixel {by_errors:.2f} with the measured errors, {by_scatter:.2f} with "
        f"the scatter of 0.05 dex"
    )
    assert said in texts(figure) and r"measured $\sigma$" in texts(figure)
    plain = texts(maps.map_figure(fit, "z"))
    assert f"χ² per pixel {by_errors:.2f}" in plain and "measured" not in plain


@pytest.mark.parametrize("shape", [(12, 60), (60, 12)])
def test_labels_of_narrow_frames_do_not_touch(fit, shape):
    """Neither those of two colour bars, however long the unit, nor the numbers at their ticks."""
    instrument = jm.Instrument(jm.Grid.regular(shape, 0.15), jm.GaussianPSF(1.2), (2, 1), 12)
    flux = jm.simulate.light_map(fit.galaxy, instrument)
    narrow = dataclasses.replace(
        fit, maps={"flux": flux}, predicted={"flux": np.asarray(flux.values)}
    )
    figure = maps.map_figure(narrow, "flux", "1e-17 erg / (s cm2 Angstrom spaxel)")
    figure.draw_without_rendering()
    bars = [axes for axes in figure.axes if axes not in panels(figure).values()]
    ends = [axes.xaxis.label.get_window_extent() for axes in bars]
    ends += [
        label.get_window_extent()
        for axes in bars
        for label in axes.get_xticklabels()
        if label.get_text()
    ]
    for i, one in enumerate(ends):
        assert one.x0 >= 0 and one.x1 <= figure.bbox.x1
        assert not any(one.overlaps(other) for other in ends[:i])


@pytest.mark.parametrize("turn", [0.0, 40.0])
def test_a_small_part_of_a_frame_fills_its_picture(turn):
    grid = jm.Grid.from_wcs(sky(turn, size=80))
    used = np.zeros(grid.shape, bool)
    used[50:60, 8:20] = True
    window = frames.window_of(grid, used)
    x, y = (np.asarray(c)[used] for c in np.broadcast_arrays(*grid.coordinates))
    assert (
        window.left < x.min()
        and window.right > x.max()
        and window.bottom < y.min()
        and window.top > y.max()
    )
    width, height = window.right - window.left, window.top - window.bottom
    assert width < 1.5 * np.ptp(x) + 0.6 and height < 1.5 * np.ptp(y) + 0.6
    # All of a frame is no smaller than the frame, and a frame without data is shown as a whole.
    for mask in (np.ones(grid.shape, bool), np.zeros(grid.shape, bool), None):
        assert frames.window_of(grid, mask) == frames.window_of(grid)


def test_pictures_are_cropped_to_the_data(fit):
    z = fit.maps["z"]
    few = np.ones(z.values.shape, bool)
    few[10:16, 20:30] = False
    small = jm.TracerMap(z.values, z.sigma, z.instrument, mask=few | ~np.asarray(z.valid))
    cropped = dataclasses.replace(fit, maps={"z": small})
    for figure in (maps.map_figure(cropped, "z"), light.light_figure(cropped, "z")):
        for axes in panels(figure).values():
            assert abs(np.ptp(axes.get_xlim())) < 0.5 * SIZE * 0.15
            # East is left all the same.
            assert axes.get_xlim()[0] > axes.get_xlim()[1]


def test_the_light_is_drawn_as_it_is_and_through_the_psf(fit):
    figure = light.light_figure(fit, "z", "erg/s")
    sharp, blurred = (mesh(axes).get_array() for axes in panels(figure).values())
    flux = jm.LightMap(np.zeros((SIZE, SIZE)), 1.0, fit.maps["z"].instrument)
    np.testing.assert_allclose(
        sharp.reshape(SIZE, SIZE), jm.intrinsic(fit.galaxy, flux), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        blurred.reshape(SIZE, SIZE), jm.predict(fit.galaxy, flux), rtol=1e-3, atol=1e-4
    )
    assert sharp.max() > 1.5 * blurred.max()
    said = texts(figure)
    assert (
        "light that carries the metallicity: disc (sersic, known, not fitted)" in said
        and "flux per pixel [erg/s]" in said
    )
    with pytest.raises(jm.InputError, match="'flux' is a map of light"):
        light.light_figure(fit, "flux")


def test_the_light_says_what_was_fitted_and_leaves_out_what_carries_nothing(fit):
    dark = jm.Component(light=jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0))
    both = dataclasses.replace(
        fit,
        galaxy=jm.Galaxy(disc=fit.galaxy.disc, dark=dark),
        parameters=fit.parameters | {"disc.light.R_sersic": np.array(1.0)},
    )
    assert light.described(both, "metallicity") == "disc (sersic, fitted: R_sersic)"
    assert list(light.carriers_of(both.galaxy, "metallicity").components) == ["disc"]


def test_the_profile_is_not_stretched_by_its_noisiest_pixels(fit):
    """Half of the pixels as noisy as they like: the curves keep their part of the picture."""
    z = fit.maps["z"]
    bad = np.indices(z.values.shape).sum(axis=0) % 2 == 0
    noise = np.where(bad, 5.0 * np.random.default_rng(0).normal(size=bad.shape), 0.0)
    noisy = jm.TracerMap(
        np.asarray(z.values) + noise,
        np.where(bad, 5.0, z.sigma),
        z.instrument,
        mask=~np.asarray(z.valid),
    )
    low, high = (
        profile.profile_figure(dataclasses.replace(fit, maps={"z": noisy}), "z").axes[0].get_ylim()
    )
    usual = profile.profile_figure(fit, "z").axes[0].get_ylim()
    assert high - low < 1.6 * (usual[1] - usual[0])
    # What is known well is shown wherever it lies.
    off = jm.TracerMap(np.asarray(z.values) + 1.0, z.sigma, z.instrument, mask=~np.asarray(z.valid))
    assert (
        profile.profile_figure(dataclasses.replace(fit, maps={"z": off}), "z").axes[0].get_ylim()[1]
        > 9.6
    )


def test_the_fair_rival_is_seen_and_explained(fit):
    """What the fit leads one to expect of the annuli has marks of its own, not colour alone."""
    figure = profile.profile_figure(fit, "z")
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    rival = next(line for label, line in lines.items() if label.startswith("fit through the PSF"))
    assert (
        "squares" in rival.get_label() and rival.get_marker() == "o" and rival.get_markersize() > 4
    )
    z = fit.maps["z"]
    found = jm.baselines.annuli(
        np.where(z.valid, np.hypot(*z.instrument.grid.coordinates), np.nan),
        z.data,
        np.linspace(0, 5, 9),
    )
    assert (
        np.nanmax(
            np.abs(np.interp(found.radius, rival.get_xdata(), rival.get_ydata()) - found.median)[:4]
        )
        < 0.03
    )
    naive = next(line for label, line in lines.items() if label.startswith("naive"))
    assert (
        naive.get_linestyle()
        != lines[next(label for label in lines if label.startswith("forward"))].get_linestyle()
    )


@pytest.mark.parametrize(
    ("known", "label", "factor"),
    [
        ({"redshift": 0.03}, "radius [kpc]", jm.lensing.kpc_per_arcsec(0.03)),
        ({"effective_radius": 2.0}, r"radius / $R_\mathrm{e}$", 0.5),
        (
            {"effective_radius": 2.0, "redshift": 0.03},
            "radius [kpc]",
            jm.lensing.kpc_per_arcsec(0.03),
        ),
    ],
)
def test_a_second_axis_has_kpc_or_effective_radii(fit, known, label, factor):
    figure = profile.profile_figure(fit, "z", disc=discs.Disc(**known))
    (top,) = [child for child in figure.axes[0].child_axes if child.get_xlabel()]
    figure.draw_without_rendering()
    assert top.get_xlabel() == label
    assert top.get_xlim()[1] == pytest.approx(factor * figure.axes[0].get_xlim()[1])
    marked = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [2.0, 2.0]]
    assert len(marked) == (len(known) == 2)


def test_bins_are_called_bins():
    instrument = jm.Instrument(jm.Grid.regular((6, 6), 1.0), jm.NoPSF())
    ids = np.arange(36).reshape(6, 6) // 4
    fibres = jm.Apertures.circles(jm.Grid.regular((6, 6), 1.0), [0.0, 1.0], [0.0, 1.0], 0.7)
    binned, round_ones = (
        jm.Instrument(instrument.grid, jm.NoPSF(), apertures=a)
        for a in (jm.Apertures.bins(ids), fibres)
    )
    assert [one.measurements for one in (instrument, binned, round_ones)] == [
        "pixels",
        "bins",
        "apertures",
    ]
    assert summary.count(jm.TracerMap(np.ones(9), 1.0, binned)) == "9 bins"
