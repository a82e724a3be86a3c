"""The commands: what they print for people, for a pipe and for programs, and how they end."""

import errno
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import click
import pytest
from written import WrittenRun

from trackio.cli import main, root
from trackio.cli.failures import (
    BROKEN_PIPE,
    BUG,
    INTERRUPTED,
    LIMIT,
    NOT_FOUND,
    REPORT_TO,
    STORE,
    WRONG_CALL,
)
from trackio.errors import LimitExceeded, StoreRefused, StoreUnavailable
from trackio.store.directory import Directory

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
HEAVY = {"duckdb", "gradio", "huggingface_hub", "numpy", "pandas", "pyarrow", "rich"}
COMMAND = [sys.executable, "-c", "import sys; from trackio.cli import main; sys.exit(main())"]
needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="opens a pseudo-terminal")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty local store that commands find by themselves."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    for name in ("TRACKIO_STORE", "TRACKIO_JOURNAL_DIR", "TRACKIO_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    return tmp_path / "home"


@pytest.fixture
def store(home):
    return Directory(home)


@pytest.fixture
def digits(store):
    """A finished run of ten points, one of them not a number, and a younger one that goes on."""
    now_s = time.time()
    old = WrittenRun(
        store, "digits", "old", at_s=now_s - 7200, config={"lr": 0.5, "net/depth": 3}, group="g"
    )
    old.log([{"loss": float("nan") if i == 3 else 1.0 - i / 10} for i in range(10)])
    old.log([{"val/loss": 0.25}], first_step=9)
    old.finish(after_s=60, **{"loss": 0.1, "val/loss": 0.25})
    new = WrittenRun(store, "digits", "new", at_s=now_s - 20)
    new.log([{"loss": 0.75}, {"loss": float("-inf")}])
    return old, new


@pytest.fixture
def run(home, capsys):
    """Runs a command; gives its exit code, its output and what it said on stderr."""

    def run(*argv):
        code = main(list(argv))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def answer(run):
    """Runs a command that succeeds, with --json; gives the envelope."""

    def answer(*argv):
        code, out, err = run(*argv, "--json")
        assert (0, "") == (code, err)
        return json.loads(out, parse_constant=_no_constants)

    return answer


def _no_constants(name):
    raise AssertionError(f"{name} is no JSON")


def _leaves(group, names=()):
    """Every command under a group, with its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _leaves(command, (*names, name))
        else:
            yield " ".join((*names, name)), command


LEAVES = dict(_leaves(root))
NOT_OF_A_STORE = {
    *("show", "recover", "jobs", "doctor", "migrate", "sync", "top", "log", "alert", "mcp"),
    *("schema", "completion"),
}
"""Commands that print no data of a store, or to people only."""


def test_the_document_tells_every_command():
    """No more and no less, in the same order."""
    told = re.findall(r"^### `trackio (.+)`$", DOCUMENT.read_text(), re.MULTILINE)
    assert list(LEAVES) == told


@pytest.mark.parametrize("name", LEAVES)
def test_the_document_tells_every_option(name):
    """Of this command, or of all of them."""
    text = DOCUMENT.read_text()
    general, _, rest = text.partition("## Commands")
    section = rest.split(f"### `trackio {name}`")[1].split("### ")[0]
    options = [option for param in LEAVES[name].params for option in param.opts if "--" in option]
    assert [] == [option for option in options if f"`{option}" not in general + section]


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_and_option_is_explained_in_its_help(name, run):
    """A sentence for the command and one for each option."""
    code, out, _ = run(*name.split(), "--help")
    assert 0 == code
    assert LEAVES[name].help.splitlines()[0] in " ".join(out.split())
    options = [param for param in LEAVES[name].params if isinstance(param, click.Option)]
    assert [] == [option.name for option in options if not option.help]


@pytest.mark.parametrize("name", [name for name in LEAVES if name.split()[0] not in NOT_OF_A_STORE])
def test_every_command_that_prints_data_takes_a_store_and_json(name):
    """And those that print lists can print a part of them."""
    options = {option for param in LEAVES[name].params for option in param.opts}
    assert {"--store", "--json"} <= options
    if name.startswith("list"):
        assert {"--limit", "--offset"} <= options


def test_every_exit_code_is_documented():
    """With the number that the program uses."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)}
    assert {
        0, NOT_FOUND, WRONG_CALL, STORE, LIMIT, BUG, INTERRUPTED, BROKEN_PIPE
    } == told  # fmt: skip


