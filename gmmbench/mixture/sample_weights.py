"""How many observations the sample weights of a fit stand for, whatever their scale."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from .array_types import Floats, Integers

MOST = 64
"""Weights of at most so many units each are read as repetitions. Weights that are rounded to two decimals are
not: they are rather shares than counts."""

TOLERANCE = 1e-9
"""Remainders that rounding leaves of weights, the largest of which is 1."""

DIGITS = 2.0**44
"""Steps of a mantissa that weights are rounded to, so that their scale leaves no trace in the last digits."""


def checked_weights(sample_weight: Any, n: int) -> Floats:
    """Weights (n,) as float64, from (n,) or one number for all; ones if there are none.

    Raises:
        ValueError: another shape, a value that is negative or not finite, nothing but zeros.
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
    """Weights (n,), each > 0, in units of observations: (n,); and the repetitions (n,) if they are such.

    A mixture's maximum likelihood fit depends on the ratios of the weights alone. A Bayesian fit also depends
    on how many observations they stand for, and for that no rule can keep two promises at once: that a weight
    of 2 means twice the same row, and that the scale of the weights is of no importance. (With weights of 2
    for all rows, the fit would have to be that of the rows, and that of twice the rows.) Here the scale never
    matters. Integers are repetitions as far as that allows: weights that are multiples of a common unit, of
    at most MOST units, are counted in the largest such unit. Others stand for (sum w)^2 / sum w^2
    observations (Kish 1965, section 11.7).
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
