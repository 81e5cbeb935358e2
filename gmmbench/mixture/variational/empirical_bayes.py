"""The prior that the evidence favours, learned together with the posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import digamma

from .posterior import Posterior
from .prior import Prior


def learned_prior(q: Posterior) -> Prior:
    """The prior of this form with the highest evidence bound for a posterior.

    This is empirical Bayes, or type-II maximum likelihood (MacKay 1992; Bishop 2006, section 3.5), in closed
    form. It sets the mean precision, which never exceeds that of one point; the covariance, which becomes
    the harmonic mean of the components' covariances; and the concentration of a process, if it was left
    open. A tied mixture has only one matrix, which says nothing about the prior it was drawn from.
    """
    prior = q.prior
    k, d = q.means.shape
    precisions = np.linalg.inv(q.covariances)  # E[Lambda]
    apart = q.means - prior.mean
    reach = np.einsum("ki,kij,kj->k", apart, precisions, apart)
    mean_precision = min(1.0, k * d / float((d / q.precision + reach).sum()))
    concentration = prior.concentration
    if prior.open_concentration:
        a, b = q.sticks.T
        concentration = k / float((digamma(a + b) - digamma(b)).sum())
    learned = replace(prior, mean_precision=mean_precision, concentration=concentration)
    if prior.kind.shared:
        return learned
    typical = np.linalg.inv(prior.kind.form.restrict(precisions.mean(axis=0)))
    return replace(learned, covariance=np.asarray(prior.degrees * typical))
