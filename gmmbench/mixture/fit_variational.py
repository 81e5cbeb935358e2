"""Fitting a Bayesian Gaussian mixture by variational inference, with our own kernels or scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .distributions.gaussian import Mixture
from .em.problem import Options, Problem
from .fit_checks import check_arguments, check_choice
from .fit_result import BayesianFit, Watcher
from .sklearn_engine import fit_bayesian_reference
from .variational.births import grow
from .variational.inference import Inference, VariationalProgress
from .variational.predictive import left_over, predictive
from .variational.prior import Prior

PRIORS = ("points", "evidence")
"""The prior of means and covariances: that of one component among K, or what the evidence favours."""


def fit_bayesian(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    init: str | Mixture = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    covariance_floor: ArrayLike = 1e-6,
    process: bool = False,
    concentration: float | None = None,
    rng: np.random.Generator,
    watch: Watcher | None = None,
    engine: str = "fast",
    prior: str = "points",
    births: int = 0,
    threads: int | None = None,
    precision: str = "auto",
    truncation: float = 1e-5,
    missing: tuple[ArrayLike, float] | None = None,
    nan_is_missing: bool = False,
) -> BayesianFit:
    """Fit a mixture with a prior on its weights, by variational Bayes (Attias 2000).

    Args:
        covariance: as for `fit`. The posterior of each type is that of scikit-learn: see
            `posterior.Posterior`.
        process: False for a Dirichlet prior on K weights; True for a Dirichlet process of which K sticks are
            broken, in order of size.
        concentration: the prior's concentration, > 0. None: 1/K; for a process with prior="evidence", what
            the evidence favours.
        covariance_floor: the covariance of the blob that each point is, a number or (d,). It adds to the
            scatter, and -tr(E[precision] floor) / 2 to expected log densities, so that the bound never falls.
        prior: "points": a component is as wide as one among K that fill the points' covariance.
            "evidence": each iteration sets the prior's mean precision and covariance to the values with the
            highest bound: see `empirical_bayes.learned_prior`.
        engine: "fast"; or "sklearn" as a reference, with prior="points" and without births. The reference
            does not report its bound.
        births: the largest number of rounds of births and deaths at the end. A round is kept only if the
            evidence bound rises. With births, `components` is the first number of components, not the last.
        nan_is_missing: as for `fit`; it does not go with `births`.
        (the others): as for `fit`. The tolerance is on the evidence bound per point. With missing cells, this
            is the evidence of the points given that they lie in observed cells.

    Returns:
        A `BayesianFit`. Its mixture has the posterior means of weights, means and covariances, without the
        components that hold no points. Its predictive is the density of the next point.

    Raises:
        ValueError: as for `fit`, or if the engine is scikit-learn and lacks what is asked for.
    """
    given = check_arguments(
        points,
        weights,
        covariance_floor,
        covariance,
        init,
        engine,
        components=components,
        truncation=truncation,
        at_least={"iterations": (iterations, 1), "births": (births, 0)},
        missing=missing is not None,
        nan_is_missing=nan_is_missing,
    )
    check_choice("prior", prior, PRIORS)
    if concentration is not None and not concentration > 0:
        raise ValueError(f"expected a concentration > 0, got {concentration}")
    if nan_is_missing and births:
        raise ValueError(f"expected births=0 with nan_is_missing=True, got {births}; try births=0")
    if engine == "sklearn":
        if not isinstance(init, str) or init == "stratified" or births or prior != "points":
            asked = init if isinstance(init, str) else "a mixture"
            raise ValueError(
                "expected an init that scikit-learn has, prior='points' and births=0, "
                f"got {asked}, {prior!r} and {births}; try engine='fast'"
            )
        return fit_bayesian_reference(
            given, components, init, tolerance, iterations, rng, process, concentration, watch
        )
    from .kernels.compiler import compile_seconds

    before = compile_seconds()
    options = Options(given.covariance, tolerance, iterations, precision, truncation, threads)
    problem = Problem.of(given, components, options, missing)
    first = _prior(problem, components, process, concentration)
    inference = Inference(problem, float(given.weights.max()), prior == "evidence")
    progress = VariationalProgress(inference.begin(first, components, init, rng))
    progress = inference.iterate(progress, iterations, tolerance, watch)
    if births:
        progress = grow(inference, progress, births, watch)
    return _fit_of(inference, progress, compile_seconds() - before)


def _prior(problem: Problem, components: int, process: bool, concentration: float | None) -> Prior:
    floor, kind = problem.covariance_floor, problem.options.covariance
    if problem.spread is not None:
        mean = np.zeros(len(floor))
        return Prior.of_moments(mean, problem.spread + floor, components, kind, process, concentration)
    return Prior.of_points(problem.points, problem.weights, floor, components, kind, process, concentration)


def _fit_of(inference: Inference, progress: VariationalProgress, seconds: float) -> BayesianFit:
    q, units = progress.posterior, inference.problem.units
    mixture = inference.mixture(q)
    return BayesianFit(
        mixture,
        progress.steps,
        progress.converged,
        progress.trace[-1],
        inference.problem.options.covariance.n_parameters(mixture.n_components, mixture.dimension),
        progress.trace,
        len(q.count) - mixture.n_components,
        seconds,
        predictive=predictive(q, q.used, units),
        leftover=left_over(q, q.used),
        used=mixture.n_components,
    )
