"""Whatever the bytes: an error of ours or the truth, soon, and in bounded memory.

`pytest tests/security --hypothesis-profile=long` tries 50 times as many; what fails is printed with
the line that makes it again.
"""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.security import bombs
from tests.security.hostile import NASTY, anything, damaged, deep, thorough
from trackio import journal, keys, meta, pack, shard
from trackio.artifacts.events import decode_event, fold
from trackio.artifacts.manifest import Manifest, ManifestEntry, decode_manifest, encode_manifest
from trackio.artifacts.versions import list_versions
from trackio.bounds import check_file
from trackio.errors import TrackioError, UnreadableFile
from trackio.hosts import ProcessIdentity
from trackio.model import METRIC, Call, EventId, RunId, RunMeta, SeqRange, WriterId
from trackio.store.base import is_key
from trackio.store.memory import MemoryStore
from trackio.upkeep.alerts.marks import Marks, decode_marks, encode_marks

MOST_BYTES = 400 << 20
WRITER = WriterId("0" * 23 + "1")
CALLS = [
    Call(seq, seq * 1000, METRIC, seq, True, {"loss": seq / 2, "note": "x" * seq})
    for seq in range(60)
]
SHARD = shard.encode(CALLS, RunId("r"), WRITER, SeqRange(0, 59))
ROWS = shard.decode(SHARD)[1]


def bounded(act: Callable[[], Any]) -> Any:
    """What `act` gives; it takes no more memory than a limit."""
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    try:
        return act()
    finally:
        peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
        tracemalloc.stop()
        assert peak < MOST_BYTES


# Keys.


@thorough(200)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["..", ".", "", "a", "runs", "legacy", "C:", "con", "x\0y", "\\", "%2E%2E", "*"]
            ),
            max_size=6,
        ).map("/".join),
        st.builds("demo/runs/{}/meta.json".format, st.text(max_size=20)),
        st.builds("demo/legacy/{}".format, st.text(max_size=30)),
    )
)
@example("demo/runs/../meta.json")
@example("demo/legacy/../../../etc/passwd")
@example("@registry/../000000000000000000000000.json")
@example("/etc/passwd")
@example("demo/legacy/C:\\Windows")
def test_no_key_leads_out_of_the_store(text: str) -> None:
    """What parses is written so again, and is a path below the root, on every system."""
    found = keys.parse(text)
    if found is None:
        return
    assert text == str(found)
    assert is_key(text)
    for part in text.split("/"):
        assert part not in ("", ".", "..")
        assert not set(part) & set('\\:*?"<>|\0')


# Journals.

HEADER = journal.Header(
    project="p",
    run_id=RunId("r"),
    writer_id=WRITER,
    store_url="file:///x",
    meta=RunMeta(name="n", created="2026-01-01T00:00:00Z", tags=("a",)),
    is_new_run=True,
    owner=ProcessIdentity(host="h", boot_id="b", pid=1, started="1", pid_namespace="x"),
)
LINES = [
    journal.encode_header(HEADER),
    *(journal.encode_log(seq, seq, seq, b"true", b'{"loss":1.5}') for seq in range(5)),
]


@st.composite
def checked(draw: st.DrawFn, whole: dict[str, Any]) -> bytes:
    """A line whose checksum holds, whatever it says."""
    said = draw(damaged(whole))
    assume(isinstance(said, dict))
    body = {key: value for key, value in said.items() if key != "crc"}
    text = json.dumps(body, separators=(",", ":")).encode()
    return journal._checked(text[:-1])


@thorough(100)
@given(
    st.one_of(st.just(LINES[0]), checked(json.loads(LINES[0])), st.binary(max_size=60)),
    st.lists(
        st.one_of(
            st.sampled_from(LINES[1:]), checked(json.loads(LINES[1])), st.binary(max_size=60)
        ),
        max_size=6,
    ),
)
@example(LINES[0], [journal._checked(b'{"seq":0')])
@example(LINES[0], [journal._checked(b'{"seq":0,"time":0,"kind":"metric","step":0,"data":[]')])
@example(LINES[0], [journal._checked(b'{"seq":0,"a":' + b"[" * 2000 + b"]" * 2000)])
def test_a_journal_says_calls_or_an_error_of_ours(header: bytes, lines: list[bytes]) -> None:
    """Also where the checksums hold: whoever can write the file can compute them."""
    try:
        found = bounded(lambda: journal.decode(b"\n".join([header, *lines])))
    except TrackioError:
        return
    assert len(found.calls) + found.torn <= sum(line.count(b"\n") + 1 for line in lines) + 2
    for call in found.calls:
        assert isinstance(call.seq, int)
        assert isinstance(call.data, dict)


