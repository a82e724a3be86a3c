"""Disks that are full, read-only or not what they seem: calls are kept, and training goes on."""

import os
import shutil
import subprocess
import sys
from textwrap import dedent

import pytest
from children import IMPATIENT, START, finishes, journals, metrics, recover, run, settings

from trackio.store import open_store

linux = pytest.mark.skipif(sys.platform != "linux", reason="mounts, or limits the size of files")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a megabyte, mounted for the test."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "none"]
    mount = shutil.which("mount")
    if mount is None or _mount([mount, *options, folder]):
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run([shutil.which("umount"), "--lazy", folder], check=True)


def _mount(command):
    return subprocess.run(command, check=False, capture_output=True).returncode


FILL = """
    import errno, os
    def fill(folder):
        with open(folder + "/ballast", "wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as exc:
                    assert exc.errno == errno.ENOSPC
"""


@linux
def test_a_full_journal_disk_costs_a_warning_and_no_call(tmp_path, small_disk):
    """The store is elsewhere: every call is published; when there is room, journalled again."""
    script = (
        START
        + "journal = os.environ['TRACKIO_JOURNAL_DIR']\n"
        + dedent(FILL)
        + dedent(
            """
            run.log({"i": 0})
            fill(journal)
            for i in range(1, 200):
                run.log({"i": i})
            assert run.flush()
            os.remove(journal + "/ballast")
            run.log({"i": 200})
            report = run.finish()
            print(report.local, os.listdir(journal))
            """
        )
    )
    done = run(tmp_path, script, TRACKIO_JOURNAL_DIR=str(small_disk), TRACKIO_FLUSH_S="0.05")
    assert (0, "0 []") == (done.returncode, done.stdout.strip()), done.stderr
    assert [float(n) for n in range(201)] == metrics(tmp_path)
    assert 1 == done.stderr.count("cannot be written")
    assert "No space left" in done.stderr
    assert str(small_disk) in done.stderr


@linux
def test_a_full_store_disk_keeps_everything_in_the_journal_until_there_is_room(
    small_disk, tmp_path
):
    """`finish()` says what is only here, and recovery brings it to the store."""
    script = (
        START
        + IMPATIENT
        + dedent(FILL)
        + dedent(
            """
            run.log({"i": 0})
            assert run.flush()
            fill(sys.argv[1])
            for i in range(1, 50):
                run.log({"i": i})
            assert not run.flush(timeout_s=0.2)
            try:
                run.flush(timeout_s=0.2, strict=True)
            except trackio.TrackioError as exc:
                assert "disk is full" in str(exc), exc
            report = run.finish()
            print(report.is_complete, report.local > 0, report.command)
            os._exit(0)
            """
        )
    )
    done = run(
        tmp_path,
        script,
        str(small_disk),
        TRACKIO_STORE=str(small_disk),
        TRACKIO_JOURNAL_DIR=str(tmp_path / ".journal"),
    )
    said = f"False True trackio sync --dir {tmp_path}"
    assert (0, said) == (done.returncode, done.stdout.strip()), done.stderr
    assert "disk is full" in done.stderr
    (small_disk / "ballast").unlink()
    assert [0.0] == metrics(small_disk)
    recover(tmp_path)
    assert [float(n) for n in range(50)] == metrics(small_disk)


@linux
def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path):
    """RLIMIT_FSIZE, as some clusters set it: the journal stops growing, nothing else does."""
    script = START + dedent(
        """
        import resource
        run.log({"i": 0})
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        for i in range(1, 1000):
            run.log({"i": i})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        report = run.finish()
        print(report.local)
        """
    )
    done = run(tmp_path, script, TRACKIO_FLUSH_S="60")
    assert (0, "0") == (done.returncode, done.stdout.strip()), done.stderr
    assert [float(n) for n in range(1000)] == metrics(tmp_path)
    assert 1 == done.stderr.count("cannot be written")


