"""How far a long computation is: bars count all of it, and a log gets a line every so often."""

import io
import itertools
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import jaxmetal as jm
from jaxmetal.inference import batch_posteriors, chains, progress
from jaxmetal.inference import sample as sampling

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (0, 800, 30.0, "sampling: 0 % (0 of 800 steps), 30 s so far"),
        (344, 800, 120.0, "sampling: 43 % (344 of 800 steps), 2 min so far, 3 min left"),
        (800, 800, 7000.0, "sampling: 100 % (800 of 800 steps), 1.9 h so far"),
        (0, None, 61.0, "sampling, 61 s so far"),
    ],
)
def test_a_line_says_how_much_is_done_and_how_long_it_will_take(done, total, seconds, line):
    assert progress.progress_line("sampling", done, total, "steps", seconds) == line


def told(monkeypatch, shown, every, total=40, **stderr):
    """What appears on the standard error while two threads do forty steps of something."""
    written = type(
        "Stderr", (io.StringIO,), {"isatty": lambda self: stderr.get("terminal", False)}
    )()
    monkeypatch.setattr(progress, "EVERY", every)
    monkeypatch.setattr(sys, "stderr", written)
    with progress.bar(total, shown, "at work", "steps") as bar:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: bar.update(3), range(20)))
        if every < 1:
            progress.threading.Event().wait(10 * every)
    return written.getvalue()


def test_a_log_gets_lines_and_no_bar(monkeypatch):
    lines = told(monkeypatch, None, 0.05).splitlines()
    assert len(lines) >= 2
    # Pieces of one size are more than there was to do; that is not more than all.
    assert all(line.startswith("jaxmetal: at work: ") and "\r" not in line for line in lines)
    assert "100 % (40 of 40 steps)" in lines[-1]
    assert "at work, 0 s so far" in told(monkeypatch, None, 0.05, total=None)


def test_what_is_over_soon_and_what_is_quiet_say_nothing(monkeypatch):
    assert told(monkeypatch, None, 30.0) == ""
    assert told(monkeypatch, False, 0.01) == ""


@pytest.mark.parametrize("total", [40, None])
def test_a_terminal_gets_a_bar(monkeypatch, total):
    written = told(monkeypatch, None, 30.0, total, terminal=True)
    assert "\r" in written and "at work" in written and "jaxmetal:" not in written


@contextmanager
def recorded(counts, total, text):
    class Bar:
        def update(self, count):
            counts.append(count)

    counts.append((total, text))
    yield Bar()


def test_the_bar_counts_the_warm_up_and_the_draws_of_all_chains(model, fit, monkeypatch):
    counts = []
    for module in (sampling, batch_posteriors):
        monkeypatch.setattr(
            module, "bar", lambda total, progress, text, unit="": recorded(counts, total, text)
        )
    jm.sample(model, fit, method="hmc", chains=2, warmup=7, draws=16)
    (total, text), *moved = counts
    assert text == "sampling (HMC, 2 chains)" and total == 2 * 23 == sum(moved)
    assert len(moved) == 2 * -(-23 // -(-23 // chains.PIECES)), (
        "every chain reports, not the first alone"
    )


@pytest.mark.slow
def test_a_batch_counts_all_galaxies(model, fit, monkeypatch):
    counts = []
    monkeypatch.setattr(
        batch_posteriors,
        "bar",
        lambda total, progress, text, unit="": recorded(counts, total, text),
    )
    jm.sample_batch([model] * 3, [fit] * 3, method="hmc", chains=2, warmup=5, draws=10, chunk=2)
    (total, _), *moved = counts
    # The last part is filled up to the size of the others.
    assert total == 3 * 2 * 15 and sum(moved) == 4 * 2 * 15


@pytest.mark.slow
def test_a_notebook_gets_a_bar():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    lines = [
        "from jaxmetal.inference import progress",
        "with progress.bar(3, None, 'at work', 'steps') as bar: bar.update(3)",
    ]
    cell = "\n".join([*lines, "print(progress._is_notebook())"])
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    texts = "".join(output.get("text", "") for output in book.cells[0].outputs)
    assert "at work" in texts and texts.strip().endswith("True")


def test_the_time_of_a_sampling_is_told_while_it_warms_up(model, fit, caplog, monkeypatch):
    """By a clock on which each piece of the chain takes a second."""
    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr(chains, "time", clock)
    with caplog.at_level("INFO", "jaxmetal"):
        jm.sample(model, fit, method="hmc", chains=1, warmup=7, draws=16, progress=False)
    (line,) = re.findall(
        r"HMC: (\S+) ms a gradient, (\d+) gradients a step, (\d+) s left", caplog.text
    )
    per_gradient, gradients, left = map(float, line)
    steps = -(-23 // chains.PIECES)
    assert per_gradient == pytest.approx(1000 / (gradients * steps), rel=0.05)
    assert 1 <= gradients < 64
    # The second piece is the first that is timed.
    assert left == round(23 / steps - 2)
