"""scikit-learn's mixture estimators with the fast engine inside: the same classes, faster.

Each is a subclass of scikit-learn's that does its E-step and the sums of its M-step on the kernels;
starts, stopping, attributes, exceptions and warnings are scikit-learn's own.
"""

# mypy: allow-untyped-calls
# (scikit-learn has no annotations)
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import mixture as reference
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .array_types import Floats, Integers, KernelFloats
from .covariances import CovarianceType, covariance_type
from .distributions.gaussian import Mixture
from .em.e_step import Expectation, KernelComponents, Moments
from .em.initialize import begin
from .em.whitening import Units

NEGLECT = 1e-7
"""Largest share of a point's responsibilities that is left out; the kernels are float64 here."""

SMALL = 200_000
"""Point-component pairs up to which scikit-learn's own steps are used: they take milliseconds, and a
kernel for a new dimension takes seconds to compile."""

MANY = 20_000_000
"""Point-component pairs above which the start and the labels are the engine's: scikit-learn's k-means
takes longer than the fit."""

ROWS = 1 << 22
"""Entries of an (n, K) array that are held at once when labels are found."""


class _Shares:
    """What an E-step leaves behind in place of an (n, K) array of log responsibilities."""

    def __init__(self, estimator: Any, x: KernelFloats, moments: Moments, entropy: float) -> None:
        self.estimator, self.x = estimator, x
        self.moments, self.entropy = moments, entropy

    def argmax(self, axis: int | None = None, out: Any = None) -> Integers:
        """The likeliest component of each point; numpy.argmax comes here."""
        e = self.estimator
        if not e._labels_wanted:
            return np.zeros(len(self.x), np.intp)
        rows = max(1, ROWS // e.n_components)
        parts = [
            e._estimate_weighted_log_prob(self.x[at : at + rows]).argmax(axis=1)
            for at in range(0, len(self.x), rows)
        ]
        return np.concatenate(parts)


class _Points:
    """Points arranged for E-steps, with the units they are in."""

    def __init__(
        self, x: KernelFloats, weights: KernelFloats | None, kind: CovarianceType, floor: float
    ) -> None:
        self.x, points = x, x.astype(np.float64)
        w = np.ones(len(x)) if weights is None else weights / weights.max()
        self.scale = 1.0 if weights is None else float(weights.max())
        # spherical covariances need equal scales, which any floor that is equal on all axes gives
        ridge = max(floor, 1e-12 * float(points.var(axis=0).max()), 1e-300)
        self.units = Units.of(points, w, np.full(x.shape[1], ridge), kind.form)
        self.weights, self.inside = w, self.units.into(points)
        self.total = float(w.sum())
        self.expectation = Expectation(
            self.inside,
            w,
            diagonal=kind.form.diagonal,
            precision="double",
            neglect=NEGLECT,
        )


class _FastMixture:
    """The steps that both estimators share."""

    _points: _Points | None = None
    _sample_weight: KernelFloats | None = None
    _labels_wanted = True

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803 - scikit-learn's name
        """Fit to points (n, d), each counting as much as its weight in (n,) says; gives itself.

        With weights the start is the engine's, for scikit-learn's knows none.
        """
        self._labels_wanted = False
        try:
            self._fit_weighted(X, sample_weight)
        finally:
            self._labels_wanted = True
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803 - scikit-learn's name
        """Fit, and the likeliest component of each point: (n,)."""
        return self._fit_weighted(X, sample_weight)

    def _fit_weighted(self, x: Any, sample_weight: Any) -> Any:
        try:
            if sample_weight is not None:
                values = np.asarray(x, dtype=np.float64)
                weights = _check_sample_weight(sample_weight, values, ensure_non_negative=True)
                if not weights.any():
                    raise ValueError("expected sample weights of which some are > 0, got none")
                self._sample_weight = weights
            return super().fit_predict(x)  # type: ignore[misc]  # of scikit-learn's class beside this one
        finally:
            self._points = self._sample_weight = None

    def condition(self, columns: Sequence[int], values: ArrayLike) -> Mixture:
        """The mixture of the other columns given x[columns] = values; see `Mixture.condition`."""
        return self.as_mixture().condition(columns, values)

    def marginal(self, columns: Sequence[int]) -> Mixture:
        """The mixture of some columns alone; see `Mixture.marginal`."""
        return self.as_mixture().marginal(columns)

    def as_mixture(self) -> Mixture:
        """The fitted parameters as a Mixture (of a Bayesian fit: at the posterior means)."""
        check_is_fitted(self)
        return Mixture(self.weights_, self.means_, self._full(self.covariances_))  # type: ignore[attr-defined]  # fitted

    def _initialize_parameters(self: Any, x: KernelFloats, random_state: Any, **options: Any) -> None:
        if self._sample_weight is None and len(x) * self.n_components <= MANY:
            super()._initialize_parameters(x, random_state, **options)  # type: ignore[misc]  # scikit-learn's
            return
        points = self._arranged(x)
        rng = np.random.default_rng(random_state.randint(2**31 - 1))
        floor = points.units.spread_into(self.reg_covar * np.eye(x.shape[1]))
        state = begin(points.inside, points.weights, self.n_components, self.init_params, floor, rng)
        start = Mixture(state.weights, *points.units.out_of(state.means, state.covariances))
        self._begin_at(start, points.total * points.scale)

    def _e_step(self: Any, x: KernelFloats, **options: Any) -> tuple[Any, Any]:
        if self._sample_weight is None and len(x) * self.n_components <= SMALL:
            return super()._e_step(x, **options)  # type: ignore[misc]  # scikit-learn's own
        points = self._arranged(x)
        components, offset = self._components(points.units)
        moments = points.expectation.moments(components)
        # sum r log r = sum r (log joint - log p), and the joint is quadratic in x: its sums are known
        white = np.einsum("kij,kjl,kil->k", components.factors, moments.second, components.factors)
        joint = float(moments.count @ np.where(moments.count > 0, offset, 0.0) - 0.5 * white.sum())
        entropy = (moments.bound - joint) * points.scale
        return x.dtype.type(moments.bound / points.total), _Shares(self, x, moments, entropy)

    def _m_step(self: Any, x: KernelFloats, log_resp: Any, **options: Any) -> None:
        if not isinstance(log_resp, _Shares):
            super()._m_step(x, log_resp, **options)  # type: ignore[misc]  # scikit-learn's own
            return
        points, moments = self._arranged(x), log_resp.moments
        factor = points.units.factor
        count = moments.count * points.scale + 10 * np.finfo(np.float64).eps  # as scikit-learn does
        part = (points.scale / count)[:, None]
        step = part * (moments.first @ factor.T)
        spread = part[:, :, None] * (factor @ moments.second @ factor.T) - step[:, :, None] * step[:, None, :]
        self._take(count, self.means_ + step, self._compact(spread, count), x.dtype)

    def _arranged(self: Any, x: KernelFloats) -> _Points:
        if self._points is None or self._points.x is not x:
            self._points = _Points(
                x, self._sample_weight, covariance_type(self.covariance_type), float(self.reg_covar)
            )
        return self._points

    def _components(self: Any, units: Units) -> tuple[KernelComponents, KernelFloats]:
        """For the kernels: factors of scikit-learn's precisions in other units, and its offsets."""
        k, d = self.means_.shape
        precisions = np.asarray(self.precisions_cholesky_, dtype=np.float64)
        full = covariance_type(self.covariance_type).expand(precisions, k, d)
        # (x - m) U with U U^T the precision, and x = L u + origin: the factor is U^T L, lower triangular
        factors = np.swapaxes(full, 1, 2) @ units.factor
        means = np.linalg.solve(units.factor, (self.means_ - units.origin).T).T
        log_det = np.log(np.diagonal(full, axis1=1, axis2=2)).sum(axis=1)
        with np.errstate(divide="ignore"):
            offset = (
                self._estimate_log_weights() + log_det - 0.5 * d * np.log(2 * np.pi) + self._bayes_offset()
            )
        return KernelComponents(offset, means, factors), offset

    def _bayes_offset(self) -> Any:
        return 0.0

    def _full(self: Any, covariances: KernelFloats) -> Floats:
        compact = np.asarray(covariances, dtype=np.float64)
        return covariance_type(self.covariance_type).expand(compact, *self.means_.shape)

    def _compact(self: Any, spread: Floats, count: Floats) -> Any:
        """Covariances (K, d, d) in scikit-learn's shape for their type, with reg_covar added."""
        kind = covariance_type(self.covariance_type)
        return kind.compact(kind.restrict(spread + self.reg_covar * np.eye(spread.shape[1]), count))


class GaussianMixture(_FastMixture, reference.GaussianMixture):  # type: ignore[misc]  # scikit-learn has no types
    """scikit-learn's GaussianMixture, fitted by the fast engine.

    The same parameters and attributes; `fit` also takes `sample_weight` (n,), and there are
    `condition`, `marginal` and `as_mixture`. Where n times K is above 20 million, "kmeans" and
    "k-means++" starts are made from a subsample, and other starts are the engine's too.
    """

    def score_samples(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Log density of points (n, d), nats: (n,)."""
        check_is_fitted(self)
        if np.ndim(X) == 2 and len(X) * self.n_components > MANY:
            return self.as_mixture().log_density(X)
        return super().score_samples(X)

    def _begin_at(self, start: Mixture, total: float) -> None:
        count = start.weights * total
        floor = self.reg_covar * np.eye(start.dimension)
        self.means_ = start.means
        self._take(count, start.means, self._compact(start.covariances - floor, count), np.float64)
        if self.weights_init is not None:
            self.weights_ = self.weights_init
        if self.means_init is not None:
            self.means_ = self.means_init
        if self.precisions_init is not None:
            from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky_from_precisions

            self.precisions_cholesky_ = _compute_precision_cholesky_from_precisions(
                self.precisions_init, self.covariance_type
            )

    def _take(self, count: KernelFloats, means: KernelFloats, covariances: KernelFloats, dtype: Any) -> None:
        self.weights_ = (count / count.sum()).astype(dtype)
        self.means_, self.covariances_ = means.astype(dtype), covariances.astype(dtype)
        self.precisions_cholesky_ = _compute_precision_cholesky(self.covariances_, self.covariance_type)


class BayesianGaussianMixture(_FastMixture, reference.BayesianGaussianMixture):  # type: ignore[misc]  # scikit-learn has no types
    """scikit-learn's BayesianGaussianMixture, fitted by the fast engine.

    The same parameters and attributes; `fit` also takes `sample_weight` (n,), and there are
    `condition`, `marginal` and `as_mixture` at the posterior means.
    """

    def _begin_at(self, start: Mixture, total: float) -> None:
        count = start.weights * total
        floor = self.reg_covar * np.eye(start.dimension)
        self.means_ = start.means
        self._take(count, start.means, self._compact(start.covariances - floor, count), np.float64)

    def _take(self, count: KernelFloats, means: KernelFloats, covariances: KernelFloats, dtype: Any) -> None:
        self._estimate_weights(count)
        self._estimate_means(count, means)
        self._estimate_precisions(count, means, covariances)

    def _bayes_offset(self) -> Any:
        """What the expectation of the log density has beside that of the mean precision (eq. 10.65)."""
        from scipy.special import digamma

        d = self.means_.shape[1]
        half = 0.5 * (self.degrees_of_freedom_ - np.arange(d)[:, None])
        log_lambda = d * np.log(2.0) + digamma(half).sum(axis=0)
        free = d * np.log(self.degrees_of_freedom_)
        return -0.5 * free + 0.5 * (log_lambda - d / self.mean_precision_)

    def _compute_lower_bound(self, log_resp: Any, log_prob_norm: Any) -> Any:
        if not isinstance(log_resp, _Shares):
            return super()._compute_lower_bound(log_resp, log_prob_norm)
        nothing = np.zeros((1, 1))  # responsibilities without entropy
        return super()._compute_lower_bound(nothing, log_prob_norm) + log_resp.entropy
