"""Every way in which a process ends: what was logged is in the store, and how it ended too."""

import signal
import subprocess
import sys
from textwrap import dedent

import pytest
from children import (
    LONGEST_S,
    START,
    environment,
    finishes,
    journals,
    metrics,
    recover,
    run,
    start,
    stored,
)

from trackio.catalog import list_project
from trackio.store import open_store

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
LOG = START + "for i in range(10): run.log({'i': i})\n"
TEN = [float(n) for n in range(10)]
# In short sleeps: a signal just before one does not cut it short, in any Python program.
WAIT = "print('ready', flush=True)\nwhile True: time.sleep(0.05)\n"


def _end(folder):
    """State and reason of the only writer."""
    (end,) = finishes(folder)
    return end["state"], end["reason"]


@pytest.mark.parametrize(
    ("script", "code", "end"),
    [
        ("", 0, ("finished", None)),
        ("sys.exit()", 0, ("finished", None)),
        ("sys.exit(3)", 3, ("finished", None)),
        ("run.finish()", 0, ("finished", None)),
        ("trackio.finish(); trackio.init('q').finish()", 0, ("finished", None)),
        ("run.finish(exit_code=0)", 0, ("finished", None)),
        ("run.finish(exit_code=2)", 0, ("failed", "exit code 2")),
        ("1 / 0", 1, ("failed", "ZeroDivisionError")),
        ("raise KeyboardInterrupt", None, ("failed", "KeyboardInterrupt")),
        ("with run: pass", 0, ("finished", None)),
        ("with run: raise ValueError('x')", 1, ("failed", "ValueError: x")),
        ("try:\n    1 / 0\nexcept ZeroDivisionError: pass", 0, ("finished", None)),
        ("threading.Thread(target=run.log, args=({'i': 9.5},)).start()", 0, ("finished", None)),
    ],
)
def test_a_process_that_ends_by_itself_has_finished_its_run(tmp_path, script, code, end):
    """Also without `finish()`; an exception is the reason why it failed."""
    done = run(tmp_path, LOG + script)
    if code is not None:
        assert code == done.returncode, done.stderr
    assert TEN == [value for value in metrics(tmp_path) if value.is_integer()]
    assert end == _end(tmp_path)
    assert [] == journals(tmp_path)


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_process_that_is_asked_to_end_finishes_first_and_dies_of_the_signal(tmp_path, name):
    """Its exit status is what it always was, so schedulers see it."""
    number = getattr(signal, name)
    child = start(tmp_path, LOG + WAIT)
    assert "ready\n" == child.stdout.readline()
    child.send_signal(number)
    child.communicate(timeout=LONGEST_S)
    # An interpreter that runs a command (-c) ends with 1 after Ctrl-C.
    assert child.returncode in ({-number, 1} if name == "SIGINT" else {-number})
    assert TEN == metrics(tmp_path)
    assert ("failed", "KeyboardInterrupt" if name == "SIGINT" else name) == _end(tmp_path)
    assert [] == journals(tmp_path)


@posix
def test_a_loop_that_goes_on_logging_ends_with_the_signal_too(tmp_path):
    """Its last calls do not become runs without end: one writer, one finish row."""
    script = (
        START + "i = 0\nwhile True:\n    run.log({'i': i}); os.write(1, b'%d\\n' % i); i += 1\n"
    )
    child = start(tmp_path, script)
    said = [child.stdout.readline() for _ in range(500)]
    child.send_signal(signal.SIGTERM)
    said += child.stdout.read().split()
    _, err = child.communicate(timeout=LONGEST_S)
    assert (-signal.SIGTERM, "") == (child.returncode, err)
    acknowledged = [float(number) for number in said]
    found = metrics(tmp_path)
    assert acknowledged == found[: len(acknowledged)]
    assert len(found) - len(acknowledged) in (0, 1)
    assert ("failed", "SIGTERM") == _end(tmp_path)


@posix
def test_other_threads_that_go_on_logging_do_not_hold_up_the_end(tmp_path):
    """They wait for the signal like the main thread does."""
    script = """
        def work():
            while True:
                run.log({"i": 1})
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
    """
    child = start(tmp_path, START + dedent(script) + WAIT)
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=LONGEST_S)
    assert -signal.SIGTERM == child.returncode
    assert ("failed", "SIGTERM") == _end(tmp_path)


@posix
def test_a_process_that_ends_while_a_signal_is_handled_dies_of_the_signal(tmp_path):
    """The end of the script does not cut the finishing short."""
    done = run(tmp_path, LOG + "os.kill(os.getpid(), signal.SIGTERM)")
    assert -signal.SIGTERM == done.returncode
    assert TEN == metrics(tmp_path)
    assert [] == journals(tmp_path)


@posix
def test_a_signal_does_not_cut_a_finish_short(tmp_path):
    """A slow store is waited for, whoever asked first for the end."""
    script = """
        from trackio.store.directory import Directory
        put = Directory.put
        def put_slowly(self, files):
            time.sleep(0.2)
            put(self, files)
        Directory.put = put_slowly
        print("finishing", flush=True)
        run.finish()
    """
    child = start(tmp_path, LOG + dedent(script) + WAIT)
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=LONGEST_S)
    assert -signal.SIGTERM == child.returncode
    assert TEN == metrics(tmp_path)
    assert 1 == len(finishes(tmp_path))
    assert [] == journals(tmp_path)


