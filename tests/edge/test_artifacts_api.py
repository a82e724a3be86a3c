"""Artifacts as people use them: from runs, from the reading API, from the command line."""

import json
import sys
from pathlib import Path

import pytest

import trackio
from trackio.cli import main
from trackio.errors import InvalidInput, NotFound
from trackio.query.artifacts import (
    changed_entries,
    get_version,
    lineage,
    list_artifact_rows,
    list_version_rows,
)
from trackio.store import open_store


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine of one's own, and a file on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("TRACKIO_SYSTEM_S", "0")
    (tmp_path / "model.bin").write_bytes(b"weights")
    return tmp_path


def test_a_run_logs_what_another_one_uses(home):
    """And both are remembered: who made it, who used it."""
    with trackio.init("p", name="trains") as made:
        logged = trackio.log_artifact("model.bin", type="model", aliases=["best"])
        assert ("model.bin", "v0", ["latest", "best"]) == (
            logged.name, logged.version, logged.aliases)  # fmt: skip
    with trackio.init("q", name="serves") as used:
        found = trackio.use_artifact("p/model.bin:best")
        assert b"weights" == Path(found.file()).read_bytes()
    api = trackio.Api()
    (output,) = api.run(f"p/{made.id}").logged_artifacts()
    (taken,) = api.run(f"q/{used.id}").used_artifacts()
    assert ("p", "model.bin", "v0") == (output.project, output.name, output.version)
    assert output.version_id == taken.version_id
    graph = lineage([output, taken])
    assert ((made.id, used.id), ("p/model.bin:v0",)) == (graph.run_ids, graph.versions)


def test_a_folder_becomes_an_artifact(home):
    """With everything in it."""
    (home / "data" / "inner").mkdir(parents=True)
    (home / "data" / "inner" / "x").write_text("x")
    (home / "data" / "y").write_text("y")
    with trackio.init("p") as run:
        artifact = run.log_artifact("data", type="dataset")
    assert (2, 2) == (artifact.file_count, artifact.size)


def test_the_default_folder_names_project_artifact_and_version(home):
    """Two versions never mix."""
    with trackio.init("my project") as run:
        run.log_artifact("model.bin")
        folder = run.use_artifact("model.bin").download()
    assert ".trackio/artifact-downloads/my%20project/model.bin_v0" == Path(folder).as_posix()


def test_wrong_arguments_are_told_at_once(home):
    """In the words of the call."""
    with trackio.init("p") as run:
        with pytest.raises(InvalidInput, match=r"no file .*missing"):
            run.log_artifact("missing")
        with pytest.raises(InvalidInput, match="empty"):
            run.log_artifact(trackio.Artifact("m", "model"))
        run.log_artifact("model.bin", name="m", type="model")
        with pytest.raises(InvalidInput, match="not 'dataset'"):
            run.use_artifact("m:latest", type="dataset")
        with pytest.raises(NotFound):
            run.use_artifact("m:v3")


def test_a_disabled_run_logs_artifacts_nowhere(home):
    """And the code that uses them goes on."""
    run = trackio.init("p", mode="disabled")
    logged = run.log_artifact("model.bin")
    assert "v0" == logged.wait().version
    run.finish()
    assert not list((home / "home").rglob("artifacts"))


def test_a_forked_child_logs_artifacts_of_its_own(home):
    """`Run` forgets what its parent was sending."""
    run = trackio.init("p", store="memory://fork-artifacts")
    run.log_artifact("model.bin")
    run.flush(30)
    run.drop_inherited()
    assert run._artifacts is None
    run.finish()


def test_a_version_is_linked_into_a_registry_from_a_run(home):
    """And used from there by another project."""
    trackio.Api().create_registry("prod", "what we ship")
    with trackio.init("p") as run:
        run.link_artifact(run.log_artifact("model.bin", type="model"), "prod/models", ["live"])
    with trackio.init("q") as run:
        found = run.use_artifact("registry-prod/models:live")
        assert ("p", ("prod", "models")) == (found.project, found.source)
    collection = trackio.Api().registry("prod").collection("models")
    assert (1, "v0", "model") == (collection.num_links, collection.latest_version, collection.type)


