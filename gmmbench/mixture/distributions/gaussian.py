"""A Gaussian mixture and its closed forms: density, sampling, marginals, conditionals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from .. import evaluate
from ..array_types import Booleans, Floats
from ..em.e_step import inverse_of_lower
from .arguments import checked_finite, checked_parameters, checked_values, chosen_columns, other_columns
from .conditionals import Conditionals
from .far_points import FAR, far_responsibilities

CHUNK = 1 << 22
"""The number of entries of an (n, K) array in memory at once: 32 MB in float64."""

LARGE = 2_000_000
"""The compiled engine is used above this number of point-component pairs."""

NEAR = 1e6
"""The compiled engine is used within this many standard deviations of the whole mixture."""


@dataclass(frozen=True, eq=False, init=False)
class Mixture:
    """A mixture of K Gaussians in d dimensions: p(x) = sum_k w_k N(x; m_k, C_k).

    Args:
        weights: (K,), each >= 0; they are normalised to a sum of 1.
        means: (K, d).
        covariances: (K, d, d), symmetric and positive definite.

    Raises:
        ValueError: shapes that do not agree, values that are not finite, weights that are negative or
            all zero, a covariance that is not symmetric (beyond rounding) or not positive definite.

    Source: C. M. Bishop, Pattern Recognition and Machine Learning (2006), sections 2.3 and 9.2.

    Example:
        >>> m = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
        >>> float(m.mean()[0])
        1.0
    """

    weights: Floats
    means: Floats
    covariances: Floats
    _factors: Floats = field(repr=False)  # lower Cholesky factors (K, d, d)

    def __init__(self, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> None:
        w, m, c = checked_parameters(weights, means, covariances)
        object.__setattr__(self, "weights", w)
        object.__setattr__(self, "means", m)
        object.__setattr__(self, "covariances", c)
        try:
            object.__setattr__(self, "_factors", np.linalg.cholesky(c))
            for array in (w, m, c):
                array.flags.writeable = False
        except np.linalg.LinAlgError:
            raise ValueError(
                "expected positive definite covariances; try a larger covariance floor"
            ) from None

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.means.shape[1])

    def log_density(self, points: ArrayLike) -> Floats:
        """log p(x) in nats at points (n, d): (n,).

        For very many points the compiled engine is used; it may leave out `evaluate.TRUNCATION` of a density.
        """
        x = self._points(points)
        if len(x) * self.n_components <= LARGE:
            return self._log_density(x)
        near = self._near(x)
        if near.all():
            return evaluate.log_density(self, x)
        out = np.empty(len(x))
        out[near], out[~near] = evaluate.log_density(self, x[near]), self._log_density(x[~near])
        return out

    def responsibilities(self, points: ArrayLike) -> Floats:
        """p(k | x) at points (n, d): (n, K). Points may be arbitrarily far away.

        Raises:
            ValueError: NaN or infinity.
        """
        x = checked_finite(self._points(points), "points")
        joint = self._log_joint(x)
        highest = joint.max(axis=1, initial=-np.inf)
        far = highest < -FAR
        with np.errstate(invalid="ignore"):
            shares = np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))
        if far.any():
            centre, offset = self.mean(), self._peaks()
            factors = inverse_of_lower(self._factors).astype(np.float64)
            shares[far] = far_responsibilities(x[far] - centre, offset, self.means - centre, factors)
        return shares

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n independent samples (n, d)."""
        chosen = rng.choice(self.n_components, size=n, p=self.weights)
        samples = rng.standard_normal((n, self.dimension))
        for start in range(0, n, CHUNK // 16):  # never all (n, d, d) factors at once
            rows = slice(start, start + CHUNK // 16)
            k = chosen[rows]
            samples[rows] = self.means[k] + np.einsum("nij,nj->ni", self._factors[k], samples[rows])
        return samples

    def mean(self) -> Floats:
        """E[x] = sum_k w_k m_k: (d,)."""
        return self.weights @ self.means

    def covariance(self) -> Floats:
        """Cov[x] = sum_k w_k (C_k + (m_k - E x)(m_k - E x)^T): (d, d)."""
        apart = self.means - self.mean()
        spread = np.einsum("k,ki,kj->ij", self.weights, apart, apart)
        return np.einsum("k,kij->ij", self.weights, self.covariances) + spread

    def marginal(self, columns: Sequence[int]) -> Mixture:
        """The mixture of some columns alone (Bishop 2006, eq. 2.98).

        Args:
            columns: different numbers of columns, whose order is kept, or a mask of d booleans.

        Raises:
            ValueError: columns that do not exist, twice the same one, none at all, or other values.
        """
        keep = chosen_columns(columns, self.dimension)
        return Mixture(
            self.weights, self.means[:, keep], self.covariances[np.ix_(range(self.n_components), keep, keep)]
        )

    @overload
    def condition(self, columns: Sequence[int], values: Sequence[float]) -> Mixture: ...
    @overload
    def condition(self, columns: Sequence[int], values: Sequence[Sequence[float]]) -> Conditionals: ...
    @overload
    def condition(self, columns: Sequence[int], values: ArrayLike) -> Any: ...
    def condition(self, columns: Sequence[int], values: ArrayLike) -> Mixture | Conditionals:
        """The mixture of the other columns given x[columns] = values (Bishop 2006, eqs. 2.81-2.82).

        Args:
            columns: the c known columns, or a mask of d booleans.
            values: (c,), their values; or (n, c), for n conditional mixtures at once.

        Returns:
            For (c,), a Mixture of the other d - c columns, in their order. Its weights are
            w_k N(values; m_k, C_k) over the known columns, normalised. For (n, c), Conditionals: weights
            (n, K), means (n, K, d - c) and covariances (K, d - c, d - c).

        Raises:
            ValueError: columns that do not exist, no unknown column, or values that are not finite.

        Example:
            >>> m = Mixture([1.0], [[0.0, 1.0]], [[[1.0, 0.5], [0.5, 1.0]]])
            >>> m.condition([0], [[0.0], [2.0]]).mean()[:, 0]
            array([1., 2.])
        """
        known = chosen_columns(columns, self.dimension)
        rest = other_columns(known, self.dimension)
        x = checked_values(values, known)
        shares = self.marginal(known).responsibilities(x)
        gain, covariances = self._regression(known, rest)
        apart = x[:, None] - self.means[:, known]
        means = _representable(self.means[:, rest] + np.einsum("kij,nkj->nki", gain, apart))
        if np.ndim(values) < 2:
            return Mixture(shares[0], means[0], covariances)
        return Conditionals(shares, means, covariances)

    def conditional_mean(self, columns: Sequence[int], values: ArrayLike) -> Floats:
        """E[other columns | x[columns] = values] for many values at once.

        Args:
            columns: the c known columns, or a mask of d booleans.
            values: (n, c), which may be arbitrarily far away.

        Returns:
            (n, d - c), the other columns in their order. For very many values the compiled engine is used,
            which is exact to about 1e-5 of the columns' standard deviations.

        Raises:
            ValueError: columns that do not exist, values that are not finite.
        """
        known = chosen_columns(columns, self.dimension)
        rest = [column for column in range(self.dimension) if column not in known]
        x = checked_values(values, known)
        base = self.marginal(known)
        gain, _ = self._regression(known, rest)
        if len(x) * self.n_components <= LARGE or not rest:
            return self._regressed(base, rest, gain, x)
        near = base._near(x)
        if near.all():
            return evaluate.regression(base, self.means[:, rest], gain, x)
        out = np.empty((len(x), len(rest)))
        out[near] = evaluate.regression(base, self.means[:, rest], gain, x[near])
        out[~near] = self._regressed(base, rest, gain, x[~near])
        return out

    def _regressed(self, base: Mixture, rest: list[int], gain: Floats, x: Floats) -> Floats:
        offset = self.means[:, rest] - np.einsum("kij,kj->ki", gain, base.means)
        lines = np.concatenate((offset[:, :, None], gain), axis=2)
        out = np.empty((len(x), len(rest)))
        rows = max(1, CHUNK // self.n_components)
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            share = np.tensordot(base.responsibilities(part), lines, axes=1)
            out[start : start + rows] = share[:, :, 0] + np.einsum("nij,nj->ni", share[:, :, 1:], part)
        return _representable(out)

    def _regression(self, known: list[int], rest: list[int]) -> tuple[Floats, Floats]:
        """C_rk C_kk^-1, and the covariance of the other columns given the known ones, for every component."""
        every = range(self.n_components)
        across = self.covariances[np.ix_(every, rest, known)]
        within = self.covariances[np.ix_(every, known, known)]
        gain = np.swapaxes(np.linalg.solve(within, np.swapaxes(across, 1, 2)), 1, 2)
        left = self.covariances[np.ix_(every, rest, rest)] - gain @ np.swapaxes(across, 1, 2)
        return gain, (left + np.swapaxes(left, 1, 2)) / 2

    def _near(self, x: Floats) -> Booleans:
        """Whether each point (n, d) is within NEAR standard deviations, where the compiled engine is used."""
        return np.asarray((np.abs(x - self.mean()) <= NEAR * np.sqrt(np.diag(self.covariance()))).all(axis=1))

    def _log_density(self, x: Floats) -> Floats:
        rows = max(1, CHUNK // self.n_components)
        parts = [
            logsumexp(self._log_joint(x[start : start + rows]), axis=1) for start in range(0, len(x), rows)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _peaks(self) -> Floats:
        """Log joint density at each component's mean: (K,)."""
        log_det = np.log(np.diagonal(self._factors, axis1=1, axis2=2)).sum(axis=1)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.weights) - log_det - 0.5 * self.dimension * np.log(2 * np.pi))

    def _log_joint(self, x: Floats) -> Floats:
        """log w_k + log N(x; m_k, C_k): (n, K), -inf at infinity."""
        squares = np.empty((len(x), self.n_components))
        with np.errstate(over="ignore", invalid="ignore"):
            for k, factor in enumerate(self._factors):
                white = solve_triangular(factor, (x - self.means[k]).T, lower=True, check_finite=False)
                squares[:, k] = (white**2).sum(axis=0)
        squares[np.isinf(x).any(axis=1) & ~np.isnan(x).any(axis=1)] = np.inf
        return self._peaks() - 0.5 * squares

    def _points(self, points: ArrayLike) -> Floats:
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dimension:
            raise ValueError(f"expected points (n, {self.dimension}), got {x.shape}")
        return x


def _representable(means: Floats) -> Floats:
    """The means, unchanged. Raises ValueError if a number is too large for float64."""
    if not np.isfinite(means).all():
        raise ValueError("expected values whose conditional means are below 1e308, got larger ones")
    return means
