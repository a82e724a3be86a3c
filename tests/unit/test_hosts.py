"""Whether a process is proven dead or alive: never a guess."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from trackio.hosts import ProcessIdentity, is_proven_alive, is_proven_dead, own_identity

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux proves it")
ME = own_identity()


def test_this_process_lives():
    """Whatever system it is."""
    assert is_proven_alive(ME)
    assert not is_proven_dead(ME)
    assert ME == own_identity()


@linux
def test_a_process_that_ended_is_dead():
    """Also while nobody has asked for its exit status."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    identity = replace(ME, pid=child.pid, started=started)
    assert (True, False) == (is_proven_alive(identity), is_proven_dead(identity))
    child.kill()
    child.communicate()
    assert (False, True) == (is_proven_alive(identity), is_proven_dead(identity))


@linux
def test_a_zombie_is_dead():
    """Killed, but its parent has not noticed: it writes nothing any more."""
    script = """if True:
        import os
        if (pid := os.fork()) == 0:
            os._exit(0)
        print(pid, flush=True)
        input()
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    pid = int(parent.stdout.readline())
    stat = Path(f"/proc/{pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        pass
    started = stat.read_text().rpartition(")")[2].split()[19]
    assert is_proven_dead(replace(ME, pid=pid, started=started))
    parent.communicate(b"\n")


@linux
def test_a_process_id_that_was_used_again_is_not_mistaken():
    """The start time tells the two apart."""
    assert is_proven_dead(replace(ME, started=ME.started + "0"))


@pytest.mark.parametrize(
    "other",
    [
        replace(ME, boot_id="another boot"),
        replace(ME, pid_namespace="pid:[1]"),
        replace(ME, boot_id="", pid=2**22 + 1),
        replace(ME, pid_namespace="", pid=2**22 + 1),
        replace(ME, started="", pid=2**22 + 1),
        ProcessIdentity(host=ME.host, pid=2**22 + 1),
    ],
)
def test_what_cannot_be_known_is_neither_dead_nor_alive(other):
    """Another boot, another container, a system without /proc."""
    assert (False, False) == (is_proven_alive(other), is_proven_dead(other))
