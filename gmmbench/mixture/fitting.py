"""Fitting a Gaussian mixture: one door for the engines behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .mixture import Mixture

Floats = NDArray[np.float64]

COVARIANCES = ("full", "diag", "spherical", "tied")
"""The covariance types, by scikit-learn's names."""

STARTS = ("kmeans", "k-means++", "random", "random_from_data")
"""How the first responsibilities are made, by scikit-learn's names."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit came to: the mixture, iterations done, whether it converged, and the final lower
    bound per point (EM: the mean log-likelihood in nats; None where an engine does not know).
    """

    mixture: Mixture
    iterations: int
    converged: bool
    bound: float | None
    n_parameters: int


def fit(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    start: str = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    floor: ArrayLike = 1e-6,
    rng: np.random.Generator,
    watch: Callable[[int, float | None], None] | None = None,
) -> Fit:
    """Fit a mixture by expectation-maximisation (Dempster, Laird and Rubin 1977).

    Args:
        points: (n, d).
        weights: (n,) how much each point counts, or None for one each.
        components: K; no more than there are distinct points.
        covariance: one of COVARIANCES.
        start: one of STARTS.
        tolerance: stop when the mean log-likelihood rises by less than this in an iteration, nats.
        iterations: stop after this many in any case.
        floor: variance added to each axis of every covariance, a number or (d,): a pixel is a square of
            side `cell`, not a point, and cell^2 / 12 is the variance of that square.
        rng: where the start draws its random numbers.
        watch: called with the iteration and the bound.

    Raises:
        ValueError: no points, values that are not finite, fewer distinct points than components.
    """
    x, w, axes = checked(points, weights, floor)
    from .reference import fit_reference

    return fit_reference(x, w, components, covariance, start, tolerance, iterations, axes, rng, watch)


def checked(points: ArrayLike, weights: ArrayLike | None, floor: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Points (n, d), weights (n,) and floor (d,) as float64. Raises ValueError where they are no such."""
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected points (n, d) with n >= 1, got shape {x.shape}")
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(x),):
        raise ValueError(f"expected weights ({len(x)},), got {w.shape}")
    if not (np.isfinite(x).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise ValueError("expected finite points and finite weights >= 0")
    axes = np.broadcast_to(np.asarray(floor, dtype=np.float64), (x.shape[1],))
    if not (np.isfinite(axes).all() and (axes > 0).all()):
        raise ValueError(f"expected a floor > 0 on every axis, got {axes}")
    return x, w, axes


def count_parameters(components: int, dimension: int, covariance: str) -> int:
    """Free parameters of a mixture: K - 1 weights, K d means, and its covariances."""
    triangle = dimension * (dimension + 1) // 2
    spread = {
        "full": components * triangle,
        "diag": components * dimension,
        "spherical": components,
        "tied": triangle,
    }[covariance]
    return components - 1 + components * dimension + spread
