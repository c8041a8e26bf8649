"""Numbers in the text of pages are those of the committed tables."""

import pytest
from astropy.table import Table

from tests.pages import PAGES
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

LINES = "docs/howto/lines.md"
RESULTS = REPOSITORY / "scripts" / "validation" / "results"


def test_numbers_of_correlated_noise_are_those_of_the_table():
    table = Table.read(RESULTS / "correlated.ecsv")
    rows = {row["method"]: row for row in table}
    text = PAGES["docs/howto/correlated.md"].text
    claimed = [row["real_over_claimed"] for row in table if row["method"] == "theory"]
    assert f"{min(claimed):.1f} to {max(claimed):.1f} times" in text
    assert f"{100 * rows['independent']['coverage_68']:.0f} % of 925 mocks" in text
    assert f"holds it in {100 * rows['full']['coverage_68']:.0f} %" in text


def test_numbers_of_large_maps_are_those_of_the_table():
    table = Table.read(RESULTS / "large_noise.ecsv")
    text = PAGES["docs/howto/correlated.md"].text
    compared = table[table["pixels"] < 8000]
    off = [max(compared[name]) for name in ("errors_off", "chi_square_off")]
    assert max(off) < 4e-5 and "to 0.004 %" in text
    assert 0.07 < max(compared["neighbours_alone"]) < 0.08 and "by up to 8 %" in text
    assert max(abs(compared["log_determinant_off"])) < 0.5 and "less than 0.5" in text


def test_numbers_of_random_fields_are_those_of_the_table():
    table = Table.read(RESULTS / "fields.ecsv")
    scattered = table[table["amplitude"] > 0]
    inside = {fit: 100 * scattered["coverage_68"][scattered["fit"] == fit] for fit in table["fit"]}
    line, field = inside["line"], inside["line and field"]
    ranges = [f"{inside.min():.0f} to {inside.max():.0f} %" for inside in (line, field)]
    expected = f"in {ranges[0]}, with a field in {ranges[1]}"
    assert expected in PAGES["docs/howto/fields.md"].text


def test_numbers_of_lines_are_those_of_the_table():
    table = Table.read(RESULTS / "lines.ecsv")
    rows = {row["method"]: row["gradient"] for row in table if row["setting"] == 15.0}
    text = PAGES[LINES].text
    assert f"into {rows['S/N > 3']:+.3f}" in text
    assert f"give −{abs(rows['fluxes']):.3f} back" in text.replace("\n", " ")


def test_numbers_of_the_survey_of_lines_are_those_of_the_table():
    table = Table.read(RESULTS / "line_survey.ecsv")
    rows = {row["parameter"]: row for row in table}
    text = PAGES["docs/explain/validation.md"].text.replace("\n", " ")
    naive = rows["naive gradient"]
    assert rows["all"]["galaxies"] == 300 and "Three hundred galaxies" in text
    assert f"{100 * rows['all']['inside_68']:.0f} % are between" in text
    assert f"in {100 * naive['inside_68']:.0f} % of the {naive['values']} galaxies" in text


def test_numbers_of_line_systematics_are_those_of_the_table():
    table = Table.read(RESULTS / "line_systematics.ecsv")
    text = PAGES["docs/explain/validation.md"].text.replace("\n", " ")
    branches = table[table["scene"] == "branches"]
    many = table[table["scene"] != "branches"]
    rows = {(row["scene"], row["method"]): row for row in many}
    inside = many[many["method"] == "in the model"]
    assert set(many["fits"]) == {200} and "in 200 draws of the noise" in text
    assert max(abs(inside["bias_in_errors"])) < 0.05
    assert "off by less than 0.05 of their errors" in text
    without = rows["dust", "left out"]
    assert without["gradient"] / without["truth"] == pytest.approx(3, abs=0.2)
    assert 1 - without["converged"] / without["fits"] == pytest.approx(0.25, abs=0.02)
    assert "three times as steep, and a quarter of the fits do not converge" in text
    assert f"{rows['two PSFs', 'left out']['bias_in_errors']:.1f} of its error appears" in text
    assert len(branches) == 10 and set(branches["modes"]) == {2}
    assert max(abs(branches["upper"] - branches["upper_on_grid"])) < 0.004
    assert "agree to 0.004 with" in text
