"""Fitting a Gaussian mixture by expectation-maximisation, with our own kernels or with scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .distributions.gaussian import Mixture
from .em.iterate import EMProgress
from .em.optimise import optimise
from .em.problem import Options, Problem
from .fit_checks import check_arguments, check_choice
from .fit_result import Fit, Watcher
from .sklearn_engine import fit_reference

EMPTY = ("remove", "reseed")
"""What happens to components that become empty."""


def fit(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    init: str | Mixture = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    covariance_floor: ArrayLike = 1e-6,
    rng: np.random.Generator,
    watch: Watcher | None = None,
    engine: str = "fast",
    n_init: int = 1,
    split_merge: int = 0,
    threads: int | None = None,
    precision: str = "auto",
    truncation: float = 1e-5,
    empty: str = "reseed",
    missing: tuple[ArrayLike, float] | None = None,
    nan_is_missing: bool = False,
) -> Fit:
    """Fit a mixture by expectation-maximisation (Dempster, Laird and Rubin 1977).

    Args:
        points: (n, d).
        weights: (n,), how much each point counts; None: 1 for each.
        components: K, at most the number of distinct points.
        covariance: one of COVARIANCES; spherical means spherical in units of the floor.
        init: one of INITS, or the mixture to start from. scikit-learn gets the parameters of "stratified".
        tolerance: stop when an iteration changes the mean log-likelihood by less than this, nats.
        iterations: the largest number of iterations.
        covariance_floor: the variance that is added to each axis of every covariance, a number or (d,). A
            pixel is a square of side `cell`, not a point, and cell^2 / 12 is the variance of that square.
        rng: the source of random numbers for the initialisation.
        watch: called at each iteration; see `Watcher`.
        engine: one of ENGINES. The arguments below are for "fast" only.
        n_init: the number of initialisations that are tried for a few iterations; the best continues.
        split_merge: the number of batches of split-and-merge moves at the end. A batch is kept only if the
            likelihood improves.
        threads: the number of threads; None: as many as this process may use. The result does not depend on
            it.
        precision: "single" or "double" kernels (totals are always double), or "auto": single if the floor
            allows it.
        truncation: the largest share of any point's responsibilities that may be left out; 0: none.
        empty: "reseed": components without points become halves of the heaviest ones, which keeps K, though
            the likelihood may fall once; "remove": they are removed.
        missing: the centres (m, d) of cells that were not observed, and the volume of one. The expected
            content is filled in, at most 1 for each cell, so that the cells do not count as empty. The bound
            is then that of the points given that they lie in observed cells (see `missing.Filled`).
        nan_is_missing: whether NaN marks a value that is missing at random; otherwise NaN is refused. The
            fit is then EM for missing data, and the bound is that of the known values (see
            `incomplete.IncompleteExpectation`). It cannot be combined with `missing`.

    Raises:
        ValueError: no points, values that are not finite, fewer distinct points than components, an option
            that does not exist, or covariances that are not positive definite in spite of the floor.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = fit(rng.normal(size=(500, 2)), components=1, rng=rng)
        >>> found.mixture.n_components, found.converged
        (1, True)
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
        at_least={"iterations": (iterations, 1), "n_init": (n_init, 1), "split_merge": (split_merge, 0)},
        missing=missing is not None,
        nan_is_missing=nan_is_missing,
    )
    check_choice("empty", empty, EMPTY)
    if engine == "sklearn":
        return fit_reference(given, components, init, tolerance, iterations, rng, watch)
    from .kernels.compiler import compile_seconds

    before = compile_seconds()
    options = Options(given.covariance, tolerance, iterations, precision, truncation, threads, empty)
    problem = Problem.of(given, components, options, missing)
    progress = optimise(problem, components, init, n_init, split_merge, rng, watch)
    return _fit_of(problem, progress, compile_seconds() - before)


def _fit_of(problem: Problem, progress: EMProgress, seconds: float) -> Fit:
    mixture = problem.mixture(progress.state)
    return Fit(
        mixture,
        len(progress.trace),
        progress.converged,
        progress.trace[-1],
        problem.options.covariance.n_parameters(mixture.n_components, mixture.dimension),
        progress.trace,
        progress.removed,
        seconds,
        reseeded=progress.reseeded,
    )
