"""Put the parts of one write path together: writer, spool, thread. It decides nothing."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from trackio import journal
from trackio.lifecycle import no_fork
from trackio.settings import Settings, upkeep_policy
from trackio.spool import Spool, SpoolThread, spool_folder
from trackio.store.base import Store, is_local
from trackio.writer.thread import WriterThread
from trackio.writer.writer import Writer

if TYPE_CHECKING:
    from trackio.writer.publisher import Publisher
    from trackio.writer.rollup import RollUp

_spools: dict[str, SpoolThread] = {}
_spools_lock = threading.Lock()


def open_writer(settings: Settings, store: Store, header: journal.Header) -> WriterThread:
    """Begin to write one run into `store`: touches the journal's folder and no store."""
    local = is_local(store)
    policy = settings.flush_policy(is_local=local)
    spool = None if local else open_spool(settings.spool_dir, store)
    writer = Writer(header, settings.journal_dir, policy=policy)

    def make_parts() -> "tuple[Publisher, RollUp]":
        with no_fork():
            from trackio.writer.publisher import Publisher
            from trackio.writer.rollup import RollUp

        files = store if spool is None else spool.files
        offer = (lambda names: None) if spool is None else spool.offer
        publisher = Publisher(writer, files, target=store, policy=policy, on_put=offer)
        rollup = RollUp(
            files,
            unsent=spool,
            scratch=_scratch(settings.journal_dir, header.writer_id),
            policy=upkeep_policy(is_local=local),
        )
        return publisher, rollup

    thread = WriterThread(writer, make_parts, spool=spool, policy=policy)
    thread.start()
    return thread


def open_spool(spool_dir: Path, store: Store) -> Spool:
    """This process's spool for `store`, with a thread that sends."""
    with _spools_lock:
        running = _spools.get(store.url)
        if running is None:
            spool = Spool(spool_folder(spool_dir, store.url), store)
            running = _spools[store.url] = SpoolThread(spool)
            running.start()
        return running.spool


def forget_spools() -> None:
    """After a fork: the threads of the parent do not run here."""
    global _spools_lock  # noqa: PLW0603 - the parent may have held it while forking
    _spools_lock = threading.Lock()
    _spools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_spools)


def _scratch(folder: Path, writer_id: str) -> Path:
    return folder / f"{writer_id}.merge"