# Shards.


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with some changed, cut out, put in, or cut off; the footer more often."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(
            st.one_of(
                st.integers(0, len(data) - 1),
                st.integers(max(0, len(data) - 600), len(data) - 1),
            )
        )
        match draw(st.integers(0, 3)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del data[at : at + draw(st.integers(1, 40))]
            case 3:
                data[at:at] = draw(st.binary(min_size=1, max_size=12))
        if not data:
            return b""
    return bytes(data)


@thorough(150)
@given(broken(SHARD))
@example(b"")
@example(b"PAR1" + b"\xff" * 8 + b"PAR1")
def test_a_broken_shard_is_an_error_or_the_same_rows(data: bytes) -> None:
    """Never other rows than were written: each shard carries what its rows add up to."""
    try:
        _, rows = bounded(lambda: shard.decode(data))
    except TrackioError:
        return
    assert ROWS.equals(rows)


@thorough(100)
@given(broken(SHARD))
def test_the_look_at_a_file_before_it_is_read_never_fails_otherwise(data: bytes) -> None:
    """Headers of pages are read by hand, so any bytes have to do."""
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(pa.BufferReader(SHARD)).metadata
    try:
        bounded(lambda: check_file(metadata, data, metadata.num_rows))
    except UnreadableFile:
        return


@pytest.mark.parametrize("name", sorted(bombs.BOMBS))
def test_a_bomb_is_refused_before_it_goes_off(name: str) -> None:
    """By its footer and the headers of its pages; the message says why."""
    data = bombs.BOMBS[name]()
    assert len(data) < 20 << 20
    with pytest.raises(UnreadableFile):
        shard.decode(data)


# What else stands in a store.

META = json.loads(meta.encode_meta(RunMeta(name="n", created="2026", group="g", tags=("a",))))
MANIFEST = json.loads(
    encode_manifest(
        Manifest(
            name="m",
            type="model",
            entries=(ManifestEntry(path="a/b", digest="ab" * 32, size=3),),
            created="2026-01-01T00:00:00+00:00",
            metadata={"a": 1},
            project="p",
        )
    )
)
EVENT = {
    "format": 1,
    "kind": "link",
    "time": "2026-01-01T00:00:00+00:00",
    "actor": "ada",
    "collection": "c",
    "type": "model",
    "project": "p",
    "name": "m",
    "digest": "d",
    "version_id": "0" * 24,
    "aliases": ["best"],
    "number": 0,
    "description": "x",
}
KINDS = ["create", "create_collection", "link", "promote", "unlink", "update", "other"]


def as_bytes(whole: Any) -> st.SearchStrategy[bytes]:
    return st.one_of(damaged(whole).map(json.dumps).map(str.encode), st.binary(max_size=50))


@thorough(100)
@given(as_bytes(META))
@example(json.dumps({"name": deep(300), "created": "x"}).encode())
@example(json.dumps({"name": "n", "created": "x", "tags": {"a": 1}}).encode())
def test_meta_json_is_text_or_an_error_of_ours(data: bytes) -> None:
    """Wrong types become text; nothing else comes through."""
    try:
        found = bounded(lambda: meta.decode_meta(data))
    except TrackioError:
        return
    assert isinstance(found.name, str)
    assert all(isinstance(tag, str) for tag in found.tags)
    assert found == meta.decode_meta(meta.encode_meta(found))


@thorough(100)
@given(as_bytes(MANIFEST))
@example(json.dumps({**MANIFEST, "entries": [{"path": 5, "digest": "x", "size": 1}]}).encode())
@example(json.dumps({**MANIFEST, "metadata": deep(300)}).encode())
@example(json.dumps({**MANIFEST, "size": "x", "format": "1"}).encode())
def test_a_manifest_says_files_or_is_an_error_of_ours(data: bytes) -> None:
    """With texts and sizes of the right kind, so that nobody has to look again."""
    try:
        found = bounded(lambda: decode_manifest(data))
    except TrackioError:
        return
    assert isinstance(found.name, str)
    assert isinstance(found.type, str)
    for entry in found.entries:
        assert isinstance(entry.path, str)
        assert isinstance(entry.digest, str)
        assert isinstance(entry.size, int)
        assert entry.size >= 0
    encode_manifest(found)


@thorough(100)
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), damaged(EVENT)).map(
            lambda pair: {**pair[1], "kind": pair[0]} if isinstance(pair[1], dict) else pair[1]
        ),
        max_size=6,
    )
)
@example([{**EVENT, "kind": "create_collection", "collection": []}])
@example([{**EVENT, "kind": "create_collection"}, {"kind": "link", "time": "x", "collection": "c"}])
@example([{**EVENT, "kind": "create_collection"}, {**EVENT, "kind": "link", "aliases": [[]]}])
def test_the_events_of_a_registry_add_up_whatever_they_say(said: list[Any]) -> None:
    """One that makes no sense changes nothing, and the rest still counts."""
    events = []
    for number, one in enumerate(said):
        try:
            event = decode_event(EventId(f"{number:024x}"), json.dumps(one).encode())
        except TrackioError:
            continue
        if event is not None:
            events.append(event)
    state = bounded(lambda: fold("r", events))
    for name, collection in state.collections.items():
        assert isinstance(name, str)
        for alias in collection.aliases:
            assert isinstance(alias, str)


