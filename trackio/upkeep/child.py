"""Start the jobs as a child process, which alone holds the write token. Does no job itself.

The token is taken out of this process's environment whether or not jobs are wanted, so that
whoever gets into a dashboard finds nothing to write with.
"""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Final

TOKEN: Final = "TRACKIO_JOBS_TOKEN"  # noqa: S105 - the name of a variable
_WANTED: Final = "TRACKIO_JOBS"
_EVERY: Final = "TRACKIO_JOBS_EVERY"
_CHILD: Final = "JOBS_CHILD_PID"
_END_S: Final = 20.0


def start_jobs(environ: MutableMapping[str, str]) -> "subprocess.Popen[bytes] | None":
    """Start `trackio jobs` if `TRACKIO_JOBS=1` and there is a token; ends with this process.

    A store that is a directory needs no token. The child finds the token as `HF_TOKEN`.
    """
    if pid := environ.pop(_CHILD, None):
        atexit.register(_end_process, int(pid))
        return None
    token = environ.pop(TOKEN, None)
    if environ.get(_WANTED) != "1" or not (token or _is_local(environ)):
        return None
    inherited = {**environ, **({"HF_TOKEN": token} if token else {})}
    command = [sys.executable, "-m", "trackio", "jobs", "--every", environ.get(_EVERY) or "5m"]
    child = subprocess.Popen(command, env=inherited)  # noqa: S603 - our own command
    atexit.register(_end, child)
    return child


def begin_again(environ: Mapping[str, str], child: "subprocess.Popen[bytes] | None") -> None:
    """Replace this program by itself without the token, which the system would still show.

    Does not return, except on Windows. The new program's `start_jobs` takes the child over.
    """
    if os.name != "posix":
        return
    inherited = {**environ, **({} if child is None else {_CHILD: str(child.pid)})}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], inherited)  # noqa: S606 - us


def _is_local(environ: MutableMapping[str, str]) -> bool:
    from trackio.settings import Settings
    from trackio.store import is_local, open_store

    return is_local(open_store(Settings.from_env(environ).store_url))


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Let it stop between two steps; what it cannot finish is for the next time."""
    child.terminate()
    try:
        child.wait(_END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _end_process(pid: int) -> None:
    """The same for a child of the program that this one took over from."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
