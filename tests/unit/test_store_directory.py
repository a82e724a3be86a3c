"""What a directory does beyond the laws of every store: durability, errors, foreign files."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from trackio.errors import InvalidInput, StoreRefused, StoreUnavailable
from trackio.store.directory import Directory

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/fd")


@pytest.fixture
def store(tmp_path):
    return Directory(tmp_path / "store")


def _keys(store, prefix=""):
    return {entry.key for entry in store.list(prefix)}


def _all_files(folder: Path):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _name(descriptor):
    """The path behind a descriptor, as Linux tells it."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _fail(monkeypatch, name, number, when=lambda *_: True):
    """Let a function of `os` fail with this error number."""
    real = getattr(os, name)

    def failing(*args, **kwargs):
        if when(*args):
            raise OSError(number, os.strerror(number))
        return real(*args, **kwargs)

    monkeypatch.setattr(f"trackio.store.directory.os.{name}", failing)


def test_what_begins_with_a_dot_is_not_listed(store, tmp_path):
    """The journal, the spool and temporary files lie beside projects."""
    store.put({"p/a": b""})
    for name in (".journal/x", "p/.tmp", ".file"):
        path = tmp_path / "store" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert {"p/a"} == _keys(store)
    assert {"p/"} == {entry.key for entry in store.list(recursive=False)}


def test_what_others_write_and_remove_is_seen(store, tmp_path):
    """The listing is the folder's, whoever changes it."""
    store.put({"p/a": b"", "q/b": b""})
    assert {"p/a", "q/b"} == _keys(store)
    (tmp_path / "store/p/c").write_bytes(b"xyz")
    (tmp_path / "store/q/b").unlink()
    (tmp_path / "store/q").rmdir()
    assert {"p/a", "p/c"} == _keys(store)


def test_links_are_followed_but_not_in_circles(store, tmp_path):
    """A project may live on another disk; a link to a folder above it would never end."""
    store.put({"p/a": b"", "p/q/b": b""})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c").write_bytes(b"")
    root = tmp_path / "store"
    (root / "linked").symlink_to(elsewhere)
    (root / "p/up").symlink_to(root)
    (root / "p/q/self").symlink_to(root / "p/q")
    (root / "p/broken").symlink_to(tmp_path / "nowhere")
    (root / "p/circle").symlink_to(root / "p/circle")
    assert {"p/a", "p/q/b", "linked/c"} == _keys(store)


def test_only_files_are_listed(store, tmp_path):
    """A pipe in the folder is not a file of the store, and reading it would hang."""
    store.put({"a": b""})
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "store/pipe")
    assert {"a"} == _keys(store)


def test_a_batch_that_fails_leaves_nothing_behind(store, tmp_path, monkeypatch):
    """No half file, no temporary file; what was there stays."""
    store.put({"p/old": b"old"})
    _fail(monkeypatch, "fsync", errno.EIO)
    with pytest.raises(StoreUnavailable) as failure:
        store.put({"p/old": b"new", "q/other": b"x"})
    assert {"p/old", "q/other"} == failure.value.keys
    assert {"p/old"} == _all_files(tmp_path / "store")
    assert b"old" == store.get("p/old")


def test_a_batch_that_fails_at_a_later_file_leaves_no_temporary_files(store, tmp_path, monkeypatch):
    """Those that were written before it are removed again."""
    _fail(monkeypatch, "replace", errno.EIO)
    with pytest.raises(StoreUnavailable):
        store.put({"p/a": b"x", "p/b": b"y", "p/c": b""})
    assert set() == _all_files(tmp_path / "store")


def test_a_folder_is_no_key_to_delete(store, monkeypatch):
    """Some systems answer EPERM where others say that it is a folder."""
    store.put({"p/a": b"x"})
    _fail(monkeypatch, "unlink", errno.EPERM)
    store.delete(["p"])
    with pytest.raises(StoreRefused):
        store.delete(["p/a"])
    assert {"p/a"} == _keys(store)


