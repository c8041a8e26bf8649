"""The commands: each takes the parsed arguments, calls the package and prints the result."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmetal.cli.statuses import INCOMPLETE, NO_ANSWER
from jaxmetal.errors import collected_warnings

if TYPE_CHECKING:
    from jaxmetal.pipeline import Run

log = logging.getLogger("jaxmetal")


def init(arguments: argparse.Namespace) -> None:
    """Run `jaxmetal init`: look into a FITS file and write a first configuration."""
    from jaxmetal.io.initial import propose
    from jaxmetal.io.initial.propose import check_out, write_proposal

    out = arguments.out
    # Before the file is read, which may take a while.
    check_out(out, arguments.force)
    proposal = propose(arguments.file, out, arguments.lines)
    write_proposal(proposal, out)
    for line in [*proposal.inventory, *proposal.remarks]:
        print(line)
    print(f"\n{out}: written; jaxmetal validate {out} shows what it takes from the data")
    for question in proposal.questions:
        print(f"  ? {question}")
    print(f"next: jaxmetal fit {out}")


def fit(arguments: argparse.Namespace) -> int:
    """Run `jaxmetal fit`: fit, sample and write the results of a configuration."""
    from jaxmetal.io.changes import changes_of
    from jaxmetal.pipeline import run

    progress = False if arguments.quiet else None
    options = {
        "overwrite": arguments.overwrite,
        "sample": not arguments.no_sample,
        "progress": progress,
        "tell": _tell,
        "changes": changes_of(arguments.set),
    }
    return _status_of(run(arguments.config, arguments.out, **options))


def _tell(text: str) -> None:
    print(text, end="", flush=True)


def _status_of(result: "Run") -> int:
    """The exit status that tells what came of a run."""
    if not result.has_answer:
        return NO_ANSWER
    return INCOMPLETE if result.failures else 0


def simulate(arguments: argparse.Namespace) -> None:
    """Run `jaxmetal simulate`: write noisy mock maps and a configuration that fits them."""
    from jaxmetal.io.mock import CONFIG, write_mock
    from jaxmetal.io.results import whole_folder
    from jaxmetal.io.scene import load

    scene = load(arguments.config, want="simulate")
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        write_mock(folder, scene)
    print(f"maps written to {arguments.out}; fit them with: jaxmetal fit {arguments.out / CONFIG}")


def plot(arguments: argparse.Namespace) -> int:
    """Run `jaxmetal plot`: draw the figures of a folder of results again."""
    from jaxmetal.io.results import read_results
    from jaxmetal.pipeline import draw

    failures: dict[str, str] = {}
    for path in draw(arguments.folder, *read_results(arguments.folder), failures):
        print(path)
    return INCOMPLETE if failures else 0


def report(arguments: argparse.Namespace) -> int:
    """Run `jaxmetal report`: write a folder of results as one HTML page."""
    from jaxmetal.io.results import read_results
    from jaxmetal.survey.store import PLAN
    from jaxmetal.view.report import fit_page, survey_report
    from jaxmetal.view.save import save_page

    folder, failures = arguments.folder, dict[str, str]()
    if (folder / PLAN).is_file():
        page = survey_report(folder)
    else:
        results, name = read_results(folder), folder.resolve().name
        comparison = _comparison(folder, results, arguments.compare)
        page = fit_page(*results, title=name, failures=failures, comparison=comparison)
    out = arguments.out or folder / "report.html"
    save_page(page, out)
    print(out)
    return INCOMPLETE if failures else 0


def _comparison(folder: Path, results: Any, others: list[Path]) -> Any:
    """The table of the models of several folders, by the folders' names; None for one alone."""
    from jaxmetal.inference.compare import compare
    from jaxmetal.io.results import read_results

    if not others:
        return None
    models = {}
    for path in [folder, *others]:
        _, *known = results if path is folder else read_results(path)
        # Two folders may have one name, as runs in folders of their own do.
        name = path.resolve().name
        models[name if name not in models else str(path)] = tuple(p for p in known if p is not None)
    return compare(models)


def validate(arguments: argparse.Namespace) -> None:
    """Run `jaxmetal validate`: check a configuration and the data that it names."""
    from jaxmetal.io.config import read
    from jaxmetal.io.scene import build
    from jaxmetal.io.summary import count
    from jaxmetal.science.starts.guess import as_text

    raw, folder = read(arguments.config), arguments.config.resolve().parent
    with collected_warnings() as remarks:
        scene = build(raw, folder, "simulate" if "simulate" in raw else "fit")
    for remark in remarks:
        print(remark)
    for line in as_text(scene.guessed):
        print(f"auto: {line}")
    remarks_text = (
        f"remarks on the data: {len(remarks)}" if remarks else "nothing strange in the data"
    )
    maps = ", ".join(f"{name} ({count(observed.map)})" for name, observed in scene.maps.items())
    on_data = f"; {remarks_text}" if scene.maps else ""
    print(f"{arguments.config}: valid; maps {maps or 'none'}; {len(scene.priors)} priors{on_data}")


def demo(arguments: argparse.Namespace) -> int:
    """Run `jaxmetal demo`: simulate a galaxy, fit it, and compare with the truth."""
    from jaxmetal.io.gradients import gradient_table
    from jaxmetal.io.mock import CONFIG, START, use_case_1, write_mock
    from jaxmetal.io.results import check_free, whole_folder
    from jaxmetal.io.scene import build
    from jaxmetal.io.summary import verdict
    from jaxmetal.pipeline import run

    check_free(arguments.out, arguments.overwrite)
    scene = build(use_case_1(arguments.fwhm, arguments.quick), Path.cwd(), want="simulate")
    log.info(
        'a galaxy of half-light radius 1" with a gradient of -0.2 dex/arcsec, '
        'through a PSF of FWHM %g"',
        arguments.fwhm,
    )
    with whole_folder(arguments.out, arguments.overwrite) as folder:
        # The fit starts far from the truth, as it would with a real galaxy.
        write_mock(folder, scene, START)
    result = run(
        arguments.out / CONFIG,
        arguments.out / "results",
        progress=False if arguments.quiet else None,
    )
    print(
        f"fit: {verdict(result.fit)}"
        + (f"; posterior: {verdict(result.posterior)}" if result.posterior else "")
    )
    print(gradient_table(result.scene, result.fit, result.posterior))
    print(f"pictures in {arguments.out / 'results' / 'plots'}")
    return _status_of(result)
