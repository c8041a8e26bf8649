"""Which programs are compiled in a part of a test."""

import contextlib

import jax

COMPILED = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def compilations():
    """A list that fills with the names of the programs compiled meanwhile, in any thread."""
    programs = []

    def listen(event, seconds, **details):
        if event == COMPILED:
            programs.append(details["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield programs
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
