"""What the dashboard answers over HTTP: real shards, real queries, no browser."""

import math
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.edge.frame_reader import Line, read_frame, splice
from tests.edge.written import FixedTime, WrittenRun
from trackio.dashboard.codes import SHORT, make_codes
from trackio.dashboard.desk import FRESH_S, STATUS_S, Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.dashboard.static_files import FOLDER, version
from trackio.errors import StoreUnavailable
from trackio.keys import MediaKey, ShardKey
from trackio.model import Entry
from trackio.query.runs import SILENT_S
from trackio.store.base import Store
from trackio.store.memory import MemoryStore
from trackio.store.wrapper import Wrapper

START_S = 1_700_000_000.0


class Watched(Wrapper):
    """Counts what is asked of a store, and is away when told so."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.asked: Counter[str] = Counter()
        self.is_away = False

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        self.asked["list"] += 1
        if self.is_away:
            raise StoreUnavailable("the store does not answer")
        return super().list(prefix, recursive=recursive)

    def get(self, key: str) -> bytes:
        self.asked["get"] += 1
        return super().get(key)


class World:
    """A store, a clock that is moved by hand, and the dashboard's routes."""

    def __init__(self, store: Store | None = None, time: FixedTime | None = None) -> None:
        self.time = time or FixedTime(START_S)
        self.store = Watched(store or MemoryStore(clock=self.time))
        self.http = TestClient(
            Starlette(routes=routes(Desk(self.store, self.time))), raise_server_exceptions=True
        )

    def run(self, name: str, project: str = "demo", **more: Any) -> WrittenRun:
        return WrittenRun(self.store, project, name, at_s=self.time.time_s, **more)

    def wait(self, seconds: float = FRESH_S) -> None:
        self.time.time_s += seconds

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(f"{PREFIX}/{path}", params=params)

    def meta(self, project: str = "demo") -> dict[str, Any]:
        return self.get("meta.json", project=project).json()

    def series(self, **params: Any) -> Any:
        """The series of all metrics and runs, unless `m` and `r` say which."""
        meta = self.meta(params.get("project", "demo"))
        params.setdefault("project", "demo")
        params.setdefault("m", ",".join(metric["code"] for metric in meta["metrics"]))
        params.setdefault("r", ",".join(run["code"] for run in meta["runs"]))
        return self.get("series", **params)


@pytest.fixture
def world() -> World:
    return World()


def only_line(world: World, **params: Any) -> Line:
    """The one line of the one metric of the one run."""
    _, lines = read_frame(world.series(**params).content)
    assert 1 == len(lines)
    return next(iter(lines.values()))


def test_projects_are_listed_with_where_they_are(world: World) -> None:
    """The page without a project tells which store it looks in."""
    world.run("a", project="vision").log([{"loss": 1.0}])
    world.run("b", project="audio").log([{"loss": 1.0}])
    answer = world.get("projects.json").json()
    assert {"projects": ["audio", "vision"], "newest": None, "where": world.store.url} == answer


def test_the_newest_project_is_the_one_to_open(world: World) -> None:
    """Where the address names none, the page opens what was worked on last."""
    assert world.get("projects.json", newest=1).json()["newest"] is None
    for project in ("b", "a", "c", "a"):
        world.run("run", project=project).log([{"loss": 1.0}])
        world.wait(60)
    assert "a" == world.get("projects.json", newest=1).json()["newest"]


def test_a_project_is_described_newest_run_first(world: World) -> None:
    """Runs newest first with what a list shows of them, metrics as they were logged."""
    world.run("first").log([{"loss": 1.0}])
    world.wait(60)
    second = world.run("second", group="sweep")
    second.log([{"loss": 1.0}, {"acc": 0.5}])
    second.finish(after_s=30)
    world.wait()
    meta = world.meta()
    assert ["second", "first"] == [run["name"] for run in meta["runs"]]
    assert ["finished", "running"] == [run["status"] for run in meta["runs"]]
    assert ["sweep", None] == [run["group"] for run in meta["runs"]]
    assert ["loss", "acc"] == [metric["key"] for metric in meta["metrics"]]


