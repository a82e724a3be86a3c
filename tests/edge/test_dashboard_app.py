"""The dashboard as a Gradio app: what it lets nobody do, who may look, and how it is opened."""

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.edge.served import free_port, in_loop, serve
from tests.edge.written import WrittenRun
from trackio.dashboard.access import Access, choose_access, is_reader
from trackio.dashboard.app import PAGES, build_app
from trackio.dashboard.desk import Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.dashboard.show import is_notebook, show
from trackio.errors import InvalidInput
from trackio.store.directory import Directory


@pytest.fixture
def store(tmp_path: Path) -> Directory:
    store = Directory(tmp_path)
    WrittenRun(store, "demo", "a", at_s=1_700_000_000).log([{"loss": 1.0}])
    return store


@pytest.fixture
def url(store: Directory) -> Iterator[str]:
    with serve(store) as url:
        yield url


def status(request: str | urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
            code: int = answer.status
            return code
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


def test_the_app_registers_nothing_that_can_be_called() -> None:
    """No event, no function, no API: there is nothing through which Gradio could write."""
    config = in_loop(build_app).get_config_file()
    assert [] == config["dependencies"]
    assert all(not component["props"].get("server_fns") for component in config["components"])


def test_what_anybody_uploads_is_refused(url: str) -> None:
    """Gradio takes files from everybody; here there is no such address."""
    form = (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n'
        b"Content-Type: text/plain\r\n\r\nsome bytes\r\n--b--\r\n"
    )
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/gradio_api/upload",
        data=form,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert 404 == status(request)


@pytest.mark.parametrize("path", ["/", *(path for _, path in PAGES)])
def test_every_page_has_an_address(url: str, path: str) -> None:
    """A link to a page works without going through the first."""
    assert 200 == status(url + path)


def test_with_a_login_nobody_else_sees_data(store: Directory) -> None:
    """Gradio's login does not cover routes of others, so ours ask for the user themselves."""
    with serve(store, auth=("ada", "secret")) as url:
        data = f"{url}{PREFIX}/meta.json?project=demo"
        assert 401 == status(data)
        login = urllib.parse.urlencode({"username": "ada", "password": "secret"}).encode()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        browser.open(f"{url}/login", login).close()
        with browser.open(data) as answer:
            assert "demo" == json.load(answer)["project"]


def test_an_auth_dependency_is_asked_too(store: Directory) -> None:
    """What Gradio asks who the user is, our routes ask."""
    with serve(store, auth_dependency=lambda request: request.headers.get("x-user")) as url:
        data = f"{url}{PREFIX}/projects.json"
        assert 401 == status(data)
        known = urllib.request.Request(data, headers={"X-User": "ada"})  # noqa: S310 - ours
        assert 200 == status(known)


def test_show_returns_the_app_and_where_it_is(
    store: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without blocking, the caller goes on; the address that names the project is printed."""
    port = free_port()
    shown = in_loop(
        lambda: show("demo", store=store, port=port, open_browser=False, block_thread=False)
    )
    try:
        app, local_url, share_url, full_url = shown
        assert (f"http://127.0.0.1:{port}/", None) == (local_url, share_url)
        assert f"http://127.0.0.1:{port}/?project=demo" == full_url
        assert f"Trackio dashboard: {full_url}\n" == capsys.readouterr().out
        assert 200 == status(full_url)
        assert app.is_running
    finally:
        shown.app.close(verbose=False)


def test_show_wants_one_port() -> None:
    """Two names for one thing must not say two things."""
    with pytest.raises(InvalidInput, match="give one of them"):
        show(port=7000, server_port=7001)


def test_a_script_is_no_notebook() -> None:
    """Only an IPython kernel shows a page below a cell."""
    assert not is_notebook()


def test_a_process_that_imports_the_package_loads_no_gradio() -> None:
    """Gradio takes seconds and a hundred megabytes: it loads when the dashboard is opened."""
    code = "import sys, trackio, trackio.dashboard.show; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()


def test_this_machine_alone_needs_no_password() -> None:
    """What only programs here can reach is open; a public link is not."""
    for host in ("127.0.0.1", "localhost", "::1"):
        assert Access() == choose_access(host=host, is_shared=False, auth=None, environ={})
        assert choose_access(host=host, is_shared=True, auth=None, environ={}).auth is not None


def test_elsewhere_a_password_is_made_and_told() -> None:
    """Nobody is let in by having forgotten to set one, and each start has its own."""
    made = [
        choose_access(host="0.0.0.0", is_shared=False, auth=None, environ={})  # noqa: S104
        for _ in range(2)
    ]
    assert made[0].auth != made[1].auth
    assert made[0].auth[1] in str(made[0].told)


def test_the_environment_chooses_who_may_read() -> None:
    """A password, everybody, or on a Space with OAuth its owner and those who are named."""
    space = {"SPACE_ID": "Ada/board", "TRACKIO_READERS": "team, Bob"}
    space |= {"OAUTH_CLIENT_ID": "x", "OAUTH_CLIENT_SECRET": "y"}

    def choose(environ: dict[str, str], **more: bool) -> Access:
        given = {"is_shared": False, **more}
        return choose_access(host="10.0.0.1", auth=None, environ=environ, **given)

    assert ("trackio", "pw") == choose({"TRACKIO_PASSWORD": "pw"}).auth
    assert Access(is_public=True) == choose({"TRACKIO_PUBLIC": "1"})
    assert frozenset({"ada", "team", "bob"}) == choose(space).readers
    assert Access() == choose({"SPACE_ID": "Ada/board"}, is_private_space=True)
    assert choose({"SPACE_ID": "Ada/board"}).auth is not None


def test_who_signed_in_reads_by_name_or_organisation() -> None:
    """What the Hub says of a user decides, as long as it has not expired."""
    readers = frozenset({"ada", "team"})

    def says(name: str, *orgs: str, expires_at: float = 20) -> dict[str, object]:
        listed = [{"preferred_username": org} for org in orgs]
        user = {"preferred_username": name, "orgs": listed}
        return {"oauth_info": {"userinfo": user, "expires_at": expires_at}}

    assert is_reader(says("Ada"), readers, 10)
    assert is_reader(says("bob", "Team"), readers, 10)
    assert not is_reader(says("bob", "others"), readers, 10)
    assert not is_reader(says("ada", expires_at=5), readers, 10)
    assert not is_reader({}, readers, 10)


def test_with_readers_every_route_of_data_asks_who_it_is(store: Directory) -> None:
    """No data without a session, on any route; the answer says where to sign in."""
    for route in routes(Desk(store), frozenset({"ada"})):
        assert isinstance(route, Route)
        if "/static/" in route.path:
            continue
        app = Starlette(routes=[route], middleware=[Middleware(Sessions)])
        answer = TestClient(app).get(route.path, params={"project": "demo"})
        assert 401 == answer.status_code, route.path
        assert "login/huggingface" == answer.json()["login"]


class Sessions:
    """Middleware that gives every request an empty session."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "session": {}}, receive, send)
