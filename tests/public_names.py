"""The public names of the package: what `import jaxmetal as jm` has, and what is in its modules."""

import inspect

import jaxmetal as jm


def public(module) -> list:
    """The functions and classes that a module defines for others."""
    own = [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and f"{getattr(value, '__module__', '')}.".startswith(f"{module.__name__}.")
    ]
    return [value for value in own if inspect.isfunction(value) or inspect.isclass(value)]


PROFILES = public(jm.light) + public(jm.tracer) + public(jm.lens)
VALUES = [getattr(jm, name) for name in jm.__all__]
NAMES = [
    value for value in VALUES if callable(value) and value not in (jm.InputError, jm.InputWarning)
]
NAMES += [function for module in VALUES if inspect.ismodule(module) for function in public(module)]
