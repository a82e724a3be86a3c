"""Copies of `meta.json` for a pack, so that a list of its runs asks for none of them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from trackio.errors import NotFound
from trackio.model import Entry, RunId
from trackio.pack import MetaCopy
from trackio.store.base import Store, is_local

_FETCHES_AT_ONCE: Final = 8


def copy_metas(entries: Mapping[RunId, Entry], store: Store) -> dict[RunId, MetaCopy]:
    """What `meta.json` says of each run, beside how it was listed.

    One that was rewritten since has another identity in the next listing, so that nobody takes
    the copy for it; one that is gone or has another size has no copy.

    Raises:
        StoreUnavailable, StoreRefused: the store does not answer.
    """
    if is_local(store) or len(entries) < 2:
        copies = [_copy(store, entry) for entry in entries.values()]
    else:
        with ThreadPoolExecutor(_FETCHES_AT_ONCE, "trackio-fetch") as pool:
            copies = list(pool.map(lambda entry: _copy(store, entry), entries.values()))
    return {run_id: copy for run_id, copy in zip(entries, copies, strict=True) if copy}


def _copy(store: Store, entry: Entry) -> MetaCopy | None:
    try:
        data = store.get(entry.key)
        if len(data) != entry.size_bytes:
            return None
        return MetaCopy(version=entry.version, size_bytes=len(data), data=data.decode())
    except (NotFound, UnicodeDecodeError):
        return None
