"""Stores that are whole and stores that were damaged: `verify` tells which is which."""

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pyarrow as pa

from trackio import keys, rows, shard
from trackio.model import PackId, SeqRange, WriterId
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter, put_pack
from trackio.upkeep.verify import Report, verify

from .scenario import Outcome, Scale, attempt

P = "p"
LATER_S = 10_000.0


class Built:
    """A store that is whole, of a shape that the seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(START_S + 1000)
        self.store = MemoryStore(f"verify-{seed}", clock=self.clock)
        self.sharded: list[HandWriter] = []
        self.packed: list[HandWriter] = []
        for number in range(self.random.randint(2, 5)):
            writer = self._write(number)
            (self.packed if self.random.random() < 0.4 else self.sharded).append(writer)
        self.packed = self.packed or [self._write(8)]
        self.sharded = self.sharded or [self._write(9)]
        self.alone: set[str] = set()
        """Of the last writer: the files whose rows are nowhere else."""
        for writer in self.sharded:
            self._put(writer)
        put_pack("0" * 24, [(writer, 0, len(writer.calls) - 1) for writer in self.packed])

    def verify(self) -> Report:
        """Long afterwards."""
        self.clock.advance(LATER_S)
        return verify(self.store, P, now_s=self.clock.now_s())

    def shard(self) -> str:
        """One that counts: its rows are nowhere else."""
        found = [e.key for e in self.store.list() if isinstance(keys.parse(e.key), keys.ShardKey)]
        return self.random.choice(sorted(key for key in found if key in self.alone))

    def _write(self, number: int) -> HandWriter:
        writer = HandWriter(self.store, P, f"run-{number}", start_s=START_S + number)
        writer.put_meta(f"run {number}")
        for call in range(self.random.randint(8, 40)):
            writer.log({"a": float(call), "b": self.random.random()})
        writer.finish()
        return writer

    def _put(self, writer: HandWriter) -> None:
        """Shards side by side; some were merged, and their sources are still there."""
        last = len(writer.calls) - 1
        cuts = sorted({0, *self.random.sample(range(1, last), 3)})
        spans = [(a, b - 1) for a, b in zip(cuts, [*cuts[1:], last + 1], strict=True)]
        self.alone = {writer.put(first, end) for first, end in spans}
        if self.random.random() < 0.5:
            merged = writer.put(spans[0][0], spans[1][1])
            self.alone -= {writer.key(*span) for span in spans[:2]}
            self.alone.add(merged)


Damage = Callable[[Built], str]
"""Does it, and says the kind of the finding that must tell of it."""


def damages() -> dict[str, Damage]:
    """What `verify` promises to find."""
    return {
        "a file in the middle is gone": _lose_middle,
        "the last file is gone": _lose_end,
        "a file is cut short": _cut,
        "bytes of a file are others": _flip,
        "rows of a file are others than its metadata says": _forge,
        "a row is there twice in a file": _double,
        "a file holds other calls than its name says": _misname,
        "a file lies with another writer": _misplace,
        "a pack is gone, and what it was made of too": _lose_pack,
        "a pack that nothing points to": _orphan,
        "rows from the future": _skew,
        "a file that is none of ours": _foreign,
    }


def corruption(scale: Scale) -> Iterator[Outcome]:
    """No false alarm, and none missed."""
    yield attempt(f"`verify` of {scale.stores:,} stores that are whole", lambda: _whole(scale))
    each = max(1, scale.stores // 10)
    for name, damage in damages().items():
        yield attempt(
            f"`verify` where {name}",
            lambda damage=damage: _damaged(scale, damage, each),  # type: ignore[misc]
        )


def _whole(scale: Scale) -> str:
    for seed in range(scale.seed, scale.seed + scale.stores):
        findings = Built(seed).verify().findings
        assert not findings, f"store {seed}: {findings[0].kind}, {findings[0].message}"
    return f"0 false alarms in {scale.stores:,}"


def _damaged(scale: Scale, damage: Damage, count: int) -> str:
    kinds: Counter[str] = Counter()
    for seed in range(scale.seed, scale.seed + count):
        built = Built(seed)
        wanted = damage(built)
        found = {finding.kind for finding in built.verify().findings}
        assert wanted in found, f"store {seed}: {wanted} was not found, but {found or 'nothing'}"
        kinds[wanted] += 1
    return f"found in {count} of {count}, as {', '.join(f'`{kind}`' for kind in kinds)}"


def _lose_middle(built: Built) -> str:
    built.store.delete([sorted(built.alone)[1]])
    return "missing"


def _lose_end(built: Built) -> str:
    built.store.delete([max(built.alone)])
    return "unknown end"  # its finish row went with it


def _cut(built: Built) -> str:
    key = built.shard()
    data = built.store.get(key)
    built.store.put({key: data[: built.random.randrange(len(data))]})
    return "unreadable"


def _flip(built: Built) -> str:
    key = built.shard()
    data = bytearray(built.store.get(key))
    footer = int.from_bytes(data[-8:-4], "little") + 8
    for _ in range(8):
        data[built.random.randrange(4, len(data) - footer)] ^= 0xFF
    built.store.put({key: bytes(data)})
    return "unreadable"


def _forge(built: Built) -> str:
    key = built.shard()
    built.store.put(
        {key: _with_rows(built.store.get(key), lambda table: table.slice(1), keep=True)}
    )
    return "unreadable"


def _double(built: Built) -> str:
    key = built.shard()

    def twice(table: pa.Table) -> pa.Table:
        return rows.sort(pa.concat_tables([table, table.slice(0, 1)]))

    built.store.put({key: _with_rows(built.store.get(key), twice)})
    return "double"


def _misname(built: Built) -> str:
    name = max(built.alone)
    key = keys.parse(name)
    assert isinstance(key, keys.ShardKey)
    other = keys.ShardKey(key.project, key.run_id, key.writer_id, key.first, key.last + 5)
    built.store.put({str(other): built.store.get(name)})
    built.store.delete([name])
    return "wrong range"


def _misplace(built: Built) -> str:
    name = built.shard()
    key = keys.parse(name)
    assert isinstance(key, keys.ShardKey)
    other = keys.ShardKey(key.project, key.run_id, WriterId("f" * 24), key.first, key.last)
    built.store.put({str(other): built.store.get(name)})
    return "wrong owner"


def _lose_pack(built: Built) -> str:
    built.store.delete([str(keys.PackKey(P, PackId("0" * 24)))])
    return "no pack"


def _orphan(built: Built) -> str:
    data = built.store.get(str(keys.PackKey(P, PackId("0" * 24))))
    built.store.put({str(keys.PackKey(P, PackId("1" * 24))): data})
    return "orphan"


def _skew(built: Built) -> str:
    writer = HandWriter(built.store, P, "run-future", start_s=built.clock.now_s())
    writer.put_meta("future")
    writer.at(built.clock.now_s() + built.random.uniform(600, 1e6)).log({"a": 1.0})
    writer.finish()
    writer.put()
    return "clock"


def _foreign(built: Built) -> str:
    built.store.put({f"{P}/runs/{built.sharded[0].run_id}/notes.txt": b"mine"})
    return "foreign"


def _with_rows(data: bytes, change: Callable[[pa.Table], pa.Table], *, keep: bool = False) -> bytes:
    """A shard with other rows; with `keep` its metadata says what it said."""
    meta, table = shard.decode(data)
    changed = change(table)
    encoded = shard.encode_table(changed, SeqRange(meta.first, meta.last))
    if not keep:
        return encoded
    lie = f"{meta.fingerprint:016x}".encode()
    truth = f"{shard.open_file(encoded).meta.fingerprint:016x}".encode()
    return encoded.replace(truth, lie)
