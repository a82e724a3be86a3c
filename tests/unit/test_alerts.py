"""Alerts: what is due, which rules find what, whom to tell, and what is sent where."""

import http.server
import threading
from dataclasses import replace

import orjson
import pytest

from trackio.errors import InvalidInput, UnreadableFile
from trackio.model import RunId, SeqRange, WriterId
from trackio.query.project import Project
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter
from trackio.upkeep.alerts.address import AddressRefusedError, check_url, is_public, locate
from trackio.upkeep.alerts.config import Config, Rule, Webhook, add_rule, read_config
from trackio.upkeep.alerts.due import Due
from trackio.upkeep.alerts.evaluator import Evaluator
from trackio.upkeep.alerts.job import Alerts, evaluator_name
from trackio.upkeep.alerts.marks import Marks, Tried, decode_marks, encode_marks
from trackio.upkeep.alerts.payload import digest_of, encode_payload, shown_url
from trackio.upkeep.alerts.policy import Policy
from trackio.upkeep.alerts.post import Poster, PostError

HOOK = Webhook(url="https://example.com/a")
RUN, WRITER = RunId("r"), WriterId("0" * 24)
DUE = Due(
    project="p", run_id=RUN, run="calm", writer_id=WRITER, seq=7, time_s=START_S, step=3,
    level="error", title="<!channel> *down*", text="a & b",
)  # fmt: skip


@pytest.fixture
def clock():
    return ManualClock(START_S + 100)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


class Looker:
    """An evaluator whose webhook keeps what it is told; `refuse` makes it refuse."""

    def __init__(
        self, store, clock, *, rules=(), webhooks=(HOOK,), name="a", group="alerts", **policy
    ):
        self.told = []
        self.refuse = None
        self.evaluator = Evaluator(
            Project(store, "p", clock=clock),
            store,
            Config(webhooks=tuple(webhooks), rules=tuple(rules)),
            name=name,
            group=group,
            policy=replace(Policy(wait_s=0.0), **policy),
            clock=clock,
            sleep=clock.advance,
            deliver=self.deliver,
        )

    def deliver(self, webhook, body):
        if self.refuse is not None and webhook.url in self.refuse:
            raise PostError("refused")
        said = orjson.loads(body)
        self.told.append((webhook.url[-1], said["title"], said["rule"]))

    def look(self):
        self.told.clear()
        report = self.evaluator.look()
        return list(self.told), report


def test_an_alert_is_told_once(store, clock):
    """Whatever is written afterwards, and by whomever it is looked at."""
    writer = HandWriter(store, "p", "r")
    writer.alert("first")
    writer.put()
    looker = Looker(store, clock)
    assert [("a", "first", None)] == looker.look()[0]
    assert [] == looker.look()[0]
    assert [] == Looker(store, clock).look()[0]
    assert [] == Looker(store, clock, name="other").look()[0]
    writer.alert("second")
    writer.put(2, 2)
    assert ["second"] == [title for _, title, _ in looker.look()[0]]


def test_a_late_row_is_told_when_it_appears(store, clock):
    """Rows may arrive in any order; a gap holds nothing up."""
    writer = HandWriter(store, "p", "r")
    writer.alert("late")
    writer.log({"loss": 1.0})
    writer.alert("early")
    writer.put(0, 0)
    writer.put(2, 3)
    looker = Looker(store, clock)
    assert ["early"] == [title for _, title, _ in looker.look()[0]]
    clock.advance(10 * 86_400)
    writer.put(1, 1)
    assert ["late"] == [title for _, title, _ in looker.look()[0]]
    assert 3 == orjson.loads(store.get("p/state/alerts.a.json"))["done"]["r"][writer.writer_id]


def test_a_project_met_for_the_first_time_is_not_told_of_again(store, clock):
    """Nobody wants last year's alerts the day the scheduler is set up."""
    writer = HandWriter(store, "p", "r")
    writer.alert("old")
    writer.at(START_S + 90_000).alert("young")
    writer.put()
    clock.advance(100_000)
    told, report = Looker(store, clock).look()
    assert (["young"], 1) == ([title for _, title, _ in told], report.passed_over)


def test_a_webhook_is_told_what_is_bad_enough_and_of_its_projects(store, clock):
    """Each has its own least level and its own projects."""
    writer = HandWriter(store, "p", "r")
    for level in ("info", "warn", "error"):
        writer.alert(level, level=level)
    writer.put()
    hooks = [
        Webhook(url="https://example.com/a", min_level="warn"),
        Webhook(url="https://example.com/b", project="q*"),
        Webhook(url="https://example.com/c", min_level="error", project="p"),
    ]
    told, _ = Looker(store, clock, webhooks=hooks).look()
    assert [("a", "warn"), ("a", "error"), ("c", "error")] == [found[:2] for found in told]


