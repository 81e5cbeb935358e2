"""Distribution functions of two and three correlated normals, by integrals over their correlation."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from ..compiler import part
from ..elementary import make_exp
from .tails import make_ratio, make_tail

PANEL = 8
"""Gauss-Legendre nodes of a panel: one vector."""

SHORTER = 0.25
"""Each panel is as much shorter than the one before, for an integrand changes over what is left to 1;
against panels of twice as many it errs by 2e-9."""

NONE = 1e-13
"""Least 1 - r^2, and least determinant, that are told from 0."""


@cache
def make_cumulative() -> Any:
    """Phi(x)."""
    tail = make_tail()

    def cumulative(x: float) -> float:
        return 1.0 - tail(x) if x > 0.0 else tail(x)

    return part(cumulative)


@cache
def make_corner_two() -> Any:
    """P(X <= h, Y <= k): `two(h, k, r, nodes, weights)`.

    Phi(h) Phi(k) + the integral over t in 0..1 of r phi2(h, k; t r), for the derivative of the
    distribution function by the correlation is the density (Plackett 1954).
    """
    exp, cumulative = make_exp("float64"), make_cumulative()

    def two(h: float, k: float, r: float, nodes: Any, weights: Any) -> float:
        total = cumulative(h) * cumulative(k)
        if r == 0.0:
            return total
        t, left = 0.0, 1.0
        rest = max(1.0 - abs(r), NONE)  # the integrand varies over this near t = 1
        sums, product = h * h + k * k, 2.0 * h * k
        while t < 1.0:
            left = left * SHORTER if left * SHORTER > rest else 0.0
            length, inside = 1.0 - left - t, 0.0
            for i in range(PANEL):
                at = r * (t + length * nodes[i])
                free = max(1.0 - at * at, NONE)
                inside += weights[i] * exp(-0.5 * (sums - product * at) / free) / sqrt(free)
            total += r * length * inside / (2.0 * np.pi)
            t = 1.0 - left
        return total

    return part(two)


@cache
def make_corner_three() -> Any:
    """P(X <= h, Y <= k, Z <= last): `three(h, k, last, r_xy, r_xz, r_yz, nodes, weights)`.

    With X independent it is Phi(h) times the law of two; X's correlations grow from 0 to theirs
    together, which keeps the matrix positive definite (Genz 2004, eq. 14). r_yz should be the largest.
    """
    exp, ratio = make_exp("float64"), make_ratio()
    cumulative, two = make_cumulative(), make_corner_two()

    def three(
        h: float, k: float, last: float, a: float, b: float, c: float, nodes: Any, weights: Any
    ) -> float:  # fmt: skip
        total = cumulative(h) * two(k, last, c, nodes, weights)
        free_c = max(1.0 - c * c, NONE)
        share = min((a * a + b * b - 2.0 * a * b * c) / free_c, 1.0)  # of X's variance that Y and Z explain
        rest = max(1.0 - sqrt(max(share, 0.0)), NONE)
        t, left = 0.0, 1.0
        while t < 1.0:
            left = left * SHORTER if left * SHORTER > rest else 0.0
            length, inside = 1.0 - left - t, 0.0
            for i in range(PANEL):
                at = t + length * nodes[i]
                p, q = a * at, b * at
                root = sqrt(max(free_c * (1.0 - at * at * share), NONE))  # of the determinant
                free = max(1.0 - p * p, NONE)
                one = sqrt(free)
                u = (last * free - (q - p * c) * h - (c - p * q) * k) / (one * root)
                tail = exp(-0.5 * u * u) * ratio(abs(u))
                tail = 1.0 - tail if u > 0.0 else tail
                square = h * h + k * k - 2.0 * p * h * k
                inside += weights[i] * a * tail * exp(-0.5 * square / free) / one
                free = max(1.0 - q * q, NONE)
                one = sqrt(free)
                u = (k * free - (p - q * c) * h - (c - p * q) * last) / (one * root)
                tail = exp(-0.5 * u * u) * ratio(abs(u))
                tail = 1.0 - tail if u > 0.0 else tail
                square = h * h + last * last - 2.0 * q * h * last
                inside += weights[i] * b * tail * exp(-0.5 * square / free) / one
            total += length * inside / (2.0 * np.pi)
            t = 1.0 - left
        return total

    return part(three)
