"""`trackio sync` as it is typed: to a bucket, to S3 and back, while a run is being written."""

import json

import pytest
from standin.hub import WRITE_TOKEN

import trackio
from trackio.cli import main
from trackio.settings import Settings
from trackio.store import open_store
from trackio.testing.reading import points_in
from trackio.upkeep.waiting import send_waiting

BUCKET = "hf://buckets/ada/runs"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, hub):
    """A machine whose Hub is the stand-in; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "machine"))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    return tmp_path / "machine"


@pytest.fixture
def run(capsys):
    """Runs a command that succeeds; what it said, stdout and stderr together."""

    def run(*argv, code=0):
        assert code == main(list(argv))
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run


def _values(url, project="p"):
    return {value for _, _, key, value in points_in(open_store(url), project) if key == "i"}


def _log(first, last, **how):
    with trackio.init("p", **how) as made:
        for number in range(first, last):
            made.log({"i": number})
    return made


def test_a_local_project_goes_to_a_bucket_that_nobody_made(run, hub):
    """Private; the second time nothing is put, and it says so."""
    _log(0, 20)
    assert "0 files of 1 project were there already" in run("sync", "--to", BUCKET)
    assert hub.buckets["ada/runs"].is_private
    assert set(map(float, range(20))) == _values(BUCKET)
    asked = len(hub.asked("/batch$"))
    assert "put 0 files (0 bytes)" in run("sync", "--to", BUCKET, "--project", "p")
    assert asked == len(hub.asked("/batch$"))


def test_a_real_s3_server_gives_what_it_was_given(run, s3_server, tmp_path, monkeypatch):
    """Logged straight to it, copied to a directory, from there to a bucket."""
    for name, value in s3_server.credentials().items():
        monkeypatch.setenv(name, value)
    url = s3_server.url(f"sync-{tmp_path.name}")
    made = _log(0, 30, store=url)
    here = str(tmp_path / "here")
    run("sync", "--from", url, "--to", here)
    run("sync", "--from", here, "--to", BUCKET)
    for store in (url, here, BUCKET):
        assert set(map(float, range(30))) == _values(store)
        assert [made.id] == [found.id for found in trackio.Api(store=store).runs("p")]
    assert "put 0 files" in run("sync", "--from", url, "--to", BUCKET)


def test_a_run_may_go_on_while_it_is_copied_and_sent(run, home, tmp_path, monkeypatch):
    """What was there arrives, the live writer loses nothing, and the rest follows."""
    monkeypatch.setenv("TRACKIO_MODE", "offline")
    made = trackio.init("p", bucket_id="ada/runs")
    copies = str(tmp_path / "copy")
    local = trackio.init("p", reinit="create_new")
    for number in range(40):
        made.log({"i": number})
        local.log({"i": number})
        if number % 10 == 9:
            made.flush()
            local.flush()
            run("sync", "--dir", str(home))
            run("sync", "--to", copies)
            assert set(map(float, range(number + 1))) == _values(copies)
            assert set(map(float, range(number + 1))) == _values(BUCKET)
    made.finish()
    local.finish()
    run("sync", "--dir", str(home))
    run("sync", "--to", copies)
    assert set(map(float, range(40))) == _values(BUCKET) == _values(copies)
    assert 0 == send_waiting(Settings.from_env(dir=home)).files_sent


def test_another_machine_sends_what_it_sees_on_a_shared_disk(run, home, tmp_path, monkeypatch):
    """With the command that `finish()` printed."""
    monkeypatch.setenv("TRACKIO_MODE", "offline")
    monkeypatch.setenv("TRACKIO_JOURNAL_DIR", str(tmp_path / "local disk"))
    trackio.init("p", bucket_id="runs")
    trackio.log({"i": 1})
    command = trackio.finish().command
    assert command.endswith(f"--dir {home} --journal-dir '{tmp_path / 'local disk'}'")
    for name in ("TRACKIO_MODE", "TRACKIO_DIR", "TRACKIO_JOURNAL_DIR"):
        monkeypatch.delenv(name)
    assert "0 files sent" in run("sync", "--dir", str(home), "--project", "other")
    assert "would be sent" in run("sync", "--dir", str(home), "--dry-run")
    run("sync", "--dir", str(home), "--journal-dir", str(tmp_path / "local disk"))
    assert {1.0} == _values(BUCKET)


def test_what_cannot_be_sent_is_told(run, home, hub, monkeypatch):
    """With exit code 3; the rows stay."""
    monkeypatch.setenv("TRACKIO_MODE", "offline")
    trackio.init("p", bucket_id="bob/runs")
    trackio.log({"i": 1})
    trackio.finish()
    assert "write access" in run("sync", code=3)
    said = json.loads(run("sync", "--json", code=3).partition("Warning")[0].split("\ntrackio:")[0])
    assert (0, 3) == (said["sent_files"], said["waiting_files"])


def test_two_names_of_one_store_are_refused(run, home):
    """Nothing would be copied."""
    assert "is both" in run("sync", "--from", str(home), "--to", f"file://{home}", code=2)


def test_a_plan_is_printed_and_nothing_put(run, hub):
    """`--dry-run`."""
    _log(0, 3)
    hub.make_bucket("ada/runs")
    assert "p: put 3 files (" in run("sync", "--to", BUCKET, "--dry-run")
    assert [] == hub.asked("/batch$")