def test_only_the_webhook_that_refused_is_told_again(store, clock):
    """Also by the process that comes after, and no longer than a day."""
    writer = HandWriter(store, "p", "r")
    writer.alert("x")
    writer.put()
    hooks = [HOOK, Webhook(url="https://example.com/b")]
    looker = Looker(store, clock, webhooks=hooks)
    looker.refuse = {hooks[1].url}
    told, report = looker.look()
    assert (["a"], 1, 1) == ([url for url, _, _ in told], len(report.waiting), len(report.problems))
    again = Looker(store, clock, webhooks=hooks)
    assert ["b"] == [url for url, _, _ in again.look()[0]]
    writer.alert("y")
    writer.put(2, 2)
    again.refuse = {hooks[0].url, hooks[1].url}
    assert 0 == len(again.look()[1].given_up)
    clock.advance(86_500)
    assert ["y"] == [due.title for due in again.look()[1].given_up]
    again.refuse = None
    assert [] == again.look()[0]


def test_a_webhook_that_refuses_is_left_alone_longer_and_longer(store, clock):
    """A minute, then two, at most a quarter of an hour; when it takes one it counts anew."""
    writer = HandWriter(store, "p", "r")
    writer.alert("x")
    writer.put()
    looker = Looker(store, clock)
    looker.refuse = {HOOK.url}
    problems = []
    for _ in range(6):
        problems.append(len(looker.look()[1].problems))
        clock.advance(45.0)
    assert [1, 0, 1, 0, 0, 1] == problems
    looker.refuse = None
    assert [] == looker.look()[0]
    clock.advance(900.0)
    assert ["x"] == [title for _, title, _ in looker.look()[0]]


def test_of_two_evaluators_the_one_that_claimed_first_tells(store, clock):
    """The other waits for it to write that down, and takes over if it never does."""
    writer = HandWriter(store, "p", "r")
    writer.alert("x")
    writer.put()
    store.put({f"p/state/claims/{writer.writer_id}-000000000001/alerts.b": b""})
    clock.advance(1.0)
    looker = Looker(store, clock)
    told, report = looker.look()
    assert ([], ["x"]) == (told, [due.title for due in report.waiting])
    clock.advance(200.0)
    assert ["x"] == [title for _, title, _ in looker.look()[0]]


def test_evaluators_of_another_group_tell_for_themselves(store, clock):
    """They have other webhooks."""
    writer = HandWriter(store, "p", "r")
    writer.alert("x")
    writer.put()
    for group in ("ours", "theirs"):
        config = Config(webhooks=(HOOK,))
        told = []
        alerts = Alerts(
            store, config, name="a", group=group, policy=Policy(wait_s=0.0), clock=clock,
            sleep=clock.advance, deliver=lambda webhook, body, told=told: told.append(body),
        )  # fmt: skip
        assert [None] == [looked.error for looked in alerts.look()]
        assert 1 == len(told)


def test_what_the_training_process_told_is_not_told_again(store, clock):
    """It has two minutes for it; another webhook is told at once."""
    writer = HandWriter(store, "p", "r", start_s=clock.now_s())
    said = {"level": "warn", "text": None, "webhook": HOOK.digest}
    writer.say("alert", "told", said)
    writer.say("alert", "killed", said)
    writer.say("run", "told", {"seq": 1, "webhook": HOOK.digest})
    writer.put()
    looker = Looker(store, clock)
    told, report = looker.look()
    assert ([], ["killed"]) == (told, [due.title for due in report.waiting])
    clock.advance(130.0)
    assert ["killed"] == [title for _, title, _ in looker.look()[0]]
    other = Looker(store, clock, webhooks=[Webhook(url="https://example.com/b")], group="else")
    assert ["told", "killed"] == [title for _, title, _ in other.look()[0]]


def test_rules_find_values_that_are_not_finite_or_beyond_a_bound(store, clock):
    """Once for each metric of each run, at the first such point."""
    writer = HandWriter(store, "p", "r")
    writer.put_meta("calm")
    writer.log({"loss": 1.0, "acc": 0.5})
    writer.log({"loss": float("nan"), "acc": 2.0})
    writer.put()
    rules = [
        Rule(name="finite", when="nonfinite", metric="l*"),
        Rule(name="high", when="threshold", metric="acc", above=1.0),
        Rule(name="low", when="threshold", metric="*", below=0.0, run="other*"),
    ]
    looker = Looker(store, clock, rules=rules)
    assert {("a", "loss is nan", "finite"), ("a", "acc is 2, above 1", "high")} == set(
        looker.look()[0]
    )
    writer.log({"loss": float("inf"), "acc": 3.0})
    writer.put(3, 3)
    assert [] == looker.look()[0]


