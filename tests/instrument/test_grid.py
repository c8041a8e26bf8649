"""Where the pixels lie on the sky: on plain grids, and on those of a WCS, against astropy."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS, Sip

import jaxmetal as jm

TURN = np.deg2rad(25.0)
MATRICES = {
    "square": 0.2 * np.eye(2),
    "east to the left": np.diag([-0.2, 0.2]),
    "upside down": np.diag([0.2, -0.2]),
    "oblong": np.diag([0.1, 0.3]),
    "rotated": 0.2 * np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]]),
    "sheared": np.array([[0.2, 0.07], [0.0, 0.15]]),
    "turned by a right angle": np.array([[0.0, 0.2], [0.2, 0.0]]),
}


@pytest.mark.parametrize("shape", [(9, 11), (8, 8), (1, 5)])
@pytest.mark.parametrize("center", [(0.0, 0.0), (3.0, -2.0)])
def test_a_regular_grid_is_square_and_centred(shape, center, tolerance):
    """x grows along columns, y along rows, and the middle of the frame lies on its centre."""
    grid = jm.Grid.regular(shape, 0.25, center)
    x, y = (np.broadcast_to(a, shape) for a in grid.coordinates)
    assert (x.mean(), y.mean()) == pytest.approx(center, abs=tolerance(1e-12, 1e-6))
    np.testing.assert_allclose(np.diff(x, axis=1), 0.25, atol=tolerance(1e-12, 1e-6))
    np.testing.assert_allclose(np.diff(y, axis=0), 0.25, atol=tolerance(1e-12, 1e-6))
    assert np.ptp(x, axis=0).max() == np.ptp(y, axis=1).max() == 0
    assert float(grid.pixel_scale) == pytest.approx(0.25, rel=1e-6) and float(
        grid.pixel_area
    ) == pytest.approx(0.0625, rel=1e-6)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_position_and_pixel_are_each_others_inverse(matrix, tolerance):
    grid = jm.Grid((1.5, -0.7), matrix, (20, 30))
    column, row = np.random.default_rng(0).uniform(-5, 35, (2, 20))
    np.testing.assert_allclose(
        grid.pixel(*grid.position(column, row)), (column, row), atol=tolerance(1e-11, 3e-5)
    )
    x, y = np.random.default_rng(1).uniform(-3, 3, (2, 20))
    np.testing.assert_allclose(
        grid.position(*grid.pixel(x, y)), (x, y), atol=tolerance(1e-12, 1e-5)
    )


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_columns_rows_and_areas_follow_the_matrix(matrix, tolerance):
    """A step of one column moves by its first column, and a pixel has the area of the
    parallelogram.
    """
    grid = jm.Grid((1.5, -0.7), matrix, (4, 5))
    x, y = (np.broadcast_to(a, (4, 5)) for a in grid.coordinates)
    assert (x[0, 0], y[0, 0]) == pytest.approx((1.5, -0.7), rel=1e-6)
    np.testing.assert_allclose(
        [x[2, 3] - x[2, 2], y[2, 3] - y[2, 2]], matrix[:, 0], atol=tolerance(1e-14, 1e-6)
    )
    np.testing.assert_allclose(
        [x[3, 2] - x[2, 2], y[3, 2] - y[2, 2]], matrix[:, 1], atol=tolerance(1e-14, 1e-6)
    )
    assert float(grid.pixel_area) == pytest.approx(abs(np.linalg.det(matrix)), rel=1e-6)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_the_frequency_of_a_wave_is_that_seen_on_the_sky(matrix, tolerance):
    """A wave exp(2 pi i f.x) advances by f.matrix cycles per pixel.

    |f| is what `squared_frequency` gives back.
    """
    f = np.array([0.7, -1.1])
    kx, ky = f @ matrix
    found = jm.Grid((0.0, 0.0), matrix, (4, 5)).squared_frequency(kx, ky)
    assert float(found) == pytest.approx(f @ f, rel=tolerance(1e-12, 3e-6))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    "shape", [(3,), (3, 4, 5), 5, None, "ab", (0, 3), (3, -1), (np.nan, 3), (2.7, 3.2)], ids=str
)
def test_a_shape_is_two_positive_whole_numbers(shape):
    with pytest.raises(jm.InputError, match="shape: expected"):
        jm.Grid.regular(shape, 0.1)
    with pytest.raises(jm.InputError, match="shape: expected"):
        jm.Grid((0.0, 0.0), np.eye(2), shape)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    "pixel_scale", [0.0, -0.1, np.nan, np.inf, "0.1 arcsec", None, (0.1, 0.1)], ids=str
)
def test_a_pixel_scale_is_one_positive_number(pixel_scale):
    with pytest.raises(jm.InputError, match="pixel_scale"):
        jm.Grid.regular((3, 3), pixel_scale)


@pytest.mark.parametrize("center", [(1.0, 2.0, 3.0), 1.0j, "middle", (np.nan, 0.0)], ids=str)
def test_a_centre_is_two_numbers(center):
    with pytest.raises(jm.InputError, match=r"center|origin"):
        jm.Grid.regular((3, 3), 0.1, center)


@pytest.mark.parametrize(
    ("origin", "matrix"),
    [
        ((0, 0, 0), np.eye(2)),
        ((0, 0), np.eye(3)),
        ((0, 0), [[1, 2], [2, 4]]),
        ((0, 0), np.zeros((2, 2))),
        ((0, np.nan), np.eye(2)),
        ((0, 0), [[np.inf, 0], [0, 1]]),
        (("a", "b"), np.eye(2)),
    ],
    ids=["three origins", "a cube", "a line", "a point", "NaN", "infinite", "words"],
)
def test_pixels_lie_at_finite_places_and_have_an_area(origin, matrix):
    with pytest.raises(jm.InputError, match="origin"):
        jm.Grid(origin, matrix, (3, 3))


# --- grids of a WCS


def celestial(
    crval=(150.0, 2.0),
    matrix=MATRICES["east to the left"],
    crpix=(6.0, 5.0),
    shape=(9, 11),
    ctype=("RA---TAN", "DEC--TAN"),
    **keys,
):
    """A WCS; `matrix` in arcsec per pixel."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd = ctype, crval, crpix, matrix / 3600
    for key, value in keys.items():
        setattr(wcs.wcs, key, value)
    wcs.array_shape = shape
    wcs.wcs.set()
    return wcs


