"""What an object store does beyond the laws of every store, on a real S3 server and others."""

import logging
import os
import subprocess
import sys

import pytest
from standin.seaweed import BUCKET
from standin.web import Answer, Kind, WebServer

from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable, TrackioError
from trackio.store import object as object_module
from trackio.store.object import ObjectStore
from trackio.store.retrying import Retrying

SECRET = "aVerySecretAccessKey0123456789"


@pytest.fixture
def log_in(monkeypatch, s3_server):
    """Become somebody the server knows."""

    def become(who):
        for name, value in s3_server.credentials(who).items():
            monkeypatch.setenv(name, value)

    return become


@pytest.fixture
def url(request, s3_server):
    """A prefix that no other test has."""
    return s3_server.url(f"own/{request.node.name.partition('[')[0]}")


@pytest.fixture
def store(log_in, url):
    log_in("WRITER")
    return ObjectStore(url)


@pytest.fixture
def broken(monkeypatch):
    """A server on which everything can go wrong, and that knows no object."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_BEARER_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    web = WebServer(
        lambda request: Answer(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    )
    with web.running():
        yield web


class TestOnARealServer:
    """SeaweedFS, with three users."""

    def test_more_than_a_page_is_listed_and_more_than_a_batch_deleted(self, store):
        """1,000 keys a request; nothing is left out at the seams."""
        names = {f"f/{number:04}" for number in range(1001)}
        store.put(dict.fromkeys(names, b"x"))
        assert names == {entry.key for entry in store.list("f/")}
        assert names == {entry.key for entry in store.list("f/", recursive=False)}
        store.delete(names)
        assert [] == list(store.list())

    def test_a_prefix_sees_only_what_is_its_own(self, store, url, log_in):
        """Not even what lies under a name that begins as it does."""
        place, _, query = url.partition("?")
        beside = ObjectStore(f"{place}-too?{query}")
        beside.put({"a": b"theirs"})
        store.put({"a": b"ours"})
        store.delete(["a"])
        assert [] == list(store.list())
        assert b"theirs" == beside.get("a")

    def test_reading_needs_no_permission_to_write(self, store, url, log_in):
        """And who may only read is told so."""
        store.put({"a": b"x"})
        log_in("READER")
        reader = ObjectStore(url)
        assert b"x" == reader.get("a")
        assert ["a"] == [entry.key for entry in reader.list()]
        for call in (lambda: reader.put({"b": b""}), lambda: reader.delete(["a"])):
            with pytest.raises(StoreRefused, match="permission denied"):
                call()
        assert b"x" == store.get("a")

    @pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    def test_wrong_credentials_are_named_and_not_shown(self, url, log_in, monkeypatch, name):
        """The message says which variables to look at."""
        log_in("WRITER")
        monkeypatch.setenv(name, SECRET)
        store = ObjectStore(url)
        for call in (
            lambda: store.get("a"),
            lambda: store.put({"a": b""}),
            lambda: [*store.list()],
        ):
            with pytest.raises(StoreRefused, match="AWS_ACCESS_KEY_ID") as failure:
                call()
            assert SECRET not in str(failure.value)

    def test_a_missing_bucket_is_not_made(self, s3_server, log_in):
        """A typing error is found. This server would make it for an admin's first file."""
        log_in("ADMIN")
        store = ObjectStore(s3_server.url("p", bucket="nowhere-at-all"))
        for call in (
            lambda: store.get("a"),
            lambda: list(store.list()),
            lambda: list(store.list(recursive=False)),
            lambda: store.delete(["a"]),
        ):
            with pytest.raises(StoreRefused, match="no such bucket: create it"):
                call()

    def test_the_endpoint_of_the_url_wins(self, store, url, monkeypatch):
        """Over all that the environment says when the store is used."""
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        store.put({"a": b"x"})
        assert b"x" == ObjectStore(url).get("a")

    def test_the_environment_may_name_the_endpoint(self, store, s3_server, monkeypatch):
        """As every tool for S3 reads it."""
        store.put({"a": b"x"})
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
        same = ObjectStore(f"s3://{BUCKET}/{store.url.partition('?')[0].split('/', 3)[3]}")
        assert store.url == same.url
        assert b"x" == same.get("a")

    def test_nothing_secret_is_shown(self, store, caplog):
        """Not in the URL, the repr or the log."""
        caplog.set_level(logging.DEBUG)
        store.put({"a": b"x"})
        shown = f"{store.url} {store!r} {store._opened!r} {caplog.text}"
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in shown
        assert os.environ["AWS_ACCESS_KEY_ID"] not in shown


