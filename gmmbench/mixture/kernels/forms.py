"""Quadratic forms over a block of points, unrolled by closures whose lengths the compiler knows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .compiling import part

BLOCK = 128
"""Points in a block: 8 vectors of 16 floats, a loop the compiler can count."""

UNROLLED = 8
"""Dimensions up to which a point's whole form is kept in registers."""


def entries(dimension: int, diagonal: bool) -> int:
    """Numbers that a component's lower triangular factor has: d (d + 1) / 2, or d of a diagonal."""
    return dimension if diagonal else dimension * (dimension + 1) // 2


@cache
def make_square(dimension: int, diagonal: bool, precision: str) -> Any:
    """|A (x - m)|^2 for a block: `square(x (d, BLOCK), row, out (BLOCK,))`.

    `row` holds a component: [offset, m (d), A (entries, row by row)]. What is written is
    offset - |A (x - m)|^2 / 2, the log joint density: the difference is formed first, for the expanded
    square loses every digit in float32.
    """
    real = np.dtype(precision).type
    half = real(0.5)
    if dimension > UNROLLED:
        return _loops(dimension, diagonal, real)
    chain = _chain(dimension - 1, dimension, diagonal, real)

    def square(x: Any, row: Any, out: Any) -> None:
        offset = row[0]
        for p in range(BLOCK):
            out[p] = offset - half * chain(x, row, p)

    return part(square)


def _chain(i: int, dimension: int, diagonal: bool, real: Any) -> Any:
    """Rows 0..i of the form at point p: row i is a sum of constant length, then the rows before it."""
    first = i if diagonal else 0
    at = 1 + dimension + (i if diagonal else i * (i + 1) // 2) - first
    length = i + 1

    def row_alone(x: Any, row: Any, p: int) -> Any:
        z = real(0)
        for j in range(first, length):
            z += row[at + j] * (x[j, p] - row[1 + j])
        return z * z

    one = part(row_alone)
    if i == 0:
        return one
    before = _chain(i - 1, dimension, diagonal, real)

    def rows(x: Any, row: Any, p: int) -> Any:
        return before(x, row, p) + one(x, row, p)

    return part(rows)


def _loops(dimension: int, diagonal: bool, real: Any) -> Any:
    """The same for many dimensions, a vector at a time through memory."""
    half = real(0.5)

    def square(x: Any, row: Any, out: Any) -> None:
        for p in range(BLOCK):
            out[p] = row[0]
        z = np.empty(BLOCK, x.dtype)
        at = 1 + dimension
        for i in range(dimension):
            for p in range(BLOCK):
                z[p] = real(0)
            for j in range(i if diagonal else 0, i + 1):
                a, m = row[at], row[1 + j]
                at += 1
                for p in range(BLOCK):
                    z[p] += a * (x[j, p] - m)
            for p in range(BLOCK):
                out[p] -= half * z[p] * z[p]

    return part(square)


@cache
def make_moments(dimension: int, diagonal: bool, precision: str) -> Any:
    """Add sum r, sum r (x - m) and sum r (x - m)(x - m)^T of a block to float64 totals.

    `moments(x (d, BLOCK), r (BLOCK,), row, apart (d + 1, BLOCK), total (1 + d + entries,))`; the sums of a
    block are in the kernel's precision about the old mean, so that they stay small; `apart` is scratch.
    """
    real = np.dtype(precision).type

    def moments(x: Any, r: Any, row: Any, apart: Any, total: Any) -> None:
        s = real(0)
        for p in range(BLOCK):
            s += r[p]
        total[0] += s
        at = 1 + dimension
        product = apart[dimension]
        for i in range(dimension):
            m = row[1 + i]
            s = real(0)
            for p in range(BLOCK):
                difference = x[i, p] - m
                apart[i, p] = difference
                product[p] = r[p] * difference
                s += product[p]
            total[1 + i] += s
            for j in range(i if diagonal else 0, i + 1):
                s = real(0)
                for p in range(BLOCK):
                    s += product[p] * apart[j, p]
                total[at] += s
                at += 1

    return part(moments)
