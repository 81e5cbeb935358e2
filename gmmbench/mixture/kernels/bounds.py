"""Bounds of the log joint density in a box, by interval arithmetic: which components can matter there."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .compiler import part

SLACK = 1e-3
"""Nats by which bounds are widened, besides 1e-5 of their size: an allowance for rounding in float32."""


@cache
def make_bounds(dimension: int, diagonal: bool, precision: str) -> Any:
    """Upper and lower bounds over a box, for many components at once.

    `bounds(centre (d,), half (d,), columns (1 + d + entries, K), count, upper (K,), lower (K,), both)`.
    In the box, row i of A (x - m) lies within c_i +- r_i, with c = A (centre - m) and r = |A| half. The
    squared distance is therefore at least sum max(0, |c_i| - r_i)^2 and at most sum (|c_i| + r_i)^2.
    """
    real = np.dtype(precision).type
    zero, half_, slack, relative = real(0), real(0.5), real(SLACK), real(1e-5)

    def bounds(  # noqa: PLR0912 - separate loops over components, so that each becomes vector code
        centre: Any, half: Any, columns: Any, count: int, upper: Any, lower: Any, c: Any, r: Any, both: bool
    ) -> None:
        for k in range(count):
            upper[k] = zero
        if both:
            for k in range(count):
                lower[k] = zero
        at = 1 + dimension
        for i in range(dimension):
            for k in range(count):
                c[k] = zero
                r[k] = zero
            for j in range(i if diagonal else 0, i + 1):
                u, h = centre[j], half[j]
                for k in range(count):
                    a = columns[at, k]
                    c[k] += a * (u - columns[1 + j, k])
                    r[k] += abs(a) * h
                at += 1
            for k in range(count):
                near = abs(c[k]) - r[k]
                upper[k] += near * near if near > zero else zero
            if both:
                for k in range(count):
                    far = abs(c[k]) + r[k]
                    lower[k] += far * far
        for k in range(count):
            q = half_ * upper[k]
            upper[k] = columns[0, k] - q + slack + relative * q
        if both:
            for k in range(count):
                q = half_ * lower[k]
                lower[k] = columns[0, k] - q - slack - relative * q

    return part(bounds)
