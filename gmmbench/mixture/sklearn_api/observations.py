"""The rows of a fit, checked, weighted and ready for E-steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..array_types import Floats, Integers, KernelFloats
from ..covariances import CovarianceType
from ..em.e_step import Expectation, KernelComponents, Moments
from ..em.incomplete import IncompleteExpectation, filled, most_likely_gaussian
from ..em.whitening import Units
from ..sample_weights import checked_weights, in_observations

TRUNCATION = 1e-7
"""The largest share of a point's responsibilities that may be left out. The kernels are float64 here."""

SMALL = 200_000
"""Up to this number of point-component pairs, E-steps run in numpy. They take milliseconds, whereas compiling
a kernel for a new dimension takes seconds."""


@dataclass(frozen=True, eq=False)
class CovarianceRule:
    """The rules for the covariances of a fit.

    Attributes:
        kind: their type.
        ridge: added to all variances: the estimator's reg_covar.
        least: (d,), the variance that rounding alone gives each column. Independent axes have at least this
            variance, as in scikit-learn, where 10 eps ensure it: the component of a single row is very
            narrow, which is no error. With correlated axes such a component is singular, which is one.
    """

    kind: CovarianceType
    ridge: float
    least: Floats


@dataclass(frozen=True, eq=False)
class Sums:
    """The result of an E-step: sums about its means, as in Moments, and the two parts of its bound.

    Attributes:
        likelihood: the sum of weight times log density, nats.
        entropy: that of the responsibilities and of the expected values of missing cells, nats.
    """

    count: Floats
    first: Floats
    second: Floats
    likelihood: float
    entropy: float


class Observations:
    """Rows (n, d), with the number of observations that each of them stands for.

    Rows of weight 0 and rows without any value are left out.

    Args:
        x: (n, d), checked: float32 or float64, NaN in missing cells.
        sample_weight: the argument of `fit`.
        kind: the type of covariance.
        ridge: the estimator's reg_covar.
        total: the number of observations; None: it is derived from the weights.

    Raises:
        ValueError: invalid weights, fewer than two observations, or a column without any value.
    """

    def __init__(
        self,
        x: KernelFloats,
        sample_weight: Any,
        kind: CovarianceType,
        ridge: float,
        total: float | None = None,
    ) -> None:
        weights = checked_weights(sample_weight, len(x))
        kept = (weights > 0) & ~np.isnan(x).all(axis=1)
        if not kept.any():
            raise ValueError("expected rows that have a weight and a value, got none")
        counts, repeats = in_observations(weights[kept])
        if total is not None:
            counts = counts * (total / counts.sum())
        self.x, self.counts = x[kept], counts
        self.repeats: Integers | None = repeats
        self.rows = len(self.x) if repeats is None else int(repeats.sum())
        self.complete = not np.isnan(self.x).any()
        empty = np.isnan(self.x).all(axis=0)
        if empty.any():
            raise ValueError(f"expected a value in each column, got none in column {int(np.argmax(empty))}")
        if self.rows < 2:
            raise ValueError(f"Found {self.rows} sample of positive weight while a minimum of 2 is required.")
        # one of the points, so that a constant column and its variance are exactly 0
        first = np.argmin(np.isnan(self.x), axis=0)
        self.centre = self.x[first, np.arange(x.shape[1])].astype(np.float64)
        self.points = self.x.astype(np.float64) - self.centre
        reach = np.nanmax(np.abs(self.points), axis=0)
        with np.errstate(over="ignore"):
            if not np.isfinite(reach**2 * len(x)).all():
                raise ValueError("expected values whose squares are numbers; try to scale the input data")
        self.rule = CovarianceRule(kind, ridge, (4 * np.finfo(np.float64).eps * reach) ** 2)

    @property
    def total(self) -> float:
        """The number of observations."""
        return float(self.counts.sum())

    @cached_property
    def filled(self) -> Floats:
        """The points with guesses in their missing cells, for initialisation: (n, d)."""
        return self.points if self.complete else filled(self.points, *self.one_gaussian)

    @cached_property
    def one_gaussian(self) -> tuple[Floats, Floats]:
        """Mean (d,), relative to the centre, and covariance (d, d) of the most likely single Gaussian."""
        return most_likely_gaussian(self.points, self.counts)

    def moments(self, offset: Floats, means: Floats, factors: Floats) -> Sums:
        """An E-step.

        Args:
            offset: log joint density at each mean, nats (of a Bayesian fit the expectation): (K,).
            means: (K, d).
            factors: A, (K, d, d), lower triangular, with A^T A the precisions.
        """
        apart = means - self.centre
        if not self.complete or len(self.x) * len(means) <= SMALL:
            moments = self._plain.moments(KernelComponents(offset, apart, factors))
            count, first, second, bound = moments.count, moments.first, moments.second, moments.bound
        else:
            units, scale, expectation = self._arranged
            inside = np.linalg.solve(units.factor, (apart - units.origin).T).T
            moments = expectation.moments(KernelComponents(offset, inside, factors @ units.factor))
            count, bound = scale * moments.count, scale * moments.bound
            first = scale * (moments.first @ units.factor.T)
            second = scale * (units.factor @ moments.second @ units.factor.T)
        # sum r log r = sum r (log joint - log p), and the joint is quadratic in x: its sums are known
        white = np.einsum("kij,kjl,kil->k", factors, second, factors)
        joint = float(count @ np.where(count > 0, offset, 0.0) - 0.5 * white.sum())
        return Sums(count, first, second, bound, bound - joint)

    def moments_of(self, shares: Floats) -> tuple[Floats, Moments]:
        """Means (K, d), and the sums about them, for given responsibilities (n, K) times weights."""
        count = shares.sum(axis=0) + NOTHING
        means = shares.T @ self.filled / count[:, None]
        plain = self._plain if self.complete else IncompleteExpectation(self.filled, self.counts)
        return means + self.centre, plain.moments_of(shares, means)

    @cached_property
    def _plain(self) -> IncompleteExpectation:
        return IncompleteExpectation(self.points, self.counts)

    @cached_property
    def _arranged(self) -> tuple[Units, float, Expectation]:
        """Whitened units, the largest count, and the points for kernels, which take weights up to 1."""
        # spherical covariances need equal scales, which any floor with equal axes gives
        ridge = max(self.rule.ridge, 1e-12 * float(self.points.var(axis=0).max()), 1e-300)
        scale = float(self.counts.max())
        weights = self.counts / scale
        units = Units.of(self.points, weights, np.full(self.points.shape[1], ridge), self.rule.kind.form)
        expectation = Expectation(
            units.into(self.points),
            weights,
            diagonal=self.rule.kind.form.diagonal,
            precision="double",
            truncation=TRUNCATION,
        )
        return units, scale, expectation


NOTHING = 10 * np.finfo(np.float64).eps
"""scikit-learn adds this number of observations to every component."""
