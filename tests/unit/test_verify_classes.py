"""Every class of finding that `docs/format.md` lists is found where it is, and names what helps."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from trackio import keys, shard
from trackio.model import PackId, RunId, SeqRange
from trackio.rows import SCHEMA, sort
from trackio.store.directory import Directory
from trackio.store.faulty import tear
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter, put_pack
from trackio.upkeep.verify import verify

DOCUMENT = Path(__file__).parents[2] / "docs" / "format.md"
PACK = "0" * 24


@pytest.fixture
def store(tmp_path):
    return Directory(tmp_path / "store", clock=ManualClock(START_S))


def _writer(store, run="run", *, finish=True):
    writer = HandWriter(store, "p", run)
    writer.put_meta(run)
    for i in range(17 if finish else 19):
        writer.log({"a": float(i)})
    if finish:
        writer.finish()
    return writer


def _missing(store):
    writer = _writer(store)
    writer.put(0, 4)
    writer.put(10, 19)


def _late(store):
    _missing(store)
    return 0.0


def _unknown_end(store):
    _writer(store, finish=False).put()


def _double(store):
    writer = _writer(store)
    table = writer.table(SeqRange(0, 19))
    twice = sort(pa.concat_tables([table.cast(SCHEMA), table.slice(3, 1).cast(SCHEMA)]))
    store.put({writer.key(): shard.encode_table(twice, SeqRange(0, 19))})


def _unreadable(store):
    tear(store, _writer(store).put(), 0.5)


def _wrong_range(store):
    writer = _writer(store)
    data = shard.encode(writer.calls[:15], writer.run_id, writer.writer_id, SeqRange(0, 14))
    store.put({writer.key(): data})


def _wrong_range_of_a_pack(store):
    writer, other = _writer(store), _writer(store, "other")
    put_pack(PACK, [(other, 0, 19), (writer, 0, 9)])
    pointer = keys.PointerKey("p", writer.run_id, writer.writer_id, 0, 19, PackId(PACK))
    store.put({str(pointer): b""})


def _wrong_owner(store):
    writer, other = _writer(store), _writer(store, "other")
    other.put()
    store.put({writer.key(): store.get(other.key())})


def _no_pack(store):
    writer = _writer(store)
    put_pack(PACK, [(writer, 0, 19)])
    store.delete([str(keys.PackKey("p", PackId(PACK)))])


def _foreign(store):
    _writer(store).put()
    store.put({"p/runs/run/notes.txt": b"mine"})


def _no_meta(store):
    _writer(store).put()
    store.delete([str(keys.MetaKey("p", RunId("run")))])


def _orphan(store):
    writer = _writer(store)
    key = put_pack(PACK, [(writer, 0, 19)])
    pointers = [e.key for e in store.list("p/runs/") if e.key.endswith(PACK)]
    store.delete(pointers)
    writer.put()
    return key


def _orphan_mark(store):
    put_pack(PACK, [(_writer(store), 0, 19)])
    store.put({str(keys.CondemnedKey("p", PackId(PACK))): b""})


def _orphan_overview(store):
    _writer(store).put()
    store.put({str(keys.OverviewKey("p", PackId(PACK))): b"x"})


def _orphan_temporary(store):
    path = store.path(_writer(store).put()).with_name(".0123456789abcdef.tmp")
    path.write_bytes(b"half")


def _clock(store):
    import time

    writer = HandWriter(store, "p", "run", start_s=time.time() + 5000)
    writer.put_meta("run")
    writer.log({"a": 1.0})
    writer.finish()
    writer.put()


SEEDS = {
    "missing": [_missing],
    "late": [_late],
    "unknown end": [_unknown_end],
    "double": [_double],
    "unreadable": [_unreadable],
    "wrong range": [_wrong_range, _wrong_range_of_a_pack],
    "wrong owner": [_wrong_owner],
    "no pack": [_no_pack],
    "foreign": [_foreign],
    "no meta": [_no_meta],
    "orphan": [_orphan, _orphan_mark, _orphan_overview, _orphan_temporary],
    "clock": [_clock],
}
LISTED = dict(re.findall(r"^\| `([a-z ]+)` \| (error|note) \|", DOCUMENT.read_text(), re.MULTILINE))


def test_every_class_that_is_documented_is_seeded_here():
    """And the other way round."""
    assert LISTED.keys() == SEEDS.keys()


@pytest.mark.parametrize(
    ("kind", "seed"), [(kind, seed) for kind, seeds in SEEDS.items() for seed in seeds]
)
def test_what_is_wrong_is_found_and_the_finding_names_a_command(store, kind, seed):
    """At the level that the document says."""
    later_s = 0.0 if seed(store) == 0.0 else 10_000.0
    now_s = max(entry.time_s for entry in store.list()) + later_s
    findings = [f for f in verify(store, "p", now_s=now_s).findings if f.kind == kind]
    assert findings
    assert {LISTED[kind]} == {finding.level for finding in findings}
    assert all(finding.command for finding in findings)
