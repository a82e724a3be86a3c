"""Run a command and wait for everything it left behind, so that its CPU is counted whole.

Some trackers work in processes of their own, which outlive the one that logs. This becomes the
parent of those (Linux's child subreaper), waits `GRACE_S` for them to end, and stops the rest.
What has not ended after `LIMIT_S` is stopped as a whole.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LIMIT_S: Final = 150.0
GRACE_S: Final = 30.0
PR_SET_CHILD_SUBREAPER: Final = 36


def main() -> None:
    """The exit code is the command's; its process id is the first line of standard error."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with stopping_after(LIMIT_S):
        process = subprocess.Popen(sys.argv[1:])
        print(process.pid, file=sys.stderr, flush=True)
        code = process.wait()
    with stopping_after(GRACE_S), contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    sys.exit(code if code >= 0 else 128 - code)


@contextlib.contextmanager
def stopping_after(seconds: float) -> Iterator[None]:
    """Kill all children when the time is up before the block ends."""
    timer = threading.Timer(seconds, stop_children)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


def stop_children() -> None:
    """Kill what is there, and what then becomes ours."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    timer = threading.Timer(1.0, stop_children)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
