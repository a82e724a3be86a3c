"""Commands that read take any store, under any of its names, with a token that may only read."""

import json
import secrets

import pytest
from standin.hub import READ_TOKEN, STRANGER_TOKEN, WRITE_TOKEN
from written import WrittenRun

from trackio import Api
from trackio.cli import main
from trackio.cli.failures import STORE
from trackio.store.bucket import Bucket
from trackio.store.object import ObjectStore

ID = "ada/runs"
COMMANDS = {
    "list projects": ("list", "projects"),
    "list runs": ("list", "runs"),
    "list metrics": ("list", "metrics"),
    "get run": ("get", "run", "-r", "first"),
    "get metric": ("get", "metric", "-r", "first", "-m", "loss"),
    "query": ("query", "-p", "demo", "SELECT count(*) AS n FROM metrics"),
    "verify": ("verify",),
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A machine that logs nothing itself."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.delenv("TRACKIO_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def bucket(hub, monkeypatch):
    """A bucket with one run, and the environment of somebody who may only read it."""
    hub.make_bucket(ID)
    written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    return f"hf://buckets/{ID}"


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The same in S3."""
    for name, value in s3_server.credentials().items():
        monkeypatch.setenv(name, value)
    url = s3_server.url(f"cli-{secrets.token_hex(4)}")
    written(ObjectStore(url))
    return url


def written(store):
    run = WrittenRun(store, "demo", "first", at_s=1_700_000_000.0)
    run.log([{"loss": 1.0 / (1 + i)} for i in range(5)])
    run.finish(after_s=30, loss=0.2)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_read_a_bucket_by_its_name_and_s3_by_its_url(name, bucket, s3, capsys):
    """The same answer from both."""
    answers = []
    for store in (ID, bucket, s3):
        code = main([*COMMANDS[name], "--store", store, "--json"])
        printed = capsys.readouterr()
        assert (0, "") == (code, printed.err)
        answers.append(items(printed.out))
    assert answers[0] == answers[1] == answers[2]


def items(out):
    """What was answered, without what tells of the moment and the place."""
    return without(json.loads(out), {"updated", "id", "run_id", "store", "as_of"})


def without(said, names):
    """JSON without the fields of these names."""
    if isinstance(said, dict):
        return {key: without(value, names) for key, value in said.items() if key not in names}
    return [without(one, names) for one in said] if isinstance(said, list) else said


def test_the_store_may_come_from_the_environment(bucket, capsys, monkeypatch):
    """As for writing."""
    monkeypatch.setenv("TRACKIO_STORE", bucket)
    assert 0 == main(["list", "runs", "--json"])
    assert '"first"' in capsys.readouterr().out
    assert ["first"] == [run.name for run in Api().runs("demo")]


def test_api_takes_a_bucket_by_its_name(bucket, home):
    """And keeps what it read where other processes find it."""
    (run,) = Api(ID).runs("demo")
    assert 5 == len(run.history(["loss"], pandas=False))
    assert [] != list((home / ".cache").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("token", "advice"), [(STRANGER_TOKEN, "check the name"), ("", "hf auth login")]
)
def test_a_token_that_may_not_look_is_told_what_to_do(bucket, token, advice, capsys, monkeypatch):
    """And a missing one."""
    monkeypatch.setenv("HF_TOKEN", token)
    assert STORE == main(["list", "runs", "--store", ID])
    assert advice in capsys.readouterr().err
