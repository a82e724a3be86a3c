"""Deleting, renaming and moving whole runs, also while they are written."""

import pytest

from trackio import keys
from trackio.api import Api
from trackio.catalog import list_project
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.ids import id_after
from trackio.meta import decode_meta
from trackio.model import RunId
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.query.series import read_series
from trackio.store.faulty import Fault, Faulty, tear
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter, put_pack
from trackio.testing.reading import points_in
from trackio.upkeep import delete, move
from trackio.upkeep.rename import rename_run

MEDIA = "0" * 64


@pytest.fixture
def store():
    return MemoryStore(clock=ManualClock(START_S + 1e6))


def _written(store, run="run", *, finish=True):
    writer = HandWriter(store, "p", run)
    writer.put_meta(f"name of {run}")
    store.put({str(keys.NameKey("p", f"name of {run}", RunId(run))): b""})
    for i in range(20):
        writer.log({"a": float(i)})
    if finish:
        writer.finish()
    half = len(writer.calls) // 2
    writer.put(0, half)
    writer.put(half + 1)
    media = keys.MediaKey("p", writer.run_id, writer.writer_id, MEDIA, "png")
    store.put({str(media): b"picture"})
    return writer


def _names(store, project="p"):
    return sorted(row.name for row in list_runs(Project(store, project).refresh(), 0.0))


def test_a_deleted_run_is_gone_for_everybody_and_for_good(store):
    """Its tombstone, by its id and not by the clock, sorts just above its newest writer."""
    writer = _written(store)
    _written(store, "other")
    plan = delete.plan(store, "p", writer.run_id)
    assert plan.tombstone.endswith(id_after(writer.writer_id))
    assert delete.apply(plan, store) == 5
    assert ["name of other"] == _names(store)
    assert [] == list(store.list(keys.run_prefix("p", writer.run_id)))
    with pytest.raises(NotFound, match="no run"):
        delete.plan(store, "p", writer.run_id)


def test_deleting_twice_does_no_harm(store):
    """Somebody else did it first, or the answer was lost."""
    plan = delete.plan(store, "p", _written(store).run_id)
    delete.apply(plan, store)
    delete.apply(plan, store)
    assert [] == _names(store)


def test_what_a_live_writer_puts_after_the_delete_stays_hidden(store):
    """It need not know."""
    writer = _written(store, finish=False)
    delete.delete_run(store, "p", writer.run_id)
    writer.log({"a": 1.0})
    writer.put()
    assert set() == points_in(store, "p")
    assert [] == _names(store)


def test_a_run_that_is_resumed_while_it_is_deleted_keeps_its_name(store):
    """What is said of it stays while any writer sorts above the tombstone."""
    writer = _written(store)
    plan = delete.plan(store, "p", writer.run_id)
    later = HandWriter(store, "p", writer.run_id, start_s=START_S + 1000)
    later.log({"a": 5.0})
    later.put()
    delete.apply(plan, store)
    assert ["name of run"] == _names(store)
    assert {5.0} == {point[3] for point in points_in(store, "p")}


def test_packed_rows_of_a_deleted_run_vanish_at_once(store):
    """Physically they go when the pack is written anew."""
    writers = [HandWriter(store, "p", run) for run in ("one", "two")]
    for writer in writers:
        writer.log({"a": 1.0})
    put_pack("0" * 24, [(writer, 0, 1) for writer in writers])
    delete.delete_run(store, "p", writers[0].run_id)
    assert {writers[1].writer_id} == {point[0] for point in points_in(store, "p")}


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.LOST, Fault.PARTIAL])
@pytest.mark.parametrize("op", ["put", "delete"])
def test_a_delete_that_is_interrupted_can_be_repeated(store, fault, op):
    """Once the tombstone is there the run is hidden, whatever is left of it."""
    writer = _written(store)
    faulty = Faulty(store, lambda verb, _keys: fault if verb == op else Fault.NONE)
    with pytest.raises(Exception, match="rehearsed"):
        delete.delete_run(faulty, "p", writer.run_id)
    if op == "delete":
        assert set() == points_in(store, "p")
    if any(True for _ in store.list(keys.run_prefix("p", writer.run_id))):
        delete.delete_run(store, "p", writer.run_id)
    assert [] == _names(store)


def test_a_renamed_run_keeps_its_id_and_is_found_by_its_new_name(store):
    """What else is said of it stays."""
    writer = _written(store, finish=False)
    meta = rename_run(store, "p", writer.run_id, "another näme")
    assert "another näme" == meta.name
    assert meta.edited_at is not None
    assert ["another näme"] == _names(store)
    listed = {entry.key for entry in store.list("p/names/")}
    assert {str(keys.NameKey("p", "another näme", writer.run_id))} == listed
    stored = decode_meta(store.get(str(keys.MetaKey("p", writer.run_id))))
    assert stored == meta


