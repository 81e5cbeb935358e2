"""E-steps in numpy: for points with missing cells (NaN), and for so few points that compiling is slower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ..array_types import Floats, Integers
from ..distributions.far_points import FAR, far_responsibilities
from .e_step import KernelComponents, Moments, inverse_of_lower

CHUNK = 1 << 20
"""The number of entries of a (K, n, d) array in memory at once."""

GAUSSIAN_STEPS = 200
"""The largest number of E-steps for the single Gaussian that fills missing cells before a fit."""

GAUSSIAN_TOLERANCE = 1e-8
"""These steps stop when one gains less than this, nats per row."""


@dataclass(frozen=True, eq=False)
class _Pattern:
    """Points with the same missing columns: their rows, and their values (n, c) in the known columns."""

    rows: Integers
    points: Floats
    known: Integers
    hidden: Integers


@dataclass(frozen=True, eq=False)
class _Marginal:
    """K components, restricted to the known columns of a pattern.

    Attributes:
        offset, means, factors: those of the known columns, as in KernelComponents: (K,), (K, c), (K, c, c).
        lines: (K, d, c), the regression of all columns on the known ones.
        left: (K, d, d), the covariance of the hidden columns given the known ones, 0 elsewhere.
    """

    offset: Floats
    means: Floats
    factors: Floats
    lines: Floats
    left: Floats


class IncompleteExpectation:
    """E-steps over points of which some cells are missing at random; all responsibilities are exact.

    A component's density of a point is that of the known columns. In the sums of an M-step, hidden columns
    are replaced by their expectation given the known ones, and the remaining covariance is added. This is EM
    for missing data (Dempster, Laird and Rubin 1977, section 2; Ghahramani and Jordan 1994).

    Args:
        points: (n, d), NaN where a cell is missing.
        weights: (n,), each >= 0.
    """

    def __init__(self, points: Floats, weights: Floats) -> None:
        self.n, self.dimension = points.shape
        self.weights = weights
        lacking, which = np.unique(np.isnan(points), axis=0, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        edges = np.searchsorted(which.ravel()[order], np.arange(len(lacking) + 1))
        self._patterns = [
            _Pattern(
                rows := order[start:stop],
                points[np.ix_(rows, np.flatnonzero(~hidden))],
                np.flatnonzero(~hidden),
                np.flatnonzero(hidden),
            )
            for hidden, start, stop in zip(lacking, edges[:-1], edges[1:], strict=True)
        ]

    def moments(self, components: KernelComponents) -> Moments:
        """One E-step and the sums an M-step needs."""
        k, d = components.means.shape
        bound, count, first, second = 0.0, np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
        for pattern in self._patterns:
            marginal = _marginal(components, pattern)
            for rows, points in _chunks(pattern, k):
                apart, joint = _log_joint(marginal, points)
                density = logsumexp(joint, axis=0)
                weights = self.weights[rows]
                bound += float(weights[weights > 0] @ density[weights > 0])
                shares = np.exp(joint - density) * weights
                _add(count, first, second, marginal, apart, shares)
        return Moments(bound, count, first, second, np.zeros(3, np.int64))

    def moments_of(self, shares: Floats, means: Floats) -> Moments:
        """Of complete points the sums about means (K, d), for given responsibilities (n, K), weighted."""
        k, d = means.shape
        count, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
        for pattern in self._patterns:
            marginal = _whole(np.zeros(k), means, np.empty((k, d, d)))
            for rows, points in _chunks(pattern, k):
                _add(count, first, second, marginal, points - means[:, None], shares[rows].T)
        return Moments(0.0, count, first, second, np.zeros(3, np.int64))

    def forget(self) -> None:
        """Nothing is remembered from one E-step to the next."""

    def log_density(self, components: KernelComponents) -> Floats:
        """Log density of the known columns of every point, in their order: (n,)."""
        out = np.empty(self.n)
        for rows, _, joint in self._joints(components):
            out[rows] = logsumexp(joint, axis=0)
        return out

    def responsibilities(self, components: KernelComponents) -> Floats:
        """p(k | known columns) of every point: (n, K)."""
        out = np.empty((self.n, len(components.offset)))
        for rows, shares in self.shares(components):
            out[rows] = shares
        return out

    def shares(self, components: KernelComponents) -> Iterator[tuple[Integers, Floats]]:
        """Responsibilities a few rows at a time: the rows (m,), and p(k | known columns) of them (m, K)."""
        for pattern in self._patterns:
            marginal = _marginal(components, pattern)
            centre = marginal.means.mean(axis=0)
            for rows, points in _chunks(pattern, len(components.offset)):
                _, joint = _log_joint(marginal, points)
                highest = joint.max(axis=0)
                far = highest < -FAR
                with np.errstate(invalid="ignore"):
                    shares = np.exp(joint - logsumexp(joint, axis=0)).T
                if far.any():
                    shares[far] = far_responsibilities(
                        points[far] - centre, marginal.offset, marginal.means - centre, marginal.factors
                    )
                yield rows, shares

    def completed(self, components: KernelComponents) -> Floats:
        """The points, with expected values in their missing cells: (n, d)."""
        out = np.empty((self.n, self.dimension))
        for pattern in self._patterns:
            marginal = _marginal(components, pattern)
            for rows, points in _chunks(pattern, len(components.offset)):
                apart, joint = _log_joint(marginal, points)
                shares = np.exp(joint - logsumexp(joint, axis=0))
                guess = components.means[:, None] + apart @ np.swapaxes(marginal.lines, 1, 2)
                out[rows] = np.einsum("kn,kni->ni", shares, guess)
                out[np.ix_(rows, pattern.known)] = points
        return out

    def _joints(self, components: KernelComponents) -> Iterator[tuple[Integers, _Marginal, Floats]]:
        for pattern in self._patterns:
            marginal = _marginal(components, pattern)
            for rows, points in _chunks(pattern, len(components.offset)):
                yield rows, marginal, _log_joint(marginal, points)[1]


def most_likely_gaussian(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) of one Gaussian, fitted by EM to points with missing cells."""
    share = weights / weights.sum()
    there = ~np.isnan(points)
    known = np.where(there, points, 0.0)
    held = share @ there
    mean = share @ known / held
    variance = share @ (np.where(there, known - mean, 0.0) ** 2) / held
    if there.all():
        apart = points - mean
        return mean, np.asarray((apart * share[:, None]).T @ apart)
    least = np.diag(1e-10 * variance + 1e-12 * variance.max() + 1e-300)
    expectation, covariance, before = IncompleteExpectation(points, share), np.diag(variance), -np.inf
    for _ in range(GAUSSIAN_STEPS):
        moments = expectation.moments(KernelComponents.of(np.ones(1), mean[None], (covariance + least)[None]))
        step = moments.first[0]
        mean, covariance = mean + step, moments.second[0] - np.outer(step, step)
        if moments.bound - before < GAUSSIAN_TOLERANCE:
            break
        before = moments.bound
    return mean, covariance


