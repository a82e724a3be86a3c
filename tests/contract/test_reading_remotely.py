"""Reading from stores over a network: a bucket at the stand-in Hub and a real S3 server."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from standin.hub import READ_TOKEN, STRANGER_TOKEN, WRITE_TOKEN
from standin.web import Kind

from trackio.errors import NotFound, StoreRefused, StoreUnavailable
from trackio.query.cache import Cache
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.query.series import read_series
from trackio.store import open_for_reading
from trackio.store.base import Store
from trackio.store.bucket import Bucket
from trackio.store.object import ObjectStore
from trackio.store.read_only import ReadOnly
from trackio.store.remote import is_remote
from trackio.store.retrying import Retrying, RetryPolicy
from trackio.testing.clock import ManualClock
from trackio.testing.handmade import HandWriter, put_pack

ID = "ada/runs"
PACK = "0" * 24
POINTS = 3000


class Counting:
    """How many bytes came from a store in ranges and in whole files."""

    def __init__(self, store: Store) -> None:
        self.fetched: list[str] = []
        self.ranged = 0
        fetch, get_range = store.fetch, store.get_range

        def counted_fetch(wanted):
            self.fetched += [entry.key for entry in wanted]
            return fetch(wanted)

        def counted_range(entry, begin, end):
            self.ranged += end - begin
            return get_range(entry, begin, end)

        store.fetch, store.get_range = counted_fetch, counted_range


class Place(NamedTuple):
    """One store as a writer and as a reader opens it."""

    writer: Store
    reader: Store


@pytest.fixture(params=["bucket", "s3"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Written with a token that may write, and read with one that may only read."""
    if request.param == "bucket":
        hub = request.getfixturevalue("hub")
        hub.make_bucket(ID)
        yield Place(
            Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN),
            Bucket(ID, endpoint=hub.url, token=READ_TOKEN),
        )
        return
    server = request.getfixturevalue("s3_server")
    url = server.url(f"reading-{secrets.token_hex(4)}")
    stores = []
    for who in ("WRITER", "READER"):
        for name, value in server.credentials(who).items():
            monkeypatch.setenv(name, value)
        stores.append(ObjectStore(url))
        list(stores[-1].list())  # it takes its credentials now
    yield Place(*stores)


def written(store: Store, points: int = 12, run_id: str = "run") -> HandWriter:
    """A writer whose call `i` logs `x = i`."""
    writer = HandWriter(store, "p", run_id)
    for i in range(1, points + 1):
        writer.log({"x": float(i)})
    return writer


def values(project: Project, run_id: str = "run", key: str = "x") -> list[float]:
    found = read_series(project.view(), [run_id], [key])
    return [value for series in found for value in series.values.tolist()]


def up_to(last: int) -> list[float]:
    return [float(i) for i in range(1, last + 1)]


class TestFetching:
    """Many files at once, each whole and as it was listed."""

    def test_many_files_come_as_they_were_put(self, place: Place, tmp_path: Path):
        """Empty ones and large ones too."""
        data = {f"f/{i}": secrets.token_bytes(i * 37) for i in range(40)}
        data["large"] = secrets.token_bytes(17 << 20)
        place.writer.put(data)
        wanted = {entry: tmp_path / str(i) for i, entry in enumerate(place.reader.list())}
        assert is_remote(place.reader)
        assert {} == place.reader.fetch(wanted)
        assert data == {entry.key: path.read_bytes() for entry, path in wanted.items()}

    def test_a_stretch_of_a_file_is_what_it_is_in_the_whole(self, place: Place):
        """Bounds as in a slice."""
        data = secrets.token_bytes(100_000)
        place.writer.put({"a": data})
        (entry,) = place.reader.list()
        for begin, end in ((0, 1), (99_999, 100_000), (500, 70_000)):
            assert data[begin:end] == place.reader.get_range(entry, begin, end)

    def test_what_is_gone_is_told_apart_from_what_came(self, place: Place, tmp_path: Path):
        """So that a reader lists again, and keeps the rest."""
        place.writer.put({"a": b"1" * 100, "b": b"2" * 100})
        entries = {entry.key: entry for entry in place.reader.list()}
        wanted = {entry: tmp_path / key for key, entry in entries.items()}
        place.writer.delete(["b"])
        failures = place.reader.fetch(wanted)
        assert b"1" * 100 == (tmp_path / "a").read_bytes()
        if failures:  # a bucket may still have the content, which was what was asked for
            assert ["b"] == list(failures)
            assert isinstance(failures["b"], NotFound)
        else:
            assert b"2" * 100 == (tmp_path / "b").read_bytes()

    def test_two_stretches_are_never_of_two_versions(self, place: Place):
        """Whoever reads in ranges gets the listed version, or is told that it is gone."""
        place.writer.put({"a": b"old" * 1000})
        (entry,) = place.reader.list()
        place.writer.put({"a": b"new" * 1000})
        with suppress(NotFound):
            assert b"old" * 10 == place.reader.get_range(entry, 0, 30)

    def test_wrappers_pass_it_on(self, place: Place, tmp_path: Path):
        """What commands open is as quick."""
        place.writer.put({"a": b"123"})
        store = ReadOnly(Retrying(place.reader))
        (entry,) = store.list()
        assert is_remote(store)
        assert {} == store.fetch({entry: tmp_path / "a"})
        assert b"23" == store.get_range(entry, 1, 3)


