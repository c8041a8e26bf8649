"""Copies of the input files of a fit in its folder of results."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.io.fits import write_maps
from jaxmetal.io.paths import file_path, module_file, with_imports

# The folder for copies, relative to the folder of results.
INPUT = "input"


class Copies:
    """The copies in a folder of results; a file that is named twice is copied once.

    Parameters
    ----------
    folder
        of the results.
    source
        the folder that paths in the configuration are relative to.
    """

    def __init__(self, folder: Path, source: Path):
        self.folder, self.source = folder, source
        self._places: dict[Path, str] = {}
        self._taken: set[str] = set()

    def place(self, name: str) -> str:
        """A free path in the folder, relative to it."""
        stem, dot, suffix = name.partition(".")
        free, number = f"{INPUT}/{name}", 2
        while free in self._taken:
            free, number = f"{INPUT}/{stem}-{number}{dot}{suffix}", number + 1
        self._taken.add(free)
        (self.folder / INPUT).mkdir(parents=True, exist_ok=True)
        return free

    def copy(self, text: str) -> str:
        """Copy a file unchanged; its path in the folder."""
        path = file_path(text, self.source).resolve()
        if path not in self._places:
            self._places[path] = self.place(path.name)
            shutil.copyfile(path, self.folder / self._places[path])
        return self._places[path]

    def copy_function(self, text: str) -> str:
        """Copy the file of "file.py:name" and name the copy; an installed module is unchanged."""
        source, _, name = text.rpartition(":")
        path = module_file(source, self.source) if source else None
        return text if path is None else f"{self._copy_module(path)}:{name}"

    def _copy_module(self, path: Path) -> str:
        """Copy a module with the modules beside it that it imports; its path in the folder."""
        path = path.resolve()
        home = path.parent
        if home not in self._places:
            self._places[home] = self.place("code")
        for module in with_imports(path):
            target = self.folder / self._places[home] / module.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)
        return f"{self._places[home]}/{path.name}"

    def write_image(self, name: str, values: np.ndarray, wcs: Any) -> str:
        """Write an image to a file of its own, extension IMAGE; its path in the folder."""
        place = self.place(f"{name}.fits")
        write_maps(self.folder / place, {"IMAGE": (_compact(values), "")}, wcs)
        return place


def _compact(values: np.ndarray) -> np.ndarray:
    """The values in single precision if that loses nothing, else unchanged."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single.astype(float), values, equal_nan=True) else values
