"""The environment, read once: defaults, overrides, and errors that name the variable."""

from pathlib import Path

import pytest

from trackio.errors import InvalidInput
from trackio.settings import FlushPolicy, Settings, upkeep_policy

HOME = Path("~").expanduser()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, HOME / ".cache/huggingface/trackio"),
        ({"HF_HOME": "/hf"}, Path("/hf/trackio")),
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/huggingface/trackio")),
        ({"XDG_CACHE_HOME": "/x", "HF_HOME": "/hf"}, Path("/hf/trackio")),
        ({"TRACKIO_DIR": "/t", "HF_HOME": "/hf"}, Path("/t")),
        ({"TRACKIO_DIR": "~/t"}, HOME / "t"),
        ({"TRACKIO_DIR": "t"}, Path.cwd() / "t"),
        ({"TRACKIO_DIR": ""}, HOME / ".cache/huggingface/trackio"),
    ],
)
def test_the_local_store_lies_where_the_hub_keeps_its_files(environ, folder):
    """Unless `TRACKIO_DIR` says otherwise."""
    settings = Settings.from_env(environ)
    assert folder == settings.dir
    assert str(folder) == settings.store_url
    assert folder / ".spool" == settings.spool_dir
    assert folder / ".journal" == settings.journal_dir


def test_store_and_journal_can_be_elsewhere():
    """The journal wants a local disk, the store need not be one."""
    environ = {"TRACKIO_DIR": "/t", "TRACKIO_JOURNAL_DIR": "~/j", "TRACKIO_STORE": "memory://x"}
    settings = Settings.from_env(environ)
    assert HOME / "j" == settings.journal_dir
    assert "memory://x" == settings.store_url
    assert Path("/t/.spool") == settings.spool_dir


def test_a_remote_store_is_flushed_more_rarely():
    """And `TRACKIO_FLUSH_S` rules both."""
    default = Settings.from_env({"TRACKIO_DIR": "/t"})
    assert (2.0, 10.0) == tuple(
        default.flush_policy(is_local=local).max_age_s for local in (True, False)
    )
    fast = Settings.from_env({"TRACKIO_FLUSH_S": "0.5"})
    assert {0.5} == {fast.flush_policy(is_local=local).max_age_s for local in (True, False)}
    assert FlushPolicy().max_calls == fast.flush_policy(is_local=True).max_calls


def test_grace_is_longer_where_listings_lag():
    """Two minutes in a directory, an hour elsewhere."""
    assert (120.0, 3600.0) == tuple(
        upkeep_policy(is_local=local).grace_s for local in (True, False)
    )


@pytest.mark.parametrize("text", ["soon", "-1", "0", "3600", "nan", "inf"])
def test_a_flush_time_that_is_none_is_refused(text):
    """With the name of the variable and what it said."""
    with pytest.raises(InvalidInput, match=f"TRACKIO_FLUSH_S='{text}'"):
        Settings.from_env({"TRACKIO_FLUSH_S": text})


# Which store


@pytest.mark.parametrize(
    ("environ", "given", "url"),
    [
        ({"TRACKIO_BUCKET_ID": "a/b"}, {}, "hf://buckets/a/b"),
        ({"TRACKIO_BUCKET_ID": "b"}, {}, "hf://buckets/me/b"),
        ({"TRACKIO_STORE": "s3://x"}, {"bucket_id": "a/b"}, "hf://buckets/a/b"),
        ({"TRACKIO_BUCKET_ID": "a/b"}, {"store": "s3://x"}, "s3://x"),
        ({"TRACKIO_BUCKET_ID": "a/b"}, {"store": Path("/t")}, "/t"),
        ({"TRACKIO_STORE": "hf://buckets/a/b", "TRACKIO_BUCKET_ID": "a/b"}, {}, "hf://buckets/a/b"),
        ({"TRACKIO_STORE": "s3://x"}, {"dir": "/d"}, "s3://x"),
        ({"TRACKIO_DIR": "/t"}, {"dir": "/d"}, "/d"),
    ],
)
def test_what_a_call_names_goes_before_the_environment(environ, given, url):
    """And the directory is the store where nothing else is."""
    assert url == Settings.from_env(environ, **given).store_url


@pytest.mark.parametrize(
    ("environ", "given", "why"),
    [
        ({}, {"store": "s3://x", "bucket_id": "a/b"}, "store= and bucket_id= name two stores"),
        ({"TRACKIO_STORE": "s3://x", "TRACKIO_BUCKET_ID": "a/b"}, {}, "TRACKIO_BUCKET_ID name two"),
        ({}, {"bucket_id": "a/b/c"}, "bucket_id= takes 'namespace/name'.*not 'a/b/c'"),
        ({}, {"bucket_id": "/b"}, "bucket_id= takes"),
        ({}, {"bucket_id": "hf://buckets/a/b"}, "bucket_id= takes"),
        ({}, {"bucket_id": 7}, "not 7"),
        ({"TRACKIO_BUCKET_ID": "a b/"}, {}, "TRACKIO_BUCKET_ID takes"),
        ({}, {"mode": "shared"}, "mode='shared' is none of online, offline, disabled"),
        ({"TRACKIO_MODE": "off"}, {}, "TRACKIO_MODE='off' is none of"),
        ({"TRACKIO_FINISH_S": "long"}, {}, "TRACKIO_FINISH_S='long'"),
    ],
)
def test_what_cannot_be_meant_is_refused(environ, given, why):
    """With the name of the argument or variable, and what would do."""
    with pytest.raises(InvalidInput, match=why):
        Settings.from_env(environ, **given)


def test_a_directory_of_its_own_is_home_to_all_that_waits():
    """Journals and spool move with it."""
    settings = Settings.from_env({"TRACKIO_DIR": "/t", "TRACKIO_MODE": "offline"}, dir="/d")
    places = (settings.dir, settings.journal_dir, settings.spool_dir)
    assert (Path("/d"), Path("/d/.journal"), Path("/d/.spool")) == places
    assert "offline" == settings.mode
    assert "online" == Settings.from_env({"TRACKIO_MODE": "offline"}, mode="online").mode


def test_finish_never_waits_shorter_in_all_than_for_silence():
    """Whatever the two settings say."""
    settings = Settings.from_env({"TRACKIO_FINISH_S": "900", "TRACKIO_FINISH_CAP_S": "5"})
    assert (900.0, 900.0) == (settings.patience.silence_s, settings.patience.cap_s)