class TestProjects:
    """A project far away reads as one that is here."""

    def test_rows_come_once_and_stay(self, place: Place, tmp_path: Path):
        """Another process finds them in the cache."""
        written(place.writer).put()
        project = Project(place.reader, "p", cache=Cache(tmp_path))
        assert up_to(12) == values(project)
        counting = Counting(place.reader)
        again = Project(place.reader, "p", cache=Cache(tmp_path))
        assert up_to(12) == values(again)
        assert [] == counting.fetched

    @pytest.mark.parametrize("held", [0, 4096], ids=["from files", "held"])
    @pytest.mark.parametrize("damage", ["truncated", "changed", "gone"])
    def test_a_damaged_copy_is_fetched_anew(self, place: Place, tmp_path, damage, held):
        """It is not the store's fault, and nothing is reported as unreadable."""
        written(place.writer, 2000).put()
        values(Project(place.reader, "p", cache=Cache(tmp_path)))
        (path,) = tmp_path.rglob("*.parquet")
        data = path.read_bytes()
        match damage:
            case "truncated":
                path.write_bytes(data[:-100])
            case "changed":
                path.write_bytes(data[:200] + bytes(len(data) - 400) + data[-200:])
            case "gone":
                path.unlink()
        project = Project(place.reader, "p", cache=Cache(tmp_path), held_file_rows=held)
        assert up_to(2000) == values(project)
        assert {} == project.view().unreadable
        assert data == path.read_bytes()

    def test_a_copy_that_goes_while_the_project_is_open_comes_back(self, place, tmp_path):
        """Somebody deleted the cache."""
        written(place.writer).put()
        clock = ManualClock()
        mine = Cache(tmp_path, clock=clock)
        project = Project(place.reader, "p", cache=mine, held_file_rows=0)
        assert up_to(12) == values(project)
        for wait_s in (0.0, 3600.0):
            for path in tmp_path.rglob("*.parquet"):
                path.unlink()
            clock.advance(wait_s)
            assert up_to(12) == values(project)
        assert {} == project.view().unreadable

    def test_no_name_that_may_change_is_cached(self, place: Place, tmp_path: Path):
        """A new name is seen at once."""
        writer = written(place.writer)
        writer.put()
        writer.put_meta("first")
        project = Project(place.reader, "p", cache=Cache(tmp_path))
        assert ["first"] == [run.name for run in list_runs(project.view(), 0.0)]
        writer.put_meta("second")
        assert ["second"] == [run.name for run in list_runs(project.refresh(), 0.0)]
        assert {".parquet"} == {p.suffix for p in tmp_path.rglob("*") if p.is_file()}