def test_an_unknown_project_is_a_clear_404(world: World) -> None:
    """The message names what there is."""
    world.run("a", project="vision").log([{"loss": 1.0}])
    answer = world.get("meta.json", project="visoin")
    assert 404 == answer.status_code
    assert "did you mean 'vision'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"project": ""}, "say which project"),
        ({"project": "demo", "x": "epoch"}, "x must be step, time, relative or metric:NAME"),
        ({"project": "demo", "lo": "one"}, "lo='one' is not a number"),
        ({"project": "demo", "hi": "nan"}, "hi='nan' is not a number"),
        ({"project": "demo", "n": "1"}, "n must lie between"),
        ({"project": "demo", "m": "CODE.x"}, "the width after the dot must be a number"),
        ({"project": "demo", "m": "CODE.3"}, "power of two"),
    ],
)
def test_a_request_that_makes_no_sense_says_what_would(
    world: World, params: dict[str, str], said: str
) -> None:
    """Bad input is a 400 with a sentence, never a 500."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    meta = world.meta()
    params = {key: text.replace("CODE", meta["metrics"][0]["code"]) for key, text in params.items()}
    answer = world.get("series", **{"r": meta["runs"][0]["code"], **params})
    assert 400 == answer.status_code
    assert said in answer.json()["error"]


def test_few_points_come_exactly_as_logged(world: World) -> None:
    """Every digit and every step of what fits."""
    values = [0.1, 1 / 3, -2.5e-300, 1.7976931348623157e308]
    world.run("a").log([{"loss": value} for value in values], first_step=7)
    line = only_line(world)
    assert [7, 8, 9, 10] == line.columns["index"].tolist()
    assert values == line.columns["mean"].tolist()
    assert 4 == line.head["points"]


def test_sparse_points_keep_their_own_place_in_wide_buckets(world: World) -> None:
    """A metric logged every 1,000 steps stands at those steps, though buckets are wider."""
    run = world.run("a")
    for step in range(3, 100_000, 1000):
        run.log([{"eval": float(step)}], first_step=step)
    head, lines = read_frame(world.series(n=300).content)
    width = head["metrics"][0]["width"]
    (line,) = lines.values()
    assert width > 1
    steps = line.columns["index"] * width + line.columns["offset"]
    assert list(range(3, 100_000, 1000)) == steps.tolist()


def test_buckets_hold_mean_and_extremes_of_every_point(world: World) -> None:
    """One outlier among 10,000 points is in the band, and no point is lost."""
    values = np.random.default_rng(1).normal(size=10_000)
    values[6_001] = 1e6
    world.run("a").log([{"loss": float(value)} for value in values])
    head, lines = read_frame(world.series(n=300).content)
    (line,) = lines.values()
    width = head["metrics"][0]["width"]
    parts = [values[i : i + width] for i in range(0, len(values), width)]
    assert 64 == width
    assert len(values) == line.head["points"]
    assert [len(part) for part in parts] == line.columns["count"].tolist()
    for name, want in (("mean", np.mean), ("low", np.min), ("high", np.max)):
        expected = np.array([want(part) for part in parts])
        np.testing.assert_allclose(line.columns[name], expected, rtol=1e-6)


def test_what_is_no_number_is_counted_and_not_averaged(world: World) -> None:
    """NaN and the infinities are marked where they are; the mean is over the others."""
    rows = [1.0, math.nan, 3.0, math.inf, math.nan, math.nan, 7.0, 9.0]
    world.run("a").log([{"loss": value} for value in rows])
    head, lines = read_frame(world.series(n=2).content)
    (line,) = lines.values()
    assert 4 == head["metrics"][0]["width"]
    assert [[0, 2], [1, 2]] == line.head["bad"]
    assert [2.0, 8.0] == line.columns["mean"].tolist()
    assert 8 == line.head["points"]


def test_a_zoom_is_filtered_before_it_is_sampled(world: World) -> None:
    """A hundredth of the range comes as exact points."""
    world.run("a").log([{"loss": float(i)} for i in range(20_000)])
    head, lines = read_frame(world.series(n=300, lo=5_000, hi=5_199.5).content)
    (line,) = lines.values()
    assert 1 == head["metrics"][0]["width"]
    assert list(range(5_000, 5_200)) == line.columns["index"].tolist()


def test_an_unchanged_project_answers_204_and_reads_no_shard(world: World) -> None:
    """An idle tick has no body; the store is listed, and nothing is fetched."""
    world.run("a").log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    world.series()
    world.wait()
    world.store.asked.clear()
    answer = world.get("series", project="demo", rev=rev)
    assert (204, b"") == (answer.status_code, answer.content)
    assert 0 == world.store.asked["get"]
    assert 0 < world.store.asked["list"]


def test_however_many_ask_the_project_is_listed_once(world: World) -> None:
    """Requests within the fresh time, also at once, share one listing."""
    world.run("a").log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    world.wait()
    world.store.asked.clear()
    world.get("series", project="demo", rev=rev)
    once = world.store.asked["list"]
    world.wait()
    world.store.asked.clear()
    asks = [
        threading.Thread(target=world.get, args=("series",), kwargs={"project": "demo", "rev": rev})
        for _ in range(8)
    ]
    for ask in asks:
        ask.start()
    for ask in asks:
        ask.join()
    assert once == world.store.asked["list"]


def test_a_store_that_is_away_is_a_503_and_then_back(world: World) -> None:
    """A failed listing is told to all who wait and forgotten by the next request."""
    world.run("a").log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    world.wait()
    world.store.is_away = True
    answer = world.get("series", project="demo", rev=rev)
    assert (503, "the store does not answer") == (answer.status_code, answer.json()["error"])
    world.store.is_away = False
    assert 204 == world.get("series", project="demo", rev=rev).status_code


def test_a_run_that_falls_silent_changes_the_revision(world: World) -> None:
    """Nothing is stored, but its status is another, so the next tick tells."""
    world.run("a").log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    world.wait(SILENT_S + STATUS_S)
    head, _ = read_frame(world.get("series", project="demo", rev=rev).content)
    assert rev != head["rev"]
    assert ["crashed"] == [run["status"] for run in head["meta"]["runs"]]


def test_a_tick_tells_new_runs_and_metrics_only(world: World) -> None:
    """What did not change is not sent again."""
    world.run("old").log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    world.wait(5)
    world.run("new").log([{"loss": 1.0, "lr": 0.1}])
    head, _ = read_frame(world.get("series", project="demo", rev=rev).content)
    told = head["meta"]
    assert ["new"] == [run["name"] for run in told["runs"]]
    assert [] == told["gone"]
    assert {"lr", "loss"} >= {metric["key"] for metric in told["metrics"]} >= {"lr"}


def test_a_tick_after_too_long_tells_everything(world: World) -> None:
    """A browser that slept while its revision was forgotten is brought up to date whole."""
    world.run("a").log([{"loss": 1.0}])
    head, _ = read_frame(world.series(rev="000000000000").content)
    assert head["meta"]["gone"] is None
    assert ["a"] == [run["name"] for run in head["meta"]["runs"]]


def change_nothing(run: WrittenRun) -> None:
    run.log([{"other": 1.0}], first_step=5_000)


def change_append(run: WrittenRun) -> None:
    run.log([{"loss": 100.0}, {"loss": 101.0}], first_step=1_000)


def change_late(run: WrittenRun) -> None:
    run.log([{"loss": -5.0}], first_step=300)


def change_nan(run: WrittenRun) -> None:
    run.log([{"loss": math.nan}], first_step=999)


def change_both_ends(run: WrittenRun) -> None:
    run.log([{"loss": 3.0}], first_step=-40)
    run.log([{"loss": 4.0}], first_step=1_040)


def change_outgrow(run: WrittenRun) -> None:
    run.log([{"loss": 9.0}], first_step=90_000)


def change_resume(run: WrittenRun) -> None:
    run.resume(at_s=run.at_s + 2_000)
    run.log([{"loss": 70.0}, {"loss": 71.0}], first_step=600)


CHANGES = [
    change_nothing,
    change_append,
    change_late,
    change_nan,
    change_both_ends,
    change_outgrow,
    change_resume,
]


VIEWS = [
    {"x": "step"},
    {"x": "time"},
    {"x": "relative"},
    {"x": "step", "lo": 250, "hi": 1_001},
    {"x": "relative", "lo": 250.5, "hi": 999.9},
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(map(str, view.values())))
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__[7:])
def test_old_data_and_a_delta_make_the_new_data(
    world: World, change: Any, view: dict[str, Any]
) -> None:
    """Wherever points appear, a browser that applies the delta has what a new one would get."""
    run, other = world.run("a"), world.run("b")
    values = np.random.default_rng(2).normal(size=1_000)
    run.log([{"loss": float(value)} for value in values])
    other.log([{"loss": float(value)} for value in values[:400]])
    head, old = read_frame(world.series(**view).content)
    widths = ",".join(f"{part['metric']}.{part['width']}" for part in head["metrics"])
    world.wait()
    change(run)
    head, delta = read_frame(world.series(**view, m=widths, rev=head["rev"]).content)
    (part,) = head["metrics"]
    known = old if part["is_delta"] else {}
    mine = {**known, **{key: splice(known.get(key), line) for key, line in delta.items()}}
    again = World(world.store, world.time)  # one that has kept nothing
    whole = f"{part['metric']}.{part['width']}"
    _, fresh = read_frame(again.series(**view, m=whole).content)
    assert {key: line.rows() for key, line in fresh.items()} == {
        key: line.rows() for key, line in mine.items()
    }
    if part["is_delta"]:
        assert {run_code for _, run_code, _ in delta} <= {world.meta()["runs"][1]["code"]}


def test_a_tick_sends_new_buckets_only(world: World) -> None:
    """Two new points of one run among many cost a few buckets of that run."""
    runs = [world.run(f"run-{i}") for i in range(5)]
    for run in runs:
        run.log([{"loss": float(i)} for i in range(3_000)])
    answer = world.series()
    head, _ = read_frame(answer.content)
    world.wait()
    runs[0].log([{"loss": 1.0}, {"loss": 2.0}], first_step=3_000)
    widths = ",".join(f"{part['metric']}.{part['width']}" for part in head["metrics"])
    tick = world.series(m=widths, rev=head["rev"])
    _, lines = read_frame(tick.content)
    assert [1] == [line.head["n"] for line in lines.values()]
    assert len(tick.content) * 10 < len(answer.content)


def test_the_table_has_config_and_results_by_column(world: World) -> None:
    """Columns are in the order of the runs; what a run lacks is null, NaN is a word."""
    world.run("plain").log([{"loss": 2.0}])
    world.wait(9)
    run = world.run("given", config={"lr": 0.1, "net/deep": True, "name": "α", "big": 2**70})
    run.log([{"loss": 1.0}, {"loss": 3.0}, {"loss": math.nan}])
    run.finish(after_s=61)
    world.wait()
    table = world.get("columns.json", project="demo").json()
    ids = [column["id"] for column in table["columns"]]
    wanted = ["name", "duration", "config/lr", "config/net/deep", "config/name", "config/big"]
    wanted += ["last/loss", "min/loss", "max/loss", "mean/loss", "count/loss"]
    found = world.get("values.json", project="demo", rev=table["rev"], c=wanted).json()["values"]
    assert {"config/lr", "last/loss", "status", "tags"} <= set(ids)
    assert ["given", "plain"] == found["name"]
    assert [[0.1, None], [True, None]] == [found["config/lr"], found["config/net/deep"]]
    assert ["α", None] == found["config/name"]
    assert [str(2**70), None] == found["config/big"]
    assert ["NaN", 2.0] == found["last/loss"]
    assert [[1.0, 2.0], [3.0, 2.0]] == [found["min/loss"], found["max/loss"]]
    assert [[2.0, 2.0], [3, 1]] == [found["mean/loss"], found["count/loss"]]
    assert 61 == found["duration"][0]


def test_values_of_a_revision_that_is_forgotten_are_a_404(world: World) -> None:
    """Rows of two revisions must never be mixed: the browser asks for the columns anew."""
    world.run("a").log([{"loss": 2.0}])
    answer = world.get("values.json", project="demo", rev="000000000000", c=["name"])
    assert 404 == answer.status_code


HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{3}}\u2028'\"\\"


def test_hostile_names_come_through_unchanged(world: World) -> None:
    """Names are data: nothing is escaped into another name, nothing is dropped."""
    world.run(HOSTILE, project=HOSTILE).log([{HOSTILE: 1.0}])
    assert [HOSTILE] == world.get("projects.json").json()["projects"]
    meta = world.meta(HOSTILE)
    assert [HOSTILE] == [run["name"] for run in meta["runs"]]
    assert [HOSTILE] == [metric["key"] for metric in meta["metrics"]]


ROUTES = [
    *("projects.json", "meta.json", "columns.json", "values.json", "contents.json", "run.json"),
    *("system.json", "alerts.json", "reports.json", "media.json", "traces.json", "value.json"),
    *("files.json", "health.json", "series", "smooth", "points.csv", "media", "file"),
]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_every_route_only_reads(world: World, path: str, method: str) -> None:
    """There is no verb that could write."""
    assert 405 == world.http.request(method, f"{PREFIX}/{path}").status_code


def test_front_end_files_are_kept_for_ever_under_their_version(world: World) -> None:
    """The version is in the path, so a new one is asked for anew; another is not kept."""
    now = world.get(f"static/{version()}/main.js")
    other = world.get("static/000000000000/main.js")
    assert 200 == now.status_code == other.status_code
    assert "immutable" in now.headers["cache-control"]
    assert "no-cache" == other.headers["cache-control"]
    assert now.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/%2e%2e/app.py", "nothing.js"])
def test_no_other_file_is_served(world: World, path: str) -> None:
    """The folder of the front end is all there is."""
    assert 404 == world.get(f"static/{version()}/{path}").status_code


def test_every_module_of_the_front_end_says_what_it_is_for() -> None:
    """Each file begins with a comment and is short enough to read."""
    files = [*FOLDER.glob("*.js"), *FOLDER.glob("*.css")]
    assert len(files) > 20
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(("// ", "/* ")), file.name
        assert 300 > len(lines), file.name


def test_no_module_of_the_front_end_makes_markup_from_text() -> None:
    """Names reach the page as text only: nothing that parses HTML or code is used anywhere."""
    ways = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")
    for file in FOLDER.glob("*.js"):
        code = "\n".join(
            line for line in file.read_text(encoding="utf-8").splitlines() if "//" not in line
        )
        assert [] == [way for way in ways if way in code], file.name


def test_another_metric_as_x_takes_what_it_said_last(world: World) -> None:
    """A point stands at the newest value of the other metric; what came before has no place."""
    run = world.run("a")
    run.log([{"loss": 9.0}], first_step=0)
    run.log([{"epoch": 0.5, "loss": 1.0}, {"loss": 2.0}, {"epoch": 1.5, "loss": 3.0}], first_step=1)
    meta = world.meta()
    code = next(m["code"] for m in meta["metrics"] if m["key"] == "loss")
    head, lines = read_frame(world.series(m=code, x="metric:epoch").content)
    (line,) = lines.values()
    part = head["metrics"][0]
    xs = (line.columns["index"] * part["width"] + line.columns["offset"]) * part["scale"]
    assert [0.5, 1.5] == xs.tolist()
    assert [1.5, 3.0] == line.columns["mean"].tolist()
    assert [2, 1] == line.columns["count"].tolist()


@pytest.mark.parametrize("kind", ["ema", "gaussian", "mean"])
def test_smoothing_is_over_every_point_not_over_buckets(world: World, kind: str) -> None:
    """What is shown at a bucket is what the definition says of all 20,000 points."""
    values = np.random.default_rng(5).normal(size=20_000)
    world.run("a").log([{"loss": float(value)} for value in values])
    code = world.meta()["metrics"][0]["code"]
    _, lines = read_frame(world.series(m=f"{code}.64").content)
    answer = world.get(
        "smooth",
        project="demo",
        m=f"{code}.64",
        r=world.meta()["runs"][0]["code"],
        s=f"{kind}~250",
    )
    _, smoothed = read_frame(answer.content)
    (line,), (shown,) = lines.values(), smoothed.values()
    x = np.arange(20_000)
    assert line.columns["index"].tolist() == shown.columns["index"].tolist()
    for place in (0, 40, 200, 312):
        at = min(64 * place + 63, 19_999)
        weight = {
            "ema": np.where(x <= at, np.exp((x - at) / 250), 0),
            "gaussian": np.where(abs(x - at) <= 625, np.exp(-0.5 * ((x - at) / 125.0) ** 2), 0),
            "mean": (abs(x - at) <= 250).astype(float),
        }[kind]
        expected = float(weight @ values / weight.sum())
        assert math.isclose(expected, shown.columns["mean"][place], rel_tol=1e-9, abs_tol=1e-12)


def test_points_are_exported_exactly(world: World) -> None:
    """The CSV of a chart has every point, every digit, and what is no number."""
    world.run("a").log([{"loss": value} for value in (0.1, 1 / 3, math.nan)])
    answer = world.series()
    assert answer.status_code == 200
    meta = world.meta()
    code, run = meta["metrics"][0]["code"], meta["runs"][0]["code"]
    text = world.get("points.csv", project="demo", m=code, r=run).text.splitlines()
    assert "run,run_id,label,metric,step,time,value" == text[0]
    assert ["0.1", repr(1 / 3), "nan"] == [line.rsplit(",", 1)[1] for line in text[1:]]


def test_equal_requests_give_equal_bytes(world: World) -> None:
    """Two servers that know nothing of each other answer alike, to the last bit."""
    values = np.random.default_rng(6).normal(size=5_000)
    world.run("a").log([{"loss": float(value)} for value in values])
    again = World(world.store, world.time)
    assert world.series(n=100).content == again.series(n=100).content


def test_what_was_logged_is_served_so_that_it_can_do_nothing(world: World) -> None:
    """Bytes of others get no origin, no guessing of their type, and no way out."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    page = "ab" * 32
    key = str(MediaKey("demo", run.run_id, run.writer_id, page, "html"))
    world.store.put({key: b"<script>parent.stolen = 1</script>"})
    code = world.meta()["runs"][0]["code"]
    answer = world.get("media", project="demo", run=code, writer=run.writer_id, file=f"{page}.html")
    assert 200 == answer.status_code
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("wanted", "status", "given"),
    [
        ("", 200, b"0123456789"),
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=20-30", 416, b""),
    ],
)
def test_a_film_can_be_asked_for_in_parts(
    world: World, wanted: str, status: int, given: bytes
) -> None:
    """Where bytes come from a remote store, too: that is how a browser jumps in a film."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    name = f"{'cd' * 32}.mp4"
    key = MediaKey("demo", run.run_id, run.writer_id, "cd" * 32, "mp4")
    world.store.put({str(key): b"0123456789"})
    params = {"project": "demo", "run": world.meta()["runs"][0]["code"], "file": name}
    answer = world.http.get(
        f"{PREFIX}/media",
        params={**params, "writer": run.writer_id},
        headers={"range": wanted} if wanted else {},
    )
    assert (status, given) == (answer.status_code, answer.content)


@pytest.mark.parametrize(
    "file", ["../../../meta.json", "abc.html", "..%2f..%2fmeta.json", f"{'g' * 64}.png", ""]
)
def test_only_media_are_served_as_media(world: World, file: str) -> None:
    """A name that no medium can have is a 404, wherever it leads."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    code = world.meta()["runs"][0]["code"]
    answer = world.get("media", project="demo", run=code, writer=run.writer_id, file=file)
    assert 404 == answer.status_code


