"""Each row that counts is read once, from whatever files hold it, and none that cannot be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from trackio.errors import FormatTooNew, NotFound
from trackio.model import Entry
from trackio.query.cache import Cache
from trackio.query.project import Project, open_project
from trackio.query.series import read_series
from trackio.query.view import View
from trackio.store.base import Store
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter, put_pack

PACK = "0" * 24


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store whose files are read in place, and one whose files are fetched."""
    return Directory(tmp_path / "store") if request.param == "directory" else MemoryStore()


@pytest.fixture(params=[0, 4096], ids=["from files", "held"])
def held_file_rows(request: pytest.FixtureRequest) -> int:
    """Whether small files are held in memory."""
    return int(request.param)


@pytest.fixture
def project(store: Store, held_file_rows: int) -> Project:
    return Project(store, "p", held_file_rows=held_file_rows)


def written(store: Store, run_id: str = "run", points: int = 12) -> HandWriter:
    """A writer with call 0 for its start, and call `i` logging `x = i` at step `i - 1`."""
    writer = HandWriter(store, "p", run_id)
    for i in range(1, points + 1):
        writer.log({"x": float(i)})
    return writer


def values(view: View, run_id: str = "run") -> list[float]:
    return [v for series in read_series(view, [run_id], ["x"]) for v in series.values.tolist()]


def up_to(last: int, first: int = 1) -> list[float]:
    return [float(i) for i in range(first, last + 1)]


def test_overlapping_shards_give_each_row_once(store: Store, project: Project):
    """Of two that overlap, the later gives only what lies beyond the earlier."""
    writer = written(store)
    for first, last in ((0, 5), (3, 8), (9, 12)):
        writer.put(first, last)
    assert up_to(12) == values(project.view())


def test_a_shard_and_the_files_it_was_merged_from_may_coexist(store: Store, project: Project):
    """The wider wins."""
    writer = written(store)
    for first, last in ((0, 4), (5, 12), (0, 12)):
        writer.put(first, last)
    assert up_to(12) == values(project.view())


def test_rows_beyond_a_gap_are_shown(store: Store, project: Project):
    """What is missing hides nothing else."""
    writer = written(store)
    writer.put(0, 3)
    writer.put(7, 12)
    assert up_to(3) + up_to(12, 7) == values(project.view())


def test_of_a_pack_only_the_ranges_of_its_pointers_count(store: Store, project: Project):
    """A pack holds rows of many writers, and of one writer stretches with gaps between."""
    one, other = written(store, "one"), written(store, "other")
    put_pack(PACK, [(one, 0, 3), (one, 6, 8), (other, 0, 9)])
    one.put(7, 12)
    view = project.view()
    assert up_to(3) + up_to(12, 6) == values(view, "one")
    assert up_to(9) == values(view, "other")


def test_a_pointer_wins_over_a_shard_of_its_range(store: Store, project: Project):
    """Both are there while a compaction is collected."""
    writer = written(store)
    writer.put(0, 8)
    put_pack(PACK, [(writer, 0, 8)])
    writer.put(5, 12)
    assert up_to(12) == values(project.view())


def test_a_pointer_without_its_pack_holds_nothing(store: Store, project: Project):
    """The shard under it serves."""
    writer = written(store)
    writer.put()
    store.delete([put_pack(PACK, [(writer, 0, 12)])])
    assert up_to(12) == values(project.view())


def test_a_file_that_cannot_be_read_is_taken_out_and_reported(store: Store, project: Project):
    """The files under it serve, and the view tells which file is bad and why."""
    writer = written(store)
    writer.put(0, 4)
    writer.put(5, 12)
    torn = writer.key(0, 12)
    store.put({torn: b"PAR1 and then the disk was full"})
    view = project.view()
    assert up_to(12) == values(view)
    assert [torn] == list(view.unreadable)
    assert "Parquet" in view.unreadable[torn]
    assert view is project.refresh()


def test_a_file_damaged_in_its_middle_is_taken_out(store: Store, held_file_rows: int):
    """Its footer is whole, so that only reading its rows shows it."""
    writer = written(store, points=5000)
    writer.put(0, 4000)
    writer.put(4001, 5000)
    whole = writer.put(0, 5000)
    data = bytearray(store.get(whole))
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4:-footer] = bytes(len(data) - 4 - footer)
    store.put({whole: bytes(data)})
    view = Project(store, "p", held_file_rows=held_file_rows).view()
    assert up_to(5000) == values(view)
    assert [whole] == list(view.unreadable)


def test_a_file_under_a_wrong_name_is_taken_out(store: Store, project: Project):
    """Its rows are not those that its name claims."""
    writer = written(store)
    data = store.get(writer.put(0, 4))
    writer.put(5, 12)
    wrong = writer.key(5, 13)
    store.put({wrong: data})
    view = project.view()
    assert up_to(12) == values(view)
    assert [wrong] == list(view.unreadable)


def test_a_file_that_was_put_anew_gets_another_chance(store: Store, project: Project):
    """Somebody copied it again."""
    writer = written(store)
    store.put({writer.key(): b"torn"})
    assert [] == values(project.view())
    writer.put()
    assert up_to(12) == values(project.refresh())
    assert {} == project.refresh().unreadable


