"""Files that are kept: `save`, `restore`, the reading API and the commands."""

import json
import os
import threading
from pathlib import Path

import jsonschema
import pytest
from standin.hub import WRITE_TOKEN, StandinHub

import trackio
from trackio import asked, current, once
from trackio.cli import main
from trackio.cli.schemas import schema_of
from trackio.errors import InvalidInput, NoRun, NotFound


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own, and a folder to work in; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(asked, "_told", set())
    monkeypatch.setattr(once, "_told", set())
    yield tmp_path / "home"
    while current._latest or current._current.get():
        trackio.finish()


def _write(files):
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def _read(run, store=None):
    return trackio.Api(store).run(f"{run.project}/{run.id}")


def _contents(run, store=None):
    return {file.name: file.read().decode() for file in _read(run, store).files()}


# Which files, and what they are called


def test_files_are_kept_under_the_names_that_wandb_gives_them(tmp_path):
    """Relative to the working directory, to `base_path`, or with one folder of an absolute path."""
    _write({"these/are/my/a.txt": "a", "these/are/b.txt": "b", "c.txt": "c"})
    run = trackio.init("p")
    assert ["c.txt"] == run.save("c.txt")
    assert ["these/are/b.txt"] == run.save("these/are/*")[:1]
    assert ["are/my/a.txt"] == run.save("these/are/my/*", base_path="these")
    assert ["my/a.txt"] == run.save(str(tmp_path / "work/these/are/my/*.txt"))
    assert ["work/these/are/b.txt"] == run.save(
        tmp_path / "work/these/are/b.txt", base_path=tmp_path
    )
    assert ["c.txt"] == run.save(b"../work/c.txt", policy="now")
    run.finish()
    expected = {
        "are/my/a.txt": "a",
        "c.txt": "c",
        "my/a.txt": "a",
        "these/are/b.txt": "b",
        "these/are/my/a.txt": "a",
        "work/these/are/b.txt": "b",
    }
    assert expected == _contents(run)


def test_a_folder_and_two_stars_mean_all_that_lies_below():
    """At any depth; a name that looks like a pattern is itself where there is such a file."""
    _write({"ck/a.pt": "1", "ck/x/b.pt": "2", "ck/x/c.txt": "3", "n[1].pt": "4", "n1.pt": "5"})
    run = trackio.init("p")
    assert ["ck/a.pt", "ck/x/b.pt", "ck/x/c.txt"] == run.save("ck")
    assert ["ck/a.pt", "ck/x/b.pt"] == run.save("ck/**/*.pt")
    assert ["n[1].pt"] == run.save("n[1].pt")
    assert ["n[1].pt"] == run.save("n[1].pt", glob=False)


def test_a_file_outside_the_folder_of_names_has_its_own_name_alone():
    """No name ever leads out of the folder that it is downloaded to."""
    _write({"../elsewhere/deep/a.txt": "a"})
    run = trackio.init("p")
    assert ["a.txt"] == run.save("../elsewhere/deep/a.txt")
    assert ["a.txt"] == run.save("../elsewhere/deep/*", base_path="nowhere")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nothing-*.pt", "found no file"),
        (5, "takes a path"),
        ("s3://bucket/x", "of this machine"),
        ("a\0b", "of this machine"),
        ("", "of this machine"),
    ],
)
def test_what_names_no_file_is_told_once_and_raises_nothing(given, said, caplog):
    """Training goes on."""
    run = trackio.init("p")
    assert [] == run.save(given, policy="now")
    assert [] == run.save(given, policy="now")
    assert 1 == sum(said in message for message in caplog.messages)


def test_arguments_that_mean_nothing_are_told_once(caplog):
    """A policy that nobody knows, a name of another tracker; and nothing at all."""
    _write({"a.txt": "a"})
    run = trackio.init("p")
    assert ["a.txt"] == run.save("a.txt", policy="sometimes", upload=True)
    assert ["a.txt"] == run.save("a.txt", policy="sometimes", upload=True)
    assert [] == run.save()
    told = [message for message in caplog.messages if "policy=" in message or "upload" in message]
    assert 2 == len(told)


# What is kept, and when


def test_bytes_are_on_disk_when_save_returns(home):
    """By content, once, in the folder of the writer's media."""
    _write({"a.txt": "same", "b.txt": "same"})
    run = trackio.init("p")
    run.save("*.txt")
    media = list(home.glob("p/runs/*/*/media/*.txt"))
    assert ["same"] == [path.read_text() for path in media]
    run.finish()
    assert {"a.txt": "same", "b.txt": "same"} == _contents(run)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("now", {"log.txt": "1"}),
        ("live", {"log.txt": "22", "late.txt": "3"}),
        ("end", {"log.txt": "22", "late.txt": "3"}),
    ],
)
def test_files_are_taken_again_when_the_run_ends(policy, expected):
    """What changed, and what came; unless they were wanted as they were."""
    _write({"log.txt": "1"})
    run = trackio.init("p")
    run.save("*.txt", policy=policy)
    _write({"log.txt": "22", "late.txt": "3"})
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    run.finish()
    assert expected == _contents(run)


