"""What a listing says: runs, writers, tombstones, packs, and what is foreign."""

import pytest
from making import PROJECT, RUN_ID, WRITER_ID

from trackio import catalog
from trackio.keys import (
    ClaimKey,
    CondemnedKey,
    MediaKey,
    MetaKey,
    NameKey,
    PackKey,
    PointerKey,
    ShardKey,
    TombstoneKey,
)
from trackio.model import PackId, RunId, TombstoneId, WriterId
from trackio.store.directory import Directory
from trackio.store.faulty import Faulty
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock

OTHER = WriterId("0" * 23 + "7")
PACK = PackId("a" * 24)


def _shard(first, last, writer=WRITER_ID, run=RUN_ID):
    return ShardKey(PROJECT, run, writer, first, last)


def _tombstone(identifier):
    return TombstoneKey(PROJECT, RUN_ID, TombstoneId(identifier))


@pytest.fixture
def store():
    return MemoryStore(clock=ManualClock())


def _put(store, *found):
    store.put({str(key): b"" for key in found})


def test_a_project_is_a_folder_that_holds_runs(store):
    """Other folders, files beside them and hidden names are none."""
    _put(store, MetaKey("b", RUN_ID), MetaKey("a b/c", RUN_ID))
    store.put({"other/file": b"", "file": b"", "notes/runs": b""})
    assert ["a b/c", "b"] == catalog.list_projects(store)


def test_a_snapshot_has_the_cover_of_each_writer(store):
    """From names alone; no file is opened."""
    _put(store, MetaKey(PROJECT, RUN_ID), _shard(0, 4), _shard(5, 9), _shard(0, 9))
    _put(store, _shard(0, 0, OTHER), MediaKey(PROJECT, RUN_ID, OTHER, "0" * 64, "png"))
    _put(store, NameKey(PROJECT, "n", RUN_ID), ClaimKey(PROJECT, OTHER, 3, "mail"))
    snapshot = catalog.list_project(store, PROJECT)
    (run,) = snapshot.runs.values()
    assert [WRITER_ID, OTHER] == list(run.writers)
    assert [_shard(0, 9)] == [taken.key for taken in run.writers[WRITER_ID].cover.taken]
    assert 1 == len(run.writers[OTHER].media)
    assert run.meta.key == str(MetaKey(PROJECT, RUN_ID))
    assert not run.is_deleted
    assert () == snapshot.foreign


def test_an_unknown_project_is_an_empty_snapshot(store):
    """Nobody has written to it yet."""
    assert {} == dict(catalog.list_project(store, "unknown").runs)


def test_a_run_without_meta_or_without_writers_is_listed(store):
    """One that has just begun, or whose meta.json was lost."""
    _put(store, MetaKey(PROJECT, RunId("only-meta")), _shard(0, 0, run=RunId("only-shard")))
    snapshot = catalog.list_project(store, PROJECT)
    assert {"only-meta", "only-shard"} == set(snapshot.runs)
    assert snapshot.runs[RunId("only-shard")].meta is None


def test_foreign_files_are_told_and_do_no_harm(tmp_path):
    """Editors, file managers, and names that are no text at all."""
    store = Directory(tmp_path)
    _put(store, _shard(0, 0))
    folder = tmp_path / PROJECT / "runs" / RUN_ID
    (folder / "Thumbs.db").write_bytes(b"")
    bad = bytes(folder) + b"/caf\xe9.txt"
    with open(bad, "wb"):  # noqa: PTH123 - a path that is no text
        pass
    snapshot = catalog.list_project(store, PROJECT)
    assert 1 == len(snapshot.runs)
    assert 2 == len(snapshot.foreign)
    with open(bytes(tmp_path) + b"/\xe9", "wb"):  # noqa: PTH123 - as above
        pass
    assert [PROJECT] == catalog.list_projects(store)


def test_a_tombstone_hides_the_writers_that_sort_below_it(store):
    """For ever, and only these."""
    _put(store, MetaKey(PROJECT, RUN_ID), _shard(0, 0), _shard(0, 0, OTHER))
    _put(store, _tombstone("0" * 23 + "3"), _tombstone("0" * 24))
    (run,) = catalog.list_project(store, PROJECT).runs.values()
    assert ([OTHER], [WRITER_ID]) == (list(run.writers), list(run.hidden))
    assert not run.is_deleted
    _put(store, _tombstone("f" * 24))
    (run,) = catalog.list_project(store, PROJECT).runs.values()
    assert run.is_deleted