class TestLargeFiles:
    """Of a large file what is needed is fetched."""

    @pytest.fixture
    def pack(self, place: Place) -> Place:
        """Forty metrics of three runs, 3,000 points each, in one file."""
        noise = Random(7)
        writers = []
        for number in range(3):
            writer = HandWriter(place.writer, "p", f"run-{number}")
            writer.configure(lr=number)
            for i in range(POINTS):
                row = {f"m{key:02d}": noise.random() for key in range(40)}
                writer.log({**row, "m07": float(i * 7 + number)})
            writer.finish()
            writers.append(writer)
        put_pack(PACK, [(w, 0, len(w.calls) - 1) for w in writers])
        return place

    @pytest.fixture
    def project(self, pack: Place, tmp_path: Path) -> Project:
        return Project(pack.reader, "p", cache=Cache(tmp_path), min_excerpted_bytes=1 << 16)

    def size(self, place: Place) -> int:
        return sum(entry.size_bytes for entry in place.reader.list("p/packs/"))

    def test_one_series_costs_a_small_part_of_it(self, pack: Place, project: Project):
        """It lies in two of six row groups, and is what it is in the whole."""
        counting = Counting(pack.reader)
        found = values(project, "run-1", "m07")
        assert [float(i * 7 + 1) for i in range(POINTS)] == found
        assert [] == counting.fetched
        assert self.size(pack) * 0.4 > counting.ranged
        before = counting.ranged
        assert found == values(project, "run-1", "m07")
        assert before == counting.ranged

    def test_the_table_of_runs_costs_less(self, pack: Place, project: Project):
        """It needs no point."""
        counting = Counting(pack.reader)
        rows = list_runs(project.view(), 0.0)
        assert [0, 1, 2] == sorted(run.config["lr"] for run in rows)
        assert [] == counting.fetched
        assert self.size(pack) / 20 > counting.ranged

    def test_whoever_needs_most_of_it_gets_all(self, pack: Place, project: Project):
        """In one piece, and only once."""
        counting = Counting(pack.reader)
        keys = [f"m{key:02d}" for key in range(40)]
        found = read_series(project.view(), ["run-0", "run-1", "run-2"], keys)
        assert 120 == len(found)
        assert 1 == len(counting.fetched)
        assert values(project, "run-2", "m07")[-1] == (POINTS - 1) * 7 + 2
        assert 1 == len(counting.fetched)

    def test_damaged_parts_are_fetched_anew(self, pack: Place, project: Project, tmp_path: Path):
        """As whole files are."""
        expected = values(project, "run-1", "m07")
        for path in tmp_path.rglob("*.parts/*.parquet"):
            path.write_bytes(path.read_bytes()[:-50])
        assert expected == values(project, "run-1", "m07")
        assert {} == project.view().unreadable

    def test_what_no_reader_can_read_is_told(self, pack: Place, tmp_path: Path):
        """A pack that ends in the middle hides nothing else."""
        (entry,) = pack.reader.list("p/packs/")
        written(pack.writer, run_id="other").put()
        pack.writer.put({entry.key: pack.reader.get(entry.key)[:-300]})
        project = Project(pack.reader, "p", cache=Cache(tmp_path), min_excerpted_bytes=1 << 16)
        assert [] == values(project, "run-1", "m07")
        assert [entry.key] == list(project.view().unreadable)
        assert up_to(12) == values(project, "other")


class TestTokens:
    """A token that may read is enough; one that may not is told what to do."""

    def test_a_stranger_is_told_what_to_do(self, hub, monkeypatch: pytest.MonkeyPatch):
        """The Hub does not even say that the bucket exists."""
        hub.make_bucket(ID)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for token, advice in ((STRANGER_TOKEN, "check the name"), ("", "hf auth login")):
            monkeypatch.setenv("HF_TOKEN", token)
            with pytest.raises(StoreRefused, match=advice):
                list(open_for_reading(ID).list())

    def test_a_bucket_is_opened_by_its_name(self, hub, tmp_path: Path, monkeypatch):
        """Unless a folder here is called so."""
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.chdir(tmp_path)
        assert open_for_reading(ID).url.startswith("hf://buckets/ada/runs")
        (tmp_path / ID).mkdir(parents=True)
        assert not open_for_reading(ID).url.startswith("hf:")

    def test_no_token_lies_in_the_cache(self, hub, tmp_path: Path, monkeypatch):
        """Not in the names of its folders either."""
        hub.make_bucket(ID)
        written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)).put()
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
        store = open_for_reading(ID)
        assert up_to(12) == values(Project(store, "p", cache=Cache.of(store, tmp_path)))
        for path in tmp_path.rglob("*"):
            assert READ_TOKEN not in str(path)
            assert not path.is_file() or READ_TOKEN.encode() not in path.read_bytes()


class TestFaults:
    """What comes incomplete is not kept, and what fails is tried again."""

    def test_a_download_that_breaks_off_is_tried_again(self, hub, tmp_path: Path):
        """By `Retrying`, and what came before it is kept."""
        hub.make_bucket(ID)
        written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)).put()
        hub.faults.add("GET .*/reconstructions/", Kind.STATUS, status=403, times=1)
        store = Retrying(
            Bucket(ID, endpoint=hub.url, token=READ_TOKEN), RetryPolicy(first_delay_s=0.0)
        )
        assert up_to(12) == values(Project(store, "p", cache=Cache(tmp_path)))

    def test_a_hub_that_gives_no_token_is_unavailable(self, hub, tmp_path: Path):
        """Nothing half-way is kept."""
        hub.make_bucket(ID)
        written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)).put()
        hub.faults.add("xet-read-token", Kind.STATUS, status=503)
        project = Project(
            Bucket(ID, endpoint=hub.url, token=READ_TOKEN), "p", cache=Cache(tmp_path)
        )
        with pytest.raises(StoreUnavailable):
            values(project)
        assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
        hub.faults.clear()
        assert up_to(12) == values(project)
