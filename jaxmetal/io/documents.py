"""Configuration files: YAML or TOML read into dictionaries, and YAML written.

Errors name the line of the file and the likely cause.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from jaxmetal.errors import InputError, comma_hint
from jaxmetal.files import whole_file

# A configuration has some hundred values. References that multiply each other can stand for
# billions of them.
MOST_VALUES = 100_000
# Characters of a file, which take seconds to be read where there are more.
MOST_TEXT = 400_000
# Nor has it many keys, each of which may be a mistake of its own.
MOST_KEYS = 3000
# The deepest nesting of brackets or indentation.
DEEPEST = 40
# No double-precision number is larger than ten to this power.
LARGEST = 10**308
# The tag of <<, which takes over the entries of another mapping.
MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """The safe loader, which by itself would silently take the last of two equal keys."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value; one that does not fit its tag or form is an error at its place in the file."""
        try:
            return super().construct_object(node, deep)
        except InputError:
            raise
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
            problem = f"this is no value that can be read ({first_words(error)})"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        if key_node.tag == MERGE:
            continue
        key, line = loader.construct_object(key_node, deep=True), key_node.start_mark.line + 1
        try:
            twice = key in lines
        except TypeError:
            problem = "expected a name before the colon, got a list or a mapping"
            raise yaml.constructor.ConstructorError(
                None, None, problem, key_node.start_mark
            ) from None
        if twice:
            raise InputError(
                f"line {line}: the key {key!r} stands here twice, first in line {lines[key]}."
            )
        lines[key] = line
    return loader.construct_mapping(node, deep=True)


def _number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    # YAML 1.1 reads 10:00:24 as 36024, to the base of 60; here it is a text, part of a position.
    if ":" in node.value:
        return node.value
    whole = node.tag.endswith("int")
    return loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(path: str | os.PathLike) -> dict[str, Any]:
    """The contents of a YAML or TOML file, by its suffix, not yet checked.

    Raises
    ------
    InputError
        if there is no such file, its format is not that of its suffix, or references multiply
        its values beyond a limit.
    """
    path = Path(path)
    if path.suffix.lower() not in (".yaml", ".yml", ".toml"):
        raise InputError(f"{path}: expected a configuration that ends in .yaml, .yml or .toml.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MOST_TEXT:
            raise InputError(f"it has {len(text)} characters, more than {MOST_TEXT}.")
        content = _from_toml(text) if path.suffix.lower() == ".toml" else _from_yaml(text)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: cannot be read: byte {error.start} is no UTF-8 text; save the file as UTF-8."
        ) from None
    except RecursionError:
        raise InputError(
            f"{path}: cannot be read: brackets or indentation are nested too deeply."
        ) from None
    except OSError:
        raise
    except Exception as error:  # whatever the parsers raise
        raise InputError(
            f"{path}: cannot be read: {_explained(error, text.splitlines())}"
        ) from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected keys such as maps, galaxy and priors, got {type(content).__name__}."
        )
    return content


