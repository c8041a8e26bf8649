"""From a configuration to a folder of results; every step leaves what was made so far.

fitted → written → sampled → written → drawn
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from jaxmetal.errors import surviving
from jaxmetal.inference import optimise as optimising
from jaxmetal.inference import sample as sampling
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io import results as folders
from jaxmetal.io.scene import Scene, load
from jaxmetal.io.summary import failed_lines, how, posterior_text, summary_text, verdict

log = logging.getLogger("jaxmetal")

# What a summary says of a posterior until there is one, which a run that is killed leaves behind.
PENDING = "not finished yet"


@dataclass
class Run:
    """What a run made.

    Parameters
    ----------
    folder
        where it was written.
    scene
        what was fitted: galaxy, maps and priors of the configuration.
    fit
        the maximum of the posterior.
    posterior
        its draws, if there are any.
    unsampled
        why there are none; empty if nobody asked for them.
    failures
        {what could not be made: why}, such as a figure.
    """

    folder: Path
    scene: Scene
    fit: Fit
    posterior: Posterior | None = None
    unsampled: str = ""
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def has_answer(self) -> bool:
        """Whether the fit converged, or a posterior that was drawn all the same did."""
        return self.fit.converged or (self.posterior is not None and self.posterior.converged)

    @property
    def summary(self) -> str:
        """All of it on one page, as summary.txt has it."""
        return summary_text(self.scene, self.fit, self.posterior, self.unsampled, self.failures)


def run(
    config: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    overwrite: bool = False,
    sample: bool = True,
    progress: bool | None = None,
    tell: Callable[[str], object] = lambda text: None,
) -> Run:
    """Fit the maps of a configuration, sample the posterior, write results and pictures: what `jaxmetal fit` does.

    The folder of results is there as soon as the maximum is found; the posterior and the pictures
    are added to it. What fails on the way costs nothing of what was there before.

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
        whether to show how far it is; if left out, a bar on a terminal or in a notebook, and a line
        every half minute in a log.
    tell
        is given each part of the summary as soon as it is known, such as `print`: the maximum
        before anything is sampled.

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
    >>> made = jm.run("fit.yaml", out="results")
    >>> made.fit.converged, made.posterior.summary()["disc.metallicity.gradient"]["mean"]
    """
    config = Path(config)
    folder = Path(out) if out is not None else Path(f"{config.stem}-results")
    # Before hours of computing, not after.
    folders.check_free(folder, overwrite)
    scene = load(config)
    if not sample:
        scene = replace(scene, config=scene.config.model_copy(update={"sample": None}))
    model = scene.model()
    made = Run(folder, scene, _fitted(scene, model, progress))
    settings = scene.config.sample
    if settings is not None:
        made.unsampled = sampling.not_to_be_sampled(made.fit, settings.allow_unconverged) or PENDING
    # The numbers first: they are worth having even where nothing can be written.
    tell(made.summary)
    with folders.whole_folder(folder, overwrite) as part:
        folders.write_fit(part, scene, made.fit, made.failures, config)
        folders.write_summary(part, made.summary)
    try:
        if made.unsampled == PENDING:
            _sample(made, model, progress, tell)
        elif made.unsampled:
            log.warning("the posterior is not sampled: %s", made.unsampled)
        if scene.config.plots:
            draw(folder, scene, made.fit, made.posterior, made.failures)
    except BaseException:
        # An interrupt, or the end that a scheduler sets.
        if made.unsampled == PENDING:
            made.unsampled = "interrupted"
            log.warning("sampling interrupted; the results of the fit are in %s", folder)
        else:
            made.failures["pictures"] = "interrupted"
            log.warning("pictures interrupted; what was finished by then is in %s", folder)
        raise
    finally:
        with surviving(made.failures, "summary"):
            folders.write_summary(folder, made.summary)
    if made.failures:
        tell("\n".join(failed_lines(made.failures)) + "\n")
    log.info("written to %s", folder)
    return made


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


def _sample(made: Run, model: Model, progress: bool | None, tell: Callable[[str], object]) -> None:
    """Draw the posterior and add it to the folder."""
    settings = made.scene.config.sample
    assert settings is not None
    log.info("the maximum is written to %s", made.folder)
    log.info(
        "sampling: %s, %d chains of %d draws", settings.method, settings.chains, settings.draws
    )
    with surviving(made.failures, "sampling"):
        posterior = sampling.sample(model, made.fit, **settings.model_dump(), progress=progress)
        # A posterior that cannot be judged is not one.
        log.info("posterior: %s", verdict(posterior))
        log.info("sampled by %s", how(posterior))
        made.posterior = posterior
    if made.posterior is None:
        made.unsampled = "the sampler failed"
        return
    made.unsampled = ""
    tell("\n" + posterior_text(made.scene, made.fit, made.posterior))
    with surviving(made.failures, folders.POSTERIOR):
        made.posterior.save(made.folder / folders.POSTERIOR)
    with surviving(made.failures, folders.TABLE):
        folders.write_table(made.folder, made.scene, made.fit, made.posterior)


def draw(
    folder: Path, scene: Scene, fit: Fit, posterior: Posterior | None, failures: dict[str, str]
) -> list[Path]:
    """Every picture of a fit that can be drawn, into the plots of its folder.

    Parameters
    ----------
    folder
        of the results.
    scene
        what was fitted.
    fit, posterior
        what came of it.
    failures
        {what could not be made: why}, to which is added what cannot be drawn.

    Returns
    -------
    paths
        of the pictures that were made.
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
