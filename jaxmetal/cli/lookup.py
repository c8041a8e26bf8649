"""Commands that look something up: the profiles by name, and the schema of a configuration."""

import argparse
import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

# Modules of `jaxmetal.profiles`, in the order in which a configuration names them.
KINDS = ("light", "tracer", "lens")


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to the command line; their imports are made when one of them runs.

    Parameters
    ----------
    command
        called with (function, name, help), and returns the parser of a new command.
    """
    text = "List the profiles, or describe one: equation, parameters, units, ranges."
    profiles = command(_profiles, "profiles", text, needs="profiles.lens", compiles=False)
    profiles.add_argument("name", metavar="NAME", nargs="?", help="such as sersic; all if left out")
    text = "Print the JSON schema of a configuration, for editors."
    command(_schema, "schema", text, needs="io.schema", compiles=False)


def _functions(kind: str) -> dict[str, Callable]:
    """The profiles of a kind by name."""
    from importlib import import_module

    home = import_module(f"jaxmetal.profiles.{kind}")
    members = inspect.getmembers(home, inspect.isfunction)
    return {name: f for name, f in members if f.__module__.startswith(home.__name__)}


def _profiles(arguments: argparse.Namespace) -> None:
    from jaxmetal.errors import unknown

    found = {kind: _functions(kind) for kind in KINDS}
    if arguments.name is None:
        print("\n".join(_list(found)))
        return
    named = [(kind, found[kind][arguments.name]) for kind in KINDS if arguments.name in found[kind]]
    if not named:
        raise unknown("profile", arguments.name, {n for names in found.values() for n in names})
    print("\n\n".join(_described(kind, function) for kind, function in named))


def _list(found: dict[str, dict[str, Callable]]) -> Iterator[str]:
    """A line for each profile, by kind."""
    width = max(len(name) for functions in found.values() for name in functions)
    for kind, functions in found.items():
        yield f"{kind}:"
        for name, function in functions.items():
            yield f"  {name:<{width}}  {(inspect.getdoc(function) or '').splitlines()[0]}"


def _described(kind: str, function: Callable) -> str:
    """How a profile is written in a configuration, and its description."""
    keys = [f"profile: {function.__name__}"]
    for name, parameter in list(inspect.signature(function).parameters.items())[2:]:
        keys.append(f"{name}: {_default(parameter)}".rstrip())
    return f"{kind}: {{{', '.join(keys)}}}\n\n{inspect.getdoc(function)}"


def _default(parameter: inspect.Parameter) -> Any:
    """The default of a parameter as YAML has it; empty if there is none."""
    if parameter.default is parameter.empty:
        return ""
    is_word = isinstance(parameter.default, bool) or parameter.default is None
    return str(parameter.default).lower() if is_word else parameter.default


def _schema(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.schema import Config

    print(json.dumps(Config.model_json_schema(), indent=1))
