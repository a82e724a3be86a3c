"""Hundreds of processes log into one project at once."""

import time
from collections.abc import Iterator

from children import finishes, journals, metrics, run

from .scenario import Outcome, Scale, attempt, check_same, folder

LONGEST_S = 60.0

CROWD = """
    import os, sys, trackio
    import trackio.current, trackio.writer.publisher, trackio.writer.rollup  # once for all
    crowd, calls = int(sys.argv[1]), int(sys.argv[2])
    go_read, go_write = os.pipe()
    children = []
    for number in range(crowd):
        pid = os.fork()
        if pid == 0:
            os.close(go_write)
            os.read(go_read, 1)  # all begin at once
            run = trackio.init("p", name=f"rank {number}")
            for call in range(calls):
                run.log({"i": number * calls + call})
            report = run.finish()
            os._exit(0 if report.is_complete else 3)
        children.append(pid)
    os.close(go_write)
    print(sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in children))
"""


def crowd(scale: Scale) -> Iterator[Outcome]:
    """Nothing is shared, so nothing is lost."""

    def work() -> str:
        with folder() as place:
            began_s = time.monotonic()
            done = run(place, CROWD, str(scale.writers), str(scale.calls))
            took_s = time.monotonic() - began_s
            assert (0, "0") == (done.returncode, done.stdout.strip()), done.stderr[-300:]
            assert "" == done.stderr, done.stderr[:300]
            total = scale.writers * scale.calls
            check_same(metrics(place), [float(n) for n in range(total)])
            assert ["finished"] * scale.writers == [end["state"] for end in finishes(place)]
            assert [] == journals(place)
            slow = "" if took_s <= LONGEST_S else f", slower than the {LONGEST_S:.0f} s aimed at"
            return f"{total:,} rows, each there once, 0 errors, {took_s:.0f} s{slow}"

    yield attempt(f"{scale.writers} processes × {scale.calls:,} calls into one project", work)
