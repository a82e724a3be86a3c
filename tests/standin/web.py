"""A small HTTP server on loopback whose answers can be made to go wrong.

It knows nothing of what it serves: an application turns a `Request` into an `Answer`.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked. `path` is as it was sent, still quoted."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says.

    `sent` limits how much of the body really travels. A `stream` takes the place of the body
    and is sent as it comes; the connection closes at its end.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int | None = None
    stream: Iterator[bytes] | None = None


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    headers = {"Content-Type": "application/json", **headers}
    return Answer(status=status, headers=headers, body=json.dumps(value).encode())


class Kind(Enum):
    """What goes wrong with one request."""

    STATUS = "nothing happens; the answer has another status"
    DROP = "nothing happens; the connection closes"
    LOST = "everything happens; the connection closes before the answer"
    TRUNCATE = "everything happens; the answer stops half-way"
    DELAY = "everything happens, later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the next `times` requests whose `METHOD path` matches."""

    match: str
    kind: Kind
    times: int = 1_000_000
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class Faults:
    """The faults of a server; a request meets the first that matches and is not used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, list[int]]] = []

    def add(self, match: str, kind: Kind, **how: Any) -> None:
        """Let this happen from now on."""
        fault = Fault(match=match, kind=kind, **how)
        with self._lock:
            self._left.append((fault, [fault.times]))

    def clear(self) -> None:
        """Let nothing happen any more."""
        with self._lock:
            self._left.clear()

    def take(self, request: Request) -> Fault | None:
        """What happens to this request."""
        with self._lock:
            for fault, left in self._left:
                if left[0] and re.search(fault.match, str(request)):
                    left[0] -= 1
                    return fault
        return None


class WebServer:
    """An application on a free port of loopback, its faults, and all that it was asked."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.faults = Faults()
        self.requests: list[Request] = []
        self._answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._serve))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def asked(self, match: str) -> list[str]:
        """The requests so far whose `METHOD path` matches, as text."""
        return [text for text in map(str, list(self.requests)) if re.search(match, text)]

    def _serve(self, request: Request) -> Answer | None:
        """The answer, or None to close the connection."""
        self.requests.append(request)
        fault = self.faults.take(request)
        if fault is None:
            return self._answer(request)
        if fault.kind is Kind.STATUS:
            return Answer(status=fault.status, headers=fault.headers, body=b"as rehearsed")
        if fault.kind is Kind.DROP:
            return None
        time.sleep(fault.delay_s)
        answer = self._answer(request)
        if fault.kind is Kind.LOST:
            return None
        if fault.kind is Kind.TRUNCATE:
            return Answer(
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                sent=len(answer.body) // 2,
            )
        return answer


def _handler(serve: Callable[[Request], Answer | None]) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"serve": staticmethod(serve)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    serve: Callable[[Request], Answer | None]

    def answer(self) -> None:
        parts = urlsplit(self.path)
        answer = self.serve(
            Request(
                method=self.command,
                path=parts.path,
                query={name: values[-1] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
            )
        )
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815

    def _send(self, answer: Answer) -> None:
        length = {} if answer.stream else {"Content-Length": str(len(answer.body))}
        headers = {**length, **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        body = b"" if self.command == "HEAD" else answer.body
        self.close_connection |= answer.sent is not None
        self.wfile.write(head + body[: answer.sent])
        if answer.stream is not None:
            self.close_connection = True
            for part in answer.stream:
                self.wfile.write(part)
                self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *what: Any) -> None:
        """Say nothing: `requests` remembers."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client went away
            self.close_connection = True
