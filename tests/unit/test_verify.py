"""`verify` finds everything that is wrong, and nothing that is not."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from trackio import keys, rows, shard
from trackio.errors import NotFound
from trackio.model import Entry, PackId, RunId, SeqRange, WriterId
from trackio.store.base import Store
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter, put_pack
from trackio.upkeep.verify import Report, verify

PACK = "0" * 24
MUCH_LATER_S = 10_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Store:
    """A store that is read in place and one that is fetched, both with the test's time."""
    if request.param == "directory":
        return Directory(tmp_path / "store", clock=clock)
    return MemoryStore(clock=clock)


def now_s(store: Store) -> float:
    """The time of the newest file."""
    return max(entry.time_s for entry in store.list())


def checked(store: Store, *, later_s: float = 0.0) -> Report:
    return verify(store, "p", now_s=now_s(store) + later_s)


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.level, finding.subject) for finding in report.findings]


def written(store: Store, run_id: str = "run", *, calls: int = 12) -> HandWriter:
    """A writer of so many calls, the last of which says that it finished."""
    writer = HandWriter(store, "p", run_id)
    writer.put_meta(run_id)
    for i in range(calls - 3):
        writer.log({"a": float(i), "b": float(i)})
    writer.finish()
    return writer


def owner(writer: HandWriter) -> str:
    return f"{writer.run_id}/{writer.writer_id}"


def test_a_clean_project_has_no_findings(store: Store):
    """Shards, merges beside what they were made of, packs, and a deleted run."""
    writer = written(store, "shards")
    for first, last in ((0, 5), (3, 8), (9, 11), (0, 8)):
        writer.put(first, last)
    one, other = written(store, "one"), written(store, "other")
    put_pack(PACK, [(one, 0, 11), (other, 0, 5)])
    other.put(4)
    deleted = written(store, "deleted")
    deleted.put(5)
    store.put({f"p/deleted/deleted/{'f' * 24}": b""})
    report = checked(store, later_s=MUCH_LATER_S)
    assert [] == found(report)
    assert () == report.errors
    assert 4 == report.files


def test_a_project_that_is_written_has_no_findings(store: Store):
    """A writer that is alive has not finished, and that is well."""
    writer = HandWriter(store, "p", "run")
    writer.put_meta("run")
    writer.log({"a": 1.0})
    writer.put()
    assert [] == found(checked(store, later_s=599))


def test_a_gap_is_late_and_then_missing(store: Store):
    """Uploads arrive out of order; after ten minutes nobody waits any more."""
    writer = written(store)
    writer.put(0, 3)
    writer.put(7, 11)
    assert [("late", "note", owner(writer))] == found(checked(store, later_s=599))
    (finding,) = checked(store, later_s=601).findings
    assert ("missing", "error", "trackio recover") == (
        finding.kind,
        finding.level,
        finding.command,
    )
    assert "calls 4 to 6" in finding.message


def test_a_writer_that_fell_silent_may_have_more(store: Store):
    """Its journal knows; a note tells how to ask it."""
    writer = HandWriter(store, "p", "run")
    writer.put_meta("run")
    writer.put()
    (finding,) = checked(store, later_s=601).findings
    assert ("unknown end", "note", "trackio recover") == (
        finding.kind,
        finding.level,
        finding.command,
    )


def test_calls_that_a_finish_row_knows_of_are_missing(store: Store):
    """It says which was the last; the files end before it."""
    writer = HandWriter(store, "p", "run")
    writer.put_meta("run")
    writer.say("run", "finish", {"state": "finished", "last_seq": 9})
    writer.put()
    (finding,) = checked(store).findings
    assert ("missing", owner(writer)) == (finding.kind, finding.subject)
    assert "call 9" in finding.message


@pytest.mark.parametrize("damage", ["cut", "empty", "bits", "other rows"])
def test_a_file_that_cannot_be_read_is_found(store: Store, damage: str):
    """Torn, zeroed, or with other rows than its metadata says; what lies under it is used."""
    writer = written(store)
    writer.put(0, 5)
    writer.put(6, 11)
    key = writer.put(0, 11)
    data = store.get(key)
    if damage == "other rows":
        table = writer.table(SeqRange(0, 11))
        data = forged(data, table.slice(0, table.num_rows - 1))
    else:
        data = {"cut": data[:-100], "empty": b"", "bits": flipped(data)}[damage]
    store.put({key: data})
    report = checked(store)
    assert [("unreadable", "error", key)] == found(report)
    assert 2 == report.files


def flipped(data: bytes) -> bytes:
    footer = int.from_bytes(data[-8:-4], "little") + 8
    return data[:4] + bytes(len(data) - 4 - footer) + data[-footer:]


def forged(original: bytes, table: pa.Table) -> bytes:
    """A file of these rows that claims the metadata of the original."""
    meta = shard.open_file(original).meta
    forgery = shard.encode_table(table, SeqRange(meta.first, meta.last))
    lie = f"{meta.fingerprint:016x}".encode()
    truth = f"{shard.open_file(forgery).meta.fingerprint:016x}".encode()
    assert forgery.count(truth) == 1
    return forgery.replace(truth, lie)


