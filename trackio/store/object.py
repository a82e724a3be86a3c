"""A store that is a prefix of an S3, Google Cloud or Azure bucket, through obstore.

Time is `LastModified`, version is the ETag. It makes no bucket, asks for no conditional write,
and leaves trying again to those who use it, apart from one quick repeat.
"""

import importlib.util
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trackio.errors import InvalidInput, NotFound, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.store.base import Content, check_content, check_key, check_prefix, is_key
from trackio.store.object_errors import is_missing, is_other_version, translate
from trackio.store.object_url import ObjectUrl, parse_object_url
from trackio.store.parallel import attempt_each, raise_first
from trackio.store.remote import Failures, fetch_each

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    Client = AzureStore | GCSStore | S3Store

_WORKERS: Final = 16
_DELETES: Final = 1000  # as many as one request to S3 may hold
_PAGE: Final = 1000
_POLL_S: Final = 5.0
_PART: Final = 16 << 20
_PARTS: Final = 4
_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 30.0  # a connection on which nothing moves for so long is given up
_REQUEST_S: Final = 600.0


class ObjectStore:
    """Keys are the names of objects below a prefix of a bucket that exists already.

    Args:
        url: which one; see `object_url`.
        environ: where endpoint and account come from if the URL does not name them. Credentials
            are read by obstore itself, from the environment of the process.
    """

    def __init__(self, url: str, *, environ: Mapping[str, str] = os.environ) -> None:
        self._url = parse_object_url(url, environ)
        if importlib.util.find_spec("obstore") is None:
            raise InvalidInput(
                f'{self._url.scheme}:// stores need a package: pip install "trackio[cloud]"'
            )
        self._lock = threading.Lock()
        self._opened: Client | None = None

    def __repr__(self) -> str:
        return f"ObjectStore({self.url!r})"

    @property
    def poll_s(self) -> float:
        """A listing costs one request for each 1,000 files."""
        return _POLL_S

    @property
    def url(self) -> str:
        """Bucket, prefix, and the options that are no secret."""
        return str(self._url)

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The objects below a prefix, in order of their names; see `Store.list`."""
        folder = check_prefix(prefix)[:-1] or None
        what = f"list {prefix or 'everything'}"
        client = self._client(what)
        try:
            if recursive:
                for page in client.list(folder, chunk_size=_PAGE):
                    yield from _entries(page)
                return
            found = client.list_with_delimiter(folder)
        except _foreign() as exc:
            raise translate(exc, self._url, what) from exc
        yield from _entries(found["objects"])
        for name in filter(is_key, found["common_prefixes"]):
            yield Entry(f"{name}/", 0, 0.0, "")

    def get(self, key: str) -> bytes:
        """The bytes of an object; see `Store.get`."""
        what = f"get {check_key(key)}"
        client = self._client(what)
        try:
            return client.get(key).bytes().to_bytes()
        except _foreign() as exc:
            if is_missing(exc):
                raise NotFound(f"there is no {key} in {self.url}") from exc
            raise translate(exc, self._url, what) from exc

    def fetch(self, wanted: Mapping[Entry, Path]) -> Failures:
        """Fetch several at a time, large ones in parts; see `RemoteStore.fetch`."""
        return fetch_each(wanted, self._fetch)

    def get_range(self, entry: Entry, begin: int, end: int) -> bytes:
        """Some bytes of the version that was listed; see `RemoteStore.get_range`."""
        what = f"get a part of {check_key(entry.key)}"
        client = self._client(what)
        try:
            found = client.get(entry.key, options=_pinned(entry) | {"range": (begin, end)})
            return found.bytes().to_bytes()
        except _foreign() as exc:
            raise self._gone_or(exc, entry.key, what) from exc

    def watch(self) -> None:
        """Object stores tell nobody what changed."""

    def _fetch(self, entry: Entry, path: Path) -> None:
        if entry.size_bytes > _PART:
            return self._fetch_parts(entry, path)
        what = f"get {check_key(entry.key)}"
        client = self._client(what)
        try:
            with path.open("wb") as file:
                for chunk in client.get(entry.key, options=_pinned(entry)):
                    file.write(chunk)
        except _foreign() as exc:
            raise self._gone_or(exc, entry.key, what) from exc

    def _fetch_parts(self, entry: Entry, path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(entry.size_bytes)
        begins = {str(begin): begin for begin in range(0, entry.size_bytes, _PART)}

        def part(name: str) -> None:
            begin = begins[name]
            data = self.get_range(entry, begin, min(begin + _PART, entry.size_bytes))
            with path.open("r+b") as file:
                file.seek(begin)
                file.write(data)

        raise_first(attempt_each(begins, part, workers=_PARTS))

    def _gone_or(self, exc: Exception, key: str, what: str) -> TrackioError:
        if is_missing(exc) or is_other_version(exc):
            return NotFound(f"there is no {key} in {self.url}, or no longer as it was listed")
        return translate(exc, self._url, what, keys=[key])

    def put(self, files: Mapping[str, Content]) -> None:
        """Put up to 16 files at a time; large ones in parts. See `Store.put`."""
        for key, content in files.items():
            check_content(check_key(key), content)
        raise_first(attempt_each(files, lambda key: self._put(key, files[key]), workers=_WORKERS))

    def delete(self, keys: Iterable[str]) -> None:
        """Delete in batches of 1,000; see `Store.delete`."""
        asked = list(dict.fromkeys(map(check_key, keys)))
        for begin in range(0, len(asked), _DELETES):
            self._delete(asked[begin : begin + _DELETES], asked[begin:])

    def _put(self, key: str, content: Content) -> None:
        what = f"put {key}"
        client = self._client(what)
        try:
            client.put(key, content)
        except _foreign() as exc:
            check_content(key, content)  # a file that went meanwhile is not the service's fault
            raise translate(exc, self._url, what, keys=[key]) from exc

    def _delete(self, batch: Sequence[str], left: Sequence[str]) -> None:
        what = f"delete {batch[0]}{' and others' if batch[1:] else ''}"
        client = self._client(what)
        try:
            client.delete(batch)
        except _foreign() as exc:
            if not is_missing(exc):
                raise translate(exc, self._url, what, keys=left) from exc
            # Google and Azure stop at a name that is gone already, so ask one by one.
            raise_first(attempt_each(batch, self._delete_one, workers=_WORKERS))

    def _delete_one(self, key: str) -> None:
        what = f"delete {key}"
        client = self._client(what)
        try:
            client.delete(key)
        except _foreign() as exc:
            if not is_missing(exc):
                raise translate(exc, self._url, what, keys=[key]) from exc

    def _client(self, what: str) -> "Client":
        """The client, made when it is first needed."""
        _check_fork(what, self._url)
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._url)
        return self._opened


def _pinned(entry: Entry) -> "GetOptions":
    """Options that ask for the version that was listed, where the store can tell."""
    is_tag = entry.version[-1:] == '"'
    return {"if_match": entry.version} if is_tag else {}


def _entries(page: "Sequence[ObjectMeta]") -> Iterator[Entry]:
    for known in page:
        if is_key(known["path"]):
            time_s = known["last_modified"].timestamp()
            version = known["e_tag"] or f"{time_s:.6f}-{known['size']:x}"
            yield Entry(known["path"], known["size"], time_s, version)


_users: set[int] = set()


def _check_fork(what: str, url: ObjectUrl) -> None:
    """Refuse to wait for ever: obstore's threads do not come along into a forked process."""
    pid = os.getpid()
    if pid in _users:
        return
    if _users:
        raise StoreUnavailable(
            f"cannot {what} in {url.place}: this process was forked from one that used the "
            "store already, which its client does not survive; start processes with 'spawn' or "
            "'forkserver', or let the next process send what waits"
        )
    _users.add(pid)


