"""Which components a box needs: lower bounds of squared distances, and log joints, of either family."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..compiler import part
from .tails import make_log1p

FIRST = 6.0
"""Nats below the best bound within which components are evaluated first, to learn a box's least value."""

LEAST = -700.0
"""Log of what counts as 0 in sums of float64."""

OFFSET, DEGREES, MEAN = 0, 1, 2
"""Where a component's row holds its log normaliser, degrees of freedom and mean; then A row by row."""


@cache
def make_nearest(dimension: int, last: int) -> Any:
    """Least |A (x - m)|^2 over a box, for all components at once, of the first `last` rows of A.

    `nearest(centre (last,), half (last,), columns (2 + d + entries, K), out (K,), c (K,), r (K,))`. Row i
    of A (x - m) ranges over c_i +- r_i with c = A (centre - m), r = |A| half; what is written is the sum
    of max(0, |c_i| - r_i)^2, a lower bound. Fewer rows give the marginal of the first columns.
    """

    def nearest(centre: Any, half: Any, columns: Any, out: Any, c: Any, r: Any) -> None:
        count = out.shape[0]
        for k in range(count):
            out[k] = 0.0
        at = MEAN + dimension
        for i in range(last):
            for k in range(count):
                c[k] = 0.0
                r[k] = 0.0
            for j in range(i + 1):
                u, h = centre[j], half[j]
                for k in range(count):
                    a = columns[at, k]
                    c[k] += a * (u - columns[MEAN + j, k])
                    r[k] += abs(a) * h
                at += 1
            for k in range(count):
                near = abs(c[k]) - r[k]
                out[k] += near * near if near > 0.0 else 0.0

    return part(nearest)


@cache
def make_decay(dimension: int, student: bool) -> Any:
    """What a squared distance q takes from a log density: q / 2, or (df + d) / 2 log(1 + q / df)."""
    log1p_vector = make_log1p()

    def gaussian(q: Any, df: Any) -> Any:
        return 0.5 * q

    def heavy(q: Any, df: Any) -> Any:
        return 0.5 * (df + dimension) * log1p_vector(q / df)

    return part(heavy if student else gaussian)


@cache
def make_upper(dimension: int, last: int, student: bool) -> Any:
    """Upper bounds of the log joint densities over a box, and the greatest of them.

    `upper(centre, half, columns, offset (K,), out (K,), c (K,), r (K,)) -> best`; the offsets are those of
    the first `last` columns' law.
    """
    nearest = make_nearest(dimension, last)
    decay = make_decay(last, student)

    def upper(centre: Any, half: Any, columns: Any, offset: Any, out: Any, c: Any, r: Any) -> float:
        nearest(centre, half, columns, out, c, r)
        for k in range(out.shape[0]):
            out[k] = offset[k] - decay(out[k], columns[DEGREES, k])
        best = out[0]
        for k in range(out.shape[0]):
            best = out[k] if out[k] > best else best
        return best

    return part(upper)
