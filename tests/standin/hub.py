"""A stand-in for the Hugging Face Hub's buckets, which the real client talks to.

Listing in pages, batches, downloads, the feed of changes, tokens with roles, rate limits and
per-operation failures. What is not known of the real Hub is chosen here: pages of 1,000, names
in order, deleting what is not there succeeds. No repository, no Space, no TLS, and nothing lasts.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from standin.feed import Feed
from standin.limit import RateLimit
from standin.web import Answer, Faults, Request, WebServer, json_answer
from standin.xet import Cas

WRITE_TOKEN = "hf_standinWriterTokenOfAda"
READ_TOKEN = "hf_standinReaderTokenOfAda"
STRANGER_TOKEN = "hf_standinWriterTokenOfBob"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Whose token it is, and whether it may write."""

    user: str
    can_write: bool


TOKENS: Mapping[str, Role] = {
    WRITE_TOKEN: Role(user="ada", can_write=True),
    READ_TOKEN: Role(user="ada", can_write=False),
    STRANGER_TOKEN: Role(user="bob", can_write=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a bucket."""

    path: str
    size: int
    xet_hash: str
    mtime_ms: int
    uploaded: str

    def said(self) -> dict[str, Any]:
        """As the Hub says it."""
        return {
            "type": "file",
            "path": self.path,
            "size": self.size,
            "xetHash": self.xet_hash,
            "mtime": _iso(datetime.fromtimestamp(self.mtime_ms / 1000, UTC)),
            "uploadedAt": self.uploaded,
        }


@dataclass(slots=True, kw_only=True)
class HubBucket:
    """A bucket: who owns it, and its files by path."""

    id: str
    is_private: bool
    created: str
    updated: str
    files: dict[str, File] = field(default_factory=dict)
    feed: Feed = field(default_factory=Feed)

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self.answer = json_answer({"error": message}, status, **headers)


class StandinHub:
    """The Hub at `url`. `fails_operation` says why an operation of a batch fails, or None."""

    def __init__(self, *, page_size: int = 1000) -> None:
        self.page_size = page_size
        self.buckets: dict[str, HubBucket] = {}
        self.has_events = True
        self.limit: RateLimit | None = None
        self.fails_operation: Callable[[dict[str, Any]], str | None] = _never
        self._lock = threading.Lock()
        self._cas = Cas()
        self._server = WebServer(self._answer)
        self._cas.url = self._server.url

    @property
    def url(self) -> str:
        """What HF_ENDPOINT has to be."""
        return self._server.url

    @property
    def faults(self) -> Faults:
        """What goes wrong; paths of the content store begin with `/cas/`."""
        return self._server.faults

    @property
    def requests(self) -> Sequence[Request]:
        """All that it was asked."""
        return self._server.requests

    def asked(self, match: str) -> list[str]:
        """The requests so far that match, as `METHOD path`."""
        return self._server.asked(match)

    def make_bucket(self, bucket_id: str, *, is_private: bool = True) -> HubBucket:
        """A new, empty bucket."""
        now = _now()
        made = HubBucket(id=bucket_id, is_private=is_private, created=now, updated=now)
        self.buckets[bucket_id] = made
        return made

    def content(self, bucket_id: str, path: str) -> bytes:
        """The bytes of a file."""
        return self._cas.read(self.buckets[bucket_id].files[path].xet_hash)

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/cas/"):
            with self._lock:
                return self._cas.answer(request)
        with self._lock:
            refusal = self.limit.take(request) if self.limit else None
            answer = refusal or self._routed(request)
            return self.limit.tell(answer) if self.limit else answer

    def _routed(self, request: Request) -> Answer:
        try:
            return self._route(request)
        except _Refusal as refusal:
            return refusal.answer

    def _route(self, request: Request) -> Answer:
        if resolved := re.fullmatch(r"/buckets/([^/]+/[^/]+)/resolve/(.+)", request.path):
            return self._resolve(self._readable(resolved[1], request), unquote(resolved[2]))
        if request.path == "/api/whoami-v2":
            return self._who_am_i(request)
        return self._route_bucket(request)

    def _route_bucket(self, request: Request) -> Answer:
        called = re.fullmatch(r"/api/buckets/([^/]+)/([^/]+)((?:/.*)?)", request.path)
        if called is None:
            raise _Refusal(404, "NotFound", "Sorry, we can't find the page you are looking for.")
        bucket_id, rest = f"{called[1]}/{called[2]}", called[3]
        match request.method, rest:
            case "POST", "":
                return self._create(bucket_id, request)
            case "GET", "":
                return _info(self._readable(bucket_id, request))
            case "GET", "/xet-write-token" | "/xet-read-token":
                (self._writable if "write" in rest else self._readable)(bucket_id, request)
                return self._xet_token()
            case "GET", "/events":
                return self._events(self._readable(bucket_id, request), request)
            case "POST", "/batch":
                return self._batch(self._writable(bucket_id, request), request)
            case "POST", "/paths-info":
                return _paths_info(self._readable(bucket_id, request), request)
            case "GET", str() if rest.startswith("/tree"):
                prefix = unquote(rest.removeprefix("/tree").removeprefix("/"))
                return self._tree(self._readable(bucket_id, request), prefix, request)
        raise _Refusal(404, "NotFound", "Sorry, we can't find the page you are looking for.")

    # Who may do what

    def _role(self, request: Request) -> Role | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise _Refusal(401, "InvalidToken", "Invalid user token.")
        return TOKENS.get(token)

    def _readable(self, bucket_id: str, request: Request) -> HubBucket:
        role = self._role(request)
        bucket = self.buckets.get(bucket_id)
        if bucket is None or (bucket.is_private and (not role or role.user != bucket.owner)):
            raise _Refusal(404 if role else 401, "RepoNotFound", "Repository not found")
        return bucket

    def _writable(self, bucket_id: str, request: Request) -> HubBucket:
        role = self._role(request)
        bucket = self._readable(bucket_id, request)
        if role is None or not role.can_write or role.user != bucket.owner:
            raise _Refusal(403, "Forbidden", "You don't have the rights to write to this bucket.")
        return bucket

    # What can be asked

    def _who_am_i(self, request: Request) -> Answer:
        role = self._role(request)
        if role is None:
            raise _Refusal(401, "Unauthorized", "Invalid credentials in Authorization header")
        return json_answer({"type": "user", "name": role.user})

    def _create(self, bucket_id: str, request: Request) -> Answer:
        role = self._role(request)
        if role is None:
            raise _Refusal(401, "Unauthorized", "Authentication is required.")
        if not role.can_write or role.user != bucket_id.partition("/")[0]:
            raise _Refusal(403, "Forbidden", "You don't have the rights to create a bucket here.")
        said = {"url": f"{self.url}/buckets/{bucket_id}"}
        if bucket_id in self.buckets:
            return json_answer({**said, "error": "You already created this bucket"}, 409)
        self.make_bucket(bucket_id, is_private=request.json().get("visibility") == "private")
        return json_answer(said)

    def _xet_token(self) -> Answer:
        expires = int(datetime.now(UTC).timestamp()) + 3600
        said = {"accessToken": self._cas.token, "exp": expires, "casUrl": self._cas.endpoint}
        headers = {
            "X-Xet-Cas-Url": self._cas.endpoint,
            "X-Xet-Access-Token": self._cas.token,
            "X-Xet-Token-Expiration": str(expires),
        }
        return json_answer(said, **headers)

    def _tree(self, bucket: HubBucket, prefix: str, request: Request) -> Answer:
        is_recursive = request.query.get("recursive", "true").lower() != "false"
        items = _listed(bucket, prefix, is_recursive)
        size = int(request.query.get("limit", self.page_size))
        begin = int(request.query.get("cursor", 0))
        headers = {}
        if len(items) > begin + size:
            recursive = str(is_recursive).lower()
            next_page = f"{request.path}?recursive={recursive}&limit={size}&cursor={begin + size}"
            headers["Link"] = f'<{self.url}{next_page}>; rel="next"'
        return json_answer(items[begin : begin + size], **headers)

    def _events(self, bucket: HubBucket, request: Request) -> Answer:
        if not self.has_events:
            raise _Refusal(501, "NotImplemented", "There is no feed of changes here.")
        return bucket.feed.answer(request)

    def _batch(self, bucket: HubBucket, request: Request) -> Answer:
        operations = [json.loads(line) for line in request.body.splitlines()]
        failed = [
            {"path": operation["path"], "error": problem}
            for operation in operations
            if (problem := self.fails_operation(operation) or self._apply(bucket, operation))
        ]
        bucket.updated = _now()
        bucket.feed.tell(
            [
                _change(bucket, operation["path"])
                for operation in operations
                if operation["path"] not in {one["path"] for one in failed}
            ]
        )
        done = len(operations) - len(failed)
        said = {"success": not failed, "processed": len(operations), "succeeded": done}
        return json_answer({**said, "failed": failed}, 200 if done or not operations else 422)

    def _apply(self, bucket: HubBucket, operation: Mapping[str, Any]) -> str | None:
        """Do it; why it cannot be done, or None."""
        path = operation["path"]
        if operation["type"] == "deleteFile":
            bucket.files.pop(path, None)
            return None
        size = self._cas.size_of(operation["xetHash"])
        if size is None:
            return "the content is not known"
        bucket.files[path] = File(
            path=path,
            size=size,
            xet_hash=operation["xetHash"],
            mtime_ms=operation["mtime"],
            uploaded=_now(),
        )
        return None

    def _resolve(self, bucket: HubBucket, path: str) -> Answer:
        file = bucket.files.get(path)
        if file is None:
            raise _Refusal(404, "EntryNotFound", "Entry not found")
        route = f"{self.url}/api/buckets/{quote(bucket.id)}/xet-read-token"
        headers = {
            "X-Xet-Hash": file.xet_hash,
            "X-Linked-Size": str(file.size),
            "Link": f'<{route}>; rel="xet-auth"',
        }
        return Answer(headers=headers, body=self._cas.read(file.xet_hash))


@contextmanager
def running_hub(*, page_size: int = 1000) -> Iterator[StandinHub]:
    """A Hub without buckets, served until the end of the block."""
    hub = StandinHub(page_size=page_size)
    with hub._server.running():
        try:
            yield hub
        finally:
            for bucket in hub.buckets.values():
                bucket.feed.end()


def _never(operation: Mapping[str, Any]) -> str | None:
    return None


def _change(bucket: HubBucket, path: str) -> dict[str, Any]:
    file = bucket.files.get(path)
    return {"path": path, "op": "delete"} if file is None else {**file.said(), "op": "update"}


def _info(bucket: HubBucket) -> Answer:
    return json_answer(
        {
            "id": bucket.id,
            "private": bucket.is_private,
            "createdAt": bucket.created,
            "updatedAt": bucket.updated,
            "size": sum(file.size for file in bucket.files.values()),
            "totalFiles": len(bucket.files),
        }
    )


def _paths_info(bucket: HubBucket, request: Request) -> Answer:
    asked = request.json()["paths"]
    return json_answer([bucket.files[path].said() for path in asked if path in bucket.files])


def _listed(bucket: HubBucket, prefix: str, is_recursive: bool) -> list[dict[str, Any]]:
    """The files whose path begins with these letters, or one level of them."""
    files = [bucket.files[path] for path in sorted(bucket.files) if path.startswith(prefix)]
    if is_recursive:
        return [file.said() for file in files]
    folder = prefix[: prefix.rfind("/") + 1]
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        name, slash, _ = file.path[len(folder) :].partition("/")
        path = folder + name
        found[path] = (
            {"type": "directory", "path": path, "uploadedAt": file.uploaded}
            if slash
            else file.said()
        )
    return list(found.values())


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
