"""The reference of the command line, from the parser itself."""

import argparse

from jaxmetal.cli.parser import build_parser
from jaxmetal.cli.statuses import STATUSES

# The help is wrapped for this many columns.
WIDTH = 88


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The parsers of all commands.

    Returns
    -------
    parsers
        by the name of the command.
    """
    actions = build_parser()._actions
    (choices,) = (a for a in actions if isinstance(a, argparse._SubParsersAction))
    return dict(choices.choices)


def _help(parser: argparse.ArgumentParser) -> str:
    shape = parser.formatter_class
    parser.formatter_class = lambda prog: shape(prog, width=WIDTH)
    return parser.format_help().rstrip()


def commands() -> str:
    """Help of `jaxmetal` and of all its commands.

    Returns
    -------
    text
        in Markdown.
    """
    parts = ["## jaxmetal", "", "```text", _help(build_parser()), "```", ""]
    for name, parser in subcommands().items():
        parts += [f"## jaxmetal {name}", "", "```text", _help(parser), "```", ""]
    return "\n".join(parts)


def statuses() -> str:
    """The exit statuses.

    Returns
    -------
    text
        in Markdown.
    """
    rows = [f"| {status} | {text} |" for status, text in STATUSES.items()]
    return "\n".join(["| status | meaning |", "| --- | --- |", *rows, ""])
