"""A training goes on and ends well, whatever is broken around it, and loses nothing it was told.

Each of these is the same script in a process of its own, with warnings as errors, on a machine
that is broken for real: a full disk, a read-only one, folders without rights, a corrupt store, a
file system that hangs. It ends by itself, by SIGTERM, or with children, forked and spawned.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from broken import Machine, corrupt, denied, full_disk, hung, read_only, sound
from children import LONGEST_S, environment, metrics

from trackio.settings import Settings
from trackio.upkeep import background

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, and signals of POSIX")

MACHINES = {
    "sound": sound,
    "full disk": partial(full_disk, whole=True),
    "full disk under the store": partial(full_disk, whole=False),
    "read-only disk": partial(read_only, whole=True),
    "read-only disk under the store": partial(read_only, whole=False),
    "a home without rights": partial(denied, whole=True),
    "a store without rights": partial(denied, whole=False),
    "a corrupt home": partial(corrupt, whole=True),
    "a corrupt store": partial(corrupt, whole=False),
    "a store that hangs": partial(hung, whole=False),
}
QUICK = {"FINISH": "0.5", "FLUSH": "0.05", "RESUME": "0.5"}
TRAINING = dedent(
    """
    import os, sys, trackio

    def epochs(run, first, last):
        for i in range(first, last):
            run.log({"i": i, "words": "x" * 1000})

    def spawned():
        with trackio.init("p", name="spawned", resume="allow") as run:
            epochs(run, 300, 310)

    if __name__ == "__main__":
        run = trackio.init("p", name="n", config={"lr": 0.1}, resume="allow")
        epochs(run, 0, 10)
        print("ready", flush=True)
        sys.stdin.readline()
        epochs(run, 10, 20)
        run.alert("half", "way")
        run.summary["best"] = 1
        run.config.lr = 0.2
        END
        print("whole", flush=True)
    """
)
ENDS = {
    "itself": "",
    "SIGTERM": """
        import time
        os.kill(os.getpid(), 15)
        while True:
            time.sleep(0.05)
    """,
    "children": """
        child = os.fork()
        if child == 0:
            epochs(run, 200, 210)
            run.finish()
            os._exit(0)
        import multiprocessing
        other = multiprocessing.get_context("spawn").Process(target=spawned)
        other.start()
        other.join()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), other.exitcode)
    """,
}


@pytest.fixture(params=MACHINES)
def machine(request, tmp_path):
    breaking: Callable[[Path], AbstractContextManager[Machine]] = MACHINES[request.param]
    with breaking(tmp_path) as found:
        yield found


def _start(machine, folder, end):
    program = folder / "training.py"
    ending = dedent(ENDS[end]).strip().replace("\n", "\n    ")
    program.write_text(TRAINING.replace("END", ending))
    quick = {f"TRACKIO_{name}_S": seconds for name, seconds in QUICK.items()}
    return subprocess.Popen(
        [*machine.command, sys.executable, program],
        env=environment(machine.home, **quick, **machine.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stored(machine):
    """What the next process of this machine finds, when somebody has mended it."""
    machine.mends()
    background.recover(Settings.from_env(machine.env))
    return metrics(machine.store)


def _numbers(first, last):
    return [float(number) for number in range(first, last)]


@pytest.mark.parametrize("end", ENDS)
def test_a_training_ends_well_where_something_breaks_meanwhile(machine, tmp_path, end):
    """What was logged before is kept; after that too where the journal can be written."""
    child = _start(machine, tmp_path, end)
    assert "ready\n" == child.stdout.readline(), child.stderr.read()
    machine.breaks()
    child.stdin.write("\n")
    child.stdin.flush()
    said = []
    if end == "children" and machine.holds_children:
        # The last thing that the last of them says; then somebody mends the machine.
        while not said or "'spawned' are not in" not in said[-1]:
            said.append(child.stderr.readline())
            assert said[-1], said
        machine.mends()
    out, err = child.communicate(timeout=LONGEST_S)
    err = "".join(said) + err
    if end == "SIGTERM":
        assert (-signal.SIGTERM, "") == (child.returncode, out), err
    else:
        children = "0 0\n" if end == "children" else ""
        assert (0, f"{children}whole\n") == (child.returncode, out), err
    assert "Traceback" not in err
    assert [] == [words for words in machine.says if words not in err], err
    expected = _numbers(0, 20) if machine.keeps_journal else _numbers(0, 10)
    if end == "children" and machine.keeps_journal:
        expected += [*_numbers(200, 210), *_numbers(300, 310)]
    found = _stored(machine)
    assert expected == (found if machine.keeps_journal else found[: len(expected)])
    assert len(found) == len(set(found))


def test_a_training_ends_well_where_something_is_broken_from_the_beginning(machine, tmp_path):
    """`init` returns too, also where it is to look for a run to go on with."""
    machine.breaks()
    child = _start(machine, tmp_path, "itself")
    out, err = child.communicate("\n", timeout=LONGEST_S)
    assert (0, "ready\nwhole\n") == (child.returncode, out), err
    assert "Traceback" not in err
    said = machine.says if machine.keeps_journal else ("journal", "TRACKIO_JOURNAL_DIR")
    assert [] == [words for words in said if words not in err], err
    if machine.keeps_journal:
        assert _numbers(0, 20) == _stored(machine)
