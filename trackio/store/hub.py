"""The few requests that a bucket needs of the Hugging Face Hub, each bounded and made once.

They are those of `huggingface_hub`'s own bucket methods, made with its session, headers, token
and errors and with `hf_xet`, for these reasons: its methods wait for an answer without limit,
sleep through rate limits inside, and draw progress bars, which a background thread must not.
A test compares both. Nothing here tries again, and nothing knows a store.
"""

import json
import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from trackio._version import __version__
from trackio.settings import OWN_NAMESPACE
from trackio.store import xet
from trackio.store.base import Budget, Content
from trackio.store.hub_errors import budget_in
from trackio.store.xet import CONNECT_S, SILENCE_S

if TYPE_CHECKING:
    from httpx2 import Response

MAX_OPERATIONS: Final = 1000
Answer = TypeVar("Answer")
_MARGIN_S: Final = 60.0  # a grant that ends so soon is not used again


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An operation of a batch that the Hub did not do."""

    path: str
    error: str


class Hub:
    """Requests about one bucket. Its errors are those of the clients; see `hub_errors`.

    Args:
        bucket_id: `namespace/name`; the namespace `me` is that of the token's user, who is asked
            for once, by the first request.
        token: whom to be; None is the one that `hf auth login` left, or HF_TOKEN.
    """

    def __init__(self, bucket_id: str, *, endpoint: str, token: str | None = None) -> None:
        self._namespace, _, self._name = bucket_id.partition("/")
        self._endpoint = endpoint
        self._token = token
        self._granted: dict[str, xet.Grant] = {}
        self.budget: Budget | None = None

    @property
    def _id(self) -> str:
        if self._namespace == OWN_NAMESPACE:
            said = self._mapping(self._checked("GET", f"{self._endpoint}/api/whoami-v2"))
            self._namespace = str(said["name"])
        return f"{self._namespace}/{self._name}"

    @property
    def _api(self) -> str:
        return f"{self._endpoint}/api/buckets/{self._id}"

    def create(self) -> bool:
        """Make the bucket, private; False if it exists."""
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import hf_raise_for_status

        response = self._request("POST", self._api, json={"visibility": "private"})
        if response.status_code == 409:
            return False
        try:
            hf_raise_for_status(response)
        except HfHubHTTPError:
            # A token for one bucket may not make any, which does not matter if that one exists.
            if response.status_code not in (401, 403) or not self._exists():
                raise
            return False
        return True

    def _exists(self) -> bool:
        return bool(self._request("GET", self._api).is_success)

    def info(self) -> Mapping[str, Any]:
        """What the Hub knows of the bucket: `updatedAt`, `private`, `totalFiles` and more."""
        return self._mapping(self._checked("GET", self._api))

    def tree(self, prefix: str, *, recursive: bool) -> Iterator[Mapping[str, Any]]:
        """The files whose path begins with the letters of `prefix`, page by page."""
        url: str | None = f"{self._api}/tree" + (f"/{quote(prefix, safe='')}" if prefix else "")
        query: Mapping[str, str] | None = {"recursive": str(recursive).lower()}
        while url is not None:
            response = self._checked("GET", url, params=query)
            yield from response.json()
            url, query = response.links.get("next", {}).get("url"), None

    def lines_of_events(self, begin: Mapping[str, str]) -> Iterator[str]:
        """The feed of changes, line by line, from a cursor or a time on, until it ends."""
        from httpx2 import Timeout
        from huggingface_hub.utils import get_session, hf_raise_for_status

        with get_session().stream(
            "GET",
            f"{self._api}/events",
            params=dict(begin),
            headers={**self._headers(), "Accept": "text/event-stream"},
            timeout=Timeout(SILENCE_S, connect=CONNECT_S),
        ) as response:
            if not response.is_success:
                response.read()
            hf_raise_for_status(response)
            yield from response.iter_lines()

    def paths_info(self, paths: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """What is there under at most 1,000 paths; those that are not are left out."""
        response = self._checked("POST", f"{self._api}/paths-info", json={"paths": list(paths)})
        found: Sequence[Mapping[str, Any]] = response.json()
        return found

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        url = f"{self._endpoint}/buckets/{self._id}/resolve/{quote(path, safe='')}"
        return self._checked("GET", url, headers={"Accept-Encoding": "identity"}).content

    def add(self, files: Mapping[str, Content]) -> Sequence[Failure]:
        """Put at most 1,000 files under these paths; those the Hub did not take."""
        hashes = self._upload(files)
        return self._batch(_addition(path, files[path], hashes[path]) for path in files)

    def download(self, files: Mapping[Path, tuple[str, int]]) -> Mapping[Path, Exception]:
        """Write the contents of these hashes and sizes to local paths; what failed."""
        failed = self._with_grant("read", lambda grant, more: xet.download(files, grant, **more))
        if failed:
            self._granted.pop("read", None)
        return failed

    def read_range(self, content: tuple[str, int], begin: int, end: int) -> bytes:
        """Some bytes of the content of a hash and size."""
        return self._with_grant(
            "read", lambda grant, more: xet.read_range(content, begin, end, grant, **more)
        )

    def delete(self, paths: Iterable[str]) -> Sequence[Failure]:
        """Delete at most 1,000 files; those the Hub did not delete."""
        return self._batch({"type": "deleteFile", "path": path} for path in paths)

    def _upload(self, files: Mapping[str, Content]) -> Mapping[str, str]:
        """Send the contents; the hash of each."""
        return self._with_grant("write", lambda grant, more: xet.upload(files, grant, **more))

    def _with_grant(self, what: str, act: Callable[[xet.Grant, dict[str, Any]], Answer]) -> Answer:
        """Read or write contents, with a permission that is asked for once while it is valid."""
        url = f"{self._api}/xet-{what}-token"
        try:
            return act(self._grant(what, url), {"refresh_url": url, "headers": self._headers()})
        except Exception:
            self._granted.pop(what, None)  # it may be the grant that is not accepted
            raise

    def _grant(self, what: str, url: str) -> xet.Grant:
        """The permission to read or write.

        `hf_xet` could ask by itself, but does not tell how long the Hub wants to be left alone.
        """
        known = self._granted.get(what)
        if known is None or known.expires_s < time.time() + _MARGIN_S:
            said = self._mapping(self._checked("GET", url))
            known = self._granted[what] = xet.Grant(
                url=said["casUrl"], token=said["accessToken"], expires_s=said["exp"]
            )
        return known

    def _batch(self, operations: Iterable[Mapping[str, object]]) -> Sequence[Failure]:
        from huggingface_hub.utils import hf_raise_for_status

        lines = [json.dumps(operation) for operation in operations]
        response = self._request(
            "POST",
            f"{self._api}/batch",
            content="".join(f"{line}\n" for line in lines).encode(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        # A batch of which some operations failed is answered with 200, one of which all did
        # with 422; both name them.
        if response.status_code in (200, 422):
            failed = self._mapping(response).get("failed", [])
            if failed:
                return [Failure(path=one["path"], error=str(one["error"])) for one in failed]
        hf_raise_for_status(response)
        return ()

    def _checked(self, method: str, url: str, **what: Any) -> "Response":
        from huggingface_hub.utils import hf_raise_for_status

        response = self._request(method, url, **what)
        hf_raise_for_status(response)
        return response

    def _request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **what: Any
    ) -> "Response":
        from httpx2 import Timeout
        from huggingface_hub.utils import get_session

        response = get_session().request(
            method,
            url,
            headers={**self._headers(), **(headers or {})},
            timeout=Timeout(SILENCE_S, connect=CONNECT_S),
            **what,
        )
        self.budget = budget_in(response.headers) or self.budget
        return response

    def _headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers

        return build_hf_headers(
            token=self._token, library_name="trackio", library_version=__version__
        )

    def _mapping(self, response: "Response") -> Mapping[str, Any]:
        found = response.json()
        if not isinstance(found, dict):
            raise TypeError(f"not an object but {type(found).__name__}")
        return found


def _addition(path: str, content: Content, xet_hash: str) -> Mapping[str, object]:
    mtime_s = content.stat().st_mtime if isinstance(content, Path) else time.time()
    kind = mimetypes.guess_type(path)[0]
    operation = {"type": "addFile", "path": path, "xetHash": xet_hash, "mtime": int(mtime_s * 1000)}
    return {**operation, "contentType": kind} if kind else operation