def _open(url: ObjectUrl) -> "Client":
    """The obstore client; everything the URL does not say comes from the environment.

    Raises:
        InvalidInput: no client can be made of these settings.
    """
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, GCSStore, S3Store

    makers: Mapping[str, Callable[..., Client]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    try:
        return makers[url.scheme](
            url.bucket,
            prefix=url.prefix[:-1] or None,
            config=_config(url),
            client_options=_limits(url.options.get("endpoint", "")),
            retry_config=_retry(),
        )
    except (BaseError, ValueError, OSError) as exc:
        raise InvalidInput(
            f"cannot open {url} with the settings of the environment: check "
            f"{url.service.credentials}"
        ) from exc


def _config(url: ObjectUrl) -> Mapping[str, str]:
    names: Mapping[str, Sequence[str]] = {
        # obstore lets the variable AWS_ENDPOINT_URL_S3 win over `endpoint`, so both are set.
        "s3 endpoint": ("endpoint", "aws_endpoint_url_s3"),
        "gs endpoint": ("base_url",),
        "az account": ("account_name",),
    }
    options = url.options.items()
    return {
        name: value
        for option, value in options
        for name in names.get(f"{url.scheme} {option}", (option,))
    }


def _limits(endpoint: str) -> "ClientConfig":
    return {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=_SILENCE_S),
        "timeout": timedelta(seconds=_REQUEST_S),
    }


def _retry() -> "RetryConfig":
    """One quick repeat, for a connection that the service had closed meanwhile."""
    return {"max_retries": 1, "retry_timeout": timedelta(seconds=_SILENCE_S)}


def _foreign() -> tuple[type[Exception], ...]:
    """What obstore raises."""
    from obstore.exceptions import BaseError

    return (BaseError, OSError, ValueError)