def offsets(wcs, center, shape):
    """(x, y) of all pixels to the east and north of a position, arcsec, by astropy alone."""
    row, column = np.indices(shape)
    east, north = center.spherical_offsets_to(
        wcs.pixel_to_world(column, row).transform_to(center.frame)
    )
    return east.to_value(u.arcsec), north.to_value(u.arcsec)


def middle(wcs):
    rows, columns = wcs.array_shape
    return wcs.pixel_to_world((columns - 1) / 2, (rows - 1) / 2)


SKIES = {
    "plain": celestial(),
    "not square": celestial(shape=(7, 40)),
    "rotated": celestial(matrix=MATRICES["rotated"]),
    "upside down": celestial(matrix=-MATRICES["upside down"]),
    "sheared": celestial(matrix=MATRICES["sheared"]),
    "turned by a right angle": celestial(matrix=MATRICES["turned by a right angle"]),
    "near the pole": celestial((210.0, 89.5), MATRICES["rotated"]),
    "far south": celestial((15.0, -74.0)),
    "across 0h": celestial((0.0002, -33.0)),
    "reference far outside the frame": celestial(crpix=(4000.0, -9000.0)),
    "another projection": celestial(ctype=("RA---SIN", "DEC--SIN")),
    "older equinox": celestial(radesys="FK4", equinox=1950.0),
    "declination first": celestial(
        (2.0, 50.0), MATRICES["turned by a right angle"], ctype=("DEC--TAN", "RA---TAN")
    ),
    "galactic": celestial((120.0, 40.0), ctype=("GLON-TAN", "GLAT-TAN")),
}


