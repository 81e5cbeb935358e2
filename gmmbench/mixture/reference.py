"""The reference engine: scikit-learn's mixtures, in units where every axis has the same floor."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fitting import Fit, count_parameters, enough_distinct
from .maximisation import shaped
from .mixture import Mixture

Floats = NDArray[np.float64]


def fit_reference(
    points: Floats,
    weights: Floats,
    components: int,
    covariance: str,
    start: str | Mixture,
    tolerance: float,
    iterations: int,
    floor: Floats,
    rng: np.random.Generator,
    watch: Callable[[int, float | None], None] | None = None,
) -> Fit:
    """`fitting.fit` by scikit-learn's GaussianMixture."""
    from sklearn.mixture import GaussianMixture

    estimator = GaussianMixture(
        components,
        covariance_type=covariance,
        tol=tolerance,
        max_iter=iterations,
        reg_covar=1.0,
        random_state=_seed(rng),
        **_starting(start, points, weights, components, covariance, floor, rng),
    )
    done = _fit(estimator, points, weights, components, floor, rng)
    if watch is not None:
        watch(int(done.n_iter_), float(done.lower_bound_))
    scale = np.sqrt(floor)
    return Fit(
        _mixture(done, covariance, scale),
        int(done.n_iter_),
        bool(done.converged_),
        float(done.lower_bound_ - np.log(scale).sum()),
        count_parameters(components, points.shape[1], covariance),
    )


def fit_bayesian_reference(
    points: Floats,
    weights: Floats,
    components: int,
    covariance: str,
    start: str,
    tolerance: float,
    iterations: int,
    floor: Floats,
    rng: np.random.Generator,
    process: bool,
    concentration: float | None,
    watch: Callable[[int, float | None], None] | None = None,
) -> Fit:
    """Variational Bayes by scikit-learn's BayesianGaussianMixture: the mixture at the posterior means.

    That mixture is a density; scikit-learn's own `score_samples` is not one (it adds expectations of
    logarithms). The covariance prior is the data's covariance divided by K^(2/d), the size of one
    component among K, for scikit-learn's default is as wide as all the data.

    Source: H. Attias, A variational Bayesian framework for graphical models (2000); Bishop (2006), 10.2.
    """
    from sklearn.mixture import BayesianGaussianMixture

    scaled = points / np.sqrt(floor)
    spread = np.atleast_2d(np.cov(scaled.T, aweights=weights, bias=True)) + np.eye(points.shape[1])
    spread = spread / components ** (2 / points.shape[1])
    prior = {
        "full": spread,
        "tied": spread,
        "diag": np.diag(spread),
        "spherical": float(np.trace(spread)) / len(spread),
    }[covariance]
    estimator = BayesianGaussianMixture(
        n_components=components,
        covariance_type=covariance,
        tol=tolerance,
        max_iter=iterations,
        init_params=start,
        reg_covar=1.0,
        covariance_prior=prior,
        weight_concentration_prior_type="dirichlet_process" if process else "dirichlet_distribution",
        weight_concentration_prior=concentration,
        random_state=_seed(rng),
    )
    done = _fit(estimator, points, weights, components, floor, rng)
    if watch is not None:
        watch(int(done.n_iter_), None)
    return Fit(
        _mixture(done, covariance, np.sqrt(floor)),
        int(done.n_iter_),
        bool(done.converged_),
        None,
        count_parameters(components, points.shape[1], covariance),
    )


def _starting(
    start: str | Mixture,
    points: Floats,
    weights: Floats,
    components: int,
    covariance: str,
    floor: Floats,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """scikit-learn's arguments for a start: its own by name; a mixture, or ours, by parameters."""
    if isinstance(start, str) and start != "stratified":
        return {"init_params": start}
    scale = np.sqrt(floor)
    if not isinstance(start, Mixture):
        from .em import Options, Problem

        enough_distinct(points, components)
        problem = Problem(points, weights, floor, Options(covariance, 0.0, 1, "double", 0.0, 1))
        start = problem.mixture(problem.begin(components, start, rng))
    spread = start.covariances / np.outer(scale, scale)
    precisions = np.linalg.inv(shaped(spread, start.weights, covariance))
    kept = {
        "full": precisions,
        "tied": precisions[0],
        "diag": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }[covariance]
    return {"weights_init": start.weights, "means_init": start.means / scale, "precisions_init": kept}


def _fit(
    estimator: Any,
    points: Floats,
    weights: Floats,
    components: int,
    floor: Floats,
    rng: np.random.Generator,
) -> Any:
    """Fit an estimator to the points in units of the floor, where its one `reg_covar` is 1."""
    x = points / np.sqrt(floor)
    if (weights != weights[0]).any():
        x = x[_resampled(weights, rng)]
    enough_distinct(x, components)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is said in the Fit
        return estimator.fit(x)


def _mixture(done: Any, covariance: str, scale: Floats) -> Mixture:
    k, d = done.means_.shape
    axes = {"full": (k, d, d), "tied": (1, d, d), "diag": (k, d, 1), "spherical": (k, 1, 1)}[covariance]
    full = np.reshape(done.covariances_, axes)
    if covariance in ("diag", "spherical"):
        full = full * np.eye(d)
    full = np.broadcast_to(full, (k, d, d))
    return Mixture(done.weights_, done.means_ * scale, full * np.outer(scale, scale))


def _resampled(weights: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Systematic resampling: each point as often as its weight says, to within one (Kitagawa 1996).

    scikit-learn's mixtures take no weights. The draws number the sum of the weights.
    """
    # In a random order: in the order of the pixels a dither pattern could beat against the ticks.
    order = rng.permutation(len(weights))
    edges = np.cumsum(weights[order])
    ticks = np.arange(max(1, round(edges[-1]))) + rng.random()
    return order[np.minimum(np.searchsorted(edges, ticks), len(weights) - 1)]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
