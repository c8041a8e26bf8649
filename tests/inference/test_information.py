"""The information of data and priors, and the covariance that is its inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.information import prior_curvature, value_slope_information
from jaxmetal.inference.laplace import inverses
from jaxmetal.io.summary import _psf_lines
from tests.scenes import CENTRAL, GRADIENT, disc, telescope

SCALES = {CENTRAL: 0.02, GRADIENT: 0.005}


@pytest.fixture(scope="module")
def model():
    """A map whose errors say as much as the priors do."""
    instrument = telescope((15, 15), 0.4, 0.8, (2, 1), 4)
    values = jm.predict(disc(), jm.TracerMap(np.ones((15, 15)), 1.0, instrument, check=False))
    priors = {
        path: dist.Normal(true, SCALES[path])
        for path, true in {CENTRAL: 8.0, GRADIENT: -0.2}.items()
    }
    return jm.Model(disc(), {"z": jm.TracerMap(values, 0.2, instrument)}, priors)


def test_the_information_is_that_of_data_and_priors_together(model, tolerance):
    """At a map that fits perfectly it is minus the second derivative of the log posterior."""
    u = model.unconstrain({CENTRAL: jnp.asarray(8.0), GRADIENT: jnp.asarray(-0.2)})
    information = jax.jit(lambda u: value_slope_information(model, u, 1.0)[2])(u)
    hessian = -jax.jit(jax.hessian(model.log_density))(u)
    np.testing.assert_allclose(information, hessian, rtol=tolerance(1e-6, 2e-3))
    # Of a normal prior in units of its standard deviation.
    curvature = np.asarray(jax.jit(lambda u: prior_curvature(model, u))(u))
    np.testing.assert_allclose(curvature, np.eye(2), atol=1e-5)
    shares = np.diag(curvature) / np.diag(np.asarray(information))
    assert np.all((shares > 0.02) & (shares < 0.98)), "both tell something, or this is no test"


def test_the_error_of_a_parameter_that_a_prior_holds_is_the_priors(model):
    """Two sources of information add up: 1/e² = 1/e_prior² + 1/e_data² along each direction."""
    fit = jm.optimise(model, starts=1)
    for path, scale in SCALES.items():
        assert float(fit.errors[path]) < scale
    free = jm.Model(disc(), dict(model.maps), {path: dist.Normal(0.0, 100.0) for path in SCALES})
    alone = np.linalg.inv(jm.optimise(free, starts=1).covariance)
    both = np.linalg.inv(alone + np.diag([1 / SCALES[path] ** 2 for path in fit.parameters]))
    np.testing.assert_allclose(fit.covariance, both, rtol=0.02)


@pytest.mark.parametrize(("correlation", "usable"), [(1 - 1e-9, False), (1 - 1e-5, True)])
def test_parameters_that_the_data_cannot_tell_apart_have_no_covariance(correlation, usable):
    """Whatever their units."""
    matrix = np.array([[1.0, correlation], [correlation, 1.0]])
    units = np.diag([1.0, 1e6])
    inverse = inverses((units @ matrix @ units)[None])[0]
    assert np.isfinite(inverse).all() == usable
    if usable:
        np.testing.assert_allclose(units @ inverse @ units, np.linalg.inv(matrix), rtol=1e-6)


def test_errors_with_a_known_psf_are_those_of_a_fit_that_knows_it(model):
    psf, z = "z.instrument.psf.fwhm", model.maps["z"]
    maps = {"z": jm.TracerMap(z.values, 0.03, z.instrument, check=False)}
    priors = {CENTRAL: dist.Normal(8.0, 1.0), GRADIENT: dist.Normal(-0.2, 1.0)}
    of_psf = {psf: dist.Normal(0.8, 0.2)}
    fit, known = (
        jm.optimise(jm.Model(model.galaxy, maps, priors | more), starts=1) for more in (of_psf, {})
    )
    errors = fit.errors_with_known(psf)
    assert set(errors) == {CENTRAL, GRADIENT}
    for path, error in errors.items():
        assert error == pytest.approx(known.errors[path], rel=0.02)
    assert errors[GRADIENT] < 0.9 * fit.errors[GRADIENT]
    (line,) = (line for line in _psf_lines(fit) if GRADIENT in line)
    quoted, without = fit.errors[GRADIENT], errors[GRADIENT]
    assert line == f"error of {GRADIENT}: {quoted:.3g}, with the PSF known {without:.3g}"
    assert not list(_psf_lines(known))
    with pytest.raises(jm.InputError, match="unknown parameter"):
        fit.errors_with_known("z.scatter")
