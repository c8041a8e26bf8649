"""Damaged folders of surveys: files cut, changed, exchanged, emptied, missing."""

import json
import random
import shutil
from pathlib import Path

import yaml
from astropy.table import Table

from fuzz import scenes
from fuzz.trials import Case
from jaxmetal.survey import master, output, population, stale, state, store
from jaxmetal.survey.datasets import datasets
from jaxmetal.survey.outcome import Outcome

COUNT = 4
JSON = [None, 3, "x", [], {}, [1, 2], {"a": 1}, -1, True, 1e400]


class Cases:
    """Each is a survey without any fit, of which one or two files are damaged."""

    def __init__(self, folder: Path):
        self._folder, self._good = folder / "case", folder / "good"
        scenes.write_map(folder / "map.fits")
        config = scenes.config() | {"survey": {"shard": 2, "together": 2}}
        (folder / "survey.yaml").write_text(yaml.safe_dump(config))
        table = Table({"id": [f"g{i}" for i in range(COUNT)]})
        table.write(folder / "galaxies.ecsv", format="ascii.ecsv")
        self._input = (folder / "galaxies.ecsv", folder / "survey.yaml")
        plan = master.prepare(*self._input, self._good, progress=False)
        for number, entry in enumerate(plan.shards):
            outcomes = [Outcome(row, f"g{row}", message="not fitted") for row in entry["rows"]]
            groups = datasets(outcomes, with_maps=False)
            tally = {"unanswered": len(outcomes), "unread": 0}
            store.write_shard(self._good, number, groups, plan.marks, tally)

    def make(self, rng: random.Random) -> Case:
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._good, self._folder)
        damages = [self._damage(rng) for _ in range(rng.randint(1, 2))]
        command = rng.choice([state.status, output.table, self._population, self._again])
        return Case(f"{getattr(command, '__name__', '')} {damages}", lambda: command(self._folder))

    def _damage(self, rng: random.Random) -> str:
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        path = rng.choice(files) if files else self._folder
        how = rng.choice(["cut", "flip", "empty", "gone", "folder", "swap", "json", "text"])
        if not path.is_file():
            return "nothing is left"
        content = bytearray(path.read_bytes())
        if how == "cut":
            path.write_bytes(content[: rng.randrange(len(content) + 1)])
        elif how == "flip" and content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(content)
        elif how == "swap":
            path.write_bytes(rng.choice(files).read_bytes())
        elif how == "json":
            path.write_text(_another_json(content, rng))
        elif how == "text":
            path.write_bytes(rng.randbytes(rng.choice([1, 100, 5000])))
        elif how == "empty":
            path.write_bytes(b"")
        else:
            path.unlink()
            if how == "folder":
                path.mkdir()
        return f"{how} {path.name}"

    def _population(self, folder: Path) -> object:
        return population.population(folder, population.default_path(folder))

    def _again(self, folder: Path) -> object:
        """What the same batch does before it computes."""
        plan = master.prepare(*self._input, folder, progress=False)
        return stale.remove_stale(str(folder), plan)


def _another_json(content: bytearray, rng: random.Random) -> str:
    """The JSON of a plan or a note with one of its parts exchanged."""
    try:
        tree = json.loads(content)
        tree[rng.choice(sorted(tree))] = rng.choice(JSON)
    except (ValueError, TypeError, IndexError):
        return json.dumps(rng.choice(JSON[:-1]))
    return json.dumps(tree)
