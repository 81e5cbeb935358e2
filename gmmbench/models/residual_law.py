"""The predictive distribution of a colour regressor: a mixture around its prediction, from residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gmmbench import Floats, Law

SCALES = (1 / 16, 1 / 4, 1.0, 4.0)
"""Factors of a local covariance, one for each component: for tails, and for residuals that are too large."""

GLOBAL = 4
"""The number of Gaussians for the residuals of the whole image; without local ones it is doubled."""

SHAPE = 3.0
"""The weight, in neighbours, of the whole image's covariance, scaled to the size of the local one."""

ABOVE = 0.02
"""The weight, in neighbours, of the whole image's covariance without scaling."""


ARRAYS = ("where", "residuals", "weights", "means", "covariances", "shares")
NUMBERS = ("neighbours", "covariance_floor", "threads", "compile_seconds")


@dataclass(frozen=True, eq=False)
class ResidualLaw:
    """A mixture of local and global Gaussians around a prediction, which is its mean.

    Attributes:
        where, residuals: (n, 2) and (n, 3), the training pixels and their out-of-fold residuals.
        neighbours: the number of residuals for a local covariance; 0: no local components.
        covariance_floor: the variance of a cell of colour, which is part of every covariance.
        weights, means, covariances: (m,), (m, 3), (m, 3, 3), the mixture of all residuals.
        shares: the weights of the local components and, last, of the global mixture; they sum to 1.
        threads: the number of threads that search for neighbours.
        compile_seconds: the seconds that the mixture engine spent on compiling.
    """

    where: Floats
    residuals: Floats
    neighbours: int
    covariance_floor: float
    weights: Floats
    means: Floats
    covariances: Floats
    shares: Floats
    threads: int
    compile_seconds: float

    @classmethod
    def learn(
        cls,
        where: Floats,
        residuals: Floats,
        held: tuple[Floats, Floats],
        *,
        neighbours: int,
        covariance_floor: float,
        rng: np.random.Generator,
        threads: int,
    ) -> ResidualLaw:
        """Learn from residuals (n, 3) of training pixels at `where` (n, 2), which their fits did not see.

        `held` are validation pixels and their residuals, which determine the shares of local and global
        components. Without any, the training residuals are used, each without itself among its neighbours.
        """
        from gmmbench.mixture import fit

        found = fit(
            residuals,
            components=min(GLOBAL if neighbours else 2 * GLOBAL, len(np.unique(residuals, axis=0))),
            init="kmeans",
            tolerance=1e-4,
            covariance_floor=covariance_floor,
            rng=rng,
            threads=threads,
        )
        middle = found.mixture.mean()  # subtracted, so that the mean is the prediction
        every = (found.mixture.weights, found.mixture.means - middle, found.mixture.covariances)
        parts = (len(SCALES) if neighbours else 0) + 1
        blank = np.full(parts, 1 / parts)
        law = cls(
            where, residuals, neighbours, covariance_floor, *every, blank, threads, found.compile_seconds
        )  # fmt: skip
        if not neighbours:
            return law
        judged, seen = (held, False) if len(held[0]) else ((where, residuals), True)
        covariances = law._local(judged[0], seen)
        local = [
            _log_normal(judged[1], scale * covariances + covariance_floor * np.eye(3)) for scale in SCALES
        ]
        joint = np.column_stack((*local, found.mixture.log_density(judged[1] + middle)))
        return replace(law, shares=_shares(joint))

    def save(self) -> tuple[Mapping[str, Floats], Mapping[str, Any]]:
        """The arrays and numbers, by name."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return arrays, {name: getattr(self, name) for name in NUMBERS}

    @classmethod
    def load(cls, arrays: Mapping[str, Floats], facts: Mapping[str, Any]) -> ResidualLaw:
        """The same law."""
        kept: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        return cls(**kept, **{name: facts[name] for name in NUMBERS})

    def around(self, coordinates: Floats, predictions: Floats) -> Law:
        """The distribution at coordinates (n, 2) with predictions (n, 3)."""
        n, m = len(coordinates), len(self.weights)
        means = predictions[:, None] + self.means
        if not self.neighbours:
            return Law(np.tile(self.weights, (n, 1)), means, self.covariances[None])
        local = self._local(coordinates)[:, None] * np.array(SCALES)[
            :, None, None
        ] + self.covariance_floor * np.eye(3)
        near = np.repeat(predictions[:, None], len(SCALES), axis=1)
        weights = np.concatenate((self.shares[:-1], self.shares[-1] * self.weights))
        return Law(
            np.tile(weights, (n, 1)),
            np.concatenate((near, means), axis=1),
            np.concatenate((local, np.broadcast_to(self.covariances, (n, m, 3, 3))), axis=1),
        )

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.where)

    def _local(self, coordinates: Floats, themselves: bool = False) -> Floats:
        """Second moments (n, 3, 3) of nearby residuals, shrunk towards those of the whole image.

        With `themselves`, the coordinates are the training pixels, and none is its own neighbour.
        """
        first = 2 if themselves and len(self.where) > 1 else 1
        ranks = np.arange(first, min(first + self.neighbours, len(self.where) + 1))
        near = self.residuals[self._tree.query(coordinates, ranks, workers=self.threads)[1]]
        k = len(ranks)
        spread = np.einsum("nki,nkj->nij", near, near)
        usual = self.residuals.T @ self.residuals / len(self.residuals) + self.covariance_floor * np.eye(3)
        size = np.trace(spread, axis1=1, axis2=2) / (k * np.trace(usual))
        drawn = spread + (ABOVE + SHAPE * size)[:, None, None] * usual
        return drawn / (k + ABOVE + SHAPE)


def _log_normal(apart: Floats, covariances: Floats) -> Floats:
    """log N(apart; 0, covariance) for each of n, in three dimensions: (n,)."""
    factors = np.linalg.cholesky(covariances)
    white = np.linalg.solve(factors, apart[..., None])[..., 0]
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * (white**2).sum(axis=1) - log_det - 1.5 * np.log(2 * np.pi))


def _shares(joint: Floats) -> Floats:
    """Weights of fixed log densities (n, m) by EM, with half a point added to each density."""
    shares = np.full(joint.shape[1], 1 / joint.shape[1])
    for _ in range(200):
        log_shared = joint + np.log(shares)
        shared = np.exp(log_shared - log_shared.max(axis=1, keepdims=True))
        count = (shared / shared.sum(axis=1, keepdims=True)).sum(axis=0) + 0.5
        shares = count / count.sum()
    return shares