def _from_yaml(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        # Before anything is built of it: merged mappings (<<) multiply while they are built.
        _check_size(node, _below_node)
        content = loader.construct_document(node)
    finally:
        loader.dispose()
    return _checked(content)


def _from_toml(text: str) -> Any:
    return _checked(tomllib.loads(text))


def _checked(content: Any) -> Any:
    """The contents of a file, if they are of a size that a configuration has."""
    _check_size(content, _below_value)
    if (count := _count_keys(content)) > MOST_KEYS:
        raise InputError(f"it has {count} keys, more than {MOST_KEYS}.")
    return content


def _count_keys(tree: Any) -> int:
    if isinstance(tree, dict):
        return len(tree) + sum(map(_count_keys, tree.values()))
    return sum(map(_count_keys, tree)) if isinstance(tree, list) else 0


def _below_node(node: yaml.Node) -> list[Any]:
    """The parts of a YAML node, keys included."""
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _below_value(value: Any) -> list[Any]:
    """The values of a dictionary or list."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise InputError(
            "a whole number of more than 308 digits is beyond what can be computed with."
        )
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_size(tree: Any, below: Callable[[Any], list[Any]]) -> None:
    """Raise an InputError for a tree that is too deep, refers to itself, or is too large.

    Its size is that with every reference followed.
    """
    sizes: dict[int, int] = {}
    ancestors: set[int] = set()

    def size(part: Any, depth: int) -> int:
        if depth > DEEPEST:
            raise InputError(f"brackets or indentation are nested more than {DEEPEST} deep.")
        if id(part) in ancestors:
            raise InputError("a reference (*) stands inside what it refers to.")
        if id(part) not in sizes:
            ancestors.add(id(part))
            sizes[id(part)] = 1 + sum(size(inner, depth + 1) for inner in below(part))
            ancestors.discard(id(part))
        return sizes[id(part)]

    if size(tree, 0) > MOST_VALUES:
        raise InputError(f"references (*) included it stands for more than {MOST_VALUES} values.")


def _explained(error: Exception, lines: Sequence[str]) -> str:
    """What is wrong and where, with the line itself and the likely cause, in one line."""
    if isinstance(error, yaml.MarkedYAMLError):
        return _explained_yaml(error, lines)
    place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
    if isinstance(error, tomllib.TOMLDecodeError) and place:
        where = _place(int(place[1]), int(place[2]), lines)
        return f"{str(error)[: place.start()]} ({where}){comma_hint(where.rpartition('= ')[2])}."
    return first_words(error) if isinstance(error, InputError) else f"{first_words(error)}."


def _explained_yaml(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    problem, context = error.problem or "", error.context or ""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    tab = _mark_of_tab(problem, marks, lines)
    if tab is not None:
        where = _place(tab.line + 1, lines[tab.line].find("\t") + 1, lines)
        return f"a tab stands where YAML allows spaces only ({where}); replace tabs by spaces."
    # The parser notices a key without its colon only in the line after it.
    first = len(marks) - 1 if "could not find expected ':'" in problem else 0
    where = f" ({_place(marks[first].line + 1, marks[first].column + 1, lines)})" if marks else ""
    text = f"{context}: {problem}" if context else problem
    return f"{text}{where}{_cause(problem, context)}"


def _mark_of_tab(
    problem: str, marks: Sequence[yaml.Mark], lines: Sequence[str]
) -> yaml.Mark | None:
    """The place of a mistake in a line that a tab indents, or of a tab that is the problem."""
    for mark in marks:
        line = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return mark
    return marks[0] if "'\\t'" in problem else None


def _cause(problem: str, context: str) -> str:
    """The end of a message: the usual cause, if one is known, and the full stop."""
    for words, cause in CAUSES:
        if words in problem or words in context:
            return f"; {cause}" if cause.endswith("?") else f"; {cause}."
    return "."


# Parts of PyYAML's messages, and what is usually the cause.
_INDENTATION = (
    "the indentation does not fit the lines above: entries of one block begin in the same column"
)
CAUSES = (
    (
        "mapping values are not allowed here",
        "is the line indented deeper than its neighbours, the colon or the space after it missing "
        "in the line above, or a text with ': ' in it without quotes?",
    ),
    (
        "could not find expected ':'",
        "a key needs a colon and a space after it, and a text of several lines quotes",
    ),
    ("expected <block end>", _INDENTATION),
    ("expected ',' or '}'", "is a comma or the closing brace } missing?"),
    ("expected ',' or ']'", "is a comma or the closing bracket ] missing?"),
    ("while scanning a quoted scalar", "is the closing quote missing?"),
    ("alias", "a text that begins with * needs quotes"),
    ("while scanning an anchor", "a text that begins with & needs quotes"),
    ("that cannot start any token", "a text that begins with this character needs quotes"),
    ("could not determine a constructor", "write the value without the tag that begins with !"),
    ("expected a single document", "leave out the line ---"),
    ("while parsing a block", _INDENTATION),
)


def _place(line: int, column: int, lines: Sequence[str]) -> str:
    text = lines[line - 1].strip() if 0 < line <= len(lines) else "the end of the file"
    return f"line {line}, column {column}: {text if len(text) <= 80 else text[:79] + '…'}"


def first_words(error: Exception) -> str:
    """An exception's message as one line."""
    return " ".join(str(error).split()) or type(error).__name__


class _Dumper(yaml.SafeDumper):
    """The safe dumper without references: equal parts are written out each time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_text(content: Mapping[str, Any]) -> str:
    """A configuration as YAML."""
    return yaml.dump(
        dict(content),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=120,
    )


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a configuration as YAML; the file appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(as_text(content), encoding="utf-8")
