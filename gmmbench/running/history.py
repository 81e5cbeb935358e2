"""The history of a fit: snapshots at iterations that are spaced geometrically."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from ..api import Fitted

Snapshot = tuple[int, float | None, Fitted]
"""The iteration, its bound or score (None if the model has none), and the fit at that time."""

LIMIT = 40
"""The largest number of snapshots."""

SPACING = 1.1
"""Least ratio of the iterations of neighbouring snapshots, at first; early iterations change a fit most."""


class History:
    """Receives the iterations of a fit from its `Watch` and records some of them, spaced geometrically."""

    def __init__(self) -> None:
        self._kept: list[Snapshot] = []
        self._last: tuple[int, float | None] | None = None
        self._next, self._spacing = 1, SPACING

    def hear(self, iteration: int, bound: float | None, snapshot: Callable[[], Fitted] | None) -> None:
        """Record this iteration if one is due; a model without snapshots has no history."""
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
        """The snapshots in order, with the finished fit as the last; empty if there are none."""
        if self._last is None:
            return ()
        iteration, bound = self._last
        return *(kept for kept in self._kept if kept[0] < iteration), (iteration, bound, fitted)
