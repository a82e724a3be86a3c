"""The floor: what a log that loses nothing to SIGKILL costs from Python, and nothing else.

One JSON line and one `write` a call, and a thread that turns lines into Parquet four times a
second. It checks nothing, knows no media, no resume, no readers: not a tracker, but what the
technique allows on the machine that the trackers are measured on.
"""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

PUBLISH_EVERY_S: Final = 0.25


class Limit:
    """As an adapter of `adapters`."""

    def load(self) -> None:
        import orjson

        self._dumps: Callable[[Any], bytes] = orjson.dumps

    def start(self, folder: Path, name: str) -> Callable[[int, dict[str, float]], None]:
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._journal = os.open(self._folder / "journal.jsonl", flags)
        self._rows: list[tuple[int, dict[str, float]]] = []
        self._shards = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish_often)
        self._thread.start()
        dumps, journal, keep, write = self._dumps, self._journal, self._rows.append, os.write

        def log(step: int, row: dict[str, float]) -> None:
            write(journal, dumps((step, row)) + b"\n")
            keep((step, row))

        return log

    def finish(self) -> None:
        self._ended.set()
        self._thread.join()
        os.fsync(self._journal)
        os.close(self._journal)

    def _publish_often(self) -> None:
        while not self._ended.wait(PUBLISH_EVERY_S):
            self._publish()
        self._publish()

    def _publish(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        count = len(self._rows)
        if not count:
            return
        taken = self._rows[:count]
        table = pa.Table.from_pylist([{"step": step, **row} for step, row in taken])
        path = self._folder / f"{self._shards:06d}.parquet"
        parquet.write_table(table, path, compression="zstd", compression_level=1)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        del self._rows[:count]
        self._shards += 1


def count(folder: Path) -> int:
    """How many calls of a run can be read back."""
    text = (folder / "journal.jsonl").read_bytes()
    return sum(1 for line in text.splitlines() if _is_whole(line))


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
