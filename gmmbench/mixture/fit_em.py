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
"""What to do with components that become empty."""


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
        weights: (n,) how much each point counts, or None for one each.
        components: K; no more than there are distinct points.
        covariance: one of COVARIANCES; spherical means spherical in units of the floor.
        init: one of INITS, or the mixture to begin with.
        tolerance: stop when the mean log-likelihood changes by less than this in an iteration, nats.
        iterations: stop after this many in any case.
        covariance_floor: variance added to each axis of every covariance, a number or (d,): a pixel is a
            square of side `cell`, not a point, and cell^2 / 12 is the variance of that square.
        rng: the source of the initialisation's random numbers.
        watch: called at each iteration, see Watcher.
        engine: one of ENGINES; what follows is for "fast" alone.
        n_init: how many initialisations to try for a few iterations; the best goes on.
        split_merge: how many batches of split-and-merge moves to try at the end; a batch is kept only if it
            gains.
        threads: None for as many as this process may use; the result does not depend on it.
        precision: "single" or "double" kernels (totals are double), or "auto": single where the floor
            allows it.
        truncation: the largest share of any point's responsibilities that may be left out; 0 for none.
        empty: components that no point belongs to become halves of the heaviest ones ("reseed"), which
            keeps their number though the likelihood may fall once, or are taken out ("remove").
        missing: the centres (m, d) of cells where nobody looked, and the volume of one: what the fit expects
            there is filled in, at most 1 a cell, instead of being read as empty; the bound is then that of
            the points given that they lie where somebody looked (see `missing.Filled`).
        nan_is_missing: whether NaN marks a cell of a point that is missing at random, instead of being
            refused: the fit is by EM for missing data then, and the bound that of the cells that are known
            (see `incomplete.IncompleteExpectation`). It does not go with `missing`.

    Raises:
        ValueError: no points, values that are not finite, fewer distinct points than components, an
            option that does not exist, covariances that the floor does not keep positive definite.

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
