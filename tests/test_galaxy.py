"""Galaxies made of components.

What may be put together, how a number is found again, and that all of it is one pytree.
"""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.galaxy import children, get, put


def disc(amp=16.0, gradient=-0.2, **tracers):
    return jm.Component(
        light=jm.Profile(jm.light.sersic, amp=amp, R_sersic=1.0, n_sersic=1.0),
        metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=gradient),
        **tracers,
    )


def galaxy(amp=16.0, gradient=-0.2):
    """A disc with two tracers and a star without any."""
    velocity = jm.Profile(jm.tracer.dipole, central=0.0, gradient_x=100.0, gradient_y=20.0)
    return jm.Galaxy(
        disc=disc(amp, gradient, velocity=velocity),
        star=jm.Component(jm.Profile(jm.light.gaussian, amp=1.0, sigma=0.1)),
    )


def paths(node, above=""):
    """Every dotted path to a number."""
    below = {above + name: child for name, child in children(node).items()}
    return [
        path
        for name, child in below.items()
        for path in (paths(child, f"{name}.") if children(child) else [name])
    ]


def test_a_component_is_a_light_with_its_tracers():
    part = galaxy().disc
    assert (
        part.light.name == "sersic"
        and part.metallicity.name == "gradient"
        and part.velocity.name == "dipole"
    )
    assert galaxy().tracers == ["metallicity", "velocity"]
    assert galaxy().star.tracers == {}


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: jm.Component(light=jm.light.sersic),
            "Component: light must be a Profile, got the function sersic; write Profile",
        ),
        (
            lambda: jm.Component(light=disc().light, metallicity=8.0),
            "Component: metallicity must be a Profile, got float",
        ),
        (lambda: jm.Galaxy(), "Galaxy: at least one component is needed"),
        (lambda: jm.Galaxy(disc=disc().light), "Galaxy: disc must be a Component, got Profile"),
        (lambda: jm.Galaxy(disc=disc(), bulge=None), "Galaxy: bulge must be a Component, got None"),
    ],
    ids=[
        "a function for a light",
        "a number for a tracer",
        "nothing",
        "a profile for a component",
        "None for a component",
    ],
)
def test_only_profiles_make_components_and_only_components_galaxies(build, message):
    with pytest.raises(jm.InputError, match=message):
        build()


def test_attributes_that_do_not_exist_are_named():
    with pytest.raises(AttributeError, match="no component 'bulge'"):
        _ = galaxy().bulge
    with pytest.raises(AttributeError, match="no tracer 'age'"):
        _ = galaxy().disc.age
    assert not hasattr(galaxy(), "__array__") and not hasattr(galaxy().disc, "__array__")


def test_every_number_has_a_path():
    found = set(paths(galaxy()))
    assert {
        "disc.light.R_sersic",
        "disc.metallicity.gradient",
        "disc.velocity.gradient_x",
        "star.light.sigma",
    } <= found
    assert len(found) == len(jax.tree.leaves(galaxy()))


def test_a_path_leads_to_where_attributes_lead():
    assert (
        get(galaxy(gradient=-0.3), "disc.metallicity.gradient")
        == galaxy(gradient=-0.3).disc.metallicity.gradient
    )
    assert get({"z": galaxy()}, "z.disc.light").name == "sersic"


@pytest.mark.parametrize("path", paths(galaxy()))
def test_put_changes_what_get_finds_and_nothing_else(path):
    before = galaxy()
    after = put(before, path, jnp.asarray(0.123))
    assert get(after, path) == jnp.asarray(0.123) != get(before, path)
    assert all(get(after, other) == get(before, other) for other in paths(before) if other != path)
    assert jax.tree.structure(after) == jax.tree.structure(before)


