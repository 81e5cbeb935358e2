"""The base of both estimators: fitting, prediction, and the attributes of scikit-learn's classes."""

# mypy: allow-untyped-calls
# (scikit-learn has no annotations)
from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..array_types import Floats, Integers, KernelFloats
from ..covariances import CovarianceType, covariance_type
from ..distributions.gaussian import Mixture
from ..em.e_step import KernelComponents
from ..em.incomplete import IncompleteExpectation
from .iterations import Narrator, Reached, best_of
from .large_densities import LARGE, log_density
from .observations import CovarianceRule, Observations
from .parameter_checks import check_parameters


class FastMixture:
    """The base of both estimators."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803 - scikit-learn's name
        """Fit to rows (n, d) in which NaN marks a missing cell; returns the estimator itself.

        Args:
            X: (n, d). Missing cells are treated as missing at random, by EM.
            y: ignored.
            sample_weight: (n,), each >= 0. A row of weight 0 is absent, and a row of weight 2 counts twice as
                much as one of weight 1. The scale of the weights does not matter.

        Raises:
            ValueError: parameters that are not allowed, rows that are not finite (n, d), fewer observations
                than components, weights that are negative or all zero, or covariances that are singular in
                spite of reg_covar.
        """
        self._learn(X, sample_weight)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803 - scikit-learn's name
        """Fit, and return the likeliest component of each row: (n,)."""
        return self._labels(self._learn(X, sample_weight))

    def score_samples(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Log density of rows (n, d), nats: (n,). Of a row with missing cells, that of the known ones."""
        x = self._checked(X)
        components = self._components()
        if len(x) * len(components.offset) > LARGE and not np.isnan(x).any():
            density = log_density(x.astype(np.float64), components)
        else:
            density = IncompleteExpectation(x.astype(np.float64), np.ones(len(x))).log_density(components)
        return density.astype(self._dtype(x))

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """The likeliest component of each row: (n,)."""
        return self._labels(self._checked(X))

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """The probability of each component given a row, which may be arbitrarily far away: (n, K)."""
        x = self._checked(X)
        out = np.empty((len(x), len(self._components().offset)), self._dtype(x))
        for rows, shares in self._shares(x):
            out[rows] = shares
        return out

    def condition(self, columns: Sequence[int], values: ArrayLike) -> Any:
        """The mixture of the other columns given x[columns] = values; see `Mixture.condition`."""
        return self.as_mixture().condition(columns, values)

    def marginal(self, columns: Sequence[int]) -> Mixture:
        """The mixture of some columns alone; see `Mixture.marginal`."""
        return self.as_mixture().marginal(columns)

    def as_mixture(self: Any) -> Mixture:
        """The fitted parameters as a Mixture (of a Bayesian fit: at the posterior means)."""
        check_is_fitted(self)
        covariances = np.asarray(self.covariances_, dtype=np.float64)
        return Mixture(self.weights_, self.means_, self._kind.expand(covariances, *self.means_.shape))

    def __sklearn_tags__(self) -> Any:
        """Missing cells are allowed; arrays of other libraries are converted to numpy's."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # of scikit-learn's class beside this one
        tags.input_tags.allow_nan = True
        tags.array_api_support = False
        return tags

    @property
    def _kind(self: Any) -> CovarianceType:
        return covariance_type(self.covariance_type)

    def _learn(self: Any, rows: Any, sample_weight: Any, observations: float | None = None) -> KernelFloats:
        check_parameters(self)
        random_state = check_random_state(self.random_state)
        warm = bool(self.warm_start) and hasattr(self, "converged_")
        if warm:
            self._check_continuable()
        x: KernelFloats = validate_data(
            self,
            rows,
            dtype=[np.float64, np.float32],
            ensure_min_samples=2,
            ensure_all_finite="allow-nan",
            reset=not warm,
        )
        data = Observations(x, sample_weight, self._kind, float(self.reg_covar), observations)
        if data.rows < self.n_components:
            raise ValueError(
                "Expected n_samples >= n_components but got "
                f"n_components = {self.n_components}, n_samples = {data.rows}"
            )
        begin = self._starter(data, warm, random_state)
        reached = best_of(
            data,
            begin,
            1 if warm else self.n_init,
            iterations=self.max_iter,
            tolerance=float(self.tol),
            before=float(self.lower_bound_) if warm else -np.inf,
            narrator=Narrator(self.verbose, self.verbose_interval),
        )
        self._keep(reached, x.dtype)
        return x

    def _check_continuable(self: Any) -> None:
        """Raise ValueError unless warm_start can continue the present fit."""
        d = self.means_.shape[1]
        fitted = np.shape(self.covariances_)
        if len(self.means_) != self.n_components:
            raise ValueError(
                f"expected n_components={len(self.means_)}, as in the fit that warm_start continues, "
                f"got {self.n_components}; try warm_start=False"
            )
        if np.shape(self._kind.compact(np.zeros((self.n_components, d, d)))) != fitted:
            raise ValueError(
                f"expected the covariance_type of the fit that warm_start continues (covariances "
                f"{fitted}), got {self.covariance_type!r}; try warm_start=False"
            )

    @abstractmethod
    def _starter(self, data: Observations, warm: bool, random_state: Any) -> Any:
        """A function that makes the parameters of the next initialisation."""

    def _keep(self: Any, reached: Reached[Any], dtype: Any) -> None:
        """Set the fitted attributes."""
        p, kind = reached.parameters, self._kind
        upper = np.swapaxes(p.factors, 1, 2)
        self.converged_, self.n_iter_ = reached.converged, len(reached.bounds)
        self.lower_bound_, self.lower_bounds_ = reached.bound, list(reached.bounds)
        self.weights_, self.means_ = p.weights.astype(dtype), p.means.astype(dtype)
        self.covariances_ = np.array(kind.compact(p.covariances), dtype)
        self.precisions_cholesky_ = np.array(kind.compact(upper), dtype)
        self.precisions_ = np.array(kind.compact(upper @ p.factors), dtype)

    def _factors(self: Any) -> Floats:
        """A (K, d, d) from the fitted attributes."""
        compact = np.asarray(self.precisions_cholesky_, dtype=np.float64)
        upper = self._kind.expand(compact, *self.means_.shape)
        return np.ascontiguousarray(np.swapaxes(upper, 1, 2))

    @abstractmethod
    def _parameters(self, rule: CovarianceRule) -> Any:
        """The parameters, from the fitted attributes."""

    def _components(self: Any) -> KernelComponents:
        p = self._parameters(
            CovarianceRule(self._kind, float(self.reg_covar), np.zeros(self.means_.shape[1]))
        )
        return KernelComponents(p.offset, p.means, p.factors)

    def _checked(self, rows: Any) -> KernelFloats:
        check_is_fitted(self)
        x: KernelFloats = validate_data(
            self, rows, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", reset=False
        )
        return x

    def _dtype(self: Any, x: KernelFloats) -> Any:
        return np.result_type(x.dtype, self.means_.dtype)

    def _shares(self, x: KernelFloats) -> Iterator[tuple[Integers, Floats]]:
        return IncompleteExpectation(x.astype(np.float64), np.ones(len(x))).shares(self._components())

    def _labels(self, x: KernelFloats) -> Integers:
        out = np.empty(len(x), np.intp)
        for rows, shares in self._shares(x):
            out[rows] = shares.argmax(axis=1)
        return out
