"""What agents and scripts get: short answers that keep to their schema, to every question.

All commands run over one project that Trackio itself has logged.
"""

import asyncio
import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import logged_project as truth
import pyarrow.parquet as pq
import pytest

from trackio.cli import main
from trackio.cli.output import SHORT_CHARS
from trackio.cli.schemas import names, schema_of
from trackio.mcp.tools import VERBS, Tools

ROOT = Path(__file__).parents[2]
SKILL = ROOT / "SKILL.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The store with the logged project; nothing of the environment but it is seen."""
    home = tmp_path_factory.mktemp("agents")
    env = {**os.environ, "TRACKIO_DIR": str(home), "TRACKIO_SYSTEM_S": "1"}
    subprocess.run([sys.executable, truth.__file__], env=env, check=True, timeout=120)
    return home


@pytest.fixture
def run(home, monkeypatch, capsys):
    """Runs a command; gives its exit code, its output and what it said on stderr."""
    monkeypatch.setenv("TRACKIO_DIR", str(home))
    for name in ("TRACKIO_STORE", "TRACKIO_WEBHOOK_URL", "TRACKIO_ALERTS"):
        monkeypatch.delenv(name, raising=False)

    def run(*argv):
        code = main(list(argv))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def ask(run):
    """Runs a command line that succeeds, with --json; gives the answer."""

    def ask(line):
        code, out, err = run(*shlex.split(line), "--json")
        assert (0, "") == (code, err), line
        return json.loads(out)

    return ask


BEST = max(
    ((rate, depth) for rate in truth.RATES for depth in truth.DEPTHS),
    key=lambda at: truth.accuracy(*at, 290),
)
LAST = truth.loss(0.1, 2, truth.STEPS - 1)

