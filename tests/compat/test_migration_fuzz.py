"""Whatever stands in a legacy folder, migration neither crashes nor loses count."""

import random
import tempfile
from contextlib import suppress
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import migrating
from tests.compat.legacy_database import CONFIGS_L, ERA_L, add_rows, make_database
from tests.compat.migrated import FIXTURES, read_store, unpack
from trackio import keys
from trackio.store.memory import MemoryStore
from trackio.upkeep.migrate.jsons import UndecodableError, decode_object
from trackio.upkeep.migrate.migrate import migrate
from trackio.upkeep.migrate.moments import parse_moment
from trackio.upkeep.migrate.names import canonical, storable_name
from trackio.upkeep.migrate.steps import parse_step

ANY_TEXT = st.text(max_size=30)
SQLITE = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    ANY_TEXT.filter(lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text),
    st.binary(max_size=30),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(ANY_TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)
TYPED = st.fixed_dictionaries(
    {
        "_type": st.sampled_from(["trackio.image", "trackio.trace", "trackio.table", "odd", 3]),
        "file_path": st.one_of(st.none(), ANY_TEXT, st.just("../../etc/passwd")),
        "messages": JSON,
    }
)


@given(SQLITE)
def test_any_step_is_an_integer_or_kept_as_it_stands(raw: Any) -> None:
    """Nothing raises, and what is not the number itself is said."""
    step = parse_step(raw)
    assert step.step is None or -(1 << 63) <= step.step < 1 << 63
    if type(raw) is int and raw != -(1 << 63):
        assert (raw, None) == step
    elif raw is not None and step.step is None:
        assert step.raw is not None


@given(
    SQLITE,
    st.booleans(),
    st.one_of(st.none(), st.just(UTC), st.just(timezone(timedelta(hours=-8)))),
)
def test_any_timestamp_is_an_instant_or_unknown(raw: Any, is_utc: bool, zone: Any) -> None:
    """Never now, never 1970 for want of anything better."""
    moment = parse_moment(raw, is_utc=is_utc, zone=zone, is_known=True)
    if raw in (None, "", 0):
        assert moment.time_us is None
    if moment.is_exact:
        assert moment.time_us is not None


@given(st.one_of(SQLITE, st.binary(max_size=60)))
def test_any_body_is_an_object_or_says_why_not(body: Any) -> None:
    """The only error is the one that quarantines the row."""
    with suppress(UndecodableError):
        found, _ = decode_object(body)
        assert isinstance(found, dict)


@given(ANY_TEXT)
def test_any_name_can_be_stored(name: str) -> None:
    """Names of projects, files and tables; file names of projects stay as they are."""
    key = keys.LegacyKey("p", (storable_name(name),))
    assert key == keys.parse(str(key))
    assert canonical(name) == canonical(canonical(name))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.one_of(SQLITE, JSON, TYPED), SQLITE, SQLITE, SQLITE), max_size=8))
def test_rows_of_anything_are_written_or_quarantined(rows: list[tuple[Any, ...]]) -> None:
    """Random bodies, timestamps, steps and owners: every row has a fate, and shards hold it."""
    import json

    with tempfile.TemporaryDirectory() as folder:
        db = make_database(Path(folder, "p.db"), ERA_L.replace(" NOT NULL", ""), CONFIGS_L)
        for number, (body, timestamp, step, name) in enumerate(rows):
            text = json.dumps({"k": body}) if isinstance(body, dict | list) else body
            add_rows(
                db,
                "metrics",
                [{"run_id": "x" if number % 2 else name, "run_name": name, "timestamp": timestamp,
                  "step": step, "metrics": text}],
            )  # fmt: skip
        db.close()
        store = MemoryStore()
        report = migrate(Path(folder), store, zone=UTC)
    assert [] == report.uncounted
    assert [] == report.differences
    counts = [table for table in report.tables if table.table == "metrics"]
    assert len(rows) == sum(table.read for table in counts)
    assert len(rows) == sum(table.written + table.quarantined for table in counts)
    read_store(store)


@pytest.mark.parametrize("seed", range(40))
def test_a_database_with_flipped_bits_loses_no_count(seed: int, tmp_path: Path) -> None:
    """Whatever SQLite makes of it: no crash, and each row that it showed has a fate."""
    rng = random.Random(seed)
    path = migrating.generate(tmp_path / "old", 60)
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 5, 50])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    report = migrate(tmp_path / "old", MemoryStore(), zone=UTC)
    assert [] == report.differences
    assert [] == [table for table in report.uncounted if table.expected is None]
    assert {"bigproject.db"} == {file.path for file in report.files}


@pytest.mark.parametrize("seed", range(12))
def test_a_folder_with_damaged_files_of_all_sorts_is_accounted_for(
    seed: int, tmp_path: Path
) -> None:
    """Files cut short and overwritten at random, one kind beside the other."""
    rng = random.Random(seed)
    names = sorted(path.name.removesuffix(".tar.gz") for path in FIXTURES.glob("*.tar.gz"))
    source = unpack(rng.choice(names), tmp_path)
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    for path in rng.sample(paths, min(len(paths), 6)):
        data = bytearray(path.read_bytes())
        if data and rng.random() < 0.5:
            del data[rng.randrange(len(data)) :]
        for _ in range(20 if data else 0):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
    report = migrate(source, MemoryStore(), zone=UTC)
    assert sorted(str(path.relative_to(source)) for path in paths) == sorted(
        file.path for file in report.files
    )
    assert [] == report.differences
    assert [] == [table for table in report.uncounted if table.expected is None]
