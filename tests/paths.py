"""Where the repository is, whose scripts and drills the tests run."""

import importlib.util
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "scripts" / "examples"
DRILLS = REPOSITORY / "tests" / "drills"


def example_module(name: str) -> ModuleType:
    """One of the scripts of the examples as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
