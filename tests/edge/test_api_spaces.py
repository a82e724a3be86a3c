"""Spaces that show projects, through the real client against a stand-in for the Hub."""

import io
import logging

import pyarrow.parquet as pq
import pytest
from standin.hub import READ_TOKEN, WRITE_TOKEN
from standin.spaces import SpacesHub, running_spaces_hub

import trackio
from trackio import asked, deploy
from trackio.cli import main
from trackio.errands import Errands
from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable
from trackio.store import open_store
from trackio.store.making import Making


@pytest.fixture
def hub():
    with running_spaces_hub() as hub:
        yield hub


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, hub):
    """A home of the test's own, and the stand-in as the Hub."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    monkeypatch.setenv("TRACKIO_FLUSH_S", "0.05")
    monkeypatch.setattr(asked, "_told", set())
    # On a busy machine a Space may take longer to make than the end of a run waits.
    monkeypatch.setattr(Errands.wait, "__defaults__", (120.0,))
    return tmp_path


def _log_one(**where):
    with trackio.init("digits", name="one", **where) as run:
        run.log({"loss": 0.5})
    return run


def test_init_makes_a_private_bucket_and_a_space_that_reads_it(hub: SpacesHub):
    """Our own source goes up; the bucket is mounted read-only, so no token is."""
    run = _log_one(space_id="ada/board", private=True)
    space = hub.spaces["ada/board"]
    assert hub.buckets["ada/board-bucket"].is_private
    assert ("gradio", True) == (space.sdk, space.private)
    assert {"app.py", "README.md", "requirements.txt", "trackio/dashboard/show.py"} <= set(
        space.files
    )
    assert not [path for path in space.files if "__pycache__" in path]
    assert b"gradio[oauth]>=" in space.files["requirements.txt"]
    assert b"sdk: gradio" in space.files["README.md"]
    [mount] = space.volumes
    assert ("bucket", "ada/board-bucket", "/data", True) == (
        mount["type"],
        mount["source"],
        mount["mountPath"],
        mount["readOnly"],
    )
    assert {"TRACKIO_STORE": "/data", "TRACKIO_VERSION": trackio.__version__} == space.variables
    assert run.url == "https://ada-board.hf.space/?project=digits&runs=one"
    read = trackio.Api("hf://buckets/ada/board-bucket").run("digits/one")
    assert {"loss": 0.5} == read.summary


def test_a_space_of_this_version_is_left_alone(hub: SpacesHub):
    """Every upload would build it anew."""
    deploy.deploy("ada/board")
    deploy.deploy("ada/board")
    assert 1 == hub.spaces["ada/board"].commits
    hub.spaces["ada/board"].variables["TRACKIO_VERSION"] = "0.1"
    deploy.deploy("ada/board")
    assert 2 == hub.spaces["ada/board"].commits


def test_what_deploys_is_a_program(hub: SpacesHub):
    """Every Python file of the Space compiles, and the application shows the dashboard."""
    deploy.deploy("board")
    files = hub.spaces["ada/board"].files
    for path, content in files.items():
        if path.endswith(".py"):
            compile(content, path, "exec")
    assert b"show(" in files["app.py"]


def test_a_hub_that_refuses_fails_no_run(hub: SpacesHub, monkeypatch, caplog):
    """It is said once, and the run is kept on this machine."""
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    monkeypatch.setenv("TRACKIO_FINISH_S", "0.2")
    with caplog.at_level(logging.WARNING, "trackio"):
        run = _log_one(space_id="ada/board")
    assert 1 == sum("making the Space ada/board failed" in line for line in caplog.messages)
    assert run.state == "finished"
    with pytest.raises(StoreRefused):
        deploy.deploy("ada/board")


def test_a_hub_that_does_not_answer_is_said(monkeypatch):
    """And may be tried again."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        deploy.deploy("ada/board")


def test_sync_copies_a_project_to_the_bucket_of_a_space(hub: SpacesHub):
    """And says which Space shows it."""
    _log_one()
    assert trackio.sync("digits", space_id="board", private=True) == "ada/board"
    read = trackio.Api("hf://buckets/ada/board-bucket").run("digits/one")
    assert {"loss": 0.5} == read.summary
    assert hub.spaces["ada/board"].private


def test_sync_may_make_files_that_need_no_server(hub: SpacesHub):
    """A Space of the pages and the points as they are now."""
    _log_one()
    assert trackio.sync("digits", sdk="static") == "ada/trackio-digits"
    space = hub.spaces["ada/trackio-digits"]
    assert space.sdk == "static"
    assert {"index.html", "README.md"} <= set(space.files)
    assert b"sdk: static" in space.files["README.md"]


def test_a_static_space_may_be_private(hub: SpacesHub):
    """Who may see it may see its files; nothing goes into one that is public already."""
    _log_one()
    assert trackio.sync("digits", "ada/own", private=True, sdk="static") == "ada/own"
    assert hub.spaces["ada/own"].private
    trackio.sync("digits", "ada/open", sdk="static")
    with pytest.raises(InvalidInput, match="is public already"):
        trackio.sync("digits", "ada/open", private=True, sdk="static")
    assert 1 == hub.spaces["ada/open"].commits


@pytest.mark.parametrize("target", ["space:ada/paper", "{hub}/spaces/ada/paper"])
def test_a_project_is_exported_into_a_space(hub: SpacesHub, target: str):
    """Every file of the site is there, points as they are in a folder."""
    _log_one()
    assert 0 == main(["export-site", "--to", target.format(hub=hub.url), "--private"])
    space = hub.spaces["ada/paper"]
    assert ("static", True) == (space.sdk, space.private)
    assert b"sdk: static" in space.files["README.md"]
    [points] = [name for name in space.files if name.startswith("data/points/metric/")]
    table = pq.read_table(io.BytesIO(space.files[points]))
    assert [0.5] == table.column("value").to_pylist()


def test_a_bucket_keeps_a_site_and_says_that_it_shows_none(hub: SpacesHub, capsys):
    """The files lie there under their names, many sent at once."""
    _log_one()
    Making(open_store("hf://buckets/ada/rows")).put({"first": b""})
    assert 0 == main(["export-site", "--to", "hf://buckets/ada/rows/site"])
    assert "A bucket shows no pages" in capsys.readouterr().out
    kept = {entry.key for entry in open_store("hf://buckets/ada/rows/site").list("")}
    assert {"index.html", "data/meta.json", "data/series.json"} <= kept


def test_freeze_takes_what_a_live_space_shows(hub: SpacesHub):
    """From its bucket, into a Space beside it."""
    _log_one(space_id="ada/board")
    assert trackio.freeze("ada/board", "digits") == "ada/board_static"
    assert "index.html" in hub.spaces["ada/board_static"].files
    with pytest.raises(NotFound, match="no project 'other'"):
        trackio.freeze("ada/board", "other")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: trackio.sync("digits", sdk="docker"), "neither gradio nor static"),
        (lambda: trackio.init("p", space_id="a/b/c"), "namespace/name"),
        (lambda: deploy.ensure_space("ada/board", "s3://team/x"), "shows a bucket"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, why):
    """Before anything is made."""
    with pytest.raises(InvalidInput, match=why):
        call()


def test_a_space_shows_the_bucket_that_is_named(hub: SpacesHub):
    """`bucket_id` goes before the bucket that is called after the Space."""
    _log_one(space_id="board", bucket_id="ada/rows")
    assert ["ada/rows"] == list(hub.buckets)
    assert "ada/rows" == hub.spaces["ada/board"].volumes[0]["source"]
    assert open_store("hf://buckets/ada/rows")
