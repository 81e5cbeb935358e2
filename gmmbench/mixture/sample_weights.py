"""The number of observations that sample weights stand for, independent of their scale."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from .array_types import Floats, Integers

MOST = 64
"""Weights of at most this many units each are read as repetitions. Weights with two decimals are not: they
are shares rather than counts."""

TOLERANCE = 1e-9
"""The largest remainder that is taken for rounding; the largest weight is 1."""

DIGITS = 2.0**44
"""Mantissas of weights are rounded to this many steps, so that the scale does not change the last digits."""


def checked_weights(sample_weight: Any, n: int) -> Floats:
    """Weights (n,) as float64, from (n,), from one number for all, or from None: all 1.

    Raises:
        ValueError: another shape, a value that is negative or not finite, or only zeros.
    """
    if sample_weight is None:
        return np.ones(n)
    if isinstance(sample_weight, Number):
        sample_weight = np.full(n, sample_weight)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"expected sample_weight ({n},), got shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("expected finite sample weights >= 0, got a negative one, NaN or infinity")
    if not weights.any():
        raise ValueError("expected sample weights of which some are > 0, got only zeros")
    return weights


def in_observations(weights: Floats) -> tuple[Floats, Integers | None]:
    """Weights (n,), each > 0, in units of observations: (n,); and as repetitions (n,), if they are any.

    A maximum likelihood fit depends only on the ratios of the weights. A Bayesian fit also depends on how
    many observations they stand for. No rule can promise both that a weight of 2 means the row twice and that
    the scale of the weights does not matter: with weights of 2 for all rows, the fit would have to equal both
    that of the rows and that of the doubled rows. Here the scale never matters. Weights that are multiples
    of a common unit, of at most MOST units each, are counted in the largest such unit; integers are
    therefore repetitions, up to a common factor. Other weights stand for (sum w)^2 / sum w^2 observations
    (Kish 1965, section 11.7).
    """
    mantissa, exponent = np.frexp(weights / weights.max())
    relative = np.ldexp(np.round(mantissa * DIGITS) / DIGITS, exponent)
    unit = _common_unit(relative)
    if unit is not None:
        repeats = np.round(relative / unit).astype(np.intp)
        return repeats.astype(np.float64), repeats
    total = relative.sum()
    return relative * (total / (relative**2).sum()), None


def _common_unit(weights: Floats) -> float | None:
    """The largest unit of which all weights are multiples, by Euclid's algorithm; None below 1 / MOST."""
    different = np.unique(weights)
    if len(different) > MOST:
        return None
    unit = 0.0
    for weight in different:
        left, right = float(weight), unit
        while right > TOLERANCE:
            left, right = right, left % right
        unit = left
        if unit * MOST < 1 - MOST * TOLERANCE:
            return None
    multiples = different / unit
    return unit if np.abs(multiples - np.round(multiples)).max() < MOST * MOST * TOLERANCE else None
