"""Each family of foreign errors becomes one of ours, with what to do, and without secrets."""

import httpx2
import pytest
from huggingface_hub.errors import LocalTokenNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import hf_raise_for_status
from obstore.exceptions import (
    GenericError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from trackio.errors import InvalidInput, NotFound, StoreMissing, StoreRefused, StoreUnavailable
from trackio.store import hub_errors, object_errors
from trackio.store.base import Budget
from trackio.store.object_url import parse_object_url

TOKEN = "hf_aVerySecretToken0123456789"
S3 = parse_object_url("s3://bucket/p", {})
AZURE = parse_object_url("az://box/p?account=acc", {})


def _http(status, *, code="", said="", **headers):
    """What huggingface_hub raises for such an answer."""
    known = {"X-Error-Code": code, "X-Error-Message": said, **headers}
    response = httpx2.Response(
        status,
        headers={name: value for name, value in known.items() if value},
        request=httpx2.Request("POST", "https://hub/api/buckets/me/runs/batch"),
    )
    with pytest.raises(httpx2.HTTPError) as failure:
        hf_raise_for_status(response)
    return failure.value


def _xet(kind, status, url):
    return kind(f"Network error: Request error: HTTP status client error ({status}), domain: {url}")


WRITE_TOKEN_URL = "https://hub/api/buckets/me/runs/xet-write-token"
CAS_URL = "https://cas/v1/xorbs/default/abc"


@pytest.mark.parametrize(
    ("foreign", "says"),
    [
        (_http(401), "hf auth login"),
        (_http(403, said="You cannot write"), "You cannot write.*write access to me/runs"),
        (_http(404, code="RepoNotFound"), "does not exist, or the token may not see it"),
        (_http(402), "free some space"),
        (_http(413), "free some space"),
        (_http(507), "free some space"),
        (_http(400), "does not accept the request"),
        (_xet(ConnectionError, "401 Unauthorized", WRITE_TOKEN_URL), "hf auth login"),
        (_xet(ConnectionError, "403 Forbidden", WRITE_TOKEN_URL), "write access"),
        (_xet(RuntimeError, "404 Not Found", WRITE_TOKEN_URL), "does not exist"),
        (OfflineModeIsEnabled("offline"), "unset it"),
        (LocalTokenNotFoundError("none"), "hf auth login"),
        (ImportError("No module named 'hf_xet'"), "S3 gateway"),
    ],
    ids=repr,
)
def test_what_the_hub_refuses_somebody_has_to_cure(foreign, says):
    """The message says what was refused and what to do."""
    ours = hub_errors.translate(foreign, "me/runs", "put a")
    assert isinstance(ours, StoreRefused)
    assert "put a" in str(ours)
    assert pytest.raises(StoreRefused, match=says).matches(ours)


@pytest.mark.parametrize(
    "foreign",
    [
        *[_http(status) for status in (408, 409, 425, 429, 500, 502, 503, 504)],
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("dropped"),
        ConnectionError("Network error: error sending request"),
        ConnectionError("Rate limited: HTTP status client error (429 Too Many Requests)"),
        _xet(ConnectionError, "429 Too Many Requests", WRITE_TOKEN_URL),
        _xet(ConnectionError, "404 Not Found", CAS_URL),
        _xet(ConnectionError, "403 Forbidden", CAS_URL),
        RuntimeError("Task error: File reconstruction error: CAS Client Error"),
        PermissionError("expired"),
    ],
    ids=repr,
)
def test_what_may_pass_is_tried_again(foreign):
    """The keys are named, so that only they are sent again."""
    ours = hub_errors.translate(foreign, "me/runs", "put a", keys=["a"])
    assert isinstance(ours, StoreUnavailable)
    assert {"a"} == ours.keys


def test_a_missing_file_of_a_bucket_is_not_found():
    """It is not the bucket that is missing."""
    ours = hub_errors.translate(_http(404, code="EntryNotFound"), "me/runs", "get a")
    assert isinstance(ours, NotFound)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"RateLimit": '"api";r=0;t=55'}, 56.0),
        ({"RateLimit": '"api";r=12;t=55'}, None),
        ({"RateLimit": '"api";r=12;t=55', "Retry-After": "3"}, 3.0),
    ],
)
def test_the_hub_says_how_long_to_leave_it_alone(headers, wait_s):
    """By `RateLimit` where nothing is left, else by `Retry-After`, in seconds or as a date."""
    assert wait_s == hub_errors.retry_after_s(httpx2.Headers(headers), now_s=100.0)


def test_the_wait_travels_with_the_error():
    """Whoever tries again can obey."""
    ours = hub_errors.translate(_http(429, RateLimit='"api";r=0;t=9'), "me/runs", "put a")
    assert isinstance(ours, StoreUnavailable)
    assert 10.0 == ours.retry_after_s
    ours = hub_errors.translate(_http(503, **{"Retry-After": "4"}), "me/runs", "put a")
    assert isinstance(ours, StoreUnavailable)
    assert 4.0 == ours.retry_after_s


