"""Fitting a Bayesian Gaussian mixture by variational inference: one door for the engines behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .fitting import Fit, checked


def fit_bayesian(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    start: str = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    floor: ArrayLike = 1e-6,
    process: bool = False,
    concentration: float | None = None,
    rng: np.random.Generator,
    watch: Callable[[int, float | None], None] | None = None,
) -> Fit:
    """Fit a mixture with a prior on its weights, by variational Bayes (Attias 2000).

    Args:
        process: False for a Dirichlet prior on K weights, True for a Dirichlet process cut at K.
        concentration: the prior's concentration, > 0 (None: 1/K).
        (the others): as for `fit`.

    Returns:
        A Fit whose mixture has the posterior means of weights, means and covariances.

    Raises:
        ValueError: as for `fit`.
    """
    x, w, axes = checked(points, weights, floor)
    from .reference import fit_bayesian_reference

    return fit_bayesian_reference(
        x, w, components, covariance, start, tolerance, iterations, axes, rng, process, concentration, watch
    )
