"""What objects show of themselves: pages and figures of `jaxmetal.view`, loaded when asked for.

The rooms below know nothing of pictures: a method that makes one names the function in view that
does, as the package names its public objects.
"""

from importlib import import_module
from typing import Any


def shown(function: str, *arguments: Any, **options: Any) -> Any:
    """Call a function of `jaxmetal.view`.

    Parameters
    ----------
    function
        "module.function", such as "notebook.as_html".
    arguments, options
        of it.

    Returns
    -------
    result
        of the function.
    """
    module, name = function.rsplit(".", 1)
    return getattr(import_module(f"jaxmetal.view.{module}"), name)(*arguments, **options)


def as_html(thing: Any) -> str:
    """The page of an object in a notebook; classes have it as their method `_repr_html_`."""
    return shown("notebook.as_html", thing)
