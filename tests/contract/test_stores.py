"""Every store that ships obeys the laws of `store_contract`."""

import itertools
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.register_assert_rewrite("store_contract")

from standin.hub import WRITE_TOKEN  # noqa: E402
from store_contract import StoreContract, listed  # noqa: E402 - rewritten first

from trackio.clock import SYSTEM_CLOCK  # noqa: E402
from trackio.errors import NotFound, StoreRefused  # noqa: E402
from trackio.store import is_local, open_store  # noqa: E402
from trackio.store.bucket import Bucket  # noqa: E402
from trackio.store.directory import Directory  # noqa: E402
from trackio.store.faulty import Chances, Faulty  # noqa: E402
from trackio.store.lagging import Lagging  # noqa: E402
from trackio.store.memory import MemoryStore  # noqa: E402
from trackio.store.object import ObjectStore  # noqa: E402
from trackio.store.read_only import ReadOnly  # noqa: E402
from trackio.store.retrying import Retrying, RetryPolicy  # noqa: E402
from trackio.store.wrapper import Wrapper  # noqa: E402

PATIENT = RetryPolicy(attempts=200, first_delay_s=0.0, deadline_s=600.0)
MANY_FAULTS = Chances(failed=0.1, lost=0.1, partial=0.15, overnamed=0.15)


class TestDirectory(StoreContract):
    """A folder of this machine."""

    @contextmanager
    def opened(self):
        with tempfile.TemporaryDirectory() as folder:
            yield Directory(Path(folder) / "not" / "yet there")


class TestMemoryStore(StoreContract):
    """A dict of this process."""

    @contextmanager
    def opened(self):
        yield MemoryStore()


class TestRetryingOverFaults(StoreContract):
    """Faults that trying again can cure do not show: the laws hold as without them."""

    @contextmanager
    def opened(self):
        faulty = Faulty(MemoryStore(), MANY_FAULTS.chooser(seed=7), page_keys=3, seed=7)
        yield Retrying(faulty, PATIENT, sleep=lambda _: None)


class TestLaggingByNothing(StoreContract):
    """Without a lag, a store whose listings may lag is as any other."""

    @contextmanager
    def opened(self):
        yield Lagging(MemoryStore(), clock=SYSTEM_CLOCK, longest_s=0.0)


class Swept(Wrapper):
    """A store without folders in which nothing lies.

    SeaweedFS has real folders, and sweeps away those that became empty some minutes later. Until
    then a listing of one folder shows them, as no other S3 service does.
    """

    def list(self, prefix="", *, recursive=True):
        for entry in super().list(prefix, recursive=recursive):
            if not entry.key.endswith("/") or any(True for _ in super().list(entry.key)):
                yield entry


class TestObjectStore(StoreContract):
    """A prefix of an S3 bucket, on a real S3 server."""

    numbers = itertools.count()

    @pytest.fixture(autouse=True)
    def server(self, monkeypatch, s3_server):
        for name, value in s3_server.credentials().items():
            monkeypatch.setenv(name, value)
        self.s3_server = s3_server

    @contextmanager
    def opened(self):
        yield Swept(ObjectStore(self.s3_server.url(f"contract/{next(self.numbers)}")))


class TestBucket(StoreContract):
    """A folder of a Hugging Face Bucket, through the real client and a stand-in for the Hub."""

    numbers = itertools.count()

    @pytest.fixture(autouse=True)
    def server(self, shared_hub):
        self.hub = shared_hub

    @contextmanager
    def opened(self):
        bucket = Bucket(f"ada/{next(self.numbers)}", endpoint=self.hub.url, token=WRITE_TOKEN)
        assert bucket.create()
        yield bucket


class TestReadOnly:
    """Reading works as on the store behind it, writing does not."""

    @pytest.fixture
    def inner(self, tmp_path):
        return Directory(tmp_path)

    def test_it_reads_what_the_store_behind_it_holds(self, inner):
        """Listing and getting pass through, and so does the path of a local file."""
        store = ReadOnly(inner)
        inner.put({"a/b": b"x"})
        assert {"a/b": 1} == listed(store)
        assert {"a/": 0} == listed(store, recursive=False)
        assert b"x" == store.get("a/b")
        assert is_local(store)
        assert b"x" == store.path("a/b").read_bytes()
        assert inner.url == store.url
        with pytest.raises(NotFound):
            store.get("a")

    def test_it_refuses_to_write(self, inner):
        """Even what would change nothing."""
        inner.put({"a": b"x"})
        store = ReadOnly(inner)
        for call in (lambda: store.put({"b": b""}), lambda: store.delete(["a"])):
            with pytest.raises(StoreRefused, match="for reading only"):
                call()
        with pytest.raises(StoreRefused):
            store.put({})
        assert {"a": 1} == listed(inner)


@pytest.mark.parametrize("make", [Directory, lambda folder: MemoryStore(folder.name)])
def test_a_url_opens_the_same_store_again(make, tmp_path):
    """Whatever the name of the folder is."""
    folder = tmp_path / "a b%20c#d?é"
    store = make(folder)
    store.put({"k": b"v"})
    assert b"v" == open_store(store.url).get("k")
    assert store.url == open_store(store.url).url
