"""Folders are private, and a cache that others can write is not read: its programs would run."""

import os

import jax
import pytest

from jaxmetal.io.compiled import keep_compiled
from jaxmetal.io.results import whole_folder

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.fixture
def open_to_all():
    """A user whose files everybody may write."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """keep_compiled() with a cache of its own, and JAX as it was afterwards."""
    names = [
        "jax_compilation_cache_dir",
        "jax_compilation_cache_max_size",
        "jax_persistent_cache_min_compile_time_secs",
    ]
    settings = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("JAXMETAL_CACHE_DIR", str(tmp_path / "cache"))
    yield keep_compiled
    for name, value in settings.items():
        jax.config.update(name, value)


def test_a_new_cache_is_private(kept, open_to_all, tmp_path):
    folder = kept()
    assert folder.parent == tmp_path / "cache"
    assert [place.stat().st_mode & 0o777 for place in (folder, folder.parent)] == [0o700, 0o700]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
@pytest.mark.parametrize("inner", [False, True])
def test_a_cache_that_others_can_write_is_not_used(kept, tmp_path, caplog, mode, inner):
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)
    if inner:
        place = kept()
        jax.config.update("jax_compilation_cache_dir", None)
    place.chmod(mode)
    assert kept() is None and jax.config.jax_compilation_cache_dir is None
    assert f"the cache {place} is not used: others can write it" in caplog.text


def test_what_others_may_only_read_is_used(kept, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o755)
    assert kept() is not None


def test_results_are_private(open_to_all, tmp_path):
    with whole_folder(tmp_path / "out") as part:
        (part / "a").write_text("a")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
