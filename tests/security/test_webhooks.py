"""Where a webhook may not lead, and what whoever answers can do to us. Real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.edge.webhooks import receiving
from trackio.errors import InvalidInput
from trackio.upkeep.alerts.address import AddressRefusedError, check_url, is_public, locate
from trackio.upkeep.alerts.post import Poster, PostError

INNER = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1"),  # noqa: S104
    *("::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fe80::1%eth0"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::a9fe:a9fe"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::"),
    *("2001:0:7f00:1::1", "nonsense", ""),
]


@pytest.mark.parametrize("address", INNER)
def test_no_address_inside_is_public_however_it_is_written(address: str) -> None:
    """Private, local, of the cloud's metadata, mapped into version 6, translated, tunnelled."""
    assert not is_public(address)
    with pytest.raises((AddressRefusedError, OSError)):
        locate("https://hook.example/x", allow_private=False, resolve=lambda *_: [address])


@pytest.mark.parametrize(
    "url",
    ["http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[::ffff:127.0.0.1]/",
     "http://localhost/", "http://[::1]:80/", "http://0/"],
)  # fmt: skip
def test_no_spelling_of_this_machine_is_taken(url: str) -> None:
    """The system resolves what looks like a name."""
    with pytest.raises((AddressRefusedError, OSError)):
        locate(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a/x",
        "gopher://a/x",
        "http://",
        "//a",
        "http://u:p@a/",
        "http://a:99999/",
    ],
)
def test_nothing_but_plain_web_addresses_is_a_webhook(url: str) -> None:
    """No other scheme, and no password where everybody sees it."""
    with pytest.raises(InvalidInput):
        check_url(url)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    """Else the next look might choose that one."""
    found = ["93.184.216.34", "127.0.0.1"]
    with pytest.raises(AddressRefusedError):
        locate("https://hook.example/x", allow_private=False, resolve=lambda *_: found)


def test_a_name_is_resolved_once_and_that_address_is_called() -> None:
    """DNS that answers otherwise a moment later changes nothing."""
    with receiving() as (url, got):
        port = int(url.rpartition(":")[2].partition("/")[0])
        answers = iter([["127.0.0.1"], ["10.0.0.1"]])
        poster = Poster(allow_private=True, resolve=lambda *_: next(answers))
        poster.post(f"http://hook.example:{port}/hook", b"{}")
        assert [{}] == got
        assert [["10.0.0.1"]] == list(answers)


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers with whatever `answer` sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def serve() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
    thread.join()


def test_a_redirect_to_the_inside_is_not_followed() -> None:
    """Wherever it leads."""
    with receiving() as (inner, got):
        head = f"HTTP/1.1 302 Found\r\nLocation: {inner}\r\nContent-Length: 0\r\n\r\n"
        answering = serving(lambda to: to.sendall(head.encode()))
        with answering as url, pytest.raises(PostError, match="redirects elsewhere"):
            Poster(allow_private=True).post(url, b"{}")
        assert [] == got


def test_an_answer_that_drips_is_given_up() -> None:
    """A byte now and then, each in time: the whole has to be in time."""
    stop = threading.Event()

    def drip(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.05):
            to.sendall(b"x")

    with serving(drip) as url:
        try:
            with pytest.raises(PostError):
                Poster(allow_private=True, timeout_s=0.5).post(url, b"{}")
        finally:
            stop.set()


def test_an_answer_without_end_is_not_read() -> None:
    """Four kilobytes are enough to know."""

    def pour(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1 << 12):
            to.sendall(b"x" * (1 << 16))

    with serving(pour) as url:
        Poster(allow_private=True).post(url, b"{}")


def test_the_secret_path_of_a_webhook_is_in_no_message() -> None:
    """An error names the host, and six digits that tell webhooks apart."""
    head = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    with serving(lambda to: to.sendall(head)) as url, pytest.raises(PostError) as caught:
        Poster(allow_private=True).post(f"{url}/T0/B0/sesame", b"{}")
    assert "sesame" not in str(caught.value)
