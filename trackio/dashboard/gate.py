"""What reaches the dashboard at all, and what every answer says to the browser. Knows no user.

Gradio brings many routes along (uploads, files, a proxy, a token that scripts can read), and lets
pages of other sites ask with the visitor's cookie. Here only what the dashboard needs comes
through, and only from itself; who may read is asked later, by `guard`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX: Final = "/gradio_api/trackio/"
MAX_BODY_BYTES: Final = 16 << 10
MAX_QUERY_BYTES: Final = 64 << 10
HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""How this machine alone is called."""

READ: Final = frozenset(
    {
        *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json"),
        *("/logout", "/login/huggingface", "/login/callback"),
        *("/gradio_api/startup-events", "/gradio_api/app_id", "/gradio_api/login_check"),
        *("/gradio_api/user", "/gradio_api/theme.css"),
    }
)
"""What is asked for beside the pages and the data."""
READ_BELOW: Final = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/", PREFIX)
WRITTEN: Final = frozenset({"/login"})
"""The one thing that takes a body: a name and a password."""

POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Gradio's own start needs both
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
"""For the pages: whatever ran in one could tell nobody."""
_HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What comes through.

    `pages` are the addresses of pages; `hosts`, if any are given, the only names under which the
    dashboard may be asked: where nobody has to log in, a site elsewhere could otherwise give its
    own name to this machine (DNS rebinding) and read everything. Below `more` everything comes
    through. A body has at most `max_body` bytes.
    """

    pages: Collection[str] = ()
    hosts: frozenset[str] | None = None
    more: tuple[str, ...] = ()
    max_body: int = MAX_BODY_BYTES

    def refusal(self, method: str, path: str, query: bytes, headers: Headers) -> Refusal | None:
        """Why this request is refused; None where it is not."""
        host = _host_of(headers.get("host", ""))
        if self.hosts is not None and host and host not in self.hosts:
            return Refusal(
                421,
                f"this dashboard is for its own machine, not for {host[:100]!r}: open it as "
                "localhost, or start it with TRACKIO_PASSWORD set, or with TRACKIO_PUBLIC=1",
            )
        if len(query) > MAX_QUERY_BYTES:
            return Refusal(414, f"a query has at most {MAX_QUERY_BYTES} bytes: ask for less")
        if not self._is_known(method, path.rstrip("/") or "/", path):
            return Refusal(404, "there is no such page")
        if self._is_guarded(method, path) and is_from_elsewhere(headers):
            return Refusal(403, "only the dashboard's own pages may ask for this")
        return None

    def _is_known(self, method: str, bare: str, path: str) -> bool:
        if path.startswith(self.more) or bare in WRITTEN:
            return True
        if method not in ("GET", "HEAD"):
            return path.startswith(PREFIX)  # which answers 405
        return bare in READ or bare in self.pages or path.startswith(READ_BELOW)

    def _is_guarded(self, method: str, path: str) -> bool:
        is_data = path.startswith((PREFIX, *self.more)) and not path.startswith(f"{PREFIX}static/")
        return is_data or method not in ("GET", "HEAD")


class Gate:
    """ASGI middleware in front of the dashboard."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say why not."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path") or "")
        given = Headers(scope=scope)
        found = self._rules.refusal(scope["method"], path, scope["query_string"], given)
        if found is None and scope["method"] not in ("GET", "HEAD"):
            body = await _small_body(receive, given, self._rules.max_body)
            if body is None:
                found = Refusal(413, f"at most {self._rules.max_body} bytes are taken")
            else:
                receive = _replayed(body, receive)
        if found is not None:
            await PlainTextResponse(found.why, found.status, _HEADERS)(scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send))


def is_from_elsewhere(headers: Headers) -> bool:
    """Whether a page of another site asks; a link that somebody follows is no such thing."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_followed = headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not is_followed
    origin = headers.get("origin")
    if origin is None:
        return False
    own = {headers.get("host"), headers.get("x-forwarded-host")}
    return urlsplit(origin).netloc not in own


def _host_of(text: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{text}").hostname or "").rstrip(".")
    except ValueError:
        return "?"


async def _small_body(receive: Receive, headers: Headers, most: int) -> bytes | None:
    """The body, read to its end; None if it is too long."""
    said = headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What the app receives instead: the body at once, then what comes."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("content-security-policy", POLICY)
        await send(message)

    return told