def test_a_file_that_did_not_change_is_not_taken_again():
    """Neither by its time nor, if that changed, by its content: one row says it."""
    _write({"a.txt": "a"})
    run = trackio.init("p")
    first = run._path.writer.next_seq
    run.save("a.txt")
    run.save("a.txt")
    os.utime("a.txt", (1, 1))
    run.save("a.txt")
    assert first + 1 == run._path.writer.next_seq
    _write({"a.txt": "b"})
    run.save("a.txt")
    run.finish()
    assert {"a.txt": "b"} == _contents(run)


def test_what_lies_in_the_folder_of_a_run_is_saved_with_it():
    """As wandb does: `torch.save(model, os.path.join(run.dir, "model.pt"))`."""
    run = trackio.init("p")
    _write({f"{run.dir}/model.pt": "weights", f"{run.dir}/sub/x.txt": "x"})
    assert ["sub/x.txt"] == run.save(f"{run.dir}/sub/*.txt")
    run.finish()
    assert {"model.pt": "weights", "sub/x.txt": "x"} == _contents(run)


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_kept(caplog):
    """A broken link, a pipe that would be waited for, one that is gone by then."""
    _write({"a.txt": "a"})
    Path("b.txt").symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo("c.txt")
    run = trackio.init("p")
    assert ["a.txt"] == run.save("*.txt")
    Path("a.txt").unlink()
    assert run.finish().is_complete
    assert {"a.txt": "a"} == _contents(run)
    assert [] == [message for message in caplog.messages if "failed" in message]


def test_files_that_cannot_be_kept_cost_a_warning(monkeypatch, caplog):
    """The disk is full: the call returns, the rest of the run is whole."""
    _write({"a.txt": "a"})
    run = trackio.init("p")

    def refuse(content, extension):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run._path.writer.media, "hold", refuse)
    run.save("a.txt")
    run.log({"loss": 1})
    assert run.finish().is_complete
    assert {} == _contents(run)
    assert any("'a.txt' is not saved" in message for message in caplog.messages)


