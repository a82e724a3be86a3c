"""Where tasks run: this process, processes of this machine, or a Dask cluster. Knows no task."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from urllib.parse import urlsplit

from trackio.errors import InvalidInput, StoreUnavailable


@contextmanager
def open_executor(url: str | None, workers: int) -> Iterator[Executor | None]:
    """What `--executor` or `--workers` asks for; None for this process alone.

    Raises:
        InvalidInput: no such executor is known, or a package that it needs is missing.
        StoreUnavailable: the cluster does not answer.
    """
    if url is not None:
        with _dask(url) as cluster:
            yield cluster
    elif workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _dask(url: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler, as a standard executor."""
    parts = urlsplit(url)
    if parts.scheme != "dask" or not parts.netloc:
        raise InvalidInput(f"{url!r} is no executor: write it like dask://host:8786")
    try:
        from distributed import Client
    except ImportError as exc:
        raise InvalidInput(
            'a Dask cluster needs the package distributed: pip install "trackio[dask]"'
        ) from exc
    try:
        client = Client(  # type: ignore[no-untyped-call]  # distributed has no types
            f"tcp://{parts.netloc}", timeout=30, set_as_default=False
        )
    except OSError as exc:
        raise StoreUnavailable(f"no Dask scheduler answers at {parts.netloc}: {exc}") from exc
    executor = client.get_executor(pure=False, retries=1)  # type: ignore[no-untyped-call]
    with client, executor:
        yield executor
