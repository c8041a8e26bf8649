"""JAX's persistent compilation cache in the user's cache folder, so that the second run of a kind of fit need not compile."""

import hashlib
import logging
import os
import platform
import tempfile
import warnings
from pathlib import Path
from typing import Any

import jax

log = logging.getLogger("jaxmetal")

# Where to keep them; one of OFF keeps none.
VARIABLE = "JAXMETAL_CACHE_DIR"
OFF = ("", "0", "off", "none")
# Programs that compile faster than this, in seconds, are not worth a file; the folder grows to this
# many bytes.
LEAST_SECONDS, MOST_BYTES = 0.1, 2**30


def keep_compiled() -> Path | None:
    """Let JAX keep what it compiles in the user's cache folder, and use what is there.

        $JAXMETAL_CACHE_DIR   or   $XDG_CACHE_HOME/jaxmetal   or   ~/.cache/jaxmetal

    What the user has set for JAX itself stays. A folder that cannot be written is left alone
    without a word: a cache is a convenience, and a fit must not fail for it.

    Returns
    -------
    folder
        in use, or None.
    """
    settings: Any = jax.config
    if settings.jax_compilation_cache_dir is not None or not settings.jax_enable_compilation_cache:
        return None
    folder = _folder()
    if folder is None or not _writable(folder):
        log.debug("compiled programs are not kept")
        return None
    # Without this package, which JAX does not depend on, JAX refuses a limit; two processes would
    # also get in each other's way.
    jax.config.update("jax_compilation_cache_max_size", MOST_BYTES if _can_lock() else -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # A disk that fills up later, or a file that another process has removed, costs a compilation
    # and nothing else.
    warnings.filterwarnings("ignore", message=".*persistent compilation cache.*")
    return folder


def _folder() -> Path | None:
    """The folder for this kind of processor: a program compiled for one may not run on another that shares the home folder."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None and chosen.strip().lower() in OFF:
        return None
    if chosen is not None:
        root = Path(chosen)
    else:
        # As the XDG Base Directory Specification has it, a relative path there counts for nothing.
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        try:
            root = (given if given.is_absolute() else Path.home() / ".cache") / "jaxmetal"
        except RuntimeError:
            return None
    return (root / hashlib.sha256(processor().encode()).hexdigest()[:12]).absolute()


def processor() -> str:
    """What tells processors apart: their instructions, where the system lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    listed = [line for line in lines if line.startswith(("flags", "Features"))]
    return f"{platform.machine()} {platform.processor()} {''.join(listed[:1])}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _can_lock() -> bool:
    try:
        import filelock  # noqa: F401
    except ImportError:
        return False
    return True
