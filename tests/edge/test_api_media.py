"""Values that are no numbers, from `log` to `Api`, through a real store."""

import io
import logging

import matplotlib.figure
import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

import trackio
from trackio import current
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.model import MEDIA, METRIC, REPORT, TRACE
from trackio.store.memory import MemoryStore

RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
LONG = "long " * 20_000
ANYTHING = [
    *(1, 0.5, "text", None, float("nan"), [1, 2], True, object(), len, LONG),
    *(trackio.Image(RGB), trackio.Image(None), trackio.Markdown("m"), trackio.Trace([])),
    *([trackio.Trace([]), trackio.Image(RGB)], [trackio.Image(b"")], {"x": trackio.Image(RGB)}),
    *(trackio.Table(data=[[1]]), trackio.Histogram([1])),
]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home"
    while current._latest or current._current.get():
        trackio.finish()


@pytest.fixture(params=["a directory", "a store elsewhere"])
def store(request):
    """Where the run goes; what is elsewhere goes through the spool."""
    if request.param == "a directory":
        yield None
    else:
        memory = MemoryStore()  # lives as long as the test
        yield memory.url


def _read(run, store=None):
    run.finish()
    return trackio.Api(store).run(f"{run.project}/{run.id}")


def _warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def _pixels(media):
    return np.asarray(Pillow.open(io.BytesIO(media.read())))


def test_every_value_comes_back_with_its_step_and_its_bytes(store):
    """From a directory and from elsewhere, beside the numbers of the same call."""
    run = trackio.init("p", store=store)
    run.log({"loss": 0.5})
    run.log(
        {
            "loss": 0.25,
            "eval": {"hat": trackio.Image(RGB, caption="a hat"), "acc": 1},
            "film": trackio.Video(np.zeros((2, 16, 16, 3), np.uint8), format="gif"),
            "hum": trackio.Audio(np.zeros(80), sample_rate=8000),
            "page": trackio.Html("<b>x</b>", inject=False),
            "cloud": trackio.Object3D(np.zeros((3, 3))),
            "spread": trackio.Histogram([1, 2, 3], num_bins=2),
            "rows": trackio.Table(columns=["n", "p"], data=[[1, trackio.Image(RGB)]]),
            "report": trackio.Markdown("# Done"),
            "talk": trackio.Trace([{"role": "user", "content": "hi"}], metadata={"s": 1}),
        },
        step=7,
    )
    read = _read(run, store)
    found = {media.key: media for media in read.media()}
    assert {
        "eval/hat": "image",
        "film": "video",
        "hum": "audio",
        "page": "html",
        "cloud": "object3d",
        "spread": "histogram",
        "rows": "table",
        "report": "markdown",
        "talk": "trace",
    } == {key: media.type for key, media in found.items()}
    assert {7} == {media.step for media in found.values()}
    np.testing.assert_array_equal(RGB, _pixels(found["eval/hat"]))
    assert "a hat" == found["eval/hat"].caption
    with found["page"].open() as page:
        assert b"<b>x</b>" == found["page"].load() == page.read()
    assert b"GIF8" == found["film"].path.read_bytes()[:4]
    assert "# Done" == found["report"].load()
    assert {"s": 1} == found["talk"].load()["metadata"]
    assert [1, 2] == found["spread"].to_pandas()["count"].tolist()
    table = read.table("rows")
    assert (["n", "p"], 1) == (list(table.columns), table["n"][0])
    np.testing.assert_array_equal(RGB, _pixels(table["p"][0]))
    assert {"loss": 2, "eval/acc": 1} == read.metrics()
    assert "<image 'eval/hat' at step 7>" == repr(found["eval/hat"])


def test_lists_of_media_are_one_row_and_come_back_one_by_one(home):
    """Images in a row, traces each in a call of its own."""
    run = trackio.init("p")
    pictures = [trackio.Image(RGB), trackio.Image(255 - RGB), trackio.Image(RGB)]
    traces = [trackio.Trace([{"n": n}]) for n in range(3)]
    run.log({"pictures": pictures, "rollouts": traces, "one": trackio.Trace([{"n": 9}])})
    run.log({"pictures": tuple(pictures[:1])})
    read = _read(run)
    found = read.media("pictures")
    assert [(0, 0), (0, 1), (0, 2), (1, 0)] == [(one.step, one.index) for one in found]
    np.testing.assert_array_equal(255 - RGB, _pixels(found[1]))
    assert [0, 1, 2] == [one.load()["messages"][0]["n"] for one in read.media("rollouts")]
    (single,) = read.media("one")
    assert single.index is None
    assert 2 == len(list((home / "p").rglob("*.png")))


