"""Pydantic's errors about a configuration in the terms of its author."""

import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from jaxmetal.errors import comma_hint, unknown
from jaxmetal.io.entries import kinds
from jaxmetal.io.schema import Config
from jaxmetal.io.words import FORMS

# Where in the configuration: keys, and numbers of list items.
Place = tuple[Any, ...]

# What was expected, by pydantic's type of the error, where its own text is for programmers.
PLAIN = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that a computer counts with",
    "int_type": "a whole number",
    "string_type": "a text",
    "list_type": "a list",
}
# Types of pydantic's errors about lists.
OF_LISTS = ("tuple_type", "list_type", "too_long", "too_short")


def place_of(loc: Place) -> Place:
    """Pydantic's location without the words it adds.

    They are the kind of a map, whether a component has one light or several, and the mark of a key.
    """
    if loc[:1] == ("maps",) and len(loc) > 2:
        loc = loc[:2] + loc[3:]
    elif loc[:1] == ("galaxy",) and loc[2:3] == ("light",):
        loc = loc[:3] + loc[4:]
    return tuple(part for part in loc if part != "[key]")


def explain(details: Mapping[str, Any]) -> tuple[Place, str]:
    """The place of a mistake that pydantic found, and what is wrong there in one sentence.

    Parameters
    ----------
    details
        one of the errors of a ValidationError.
    """
    kind, value, place = details["type"], details["input"], place_of(details["loc"])
    if kind == "missing":
        return _missing(place, details["loc"], value)
    if kind == "extra_forbidden":
        return place, str(unknown("key", str(place[-1]), _keys(place[:-1], details["loc"])))
    if kind.startswith("union_tag"):
        return place, f"kind: expected {kinds()}, got {_kind(value)!r}."
    if kind == "string_pattern_mismatch":
        return place, f"expected a name of letters, digits and underscores, got {_short(value)}."
    if kind.startswith("model_") or kind == "dict_type":
        expected = FORMS.get(place[-1]) or _entries(place, details["loc"])
        return place, f"expected {expected}, got {_short(value)}."
    if _is_about_form(kind, place, value):
        expected = _form(place, details["loc"], PLAIN.get(kind, ""))
        return place, f"expected {expected}, got {_short(value)}{_joined(place, value)}."
    return place, _sentence(details["msg"], value)


def _missing(place: Place, loc: Place, value: Any) -> tuple[Place, str]:
    """The place of something that is missing, and what is wrong there."""
    if isinstance(place[-1], int):
        # The list is reported as a whole, because users do not count its items from zero.
        return place[:-1], f"expected {_form(place[:-1], loc[:-1])}, got {_short(value)}."
    return place, "is missing."


def _is_about_form(kind: str, place: Place, value: Any) -> bool:
    """Whether a message should say how the value at a place is written."""
    if kind in OF_LISTS or kind in PLAIN:
        return True
    # The texts of this package's own validators are kept.
    return place[-1] in FORMS and isinstance(value, list | dict) and kind != "value_error"


def _sentence(message: str, value: Any) -> str:
    """Pydantic's own message as a sentence that ends with what arrived."""
    text = re.sub(r"^Value error, |, unable to parse.*$|, got a number with.*$", "", message)
    text = re.sub(r"^Input should be (?=greater|less)", "expected a number ", text)
    text = text.replace("Input should be", "expected")
    # As a configuration writes them; names in quotes are kept.
    text = re.sub(r"(?<!')\b(True|False)\b(?!')", lambda word: word[0].lower(), text)
    text = text if ", got " in text else f"{text}, got {_short(value)}{comma_hint(value)}"
    return text if text.endswith((".", "?")) else text + "."


def _form(place: Place, loc: Place, otherwise: str = "") -> str:
    """How a value is written at a place."""
    if place[-1] in FORMS:
        return FORMS[place[-1]]
    counts = {
        len(get_args(kind))
        for kind in _types(place, loc)
        if get_origin(kind) is tuple and Ellipsis not in get_args(kind)
    }
    return otherwise or (f"a list of {counts.pop()} numbers" if len(counts) == 1 else "a list")


def _joined(place: Place, value: Any) -> str:
    """A hint for a list with twice as many items as expected: numbers with decimal commas."""
    count = FORMS.get(place[-1], "").count(",") + 1
    whole = isinstance(value, list) and all(isinstance(item, int) for item in value)
    if not whole or count < 2 or len(value) != 2 * count:
        return ""
    points = ", ".join(f"{value[i]}.{value[i + 1]}" for i in range(0, len(value), 2))
    return f"; with decimal points that is [{points}]"


def _entries(place: Place, loc: Place) -> str:
    names = _keys(place, loc)
    return f"entries such as {', '.join(names[:4])}" if names else "entries by name"


def _kind(value: Any) -> Any:
    return value.get("kind") if isinstance(value, dict) else value


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    text = text.lower() if isinstance(value, bool) else text
    return text if len(text) <= 60 else text[:57] + "…"


def _types(place: Place, loc: Place) -> list[Any]:
    """The types that may stand at a place, found by walking the models' types."""
    types: list[Any] = [Config]
    for key in place:
        types = [below for kind in types for below in _below(kind, key)]
    # Of the kinds of map, the one that pydantic's own location names.
    matches = [kind for kind in types if [getattr(kind, "tag", None)] == list(loc[2:3])]
    return matches or types


def _keys(place: Place, loc: Place) -> list[str]:
    """The keys that are known at a place."""
    return sorted(
        {name for kind in _types(place, loc) if _is_model(kind) for name in kind.model_fields}
    )


def _below(kind: Any, key: Any) -> list[Any]:
    """The types that may stand under a key of this type."""
    if _is_model(kind):
        if key in kind.model_fields:
            return _flat(kind.model_fields[key].annotation)
        # Keys of any name, such as the light and the tracers of a component.
        extra_types = get_args(kind.__annotations__.get("__pydantic_extra__"))
        return [part for extra_type in extra_types[1:] for part in _flat(extra_type)]
    return _flat(get_args(kind)[1]) if get_origin(kind) is dict else []


def _flat(kind: Any) -> list[Any]:
    """A type without Annotated, and the parts of a union."""
    if get_origin(kind) is Annotated:
        return _flat(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [part for choice in get_args(kind) for part in _flat(choice)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
