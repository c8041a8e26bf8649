"""The arguments of the command line."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxmetal import __version__
from jaxmetal.cli import commands, lookup, planning
from jaxmetal.cli.statuses import STATUSES
from jaxmetal.survey import commands as survey

Command = Callable[..., argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands.

    It sets `run` (the function of the command), `needs` (the module that it imports) and `compiles`
    (whether it uses the compilation cache) beside the arguments of the command.
    """
    top = argparse.ArgumentParser(
        prog="jaxmetal",
        description="Forward-modelled maps of metallicity and whatever else light carries.",
        epilog="\n".join(
            ["exit status:", *(f"  {status:<5}{text}" for status, text in STATUSES.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"jaxmetal {__version__}")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)

    def command(
        run: Any, name: str, text: str, needs: str = "pipeline", compiles: bool = True
    ) -> argparse.ArgumentParser:
        subparser = subparsers.add_parser(name, help=text, description=text)
        subparser.add_argument("--quiet", action="store_true", help="no reports of progress")
        subparser.set_defaults(run=run, needs=needs, compiles=compiles)
        return subparser

    _add_init(command)
    _add_fit(command)
    _add_simulate(command)
    _add_out(
        planning.add(command), None, help="folder for the table and a figure; none if left out"
    )
    _add_plot(command)
    _add_report(command)
    _add_validate(command)
    _add_demo(command)
    survey.add(command)
    lookup.add(command)
    return top


def _add_init(command: Command) -> None:
    text = "Look into a FITS file, and write a first configuration that fits it."
    init = command(commands.init, "init", text)
    init.add_argument("file", metavar="FILE", type=Path, help="a FITS file of maps, or of a survey")
    init.add_argument(
        "--out", metavar="CONFIG", type=Path, default=Path("fit.yaml"), help="(fit.yaml)"
    )
    init.add_argument(
        "--lines", action="store_true", help="fit the fluxes of emission lines themselves"
    )
    init.add_argument("--force", action="store_true", help="replace CONFIG if it is there")


def _add_fit(command: Command) -> None:
    text = "Fit the maps of a configuration, sample the posterior, write results and pictures."
    fit = command(commands.fit, "fit", text)
    fit.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")
    fit.add_argument("--no-sample", action="store_true", help="the maximum and its errors only")
    fit.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="a value in the place of CONFIG's, such as fit.starts=8; may be repeated",
    )
    fit.add_argument("--log", metavar="FILE", type=Path, help="add the reports to a file, too")
    _add_out(fit, None, help="folder of the results; CONFIG's name with -results if left out")


def _add_simulate(command: Command) -> None:
    text = "Make noisy maps of a configuration's galaxy, and a configuration that fits them."
    simulate = command(commands.simulate, "simulate", text)
    simulate.add_argument(
        "config",
        metavar="CONFIG",
        type=Path,
        help="a YAML or TOML file with a galaxy and a part simulate",
    )
    _add_out(simulate, None, required=True, help="folder for the maps")


def _add_plot(command: Command) -> None:
    text = "Draw the pictures of a folder of results again."
    plot = command(commands.plot, "plot", text, needs="view.report")
    plot.add_argument("folder", metavar="DIR", type=Path, help="what fit wrote")


def _add_report(command: Command) -> None:
    text = "Write a folder of results as one HTML page."
    report = command(commands.report, "report", text, needs="view.report")
    report.add_argument("folder", metavar="DIR", type=Path, help="what fit or batch wrote")
    report.add_argument(
        "--out", metavar="FILE", type=Path, help="the page; report.html in DIR if left out"
    )
    report.add_argument(
        "--compare",
        metavar="DIR",
        type=Path,
        nargs="+",
        default=[],
        help="fits of other models to the same data: adds a table of evidences and odds",
    )


def _add_validate(command: Command) -> None:
    text = "Check a configuration without running it; reports every mistake."
    validate = command(commands.validate, "validate", text)
    validate.add_argument("config", metavar="CONFIG", type=Path, help="a YAML or TOML file")


def _add_demo(command: Command) -> None:
    text = "Simulate a galaxy seen through a wide PSF, fit it, and compare with the truth."
    demo = command(commands.demo, "demo", text)
    demo.add_argument("--fwhm", type=float, default=1.5, help="of the PSF, arcsec (1.5)")
    demo.add_argument("--quick", action="store_true", help="fewer pixels and draws")
    _add_out(demo, "jaxmetal-demo", help="folder for the mock and the results (jaxmetal-demo)")


def _add_out(subparser: argparse.ArgumentParser, default: str | None, **options: Any) -> None:
    """Add the options of a command that writes a folder: --out and --overwrite."""
    subparser.add_argument(
        "--out", metavar="DIR", type=Path, default=default and Path(default), **options
    )
    subparser.add_argument(
        "--overwrite", action="store_true", help="replace the folder DIR if it is there"
    )