def test_a_run_without_meta_gets_a_name(store):
    """As `verify` advises."""
    writer = _written(store)
    store.delete([str(keys.MetaKey("p", writer.run_id))])
    rename_run(store, "p", writer.run_id, "found")
    assert ["found"] == _names(store)


def test_a_run_that_is_not_there_has_no_name(store):
    """Nor is one made."""
    _written(store)
    with pytest.raises(NotFound):
        rename_run(store, "p", RunId("nobody"), "x")
    with pytest.raises(InvalidInput):
        rename_run(store, "p", RunId("run"), "")
    assert ["name of run"] == _names(store)


def _place(store, project):
    return move.Place(store=store, project=project)


def _values(store, project):
    view = Project(store, project).refresh()
    ids = [run.run_id for run in view.runs()]
    return [s.values.tolist() for s in read_series(view, ids, ["a"])]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_moved_run_is_the_same_under_another_id(store, elsewhere):
    """Rows, media and what is said of it; here it is deleted."""
    writer = _written(store)
    there = MemoryStore() if elsewhere else store
    expected = _values(store, "p")
    new_id = move.move_run(_place(store, "p"), writer.run_id, _place(there, "q"))
    assert expected == _values(there, "q")
    assert ["name of run"] == _names(there, "q")
    assert set() == points_in(store, "p")
    run = list_project(there, "q").runs[new_id]
    (files,) = run.writers.values()
    (media,) = files.media
    assert b"picture" == there.get(str(media))


def test_packed_rows_move_too(store):
    """The pack keeps those of others."""
    writers = [HandWriter(store, "p", run) for run in ("one", "two")]
    for writer in writers:
        writer.put_meta(writer.run_id)
        writer.log({"a": 1.0})
        writer.log({"a": 2.0})
        writer.finish()
    put_pack("0" * 24, [(writer, 0, 4) for writer in writers])
    move.move_run(_place(store, "p"), writers[0].run_id, _place(store, "q"))
    assert [[1.0, 2.0]] == _values(store, "q")
    assert [[1.0, 2.0]] == _values(store, "p")


def test_a_live_run_is_not_moved(store):
    """Its writer would go on where it was."""
    import time

    writer = HandWriter(store, "p", "run", start_s=time.time())
    writer.log({"a": 1.0})
    live = MemoryStore()
    writer.store = live
    writer.put()
    with pytest.raises(InvalidInput, match="live"):
        move.plan(_place(live, "p"), writer.run_id, _place(live, "q"))


def test_a_move_to_where_it_is_already_is_refused(store):
    """It would delete the run."""
    writer = _written(store)
    with pytest.raises(InvalidInput, match="already"):
        move.plan(_place(store, "p"), writer.run_id, _place(store, "p"))


def test_a_damaged_run_is_not_moved(store):
    """Nothing is deleted."""
    writer = _written(store)
    tear(store, writer.key(0, len(writer.calls) // 2), 0.5)
    with pytest.raises(UnreadableFile):
        move.move_run(_place(store, "p"), writer.run_id, _place(store, "q"))
    assert ["name of run"] == _names(store)


@pytest.mark.parametrize("step", range(1, 8))
def test_a_move_that_is_interrupted_goes_on_where_it_was(store, step):
    """The same new id, nothing twice, and deleted here only in the end."""
    writer = _written(store)
    expected = _values(store, "p")
    puts = []

    def choose(op, _names):
        puts.extend([op] if op == "put" else [])
        return Fault.FAILED if len(puts) == step else Fault.NONE

    faulty = Faulty(store, choose)
    try:
        move.move_run(_place(faulty, "p"), writer.run_id, _place(faulty, "q"))
    except Exception:  # noqa: BLE001 - any; the next time counts
        assert expected == _values(store, "p")
        move.move_run(_place(store, "p"), writer.run_id, _place(store, "q"))
    assert expected == _values(store, "q")
    assert 1 == len(list_project(store, "q").runs)


def test_the_api_deletes_renames_and_moves(store):
    """As a notebook does."""
    _written(store, "one")
    _written(store, "two")
    api = Api(store)
    run = api.run("p/name of one").rename("uno")
    assert "uno" == run.name
    path = run.move("q")
    assert "uno" == api.run(path).name
    api.run("p/name of two").delete()
    assert 0 == len(api.runs("p"))
