"""`open_store` finds the store of an address, and loads no more than it needs."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from trackio.errors import InvalidInput
from trackio.store import is_local, open_store
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore, open_memory

HEAVY = {"pyarrow", "duckdb", "gradio", "pandas", "numpy", "huggingface_hub", "urllib.request"}


@pytest.mark.parametrize(
    "make", [str, Path, lambda path: path.as_uri(), lambda path: f"file:{path}"]
)
def test_a_path_and_a_file_url_open_a_directory(make, tmp_path):
    """All spellings of one folder open the same store."""
    store = open_store(make(tmp_path / "a b"))
    assert isinstance(store, Directory)
    assert (tmp_path / "a b").as_uri() == store.url
    assert is_local(store)


def test_a_path_may_begin_with_the_home_folder(monkeypatch, tmp_path):
    """`~` means what it means in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (tmp_path / "runs").as_uri() == open_store("~/runs").url


def test_a_relative_path_stays_where_it_was(monkeypatch, tmp_path):
    """The store does not move when the process changes its folder."""
    monkeypatch.chdir(tmp_path)
    store = open_store("runs")
    monkeypatch.chdir("/")
    assert (tmp_path / "runs").as_uri() == store.url


def test_opening_touches_nothing(tmp_path):
    """A folder appears with the first put, not before."""
    store = open_store(tmp_path / "new")
    assert [] == list(store.list())
    assert [] == list(tmp_path.iterdir())


def test_a_drive_letter_is_not_a_scheme():
    """`C:/runs` is a path, on Windows as on paper."""
    assert isinstance(open_store("C:/runs"), Directory)


@pytest.mark.parametrize("url", ["x://y", "https://host/path", "abfs://c"])
def test_other_schemes_name_what_is_supported(url):
    """The error says what would work."""
    with pytest.raises(InvalidInput, match=r"not supported.*file:///path"):
        open_store(url)


@pytest.mark.parametrize("url", ["", "memory://", "memory://a/../b"])
def test_an_address_must_say_where(url):
    """An empty or impossible name opens nothing."""
    with pytest.raises(InvalidInput):
        open_store(url)


@pytest.mark.skipif(sys.platform == "win32", reason="there it is a network share")
def test_a_file_url_of_another_host_is_refused():
    """Two slashes instead of three is the usual slip."""
    with pytest.raises(InvalidInput, match="three slashes"):
        open_store("file://runs/mine")


def test_a_memory_store_is_shared_by_its_name():
    """As long as somebody holds it, its URL opens it."""
    store = MemoryStore("shared")
    assert open_store("memory://shared") is store
    assert open_store("memory://other") is not store
    assert not is_local(store)


def test_a_memory_store_that_was_opened_by_its_url_stays():
    """Nobody needs to hold it between writing and reading."""
    open_store("memory://kept").put({"a": b"x"})
    gc.collect()
    assert b"x" == open_memory("kept").get("a")


def test_importing_stores_is_cheap():
    """A training process imports them: nothing heavy may come along."""
    code = "import sys, trackio.store, trackio.store.directory; print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set() == HEAVY & set(printed.stdout.split())
