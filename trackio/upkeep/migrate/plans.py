"""Plan a writer for each run of a source: its ids, its name, its config, its times. No rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timezone, tzinfo
from typing import Any, Final

from trackio.model import CONFIG, Json, RunMeta, Value
from trackio.upkeep.migrate import identity, names
from trackio.upkeep.migrate.identity import INBOX, RunKey, Seen
from trackio.upkeep.migrate.jsons import UndecodableError, decode_object
from trackio.upkeep.migrate.legacy import CONFIGS, FIXED, METRICS, Owner, Row, Source
from trackio.upkeep.migrate.moments import find_offset, iso_of, most_common, parse_moment
from trackio.upkeep.migrate.payloads import sort_values
from trackio.upkeep.migrate.sink import RunPlan
from trackio.upkeep.migrate.survey import Looked
from trackio.values.plain import UnstorableError, dump_text

_RESERVED: Final = ("_Username", "_Created", "_Group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What holds where a source does not say: when it was written, in which zone."""

    modified_us: int
    zone: tzinfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Config:
    row: Row
    said: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Plans:
    """The runs of one source, and what is known of each before its rows are read.

    `hidden` are runs that were deleted; `superseded` config rows that a later one replaced,
    `undecodable` those nobody can read, with the reason.
    """

    home: str
    runs: dict[str, dict[Owner, RunKey]]
    hidden: set[RunKey]
    configs: list[tuple[Owner, Row]]
    by_run: dict[RunKey, RunPlan] = field(default_factory=dict)
    zones: dict[RunKey, timezone] = field(default_factory=dict)
    zone: timezone | None = None
    superseded: list[Row] = field(default_factory=list)
    undecodable: list[tuple[Row, str]] = field(default_factory=list)


def plan(looked: Looked, source: Source | None, guess: Guess) -> Plans:
    """Plan all runs that are not hidden."""
    plans = Plans(
        home=looked.home,
        runs=looked.runs,
        hidden=identity.find_hidden(looked.survey, looked.runs),
        configs=looked.configs,
    )
    chosen = _choose_configs(looked, plans)
    plans.zones = _zones(chosen)
    plans.zone = most_common(plans.zones.values())
    called = identity.names_of(looked.survey, looked.runs)
    maker = _Maker(looked, plans, source, guess)
    for key in sorted(called, key=str):
        if key not in plans.hidden:
            plans.by_run[key] = maker.make(key, called[key], chosen.get(key))
    return plans


def _choose_configs(looked: Looked, plans: Plans) -> dict[RunKey, _Config]:
    """The current config of each run: the last row, or what the inbox brings after it."""
    chosen: dict[RunKey, _Config] = {}
    for owner, row in looked.configs:
        key = looked.runs[CONFIGS][owner]
        try:
            said = _decode_config(row)
        except (UndecodableError, UnstorableError) as exc:
            plans.undecodable.append((row, str(exc)))
            continue
        if key in chosen:
            plans.superseded.append(chosen[key].row)
        chosen[key] = _Config(row=row, said=said)
    for owner, record in looked.inbox_configs.items():
        key = _inbox_key(looked, owner)
        before = chosen.get(key)
        if before is None or _created(before.said) <= _created(record["config"]):
            if before is not None:
                plans.superseded.append(before.row)
            row = (0, None, owner.run_id, owner.run_name, record.get("timestamp"))
            chosen[key] = _Config(row=row, said=record["config"])
    return chosen


def _decode_config(row: Row) -> dict[str, Any]:
    said, _ = decode_object(row[FIXED])
    _config_values(said)  # raises here if it cannot be stored
    dump_text({name: said.get(name) for name in _RESERVED})
    return said


def _inbox_key(looked: Looked, owner: Owner) -> RunKey:
    return next(
        runs[owner]
        for table, runs in looked.runs.items()
        if table.startswith(INBOX) and owner in runs
    )


def _created(config: Mapping[str, Any]) -> str:
    return str(config.get("_Created") or "")


