"""The command line: parse, call, print."""

import argparse
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmetal import __version__
from jaxmetal.errors import InputError, InputWarning, collected_warnings
from jaxmetal.survey import commands as survey

if TYPE_CHECKING:
    from jaxmetal.inference.results import Fit, Posterior
    from jaxmetal.io.scene import Scene

BAD_INPUT, INTERRUPTED = 2, 130
log = logging.getLogger("jaxmetal")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv
        its words; those of the command line if left out.

    Returns
    -------
    status
        0; 2 for bad input, with a line for every mistake on the standard error; 130 if interrupted.
    """
    arguments = _parser().parse_args(argv)
    # Not at the top: --help must not wait for JAX.
    from jaxmetal.io.compiled import keep_compiled

    keep_compiled()
    try:
        with _reports(arguments.quiet), _tidy_end():
            arguments.run(arguments)
    except InputError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    except KeyboardInterrupt:
        print("jaxmetal: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _complain(text: str) -> int:
    for line in text.splitlines():
        print(f"jaxmetal: {line}", file=sys.stderr)
    return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jaxmetal", description="Forward-modelled maps of metallicity and whatever else light carries.")
    parser.add_argument("--version", action="version", version=f"jaxmetal {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run: Any, name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--quiet", action="store_true", help="no reports of progress")
        added.set_defaults(run=run)
        return added

    def writes(added: argparse.ArgumentParser, default: str | None, **options: Any) -> None:
        added.add_argument("--out", metavar="DIR", type=Path, default=default and Path(default), **options)
        added.add_argument("--overwrite", action="store_true", help="replace the folder DIR if it is there")

    fit = command(_fit, "fit", "Fit the maps of a configuration, sample the posterior, write results and pictures.")
    fit.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")
    fit.add_argument("--no-sample", action="store_true", help="the maximum and its errors only")
    writes(fit, None, help="folder of the results; CONFIG's name with -results if left out")
    mock = command(_simulate, "simulate", "Make noisy maps of a configuration's galaxy, and a configuration that fits them.")
    mock.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file with a galaxy and a part simulate")
    writes(mock, None, required=True, help="folder for the maps")
    plot = command(_plot, "plot", "Draw the pictures of a folder of results again.")
    plot.add_argument("folder", metavar="DIR", type=Path, help="what fit wrote")
    report = command(_report, "report", "Write a folder of results as one HTML page.")
    report.add_argument("folder", metavar="DIR", type=Path, help="what fit or batch wrote")
    report.add_argument("--out", metavar="FILE", type=Path, help="the page; report.html in DIR if left out")
    validate = command(_validate, "validate", "Check a configuration without running it; reports every mistake.")
    validate.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")
    demo = command(_demo, "demo", "Simulate a galaxy seen through a wide PSF, fit it, and compare with the truth.")
    demo.add_argument("--fwhm", type=float, default=1.5, help="of the PSF, arcsec (1.5)")
    demo.add_argument("--quick", action="store_true", help="fewer pixels and draws")
    writes(demo, "jaxmetal-demo", help="folder for the mock and the results (jaxmetal-demo)")
    survey.add(command)
    return parser


def _fit(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.results import check_free
    from jaxmetal.io.scene import load
    from jaxmetal.io.summary import summary_text

    out = arguments.out or Path(f"{arguments.config.stem}-results")
    # Before hours of computing, not after.
    check_free(out, arguments.overwrite)
    scene = load(arguments.config)
    if arguments.no_sample:
        scene = replace(scene, config=scene.config.model_copy(update={"sample": None}))
    fit, posterior = _run(scene, out, arguments)
    print(summary_text(scene, fit, posterior), end="")


def _run(scene: "Scene", out: Path, arguments: argparse.Namespace) -> "tuple[Fit, Posterior | None]":
    """Fit and sample a scene, and write the folder of results."""
    import numpy as np

    from jaxmetal.inference.optimise import optimise
    from jaxmetal.inference.sample import sample
    from jaxmetal.io.results import whole_folder, write_results
    from jaxmetal.io.summary import verdict

    model = scene.model()
    log.info("fitting %d parameters to %d pixels", len(model.start), sum(map.size for map in model.maps.values()))
    fit = optimise(model, **scene.config.fit.model_dump())
    log.info("fit: %s; reduced chi-square %.3f", verdict(fit), fit.reduced_chi_square)
    posterior, settings = None, scene.config.sample
    if settings and not np.all(np.isfinite(fit.unconstrained_covariance)):
        log.warning("the posterior is not sampled: the fit has no covariance to start from")
    elif settings:
        log.info("sampling: %s, %d chains of %d draws", settings.method, settings.chains, settings.draws)
        posterior = sample(model, fit, **settings.model_dump(), progress=False if arguments.quiet else None)
        log.info("posterior: %s", verdict(posterior))
    with whole_folder(out, arguments.overwrite) as folder:
        write_results(folder, scene, fit, posterior)
        if scene.config.plots:
            _draw(folder, scene, fit, posterior)
    log.info("written to %s", out)
    return fit, posterior


def _draw(folder: Path, scene: "Scene", fit: "Fit", posterior: "Posterior | None") -> list[Path]:
    """Every picture of a fit, into the folder's plots."""
    from jaxmetal.io.results import PLOTS
    from jaxmetal.view.figures import fit_figures
    from jaxmetal.view.save import save_figure

    figures = fit_figures(scene, fit, posterior)
    paths = [folder / PLOTS / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save_figure(figure, path)
    return paths


def _simulate(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.mock import CONFIG, write_mock
    from jaxmetal.io.results import whole_folder
    from jaxmetal.io.scene import load

    scene = load(arguments.config, want="simulate")
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        write_mock(folder, scene)
    print(f"maps written to {arguments.out}; fit them with: jaxmetal fit {arguments.out / CONFIG}")


def _plot(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.results import read_results

    for path in _draw(arguments.folder, *read_results(arguments.folder)):
        print(path)


def _report(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.results import read_results
    from jaxmetal.survey.store import PLAN
    from jaxmetal.view.report import fit_page, survey_report
    from jaxmetal.view.save import save_page

    folder = arguments.folder
    page = survey_report(folder) if (folder / PLAN).is_file() else fit_page(*read_results(folder), title=folder.resolve().name)
    out = arguments.out or folder / "report.html"
    save_page(page, out)
    print(out)


def _validate(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.config import read
    from jaxmetal.io.scene import load
    from jaxmetal.io.summary import count

    with collected_warnings() as remarks:
        scene = load(arguments.config, want="simulate" if "simulate" in read(arguments.config) else "fit")
    for remark in remarks:
        print(remark)
    looks = f"remarks on the data: {len(remarks)}" if remarks else "nothing strange in the data"
    maps = ", ".join(f"{name} ({count(observed.map)})" for name, observed in scene.maps.items())
    seen = f"; {looks}" if scene.maps else ""
    print(f"{arguments.config}: valid; maps {maps or 'none'}; {len(scene.priors)} priors{seen}")


def _demo(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.mock import CONFIG, START, use_case_1, write_mock
    from jaxmetal.io.results import check_free, whole_folder
    from jaxmetal.io.scene import build, load
    from jaxmetal.io.summary import gradient_table, verdict

    check_free(arguments.out, arguments.overwrite)
    scene = build(use_case_1(arguments.fwhm, arguments.quick), Path.cwd(), want="simulate")
    log.info('a galaxy of half-light radius 1" with a gradient of -0.2 dex/arcsec, through a PSF of FWHM %g"', arguments.fwhm)
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        # The fit starts far from the truth, as it would with a real galaxy.
        write_mock(folder, scene, START)
    found = load(arguments.out / CONFIG)
    fit, posterior = _run(found, arguments.out / "results", arguments)
    print(f"fit: {verdict(fit)}" + (f"; posterior: {verdict(posterior)}" if posterior else ""))
    print(gradient_table(found, fit, posterior))
    print(f"pictures in {arguments.out / 'results' / 'plots'}")


@contextmanager
def _reports(quiet: bool) -> Iterator[None]:
    """Progress, and what was changed in the input, as single lines on the standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("jaxmetal: %(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *rest: Any, **options: Any) -> None:
            if issubclass(category, InputWarning):
                log.warning("%s", message)
            else:
                usual(message, category, *rest, **options)

        warnings.showwarning = show
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.setLevel(level)


@contextmanager
def _tidy_end() -> Iterator[None]:
    """Let a scheduler's polite kill clean up what is half written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: Any) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
