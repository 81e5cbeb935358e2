"""The components a block of points needs and their shares of its density, in one dimension or many."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..compiler import part
from ..densities import BLOCK
from ..elementary import make_exp
from .needed import DEGREES, FIRST, MEAN, make_decay, make_upper


@cache
def make_squares(dimension: int, first: int, last: int) -> Any:
    """Sum over rows first..last of (A (x - m))_i^2 at a block: `squares(x (d, BLOCK), row, out, z)`."""

    def squares(x: Any, row: Any, out: Any, z: Any) -> None:
        for p in range(BLOCK):
            out[p] = 0.0
        for i in range(first, last):
            at = MEAN + dimension + i * (i + 1) // 2
            for p in range(BLOCK):
                z[p] = row[at] * (x[0, p] - row[MEAN])
            for j in range(1, i + 1):
                a, m = row[at + j], row[MEAN + j]
                for p in range(BLOCK):
                    z[p] += a * (x[j, p] - m)
            for p in range(BLOCK):
                out[p] += z[p] * z[p]

    return part(squares)


@cache
def make_shares(dimension: int, last: int, student: bool) -> Any:
    """Fill joint (K, BLOCK) with exp(log joint - top) of the components that a block needs, by name.

    `shares(x, centre, half, rows, columns, offset, cut, bound, c, r, chosen, joint, square, z, top, total)
    -> count`: of the law of the first `last` columns, whose log normalisers are the offsets. What is left
    out has less than exp(cut) of the density at each point: components within FIRST nats of the best
    bound come first, and the least density they give bounds the truth from below.
    """
    upper, squares = make_upper(dimension, last, student), make_squares(dimension, 0, last)
    decay, exp = make_decay(last, student), make_exp("float64")

    def shares(
        x: Any, centre: Any, half: Any, rows: Any, columns: Any, offset: Any, cut: float,
        bound: Any, c: Any, r: Any, chosen: Any, joint: Any, square: Any, z: Any, top: Any, total: Any,
    ) -> int:  # fmt: skip
        best = upper(centre, half, columns, offset, bound, c, r)
        for p in range(BLOCK):
            top[p] = -np.inf
        count, ceiling, floor = 0, np.inf, best - FIRST
        for attempt in range(2):
            for k in range(bound.shape[0]):
                if floor <= bound[k] < ceiling and bound[k] > -np.inf:
                    squares(x, rows[k], square, z)
                    line, df, height = joint[count], rows[k, DEGREES], offset[k]
                    for p in range(BLOCK):
                        line[p] = height - decay(square[p], df)
                    for p in range(BLOCK):
                        top[p] = line[p] if line[p] > top[p] else top[p]
                    chosen[count] = k
                    count += 1
            least = np.inf
            if attempt == 0:
                for p in range(BLOCK):
                    least = top[p] if top[p] < least else least
                ceiling = floor
                floor = min(ceiling, least + cut)
        for p in range(BLOCK):
            total[p] = 0.0
        for f in range(count):
            line = joint[f]
            for p in range(BLOCK):
                e = exp(line[p] - top[p])
                line[p] = e
                total[p] += e
        return count

    return part(shares)
