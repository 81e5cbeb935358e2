"""A mixture of Student's t distributions: the posterior predictive of a Bayesian mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp

Floats = NDArray[np.float64]

CHUNK = 1 << 22
"""Entries of an (n, K) array held at once."""


@dataclass(frozen=True, eq=False)
class StudentMixture:
    """p(x) = sum_k w_k t_d(x; m_k, S_k, df_k) (Bishop 2006, eqs. 10.81 and B.68).

    Args:
        weights: (K,), summing to 1.
        means: locations, (K, d).
        scales: scale matrices, (K, d, d), positive definite.
        degrees: degrees of freedom, (K,), > 0.
    """

    weights: Floats
    means: Floats
    scales: Floats
    degrees: Floats

    def log_density(self, points: ArrayLike) -> Floats:
        """log p(x) in nats at points (n, d): (n,)."""
        x = np.asarray(points, dtype=np.float64)
        k, d = self.means.shape
        if x.ndim != 2 or x.shape[1] != d:
            raise ValueError(f"expected points (n, {d}), got {x.shape}")
        factors = np.linalg.inv(np.linalg.cholesky(self.scales))
        df = self.degrees
        constant = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1) + np.log(self.weights)
        constant += gammaln((df + d) / 2) - gammaln(df / 2) - 0.5 * d * np.log(df * np.pi)
        out = np.empty(len(x))
        rows = max(1, CHUNK // (k * d))
        for start in range(0, len(x), rows):
            apart = x[start : start + rows, None, :] - self.means
            white = np.einsum("kij,nkj->nki", factors, apart)
            joint = constant - 0.5 * (df + d) * np.log1p((white**2).sum(axis=2) / df)
            out[start : start + rows] = logsumexp(joint, axis=1)
        return out

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n independent draws (n, d)."""
        chosen = rng.choice(len(self.weights), size=n, p=self.weights)
        noise = rng.standard_normal((n, self.means.shape[1]))
        noise /= np.sqrt(rng.chisquare(self.degrees[chosen]) / self.degrees[chosen])[:, None]
        return self.means[chosen] + np.einsum("nij,nj->ni", np.linalg.cholesky(self.scales)[chosen], noise)
