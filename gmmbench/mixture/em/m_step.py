"""The M-step: parameters from the sums of an E-step."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from ..covariances import CovarianceType
from .e_step import Moments
from .initialize import State

EMPTY = 1e-6
"""A component is empty if it holds less than this many points."""


def maximise(moments: Moments, before: State, covariance_floor: Floats, kind: CovarianceType) -> State:
    """New parameters (Bishop 2006, eqs. 9.24-9.26). The covariance floor (d, d) is added to covariances.

    An empty component keeps its mean and gets weight 0; the caller decides what happens to it.
    """
    count = moments.count
    held = np.where(count > EMPTY, count, np.inf)
    step = moments.first / held[:, None]
    total = count.sum()
    second = moments.second / held[:, None, None]
    spread = second - step[:, :, None] * step[:, None, :]
    means = before.means + step
    weights = np.where(count > EMPTY, count, 0.0) / total
    spread = kind.restrict(spread, weights)
    empty = count <= EMPTY
    spread[empty] = 0.0
    return State(weights / weights.sum(), means, spread + kind.form.restrict(covariance_floor))
