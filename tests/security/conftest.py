"""What several suites of attacks share: one small store, served to everybody or behind a login."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.served import serve
from tests.edge.written import WrittenRun
from trackio.store.directory import Directory

AUTH = ("ada", "sesame")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """One run whose name and value nobody may see who may not read."""
    store = Directory(tmp_path_factory.mktemp("small"))
    run = WrittenRun(store, "demo", "hush-hush", at_s=1_700_000_000, config={"lr": 0.125})
    run.log([{"loss": 0.4711}])
    return store


@pytest.fixture(scope="session")
def open_url(small: Directory) -> Iterator[str]:
    """A dashboard for everybody."""
    with serve(small) as url:
        yield url


@pytest.fixture(scope="session")
def private_url(small: Directory) -> Iterator[str]:
    """A dashboard behind a login."""
    with serve(small, auth=AUTH) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
