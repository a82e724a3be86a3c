"""What holds for every test run, and servers that several suites share."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings
from standin.hub import StandinHub, running_hub
from standin.seaweed import S3Server, running_seaweed

_FOREIGN = ("HF_", "AWS_", "GOOGLE_", "AZURE_", "HUGGING_FACE_")
for _name in [name for name in os.environ if name.startswith(_FOREIGN)]:
    del os.environ[_name]
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="trackio-tests-")
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
# Rows that come by themselves would be in the way of tests that count; those of the monitor ask
# for them.
os.environ["TRACKIO_SYSTEM_S"] = "0"
os.environ["TRACKIO_ENVIRONMENT"] = "0"
atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)


settings.register_profile("always", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("always")
"""The same examples each time, however slow the machine is."""
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
"""`pytest tests/security --hypothesis-profile=long` looks 50 times as far."""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server on loopback, started for the first test that asks for it."""
    with running_seaweed() as server:
        yield server


@atexit.register
def _end_with_the_summary() -> None:
    """Keep pytest's summary the last thing that is said.

    While the interpreter is torn down, DuckDB's binding (nanobind) may list objects that it finds
    alive, depending on the order in which Python drops modules. `test_repository` checks that a
    program which reads runs ends in silence.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@pytest.fixture(scope="session")
def shared_hub() -> Iterator[StandinHub]:
    """A stand-in for the Hub, without buckets; for tests that let nothing go wrong."""
    with running_hub(page_size=3) as hub:
        yield hub


@pytest.fixture
def hub() -> Iterator[StandinHub]:
    """A stand-in for the Hub of one's own, to let things go wrong."""
    with running_hub() as hub:
        yield hub
