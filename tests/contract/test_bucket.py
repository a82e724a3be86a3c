"""What a bucket does beyond the laws of every store, with the real client and a stand-in Hub."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BucketBatchError
from standin.hub import READ_TOKEN, STRANGER_TOKEN, WRITE_TOKEN
from standin.web import Kind

from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable, TrackioError
from trackio.store import hub as hub_module
from trackio.store.bucket import Bucket
from trackio.store.retrying import Retrying
from trackio.testing.clock import ManualClock

ID = "ada/runs"


@pytest.fixture
def made(hub):
    """The bucket, on the server's side."""
    return hub.make_bucket(ID)


@pytest.fixture
def store(hub, made):
    """The bucket, on ours."""
    return _store(hub)


def _store(hub, token=WRITE_TOKEN, bucket_id=ID, **how):
    return Bucket(bucket_id, endpoint=hub.url, token=token, **how)


def _official(hub):
    return HfApi(endpoint=hub.url, token=WRITE_TOKEN)


class TestMakingABucket:
    """`create` is explicit, and private."""

    def test_a_new_bucket_is_private(self, hub):
        """Nobody shares by accident."""
        assert _store(hub).create()
        assert hub.buckets[ID].is_private

    def test_one_that_exists_stays_as_it_is(self, hub):
        """Made twice, it is made once."""
        hub.make_bucket(ID, is_private=False)
        assert not _store(hub).create()
        assert not hub.buckets[ID].is_private

    def test_a_token_that_may_make_none_is_enough_for_one_that_exists(self, store, hub):
        """A token for one bucket is all that logging needs."""
        assert not _store(hub, READ_TOKEN).create()

    @pytest.mark.parametrize("token", [READ_TOKEN, STRANGER_TOKEN, "hf_unknownToken123"])
    def test_without_permission_it_says_so(self, hub, token):
        """And makes nothing."""
        with pytest.raises(StoreRefused, match="token"):
            _store(hub, token).create()
        assert {} == hub.buckets

    def test_using_a_bucket_that_is_missing_makes_none(self, hub):
        """A typing error is found, not turned into a bucket."""
        store = _store(hub)
        for call in (lambda: store.put({"a": b""}), lambda: list(store.list())):
            with pytest.raises(StoreRefused, match="does not exist"):
                call()
        with pytest.raises(StoreRefused, match="does not exist"):
            store.get("a")
        assert {} == hub.buckets


class TestLivingBesideOthers:
    """Everything outside our folder belongs to others."""

    def test_files_beside_ours_are_neither_listed_nor_touched(self, store, hub, made):
        """Not even those whose name begins as ours does."""
        theirs = {"trackio.db": b"1", "trackio-old/a": b"2", "models/a": b"3"}
        _official(hub).batch_bucket_files(ID, add=[(data, path) for path, data in theirs.items()])
        store.put({"a": b"ours"})
        store.delete(["a", "models/a", "trackio.db"])
        assert [] == list(store.list())
        assert [] == list(store.list(recursive=False))
        assert theirs == {path: hub.content(ID, path) for path in made.files}

    def test_a_folder_of_its_own_is_another_store(self, store, hub):
        """Two stores in one bucket do not see each other."""
        other = _store(hub, folder="team/b")
        store.put({"k": b"1"})
        other.put({"k": b"2"})
        assert (b"1", b"2") == (store.get("k"), other.get("k"))
        assert 1 == len(list(other.list()))


