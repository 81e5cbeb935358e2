"""The variational posterior of a mixture of full covariances: Normal-Wishart and Dirichlet or sticks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, gammaln

from .expectation import Components, Moments

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prior:
    """What is believed before the points.

    Args:
        process: False for a symmetric Dirichlet over the weights, True for a Dirichlet process.
        concentration: of the Dirichlet, each component's; of the process, gamma.
        mean: (d,); `mean_precision` is how many points it counts as (beta_0).
        covariance: (d, d), the inverse of the Wishart's scale matrix, of `degrees` degrees of freedom.
    """

    process: bool
    concentration: float
    mean: Floats
    mean_precision: float
    covariance: Floats
    degrees: float


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(pi) prod_k N(mu_k; m_k, (beta_k Lambda_k)^-1) W(Lambda_k; (nu_k C_k)^-1, nu_k) (Bishop 2006, 10.2).

    Attributes:
        sticks: (K, 2): a Dirichlet's alpha in the first column, or Beta(a, b) of each stick.
        means: m, (K, d). precision: beta, (K,). degrees: nu, (K,). covariances: C, (K, d, d).
        count: (K,) points each component holds.
    """

    prior: Prior
    sticks: Floats
    means: Floats
    precision: Floats
    degrees: Floats
    covariances: Floats
    count: Floats

    @classmethod
    def of(cls, prior: Prior, count: Floats, means: Floats, spread: Floats, floor: Floats) -> Posterior:
        """From counts (K,), means (K, d) and covariances (K, d, d) of the points (eqs. 10.58-10.63).

        The sticks of a Dirichlet process are broken in order of size, which is where their prior puts
        the large ones.
        """
        if prior.process:
            order = np.argsort(-count, kind="stable")
            count, means, spread = count[order], means[order], spread[order]
            left = np.concatenate((np.cumsum(count[::-1])[-2::-1], [0.0]))
            sticks = np.stack((1 + count, prior.concentration + left), axis=1)
        else:
            sticks = np.stack((prior.concentration + count, np.zeros(len(count))), axis=1)
        precision = prior.mean_precision + count
        centre = (prior.mean_precision * prior.mean + count[:, None] * means) / precision[:, None]
        degrees = prior.degrees + count
        apart = means - prior.mean
        pull = (count * prior.mean_precision / precision)[:, None, None]
        scatter = prior.covariance + count[:, None, None] * (spread + floor)
        scatter = scatter + pull * apart[:, :, None] * apart[:, None, :]
        return cls(prior, sticks, centre, precision, degrees, scatter / degrees[:, None, None], count)

    @property
    def weights(self) -> Floats:
        """E[pi_k], of the broken sticks made to sum to 1: (K,)."""
        if not self.prior.process:
            return np.asarray(self.sticks[:, 0] / self.sticks[:, 0].sum())
        share = self.sticks[:, 0] / self.sticks.sum(axis=1)
        left = np.cumprod(np.concatenate(([1.0], 1 - share[:-1])))
        return np.asarray(share * left / (share * left).sum())

    def update(self, moments: Moments, scale: float, floor: Floats) -> Posterior:
        """The posterior after an E-step with this one, whose weights were divided by `scale`."""
        held = np.where(moments.count > 0, moments.count, np.inf)
        step = moments.first / held[:, None]
        spread = moments.second / held[:, None, None] - step[:, :, None] * step[:, None, :]
        return Posterior.of(self.prior, moments.count * scale, self.means + step, spread, floor)

    def components(self) -> Components:
        """E[log pi_k + log N(x; mu_k, Lambda_k^-1)] as the E-step takes it (eqs. 10.64-10.66)."""
        d = self.means.shape[1]
        plain = Components.of(np.ones(len(self.means)), self.means, self.covariances)
        offset = plain.offset + 0.5 * (
            self._digammas() - d * np.log(self.degrees) - d / self.precision
        ) + self.log_weights()  # fmt: skip
        return Components(offset, plain.means, plain.factors)

    def log_weights(self) -> Floats:
        """E[log pi_k]: (K,)."""
        if not self.prior.process:
            return np.asarray(digamma(self.sticks[:, 0]) - digamma(self.sticks[:, 0].sum()))
        both = digamma(self.sticks.sum(axis=1))
        left = np.cumsum(digamma(self.sticks[:, 1]) - both)
        return np.asarray(digamma(self.sticks[:, 0]) - both + np.concatenate(([0.0], left[:-1])))

    def divergence(self) -> float:
        """KL(q || prior) in nats, of weights, means and precisions together (eqs. 10.74-10.77)."""
        p, d = self.prior, self.means.shape[1]
        log_det = -np.linalg.slogdet(self.covariances)[1] - d * np.log(self.degrees)  # log |W|
        expected = self._digammas() + log_det  # E[log |Lambda|]
        inverse = np.linalg.inv(self.covariances)  # nu W
        apart = self.means - p.mean
        shift = np.einsum("ki,kij,kj->k", apart, inverse, apart)
        ratio = p.mean_precision / self.precision
        gaussian = 0.5 * (d * (ratio - 1 - np.log(ratio)) + p.mean_precision * shift)
        trace = np.einsum("ij,kji->k", p.covariance, inverse)
        wishart = (
            _log_wishart(log_det, self.degrees, d)
            - _log_wishart(-np.linalg.slogdet(p.covariance)[1], np.array(p.degrees), d)
            + 0.5 * (self.degrees - p.degrees) * expected
            + 0.5 * (trace - self.degrees * d)
        )
        return float((gaussian + wishart).sum()) + self._weight_divergence()

    def _weight_divergence(self) -> float:
        c, logs = self.prior.concentration, self.log_weights()
        if not self.prior.process:
            a, k = self.sticks[:, 0], len(self.sticks)
            q = gammaln(a.sum()) - gammaln(a).sum()
            p = gammaln(k * c) - k * gammaln(c)
            return float(q - p + ((a - c) * logs).sum())
        a, b = self.sticks.T
        both = digamma(a + b)
        gain = (a - 1) * (digamma(a) - both) + (b - c) * (digamma(b) - both)
        return float((betaln(1.0, c) - betaln(a, b) + gain).sum())

    def _digammas(self) -> Floats:
        """d log 2 + sum_i psi((nu + 1 - i) / 2): E[log |Lambda|] - log |W|."""
        d = self.means.shape[1]
        half = 0.5 * (self.degrees[:, None] - np.arange(d))
        return np.asarray(d * np.log(2) + digamma(half).sum(axis=1))


def _log_wishart(log_det: Floats, degrees: Floats, d: int) -> Floats:
    """log B(W, nu), a Wishart's normaliser (Bishop 2006, eq. B.79)."""
    half = 0.5 * (degrees[..., None] - np.arange(d))
    gammas = gammaln(half).sum(axis=-1)
    return np.asarray(
        -0.5 * degrees * (log_det + d * np.log(2)) - 0.25 * d * (d - 1) * np.log(np.pi) - gammas
    )
