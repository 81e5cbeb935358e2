"""Comparisons across images: each image counts once, and pixels of different images are never pooled."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import permutation_test, rankdata

from ..api import Floats

LEAST_IMAGES = 6
"""With fewer images no test can reach 0.05."""

RESAMPLES = 2**16
"""Sign flips of a test: all of them for up to 16 images, this many random ones for more."""


DIGITS = 12
"""Decimal digits of a sum, as a share of the largest possible; later digits are rounding errors."""


def sign_flip(differences: ArrayLike) -> float | None:
    """The two-sided p-value of no difference across images (Fisher 1935).

    It is the share of sign flips whose mean is at least as far from 0 as the observed one.

    Args:
        differences: one for each image, (n,).

    Returns:
        The p-value; None for fewer than LEAST_IMAGES images.
    """
    d = np.asarray(differences, dtype=np.float64)
    if len(d) < LEAST_IMAGES:
        return None
    test = permutation_test(
        (d,),
        _distance,
        permutation_type="samples",
        alternative="greater",
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=0,
    )
    return float(test.pvalue)


def _distance(differences: Floats, axis: int) -> Floats:
    """The distance of the sum from 0, as a share of the largest sum that any signs give.

    It makes the one-sided test two-sided in the sum. It is rounded, so that sums which differ only by the
    order of their terms tie.
    """
    largest = np.abs(differences).sum(axis=axis)
    return np.round(np.abs(differences.sum(axis=axis)) / np.where(largest > 0, largest, 1.0), DIGITS)


def mean_ranks(scores: ArrayLike) -> list[float]:
    """The mean rank of each model over images, where 1 is best, of scores (images, models): (models,)."""
    ranks = rankdata(-np.asarray(scores, dtype=np.float64), axis=1)
    return ranks.mean(axis=0).tolist()
