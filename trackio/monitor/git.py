"""What git knows of a folder, read from its files: no process is started, nothing is changed.

The commit is that of HEAD. Whether the working tree differs from it is told from the index:
a tracked file whose size or content is not the one listed there, and what was staged since
the last commit. Files that are not tracked do not count.
"""

import os
import re
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path
from typing import Final, NamedTuple

from trackio.monitor.secrets import mask_text

_MAX_FILES: Final = 50_000
_MAX_HASHED_BYTES: Final = 64 << 20
_PATIENCE_S: Final = 2.0
_HEX: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENTRY_BYTES: Final = 62
"""Of an index entry what stands before its path, with a SHA-1; `gitformat-index(5)`."""
_REGULAR: Final = 0o10
_SKIPPED: Final = 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A working tree; `dirty` is None where that could not be told, and `unclear` says why."""

    root: str
    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None
    unclear: str | None = None


class _UnclearError(Exception):
    """Whether the tree is dirty cannot be told."""


class _Entry(NamedTuple):
    """A file as the index knows it."""

    path: bytes
    mode: int
    size: int
    mtime_s: int
    mtime_ns: int
    digest: bytes
    is_skipped: bool


def find_checkout(folder: Path) -> Checkout | None:
    """The working tree that a folder lies in; None if it lies in none."""
    root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    if root is None:
        return None
    own, shared = _folders(root)
    head = _read(own / "HEAD")
    branch = head.removeprefix("ref: ") if head.startswith("ref: ") else None
    commit = _resolve(own, shared, branch) if branch else head
    try:
        dirty, unclear = _is_dirty(root, own, shared, commit), None
    except (_UnclearError, OSError, struct.error, ValueError, IndexError) as exc:
        dirty, unclear = None, str(exc) or type(exc).__name__
    return Checkout(
        root=str(root),
        commit=commit if commit and _HEX.fullmatch(commit) else None,
        branch=branch.removeprefix("refs/heads/") if branch else None,
        remote=_remote(shared),
        dirty=dirty,
        unclear=unclear,
    )


def _folders(root: Path) -> tuple[Path, Path]:
    """The git folder of this working tree, and the one that all working trees share."""
    own = root / ".git"
    if own.is_file():
        own = (root / _read(own).removeprefix("gitdir: ")).resolve()
    common = _read(own / "commondir")
    return own, (own / common).resolve() if common else own


def _resolve(own: Path, shared: Path, ref: str) -> str | None:
    """The commit of a branch: its own file, or a line among the packed ones."""
    for folder in (own, shared):
        if found := _read(folder / ref):
            return found
    for line in _read(shared / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return None


def _remote(shared: Path) -> str | None:
    """The URL of `origin`, without a password."""
    section = ""
    for line in _read(shared / "config").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == '[remote "origin"]' and (found := re.fullmatch(r"url\s*=\s*(.*)", text)):
            return mask_text(found[1])
    return None


def _is_dirty(root: Path, own: Path, shared: Path, commit: str | None) -> bool:
    data = (own / "index").read_bytes()
    if _is_staged(data, shared, commit):
        return True
    until = time.monotonic() + _PATIENCE_S
    for entry in _entries(data):
        if time.monotonic() > until:
            raise _UnclearError("looking through the files took too long")
        if not entry.is_skipped and _differs(root, entry):
            return True
    return False


def _differs(root: Path, entry: _Entry) -> bool:
    if entry.mode >> 12 != _REGULAR:  # links, and modules, whose commit the index has
        return False
    path = os.path.join(os.fsencode(root), entry.path)  # noqa: PTH118 - bytes, as git has them
    try:
        found = os.lstat(path)
    except OSError:
        return True
    if found.st_size & 0xFFFFFFFF != entry.size:
        # A smudged file may have another size in the tree: only its content tells.
        return entry.size != 0 or found.st_size != 0
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    if seconds & 0xFFFFFFFF == entry.mtime_s and entry.mtime_ns in (0, nanoseconds):
        return False
    return _hash_blob(path, found.st_size, entry.digest) != entry.digest


def _hash_blob(path: bytes, size: int, digest: bytes) -> bytes:
    if size > _MAX_HASHED_BYTES:
        raise _UnclearError("a large file was touched")
    with open(path, "rb") as file:  # noqa: PTH123 - a path in bytes
        content = file.read()
    hasher = sha1 if len(digest) == 20 else sha256
    return hasher(b"blob %d\0" % len(content) + content).digest()


def _entries(data: bytes) -> Iterator[_Entry]:
    """The files that an index of version 2, 3 or 4 lists."""
    magic, version, count = struct.unpack_from(">4sII", data)
    if magic != b"DIRC" or version not in (2, 3, 4):
        raise _UnclearError("the index has an unknown format")
    if count > _MAX_FILES:
        raise _UnclearError(f"there are {count} files")
    place, path = 12, b""
    for _ in range(count):
        start = place
        fields = struct.unpack_from(">10I20sH", data, start)
        place += _ENTRY_BYTES
        is_skipped = False
        if fields[11] & _SKIPPED:  # an extended entry
            is_skipped = bool(struct.unpack_from(">H", data, place)[0] & _SKIPPED)
            place += 2
        if version == 4:
            drop, place = _varint(data, place)
            end = data.index(b"\0", place)
            path = path[: len(path) - drop] + data[place:end]
            place = end + 1
        else:
            end = data.index(b"\0", place)
            path = data[place:end]
            place = start + (end - start + 8) // 8 * 8
        yield _Entry(path, fields[6], fields[9], fields[2], fields[3], fields[10], is_skipped)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = data[place] & 0x7F
    while data[place] & 0x80:
        place += 1
        value = (value + 1) << 7 | data[place] & 0x7F
    return value, place + 1


def _is_staged(data: bytes, shared: Path, commit: str | None) -> bool:
    """Whether the index holds another tree than the commit.

    Git keeps the hash of the whole tree in the index, and drops it when something is staged.
    """
    tree = _cached_tree(data)
    if tree is None:
        raise _UnclearError("something was staged since the last commit, or git kept no hash")
    if commit is None:
        return True
    found = _tree_of(shared, commit)
    return found is not None and found != tree


def _cached_tree(data: bytes) -> str | None:
    """The hash in the extension TREE; None where there is none that is valid."""
    place = data.find(b"TREE", 12)
    while place >= 0:
        size = struct.unpack_from(">I", data, place + 4)[0]
        body = data[place + 8 : place + 8 + size]
        counts = re.match(rb"\0(-?\d+) (\d+)\n", body)
        if counts:
            digest = body[counts.end() : counts.end() + 20]
            return digest.hex() if int(counts[1]) >= 0 else None
        place = data.find(b"TREE", place + 4)
    return None


def _tree_of(shared: Path, commit: str) -> str | None:
    """The tree of a commit that lies in a file of its own; None for one in a pack."""
    path = shared / "objects" / commit[:2] / commit[2:]
    if not path.is_file():
        return None
    found = re.match(rb"commit \d+\0tree ([0-9a-f]+)\n", zlib.decompress(path.read_bytes()))
    return found[1].decode() if found else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
