"""The house: which room imports from which, how large they are, and what the public names say of
themselves.
"""

import ast
import inspect
import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import jaxmetal as jm
from tests.public_names import NAMES, PROFILES

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

ROOT = Path(jm.__file__).parent
ROOMS = (
    "errors",
    "unit_texts",
    "quantities",
    "files",
    "compiling",
    "shown",
    "citation",
    "profiles",
    "emission",
    "galaxy",
    "instrument",
    "maps",
    "forward",
    "inference",
    "science",
    "io",
    "survey",
    "view",
    "pipeline",
    "cli",
)
# The package itself holds only lazily loaded names, so any room may import it, and what must be
# told to XLA before anything else; __main__ only calls the command line.
OUTSIDE = ("", "threads", "__main__")

TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    .removesuffix("__init__")
    .rstrip("."): ast.parse(path.read_text("utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}


def room(module: str) -> str:
    return module.split(".")[0]


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST):
    """All nodes that run, those inside functions too."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not only_for_types(child):
            yield from walk(child)


def imports(module: str) -> set[str]:
    """Dotted names of everything a module imports, at its top or inside its functions."""
    found = set()
    for node in walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def home(name: str) -> str:
    """The module of the package that an imported dotted name comes from."""
    name = name.removeprefix("jaxmetal").lstrip(".")
    name = jm._HOMES.get(name, name)
    return name if name in TREES else name.rpartition(".")[0]


NEEDS = {
    module: {home(name) for name in imports(module) if room(name) == "jaxmetal"} for module in TREES
}


def reached(module: str) -> set[str]:
    """Every module that a module needs, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        new = NEEDS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_every_module_has_its_room():
    assert {room(module) for module in TREES} <= {*ROOMS, *OUTSIDE}
    assert {
        "errors",
        "profiles.light",
        "instrument.convolve",
        "forward.observe",
        "inference.model",
    } <= set(TREES)


def test_a_room_imports_only_from_rooms_before_it():
    order = {
        "": -1,
        "threads": -1,
        **{name: i for i, name in enumerate(ROOMS)},
        "__main__": len(ROOMS),
    }
    upward = {
        (module, needed)
        for module in TREES
        for needed in NEEDS[module]
        if order[room(needed)] > order[room(module)]
    }
    assert not upward
    # The line is worth something only if imports are found at all.
    assert {"profiles.profile", "errors"} <= NEEDS["galaxy.component"]
    assert len(set().union(*NEEDS.values())) > 15


def test_no_module_imports_itself_in_a_circle():
    assert list(TopologicalSorter(NEEDS).static_order())


@pytest.mark.parametrize("module", ["science.noise", "science.baselines"])
def test_noise_and_classical_fits_need_no_inference(module):
    assert not {
        needed
        for needed in reached(module)
        if room(needed) in ("inference", "survey", "io", "view", "cli")
    }


def test_only_the_pictures_import_matplotlib():
    assert {room(module) for module in TREES if "matplotlib" in map(room, imports(module))} <= {
        "view"
    }


def test_surveys_are_known_to_their_readers_alone():
    """So that another one costs one file."""
    surveys = {module for module in TREES if module.startswith("io.readers.")} - {
        "io.readers.lines",
        "io.readers.manga_kinematics",
        "io.readers.options",
        "io.readers.protocol",
        "io.readers.registry",
    }
    assert {"io.readers.manga", "io.readers.sami"} <= surveys
    assert {module for module in TREES if NEEDS[module] & surveys} == set()
    assert {room(needed) for module in surveys for needed in NEEDS[module]} <= {
        "errors",
        "quantities",
        "emission",
        "instrument",
        "science",
        "io",
    }


def called(module: str) -> set[str]:
    """The functions and methods that a module calls, by their own names and as they are written."""
    functions = {node.func for node in walk(TREES[module]) if isinstance(node, ast.Call)}
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in functions} | {
        ast.unparse(f) for f in functions
    }


READ = {
    "open",
    "read_text",
    "read_bytes",
    "loadtxt",
    "genfromtxt",
    "open_datatree",
    "open_dataset",
    "load_dataset",
    "File",
    "np.load",
}
WRITTEN = {"write_text", "write_bytes", "writeto", "to_netcdf", "savetxt", "np.save", "np.savez"}


def test_only_files_input_and_saved_results_open_files():
    readers = {module for module in TREES if called(module) & READ}
    assert {module for module in readers if room(module) != "io"} <= {
        "files",
        "inference.posterior",
        "inference.saved_fits",
        "survey.store",
    }
    assert "io.hdus" in readers


def test_whoever_writes_a_file_writes_it_whole():
    writers = {module for module in TREES if called(module) & WRITTEN}
    assert {module for module in writers if "files" not in NEEDS[module]} == set()
    assert {"io.fits", "inference.posterior"} <= writers


