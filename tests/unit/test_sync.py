"""Copying from store to store: everything arrives, nothing is sent twice, nothing comes back."""

import pytest
from making import PROJECT, RUN_ID, WRITER_ID, calls

from trackio import shard
from trackio.errors import NotFound, StoreUnavailable
from trackio.keys import (
    AliasKey,
    BlobKey,
    ClockKey,
    CondemnedKey,
    ManifestKey,
    MediaKey,
    MetaKey,
    NameKey,
    PackKey,
    PointerKey,
    RegistryEventKey,
    ShardKey,
    TombstoneKey,
)
from trackio.model import EventId, PackId, SeqRange, TombstoneId, VersionId
from trackio.store.directory import Directory
from trackio.store.faulty import Chances, Faulty
from trackio.store.memory import MemoryStore
from trackio.testing.clock import ManualClock
from trackio.upkeep import sync

META = str(MetaKey(PROJECT, RUN_ID))
MEDIA = str(MediaKey(PROJECT, RUN_ID, WRITER_ID, "a" * 64, "png"))
PACK_ID = PackId("0" * 23 + "9")
PACK = str(PackKey(PROJECT, PACK_ID))
POINTER = str(PointerKey(PROJECT, RUN_ID, WRITER_ID, 0, 9, PACK_ID))
TOMBSTONE = TombstoneKey(PROJECT, RUN_ID, TombstoneId("0" * 23 + "3"))


class Order(MemoryStore):
    """Remembers what was put, batch by batch."""

    def __init__(self):
        super().__init__()
        self.puts = []

    def put(self, files):
        self.puts.append(sorted(files))
        super().put(files)


@pytest.fixture
def source():
    """Two shards, what they need, and a packed stretch."""
    store = MemoryStore()
    store.put({META: b"{}", str(NameKey(PROJECT, "n", RUN_ID)): b"", MEDIA: b"png"})
    _put_shards(store, 10, 11)
    store.put({PACK: b"a pack", POINTER: b""})
    return store


def _key(first, last=None):
    return str(ShardKey(PROJECT, RUN_ID, WRITER_ID, first, first if last is None else last))


def _shard(first, last=None):
    end = first if last is None else last
    return shard.encode(calls(first, end), RUN_ID, WRITER_ID, SeqRange(first, end))


def _put_shards(store, *firsts):
    store.put({_key(first): _shard(first) for first in firsts})


def _files(store):
    return {entry.key: store.get(entry.key) for entry in store.list()}


def test_everything_arrives_and_a_second_time_puts_nothing(source):
    """The same names, the same bytes, and the count of what was there already."""
    target = Order()
    first = sync.copy(source, target)
    assert _files(source) == _files(target)
    assert (7, 0, 1, []) == (first.files, first.present, first.projects, first.vanished)
    done = len(target.puts)
    again = sync.copy(source, target)
    assert (0, 7) == (again.files, again.present)
    assert done == len(target.puts)


def test_what_others_need_goes_before_them(source):
    """Tombstones, then meta and media, then rows, then pointers: each in batches of their own."""
    source.put({str(TombstoneKey(PROJECT, "another", TOMBSTONE.tombstone_id)): b""})
    target = Order()
    sync.copy(source, target)
    stages = [{_stage(name) for name in batch} for batch in target.puts]
    assert [{"tombstone"}, {"needed"}, {"rows"}, {"pointer"}] == stages


def _stage(name):
    if "/deleted/" in name:
        return "tombstone"
    if name == POINTER:
        return "pointer"
    return "rows" if name == PACK or name in (_key(10), _key(11)) else "needed"


def test_it_can_be_broken_off_anywhere_and_done_again(source):
    """Whatever fails, the target is a valid project, and in the end the same."""
    for seed in range(200):
        target = MemoryStore()
        chances = Chances(failed=0.3, lost=0.2, partial=0.2, torn=0.1)
        for attempt in range(100):
            through = Faulty(target, chances.chooser(seed * 100 + attempt), seed=seed)
            try:
                sync.copy(source, through)
            except StoreUnavailable:
                assert POINTER not in _files(target) or PACK in _files(target)
            else:
                break
        assert _files(source).keys() == _files(target).keys()


