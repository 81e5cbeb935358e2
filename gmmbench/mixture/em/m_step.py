"""The M-step: parameters from the sums of an E-step, for each type of covariance."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from .e_step import Moments
from .initialize import State

EMPTY = 1e-6
"""A component that holds less than this much of a point is empty."""


def maximise(moments: Moments, before: State, floor: Floats, covariance: str) -> State:
    """New parameters (Bishop 2006, eqs. 9.24-9.26), with the floor (d, d) added to covariances.

    A component that holds nothing keeps its place and gets weight 0; who called decides about it.
    """
    count = moments.count
    held = np.where(count > EMPTY, count, np.inf)
    step = moments.first / held[:, None]
    total = count.sum()
    second = moments.second / held[:, None, None]
    spread = second - step[:, :, None] * step[:, None, :]
    means = before.means + step
    weights = np.where(count > EMPTY, count, 0.0) / total
    spread = shaped(spread, weights, covariance)
    empty = count <= EMPTY
    spread[empty] = 0.0
    return State(weights / weights.sum(), means, spread + shaped(floor[None], np.ones(1), covariance))


def shaped(spread: Floats, weights: Floats, covariance: str) -> Floats:
    """Covariances (K, d, d) restricted to their type; tied ones are averaged by weight."""
    k, d, _ = spread.shape
    if covariance == "full":
        return (spread + np.swapaxes(spread, 1, 2)) / 2
    if covariance == "tied":
        mean = np.einsum("k,kij->ij", weights / weights.sum(), spread)
        return np.repeat(((mean + mean.T) / 2)[None], k, axis=0)
    axes = np.diagonal(spread, axis1=1, axis2=2)
    if covariance == "spherical":
        axes = np.repeat(axes.mean(axis=1, keepdims=True), d, axis=1)
    return np.asarray(axes[:, :, None] * np.eye(d), dtype=np.float64)