QUESTIONS = {
    "which projects are there": (
        "list projects", lambda a: [p["name"] for p in a["projects"]], ["second", "sweep"]
    ),
    "how many runs are there": ("list runs -p sweep", lambda a: a["total"], 13),
    "which run failed": (
        "list runs -p sweep --status failed", lambda a: a["runs"][0]["name"], "d2-lr0.01"
    ),
    "which runs have a learning rate of 0.1": (
        "list runs -p sweep --where config.lr=0.1 --fields name",
        lambda a: sorted(r["name"] for r in a["runs"]),
        ["d2-lr0.1", "d4-lr0.1", "d8-lr0.1"],
    ),
    "which runs are deep and fast": (
        "list runs -p sweep --where config.net/depth=8 --where config.lr>0.05",
        lambda a: sorted(r["name"] for r in a["runs"]),
        ["d8-lr0.1", "d8-lr0.3"],
    ),
    "which metrics are logged": (
        "list metrics -p sweep", lambda a: {m["name"] for m in a["metrics"]}, {
            "train/loss", "val/acc"},
    ),
    "how many points has the validation accuracy of one run": (
        "list metrics -p sweep -r d4-lr0.1 --match val/*", lambda a: a["metrics"][0]["points"], 30
    ),
    "what is the depth of a run": (
        "get run -p sweep -r d8-lr0.03", lambda a: a["run"]["config"]["net/depth"], 8
    ),
    "what was the loss of a run in the end": (
        "get run -p sweep -r d2-lr0.1",
        lambda a: a["run"]["summary"]["train/loss"]["last"],
        LAST,
    ),
    "what was the loss at step 100": (
        "get metric -p sweep -r d4-lr0.03 -m train/loss --step 100",
        lambda a: a["points"][0]["value"],
        truth.loss(0.03, 4, 100),
    ),
    "what are the last three accuracies": (
        "get metric -p sweep -r d4-lr0.03 -m val/acc --last 3",
        lambda a: [p["value"] for p in a["points"]],
        [truth.accuracy(0.03, 4, step) for step in (270, 280, 290)],
    ),
    "what was logged beside step 150": (
        "get snapshot -p sweep -r d4-lr0.1 --step 150",
        lambda a: {v["metric"]: v["value"] for v in a["values"]},
        {"train/loss": 25.0, "val/acc": truth.accuracy(0.1, 4, 150)},
    ),
    "which run is the most accurate": (
        "list runs -p sweep --sort -summary.val/acc --limit 1",
        lambda a: a["runs"][0]["name"],
        f"d{BEST[1]}-lr{BEST[0]:g}",
    ),
    "what differs between two runs": (
        "compare -p sweep d2-lr0.1 d4-lr0.1", lambda a: a["config"], {"net/depth": [2, 4]}
    ),
    "which run has NaN and since when": (
        "diagnose -p sweep",
        lambda a: [(s["run"], s["step"]) for s in a["symptoms"] if s["kind"] == "nonfinite"],
        [("d8-lr0.3", 200)],
    ),
    "where is the spike": (
        "diagnose -p sweep -r d4-lr0.1 --metrics train/*",
        lambda a: [s["step"] for s in a["symptoms"] if s["kind"] == "spike"],
        [150],
    ),
    "was there an alert": (
        "list alerts -p sweep --level error",
        lambda a: [(x["run"], x["title"], x["step"]) for x in a["alerts"]],
        [("d8-lr0.3", "diverged", 200)],
    ),
    "which learning rate is best on average": (
        """query -p sweep "SELECT config['lr']::DOUBLE AS lr FROM runs WHERE status = 'finished'
        AND isfinite(summary['val/acc']) GROUP BY lr ORDER BY avg(summary['val/acc']) DESC
        LIMIT 1" """,
        lambda a: a["rows"][0]["lr"],
        0.3,
    ),
    "how many points are there in all projects": (
        """query --all-projects "SELECT project, count(*) AS n FROM metrics GROUP BY ALL
        ORDER BY 1" """,
        lambda a: {row["project"]: row["n"] for row in a["rows"]},
        {"second": 1, "sweep": 12 * (truth.STEPS + 30) + 1},
    ),
    "what does the report of a run say": (
        "get report -p sweep -r d2-lr0.3 notes", lambda a: a["report"], "# d2-lr0.3\nall done"
    ),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_by_one_command(ask, question):
    """Twenty questions of somebody who has nothing but the commands."""
    command, answer_of, answer = QUESTIONS[question]
    found = answer_of(ask(command))
    assert answer == (pytest.approx(found) if isinstance(answer, float) else found)


def test_there_are_twenty_questions():
    """As many as were asked for."""
    assert 20 == len(QUESTIONS)


SAMPLES = {
    "list projects": "",
    "list runs": "-p sweep",
    "list metrics": "-p sweep",
    "list system-metrics": "-p sweep",
    "list alerts": "-p sweep",
    "list media": "-p sweep",
    "list traces": "-p sweep",
    "list reports": "-p sweep",
    "list files": "-p sweep",
    "get metric": "-p sweep -r d2-lr0.1 -m train/loss",
    "get system-metric": None,
    "get snapshot": "-p sweep -r d2-lr0.1 --around 50",
    "get project": "-p sweep",
    "get run": "-p sweep -r d2-lr0.1",
    "get trace": None,
    "get report": "-p sweep -r d2-lr0.1 notes",
    "get file": None,
    "query": "-p sweep 'SELECT * FROM metrics'",
    "compare": "-p sweep d2-lr0.1 d2-lr0.3 d4-lr0.3",
    "diagnose": "-p sweep",
    "tag": "-p sweep -r d2-lr0.3 seen",
    "export": "-p sweep runs -o {tmp}/runs.csv",
    "alert rules": "",
    "alert add": "finite --nonfinite",
    "alert run": None,
    "alert test": None,
}


def test_every_schema_is_tried():
    """Those that are None here are held against their schema elsewhere."""
    assert sorted(names()) == sorted(SAMPLES)


@pytest.mark.parametrize("command", [name for name in SAMPLES if SAMPLES[name] is not None])
def test_an_answer_keeps_to_its_schema_and_is_short(run, command, tmp_path, monkeypatch):
    """No default answer is longer than 2,000 tokens, at three characters each."""
    monkeypatch.setenv("TRACKIO_ALERTS", str(tmp_path / "alerts.toml"))
    line = f"{command} {SAMPLES[command].format(tmp=tmp_path)} --json"
    code, out, err = run(*shlex.split(line))
    assert (0, "") == (code, err)
    _check(out, command)
    assert SHORT_CHARS >= len(out)


def _check(out, command):
    schema = schema_of(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(out), schema)


def test_what_is_left_out_is_told_and_can_be_had(ask, run):
    """Page by page it is all there."""
    first = ask("get metric -p sweep -r d2-lr0.1 -m train/loss")
    assert (300, True) == (first["total"], first["truncated"])
    assert f"--offset {first['returned']} shows the next, --limit 0 all" in first["left_out"]
    second = ask(f"get metric -p sweep -r d2-lr0.1 -m train/loss --offset {first['returned']}")
    assert first["points"][-1]["step"] + 1 == second["points"][0]["step"]
    everything = ask("get metric -p sweep -r d2-lr0.1 -m train/loss --limit 0")
    assert (300, False, None) == tuple(everything[k] for k in ("returned", "truncated", "left_out"))
    code, out, err = run("get", "metric", "-p", "sweep", "-r", "d2-lr0.1", "-m", "train/loss")
    assert (0, True) == (code, len(out) <= SHORT_CHARS)
    assert "--limit 0" in err


def test_rows_of_a_query_can_be_read_page_by_page(ask):
    """With --limit and --offset, as lists can."""
    line = "query -p sweep 'SELECT step FROM metrics ORDER BY ALL' --limit 5 --offset"
    pages = [ask(f"{line} {offset}") for offset in (0, 5)]
    every = ask("query -p sweep 'SELECT step FROM metrics ORDER BY ALL LIMIT 10' --limit 0")["rows"]
    assert every == pages[0]["rows"] + pages[1]["rows"]
    assert pages[0]["truncated"]


def test_fields_choose_what_an_item_says(ask, run):
    """A field that is not there is an error that names those that are."""
    found = ask("list runs -p sweep --fields name,status --limit 2")
    assert [["name", "status"]] * 2 == [list(item) for item in found["runs"]]
    code, _, err = run("list", "runs", "-p", "sweep", "--fields", "nam", "--json")
    assert (2, True) == (code, "there are: id, name" in err)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("list runs -p swep", "did you mean 'sweep'"),
        ("list runs", "--project"),
        ("get run -p sweep -r nobody", "trackio list runs"),
        ("get metric -p sweep -r killed -m train/los", "did you mean 'train/loss'"),
        ("list runs -p sweep --where lr", "FIELD=VALUE"),
        ("list runs -p sweep --where lr=1", "config."),
        ("get snapshot -p sweep -r killed", "--around"),
        ("compare -p sweep killed", "two runs"),
        ("get report -p sweep nothing", "trackio list reports"),
        ("query -p sweep 'SELECT x FROM metrics'", "x"),
        ("query -p sweep", "trackio query"),
        ("export -p sweep --format parquet", "--out"),
        ("list alerts -p sweep --since yesterday", "2h"),
        ("alert add x", "--nonfinite"),
        ("tag -p sweep -r killed", "--remove"),
        ("log -p sweep -r killed", "loss=0.5"),
        ("schema lists", "list runs"),
    ],
)
def test_an_error_names_the_fix(run, line, hint):
    """In one line on stderr, and nothing on stdout."""
    code, out, err = run(*shlex.split(line))
    assert code in (1, 2)
    assert "" == out
    assert hint in err
    assert 1 == err.count("\n")


