"""A store elsewhere that fails: what `finish()` said is in the store is there, alone and whole."""

import random
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from children import environment, run
from standin.hub import READ_TOKEN, WRITE_TOKEN, StandinHub
from standin.limit import RateLimit
from standin.web import Kind

import trackio
from trackio import asked, journal
from trackio.errors import StoreUnavailable
from trackio.hosts import ProcessIdentity
from trackio.keys import ShardKey
from trackio.model import RunId, RunMeta, WriterId
from trackio.settings import FlushPolicy, Patience, Settings, UpkeepPolicy
from trackio.spool import Spool, outage
from trackio.store.base import Budget, Store
from trackio.store.bucket import Bucket
from trackio.store.faulty import Chances, Faulty
from trackio.store.memory import MemoryStore
from trackio.testing.clock import ManualClock
from trackio.testing.reading import points_in
from trackio.upkeep.waiting import send_waiting
from trackio.writer.publisher import Publisher
from trackio.writer.rollup import RollUp
from trackio.writer.writer import Writer

PROJECT = "p"
BUCKET = "ada/runs"
NOWHERE = "http://127.0.0.1:1"  # nobody listens there
_FLUSH = FlushPolicy(max_calls=8, rotate_bytes=2_000)
_UPKEEP = UpkeepPolicy(fan_in=3, small_bytes=20_000)
_ODDS = Chances(failed=0.15, lost=0.1, partial=0.1, overnamed=0.05, refused=0.03, torn=0.05)


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch):
    """No outage of another test is remembered."""
    monkeypatch.setattr(outage, "_silent", set())


class Machine:
    """One writer with a spool, driven step by step as its threads would."""

    def __init__(self, folder: Path, store: Store, seed: int) -> None:
        self.clock = ManualClock()
        self.random = random.Random(seed)
        self.logged: set[tuple[str, float]] = set()
        number = f"{seed:024x}"
        header = journal.Header(
            project=PROJECT,
            run_id=RunId(number),
            writer_id=WriterId(number),
            store_url=store.url,
            meta=RunMeta(name=f"run {seed}", created="2026-01-01T00:00:00+00:00"),
            is_new_run=True,
            owner=ProcessIdentity(host="here", pid=1),
        )
        self.writer = Writer(header, folder / "journal", policy=_FLUSH, clock=self.clock)
        self.spool = Spool(folder / "spool", store, clock=self.clock)
        files = self.spool.files
        self.publisher = Publisher(
            self.writer, files, target=store, policy=_FLUSH, on_put=self.spool.offer
        )
        scratch = folder / "scratch"
        self.rollup = RollUp(
            files, unsent=self.spool, scratch=scratch, policy=_UPKEEP, clock=self.clock
        )

    def live(self, calls: int) -> None:
        """Log, publish, merge and send in an order of its own, and finish."""
        for number in range(calls):
            self.writer.log({"loss": float(number)})
            self.logged.add((self.writer.header.writer_id, float(number)))
            self.random.choice([self._publish, self._send, self._nothing])()
        self.rollup.add(self.publisher.finish({"state": "finished", "reason": None}))
        self.rollup.finish()
        self.writer.close()
        while not self.spool.wait_sent("", Patience(silence_s=0, cap_s=0)):
            self._send()

    def _publish(self) -> None:
        self.rollup.add(self.publisher.publish())
        self.rollup.step()

    def _send(self) -> None:
        self.clock.advance(self.spool.wait_s() if self.spool.waiting_below("") else 1.0)
        self.spool.send()

    def _nothing(self) -> None:
        pass


def _found(store: Store) -> set[tuple[str, float]]:
    return {(writer, value) for writer, _, _, value in points_in(store, PROJECT)}


@pytest.mark.parametrize("batch", range(10))
def test_after_finish_said_ok_the_store_alone_has_every_row(tmp_path, batch):
    """500 histories of refusals, lost answers, torn files and batches that fail half-way."""
    for seed in range(batch * 50, batch * 50 + 50):
        folder = tmp_path / str(seed)
        truth = MemoryStore()
        machine = Machine(folder, Faulty(truth, _ODDS.chooser(seed), seed=seed), seed)
        machine.live(machine.random.randrange(1, 30))
        shutil.rmtree(folder)
        assert machine.logged == _found(truth), seed


