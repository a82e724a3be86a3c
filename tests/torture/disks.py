"""Disks that are full or may not be written, and what the kernel is asked for."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from children import START, environment, journals, metrics, recover, run

from .scenario import NotPossible, Outcome, Scale, attempt, check_same, folder

READ = """
    import sys
    from trackio import Api
    (run,) = list(Api(store=sys.argv[1]).runs("p"))
    print(len(run.history(["i"], samples=None)), flush=True)
"""
FILL = """
ballast = open(os.environ["TRACKIO_DIR"] + "/ballast", "wb", buffering=0)
def fill():
    for size in (65536, 4096, 1):
        try:
            while True:
                ballast.write(bytes(size))
        except OSError:
            pass
for i in range(1000):
    run.log({"i": i})
run.flush()
fill()
for i in range(1000, 2000):
    run.log({"i": i})
time.sleep(1)
os.truncate(ballast.name, 0)
for i in range(2000, 3000):
    run.log({"i": i})
report = run.finish()
print(report.local)
"""
LOGS = START + "for i in range(3000):\n    run.log({'i': i})\n    time.sleep(0.0003)\n"
_SHARED_WRITABLE = re.compile(r"mmap\(.*PROT_WRITE.*MAP_SHARED")
_LOCKS = re.compile(r"flock\(|F_SETLK|F_OFD_SETLK|lockf\(")


def disks(scale: Scale) -> Iterator[Outcome]:
    """Each on a file system of its own, where one can be mounted."""
    del scale
    yield attempt("a tmpfs of 2 MB fills up while it is logged to, then there is room", _full)
    yield attempt("a store is read from a read-only mount", _read_only)
    yield attempt("the system calls of a process that logs, merges and reads (`strace`)", _calls)


@contextmanager
def _mounted(place: Path, *options: str) -> Iterator[Path]:
    place.mkdir()
    done = subprocess.run(["mount", *options, place], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPossible(done.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=False)


def _full() -> str:
    with (
        folder() as place,
        _mounted(place / "small", "-t", "tmpfs", "-o", "size=2m", "none") as small,
    ):
        done = run(small, START + FILL, TRACKIO_FLUSH_S="0.1")
        assert done.returncode == 0, done.stderr[-300:]
        recover(small)
        check_same(metrics(small), [float(n) for n in range(3000)])
        assert "No space left" in done.stderr, "it did not say that the disk is full"
        assert [] == journals(small), "journals are left"
        return "3,000 rows, a third of them logged on a full disk"


def _read_only() -> str:
    with folder() as place:
        run(place / "store", LOGS)
        with _mounted(place / "mounted", "--bind", "-o", "ro", str(place / "store")) as mounted:
            subprocess.run(["mount", "-o", "remount,bind,ro", mounted], check=True)
            try:
                (mounted / "x").touch()
            except OSError:
                pass
            else:
                raise NotPossible("the mount can be written")
            env = environment(place / "home")
            done = subprocess.run(
                [sys.executable, "-c", dedent(READ), str(mounted)],
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout.strip() == "3000", done.stdout + done.stderr[-300:]
    return "3,000 rows read, 0 errors"


def _calls() -> str:
    strace = shutil.which("strace")
    if strace is None:
        raise NotPossible("there is no strace")
    with folder() as place:
        home = place / "home"
        env = environment(home, TRACKIO_FLUSH_S="0.02")
        for number, (script, *args) in enumerate(((LOGS,), (READ, str(home)))):
            watch = [strace, "-f", "-y", "-qq", "-e", "trace=flock,fcntl,mmap"]
            command = [*watch, "-o", str(place / f"calls-{number}"), sys.executable, "-c"]
            done = subprocess.run(
                [*command, dedent(script), *args],
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-300:]
        lines = [line for path in place.glob("calls*") for line in path.read_text().splitlines()]
        ours = [line for line in lines if str(home) in line]
        locks = [line for line in ours if _LOCKS.search(line)]
        maps = [line for line in ours if _SHARED_WRITABLE.search(line)]
        assert len(lines) > 100, "strace saw hardly anything"
        assert not locks, f"locks: {locks[0]}"
        assert not maps, f"shared writable maps: {maps[0]}"
    return (
        f"{len(lines):,} calls of `mmap`, `fcntl`, `flock`: none locks a file of ours, "
        "none maps one shared and writable"
    )
