"""The reference engine: scikit-learn's mixtures, in units where every axis has the same floor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .array_types import Floats, Integers
from .covariances import CovarianceType
from .distributions.gaussian import Mixture
from .em.problem import Options, Problem
from .em.whitening import Units
from .fit_checks import FitArguments, check_distinct
from .fit_result import BayesianFit, Fit, Watcher
from .sample_weights import in_observations
from .variational.posterior import Posterior
from .variational.predictive import left_over, predictive
from .variational.prior import Prior

MOST_REPEATED = 10
"""Rows are repeated according to their weights if this makes at most so many times as many rows."""


def fit_reference(
    given: FitArguments,
    components: int,
    init: str | Mixture,
    tolerance: float,
    iterations: int,
    rng: np.random.Generator,
    watch: Watcher | None = None,
) -> Fit:
    """`fit` by scikit-learn's GaussianMixture."""
    from sklearn.mixture import GaussianMixture

    points, covariance = given.points, given.covariance
    scale = np.sqrt(given.covariance_floor)
    estimator = GaussianMixture(
        components,
        covariance_type=_name(covariance),
        tol=tolerance,
        max_iter=iterations,
        reg_covar=1.0,
        random_state=_seed(rng),
        **_starting(init, given, components, rng),
    )
    done = _fit(estimator, _by_weight(points / scale, given.weights, rng), components)
    if watch is not None:
        watch(int(done.n_iter_), float(done.lower_bound_))
    return Fit(
        _mixture(done, covariance, scale),
        int(done.n_iter_),
        bool(done.converged_),
        float(done.lower_bound_ - np.log(scale).sum()),
        covariance.n_parameters(components, points.shape[1]),
    )


def fit_bayesian_reference(
    given: FitArguments,
    components: int,
    init: str,
    tolerance: float,
    iterations: int,
    rng: np.random.Generator,
    process: bool,
    concentration: float | None,
    watch: Watcher | None = None,
) -> BayesianFit:
    """`fit_bayesian` by scikit-learn's BayesianGaussianMixture, with our prior.

    The `score_samples` of that class is not a density, since it adds expectations of logarithms. The
    predictive is one.

    Source: H. Attias, A variational Bayesian framework for graphical models (2000); Bishop (2006), 10.2.
    """
    from sklearn.mixture import BayesianGaussianMixture

    covariance, weights = given.covariance, given.weights
    d = given.points.shape[1]
    scale = np.sqrt(given.covariance_floor)
    points = given.points / scale
    prior = Prior.of_points(
        points, weights, np.eye(d), components, covariance, process, concentration
    )  # fmt: skip
    estimator = BayesianGaussianMixture(
        n_components=components,
        covariance_type=_name(covariance),
        tol=tolerance,
        max_iter=iterations,
        init_params=init,
        reg_covar=1.0,
        mean_precision_prior=prior.mean_precision,
        mean_prior=prior.mean,
        covariance_prior=covariance.form.compact(prior.covariance),
        weight_concentration_prior_type="dirichlet_process" if process else "dirichlet_distribution",
        weight_concentration_prior=prior.concentration,
        random_state=_seed(rng),
    )
    done = _fit(estimator, _counted(points, weights, rng), components)
    if watch is not None:
        watch(int(done.n_iter_), None)
    q, units = _posterior(done, prior), Units(np.zeros(d), np.diag(scale))
    kept = q.used
    return BayesianFit(
        Mixture(q.weights[kept], *units.out_of(q.means[kept], q.covariances[kept])),
        int(done.n_iter_),
        bool(done.converged_),
        None,
        covariance.n_parameters(int(kept.sum()), d),
        removed=int((~kept).sum()),
        predictive=predictive(q, kept, units),
        leftover=left_over(q, kept),
        used=int(kept.sum()),
    )


def _posterior(done: Any, prior: Prior) -> Posterior:
    """scikit-learn's fit as our posterior. Its sticks are in the order of the components."""
    k, d = done.means_.shape
    sticks = np.zeros((k, 2))
    if prior.process:
        sticks[:] = np.stack(done.weight_concentration_, axis=1)
    else:
        sticks[:, 0] = done.weight_concentration_
    degrees = done.degrees_of_freedom_ * prior.shares
    return Posterior(
        prior,
        sticks,
        done.means_,
        done.mean_precision_,
        np.broadcast_to(degrees, (k,)),
        prior.kind.expand(done.covariances_, k, d),
        done.mean_precision_ - prior.mean_precision,
        np.arange(k),
    )


def _starting(
    init: str | Mixture, given: FitArguments, components: int, rng: np.random.Generator
) -> dict[str, Any]:
    """scikit-learn's arguments for an init: the name of its own; of others, the parameters."""
    if isinstance(init, str) and init != "stratified":
        return {"init_params": init}
    covariance, scale = given.covariance, np.sqrt(given.covariance_floor)
    if not isinstance(init, Mixture):
        check_distinct(given.points, components)
        options = Options(covariance, 0.0, 1, "double", 0.0, 1)
        problem = Problem(given.points, given.weights, given.covariance_floor, options)
        init = problem.mixture(problem.begin(components, init, rng))
    spread = init.covariances / np.outer(scale, scale)
    kept = covariance.compact(np.asarray(np.linalg.inv(covariance.restrict(spread, init.weights))))
    return {"weights_init": init.weights, "means_init": init.means / scale, "precisions_init": kept}


def _fit(estimator: Any, rows: Floats, components: int) -> Any:
    """Fit an estimator to rows in units of the floor, where its one `reg_covar` is 1."""
    check_distinct(rows, components)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Fit tells whether it converged
        return estimator.fit(rows)


def _mixture(done: Any, covariance: CovarianceType, scale: Floats) -> Mixture:
    full = covariance.expand(done.covariances_, *done.means_.shape)
    return Mixture(done.weights_, done.means_ * scale, full * np.outer(scale, scale))


def _name(covariance: CovarianceType) -> str:
    """scikit-learn's name of a type. Raises ValueError if it has none."""
    if not covariance.in_scikit_learn:
        raise ValueError(
            f"expected a covariance that scikit-learn has, got {covariance.name!r}; try engine='fast'"
        )
    return covariance.name


def _counted(points: Floats, weights: Floats, rng: np.random.Generator) -> Floats:
    """Unweighted points that stand for weighted ones, each of which counts as much as its weight."""
    return points[_resampled(weights, rng)] if (weights != weights[0]).any() else points


def _by_weight(points: Floats, weights: Floats, rng: np.random.Generator) -> Floats:
    """Unweighted points that stand for weighted ones, independent of the scale of the weights.

    If the weights are repetitions and not too many, each point is repeated. Otherwise points are resampled;
    a point with the largest weight is drawn once on average.
    """
    x, w = points[weights > 0], weights[weights > 0]
    _, repeats = in_observations(w)
    if repeats is not None and repeats.sum() <= MOST_REPEATED * len(x):
        return np.repeat(x, repeats, axis=0)
    return x[_resampled(w / w.max(), rng)]


def _resampled(weights: Floats, rng: np.random.Generator) -> Integers:
    """Systematic resampling: each point as often as its weight, to within one (Kitagawa 1996).

    scikit-learn's mixtures take no weights. The number of samples is the sum of the weights.
    """
    # In a random order: in the order of the pixels, a dither pattern could interfere with the ticks.
    order = rng.permutation(len(weights))
    edges = np.cumsum(weights[order])
    ticks = np.arange(max(1, round(edges[-1]))) + rng.random()
    return order[np.minimum(np.searchsorted(edges, ticks), len(weights) - 1)]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
