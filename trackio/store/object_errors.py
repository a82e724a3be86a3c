"""What the errors of obstore mean to us, and what to do about each. Raises nothing itself.

obstore tells little by type: most failures are its `GenericError`, whose text holds the HTTP
status and the service's own code. Only these two and the type go into our messages, because
the rest of such a text may quote a signed URL or an access key.
"""

import re
from collections.abc import Iterable
from typing import Final

from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable, TrackioError
from trackio.store.object_url import ObjectUrl

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>|\(code: (\w+)\)|\"reason\": \"(\w+)\"")
_NO_BUCKET: Final = {"NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"}
_NO_BUCKET_TEXT: Final = "The specified bucket does not exist"
_TRY_AGAIN: Final = {
    "InternalError",
    "OperationAborted",
    "OperationTimedOut",
    "RequestTimeout",
    "ServerBusy",
    "ServiceUnavailable",
    "SlowDown",
}
_BUSY_STATUS: Final = {408, 409, 425, 429, 500, 502, 503, 504}
_NO_ROOM_STATUS: Final = {413, 507}
_MOVED_STATUS: Final = {301, 302, 307, 308}
_OTHER_REGION: Final = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IncorrectEndpoint"}
_METADATA: Final = re.compile(
    r"//169\.254\.|//metadata\.google\.internal|/latest/(?:api/token|meta-data)"
)


def is_missing(exc: Exception) -> bool:
    """Whether the error says that there is no such key; False where the bucket is missing."""
    text = str(exc)
    no_bucket = _code_of(text) in _NO_BUCKET or _NO_BUCKET_TEXT in text
    return isinstance(exc, FileNotFoundError) and not no_bucket


def is_other_version(exc: Exception) -> bool:
    """Whether the error says that the key has another version than the one asked for."""
    return type(exc).__name__ == "PreconditionError" or _status_of(str(exc)) == 412


def translate(
    exc: Exception, url: ObjectUrl, what: str, *, keys: Iterable[str] = ()
) -> TrackioError:
    """Our error for one of obstore's, met when doing `what` with `keys`."""
    text = str(exc)
    status, code = _status_of(text), _code_of(text)
    said = " ".join(filter(None, [str(status or ""), code])) or "no answer"
    message = f"cannot {what} in {url.place}: {said}"
    if is_missing(exc):
        return NotFound(f"there is nothing to {what} in {url}")
    if code in _NO_BUCKET or isinstance(exc, FileNotFoundError):
        bucket = url.service.bucket
        return StoreRefused(f"{message}; there is no such {bucket}: create it, or correct its name")
    if type(exc).__name__ == "InvalidPathError" or "InvalidPath" in text:
        return InvalidInput(f"{message}; a name there is no key: use a prefix of its own")
    if advice := _advice(type(exc).__name__, status, code, text, url):
        return StoreRefused(f"{message}; {advice}")
    return StoreUnavailable(f"{message}; trying again may work", keys=keys)


def _advice(kind: str, status: int | None, code: str, text: str, url: ObjectUrl) -> str | None:
    """What somebody has to do before it can work; None where trying again may be enough."""
    service = url.service
    if _METADATA.search(text):  # where a machine of the cloud would learn its credentials
        return f"no credentials were found: set {service.credentials}"
    if code in _TRY_AGAIN:
        return None
    if code in _OTHER_REGION or status in _MOVED_STATUS:
        return f"the {service.bucket} is in another region: set AWS_REGION, or region= in the URL"
    if kind == "UnauthenticatedError" or status == 401:
        return f"the credentials are not accepted: check {service.credentials}"
    if kind == "PermissionDeniedError" or status == 403 or code == "AccessDenied":
        return f"permission denied: check {service.credentials}, and what they allow"
    if status in _NO_ROOM_STATUS or "Quota" in code:
        return "the quota is used up: free some space, or raise it"
    if status is not None and status not in _BUSY_STATUS and 400 <= status < 500:
        return f"the service does not accept the request: check the {service.bucket} and the URL"
    return None


def _status_of(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found[1]) if found else None


def _code_of(text: str) -> str:
    found = _CODE.search(text)
    return next(filter(None, found.groups()), "") if found else ""
