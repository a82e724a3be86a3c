"""A store that is a folder of a Hugging Face Bucket. It never touches what lies beside it.

Many files travel in one batch, of which the Hub may do a part. Time is the Hub's `uploadedAt`,
version is the content's hash, and the last writer of a key wins. Nothing is tried again here.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.store.base import Budget, Content, check_content, check_key, check_prefix, is_key
from trackio.store.feed import POLL_S, BucketWatch, Event, Source, parse_events
from trackio.store.hub import MAX_OPERATIONS, Failure, Hub
from trackio.store.hub_errors import translate, without_token
from trackio.store.remote import Failures, fetch_each

FOLDER: Final = "trackio"
_HUB: Final = "https://huggingface.co"
_BUCKET_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PAGE: Final = 1000
_FORM: Final = "hf://buckets/namespace/name"
Answer = TypeVar("Answer")


class Bucket:
    """Keys are paths below a folder of a bucket.

    Args:
        bucket_id: `namespace/name`; the namespace `me` is that of the token's user.
        folder: where keys begin; everything else in the bucket belongs to others.
        endpoint: the Hub.
        token: whom to be; None is the one that `hf auth login` left, or HF_TOKEN.
        clock: tells when to ask whether something changed.
    """

    def __init__(
        self,
        bucket_id: str,
        *,
        folder: str = FOLDER,
        endpoint: str = _HUB,
        token: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not _BUCKET_ID.fullmatch(bucket_id):
            raise InvalidInput(f"a bucket is named 'namespace/name', not {bucket_id!r}")
        self.bucket_id = bucket_id
        self._folder = check_key(folder) + "/"
        self._endpoint = endpoint.rstrip("/")
        self._hub = Hub(bucket_id, endpoint=self._endpoint, token=token)
        self._watch = BucketWatch(
            Source(updated_at=self.updated_at, events=self._events, entry_of=self._change),
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"Bucket({self.url!r})"

    @property
    def poll_s(self) -> float:
        """A listing costs one call of the rate limit's budget for each 1,000 files."""
        return POLL_S

    def watch(self) -> BucketWatch:
        """The one of this store; see `RemoteStore.watch`."""
        return self._watch

    @property
    def url(self) -> str:
        """`hf://buckets/namespace/name`, and what is not as usual."""
        folder = "" if self._folder == f"{FOLDER}/" else f"/{quote(self._folder[:-1])}"
        endpoint = "" if self._endpoint == _HUB else f"?endpoint={self._endpoint}"
        return f"hf://buckets/{self.bucket_id}{folder}{endpoint}"

    @property
    def budget(self) -> Budget | None:
        """What the Hub last said of its rate limit."""
        return self._hub.budget

    def create(self) -> bool:
        """Make the bucket, private, if there is none; whether it was made.

        Raises:
            StoreUnavailable: try again.
            StoreRefused: no permission.
        """
        return self._ask("make it", self._hub.create)

    def updated_at(self) -> str:
        """A text that changes with each change of the bucket: one cheap request.

        Raises:
            StoreUnavailable, StoreRefused: as `list`.
        """
        return self._ask("see when it changed", lambda: str(self._hub.info()["updatedAt"]))

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The files below a folder, page by page; see `Store.list`."""
        path = self._folder + check_prefix(prefix)
        what = f"list {prefix or 'everything'}"
        items = self._hub.tree(path, recursive=recursive)
        while page := self._page(what, items):
            for entry in page:
                # The Hub takes a prefix for letters, not for a folder.
                is_below = entry.key.startswith(prefix) and entry.key != prefix
                if is_below and is_key(entry.key.rstrip("/")):
                    yield entry

    def get(self, key: str) -> bytes:
        """The bytes of a file; see `Store.get`."""
        path = self._folder + check_key(key)
        try:
            return self._ask(f"get {key}", lambda: self._hub.read(path))
        except NotFound as exc:
            raise NotFound(f"there is no {key} in {self.url}") from exc.__cause__

    def fetch(self, wanted: Mapping[Entry, Path]) -> Failures:
        """Fetch by content, all in one go; see `RemoteStore.fetch`."""
        for path in (path for entry, path in wanted.items() if not entry.size_bytes):
            path.write_bytes(b"")
        contents = {
            path: (entry.version, entry.size_bytes)
            for entry, path in sorted(wanted.items(), key=lambda found: -found[0].size_bytes)
            if entry.size_bytes
        }
        if not contents:
            return {}
        try:
            failed = self._ask("get files", lambda: self._hub.download(contents))
        except TrackioError as exc:
            return {entry.key: exc for entry in wanted if entry.size_bytes}
        entries = {path: entry for entry, path in wanted.items()}
        missing = {entries[path]: path for path, exc in failed.items() if "404" in str(exc)}
        failures = {
            entries[path].key: translate(exc, self.bucket_id, f"get {entries[path].key}")
            for path, exc in failed.items()
            if entries[path] not in missing
        }
        # The content is there no more. By its name there may be another, or an answer why not.
        return {**failures, **fetch_each(missing, self._fetch_by_name)}

    def _fetch_by_name(self, entry: Entry, path: Path) -> None:
        path.write_bytes(self.get(entry.key))

    def get_range(self, entry: Entry, begin: int, end: int) -> bytes:
        """Some bytes of the content that was listed; see `RemoteStore.get_range`."""
        content = (entry.version, entry.size_bytes)
        what = f"get a part of {entry.key}"
        return self._ask(what, lambda: self._hub.read_range(content, begin, end))

    def put(self, files: Mapping[str, Content]) -> None:
        """Put up to 1,000 files with one call; see `Store.put`."""
        for key, content in files.items():
            check_content(check_key(key), content)

        def add(keys: Sequence[str]) -> Sequence[Failure]:
            try:
                return self._hub.add({self._folder + key: files[key] for key in keys})
            except OSError:
                for key in keys:  # a file that went meanwhile is not the Hub's fault
                    check_content(key, files[key])
                raise

        self._in_batches("put", list(files), add)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete up to 1,000 files with one call; see `Store.delete`."""

        def delete(keys: Sequence[str]) -> Sequence[Failure]:
            failed = self._hub.delete([self._folder + key for key in keys])
            # Somebody else may have deleted them; what matters is that they are gone.
            found = self._hub.paths_info([failure.path for failure in failed]) if failed else ()
            left = {item["path"] for item in found}
            return [failure for failure in failed if failure.path in left]

        self._in_batches("delete", list(dict.fromkeys(map(check_key, keys))), delete)

    def _in_batches(
        self, verb: str, keys: Sequence[str], act: Callable[[Sequence[str]], Sequence[Failure]]
    ) -> None:
        """Act on all keys, 1,000 at a time; what the Hub did not do is named at the end."""
        failed: dict[str, str] = {}
        for begin in range(0, len(keys), MAX_OPERATIONS):
            batch, left = keys[begin : begin + MAX_OPERATIONS], [*failed, *keys[begin:]]
            what = f"{verb} {batch[0]}{' and others' if batch[1:] else ''}"
            for failure in self._ask(what, partial(act, batch), keys=left):
                failed[failure.path.removeprefix(self._folder)] = failure.error
        for key, error in failed.items():
            raise StoreUnavailable(
                f"the bucket {self.bucket_id} did not {verb} {len(failed)} of {len(keys)} files, "
                f"{key} among them: {without_token(error)}; trying again may work",
                keys=failed,
            )

    def _ask(self, what: str, ask: Callable[[], Answer], *, keys: Iterable[str] = ()) -> Answer:
        """The answer of the Hub.

        Raises:
            StoreUnavailable, StoreRefused, NotFound: in place of what its clients raise.
        """
        from httpx2 import HTTPError, InvalidURL

        try:
            return ask()
        except TrackioError:
            raise
        except (OSError, HTTPError, InvalidURL, RuntimeError, ImportError) as exc:
            raise translate(exc, self.bucket_id, what, keys=keys) from exc
        except (KeyError, TypeError, ValueError) as exc:
            raise StoreUnavailable(
                f"cannot {what}: {self._endpoint} gave an answer that no Hub gives; check "
                "HF_ENDPOINT, and whether a proxy stands in between",
                keys=keys,
            ) from exc

    def _page(self, what: str, items: Iterator[Mapping[str, Any]]) -> Sequence[Entry]:
        try:
            return self._ask(what, lambda: [self._entry(item) for item in islice(items, _PAGE)])
        except NotFound:  # a folder nobody wrote to
            return ()

    def _entry(self, item: Mapping[str, Any]) -> Entry:
        key = item["path"].rstrip("/").removeprefix(self._folder)
        if item["type"] == "directory":
            return Entry(f"{key}/", 0, 0.0, "")
        time_s = datetime.fromisoformat(item["uploadedAt"]).timestamp()
        return Entry(key, item["size"], time_s, item["xetHash"])

    def _events(self, begin: Mapping[str, str]) -> Iterator[Event]:
        events = parse_events(self._hub.lines_of_events(begin))
        while event := self._ask("follow its changes", lambda: next(events, None)):
            yield event

    def _change(self, item: Mapping[str, Any]) -> tuple[str, Entry | None] | None:
        """What changed, as the feed tells it; None where it is not below our folder."""
        key = item["path"].removeprefix(self._folder)
        if key == item["path"] or not is_key(key):
            return None
        return key, None if item["op"] == "delete" else self._entry({"type": "file", **item})


