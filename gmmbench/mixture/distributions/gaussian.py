"""A Gaussian mixture and its closed forms: density, sampling, marginals, conditionals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from .. import evaluate
from ..array_types import Floats

CHUNK = 1 << 22
"""Entries of an (n, K) array that are held at once: 32 MB in float64."""

LARGE = 2_000_000
"""Point-component pairs from which on a question is for the compiled engine."""


@dataclass(frozen=True, eq=False, init=False)
class Mixture:
    """A mixture of K Gaussians in d dimensions: p(x) = sum_k w_k N(x; m_k, C_k).

    Args:
        weights: (K,), each >= 0; they are normalised to sum 1.
        means: (K, d).
        covariances: (K, d, d), symmetric and positive definite.

    Raises:
        ValueError: shapes that do not agree, values that are not finite, weights that are negative or
            all zero, a covariance that is not positive definite.

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
        w = np.array(weights, dtype=np.float64)
        m = np.array(means, dtype=np.float64)
        c = np.array(covariances, dtype=np.float64)
        if w.ndim != 1 or m.ndim != 2 or len(m) != len(w) or c.shape != (*m.shape, m.shape[1]):
            raise ValueError(
                "expected weights (K,), means (K, d) and covariances (K, d, d), "
                f"got {w.shape}, {m.shape} and {c.shape}"
            )
        if not (np.isfinite(w).all() and np.isfinite(m).all() and np.isfinite(c).all()):
            raise ValueError("expected finite weights, means and covariances, got NaN or infinity")
        if (w < 0).any() or not w.sum() > 0:
            raise ValueError("expected weights >= 0 with a positive sum")
        object.__setattr__(self, "weights", w / w.sum())
        object.__setattr__(self, "means", m)
        object.__setattr__(self, "covariances", c)
        try:
            object.__setattr__(self, "_factors", np.linalg.cholesky(c))
            for array in (self.weights, m, c):
                array.flags.writeable = False
        except np.linalg.LinAlgError:
            raise ValueError("expected positive definite covariances; try a larger floor") from None

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

        At very many points the engine answers, which may leave out `evaluate.NEGLECT` of a density.
        """
        x = self._points(points)
        if len(x) * self.n_components > LARGE:
            return evaluate.log_density(self, x)
        rows = max(1, CHUNK // self.n_components)
        parts = [
            logsumexp(self._log_joint(x[start : start + rows]), axis=1) for start in range(0, len(x), rows)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def responsibilities(self, points: ArrayLike) -> Floats:
        """p(k | x) at points (n, d): (n, K)."""
        joint = self._log_joint(self._points(points))
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n independent draws (n, d)."""
        chosen = rng.choice(self.n_components, size=n, p=self.weights)
        draws = rng.standard_normal((n, self.dimension))
        for start in range(0, n, CHUNK // 16):  # (n, d, d) factors are never held at once
            rows = slice(start, start + CHUNK // 16)
            k = chosen[rows]
            draws[rows] = self.means[k] + np.einsum("nij,nj->ni", self._factors[k], draws[rows])
        return draws

    def mean(self) -> Floats:
        """E[x] = sum_k w_k m_k: (d,)."""
        return self.weights @ self.means

    def covariance(self) -> Floats:
        """Cov[x] = sum_k w_k (C_k + (m_k - E x)(m_k - E x)^T): (d, d)."""
        apart = self.means - self.mean()
        spread = np.einsum("k,ki,kj->ij", self.weights, apart, apart)
        return np.einsum("k,kij->ij", self.weights, self.covariances) + spread

    def marginal(self, columns: Sequence[int]) -> Mixture:
        """The mixture of some columns alone, in the order given (Bishop 2006, eq. 2.98)."""
        keep = self._columns(columns)
        return Mixture(
            self.weights, self.means[:, keep], self.covariances[np.ix_(range(self.n_components), keep, keep)]
        )

    def condition(self, columns: Sequence[int], values: ArrayLike) -> Mixture:
        """The mixture of the other columns given x[columns] = values (Bishop 2006, eqs. 2.81-2.82).

        Args:
            columns: the c known columns.
            values: (c,) what they are known to be.

        Returns:
            A mixture over the remaining d - c columns, in their old order; its weights are
            w_k N(values; m_k, C_k) over the known columns, normalised.
        """
        known = self._columns(columns)
        rest = [column for column in range(self.dimension) if column not in known]
        if not rest:
            raise ValueError("expected at least one column left unknown, got all of them known")
        value = np.asarray(values, dtype=np.float64).reshape(1, len(known))
        joint = self.marginal(known)._log_joint(value)[0]
        gain, covariances = self._regression(known, rest)
        means = self.means[:, rest] + np.einsum("kij,kj->ki", gain, value - self.means[:, known])
        return Mixture(np.exp(joint - joint.max()), means, covariances)

    def conditional_mean(self, columns: Sequence[int], values: ArrayLike) -> Floats:
        """E[other columns | x[columns] = values] for many values at once.

        Args:
            columns: the c known columns.
            values: (n, c).

        Returns:
            (n, d - c), the remaining columns in their old order. For very many values the engine answers,
            to about 1e-5 of the columns' standard deviations.
        """
        known = self._columns(columns)
        rest = [column for column in range(self.dimension) if column not in known]
        x = np.asarray(values, dtype=np.float64).reshape(-1, len(known))
        base = self.marginal(known)
        gain, _ = self._regression(known, rest)
        if len(x) * self.n_components > LARGE and rest:
            return evaluate.regression(base, self.means[:, rest], gain, x)
        offset = self.means[:, rest] - np.einsum("kij,kj->ki", gain, self.means[:, known])
        lines = np.concatenate((offset[:, :, None], gain), axis=2)
        out = np.empty((len(x), len(rest)))
        rows = max(1, CHUNK // self.n_components)
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            share = np.tensordot(base.responsibilities(part), lines, axes=1)
            out[start : start + rows] = share[:, :, 0] + np.einsum("nij,nj->ni", share[:, :, 1:], part)
        return out

    def _regression(self, known: list[int], rest: list[int]) -> tuple[Floats, Floats]:
        """C_rk C_kk^-1 and the covariance of the rest given the known, of every component."""
        every = range(self.n_components)
        across = self.covariances[np.ix_(every, rest, known)]
        within = self.covariances[np.ix_(every, known, known)]
        gain = np.swapaxes(np.linalg.solve(within, np.swapaxes(across, 1, 2)), 1, 2)
        left = self.covariances[np.ix_(every, rest, rest)] - gain @ np.swapaxes(across, 1, 2)
        return gain, (left + np.swapaxes(left, 1, 2)) / 2

    def _log_joint(self, x: Floats) -> Floats:
        """log w_k + log N(x; m_k, C_k): (n, K)."""
        out = np.empty((len(x), self.n_components))
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        for k, factor in enumerate(self._factors):
            white = solve_triangular(factor, (x - self.means[k]).T, lower=True, check_finite=False)
            log_det = np.log(np.diag(factor)).sum()
            out[:, k] = log_weights[k] - 0.5 * (white**2).sum(axis=0) - log_det
        return out - 0.5 * self.dimension * np.log(2 * np.pi)

    def _points(self, points: ArrayLike) -> Floats:
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dimension:
            raise ValueError(f"expected points (n, {self.dimension}), got {x.shape}")
        return x

    def _columns(self, columns: Sequence[int]) -> list[int]:
        chosen = [int(column) for column in columns]
        if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(self.dimension)):
            raise ValueError(f"expected different columns of 0..{self.dimension - 1}, got {columns}")
        return chosen