def test_one_huge_value_is_refused(run):
    """The limits of DuckDB do not see it coming; the system refuses the memory."""
    code, out, err = run("query", "-p", "sweep", "SELECT length(repeat('x', 4000000000))")
    assert (4, "", True) == (code, out, "more than 1GB of memory" in err)


def test_a_run_is_found_by_how_its_id_begins(ask):
    """As short as it is alone."""
    newest = ask("list runs -p sweep --limit 1 --fields id")["runs"][0]["id"]
    assert newest == ask(f"get run -p sweep -r {newest[:-2]}")["run"]["id"]


def test_what_was_logged_from_the_shell_is_one_run(tmp_path, run, ask, monkeypatch):
    """However many calls there were; stdin may hold many lines."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    command = [sys.executable, "-m", "trackio", "log", "-p", "shell", "-r", "nightly"]
    env = {**os.environ, "TRACKIO_DIR": str(tmp_path), "TRACKIO_SYSTEM_S": "0"}
    for more, text in (
        (["loss=0.5", "ok=true", "--config", "lr=0.1"], ""),
        (["--stdin", "--alert", "done", "--level", "info"], 'loss=0.25\n{"loss": "NaN"}\n'),
    ):
        subprocess.run([*command, *more], env=env, check=True, input=text, text=True, timeout=60)
    found = ask("get run -p shell -r nightly")["run"]
    assert (1, 0.1, 3) == (
        ask("list runs -p shell")["total"], found["config"]["lr"], found["summary"]["loss"]["count"]
    )  # fmt: skip
    assert ["done"] == [alert["title"] for alert in ask("list alerts -p shell")["alerts"]]


def test_tail_prints_the_last_calls_and_ends_with_the_run(run):
    """Followed, a run that has ended is over at once."""
    code, out, err = run("tail", "-p", "sweep", "-r", "d2-lr0.1", "-n", "2", "-f", "--json")
    assert (0, True) == (code, "has ended" in err)
    assert [298, 299] == [json.loads(line)["step"] for line in out.splitlines()]


def test_top_draws_a_curve_for_each_run(run):
    """In a pipe once, tab-separated."""
    code, out, _ = run("top", "-p", "sweep", "-m", "train/loss", "--limit", "3")
    lines = [line.split("\t") for line in out.splitlines()]
    assert (0, 4) == (code, len(lines))
    assert lines[-1][-1][0] in "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_every_point_is_exported(run, tmp_path, form):
    """NaN too; each format says the same."""
    out = tmp_path / f"points.{form}"
    assert (
        0 == run("export", "-p", "sweep", "-r", "d8-lr0.3", "-m", "train/loss", "-o", str(out))[0]
    )
    if form == "parquet":
        values = pq.read_table(out).column("value").to_pylist()
    elif form == "json":
        values = [float(json.loads(line)["value"]) for line in out.read_text().splitlines()]
    else:
        header, *lines = out.read_text().splitlines()
        place = header.split(",").index("value")
        values = [float(line.split(",")[place]) for line in lines]
    wanted = [truth.loss(0.3, 8, step) for step in range(truth.STEPS)]
    assert all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(wanted, values, strict=True)
    )


def test_a_wide_export_has_a_column_for_each_metric(run):
    """And a row for each step."""
    code, out, _ = run("export", "-p", "sweep", "-r", "d2-lr0.1", "--wide")
    assert (0, "run,run_id,step,time,train/loss,val/acc", 301) == (
        code, out.splitlines()[0], len(out.splitlines())
    )  # fmt: skip


def test_tags_are_added_and_taken_away(ask):
    """The rest of what is said of the run stays."""
    said = ask("tag -p sweep -r d8-lr0.01 best 'two words' --remove grid --notes hello")
    assert (["best", "two words"], "hello", "depth-8") == (
        said["tags"], said["notes"], said["group"]
    )  # fmt: skip
    assert 1 == ask("list runs -p sweep --match 'two words'")["total"]


def test_the_shells_can_complete_projects_and_runs(home):
    """Asked as bash asks."""
    env = {**os.environ, "TRACKIO_DIR": str(home), "_TRACKIO_COMPLETE": "bash_complete"}
    for words, wanted in (
        ("trackio get run --project s", ["second", "sweep"]),
        ("trackio get run -p sweep --run kil", ["killed"]),
        ("trackio comp", ["compare", "completion", "compact"]),
    ):
        env |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        code = "from trackio.cli import root; root(prog_name='trackio')"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert set(wanted) == {line.partition(",")[2] for line in done.stdout.splitlines()}


# Alerts.


def test_alerts_are_told_by_the_command(run, tmp_path, monkeypatch):
    """To a webhook of this machine that is allowed; then nothing is left to tell."""
    from webhooks import receiving

    monkeypatch.setenv("TRACKIO_ALERTS", str(tmp_path / "alerts.toml"))
    with receiving() as (url, got):
        assert 4 != run("alert", "test", "--webhook", url, "--json")[0]
        code, out, _ = run("alert", "test", "--webhook", url, "--allow-private", "--json")
        _check(out, "alert test")
        assert (0, 1) == (code, len(got))
        assert 0 == run("alert", "add", "finite", "--nonfinite", "-m", "train/*", "--json")[0]
        once = ("alert", "run", "--once", "-p", "sweep", "--webhook", url, "--allow-private")
        code, out, _ = run(*once, "--dry-run", "--json")
        assert {"diverged", "train/loss is nan"} == {a["title"] for a in json.loads(out)["alerts"]}
        assert 1 == len(got)
        code, out, _ = run(*once, "--wait", "1s", "--json")
        _check(out, "alert run")
        assert (0, 2, 3) == (code, json.loads(out)["returned"], len(got))
        assert 0 == json.loads(run(*once, "--json")[1])["returned"]


# MCP.


@pytest.fixture(scope="module")
def tools(home):
    return Tools(str(home))


def test_a_tool_gives_what_the_command_prints(tools, ask):
    """Every verb, with the same arguments; only the time differs."""
    asked = {
        "list_runs": {"project": "sweep", "where": ["config.lr=0.1"], "fields": "name"},
        "get_metric": {"project": "sweep", "run": "killed", "metric": "train/loss"},
        "compare": {"project": "sweep", "runs": ["d2-lr0.1", "d4-lr0.1"]},
        "query": {"sql": "SELECT count(*) FROM runs", "all_projects": True},
    }
    lines = [
        "list runs -p sweep --where config.lr=0.1 --fields name",
        "get metric -p sweep -r killed -m train/loss",
        "compare -p sweep d2-lr0.1 d4-lr0.1",
        "query --all-projects 'SELECT count(*) FROM runs'",
    ]
    for (name, arguments), line in zip(asked.items(), lines, strict=True):
        result = tools.call(name, arguments)
        assert not result.is_error, result.text
        assert {**ask(line), "as_of": 0} == {**json.loads(result.text), "as_of": 0}


def test_a_tool_that_fails_says_why(tools):
    """As the command does."""
    for name, arguments, why in (
        ("list_runs", {"project": "swep"}, "did you mean"),
        ("list_runs", {"projct": "sweep"}, "there is no argument projct"),
        ("delete_run", {}, "there is no tool"),
        ("query", {"project": ["sweep"], "sql": "DROP TABLE x"}, "refused"),
        ("get_run", {"project": "sweep"}, "--run"),
    ):
        result = tools.call(name, arguments)
        assert result.is_error
        assert why in result.text


def test_tools_only_read():
    """None of them can delete, rename, log or tag."""
    assert set() == {verb.split()[0] for verb in VERBS} - {
        "list", "get", "query", "compare", "diagnose"
    }  # fmt: skip


def test_an_agent_talks_to_the_server_over_stdio(home):
    """A real client of the protocol and a real server in a process of its own."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def talk():
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "trackio", "--store", str(home), "mcp"]
        )
        async with (
            stdio_client(parameters) as (reading, writing),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            listed = await session.list_tools()
            found = await session.call_tool("list_projects", {})
            failed = await session.call_tool("get_run", {"project": "none", "run": "x"})
            return listed.tools, found, failed

    tools, found, failed = asyncio.run(talk())
    assert len(VERBS) == len(tools)
    assert all(tool.annotations.readOnlyHint and tool.description for tool in tools)
    assert 2 == json.loads(found.content[0].text)["total"]
    assert failed.isError


def test_the_tools_are_served_by_gradio_too(home):
    """At its own MCP endpoint, to this machine; with the same answers and errors."""
    script = """
import asyncio, sys, warnings
warnings.simplefilter("ignore")  # Gradio's and Starlette's own
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from trackio.mcp.endpoint import PATH, serve

async def talk(url):
    async with streamablehttp_client(url) as (reading, writing, _):
        async with ClientSession(reading, writing) as session:
            await session.initialize()
            listed = await session.list_tools()
            asked = {"project": "sweep", "where": ["config.lr=0.1"]}
            found = await session.call_tool("list_runs", asked)
            failed = await session.call_tool("get_run", {"project": "sweep", "run": "nobody"})
            print(len(listed.tools), failed.isError, "nobody" in failed.content[0].text)
            print(found.content[0].text)

app = serve(sys.argv[1], None)
asyncio.run(talk(app.local_url + PATH))
app.close()
"""
    env = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, "-c", script, str(home)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=True)
    said = done.stdout[done.stdout.index(f"{len(VERBS)} True True") :]
    text = said[said.index("{") : said.rindex("\n}") + 2]
    assert 3 == json.loads(text)["total"]


