"""scikit-learn's BayesianGaussianMixture, fitted by our engine.

It overrides only public methods and calls nothing private of scikit-learn.
"""

# mypy: allow-untyped-calls
# (scikit-learn has no annotations)
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import mixture as reference

from ..array_types import Floats
from .bayesian_parameters import BayesianParameters, NormalWishartPrior, bayesian_parameters
from .fast_mixture import FastMixture
from .iterations import Reached
from .observations import CovarianceRule, Observations
from .parameter_checks import checked_degrees, checked_matrices, checked_means
from .starting import first_update


class BayesianGaussianMixture(FastMixture, reference.BayesianGaussianMixture):  # type: ignore[misc]  # no types
    """scikit-learn's BayesianGaussianMixture, fitted by our engine.

    It has the same parameters and attributes. In addition, `fit` takes `sample_weight` (n,), which default
    priors also use, and rows with missing cells (NaN); and there are `condition`, `marginal` and `as_mixture`
    at the posterior means.
    """

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any = None,
        sample_weight: Any = None,
        observations: float | None = None,
    ) -> Any:
        """Fit to rows (n, d) in which NaN marks a missing cell; returns the estimator itself.

        Args:
            X: (n, d). Missing cells are treated as missing at random.
            y: ignored.
            sample_weight: (n,), each >= 0. A row of weight 0 is absent, and the scale of the weights does not
                matter. Weights that are multiples of a common unit, of at most 64 units each, are repetitions
                of the row; others stand for (sum w)^2 / sum w^2 observations in all.
            observations: the number of observations that all weights together stand for, if it is different.

        Raises:
            ValueError: as for `GaussianMixture.fit`.
        """
        self._learn(X, sample_weight, _checked_number(observations))
        return self

    def fit_predict(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any = None,
        sample_weight: Any = None,
        observations: float | None = None,
    ) -> Any:
        """Fit, and return the likeliest component of each row: (n,)."""
        return self._labels(self._learn(X, sample_weight, _checked_number(observations)))

    def _starter(self, data: Observations, warm: bool, random_state: Any) -> Any:
        prior = self._prior(data)
        if warm:
            return lambda: self._parameters(data.rule)
        k, method = self.n_components, self.init_params
        return lambda: bayesian_parameters(prior, first_update(data, k, method, random_state))

    def _prior(self, data: Observations) -> NormalWishartPrior:
        """The prior. Its parts are set as attributes."""
        d, kind = data.x.shape[1], data.rule.kind
        mean, covariance = data.one_gaussian
        concentration, precision = self.weight_concentration_prior, self.mean_precision_prior
        self.weight_concentration_prior_ = 1.0 / self.n_components if concentration is None else concentration
        self.mean_precision_prior_ = 1.0 if precision is None else precision
        given = self.mean_prior
        centre = mean + data.centre if given is None else checked_means(given, (d,))
        self.degrees_of_freedom_prior_ = checked_degrees(self.degrees_of_freedom_prior, d)
        if self.covariance_prior is None:
            unbiased = covariance * (data.total / max(data.total - 1, 1e-3))
            spread = kind.form.restrict(unbiased)
        else:
            shape = np.shape(kind.form.compact(np.zeros((d, d))))
            spread = kind.form.expand(
                checked_matrices(self.covariance_prior, kind, shape, "covariance_prior"), d
            )
        self.mean_prior_ = centre.astype(data.x.dtype)
        self.covariance_prior_ = np.array(kind.form.compact(spread), data.x.dtype)[()]
        return self._prior_of_attributes(centre, spread, data.rule)

    def _prior_of_attributes(
        self, mean: Floats, covariance: Floats, rule: CovarianceRule
    ) -> NormalWishartPrior:
        return NormalWishartPrior(
            float(self.weight_concentration_prior_),
            self.weight_concentration_prior_type == "dirichlet_process",
            float(self.mean_precision_prior_),
            mean,
            float(self.degrees_of_freedom_prior_),
            covariance,
            rule,
        )

    def _keep(self, reached: Reached[BayesianParameters], dtype: Any) -> None:
        super()._keep(reached, dtype)
        p = reached.parameters
        sticks = tuple(part.astype(dtype) for part in p.sticks)
        self.weight_concentration_ = sticks if p.prior.process else sticks[0]
        self.mean_precision_ = p.mean_precision.astype(dtype)
        degrees = p.degrees.astype(dtype)
        self.degrees_of_freedom_ = degrees[0] if p.prior.rule.kind.shared else degrees

    def _parameters(self, rule: CovarianceRule) -> BayesianParameters:
        k, d = self.means_.shape
        every = (
            self.mean_prior_,
            self.covariance_prior_,
            self.means_,
            self.mean_precision_,
            self.covariances_,
        )
        mean, prior, means, precision, compact = (np.asarray(array, dtype=np.float64) for array in every)
        degrees = np.broadcast_to(np.asarray(self.degrees_of_freedom_, dtype=np.float64), (k,))
        return BayesianParameters(
            self._prior_of_attributes(mean, self._kind.form.expand(prior, d), rule),
            np.atleast_2d(np.asarray(self.weight_concentration_, dtype=np.float64)),
            precision,
            means,
            degrees,
            self._kind.expand(compact, k, d),
            self._factors(),
        )


def _checked_number(observations: float | None) -> float | None:
    if observations is not None and not (np.isfinite(observations) and observations > 0):
        raise ValueError(f"expected observations > 0, or None, got {observations}")
    return observations