def test_after_finish_said_ok_the_bucket_alone_has_every_row(tmp_path, hub):
    """25 histories with the real client: no answer, lost answers, refusals, failed operations."""
    rng = random.Random(7)
    hub.make_bucket(BUCKET)
    logged: set[tuple[str, float]] = set()
    for seed in range(25):
        for _ in range(rng.randrange(1, 6)):
            _let_something_go_wrong(hub, rng)
        machine = Machine(
            tmp_path / str(seed), Bucket(BUCKET, endpoint=hub.url, token=WRITE_TOKEN), seed
        )
        machine.live(rng.randrange(1, 12))
        shutil.rmtree(tmp_path / str(seed))
        logged |= machine.logged
        hub.faults.clear()
    reader = Bucket(BUCKET, endpoint=hub.url, token=READ_TOKEN)
    assert logged == _found(reader)


def _let_something_go_wrong(hub: StandinHub, rng: random.Random) -> None:
    where = rng.choice([r"/batch$", r"/batch$", "xet-write-token", "/v2/shards"])
    kind = rng.choice([Kind.DROP, Kind.LOST, Kind.STATUS, Kind.TRUNCATE])
    status = 403 if where == "/v2/shards" else rng.choice([429, 500, 503])
    if where == "/v2/shards":
        kind = Kind.STATUS  # hf_xet itself tries anything else again, and sleeps
    hub.faults.add(where, kind, times=1, status=status)
    left = [rng.randrange(3)]

    def fails(operation: dict[str, object]) -> str | None:
        if left[0] and rng.random() < 0.3:
            left[0] -= 1
            return "busy"
        return None

    hub.fails_operation = fails


