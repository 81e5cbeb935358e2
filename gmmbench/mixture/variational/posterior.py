"""The variational posterior of a mixture: Normal-Wishart, and Dirichlet or sticks; its evidence bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, gammaln

from ..array_types import Booleans, Floats, Integers
from ..em.e_step import KernelComponents, Moments
from .prior import Prior

UNUSED = 0.5
"""A component that holds fewer points than this has only its prior, and is removed."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(pi) prod_k N(mu_k; m_k, (beta_k Lambda_k)^-1) W(Lambda_k; (nu_k C_k)^-1, nu_k) (Bishop 2006, 10.2).

    Diagonal and spherical types restrict the scale of the Wishart to their form, as scikit-learn does: this
    is the best posterior of that form for a mixture of full covariances, whose evidence it bounds. A tied
    mixture has one Lambda.

    Attributes:
        sticks: (K, 2), the Dirichlet's alpha in the first column, or Beta(a, b) of each stick.
        means: m, (K, d). precision: beta, (K,). degrees: nu, (K,). covariances: C, (K, d, d).
        count: (K,), the number of points that each component holds.
        order: (K,), the components in the order of their sticks.
    """

    prior: Prior
    sticks: Floats
    means: Floats
    precision: Floats
    degrees: Floats
    covariances: Floats
    count: Floats
    order: Integers

    @classmethod
    def of(
        cls, prior: Prior, count: Floats, means: Floats, spread: Floats, covariance_floor: Floats
    ) -> Posterior:
        """From counts (K,), means (K, d) and covariances (K, d, d) of the points (eqs. 10.58-10.63).

        Every point is a blob of covariance `covariance_floor` (d, d), which therefore adds to the scatter.
        The sticks of a Dirichlet process are broken in order of size, which gives the highest bound
        (Kurihara, Welling and Teh 2007).
        """
        sticks = np.stack((prior.concentration + count, np.zeros(len(count))), axis=1)
        order = np.argsort(-count, kind="stable")
        if prior.process:
            sticks[:, 0] = 1 + count
            sticks[order, 1] = prior.concentration + np.append(np.cumsum(count[order][:0:-1])[::-1], 0.0)
        precision = prior.mean_precision + count
        centre = (prior.mean_precision * prior.mean + count[:, None] * means) / precision[:, None]
        apart = means - prior.mean
        pull = (count * prior.mean_precision / precision)[:, None, None]
        scatter = (
            count[:, None, None] * (spread + covariance_floor) + pull * apart[:, :, None] * apart[:, None, :]
        )
        degrees = prior.shares * prior.degrees + prior.kind.pooled(count)
        scatter = prior.kind.form.restrict(prior.shares * prior.covariance + prior.kind.pooled(scatter))
        return cls(prior, sticks, centre, precision, degrees, scatter / degrees[:, None, None], count, order)

    def update(self, moments: Moments, scale: float, covariance_floor: Floats) -> Posterior:
        """The posterior after an E-step with this one, whose weights were divided by `scale`."""
        held = np.where(moments.count > 0, moments.count, np.inf)
        step = moments.first / held[:, None]
        spread = moments.second / held[:, None, None] - step[:, :, None] * step[:, None, :]
        return Posterior.of(self.prior, moments.count * scale, self.means + step, spread, covariance_floor)

    @property
    def used(self) -> Booleans:
        """Whether each component holds points: (K,). If none does, the largest counts as used."""
        return np.asarray((self.count > UNUSED) | (self.count == self.count.max()))

    @property
    def weights(self) -> Floats:
        """E[pi_k]: (K,). With a Dirichlet process they sum to 1 less the unbroken rest of the stick."""
        if not self.prior.process:
            return np.asarray(self.sticks[:, 0] / self.sticks[:, 0].sum())
        order = self.order
        share = self.sticks[order, 0] / self.sticks[order].sum(axis=1)
        out = np.empty(len(share))
        out[order] = share * np.cumprod(np.append(1.0, 1 - share[:-1]))
        return out

    @property
    def leftover(self) -> float:
        """The expected unbroken rest of a Dirichlet process's stick; 0 for a Dirichlet distribution."""
        return float((self.sticks[:, 1] / self.sticks.sum(axis=1)).prod()) if self.prior.process else 0.0

    def components(self, covariance_floor: Floats) -> KernelComponents:
        """E[log pi_k + log N(z; mu_k, Lambda_k^-1)] of a blob z ~ N(x, covariance_floor).

        In the form that the E-step takes: eqs. 10.64-10.66, and -tr(E[Lambda_k] covariance_floor) / 2 for
        the blob.
        """
        d = self.means.shape[1]
        plain = KernelComponents.of(np.ones(len(self.means)), self.means, self.covariances)
        jitter = np.einsum("kij,kil,jl->k", plain.factors, plain.factors, covariance_floor)
        offset = 0.5 * (self.expected_log_det() - d * np.log(2 * np.pi) - d / self.precision - jitter)
        return KernelComponents(offset + self.log_weights(), plain.means, plain.factors)

    def log_weights(self) -> Floats:
        """E[log pi_k]: (K,)."""
        if not self.prior.process:
            return np.asarray(digamma(self.sticks[:, 0]) - digamma(self.sticks[:, 0].sum()))
        order = self.order
        a, b = self.sticks[order].T
        left = np.cumsum(digamma(b) - digamma(a + b))
        out = np.empty(len(a))
        out[order] = digamma(a) - digamma(a + b) + np.append(0.0, left[:-1])
        return out

    def expected_log_det(self) -> Floats:
        """E[log |Lambda_k|]: (K,) (eq. B.81)."""
        d = self.means.shape[1]
        half = 0.5 * (self.degrees[:, None] - np.arange(d))
        return np.asarray(d * np.log(2) + digamma(half).sum(axis=1) + self._log_scale())

    def divergence(self) -> float:
        """KL(q || prior) in nats, of weights, means and precisions together (eqs. 10.74-10.77)."""
        precisions = self.prior.kind.distinct(self.precision_divergences())
        return float(self.mean_divergences().sum() + precisions.sum()) + self.weight_divergence()

    def mean_divergences(self) -> Floats:
        """E[KL(q(mu_k | Lambda_k) || prior)]: (K,)."""
        p, d = self.prior, self.means.shape[1]
        apart = self.means - p.mean
        white = np.linalg.solve(self.covariances, apart[:, :, None])[:, :, 0]
        ratio = p.mean_precision / self.precision
        return np.asarray(
            0.5 * (d * (ratio - 1 - np.log(ratio)) + p.mean_precision * (apart * white).sum(axis=1))
        )

    def precision_divergences(self) -> Floats:
        """KL(q(Lambda_k) || prior): (K,). Tied components have one Lambda, so all K are equal."""
        p, d = self.prior, self.means.shape[1]
        covariance, degrees = p.shares * p.covariance, p.shares * p.degrees
        trace = np.trace(np.linalg.solve(self.covariances, covariance[None]), axis1=1, axis2=2)
        return np.asarray(
            _log_wishart(self._log_scale(), self.degrees, d)
            - _log_wishart(-np.linalg.slogdet(covariance)[1], np.array(degrees), d)
            + 0.5 * (self.degrees - degrees) * self.expected_log_det()
            + 0.5 * (trace - self.degrees * d)
        )

    def weight_divergence(self) -> float:
        """KL(q(pi) || prior). Sticks beyond the K broken ones keep their prior and add nothing."""
        c = self.prior.concentration
        if not self.prior.process:
            a, k = self.sticks[:, 0], len(self.sticks)
            q = gammaln(a.sum()) - gammaln(a).sum()
            p = gammaln(k * c) - k * gammaln(c)
            return float(q - p + ((a - c) * self.log_weights()).sum())
        a, b = self.sticks.T
        both = digamma(a + b)
        gain = (a - 1) * (digamma(a) - both) + (b - c) * (digamma(b) - both)
        return float((betaln(1.0, c) - betaln(a, b) + gain).sum())

    def _log_scale(self) -> Floats:
        """log |W_k| of the Wishart's scale matrix (nu_k C_k)^-1: (K,)."""
        d = self.means.shape[1]
        return np.asarray(-np.linalg.slogdet(self.covariances)[1] - d * np.log(self.degrees))


def _log_wishart(log_det: Floats, degrees: Floats, d: int) -> Floats:
    """log B(W, nu), a Wishart's normaliser (Bishop 2006, eq. B.79)."""
    half = 0.5 * (degrees[..., None] - np.arange(d))
    gammas = gammaln(half).sum(axis=-1)
    return np.asarray(
        -0.5 * degrees * (log_det + d * np.log(2)) - 0.25 * d * (d - 1) * np.log(np.pi) - gammas
    )
