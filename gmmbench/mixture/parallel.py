"""Pieces of work on threads, cut the same way whatever the number of threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

PIECES = 64
"""Parts that work is cut into: enough that threads end together."""


def in_pieces(run: Callable[[int, int], None], count: int, threads: int | None = None) -> None:
    """Call run(start, stop) for pieces of range(count), each of which writes what no other does.

    An empty piece comes first in this thread, so that its compiling is counted here.
    """
    run(0, 0)
    edges = np.unique(np.linspace(0, count, min(PIECES, max(count, 1)) + 1).round().astype(int)).tolist()
    spans = list(pairwise(edges))
    workers = min(threads or cores(), len(spans))
    if workers <= 1:
        for span in spans:
            run(*span)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, *zip(*spans, strict=True)))


def cores() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
