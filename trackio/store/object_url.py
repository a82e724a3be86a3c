"""Read the URL of an S3, Google Cloud or Azure store. It opens nothing and holds no secret.

`s3://bucket/prefix?endpoint=https://host&region=eu-west-1`: the query holds what is no secret
and differs from the service's own. Where an endpoint or account comes from the environment it
becomes part of the URL, because a URL kept in a journal has to name one place only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from trackio.errors import InvalidInput
from trackio.store.base import check_prefix

_SECRET: Final = re.compile(r"key|secret|token|passw|sig|cred|auth", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One kind of object store.

    `from_env` names, for an option that a URL needs, the variables that may hold it, the
    strongest first; `credentials` tells people where secrets come from.
    """

    name: str
    bucket: str
    options: Sequence[str]
    from_env: Mapping[str, Sequence[str]]
    credentials: str


SERVICES: Final[Mapping[str, Service]] = {
    "s3": Service(
        name="S3",
        bucket="bucket",
        options=("endpoint", "region", "skip_signature"),
        from_env={"endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")},
        credentials="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role of this machine",
    ),
    "gs": Service(
        name="Google Cloud Storage",
        bucket="bucket",
        options=("endpoint", "skip_signature"),
        from_env={"endpoint": ("GOOGLE_BASE_URL",)},
        credentials="GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    ),
    "az": Service(
        name="Azure Blob Storage",
        bucket="container",
        options=("endpoint", "account", "skip_signature"),
        from_env={
            "endpoint": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
            "account": ("AZURE_STORAGE_ACCOUNT_NAME",),
        },
        credentials="AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or "
        "AZURE_STORAGE_SAS_TOKEN",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectUrl:
    """Where an object store is: a bucket, a prefix that ends with `/` or "", and options."""

    scheme: str
    bucket: str
    prefix: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        path = f"/{quote(self.prefix[:-1], safe='/-_.~=')}" if self.prefix else ""
        query = f"?{urlencode(sorted(self.options.items()), safe=':/')}" if self.options else ""
        return f"{self.scheme}://{self.bucket}{path}{query}"

    @property
    def service(self) -> Service:
        """The kind of store."""
        return SERVICES[self.scheme]

    @property
    def place(self) -> str:
        """The bucket as people name it, without options."""
        return f"{self.scheme}://{self.bucket}"


def parse_object_url(url: str, environ: Mapping[str, str]) -> ObjectUrl:
    """The store that `url` names, completed by the environment.

    Raises:
        InvalidInput: there is no bucket, an option nobody knows, or a secret in the URL. The
            message does not repeat what may be a secret.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    service = SERVICES[scheme]
    if "@" in parts.netloc or ":" in parts.netloc:
        raise InvalidInput(
            f"a {scheme}:// URL begins with the {service.bucket} and nothing before or beside it: "
            f"{_no_secrets(service)}"
        )
    if not parts.netloc:
        raise InvalidInput(f"{scheme}:// names no {service.bucket}: {scheme}://name/prefix")
    if parts.fragment:
        raise InvalidInput(f"{scheme}://{parts.netloc}: write '#' in a prefix as %23")
    prefix = unquote(parts.path).strip("/")
    given = _options(parts.query, service, scheme)
    return ObjectUrl(
        scheme=scheme,
        bucket=parts.netloc,
        prefix=check_prefix(f"{prefix}/") if prefix else "",
        options=_completed(given, service, environ),
    )


def _options(query: str, service: Service, scheme: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options.keys() - set(service.options):
        if _SECRET.search(name):
            raise InvalidInput(
                f"{name!r} cannot stand in a {scheme}:// URL: {_no_secrets(service)}"
            )
        raise InvalidInput(
            f"a {scheme}:// URL has no option {name!r}; it may have {', '.join(service.options)}, "
            "and everything else comes from the usual environment variables"
        )
    if options.get("skip_signature", "true") != "true":
        raise InvalidInput("skip_signature=true reads a public bucket without credentials")
    return options


def _completed(
    given: Mapping[str, str], service: Service, environ: Mapping[str, str]
) -> Mapping[str, str]:
    found = {
        option: value
        for option, names in service.from_env.items()
        if (value := next(filter(None, map(environ.get, names)), None))
    }
    options = {**found, **given}
    endpoint = urlsplit(options.get("endpoint", "https://host"))
    if endpoint.scheme not in ("http", "https") or not endpoint.netloc:
        raise InvalidInput("an endpoint is a URL: endpoint=https://host:port")
    if "@" in endpoint.netloc or endpoint.query or endpoint.fragment:
        raise InvalidInput(f"an endpoint is host and port only: {_no_secrets(service)}")
    return options


def _no_secrets(service: Service) -> str:
    return (
        "URLs are stored and shown, so they hold no secret; credentials come from the "
        f"environment ({service.credentials})"
    )
