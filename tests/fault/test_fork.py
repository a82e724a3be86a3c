"""Forked and spawned children: each is a writer of its own, and none waits for a parent's lock."""

import os
import signal

import pytest
from children import LONGEST_S, START, finishes, journals, metrics, recover, run, start, stored

from trackio.catalog import list_project
from trackio.model import METRIC
from trackio.store import open_store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

LOG = START + "run.log({'i': 0})\n"


def _writers(folder):
    """How many writers each run has."""
    runs = list_project(open_store(folder), "p").runs.values()
    return sorted(len(run_files.writers) for run_files in runs)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_log_into_the_run_they_inherit(tmp_path, method):
    """Each into a folder of its own; all of it is there when they have ended."""
    if method == "fork":
        work = "def work(n):\n    run.log({'i': n})\n"
    else:
        work = "def work(n):\n    trackio.init('p', name='shared', resume='must').log({'i': n})\n"
    script = f"""
import multiprocessing, sys, trackio
{work}
if __name__ == "__main__":
    run = trackio.init("p", name="shared")
    run.log({{"i": 0}})
    run.flush()
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(n,)) for n in (1, 2, 3)]
    [child.start() for child in children]
    [child.join() for child in children]
    run.log({{"i": 4}})
    print([child.exitcode for child in children])
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    done = run(tmp_path, f"import runpy; runpy.run_path({str(path)!r}, run_name='__main__')")
    if method != "fork":  # a spawned child reads the script by its path
        done = run(tmp_path / method, _RUN_FILE, str(path))
    assert (0, "[0, 0, 0]") == (done.returncode, done.stdout.strip()), done.stderr
    folder = tmp_path if method == "fork" else tmp_path / method
    assert [0.0, 1.0, 2.0, 3.0, 4.0] == metrics(folder)
    assert [4] == _writers(folder)
    assert ["finished"] * 4 == [end["state"] for end in finishes(folder)]
    assert [] == journals(folder)


_RUN_FILE = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, sys.argv[1]]))"


def test_a_child_of_multiprocessing_that_fails_says_why(tmp_path):
    """It skips what runs at the end of an interpreter; its run is ended all the same."""
    script = """
        import multiprocessing, trackio
        def work():
            trackio.init("p").log({"i": 1})
            raise ValueError("x")
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        print(child.exitcode)
    """
    done = run(tmp_path, script)
    assert "1" == done.stdout.strip()
    (end,) = finishes(tmp_path)
    assert ("failed", "ValueError") == (end["state"], end["reason"])


def test_a_child_that_is_told_to_end_ends(tmp_path):
    """`terminate()` of one that logs, and of one that never did: neither hangs."""
    script = """
        import multiprocessing, time, trackio
        run = trackio.init("p")
        run.log({"i": 0})
        context = multiprocessing.get_context("fork")
        def work(logs, ready):
            if logs:
                run.log({"i": 1})
            ready.set()
            while True:
                time.sleep(0.05)
        codes = []
        for logs in (False, True):
            ready = context.Event()
            child = context.Process(target=work, args=(logs, ready))
            child.start()
            ready.wait()
            child.terminate()
            child.join()
            codes.append(child.exitcode)
        print(codes)
    """
    done = run(tmp_path, script)
    assert (str([-signal.SIGTERM] * 2), "") == (done.stdout.strip(), done.stderr)
    assert [0.0, 1.0] == metrics(tmp_path)
    assert ["finished", "failed"] == [end["state"] for end in finishes(tmp_path)]


def test_a_plain_fork_that_exits_is_a_writer_of_its_own(tmp_path):
    """`os.fork`: the child ends like any interpreter."""
    script = """
        pid = os.fork()
        if pid == 0:
            trackio.log({"i": 1})
            run.log({"i": 2})
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        run.log({"i": 3})
    """
    done = run(tmp_path, LOG + "if True:" + script)
    assert ("0", "") == (done.stdout.strip(), done.stderr)
    assert [0.0, 1.0, 2.0, 3.0] == metrics(tmp_path)
    assert [2] == _writers(tmp_path)
    assert ["finished"] * 2 == [end["state"] for end in finishes(tmp_path)]


def test_a_plain_fork_that_leaves_without_a_word_is_recovered(tmp_path):
    """`os._exit` in the child; the parent's calls are its own."""
    script = """
        pid = os.fork()
        if pid == 0:
            run.log({"i": 1})
            os._exit(0)
        os.waitpid(pid, 0)
    """
    done = run(tmp_path, LOG + "if True:" + script, TRACKIO_FLUSH_S="60")
    assert (0, "") == (done.returncode, done.stderr)
    assert [0.0] == metrics(tmp_path)
    recover(tmp_path)
    assert [0.0, 1.0] == metrics(tmp_path)


