"""Many real processes in one project: nothing is shared, so nothing is lost."""

import sys

import pytest
from children import START, finishes, journals, metrics, recover, run, start, stored

from trackio.catalog import list_project
from trackio.model import METRIC
from trackio.store import open_store

CALLS = 50

CROWD = """
    import os, sys, trackio
    import trackio.current, trackio.writer.publisher, trackio.writer.rollup  # once for all
    name, crowd, calls = sys.argv[1] or None, int(sys.argv[2]), int(sys.argv[3])
    go_read, go_write = os.pipe()
    children = []
    for number in range(crowd):
        pid = os.fork()
        if pid == 0:
            os.close(go_write)
            os.read(go_read, 1)  # all begin at once
            run = trackio.init("p", name=name)
            for call in range(calls):
                run.log({"i": number * calls + call, "pid": os.getpid()})
            report = run.finish()
            os._exit(0 if report.is_complete else 3)
        children.append(pid)
    os.close(go_write)
    print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("name", ["", "the same"])
def test_sixty_four_processes_lose_no_row(tmp_path, name):
    """Each is a run of its own, also where all have one name."""
    crowd = 64
    done = run(tmp_path, CROWD, name, str(crowd), str(CALLS))
    assert (0, "") == (done.returncode, done.stderr)
    assert str([0] * crowd) == done.stdout.strip()
    assert [float(n) for n in range(crowd * CALLS)] == metrics(tmp_path)
    snapshot = list_project(open_store(tmp_path), "p")
    assert crowd == len(snapshot.runs)
    assert ["finished"] * crowd == [end["state"] for end in finishes(tmp_path)]
    assert [] == journals(tmp_path)
    rows = [row for row in stored(tmp_path) if (row.kind, row.key) == (METRIC, "i")]
    by_run = {run_id: [r.seq for r in rows if r.run_id == run_id] for run_id in snapshot.runs}
    assert {tuple(range(1, CALLS + 1))} == {tuple(seqs) for seqs in by_run.values()}


def test_processes_started_on_their_own_lose_no_row(tmp_path):
    """Fresh interpreters, as a cluster's launcher starts them."""
    script = START + "for i in range(50): run.log({'i': i + 50 * int(sys.argv[1])})\n"
    children = [start(tmp_path, script, str(number)) for number in range(6)]
    ends = [(child.communicate(timeout=120)[1], child.returncode) for child in children]
    assert [("", 0)] * 6 == ends
    assert [float(n) for n in range(300)] == metrics(tmp_path)


def test_two_writers_of_one_run_at_once_lose_nothing(tmp_path):
    """Both resume it by name while it lives; each has its own folder."""
    first = start(
        tmp_path,
        """
        import sys, trackio
        run = trackio.init("p", name="shared")
        run.log({"i": 0})
        run.flush()
        print(run.id, flush=True)
        sys.stdin.readline()
        run.log({"i": 1})
        """,
    )
    run_id = first.stdout.readline().strip()
    second = run(
        tmp_path,
        """
        import trackio
        run = trackio.init("p", name="shared", resume="must")
        run.log({"i": 2})
        print(run.id)
        """,
    )
    assert (run_id, "") == (second.stdout.strip(), second.stderr)
    assert ("", "") == first.communicate("go\n", timeout=120)
    assert [0.0, 1.0, 2.0] == metrics(tmp_path)
    (run_files,) = list_project(open_store(tmp_path), "p").runs.values()
    assert 2 == len(run_files.writers)


def test_eight_threads_lose_nothing(tmp_path):
    """8 × 1,000 calls through one run, published by a ninth."""
    script = """
        import threading, trackio
        run = trackio.init("p")
        def work(thread):
            for call in range(1000):
                run.log({"i": thread * 1000 + call})
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        report = trackio.finish()
        print(report.calls, report.local)
    """
    done = run(tmp_path, script, TRACKIO_FLUSH_S="0.01")
    assert ("8003 0", "") == (done.stdout.strip(), done.stderr)
    assert [float(n) for n in range(8000)] == metrics(tmp_path)
    seqs = [row.seq for row in stored(tmp_path) if row.kind == METRIC]
    assert list(range(1, 8001)) == seqs


