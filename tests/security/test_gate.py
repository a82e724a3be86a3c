"""What the dashboard lets through, to whom, and what it tells the browser: real HTTP requests."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from tests.edge.served import free_port, in_loop, serve
from tests.security.conftest import AUTH
from tests.security.served import ask, cookies_of, log_in, set_cookies
from trackio.dashboard import access
from trackio.dashboard.app import PAGES, build_app, launch_options
from trackio.dashboard.desk import Desk
from trackio.dashboard.gate import HERE, MAX_BODY_BYTES, MAX_QUERY_BYTES, Rules, is_from_elsewhere
from trackio.dashboard.routes import PREFIX, routes
from trackio.dashboard.show import show, will_share
from trackio.dashboard.static_files import version
from trackio.store.directory import Directory

DATA = f"{PREFIX}/meta.json?project=demo"
SECRETS = ("hush-hush", "0.4711", "0.125")
OPEN = {
    *("/login", "/logout", "/robots.txt", "/favicon.ico", "/theme.css", "/manifest.json"),
    *(
        "/gradio_api/app_id",
        "/gradio_api/startup-events",
        "/gradio_api/theme.css",
        "/gradio_api/user",
    ),
}
"""What somebody who has not logged in may ask for, beside the pages, which then show a login."""


def all_routes(served: Any) -> Iterator[tuple[str, str]]:
    """Every method and path that the app answers, with something in place of parameters."""
    waiting = [*served.routes]
    while waiting:
        route = waiting.pop()
        waiting += getattr(route, "routes", None) or []
        inner = getattr(route, "original_router", None)
        waiting += inner.routes if inner is not None else []
        path = getattr(route, "path", None)
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, re.sub(r"\{[^}]*\}", "x", path or "")


@pytest.fixture(scope="module")
def whole(small: Directory) -> Iterator[tuple[Any, str]]:
    """The app with all its routes, and its address."""
    app = in_loop(build_app)
    served, url, _ = in_loop(
        lambda: app.launch(
            server_name="127.0.0.1",
            server_port=free_port(),
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            auth=[AUTH],
            **launch_options(small),
        )
    )
    yield served, url.rstrip("/")
    app.close(verbose=False)


def test_no_route_shows_data_to_somebody_who_has_not_logged_in(whole: tuple[Any, str]) -> None:
    """All that the app has are tried, ours and Gradio's own, so that a new one is tried too."""
    served, url = whole
    listed = sorted(set(all_routes(served)))
    assert len(listed) > 80
    assert any(path.startswith(PREFIX) for _, path in listed)
    assert any(path.startswith("/gradio_api/file=") for _, path in listed)
    pages = {"/", *(path for _, path in PAGES)}
    for method, path in listed:
        if "heartbeat" in path:
            continue
        answer = ask(url, f"{path}?project=demo&run=x&path=x", method=method)
        for secret in SECRETS:
            assert secret not in answer.text, (method, path)
        bare = path.rstrip("/") or "/"
        is_open = bare in OPEN or bare in pages or path.startswith((f"{PREFIX}/static", "/static"))
        if not is_open:
            assert answer.status not in (200, 204, 206), (method, path, answer.text[:200])


def test_every_route_of_data_is_behind_the_login(private_url: str, small: Directory) -> None:
    """Each of ours says 401, and answers who has logged in."""
    cookies = {"Cookie": cookies_of(private_url, *AUTH)}
    for route in routes(Desk(small)):
        path = getattr(route, "path", "")
        if "/static/" in path:
            continue
        assert 401 == ask(private_url, f"{path}?project=demo").status, path
        assert 401 != ask(private_url, f"{path}?project=demo", headers=cookies).status, path


def test_a_wrong_password_opens_nothing(private_url: str) -> None:
    """Nor an empty one, nor that of somebody else."""
    for user, password in [("ada", ""), ("ada", "Sesame"), ("", "sesame"), ("bob", "sesame")]:
        assert 400 <= log_in(private_url, user, password).status < 500
    forged = {"Cookie": "access-token-x=1; access-token-unsecure-x=1"}
    assert 401 == ask(private_url, DATA, headers=forged).status


