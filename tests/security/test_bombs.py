"""A store in which some files are bombs: everything is read, soon, in bounded memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security import bombs
from trackio import keys
from trackio.store.directory import Directory
from trackio.testing.handmade import HandWriter

MOST_MB = 1_500
MOST_S = 240


@pytest.mark.parametrize("name", sorted(bombs.BOMBS))
def test_a_bomb_hides_nothing_and_takes_nobody_down(tmp_path: Path, name: str) -> None:
    """The other run is read whole by pages, SQL and `verify`; the bomb is reported by its key."""
    store = Directory(tmp_path)
    good = HandWriter(store, "demo", "good")
    good.put_meta("good")
    for step in range(10):
        good.log({"loss": float(step)})
    good.put()
    bomb = str(keys.ShardKey("demo", bombs.RUN, bombs.WRITER, 0, 9))
    store.put({bomb: bombs.BOMBS[name]()})
    told = read(tmp_path)
    assert "good" in told["runs"]["said"]
    assert [{"c": 10}] == told["sql"]["said"]
    assert [bomb] == list(told["unreadable"]["said"])
    assert "unreadable" in told["verify"]["said"]
    assert max(step["mb"] for step in told.values()) < MOST_MB


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("demo/runs/bomb/meta.json", b'{"name": "x", "created": "y", "notes": "' + b"z" * 10**8),
        ("demo/runs/bomb/meta.json", b"[" * 10**7),
        ("demo/runs/bomb/meta.json", b'{"name": ' + b"[" * 900 + b"]" * 900 + b', "created": 1}'),
        ("demo/runs/bomb/meta.json", b'{"name": {"a": 1}, "created": [], "tags": 3}'),
        ("demo/runs/bomb/meta.json", b"\xff\xfe\x00"),
        ("demo/packs/%s.parquet" % ("0" * 24), b"PAR1" + b"\xff" * 100 + b"PAR1"),
        ("demo/packs/%s.overview.parquet" % ("0" * 24), b"nothing"),
        ("demo/artifacts/m/%s.json" % ("0" * 24), b"[" * 10**6),
        ("demo/artifacts/m/aliases/best.json", b'{"version_id": {"a": []}}'),
        ("demo/state/alerts.json", b"[" * 10**6),
    ],
    ids=[
        "long",
        "deep",
        "deep and whole",
        "types",
        "no text",
        "pack",
        "overview",
        "manifest",
        "alias",
        "state",
    ],
)
def test_hostile_metadata_hides_nothing(tmp_path: Path, key: str, data: bytes) -> None:
    """Long, deep, torn, of the wrong types: the rest is read."""
    store = Directory(tmp_path)
    for name in ("good", "bomb"):
        writer = HandWriter(store, "demo", name)
        writer.log({"loss": 1.0})
        writer.put()
        if name == "good":
            writer.put_meta("good")
    store.put({key: data})
    told = read(tmp_path)
    assert "good" in told["runs"]["said"]
    assert [{"c": 2}] == told["sql"]["said"]
    assert max(step["mb"] for step in told.values()) < MOST_MB


def read(folder: Path) -> dict[str, dict]:
    """What `reading` told of a store; a process that hangs is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.reading", str(folder)],
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    told: dict[str, dict] = {}
    for line in done.stdout.splitlines():
        told |= json.loads(line)
    return told