def test_a_child_that_does_not_log_leaves_no_trace(tmp_path):
    """It inherits a run and drops it: the parent's journal is not its to remove."""
    script = """
        for leave in (os._exit, sys.exit):
            pid = os.fork()
            if pid == 0:
                leave(0)
            os.waitpid(pid, 0)
        run.log({"i": 1})
        assert len(os.listdir(os.environ["TRACKIO_DIR"] + "/.journal")) == 1
    """
    done = run(tmp_path, LOG + "if True:" + script)
    assert (0, "") == (done.returncode, done.stderr)
    assert [0.0, 1.0] == metrics(tmp_path)
    assert [1] == _writers(tmp_path)


def test_a_child_of_a_parent_whose_run_has_ended_reaches_a_store_elsewhere(tmp_path):
    """The thread that sends is the parent's; the child starts its own."""
    script = """
        import os, trackio
        from trackio.store.memory import open_memory
        trackio.init("p", store="memory://far").finish()
        pid = os.fork()
        if pid == 0:
            run = trackio.init("p", store="memory://far")
            run.log({"i": 1})
            os._exit(0 if run.finish().is_complete else 3)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    child = start(tmp_path, script)
    out, err = child.communicate(timeout=LONGEST_S)
    assert ("0", "") == (out.strip(), err)


def test_forking_while_other_threads_log_hangs_nobody(tmp_path):
    """The parent's locks may be held at that moment; the child has locks of its own."""
    script = """
        over = threading.Event()
        def work():
            while not over.is_set():
                run.log({"i": 0, "bad": object()})
        threads = [threading.Thread(target=work) for _ in range(3)]
        [thread.start() for thread in threads]
        codes = []
        for n in range(20):
            pid = os.fork()
            if pid == 0:
                signal.alarm(60)
                run.log({"child": n})
                os._exit(0 if run.finish().is_complete else 3)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        over.set()
        [thread.join() for thread in threads]
        run.finish()
        print(codes)
    """
    done = run(tmp_path, LOG + "if True:" + script, TRACKIO_FLUSH_S="0.01")
    assert (0, str([0] * 20)) == (done.returncode, done.stdout.strip()), done.stderr[-2000:]
    assert [float(n) for n in range(20)] == metrics(tmp_path, "child")
    assert [21] == _writers(tmp_path)


@pytest.mark.parametrize(
    "work",
    ["run.finish(); run.log({'i': 0})", "trackio.init('q', reinit='create_new').finish()"],
    ids=["of the same run", "of others"],
)
def test_forking_while_runs_begin_and_end_hangs_nobody(tmp_path, work):
    """Also a run that is in neither state at that moment can be gone on with."""
    script = f"""
        over = threading.Event()
        def work():
            while not over.is_set():
                {work}
        thread = threading.Thread(target=work)
        thread.start()
        codes = []
        for n in range(20):
            pid = os.fork()
            if pid == 0:
                signal.alarm(60)
                run.log({{"child": n}})
                os._exit(0 if run.finish().is_complete else 3)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        over.set()
        thread.join()
        print(codes)
    """
    done = run(tmp_path, LOG + "if True:" + script)
    assert str([0] * 20) == done.stdout.strip(), done.stderr[-2000:]
    assert [float(n) for n in range(20)] == metrics(tmp_path, "child")


def test_a_grandchild_is_a_writer_of_its_own_too(tmp_path):
    """Data loaders fork, and what they call forks again."""
    script = """
        for depth in (1, 2, 3):
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                break
            run.log({"i": depth})
    """
    done = run(tmp_path, LOG + "if True:" + script)
    assert (0, "") == (done.returncode, done.stderr)
    assert [0.0, 1.0, 2.0, 3.0] == metrics(tmp_path)
    rows = [row for row in stored(tmp_path) if row.kind == METRIC]
    assert 4 == len({row.writer_id for row in rows}) == len(rows)
    assert 1 == len({row.run_id for row in rows})