def test_files_are_saved_from_any_thread_and_after_the_end():
    """What comes after `finish` belongs to another writer of the run; the last content counts."""
    for number in range(8):
        _write({f"{number}.txt": str(number)})
    run = trackio.init("p")
    threads = [threading.Thread(target=run.save, args=(f"{n}.txt",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    _write({"0.txt": "later"})
    run.save("0.txt")
    run.finish()
    expected = {f"{number}.txt": str(number) for number in range(8)} | {"0.txt": "later"}
    assert expected == _contents(run)


@pytest.mark.parametrize("mode", ["disabled", "offline"])
def test_files_of_a_run_that_sends_nothing(mode, home):
    """Disabled keeps none; offline they wait here with the rest."""
    _write({"a.txt": "a"})
    run = trackio.init("p", mode=mode, store="memory://saved")
    assert ["a.txt"] == run.save("a.txt")
    run.finish()
    assert (1 if mode == "offline" else 0) == len(list(home.glob(".spool/**/media/*.txt")))


def test_files_reach_a_store_far_away(hub: StandinHub, monkeypatch):
    """Through the spool, with the shards; and are read from there."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    _write({"ck/model.bin": "weights"})
    run = trackio.init("p", bucket_id="ada/saved")
    run.save("ck/*")
    assert run.finish().is_complete
    assert {"ck/model.bin": "weights"} == _contents(run, "hf://buckets/ada/saved")


# `trackio.save`


def test_the_module_saves_with_the_run_of_the_project_that_is_live():
    """The current one, or any; a folder as second argument is wandb's `base_path`."""
    _write({"out/a.txt": "a", "b.txt": "b", "c.txt": "c"})
    first = trackio.init("p")
    second = trackio.init("q", reinit="create_new")
    assert ["a.txt"] == trackio.save("out/a.txt", "out")
    assert ["b.txt"] == trackio.save("b.txt")
    assert ["c.txt"] == trackio.save("c.txt", project="p", policy="now")
    second.finish()
    first.finish()
    assert {"c.txt": "c"} == _contents(first)
    assert {"a.txt": "a", "b.txt": "b"} == _contents(second)


def test_without_a_run_files_become_a_version_of_an_artifact():
    """It keeps what it had, and the last content of a name counts."""
    _write({"a.txt": "1", "b/c.txt": "2"})
    assert ["a.txt"] == trackio.save("a.txt", project="p")
    assert ["b/c.txt"] == trackio.save("b/*", "p")
    _write({"a.txt": "3"})
    trackio.save("a.txt", "p")
    found = trackio.Api().artifact("p/files")
    assert ("files", "v2") == (found.type, found.version)
    folder = found.download("got")
    assert "3" == Path(folder, "a.txt").read_text()
    assert "2" == Path(folder, "b/c.txt").read_text()
    assert "1" == Path(trackio.Api().artifact("p/files:v0").file("old")).read_text()


def test_without_a_run_files_go_to_a_store_far_away_too(hub: StandinHub, monkeypatch):
    """And what was there is fetched and checked, to be kept."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    monkeypatch.setenv("TRACKIO_STORE", "hf://buckets/ada/kept")
    trackio.init("p").finish()  # makes the bucket
    _write({"a.txt": "1", "b.txt": "2"})
    trackio.save("a.txt", project="p")
    trackio.save("b.txt", project="p")
    folder = trackio.Api().artifact("p/files").download("got")
    assert ["a.txt", "b.txt"] == sorted(path.name for path in Path(folder).iterdir())


def test_without_a_run_and_a_project_or_a_file_it_says_what_to_do():
    """As the released Trackio, which raises the same errors."""
    with pytest.raises(NoRun, match=r"trackio\.init\(\)"):
        trackio.save("a.txt")
    with pytest.raises(RuntimeError):
        trackio.save("a.txt")
    with pytest.raises(InvalidInput, match="there is no file"):
        trackio.save("a.txt", project="p")
    with pytest.raises(ValueError, match="there is no file"):
        trackio.save("a.txt", project="p")


# Reading


def test_a_file_tells_what_it_is_and_is_brought_here():
    """Under its name, in its folders; nothing is written over by accident."""
    _write({"ck/model.json": '{"a": 1}'})
    run = trackio.init("p")
    run.save("ck/*")
    run.finish()
    read = _read(run)
    assert ["ck/model.json"] == [file.name for file in read.files(["ck/model.json", "other"])]
    file = read.file("ck/model.json")
    assert (8, "application/json") == (file.size, file.mimetype)
    assert file.updated_at.timestamp() >= run.start_time
    with file.open() as opened:
        assert b'{"a": 1}' == opened.read()
    path = file.download("out")
    assert ("out/ck/model.json", '{"a": 1}') == (path.as_posix(), path.read_text())
    path.write_text("mine")
    with pytest.raises(InvalidInput, match="replace=True"):
        file.download("out")
    assert "mine" == file.download("out", exist_ok=True).read_text()
    assert '{"a": 1}' == file.download("out", replace=True).read_text()
    with pytest.raises(NotFound, match="did you mean"):
        read.file("ck/model.jsn")


def test_a_run_without_files_says_so():
    """Not an error until one is named."""
    with trackio.init("p") as run:
        run.log({"a": 1})
    assert [] == _read(run).files()
    with pytest.raises(NotFound, match="saved no file"):
        _read(run).file("a.txt")


def test_restore_opens_what_a_run_saved():
    """Of the current run, or another; None where there is none, as in wandb."""
    _write({"a.txt": "1"})
    with trackio.init("p", name="first") as first:
        first.save("a.txt")
    Path("a.txt").unlink()
    with pytest.raises(NoRun):
        trackio.restore("a.txt")
    with trackio.restore("a.txt", f"me/p/{first.id}") as file:
        assert ("a.txt", "1") == (file.name, file.read())
    trackio.init("p")
    _write({"b.txt": "2"})
    trackio.save("b.txt")
    with trackio.restore("b.txt") as file:
        assert "2" == file.read()
    assert trackio.restore("c.txt") is None


# The commands


@pytest.fixture
def saved(home):
    _write({"ck/model.pt": "weights", "b.txt": "b"})
    with trackio.init("p", name="run", id="run") as run:
        run.save("ck/*")
        run.save("b.txt")
    return run


def _command(capsys, *words):
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_lists_and_brings_files(saved, capsys):
    """For people and for programs."""
    code, out, _ = _command(capsys, "list", "files", "-p", "p", "--json")
    listed = json.loads(out)
    jsonschema.validate(listed, schema_of("list files"))
    assert (0, ["b.txt", "ck/model.pt"]) == (code, [file["name"] for file in listed["files"]])
    assert "ck/model.pt" in _command(capsys, "list", "files", "-r", "run")[1]
    words = ("get", "file", "ck/model.pt", "-r", "run", "--to", "out")
    code, out, _ = _command(capsys, *words, "--json")
    got = json.loads(out)
    jsonschema.validate(got, schema_of("get file"))
    assert (0, 7, "weights") == (code, got["size"], Path(got["path"]).read_text())
    assert 2 == _command(capsys, *words)[0]
    assert (0, "out/ck/model.pt (7 bytes)\n") == _command(capsys, *words, "--replace")[::2]
    assert 1 == _command(capsys, "get", "file", "nothing", "-r", "run")[0]