def filled(points: Floats, mean: Floats, covariance: Floats) -> Floats:
    """The points, with the expectations of one Gaussian in their missing cells: (n, d)."""
    variance = np.diag(covariance)
    least = np.diag(1e-10 * variance + 1e-12 * variance.max() + 1e-300)
    one = KernelComponents.of(np.ones(1), mean[None], (covariance + least)[None])
    return IncompleteExpectation(points, np.ones(len(points))).completed(one)


def _chunks(pattern: _Pattern, components: int) -> Iterator[tuple[Integers, Floats]]:
    rows = max(1, CHUNK // (components * max(1, len(pattern.known))))
    for start in range(0, len(pattern.rows), rows):
        part = slice(start, start + rows)
        yield pattern.rows[part], pattern.points[part]


def _whole(offset: Floats, means: Floats, factors: Floats) -> _Marginal:
    k, d = means.shape
    return _Marginal(offset, means, factors, np.broadcast_to(np.eye(d), (k, d, d)), np.zeros((k, d, d)))


def _marginal(components: KernelComponents, pattern: _Pattern) -> _Marginal:
    """Components without the columns that a pattern lacks (Bishop 2006, eqs. 2.81, 2.82 and 2.98)."""
    offset, means, whole = (
        np.asarray(a, dtype=np.float64) for a in (components.offset, components.means, components.factors)
    )
    k, d = means.shape
    if not len(pattern.hidden):
        return _whole(offset, means, whole)
    lower = inverse_of_lower(whole)
    spread = np.asarray(lower @ np.swapaxes(lower, 1, 2), dtype=np.float64)
    known, hidden, every = pattern.known, pattern.hidden, np.arange(k)
    within = spread[np.ix_(every, known, known)]
    factors = inverse_of_lower(np.linalg.cholesky(within)).astype(float) if len(known) else within
    gain = spread[np.ix_(every, hidden, known)] @ np.swapaxes(factors, 1, 2) @ factors
    lines, left = np.zeros((k, d, len(known))), np.zeros((k, d, d))
    lines[:, known] = np.eye(len(known))
    lines[:, hidden] = gain
    rest = spread[np.ix_(every, hidden, hidden)] - gain @ spread[np.ix_(every, known, hidden)]
    left[np.ix_(every, hidden, hidden)] = (rest + np.swapaxes(rest, 1, 2)) / 2
    gone = _log_det(factors) - _log_det(whole) + 0.5 * len(hidden) * np.log(2 * np.pi)
    return _Marginal(offset + gone, means[:, known], factors, lines, left)


def _log_det(factors: Floats) -> Floats:
    return np.asarray(np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1))


def _log_joint(marginal: _Marginal, points: Floats) -> tuple[Floats, Floats]:
    """Deviations from the means (K, n, c), and log joint densities (K, n)."""
    apart = points - marginal.means[:, None]
    with np.errstate(over="ignore"):
        white = apart @ np.swapaxes(marginal.factors, 1, 2)
        return apart, marginal.offset[:, None] - 0.5 * (white * white).sum(axis=2)


def _add(
    count: Floats, first: Floats, second: Floats, marginal: _Marginal, apart: Floats, shares: Floats
) -> None:
    """Add the sums of some points, with deviations (K, n, c) and responsibilities (K, n), in place."""
    here = shares.sum(axis=1)
    turned = np.swapaxes(marginal.lines, 1, 2)
    weighted = shares[:, :, None] * apart
    count += here
    first += np.einsum("kic,kc->ki", marginal.lines, weighted.sum(axis=1))
    second += marginal.lines @ (np.swapaxes(weighted, 1, 2) @ apart) @ turned
    second += here[:, None, None] * marginal.left
