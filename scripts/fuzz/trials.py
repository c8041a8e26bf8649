"""A case of a fuzzer: run within limits, and judged."""

import random
import resource
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from jaxmetal.errors import InputError

# Seconds of CPU, and bytes of memory beyond those at the start, that no case may exceed.
MOST_SECONDS = 5.0
MOST_BYTES = 2**30
# Characters of messages, more than which nobody reads.
MOST_TEXT = 20_000


@dataclass(frozen=True)
class Case:
    """Something to try.

    Parameters
    ----------
    text
        what it is, for a report.
    call
        the attempt.
    nonsense
        whether it must be refused.
    """

    text: str
    call: Callable[[], object]
    nonsense: bool = False


class Cases(Protocol):
    """A fuzzer: a case from a source of random numbers."""

    def make(self, rng: random.Random) -> Case: ...


@dataclass
class Tally:
    """What came of the cases.

    Parameters
    ----------
    counts
        of the outcomes.
    failures
        a line for each case that ended as none may.
    slowest
        seconds of CPU.
    """

    counts: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        head = f"{sum(self.counts.values())} cases: {counts}; the slowest took {self.slowest:.2f} s"
        return "\n".join([head, *(f"  {line}" for line in self.failures)])


class _Endless(BaseException):
    """Raised in a case that does not end; no handler of errors takes it for one."""


def run(cases: Cases, seconds: float, seed: int, count: int, only: int) -> Tally:
    """Try case after case, each with random numbers of its own."""
    tally, until, number = Tally(), time.monotonic() + seconds, max(only, 0)
    while (number < count) if count else (time.monotonic() < until):
        case = cases.make(random.Random(f"{seed} {number}"))
        _judge(case, number, tally)
        number += 1
        if only >= 0:
            print(case.text)
            break
    return tally


def _judge(case: Case, number: int, tally: Tally) -> None:
    def stop(*_: object) -> None:
        raise _Endless

    memory, since, outcome, detail = _peak(), time.process_time(), "accepted", ""
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.call()
    except InputError as error:
        outcome = "refused"
        detail = "endless message" if len(str(error)) > MOST_TEXT else ""
    except OSError:
        outcome = "refused"
    except _Endless:
        outcome, detail = "too slow", f"more than {MOST_SECONDS} s"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        outcome, detail = "traceback", f"{error!r:.150} in {place.filename}:{place.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if case.nonsense and outcome == "accepted":
        outcome, detail = "nonsense accepted", case.text
    if _peak() - memory > MOST_BYTES:
        outcome, detail = "too large", f"{(_peak() - memory) / 2**20:.0f} MB"
    tally.counts[outcome] += 1
    tally.slowest = max(tally.slowest, time.process_time() - since)
    if detail:
        tally.failures.append(f"case {number}: {outcome}: {detail}; {case.text:.300}")


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
