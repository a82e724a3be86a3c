"""The content-addressed store behind the stand-in Hub, as `hf_xet` speaks to it.

It keeps xorbs (chunks, one after the other) and what shards say files are made of, and puts
files together again. It checks no hash, finds no chunk of others, and forgets all at the end.
"""

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from standin.web import Answer, Request, json_answer

EMPTY_FILE = "0" * 64
_RECORD = 48
_BOOKEND = b"\xff" * 32
_HAS_VERIFICATION = 1 << 31
_HAS_SHA256 = 1 << 30


class Term(NamedTuple):
    """Chunks `start … end - 1` of a xorb, which hold so many bytes."""

    xorb: str
    size: int
    start: int
    end: int


class Chunk(NamedTuple):
    """Where a chunk begins and ends in its xorb, and how it is packed."""

    begin: int
    end: int
    scheme: int
    size: int


@dataclass
class Cas:
    """The store, at `url` once it is served. Its path is new each time.

    hf_xet remembers by URL what a server holds, and would not send it again to an empty one.
    """

    url: str = ""

    def __post_init__(self) -> None:
        self.root = f"/cas/{secrets.token_hex(8)}"
        self.token = secrets.token_hex(16)
        self._xorbs: dict[str, bytes] = {}
        self._granted: dict[str, bytes] = {}
        self._files: dict[str, list[Term]] = {EMPTY_FILE: []}

    @property
    def endpoint(self) -> str:
        """The URL that the Hub tells its clients."""
        return f"{self.url}{self.root}"

    def size_of(self, file: str) -> int | None:
        """How many bytes a file has; None if no shard told of it."""
        terms = self._files.get(file)
        return None if terms is None else sum(term.size for term in terms)

    def read(self, file: str) -> bytes:
        """The bytes of a file."""
        return b"".join(self._chunks_of(self._files[file]))

    def answer(self, request: Request) -> Answer:
        """Answer a request below `root`."""
        parts = request.path.removeprefix(f"{self.root}/").split("/")
        is_open = parts[0] == "grants" or parts[0] == "xorb-bytes"  # as signed URLs are
        if not is_open and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(status=401)
        match [request.method, *parts]:
            case ["POST", "v1", "xorb-grants", _, xorb]:
                return self._grant(xorb)
            case ["PUT", "grants", xorb]:
                self._granted[xorb] = request.body
            case ["POST", "v1", "xorb-commits", _, xorb, "grant", _]:
                # Two clients may send the same contents at the same time.
                self._xorbs[xorb] = self._granted.pop(xorb, None) or self._xorbs[xorb]
            case ["POST", "v2", "shards"]:
                self._files.update(_files_of(request.body))
                return Answer(body=b'{"type":"result"}\n')
            case ["GET", "v2", "reconstructions", file]:
                return self._reconstruction(file, _asked_range(request))
            case ["GET", "xorb-bytes", xorb]:
                return _ranged(self._xorbs[xorb], request)
            case _:
                return Answer(status=404)
        return json_answer({})

    def _grant(self, xorb: str) -> Answer:
        if xorb in self._xorbs:
            return json_answer({})
        url = f"{self.endpoint}/grants/{xorb}"
        return json_answer({"id": "1", "method": "PUT", "url": url, "headers": {}}, status=201)

    def _reconstruction(self, file: str, asked: tuple[int, int] | None) -> Answer:
        terms = self._files.get(file)
        if terms is None:
            return Answer(status=404)
        offset = 0
        if asked is not None:
            terms, offset = self._narrowed(terms, *asked)
            if not terms:
                return Answer(status=416)
        xorbs = {xorb: [self._fetching(xorb, terms)] for xorb in {term.xorb for term in terms}}
        said = [
            {"hash": t.xorb, "unpacked_length": t.size, "range": {"start": t.start, "end": t.end}}
            for t in terms
        ]
        return json_answer({"offset_into_first_range": offset, "terms": said, "xorbs": xorbs})

    def _narrowed(self, terms: list[Term], begin: int, end: int) -> tuple[list[Term], int]:
        """The chunks that hold these bytes, and where in the first of them they begin."""
        found: list[Term] = []
        at, offset = 0, 0
        for term in terms:
            chunks = list(_chunks(self._xorbs[term.xorb]))[term.start : term.end]
            for number, chunk in enumerate(chunks, term.start):
                if at < end and begin < at + chunk.size:
                    offset = offset if found else begin - at
                    found.append(Term(term.xorb, chunk.size, number, number + 1))
                at += chunk.size
        return found, offset

    def _fetching(self, xorb: str, terms: list[Term]) -> dict[str, object]:
        """Where all chunks of a xorb that the terms need can be had."""
        start = min(term.start for term in terms if term.xorb == xorb)
        end = max(term.end for term in terms if term.xorb == xorb)
        chunks = list(_chunks(self._xorbs[xorb]))[start:end]
        place = {"start": chunks[0].begin, "end": chunks[-1].end - 1}
        ranges = [{"chunks": {"start": start, "end": end}, "bytes": place}]
        return {"url": f"{self.endpoint}/xorb-bytes/{xorb}", "ranges": ranges}

    def _chunks_of(self, terms: list[Term]) -> Iterator[bytes]:
        for term in terms:
            xorb = self._xorbs[term.xorb]
            for chunk in list(_chunks(xorb))[term.start : term.end]:
                yield _unpacked(chunk, xorb[chunk.begin + 8 : chunk.end])