def test_a_file_without_anything_under_it_leaves_a_gap(store: Store):
    """Both are told: which file, and which calls."""
    writer = written(store)
    writer.put(0, 3)
    key = writer.put(4, 6)
    writer.put(7, 11)
    store.put({key: b"torn"})
    report = checked(store, later_s=601)
    assert {("missing", "error", owner(writer)), ("unreadable", "error", key)} == set(found(report))


def test_a_file_under_a_wrong_name_is_found(store: Store):
    """Another range, or another writer."""
    writer, other = written(store), written(store, "other")
    other.put()
    data = store.get(writer.put(0, 8))
    wrong = writer.key(9, 14)
    store.put({wrong: data})
    assert {("wrong range", "error", wrong)} == set(found(checked(store)))
    store.put({wrong: shard.encode_table(other.table(SeqRange(9, 11)), SeqRange(9, 14))})
    assert ("wrong owner", "error", wrong) in found(checked(store))


def test_a_foreign_file_is_noted(store: Store):
    """It does no harm."""
    writer = written(store)
    writer.put()
    key = f"p/runs/run/{writer.writer_id}/notes.txt"
    store.put({key: b"hello"})
    assert [("foreign", "note", key)] == found(checked(store))


def test_a_pointer_whose_pack_is_gone_is_found_unless_others_hold_its_rows(store: Store):
    """At the end of a writer no gap would tell."""
    writer = written(store)
    writer.put(0, 8)
    pack = put_pack(PACK, [(writer, 9, 11)])
    store.delete([pack])
    key = keys.PointerKey("p", writer.run_id, writer.writer_id, 9, 11, PackId(PACK))
    assert [("no pack", "error", str(key))] == found(checked(store))
    writer.put(9)
    assert [] == found(checked(store))


def test_a_pack_that_cannot_be_read_is_found(store: Store):
    """The shards that are still there serve."""
    writer = written(store)
    writer.put()
    pack = put_pack(PACK, [(writer, 0, 11)])
    store.put({pack: store.get(pack)[:-1]})
    report = checked(store)
    assert [("unreadable", "error", pack)] == found(report)
    assert 1 == report.files


def test_rows_that_are_there_twice_are_found(store: Store):
    """`(run, writer, seq, kind, key)` is unique."""
    writer = written(store)
    table = writer.table(SeqRange(0, 11)).cast(rows.SCHEMA)
    doubled = rows.sort(pa.concat_tables([table, table.slice(3, 2)]))
    store.put({writer.key(): shard.encode_table(doubled, SeqRange(0, 11))})
    (finding,) = checked(store).findings
    assert ("double", "error") == (finding.kind, finding.level)
    assert "2 of its rows" in finding.message


def test_a_run_without_meta_is_noted(store: Store):
    """It has no name."""
    writer = written(store)
    writer.put()
    store.delete(["p/runs/run/meta.json"])
    assert [("no meta", "note", "run")] == found(checked(store))


def test_rows_from_the_future_are_noted(clock: ManualClock):
    """The clock of a machine, or of the store, is wrong."""
    store = MemoryStore(clock=clock)
    writer = HandWriter(store, "p", "run", start_s=clock.now_s() + 10_000)
    writer.put_meta("run")
    writer.finish()
    key = writer.put()
    assert [("clock", "note", key)] == found(checked(store))


class Collecting(MemoryStore):
    """Merges two shards while they are being read."""

    writer: HandWriter | None = None

    def get(self, key: str) -> bytes:
        if self.writer is not None and key.endswith(".parquet"):
            writer, self.writer = self.writer, None
            writer.put()
            self.delete([writer.key(0, 5), writer.key(6, 11)])
        return super().get(key)


def test_a_merge_beside_it_is_no_finding(clock: ManualClock):
    """What was superseded and collected meanwhile is not missed."""
    store = Collecting(clock=clock)
    writer = written(store)
    writer.put(0, 5)
    writer.put(6, 11)
    store.writer = writer
    report = checked(store)
    assert [] == found(report)
    assert 1 == report.files


class Ghostly(MemoryStore):
    """Lists a key that is not there."""

    ghost = ""

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        yield from super().list(prefix, recursive=recursive)
        if self.ghost.startswith(prefix):
            yield Entry(self.ghost, 100, START_S, "ghost")


def test_what_is_listed_and_not_there_is_found(clock: ManualClock):
    """Even after a second listing."""
    store = Ghostly(clock=clock)
    writer = written(store)
    writer.put()
    store.ghost = str(keys.ShardKey("p", RunId("run"), WriterId(writer.writer_id), 12, 20))
    assert [("unreadable", "error", store.ghost)] == found(checked(store))


def test_a_project_that_is_not_there_is_an_error(store: Store):
    """Not a clean one."""
    with pytest.raises(NotFound, match="no project 'p'"):
        verify(store, "p", now_s=START_S)