def test_help_loads_nothing_heavy():
    """It must come at once, also on a machine that is busy training."""
    code = (
        "import sys; from trackio.cli import main; code = main(['--help']); "
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set() == HEAVY & set(done.stderr.split())
    assert all(name.split()[0] in done.stdout for name in LEAVES)


def test_the_installed_command_tells_its_version():
    """`trackio` is on the path beside the Python that it was installed for."""
    command = Path(sys.executable).parent / "trackio"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"trackio 1\.\S+\n", done.stdout)


def test_list_projects_in_a_pipe_is_parted_by_tabs(run, digits, store):
    """A header and a line each, so that `cut` and spreadsheets can read it."""
    WrittenRun(store, "other", "r", at_s=1e9)
    code, out, err = run("list", "projects")
    assert (0, "") == (code, err)
    lines = [line.split("\t") for line in out.splitlines()]
    assert ["project", "runs", "updated"] == lines[0]
    assert [["digits", "2"], ["other", "1"]] == [line[:2] for line in lines[1:]]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", lines[1][2])


def test_list_runs_shows_the_newest_first(answer, digits):
    """With what tells them apart."""
    old, new = digits
    found = answer("list", "runs", "--project", "digits")
    assert [new.run_id, old.run_id] == [run["id"] for run in found["runs"]]
    assert ["running", "finished"] == [run["status"] for run in found["runs"]]
    assert [None, "g"] == [run["group"] for run in found["runs"]]
    assert (2, 2, False, []) == _counts(found)
    assert "digits" == found["project"]


def _counts(found):
    return found["total"], found["returned"], found["truncated"], found["warnings"]


def test_list_runs_can_be_limited_to_a_status(answer, digits):
    """Those that crashed are looked for most."""
    found = answer("list", "runs", "-p", "digits", "--status", "finished")
    assert ["old"] == [run["name"] for run in found["runs"]]
    assert [] == answer("list", "runs", "-p", "digits", "--status", "crashed")["runs"]


def test_a_list_can_be_read_page_by_page(answer, digits, run):
    """Each page says whether more follow; people are told how to go on."""
    pages = [answer("list", "runs", "--limit", "1", "--offset", str(n)) for n in range(3)]
    assert [["new"], ["old"], []] == [[run["name"] for run in page["runs"]] for page in pages]
    assert [True, False, False] == [page["truncated"] for page in pages]
    assert [2, 2, 2] == [page["total"] for page in pages]
    assert 2 == answer("list", "runs", "--limit", "0")["returned"]
    code, out, err = run("list", "runs", "--limit", "1")
    assert (0, 2) == (code, len(out.splitlines()))
    assert "1 to 1 of 2: --offset 1 shows the next, --limit 0 all" in err


def test_list_metrics_can_be_limited_to_a_run(answer, digits):
    """By the name of the run; in the order of first logging."""
    found = answer("list", "metrics")
    assert {"loss": 2, "val/loss": 1} == {each["name"]: each["runs"] for each in found["metrics"]}
    found = answer("list", "metrics", "--run", "new")
    assert [{"name": "loss", "kind": "metric", "runs": 1, "points": 2}] == found["metrics"]
    assert [] == answer("list", "metrics", "--system")["metrics"]


def test_get_run_tells_config_and_summary(answer, digits, run):
    """All of it, by name, by id, or by the beginning of an id."""
    old, _ = digits
    for said in ("old", old.run_id, "ol"):
        found = answer("get", "run", "--run", said)["run"]
        assert old.run_id == found["id"]
        assert {"lr": 0.5, "net/depth": 3} == found["config"]
        assert 0.1 == found["summary"]["loss"]["last"]
    code, out, _ = run("get", "run", "-r", "old")
    assert 0 == code
    assert {"run\told", "status\tfinished", "lr\t0.5", "net/depth\t3"} <= set(out.splitlines())