def test_a_newer_format_is_an_error_that_names_the_version(tmp_path: Path):
    """It is not damaged; an upgrade reads it."""
    store = Directory(tmp_path)
    writer = written(store)
    path = store.path(writer.put())
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema) as file:
        file.write_table(table)
        file.add_key_value_metadata({"trackio.format": "2"})
    with pytest.raises(FormatTooNew, match=r"trackio >= 2\.0"):
        values(Project(store, "p").view())


class Vanishing(MemoryStore):
    """Merges its shards between a listing and the first reading of one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.writer: HandWriter | None = None

    def get(self, key: str) -> bytes:
        if self.writer is not None and key.endswith(".parquet"):
            writer, self.writer = self.writer, None
            parts = [writer.key(0, 4), writer.key(5, 12)]
            writer.put()
            self.delete(parts)
        return super().get(key)


def test_a_file_that_vanished_makes_the_view_list_again():
    """A merge happened between listing and reading: that is nobody's fault."""
    store = Vanishing()
    writer = written(store)
    writer.put(0, 4)
    writer.put(5, 12)
    store.writer = writer
    view = Project(store, "p").view()
    assert up_to(12) == values(view)
    assert {} == view.unreadable


class Lagging(MemoryStore):
    """Lists one key for ever that is not there."""

    ghost = ""

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        yield from super().list(prefix, recursive=recursive)
        if self.ghost.startswith(prefix):
            yield Entry(self.ghost, 100, START_S, "ghost")


def test_what_is_listed_and_never_there_is_taken_out():
    """A store that lists what was deleted must not make a reader list for ever."""
    store = Lagging()
    writer = written(store)
    writer.put(0, 4)
    writer.put(5, 12)
    store.ghost = writer.key(0, 12)
    view = Project(store, "p").view()
    assert up_to(12) == values(view)
    assert [store.ghost] == list(view.unreadable)


class Counting(MemoryStore):
    """Counts what is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def get(self, key: str) -> bytes:
        self.fetched.append(key)
        return super().get(key)


def test_a_file_of_a_remote_store_is_fetched_once(tmp_path: Path):
    """Its name is never used for other rows, so the cache serves other processes too."""
    store = Counting()
    writer = written(store)
    writer.put(0, 6)
    view = Project(store, "p", cache=Cache(tmp_path)).view()
    assert values(view) == values(view)
    assert 1 == len(store.fetched)
    again = Project(store, "p", cache=Cache(tmp_path))
    assert up_to(6) == values(again.view())
    assert 1 == len(store.fetched)
    writer.put(7, 12)
    assert up_to(12) == values(again.refresh())
    assert 2 == len(store.fetched)


def test_a_cache_that_was_deleted_is_filled_again(tmp_path: Path):
    """It may go at any time."""
    store = MemoryStore()
    written(store).put()
    view = Project(store, "p", cache=Cache(tmp_path), held_file_rows=0).view()
    assert up_to(12) == values(view)
    for path in tmp_path.rglob("*.parquet"):
        path.unlink()
    assert up_to(12) == values(view)
    assert {} == view.unreadable


def test_a_view_stays_the_same_while_nothing_changes(store: Store, project: Project):
    """A tick with nothing new is a comparison of two listings."""
    writer = written(store)
    writer.put(0, 4)
    view = project.view()
    assert view is project.refresh()
    writer.put(5, 12)
    assert view is not project.refresh()
    assert project.view() is project.refresh()


def test_runs_that_were_deleted_are_not_read(store: Store, project: Project):
    """A tombstone hides them, wherever their rows are."""
    writer = written(store)
    writer.put()
    store.put({f"p/deleted/run/{'f' * 24}": b""})
    assert [] == values(project.view())
    assert [] == project.view().runs()


def test_a_project_that_is_not_there_is_an_error_that_tells_what_is(store: Store):
    """With names that look alike."""
    written(store).put()
    with pytest.raises(NotFound, match="did you mean 'p'"):
        open_project(store, "P")
    with pytest.raises(NotFound, match="there are: p"):
        open_project(store, "quite another")
    assert "p" == open_project(store, "p").name


def test_an_empty_shard_is_read_as_nothing(store: Store, project: Project):
    """Calls without rows take seqs, too."""
    writer = written(store, points=2)
    writer.call("metric", {})
    writer.put(0, 2)
    writer.put(3, 3)
    assert up_to(2) == values(project.view())


def test_many_threads_may_ask_one_project(store: Store, project: Project):
    """While it is refreshed, merged and pruned under them, each answer is one of its states."""
    writer = written(store, points=200)
    writer.put(0, 10)
    project.view()

    def ask(number: int) -> list[float]:
        return values(project.refresh() if number % 5 == 0 else project.view())

    with ThreadPoolExecutor(8) as pool:
        answers = []
        for end in range(20, 201, 20):
            answers += [pool.submit(ask, number) for number in range(10)]
            writer.put(0, end)
            store.delete([writer.key(0, end - 20 if end > 20 else 10)])
        for answer in answers:
            found = answer.result()
            assert up_to(len(found)) == found
    assert up_to(200) == values(project.refresh())
