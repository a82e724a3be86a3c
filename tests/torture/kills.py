"""`kill -9` at a thousand random moments, also while runs begin, end, merge and are sent."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from children import recover, start
from standin.seaweed import running_seaweed

from trackio import shard
from trackio.catalog import list_project
from trackio.model import METRIC
from trackio.store import open_store
from trackio.store.base import Store

from .scenario import Outcome, Scale, attempt, folder

CROWD = 25

WRITER = """
    def write(number, folder):
        # Runs, one after the other, each short: a kill meets their beginnings and ends too.
        said = os.open(f"{folder}/said-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        rng = random.Random(number)
        call = number * 1_000_000
        while True:
            run = trackio.init("p", name=f"run-{number}")
            for _ in range(int(10 ** rng.uniform(0, 3))):
                run.log({"i": call})
                os.write(said, b"%d\\n" % call)
                call += 1
            if rng.random() < 0.7:
                run.finish()
"""
FORKS = (
    """
    import os, random, sys, time, trackio
    import trackio.current, trackio.writer.publisher, trackio.writer.rollup  # once for all
    """
    + WRITER
    + """
    folder, first, crowd = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for number in range(first, first + crowd):
        pid = os.fork()
        if pid == 0:
            write(number, folder)
        print(pid, flush=True)
    sys.stdin.read()
    """
)
ALONE = (
    "    import os, random, sys, trackio\n"
    + WRITER
    + "    print('ready', flush=True)\n    write(int(sys.argv[2]), sys.argv[1])\n"
)


def kills(scale: Scale) -> Iterator[Outcome]:
    """Into a directory, and on the way to a store elsewhere."""
    elsewhere = max(1, scale.kills // 20)
    yield attempt(
        f"`kill -9` of {scale.kills - elsewhere:,} processes that log into a directory",
        lambda: _kill_crowds(scale, scale.kills - elsewhere),
    )
    yield attempt(
        f"`kill -9` of {elsewhere:,} processes that log to a real S3 server",
        lambda: _kill_senders(scale, elsewhere),
    )


def _kill_crowds(scale: Scale, kills: int) -> str:
    rng = random.Random(scale.seed)
    rows = 0
    for first in range(0, kills, CROWD):
        crowd = min(CROWD, kills - first)
        with folder() as place:
            flush_s = rng.choice(["0.01", "0.05", "0.5", "60"])
            parent = start(
                place, FORKS, str(place), str(first), str(crowd), TRACKIO_FLUSH_S=flush_s
            )
            assert parent.stdout is not None
            pids = [int(parent.stdout.readline()) for _ in range(crowd)]
            for pid in rng.sample(pids, crowd):
                time.sleep(rng.expovariate(20.0))  # the moment is what is drawn here
                os.kill(pid, signal.SIGKILL)
            parent.communicate()
            recover(place)
            rows += _check(open_store(place), place)
    return _told(kills, rows)


def _kill_senders(scale: Scale, kills: int) -> str:
    rng = random.Random(scale.seed)
    rows = 0
    with running_seaweed() as server:
        for first in range(0, kills, CROWD):
            crowd = min(CROWD, kills - first)
            with folder() as place:
                env = {
                    **server.credentials(),
                    "TRACKIO_STORE": server.url(f"kills-{first}"),
                    "TRACKIO_FLUSH_S": rng.choice(["0.05", "0.5"]),
                }
                children = [
                    start(place, ALONE, str(place), str(first + number), **env)
                    for number in range(crowd)
                ]
                _kill_each(children, rng)
                sent = start(place, SENDS, **env).communicate(timeout=300)
                assert not sent[1].strip(), sent[1]
                os.environ.update(server.credentials())
                rows += _check(open_store(env["TRACKIO_STORE"]), place)
    return _told(kills, rows)


SENDS = """
    import trackio
    from trackio.settings import Settings
    from trackio.upkeep.background import recover
    report = recover(Settings.from_env())
    assert not report.problems and not report.files_waiting, report
"""


def _kill_each(children: "list[subprocess.Popen[str]]", rng: random.Random) -> None:
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in rng.sample(children, len(children)):
        time.sleep(rng.expovariate(5.0))
        child.kill()
        child.communicate()


def _check(store: Store, place: Path) -> int:
    """Every call that said so is there once; at most one a process came not to say so."""
    found = sorted(_values(store))
    said = [path.read_text() for path in place.glob("said-*")]
    told = {float(line) for text in said for line in text[: text.rfind("\n") + 1].split()}
    lost = told - set(found)
    assert not lost, f"{len(lost)} of {len(told)} acknowledged rows are lost"
    assert len(found) == len(set(found)), f"{len(found) - len(set(found))} rows are shown twice"
    more = len(set(found) - told)
    assert more <= CROWD, f"{more} rows that nobody logged"
    return len(told)


def _values(store: Store) -> Iterator[float]:
    for run_files in list_project(store, "p").runs.values():
        for files in run_files.writers.values():
            for taken in files.cover.taken:
                _, table = shard.decode(store.get(str(taken.key)))
                names = ("seq", "kind", "key", "value")
                for seq, kind, key, value in zip(
                    *(table[name].to_pylist() for name in names), strict=True
                ):
                    if (kind, key) == (METRIC, "i") and taken.first <= seq <= taken.last:
                        yield value


def _told(kills: int, rows: int) -> str:
    return (
        f"{kills:,} kills, {rows:,} acknowledged rows: 0 lost, 0 shown twice, every file readable"
    )
