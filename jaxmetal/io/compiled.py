"""JAX's persistent compilation cache in the user's cache folder.

The second run of a kind of fit need not compile.
"""

import hashlib
import logging
import os
import platform
import stat
import tempfile
import warnings
from pathlib import Path
from typing import Any

import jax

log = logging.getLogger("jaxmetal")

# The environment variable that names the folder.
VARIABLE = "JAXMETAL_CACHE_DIR"
# Its values that turn the cache off.
OFF = ("", "0", "off", "none")
# Programs that compile faster than this, in seconds, are not cached.
LEAST_SECONDS = 0.1
# The size of the cache in bytes, at which JAX removes the oldest programs.
MOST_BYTES = 2**30


def keep_compiled() -> Path | None:
    """Turn on JAX's persistent compilation cache in the user's cache folder.

        $JAXMETAL_CACHE_DIR   or   $XDG_CACHE_HOME/jaxmetal   or   ~/.cache/jaxmetal

    What the user has set for JAX itself stays. A folder that cannot be written is silently not
    used, because a fit must not fail for a cache. One that others can write is not used either, and
    that is said: programs from it would run as the user who reads them.

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
    if open_folder := next((place for place in (folder.parent, folder) if not _own(place)), None):
        log.warning("the cache %s is not used: others can write it (chmod 700)", open_folder)
        return None
    # Without filelock, which JAX does not depend on, JAX refuses a limit of the size.
    jax.config.update("jax_compilation_cache_max_size", MOST_BYTES if _can_lock() else -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # If the disk is full, or another process has removed a file, the program is compiled again.
    warnings.filterwarnings("ignore", message=".*persistent compilation cache.*")
    return folder


def _folder() -> Path | None:
    """The cache for this kind of CPU; a program compiled for one may not run on another."""
    setting = os.environ.get(VARIABLE)
    if setting is not None and setting.strip().lower() in OFF:
        return None
    if setting is not None:
        root = Path(setting)
    else:
        # The XDG Base Directory Specification ignores relative paths.
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        try:
            root = (base if base.is_absolute() else Path.home() / ".cache") / "jaxmetal"
        except RuntimeError:
            return None
    return (root / hashlib.sha256(processor().encode()).hexdigest()[:12]).absolute()


def processor() -> str:
    """The kind of CPU: its architecture and, where the system lists it, its instruction set."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    flags = [line for line in lines if line.startswith(("flags", "Features"))]
    return f"{platform.machine()} {platform.processor()} {''.join(flags[:1])}"


def _writable(folder: Path) -> bool:
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _own(folder: Path) -> bool:
    """Whether only this user, or root, can write a folder."""
    status = folder.stat()
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _can_lock() -> bool:
    try:
        import filelock  # noqa: F401
    except ImportError:
        return False
    return True


def release_programs(share: float = 0.5) -> bool:
    """Forget all compiled programs where they use up the memory maps that a process may have.

    Each program of a CPU takes some of them. Linux allows 65,530 by default, beyond which XLA ends
    the process with a segmentation fault: after some thousands of programs.

    Parameters
    ----------
    share
        of what is allowed, from which on programs are forgotten.

    Returns
    -------
    released
        whether they were; they are compiled again, or read from the cache, when they are needed.
    """
    try:
        allowed = int(Path("/proc/sys/vm/max_map_count").read_text())
        maps = Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:  # another system than Linux
        return False
    if maps < share * allowed:
        return False
    jax.clear_caches()
    return True
