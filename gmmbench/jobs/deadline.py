"""The deadline of a run: work that takes longer is interrupted by an exception."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 10.0
"""Seconds that a run has to react to the exception; then its process is ended."""

LONGEST = 1e8
"""Seconds, about three years: the timers of the system cannot hold any number."""

IMPORTING = "<frozen importlib"
"""How the file of Python's own functions that import a module begins."""

SNOOZE = 0.01
"""Seconds until an alarm that came during an import is repeated."""

SHORTEST = 1e-6
"""The shortest time of an alarm, seconds; 0 would switch it off."""


class TimedOut(BaseException):
    """The deadline has passed; no `Exception`, so that no renderer's error handling swallows it."""


class Deadline:
    """A time limit in seconds from now, for one or more pieces of work.

    Args:
        seconds: how many; None for no deadline.
        last_resort: called in a thread GRACE seconds after the deadline if the work has not let the
            exception in; the process ends afterwards with exit code 1. Where there are no alarms (on Windows,
            outside the main thread) it is called at the deadline. None: the process that started this one
            watches over it.
    """

    def __init__(self, seconds: float | None, last_resort: Callable[[], None] | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + min(seconds, LONGEST)
        self._last_resort = last_resort

    def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns. Raises TimedOut, even if the work was just about to end."""
        if self._end is None:
            return work()
        if self._left() <= 0:
            raise TimedOut
        alarm, timer = _Alarm(), None
        try:
            try:
                timer = self._timer(alarm)
                alarm.arm(max(self._left(), SHORTEST))
                result = work()
            finally:
                alarm.disarm()
        finally:  # the alarm raises once: if it interrupted the first disarming, it cannot interrupt this one
            alarm.disarm()
            if timer is not None:
                timer.cancel()
        if self._left() <= 0:
            raise TimedOut
        return result

    def _left(self) -> float:
        assert self._end is not None
        return self._end - time.monotonic()

    def _timer(self, alarm: _Alarm) -> threading.Timer | None:
        last_resort = self._last_resort
        if last_resort is None:
            return None

        def end() -> None:
            try:
                last_resort()
            finally:
                os._exit(1)

        timer = threading.Timer(max(0.0, self._left()) + (GRACE if alarm.possible else 0.0), end)
        timer.daemon = True
        timer.start()
        return timer


class _Alarm:
    """The alarm of the system, which raises TimedOut in the main thread."""

    def __init__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        self.possible = main and hasattr(signal, "SIGALRM")
        self._before: Any = None
        self._armed = False

    def arm(self, seconds: float) -> None:
        if self.possible:
            self._before = signal.signal(signal.SIGALRM, self._ring)
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def disarm(self) -> None:
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)
            self._armed = False

    @staticmethod
    def _ring(number: int, frame: FrameType | None) -> None:
        """Interrupt the work, but not an import: a partial module would break the runs that follow."""
        while frame is not None and frame.f_code is not Deadline.run.__code__:
            if frame.f_code.co_filename.startswith(IMPORTING):
                signal.setitimer(signal.ITIMER_REAL, SNOOZE)
                return
            frame = frame.f_back
        raise TimedOut