def test_rules_find_runs_that_are_silent_crashed_or_failed(store, clock):
    """Silent is a run that goes on and logs nothing; after more points it may be so again."""
    silent = HandWriter(store, "p", "s", start_s=clock.now_s())
    silent.log({"loss": 1.0})
    silent.put()
    failed = HandWriter(store, "p", "f", start_s=clock.now_s())
    failed.finish("failed")
    failed.put()
    rules = [
        Rule(name="quiet", when="silent", minutes=1.0),
        Rule(name="gone", when="crashed"),
        Rule(name="bad", when="failed", level="warn"),
    ]
    looker = Looker(store, clock, rules=rules)
    assert ["bad"] == [rule for _, _, rule in looker.look()[0]]
    clock.advance(90)
    assert ["quiet"] == [rule for _, _, rule in looker.look()[0]]
    assert [] == looker.look()[0]
    silent.at(clock.now_s()).log({"loss": 0.5})
    silent.put(2, 2)
    assert [] == looker.look()[0]
    clock.advance(500)
    assert {"quiet", "gone"} == {rule for _, _, rule in looker.look()[0]}


def test_a_preview_writes_nothing(store, clock):
    """It names what would be told."""
    writer = HandWriter(store, "p", "r")
    writer.alert("x")
    writer.put()
    before = sorted(entry.key for entry in store.list())
    assert ["x"] == [due.title for due in Looker(store, clock).evaluator.preview()]
    assert before == sorted(entry.key for entry in store.list())


def test_marks_decode_to_what_was_encoded():
    """One number for rows without holes, and nobody else's file is taken for one."""
    marks = Marks()
    marks.add_rows(RUN, WRITER, [SeqRange(5, 9), SeqRange(0, 3)])
    marks.add_rows(RUN, WriterId("1" * 24), [SeqRange(0, 9)])
    marks.add(replace(DUE, rule="high", mark="m"))
    marks.tried["x"] = Tried(since_s=1.5, told={"d"})
    assert marks == decode_marks(encode_marks(marks))
    assert 9 == orjson.loads(encode_marks(marks))["done"]["r"]["1" * 24]
    for bad in (b"", b"[]", b'{"format":9}', b'{"format":1}'):
        with pytest.raises(UnreadableFile):
            decode_marks(bad)


def test_the_file_of_rules_is_read_and_added_to(tmp_path):
    """What is there stays as it is, comments and all."""
    path = tmp_path / "alerts.toml"
    assert Config() == read_config(path)
    path.write_text('# mine\n[[webhook]]\nurl = "https://example.com/x"\nmin_level = "warn"')
    rule = Rule(name="high", when="threshold", metric='a"b', above=1.0)
    add_rule(path, rule)
    add_rule(path, Rule(name="quiet", when="silent", minutes=5.0))
    found = read_config(path)
    assert (rule, "quiet", "warn") == (
        found.rules[0], found.rules[1].name, found.webhooks[0].min_level
    )  # fmt: skip
    assert path.read_text().startswith("# mine\n")
    with pytest.raises(InvalidInput, match="already"):
        add_rule(path, rule)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[rule]]\nname = 'a'\nwhen = 'never'", "when is one of"),
        ("[[rule]]\nname = 'a'\nwhen = 'threshold'", "above and below"),
        ("[[rule]]\nname = 'a'\nwhen = 'silent'", "minutes"),
        ("[[rule]]\nname = 'a b'\nwhen = 'crashed'", "letters, digits"),
        ("[[rule]]\nname = 'a'\nwhen = 'crashed'\ncolor = 'red'", "has no color"),
        ("[[webhook]]\nurl = 'ftp://x'", "http"),
        ("[[webhook]]\nurl = 'https://x'\nmin_level = 'bad'", "info, warn, error"),
        ("[webhook]\nurl = 'https://x'", "two brackets"),
        ("rules = 1", "rules"),
        ("[[rule", "cannot be read"),
        ("[[rule]]\nname='a'\nwhen='crashed'\n[[rule]]\nname='a'\nwhen='failed'", "two rules"),
    ],
)
def test_what_cannot_be_meant_in_the_file_is_told(tmp_path, text, why):
    """With the name of the file, and what would be right."""
    path = tmp_path / "alerts.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=why) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