def test_a_token_that_a_server_repeats_is_left_out():
    """What others say is repeated without anything that looks like a token."""
    foreign = _http(403, said=f"bad token {TOKEN}, Authorization: Bearer {TOKEN}")
    assert TOKEN not in str(hub_errors.translate(foreign, "me/runs", "put a"))
    assert "x (token) y" == hub_errors.without_token(f"x {TOKEN} y")


def _s3(status, code=""):
    return (
        f"Generic S3 error: Error performing PUT https://host/b/k in 3ms - Server returned "
        f"non-2xx status code: {status}: <Error><Code>{code}</Code><Key>AKIASECRET</Key></Error>"
    )


@pytest.mark.parametrize(
    ("foreign", "says"),
    [
        (PermissionDeniedError(_s3("403 Forbidden", "AccessDenied")), "AWS_ACCESS_KEY_ID"),
        (UnauthenticatedError(_s3("401 Unauthorized")), "not accepted"),
        (GenericError("DeleteObjects failed for key a (code: AccessDenied)"), "permission denied"),
        (FileNotFoundError(_s3("404 Not Found", "NoSuchBucket")), "create it"),
        (GenericError(_s3("404 Not Found", "NoSuchBucket")), "create it"),
        (GenericError(_s3("301 Moved Permanently", "PermanentRedirect")), "AWS_REGION"),
        (GenericError(_s3("400 Bad Request", "AuthorizationHeaderMalformed")), "AWS_REGION"),
        (GenericError(_s3("400 Bad Request", "InvalidBucketName")), "check the bucket"),
        (GenericError(_s3("507 Insufficient Storage")), "quota"),
        (GenericError("Error performing PUT http://169.254.169.254/latest"), "no credentials"),
    ],
    ids=str,
)
def test_what_an_object_store_refuses_somebody_has_to_cure(foreign, says):
    """The message says what to do, and repeats nothing of the request."""
    ours = object_errors.translate(foreign, S3, "put a")
    assert isinstance(ours, StoreRefused)
    assert says in str(ours)
    assert "AKIASECRET" not in str(ours)


@pytest.mark.parametrize(
    "foreign",
    [
        *[GenericError(_s3(f"{status} Busy")) for status in (408, 409, 429, 500, 502, 503, 504)],
        GenericError(_s3("503 Service Unavailable", "SlowDown")),
        GenericError(_s3("400 Bad Request", "RequestTimeout")),
        GenericError("Generic S3 error: HTTP error: error sending request"),
        GenericError("Generic S3 error: HTTP error: request or response body error"),
    ],
    ids=str,
)
def test_what_may_pass_in_an_object_store_is_tried_again(foreign):
    """Throttling, failing servers, connections that break or never come about."""
    ours = object_errors.translate(foreign, AZURE, "put a", keys=["a"])
    assert isinstance(ours, StoreUnavailable)
    assert {"a"} == ours.keys


def test_a_missing_object_is_not_found_but_a_missing_container_is_refused():
    """Of which the second means that nothing at all is there."""
    missing = FileNotFoundError(_s3("404 Not Found", "NoSuchKey"))
    assert object_errors.is_missing(missing)
    assert isinstance(object_errors.translate(missing, S3, "get a"), NotFound)
    no_container = FileNotFoundError(_s3("404 Not Found", "ContainerNotFound"))
    assert not object_errors.is_missing(no_container)
    assert "no such container" in str(object_errors.translate(no_container, AZURE, "get a"))


def test_a_name_that_is_no_key_is_the_callers_to_change():
    """Somebody else put it there."""
    ours = object_errors.translate(InvalidPathError("a//b"), S3, "list everything")
    assert isinstance(ours, InvalidInput)


@pytest.mark.parametrize(
    ("said", "budget"),
    [
        ({"ratelimit": '"api";r=800;t=240'}, Budget(remaining=800, resets_s=241.0)),
        ({"ratelimit": '"api"; r=0; t=55'}, Budget(remaining=0, resets_s=56.0)),
        ({"ratelimit": '"resolve";r=2999;t=10'}, None),
        ({"ratelimit": "something else"}, None),
        ({}, None),
    ],
)
def test_what_the_hub_says_of_its_limit_is_read(said, budget):
    """Of its API: downloads are counted by themselves."""
    assert budget == hub_errors.budget_in(said)


def test_a_bucket_that_is_missing_is_told_from_one_that_refuses():
    """A writer makes the first and can do nothing about the second."""
    missing = hub_errors.translate(_http(404, code="RepoNotFound"), "me/runs", "put")
    token = _xet(ConnectionError, "404 Not Found", WRITE_TOKEN_URL)
    assert isinstance(missing, StoreMissing)
    assert isinstance(hub_errors.translate(token, "me/runs", "put"), StoreMissing)
    assert not isinstance(hub_errors.translate(_http(403), "me/runs", "put"), StoreMissing)
    found = hub_errors.translate(_http(404, code="EntryNotFound"), "me/runs", "get")
    assert isinstance(found, NotFound)
