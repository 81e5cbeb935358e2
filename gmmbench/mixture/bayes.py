"""Fitting a Bayesian Gaussian mixture by variational inference: one door for the engines behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from .fitting import COVARIANCES, STARTS, Fit, Watcher, checked, chosen, enough_distinct
from .mixture import Mixture


def fit_bayesian(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    start: str | Mixture = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    floor: ArrayLike = 1e-6,
    process: bool = False,
    concentration: float | None = None,
    rng: np.random.Generator,
    watch: Watcher | None = None,
    engine: str = "auto",
    births: int = 0,
    threads: int | None = None,
    precision: str = "auto",
    neglect: float = 1e-5,
) -> Fit:
    """Fit a mixture with a prior on its weights, by variational Bayes (Attias 2000).

    Args:
        process: False for a Dirichlet prior on K weights, True for a Dirichlet process cut at K.
        concentration: the prior's concentration, > 0 (None: 1/K).
        engine: "fast" (full covariances), "sklearn", or "auto": fast where it can.
        births: batches of births to try at the end, each kept only if the evidence bound rises: with
            them `components` is where the number begins, not where it ends.
        (the others): as for `fit`; the tolerance is on the evidence bound per point.

    Returns:
        A Fit whose mixture has the posterior means of weights, means and covariances, without
        components that hold no point; of the fast engine a `variational.BayesianFit`, with the
        evidence bound and the posterior predictive.

    Raises:
        ValueError: as for `fit`.
    """
    x, w, axes = checked(points, weights, floor)
    chosen("engine", engine, ("auto", "fast", "sklearn"))
    chosen("covariance", covariance, COVARIANCES)
    if isinstance(start, str):
        chosen("start", start, STARTS)
    if concentration is not None and not concentration > 0:
        raise ValueError(f"expected a concentration > 0, got {concentration}")
    if engine == "fast" and covariance != "full":
        raise ValueError(f"expected full covariances, got {covariance}; try engine='sklearn'")
    if engine == "sklearn" or covariance != "full":
        from .reference import fit_bayesian_reference

        if not isinstance(start, str) or start == "stratified":
            raise ValueError("expected a start that scikit-learn has; try engine='fast' for this one")
        common = (x, w, components, covariance, start, tolerance, iterations, axes, rng)
        return fit_bayesian_reference(*common, process, concentration, watch)
    from .em import Options, Problem
    from .kernels.compiling import compile_seconds
    from .variational import image_prior, run

    before = compile_seconds()
    x, w = x[w > 0], w[w > 0]
    enough_distinct(x, components)
    problem = Problem(x, w, axes, Options("full", tolerance, iterations, precision, neglect, threads))
    prior = image_prior(problem, components, process, concentration)
    found = run(problem, float(w.max()), prior, components, start, births, rng, watch)
    return replace(found, compile_seconds=compile_seconds() - before)