def test_no_script_can_read_the_cookie_and_no_address_has_a_token(private_url: str) -> None:
    """Cookies are HttpOnly; the route on which Gradio gives the token to scripts is closed."""
    cookies = set_cookies(private_url, *AUTH)
    assert cookies
    assert all("httponly" in cookie.lower() for cookie in cookies)
    own = {"Cookie": cookies_of(private_url, *AUTH)}
    tokens = re.findall(r"access-token[^=]*=([^;]+)", own["Cookie"])
    assert 404 == ask(private_url, "/gradio_api/token", headers=own).status
    for path in ("/", "/config", "/runs", "/gradio_api/user", "/gradio_api/login_check", DATA):
        answer = ask(private_url, path, headers=own)
        assert not any(token in answer.text for token in tokens), path
        assert not any(token in str(answer.headers.get("location")) for token in tokens)


def test_uploads_files_proxies_and_functions_of_gradio_are_not_there(open_url: str) -> None:
    """Whatever is neither a page nor data is a 404, for everybody."""
    for method, path in [
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=https://example.org"),
        ("GET", "/gradio_api/stream/a/b/1/playlist.m3u8"),
        ("POST", "/gradio_api/queue/join"),
        ("GET", "/gradio_api/queue/data?session_hash=x"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/call/predict"),
        ("POST", "/gradio_api/api/predict"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/mcp/schema"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/monitoring/summary"),
    ]:
        assert 404 == ask(open_url, path, method=method, body=b"{}").status, path


def test_no_verb_writes(open_url: str, small: Directory) -> None:
    """There is nothing that a forged request could change, so none needs a token against it."""
    before = sorted((entry.key, entry.version) for entry in small.list(""))
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "MOVE", "PROPFIND"):
        for route in routes(Desk(small)):
            path = getattr(route, "path", "")
            answer = ask(open_url, path.replace("{version}/{path:path}", "x/y"), method=method)
            assert 400 <= answer.status < 500, (method, path)
        for page in ("/", "/runs", "/config"):
            assert 400 <= ask(open_url, page, method=method).status < 500
    assert before == sorted((entry.key, entry.version) for entry in small.list(""))


def test_a_web_socket_is_refused(open_url: str) -> None:
    """There is nothing to say on one."""
    wanted = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert ask(open_url, "/gradio_api/queue/join", headers=wanted).status in (400, 403, 404, 426)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
    ],
)
def test_a_page_of_another_site_reads_nothing_with_the_cookie_of_a_reader(
    private_url: str, headers: dict[str, str]
) -> None:
    """Gradio's cookie goes along to every site, and its CORS lets every site read the answer."""
    own = {"Cookie": cookies_of(private_url, *AUTH)}
    assert 200 == ask(private_url, DATA, headers=own).status
    answer = ask(private_url, DATA, headers={**own, **headers})
    assert 403 == answer.status
    assert "hush" not in answer.text
    assert 403 == ask(private_url, "/login", method="POST", headers=headers, body=b"").status


def test_a_link_that_somebody_follows_is_answered() -> None:
    """From a chat to a chart, and a page inside a frame; and programs that are no browser."""
    assert not is_from_elsewhere(
        Headers({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    )
    assert not is_from_elsewhere(Headers({"sec-fetch-site": "same-origin"}))
    assert not is_from_elsewhere(Headers({"origin": "http://a:1", "host": "a:1"}))
    assert not is_from_elsewhere(
        Headers({"origin": "https://b", "host": "10.0.0.1", "x-forwarded-host": "b"})
    )
    assert not is_from_elsewhere(Headers({}))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "localhost.evil.example"])
def test_no_name_that_somebody_else_gave_this_machine_is_answered(
    small: Directory, host: str
) -> None:
    """DNS rebinding: a site points its own name to 127.0.0.1 and is the same origin as we are."""
    with serve(small, **launch_options(small, hosts=HERE)) as url:
        for path in (DATA, "/", "/config"):
            answer = ask(url, path, headers={"Host": host})
            assert 421 == answer.status
            assert "TRACKIO_PASSWORD" in answer.text
        for own in ("localhost:1", "127.0.0.1", "[::1]:7860", "LOCALHOST"):
            assert 200 == ask(url, DATA, headers={"Host": own}).status


