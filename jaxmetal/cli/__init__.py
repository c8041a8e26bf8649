"""The command line: parse the arguments, call a command, report errors."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from jaxmetal.cli.log import progress_log
from jaxmetal.cli.parser import build_parser
from jaxmetal.cli.signals import INTERRUPTED_LINE, Interrupts, exit_on_sigterm
from jaxmetal.cli.statuses import BAD_INPUT, INTERRUPTED
from jaxmetal.errors import InputError, reason


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv
        arguments of the command; those of the process (sys.argv) if left out.

    Returns
    -------
    status
        one of STATUSES.
    """
    interrupts = Interrupts(at_once=argv is None)
    with interrupts.handled():
        try:
            return _run(argv, interrupts)
        except KeyboardInterrupt:
            pass
        except BaseException:
            # The code that was interrupted may have raised another exception in its place.
            if not interrupts.received:
                raise
    print(INTERRUPTED_LINE, file=sys.stderr)
    if argv is None:
        # Otherwise the interpreter waits at its exit for the threads that compute.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    return INTERRUPTED


def _run(argv: Sequence[str] | None, interrupts: Interrupts) -> int:
    arguments = build_parser().parse_args(argv)
    # Not at the top of the module: --help must not wait for the imports of a command.
    import_module(f"jaxmetal.{arguments.needs}")
    interrupts.at_once = False
    if arguments.compiles:
        from jaxmetal.io.compiled import keep_compiled

        keep_compiled()
    try:
        with progress_log(arguments.quiet, getattr(arguments, "log", None)), exit_on_sigterm():
            return arguments.run(arguments) or 0
    except (InputError, OSError) as error:
        text = str(error) if isinstance(error, InputError) else reason(error)
        for line in text.splitlines():
            print(f"jaxmetal: {line}", file=sys.stderr)
        return BAD_INPUT
    except (Exception, SystemExit) as error:
        # Only what a function of the user's own raises is their input.
        from jaxmetal.io.paths import own_failure

        if not (text := own_failure(error)):
            raise
        print(f"jaxmetal: {text}", file=sys.stderr)
        return BAD_INPUT
