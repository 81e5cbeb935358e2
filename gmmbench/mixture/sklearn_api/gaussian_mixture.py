"""scikit-learn's GaussianMixture, fitted by our engine.

It overrides only public methods and calls nothing private of scikit-learn.
"""

# mypy: allow-untyped-calls
# (scikit-learn has no annotations)
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import mixture as reference

from ..array_types import Floats
from .fast_mixture import FastMixture
from .observations import CovarianceRule, Observations
from .parameter_checks import checked_matrices, checked_means, checked_weights_init
from .parameters import GaussianParameters, Update, factors_of_precisions, gaussian_parameters
from .starting import first_update


class GaussianMixture(FastMixture, reference.GaussianMixture):  # type: ignore[misc]  # scikit-learn has no types
    """scikit-learn's GaussianMixture, fitted by our engine.

    It has the same parameters and attributes. In addition, `fit` takes `sample_weight` (n,) and rows with
    missing cells (NaN), and there are `condition`, `marginal` and `as_mixture`. If n times K is above 20
    million, the engine does the initialisation: "kmeans" and "k-means++" then use a subsample.

    Example:
        >>> rows = [[0.0, 0.1], [0.2, np.nan], [4.0, 4.1], [4.2, 3.9]]
        >>> found = GaussianMixture(2, random_state=0).fit(rows, sample_weight=[1, 1, 2, 2])
        >>> np.sort(found.weights_.round(2))
        array([0.33, 0.67])
    """

    def _starter(self, data: Observations, warm: bool, random_state: Any) -> Any:
        if warm:
            return lambda: self._parameters(data.rule)
        k, d, kind = self.n_components, data.x.shape[1], data.rule.kind
        shape = np.shape(kind.compact(np.zeros((k, d, d))))
        weights, means, precisions = self.weights_init, self.means_init, self.precisions_init
        weights = None if weights is None else checked_weights_init(weights, k)
        means = None if means is None else checked_means(means, (k, d))
        factors = None
        if precisions is not None:
            compact = checked_matrices(precisions, kind, shape, "precision")
            factors = factors_of_precisions(kind.expand(compact, k, d))

        def begin() -> GaussianParameters:
            if weights is not None and means is not None and factors is not None:
                return _at(weights, means, factors, data)
            update = first_update(data, k, self.init_params, random_state)
            first = update.count / data.total if weights is None else weights
            centres = update.means if means is None else means
            if factors is not None:
                return _at(first, centres, factors, data)
            update = Update(update.count, centres, update.spread)
            return gaussian_parameters(first, update, data.rule)

        return begin

    def _parameters(self, rule: CovarianceRule) -> GaussianParameters:
        k, d = self.means_.shape
        covariances = self._kind.expand(np.asarray(self.covariances_, dtype=np.float64), k, d)
        weights, means = (np.asarray(a, dtype=np.float64) for a in (self.weights_, self.means_))
        return GaussianParameters(weights, means, covariances, self._factors(), rule)


def _at(weights: Floats, means: Floats, factors: Floats, data: Observations) -> GaussianParameters:
    lower = np.linalg.inv(factors)
    covariances = np.asarray(lower @ np.swapaxes(lower, 1, 2), dtype=np.float64)
    return GaussianParameters(weights, means, covariances, factors, data.rule)
