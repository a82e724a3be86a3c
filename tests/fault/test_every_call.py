"""No call raises into the code that logs, whatever is wrong with the machine around it.

Every function of a run is called in a process in which warnings are errors, and something is
broken: a full disk, a home that is a file or cannot be written, garbage where files should be,
a store that never answers. What is lost or waits is another suite's matter.
"""

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from children import run

EVERY_CALL = dedent(
    """
    import os, sys, threading
    import numpy as np
    import trackio
    from pathlib import Path

    BREAK

    def every_call(name):
        run = trackio.init("p", name=name, id=name, config={"a": {"b": 1}}, resume="allow",
                           tags=["t"], notes="n", job_type="j", label="rank 0")
        trackio.log({"loss": 1.0, "nested": {"x": np.float32(2)}, "text": "y"})
        trackio.log({"loss": float("nan")}, step=7)
        trackio.log({"a": 1}, commit=False)
        trackio.log({"b": object(), "c": 2})
        trackio.log_system({"cpu": 1.0})
        trackio.log_cpu()
        trackio.log({"picture": trackio.Image(np.zeros((4, 4, 3), np.uint8))})
        trackio.log({"table": trackio.Table(columns=["a"], data=[[1]])})
        trackio.log({"long": "x" * 100_000})
        trackio.config.lr = 0.1
        trackio.config["a"]["b"] = 2
        trackio.config.update({"c": 3}, allow_val_change=True)
        trackio.summary["best"] = 1
        assert trackio.summary["loss"] != 1.0
        trackio.define_metric("loss", summary="min")
        trackio.alert("title", "text", "error")
        trackio.watch(None)
        trackio.mark_preempting()
        run.name = name + "!"
        run.tags = ("u",)
        run.notes = "m"
        str(run), run.dir, run.url, run.path, run.state, run.step, run.start_time, run.entity
        worker = threading.Thread(target=trackio.log, args=({"thread": 1},))
        worker.start()
        worker.join()
        trackio.flush(0.2)
        return run
    """
)
SCRIPT = EVERY_CALL + dedent(
    """
    first = every_call("first")
    report = trackio.finish()
    assert report.local >= 0
    first.log({"after": 1})
    every_call("second")
    MORE
    print("whole")
    """
)
FORKS = """
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        trackio.log({"child": 1})
        trackio.finish()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
GARBAGE = """
home = Path(os.environ["TRACKIO_DIR"])
for place in ("p/runs/first/meta.json", "p/runs/first/x.parquet", "p/names/first/first",
              ".journal/zzz.journal", ".spool/s/.store-url", "p/packs/q.parquet"):
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).write_bytes(bytes(range(256)))
(home / "p/runs/second").write_bytes(b"not a folder")
"""
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""
HANGS = """
from trackio.store.directory import Directory
stuck = threading.Event()
Directory.put = lambda self, files: stuck.wait(60)
"""
KEEP = """
kept = trackio.log_artifact(os.__file__, name="code", type="code")
trackio.save(os.__file__)
"""
FILE = """
home = Path(os.environ["TRACKIO_DIR"])
home.parent.mkdir(parents=True, exist_ok=True)
home.write_bytes(b"a file")
"""


@pytest.mark.parametrize(
    ("broken", "more"),
    [
        ("", FORKS),
        (GARBAGE, ""),
        (FULL, ""),
        (FILE, KEEP),
        (HANGS, ""),
    ],
    ids=["nothing, and a fork", "garbage", "full disk", "the home is a file", "a store that hangs"],
)
def test_no_call_raises(tmp_path: Path, broken: str, more: str) -> None:
    """Neither a call nor the end of the process, and nobody is killed."""
    script = SCRIPT.replace("BREAK", broken).replace("MORE", more)
    done = run(tmp_path / "home", script, TRACKIO_FINISH_S="0.5", TRACKIO_FLUSH_S="0.05")
    assert (0, "whole") == (done.returncode, done.stdout.strip()), done.stderr[-3000:]
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="needs /proc")
def test_a_home_that_cannot_be_written_raises_nothing() -> None:
    """`/proc` refuses every new file, also to root."""
    script = SCRIPT.replace("BREAK", "").replace("MORE", KEEP)
    done = run(Path("/proc/trackio"), script, TRACKIO_FINISH_S="0.5", TRACKIO_FLUSH_S="0.05")
    assert (0, "whole") == (done.returncode, done.stdout.strip()), done.stderr[-3000:]
    assert "artifact 'code' was not logged" in done.stderr
    assert "could not be written to this machine either" in done.stderr
    assert "safe on this machine" not in done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_any_kind_may_make_every_call(tmp_path: Path, method: str) -> None:
    """After `init` in the parent; each child is a writer of its own."""
    program = tmp_path / "program.py"
    program.write_text(
        EVERY_CALL.replace("BREAK", "")
        + dedent(
            f"""
            import multiprocessing, warnings

            def child():
                every_call("child")

            if __name__ == "__main__":
                trackio.init("p")
                context = multiprocessing.get_context({method!r})
                if {method!r} == "fork":
                    warnings.simplefilter("ignore", DeprecationWarning)
                process = context.Process(target=child)
                process.start()
                process.join()
                assert process.exitcode == 0
                trackio.log({{"parent": 1}})
                print("whole")
            """
        )
    )
    script = f"import runpy\nrunpy.run_path({str(program)!r}, run_name='__main__')"
    if method != "fork":
        script = (
            "import subprocess, sys\n"
            f"sys.exit(subprocess.run([sys.executable, {str(program)!r}]).returncode)"
        )
    done = run(tmp_path / "home", script)
    assert (0, "whole") == (done.returncode, done.stdout.strip()), done.stderr[-3000:]