def test_get_metric_gives_every_point(answer, digits):
    """A NaN is a string, so that the JSON is valid."""
    found = answer("get", "metric", "--run", "old", "--metric", "loss")
    assert list(range(10)) == [point["step"] for point in found["points"]]
    assert [1.0, 0.9, 0.8, "NaN", 0.6] == [point["value"] for point in found["points"][:5]]
    assert {"step", "time", "value"} == found["points"][0].keys()
    assert (10, 10, False, []) == _counts(found)
    found = answer("get", "metric", "-r", "new", "-m", "loss")
    assert [0.75, "-Infinity"] == [point["value"] for point in found["points"]]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (["--step", "4"], [4]),
        (["--step", "40"], []),
        (["--around", "4", "--window", "1"], [3, 4, 5]),
        (["--around", "4"], list(range(10))),
        (["--last", "3"], [7, 8, 9]),
        (["--last", "30"], list(range(10))),
        (["--limit", "2", "--offset", "5"], [5, 6]),
    ],
)
def test_get_metric_can_be_limited_to_some_points(answer, digits, options, steps):
    """To one step, to those near it, to the last ones, or to a page."""
    found = answer("get", "metric", "-r", "old", "-m", "loss", *options)
    assert steps == [point["step"] for point in found["points"]]


def test_get_metric_can_be_sampled(answer, digits, run):
    """Into few stretches that together hold every point."""
    found = answer("get", "metric", "-r", "old", "-m", "loss", "--samples", "3")
    samples = found["samples"]
    assert 1 < len(samples) <= 3
    assert 10 == sum(sample["points"] for sample in samples)
    assert (0, 9) == (samples[0]["first_step"], samples[-1]["last_step"])
    assert (1.0, 0.1) == (samples[0]["first"], pytest.approx(samples[-1]["last"]))
    assert {"points", "mean", "min", "max"} < samples[0].keys()
    code, out, _ = run("get", "metric", "-r", "old", "-m", "loss", "--samples", "3")
    assert (0, len(samples) + 1) == (code, len(out.splitlines()))


def test_query_answers_a_select(run, answer, digits):
    """As a table, and as objects with the values that the store holds."""
    sql = "SELECT run, count(*) AS points FROM metrics WHERE key = 'loss' GROUP BY ALL ORDER BY 1"
    assert (0, "run\tpoints\nnew\t2\nold\t10\n", "") == run("query", sql)
    found = answer("query", sql)
    assert [{"run": "new", "points": 2}, {"run": "old", "points": 10}] == found["rows"]
    assert ["run", "points"] == found["columns"]
    assert (2, 2, False, []) == _counts(found)


def test_query_gives_values_of_every_type(answer, digits):
    """NaN, times, maps, nothing, and two columns of one name."""
    sql = "SELECT 'nan'::DOUBLE AS a, NULL AS a, MAP {'k': 1} AS m, [1.5, '-inf'::DOUBLE] AS l"
    (row,) = answer("query", f"{sql}, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS t")["rows"]
    assert {
        "a": "NaN", "a_1": None, "m": {"k": 1}, "l": [1.5, "-Infinity"], "t": "2026-01-02T03:04:05Z"
    } == row  # fmt: skip


def test_query_prints_so_many_rows_and_says_that_there_are_more(run, answer, digits):
    """Nobody counts the rest."""
    sql = "SELECT step FROM metrics WHERE run = 'old' AND key = 'loss' ORDER BY step"
    found = answer("query", sql, "--limit", "4")
    assert [0, 1, 2, 3] == [row["step"] for row in found["rows"]]
    assert (None, 4, True, []) == _counts(found)
    assert (10, 10, False, []) == _counts(answer("query", sql, "--limit", "10"))
    assert (10, 10, False, []) == _counts(answer("query", sql, "--limit", "0"))
    code, out, err = run("query", sql, "--limit", "4")
    assert (0, 5) == (code, len(out.splitlines()))
    assert "rows 1 to 4, and there are more: --offset 4 shows the next, --limit 0 all" in err


