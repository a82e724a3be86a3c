"""Everything that reads a store, in a process of its own: what it took, and what it found.

`python -m tests.security.reading STORE` prints JSON; a project is called "demo".
"""

import contextlib
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trackio.errors import TrackioError


def peak_mb() -> int:
    """The most memory that this process has had; not that of the one that started it."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) >> 10 if found else 0


def main(root: str) -> None:
    """Read it all, one thing after the other."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from trackio.clock import SYSTEM_CLOCK
    from trackio.dashboard.desk import Desk
    from trackio.dashboard.routes import PREFIX, routes
    from trackio.query.project import Project
    from trackio.query.runs import list_runs
    from trackio.query.sandbox import run_sql
    from trackio.store.directory import Directory
    from trackio.upkeep.verify import verify

    store = Directory(Path(root))
    http = TestClient(Starlette(routes=routes(Desk(store))))
    told: dict[str, Any] = {}

    def step(name: str, act: Callable[[], Any]) -> None:
        start_s = time.perf_counter()
        try:
            said = act()
        except TrackioError as exc:
            said = f"{type(exc).__name__}: {exc}"
        peak = peak_mb()
        told[name] = {"s": round(time.perf_counter() - start_s, 2), "mb": peak, "said": said}
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({name: told[name]}), flush=True)

    project = Project(store, "demo")
    now_s = SYSTEM_CLOCK.time_ns() / 1e9

    def ask(path: str, **params: Any) -> Any:
        answer = http.get(f"{PREFIX}/{path}", params={"project": "demo", **params})
        return [answer.status_code, len(answer.content)]

    step("runs", lambda: [row.name for row in list_runs(project.view(), now_s)])
    step("sql", lambda: run_sql(project.view(), "SELECT count(*) c FROM metrics").to_pylist())
    step("meta", lambda: ask("meta.json"))
    meta = http.get(f"{PREFIX}/meta.json", params={"project": "demo"}).json()
    runs = ",".join(run["code"] for run in meta.get("runs", ()))
    metrics = ",".join(metric["code"] for metric in meta.get("metrics", ()))
    step("series", lambda: ask("series", m=metrics, r=runs))
    step("media", lambda: ask("media.json", r=runs))
    step("alerts", lambda: ask("alerts.json"))
    step("values", lambda: ask("values.json", c="name"))
    step("traces", lambda: ask("traces.json", r=runs))
    step("health", lambda: ask("health.json"))
    step("verify", lambda: [f.kind for f in verify(store, "demo", now_s=now_s).findings][:20])
    step("unreadable", lambda: project.view().unreadable)


if __name__ == "__main__":
    main(sys.argv[1])