def test_threads_that_log_while_another_finishes_lose_nothing(tmp_path):
    """What comes too late for the writer goes to another one; the finish row stays the last."""
    script = """
        import threading, trackio
        run = trackio.init("p", name="n")
        begun, number = threading.Barrier(5), iter(range(10**9))
        lock, returned, over = threading.Lock(), [], threading.Event()
        def work():
            begun.wait()
            while not over.is_set():
                with lock:
                    mine = next(number)
                run.log({"i": mine})
                returned.append(mine)
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        begun.wait()
        for _ in range(5):
            run.finish()
        over.set()
        [thread.join() for thread in threads]
        run.finish()
        print(len(returned), max(returned))
    """
    done = run(tmp_path, script, PYTHONWARNINGS="error")
    count, last = map(int, done.stdout.split())
    assert (0, last + 1) == (done.returncode, count)
    assert [float(n) for n in range(count)] == metrics(tmp_path)
    (run_files,) = list_project(open_store(tmp_path), "p").runs.values()
    ends = {w: files.cover.end - 1 for w, files in run_files.writers.items()}
    assert [ends[w] for w in sorted(ends)] == [end["last_seq"] for end in finishes(tmp_path)]
    assert [] == journals(tmp_path)


def test_runs_beside_each_other_in_one_process_are_apart(tmp_path):
    """`reinit="create_new"`; the newest is the current one."""
    script = """
        import trackio
        first = trackio.init("p", name="first")
        second = trackio.init("p", name="second", reinit="create_new")
        first.log({"i": 1})
        trackio.log({"i": 2})
        second.finish()
        first.log({"i": 3})
        first.finish()
    """
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    rows = [row for row in stored(tmp_path) if row.kind == METRIC]
    runs = list_project(open_store(tmp_path), "p").runs
    by_run = sorted([row.value for row in rows if row.run_id == run_id] for run_id in runs)
    assert [[1.0, 3.0], [2.0]] == by_run


