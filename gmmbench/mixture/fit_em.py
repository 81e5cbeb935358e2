"""Fitting a Gaussian mixture: one door for the engines behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .covariances import covariance_type
from .distributions.gaussian import Mixture
from .em.iterate import EMProgress
from .em.missing import Missing
from .em.optimise import optimise
from .em.problem import Options, Problem
from .fit_checks import check_choice, check_distinct, check_points
from .fit_result import Fit, Watcher
from .sklearn_engine import fit_reference

INITS = ("kmeans", "k-means++", "stratified", "random", "random_from_data")
"""How the first components are made, see `initialize.begin`; scikit-learn is given "stratified" ones."""

EMPTY = ("remove", "reseed")
"""What to do with components that become empty."""

ENGINES = ("fast", "sklearn")
"""Our own kernels, and the reference."""


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
    x, w, axes = check_points(points, weights, covariance_floor, incomplete=nan_is_missing)
    kind = covariance_type(covariance)
    check_choice("engine", engine, ENGINES)
    check_choice("empty", empty, EMPTY)
    if isinstance(init, str):
        check_choice("init", init, INITS)
    elif init.dimension != x.shape[1] or init.n_components != components:
        raise ValueError(
            f"expected an init of {components} components in {x.shape[1]} dimensions, "
            f"got {init.n_components} in {init.dimension}"
        )
    if nan_is_missing and (missing is not None or engine == "sklearn"):
        raise ValueError("expected engine='fast' and no missing cells of a lattice with nan_is_missing=True")
    if engine == "sklearn":
        if missing is not None:
            raise ValueError("expected engine='fast' for missing cells, got 'sklearn'")
        return fit_reference(x, w, components, kind, init, tolerance, iterations, axes, rng, watch)
    from .kernels.compiler import compile_seconds

    if not 0 <= truncation < 1 or iterations < 1 or n_init < 1 or split_merge < 0 or components < 1:
        raise ValueError(
            "expected 0 <= truncation < 1, split_merge >= 0, and components, iterations and n_init >= 1, got "
            f"{truncation}, {split_merge}, {components}, {iterations} and {n_init}"
        )
    before = compile_seconds()
    if not w.all():
        x, w = x[w > 0], w[w > 0]
    check_distinct(x, components)
    holes = None if missing is None else Missing.of(*missing, x.shape[1])
    options = Options(kind, tolerance, iterations, precision, truncation, threads, empty)
    problem = Problem(x, w, axes, options, holes)
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
