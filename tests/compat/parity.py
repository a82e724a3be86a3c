"""What of the released Trackio works here: compares `peer_api.json` with this package.

    .venv/bin/python tests/compat/parity.py     writes docs/parity.md

`record_peer.py` made the recording. What differs needs a reason here, or a test fails.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import trackio
from trackio import api, context_vars

HERE = Path(__file__).parent
RECORDED = HERE / "peer_api.json"
PAGE = HERE.parents[1] / "docs" / "parity.md"

REASONS = {
    "Api.create_registry": "a registry lies in the store that `Api` was given",
    "Api.registry": "as `Api.create_registry`",
    "Artifact.link": "the registry lies in the same store: there is no other bucket",
    "Artifact.source_name": "`source` tells the registry and the collection of a link",
    "Artifact.source_project": "as `Artifact.source_name`",
    "Artifact.source_qualified_name": "as `Artifact.source_name`",
    "Artifact.source_version": "as `Artifact.source_name`",
    "Audio.ensure_int16_pcm": "a helper of its own code",
    "Audio.write_audio": "a helper of its own code",
    "Html.is_loggable_figure": "a helper of its own code",
    "Html.is_matplotlib_animation": "a helper of its own code",
    "Html.is_matplotlib_figure": "a helper of its own code",
    "Html.is_plotly_figure": "a helper of its own code",
    "Html.is_pyplot_module": "a helper of its own code",
    "Registry.bucket_id": "a registry lies in a store of any kind",
    "ResolvedReference": "a handler makes it with names, not places; see its signature",
    "Run.link_artifact": "the registry lies in the store of the run: there is no other bucket",
    "TRACKIO_LOGO_DIR": "the dashboard's pictures are part of its front end",
    "Table.to_display_format": "a helper of its own dashboard",
    "Video.write_video": "a helper of its own code",
    "show": "the pages are those of this version; colours are chosen in the page",
}
"""Why something is not there, or takes less."""

STUBS = ("ArtifactTTL", "Classes", "Config", "EvalTable", "Graph", "JoinedTable", "Molecule")
"""What the released one has as a name that raises; it does here too, and says what to use."""


class Row(NamedTuple):
    """One name: whether it is there, which parameters are not taken, and why."""

    name: str
    is_there: bool
    missing: tuple[str, ...]
    reason: str

    @property
    def is_whole(self) -> bool:
        """Whether everything that the released one takes is taken."""
        return self.is_there and not self.missing


def rows() -> Iterator[Row]:
    """Every name of the recording, in its order."""
    said = json.loads(RECORDED.read_text())
    for name, described in said["names"].items():
        yield _row(name, trackio, name, described)
    for name in said["context_vars"]:
        yield _row(f"context_vars.{name}", context_vars, name, {})
    homes: dict[str, Any] = {"api.Run": api.Run, "api.Runs": api.Runs}
    for cls, members in said["classes"].items():
        home = homes.get(cls) or getattr(trackio, cls, None)
        for name, described in members.items():
            yield _row(f"{cls}.{name}", home, name, described)


def page() -> str:
    """The text of `docs/parity.md`."""
    found = list(rows())
    whole = sum(row.is_whole for row in found)
    version = json.loads(RECORDED.read_text())["version"]
    lines = [
        "# What of the released Trackio works here",
        "",
        f"Compared with {version}, name by name and parameter by parameter, by",
        f"`tests/compat/parity.py`, which writes this page: {whole} of {len(found)} names take all",
        "that they take there. What only this Trackio has is in [`reference.md`](reference.md).",
        "",
        "| name | here | why |",
        "|---|---|---|",
        *map(_line, found),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    if row.is_whole:
        return f"| `{row.name}` | yes | {'raises, as there' if row.name in STUBS else ''} |"
    lacks = ", ".join(f"`{name}`" for name in row.missing)
    here = f"without {lacks}" if row.is_there else "no"
    return f"| `{row.name}` | {here} | {row.reason} |"


def _row(name: str, home: Any, attribute: str, described: dict[str, Any]) -> Row:
    reason = REASONS.get(name, "")
    if home is None or not _has(home, attribute):
        return Row(name, False, (), reason)
    wanted = described.get("parameters")
    if not wanted or name in STUBS:
        return Row(name, True, (), reason)
    return Row(name, True, tuple(_missing(wanted, getattr(home, attribute))), reason)


def _has(home: Any, name: str) -> bool:
    if hasattr(home, name) or (home is trackio and name in ("run", "config")):
        return True
    # What `__init__` sets is no attribute of the class.
    return inspect.isclass(home) and name in inspect.getsource(home.__init__)


def _missing(wanted: list[list[Any]], ours: Any) -> Iterator[str]:
    """The parameters that cannot be given here as there: by name, and by position."""
    own = list(inspect.signature(ours).parameters.values())
    names = {p.name for p in own if p.kind is not p.VAR_POSITIONAL}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in own)
    places = [p.name for p in own if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for place, (name, kind, _) in enumerate(wanted):
        if kind in ("VAR_POSITIONAL", "VAR_KEYWORD"):
            continue
        is_placed = kind == "KEYWORD_ONLY" or (place < len(places) and places[place] == name)
        if not (is_placed if name in names else takes_any and kind == "KEYWORD_ONLY"):
            yield name


if __name__ == "__main__":
    PAGE.write_text(page())