@pytest.mark.parametrize("key", ["other/runs/a/meta.json", "demo/../x", "demo", "", "demo/nothing"])
def test_a_file_of_another_project_is_not_served(world: World, key: str) -> None:
    """The route of files gives what lies under the project of the request, and nothing else."""
    world.run("a").log([{"loss": 1.0}])
    assert 404 == world.get("file", project="demo", key=key).status_code


def test_health_tells_gaps_and_damage(world: World) -> None:
    """What a listing shows at once, and what reading all finds."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    torn = str(ShardKey("demo", run.run_id, run.writer_id, 50, 60))
    world.store.put({torn: b"PAR1 and then nothing"})
    world.wait()
    told = world.get("health.json", project="demo").json()
    assert torn in [one["key"] for one in told["unreadable"]]
    assert None is told["verified"]
    found = world.get("health.json", project="demo", verify=1).json()["verified"]["findings"]
    assert {("error", "unreadable")} <= {(one["level"], one["kind"]) for one in found}


def test_codes_follow_from_names_alone() -> None:
    """A link made here opens the same run on another machine."""
    assert make_codes(["a", "b"])["a"] == make_codes(["c", "a"])["a"]
    assert {SHORT} == {len(code) for code in make_codes(map(str, range(1000))).values()}


def test_codes_that_would_collide_are_longer() -> None:
    """No two names share a code, however short codes are."""
    codes = make_codes(map(str, range(500)), short=1)
    assert 500 == len(set(codes.values()))


def test_a_file_that_cannot_be_read_is_told(world: World) -> None:
    """No point is lost in silence: the page says which file is torn."""
    run = world.run("a")
    run.log([{"loss": 1.0}])
    rev = world.meta()["rev"]
    torn = str(ShardKey("demo", run.run_id, run.writer_id, 50, 60))
    world.store.put({torn: b"PAR1 and then nothing"})
    world.wait()
    head, _ = read_frame(world.get("series", project="demo", rev=rev).content)
    told = head["meta"]["unreadable"]
    assert 1 == told["count"]
    assert told["files"][0].startswith(f"{torn}: ")