def test_files_are_shorter_than_300_lines():
    lengths = {
        module: len((ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8").splitlines())
        for module in leaves()
    }
    assert {module: n for module, n in lengths.items() if n >= 300} == {}


def leaves() -> list[str]:
    return [module for module in TREES if (ROOT / f"{module.replace('.', '/')}.py").exists()]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function, its docstring not counted."""
    first = function.body[0]
    words = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return function.end_lineno - function.lineno + 1 - words


def test_functions_are_shorter_than_46_lines():
    functions = [
        (module, node)
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert {f"{module}.{f.name}": length(f) for module, f in functions if length(f) > 45} == {}
    assert len(functions) > 100


def test_every_module_says_what_it_is_about():
    assert [module for module, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_importing_the_package_loads_nothing_heavy():
    """So that the command line's --help costs nothing."""
    command = "import sys, json, jaxmetal; dir(jaxmetal); print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(
        subprocess.run(
            [sys.executable, "-c", command], capture_output=True, check=True, cwd=ROOT.parent
        ).stdout
    )
    assert "jaxmetal" in loaded
    assert not {
        "jax",
        "numpy",
        "numpyro",
        "equinox",
        "optax",
        "astropy",
        "matplotlib",
        "arviz",
        "xarray",
        "scipy",
    } & set(loaded)


@pytest.mark.parametrize("name", jm.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    value = getattr(jm, name)
    assert value.__doc__.strip()
    assert name in dir(jm)


def test_editors_see_the_same_public_names_as_users():
    """The names for type checkers, the lazily loaded ones and __all__ are one list."""
    shown = next(node for node in TREES[""].body if only_for_types(node))
    homes = {
        alias.name: node.module
        for node in shown.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(homes) == set(jm._HOMES) == set(jm.__all__)
    for name, module in homes.items():
        assert f"jaxmetal.{jm._HOMES[name]}" in (module, f"{module}.{name}")


def test_a_package_is_public_whatever_was_imported_before():
    """A module of its own name inside it must not take its place."""
    lines = "import jaxmetal as jm; print(jm.emission.__name__, jm.scales.__name__)"
    result = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["jaxmetal.emission", "jaxmetal.maps.scales"]


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Galxy'"):
        _ = jm.Galxy


def documented(thing) -> list[str]:
    """The names in the Parameters section of a docstring."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", inspect.getdoc(thing) or "", re.M | re.S
    )
    lines = section[1].splitlines() if section else []
    return [name.strip() for line in lines if line[:1].strip() for name in line.split(",")]


def parameters(thing) -> list[str]:
    signature = inspect.signature(thing).parameters.values()
    return [p.name for p in signature if p.name not in ("self", "args", "kwargs")]


@pytest.mark.parametrize(
    "profile", PROFILES, ids=lambda f: f"{f.__module__.split('.')[-1]}.{f.__name__}"
)
def test_every_profile_states_its_equation(profile):
    """Set off by a blank line, before the parameters."""
    before = inspect.getdoc(profile).split("\nParameters\n")[0]
    assert re.search(r"\n\n {4}\w[^\n]* = ", before)


@pytest.mark.parametrize(
    "profile", PROFILES, ids=lambda f: f"{f.__module__.split('.')[-1]}.{f.__name__}"
)
def test_every_profile_documents_each_of_its_parameters_once(profile):
    assert sorted(documented(profile)) == sorted(parameters(profile))


@pytest.mark.parametrize(
    "thing", NAMES, ids=lambda f: f"{f.__module__.split('.')[-1]}.{f.__name__}"
)
def test_no_parameter_is_documented_that_does_not_exist(thing):
    assert set(documented(thing)) <= set(parameters(thing))


def methods(thing) -> list:
    """The public methods that a class defines, without its properties."""
    values = vars(thing).items() if inspect.isclass(thing) else ()
    functions = [(name, getattr(value, "__func__", value)) for name, value in values]
    return [value for name, value in functions if name[0] != "_" and inspect.isfunction(value)]


CALLED = [thing for thing in {*NAMES, *PROFILES} if inspect.isfunction(thing)]
CALLED += [method for thing in NAMES for method in methods(thing)]


def test_what_describes_its_parameters_describes_its_result():
    """Generators by a section Yields."""
    described = [
        function
        for function in CALLED
        if documented(function)
        and inspect.signature(function).return_annotation not in (None, inspect.Signature.empty)
    ]
    section = re.compile(r"^(Returns|Yields)\n-+\n", re.M)
    missing = {f.__qualname__ for f in described if not section.search(inspect.getdoc(f))}
    assert not missing
    assert {jm.predict, jm.light.sersic, jm.Map.image} <= set(described)
