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
"""Largest share of a point's responsibilities that is left out; the kernels are float64 here."""

SMALL = 200_000
"""Point-component pairs up to which E-steps are done in numpy: they take milliseconds, and a kernel for a new
dimension takes seconds to compile."""


@dataclass(frozen=True, eq=False)
class CovarianceRule:
    """What the covariances of a fit are like.

    Attributes:
        kind: their type.
        ridge: added to all variances: the estimator's reg_covar.
        least: (d,) the variance that rounding alone gives each column. Independent axes have at least that
            much, as in scikit-learn, where 10 eps see to it: the component of a single row is very narrow,
            and no error. Among correlated axes it is singular all the same, which is an error.
    """

    kind: CovarianceType
    ridge: float
    least: Floats


@dataclass(frozen=True, eq=False)
class Sums:
    """What an E-step found: sums about the means it had, as in Moments, and the two parts of its bound.

    Attributes:
        likelihood: sum of weight times log density, nats.
        entropy: of the responsibilities, and of what is expected in missing cells, nats.
    """

    count: Floats
    first: Floats
    second: Floats
    likelihood: float
    entropy: float


class Observations:
    """Rows (n, d) with how many observations each of them stands for.

    Rows that have no weight, or no value at all, are left out.

    Args:
        x: (n, d), checked: float32 or float64, NaN where a cell is missing.
        sample_weight: as `fit` gets it.
        kind: the type of covariance.
        ridge: the estimator's reg_covar.
        total: the number of observations, if it is not to be derived from the weights.

    Raises:
        ValueError: weights that are none, fewer than two observations, a column without any value.
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
        # a point among the others: so a constant column is 0 to the last bit, and its variance as well
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
        """How many observations there are."""
        return float(self.counts.sum())

    @cached_property
    def filled(self) -> Floats:
        """The points with guesses in their missing cells, for a start: (n, d)."""
        return self.points if self.complete else filled(self.points, *self.one_gaussian)

    @cached_property
    def one_gaussian(self) -> tuple[Floats, Floats]:
        """Mean (d,) from the centre, and covariance (d, d), of the most likely single Gaussian."""
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
        """Means (K, d), and the sums about them, of given responsibilities (n, K), weights included."""
        count = shares.sum(axis=0) + NOTHING
        means = shares.T @ self.filled / count[:, None]
        plain = self._plain if self.complete else IncompleteExpectation(self.filled, self.counts)
        return means + self.centre, plain.moments_of(shares, means)

    @cached_property
    def _plain(self) -> IncompleteExpectation:
        return IncompleteExpectation(self.points, self.counts)

    @cached_property
    def _arranged(self) -> tuple[Units, float, Expectation]:
        """Whitened units, the largest count, and the points ready for kernels that take weights up to 1."""
        # spherical covariances need equal scales, which any floor that is equal on all axes gives
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
"""Observations that scikit-learn adds to what every component holds."""
