"""Put the parts of one write path together: writer, spool, thread. It decides nothing."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from trackio import journal
from trackio.lifecycle import no_fork
from trackio.settings import Settings, upkeep_policy
from trackio.spool import Spool, SpoolThread, spool_folder
from trackio.store.base import LocalStore, Store, is_local
from trackio.store.making import Making
from trackio.writer.media import Media
from trackio.writer.nothing import Nothing
from trackio.writer.surroundings import tell_environment, watch
from trackio.writer.thread import WriterThread
from trackio.writer.writer import Writer

if TYPE_CHECKING:
    from trackio.writer.publisher import Publisher
    from trackio.writer.rollup import RollUp

_spools: dict[tuple[Path, bool], Spool] = {}
_spools_lock = threading.Lock()

WritePath = WriterThread | Nothing
"""What takes the calls of a run, and is asked to bring them to the store."""


def open_writer(settings: Settings, store: Store, header: journal.Header) -> WritePath:
    """Begin to write one run into `store`: touches the journal's folder and no store."""
    if settings.mode == "disabled":
        return Nothing(header)
    local = is_local(store)
    policy = settings.flush_policy(is_local=local)
    spool = None if local else open_spool(settings, store)
    files: LocalStore = store if is_local(store) else open_spool(settings, store).files
    writer = Writer(header, settings.journal_dir, policy=policy, media=Media(files, header))

    def make_parts() -> "tuple[Publisher, RollUp]":
        with no_fork():
            from trackio.writer.publisher import Publisher
            from trackio.writer.rollup import RollUp

        tell_environment(writer, settings.monitor)

        offer = (lambda names: None) if spool is None else spool.offer
        target = files if settings.mode == "offline" else Making(store)
        publisher = Publisher(writer, files, target=target, policy=policy, on_put=offer)
        rollup = RollUp(
            files,
            unsent=spool,
            scratch=_scratch(settings.journal_dir, header.writer_id),
            policy=upkeep_policy(is_local=local),
        )
        return publisher, rollup

    thread = WriterThread(writer, make_parts, spool=spool, policy=policy)
    thread.start()
    watch(writer, settings.monitor)
    return thread


def open_spool(settings: Settings, store: Store) -> Spool:
    """This process's spool for `store`; a thread sends what is in it, unless offline."""
    folder = spool_folder(settings.spool_dir, store.url)
    is_sending = settings.mode == "online"
    with _spools_lock:
        spool = _spools.get((folder, is_sending))
        if spool is None:
            flush_s = settings.flush_policy(is_local=False).max_age_s
            spool = Spool(folder, store, flush_s=flush_s, is_sending=is_sending)
            _spools[folder, is_sending] = spool
            if is_sending:
                SpoolThread(spool).start()
        return spool


def forget_spools() -> None:
    """After a fork: the threads of the parent do not run here."""
    global _spools_lock  # noqa: PLW0603 - the parent may have held it while forking
    _spools_lock = threading.Lock()
    _spools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_spools)


def _scratch(folder: Path, writer_id: str) -> Path:
    return folder / f"{writer_id}.merge"
