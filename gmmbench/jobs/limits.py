"""A limit on a job's seconds: it ends by an exception or, where that is not let in, with its process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

GRACE = 10.0
"""Seconds that a job gets to let the exception in."""

GONE = 75
"""Exit code of a process that ended itself: another may go on with the sweep."""


class TimedOut(BaseException):
    """The limit is reached; no Exception, so that a renderer's failure is not taken for it."""


@contextlib.contextmanager
def limited(seconds: float | None, last_words: Callable[[], None]) -> Iterator[None]:
    """Raise TimedOut in the block after so many seconds; None for no limit.

    Where it does not end GRACE seconds later (or at once where there are no alarms: outside the main thread,
    on Windows) `last_words` is called in a thread and the process ends.
    """
    if seconds is None:
        yield
        return
    alarms = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()

    def end() -> None:
        try:
            last_words()
        finally:
            os._exit(GONE)

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimedOut

    timer = threading.Timer(seconds + GRACE if alarms else seconds, end)
    timer.daemon = True
    timer.start()
    before = signal.signal(signal.SIGALRM, ring) if alarms else None
    try:
        if alarms:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        timer.cancel()