def test_what_is_shown_on_this_machine_alone_checks_the_name(
    small: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show` does it by itself where nobody logs in, unless somebody said that all may read."""
    for environ, status in [({}, 421), ({"TRACKIO_PUBLIC": "1"}, 200)]:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            port = free_port()
            shown = in_loop(
                lambda port=port: show(
                    store=small, port=port, open_browser=False, block_thread=False
                )
            )
        try:
            answer = ask(shown.local_url, DATA, headers={"Host": "evil.example"})
            assert status == answer.status
        finally:
            shown.app.close(verbose=False)


SPACE = """
import sys
from trackio.dashboard.show import show
from tests.security.served import ask

shown = show(store=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), share=False,
             open_browser=False, block_thread=False)
for path in ("projects.json", "meta.json?project=demo", "media?project=demo", "series?m=x"):
    answer = ask(shown.local_url, "/gradio_api/trackio/" + path)
    print(answer.status, "hush" in answer.text)
shown.app.close(verbose=False)
"""


def test_with_readers_nobody_reads_who_has_not_signed_in(small: Directory) -> None:
    """A Space with sign-in, as `show` starts it: the routes ask for it, not only the button."""
    space = {
        **os.environ,
        "SYSTEM": "spaces",
        "SPACE_ID": "ada/board",
        "SPACE_AUTHOR_NAME": "ada",
        "OAUTH_CLIENT_ID": "x",
        "OAUTH_CLIENT_SECRET": "y",
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": "http://127.0.0.1:9",
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-c", SPACE, small.url, str(free_port())],
        capture_output=True,
        text=True,
        env=space,
        check=False,
        timeout=120,
    )
    told = [line for line in done.stdout.splitlines() if line.endswith(("True", "False"))]
    assert ["401 False"] * 4 == told, done.stderr[-2000:]


def test_a_session_needs_a_secret_to_be_signed_with() -> None:
    """Gradio signs with a key that everybody knows where the Space's secret is missing."""
    space = {"SPACE_ID": "ada/board", "OAUTH_CLIENT_ID": "x"}
    found = access.choose_access(host="0.0.0.0", is_shared=False, auth=None, environ=space)  # noqa: S104
    assert found.readers is None
    assert found.auth is not None


def test_a_hosted_notebook_shares_and_so_has_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio makes a public link there without being asked."""
    assert not will_share(None)
    assert will_share(True)
    monkeypatch.setenv("GRADIO_SHARE", "True")
    assert will_share(None)
    assert not will_share(False)
    monkeypatch.delenv("GRADIO_SHARE")
    monkeypatch.setattr("gradio.utils.colab_check", lambda: True)
    assert will_share(None)


def test_the_body_of_a_request_is_small(private_url: str) -> None:
    """One who has not logged in cannot fill the memory; said or not said how long it is."""
    large = b"x" * (MAX_BODY_BYTES + 1)
    assert 413 == ask(private_url, "/login", method="POST", body=large).status
    said = {"Content-Length": "99999999999"}
    assert 413 == ask(private_url, "/login", method="POST", headers=said).status
    chunked = {"Transfer-Encoding": "chunked"}
    parts = b"".join(b"%x\r\n%b\r\n" % (4096, b"x" * 4096) for _ in range(16)) + b"0\r\n\r\n"
    answer = _raw(private_url, "/login", chunked, parts)
    assert b" 413 " in answer.partition(b"\r\n")[0]


def _raw(url: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    import socket
    from urllib.parse import urlsplit

    at = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {at.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((at.hostname, at.port), timeout=30) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return sock.recv(4096)


def test_an_address_is_not_endless() -> None:
    """The server of today lets through less; another one may not."""
    query = b"r=" + b"x," * MAX_QUERY_BYTES
    refusal = Rules().refusal("GET", DATA, query, Headers({}))
    assert refusal is not None
    assert 414 == refusal.status


def test_pages_say_what_they_may_do_and_data_says_whose_it_is(open_url: str) -> None:
    """A policy on every page; no guessing of types, no reading by other sites, no referrer."""
    for path in ("/", "/runs", "/health"):
        policy = ask(open_url, path).headers["content-security-policy"]
        for rule in ("default-src 'self'", "connect-src 'self'", "object-src 'none'"):
            assert rule in policy
        assert "http:" not in policy
        assert "*" not in policy
    for path in ("/", DATA, f"{PREFIX}/projects.json", f"{PREFIX}/static/{version()}/main.js"):
        headers = ask(open_url, path).headers
        assert "nosniff" == headers["x-content-type-options"]
        assert "same-origin" == headers["cross-origin-resource-policy"]
        assert "same-origin" == headers["referrer-policy"]
    assert "no-store" == ask(open_url, DATA).headers["cache-control"]


def test_errors_tell_no_path_and_no_line_of_code(open_url: str, folder: Path) -> None:
    """Whatever is asked, what comes back holds no traceback."""
    for path in (f"{PREFIX}/meta.json?project=%00", f"{PREFIX}/run.json?project=demo&run=%ff"):
        answer = ask(open_url, path)
        assert 400 <= answer.status < 500
        assert "Traceback" not in answer.text
        assert ".py" not in answer.text
