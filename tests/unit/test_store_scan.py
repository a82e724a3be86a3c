"""A folder that has not changed is not read again, and a change is never missed."""

import os
from pathlib import Path

import pytest

from trackio.store import scan as scan_module
from trackio.store.scan import Scanner
from trackio.testing.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def read_folders(monkeypatch):
    """The folders that were read, in order."""
    seen = []
    real = os.scandir

    def scandir(path):
        seen.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(scan_module.os, "scandir", scandir)
    return seen


@pytest.fixture
def tree(tmp_path):
    for name in ("p/a/1", "p/a/2", "p/b/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def scanner(tree, clock):
    return Scanner(f"{tree}/", clock)


def _sizes(scanner):
    return {entry.key: entry.size_bytes for entry in scanner.files("")}


def _settle(scanner, clock):
    """List until every folder may be remembered."""
    scanner_sizes = _sizes(scanner)
    clock.advance(2.0)
    assert scanner_sizes == _sizes(scanner)


def test_folders_that_rest_are_not_read_again(scanner, clock, read_folders):
    """Two equal looks, two seconds apart, and only the mtime is asked for."""
    expected = _sizes(scanner)
    clock.advance(1.9)
    assert expected == _sizes(scanner)
    assert 10 - 2 == len(read_folders)
    clock.advance(0.1)
    assert expected == _sizes(scanner)
    read_folders.clear()
    assert expected == _sizes(scanner)
    assert [] == read_folders


def test_only_the_folder_that_changed_is_read(scanner, clock, tree, read_folders):
    """A new file, a removed one, a replaced one: each touches its own folder."""
    _settle(scanner, clock)
    read_folders.clear()
    (tree / "p/b/4").write_bytes(b"new")
    assert {"p/a/1": 1, "p/a/2": 1, "p/b/3": 1, "p/b/4": 3} == _sizes(scanner)
    assert ["b"] == read_folders
    (tree / "p/a/1").unlink()
    (tree / "p/a/.tmp").write_bytes(b"long")
    (tree / "p/a/.tmp").rename(tree / "p/a/2")
    assert {"p/a/2": 4, "p/b/3": 1, "p/b/4": 3} == _sizes(scanner)


def test_a_change_that_no_mtime_shows_is_seen_while_it_is_fresh(scanner, clock, tree):
    """Two changes within one tick of the file system's clock leave one mtime."""
    _sizes(scanner)
    before = (tree / "p/b").stat().st_mtime_ns
    (tree / "p/b/4").write_bytes(b"new")
    os.utime(tree / "p/b", ns=(before, before))
    clock.advance(1.0)
    assert {"p/a/1": 1, "p/a/2": 1, "p/b/3": 1, "p/b/4": 3} == _sizes(scanner)


def test_a_file_that_is_still_growing_is_looked_at_again(scanner, clock, tree):
    """Somebody copies a store into place: sizes change, the folder's mtime does not."""
    for size in (5, 6, 7, 8):
        with (tree / "p/a/1").open("r+b") as file:
            file.truncate(size)
        clock.advance(1.5)
        assert size == _sizes(scanner)["p/a/1"]


def test_an_mtime_that_lies_is_found_out_within_half_a_minute(scanner, clock, tree):
    """Some network mounts invent mtimes: nothing is remembered for longer than grace."""
    _settle(scanner, clock)
    before = (tree / "p/b").stat().st_mtime_ns
    (tree / "p/b/4").write_bytes(b"new")
    os.utime(tree / "p/b", ns=(before, before))
    clock.advance(30.0)
    assert 4 == len(_sizes(scanner))


def test_what_this_process_changed_is_not_remembered(scanner, clock, tree):
    """Its own puts are seen at once, whatever mtimes say."""
    _settle(scanner, clock)
    before = (tree / "p/b").stat().st_mtime_ns
    (tree / "p/b/4").write_bytes(b"new")
    os.utime(tree / "p/b", ns=(before, before))
    scanner.forget("p/b/")
    assert 4 == len(_sizes(scanner))


def test_a_folder_that_vanishes_is_skipped(scanner, clock, tree):
    """Between two looks, and between the listing of its parent and its own."""
    _settle(scanner, clock)
    found = scanner.files("")
    (tree / "p/b/3").unlink()
    (tree / "p/b").rmdir()
    assert {"p/a/1", "p/a/2"} == {entry.key for entry in found}
    assert {"p/a/1": 1, "p/a/2": 1} == _sizes(scanner)


def test_one_folder_is_listed_without_what_lies_deeper(scanner, read_folders):
    """Listing projects reads one folder, however many runs there are."""
    assert ["p/"] == [entry.key for entry in scanner.folder("")]
    assert 1 == len(read_folders)