class TestSpeakingAsTheOfficialClient:
    """Our requests are those of `huggingface_hub`, and each reads what the other wrote."""

    def test_the_official_client_reads_what_we_put(self, store, hub, tmp_path):
        """Names, sizes, hashes and bytes."""
        data = {"a/b": b"x", "größe/Δ": bytes(range(256)) * 999, "empty": b""}
        store.put(data)
        files = list(_official(hub).list_bucket_tree(ID, recursive=True))
        assert {f"trackio/{key}": len(it) for key, it in data.items()} == {
            file.path: file.size for file in files
        }
        wanted = [(f"trackio/{key}", tmp_path / str(i)) for i, key in enumerate(data)]
        _official(hub).download_bucket_files(ID, wanted)
        assert list(data.values()) == [path.read_bytes() for _, path in wanted]
        versions = {entry.key: entry.version for entry in store.list()}
        assert {file.path[len("trackio/") :]: file.xet_hash for file in files} == versions

    def test_we_read_what_the_official_client_puts(self, store, hub):
        """As a copy with `hf buckets cp` would."""
        _official(hub).batch_bucket_files(ID, add=[(b"theirs", "trackio/a/b")])
        assert b"theirs" == store.get("a/b")
        assert ["a/b"] == [entry.key for entry in store.list()]

    def test_batches_say_the_same(self, store, hub, tmp_path):
        """Byte for byte but for the time, from bytes and from files."""
        source = tmp_path / "source.json"
        source.write_text("{}")
        files = {"a.json": source, "b": b"1", "c.parquet": b"2"}
        store.put(files)
        store.delete(["a.json"])
        official = _official(hub)
        add = [(content, f"trackio/{key}") for key, content in files.items()]
        official.batch_bucket_files(ID, add=add)
        official.batch_bucket_files(ID, delete=["trackio/a.json"])
        ours, deleted, theirs, deleted_too = _batches(hub)
        assert sorted(theirs, key=_path) == sorted(ours, key=_path)
        assert deleted_too == deleted

    def test_requests_ask_for_the_same(self, store, hub):
        """Method, path, query and content type of all that both can do."""
        store.put({"a": b"x"})
        begin = len(hub.requests)
        for act in (
            store.create,
            store.updated_at,
            lambda: list(store.list("f/")),
            lambda: list(store.list("f/", recursive=False)),
            lambda: store.delete(["a"]),
        ):
            act()
        middle = len(hub.requests)
        official = _official(hub)
        for act in (
            lambda: official.create_bucket(ID, private=True, exist_ok=True),
            lambda: official.bucket_info(ID),
            lambda: list(official.list_bucket_tree(ID, "trackio/f/", recursive=True)),
            lambda: list(official.list_bucket_tree(ID, "trackio/f/", recursive=False)),
            lambda: official.batch_bucket_files(ID, delete=["trackio/a"]),
        ):
            act()
        assert _essence(hub.requests[middle:]) == _essence(hub.requests[begin:middle])


class TestBatches:
    """Many files, one call, and what the Hub did not do."""

    def test_many_files_need_few_calls(self, store, hub, made):
        """1,000 a call; the permission to send is asked for once."""
        store.put({f"f/{number}": b"" for number in range(2001)})
        assert 2001 == len(list(store.list("f/")))
        assert 3 == len(hub.asked(r"/batch$"))
        store.put({"more": b"x"})
        assert 1 == len(hub.asked("xet-write-token"))
        store.delete([f"f/{number}" for number in range(2001)])
        assert ["trackio/more"] == list(made.files)

    def test_operations_that_failed_are_named(self, store, hub, made):
        """The others are done, and sending only those again is enough."""
        hub.fails_operation = lambda op: "busy" if "2" in op["path"] else None
        files = {f"{number}": b"x" for number in range(30)}
        with pytest.raises(StoreUnavailable, match=r"did not put 12 of 30.*busy") as failure:
            store.put(files)
        assert {key for key in files if "2" in key} == failure.value.keys
        assert 18 == len(made.files)
        hub.fails_operation = lambda op: None
        store.put({key: files[key] for key in failure.value.keys})
        assert 30 == len(list(store.list()))

    def test_a_batch_of_which_all_failed_names_all(self, store, hub):
        """It has another status, and the same words."""
        hub.fails_operation = lambda op: "no"
        with pytest.raises(StoreUnavailable) as failure:
            store.put({"a": b"", "b": b""})
        assert {"a", "b"} == failure.value.keys
        with pytest.raises(BucketBatchError):
            _official(hub).batch_bucket_files(ID, add=[(b"", "x")])

    def test_a_delete_that_failed_counts_if_the_file_is_gone(self, store, hub, made):
        """Two collectors may delete the same."""
        store.put({"a": b"", "b": b""})
        hub.fails_operation = lambda op: "gone" if made.files.pop("trackio/a", None) else "busy"
        with pytest.raises(StoreUnavailable) as failure:
            store.delete(["a", "b", "never"])
        assert {"b"} == failure.value.keys

    def test_a_call_that_fails_half_way_names_what_was_not_sent(self, store, hub):
        """Calls that are over are not repeated."""
        store.put({"first": b"x"})
        hub.faults.add("/batch$", Kind.DELAY, times=1)
        hub.faults.add("/batch$", Kind.DROP)
        names = [f"{number:04}" for number in range(1500)]
        with pytest.raises(StoreUnavailable) as failure:
            store.put(dict.fromkeys(names, b""))
        assert set(names[1000:]) == failure.value.keys


