"""Work on threads, cut into the same pieces for any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np

PIECES = 64
"""The number of pieces: enough that all threads finish at about the same time."""


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


@cache
def cores() -> int:
    """The processors that this process may use, by its affinity and by the quota of its container."""
    from joblib import cpu_count

    return int(cpu_count())
