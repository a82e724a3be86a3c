"""The Hub as Spaces need it: its client, ids with their owners, and its errors as ours.

It makes and changes nothing.
"""

import os
from typing import TYPE_CHECKING, Any, Final

from trackio._version import __version__
from trackio.errors import InvalidInput, StoreRefused, StoreUnavailable
from trackio.settings import OWN_NAMESPACE

if TYPE_CHECKING:
    from huggingface_hub import HfApi

BUCKETS: Final = "hf://buckets/"
_README: Final = """---
title: {title}
emoji: 📈
sdk: {sdk}
{app}tags:
- trackio
---

The experiments of `{bucket}`, shown by Trackio {version}.
"""


def readme(title: str, *, sdk: str, shown: str, app: str = "") -> bytes:
    """The file that says what kind of Space a repository is."""
    name = title.replace("\\", "\\\\").replace('"', '\\"')
    text = _README.format(title=f'"{name}"', sdk=sdk, app=app, bucket=shown, version=__version__)
    return text.encode()


def hub_api() -> "HfApi":
    """The client, of the endpoint that the environment names now."""
    from huggingface_hub import HfApi

    endpoint = os.environ.get("HF_ENDPOINT")  # the client reads it when it is imported
    return HfApi(endpoint=endpoint, library_name="trackio", library_version=__version__)


def full_id(api: "HfApi", repo_id: str) -> str:
    """The id with its owner, which is who asks where none is named."""
    return repo_id if "/" in repo_id else f"{api.whoami()['name']}/{repo_id}"


def bucket_id(api: "HfApi", store_url: str) -> str:
    """The id of the bucket that a store is in.

    Raises:
        InvalidInput: it is in none.
    """
    namespace, _, rest = store_url.removeprefix(BUCKETS).partition("?")[0].partition("/")
    name = rest.partition("/")[0]
    if not store_url.startswith(BUCKETS) or not name:
        raise InvalidInput(
            f"a Space shows a bucket, and {store_url} is none: name one with bucket_id="
        )
    return full_id(api, name) if namespace == OWN_NAMESPACE else f"{namespace}/{name}"


def with_owner(bucket: str) -> str:
    """An id with an owner: your own where none is named."""
    return bucket if "/" in bucket else f"{OWN_NAMESPACE}/{bucket}"


class translated:  # noqa: N801 - a context, used as a function
    """Errors of the Hub's client as ours."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: object) -> None:
        del traceback
        if kind is None or not isinstance(error, Exception):
            return
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

        if isinstance(error, LocalTokenNotFoundError):
            raise StoreRefused(f"{self._what}: run `hf auth login`, or set HF_TOKEN") from error
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code if error.response is not None else 0
            refused = 400 <= status < 500 and status != 429
            raise (StoreRefused if refused else StoreUnavailable)(
                f"{self._what}: {error}"
            ) from error
        if isinstance(error, OSError) or "httpx" in type(error).__module__:
            raise StoreUnavailable(f"{self._what}: the Hub does not answer: {error}") from error