class TestFaults:
    """What goes wrong on the way becomes an error of ours."""

    @pytest.mark.parametrize("kind", [Kind.DROP, Kind.LOST, Kind.TRUNCATE])
    def test_a_lost_answer_of_a_batch_is_cured_by_sending_again(self, store, hub, kind):
        """Whether or not the batch was applied."""
        hub.faults.add(r"/batch$", kind, times=1)
        Retrying(store, sleep=lambda _: None).put({"a": b"1", "b": b"2"})
        assert [b"1", b"2"] == [store.get("a"), store.get("b")]

    @pytest.mark.parametrize("where", ["/tree", "/resolve/"])
    @pytest.mark.parametrize("kind", [Kind.DROP, Kind.TRUNCATE, Kind.STATUS])
    def test_what_was_not_read_whole_is_not_given(self, store, hub, where, kind):
        """Neither half a listing nor half a file."""
        store.put({"a": b"some bytes"})
        hub.faults.add(where, kind)
        with pytest.raises(StoreUnavailable):
            list(store.list()) if where == "/tree" else store.get("a")

    def test_a_listing_that_breaks_off_after_some_pages_fails(self, store, hub):
        """The pages before it are not the whole."""
        store.put({f"{number}": b"" for number in range(7)})
        hub.page_size = 3
        hub.faults.add("/tree", Kind.DELAY, times=2)
        hub.faults.add("/tree", Kind.DROP)
        with pytest.raises(StoreUnavailable):
            list(store.list())

    @pytest.mark.parametrize("where", ["xorb-grants", "/v2/shards"])
    def test_the_storage_behind_the_hub_may_fail(self, store, hub, where):
        """What it refuses says nothing of the bucket, and the next try gets a new permission."""
        hub.faults.add(where, Kind.STATUS, status=403, times=1)
        with pytest.raises(StoreUnavailable, match="storage behind it but 403") as failure:
            store.put({"a": b"contents"})
        assert {"a"} == failure.value.keys
        store.put({"a": b"contents"})
        assert 2 == len(hub.asked("xet-write-token"))

    @pytest.mark.parametrize("where", ["xet-write-token", r"/batch$"])
    def test_a_rate_limit_is_obeyed(self, store, hub, where):
        """Where the Hub says how long, nobody asks before."""
        limit = {"RateLimit": '"api";r=0;t=55'}
        hub.faults.add(where, Kind.STATUS, status=429, headers=limit, times=1)
        clock = ManualClock()
        waits_s = []
        retrying = Retrying(store, clock=clock, sleep=waits_s.append, random=lambda: 0.0)
        retrying.put({"a": b"x"})
        assert [56.0] == waits_s
        assert b"x" == store.get("a")

    def test_a_hub_that_never_answers_is_given_up(self, store, hub, monkeypatch):
        """The official client would wait for ever."""
        monkeypatch.setattr(hub_module, "SILENCE_S", 0.1)
        hub.faults.add("/tree", Kind.DELAY, delay_s=20.0)
        with pytest.raises(StoreUnavailable, match="no answer"):
            list(store.list())

    def test_nobody_listening_is_no_answer(self):
        """The network is down, or the address is wrong."""
        store = Bucket(ID, endpoint="http://127.0.0.1:1", token=WRITE_TOKEN)
        for call in (lambda: store.put({"a": b""}), store.create, store.updated_at):
            with pytest.raises(StoreUnavailable, match="no answer"):
                call()

    def test_an_answer_that_is_none_of_the_hubs_is_not_believed(self, store, hub):
        """As that of a network that wants people to log in first."""
        hub.faults.add("/tree|/batch|ada/runs$|paths", Kind.STATUS, status=200)
        for call in (lambda: list(store.list()), store.updated_at, lambda: store.delete(["a"])):
            with pytest.raises(StoreUnavailable, match="no Hub gives"):
                call()

    def test_a_local_file_that_goes_meanwhile_is_named(self, store, hub, tmp_path):
        """Sending it again would not help."""
        source = tmp_path / "source"
        source.write_bytes(b"x")
        hub.fails_operation = lambda op: source.unlink(missing_ok=True)
        store.put({"a": source})
        with pytest.raises(InvalidInput, match="source"):
            store.put({"a": source})

    def test_a_folder_that_the_hub_does_not_know_is_empty(self, store, hub):
        """Whether it says so with an empty page or with 404."""
        assert [] == list(store.list("nowhere/"))
        missing = {"X-Error-Code": "EntryNotFound"}
        hub.faults.add("/tree", Kind.STATUS, status=404, headers=missing)
        assert [] == list(store.list("nowhere/"))

    def test_the_bucket_tells_when_it_changed(self, store, hub):
        """With one cheap request, and another text after each change."""
        before = store.updated_at()
        assert before == store.updated_at()
        store.put({"a": b"x"})
        assert before <= store.updated_at()


