"""The parameters of a Bayesian estimator between two E-steps: the posterior, as scikit-learn defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, gammaln

from ..array_types import Floats
from .observations import CovarianceRule, Sums
from .parameters import Update, factors_of, log_det, update_of


@dataclass(frozen=True, eq=False)
class NormalWishartPrior:
    """The prior of an estimator, with scikit-learn's names. `covariance` is (d, d) for every type."""

    concentration: float
    process: bool
    mean_precision: float
    mean: Floats
    degrees: float
    covariance: Floats
    rule: CovarianceRule


@dataclass(frozen=True, eq=False)
class BayesianParameters:
    """The posterior (Bishop 2006, section 10.2), with scikit-learn's conventions.

    Attributes:
        sticks: (2, K), the parameters of the beta distributions of a Dirichlet process; or (1, K), those of
            the Dirichlet distribution.
        mean_precision: (K,).
        means: (K, d).
        degrees: (K,).
        covariances: (K, d, d), the inverses of the mean precisions.
        factors: A, with A^T A the mean precisions.
    """

    prior: NormalWishartPrior
    sticks: Floats
    mean_precision: Floats
    means: Floats
    degrees: Floats
    covariances: Floats
    factors: Floats

    @property
    def offset(self) -> Floats:
        """E[log weight] + E[log |precision|] / 2 + ... at each mean, nats (eqs. 10.64-10.66): (K,)."""
        d = self.means.shape[1]
        free = self.degrees
        log_lambda = d * np.log(2.0) + digamma(0.5 * (free - np.arange(d)[:, None])).sum(axis=0)
        at_mean = log_det(self.factors) - 0.5 * d * np.log(2 * np.pi) - 0.5 * d * np.log(free)
        return np.asarray(self._log_weights() + at_mean + 0.5 * (log_lambda - d / self.mean_precision))

    @property
    def weights(self) -> Floats:
        """The posterior means of the weights, normalised: (K,)."""
        if not self.prior.process:
            return np.asarray(self.sticks[0] / self.sticks[0].sum())
        total = self.sticks.sum(axis=0)
        left = np.concatenate(([1.0], np.cumprod(self.sticks[1] / total)[:-1]))
        weights = self.sticks[0] / total * left
        return np.asarray(weights / weights.sum())

    def updated(self, sums: Sums) -> BayesianParameters:
        """The posterior after an M-step."""
        return bayesian_parameters(self.prior, update_of(sums, self.means, self.prior.rule))

    def bound(self, before: Sums, total: float) -> float:
        """The evidence bound without its constants, as scikit-learn reports it."""
        d = self.means.shape[1]
        log_det_half = log_det(self.factors) - 0.5 * d * np.log(self.degrees)
        gammas = gammaln(0.5 * (self.degrees - np.arange(d)[:, None])).sum(axis=0)
        log_wishart = -(self.degrees * log_det_half + self.degrees * d * 0.5 * np.log(2.0) + gammas)
        if self.prior.process:
            log_weights = -betaln(self.sticks[0], self.sticks[1]).sum()
        else:
            log_weights = gammaln(self.sticks[0].sum()) - gammaln(self.sticks[0]).sum()
        spread = 0.5 * d * np.log(self.mean_precision).sum()
        return float(before.entropy - log_wishart.sum() - log_weights - spread)

    def _log_weights(self) -> Floats:
        if not self.prior.process:
            return np.asarray(digamma(self.sticks[0]) - digamma(self.sticks[0].sum()))
        total = digamma(self.sticks.sum(axis=0))
        one, two = digamma(self.sticks[0]), digamma(self.sticks[1])
        return np.asarray(one - total + np.concatenate(([0.0], np.cumsum(two - total)[:-1])))


def bayesian_parameters(prior: NormalWishartPrior, update: Update) -> BayesianParameters:
    """The posterior after an M-step (eqs. 10.58-10.63).

    A tied covariance has the mean of the components' scatter, as in scikit-learn.
    """
    kind, count, means = prior.rule.kind, update.count, update.means
    k, d = means.shape
    if prior.process:
        after = np.concatenate((np.cumsum(count[::-1])[-2::-1], [0.0]))
        sticks = np.stack((1.0 + count, prior.concentration + after))
    else:
        sticks = prior.concentration + count[None]
    precision = prior.mean_precision + count
    centre = (prior.mean_precision * prior.mean + count[:, None] * means) / precision[:, None]
    apart = means - prior.mean
    pull = count * prior.mean_precision / precision
    scatter = count[:, None, None] * (update.spread + prior.rule.ridge * np.eye(d))
    scatter = scatter + pull[:, None, None] * apart[:, :, None] * apart[:, None, :]
    shares = k if kind.shared else 1
    degrees = prior.degrees + kind.pooled(count) / shares
    covariances = kind.form.restrict(prior.covariance + kind.pooled(scatter) / shares)
    covariances = covariances / degrees[:, None, None]
    return BayesianParameters(prior, sticks, precision, centre, degrees, covariances, factors_of(covariances))