def bucket_url(bucket_id: str, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of the store in the bucket `namespace/name`.

    Raises:
        InvalidInput: it is not such a name.
    """
    return open_bucket(f"hf://buckets/{bucket_id}", environ).url


def open_bucket(url: str, environ: Mapping[str, str] = os.environ) -> Bucket:
    """The store at `hf://buckets/namespace/name[/folder]`, in the Hub of HF_ENDPOINT.

    Raises:
        InvalidInput: the URL names no bucket, or holds what it must not.
    """
    parts = urlsplit(url)
    words = unquote(parts.path).strip("/").split("/", 2)
    if parts.netloc != "buckets" or len(words) < 2 or parts.fragment:
        raise InvalidInput(
            f"{_FORM} names a bucket, optionally followed by a folder; tokens do not belong into "
            "a URL, and models, datasets and Spaces are no stores"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - {"endpoint"}:
        raise InvalidInput(
            f"{_FORM} may have the option 'endpoint' and no other; the token comes from "
            "`hf auth login` or HF_TOKEN"
        )
    endpoint = options.get("endpoint") or environ.get("HF_ENDPOINT") or _HUB
    host = urlsplit(endpoint)
    if host.scheme not in ("http", "https") or not host.netloc or "@" in host.netloc:
        raise InvalidInput("the endpoint of the Hub is a URL without a user: https://host")
    return Bucket("/".join(words[:2]), folder=words[2] if words[2:] else FOLDER, endpoint=endpoint)
