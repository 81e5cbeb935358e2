"""Conditional mixtures given many values at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from ..array_types import Floats


@dataclass(frozen=True, eq=False)
class Conditionals:
    """n mixtures of K Gaussians in d dimensions that share their covariances: p(rest | known values).

    `Mixture(c.weights[i], c.means[i], c.covariances)` is the i-th of them.

    Attributes:
        weights: (n, K), each row summing to 1.
        means: (n, K, d).
        covariances: (K, d, d). The covariance of a component does not depend on what is known
            (Bishop 2006, eq. 2.82).
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def __len__(self) -> int:
        """n."""
        return len(self.weights)

    def mean(self) -> Floats:
        """E[rest | known]: (n, d)."""
        return np.asarray(np.einsum("nk,nki->ni", self.weights, self.means))

    def covariance(self) -> Floats:
        """Cov[rest | known]: (n, d, d)."""
        apart = self.means - self.mean()[:, None]
        between = np.einsum("nk,nki,nkj->nij", self.weights, apart, apart)
        return np.asarray(np.tensordot(self.weights, self.covariances, axes=1) + between)

    def log_density(self, points: ArrayLike) -> Floats:
        """log p(rest | known) in nats, of one point (n, d) for each mixture: (n,)."""
        x = np.asarray(points, dtype=np.float64)
        n, k, d = self.means.shape
        if x.shape != (n, d):
            raise ValueError(f"expected points ({n}, {d}), one for each mixture, got {x.shape}")
        factors = np.linalg.cholesky(self.covariances)
        joint = np.empty((n, k))
        for at, factor in enumerate(factors):
            white = np.linalg.solve(factor, (x - self.means[:, at]).T)
            joint[:, at] = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(factor)).sum()
        with np.errstate(divide="ignore"):
            joint += np.log(self.weights)
        return np.asarray(logsumexp(joint, axis=1) - 0.5 * d * np.log(2 * np.pi))

    def sample(self, rng: np.random.Generator) -> Floats:
        """One independent sample of each mixture: (n, d)."""
        n, k, d = self.means.shape
        below = np.cumsum(self.weights, axis=1) / self.weights.sum(axis=1, keepdims=True)
        chosen = np.minimum((below < rng.random((n, 1))).sum(axis=1), k - 1)
        noise = rng.standard_normal((n, d))
        factors = np.linalg.cholesky(self.covariances)[chosen]
        return np.asarray(self.means[np.arange(n), chosen] + np.einsum("nij,nj->ni", factors, noise))