def test_what_is_long_is_a_file(home):
    """Text, JSON, tables, reports, traces: the row says little, and nothing is lost."""
    run = trackio.init("p")
    rows = [[n, "cell"] for n in range(5000)]
    run.log(
        {
            "text": LONG,
            "json": [LONG],
            "rows": trackio.Table(columns=["n", "c"], data=rows),
            "report": trackio.Markdown(LONG),
            "talk": [trackio.Trace([{"role": "user", "content": LONG}])],
            "x": 1,
        }
    )
    read = _read(run)
    found = {media.key: media for media in read.media()}
    assert LONG == found["text"].load() == found["report"].load() == found["json"].load()[0]
    assert LONG == found["talk"].load()["messages"][0]["content"]
    assert 0 == found["talk"].index
    assert (["n", "c"], 5000) == (
        found["rows"].reference["columns"],
        found["rows"].reference["rows"],
    )
    assert rows == read.table("rows").to_numpy().tolist()
    assert all(len(orjson.dumps(dict(media.reference))) < 300 for media in found.values())


def test_figures_pictures_and_frames_are_taken_for_what_they_are(home):
    """Nobody has to wrap them."""
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([1, 2])
    run = trackio.init("p")
    run.log(
        {
            "figure": figure,
            "picture": Pillow.fromarray(RGB),
            "frame": pd.DataFrame({"a": [1, 2]}),
            "pictures": [Pillow.fromarray(RGB)],
        }
    )
    found = {media.key: media.type for media in _read(run).media()}
    assert {"figure": "html", "picture": "image", "frame": "table", "pictures": "image"} == found


def test_what_cannot_be_stored_costs_one_warning_and_nothing_else(home, caplog):
    """The rest of the call is kept, the key is named once, its step is counted."""
    run = trackio.init("p")
    for _ in range(3):
        run.log({"bad": trackio.Image(np.zeros((5, 5, 5))), "good": 1, "fine": trackio.Image(RGB)})
    read = _read(run)
    (said,) = _warnings(caplog)
    assert "'bad' is skipped" in said
    assert (3, {"good": 3}) == (len(read.media("fine")), read.metrics())
    assert 2 == read.last_step


def test_media_in_a_config_a_summary_or_of_the_machine_are_refused(home, caplog):
    """They have no step; the other values are kept."""
    run = trackio.init("p", config={"lr": 1, "p": trackio.Image(RGB)})
    run.log_system({"t": 1, "p": trackio.Image(RGB)})
    read = _read(run)
    assert {"lr": 1} == dict(read.config)
    assert ["t"] == list(read.system_metrics().columns[1:])
    assert [] == read.media()
    assert 2 >= len(_warnings(caplog)) >= 1


def test_a_history_has_media_where_they_are_asked_for(home):
    """In the row of their step, or one of their own; not unless they are named."""
    run = trackio.init("p")
    run.log({"loss": 1.0, "p": trackio.Image(RGB)})
    run.log({"loss": 0.5})
    run.log({"p": [trackio.Image(RGB), trackio.Image(RGB)]})
    read = _read(run)
    assert ["step", "time", "loss"] == list(read.history().columns)
    first, second, third = read.history(["loss", "p"], pandas=False)
    assert (0, 1.0, "image") == (first["step"], first["loss"], first["p"].type)
    assert (1, 0.5, False) == (second["step"], second["loss"], "p" in second)
    assert (2, 2) == (third["step"], len(third["p"]))
    assert [0, 2] == read.history(["p"])["step"].tolist()