@pytest.mark.parametrize("local", [True, False])
def test_a_shard_that_another_process_wrote_otherwise_is_kept_if_it_reads_whole(
    source, tmp_path, local
):
    """Equal rows, other bytes; a torn one is put again."""
    target = Directory(tmp_path) if local else MemoryStore()
    sync.copy(source, target)
    other = shard.encode(calls(10, 10), RUN_ID, WRITER_ID, SeqRange(10, 10)) + b""
    torn = other[: len(other) // 2]
    target.put({_key(10): torn, MEDIA: b"half a pn"})
    assert 2 == sync.copy(source, target).files
    assert _files(source) == _files(target)


def test_what_people_edited_in_the_target_stays(source):
    """A sync never replaces a meta.json."""
    target = MemoryStore()
    target.put({META: b'{"name": "renamed there"}'})
    sync.copy(source, target)
    assert b'{"name": "renamed there"}' == target.get(META)


@pytest.mark.parametrize("where", ["source", "target"])
def test_what_was_deleted_in_either_does_not_come_back(source, where):
    """The tombstone goes over, what it hides does not; nothing is deleted."""
    target = MemoryStore()
    target.put({_key(10): _shard(10)})
    (source if where == "source" else target).put({str(TOMBSTONE): b""})
    sync.copy(source, target)
    files = _files(target)
    assert str(TOMBSTONE) in files
    assert _key(10) in files
    assert {_key(11), POINTER, MEDIA}.isdisjoint(files)


def test_what_jobs_note_of_a_store_is_not_copied(source):
    """Watermarks, clocks and marks are true of one store alone."""
    clock, mark = str(ClockKey(PROJECT, "job")), str(CondemnedKey(PROJECT, PACK_ID))
    source.put({clock: b"", mark: b""})
    target = MemoryStore()
    sync.copy(source, target)
    assert {clock, mark}.isdisjoint(_files(target))


def test_a_pointer_whose_pack_is_gone_stays_behind(source):
    """It would name nothing."""
    source.delete([PACK])
    target = MemoryStore()
    sync.copy(source, target)
    assert POINTER not in _files(target)


def test_what_a_living_run_merges_meanwhile_arrives_merged(source):
    """A file that goes between listing and reading means: list again."""
    merged = _key(10, 11)

    def merge_once(op, key):
        if op == "get" and key == _key(10) and merged not in _files(source):
            source.put({merged: _shard(10, 11)})
            source.delete([_key(10), _key(11)])

    target = MemoryStore()
    done = sync.copy(Faulty(source, before=merge_once), target)
    assert [] == done.vanished
    assert merged in _files(target)


def test_a_plan_says_what_would_be_done_and_does_nothing(source):
    """For `--dry-run`."""
    target = MemoryStore()
    (planned,) = sync.plan_all(source, target)
    assert str(planned).startswith(f"{PROJECT}: put 7 files (")
    assert {} == _files(target)


def test_only_the_project_that_was_named_is_copied(source):
    """And one that does not exist is an error."""
    source.put({"q/runs/r/meta.json": b"{}"})
    target = MemoryStore()
    assert 1 == sync.copy(source, target, project="q").files
    assert ["q/runs/r/meta.json"] == list(_files(target))
    with pytest.raises(NotFound, match="no project 'nope'"):
        sync.copy(source, target, project="nope")


def test_progress_is_told(source):
    """Batch by batch."""
    told = []
    sync.copy(source, MemoryStore(), tick=lambda files, size: told.append((files, size)))
    assert 7 == sum(files for files, _ in told)
    assert sum(map(len, _files(source).values())) == sum(size for _, size in told)


BLOB = str(BlobKey(PROJECT, "b" * 64))
MANIFEST = str(ManifestKey(PROJECT, "model", VersionId("0" * 24)))
ALIAS = str(AliasKey(PROJECT, "model", "best"))
EVENT = str(RegistryEventKey("team", EventId("0" * 24)))


def test_artifacts_go_blobs_first_and_registries_last(source):
    """Whoever reads meanwhile never finds a version without its files."""
    source.put({EVENT: b"{}", ALIAS: b"{}", MANIFEST: b"{}", BLOB: b"bytes"})
    target = Order()
    sync.copy(source, target)
    order = [key for put in target.puts for key in put if key in (BLOB, MANIFEST, ALIAS, EVENT)]
    assert [BLOB, MANIFEST, ALIAS, EVENT] == order
    assert 0 == sync.copy(source, target).files


def test_the_newer_of_two_aliases_counts():
    """An alias is all that may change; it goes where it is older."""
    clock = ManualClock()
    here, there = MemoryStore(clock=clock), MemoryStore(clock=clock)
    here.put({MANIFEST: b"{}", str(MetaKey(PROJECT, RUN_ID)): b"{}", ALIAS: b"old"})
    sync.copy(here, there)
    clock.advance(1.0)
    there.put({ALIAS: b"new"})
    assert 0 == sync.copy(here, there).files
    assert 1 == sync.copy(there, here).files
    assert b"new" == here.get(ALIAS)
