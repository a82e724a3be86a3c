"""The ways in which processes end, or multiply, and machines vanish."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

from children import START, environment, finishes, metrics, run, start
from standin.seaweed import running_seaweed

from trackio.store import open_store
from trackio.testing.reading import points_in

from .scenario import NotPossible, Outcome, Scale, attempt, check_kept, check_same, folder

CALLS = [float(number) for number in range(2_000)]
LOG = START + "for i in range(2000):\n    run.log({'i': i})\n"
_SIGNALS = """
print("ready", flush=True)
time.sleep(60)
"""
_HOG = """
print("ready", flush=True)
sys.stdin.readline()
held = []
while True:
    held.append(bytearray(b"x" * (8 << 20)))
"""
_LIMITED = """
import resource
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (64 << 20), -1))
held = []
while True:
    held.append(bytearray(b"x" * (8 << 20)))
"""
_FORK = """
pids = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for i in range(500):
            run.log({"i": 2000 + child * 500 + i})
        trackio.finish()
        os._exit(0)
    pids.append(pid)
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
"""
_THREADS = """
def work(first):
    for i in range(first, first + 500):
        run.log({"i": i})
threads = [threading.Thread(target=work, args=(2000 + 500 * n,)) for n in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
"""
_ASYNC = """
import asyncio
async def work(first):
    for i in range(first, first + 500):
        run.log({"i": i})
        if i % 50 == 0:
            await asyncio.sleep(0)
async def main():
    await asyncio.gather(*(work(2000 + 500 * n) for n in range(4)))
asyncio.run(main())
"""
_SPAWN = """
    import multiprocessing, trackio
    def work(first):
        run = trackio.init("p", name=f"from {first}")
        for i in range(first, first + 500):
            run.log({"i": i})
        run.finish()
    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        children = [context.Process(target=work, args=(500 * n,)) for n in range(4)]
        [c.start() for c in children], [c.join() for c in children]
        assert [0] * 4 == [c.exitcode for c in children]
"""
_KERNEL = """
    import os, signal, sys
    from jupyter_client import KernelManager
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    begin = "import trackio; run = trackio.init('p')"
    for code in (begin, "for i in range(2000): run.log({'i': i})"):
        reply = client.execute_interactive(code, timeout=60)
        assert reply["content"]["status"] == "ok", reply
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    print("killed")
"""

_CGROUPS = {
    "/sys/fs/cgroup": "memory.max",
    "/sys/fs/cgroup/memory": "memory.limit_in_bytes",
}


def endings(scale: Scale) -> Iterator[Outcome]:
    """One after the other; each is asked for every row that was acknowledged."""
    del scale
    cases: dict[str, Callable[[Path], str]] = {
        "SIGTERM while it waits": _terminated,
        "`os._exit` without a word": _left,
        "memory that a limit (`RLIMIT_AS`) refuses: MemoryError ends it": _limited,
        "memory that its cgroup refuses: the kernel kills it": _out_of_memory,
        "4 forked children that go on logging": _extended(_FORK),
        "4 spawned children": _spawned,
        "4 threads": _extended(_THREADS),
        "4 tasks of asyncio": _extended(_ASYNC),
        "the kernel of a notebook is killed": _kernel_killed,
        "the machine is gone after `finish()`": _machine_gone,
    }
    for what, case in cases.items():
        with folder() as place:
            yield attempt(what, lambda case=case, place=place: case(place))  # type: ignore[misc]


def _terminated(place: Path) -> str:
    child = start(place, LOG + _SIGNALS)
    assert child.stdout is not None
    child.stdout.readline()
    child.terminate()
    _, err = child.communicate(timeout=120)
    check_same(metrics(place), CALLS)
    ends = [end["state"] for end in finishes(place)]
    assert ends in (["failed"], ["finished"]), f"{ends} {err[-200:]}"
    return f"{len(CALLS):,} rows are in the store before it ends, and how it ended"


def _left(place: Path) -> str:
    run(place, LOG + "os._exit(3)\n")
    check_kept(place, CALLS)
    return f"{len(CALLS):,} rows recovered"


def _limited(place: Path) -> str:
    done = run(place, LOG + _LIMITED)
    assert done.returncode, "it went on"
    check_kept(place, CALLS)
    return f"{len(CALLS):,} rows kept"


def _out_of_memory(place: Path) -> str:
    group = _memory_group(160 << 20)
    child = start(place, LOG + _HOG)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        (group / "cgroup.procs").write_text(str(child.pid))
        child.communicate("go\n", timeout=120)
        assert child.returncode == -9, f"it ended with {child.returncode}"
        check_kept(place, CALLS)
    finally:
        child.kill()
        child.wait()
        group.rmdir()
    return f"killed by the kernel; {len(CALLS):,} rows recovered"


def _memory_group(size_bytes: int) -> Path:
    """A cgroup of version 2 or 1 that may use so much memory."""
    name = f"trackio-torture-{uuid.uuid4().hex[:8]}"
    for root, limit in _CGROUPS.items():
        group = Path(root) / name
        with suppress(OSError):
            if not (Path(root) / "cgroup.procs").exists():
                continue  # that is where others are mounted
            group.mkdir()
            if (group / limit).exists():
                (group / limit).write_text(str(size_bytes))
                return group
            group.rmdir()
    raise NotPossible("no cgroup with a memory limit can be made")


def _extended(more: str) -> Callable[[Path], str]:
    def case(place: Path) -> str:
        done = run(place, LOG + more + "run.finish()\n")
        assert done.returncode == 0, done.stderr[-300:]
        check_same(metrics(place), [float(n) for n in range(4_000)])
        return "4,000 rows, each there once"

    return case


def _spawned(place: Path) -> str:
    script = place / "script.py"
    script.write_text(dedent(_SPAWN))
    done = subprocess.run(
        [sys.executable, script],
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-300:]
    check_same(metrics(place), CALLS)
    return f"{len(CALLS):,} rows, each there once"


def _kernel_killed(place: Path) -> str:
    python = os.environ.get("TRACKIO_TORTURE_KERNEL", sys.executable)
    found = [python, "-c", "import ipykernel, jupyter_client"]
    if subprocess.run(found, capture_output=True, check=False).returncode:
        raise NotPossible("no ipykernel; `make torture` installs one")
    env = environment(place, JUPYTER_PLATFORM_DIRS="1")
    env.pop("PYTHONWARNINGS")
    done = subprocess.run(
        [python, "-c", dedent(_KERNEL)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.stdout.strip().endswith("killed"), done.stderr[-300:]
    time.sleep(0.5)  # the kernel is not our child: until the system has taken it away
    check_kept(place, CALLS)
    return f"{len(CALLS):,} rows recovered"


def _machine_gone(place: Path) -> str:
    with running_seaweed() as server:
        url = server.url("gone")
        done = run(
            place,
            LOG + "assert run.finish().is_complete\n",
            TRACKIO_STORE=url,
            **server.credentials(),
        )
        assert done.returncode == 0, done.stderr[-300:]
        shutil.rmtree(place)
        place.mkdir()
        os.environ.update(server.credentials())
        found = sorted(value for _, _, key, value in points_in(open_store(url), "p") if key == "i")
    assert CALLS == found, f"{len(found)} of {len(CALLS)} rows"
    return f"{len(CALLS):,} rows read from the S3 server alone"