@needs_proc
def test_every_file_and_every_new_folder_is_synced(store, monkeypatch):
    """A put that returned survives a power cut: its bytes, its name and its folders' names."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(_name(fd)))
    store.put({"p/runs/a": b"x", "p/runs/b": b"y"})
    root = str(store.path("p").parent)
    folders = [path for path in synced if not path.endswith(".tmp")]
    assert 2 == len(synced) - len(folders)
    parent = str(Path(root).parent)
    assert sorted([parent, root, f"{root}/p", f"{root}/p/runs"]) == sorted(folders)
    synced.clear()
    store.put({"p/runs/c": b"", "p/runs/d": b""})
    assert [f"{root}/p/runs"] == synced


@needs_proc
def test_a_folder_that_another_process_made_is_synced_too(store, tmp_path, monkeypatch):
    """It may not be on the disk yet, and the file would go with it."""
    (tmp_path / "store/p/runs").mkdir(parents=True)
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(_name(fd)))
    store.put({"p/runs/c": b""})
    root = str(tmp_path / "store")
    assert sorted([root, f"{root}/p", f"{root}/p/runs"]) == sorted(synced)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EPERM, "not permitted"),
        (errno.ENAMETOOLONG, "shorter"),
    ],
)
def test_what_somebody_must_mend_is_refused(store, monkeypatch, number, advice):
    """Trying again would not help, so the message says what would."""
    _fail(monkeypatch, "fsync", number)
    with pytest.raises(StoreRefused, match=advice):
        store.put({"a": b"x"})


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ETIMEDOUT])
def test_what_may_pass_is_unavailable(store, monkeypatch, number):
    """By every verb that touches the disk; the error names what to send again."""
    store.put({"p/a": b"x", "p/b": b""})
    with monkeypatch.context() as patch:
        _fail(patch, "unlink", number)
        with pytest.raises(StoreUnavailable) as failure:
            store.delete(["p/a", "p/b"])
        assert {"p/a", "p/b"} == failure.value.keys
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", _raising(number))
        with pytest.raises(StoreUnavailable):
            store.get("p/a")
    with monkeypatch.context() as patch:
        patch.setattr("trackio.store.scan.os.scandir", _raising(number))
        with pytest.raises(StoreUnavailable):
            list(store.list())


def _raising(number):
    def raising(*_):
        raise OSError(number, os.strerror(number))

    return raising


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(store, monkeypatch):
    """A listing that is not whole is an error: somebody might delete on account of it."""
    store.put({"p/a": b"x"})
    monkeypatch.setattr("trackio.store.scan.os.scandir", _raising(errno.EACCES))
    with pytest.raises(StoreRefused, match="cannot list"):
        list(store.list())


def test_a_file_where_a_folder_is_needed_is_the_callers_mistake(store):
    """A directory cannot hold `a` and `a/b`; the error says so."""
    store.put({"a": b"x", "c/d": b""})
    for key in ("a/b", "a/b/c", "c"):
        with pytest.raises(InvalidInput, match="same name"):
            store.put({key: b""})
    assert {"a", "c/d"} == _keys(store)


def test_a_folder_that_is_removed_again_and_again_ends_in_an_error(store, monkeypatch):
    """A put does not spin for ever."""
    _fail(monkeypatch, "open", errno.ENOENT, when=lambda path, *_: path.endswith(".tmp"))
    with pytest.raises(StoreUnavailable, match="again and again"):
        store.put({"p/a": b"x"})


def test_a_file_system_that_cannot_sync_folders_is_used_anyway(store, monkeypatch):
    """Some network mounts answer EINVAL; there is nothing better to be had from them."""
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put({"p/a": b"x"})
    assert b"x" == store.get("p/a")


def test_a_name_that_differs_only_by_case_is_refused_where_case_is_lost(
    store, tmp_path, monkeypatch
):
    """On such a file system two projects would quietly become one.

    The file system is played by a link that `listdir` does not show.
    """
    store.put({"Digits/a": b""})
    (tmp_path / "store/digits").symlink_to(tmp_path / "store/Digits")
    (tmp_path / "store/DIGITS").symlink_to(tmp_path / "store/Digits")
    monkeypatch.setattr("trackio.store.directory.os.listdir", lambda _: ["Digits"])
    with pytest.raises(InvalidInput, match="differs only by case from 'Digits'"):
        store.put({"digits/b": b"x"})
    assert {"Digits/a"} == {key for key in _keys(store) if key.startswith("Digits")}
    store.put({"Digits/b": b"x"})


def test_names_that_differ_by_case_are_two_where_case_counts(store, tmp_path):
    """Nothing is refused on a file system that can tell them apart."""
    store.put({"p/a": b"1"})
    if (tmp_path / "store/P").exists():
        pytest.skip("this file system loses case")
    store.put({"P/a": b"2"})
    assert (b"1", b"2") == (store.get("p/a"), store.get("P/a"))


def test_the_root_stays_when_all_is_deleted(store, tmp_path):
    """Only folders below it are the store's to remove."""
    store.put({"a/b/c": b""})
    store.delete(["a/b/c"])
    assert [] == list((tmp_path / "store").iterdir())


def test_a_stray_temporary_file_keeps_its_folder(store, tmp_path):
    """A put that is on its way must find its folder."""
    store.put({"a/b": b""})
    (tmp_path / "store/a/.0123.tmp").write_bytes(b"")
    store.delete(["a/b"])
    assert set() == _keys(store)
    assert (tmp_path / "store/a").is_dir()
