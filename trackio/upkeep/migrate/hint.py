"""Tell once that a folder holds databases of an earlier Trackio. Opens nothing, knows no SQLite.

It costs one listing of the folder where there is no database. One that was migrated into the
same folder has left its mark there and is not mentioned any more.
"""

import shlex
import sys
from pathlib import Path

from trackio.keys import encode_name

_told: set[Path] = set()


def find_unmigrated(folder: Path) -> list[str]:
    """The names of databases in `folder` that have left no mark of a migration there."""
    try:
        databases = sorted(path.name for path in folder.glob("*.db"))
        if not databases:
            return []
        marks = {path.name for path in folder.glob("*/legacy/migrated/*.json")}
    except OSError:
        return []
    return [name for name in databases if encode_name(f"{name}.json") not in marks]


def hint(folder: Path, store_url: str) -> str | None:
    """One line that says how to migrate; None if there is nothing to migrate."""
    found = find_unmigrated(folder)
    if not found:
        return None
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    command = f"trackio migrate --source {shlex.quote(str(folder))} --dest {shlex.quote(store_url)}"
    return (
        f"trackio: {folder} holds {found[0]}{more} of an earlier Trackio, which is not shown "
        f"here: `{command}` brings it over and leaves the old files as they are"
    )


def tell_once(folder: Path, store_url: str) -> None:
    """Print the hint, if there is one, once for each folder and process."""
    if folder in _told:
        return
    _told.add(folder)
    if (line := hint(folder, store_url)) is not None:
        sys.stderr.write(f"{line}\n")