@posix
def test_signals_that_come_in_a_flood_are_one(tmp_path):
    """Some schedulers send SIGTERM every few milliseconds."""
    child = start(tmp_path, LOG + WAIT)
    child.stdout.readline()
    for _ in range(200):
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGHUP)
    child.communicate(timeout=LONGEST_S)
    assert child.returncode in (-signal.SIGTERM, -signal.SIGHUP)
    assert TEN == metrics(tmp_path)
    assert "failed" == _end(tmp_path)[0]


@posix
def test_a_handler_of_the_users_own_is_left_alone(tmp_path):
    """Checkpointing on SIGTERM is theirs; the run ends with the process."""
    script = """
        import signal, sys
        def checkpoint(number, frame):
            run.log({"i": 10})
            sys.exit(7)
        signal.signal(signal.SIGTERM, checkpoint)
    """
    child = start(tmp_path, dedent(script) + LOG + WAIT)
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=LONGEST_S)
    assert (7, "") == (child.returncode, err)
    assert [*TEN, 10.0] == metrics(tmp_path)
    assert ("finished", None) == _end(tmp_path)


@posix
def test_a_signal_after_the_run_has_ended_just_ends_the_process(tmp_path):
    """Our handler stays, and does what the system would."""
    child = start(tmp_path, LOG + "run.finish()\n" + WAIT)
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=LONGEST_S)
    assert -signal.SIGTERM == child.returncode
    assert ("finished", None) == _end(tmp_path)


@posix
def test_an_ignored_signal_stays_ignored(tmp_path):
    """`nohup` ignores SIGHUP; so do we."""
    script = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    child = start(tmp_path, script + LOG + "print('ready', flush=True)\nsys.stdin.readline()\n")
    child.stdout.readline()
    child.send_signal(signal.SIGHUP)
    child.communicate("\n", timeout=LONGEST_S)
    assert 0 == child.returncode
    assert ("finished", None) == _end(tmp_path)


def test_a_process_that_leaves_without_a_word_is_recovered_later(tmp_path):
    """`os._exit` skips everything; the journal is there."""
    done = run(tmp_path, LOG + "os._exit(5)", TRACKIO_FLUSH_S="60")
    assert 5 == done.returncode
    assert [] == list(open_store(tmp_path).list("p/runs/"))
    recover(tmp_path)
    assert TEN == metrics(tmp_path)
    assert [] == finishes(tmp_path)


# finish() and what comes after


def test_finishing_twice_is_finishing_once(tmp_path):
    """By the run, by the module, by a context manager and at exit."""
    done = run(tmp_path, LOG + "with run: trackio.finish()\nprint(run.finish(), run.finish())")
    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(finishes(tmp_path))


def test_logging_after_finish_goes_on_as_a_new_writer_that_resumes(tmp_path):
    """With one warning; the run is one run, and both writers have finished."""
    done = run(tmp_path, LOG + "run.finish()\nrun.log({'i': 10})\nrun.log({'i': 11})")
    assert 0 == done.returncode
    assert 1 == done.stderr.count("was finished; what is logged now resumes it")
    assert [*TEN, 10.0, 11.0] == metrics(tmp_path)
    (run_files,) = list_project(open_store(tmp_path), "p").runs.values()
    first, second = sorted(run_files.writers)
    starts = {row.writer_id: row.text for row in stored(tmp_path) if row.key == "start"}
    assert '"resumed_from":null' in starts[first]
    assert f'"resumed_from":["{first}"]' in starts[second]
    assert ["finished", "finished"] == [end["state"] for end in finishes(tmp_path)]


def test_a_second_init_finishes_the_first(tmp_path):
    """Two runs, both whole."""
    done = run(tmp_path, LOG + "other = trackio.init('p')\nother.log({'i': 10})")
    assert (0, "") == (done.returncode, done.stderr)
    assert [*TEN, 10.0] == metrics(tmp_path)
    assert 2 == len(list_project(open_store(tmp_path), "p").runs)
    assert ["finished"] * 2 == [end["state"] for end in finishes(tmp_path)]


def test_an_init_that_is_refused_leaves_the_run_before_it_alone(tmp_path):
    """A typing error in an argument does not end a training run."""
    script = """
        for wrong in ({"name": ""}, {"notes": 5}, {"resume": "maybe"}, {"store": "no://where"}):
            try:
                trackio.init("p", **wrong)
            except trackio.TrackioError:
                trackio.log({"i": 10})
    """
    done = run(tmp_path, LOG + dedent(script))
    assert (0, "") == (done.returncode, done.stderr)
    assert [*TEN, *[10.0] * 4] == metrics(tmp_path)
    assert 1 == len(finishes(tmp_path))


def test_an_interactive_interpreter_ends_its_run_at_its_end(tmp_path):
    """An error of an hour ago, that was shown and answered, is not why it ended."""
    child = subprocess.Popen(
        [sys.executable, "-i", "-q"],
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = ["import trackio", "run = trackio.init('p')", "1 / 0", "run.log({'i': 1})", ""]
    child.communicate("\n".join(lines), timeout=LONGEST_S)
    assert 0 == child.returncode
    assert [1.0] == metrics(tmp_path)
    assert ("finished", None) == _end(tmp_path)
