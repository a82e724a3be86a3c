"""A project as files: the same pages, which read what stands here instead of asking a server.

The front end is the one that is served (`static/fileapi.js` answers it from these files). Points
are Parquet, of which the browser reads the pages it needs (`site_points`); what is small is the
JSON that the routes give. It queries and encodes; where files go is up to `put`.
"""

import json
from collections.abc import Iterator
from typing import Any

import orjson

from trackio.dashboard import listed, run_page, tables
from trackio.dashboard.contents import contents
from trackio.dashboard.health import health
from trackio.dashboard.meta import Meta, whole
from trackio.dashboard.saved_files import kept_files
from trackio.dashboard.shelf import counts
from trackio.dashboard.site_asked import SOURCES
from trackio.dashboard.site_pages import pages
from trackio.dashboard.site_points import PointFiles, Put
from trackio.dashboard.site_runs import encode_runs
from trackio.dashboard.site_shelf import shelf_answers
from trackio.dashboard.traces import tell
from trackio.errors import TrackioError
from trackio.keys import MediaKey
from trackio.model import METRIC, SYSTEM, RunId, WriterId
from trackio.query.media_rows import MediaRow
from trackio.store.base import Store

__all__ = ["Put", "Site"]


class Site:
    """Writes one project, as of one moment, through `put`."""

    def __init__(self, store: Store, meta: Meta, now_s: float, put: Put) -> None:
        self._store, self._meta, self._now_s, self._put_file = store, meta, now_s, put
        self.files = 0
        self.size_bytes = 0
        self.problems: list[str] = []

    def write(self) -> Iterator[str]:
        """Write everything; tells before each part what is written next."""
        yield "pages"
        for name, content in pages(self._meta.project).items():
            self._put(name, content)
        self._documents()
        yield "runs"
        self._runs()
        yield from self._points()
        yield "media"
        self._media()
        self._traces()
        yield "the rest"
        self._asked()

    def _put(self, name: str, content: bytes) -> None:
        self._put_file(name, content)
        self.files += 1
        self.size_bytes += len(content)

    def _data(self, name: str, content: bytes) -> None:
        self._put(f"data/{name}", content)

    def _json(self, name: str, value: Any) -> None:
        self._data(name, orjson.dumps(value))

    def _documents(self) -> None:
        meta = self._meta
        self._json("meta.json", whole(meta, self._now_s))
        self._json("contents.json", {**contents(meta), **counts(self._store, meta.project)})
        self._json("alerts.json", listed.alerts(meta))
        self._json("reports.json", self._reports())
        self._json("health.json", {**health(self._store, meta, self._now_s, is_thorough=False)})
        self._kept()
        system = [{"code": code, "key": key} for key, code in meta.system_codes.items()]
        self._json("system.json", {"rev": meta.rev, "metrics": system})

    def _kept(self) -> None:
        """What runs saved, and what the project had before; the bytes of runs are media."""
        found = kept_files(self._meta, [run.run_id for run in self._meta.runs], self._store)
        self._json("files.json", found)
        for former in found["former"]:
            self._copy(former["key"], f"bytes/store/{former['key']}")

    def _reports(self) -> dict[str, Any]:
        """Reports whole: there is nobody to ask for the text of a long one."""
        found = listed.reports(self._meta)
        for report in found["reports"]:
            if "value" not in report:
                report["value"] = self._content(report)["_value"]
        return found

    def _content(self, item: dict[str, Any]) -> dict[str, Any]:
        run_ids = self._meta.run_ids
        sha256, _, extension = item["file"].partition(".")
        key = MediaKey(
            self._meta.project,
            RunId(run_ids[item["run"]]),
            WriterId(item["writer"]),
            sha256,
            extension,
        )
        try:
            said: dict[str, Any] = orjson.loads(self._store.get(str(key)))
        except (TrackioError, json.JSONDecodeError) as exc:
            self.problems.append(f"{item['key']}: {exc}")
            return {"_value": f"Not in the store: {exc}"}
        return said

    def _runs(self) -> None:
        table = tables.columns(self._meta)
        self._json("columns.json", table)
        for number, column in enumerate(table["columns"]):
            name = column["id"]
            ids = [name]
            if name.startswith("last/"):
                ids = [f"{stat}/{name.removeprefix('last/')}" for stat in tables.STATS]
            self._json(f"values/{number}.json", tables.values(self._meta, ids)["values"])
        self._data("runs.parquet", encode_runs(self._meta))
        for run in self._meta.runs:
            code = self._meta.run_codes[run.run_id]
            self._json(f"runs/{code}.json", run_page.run_page(self._meta, run.run_id))
            self._json(f"media/{code}.json", listed.media(self._meta, [run.run_id]))

    def _points(self) -> Iterator[str]:
        places = {}
        for kind in (METRIC, SYSTEM):
            found = PointFiles(meta=self._meta, kind=kind, put=self._data)
            yield from found.write()
            places[kind] = found.index
        self._json("series.json", places)

    def _media(self) -> None:
        for run_files in self._meta.view.snapshot.runs.values():
            code = self._meta.run_codes.get(run_files.run_id)
            for writer in run_files.writers.values() if code else ():
                for key in writer.media:
                    name = f"{code}/{key.writer_id}/{key.sha256}.{key.extension}"
                    self._copy(str(key), f"bytes/{name}")

    def _copy(self, key: str, name: str) -> None:
        try:
            self._data(name, self._store.get(key))
        except TrackioError as exc:
            self.problems.append(f"{key}: {exc}")

    def _traces(self) -> None:
        rows = listed.trace_rows(self._meta, [run.run_id for run in self._meta.runs])
        told = []
        for number, row in enumerate(rows):
            said = self._said(row)
            self._json(f"traces/{number}.json", run_page.plain(said))
            place = listed.place_of(self._meta, row)
            told.append({**place, **tell(said), "doc": f"traces/{number}.json"})
        self._json("traces.json", {"rev": self._meta.rev, "traces": told})

    def _said(self, row: MediaRow) -> dict[str, Any]:
        said = dict(row.reference)
        if "sha256" not in said:
            return said
        item = {"run": self._meta.run_codes[row.run_id], "writer": row.writer_id, "key": row.key}
        return {**said, **self._content({**item, "file": f"{said['sha256']}.{said['extension']}"})}

    def _asked(self) -> None:
        """What pages ask that have a source in `site_asked`."""
        names: dict[str, str] = {}
        for source in (*SOURCES, shelf_answers):
            for asked in source(self._store, self._meta):
                names[asked.question] = f"asked/{len(names)}.json"
                self._json(names[asked.question], asked.answer)
        self._json("asked.json", names)