def test_query_reads_long_statements_from_stdin(run, digits, monkeypatch):
    """With a dash in place of the statement."""
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 + 1\nAS two"))
    assert (0, "two\n2\n", "") == run("query", "-")


def test_a_pipe_gets_every_digit(run, digits, store):
    """The short form is for people only."""
    third = WrittenRun(store, "digits", "third", at_s=time.time() - 10)
    third.log([{"x": 1 / 3}])
    _, out, _ = run("get", "metric", "-r", "third", "-m", "x")
    assert repr(1 / 3) == out.split()[-1]


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["list", "runs", "-p", "digist"], NOT_FOUND, "did you mean 'digits'"),
        (["get", "run", "-r", "nobody"], NOT_FOUND, "no run 'nobody'"),
        (["get", "metric", "-r", "old", "-m", "los"], NOT_FOUND, "did you mean 'loss'"),
        (["get", "metric", "-r", "old", "-m", "x"], NOT_FOUND, "it has: loss, val/loss"),
        (["get", "metric", "-r", "new", "-m", "l", "--system"], NOT_FOUND, "no system metric"),
        (["lst"], WRONG_CALL, "did you mean 'list'"),
        (["list", "things"], WRONG_CALL, "there are: projects, runs, metrics"),
        (["list", "runs", "--frobnicate"], WRONG_CALL, "trackio list runs --help"),
        (["list", "runs", "--limit", "-1"], WRONG_CALL, "at least 0"),
        (["list", "runs", "--limit", "many"], WRONG_CALL, "not a whole number"),
        (["show", "--port", "99999"], WRONG_CALL, "at most 65535"),
        (["get", "run"], WRONG_CALL, "--run"),
        (["get", "metric", "-r", "old", "-m", "loss", "--step", "1", "--last", "2"], WRONG_CALL,
         "--step and --last exclude each other"),
        (["get", "metric", "-r", "old", "-m", "loss", "--system", "--step", "1"], WRONG_CALL,
         "have no steps"),
        (["list", "runs", "--store", "ftp://bucket"], WRONG_CALL, "not supported"),
        (["query", "COPY runs TO 'x.csv'"], WRONG_CALL, "one SELECT"),
        (["query", "SELECT nothing FROM runs"], WRONG_CALL, "nothing"),
        (["query", "SELECT 1", "--max-memory", "much"], WRONG_CALL, "512MB"),
        (["query", "SELECT sum(a.range) FROM range(1000000) a, range(1000000) b",
          "--max-seconds", "1"], LIMIT, "1 s"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_that_says_what_to_do(run, digits, argv, code, message):
    """On stderr; nothing is on stdout."""
    found, out, err = run(*argv)
    assert (code, "") == (found, out)
    assert err.startswith("Error: ")
    assert 1 == err.count("\n")
    assert message in err


def test_the_only_project_need_not_be_named(run, digits, store):
    """Of several, the error lists them; of none, it says so."""
    assert 0 == run("list", "runs")[0]
    WrittenRun(store, "other", "r", at_s=1e9)
    code, _, err = run("list", "runs")
    assert WRONG_CALL == code
    assert "--project; there are: digits, other" in err


def test_an_empty_store_is_no_error_to_list(run, answer):
    """There may be something tomorrow."""
    code, out, err = run("list", "projects")
    assert (0, "project\truns\tupdated\n", "no projects here\n") == (code, out, err)
    assert [] == answer("list", "projects")["projects"]
    code, _, err = run("list", "runs")
    assert NOT_FOUND == code
    assert "no project" in err


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_a_store_is_named_before_the_command_or_after_it(place, run, monkeypatch, tmp_path):
    """What stands after it counts most, the environment least."""
    WrittenRun(Directory(tmp_path / "mine"), "mine", "r", at_s=1e9)
    mine, wrong = str(tmp_path / "mine"), str(tmp_path / "wrong")
    monkeypatch.setenv("TRACKIO_STORE", mine if place == "environment" else wrong)
    argv = {
        "before": ["--store", mine, "list", "projects"],
        "after": ["--store", wrong, "list", "projects", "--store", mine],
        "environment": ["list", "projects"],
    }
    assert "mine\t1" in run(*argv[place])[1]


def test_reading_commands_write_nothing(run, digits, home):
    """Not even a lock, a cache or a temporary file."""
    before = sorted(home.rglob("*"))
    for argv in (["list", "projects"], ["list", "runs"], ["get", "run", "-r", "old"]):
        assert 0 == run(*argv)[0]
    assert before == sorted(home.rglob("*"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("the store does not answer"), STORE),
        (StoreRefused("permission denied: ask its owner"), STORE),
        (LimitExceeded("it needed more than 30 s"), LIMIT),
        (RuntimeError("unheard of"), BUG),
        (KeyboardInterrupt(), INTERRUPTED),
    ],
)
def test_the_exit_code_tells_the_kind_of_error(run, monkeypatch, error, code):
    """Scripts can tell what is worth trying again."""

    def failing(_):
        raise error

    monkeypatch.setattr("trackio.catalog.list_projects", failing)
    found, out, err = run("list", "projects")
    assert (code, "") == (found, out)
    assert str(error) in err
    assert (REPORT_TO in err) == (code == BUG)
    assert code != INTERRUPTED or not err.strip()


