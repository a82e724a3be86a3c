"""Writers and collectors over one store, step by step: no version ever lacks a file for good."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from trackio import keys
from trackio.artifacts import collect
from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.commit import How, commit
from trackio.artifacts.versions import list_artifacts, read_manifests
from trackio.errors import TrackioError
from trackio.model import VersionId
from trackio.settings import REMOTE_GRACE_S
from trackio.store.faulty import Chances, Faulty
from trackio.store.memory import MemoryStore
from trackio.testing.actors import Actor, pause
from trackio.testing.clock import ManualClock


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Whatever is done many at a time is done one by one: each step is the world's to decide."""
    monkeypatch.setattr("trackio.store.parallel._started", lambda work, count: [])


CONTENTS = 5
STEPS = 260
JUMPS_S = (1.0, 60.0, REMOTE_GRACE_S / 3, REMOTE_GRACE_S / 2, 1.1 * REMOTE_GRACE_S)


class Workshop:
    """Many who log, delete and collect in one project; the same seed repeats it exactly."""

    def __init__(self, folder: Path, seed: int, chances: Chances) -> None:
        self.clock = ManualClock()
        self.truth = MemoryStore(f"workshop-{seed}", clock=self.clock)
        self.actors: list[Actor] = []
        self.promised: set[tuple[str, VersionId]] = set()
        self._random = random.Random(seed)
        self._chances = chances
        self._seeds = iter(range(seed * 10_000, (seed + 1) * 10_000))
        self._files = [folder / f"file-{number}" for number in range(CONTENTS)]
        for number, file in enumerate(self._files):
            file.write_bytes(f"content {number}".encode())

    def step(self) -> None:
        """One thing happens."""
        begin = [self.start_writer] * 3 + [self.start_collector] * 2 + [self.delete_a_version]
        going = [actor for actor in self.actors if not actor.is_done]
        drawn = self._random.random()
        if not going or (drawn < 0.12 and len(going) < 6):
            self._random.choice(begin)()
        elif drawn < 0.16 and not any("delete" in actor.at for actor in going):
            self.clock.advance(self._random.choice(JUMPS_S))
        elif drawn < 0.18:
            self._random.choice(going).crash()
        else:
            self._random.choice(going).step()

    def start_writer(self) -> None:
        """Logs some of the files, again and again until it is there."""
        files = self._random.sample(self._files, self._random.randint(1, 3))
        name = self._random.choice("abc")
        store = self._faulty(self._chances)

        def work() -> None:
            for _ in range(20):
                artifact = Artifact(name, "model")
                for file in files:
                    artifact.add_file(file)
                with suppress(TrackioError):
                    done = commit(store, *artifact.make_manifest("p"), how=self._how())
                    self.promised.add((name, done.version_id))
                    return

        self.actors.append(Actor("writer", work))

    def start_collector(self) -> None:
        """Deletes what nobody needs."""
        store = self._faulty(Chances(failed=0.02))

        def work() -> None:
            with suppress(TrackioError):
                collect.collect(store, "p", grace_s=REMOTE_GRACE_S, clock=self.clock)

        self.actors.append(Actor("collector", work))

    def delete_a_version(self) -> None:
        """Somebody deletes the newest version of an artifact."""
        known = [it for it in list_artifacts(self.truth, "p").values() if it.live]
        if known:
            open_artifact(self.truth, "p", self._random.choice(known).name).delete()

    def settle(self) -> None:
        """Everybody who is at work ends it."""
        while going := [actor for actor in self.actors if not actor.is_done]:
            self._random.choice(going).step()

    def missing(self) -> set[str]:
        """The blobs that versions hold whose writer was told so, and that are not there."""
        there = {entry.key for entry in self.truth.list(keys.blob_prefix("p"))}
        held: set[str] = set()
        for name, versions in list_artifacts(self.truth, "p").items():
            mine = [it for it in versions.live if (name, it) in self.promised]
            for manifest in read_manifests(self.truth, "p", name, mine).values():
                held |= {str(keys.BlobKey("p", digest)) for digest in manifest.blobs}
        return held - there

    def _faulty(self, chances: Chances) -> Faulty:
        seed = next(self._seeds)
        return Faulty(self.truth, chances.chooser(seed), before=pause, page_keys=3, seed=seed)

    def _how(self) -> How:
        def sleep(seconds: float) -> None:
            pause("sleep", "")
            self.clock.advance(seconds)

        return How(clock=self.clock, sleep=sleep)


@pytest.mark.parametrize("seed", range(60))
def test_a_version_that_was_logged_stays_whole(seed: int, tmp_path: Path) -> None:
    """Whoever else logs, deletes, collects, crashes or stalls, between any two steps."""
    workshop = Workshop(tmp_path, seed, Chances())
    for _ in range(STEPS):
        workshop.step()
    workshop.settle()
    assert workshop.promised
    assert set() == workshop.missing()


@pytest.mark.parametrize("seed", range(100, 130))
def test_a_version_that_was_logged_stays_whole_in_a_bad_store(seed: int, tmp_path: Path) -> None:
    """Answers get lost, batches are done in part, files are torn: whoever tries again succeeds."""
    chances = Chances(failed=0.05, lost=0.05, partial=0.05)
    workshop = Workshop(tmp_path, seed, chances)
    for _ in range(STEPS):
        workshop.step()
    workshop.settle()
    assert set() == workshop.missing()
