"""The history of a fit: snapshots of it as it learns, fewer the longer it goes on."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from ..api import Fitted

Snapshot = tuple[int, float | None, Fitted]
"""The iteration, the bound or score it had reached (None: it has none), and the fit as it was then."""

LIMIT = 40
"""Snapshots that are kept at most."""

SPACING = 1.1
"""Least ratio of the iterations of neighbours, at first: the early ones change most."""


class History:
    """Hears the iterations of a fit, as `Watch` tells them, and keeps some, spaced geometrically."""

    def __init__(self) -> None:
        self._kept: list[Snapshot] = []
        self._last: tuple[int, float | None] | None = None
        self._next, self._spacing = 1, SPACING

    def hear(self, iteration: int, bound: float | None, snapshot: Callable[[], Fitted] | None) -> None:
        """Keep this iteration if it is time for one; a model that gives no snapshots has no history."""
        if snapshot is None:
            return
        self._last = iteration, bound
        if iteration < self._next:
            return
        if len(self._kept) == LIMIT - 1:
            self._kept = self._kept[::2]
            self._spacing **= 2
        self._kept.append((iteration, bound, snapshot()))
        self._next = max(iteration + 1, ceil(iteration * self._spacing))

    def until(self, fitted: Fitted) -> tuple[Snapshot, ...]:
        """What was kept, the first iteration first, with the finished fit as the last; empty without any."""
        if self._last is None:
            return ()
        iteration, bound = self._last
        return *(kept for kept in self._kept if kept[0] < iteration), (iteration, bound, fitted)
