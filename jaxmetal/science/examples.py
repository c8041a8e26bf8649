"""Small scenes for examples and first tries: a disc, its gas, a telescope, models of mock maps."""

import numpyro.distributions as dist

from jaxmetal.emission import Emission
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.inference.model import Model
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import GaussianPSF
from jaxmetal.profiles import light, tracer
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import simulate


def _light() -> Profile:
    return Profile(light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)


def _metallicity(gradient: float = -0.1) -> Profile:
    return Profile(tracer.gradient, central=8.5, gradient=gradient)


def disc(gradient: float = -0.1) -> Galaxy:
    """A disc of light with a metallicity gradient.

    Parameters
    ----------
    gradient
        of the metallicity, dex/arcsec.

    Returns
    -------
    galaxy
        with one component, "disc": half of its light within 1 arcsec, and 8.5 dex in its centre.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.examples.disc().disc.metallicity.gradient:.2f}")
    -0.10
    """
    return Galaxy(disc=Component(_light(), metallicity=_metallicity(gradient)))


def gas_disc() -> Galaxy:
    """The disc of `disc` as gas, whose lines follow from its metallicity.

    Returns
    -------
    galaxy
        with one component, "disc", whose light is that of Ha, with E(B-V) = 0.2 mag.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> sorted(jm.examples.gas_disc().disc.tracers)
    ['metallicity', 'reddening']
    """
    reddening, gas = Profile(tracer.uniform, value=0.2), Emission("curti20")
    disc = Component(_light(), metallicity=_metallicity(), reddening=reddening, emission=gas)
    return Galaxy(disc=disc)


def telescope() -> Instrument:
    """A camera of 15 x 15 pixels of 0.4 arcsec behind a Gaussian PSF of 1.1 arcsec.

    Returns
    -------
    instrument
        of fixed sampling, so that examples are quick.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.examples.telescope().shape
    (15, 15)
    """
    return Instrument(Grid.regular((15, 15), 0.4), GaussianPSF(1.1), supersampling=(4, 1))


def model(seed: int = 1) -> Model:
    """The model of a noisy metallicity map of `disc` through `telescope`.

    Parameters
    ----------
    seed
        of the noise.

    Returns
    -------
    model
        with the map "z", and the central metallicity and its gradient as free parameters.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> list(jm.examples.model().free)
    ['disc.metallicity.central', 'disc.metallicity.gradient']
    """
    maps = {"z": simulate.tracer_map(disc(), telescope(), seed=seed)}
    return Model(disc(), maps, _priors())


def line_model(seed: int = 1) -> Model:
    """The model of noisy maps of Ha and [NII]6584 of `gas_disc` through `telescope`.

    Parameters
    ----------
    seed
        of the noise.

    Returns
    -------
    model
        with the maps "Ha" and "NII6584", and the free parameters of `model`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> list(jm.examples.line_model().maps)
    ['Ha', 'NII6584']
    """
    maps = simulate.line_maps(gas_disc(), telescope(), ["Ha", "NII6584"], seed=seed)
    return Model(gas_disc(), maps, _priors())


def _priors() -> dict[str, dist.Distribution]:
    return {
        "disc.metallicity.central": dist.Uniform(7.0, 9.5),
        "disc.metallicity.gradient": dist.Normal(0.0, 0.5),
    }