def test_logging_starts_no_process_and_leaves_no_thread_of_a_run(tmp_path):
    """One thread that waits for signals stays, however many runs there were."""
    script = """
        import threading, trackio
        from pathlib import Path
        for n in range(3):
            run = trackio.init("p")
            run.log({"i": n})
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
            assert not children.exists() or children.read_text() == "", children.read_text()
            run.finish()
            print(sorted(t.name for t in threading.enumerate() if t.name != "trackio-recover"))
    """
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    assert {"['MainThread', 'trackio-signals']"} == set(done.stdout.strip().splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_two_hundred_runs_in_one_process_keep_no_file_open(tmp_path):
    """A sweep in a notebook."""
    script = """
        import os, threading, trackio
        counts = []
        for n in range(200):
            with trackio.init("p") as run:
                run.log({"i": n})
            if n in (20, 199):
                counts.append((len(os.listdir("/proc/self/fd")), threading.active_count()))
        print(counts[0] == counts[1], counts)
    """
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("True"), done.stdout
    assert [float(n) for n in range(200)] == metrics(tmp_path)


def test_a_process_that_logs_never_imports_what_draws_or_queries(tmp_path):
    """From `import trackio` to `finish`; and `init` itself not even numpy or pyarrow."""
    script = """
        import sys, threading
        real_start = threading.Thread.start
        held = []
        def hold(self):  # nothing runs in the background yet
            held.append(self)
        threading.Thread.start = hold
        import trackio
        run = trackio.init("p", config={"lr": 0.1})
        for i in range(10):
            run.log({"i": i, "n": float("nan"), "in": {"x": [1]}})
        heavy = {"numpy", "pyarrow", "pandas", "duckdb", "gradio", "huggingface_hub", "asyncio"}
        print(sorted(heavy & set(sys.modules)))
        threading.Thread.start = real_start
        [real_start(thread) for thread in held]
        assert run.finish().is_complete
        print(sorted(heavy & set(sys.modules)))
    """
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    assert ["[]", "['numpy', 'pyarrow']"] == done.stdout.strip().splitlines()


def test_a_store_in_memory_is_reached_through_the_spool(tmp_path):
    """The same path as to a store far away, and nothing is left of it here."""
    script = """
        import trackio
        from trackio.store.memory import open_memory
        run = trackio.init("p", store="memory://far")
        for i in range(20):
            run.log({"i": i})
        assert run.flush()
        report = run.finish()
        keys = [entry.key for entry in open_memory("far").list()]
        print(report.local, sum(key.endswith(".parquet") for key in keys) > 0)
    """
    done = run(tmp_path, script)
    assert ("0 True", "") == (done.stdout.strip(), done.stderr)
    assert [] == list((tmp_path / ".spool").rglob("*.parquet"))
    assert [] == journals(tmp_path)


def test_recovery_finds_nothing_after_a_good_end(tmp_path):
    """Everything was finished; there is nothing to take up."""
    done = run(tmp_path, START + "run.log({'i': 1}); run.finish()")
    assert (0, "") == (done.returncode, done.stderr)
    report = recover(tmp_path)
    assert (0, [], []) == (report.calls, report.plans, report.problems)


FAR = """
    import os, sys, threading, time, trackio
    from trackio import beginning
    from trackio.errors import StoreUnavailable
    from trackio.store import open_store
    class Far:  # a folder that only this class can reach, as a service would be
        def __init__(self, url):
            self.inner, self.url = open_store(url), open_store(url).url
            self.list, self.get, self.delete = self.inner.list, self.inner.get, self.inner.delete
        def put(self, files):
            if os.path.exists(sys.argv[1]):
                raise StoreUnavailable("the network is down")
            self.inner.put(files)
    beginning.open_store = Far
    run = trackio.init("p")
    {then}
"""


def test_what_waits_for_a_store_elsewhere_is_sent_by_another_process(tmp_path):
    """`finish()` says what is only on this machine; recovery sends all of it."""
    down = tmp_path / "down"
    down.touch()
    script = FAR.format(
        then="""
    import dataclasses
    run._settings = dataclasses.replace(run._settings, finish_s=0.3)
    for i in range(20):
        run.log({"i": i})
        if i % 5 == 0:
            assert not run.flush(timeout_s=0.1)
    report = run.finish()
    print(report.is_complete, report.calls == report.local, report.command)
    """
    )
    done = run(tmp_path, script, str(down), TRACKIO_STORE=str(tmp_path / "far"))
    said = f"False True trackio sync --dir {tmp_path}"
    assert (0, said) == (done.returncode, done.stdout.strip()), done.stderr
    assert "the network is down" in done.stderr
    assert not (tmp_path / "far").exists()
    report = recover(tmp_path)
    assert [] == report.problems
    assert [float(n) for n in range(20)] == metrics(tmp_path / "far")
    assert ["finished"] == [end["state"] for end in finishes(tmp_path / "far")]
    assert [] == list((tmp_path / ".spool").rglob("*.parquet"))
    assert [] == journals(tmp_path)


def test_after_an_outage_everything_arrives_in_order(tmp_path):
    """Nobody has to do anything; one warning was enough."""
    down = tmp_path / "down"
    down.touch()
    script = FAR.format(
        then="""
    for i in range(40):
        run.log({"i": i})
        run.flush(timeout_s=0.0)
        if i == 30:
            os.remove(sys.argv[1])
    report = run.finish()
    print(report.is_complete, report.local)
    """
    )
    env = {"TRACKIO_STORE": str(tmp_path / "far"), "TRACKIO_FLUSH_S": "0.01"}
    done = run(tmp_path, script, str(down), **env)
    assert (0, "True 0") == (done.returncode, done.stdout.strip()), done.stderr
    assert done.stderr.count("cannot be reached") <= 1
    rows = [row for row in stored(tmp_path / "far") if (row.kind, row.key) == (METRIC, "i")]
    assert [float(n) for n in range(40)] == [row.value for row in rows]
    assert [] == list((tmp_path / ".spool").rglob("*.parquet"))


def test_what_a_killed_process_had_spooled_is_sent_too(tmp_path):
    """Some of it lies in the spool, the rest in the journal; each row arrives once."""
    down = tmp_path / "down"
    down.touch()
    script = FAR.format(
        then="""
    for i in range(30):
        run.log({"i": i})
        if i in (5, 20):
            run._path.wake()
            while run._path.writer.safe_seq < i:
                time.sleep(0.01)
    os._exit(0)
    """
    )
    env = {"TRACKIO_STORE": str(tmp_path / "far"), "TRACKIO_FLUSH_S": "60"}
    done = run(tmp_path, script, str(down), **env)
    assert 0 == done.returncode, done.stderr
    assert 2 == len(list((tmp_path / ".spool").rglob("*.parquet")))
    recover(tmp_path)
    assert [float(n) for n in range(30)] == metrics(tmp_path / "far")
    assert [] == list((tmp_path / ".spool").rglob("*.parquet"))
