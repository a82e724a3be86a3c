"""Two machines on one store: each with a host name, a network and processes of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from children import environment, metrics, recover

from .scenario import NotPossible, Outcome, Scale, attempt, check_same, folder

WRITER = """
    import os, sys, trackio
    said = open(sys.argv[2], "a", buffering=1)
    first = int(sys.argv[1])
    run = trackio.init("p", name=os.uname().nodename)
    for i in range(first, first + 5000):
        run.log({"i": i})
        said.write(f"{i}\\n")
    run.finish()
    said.write("finished\\n")
    said.close()
"""
RECOVERS = """
    from trackio.settings import Settings
    from trackio.upkeep.background import recover
    print(recover(Settings.from_env()).calls)
"""


def hosts(scale: Scale) -> Iterator[Outcome]:
    """They know nothing of each other; one of them dies."""
    del scale
    yield attempt(
        "two hosts (own UTS, network and process namespaces) log into one directory at once", _both
    )
    yield attempt("one of two hosts is killed; the other recovers while it logs itself", _one_dies)


def _host(name: str, place: Path, script: str, *args: str) -> "subprocess.Popen[str]":
    """A process on a host of this name."""
    unshare = shutil.which("unshare")
    if unshare is None:
        raise NotPossible("there is no `unshare`")
    alone = [unshare, "--uts", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        raise NotPossible("namespaces may not be made")
    program = [sys.executable, "-c", dedent(script), *args]
    set_name = ["sh", "-c", 'hostname "$0" && exec "$@"', name]
    return subprocess.Popen(
        [*alone, *set_name, *program],
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _said(place: Path, name: str) -> list[str]:
    path = place / name
    return path.read_text().split("\n")[:-1] if path.exists() else []


def _both() -> str:
    with folder() as place:
        children = [
            _host(name, place, WRITER, str(first), str(place / name))
            for name, first in (("one", 0), ("two", 5000))
        ]
        for child in children:
            _, err = child.communicate(timeout=120)
            assert (0, "") == (child.returncode, err), err[-300:]
        check_same(metrics(place), [float(n) for n in range(10_000)])
        return "10,000 rows, each there once, 0 errors"


def _one_dies() -> str:
    with folder() as place:
        one = _host("one", place, WRITER, "0", str(place / "one"))
        two = _host("two", place, WRITER, "5000", str(place / "two"))
        while len(_said(place, "one")) < 500 and one.poll() is None:
            time.sleep(0.01)
        os.kill(one.pid, signal.SIGKILL)
        one.communicate()
        elsewhere = _host("two", place, RECOVERS)
        elsewhere.communicate(timeout=120)
        _, err = two.communicate(timeout=120)
        assert two.returncode == 0, err[-300:]
        said = [float(i) for i in (*_said(place, "one"), *_said(place, "two")) if i[0].isdigit()]
        recover(place, everything=True)
        check_same(metrics(place), said, beside=1)
        return f"{len(said):,} acknowledged rows, each there once"
