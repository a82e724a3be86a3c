"""The text of a journal: a header and one checksummed line a call. Encodes and decodes, no files.

A journal is JSON lines: the header first, then for each call `seq`, `time` (µs since 1970),
`kind`, `step` (null or an integer), `auto` (whether the writer counted it) and `data`, the
object of `trackio.values.plain`. The last member of a line is `crc`, the CRC-32 of all that
stands before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from zlib import crc32

import orjson

from trackio.errors import FormatTooNew, UnreadableFile
from trackio.hosts import ProcessIdentity
from trackio.model import Call, RunId, RunMeta, WriterId
from trackio.values.plain import decode_data

VERSION: Final = 1
_HEADER: Final = b'{"trackio.journal":'
_CALL: Final = b'{"seq":'
_LOG: Final = b',"kind":"metric",'
_KIND_BYTES: Final = 90  # what stands before the step, whatever the numbers are


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Whose calls a journal holds and where they belong."""

    project: str
    run_id: RunId
    writer_id: WriterId
    store_url: str
    meta: RunMeta
    is_new_run: bool
    owner: ProcessIdentity
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What a journal file says; `torn` counts lines that are not whole."""

    header: Header
    calls: tuple[Call, ...]
    torn: int


def encode_header(header: Header) -> bytes:
    """The first line of a journal."""
    said = orjson.dumps({"trackio.journal": VERSION, **asdict(header)})
    return _checked(said[:-1])


def encode_log(seq: int, time_us: int, step: int, auto: bytes, data: bytes) -> bytes:
    """The line of a `log` call; `auto` is `b"true"` or `b"false"`. The hot path."""
    said = b'{"seq":%d,"time":%d,"kind":"metric","step":%d,"auto":%b,"data":%b' % (
        seq, time_us, step, auto, data,
    )  # fmt: skip
    return b'%b,"crc":%d}\n' % (said, crc32(said))


def encode_call(
    seq: int, time_us: int, kind: str, step: int | None, data: bytes, *, auto: bytes = b"false"
) -> bytes:
    """The line of any other call; `data` is what `plain.encode_data` returned."""
    where = b"null" if step is None else b"%d" % step
    said = b'{"seq":%d,"time":%d,"kind":"%b","step":%b,"auto":%b,"data":%b' % (
        seq, time_us, kind.encode(), where, auto, data,
    )  # fmt: skip
    return _checked(said)


def split_logs(lines: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The lines of `log` calls as one text, and the others."""
    text = b"".join(lines)
    if text.count(_LOG) == len(lines):
        return text, []
    logs = [line for line in lines if _LOG in line[:_KIND_BYTES]]
    return b"".join(logs), [line for line in lines if _LOG not in line[:_KIND_BYTES]]


def decode_calls(lines: Sequence[bytes]) -> list[Call]:
    """The calls of whole lines, in their order; the lines are trusted, not checked again."""
    said = orjson.loads(b"[" + b",".join(lines) + b"]")
    return [
        Call(c["seq"], c["time"], c["kind"], c["step"], c["auto"], decode_data(c["data"]))
        for c in said
    ]


def decode(data: bytes) -> Journal:
    """A whole journal. A line that is torn or damaged is a call that never returned.

    Raises:
        UnreadableFile: the header is torn or foreign, so nobody knows whose calls these are.
        FormatTooNew: written by a newer Trackio.
    """
    first, _, rest = data.partition(b"\n")
    header = _decode_header(first)
    lines = [line for line in rest.split(b"\n") if line]
    calls = _decode_whole([line for line in lines if _is_whole(line, _CALL)])
    return Journal(header=header, calls=tuple(calls), torn=len(lines) - len(calls))


def decode_header(data: bytes) -> Header:
    """The header alone, from the beginning of a journal; raises as `decode` does."""
    return _decode_header(data.partition(b"\n")[0])


def join_calls(parts: Iterable[Iterable[Call]]) -> list[Call]:
    """The calls of several journals of one writer, each seq once, ascending."""
    return sorted({call.seq: call for part in parts for call in part}.values())


def _decode_whole(lines: Sequence[bytes]) -> list[Call]:
    """The calls of lines whose checksum holds; one that is no call all the same is left out."""
    try:
        calls = decode_calls(lines)
    except (KeyError, TypeError, ValueError, AttributeError):
        calls = []
    if len(calls) == len(lines) and all(map(_is_call, calls)):
        return calls
    return [call for line in lines for call in _decode_one(line)]


def _decode_one(line: bytes) -> list[Call]:
    try:
        return [call for call in decode_calls([line]) if _is_call(call)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def _is_call(call: Call) -> bool:
    is_placed = type(call.seq) is int and type(call.time_us) is int and type(call.auto) is bool
    return is_placed and type(call.kind) is str and (call.step is None or type(call.step) is int)


def _checked(said: bytes) -> bytes:
    """A line of what is said, an object without its closing brace."""
    return b'%b,"crc":%d}\n' % (said, crc32(said))


def _is_whole(line: bytes, begin: bytes) -> bool:
    said, _, crc = line.rpartition(b',"crc":')
    return said.startswith(begin) and crc == b"%d}" % crc32(said)


def _decode_header(line: bytes) -> Header:
    if not _is_whole(line, _HEADER):
        raise UnreadableFile("the first line is not a whole journal header")
    try:
        said = orjson.loads(line)
        if said["trackio.journal"] > VERSION:
            raise FormatTooNew("this journal was written by a newer Trackio: upgrade, then recover")
        meta = {**said["meta"], "tags": tuple(map(str, said["meta"]["tags"]))}
        names = ("project", "run_id", "writer_id", "store_url")
        if not all(isinstance(text, str) for text in (*map(said.get, names), meta["name"])):
            raise UnreadableFile("not a journal header: a name in it is no text")
        return Header(
            project=said["project"],
            run_id=RunId(said["run_id"]),
            writer_id=WriterId(said["writer_id"]),
            store_url=said["store_url"],
            meta=RunMeta(**meta),
            is_new_run=said["is_new_run"],
            owner=ProcessIdentity(**said["owner"]),
            config=said["config"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise UnreadableFile(f"not a journal header: {exc}") from exc
