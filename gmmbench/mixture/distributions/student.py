"""A mixture of Student's t distributions: the posterior predictive of a Bayesian mixture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp

from ..array_types import Floats
from .arguments import checked_parameters, checked_values, chosen_columns

CHUNK = 1 << 22
"""The number of entries in memory at once."""

FAR = 1e100
"""Above this, squares of coordinates are computed as logarithms, since they could overflow."""


@dataclass(frozen=True, eq=False)
class StudentMixture:
    """p(x) = sum_k w_k t_d(x; m_k, S_k, df_k) (Bishop 2006, eqs. 10.81 and B.68).

    Args:
        weights: (K,), summing to 1.
        means: locations, (K, d).
        scales: scale matrices, (K, d, d), positive definite.
        degrees: degrees of freedom, (K,), > 0.
        independent: whether the axes are independent within a component, each a t_1 with the same degrees:
            the predictive of diagonal covariances. The scales must then be diagonal.

    Raises:
        ValueError: shapes that do not agree, values that are not finite, a negative weight, degrees that are
            not positive, or a scale matrix that is not symmetric (beyond rounding), or not diagonal with
            `independent`.

    Example:
        >>> t = StudentMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None], np.array([5.0]))
        >>> t.conditional_mean([0], [[1.0]])
        array([[0.]])
    """

    weights: Floats
    means: Floats
    scales: Floats
    degrees: Floats
    independent: bool = False

    def __post_init__(self) -> None:
        _, means, scales = checked_parameters(self.weights, self.means, self.scales)
        degrees = np.array(self.degrees, dtype=np.float64)
        if degrees.shape != (len(means),) or not (degrees > 0).all():
            raise ValueError(f"expected degrees of freedom ({len(means)},), each > 0, got {degrees}")
        if self.independent and (scales * (1 - np.eye(means.shape[1]))).any():
            raise ValueError("expected diagonal scales for independent axes")
        object.__setattr__(self, "weights", np.array(self.weights, dtype=np.float64))
        for name, array in (("means", means), ("scales", scales), ("degrees", degrees)):
            object.__setattr__(self, name, array)

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.means.shape[1])

    def log_density(self, points: ArrayLike) -> Floats:
        """log p(x) in nats at points (n, d): (n,). At most CHUNK numbers are in memory at once."""
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dimension:
            raise ValueError(f"expected points (n, {self.dimension}), got {x.shape}")
        out = np.empty(len(x))
        for rows, joint in self._joints(x):
            out[rows] = logsumexp(joint, axis=1)
        out[np.isinf(x).any(axis=1) & ~np.isnan(x).any(axis=1)] = -np.inf
        return out

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n independent samples (n, d)."""
        d = self.dimension
        chosen = rng.choice(self.n_components, size=n, p=self.weights)
        factors = np.linalg.cholesky(self.scales)
        samples = np.empty((n, d))
        step = max(1, CHUNK // (d * d))
        for start in range(0, n, step):
            k = chosen[start : start + step]
            free = np.repeat(self.degrees[k, None], d if self.independent else 1, axis=1)
            noise = rng.standard_normal((len(k), d)) / np.sqrt(rng.chisquare(free) / free)
            samples[start : start + step] = self.means[k] + np.einsum("nij,nj->ni", factors[k], noise)
        return samples

    def mean(self) -> Floats:
        """sum_k w_k m_k: (d,). It is E[x] if all degrees are above 1."""
        return np.asarray(self.weights @ self.means / self.weights.sum())

    def marginal(self, columns: Sequence[int]) -> StudentMixture:
        """The mixture of some columns alone, with the same degrees; `columns` as in `Mixture.marginal`."""
        keep = chosen_columns(columns, self.dimension)
        scales = self.scales[np.ix_(range(self.n_components), keep, keep)]
        return StudentMixture(self.weights, self.means[:, keep], scales, self.degrees, self.independent)

    def conditional_mean(self, columns: Sequence[int], values: ArrayLike) -> Floats:
        """E[other columns | x[columns] = values] for many values at once.

        That of a component is a linear regression with its location and scale matrix, as for a Gaussian
        (Kotz and Nadarajah 2004, section 1.11), and its responsibility is that of its marginal t. Given c
        columns, a component has c more degrees of freedom, so the mean exists.

        Args:
            columns: the c known columns, or a mask of d booleans.
            values: (n, c), which may be arbitrarily far away.

        Returns:
            (n, d - c), the other columns in their order.

        Raises:
            ValueError: columns that do not exist, values that are not finite.
        """
        known = chosen_columns(columns, self.dimension)
        rest = [column for column in range(self.dimension) if column not in known]
        x = checked_values(values, known)
        every = range(self.n_components)
        within = self.scales[np.ix_(every, known, known)]
        across = self.scales[np.ix_(every, known, rest)]
        gain = np.swapaxes(np.linalg.solve(within, across), 1, 2)
        offset = self.means[:, rest] - np.einsum("kij,kj->ki", gain, self.means[:, known])
        lines = np.concatenate((offset[:, :, None], gain), axis=2)
        out = np.empty((len(x), len(rest)))
        for rows, joint in self.marginal(known)._joints(x):
            share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
            line = np.tensordot(share, lines, axes=1)
            out[rows] = line[:, :, 0] + np.einsum("nij,nj->ni", line[:, :, 1:], x[rows])
        return out

    def _joints(self, x: Floats) -> Iterator[tuple[slice, Floats]]:
        """log w_k + log t(x; k) (rows, K), for slices of the rows of x (n, d)."""
        k, d = self.means.shape
        factors = np.linalg.inv(np.linalg.cholesky(self.scales))
        df, axes = self.degrees, 1 if self.independent else d
        constant = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1) - 0.5 * d * np.log(df * np.pi)
        constant += (d // axes) * (gammaln((df + axes) / 2) - gammaln(df / 2))
        with np.errstate(divide="ignore"):
            constant += np.log(self.weights)
        centre = self.mean()  # digits would be lost if the origin were far away
        moved = np.einsum("kij,kj->ki", factors, self.means - centre)
        rows = max(1, CHUNK // (16 * k * d))  # arrays that stay in cache
        for start in range(0, len(x), rows):
            part = slice(start, min(start + rows, len(x)))
            near = x[part] - centre
            if not (np.abs(near) <= FAR).all():
                yield part, constant - 0.5 * (df + axes) * self._far_logs(near, factors, moved)
                continue
            total = np.zeros((len(near), k))
            for axis in range(d):  # one matrix product each
                square = near @ factors[:, axis].T
                square -= moved[:, axis]
                square *= square
                if self.independent:
                    square /= df
                    square = np.log1p(square, out=square)
                total += square
            if not self.independent:
                total = np.log1p(total / df)
            yield part, constant - 0.5 * (df + axes) * total

    def _far_logs(self, x: Floats, factors: Floats, moved: Floats) -> Floats:
        """log(1 + |A x - b|^2 / df), or its sum over independent axes, if squares may overflow: (n, K)."""
        size = np.maximum(np.abs(x).max(axis=1, keepdims=True), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN and infinity give NaN
            along = np.einsum("kij,nj->nki", factors, x / size) - moved / size[:, :, None]
            logs = 2 * np.log(size[:, :, None]) + np.log(along**2)
            if not self.independent:
                logs = logsumexp(logs, axis=2, keepdims=True)
            return np.asarray(np.logaddexp(0, logs - np.log(self.degrees)[:, None]).sum(axis=2))
