"""URLs of remote stores: what they name, what they must not hold, and that they open again."""

import importlib.util
import subprocess
import sys

import pytest

from trackio.errors import InvalidInput
from trackio.store import is_local, open_store
from trackio.store.bucket import Bucket, bucket_url, open_bucket
from trackio.store.object import ObjectStore
from trackio.store.object_url import parse_object_url

SECRET = "zYxSecretWvU123"
HEAVY = {"huggingface_hub", "hf_xet", "httpx2", "obstore", "asyncio", "pyarrow"}


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("hf://buckets/me/runs", "hf://buckets/me/runs"),
        ("hf://buckets/me/runs/", "hf://buckets/me/runs"),
        ("hf://buckets/me/runs/trackio", "hf://buckets/me/runs"),
        ("hf://buckets/me/runs/team/a%20b", "hf://buckets/me/runs/team/a%20b"),
        ("hf://buckets/me/runs?endpoint=http://h:1/", "hf://buckets/me/runs?endpoint=http://h:1"),
        ("s3://bucket", "s3://bucket"),
        ("S3://bucket/", "s3://bucket"),
        ("s3://bucket/a/b%20%25c%23/", "s3://bucket/a/b%20%25c%23"),
        ("s3://b/p?region=eu-west-1", "s3://b/p?region=eu-west-1"),
        ("s3://b/p?endpoint=http://h:9000", "s3://b/p?endpoint=http://h:9000"),
        ("s3://b/p?skip_signature=true", "s3://b/p?skip_signature=true"),
        ("gs://b/größe", "gs://b/gr%C3%B6%C3%9Fe"),
        ("az://c/p?account=acc", "az://c/p?account=acc"),
    ],
)
def test_a_url_names_one_store_and_opens_it_again(url, known_as):
    """Slashes at the end, quoting and defaults make no difference."""
    assert known_as == open_store(url).url
    assert known_as == open_store(known_as).url
    assert not is_local(open_store(url))


def test_urls_open_the_store_of_their_scheme():
    """And saying so shows the URL."""
    assert isinstance(open_store("hf://buckets/me/runs"), Bucket)
    assert isinstance(open_store("s3://bucket/p"), ObjectStore)
    assert "Bucket('hf://buckets/me/runs')" == repr(open_store("hf://buckets/me/runs"))
    assert "ObjectStore('gs://bucket/p')" == repr(open_store("gs://bucket/p"))


def test_a_bucket_id_has_a_url():
    """What `init` takes as `bucket_id`."""
    assert "hf://buckets/me/runs" == bucket_url("me/runs")
    for bad in ("runs", "", "me/", "/runs", "me/ru ns", "../etc"):
        with pytest.raises(InvalidInput, match="namespace/name"):
            bucket_url(bad)


def test_an_endpoint_of_the_environment_becomes_part_of_the_url():
    """A URL that is kept names one place, whatever the environment of its reader says."""
    aws = {"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_S3": "http://h:2"}
    assert "s3://b/p?endpoint=http://h:2" == str(parse_object_url("s3://b/p", aws))
    explicit = "s3://b/p?endpoint=http://h:3"
    assert explicit == str(parse_object_url(explicit, aws))
    azure = {"AZURE_STORAGE_ACCOUNT_NAME": "acc"}
    assert "az://c?account=acc" == str(parse_object_url("az://c", azure))
    hub = {"HF_ENDPOINT": "http://h:4"}
    assert (
        "hf://buckets/me/runs?endpoint=http://h:4" == open_bucket("hf://buckets/me/runs", hub).url
    )
    usual = {"HF_ENDPOINT": "https://huggingface.co/"}
    assert "hf://buckets/me/runs" == open_bucket("hf://buckets/me/runs", usual).url


@pytest.mark.parametrize(
    "url",
    [
        f"s3://AKIA:{SECRET}@bucket/p",
        f"s3://bucket/p?secret_access_key={SECRET}",
        f"s3://bucket/p?AWS_SESSION_TOKEN={SECRET}",
        f"s3://bucket/p?endpoint=http://user:{SECRET}@host",
        f"s3://bucket/p?endpoint=http://host?sig={SECRET}",
        f"az://container/p?sv=2024&sig={SECRET}",
        f"gs://bucket/p?bearer_token={SECRET}",
        f"hf://buckets/me/runs?token={SECRET}",
        f"hf://{SECRET}@buckets/me/runs",
        f"hf://buckets/me/runs?endpoint=https://user:{SECRET}@hub",
    ],
)
def test_a_url_holds_no_secret(url):
    """It is refused, and the message does not repeat it."""
    with pytest.raises(InvalidInput) as failure:
        open_store(url)
    assert SECRET not in f"{failure.value!r} {failure.value}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://", "names no bucket"),
        ("az:///p", "names no container"),
        ("s3://b/a//b", "not a key"),
        ("s3://b/.hidden", "not a key"),
        ("s3://b/p#x", "%23"),
        ("s3://b/p?color=red", "no option 'color'"),
        ("s3://b?endpoint=host:9000", "an endpoint is a URL"),
        ("s3://b?skip_signature=yes", "skip_signature=true"),
        ("hf://models/me/runs", "hf://buckets/namespace/name"),
        ("hf://buckets/runs", "hf://buckets/namespace/name"),
        ("hf://buckets/me/runs/../x", "not a key"),
        ("hf://buckets/me/runs?revision=x", "'endpoint' and no other"),
        ("hf://buckets/me/runs?endpoint=ftp://h", "https://host"),
    ],
)
def test_a_url_that_names_no_store_says_what_would(url, says):
    """The caller can correct it."""
    with pytest.raises(InvalidInput, match=says):
        open_store(url)


@pytest.mark.parametrize(
    "url", ["hf://buckets/me/runs", "s3://bucket/p", "gs://b", "az://c?account=a"]
)
def test_opening_a_remote_store_loads_no_client(url):
    """`init` opens it on the caller's thread; the clients load where they are used."""
    code = f"import sys, trackio.store as s; s.open_store({url!r}); print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set() == HEAVY & set(printed.stdout.split())


def test_a_missing_package_is_named(monkeypatch):
    """When the store is opened, not when the first rows are sent."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r'pip install "trackio\[cloud\]"'):
        open_store("s3://bucket/p")
