"""SIGKILL at any moment: every call that returned is in the store, once."""

import random
import signal

import pytest
from children import PROJECT, finishes, journals, metrics, recover, start, stored

from trackio.catalog import list_project
from trackio.model import METRIC
from trackio.store import open_store

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

TELLS = """
    import os, sys, trackio
    flush_after, finish_after = int(sys.argv[1]), int(sys.argv[2])
    run = trackio.init("p", name="killed", config={"lr": 0.1})
    for i in range(finish_after):
        trackio.log({"i": i, "half": i / 2, "text": "t"} if i % 50 == 7 else {"i": i})
        os.write(1, b"%d\\n" % i)
        if flush_after and i % flush_after == 0:
            run.flush()
    os.write(1, b"finishing\\n")
    trackio.finish()
    os.write(1, b"finished\\n")
    sys.stdin.read()
"""


def _killed_after(folder, told, flush_after, finish_after=10**9, **env):
    """What the child said until it was killed, which is right after it said `told`."""
    child = start(folder, TELLS, str(flush_after), str(finish_after), **env)
    said = []
    for line in child.stdout:
        said.append(line.strip())
        if line.strip() == told:
            child.kill()
            break
    said += child.stdout.read().split()  # acknowledged before it died
    _, err = child.communicate()
    assert -signal.SIGKILL == child.returncode, err
    return said


@pytest.mark.parametrize("seed", range(12))
def test_every_call_that_returned_is_stored_once(tmp_path, seed):
    """Killed after a number of calls that the seed decides, with shards on the way or none."""
    rng = random.Random(seed)
    calls = int(10 ** rng.uniform(0, 3.6))
    flush_after = rng.choice([0, 0, 37, 500])
    flush_s = rng.choice(["0.01", "0.2", "60"])
    said = _killed_after(tmp_path, str(calls), flush_after, TRACKIO_FLUSH_S=flush_s)
    acknowledged = [float(number) for number in said]
    assert [float(number) for number in range(len(said))] == acknowledged
    recover(tmp_path)
    found = metrics(tmp_path)
    assert acknowledged == found[: len(acknowledged)]
    assert len(found) - len(acknowledged) in (0, 1)  # one call may not have come to say so
    assert [] == finishes(tmp_path)
    seqs = [row.seq for row in stored(tmp_path) if (row.kind, row.key) == (METRIC, "i")]
    assert list(range(2, 2 + len(found))) == seqs  # after the start row and the config


@pytest.mark.parametrize("last", ["finishing", "finished"])
def test_killed_while_or_after_it_finishes(tmp_path, last):
    """Nothing is doubled by a recovery that repeats what was half done."""
    _killed_after(tmp_path, last, flush_after=50, finish_after=200)
    recover(tmp_path)
    assert [float(number) for number in range(200)] == metrics(tmp_path)
    ends = finishes(tmp_path)
    assert len(ends) <= 1
    if last == "finished":
        assert ["finished"] == [end["state"] for end in ends]
        assert [] == journals(tmp_path)


def test_recovering_again_changes_nothing_and_journals_go_in_the_end(tmp_path):
    """They stay until what was published has been seen to be safe."""
    said = _killed_after(tmp_path, "100", flush_after=0)
    assert len(said) + 2 <= recover(tmp_path).calls
    before = stored(tmp_path)
    assert 0 == recover(tmp_path).calls
    assert before == stored(tmp_path)
    assert 1 == len(journals(tmp_path))


def test_a_run_that_was_killed_is_gone_on_with_by_name(tmp_path):
    """`resume="must"` finds it although nothing of it was in the store."""
    said = _killed_after(tmp_path, "20", flush_after=0, TRACKIO_FLUSH_S="60")
    assert [] == list(open_store(tmp_path).list(f"{PROJECT}/runs/"))
    child = start(
        tmp_path,
        """
        import trackio
        run = trackio.init("p", name="killed", resume="must")
        run.log({"more": 1})
        run.finish()
        """,
    )
    _, err = child.communicate(timeout=120)
    assert 0 == child.returncode, err
    (run,) = list_project(open_store(tmp_path), PROJECT).runs.values()
    assert 2 == len(run.writers)
    assert len(said) <= len(metrics(tmp_path))
    assert [1.0] == metrics(tmp_path, "more")


def test_the_next_process_recovers_in_the_background(tmp_path):
    """Nobody has to know that there is something to recover."""
    said = _killed_after(tmp_path, "50", flush_after=0, TRACKIO_FLUSH_S="60")
    child = start(
        tmp_path,
        """
        import threading, trackio
        run = trackio.init("another")
        for thread in threading.enumerate():
            if thread.name == "trackio-recover":
                thread.join()
        run.finish()
        """,
    )
    _, err = child.communicate(timeout=120)
    assert 0 == child.returncode, err
    assert "recovered" in err
    assert [float(number) for number in said] == metrics(tmp_path)[: len(said)]


def test_recoveries_at_once_are_harmless(tmp_path):
    """Four processes find the same journal; each row is counted once."""
    said = _killed_after(tmp_path, "300", flush_after=40)
    script = """
        import os, sys
        from pathlib import Path
        from trackio.settings import Settings
        from trackio.upkeep.background import recover
        print("ready", flush=True)
        sys.stdin.readline()
        recover(Settings.from_env())
    """
    children = [start(tmp_path, script) for _ in range(4)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, err = child.communicate(timeout=120)
        assert 0 == child.returncode, err
    found = metrics(tmp_path)
    assert [float(number) for number in said] == found[: len(said)]
    assert len(found) == len(set(found))