def test_a_traceback_is_there_for_those_who_ask(run, monkeypatch):
    """With TRACKIO_DEBUG=1, above the line that everybody gets."""
    assert "Traceback" not in run("list", "runs")[2]
    monkeypatch.setenv("TRACKIO_DEBUG", "1")
    err = run("list", "runs")[2]
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("Error: there is no project")


def test_names_of_others_cannot_write_on_the_terminal(run, store):
    """Escape sequences and line breaks are printed, not obeyed."""
    WrittenRun(store, "p", "a\x1b[2J\nb\tc", at_s=1e9)
    code, out, _ = run("list", "runs")
    assert 0 == code
    assert "a\\e[2J\\nb\\tc\t" in out
    assert "\x1b" not in out


def test_a_file_that_cannot_be_read_is_told(run, answer_any, digits, store, home):
    """The answer is not whole, and says so; what can be read is shown."""
    _tear_a_file_of(digits[0], home)
    found = answer_any("get", "metric", "-r", "new", "-m", "loss")
    assert 2 == found["total"]
    found = answer_any("get", "run", "-r", "old")
    assert ["1 file"] == [warning[:6] for warning in found["warnings"]]
    err = run("list", "runs")[2]
    assert "Warning: 1 file of digits cannot be read" in err
    assert "trackio verify --project digits" in err


@pytest.fixture
def answer_any(run):
    """As `answer`, whatever is said on stderr."""

    def answer(*argv):
        code, out, _ = run(*argv, "--json")
        assert 0 == code
        return json.loads(out, parse_constant=_no_constants)

    return answer


def _tear_a_file_of(run, home):
    torn = next(home.glob(f"{run.project}/runs/{run.run_id}/*/*-000000000011.parquet"))
    torn.write_bytes(torn.read_bytes()[:100])
    return torn


def test_verify_finds_nothing_in_a_sound_project(run, answer, digits):
    """It says how much it has read; that a run goes on is no error."""
    found = answer("verify", "--project", "digits")
    assert ([], 0, ["digits"]) == (found["findings"], found["errors"], found["projects"])
    code, out, err = run("verify")
    assert (0, 1) == (code, len(out.splitlines()))
    assert f"read {found['rows']} rows in {found['files']} files: 0 errors" in err


def test_verify_fails_on_a_damaged_file(run, digits, store, home):
    """Exit code 1, the key of the file, and what helps; of all projects where none is named."""
    WrittenRun(store, "another", "r", at_s=time.time())
    torn = _tear_a_file_of(digits[0], home)
    code, out, err = run("verify", "--json")
    found = json.loads(out)
    assert (NOT_FOUND, "") == (code, err)
    assert (["another", "digits"], 1) == (found["projects"], found["errors"])
    finding = found["findings"][0]
    assert ("digits", "error") == (finding["project"], finding["level"])
    assert str(torn.relative_to(home)) == finding["subject"]
    assert {"kind", "message", "command"} < finding.keys()
    code, out, err = run("verify")
    assert NOT_FOUND == code
    assert ["level", "kind"] == out.splitlines()[0].split("\t")[:2]
    assert "1 error\n" in err
    assert 0 == run("verify", "--project", "another")[0]


