"""A first configuration: what to open the file with, and the check that it runs as it stands."""

from pathlib import Path
from typing import NamedTuple

import yaml

from jaxmetal.errors import InputError, collected_warnings
from jaxmetal.files import whole_file
from jaxmetal.io.initial.contents import read_contents
from jaxmetal.io.initial.from_images import image_entries, known_maps, relative
from jaxmetal.io.initial.from_images import inventory_of as images_found
from jaxmetal.io.initial.from_readers import inventory_of as reading_found
from jaxmetal.io.initial.from_readers import known_reading, reader_entries
from jaxmetal.io.initial.text import Entry, joined, questions
from jaxmetal.io.scene import Scene, build


class Proposal(NamedTuple):
    """A configuration for a file.

    Parameters
    ----------
    text
        of the configuration, YAML with comments.
    found
        what is in the file, a line each.
    remarks
        what is strange about the data, a line each.
    scene
        that the text describes.
    """

    text: str
    inventory: list[str]
    remarks: list[str]
    scene: Scene

    @property
    def questions(self) -> list[str]:
        """What the file does not say, a line each."""
        return questions(self.text)


def propose(path: Path, out: Path, lines: bool = False) -> Proposal:
    """A configuration that fits what a FITS file has.

    Parameters
    ----------
    path
        of the file: images with their errors, or one that a reader knows, such as MaNGA's.
    out
        of the configuration, to which the paths in it are relative.
    lines
        whether the fluxes of emission lines are fitted, instead of a metallicity made of them.

    Returns
    -------
    proposal
        whose text is a configuration that runs.

    Raises
    ------
    InputError
        for what is no FITS file, has no map in it, or whose maps cannot be used.
    """
    folder = out.absolute().parent
    file = relative(path, folder)
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    # What is no FITS file is told as such, not as that of an unknown survey.
    known = known_reading(path)
    if known is not None:
        inventory = [f"{path}: read as a file of {known[0]}", *reading_found(known[1])]
        entries = [*reader_entries(*known, file, lines)]
    else:
        contents = read_contents(path)
        maps = known_maps(contents)
        inventory = [f"{path}:", *contents.inventory, *images_found(maps)]
        entries = [*image_entries(contents, maps, file, folder, lines)]
    text = joined([*_head(path, out, inventory), *entries])
    with collected_warnings() as remarks:
        scene = build(yaml.safe_load(text), folder)
    return Proposal(text, inventory, remarks, scene)


def _head(path: Path, out: Path, inventory: list[str]) -> list[Entry]:
    """The comments at the top of a configuration."""
    notes = [
        f"A first fit of {path.name}; it runs as it stands: jaxmetal fit {out.name}",
        "Lines with a question mark hold what the file does not say: look at them first.",
        "`auto` is taken from the data; the results keep the numbers.",
        "",
        *inventory[1:],
    ]
    return [*(Entry("", note=note or " ") for note in notes), Entry("")]


def check_out(out: Path, force: bool) -> None:
    """Refuse to replace a file, unless that is wanted.

    Parameters
    ----------
    out
        of the configuration.
    force
        whether a file of that name may be replaced.

    Raises
    ------
    InputError
        for a name that is none of a configuration in YAML, or a file that is there.
    """
    if out.suffix.lower() not in (".yaml", ".yml"):
        raise InputError(f"{out}: --out must end in .yaml or .yml.")
    if out.is_dir():
        raise InputError(f"{out}: is a folder; --out names a file.")
    if out.exists() and not force:
        raise InputError(f"{out}: is there already; --force replaces it, --out names another.")


def write_proposal(proposal: Proposal, out: Path) -> None:
    """Write a configuration; the file appears whole or not at all.

    Parameters
    ----------
    proposal
        whose text is written.
    out
        the path.
    """
    with whole_file(out) as part:
        part.write_text(proposal.text, encoding="utf-8")
