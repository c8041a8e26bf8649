"""Groups of galaxies that share programs."""

from dataclasses import asdict

import pytest

from jaxmetal.instrument.sampling import Sampling
from jaxmetal.survey.groups import Facts, grouped
from jaxmetal.survey.joining import CELLS_OF_A_PROGRAM, Group, joined


def facts(row, structure="a", frame=(20, 20), cells=1):
    samplings = {"z": Sampling(cells, 1, 8)}
    return Facts(row, structure, {"z": frame}, samplings, True, 2.0, 3.0, 100.0)


def group(rows, structure="a", frame=(20, 20), error=0.01, **sampling):
    sampling = {"convolve": 1, "nodes": 1, "margin": 8, "concentric": True} | sampling
    entry = {
        "frames": {"z": frame},
        "samplings": {"z": asdict(Sampling(**sampling))},
        "errors": {"z": {"metallicity": error}},
    }
    return Group([facts(row, structure, frame) for row in rows], entry)


def rows(groups):
    return [[galaxy.row for galaxy in one.members] for one in groups]


def test_galaxies_of_another_structure_sampling_or_frame_are_in_groups_of_their_own():
    members = [facts(0), facts(1, "b"), facts(2, frame=(12, 20)), facts(3, cells=2), facts(4)]
    found = [[galaxy.row for galaxy in one] for one in grouped(members, enough=1)]
    assert sorted(found) == [[0, 4], [1], [2], [3]]
    # Two galaxies are too few to choose a sampling for.
    assert sorted(len(one) for one in grouped(members, enough=4)) == [1, 1, 3]


def test_small_groups_are_computed_as_finely_and_in_frames_as_large_as_others():
    groups = [
        group([5, 1], frame=(12, 20), margin=9),
        group([2, 3], frame=(20, 12), convolve=2, concentric=False, error=0.02),
        group([0, 4], "b"),
    ]
    found = joined(groups)
    assert rows(found) == [[0, 4], [1, 2, 3, 5]]
    assert found[1].entry == {
        "frames": {"z": (20, 20)},
        "samplings": {"z": asdict(Sampling(2, 1, 9))},
        "errors": {"z": {"metallicity": 0.02}},
    }
    assert found[0].entry == groups[2].entry


@pytest.mark.parametrize("other", [{"frame": (12, 12)}, {"margin": 4}])
def test_groups_stay_apart_where_many_galaxies_need_fewer_cells(other):
    large, small = group(range(3)), group([3], **other)
    many = round(CELLS_OF_A_PROGRAM / (large.cells - small.cells))
    assert len(joined([large, group(range(3, many), **other)])) == 1
    assert len(joined([large, group(range(3, many + 6), **other)])) == 2