@pytest.mark.parametrize("wcs", SKIES.values(), ids=SKIES)
def test_pixels_lie_where_astropy_puts_them(wcs):
    """x to the east and y to the north of the middle of the frame, to 1e-3 pixel."""
    grid = jm.Grid.from_wcs(wcs)
    # East and north are those of ICRS, even for a galactic map or one of an older equinox.
    center = middle(wcs).icrs
    expected = offsets(wcs, center, wcs.array_shape)
    assert grid.shape == wcs.array_shape
    for found, known in zip(grid.coordinates, expected, strict=True):
        np.testing.assert_allclose(np.broadcast_to(found, grid.shape), known, atol=2e-4)


def test_with_a_plain_wcs_east_is_left_and_north_is_up():
    x, y = jm.Grid.from_wcs(celestial()).coordinates
    assert np.all(np.diff(x, axis=-1) < 0) and np.all(np.diff(y, axis=0) > 0)


def test_maps_of_one_galaxy_from_two_instruments_share_a_position():
    """Whatever their pixels, a star lies at one (x, y), to 1e-3 pixel."""
    nucleus = SkyCoord(150.001, 2.0005, unit="deg")
    star = SkyCoord(150.0013, 2.0002, unit="deg")
    muse = celestial()
    nirspec = celestial(
        (150.0008, 2.0001), 0.1 * MATRICES["rotated"] / 0.2, crpix=(40.0, 12.0), shape=(60, 50)
    )
    east, north = (a.to_value(u.arcsec) for a in nucleus.spherical_offsets_to(star))
    for wcs in (muse, nirspec):
        grid = jm.Grid.from_wcs(wcs, center=(nucleus.ra.deg, nucleus.dec.deg))
        found = grid.position(*(float(p) for p in wcs.world_to_pixel(star)))
        np.testing.assert_allclose(found, (east, north), atol=1e-3 * float(grid.pixel_scale))


def test_a_cube_is_reduced_to_the_sky():
    cube = WCS(naxis=3)
    cube.wcs.ctype, cube.wcs.crval, cube.wcs.crpix = (
        ("WAVE", "RA---TAN", "DEC--TAN"),
        (5e-7, 150.0, 2.0),
        (1, 6, 5),
    )
    cube.wcs.cdelt = (1e-10, -0.2 / 3600, 0.2 / 3600)
    cube.array_shape = (9, 11, 100)
    flat = jm.Grid.from_wcs(celestial())
    np.testing.assert_allclose(jm.Grid.from_wcs(cube).matrix, flat.matrix, atol=1e-6)
    assert jm.Grid.from_wcs(cube).shape == flat.shape


def test_a_shape_that_is_given_counts():
    assert jm.Grid.from_wcs(celestial(), shape=(4, 3)).shape == (4, 3)
    nameless = celestial(shape=None)
    assert jm.Grid.from_wcs(nameless, shape=(9, 11)).shape == (9, 11)
    with pytest.raises(jm.InputError, match="does not know its shape"):
        jm.Grid.from_wcs(nameless)


def bent():
    wcs = celestial(shape=(101, 101), ctype=("RA---TAN-SIP", "DEC--TAN-SIP"), crpix=(51.0, 51.0))
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    a[2, 0] = b[1, 1] = 1e-3
    wcs.sip = Sip(a, b, None, None, (51.0, 51.0))
    return wcs


@pytest.mark.parametrize(
    ("wcs", "keys", "message"),
    [
        (bent(), {}, r"bends by \d.* pixel"),
        (
            celestial(
                shape=(3000, 3000), matrix=np.diag([-60.0, 60.0]), ctype=("RA---CAR", "DEC--CAR")
            ),
            {},
            "bends",
        ),
        (celestial(), {"center": (330.0, -2.0)}, "bends|center"),
        (WCS(naxis=2), {}, "no celestial axes"),
        (celestial(), {"shape": (0, 3)}, "shape"),
    ],
    ids=[
        "distorted optics",
        "half the sky",
        "a centre on the other side of the sky",
        "no sky",
        "no rows",
    ],
)
def test_a_wcs_that_is_no_regular_grid_is_refused(wcs, keys, message):
    with pytest.raises(jm.InputError, match=message):
        jm.Grid.from_wcs(wcs, **keys)


def test_a_small_part_of_a_bent_frame_is_regular_enough():
    assert jm.Grid.from_wcs(bent(), shape=(5, 5)).shape == (5, 5)
