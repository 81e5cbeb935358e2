"""Cholesky factors in twice the digits of float64, for covariances whose correlations are nearly 1.

At a correlation of 1 - 1e-12 the usual factor loses the conditional variance's last twelve digits. Here each
number is a pair (high, low) of arrays whose exact sum is meant (Dekker 1971, A floating-point technique for
extending the available precision).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..array_types import Floats, Integers

Pair: TypeAlias = tuple[Floats, Floats]

SPLIT = 134217729.0
"""2^27 + 1: cuts a float64 into two halves whose products are exact."""


def pivoted_factors(covariances: Floats, known: int = 0) -> tuple[Floats, Integers]:
    """Cholesky factors (..., d, d) of matrices whose axes are put in order, and that order (..., d).

    The first `known` axes stay where they are; of the others the one with the largest variance given those
    before it comes next. Row i of a factor is that of axis order[i]. A matrix that is not positive definite
    gives NaN.
    """
    order = _order(covariances, known)
    rows = np.take_along_axis(covariances, order[..., None], axis=-2)
    return exact_factors(np.take_along_axis(rows, order[..., None, :], axis=-1)), order


def exact_factors(covariances: Floats) -> Floats:
    """Lower Cholesky factors of symmetric matrices (..., d, d), each entry right to its last digit or two.

    A matrix that is not positive definite gives NaN.
    """
    d = covariances.shape[-1]
    out = np.zeros_like(covariances, dtype=np.float64)
    found: dict[tuple[int, int], Pair] = {}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for i in range(d):
            for j in range(i + 1):
                rest = (covariances[..., i, j], np.zeros_like(covariances[..., i, j]))
                for k in range(j):
                    rest = _minus(rest, _times(found[i, k], found[j, k]))
                found[i, j] = _root(rest) if i == j else _over(rest, found[j, j])
                out[..., i, j] = found[i, j][0]
    return out


def _order(covariances: Floats, known: int) -> Integers:
    """Axes by the variance that those before them leave, largest first: (..., d)."""
    d = covariances.shape[-1]
    left = np.array(covariances, dtype=np.float64)
    order = np.empty(covariances.shape[:-1], np.intp)
    taken = np.zeros(covariances.shape[:-1], bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        for step in range(d):
            variance = np.where(taken, -np.inf, np.diagonal(left, axis1=-2, axis2=-1))
            at = np.full(variance.shape[:-1], step) if step < known else np.argmax(variance, axis=-1)
            order[..., step] = at
            np.put_along_axis(taken, at[..., None], True, axis=-1)
            column = np.take_along_axis(left, at[..., None, None], axis=-1)
            pivot = np.take_along_axis(column, at[..., None, None], axis=-2)
            left = left - column * np.swapaxes(column, -1, -2) / pivot
    return order


def _sum(a: Floats, b: Floats) -> Pair:
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _quick(a: Floats, b: Floats) -> Pair:
    s = a + b
    return s, b - (s - a)


def _product(a: Floats, b: Floats) -> Pair:
    p = a * b
    t = SPLIT * a
    a_high = t - (t - a)
    t = SPLIT * b
    b_high = t - (t - b)
    a_low, b_low = a - a_high, b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def _minus(x: Pair, y: Pair) -> Pair:
    s, e = _sum(x[0], -y[0])
    return _quick(s, e + (x[1] - y[1]))


def _times(x: Pair, y: Pair) -> Pair:
    p, e = _product(x[0], y[0])
    return _quick(p, e + (x[0] * y[1] + x[1] * y[0]))


def _over(x: Pair, y: Pair) -> Pair:
    q = x[0] / y[0]
    rest = _minus(x, _times((q, np.zeros_like(q)), y))
    return _quick(q, rest[0] / y[0])


def _root(x: Pair) -> Pair:
    q = np.sqrt(x[0])
    rest = _minus(x, _product(q, q))
    return _quick(q, rest[0] / (2 * q))
