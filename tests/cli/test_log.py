"""The log of a command in a file, beside what is shown."""

import logging
import warnings

import pytest

from jaxmetal import cli
from jaxmetal.cli.log import progress_log
from jaxmetal.errors import InputWarning

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_file_has_all_lines_also_of_a_quiet_command(tmp_path, capsys, quiet):
    log, path = logging.getLogger("jaxmetal"), tmp_path / "fit.log"
    path.write_text("before\n")
    with progress_log(quiet, path):
        log.info("fitting")
        # In these tests warnings are errors otherwise.
        warnings.simplefilter("always")
        warnings.warn("odd data", InputWarning, stacklevel=1)
    lines = path.read_text().splitlines()
    assert lines[0] == "before" and len(lines) == 3
    assert lines[1].endswith("INFO fitting") and lines[2].endswith("WARNING odd data")
    shown = capsys.readouterr().err
    assert ("fitting" in shown) != quiet and "odd data" in shown
    assert not log.handlers


def test_a_log_that_cannot_be_written_and_a_wrong_set_are_one_line(tmp_path, capsys):
    config = str(tmp_path / "fit.yaml")
    assert cli.main(["fit", config, "--log", str(tmp_path / "no" / "fit.log")]) == 2
    assert cli.main(["fit", config, "--set", "fit.starts"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "fit.log" in first and "--set: expected PATH=VALUE" in second