def test_queries_tell_a_page_what_to_show(home):
    """Artifacts, versions, files, and what changed between two."""
    with trackio.init("p", name="one") as run:
        run.log_artifact("model.bin", name="m", type="model")
        (home / "model.bin").write_bytes(b"better")
        run.log_artifact("model.bin", name="m", type="model")
    store = open_store(home / "home")
    (row,) = list_artifact_rows(store, "p")
    assert ("m", "model", 2, "v1", 6) == (row.name, row.type, row.versions, row.latest, row.size)
    rows = list_version_rows(store, "p", "m")
    assert [("v0", "one"), ("v1", "one")] == [(it.version, it.run_name) for it in rows]
    _, before = get_version(store, "p", "m", "v0")
    _, after = get_version(store, "p", "m")
    ((path, (old, new)),) = changed_entries(before, after).items()
    assert ("model.bin", 7, 6) == (path, old.size, new.size)
    with pytest.raises(NotFound, match="did you mean"):
        list_version_rows(store, "p", "mm")


def test_a_process_that_logs_artifacts_never_imports_duckdb(home):
    """Nor gradio, nor pandas."""
    import subprocess

    code = (
        "import sys, trackio\n"
        "with trackio.init('p') as run: run.log_artifact('model.bin')\n"
        "print([m for m in ('duckdb', 'gradio', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "[]" == done.stdout.strip()


def run_command(capsys, *words):
    """A command that works; what it prints as JSON."""
    assert 0 == main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


def test_the_commands_of_artifacts(home, capsys):
    """Put, list, look, call, fetch, delete, collect."""
    put = ("artifacts", "put", "model.bin", "-p", "p", "--name", "m", "--type", "model")
    assert run_command(capsys, *put, "--alias", "best")["is_new"]
    assert not run_command(capsys, *put)["is_new"]
    (found,) = run_command(capsys, "artifacts", "list", "-p", "p")["artifacts"]
    assert ("m", "v0") == (found["name"], found["latest"])
    (version,) = run_command(capsys, "artifacts", "versions", "p/m")["versions"]
    assert ["latest", "best"] == version["aliases"]
    (file,) = run_command(capsys, "artifacts", "get", "p/m:best")["files"]
    assert "model.bin" == file["path"]
    assert "good" in run_command(capsys, "artifacts", "alias", "p/m:v0", "good")["aliases"]
    said = run_command(capsys, "artifacts", "download", "p/m", "--to", "out")
    assert b"weights" == (home / said["folder"] / "model.bin").read_bytes()
    assert run_command(capsys, "artifacts", "delete", "p/m:v0", "--dry-run")["dry_run"]
    assert 1 == run_command(capsys, "artifacts", "list", "-p", "p")["total"]
    run_command(capsys, "artifacts", "delete", "p/m:v0")
    assert 0 == run_command(capsys, "artifacts", "list", "-p", "p")["total"]
    assert 0 == run_command(capsys, "artifacts", "collect", "-p", "p")["deleted"]


def test_the_commands_of_registries(home, capsys):
    """Make, link, look, promote, take out, and what happened."""
    run_command(capsys, "artifacts", "put", "model.bin", "-p", "p", "--name", "m")
    run_command(capsys, "registry", "create", "prod", "--description", "ours")
    target = ("registry", "create-collection", "prod/models", "--type", "unspecified")
    run_command(capsys, *target)
    run_command(capsys, "registry", "link", "p/m:v0", "prod/models", "--alias", "live")
    run_command(capsys, "registry", "promote", "prod/models:v0", "--alias", "gold")
    (row,) = run_command(capsys, "registry", "list")["collections"]
    assert ("prod", "models", 1, "v0") == (
        row["registry"], row["collection"], row["versions"], row["latest"])  # fmt: skip
    (version,) = run_command(capsys, "registry", "show", "prod/models")["versions"]
    assert (["latest", "gold", "live"], "v0") == (version["aliases"], version["source_version"])
    run_command(capsys, "registry", "unlink", "prod/models:v0")
    assert ["create", "create_collection", "link", "promote", "unlink"] == [
        event["kind"] for event in run_command(capsys, "registry", "events", "prod")["events"]
    ]


def test_deleting_needs_a_version(home, capsys):
    """Nobody deletes the newest by leaving something out."""
    main(["artifacts", "put", "model.bin", "-p", "p", "--name", "m"])
    assert 2 == main(["artifacts", "delete", "p/m"])
    assert "say which version" in capsys.readouterr().err
