"""Posteriors of one or two numbers that are the same everywhere in a map, hard to draw from."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

A, B = "disc.metallicity.a", "disc.metallicity.b"
UNIT = dist.Normal(0.0, 1.0)


def _toy(shown: Callable, start: tuple, priors: tuple, sigma: float, value: float = 1.0):
    """A metallicity that is the same everywhere, some function of a and b, seen in nine pixels."""

    def profile(x, y, a, b):
        return shown(a, b) + 0.0 * x

    instrument = jm.Instrument(jm.Grid.regular((3, 3), 1.0), jm.NoPSF(), (1, 1), 0)
    light = jm.Profile(jm.light.uniform, amp=1.0)
    numbers = jm.Profile(profile, a=start[0], b=start[1])
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=numbers))
    z = jm.TracerMap(np.full((3, 3), value), 3 * sigma, instrument, scale="linear", check=False)
    names = dict(zip((A, B), priors, strict=True))
    return jm.Model(galaxy, {"z": z}, {path: p for path, p in names.items() if p is not None})


def sign():
    """A square, whose root has two signs."""
    return _toy(lambda a, b: a**2 + b, (0.5, 0.0), (UNIT, None), 0.05)


def unequal_signs():
    """The same with a prior that prefers one of them."""
    return _toy(lambda a, b: a**2 + b, (-0.5, 0.0), (dist.Normal(0.5, 1.0), None), 0.05)


def top_hat():
    """A likelihood that is flat between two walls."""
    wall = lambda a, b: jnp.maximum(jnp.abs(a) - 1.0, 0.0) + b  # noqa: E731
    return _toy(wall, (0.3, 0.0), (dist.Normal(0.0, 3.0), None), 0.01, value=0.0)


def stairs():
    """Steps of a fifth, rounded."""
    steps = lambda a, b: a + 0.03 * jnp.sin(2 * jnp.pi * a / 0.2) * 1.06 + b  # noqa: E731
    return _toy(steps, (0.3, 0.0), (UNIT, None), 0.1)


def funnel():
    """A size and the logarithm of its scale: only the product is measured."""
    product = lambda a, b: a * jnp.exp(b)  # noqa: E731
    return _toy(product, (0.1, 0.0), (UNIT, dist.Normal(0.0, 1.5)), 0.3, value=0.2)


def banana():
    """A parabola, a tenth as wide as it is long."""
    return _toy(lambda a, b: b + a**2, (0.5, 0.5), (UNIT, dist.Normal(0.0, 2.0)), 0.1)


def ring():
    """A circle, of which the start is one point."""
    around = lambda a, b: jnp.sqrt(a**2 + b**2 + 1e-6)  # noqa: E731
    return _toy(around, (0.6, 0.6), (UNIT, UNIT), 0.05)


def cross():
    """A product of two numbers of any sign."""
    return _toy(lambda a, b: a * b, (0.5, 0.5), (UNIT, UNIT), 0.1, value=0.5)


def spike():
    """A spike where nobody starts, half as probable as the broad rest."""
    spot = lambda a, b: jnp.exp(-0.5 * ((a - 1.5) / 0.02) ** 2) + b  # noqa: E731
    return _toy(spot, (0.0, 0.0), (UNIT, None), 0.32)


def heavy_tails():
    """A sum that is measured of two numbers with Cauchy priors."""
    return _toy(lambda a, b: a + b, (0.1, 0.2), (dist.Cauchy(0.0, 1.0), dist.Cauchy(0.0, 1.0)), 0.1)
