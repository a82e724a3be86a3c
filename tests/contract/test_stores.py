"""Every store that ships obeys the laws of `store_contract`."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.register_assert_rewrite("store_contract")

from store_contract import StoreContract, listed  # noqa: E402 - rewritten first

from trackio.clock import SYSTEM_CLOCK  # noqa: E402
from trackio.errors import NotFound, StoreRefused  # noqa: E402
from trackio.store import is_local, open_store  # noqa: E402
from trackio.store.directory import Directory  # noqa: E402
from trackio.store.faulty import Chances, Faulty  # noqa: E402
from trackio.store.lagging import Lagging  # noqa: E402
from trackio.store.memory import MemoryStore  # noqa: E402
from trackio.store.read_only import ReadOnly  # noqa: E402
from trackio.store.retrying import Retrying, RetryPolicy  # noqa: E402

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