def test_the_last_table_is_given_unless_a_step_is_named(home):
    """What is missing is an error that says what there is."""
    run = trackio.init("p")
    for n in range(3):
        run.log({"rows": trackio.Table(columns=["n"], data=[[n]]), "p": trackio.Image(RGB)})
    read = _read(run)
    assert [2] == read.table("rows")["n"].tolist()
    assert [1] == read.table("rows", step=1)["n"].tolist()
    with pytest.raises(NotFound, match="at step 9"):
        read.table("rows", step=9)
    with pytest.raises(NotFound, match="did you mean 'rows'"):
        read.table("row")
    with pytest.raises(InvalidInput, match="no table"):
        read.table("p")
    with pytest.raises(InvalidInput, match="no file"):
        _ = read.media("rows")[0].path


def test_bytes_that_are_gone_or_damaged_are_told_apart(home):
    """Nobody is shown what was not logged."""
    run = trackio.init("p")
    run.log({"p": trackio.Image(RGB)})
    (media,) = _read(run).media("p")
    path = media.path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UnreadableFile, match="damaged"):
        media.read()
    path.unlink()
    with pytest.raises(NotFound, match="not in the store"):
        media.read()


def test_a_reference_leads_nowhere_but_to_media(home):
    """A row that somebody forged names no other file."""
    run = trackio.init("p")
    secret = home.parent / "secret.txt"
    secret.write_text("x")
    forged = {"_type": "trackio.image", "sha256": "../../../../../secret", "extension": "txt"}
    run._append(MEDIA, {"p": [forged]})
    (media,) = _read(run).media("p")
    with pytest.raises(UnreadableFile, match="no file"):
        media.read()


def test_rows_are_of_the_kinds_that_the_format_names(home):
    """And their steps are counted as those of numbers."""
    run = trackio.init("p")
    run.log({"p": trackio.Image(RGB), "t": trackio.Trace([]), "m": trackio.Markdown("x"), "x": 1})
    run.finish()
    (shard,) = (home / "p").rglob("*.parquet")
    rows = pd.read_parquet(shard)
    logged = rows[rows["kind"].isin([METRIC, MEDIA, REPORT, TRACE])]
    assert {("x", METRIC), ("p", MEDIA), ("t", TRACE), ("m", REPORT)} == set(
        zip(logged["key"], logged["kind"], strict=True)
    )
    assert {(0, True)} == set(zip(logged["step"], logged["auto"], strict=True))
    assert 4 == logged["seq"].nunique()


def test_a_run_that_goes_on_counts_steps_of_media_too(home):
    """The second attempt follows the first."""
    for _ in range(2):
        run = trackio.init("p", name="again", resume="allow")
        run.log({"loss": 1, "p": trackio.Image(RGB)})
        run.log({"loss": 1, "p": trackio.Image(RGB)})
        run.finish()
    assert [0, 1, 2, 3] == [media.step for media in _read(run).media("p")]


def test_bytes_are_sent_before_the_rows_that_need_them():
    """Whoever sees a row finds its picture."""
    puts = []

    class Elsewhere(MemoryStore):
        def put(self, files):
            puts.extend(files)
            super().put(files)

    elsewhere = Elsewhere()
    run = trackio.init("p", store=elsewhere.url)
    for n in range(5):
        run.log({"p": trackio.Image(RGB + n)})
        assert run.flush()
        assert n + 1 == sum("/media/" in key for key in puts)
        assert puts[-1].endswith(".parquet")
    assert 5 == len(_read(run, elsewhere.url).media("p"))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.text("abc/", min_size=1, max_size=4),
        st.sampled_from(ANYTHING),
        max_size=6,
    )
)
def test_every_key_is_stored_or_warned_about(home, data):
    """Whatever is mixed in one call; nothing is raised, and every call counts a step."""
    warned = []
    run = trackio.init("mixed")
    run._path.writer.warn_key = lambda key, problem: warned.append(key)
    run.log(data)
    run.log({"last": 1})
    read = _read(run)
    (row,) = [row for row in read.scan_history() if "last" in row]
    assert 1 == row["step"]
    kept = {key for row in read.scan_history() for key in row} - {"step", "time", "last"}
    kept |= {media.key for media in read.media()}
    flat = {f"{key}/x" if isinstance(value, dict) else key for key, value in data.items()}
    assert flat == kept | (set(warned) & flat)
