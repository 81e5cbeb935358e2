"""Across images: one mean for each image, never pooled pixels."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

LEAST_IMAGES = 6
"""With fewer images no test can reach 0.05."""

EXACT = 16
"""Images up to which every way to flip the signs is tried; beyond, `DRAWS` ways at random."""

DRAWS = 100_000


def sign_flip(differences: ArrayLike) -> float | None:
    """The two-sided p-value of no difference across images (Fisher 1935): the share of sign flips whose mean
    is as far from 0. None for fewer than LEAST_IMAGES images.
    """
    d = np.asarray(differences, dtype=np.float64)
    if len(d) < LEAST_IMAGES:
        return None
    if len(d) <= EXACT:
        signs = np.array(list(product((1.0, -1.0), repeat=len(d))))
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), size=(DRAWS, len(d)))
        signs[0] = 1.0  # what was observed is one of the ways
    means = np.abs(signs @ d)
    return float(np.mean(means >= np.abs(d.sum()) * (1 - 1e-12)))


def mean_ranks(scores: ArrayLike) -> list[float]:
    """Mean rank of each model over images, 1 the best: scores (images, models), larger is better."""
    ranks = rankdata(-np.asarray(scores, dtype=np.float64), axis=1)
    return ranks.mean(axis=0).tolist()