def test_a_run_in_a_bucket_survives_its_machine(tmp_path, hub, monkeypatch):
    """As a user would: a bucket that nobody made, a lost answer, and no disk afterwards."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "machine"))
    hub.faults.add(r"/batch$", Kind.LOST, times=1)
    made = trackio.init(PROJECT, bucket_id="runs", config={"lr": 0.1})
    for number in range(100):
        trackio.log({"loss": number})
    report = trackio.finish()
    assert (True, report.calls, None) == (report.is_complete, report.stored, report.command)
    shutil.rmtree(tmp_path / "machine")
    assert hub.buckets[BUCKET].is_private
    (found,) = trackio.Api(store=f"hf://buckets/{BUCKET}").runs(PROJECT)
    assert (made.id, 100) == (found.id, len(found.history(samples=None)))


# Many writers, one budget


class Limited(MemoryStore):
    """A store that takes so many calls of a user in five minutes, and says so."""

    quota = 1000
    window_s = 300.0

    def __init__(self, clock: ManualClock, *, tells: bool) -> None:
        super().__init__(clock=clock)
        self.refused = 0
        self.budget: Budget | None = None
        self._tells = tells
        self._now_s = clock.monotonic
        self._began_s = clock.monotonic()
        self._taken = 0

    def put(self, files):
        """One call, or no."""
        passed_s = self._now_s() - self._began_s
        if passed_s >= self.window_s:
            self._began_s += self.window_s * (passed_s // self.window_s)
            self._taken = 0
        self._taken += 1
        resets_s = self._began_s + self.window_s - self._now_s()
        if self._taken > self.quota:
            self.refused += 1
            raise StoreUnavailable("too many requests", retry_after_s=resets_s)
        if self._tells:
            self.budget = Budget(remaining=self.quota - self._taken, resets_s=resets_s)
        super().put(files)


@pytest.mark.parametrize(("tells", "most_refused"), [(True, 0), (False, 3 * 64)])
def test_64_writers_of_one_user_share_its_budget(tmp_path, caplog, tells, most_refused):
    """Nothing is lost, the Hub is not stormed, and what comes out of it is an even flow."""
    clock = ManualClock()
    store = Limited(clock, tells=tells)
    spools = [
        Spool(tmp_path / str(number), store, clock=clock, jitter=random.Random(number).uniform)
        for number in range(64)
    ]
    begun_s, put, late_s = clock.monotonic(), 0, []
    waits_since: dict[int, float] = {}
    while (passed_s := clock.monotonic() - begun_s) < 900:
        for number, spool in enumerate(spools):
            if (int(passed_s) + number) % 10 == 0:
                put += _spool_one(spool, number, int(passed_s))
                waits_since.setdefault(number, clock.monotonic())
            if spool.wait_s() <= 0 and spool.send() and number in waits_since:
                late_s.append(clock.monotonic() - waits_since.pop(number))
        clock.advance(1.0)
    assert store.refused <= most_refused
    assert 10 < statistics.mean(spool.interval_s for spool in spools) < 60
    assert 1 <= caplog.text.count("limits how often") <= 64
    if tells:
        assert max(late_s) < 60
    while any(spool.waiting_below("") for spool in spools):
        clock.advance(1.0)
        for spool in spools:
            if spool.wait_s() <= 0:
                spool.send()
    assert put == len(list(store.list()))


def _spool_one(spool: Spool, number: int, second: int) -> int:
    name = str(ShardKey(PROJECT, RunId("r"), WriterId(f"{number:024x}"), second, second))
    spool.files.put({name: b"x"})
    spool.offer([name])
    return 1


def test_the_hubs_own_words_on_its_limit_are_understood(hub, tmp_path):
    """As it says them with each answer, and with 429."""
    clock = ManualClock()
    hub.limit = RateLimit(10, 300.0, clock.monotonic)
    hub.make_bucket(BUCKET)
    store = Bucket(BUCKET, endpoint=hub.url, token=WRITE_TOKEN)
    spool = Spool(tmp_path, store, clock=clock)
    for second in range(9):
        _spool_one(spool, 0, second)
        clock.advance(10)
        assert spool.send()
    assert store.budget is not None
    assert 0 == store.budget.remaining
    assert spool.interval_s > 10
    _spool_one(spool, 0, 9)
    assert spool.wait_s() >= store.budget.resets_s - 1
    assert not spool.send()  # whoever asks all the same is refused
    assert 1 == hub.limit.refused
    clock.advance(spool.wait_s())
    assert spool.send()


# No network


def test_without_a_network_everything_waits_and_sync_sends_it_later(tmp_path, hub):
    """`init` asks nobody, one warning says why nothing arrives, nothing is raised."""
    script = """
        import trackio
        run = trackio.init("p", name="n", bucket_id="ada/runs", resume="allow")
        for i in range(50):
            run.log({"i": i})
        report = run.finish()
        print(report.calls == report.local, report.command)
    """
    env = {"HF_TOKEN": WRITE_TOKEN, "TRACKIO_FINISH_S": "1", "TRACKIO_FLUSH_S": "0.1"}
    done = run(tmp_path, script, HF_ENDPOINT=NOWHERE, **env)
    assert (0, f"True trackio sync --dir {tmp_path}\n") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("cannot be reached"), done.stderr
    assert 2 == len(done.stderr.splitlines()), done.stderr  # and what finish() says
    _move_spool(tmp_path, hub)
    assert "sent" in _sync(tmp_path, hub, "--dir", str(tmp_path))
    asked = len(hub.requests)
    assert "0 files sent" in _sync(tmp_path, hub, "--dir", str(tmp_path))
    assert asked == len(hub.requests)
    reader = Bucket(BUCKET, endpoint=hub.url, token=READ_TOKEN)
    assert 50 == len({value for _, _, key, value in points_in(reader, "p") if key == "i"})


def _move_spool(folder: Path, hub: StandinHub) -> None:
    """The network is back: what was nowhere is where the stand-in is now."""
    for note in (folder / ".spool").glob("*/.store-url"):
        note.write_text(note.read_text().replace(NOWHERE, hub.url))


def _sync(folder: Path, hub: StandinHub, *args: str) -> str:
    """What `trackio sync` says."""
    env = environment(folder, HF_ENDPOINT=hub.url, HF_TOKEN=WRITE_TOKEN)
    command = [sys.executable, "-m", "trackio", "sync", *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout + done.stderr


def test_offline_nobody_is_asked_until_sync(tmp_path, hub, monkeypatch):
    """The run goes on in a second process; both arrive together."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    monkeypatch.setenv("TRACKIO_MODE", "offline")
    first = trackio.init(PROJECT, name="n", bucket_id=BUCKET, dir=tmp_path, resume="allow")
    trackio.log({"i": 0})
    report = trackio.finish()
    assert (report.calls, None) == (report.local, report.interval_s)
    second = trackio.init(PROJECT, name="n", bucket_id=BUCKET, dir=tmp_path, resume="must")
    trackio.log({"i": 1})
    assert not trackio.flush()
    with pytest.raises(StoreUnavailable, match="mode is offline"):
        trackio.flush(strict=True)
    trackio.finish()
    assert first.id == second.id
    assert [] == hub.requests
    report = send_waiting(Settings.from_env(dir=tmp_path))
    assert ([], 0) == (report.problems, report.files_waiting)
    (found,) = trackio.Api(store=f"hf://buckets/{BUCKET}").runs(PROJECT)
    assert {0.0, 1.0} == set(found.history(samples=None)["i"])
    assert 0 == send_waiting(Settings.from_env(dir=tmp_path)).files_sent


