"""Densities and conditional means of a mixture at very many points, computed by the engine's kernels."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .array_types import Floats
from .em.blocks import arrange, arrange_quickly
from .em.e_step import Expectation, KernelComponents
from .em.whitening import Units

TRUNCATION = 1e-9
"""The largest share of a density that may be left out."""

TRUNCATION_MEAN = 1e-6
"""The largest share of the responsibilities that a conditional mean may leave out."""

SINGLE_WIDTH = 1e-4
"""The least standard deviation of a component for which float32 is used, in units of the mixture's own."""

SINGLE_REACH = 30.0
"""float32 is used only if all points lie within this many standard deviations of the mixture."""


class Gaussians(Protocol):
    """The part of a `Mixture` that these functions need."""

    @property
    def weights(self) -> Floats:
        """(K,)."""

    @property
    def means(self) -> Floats:
        """(K, d)."""

    @property
    def covariances(self) -> Floats:
        """(K, d, d)."""

    def mean(self) -> Floats:
        """E[x]: (d,)."""

    def covariance(self) -> Floats:
        """Cov[x]: (d, d)."""


def log_density(mixture: Gaussians, points: Floats) -> Floats:
    """Log density in nats at points (n, d), in float64: (n,)."""
    units, components, inside = _prepared(mixture, points)
    ask = Expectation(inside, np.ones(len(inside)), precision="double", truncation=TRUNCATION)
    return np.asarray(ask.log_density(components), dtype=np.float64) - units.log_volume


def regression(base: Gaussians, means: Floats, gain: Floats, points: Floats) -> Floats:
    """sum_k p(k | x) (m_k + G_k (x - base mean_k)) at points (n, c): (n, t).

    Args:
        base: the mixture of the known columns.
        means: m, (K, t), of the others.
        gain: G, (K, t, c), their regression on the known ones.
        points: (n, c).
    """
    units, components, inside = _prepared(base, points)
    lines = np.concatenate((means[:, :, None], gain @ units.factor), axis=2)
    widest = np.linalg.norm(components.factors, ord=2, axis=(1, 2)).max()
    single = widest * SINGLE_WIDTH < 1 and np.abs(inside).max() < SINGLE_REACH
    ask = Expectation(
        inside,
        np.ones(len(inside)),
        precision="single" if single else "double",
        truncation=TRUNCATION_MEAN,
        sort=arrange_quickly if inside.shape[1] <= 2 else arrange,
    )
    return np.asarray(ask.regression(components, lines), dtype=np.float64)


def _prepared(mixture: Gaussians, points: Floats) -> tuple[Units, KernelComponents, Floats]:
    units = Units.of_moments(mixture.mean(), mixture.covariance())
    means = np.linalg.solve(units.factor, (mixture.means - units.origin).T).T
    spread = units.spread_into(mixture.covariances)
    return units, KernelComponents.of(mixture.weights, means, spread), units.into(points)
