"""The page of benchmarks shows what was measured, and says what was not."""

from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.peers import adapters, loops, page, questions, readback, roster
from benchmarks.peers.workloads import WORKLOADS

MEASURED = {
    "killed": {
        "Trackio": [{"calls": 3000.0, "lost": 0.0}, {"calls": 3100.0, "lost": 0.0}],
        "wandb": [{"calls": 3000.0, "lost": 12.0}, {"calls": 2900.0, "lost": 40.0}],
        "SwanLab": [{"calls": 2000.0}],
    },
    "small_runs": {
        "wandb": [{"both_ms": 120.0, "wall_ms": 140.0}, {"both_ms": 100.0, "wall_ms": 150.0}],
        "Trackio": [{"both_ms": 9.0, "wall_ms": 11.0}],
        "DVCLive": [{"failed": 1.0}],
    },
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page that `write` makes of an older one."""
    older = tmp_path / "benchmarks.md"
    older.write_text(f"# Before\n{page.BEGIN}\nold numbers\n{page.END}\nafter\n")
    monkeypatch.setattr(page, "PAGE", older)
    monkeypatch.setattr(page, "IMAGES", tmp_path)
    monkeypatch.setattr(page, "ROOT", tmp_path)
    page.write(MEASURED, "a machine")
    return older.read_text()


def test_a_table_takes_the_middle_of_the_rounds_and_of_losses_the_worst(written: str) -> None:
    """One lucky round hides no loss."""
    assert "| wandb | 2,950 | 40 |" in written
    assert "| wandb | 110.0 | 145.0 |" in written


def test_what_failed_or_was_not_measured_is_said(written: str) -> None:
    """An empty cell is no zero."""
    assert "| DVCLive | failed | failed |" in written
    assert "| SwanLab | 2,000 | – |" in written


def test_the_best_stands_first_and_ours_is_marked(written: str) -> None:
    """Whether or not we are it."""
    lines = [
        line for line in written.splitlines() if "140" in line or "145.0" in line or "9.0" in line
    ]
    assert lines[0].startswith("| **Trackio** | 9.0 |")


def test_only_what_is_between_the_marks_changes(written: str, tmp_path: Path) -> None:
    """The words around the tables are written by hand; the pictures lie beside."""
    assert written.startswith(f"# Before\n{page.BEGIN}\nMeasured on a machine.")
    assert written.endswith(f"{page.END}\nafter\n")
    assert "old numbers" not in written
    assert "<svg" in (tmp_path / "bench_small_runs_both_ms.svg").read_text()


def test_every_section_has_a_workload_and_every_workload_a_section() -> None:
    """Nothing is measured in vain."""
    assert set(WORKLOADS) == {section.workload for section in page.SECTIONS}


@pytest.mark.parametrize("peer", roster.ROSTER, ids=lambda peer: peer.adapter)
def test_every_tracker_of_the_roster_can_be_driven(peer: roster.Peer) -> None:
    """And those that can be read know how."""
    assert adapters.adapter(peer.adapter) is not None
    known = {other.adapter for other in roster.ROSTER}
    assert known >= {*readback.COUNTERS, *questions.READERS}


def test_a_slow_tracker_is_cut_when_its_time_is_up() -> None:
    """What it got done is said."""
    given = loops.rows(10, 2)
    logged: list[int] = []
    took = loops.log_until(lambda step, row: logged.append(step), given, seconds=-1, rate=0)
    assert ([], []) == (took, logged)
    took = loops.log_until(lambda step, row: logged.append(step), given, seconds=60, rate=0)
    assert (10, list(range(10))) == (len(took), logged)


def test_two_commits_are_compared_by_the_middle_of_their_rounds() -> None:
    """One slow round of a busy machine does not count."""
    measured = {
        "before": [{"cpu": 1.0}, {"cpu": 9.0}, {"cpu": 1.2}],
        "now": [{"cpu": 0.6}, {"cpu": 0.5}, {"cpu": 7.0}],
    }
    assert (1.2, 0.6) == compare.ratio(measured, "cpu")
