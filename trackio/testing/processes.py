"""One training process of a simulated world: what it works with, and what it was promised."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trackio import journal
from trackio.clock import Clock
from trackio.model import WriterId
from trackio.settings import FlushPolicy, UpkeepPolicy
from trackio.spool import Spool
from trackio.store.base import Store
from trackio.testing.actors import Actor
from trackio.testing.clock import JumpyClock
from trackio.testing.reading import Point
from trackio.testing.troubles import Disk, OnDisk
from trackio.writer.publisher import Publisher
from trackio.writer.rollup import RollUp
from trackio.writer.writer import Writer

GRACE_S: Final = 120.0
_FLUSH: Final = FlushPolicy(max_calls=6, rotate_bytes=1500)
_UPKEEP: Final = UpkeepPolicy(grace_s=GRACE_S, fan_in=3, small_bytes=30_000)


@dataclass(slots=True, kw_only=True, eq=False)
class Process:
    """A writer, what its threads work with, and what it was promised.

    `began_as` is the id it had before it may have taken another, because its run was deleted;
    until then its calls may have been published from its journal under that id.
    `logged` is what it said, by seq, key and value; `acknowledged` are the seqs of calls that
    returned with their line in the journal, `doubtful` those that were only kept in memory.
    """

    clock: JumpyClock
    writer: Writer
    publisher: Publisher
    rollup: RollUp
    spool: Spool | None
    began_as: WriterId
    is_alive: bool = True
    is_finished: bool = False
    actors: list[Actor] = field(default_factory=list)
    logged: set[tuple[int, str, float]] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    alerts: set[int] = field(default_factory=set)

    @property
    def header(self) -> journal.Header:
        """Whose calls these are."""
        return self.writer.header

    def is_free(self, doing: str) -> bool:
        """Whether the thread that does this could begin."""
        busy = any(actor.name == doing and not actor.is_done for actor in self.actors)
        return self.is_alive and not busy

    def points(self) -> set[Point]:
        """All that it ever said, under either of its ids."""
        writer_ids = {self.began_as, self.header.writer_id}
        return {(writer_id, *each) for writer_id in writer_ids for each in self.logged}

    def promised(self) -> set[Point]:
        """What must not be lost: calls that returned, and those in memory once they are put."""
        writer_id, held = self.header.writer_id, self.acknowledged
        safe = {seq for seq in self.doubtful if seq <= self.writer.safe_seq}
        return {(writer_id, *each) for each in self.logged if each[0] in held or each[0] in safe}

    def promised_alerts(self) -> set[str]:
        """The log ids of the alerts that must be told."""
        kept = {seq for seq in self.alerts if seq not in self.doubtful}
        return {f"{self.header.writer_id}-{seq:012d}" for seq in kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What all processes of the simulated machine share."""

    folder: Path
    disk: Disk
    make_id: Callable[[Clock], str]
    jitter: Callable[[float, float], float]

    @property
    def journal_dir(self) -> Path:
        """Where journals lie."""
        return self.folder / "journal"

    def start(
        self, header: journal.Header, store: Store, clock: JumpyClock, *, spooled: bool
    ) -> Process:
        """A process with one writer that reaches the store through `store`."""
        number = header.owner.pid
        writer = Writer(header, self.journal_dir, policy=_FLUSH, clock=clock)
        spool = self.open_spool(number, store, clock) if spooled else None
        files: Store = store if spool is None else OnDisk(spool.files, self.disk)
        publisher = Publisher(
            writer,
            files,
            target=store,
            policy=_FLUSH,
            on_put=(lambda _names: None) if spool is None else spool.offer,
            make_id=lambda: self.make_id(clock),
        )
        rollup = RollUp(
            files,
            unsent=spool,
            scratch=self.folder / f"{number}.merge",
            policy=_UPKEEP,
            clock=clock,
        )
        return Process(
            clock=clock,
            writer=writer,
            publisher=publisher,
            rollup=rollup,
            spool=spool,
            began_as=header.writer_id,
        )

    def open_spool(self, number: int, store: Store, clock: Clock) -> Spool:
        """The spool of a process, or of whoever takes it up."""
        folder = self.folder / f"spool-{number}"
        return Spool(folder, store, clock=clock, jitter=self.jitter)
