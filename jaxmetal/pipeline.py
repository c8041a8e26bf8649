"""The pipeline from a configuration to a folder of results: fit, write, sample, write, draw.

The results of each step are kept if a later one fails.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jaxmetal.errors import surviving
from jaxmetal.inference import optimise as optimising
from jaxmetal.inference import sample as sampling
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io import results as folders
from jaxmetal.io.gradients import gain_from_velocities
from jaxmetal.io.scene import Scene, load
from jaxmetal.io.summary import failed_lines, how, posterior_text, summary_text, verdict
from jaxmetal.science.starts.guess import as_text

log = logging.getLogger("jaxmetal")

# Why there is no posterior in the summary of a run that is killed.
PENDING = "not finished yet"


@dataclass
class Run:
    """The results of a run.

    Parameters
    ----------
    folder
        where it was written.
    scene
        galaxy, maps and priors of the configuration.
    fit
        the maximum of the posterior.
    posterior
        its draws, if there are any.
    unsampled
        why there are none; empty if the configuration does not ask for them.
    failures
        {step that failed, such as a figure: why}.
    gain
        by how much maps of velocities reduce the error of a gradient, in words; empty without both.
    """

    folder: Path
    scene: Scene
    fit: Fit
    posterior: Posterior | None = None
    unsampled: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    gain: str = ""

    @property
    def has_answer(self) -> bool:
        """Whether the fit converged, or a posterior that was sampled although it had not."""
        return self.fit.converged or (self.posterior is not None and self.posterior.converged)

    @property
    def summary(self) -> str:
        """The text of summary.txt."""
        parts = self.scene, self.fit, self.posterior, self.unsampled, self.failures, self.gain
        return summary_text(*parts)


def run(
    config: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    overwrite: bool = False,
    sample: bool = True,
    progress: bool | None = None,
    tell: Callable[[str], object] = lambda text: None,
    changes: Mapping[str, Any] | None = None,
) -> Run:
    """Fit the maps of a configuration, sample the posterior, write results and figures.

    This is the command `jaxmetal fit`. The folder of results is written as soon as the maximum is
    found; the posterior and the figures are added to it. An error in a later step leaves the
    earlier results.

    Parameters
    ----------
    config
        a YAML or TOML file.
    out
        folder of the results; the configuration's name with -results if left out.
    overwrite
        whether to replace the folder if it is there.
    sample
        False for the maximum and its errors only.
    progress
        whether to show the progress; if left out, a bar on a terminal or in a notebook, and a line
        every half minute in a log.
    tell
        called with each part of the summary as soon as it is available, such as `print`: the
        maximum before anything is sampled.
    changes
        {path: value} of values in the place of the configuration's, such as {"fit.starts": 8}.

    Returns
    -------
    made
        fit and posterior, and what failed.

    Raises
    ------
    InputError
        with a line for every mistake in the configuration, or if the folder may not be written.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> result = jm.run("fit.yaml", out="results")  # doctest: +SKIP
    >>> result.posterior.summary()["disc.metallicity.gradient"]["mean"]  # doctest: +SKIP
    """
    config = Path(config)
    folder = Path(out) if out is not None else Path(f"{config.stem}-results")
    # Before hours of computing, not after.
    folders.check_free(folder, overwrite)
    scene = load(config, changes=changes)
    for line in as_text(scene.guessed):
        log.info("auto: %s", line)
    if not sample:
        scene = replace(scene, config=scene.config.model_copy(update={"sample": None}))
    model = scene.model()
    result = Run(folder, scene, _fitted(scene, model, progress))
    with surviving(result.failures, "gain from velocities"):
        result.gain = gain_from_velocities(scene, model, result.fit)
    settings = scene.config.sample
    if settings is not None:
        reason = sampling.not_to_be_sampled(result.fit, settings.allow_unconverged)
        result.unsampled = reason or PENDING
    # The summary first, so that it is printed even if nothing can be written.
    tell(result.summary)
    with folders.whole_folder(folder, overwrite) as part:
        folders.write_fit(part, scene, result.fit, result.failures, config)
        folders.write_summary(part, result.summary)
    _sample_and_draw(result, model, progress, tell)
    if result.failures:
        tell("\n".join(failed_lines(result.failures)) + "\n")
    log.info("written to %s", folder)
    return result


def _sample_and_draw(
    result: Run, model: Model, progress: bool | None, tell: Callable[[str], object]
) -> None:
    """The steps after the fit; the summary in the folder is written again, however they end."""
    try:
        if result.unsampled == PENDING:
            _sample(result, model, progress, tell)
        elif result.unsampled:
            log.warning("the posterior is not sampled: %s", result.unsampled)
        if result.scene.config.plots:
            draw(result.folder, result.scene, result.fit, result.posterior, result.failures)
    except BaseException:
        # An interrupt, or a SIGTERM from a scheduler.
        if result.unsampled == PENDING:
            result.unsampled = "interrupted"
            log.warning("sampling interrupted; the results of the fit are in %s", result.folder)
        else:
            result.failures["pictures"] = "interrupted"
            log.warning("pictures interrupted; what was finished by then is in %s", result.folder)
        raise
    finally:
        with surviving(result.failures, "summary"):
            folders.write_summary(result.folder, result.summary)


def _fitted(scene: Scene, model: Model, progress: bool | None) -> Fit:
    binned = any(observed.instrument.apertures is not None for observed in model.maps.values())
    size = sum(observed.size for observed in model.maps.values())
    log.info(
        "fitting %d parameters to %d %s",
        len(model.start),
        size,
        "measurements" if binned else "pixels",
    )
    fit = optimising.optimise(model, **scene.config.fit.model_dump(), progress=progress)
    log.info("fit: %s; reduced chi-square %.3f", verdict(fit), fit.reduced_chi_square)
    return fit


def _sample(
    result: Run, model: Model, progress: bool | None, tell: Callable[[str], object]
) -> None:
    """Draw the posterior and add it to the folder."""
    settings = result.scene.config.sample
    assert settings is not None
    log.info("the maximum is written to %s", result.folder)
    log.info(
        "sampling: %s, %d chains of %d draws", settings.method, settings.chains, settings.draws
    )
    with surviving(result.failures, "sampling"):
        posterior = sampling.sample(model, result.fit, **settings.model_dump(), progress=progress)
        # A posterior whose convergence cannot be computed counts as a failure.
        log.info("posterior: %s", verdict(posterior))
        log.info("sampled by %s", how(posterior))
        result.posterior = posterior
    if result.posterior is None:
        result.unsampled = "the sampler failed"
        return
    result.unsampled = ""
    tell("\n" + posterior_text(result.scene, result.fit, result.posterior))
    with surviving(result.failures, folders.POSTERIOR):
        result.posterior.save(result.folder / folders.POSTERIOR)
    with surviving(result.failures, folders.TABLE):
        folders.write_table(result.folder, result.scene, result.fit, result.posterior)


def draw(
    folder: Path, scene: Scene, fit: Fit, posterior: Posterior | None, failures: dict[str, str]
) -> list[Path]:
    """Draw the figures of a fit into the plots of its folder.

    Parameters
    ----------
    folder
        of the results.
    scene
        galaxy, maps and priors of the configuration.
    fit, posterior
        the results.
    failures
        {step that failed: why}, to which figures that cannot be drawn are added.

    Returns
    -------
    paths
        of the figures that were drawn.
    """
    paths: list[Path] = []
    with surviving(failures, "pictures"):
        from jaxmetal.view.figures import fit_figures
        from jaxmetal.view.save import save_figure

        for name, figure in fit_figures(scene, fit, posterior).items():
            path = folder / folders.PLOTS / f"{name}.png"
            with surviving(failures, f"picture {name}"):
                save_figure(figure(), path)
                paths.append(path)
    return paths
