"""A web server that knows files and nothing else, with ranges or without, below any path.

It counts what it sent, so that tests can tell how little a page reads. Asserts nothing.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Sent:
    """What was asked for, as (path, range, bytes of the answer)."""

    answers: list[tuple[str, str | None, int]] = field(default_factory=list)

    def bytes_of(self, part: str = "") -> int:
        """How many bytes of files whose path holds `part` were sent."""
        return sum(size for path, _, size in self.answers if part in path)


@dataclass
class PlainSite:
    """Where it is served, and what was sent."""

    url: str
    sent: Sent


@contextmanager
def plain_server(folder: Path, *, has_ranges: bool = True) -> Iterator[PlainSite]:
    """Serves the files of a folder until the end of the block."""
    sent = Sent()
    handler = partial(_Ranges if has_ranges else _Whole, sent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield PlainSite(f"http://127.0.0.1:{server.server_port}", sent)
        finally:
            server.shutdown()
            thread.join()


class _Whole(SimpleHTTPRequestHandler):
    """As `python -m http.server`: whatever range is asked for, the whole file is sent."""

    protocol_version = "HTTP/1.1"

    def __init__(self, sent: Sent, *args: object, **options: object) -> None:
        self._sent = sent
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def log_message(self, *args: object) -> None:
        pass

    def copyfile(self, source: object, outputfile: object) -> None:
        path = Path(self.translate_path(self.path))
        self._sent.answers.append((self.path, None, path.stat().st_size if path.is_file() else 0))
        super().copyfile(source, outputfile)  # type: ignore[arg-type]


class _Ranges(_Whole):
    """As most hosts: a range that is asked for is sent alone."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked or "")
        if found is None or not path.is_file():
            return super().do_GET()
        content = path.read_bytes()
        first, last = _span(found[1], found[2], len(content))
        part = content[first : last + 1]
        self._sent.answers.append((self.path, asked, len(part)))
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(size - 1, int(last)) if last else size - 1
