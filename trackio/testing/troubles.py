"""What goes wrong around the actors of a simulated world. Nothing happens unless it is told to.

Faults of single calls are the subject of `trackio.store.faulty`, listings that lag that of
`trackio.store.lagging`.
"""

import errno
import os
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from unittest import mock

from trackio.errors import StoreRefused
from trackio.keys import ClockKey, ConsumerKey, MetaKey, parse
from trackio.model import Entry
from trackio.store.base import Content, Store
from trackio.store.faulty import Chances, Fault, Op
from trackio.store.lagging import Lagging
from trackio.store.memory import MemoryStore
from trackio.store.wrapper import Wrapper
from trackio.testing.clock import ManualClock
from trackio.writer import journal_file

_MUTABLE = (MetaKey, ConsumerKey)


class Truth(MemoryStore):
    """What is really in the store; `changes` counts how often it became another."""

    changes = 0

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        super().put(files)
        self._count(files)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`."""
        asked = list(keys)
        super().delete(asked)
        self._count(asked)

    def _count(self, keys: Iterable[str]) -> None:
        # That a job asks for the time changes nothing.
        self.changes += any(not isinstance(parse(key), ClockKey) for key in keys)


class Replica(Lagging):
    """What one of the servers lists; it hears of changes through `Replicas`."""

    def note(self, before: Mapping[str, Entry | None], after: Mapping[str, Entry | None]) -> None:
        """So it was, and so it is now; when it is listed so is decided here."""
        self._record(before, after)


class Replicas(Wrapper):
    """Servers before one store whose listings lag independently: one shows what another hides."""

    def __init__(self, truth: Store, clock: ManualClock, *, longest_s: float, seed: int) -> None:
        super().__init__(truth)
        self.all = [
            Replica(truth, clock=clock, longest_s=longest_s, chance=0.3, seed=seed + number)
            for number in range(2)
        ]

    def catch_up(self) -> None:
        """From now on nothing lags."""
        for replica in self.all:
            replica.longest_s = 0.0

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        self._change(files, lambda: self._inner.put(files))

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`."""
        asked = dict.fromkeys(keys)
        self._change(asked, lambda: self._inner.delete(asked))

    def _change(self, keys: Iterable[str], change: Callable[[], None]) -> None:
        before = self._entries(keys)
        change()
        after = self._entries(before)
        for replica in self.all:
            replica.note(before, after)

    def _entries(self, keys: Iterable[str]) -> dict[str, Entry | None]:
        wanted: dict[str, Entry | None] = dict.fromkeys(keys)
        for folder in {key[: key.rfind("/") + 1] for key in wanted}:
            listed = self._inner.list(folder, recursive=False)
            wanted |= {entry.key: entry for entry in listed if entry.key in wanted}
        return wanted


class Seen(Wrapper):
    """The store as one meets it who is listed to by one of the servers."""

    def __init__(self, replicas: Replicas, replica: Replica) -> None:
        super().__init__(replicas)
        self._replica = replica

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`."""
        return self._replica.list(prefix, recursive=recursive)


class Dice:
    """What goes wrong with a call follows from the seed, its verb, its keys and its number.

    Whoever of several threads asks first changes nothing.

    Args:
        chances: how likely each fault is.
        seed: of all chance.
        share: of the calls of which the chances are true; the others go well.
    """

    def __init__(self, chances: Chances, seed: int, share: float = 1.0) -> None:
        self._chances = chances
        self._share = share
        self._seed = seed
        self._rolls: Counter[str] = Counter()

    def __call__(self, op: Op, keys: Sequence[str]) -> Fault:
        """See `trackio.store.faulty.Choose`."""
        name = f"{op} {' '.join(keys)}"
        self._rolls[name] += 1
        number = zlib.crc32(f"{self._seed} {self._rolls[name]} {name}".encode())
        if number % 1000 >= 1000 * self._share:
            return Fault.NONE
        return self._chances.chooser(number)(op, keys)


@dataclass(slots=True)
class Trouble:
    """What is wrong with the store for everybody, for a while."""

    is_full: bool = False
    is_read_only: bool = False

    def refuses(self, op: Op) -> bool:
        """Whether the store says no to every such call now."""
        return (op == "put" and (self.is_full or self.is_read_only)) or (
            op == "delete" and self.is_read_only
        )


class Disk:
    """The local disk of the machine; while it is full no journal and no spool can grow.

    The one system call that appends to a journal goes through it as long as it is plugged in.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._write = os.write
        self._plug = mock.patch.object(journal_file, "write", self.write)
        self._plug.start()

    def unplug(self) -> None:
        """Journals of others go their own way again."""
        self._plug.stop()

    def write(self, descriptor: int, data: bytes) -> int:
        """As `os.write`; half of what is written still fits on a disk that fills up."""
        if not self.is_full:
            return self._write(descriptor, data)
        self._write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "rehearsed: no space left on device")


class OnDisk(Wrapper):
    """A local store on that disk."""

    def __init__(self, inner: Store, disk: Disk) -> None:
        super().__init__(inner)
        self._disk = disk

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        if self._disk.is_full:
            raise StoreRefused("rehearsed: the disk is full")
        self._inner.put(files)


@dataclass(slots=True)
class Late:
    """A request that a network kept, and delivers once more at some time."""

    key: str
    content: Content


@dataclass(slots=True)
class Network:
    """Requests that arrive a second time, whenever `deliver` is called."""

    chance: float
    random: random.Random
    late: list[Late] = field(default_factory=list)

    def note(self, key: str, content: Content) -> None:
        """A put went by. What is put under a name that changes comes in order."""
        if self.random.random() < self.chance and not isinstance(parse(key), _MUTABLE):
            self.late.append(
                Late(key, content if isinstance(content, bytes) else content.read_bytes())
            )

    def deliver(self, store: Store) -> None:
        """One of them arrives."""
        if self.late:
            again = self.late.pop(self.random.randrange(len(self.late)))
            store.put({again.key: again.content})


class Repeating(Wrapper):
    """A store before which requests are noted by a network that may deliver them again."""

    def __init__(self, inner: Store, network: Network) -> None:
        super().__init__(inner)
        self._network = network

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        for key, content in files.items():
            self._network.note(key, content)
        self._inner.put(files)
