"""The parameters of an estimator between two E-steps: maximum likelihood, as in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..em.e_step import Moments, inverse_of_lower
from .observations import NOTHING, CovarianceRule, Sums

ROUNDING = 64 * np.finfo(np.float64).eps
"""A variance of 0 can be this share of the second moment, by rounding."""

SINGULAR = 1e-14
"""A variance that the other columns determine can keep this share, by rounding."""

EMPTY = 1e-10
"""A component is empty if it holds less than this many rows."""

ILL_DEFINED = (
    "Fitting the mixture model failed because some components have ill-defined empirical covariance (for "
    "instance caused by singleton or collapsed samples). Try to decrease the number of components, increase "
    "reg_covar, or scale the input data."
)
"""scikit-learn's message."""


@dataclass(frozen=True, eq=False)
class Update:
    """The input of an M-step: the number of points (K,), mean (K, d) and covariance (K, d, d)."""

    count: Floats
    means: Floats
    spread: Floats


def update_of(moments: Sums | Moments, before: Floats, rule: CovarianceRule) -> Update:
    """Means, and covariances without the ridge, from sums about the previous means (K, d)."""
    count = moments.count + NOTHING
    step = moments.first / count[:, None]
    second = moments.second / count[:, None, None]
    spread = second - step[:, :, None] * step[:, None, :]
    axes, whole = np.diagonal(spread, axis1=1, axis2=2), np.diagonal(second, axis1=1, axis2=2)
    some = axes > ROUNDING * whole
    spread = np.where(some[:, :, None] & some[:, None, :], spread, 0.0)
    if rule.kind.form.diagonal:
        spread = spread + np.where(count > EMPTY, 1.0, 0.0)[:, None, None] * np.diag(rule.least)
    return Update(count, before + step, rule.kind.restrict(spread, count))


def factors_of(covariances: Floats) -> Floats:
    """A (K, d, d), lower triangular, with A^T A the precisions.

    Raises:
        ValueError: a covariance that is singular, or would be without rounding.
    """
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    if not (variances > 0).all():
        raise ValueError(ILL_DEFINED)
    scale = np.sqrt(variances)
    try:
        lower = np.linalg.cholesky(covariances / (scale[:, :, None] * scale[:, None, :]))
    except np.linalg.LinAlgError:
        raise ValueError(ILL_DEFINED) from None
    if not (np.diagonal(lower, axis1=1, axis2=2) ** 2 > SINGULAR).all():
        raise ValueError(ILL_DEFINED)
    return np.asarray(inverse_of_lower(lower) / scale[:, None, :], dtype=np.float64)


def factors_of_precisions(precisions: Floats) -> Floats:
    """The same for precisions (K, d, d). Raises ValueError if they are not positive definite."""
    try:
        upper = np.linalg.cholesky(precisions[:, ::-1, ::-1])[:, ::-1, ::-1]
    except np.linalg.LinAlgError:
        raise ValueError("expected positive definite precisions, got one that is singular") from None
    return np.ascontiguousarray(np.swapaxes(upper, 1, 2))


def log_det(factors: Floats) -> Floats:
    """log |A| (K,)."""
    return np.asarray(np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1))


@dataclass(frozen=True, eq=False)
class GaussianParameters:
    """Maximum likelihood weights (K,), means (K, d), covariances (K, d, d), and their factors A."""

    weights: Floats
    means: Floats
    covariances: Floats
    factors: Floats
    rule: CovarianceRule

    @property
    def offset(self) -> Floats:
        """Log joint density at each mean, nats: (K,)."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        d = self.means.shape[1]
        return np.asarray(log_weights + log_det(self.factors) - 0.5 * d * np.log(2 * np.pi))

    def updated(self, sums: Sums) -> GaussianParameters:
        """The parameters after an M-step (Bishop 2006, eqs. 9.24-9.26)."""
        update = update_of(sums, self.means, self.rule)
        return gaussian_parameters(update.count / update.count.sum(), update, self.rule)

    def bound(self, before: Sums, total: float) -> float:
        """The mean log-likelihood of the last E-step."""
        return before.likelihood / total


def gaussian_parameters(weights: Floats, update: Update, rule: CovarianceRule) -> GaussianParameters:
    """Parameters from an update, with the ridge added to all variances."""
    covariances = update.spread + rule.ridge * np.eye(update.means.shape[1])
    return GaussianParameters(weights, update.means, covariances, factors_of(covariances), rule)