def test_pointers_hold_rows_only_while_their_pack_is_listed(store):
    """The shard under them serves otherwise; a condemned pack still holds."""
    pointer = PointerKey(PROJECT, RUN_ID, WRITER_ID, 0, 4, PACK)
    _put(store, _shard(0, 4), pointer)
    assert [_shard(0, 4)] == _taken(catalog.list_project(store, PROJECT))
    _put(store, PackKey(PROJECT, PACK), CondemnedKey(PROJECT, PACK))
    snapshot = catalog.list_project(store, PROJECT)
    assert [pointer] == _taken(snapshot)
    assert [PACK] == list(snapshot.packs) == list(snapshot.condemned)


def _taken(snapshot):
    return [
        taken.key
        for run in snapshot.runs.values()
        for files in run.writers.values()
        for taken in files.cover.taken
    ]


def test_without_the_unreadable_the_files_under_them_serve(store):
    """A walk done again, not a listing."""
    _put(store, _shard(0, 4), _shard(5, 9), _shard(0, 9), MetaKey(PROJECT, RUN_ID))
    snapshot = catalog.list_project(store, PROJECT)
    left = snapshot.without([str(_shard(0, 9))])
    assert [_shard(0, 4), _shard(5, 9)] == _taken(left)
    assert [_shard(0, 4)] == _taken(left.without([str(_shard(5, 9))]))
    assert {str(_shard(0, 9))} == left.unreadable
    pack, pointer = PackKey(PROJECT, PACK), PointerKey(PROJECT, RUN_ID, WRITER_ID, 0, 9, PACK)
    _put(store, pack, pointer)
    packed = catalog.list_project(store, PROJECT)
    assert [pointer] == _taken(packed)
    assert [_shard(0, 9)] == _taken(packed.without([str(pack)]))


def test_the_revision_changes_with_what_is_listed_and_with_nothing_else(store):
    """The same in every process, in whichever order the store lists."""
    _put(store, _shard(0, 4), MetaKey(PROJECT, RUN_ID))
    first = catalog.list_project(store, PROJECT)
    assert first.revision == catalog.list_project(store, PROJECT).revision
    revisions = {first.revision, first.without([str(_shard(0, 4))]).revision}
    for key in (
        _shard(5, 9),
        MetaKey(PROJECT, RUN_ID),
        PackKey(PROJECT, PACK),
        _tombstone("1" * 24),
    ):
        _put(store, key)
        revisions.add(catalog.list_project(store, PROJECT).revision)
    assert 6 == len(revisions)


def test_a_merge_seen_half_way_is_listed_again(store):
    """The sources were deleted while the listing went past the merged file's place."""
    _put(store, _shard(3, 5), _shard(6, 8))
    pages = []

    def merge_meanwhile(op, _prefix):
        pages.append(op)
        if len(pages) == 2:  # the first page was read, and was empty of it
            _put(store, _shard(0, 8))
            store.delete([str(_shard(3, 5)), str(_shard(6, 8))])

    listed = catalog.list_project(Faulty(store, before=merge_meanwhile, page_keys=1), PROJECT)
    assert (0, 8) in [(key.first, key.last) for key in _taken(listed)]
    (run,) = listed.runs.values()
    assert () == run.writers[WRITER_ID].cover.gaps


def test_one_writer_can_be_listed_alone(store):
    """What its own roll-up and a recoverer need."""
    _put(store, _shard(0, 4), _shard(0, 9, OTHER))
    files = catalog.list_writer(store, PROJECT, RUN_ID, WRITER_ID)
    assert [_shard(0, 4)] == list(files.ranges)
    assert 5 == files.cover.end
    assert files.newest_s == max(entry.time_s for entry in files.ranges.values())
    nothing = catalog.list_writer(store, PROJECT, RUN_ID, WriterId("0" * 8 + "1234" + "0" * 12))
    assert 0x1234 / 1000 == nothing.newest_s


def test_runs_are_found_by_any_name_they_had(store):
    """Oldest id first; `meta.json` decides what they are called now."""
    first, second = RunId("0" * 23 + "1"), RunId("0" * 23 + "2")
    _put(store, NameKey(PROJECT, "a b", second), NameKey(PROJECT, "a b", first))
    _put(store, NameKey(PROJECT, "a", RunId("3")))
    assert [first, second] == catalog.find_runs_named(store, PROJECT, "a b")
    assert [] == catalog.find_runs_named(store, PROJECT, "nobody")
