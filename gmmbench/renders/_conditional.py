"""The predictive distribution of colour given a position: its covariance, entropy and mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmmbench import Fitted, Floats, Lattice, Law, Predictor

if TYPE_CHECKING:
    from gmmbench.mixture import Mixture

TILE = 24
"""Side of the square tiles in which a lattice is evaluated: few components matter in any one tile."""

TRUNCATION = 16.0
"""A component is left out of a tile if its share is below exp(-16) of the largest component's."""

TOP = 8
"""Components of largest weight, at each position, from which the entropy is computed."""

PEAKS = 5
"""Components of highest peak among which the mode is sought."""

STEPS = 2
"""Fixed-point steps from the best component mean towards the mode; even the first is small."""


@dataclass(frozen=True, eq=False)
class ColourMixtures:
    """The predictive distributions of colour at n positions: a mixture of m Gaussians at each.

    Attributes:
        weights: (n, m). means: (n, m, 3). covariances: (m, 3, 3) or (n, m, 3, 3).
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def largest(self, count: int, peaks: bool = False) -> _LargestComponents:
        """The `count` components of largest weight at each position, or of highest peak, renormalised."""
        n, m = self.weights.shape
        # The inverses come before the selection, since many positions share a component.
        inverse: Floats = np.asarray(np.linalg.inv(self.covariances), dtype=np.float64)
        log_det = np.linalg.slogdet(self.covariances)[1]
        top = np.broadcast_to(np.arange(m), (n, m))
        if m > count:
            with np.errstate(under="ignore"):
                size = self.weights * np.exp(-0.5 * (log_det - log_det.min())) if peaks else self.weights
            top = np.argpartition(-size, count - 1, axis=1)[:, :count]
        row = np.arange(n)[:, None]
        chosen = (top,) if self.covariances.ndim == 3 else (row, top)
        weights = self.weights[row, top]
        weights = weights / weights.sum(axis=1, keepdims=True)
        means = self.means[row, top]
        return _LargestComponents(weights, means, self.covariances[chosen], inverse[chosen], log_det[chosen])


@dataclass(frozen=True, eq=False)
class _LargestComponents:
    """weights (n, m), means (n, m, 3), covariances and their inverses (n, m, 3, 3), log det C (n, m)."""

    weights: Floats
    means: Floats
    covariances: Floats
    inverse: Floats
    log_det: Floats

    def distances(self) -> Floats:
        """(m_i - m_j)^T C_j^-1 (m_i - m_j) of every pair: (n, m, m)."""
        difference = self.means[:, None] - self.means[:, :, None]  # (n, j, i, 3)
        return np.swapaxes(((difference @ self.inverse) * difference).sum(axis=3), 1, 2)


def covariance(mixtures: ColourMixtures) -> Floats:
    """Cov[r, g, b | x, y] = sum_k w_k (C_k + (m_k - m)(m_k - m)^T): (n, 3, 3)."""
    mean = np.einsum("nk,nkc->nc", mixtures.weights, mixtures.means)
    difference = mixtures.means - mean[:, None]
    between = np.swapaxes(mixtures.weights[:, :, None] * difference, 1, 2) @ difference
    flat = mixtures.covariances.reshape(*mixtures.covariances.shape[:-2], 9)
    within = mixtures.weights @ flat if flat.ndim == 2 else np.einsum("nk,nkc->nc", mixtures.weights, flat)
    return np.asarray(between + within.reshape(-1, 3, 3))


def entropy(mixtures: ColourMixtures) -> Floats:
    """The differential entropy of each mixture in nats, from pairwise distances: (n,).

    h = sum_i w_i (h_i - log sum_j w_j exp(-KL(i || j))), an upper bound that is exact for one Gaussian and
    for Gaussians far apart (Kolchinsky and Tracey 2017, eq. 10), over the TOP components.
    """
    top = mixtures.largest(TOP)
    n, m = top.weights.shape
    trace = top.covariances.reshape(n, m, 9) @ np.swapaxes(top.inverse.reshape(n, m, 9), 1, 2)
    divergence = 0.5 * (trace + top.distances() - 3 + top.log_det[:, None, :] - top.log_det[:, :, None])
    overlap = np.log((top.weights[:, None, :] * np.exp(-divergence)).sum(axis=2))
    gaussian = 0.5 * (3 * np.log(2 * np.pi * np.e) + top.log_det)
    return np.asarray((top.weights * (gaussian - overlap)).sum(axis=1))


def mode(mixtures: ColourMixtures) -> Floats:
    """The most probable colour: (n, 3).

    The search starts at the component mean of highest density and follows the fixed point of M. A.
    Carreira-Perpinan, "Mode-finding for mixtures of Gaussian distributions" (2000), eq. 3.
    """
    top = mixtures.largest(PEAKS, peaks=True)
    with np.errstate(divide="ignore"):
        scale = np.log(top.weights) - 0.5 * top.log_det
    height = np.exp(scale[:, None, :] - scale.max(axis=1)[:, None, None] - 0.5 * top.distances())
    best = height.sum(axis=2).argmax(axis=1)
    colour = top.means[np.arange(len(best)), best]
    precision_means = (top.inverse @ top.means[..., None])[..., 0]
    for _ in range(STEPS):
        difference = colour[:, None] - top.means
        distance = ((top.inverse @ difference[..., None])[..., 0] * difference).sum(axis=2)
        log_share = scale - 0.5 * distance
        share = np.exp(log_share - log_share.max(axis=1, keepdims=True))[:, None]
        precision = (share @ top.inverse.reshape(*share.shape[::2], 9)).reshape(-1, 3, 3)
        colour = np.linalg.solve(precision, np.swapaxes(share @ precision_means, 1, 2))[..., 0]
    return colour


def evaluate_conditional(
    lattice: Lattice, fitted: Fitted, function: Callable[[ColourMixtures], Floats]
) -> Floats:
    """A function of the predictive distribution at every centre of a lattice: (H, W, ...)."""
    from threadpoolctl import threadpool_limits

    out: Floats | None = None
    # The products of a tile are small: with several BLAS threads they took four times as long.
    with threadpool_limits(limits=1, user_api="blas"):
        for indices, mixtures in _tiles(lattice, fitted):
            values = function(mixtures)
            if out is None:
                out = np.empty((lattice.size, *values.shape[1:]))
            out[indices] = values
    assert out is not None  # a lattice has at least one position
    return out.reshape(*lattice.shape, *out.shape[1:])


def _tiles(lattice: Lattice, fitted: Fitted) -> Iterator[tuple[NDArray[np.intp], ColourMixtures]]:
    """The flat indices of each tile of a lattice, and the predictive distributions there."""
    mixture: Mixture | None = getattr(fitted, "mixture", None)
    conditioned = _ConditionedMixture.of(mixture) if mixture is not None else None
    for top in range(0, lattice.height, TILE):
        rows = np.arange(top, min(top + TILE, lattice.height))
        for left in range(0, lattice.width, TILE):
            columns = np.arange(left, min(left + TILE, lattice.width))
            indices = (rows[:, None] * lattice.width + columns).ravel()
            positions = lattice.coordinates(indices)
            if conditioned is not None:
                yield indices, conditioned.at(positions)
            else:
                assert isinstance(fitted, Predictor)
                law = fitted.law(positions)
                assert law is not None  # `cannot` has asked for one
                yield indices, _from_law(law)


def _from_law(law: Law) -> ColourMixtures:
    """A predictor's law. A Student's t is replaced by the Gaussian of its covariance, if it has one."""
    covariances = law.covariances
    if law.degrees is not None:
        degrees = np.maximum(law.degrees, 2.5)
        covariances = covariances * (degrees / (degrees - 2))[:, :, None, None]
    return ColourMixtures(law.weights, law.means, covariances[0] if len(covariances) == 1 else covariances)


@dataclass(frozen=True, eq=False)
class _ConditionedMixture:
    """A mixture over x, y and colours, prepared for conditioning on x, y (Bishop 2006, eqs. 2.81-2.82).

    Attributes:
        constant: log w_k - log det(C_xx) / 2, (K,).
        precision: C_xx^-1, (K, 2, 2), with its `eigenvalues` (K, 2) in ascending order.
        centres: the means of x, y, (K, 2). means: of the colours, (K, 3).
        regression: C_cx C_xx^-1, (K, 3, 2).
        residual: the conditional covariance of the colours, (K, 3, 3).
    """

    constant: Floats
    precision: Floats
    eigenvalues: Floats
    centres: Floats
    means: Floats
    regression: Floats
    residual: Floats

    @classmethod
    def of(cls, mixture: Mixture) -> _ConditionedMixture:
        spatial = mixture.covariances[:, :2, :2]
        cross = mixture.covariances[:, 2:, :2]
        precision: Floats = np.asarray(np.linalg.inv(spatial), dtype=np.float64)
        regression = cross @ precision
        residual = mixture.covariances[:, 2:, 2:] - regression @ np.swapaxes(cross, 1, 2)
        with np.errstate(divide="ignore"):
            constant = np.log(mixture.weights) - 0.5 * np.linalg.slogdet(spatial)[1]
        eigenvalues: Floats = np.asarray(np.linalg.eigvalsh(precision), dtype=np.float64)
        centres, means = mixture.means[:, :2], mixture.means[:, 2:]
        return cls(constant, precision, eigenvalues, centres, means, regression, residual)

    def at(self, positions: Floats) -> ColourMixtures:
        """The predictive distributions at neighbouring positions (n, 2), of the components that matter."""
        middle = positions.mean(axis=0)
        step = positions - middle
        near = self._near(middle, float(np.sqrt((step**2).sum(axis=1).max())))
        difference, precision = middle - self.centres[near], self.precision[near]
        # A Gaussian's log density is quadratic in the step from the middle: one matrix product covers all.
        slope = np.einsum("kij,kj->ki", precision, difference)
        terms = np.column_stack((
            self.constant[near] - 0.5 * (slope * difference).sum(axis=1), -slope, -0.5 * precision[:, 0, 0],
            -precision[:, 0, 1], -0.5 * precision[:, 1, 1],
        ))  # fmt: skip
        x, y = step.T
        joint = np.column_stack((np.ones(len(x)), x, y, x * x, x * y, y * y)) @ terms.T
        joint -= joint.max(axis=1, keepdims=True)
        relevant = joint.max(axis=0) > -TRUNCATION
        share = np.exp(joint[:, relevant])
        share /= share.sum(axis=1, keepdims=True)
        used = near[relevant]
        centre = self.means[used] + np.einsum("kij,kj->ki", self.regression[used], difference[relevant])
        means = centre + (step @ self.regression[used].reshape(-1, 2).T).reshape(len(step), -1, 3)
        return ColourMixtures(share, means, self.residual[used])

    def _near(self, middle: Floats, reach: float) -> NDArray[np.intp]:
        """The indices of the components that can matter within `reach` of a point: (k,).

        It compares the least density of the best component there with the largest that each can have.
        """
        distance = np.sqrt(((middle - self.centres) ** 2).sum(axis=1))
        largest = self.constant - 0.5 * self.eigenvalues[:, 0] * np.maximum(distance - reach, 0) ** 2
        least = self.constant - 0.5 * self.eigenvalues[:, 1] * (distance + reach) ** 2
        return np.flatnonzero(largest > least.max() - TRUNCATION)
