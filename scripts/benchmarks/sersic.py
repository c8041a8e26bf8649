"""Light alone: NUTS of a Sersic galaxy by pysersic and by jaxmetal, on the same image."""

import time
import warnings
from importlib.util import find_spec

import jax
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

SHAPE, PIXEL, FWHM, SEED = (51, 51), 0.1, 0.4, 5
# So small that its light ends within the frame: what pysersic's renderer lets wrap round a frame's
# edges (a third more than there is, at four half-light radii) would decide the fit. Here both
# pictures of the same galaxy differ by a chi-square of 0.1.
TRUTH = {
    "R_sersic": 0.4,
    "n_sersic": 1.5,
    "e1": 0.12,
    "e2": -0.08,
    "center_x": 0.03,
    "center_y": -0.02,
}
CHAINS, WARMUP, DRAWS = 2, 1000, 1000
STAGES = ("first", "again")


def sersic(options):
    """Seconds to a posterior, first and again; deviations of size and index, in errors."""
    picture = scene()
    for turn in STAGES:
        yield timed("jaxmetal, NUTS", turn, lambda: ours(picture, "nuts"))
        yield timed("jaxmetal, importance", turn, lambda: ours(picture, "importance"))
        if find_spec("pysersic"):
            yield timed("pysersic, NUTS", turn, lambda: theirs(picture))


def timed(name: str, turn: str, run) -> dict:
    """One run of one side."""
    begin = time.perf_counter()
    draws, truth = run()
    seconds = time.perf_counter() - begin
    posterior = jm.Posterior(
        draws, {"diverging": np.zeros(next(iter(draws.values())).shape, bool)}, {}
    )
    rows = posterior.summary()
    ess = min(row["ess"] for row in rows.values())
    values = {
        f"{key} off by": (rows[key]["mean"] - truth[key]) / rows[key]["sd"]
        for key in ("radius", "index")
    }
    spread = {f"{key} error": rows[key]["sd"] for key in ("radius", "index")}
    return {
        "case": f"{name}, {turn}",
        "seconds": seconds,
        "ess": ess,
        "ess_per_second": ess / seconds,
        **values,
        **spread,
    }


def scene() -> jm.LightMap:
    """A noisy galaxy, and a PSF of the same pixels, as both take it."""
    light = jm.Galaxy(galaxy=jm.Component(jm.Profile(jm.light.sersic, amp=10.0, **TRUTH)))
    instrument = jm.Instrument(
        jm.Grid.regular(SHAPE, PIXEL), jm.KernelPSF(kernel(), includes_pixel=True)
    )
    return jm.simulate.light_map(light, instrument, sigma=0.01, seed=SEED)


def kernel() -> np.ndarray:
    """A point source in the middle of a pixel, averaged over each pixel."""
    from scipy.special import erf

    edges = (np.arange(-20.5, 21.5) * PIXEL) / (FWHM / np.sqrt(8 * np.log(2)) * np.sqrt(2))
    profile = np.diff(erf(edges))
    return np.outer(profile, profile) / profile.sum() ** 2


def ours(picture: jm.LightMap, method: str) -> tuple[dict, dict]:
    """The posterior of seven parameters; the radius along the major axis, in pixels."""
    start = TRUTH | {
        "R_sersic": 0.6,
        "n_sersic": 1.0,
        "e1": 0.0,
        "e2": 0.0,
        "center_x": 0.0,
        "center_y": 0.0,
    }
    priors = {
        "amp": dist.LogNormal(np.log(10.0), 1.0),
        "R_sersic": dist.LogNormal(np.log(0.5), 0.5),
        "n_sersic": dist.Uniform(0.65, 8.0),
        "e1": dist.Uniform(-0.6, 0.6),
        "e2": dist.Uniform(-0.6, 0.6),
        "center_x": dist.Normal(0.0, 0.1),
        "center_y": dist.Normal(0.0, 0.1),
    }
    galaxy = jm.Galaxy(galaxy=jm.Component(jm.Profile(jm.light.sersic, amp=5.0, **start)))
    model = jm.Model(
        galaxy,
        {"light": picture},
        {f"galaxy.light.{name}": prior for name, prior in priors.items()},
    )
    fit = jm.optimise(model, starts=1)
    settings = {"chains": CHAINS, "draws": DRAWS} | ({"warmup": WARMUP} if method == "nuts" else {})
    values = {
        path.split(".")[-1]: draws
        for path, draws in jm.sample(model, fit, method=method, **settings).samples.items()
    }

    def radius(values: dict) -> np.ndarray:
        e = np.hypot(values["e1"], values["e2"])
        return values["R_sersic"] / PIXEL * np.sqrt((1 + e) / (1 - e))

    return values | {"radius": radius(values), "index": values["n_sersic"]}, {
        "radius": float(radius(TRUTH)),
        "index": TRUTH["n_sersic"],
    }


def theirs(picture: jm.LightMap) -> tuple[dict, dict]:
    """pysersic with the priors, the renderer and the sampler that it chooses itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysersic import FitSingle
        from pysersic.loss import gaussian_loss
        from pysersic.priors import autoprior

        image = np.asarray(picture.values)
        prior = autoprior(image=image, profile_type="sersic", mask=np.zeros(SHAPE), sky_type="none")
        fitter = FitSingle(
            image, np.asarray(picture.sigma), kernel(), prior, loss_func=gaussian_loss
        )
        results = fitter.sample(
            jax.random.PRNGKey(1),
            num_samples=DRAWS,
            num_warmup=WARMUP,
            num_chains=CHAINS,
            return_model=False,
            mcmc_kwargs={"chain_method": "vectorized", "progress_bar": False},
        )
    draws = results.idata.posterior
    e = np.hypot(TRUTH["e1"], TRUTH["e2"])
    names = {
        "flux": "flux",
        "radius": "r_eff",
        "index": "n",
        "ellip": "ellip",
        "xc": "xc",
        "yc": "yc",
    }
    truth = {
        "radius": TRUTH["R_sersic"] / PIXEL * np.sqrt((1 + e) / (1 - e)),
        "index": TRUTH["n_sersic"],
    }
    return {name: np.asarray(draws[theirs]) for name, theirs in names.items()}, truth