def test_disabled_leaves_nothing_behind(tmp_path, monkeypatch):
    """No file, no folder, no thread; whatever a run can do can be called."""
    monkeypatch.setenv("TRACKIO_MODE", "disabled")
    monkeypatch.setattr(asked, "_told", set())
    before = threading.active_count()
    with trackio.init(PROJECT, store="s3://nowhere", dir=tmp_path / "d", config={"a": 1}) as made:
        made.log({"x": 1})
        made.log_system({"gpu": 1})
        made.alert("look")
        made.config["b"] = made.config["a"]
        made.summary["best"] = 1
        assert made.flush(strict=True)
    assert made.finish().is_complete
    made.log({"x": 2})
    made.finish()
    assert isinstance(made, trackio.Run)
    assert before == threading.active_count()
    assert [] == list(tmp_path.iterdir())


# Ctrl-C


def test_ctrl_c_ends_the_waiting_of_finish_and_loses_nothing(tmp_path):
    """It returns with a report; the rows wait on this machine."""
    script = """
        import os, signal, threading, time, trackio
        run = trackio.init("p", bucket_id="ada/runs")
        for i in range(50):
            run.log({"i": i})
        def interrupt():
            while not run_path._spool._in_a_hurry:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        run_path = run._path
        threading.Thread(target=interrupt, daemon=True).start()
        report = run.finish()
        print(report.calls == report.local, report.command)
    """
    env = {"HF_TOKEN": WRITE_TOKEN, "HF_ENDPOINT": NOWHERE, "TRACKIO_FINISH_S": "600"}
    done = run(tmp_path, script, **env)
    assert (0, f"True trackio sync --dir {tmp_path}\n") == (done.returncode, done.stdout)
    assert "Ctrl-C" in done.stderr
    assert [] != list((tmp_path / ".spool").rglob("*.parquet"))


# Secrets


def test_no_secret_lands_in_data_spool_logs_or_the_bucket(tmp_path, hub):
    """Planted where credentials are, looked for in everything that was written or sent."""
    secrets = {
        "HF_TOKEN": WRITE_TOKEN,
        "AWS_SECRET_ACCESS_KEY": "plantedAwsSecret",
        "AZURE_STORAGE_ACCOUNT_KEY": "plantedAzureSecret",
    }
    script = """
        import logging, trackio
        logging.basicConfig(level=logging.DEBUG)
        for address in (None, "hf://buckets/ada/runs?token=hf_plantedInTheAddress"):
            try:
                run = trackio.init("p", store=address, bucket_id=None if address else "ada/runs")
            except trackio.TrackioError as exc:
                print(exc)
            else:
                run.log({"i": 1})
                print(run.finish())
        print(trackio.Api(store="hf://buckets/ada/runs").runs("p")[0].history())
    """
    hub.faults.add("xet-write-token", Kind.STATUS, status=500, times=1)
    home = tmp_path / "hf"
    home.mkdir()
    (home / "token").write_text(READ_TOKEN)
    env = {**secrets, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "TRACKIO_FINISH_S": "20"}
    done = run(tmp_path, script, **env)
    assert 0 == done.returncode, done.stderr
    (home / "token").unlink()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    names = [str(path).encode() for path in tmp_path.rglob("*")]
    bucket = hub.buckets[BUCKET]
    sent = [hub.content(BUCKET, path) for path in bucket.files] + [p.encode() for p in bucket.files]
    said = [done.stdout.encode(), done.stderr.encode()]
    everything = b"\n".join(written + names + sent + said)
    planted = [*secrets.values(), READ_TOKEN, "hf_plantedInTheAddress"]
    assert [] == [secret for secret in planted if secret.encode() in everything]
