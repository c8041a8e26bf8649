"""The commands of a survey: batch, status, collect and population."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to the command line; their imports are made when one of them runs.

    Parameters
    ----------
    command
        called with (function, name, help), and returns the parser of a new command.
    """
    _add_batch(command)
    _add_status_and_collect(command)
    _add_population(command)


def _add_batch(command: Callable[..., argparse.ArgumentParser]) -> None:
    text = "Fit every galaxy of a catalogue; the same command again does only what is missing."
    batch = command(_batch, "batch", text, needs="survey.master")
    batch.add_argument(
        "catalogue",
        metavar="CATALOGUE",
        type=Path,
        help="an ECSV, CSV or FITS table, a row for each galaxy",
    )
    batch.add_argument(
        "config", metavar="CONFIG", type=Path, help="a YAML or TOML file with {column} references"
    )
    batch.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder of the survey"
    )
    batch.add_argument(
        "--skip-bad", action="store_true", help="go on without galaxies whose input is wrong"
    )
    place = batch.add_mutually_exclusive_group()
    place.add_argument(
        "--executor",
        metavar="WHERE",
        help="local:N for N processes, dask:ADDRESS for a Dask cluster",
    )
    place.add_argument(
        "--slurm",
        action="store_true",
        help="send the shards to Slurm, as the configuration's survey.slurm says",
    )


def _add_status_and_collect(command: Callable[..., argparse.ArgumentParser]) -> None:
    status = command(
        _status, "status", "Tell how far a survey is.", needs="survey.state", compiles=False
    )
    collect = command(
        _collect,
        "collect",
        "Write the catalogue of results.",
        needs="survey.output",
        compiles=False,
    )
    for parser in (status, collect):
        parser.add_argument("folder", metavar="DIR", type=Path, help="what batch wrote")


def _add_population(command: Callable[..., argparse.ArgumentParser]) -> None:
    text = "Mean and scatter of a parameter over the galaxies of a survey."
    population = command(_population, "population", text, needs="survey.population")
    population.add_argument("folder", metavar="DIR", type=Path, help="what batch wrote")
    population.add_argument(
        "--parameter", metavar="PATH", help="its path; the gradient if there is only one"
    )
    population.add_argument(
        "--against", metavar="COLUMN", help="a column along which the mean may change linearly"
    )
    population.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")


def _batch(arguments: argparse.Namespace) -> None:
    from contextlib import nullcontext

    from jaxmetal.survey.executors import opened
    from jaxmetal.survey.master import run, slurm_of

    place = nullcontext(slurm_of(arguments.config) if arguments.slurm else None)
    with opened(arguments.executor) if arguments.executor else place as executor:
        progress = False if arguments.quiet else None
        result = run(
            arguments.catalogue,
            arguments.config,
            arguments.out,
            skip_bad=arguments.skip_bad,
            executor=executor,
            progress=progress,
        )
    print(result)


def _status(arguments: argparse.Namespace) -> None:
    from jaxmetal.survey.state import status

    print(status(arguments.folder))


def _collect(arguments: argparse.Namespace) -> None:
    from jaxmetal.survey.output import ECSV, FITS, collect

    results = collect(arguments.folder)
    print(
        f"{len(results)} galaxies, {int(results['converged'].sum())} converged: "
        f"{arguments.folder / ECSV}, {arguments.folder / FITS}"
    )


def _population(arguments: argparse.Namespace) -> None:
    from jaxmetal.survey.population import default_path, population, text

    path = arguments.parameter or default_path(arguments.folder)
    print(
        text(
            population(arguments.folder, path, arguments.against, arguments.seed),
            path,
            arguments.against,
        )
    )