def _chunks(xorb: bytes) -> Iterator[Chunk]:
    """Each is `u8 version 0, u24 packed size, u8 scheme, u24 size` and the packed bytes."""
    begin = 0
    while begin < len(xorb) and xorb[begin : begin + 7] != b"XETBLOB":
        packed = int.from_bytes(xorb[begin + 1 : begin + 4], "little")
        size = int.from_bytes(xorb[begin + 5 : begin + 8], "little")
        yield Chunk(begin, begin + 8 + packed, xorb[begin + 4], size)
        begin += 8 + packed


def _unpacked(chunk: Chunk, packed: bytes) -> bytes:
    """As it was: plain, an LZ4 frame, or an LZ4 frame of every fourth byte, then the next."""
    if chunk.scheme == 0:
        return packed
    data = pa.decompress(packed, decompressed_size=chunk.size, codec="lz4", asbytes=True)
    return _interleaved(data) if chunk.scheme == 2 else data


def _interleaved(grouped: bytes) -> bytes:
    result = np.empty(len(grouped), np.uint8)
    begin = 0
    for lane in range(4):
        size = (len(grouped) - lane + 3) // 4
        result[lane::4] = np.frombuffer(grouped, np.uint8, size, begin)
        begin += size
    return result.tobytes()


def _files_of(shard: bytes) -> Iterator[tuple[str, list[Term]]]:
    """What a shard says each file is made of; it begins with a header and ends at a bookend."""
    at = _RECORD
    while shard[at : at + 32] != _BOOKEND:
        file = _hash(shard[at : at + 32])
        flags, count = struct.unpack_from("<II", shard, at + 32)
        terms = [_term(shard, at + _RECORD * (i + 1)) for i in range(count)]
        at += _RECORD * (1 + count * (2 if flags & _HAS_VERIFICATION else 1))
        at += _RECORD if flags & _HAS_SHA256 else 0
        yield file, terms


def _term(shard: bytes, at: int) -> Term:
    _, size, start, end = struct.unpack_from("<IIII", shard, at + 32)
    return Term(_hash(shard[at : at + 32]), size, start, end)


def _hash(raw: bytes) -> str:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


def _asked_range(request: Request) -> tuple[int, int] | None:
    """The bytes that a request asks for, the last one excluded."""
    if not (asked := request.headers.get("range", "")):
        return None
    first, _, last = asked.removeprefix("bytes=").partition("-")
    return int(first), int(last) + 1 if last else 1 << 62


def _ranged(data: bytes, request: Request) -> Answer:
    if not (asked := request.headers.get("range", "")):
        return Answer(body=data)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    end = int(last) + 1 if last else len(data)
    part = data[int(first) : end]
    place = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
    return Answer(status=206, headers={"Content-Range": place}, body=part)
