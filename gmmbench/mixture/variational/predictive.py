"""The posterior predictive of a Bayesian mixture, for each type of covariance."""

from __future__ import annotations

import numpy as np

from ..array_types import Booleans
from ..distributions.student import StudentMixture
from ..em.whitening import Units
from .posterior import Posterior


def predictive(q: Posterior, used: Booleans, units: Units) -> StudentMixture:
    """p(x | points) (Bishop 2006, eq. 10.81), in the points' own units.

    It has the used components, and one more from the prior for the remaining weight: the unbroken rest of a
    Dirichlet process's stick, and the components without points. With nu and C of the posterior and
    s = (1 + beta) / beta, the t of a component has

    - full: scale s nu / (nu + 1 - d) C, degrees nu + 1 - d; tied: the same with the shared nu;
    - diag: independent axes of scales s C_j, degrees nu (a gamma posterior for each axis);
    - spherical: scale s C, degrees d nu (one gamma posterior for all axes).

    Args:
        q: the posterior.
        used: (K,), which components to keep.
        units: the units of the posterior.
    """
    p, d = q.prior, q.means.shape[1]
    covariance, degrees = p.covariance / p.degrees, p.degrees
    if p.kind.shared:  # a new component has the same matrix
        covariance, degrees = q.covariances[0], float(q.degrees[0])
    weights = np.append(q.weights[used], left_over(q, used))
    means = np.concatenate((q.means[used], p.mean[None]))
    precision = np.append(q.precision[used], p.mean_precision)
    free = np.append(q.degrees[used], degrees)
    scales = np.concatenate((q.covariances[used], covariance[None]))
    factor = (1 + precision) / precision
    factor, free = p.kind.form.predictive(factor, free, d)
    scales = units.factor @ (factor[:, None, None] * scales) @ units.factor.T
    held = weights > 0  # a Dirichlet distribution has no rest if all components hold points
    return StudentMixture(
        (weights / weights.sum())[held],
        (means @ units.factor.T + units.origin)[held],
        ((scales + np.swapaxes(scales, 1, 2)) / 2)[held],
        free[held],
        p.kind.form.independent,
    )


def left_over(q: Posterior, used: Booleans) -> float:
    """The share of the predictive that is drawn from the prior."""
    return q.leftover + float(q.weights[~used].sum())
