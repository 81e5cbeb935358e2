"""Ctrl-C and SIGTERM end a command, even if the library that is interrupted swallows the exception."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupted:
    """Whether this process has been told to end."""

    told = False

    @classmethod
    def check(cls) -> None:
        """Raise KeyboardInterrupt if it has."""
        if cls.told:
            raise KeyboardInterrupt


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Remember an interruption in the block: an error after it becomes a KeyboardInterrupt, too.

    While a library is imported, or Hydra composes a config, the exception may be ignored or become another.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    Interrupted.told = False
    hook, sys.unraisablehook = sys.unraisablehook, _unraisable
    before = {
        number: signal.signal(number, _interrupt)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is signal.default_int_handler  # it may be ignored on purpose
    }
    try:
        yield
    except Exception:
        Interrupted.check()
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    Interrupted.told = True
    raise KeyboardInterrupt


def _unraisable(ignored: sys.UnraisableHookArgs) -> None:
    """Print what Python ignores, as it does, but no interruption: that one is remembered."""
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