class TestTokens:
    """A read token is enough to look; no token is ever shown."""

    def test_a_read_token_reads_and_does_not_write(self, store, hub):
        """And is told what it lacks."""
        store.put({"a": b"x"})
        reader = _store(hub, READ_TOKEN)
        assert b"x" == reader.get("a")
        assert ["a"] == [entry.key for entry in reader.list()]
        for call in (lambda: reader.put({"b": b""}), lambda: reader.delete(["a"])):
            with pytest.raises(StoreRefused, match="write access"):
                call()
        assert b"x" == store.get("a")

    def test_others_do_not_see_a_private_bucket(self, store, hub):
        """They cannot tell it from one that does not exist."""
        with pytest.raises(StoreRefused, match="may not see it"):
            _store(hub, STRANGER_TOKEN).get("a")
        with pytest.raises(StoreRefused, match="hf auth login"):
            _store(hub, "hf_unknownToken123").get("a")

    def test_a_missing_file_is_not_found(self, store):
        """Its bucket is there."""
        with pytest.raises(NotFound, match="there is no a in hf://"):
            store.get("a")

    @pytest.mark.parametrize(
        ("where", "statuses"),
        [
            ("xet-write-token", (400, 401, 403, 404, 500)),
            (r"/batch$", (400, 401, 403, 404, 500)),
            ("/tree|/resolve/|ada/runs$", (400, 401, 403, 404, 500)),
            ("/v2/shards", (400,)),  # what may pass hf_xet tries again by itself, slowly
        ],
    )
    def test_no_token_is_shown(self, store, hub, caplog, where, statuses):
        """Not in URLs, reprs, messages, their causes or logs, whatever goes wrong.

        The storage's own token, good for an hour, is in an answer of the Hub, whose headers the
        HTTP client traces if somebody lets it.
        """
        caplog.set_level(logging.DEBUG)
        shown = [store.url, repr(store)]
        for status in statuses:
            hub.faults.add(where, Kind.STATUS, status=status)
            data = f"{where} {status}".encode()
            shown += _shown(lambda data=data: store.put({"a": data}))
            shown += _shown(lambda: store.get("a")) + _shown(lambda: list(store.list()))
            shown += _shown(store.create) + _shown(store.updated_at)
            hub.faults.clear()
        store.put({"a": b"x"})
        assert len(shown) > 4
        assert caplog.text
        said = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
        shown += [repr(store._hub._granted), *said]
        assert WRITE_TOKEN not in "\n".join(shown) + caplog.text
        assert hub._cas.token not in "\n".join(shown)


SCRIPT = """
import os, sys
from pathlib import Path
from trackio.store.bucket import Bucket

store = Bucket({bucket!r}, endpoint={endpoint!r})
store.put({{"parent": b"p" * 999}})
child = os.fork()
if child == 0:
    store.put({{"child": b"c" * 999}})
    os._exit(0 if store.get("parent") == b"p" * 999 else 1)
_, status = os.waitpid(child, 0)
store.put({{"after": b"a" * 999}})
assert "HF_XET_LOG_DEST" not in os.environ
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_writes_too_and_nobody_hears_of_it(hub, made, tmp_path):
    """No progress bar, no warning, no log file, and the token comes from the environment."""
    env = {"HF_TOKEN": WRITE_TOKEN, "HF_HOME": str(tmp_path), "HOME": str(tmp_path)}
    code = SCRIPT.format(bucket=ID, endpoint=hub.url)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert {"trackio/parent", "trackio/child", "trackio/after"} == made.files.keys()
    assert [] == list(tmp_path.rglob("*.log"))
    written = [path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert not any(WRITE_TOKEN.encode() in data for data in written)


def _shown(call):
    """All that people see of the error of a call, the errors it came from included."""
    try:
        call()
    except TrackioError as exc:
        chain, error = [], exc
        while error is not None:
            chain += [str(error), repr(error)]
            error = error.__cause__ or error.__context__
        return chain
    return []


def _batches(hub):
    """The operations of each batch so far, without their time."""
    for request in hub.requests:
        if request.path.endswith("/batch"):
            lines = [json.loads(line) for line in request.body.splitlines()]
            yield [{k: v for k, v in line.items() if k != "mtime"} for line in lines]


def _path(operation):
    return operation["path"]


def _essence(requests):
    """What matters to a server."""
    return [
        (
            str(r),
            {**r.query, "recursive": r.query.get("recursive", "").lower()},
            r.body,
            r.headers.get("content-type"),
        )
        for r in requests
    ]