@needs_terminal
def test_verify_tells_people_its_findings_in_full(digits, home):
    """Keys are longer than a terminal is wide, and nothing of them may be cut off."""
    torn = _tear_a_file_of(digits[0], home)
    told = "".join(_on_terminal(60, "verify"))
    assert str(torn.relative_to(home)) in told
    assert "what helps: " in told


def _on_terminal(columns, *argv):
    """What a command draws on a terminal of this width, without colours."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", 40, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    env = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen([*COMMAND, *argv], stdout=theirs, stdin=subprocess.DEVNULL, env=env):
        os.close(theirs)
        drawn = b"".join(_until_hung_up(ours))
    return re.sub(r"\x1b\[[0-9;]*m", "", drawn.decode()).replace("\r\n", "\n").splitlines()


def _until_hung_up(descriptor):
    """What is written to a terminal until the last writer is gone."""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise
            data = b""
        if not data:
            os.close(descriptor)
            return
        yield data


@needs_terminal
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_is_never_wider_than_the_terminal(digits, columns):
    """Columns that have no room are left out, from the last; none is broken into lines."""
    lines = [line for line in _on_terminal(columns, "list", "runs") if line.strip()]
    assert 4 == len(lines)
    assert max(map(len, lines)) <= columns
    assert ["run", "status"] == lines[0].split()[:2]
    assert ["new", "old"] == [line.split()[0] for line in lines[2:]]
    assert ("group" in lines[0]) == (columns == 200)
    assert "tags" not in lines[0]


def test_nobody_reading_any_more_is_no_error(digits, store):
    """`trackio … | head` ends quietly, whatever is left to print."""
    run = WrittenRun(store, "long", "r", at_s=time.time() - 10)
    run.log([{"x": float(i)} for i in range(20_000)])
    argv = ["get", "metric", "-p", "long", "-r", "r", "-m", "x", "--limit", "0"]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # it hides EPIPE
    with subprocess.Popen(
        [*COMMAND, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert "step\ttime\tvalue\n" == process.stdout.readline()
        process.stdout.close()
        assert "" == process.stderr.read()
        assert BROKEN_PIPE == process.wait()


def test_show_serves_until_it_is_interrupted(home):
    """The address is printed, the page is there, and Ctrl-C is the usual end."""
    with subprocess.Popen(
        [*COMMAND, "show", "--no-browser"], stdout=subprocess.PIPE, text=True
    ) as process:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        with urllib.request.urlopen(address[0]) as page:  # noqa: S310 - our own page
            assert 200 == page.status
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait()


def test_show_says_so_when_its_port_is_taken(home):
    """And how to choose another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "show", "--no-browser", "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )
    assert WRONG_CALL == done.returncode
    assert "choose another --port" in done.stderr


KILLED = """
import os, signal, trackio
run = trackio.init(project="digits", name="killed")
for i in range(100):
    run.log({"loss": i / 4})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_recover_publishes_what_a_killed_process_left(home, run, answer):
    """First it only says so; then the points are there, and nothing more is to be done."""
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    found = answer("recover", "--dry-run")
    assert (1, 0, True) == (found["total"], found["published_calls"], found["dry_run"])
    assert "digits/killed" in found["plans"][0]
    assert 0 == answer("recover", "--project", "another")["total"]
    code, out, err = run("recover")
    assert 0 == code
    assert "digits/killed: publish" in out
    assert "published" in err
    found = answer("get", "metric", "-r", "killed", "-m", "loss", "--limit", "0")
    assert [i / 4 for i in range(100)] == [point["value"] for point in found["points"]]
    assert (0, "", "nothing to recover\n") == run("recover")


def test_recover_tells_of_a_journal_that_nobody_can_read(home, run):
    """Something still waits: the exit code says so."""
    (home / ".journal").mkdir(parents=True)
    (home / ".journal" / "damaged.journal").write_bytes(b"not a journal")
    code, out, err = run("recover")
    assert (STORE, "") == (code, out)
    assert "Warning: " in err
    assert "damaged.journal" in err