# SKILL.md.


def _skill_commands():
    blocks = re.findall(r"```(?:bash|console|sh)\n(.*?)```", SKILL.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("line", _skill_commands())
def test_a_command_of_the_skill_works(run, line, tmp_path, monkeypatch):
    """Each is run as it stands, over the logged project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKIO_ALERTS", str(tmp_path / "alerts.toml"))
    words = shlex.split(line)
    assert "trackio" == words[0]
    if words[1] == "log":  # it logs in a process of its own, as a shell does
        env = {**os.environ, "TRACKIO_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-m", *words], env=env, check=True, timeout=60)
        return
    code, _, err = run(*words[1:])
    assert 0 == code, err


def test_the_skill_is_not_empty():
    """It has commands to run."""
    assert len(_skill_commands()) >= 12


_TELLING = """
import sys, trackio
url = sys.argv[1]
with trackio.init(project="told", name="one", webhook_url=url, webhook_min_level="warn") as run:
    run.alert("bad", level="error")
    run.alert("fine", level="info")
"""


def test_what_a_training_process_told_is_not_told_again(tmp_path, run, monkeypatch):
    """It tells at once what is bad enough; the evaluator sees that, and tells another webhook."""
    from webhooks import receiving

    env = {**os.environ, "TRACKIO_DIR": str(tmp_path), "TRACKIO_SYSTEM_S": "0"}
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    with receiving() as (url, got), receiving() as (other, got_too):
        subprocess.run([sys.executable, "-c", _TELLING, url], env=env, check=True, timeout=60)
        assert ["bad"] == [said["title"] for said in got]
        once = ("alert", "run", "--once", "--wait", "1s", "--allow-private", "--webhook")
        assert 0 == run(*once, url, "--min-level", "warn")[0]
        assert 1 == len(got)
        assert 0 == run(*once, other, "--group", "else")[0]
        assert ["bad", "fine"] == [said["title"] for said in got_too]
        assert got[0]["log_id"] == got_too[0]["log_id"]


def test_the_jobs_tell_of_alerts_too(tmp_path):
    """As soon as the file of rules names a webhook; once."""
    from webhooks import receiving

    env = {**os.environ, "TRACKIO_DIR": str(tmp_path), "TRACKIO_SYSTEM_S": "0"}
    trackio = [sys.executable, "-m", "trackio"]
    log = [*trackio, "log", "-p", "p", "-r", "r", "--alert", "ready"]
    subprocess.run(log, env=env, check=True, timeout=60)
    with receiving() as (url, got):
        (tmp_path / "alerts.toml").write_text(f'[[webhook]]\nurl = "{url}"\nallow_private = true\n')
        for _ in range(2):
            subprocess.run([*trackio, "jobs", "--once"], env=env, check=True, timeout=60)
        assert [("ready", "warn")] == [(said["title"], said["level"]) for said in got]
