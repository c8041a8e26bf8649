"""kwargs_params: the settings of each parameter."""

from collections.abc import Mapping
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.io.lenstronomy.checks import listed
from jaxmetal.io.lenstronomy.galaxies import KINDS, profile_names
from jaxmetal.io.lenstronomy.names import parameters_of

# A parameter: the kind of its profile, the number of it, its name in lenstronomy.
Parameter = tuple[str, int, str]


# The lists of a kind of profile in kwargs_params.
SETTINGS = ("init", "sigma", "fixed", "lower", "upper")


class Settings:
    """The numbers of kwargs_params for each parameter.

    Parameters
    ----------
    model, params
        lenstronomy's kwargs_model and kwargs_params, checked.

    Raises
    ------
    InputError
        for a list that is missing or of the wrong length.
    """

    def __init__(self, model: Mapping, params: Mapping):
        self.names = {kind: profile_names(model, kind) for kind in KINDS}
        self.given = bool(params)
        self._lists: dict[tuple[str, str], list[Mapping]] = {}
        for kind, lists_of_kind in KINDS.items():
            key = lists_of_kind.settings
            where = f"kwargs_params[{key!r}]"
            if params and self.names[kind] and key not in params:
                raise InputError(f"{where}: is missing.")
            count = len(self.names[kind])
            lists = listed(params.get(key) or [[{}] * count] * len(SETTINGS), where, len(SETTINGS))
            for n, (setting, entries) in enumerate(zip(SETTINGS, lists, strict=True)):
                place = f"{where}[{n}] ({setting})"
                self._lists[kind, setting] = _dictionaries(entries, place, count)

    def where(self, setting: str, parameter: Parameter) -> str:
        """The place of a number in lenstronomy's notation."""
        kind, i, name = parameter
        place = f"kwargs_params[{KINDS[kind].settings!r}][{SETTINGS.index(setting)}]"
        return f"{place}[{i}][{name!r}] ({setting})"

    def get(self, setting: str, parameter: Parameter) -> Any:
        """A number of kwargs_params, or None."""
        kind, i, name = parameter
        return self._lists[kind, setting][i].get(name)

    def entries(self, setting: str, kind: str) -> list[Mapping]:
        """One of the lists of kwargs_params."""
        return self._lists[kind, setting]

    @property
    def parameters(self) -> list[Parameter]:
        """All parameters of all profiles."""
        return [
            (kind, i, name)
            for kind, names in self.names.items()
            for i in range(len(names))
            for name in self.parameters_of(kind, i)[0]
        ]

    def parameters_of(self, kind: str, i: int) -> tuple[list[str], set[str]]:
        """The parameters of one profile, and those among them that may be left out."""
        return parameters_of(self.names[kind][i], KINDS[kind].table)

    def is_fixed(self, parameter: Parameter) -> bool:
        """Whether a parameter keeps its value, which may be its default, as of a centre."""
        if self.get("fixed", parameter) is not None:
            return True
        kind, i, name = parameter
        present = (self.get(setting, parameter) is not None for setting in SETTINGS)
        return name in self.parameters_of(kind, i)[1] and not any(present)


def _dictionaries(entries: Any, where: str, count: int) -> list[Mapping]:
    """A list of a dictionary for each profile; all are empty if there is no list."""
    dictionaries = listed(entries or [{}] * count, where, count)
    if not all(isinstance(entry, Mapping) for entry in dictionaries):
        raise InputError(f"{where}: expected a dictionary for each profile, got {entries!r}.")
    return dictionaries