class TestFaults:
    """What goes wrong on the way becomes an error of ours."""

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_busy_service_is_tried_again(self, broken, status):
        """By whoever tries again; each file that failed is named."""
        broken.faults.add("PUT .*/p/[bc]$", Kind.STATUS, status=status)
        broken.faults.add("PUT", Kind.STATUS, status=200, headers={"ETag": '"1"'})
        store = ObjectStore(f"s3://bucket/p?endpoint={broken.url}")
        with pytest.raises(StoreUnavailable, match=str(status)) as failure:
            store.put(dict.fromkeys("abcd", b"x"))
        assert set("bc") == failure.value.keys

    @pytest.mark.parametrize("kind", [Kind.DROP, Kind.TRUNCATE])
    def test_what_was_not_read_whole_is_not_given(self, broken, kind):
        """A file that breaks off is no file."""
        broken.faults.add("GET", kind)
        store = ObjectStore(f"s3://bucket/p?endpoint={broken.url}")
        with pytest.raises(StoreUnavailable if kind is Kind.DROP else TrackioError):
            store.get("a")

    def test_a_service_that_never_answers_is_given_up(self, broken, monkeypatch):
        """Nobody waits for ever."""
        monkeypatch.setattr(object_module, "_SILENCE_S", 0.1)
        broken.faults.add("", Kind.DELAY, delay_s=20.0)
        store = ObjectStore(f"s3://bucket/p?endpoint={broken.url}")
        with pytest.raises(StoreUnavailable, match="no answer"):
            store.put({"a": b"x"})

    @pytest.mark.parametrize(
        "url",
        ["s3://bucket/p?region=x&", "gs://bucket/p?", "az://box/p?account=a&"],
    )
    def test_nobody_listening_is_no_answer(self, broken, monkeypatch, url):
        """The network is down, or the address is wrong."""
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
        store = ObjectStore(f"{url}endpoint=http://127.0.0.1:1")
        for call in (
            lambda: store.get("a"),
            lambda: [*store.list()],
        ):
            with pytest.raises(StoreUnavailable, match="no answer"):
                call()

    @pytest.mark.parametrize("url", ["gs://bucket/p?", "s3://bucket/p?"])
    def test_what_is_gone_already_may_be_deleted(self, broken, monkeypatch, url):
        """Google stops at a name that it does not know; the others go all the same."""
        broken.faults.add("DELETE .*here", Kind.STATUS, status=204)
        store = ObjectStore(f"{url}endpoint={broken.url}")
        store.delete(["gone", "here", "gone too"])
        if url.startswith("gs"):
            assert broken.asked("DELETE .*here")

    def test_no_credentials_at_all_are_named(self, broken, monkeypatch):
        """Before anybody waits for a service of the cloud that is not there."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", broken.url)
        store = ObjectStore(f"s3://bucket/p?endpoint={broken.url}")
        with pytest.raises(StoreRefused, match="AWS_ACCESS_KEY_ID"):
            store.get("a")

    def test_settings_that_make_no_client_are_named(self):
        """Azure needs an account."""
        with pytest.raises(InvalidInput, match="AZURE_STORAGE_ACCOUNT_NAME"):
            ObjectStore("az://box/p").get("a")

    def test_a_missing_object_is_not_found(self, broken):
        """Its bucket is there."""
        with pytest.raises(NotFound, match="there is no a in s3://bucket"):
            ObjectStore(f"s3://bucket/p?endpoint={broken.url}").get("a")

    def test_trying_again_cures_what_passes(self, broken):
        """A connection that drops, then a service that is busy, then one that takes it."""
        broken.faults.add("PUT", Kind.DROP, times=3)
        broken.faults.add("PUT", Kind.STATUS, status=503, times=3)
        broken.faults.add("PUT", Kind.STATUS, status=200, headers={"ETag": '"1"'})
        store = ObjectStore(f"s3://bucket/p?endpoint={broken.url}")
        Retrying(store, sleep=lambda _: None).put({"a": b"x"})
        assert 7 == len(broken.asked("PUT"))


SCRIPT = """
import os, sys
from trackio.errors import StoreUnavailable
from trackio.store import open_store

store = open_store({url!r})
store.put({{"parent": b"p"}})
child = os.fork()
if child == 0:
    try:
        store.put({{"child": b"c"}})
    except StoreUnavailable as exc:
        os._exit(0 if "spawn" in str(exc) else 1)
    os._exit(2)
_, status = os.waitpid(child, 0)
store.put({{"after": b"a"}})
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_is_told_instead_of_waiting_for_ever(store, url):
    """The client's threads do not come along; what the child wrote waits on this machine."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(url=url)], check=False, capture_output=True, timeout=60
    )
    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)
    assert {"parent", "after"} == {entry.key for entry in store.list()}