def test_payloads_carry_the_log_id_and_mention_nobody():
    """Slack, Discord, and plain JSON for all others."""
    plain = orjson.loads(encode_payload("https://example.com/x", DUE))
    assert (DUE.log_id, "p", "calm", 3) == tuple(
        plain[name] for name in ("log_id", "project", "run", "step")
    )
    slack = encode_payload("https://hooks.slack.com/services/x", DUE).decode()
    assert DUE.log_id in slack
    assert "a &amp; b" in slack
    assert "<!channel>" not in orjson.loads(slack)["text"]
    discord = orjson.loads(encode_payload("https://discord.com/api/webhooks/x", DUE))
    assert {"parse": []} == discord["allowed_mentions"]
    assert DUE.log_id in discord["embeds"][0]["footer"]["text"]
    assert "secret" not in shown_url("https://example.com/secret")
    assert digest_of(HOOK.url) == HOOK.digest


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1",  # noqa: S104 - is refused
        "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1",
        "not an address",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address):
    """Also one that hides in an address of version 6."""
    assert not is_public(address)
    if address[0].isdigit() or ":" in address:
        with pytest.raises(AddressRefusedError, match="allow_private"):
            locate("https://h/x", allow_private=False, resolve=lambda *_: ["8.8.8.8", address])
        target = locate("https://h/x?y", allow_private=True, resolve=lambda *_: [address])
        assert (address, "h", 443, "/x?y") == (
            target.address,
            target.host,
            target.port,
            target.path,
        )


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_is_taken(address):
    """Of either version."""
    assert is_public(address)


@pytest.mark.parametrize("url", ["https://", "x", "https://u:p@h/", "https://h:99999/"])
def test_what_is_no_webhook_is_refused(url):
    """Before anything is resolved."""
    with pytest.raises(InvalidInput):
        check_url(url)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        server.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        status = server.answers.pop(0) if server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/private")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """A real web server; `answers` are the statuses that it gives, then 200."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_busy_webhook_is_tried_again(server):
    """Three times, with longer and longer pauses."""
    server.answers = [503, 429]
    pauses = []
    Poster(allow_private=True, sleep=pauses.append).deliver(server.url, b"{}")
    assert [("/hook?x=1", b"{}")] * 3 == server.got
    assert pauses[0] < pauses[1]
    server.answers = [500, 500, 500]
    with pytest.raises(PostError, match="answers 500"):
        Poster(allow_private=True, sleep=pauses.append).deliver(server.url, b"{}")


@pytest.mark.parametrize(("status", "why"), [(404, "answers 404"), (302, "redirects")])
def test_a_webhook_that_says_no_is_not_asked_again(server, status, why):
    """And a redirect is followed nowhere."""
    server.answers = [status]
    with pytest.raises(PostError, match=why):
        Poster(allow_private=True, sleep=lambda _: None).deliver(server.url, b"{}")
    assert 1 == len(server.got)


def test_nothing_is_sent_to_this_machine_unless_it_is_allowed(server):
    """A webhook's host may not be used to reach what is inside."""
    with pytest.raises(PostError, match="not public"):
        Poster(sleep=lambda _: None).deliver(server.url, b"{}")
    assert [] == server.got


def test_the_connection_goes_to_the_address_that_was_checked(server):
    """The name is not asked for twice."""
    url = f"http://nowhere.invalid:{server.server_port}/x"
    Poster(allow_private=True, resolve=lambda *_: ["127.0.0.1"]).deliver(url, b"1")
    assert [("/x", b"1")] == server.got


def test_a_webhook_that_does_not_answer_is_given_up():
    """Nobody waits longer than the time in all."""
    listening = http.server.socketserver.TCPServer(("127.0.0.1", 0), None)
    try:
        url = f"http://127.0.0.1:{listening.server_address[1]}/"
        with pytest.raises(PostError, match=r"no answer within 0\.2 s"):
            Poster(allow_private=True, timeout_s=0.2).post(url, b"")
    finally:
        listening.server_close()


def test_without_a_webhook_there_is_nothing_to_evaluate(store):
    """It says where to put one."""
    with pytest.raises(InvalidInput, match="TRACKIO_WEBHOOK_URL"):
        Alerts(store, Config(), name="a")


def test_a_name_is_made_fit_for_a_key():
    """Of whatever the host is called."""
    assert ("my-host-1", "unnamed") == (evaluator_name("my.host_1"), evaluator_name("…"))
