"""The sum of some profiles is a profile."""

import pickle

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.forward.cells import _cusps
from jaxmetal.galaxy import get, put
from jaxmetal.maps import Moment
from jaxmetal.profiles.combine import parts, total

DISC = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2, center_x=0.3)
HALO = jm.Profile(jm.light.sersic, amp=0.5, R_sersic=1.0, n_sersic=1.0, b_n="lenstronomy")
X, Y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))


def test_a_total_is_the_sum_of_its_parts():
    np.testing.assert_allclose(
        total(disc=DISC, halo=HALO)(X, Y), DISC(X, Y) + HALO(X, Y), rtol=1e-6
    )


def test_a_total_comes_apart_again_options_included():
    found = parts(total(disc=DISC, halo=HALO))
    assert eqx.tree_equal(found, {"disc": DISC, "halo": HALO})
    assert parts(DISC) == {"": DISC}


def test_each_part_has_its_own_paths():
    galaxy = jm.Galaxy(a=jm.Component(HALO, z=total(disc=DISC, halo=HALO)))
    assert float(get(galaxy, "a.z.gradient_disc")) == pytest.approx(-0.2)
    moved = put(galaxy, "a.z.amp_halo", 2.0 * HALO.amp)
    np.testing.assert_allclose(moved.a.z(X, Y), DISC(X, Y) + 2 * HALO(X, Y), rtol=1e-6)


def test_the_cusps_of_all_parts_are_seen():
    component = jm.Component(HALO, z=total(disc=DISC, halo=HALO))
    assert sorted(
        (round(float(x), 3), float(y)) for x, y in _cusps(component, [Moment(("z",), jnp.exp)])
    ) == [(0.0, 0.0), (0.3, 0.0)]


def test_a_total_can_be_kept_and_says_what_it_is():
    summed = total(disc=DISC, halo=HALO)
    assert eqx.tree_equal(pickle.loads(pickle.dumps(summed)), summed)
    assert summed.name == "gradient + sersic"
    assert hash(summed.function) == hash(total(disc=DISC, halo=HALO).function), (
        "two equal totals share a compiled program"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "at least one"), ({"a": DISC, "b_a": HALO}, "must not end like one another")],
)
def test_a_total_that_cannot_be_is_refused(given, message):
    with pytest.raises(jm.InputError, match=message):
        total(**given)
