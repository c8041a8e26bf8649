"""The example of a real survey.

SAMI 41144 twice, in different seeing, with SAMI 572402 and MaNGA 7815-3702.
"""

import numpy as np
import pytest

from jaxmetal import survey
from jaxmetal.io.config import read
from jaxmetal.survey.output import galaxies
from tests.data import data_path
from tests.paths import EXAMPLES, example_module

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]


@pytest.fixture(scope="module")
def example():
    return example_module("sami")


@pytest.fixture(scope="module")
def results(example, tmp_path_factory):
    """The folder of the finished survey, as the example makes it, but for the draws.

    The errors are Laplace's.
    """
    data, folder = data_path("sami_dr3").parent, tmp_path_factory.mktemp("sami")
    data_path("manga_7815-3702")
    config = {**read(EXAMPLES / "survey.yaml"), "sample": False, "fit": {"starts": 1}}
    survey.run(
        example.prepare(data, folder / "galaxies"), config, folder / "results", progress=False
    )
    return folder / "results"


def test_every_galaxy_arrives_in_its_own_frame(results):
    found = survey.collect(results)
    assert found["converged"].all() and found["pixels"].tolist() == [678, 668, 583, 548]
    assert np.all(np.abs(found["reduced_chi_square"] - 1) < 0.1)
    shapes = {galaxy["id"]: galaxy["maps"]["z"]["data"].shape for galaxy in galaxies(results)}
    assert shapes["SAMI 41144_B"] == (50, 50) and shapes["MaNGA 7815-3702"] == (42, 42)


def test_two_seeings_of_a_galaxy_agree_once_corrected(results, example):
    """Straight lines are 18 % and ten of their errors apart.

    Behind their PSFs the gradients differ by little more than one.
    """
    said = example.gradients(results)
    assert said["naive"]["SAMI 41144_B"][0] == pytest.approx(-0.0191, abs=0.0002)
    assert said["naive"]["SAMI 41144_D"][0] == pytest.approx(-0.0157, abs=0.0002)
    assert said["jaxmetal"]["SAMI 41144_B"] == (
        pytest.approx(-0.0261, abs=0.0003),
        pytest.approx(0.00096, abs=0.00005),
    )
    assert said["jaxmetal"]["SAMI 41144_D"] == (
        pytest.approx(-0.0246, abs=0.0003),
        pytest.approx(0.00108, abs=0.00005),
    )
    naive, corrected = (
        change / error
        for change, error in (example.difference(said[how]) for how in ("naive", "jaxmetal"))
    )
    assert naive < -8 and abs(corrected) < 2


def test_the_manga_galaxy_is_what_it_is_alone(results, example):
    """-0.062 ± 0.005 dex per effective radius, as manga_7815-3702.yaml has it with the Gaussian
    PSF.
    """
    galaxy = survey.collect(results)[3]
    assert galaxy[f"{example.GRADIENT}.value"] * galaxy["R_e"] == pytest.approx(-0.062, abs=0.001)
