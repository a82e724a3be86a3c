"""The files that a run keeps beside what it logs: checkpoints, configs, logs. Part of `Run`.

A file is a row of kind `file`; its bytes are filed as those of media are, and so on this machine's
disk when `save` returns. Nothing here raises because of a file or a store.
"""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trackio.errors import InvalidInput
from trackio.globbed import Wanted, make_wanted
from trackio.model import FILE, Json, RunId
from trackio.once import tell_once
from trackio.settings import Settings
from trackio.values.files import extension_of
from trackio.values.plain import dump_text
from trackio.writer.writer import Sealed, Writer

if TYPE_CHECKING:
    from trackio.writer.open import WritePath

_POLICIES: Final = ("live", "now", "end")
_TYPE: Final = "trackio.file"


class _Seen(NamedTuple):
    """A file as it was when it was taken."""

    inode: int
    size: int
    mtime_ns: int


class WithFiles:
    """A run that keeps files."""

    id: RunId
    _path: "WritePath | None"
    _settings: Settings
    _reopen: Callable[[], "WritePath"]

    def _begin_files(self) -> None:
        self._saving = threading.Lock()
        self._watched: dict[Wanted, None] = {}
        self._seen: dict[str, tuple[_Seen, str]] = {}
        self._dir: str | None = None

    def save(
        self,
        glob_str: str | os.PathLike[str] | None = None,
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        glob: bool = True,
        **unknown: Any,
    ) -> list[str]:
        """Keep files with this run, as they are now.

        They are on this machine's disk when this returns. A file that is unchanged since it was
        taken is not taken again; of a name the last content counts.

        Args:
            glob_str: a path, a folder, or a pattern such as `checkpoints/*.pt`; `**` stands for
                folders at any depth.
            base_path: the folder that names begin in; by default the working directory, or for an
                absolute path the folder above its own.
            policy: "now" is once; "live" and "end" look again when the run ends, also for files
                that match only then.
            glob: whether `*`, `?` and `[` are more than characters.
            unknown: arguments of other trackers are accepted with one warning.

        Returns:
            The names of the files that match, as the run keeps them.
        """
        if unknown:
            tell_once(f"save() has no use for {', '.join(sorted(unknown))}: left out")
        if glob_str is None:  # in old scripts, to save everything at once
            return []
        try:
            wanted = make_wanted(glob_str, base_path, is_glob=glob, run_dir=self._dir)
        except InvalidInput as exc:
            tell_once(f"{exc}: nothing is saved")
            return []
        if policy not in _POLICIES:
            tell_once(f"policy={policy!r} is none of {', '.join(_POLICIES)}; taken as live")
        if policy != "now":
            self._watched[wanted] = None
        names = self._take([wanted])
        if not names:
            later = "" if policy == "now" else "; it is looked for again when the run ends"
            tell_once(f"save() found no file {os.fspath(glob_str)!r}{later}")
        return names

    @property
    def dir(self) -> str:
        """A folder of this machine for files of this run; what lies in it at the end is saved."""
        if self._dir is None:
            self._dir = _make_folder(self._settings.dir / ".files" / str(self.id))
            self._watched[Wanted(pattern=self._dir, base=self._dir)] = None
        return self._dir

    def _take_again(self) -> None:
        """The run ends: take what changed since, and what is new."""
        if self._watched:
            self._take(list(self._watched))

    def _forget_files(self) -> None:
        """This is a forked child: what the parent watches is the parent's."""
        self._begin_files()

    def _take(self, several: Iterable[Wanted]) -> list[str]:
        """Keep what these mean now; returns the names."""
        found: dict[str, Path] = {}
        for wanted in several:
            try:
                found.update(wanted.files)
            except (OSError, ValueError) as exc:
                tell_once(f"{wanted.pattern!r} cannot be looked for ({exc}): nothing is saved")
        with self._saving:
            while self._settings.mode != "disabled":
                path = self._path or self._reopen()
                try:
                    self._keep(path.writer, found)
                    break
                except Sealed:  # another thread finished the run meanwhile
                    continue
        return list(found)

    def _keep(self, writer: Any, found: dict[str, Path]) -> None:
        """File the bytes of what is new, and then say so in one call.

        Raises:
            Sealed: another writer has to.
        """
        rows: dict[str, Json] = {}
        seen: dict[str, tuple[_Seen, str]] = {}
        for name, path in found.items():
            try:
                taken = self._file(writer, name, path)
            except OSError as exc:
                writer.warn_once(
                    f"saving {name}",
                    f"{name!r} is not saved: it cannot be read, or not be kept ({exc}); save it "
                    "again when that is mended",
                )
                continue
            if taken is not None:
                rows[name], seen[name] = taken
        if rows:
            writer.append(FILE, rows)
            self._seen.update(seen)

    def _file(self, writer: Writer, name: str, path: Path) -> tuple[Json, tuple[_Seen, str]] | None:
        """What the row of a file says; None if it is as it was."""
        stat = path.stat()
        now = _Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns)
        before = self._seen.get(name)
        if writer.media is None or (before is not None and before[0] == now):
            return None
        held = writer.media.hold(path, extension_of(path, "bin"))
        if before is not None and before[1] == held.sha256:
            self._seen[name] = now, held.sha256
            return None
        said = {"_type": _TYPE, **held._asdict()}
        return Json(dump_text(said)), (now, held.sha256)


def _make_folder(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        from tempfile import mkdtemp

        folder = Path(mkdtemp(prefix="trackio-run-"))
    return str(folder.absolute())
