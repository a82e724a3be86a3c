"""The text of a journal: a header and one checksummed line a call. Encodes and decodes, no files.

A line is the CRC-32 of its payload in 8 hex digits, a space, the payload, a newline. The
payload of a call is the JSON array `[seq, time_us, kind, step, stepping, data]`, where
stepping is 0 for no step, 1 for a step the writer counted, 2 for one that was given, and
data is the object of `trackio.values.plain`. The header's payload is a JSON object.
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
NO_STEP: Final = 0
COUNTED: Final = 1
GIVEN: Final = 2
_PREFIX_BYTES: Final = 9


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
    return _line(orjson.dumps({"trackio.journal": VERSION, **asdict(header)}))


def encode_call(  # noqa: PLR0917 - the hot path: keywords cost as much as the CRC
    seq: int, time_us: int, kind: bytes, step: int, stepping: int, data: bytes
) -> bytes:
    """The line of one call; `data` is what `plain.encode_data` returned."""
    payload = b'[%d,%d,"%b",%d,%d,%b]' % (seq, time_us, kind, step, stepping, data)
    return b"%08x %b\n" % (crc32(payload), payload)


def decode_calls(lines: Sequence[bytes]) -> list[Call]:
    """The calls of whole lines, in their order; the lines are trusted, not checked again."""
    payloads = [line[_PREFIX_BYTES:-1] for line in lines]
    return [_call(parts) for parts in orjson.loads(b"[" + b",".join(payloads) + b"]")]


def decode(data: bytes) -> Journal:
    """A whole journal. A line that is torn or damaged is a call that never returned.

    Raises:
        UnreadableFile: the header is torn or foreign, so nobody knows whose calls these are.
        FormatTooNew: written by a newer Trackio.
    """
    first, _, rest = data.partition(b"\n")
    header = _decode_header(first + b"\n")
    lines = rest.split(b"\n")
    whole = [line + b"\n" for line in lines if _is_whole(line)]
    torn = sum(1 for line in lines if line and not _is_whole(line))
    return Journal(header=header, calls=tuple(decode_calls(whole)), torn=torn)


def decode_header(data: bytes) -> Header:
    """The header alone, from the beginning of a journal; raises as `decode` does."""
    return _decode_header(data.partition(b"\n")[0] + b"\n")


def join_calls(parts: Iterable[Iterable[Call]]) -> list[Call]:
    """The calls of several journals of one writer, each seq once, ascending."""
    return sorted({call.seq: call for part in parts for call in part}.values())


def _line(payload: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(payload), payload)


def _is_whole(line: bytes) -> bool:
    return len(line) > _PREFIX_BYTES and line[:_PREFIX_BYTES] == b"%08x " % crc32(
        line[_PREFIX_BYTES:]
    )


def _call(parts: list[Any]) -> Call:
    seq, time_us, kind, step, stepping, data = parts
    if dict in map(type, data.values()):
        data = decode_data(data)
    return Call(
        seq, time_us, kind, None if stepping == NO_STEP else step, stepping == COUNTED, data
    )


def _decode_header(line: bytes) -> Header:
    if not _is_whole(line[:-1]):
        raise UnreadableFile("the first line is not a whole journal header")
    said = orjson.loads(line[_PREFIX_BYTES:-1])
    try:
        if said["trackio.journal"] > VERSION:
            raise FormatTooNew("this journal was written by a newer Trackio: upgrade, then recover")
        meta = {**said["meta"], "tags": tuple(said["meta"]["tags"])}
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
    except (KeyError, TypeError) as exc:
        raise UnreadableFile(f"not a journal header: {exc}") from exc