def test_a_path_reaches_into_grid_and_psf():
    telescope = jm.Instrument(jm.Grid.regular((5, 5), 0.2), jm.GaussianPSF(0.3), 1)
    scene = {"z": jm.TracerMap(np.ones((5, 5)), 0.1, telescope)}
    assert get(scene, "z.instrument.psf.fwhm") == jnp.asarray(0.3, float)
    wider = put(scene, "z.instrument.psf.fwhm", jnp.asarray(0.4))
    assert get(wider, "z.instrument.psf.fwhm") == jnp.asarray(0.4) and get(wider, "z.scatter") == 0
    with pytest.raises(
        jm.InputError, match=r"unknown name 'values'.*calibration, instrument, likelihood, scatter"
    ):
        get(scene, "z.values")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dsic.light.amp", "'dsic'. Did you mean 'disc'.*disc, star"),
        (
            "disc.metalicity.gradient",
            "'metalicity'. Did you mean 'metallicity'.*light, metallicity, velocity",
        ),
        ("disc.light.n_sersik", "'n_sersik'. Did you mean 'n_sersic'.*R_sersic"),
        ("disc.light.amp.value", "'value'.*one of: none"),
        ("", "unknown name ''"),
    ],
)
@pytest.mark.parametrize("use", [get, lambda node, path: put(node, path, 1.0)], ids=["get", "put"])
def test_the_wrong_part_of_a_path_is_named_with_the_right_ones(use, path, message):
    with pytest.raises(
        jm.InputError, match=f"path {path!r}: unknown name.*" if path else "path ''"
    ) as error:
        use(galaxy(), path)
    assert error.match(message)


@pytest.mark.parametrize("name", ["name", "parameters", "tracers", "light", "components"])
def test_any_name_serves(name):
    """Also one that the classes use for themselves: what get finds, put changes."""

    def tilted(x, y, **slope):
        return slope[name] * x

    carried = {} if name == "light" else {name: jm.Profile(tilted, **{name: 2.0})}
    whole = jm.Galaxy(**{name: jm.Component(jm.Profile(tilted, **{name: 1.0}), **carried)})
    for path in paths(whole):
        changed = put(whole, path, jnp.asarray(5.0))
        assert get(changed, path) == 5.0
        assert jax.tree.structure(changed) == jax.tree.structure(whole)


def test_galaxies_with_other_numbers_have_the_same_structure_in_whatever_order_they_are_written():
    """So that the second one compiles nothing."""
    parts = galaxy().components
    swapped = jm.Galaxy(**dict(reversed(parts.items())))
    for other in (
        galaxy(amp=1),
        galaxy(gradient=np.float32(0.5)),
        galaxy(amp=np.array(2)),
        swapped,
    ):
        assert jax.tree.structure(other) == jax.tree.structure(galaxy())
        assert hash(jax.tree.structure(other)) == hash(jax.tree.structure(galaxy()))
        assert [leaf.aval for leaf in jax.tree.leaves(other)] == [
            leaf.aval for leaf in jax.tree.leaves(galaxy())
        ]
    assert jax.tree.structure(jm.Galaxy(disc=disc())) != jax.tree.structure(galaxy())


def test_the_second_galaxy_compiles_nothing():
    traces = []

    @jax.jit
    def brightness(galaxy):
        traces.append(galaxy)
        return galaxy.disc.light(1.0, 0.0)

    assert float(brightness(galaxy(amp=4.0))) == pytest.approx(
        2 * float(brightness(galaxy(amp=2))), rel=1e-6
    )
    assert len(traces) == 1


def test_a_galaxy_survives_what_jax_does_to_pytrees():
    """Mapped over, differentiated, stacked and vectorised, it stays a galaxy."""
    doubled = jax.tree.map(lambda number: 2 * number, galaxy())
    assert isinstance(doubled, jm.Galaxy) and float(doubled.disc.light.amp) == 32.0
    slope = jax.grad(lambda g: g.disc.metallicity(3.0, 4.0))(galaxy())
    assert isinstance(slope, jm.Galaxy) and float(slope.disc.metallicity.gradient) == pytest.approx(
        5.0
    )
    many = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *(galaxy(gradient=g) for g in (-0.1, 0.0, 0.1))
    )
    np.testing.assert_allclose(
        jax.vmap(lambda g: g.disc.metallicity(3.0, 4.0))(many), [7.5, 8.0, 8.5], rtol=1e-6
    )


def test_a_galaxy_survives_being_sent_to_another_process():
    again = pickle.loads(pickle.dumps(galaxy()))
    assert jax.tree.structure(again) == jax.tree.structure(galaxy())
    assert jax.tree.leaves(again) == jax.tree.leaves(galaxy())