def _zones(chosen: Mapping[RunKey, _Config]) -> dict[RunKey, timezone]:
    """Where a run was written: its config has one time of the machine and one of the world."""
    found = {
        key: find_offset(config.row[4], config.said.get("_Created"))
        for key, config in chosen.items()
    }
    return {key: zone for key, zone in found.items() if zone is not None}


class _Maker:
    """Makes the plan of one run after the other."""

    def __init__(self, looked: Looked, plans: Plans, source: Source | None, guess: Guess) -> None:
        self._stem = looked.stem
        self._path = f"{looked.stem} (inbox)" if source is None else source.path
        self._plans = plans
        self._guess = guess
        tables = {} if source is None else source.tables
        self._utc = {table: shape.is_utc for table, shape in tables.items()}
        self._seen: dict[RunKey, list[tuple[str, Seen]]] = {}
        for table, owners in looked.runs.items():
            for owner, key in owners.items():
                seen = looked.survey.seen[table][owner]
                self._seen.setdefault(key, []).append((table, seen))

    def make(self, key: RunKey, name: str, config: _Config | None) -> RunPlan:
        said = {} if config is None else config.said
        created_us = self._created_us(key, said, self._guess.zone)
        created_us = self._guess.modified_us if created_us is None else created_us
        run_id = (
            names.derive_run_id(self._stem, key.project, name)
            if key.run_id is None
            else names.storable_run_id(key.run_id)
        )
        # The id must not depend on where or when somebody migrates.
        sure_us = self._created_us(key, said, UTC) or 0
        identity_parts = (self._stem, key.project, run_id)
        group = said.get("_Group")
        return RunPlan(
            project=key.project,
            run_id=run_id,
            name=name or run_id,
            writer_id=names.make_writer_id(sure_us, identity_parts, self._state(key)),
            source=self._path,
            created_us=created_us,
            meta=RunMeta(
                name=name or run_id,
                created=iso_of(created_us),
                group=group if isinstance(group, str) else None,
            ),
            start=self._start(key, name, config),
            config=_config_values(said),
        )

    def _start(self, key: RunKey, name: str, config: _Config | None) -> Json:
        said = {} if config is None else config.said
        user = said.get("_Username")
        legacy: dict[str, Any] = {
            "run_id": key.run_id,
            "run_name": name,
            "config_created_at": None if config is None else config.row[4],
        }
        legacy |= {field: said[field] for field in _RESERVED if field in said}
        start = {
            "label": None,
            "user": user if isinstance(user, str) else None,
            "resumed_from": None,
            "migrated_from": self._path,
            "legacy": legacy,
        }
        return Json(dump_text(start))

    def _created_us(
        self, key: RunKey, config: Mapping[str, Any], zone: tzinfo | None
    ) -> int | None:
        """The earliest time that is known; `zone` is that of the machine, where nobody knows."""
        said = [(table, seen.first_time) for table, seen in self._seen[key]]
        said.append((METRICS, config.get("_Created")))
        known = self._plans.zones.get(key, self._plans.zone)
        times = [
            parse_moment(
                time if isinstance(time, str | int | float) else None,
                is_utc=self._utc.get(table, False),
                zone=known or zone,
                is_known=known is not None,
            ).time_us
            for table, time in said
        ]
        return min((time for time in times if time is not None), default=None)

    def _state(self, key: RunKey) -> str:
        """How much of the run there is, in figures."""
        return " ".join(sorted(f"{table}={seen.rows}" for table, seen in self._seen[key]))


def _config_values(said: Mapping[str, Any]) -> dict[str, Value]:
    """The config without what Trackio itself put there."""
    own = {name: value for name, value in said.items() if name not in _RESERVED}
    parts = sort_values(own, CONFIG, attach=lambda inner: inner, decodes_nested=False)
    values: dict[str, Value] = {}
    for found in parts.values.values():
        values |= found
    return values | {trace.key: Json(dump_text(trace.said)) for trace in parts.traces}
