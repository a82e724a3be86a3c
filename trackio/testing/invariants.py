"""What must hold in the simulated world at every moment, each as a function with a name.

Each raises AssertionError and says what is wrong.
"""

from collections import Counter

from trackio import journal
from trackio.catalog import list_project
from trackio.errors import TrackioError, UnreadableFile
from trackio.keys import ShardKey
from trackio.model import METRIC
from trackio.store.base import Store
from trackio.testing.reading import Point, Reading, points_in, points_or_none
from trackio.testing.world import GRACE_S, LAG_S, PROJECT, Process, World


def check_all(world: World) -> None:
    """Every invariant that holds at every moment."""
    nobody_breaks(world)
    no_acknowledged_call_is_lost(world)
    every_stored_copy_is_right(world)
    for reading in world.readings:
        a_reader_sees_each_row_once(world, reading)
        a_prompt_reader_misses_nothing(reading)
    world.readings = [reading for reading in world.readings if not reading.is_done]


def nobody_breaks(world: World) -> None:
    """What goes wrong with an actor is the store's fault, and said in our own words."""
    for actor in world.actors:
        if actor.error is not None and not isinstance(actor.error, TrackioError):
            raise AssertionError(f"{actor.name} broke") from actor.error


def no_acknowledged_call_is_lost(world: World) -> None:
    """Each call that returned is in a readable file, a journal, a spool or a living memory."""
    stored = points_in(world.truth, PROJECT)
    for process in world.processes:
        kept = stored | _spooled(process) | _journaled(world, process)
        first_in_memory = process.writer.safe_seq + 1 if process.is_alive else float("inf")
        for point in _promised(process):
            assert point in kept or point[1] >= first_in_memory, f"lost: {point}"


def every_stored_copy_is_right(world: World) -> None:
    """No file holds a row that was never logged, or another value than was logged."""
    logged = {point for process in world.processes for point in _promised(process)}
    strange = points_in(world.truth, PROJECT) - logged
    assert not strange, f"nobody logged {sorted(strange)[:3]}"


def a_reader_sees_each_row_once(world: World, reading: Reading) -> None:
    """Whatever a reader saw was logged, and it saw it once."""
    twice = [point for point, count in reading.seen.items() if count > 1]
    assert not twice, f"seen twice: {twice[:3]}"
    logged = {point for process in world.processes for point in _promised(process)}
    strange = set(reading.seen) - logged
    assert not strange, f"a reader saw what nobody logged: {sorted(strange)[:3]}"


def a_prompt_reader_misses_nothing(reading: Reading) -> None:
    """A reader that does not dawdle sees every row that listings showed when it began."""
    if reading.is_done and reading.took_s < GRACE_S - LAG_S:
        missed = reading.must - set(reading.seen)
        assert not missed, f"missed: {sorted(missed)[:3]}"


def everything_is_in_the_store(world: World) -> None:
    """After all has settled: each acknowledged row is stored, and nothing waits any more."""
    promised = {point for process in world.processes for point in _promised(process)}
    lost = promised - points_in(world.truth, PROJECT)
    assert not lost, f"lost: {sorted(lost)[:3]}"
    left = sorted(path.name for path in world.journal_dir.glob("*.journal"))
    assert not left, f"journals left behind: {left}"


def everything_is_packed(world: World) -> None:
    """After all has settled and was collected: what can be read is in packs that are pointed to."""
    snapshot = list_project(world.truth, PROJECT)
    named = set()
    for run in snapshot.runs.values():
        for files in run.writers.values():
            named |= {key.pack_id for key in files.ranges}
            for key in files.ranges:
                if isinstance(key, ShardKey):
                    left = points_or_none(world.truth, str(key))
                    assert left is None, f"never packed: {key}"
    unnamed = snapshot.packs.keys() - named
    assert not unnamed, f"packs nobody points to: {sorted(unnamed)}"


def _promised(process: Process) -> set[Point]:
    writer_id = process.writer.header.writer_id
    return {
        (writer_id, seq, key, value)
        for seq, data in process.acknowledged.items()
        for key, value in data.items()
    }


def _spooled(process: Process) -> set[Point]:
    files: Store | None = None if process.spool is None else process.spool.files
    return set() if files is None else points_in(files, PROJECT)


def _journaled(world: World, process: Process) -> set[Point]:
    found: Counter[Point] = Counter()
    writer_id = process.writer.header.writer_id
    for path in world.journal_dir.glob(f"{writer_id}.*"):
        try:
            calls = journal.decode(path.read_bytes()).calls
        except UnreadableFile:
            continue
        for call in calls:
            if call.kind == METRIC:
                found.update((writer_id, call.seq, k, v) for k, v in call.data.items())  # type: ignore[misc]  # the world logs doubles
    return set(found)
