"""What must hold in the simulated world at every moment, each as a function with a name.

Each raises AssertionError and says what is wrong.
"""

from trackio import journal
from trackio.catalog import list_project
from trackio.errors import InvalidInput, NotFound, TrackioError, UnreadableFile
from trackio.keys import ShardKey
from trackio.meta import decode_meta
from trackio.model import METRIC
from trackio.store.base import Store
from trackio.testing.legacy import legacy_points
from trackio.testing.processes import GRACE_S, Process
from trackio.testing.reading import Point, Reading, points_in, points_or_none
from trackio.testing.world import LAG_S, PROJECT, World
from trackio.upkeep.verify import verify


def check_all(world: World) -> None:
    """Every invariant that holds at every moment."""
    world.establish()
    nobody_breaks(world)
    no_acknowledged_call_is_lost(world)
    every_stored_copy_is_right(world)
    for reading in world.readings:
        a_reader_sees_each_row_once(world, reading)
        a_prompt_reader_misses_nothing(world, reading)
    world.readings = [reading for reading in world.readings if not reading.is_done]


def check_end(world: World) -> None:
    """Every invariant that holds once all has settled."""
    check_all(world)
    everything_is_in_the_store(world)
    everything_is_packed(world)
    every_alert_is_told(world)
    a_copy_is_whole(world)
    every_run_has_a_name_that_it_was_given(world)
    verify_is_quiet(world)


def nobody_breaks(world: World) -> None:
    """What goes wrong with an actor is the store's fault, and said in our own words."""
    for actor in world.actors:
        error = actor.error
        if error is not None and (
            not isinstance(error, TrackioError) or isinstance(error, InvalidInput)
        ):
            raise AssertionError(f"{actor.name} broke: {error!r}") from error


def no_acknowledged_call_is_lost(world: World) -> None:
    """Each call that returned is in a readable file, a journal, a spool or a living memory.

    What a tombstone hides is deleted, also where its writer lives on.
    """
    stored, hidden = world.stored(), world.hidden()
    for process in world.processes:
        if process.header.writer_id in hidden:
            continue
        missing = process.promised() - stored
        if missing:
            missing -= _spooled(process) | _journaled(world, process)
        if process.is_alive:
            missing = {point for point in missing if point[1] <= process.writer.safe_seq}
        assert not missing, f"lost: {sorted(missing)[:3]}"


def every_stored_copy_is_right(world: World) -> None:
    """No file holds a row that was never logged, or another value than was logged."""
    strange = world.stored() - _logged(world)
    assert not strange, f"nobody logged {sorted(strange)[:3]}"


def a_reader_sees_each_row_once(world: World, reading: Reading) -> None:
    """Whatever a reader saw was logged and not deleted long before, and it saw it once."""
    twice = [point for point, count in reading.seen.items() if count > 1]
    assert not twice, f"seen twice: {twice[:3]}"
    strange = set(reading.seen) - _logged(world)
    assert not strange, f"a reader saw what nobody logged: {sorted(strange)[:3]}"
    risen = [point for point in reading.seen if point[0] in reading.forbidden]
    assert not risen, f"a reader saw what was deleted: {sorted(risen)[:3]}"


def a_prompt_reader_misses_nothing(world: World, reading: Reading) -> None:
    """A reader that does not dawdle sees every row that listings ever showed before it began."""
    if reading.is_done and reading.took_s < GRACE_S - LAG_S:
        hidden = world.hidden()
        missed = {p for p in reading.must - set(reading.seen) if p[0] not in hidden}
        assert not missed, f"a reader missed: {sorted(missed)[:3]}"


def everything_is_in_the_store(world: World) -> None:
    """After all has settled: each acknowledged row is stored, and nothing waits any more."""
    hidden = world.hidden()
    promised = {point for process in world.processes for point in process.promised()}
    if world.is_migrating:
        promised |= legacy_points(PROJECT)
    lost = {p for p in promised - world.stored() if p[0] not in hidden}
    assert not lost, f"lost: {sorted(lost)[:3]}"
    left = sorted(path.name for path in world.machine.journal_dir.glob("*.journal"))
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


def every_alert_is_told(world: World) -> None:
    """Once somebody looked: each alert that is in the store was told at least once."""
    if world.tellers:
        hidden = world.hidden()
        kept = [p for p in world.processes if p.header.writer_id not in hidden]
        missed = {log_id for process in kept for log_id in process.promised_alerts()}
        missed -= world.told.keys()
        assert not missed, f"never told: {sorted(missed)[:3]}"


def a_copy_is_whole(world: World) -> None:
    """A copy made of a settled project holds what it holds; without a row there is no project."""
    if not world.stored():
        return
    differing = world.stored() ^ points_in(world.mirror, PROJECT)
    assert not differing, f"only in one of project and copy: {sorted(differing)[:3]}"


def every_run_has_a_name_that_it_was_given(world: World) -> None:
    """By its process or by the user; of a run that is deleted nothing needs to be said."""
    for run_id, run in list_project(world.truth, PROJECT).runs.items():
        given = world.names.get(run_id)
        if run.meta is not None and run.writers and given is not None:
            try:
                name = decode_meta(world.truth.get(run.meta.key)).name
            except UnreadableFile:
                continue  # torn, and whoever put it died before it tried again
            assert name in given, f"{run_id} is called {name!r}, which nobody said"


def verify_is_quiet(world: World) -> None:
    """After all has settled `trackio verify` finds no error but what is true.

    Calls that no journal took, because the disk was full, are missing if their process was
    killed before it put them. A torn file stays where whoever put it died before it tried again;
    what it held was published under other names.
    """
    try:
        report = verify(world.truth, PROJECT, now_s=world.clock.now_s())
    except NotFound:
        return  # nobody wrote anything that counts
    doubted = {f"{p.header.run_id}/{p.header.writer_id}" for p in world.processes if p.doubtful}
    strange = [
        (f.kind, f.subject, f.message)
        for f in report.errors
        if f.kind != "unreadable" and not (f.kind == "missing" and f.subject in doubted)
    ]
    assert not strange, f"verify: {strange[:3]}"


def _logged(world: World) -> set[Point]:
    found = {point for process in world.processes for point in process.points()}
    return found | legacy_points(PROJECT) if world.is_migrating else found


def _spooled(process: Process) -> set[Point]:
    files: Store | None = None if process.spool is None else process.spool.files
    return set() if files is None else points_in(files, PROJECT)


def _journaled(world: World, process: Process) -> set[Point]:
    writer_id = process.header.writer_id
    found: set[Point] = set()
    for path in world.machine.journal_dir.glob(f"{writer_id}.*"):
        try:
            calls = journal.decode(path.read_bytes()).calls
        except UnreadableFile:
            continue
        for call in calls:
            if call.kind == METRIC:
                found |= {(writer_id, call.seq, k, v) for k, v in call.data.items()}  # type: ignore[misc]  # the world logs doubles
    return found
