"""End every live run when the process ends, and start anew in a forked child. It writes nothing.

What is registered here is finished

- at interpreter exit, by `atexit`, which runs when all non-daemon threads have ended;
- on SIGTERM and SIGHUP, where nobody else handles them: the handler sets a flag, a thread
  finishes the runs and sends the signal again, which then does what it always did;
- at the end of a `multiprocessing` child, which skips `atexit` when it was forked.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol
from weakref import WeakSet

_LONGEST_END_S: Final = 120.0
_AGAIN_S: Final = 0.05
_LONGEST_IMPORT_S: Final = 30.0


class Live(Protocol):
    """Something that has to be ended before the process is."""

    def end(self, *, failed: str | None) -> None:
        """Finish; `failed` says why if it did not end well. Never raises."""

    def drop_inherited(self) -> None:
        """This is a forked child: forget the threads and files of the parent."""


class _Signal:
    """The first signal that asked this process to end; one for each process."""

    def __init__(self) -> None:
        self.is_watched = False
        self.number: int | None = None
        self.came = threading.Event()
        self.ended = threading.Event()


_live: dict[int, Live] = {}
_known: "WeakSet[Live]" = WeakSet()
_encoding = threading.RLock()
_importing = threading.RLock()
_forking: list[list[Any]] = []
_signal = _Signal()


def register(run: Live) -> None:
    """End `run` with the process, unless `forget` comes first."""
    _live[id(run)] = run
    _known.add(run)
    _catch_signals()


def forget(run: Live) -> None:
    """`run` has ended."""
    _live.pop(id(run), None)


def list_live() -> list[Live]:
    """Every run that is live now."""
    return list(_live.values())


def end_all(*, failed: str | None = None) -> None:
    """End every run that is live now."""
    for run in list_live():
        run.end(failed=failed)


def await_end() -> None:
    """Where a signal is ending this process, wait for that: nothing new begins any more."""
    if (number := _signal.number) is not None and _signal.ended.wait(_LONGEST_END_S):
        os.kill(os.getpid(), number)


@atexit.register
def _at_exit() -> None:
    # An interactive interpreter keeps the last error that was shown, however old it is.
    error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
    end_all(failed=None if error is None else type(error).__name__)
    await_end()


def _catch_signals() -> None:
    """Only the main thread may, and only what nobody else has caught is ours."""
    if _signal.is_watched or threading.current_thread() is not threading.main_thread():
        return
    _signal.is_watched = True
    _end_with_child()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)
    threading.Thread(target=_end_on_signal, name="trackio-signals", daemon=True).start()


def _on_signal(number: int, _frame: object) -> None:
    # A forked child inherits the handler but not the thread that acts on it.
    if _signal.ended.is_set() or not _signal.is_watched:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    elif _signal.number is None:  # else this may have interrupted the `set` below
        _signal.number = number
        _signal.came.set()


def _end_on_signal() -> None:
    _signal.came.wait()
    number = _signal.number or signal.SIGTERM
    end_all(failed=signal.Signals(number).name)
    _signal.ended.set()
    # A signal that comes just before the main thread begins to wait does not wake it.
    while signal.getsignal(number) is _on_signal:
        os.kill(os.getpid(), number)
        time.sleep(_AGAIN_S)


def _end_with_child() -> None:
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _end_child, exitpriority=100)


def _end_child() -> None:
    error = sys.exc_info()[1]  # what the child's target raised
    is_failed = error is not None and not isinstance(error, SystemExit)
    end_all(failed=type(error).__name__ if is_failed else None)


@contextmanager
def no_fork() -> Iterator[None]:
    """Let a fork wait meanwhile. For imports in a thread.

    A child that is forked while another thread imports a module can never import it: the
    module's lock was copied, but not the thread that would release it.
    """
    with _importing:
        yield


@contextmanager
def in_arrow() -> Iterator[None]:
    """Let a fork wait meanwhile. For steps within Arrow that are soon done; nothing of it outlives.

    A child that is forked while another thread is there may wait for ever as soon as it asks
    Arrow for memory: its allocator's locks were copied, but not the thread that would release them.
    """
    with _encoding:
        yield


def is_fork_waiting() -> bool:
    """Whether a fork waits for a step within Arrow to be done."""
    return bool(_forking)


def _before_fork() -> None:
    held: list[Any] = []
    _forking.append(held)
    held += [it for it in (_encoding, _importing) if it.acquire(timeout=_LONGEST_IMPORT_S)]


def _after_fork_in_parent() -> None:
    for lock in _forking.pop():
        lock.release()


def _after_fork() -> None:
    # What these belonged to were threads of the parent.
    global _signal, _importing, _encoding
    _signal, _importing, _encoding = _Signal(), threading.RLock(), threading.RLock()
    _forking.clear()
    for run in list(_known):  # also one that was just beginning or ending
        run.drop_inherited()
    _live.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork,
    )
