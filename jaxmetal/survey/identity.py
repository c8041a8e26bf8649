"""What a survey is: its input, its groups of galaxies and its shards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Parts of a configuration that change no number of a result, and may change during a survey.
WITHOUT_NUMBERS = ("plots",)
# The same of its part `survey`.
WITHOUT_NUMBERS_OF_SURVEY = ("slurm",)


@dataclass(frozen=True)
class Plan:
    """The input of a survey, its groups of galaxies and its shards.

    Parameters
    ----------
    versions
        of jaxmetal, and the precision of its numbers.
    catalogue, configuration
        {"file", "sha256"} of each, as they were when the survey was planned.
    raw, folder
        the configuration with its references, and the folder that its paths are relative to.
    bad
        {row, as text: why that galaxy was left out}.
    groups
        of galaxies that share a program: {"size", "frames": {map: [rows, columns]}, "samplings":
        {map: fields of a Sampling}, "errors": {map: {what is shown: largest error, of light
        relative to it}}}, the errors only where the samplings were chosen automatically.
    shards
        {"group", "rows"} of each.
    """

    versions: dict[str, str]
    catalogue: dict[str, str]
    configuration: dict[str, str]
    raw: dict[str, Any]
    folder: str
    bad: dict[str, str]
    groups: list[dict[str, Any]]
    shards: list[dict[str, Any]]

    @property
    def marks(self) -> dict[str, str]:
        """What every shard of this survey carries, and no shard of another one."""
        return {
            **self.versions,
            "configuration": self.configuration["sha256"],
            "catalogue": self.catalogue["sha256"],
        }

    def owns(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a shard with these attributes is one of this survey."""
        return all(attributes.get(key) == value for key, value in self.marks.items())

    def owns_shard(self, contents: Any, number: int) -> bool:
        """Whether the contents of a file are the results of a shard's own galaxies."""
        if contents.attrs.get("number") != number or "galaxies" not in contents.children:
            return False
        rows = contents["galaxies"]["row"].values.tolist()
        return self.owns(contents.attrs) and rows == self.shards[number]["rows"]

    @property
    def consistent(self) -> bool:
        """Whether it has all parts, and shards refer to groups, as in a plan that was written."""
        hashes = all("sha256" in part for part in (self.catalogue, self.configuration))
        blocks = all(_is_block(self.raw.get(name)) for name in ("survey", "priors"))
        versions = {"jaxmetal", "precision"} <= set(self.versions)
        groups = all(
            {"size", "frames", "samplings", "errors"} <= set(group) for group in self.groups
        )
        if not (hashes and blocks and versions and groups):
            return False
        return all(_is_shard(shard, len(self.groups)) for shard in self.shards)

    def differences(self, other: "Plan") -> list[str]:
        """The parts of the input that differ from those of another plan, as texts."""
        changes = [
            f"{key} was {self.versions[key]}, is {other.versions[key]}"
            for key in self.versions
            if self.versions[key] != other.versions[key]
        ]
        if self.catalogue["sha256"] != other.catalogue["sha256"]:
            changes.append("the catalogue has changed")
        mine, theirs = that_counts(self.raw), that_counts(other.raw)
        keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        if keys or self.folder != other.folder:
            changes.append(f"the configuration has changed in {', '.join(keys) or 'its folder'}")
        return changes


def _is_block(part: Any) -> bool:
    """Whether a part of a configuration is left out, has keys, or is left to the data."""
    return not part or isinstance(part, Mapping) or part == "auto"


def _is_shard(shard: Mapping[str, Any], groups: int) -> bool:
    """Whether an entry of a plan names one of its groups, and rows of the catalogue."""
    group, rows = shard.get("group"), shard.get("rows")
    if type(group) is not int or not 0 <= group < groups or not isinstance(rows, list):
        return False
    return all(type(row) is int and row >= 0 for row in rows)


def that_counts(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a configuration by which two surveys are the same: that change a number."""
    parts = {key: value for key, value in raw.items() if key not in WITHOUT_NUMBERS}
    if isinstance(survey := parts.get("survey"), Mapping):
        kept = {k: v for k, v in survey.items() if k not in WITHOUT_NUMBERS_OF_SURVEY}
        parts["survey"] = kept
    return parts
