"""A dashboard to attack: real, over HTTP, asked in ways no browser would. Asserts nothing."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def ask(
    url: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request whose path is sent as it stands: nothing is tidied up or followed."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def log_in(url: str, user: str, password: str) -> Answer:
    """Try to log in."""
    form = urlencode({"username": user, "password": password}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(url, "/login", method="POST", body=form, headers=kind)


def cookies_of(url: str, user: str, password: str) -> str:
    """The Cookie header of somebody who has logged in."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        form = urlencode({"username": user, "password": password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login", form, kind)
        answer = connection.getresponse()
        answer.read()
        jar: SimpleCookie = SimpleCookie()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                jar.load(value)
        return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
    finally:
        connection.close()


def set_cookies(url: str, user: str, password: str) -> list[str]:
    """Every Set-Cookie of a login, as it was sent."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        form = urlencode({"username": user, "password": password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login", form, kind)
        answer = connection.getresponse()
        answer.read()
        return [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    finally:
        connection.close()
