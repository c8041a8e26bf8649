"""Groups of galaxies that share programs."""

from jaxmetal.instrument.sampling import Sampling
from jaxmetal.survey.groups import Facts, merged


def facts(row, structure="a"):
    return Facts(row, structure, {"z": Sampling(1, 1, 8)}, True, 2.0, 3.0, 100.0)


def entry(*sampling):
    return {"samplings": {"z": list(sampling)}, "errors": {}}


def test_groups_of_one_structure_and_one_sampling_are_one():
    groups = [[facts(0), facts(4)], [facts(1), facts(2)], [facts(3)], [facts(5, "b")]]
    entries = [entry(1, 1, 40), entry(1.0, 1, 40), entry(2, 1, 40), entry(1, 1, 40)]
    together, kept = merged(groups, entries)
    rows = [[galaxy.row for galaxy in members] for members in together]
    assert rows == [[0, 1, 2, 4], [3], [5]]
    assert kept == [entries[0], entries[2], entries[3]]
