"""Responsibilities of points so far away that differences of squared distances are lost in rounding."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats

FAR = 5e11
"""Nats below a component's peak from which a point counts as far: a million standard deviations. At that
distance float64 represents log densities to 1e-4 nats at best; beyond 1e154 they overflow."""


def far_responsibilities(points: Floats, offset: Floats, means: Floats, factors: Floats) -> Floats:
    """p(k | x) for log joint densities offset - |A (x - mean)|^2 / 2: (n, K).

    With x = s u, where s is the largest coordinate, that is -s^2 |A u|^2 / 2 + s (A u) . (A mean) + constant.
    The three terms are compared one after another, so that s may be arbitrarily large.

    Args:
        points: (n, d), finite. Points and means are best given relative to a centre between the means.
        offset: (K,), the part that does not depend on x, nats; -inf for a component of weight 0.
        means: (K, d).
        factors: A, (K, d, d), the inverses of the covariances' Cholesky factors.
    """
    size = np.abs(points).max(axis=1, keepdims=True)
    along = np.einsum("kij,nj->nki", factors, points / size)
    centre = np.einsum("kij,kj->ki", factors, means)
    possible = np.isfinite(offset)
    square = np.where(possible, -0.5 * (along**2).sum(axis=2), -np.inf)
    linear = np.einsum("nki,ki->nk", along, centre)
    with np.errstate(over="ignore", invalid="ignore"):
        behind = size * (size * (square - square.max(axis=1, keepdims=True)))  # 0 of the nearest, else < 0
        level = np.where(behind > -np.inf, linear, -np.inf)
        behind += size * (level - level.max(axis=1, keepdims=True))
        score = np.where(np.isnan(behind), -np.inf, behind) + offset - 0.5 * (centre**2).sum(axis=1)
    shares = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
