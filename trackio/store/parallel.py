"""Do the same to many keys at once. It decides nothing about what failed.

Plain threads, not a pool: a pool refuses work once the interpreter is on its way out, which is
when the last rows are sent. The caller works too, so that all gets done even where no thread
can be started any more.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from trackio.errors import StoreUnavailable, TrackioError


def attempt_each(
    keys: Iterable[str], attempt: Callable[[str], None], *, workers: int
) -> Mapping[str, TrackioError]:
    """Call `attempt` once a key, with up to `workers` at a time; what each key failed with.

    An error that is none of ours ends the work and is raised.
    """
    waiting = deque(dict.fromkeys(keys))
    failures: dict[str, TrackioError] = {}
    foreign: list[BaseException] = []

    def work() -> None:
        while waiting and not foreign:
            try:
                key = waiting.popleft()
            except IndexError:  # another took the last one
                return
            try:
                attempt(key)
            except TrackioError as exc:
                failures[key] = exc
            except BaseException as exc:  # noqa: BLE001 - it is raised again by the caller
                foreign.append(exc)

    threads = _started(work, min(workers, len(waiting)) - 1)
    work()
    for thread in threads:
        thread.join()
    if foreign:
        raise foreign[0]
    return failures


def raise_first(failures: Mapping[str, TrackioError]) -> None:
    """Raise what the caller has to know first: what no repeating cures, else what to repeat.

    Raises:
        TrackioError: one of the failures, or a `StoreUnavailable` that names all their keys.
    """
    waits_s = []
    for exc in failures.values():
        if not isinstance(exc, StoreUnavailable):
            raise exc
        waits_s.append(exc.retry_after_s)
    for exc in failures.values():
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        wait_s = max(filter(None, waits_s), default=None)
        raise StoreUnavailable(f"{exc}{more}", keys=failures, retry_after_s=wait_s) from exc


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    threads: list[threading.Thread] = []
    for _ in range(count):
        thread = threading.Thread(target=work, name="trackio-store", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is on its way out, or there are too many
            break
        threads.append(thread)
    return threads