@thorough(60)
@given(st.one_of(anything.map(json.dumps).map(str.encode), st.binary(max_size=40)))
@example(b'{"version_id": ["x"]}')
@example(b"[]")
def test_an_alias_that_says_nonsense_names_nothing(data: bytes) -> None:
    """The versions are listed all the same."""
    store = MemoryStore()
    version = "0" * 24
    store.put(
        {
            f"p/artifacts/m/{version}.json": json.dumps(MANIFEST).encode(),
            "p/artifacts/m/aliases/best.json": data,
        }
    )
    found = list_versions(store, "p", "m")
    assert (version,) == found.ids
    found.aliases_of(found.ids[0])
    try:
        found.find("best")
    except TrackioError:
        return
    assert json.loads(data)["version_id"] == version


@thorough(60)
@given(as_bytes(json.loads(encode_marks(Marks()))))
@example(b'{"format": 1, "done": {"r": {"w": [[1, "x"]]}}, "rules": {}, "tried": {}}')
@example(b'{"format": 1, "done": {}, "rules": {"r": [[]]}, "tried": {}}')
def test_watermarks_that_say_nonsense_are_an_error_of_ours(data: bytes) -> None:
    """Then the evaluator begins anew, and tells what it told."""
    try:
        bounded(lambda: encode_marks(decode_marks(data)))
    except TrackioError:
        return


@thorough(60)
@given(damaged([["r", WRITER, 0, 9, 10, "00"]]), damaged({"r": META}))
@example([["r", WRITER, 0, 9, 10, "z"]], {})
@example([["r", WRITER, 0, 9, 10, 5]], {"r": {"version": "1", "size_bytes": 3, "data": 7}})
def test_what_a_pack_says_of_itself_is_read_or_an_error_of_ours(stretches: Any, metas: Any) -> None:
    """Its footer is JSON that anybody may have written."""

    class Metadata:
        metadata = {  # noqa: RUF012 - as pyarrow has it
            b"trackio.stretches": json.dumps(stretches).encode(),
            b"trackio.metas": json.dumps(metas).encode(),
        }

    try:
        found = bounded(lambda: pack.decode_meta(Metadata()))  # type: ignore[arg-type]
    except TrackioError:
        return
    for stretch in found.stretches:
        assert isinstance(stretch.run_id, str)
        assert isinstance(stretch.writer_id, str)
    for copy in found.metas.values():
        assert isinstance(copy.data, str)


@pytest.mark.parametrize("text", NASTY)
def test_a_name_that_is_code_is_a_name(text: str) -> None:
    """It comes back exact, or is refused with an error of ours."""
    try:
        part = keys.encode_name(text)
    except TrackioError:
        return
    assert text == keys.decode_name(part)
    assert not set(part) & set("<>\"'/\\&`$")
