"""Filing bytes: by content, once, under the writer that has them then, whole or not at all."""

import errno
import threading
from hashlib import sha256

import pytest
from making import HEADER, WRITER_ID, header

from trackio.catalog import list_project
from trackio.keys import MediaKey, TombstoneKey
from trackio.model import TombstoneId, WriterId
from trackio.settings import FlushPolicy
from trackio.store.directory import Directory
from trackio.values.markdown import Markdown
from trackio.values.plain import MAX_INLINE
from trackio.writer import Writer
from trackio.writer import media as module
from trackio.writer.media import Media
from trackio.writer.publisher import Publisher

OTHER = WriterId("0" * 23 + "9")


@pytest.fixture
def store(tmp_path):
    return Directory(tmp_path / "store")


@pytest.fixture
def media(store):
    return Media(store, HEADER)


def _key(data, extension, writer_id=WRITER_ID):
    digest = sha256(data).hexdigest()
    return str(MediaKey(HEADER.project, HEADER.run_id, writer_id, digest, extension))


def _listed(store):
    return sorted(entry.key for entry in store.list())


def test_bytes_and_files_are_filed_by_content(store, media, tmp_path):
    """They can be read when `hold` returns."""
    path = tmp_path / "a file"
    path.write_bytes(b"x" * 3_000_000)
    for content, data in ((b"abc", b"abc"), (path, path.read_bytes()), (b"", b"")):
        held = media.hold(content, "bin")
        assert (sha256(data).hexdigest(), "bin", len(data)) == held
        assert data == store.get(_key(data, "bin"))


def test_the_same_bytes_are_put_once(store, media, tmp_path):
    """Also from a file, and however often; another extension is another file."""
    path = tmp_path / "a file"
    path.write_bytes(b"abc")
    media.hold(b"abc", "png")
    before = store.path(_key(b"abc", "png")).stat()
    media.hold(b"abc", "png")
    media.hold(path, "png")
    after = store.path(_key(b"abc", "png")).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    media.hold(b"abc", "jpg")
    assert [_key(b"abc", "jpg"), _key(b"abc", "png")] == _listed(store)
    assert not list(store.path("p").rglob("*.tmp"))


def test_what_was_filed_is_told_once_it_is_synced(media):
    """In the order of filing; what comes later is told later."""
    media.hold(b"a", "x")
    media.hold(b"b", "x")
    assert [_key(b"a", "x"), _key(b"b", "x")] == media.settle()
    assert [] == media.settle()
    media.hold(b"a", "x")
    media.hold(b"c", "x")
    assert [_key(b"c", "x")] == media.settle()


def test_what_was_sent_meanwhile_is_no_error(store, media):
    """The spool's thread, or a deletion, was quicker."""
    media.hold(b"a", "x")
    store.delete([_key(b"a", "x")])
    assert [_key(b"a", "x")] == media.settle()


def test_a_writer_that_takes_another_id_takes_its_media_along(store, media):
    """All of them are told again, under their new names."""
    media.hold(b"a", "x")
    media.settle()
    media.hold(b"b", "x")
    media.rename(OTHER)
    media.hold(b"c", "x")
    expected = [_key(data, "x", OTHER) for data in (b"a", b"b", b"c")]
    assert sorted(expected) == _listed(store)
    assert expected == media.settle()


def test_nothing_is_left_behind_by_a_file_that_cannot_be_written(store, media, monkeypatch):
    """No half file, no draft; later there may be room."""
    real = module._create

    class Full:
        def __init__(self, path):
            self._file = real(path)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self._file.close()

        def write(self, _data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_create", Full)
    with pytest.raises(OSError, match="No space"):
        media.hold(b"abc", "x")
    assert [] == _listed(store) == media.settle()
    assert not [path for path in store.path("p").rglob("*") if path.is_file()]
    monkeypatch.setattr(module, "_create", real)
    media.hold(b"abc", "x")
    assert b"abc" == store.get(_key(b"abc", "x"))


def test_a_missing_file_is_an_error_of_the_file(media, tmp_path):
    """The call that names it is told."""
    with pytest.raises(FileNotFoundError):
        media.hold(tmp_path / "gone", "x")


def test_many_threads_file_at_once(store, media):
    """The same and other bytes, while the writer takes another id."""
    start = threading.Barrier(9)

    def file(number):
        start.wait()
        for n in range(50):
            media.hold(b"%d" % (n if number % 2 else n + number * 100), "x")

    threads = [threading.Thread(target=file, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    media.rename(OTHER)
    for thread in threads:
        thread.join()
    wanted = {b"%d" % n for n in range(50)}
    wanted |= {b"%d" % (n + k * 100) for n in range(50) for k in range(0, 8, 2)}
    assert {_key(data, "x", OTHER) for data in wanted} <= set(_listed(store))
    assert {_key(data, "x", OTHER) for data in wanted} == set(media.settle())
    assert not list(store.path("p").rglob("*.tmp"))


def test_media_follow_a_writer_whose_run_was_deleted(store, tmp_path):
    """It takes an id that the tombstone does not hide, and its rows find their bytes there."""
    told = []
    resumed = header(is_new_run=False)
    policy = FlushPolicy()
    writer = Writer(resumed, tmp_path / "journal", policy=policy, media=Media(store, resumed))
    publisher = Publisher(writer, store, target=store, policy=policy, on_put=told.extend)
    tombstone = TombstoneId("f" * 23 + "0")
    store.put({str(TombstoneKey(resumed.project, resumed.run_id, tombstone)): b""})
    text = "long " * MAX_INLINE
    writer.log({"report": Markdown(text)})
    publisher.publish()
    writer.close()
    (run,) = list_project(store, resumed.project).runs.values()
    (files,) = run.writers.values()
    (key,) = files.media
    assert tombstone < files.writer_id == key.writer_id
    assert {} == dict(run.hidden)
    assert told.index(str(key)) < told.index(next(k for k in told if k.endswith(".parquet")))