def test_a_store_that_is_a_file_keeps_everything_here(tmp_path):
    """A typing error in `TRACKIO_STORE`: training goes on, and the report tells."""
    (tmp_path / "store").write_bytes(b"a file")
    script = (
        START
        + IMPATIENT
        + dedent(
            """
        for i in range(5):
            run.log({"i": i})
        report = run.finish()
        print(report.is_complete, report.calls, report.local)
        os._exit(0)
        """
        )
    )
    done = run(tmp_path, script, TRACKIO_STORE=str(tmp_path / "store"))
    assert 0 == done.returncode, done.stderr
    complete, calls, local = done.stdout.split()
    assert ("False", calls) == (complete, local)
    assert 1 == len(journals(tmp_path))
    (tmp_path / "store").unlink()
    recover(tmp_path)
    assert [0.0, 1.0, 2.0, 3.0, 4.0] == metrics(tmp_path / "store")


def test_a_home_that_cannot_be_written_costs_warnings_and_nothing_else(tmp_path):
    """`TRACKIO_DIR` lies below a file: there is neither a journal nor a store."""
    (tmp_path / "file").write_bytes(b"")
    script = (
        START
        + IMPATIENT
        + dedent(
            """
        run.log({"i": 1})
        report = run.finish()
        print(report.is_complete, report.calls == report.local)
        os._exit(0)
        """
        )
    )
    done = run(tmp_path / "file" / "home", script)
    assert (0, "False True") == (done.returncode, done.stdout.strip()), done.stderr
    assert "TRACKIO_JOURNAL_DIR" in done.stderr


@linux
def test_a_store_mounted_read_only_is_told_by_its_name(small_disk, tmp_path):
    """And everything is recovered once it can be written."""
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    script = (
        START
        + IMPATIENT
        + dedent(
            """
        run.log({"i": 1})
        run.finish()
        os._exit(0)
        """
        )
    )
    done = run(tmp_path, script, TRACKIO_STORE=str(small_disk))
    assert 0 == done.returncode
    assert "read-only" in done.stderr
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    recover(tmp_path)
    assert [1.0] == metrics(small_disk)


def test_a_journal_that_is_deleted_under_a_run_is_made_anew(tmp_path):
    """Somebody cleaned up; the process is killed a moment later; nothing is lost."""
    script = START + dedent(
        """
        folder = os.environ["TRACKIO_DIR"] + "/.journal"
        for i in range(10):
            run.log({"i": i})
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        run._path.writer.tend_journal()  # what its thread does once a second
        run.log({"i": 10})
        os._exit(0)
        """
    )
    done = run(tmp_path, script, TRACKIO_FLUSH_S="60")
    assert (0, "") == (done.returncode, done.stderr)
    assert [] == list(open_store(tmp_path).list("p/runs/"))
    recover(tmp_path)
    assert [float(n) for n in range(11)] == metrics(tmp_path)


def test_a_store_that_is_deleted_under_a_run_is_made_anew(tmp_path):
    """What was published is gone with it; what comes is not."""
    script = START + dedent(
        """
        import shutil
        run.log({"i": 0})
        assert run.flush()
        shutil.rmtree(os.environ["TRACKIO_DIR"] + "/p")
        run.log({"i": 1})
        assert run.finish().is_complete
        """
    )
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    assert [1.0] == metrics(tmp_path)
    assert ["finished"] == [end["state"] for end in finishes(tmp_path)]


def test_garbage_among_the_journals_stops_no_run(tmp_path):
    """Files of other programs, torn ones, folders, ones that nobody can read."""
    folder = settings(tmp_path).journal_dir
    folder.mkdir(parents=True)
    (folder / "garbage.journal").write_bytes(os.urandom(1000))
    (folder / "empty.journal").write_bytes(b"")
    (folder / "folder.journal").mkdir()
    (folder / "notes.txt").write_bytes(b"mine")
    script = START + dedent(
        """
        run.log({"i": 1})
        for thread in threading.enumerate():
            if thread.name == "trackio-recover":
                thread.join()
        assert run.finish().is_complete
        """
    )
    done = run(tmp_path, script)
    assert (0, "") == (done.returncode, done.stderr)
    assert [1.0] == metrics(tmp_path)
    assert ["empty.journal", "folder.journal", "garbage.journal", "notes.txt"] == journals(tmp_path)
    assert 3 == len(recover(tmp_path).problems)
