"""The command line: parse, call, print."""

import argparse
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmetal import __version__
from jaxmetal.errors import InputError, InputWarning, collected_warnings, reason
from jaxmetal.survey import commands as survey

if TYPE_CHECKING:
    from jaxmetal.pipeline import Run

BAD_INPUT, NO_ANSWER, INCOMPLETE, INTERRUPTED = 2, 3, 4, 130
# What the exit status of a command means.
STATUSES = {
    0: "everything was done",
    BAD_INPUT: "bad input; a line for each mistake on the standard error",
    NO_ANSWER: "the fit has no answer: it did not converge, or has no covariance; its results are written, nothing is sampled",
    INCOMPLETE: "the fit stands, but something after it failed (the sampler, a picture); summary.txt and the standard error say what",
    INTERRUPTED: "interrupted; what was finished by then is written",
}
INTERRUPTED_LINE = "jaxmetal: interrupted"
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
        one of STATUSES.
    """
    interrupts = _Interrupts(at_once=argv is None)
    with interrupts.heard():
        try:
            return _run(argv, interrupts)
        except KeyboardInterrupt:
            pass
        except BaseException:
            # Code that an interrupt hits may make an error of its own of it.
            if not interrupts.came:
                raise
    print(INTERRUPTED_LINE, file=sys.stderr)
    if argv is None:
        # Threads that compute would otherwise hold up the end of the process until they are done.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    return INTERRUPTED


def _run(argv: Sequence[str] | None, interrupts: "_Interrupts") -> int:
    arguments = _parser().parse_args(argv)
    # Not at the top: --help must not wait for what a command needs.
    import_module(f"jaxmetal.{arguments.needs}")
    interrupts.at_once = False
    if arguments.compiles:
        from jaxmetal.io.compiled import keep_compiled

        keep_compiled()
    try:
        with _reports(arguments.quiet), _tidy_end():
            return arguments.run(arguments) or 0
    except (InputError, OSError) as error:
        text = str(error) if isinstance(error, InputError) else reason(error)
        for line in text.splitlines():
            print(f"jaxmetal: {line}", file=sys.stderr)
        return BAD_INPUT


class _Interrupts:
    """What becomes of an interrupt (Ctrl-C).

    Parameters
    ----------
    at_once
        whether it ends the process. Until there is anything to lose it should: NumPy prints what
        interrupts its import, and goes on.
    """

    def __init__(self, at_once: bool):
        self.at_once, self.came = at_once, False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Take the place of Python's own handler, if that is what is there: a command in the background may be told to ignore them."""
        here = threading.current_thread() is threading.main_thread()
        if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._come)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _come(self, number: int, frame: Any) -> None:
        self.came = True
        if self.at_once:
            os.write(2, f"{INTERRUPTED_LINE}\n".encode())
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxmetal",
        description="Forward-modelled maps of metallicity and whatever else light carries.",
        epilog="\n".join(
            ["exit status:", *(f"  {status:<5}{text}" for status, text in STATUSES.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"jaxmetal {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        run: Any, name: str, text: str, needs: str = "pipeline", compiles: bool = True
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--quiet", action="store_true", help="no reports of progress")
        added.set_defaults(run=run, needs=needs, compiles=compiles)
        return added

    def writes(added: argparse.ArgumentParser, default: str | None, **options: Any) -> None:
        added.add_argument(
            "--out", metavar="DIR", type=Path, default=default and Path(default), **options
        )
        added.add_argument(
            "--overwrite", action="store_true", help="replace the folder DIR if it is there"
        )

    fit = command(
        _fit,
        "fit",
        "Fit the maps of a configuration, sample the posterior, write results and pictures.",
    )
    fit.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")
    fit.add_argument("--no-sample", action="store_true", help="the maximum and its errors only")
    writes(fit, None, help="folder of the results; CONFIG's name with -results if left out")
    mock = command(
        _simulate,
        "simulate",
        "Make noisy maps of a configuration's galaxy, and a configuration that fits them.",
    )
    mock.add_argument(
        "config",
        metavar="CONFIG",
        type=Path,
        help="a YAML or TOML file with a galaxy and a part simulate",
    )
    writes(mock, None, required=True, help="folder for the maps")
    plot = command(
        _plot, "plot", "Draw the pictures of a folder of results again.", needs="view.report"
    )
    plot.add_argument("folder", metavar="DIR", type=Path, help="what fit wrote")
    report = command(
        _report, "report", "Write a folder of results as one HTML page.", needs="view.report"
    )
    report.add_argument("folder", metavar="DIR", type=Path, help="what fit or batch wrote")
    report.add_argument(
        "--out", metavar="FILE", type=Path, help="the page; report.html in DIR if left out"
    )
    validate = command(
        _validate, "validate", "Check a configuration without running it; reports every mistake."
    )
    validate.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")
    demo = command(
        _demo,
        "demo",
        "Simulate a galaxy seen through a wide PSF, fit it, and compare with the truth.",
    )
    demo.add_argument("--fwhm", type=float, default=1.5, help="of the PSF, arcsec (1.5)")
    demo.add_argument("--quick", action="store_true", help="fewer pixels and draws")
    writes(demo, "jaxmetal-demo", help="folder for the mock and the results (jaxmetal-demo)")
    survey.add(command)
    return parser


def _fit(arguments: argparse.Namespace) -> int:
    from jaxmetal.pipeline import run

    progress = False if arguments.quiet else None
    options = {
        "overwrite": arguments.overwrite,
        "sample": not arguments.no_sample,
        "progress": progress,
        "tell": _tell,
    }
    return _status_of(run(arguments.config, arguments.out, **options))


def _tell(text: str) -> None:
    print(text, end="", flush=True)


def _status_of(made: "Run") -> int:
    if not made.has_answer:
        return NO_ANSWER
    return INCOMPLETE if made.failures else 0


def _simulate(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.mock import CONFIG, write_mock
    from jaxmetal.io.results import whole_folder
    from jaxmetal.io.scene import load

    scene = load(arguments.config, want="simulate")
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        write_mock(folder, scene)
    print(f"maps written to {arguments.out}; fit them with: jaxmetal fit {arguments.out / CONFIG}")


def _plot(arguments: argparse.Namespace) -> int:
    from jaxmetal.io.results import read_results
    from jaxmetal.pipeline import draw

    failures: dict[str, str] = {}
    for path in draw(arguments.folder, *read_results(arguments.folder), failures):
        print(path)
    return INCOMPLETE if failures else 0


def _report(arguments: argparse.Namespace) -> int:
    from jaxmetal.io.results import read_results
    from jaxmetal.survey.store import PLAN
    from jaxmetal.view.report import fit_page, survey_report
    from jaxmetal.view.save import save_page

    folder, failures = arguments.folder, dict[str, str]()
    if (folder / PLAN).is_file():
        page = survey_report(folder)
    else:
        page = fit_page(*read_results(folder), title=folder.resolve().name, failures=failures)
    out = arguments.out or folder / "report.html"
    save_page(page, out)
    print(out)
    return INCOMPLETE if failures else 0


def _validate(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.config import read
    from jaxmetal.io.scene import load
    from jaxmetal.io.summary import count

    with collected_warnings() as remarks:
        scene = load(
            arguments.config, want="simulate" if "simulate" in read(arguments.config) else "fit"
        )
    for remark in remarks:
        print(remark)
    looks = f"remarks on the data: {len(remarks)}" if remarks else "nothing strange in the data"
    maps = ", ".join(f"{name} ({count(observed.map)})" for name, observed in scene.maps.items())
    seen = f"; {looks}" if scene.maps else ""
    print(f"{arguments.config}: valid; maps {maps or 'none'}; {len(scene.priors)} priors{seen}")


def _demo(arguments: argparse.Namespace) -> int:
    from jaxmetal.io.gradients import gradient_table
    from jaxmetal.io.mock import CONFIG, START, use_case_1, write_mock
    from jaxmetal.io.results import check_free, whole_folder
    from jaxmetal.io.scene import build
    from jaxmetal.io.summary import verdict
    from jaxmetal.pipeline import run

    check_free(arguments.out, arguments.overwrite)
    scene = build(use_case_1(arguments.fwhm, arguments.quick), Path.cwd(), want="simulate")
    log.info(
        'a galaxy of half-light radius 1" with a gradient of -0.2 dex/arcsec, through a PSF of FWHM %g"',
        arguments.fwhm,
    )
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        # The fit starts far from the truth, as it would with a real galaxy.
        write_mock(folder, scene, START)
    made = run(
        arguments.out / CONFIG,
        arguments.out / "results",
        progress=False if arguments.quiet else None,
    )
    print(
        f"fit: {verdict(made.fit)}"
        + (f"; posterior: {verdict(made.posterior)}" if made.posterior else "")
    )
    print(gradient_table(made.scene, made.fit, made.posterior))
    print(f"pictures in {arguments.out / 'results' / 'plots'}")
    return _status_of(made)


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
