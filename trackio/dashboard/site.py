"""A project as files: the same pages, which read what stands here instead of asking a server.

The front end is the one that is served (`static/fileapi.js` answers it from these files). Series
are exact points, from which the browser makes buckets of any width, so that a zoom is as sharp
as it is live. It queries and encodes; where files go is up to `put`.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import orjson

from trackio.dashboard import listed, run_page, tables
from trackio.dashboard.contents import contents
from trackio.dashboard.health import files, health
from trackio.dashboard.meta import Meta, whole
from trackio.dashboard.static_files import files as front_end
from trackio.dashboard.traces import tell
from trackio.errors import TrackioError
from trackio.keys import MediaKey
from trackio.model import METRIC, SYSTEM, RunId, WriterId
from trackio.query.media_rows import MediaRow
from trackio.query.points import NO_STEP, Points, Window, read_points
from trackio.store.base import Store

Put = Callable[[str, bytes], None]
_ALIGN: Final = 8

INDEX: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="content-security-policy" content="default-src 'self'; img-src 'self' data: blob:;
 style-src 'self' 'unsafe-inline'; media-src 'self' blob:; frame-src 'self'; object-src 'none'">
<link rel="icon" href="app/icon.svg">
<title>TITLE</title>
<style>html, body { margin: 0 } .trackio-host { min-height: 100dvh }</style>
<body>
<div class="trackio-host"></div>
<noscript>This page draws charts with JavaScript.</noscript>
<script type="module" src="app/site.js"></script>
</body>
</html>
"""


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
        self._front_end()
        self._documents()
        yield "runs"
        self._runs()
        for kind in (METRIC, SYSTEM):
            codes = self._meta.codes(kind)
            for number, (key, code) in enumerate(codes.items(), start=1):
                yield f"{kind} series {number} of {len(codes)}"
                self._series(kind, key, code)
        yield "media"
        self._media()
        self._traces()

    def _put(self, name: str, content: bytes) -> None:
        self._put_file(name, content)
        self.files += 1
        self.size_bytes += len(content)

    def _json(self, name: str, value: Any) -> None:
        self._put(f"data/{name}", orjson.dumps(value))

    def _front_end(self) -> None:
        for name, content in front_end().items():
            if not name.endswith(".css") or name == "all.css":
                self._put(f"app/{name}", content)
        title = self._meta.project.replace("&", "&amp;").replace("<", "&lt;")
        self._put("index.html", INDEX.replace("TITLE", title).encode())

    def _documents(self) -> None:
        meta = self._meta
        self._json("meta.json", whole(meta, self._now_s))
        self._json("contents.json", contents(meta))
        self._json("alerts.json", listed.alerts(meta))
        self._json("reports.json", self._reports())
        self._json("health.json", {**health(self._store, meta, self._now_s, is_thorough=False)})
        self._json("files.json", files(meta, [run.run_id for run in meta.runs]))
        system = [{"code": code, "key": key} for key, code in meta.system_codes.items()]
        self._json("system.json", {"rev": meta.rev, "metrics": system})
        table = tables.columns(meta)
        self._json("columns.json", table)
        for number, column in enumerate(table["columns"]):
            name = column["id"]
            ids = [name]
            if name.startswith("last/"):
                ids = [f"{stat}/{name.removeprefix('last/')}" for stat in tables.STATS]
            self._json(f"values/{number}.json", tables.values(meta, ids)["values"])

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
        for run in self._meta.runs:
            code = self._meta.run_codes[run.run_id]
            self._json(f"runs/{code}.json", run_page.run_page(self._meta, run.run_id))
            self._json(f"media/{code}.json", listed.media(self._meta, [run.run_id]))

    def _series(self, kind: str, key: str, code: str) -> None:
        ids = [run.run_id for run in self._meta.runs]
        points = read_points(self._meta.view, ids, [key], kind, Window("step"), query="points")
        content = gzip.compress(self._encode(points), compresslevel=6, mtime=0)
        self._put(f"data/series/{kind}/{code}.bin", content)

    def _encode(self, points: Points) -> bytes:
        """A header and then, of each series, its steps, its times in seconds and its values."""
        starts = {run.run_id: run.started_s for run in self._meta.runs}
        times = points.times_us()
        head, body, at = [], [], 0
        for i, name in enumerate(points.names):
            span = slice(*points.bounds[i : i + 2].tolist())
            step = points.step[span].astype(np.float64)
            step[points.step[span] == NO_STEP] = np.nan
            parts = [step, times[span] / 1e6, points.value[span]]
            run = self._meta.run_codes[name.run_id]
            start_s = starts[name.run_id]
            n = len(step)
            head.append({"run": run, "label": name.label, "n": n, "at": at, "start_s": start_s})
            body += [part.astype("<f8").tobytes() for part in parts]
            at += 3 * n * _ALIGN
        header = orjson.dumps(head)
        prefix = len(header).to_bytes(4, "little") + header
        return b"".join((prefix, bytes(-len(prefix) % _ALIGN), *body))

    def _media(self) -> None:
        for run_files in self._meta.view.snapshot.runs.values():
            code = self._meta.run_codes.get(run_files.run_id)
            for writer in run_files.writers.values() if code else ():
                for key in writer.media:
                    name = f"data/bytes/{code}/{key.writer_id}/{key.sha256}.{key.extension}"
                    self._copy(str(key), name)

    def _copy(self, key: str, name: str) -> None:
        try:
            self._put(name, self._store.get(key))
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
