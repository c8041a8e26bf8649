"""Checks of lenstronomy's dictionaries: what cannot be carried over is refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown, warn_user
from jaxmetal.io.lenstronomy.keys import KNOWN
from jaxmetal.quantities import plain


def checked(kind: str, settings: Any, where: str = "") -> dict[str, Any]:
    """The keys of one of lenstronomy's dictionaries that are carried over.

    Parameters
    ----------
    kind
        lenstronomy's name of it, such as "kwargs_model".
    settings
        the dictionary, or None for an empty one.
    where
        its name in messages, if not its kind.

    Raises
    ------
    InputError
        for a key that lenstronomy does not have, one that cannot be carried over, or a quantity:
        lenstronomy's are plain numbers.
    """
    where = where or kind
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise InputError(f"{where}: expected a dictionary, got {type(settings).__name__}.")
    _check_keys(kind, settings, where)
    if kind == "kwargs_model":
        _check_same_profiles(settings, where)
        _check_one_source_plane(settings, where)
    supported, _, _ = KNOWN[kind]
    return {
        key: _bare(value, f"{where}[{key!r}]")
        for key, value in settings.items()
        if key in supported
    }


def _check_keys(kind: str, settings: Mapping, where: str) -> None:
    """Raise for a key that lenstronomy does not have, and one that cannot be carried over."""
    supported, harmless, unsupported = KNOWN[kind]
    all_keys = supported | harmless | set(unsupported)
    for key, value in settings.items():
        if key not in all_keys:
            raise unknown("key", key, all_keys, where)
        if key in unsupported and not _idle(value, unsupported[key]):
            raise _refused(key, where)


def _bare(value: Any, where: str) -> Any:
    """A value without units and masks: NaN where masked; a unit is an error."""
    if isinstance(value, Mapping):
        return {key: _bare(below, f"{where}[{key!r}]") for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(below, f"{where}[{i}]") for i, below in enumerate(value)]
    return plain(value, where)


def _refused(key: str, where: str) -> InputError:
    return InputError(
        f"{where}[{key!r}]: cannot be carried over; jaxmetal has nothing like it yet."
    )


def _check_same_profiles(model: Mapping, where: str) -> None:
    """Raise for bands of different profiles."""
    for kind in ("lens_model", "source_light_model", "lens_light_model"):
        all_indices = list(range(len(model.get(f"{kind}_list") or [])))
        key = f"index_{kind}_list"
        if any(list(indices) != all_indices for indices in model.get(key) or []):
            raise _refused(key, where)


def _check_one_source_plane(model: Mapping, where: str) -> None:
    """Raise for sources at different redshifts behind lenses."""
    if not model.get("lens_model_list"):
        return
    if any(factor not in (None, 1) for factor in model.get("source_deflection_scaling_list") or []):
        raise _refused("source_deflection_scaling_list", where)
    if len(set(model.get("source_redshift_list") or [])) > 1:
        raise _refused("source_redshift_list", where)
    redshifts = {model.get(key) for key in ("z_source", "z_source_convention")} - {None}
    if len(redshifts) > 1:
        raise _refused("z_source_convention", where)


def _idle(value: Any, default: Any) -> bool:
    """Whether lenstronomy does nothing with this value."""
    if value is None or value is False or (isinstance(value, str) and value == "NONE"):
        return True
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(_idle(v, None) for v in value)
    return np.ndim(value) == 0 and value == (0 if default is None else default)


def listed(value: Any, where: str, length: int | None = None) -> list:
    """A list, of a known length if one is given.

    Raises
    ------
    InputError
        naming the list, what was expected and what arrived.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{where}: expected a list, got {type(value).__name__}.")
    if length is not None and len(value) != length:
        raise InputError(f"{where}: expected {length} entries, got {len(value)}.")
    return list(value)


def index(value: Any, count: int, where: str) -> int:
    """A whole number from 0 to count - 1.

    Raises
    ------
    InputError
        if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
        raise InputError(f"{where}: expected a number from 0 to {count - 1}, got {value!r}.")
    return int(value)


def warn(message: str) -> None:
    """Warn of a difference from lenstronomy, at the line of the script that called the package."""
    warn_user(f"from lenstronomy: {message}.")
