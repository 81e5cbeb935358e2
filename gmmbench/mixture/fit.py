"""Fitting a Gaussian mixture: one door for the engines behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .distributions.gaussian import Mixture

if TYPE_CHECKING:
    from .em.iterate import Course, Problem

Floats = NDArray[np.float64]

COVARIANCES = ("full", "diag", "spherical", "tied")
"""The covariance types, by scikit-learn's names."""

STARTS = ("kmeans", "k-means++", "stratified", "random", "random_from_data")
"""How the first components are made, see `starts.begin`; "stratified" is ours alone, for either engine."""

EMPTY = ("remove", "reseed")
"""What to do with components that become empty."""

ENGINES = ("fast", "sklearn")
"""Our own kernels, and the reference."""

Watcher = Callable[..., None]
"""Called as watch(iteration, bound), or watch(iteration, bound, snapshot) by the fast engine, where
snapshot() makes a Mixture of the present state."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit came to: the mixture, iterations done, whether it converged, and the final lower
    bound per point (EM: the mean log-likelihood in nats; None where an engine does not know).

    Attributes:
        trace: the bound at each iteration, where the engine says it.
        removed: components that became empty and were taken out.
        reseeded: components that became empty and were put elsewhere, each time counted.
        compile_seconds: what compiling kernels, or loading them, took of the fit's time.
    """

    mixture: Mixture
    iterations: int
    converged: bool
    bound: float | None
    n_parameters: int
    trace: tuple[float, ...] = ()
    removed: int = 0
    compile_seconds: float = 0.0
    reseeded: int = field(default=0, kw_only=True)


def fit(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    covariance: str = "full",
    start: str | Mixture = "kmeans",
    tolerance: float = 1e-3,
    iterations: int = 100,
    floor: ArrayLike = 1e-6,
    rng: np.random.Generator,
    watch: Watcher | None = None,
    engine: str = "fast",
    starts: int = 1,
    moves: int = 0,
    threads: int | None = None,
    precision: str = "auto",
    neglect: float = 1e-5,
    empty: str = "reseed",
    missing: tuple[ArrayLike, float] | None = None,
) -> Fit:
    """Fit a mixture by expectation-maximisation (Dempster, Laird and Rubin 1977).

    Args:
        points: (n, d).
        weights: (n,) how much each point counts, or None for one each.
        components: K; no more than there are distinct points.
        covariance: one of COVARIANCES; spherical means spherical in units of the floor.
        start: one of STARTS, or the mixture to begin with.
        tolerance: stop when the mean log-likelihood changes by less than this in an iteration, nats.
        iterations: stop after this many in any case.
        floor: variance added to each axis of every covariance, a number or (d,): a pixel is a square of
            side `cell`, not a point, and cell^2 / 12 is the variance of that square.
        rng: where the start draws its random numbers.
        watch: called at each iteration, see Watcher.
        engine: one of ENGINES; what follows is for "fast" alone.
        starts: how many starts to try for a few iterations; the best goes on.
        moves: how many batches of split-and-merge moves to try at the end, each kept only if it gains.
        threads: None for as many as this process may use; the result does not depend on it.
        precision: "single" or "double" kernels (totals are double), or "auto": single where the floor
            allows it.
        neglect: the largest share of any point's responsibilities that may be left out; 0 for none.
        empty: components that no point belongs to become halves of the heaviest ones ("reseed"), which
            keeps their number though the likelihood may fall once, or are taken out ("remove").
        missing: the centres (m, d) of cells where nobody looked, and the volume of one: what the fit expects
            there is filled in, at most 1 a cell, instead of being read as empty; the bound is then that of
            the points given that they lie where somebody looked (see `missing.Filled`).

    Raises:
        ValueError: no points, values that are not finite, fewer distinct points than components, an
            option that does not exist, covariances that the floor does not keep positive definite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = fit(rng.normal(size=(500, 2)), components=1, rng=rng)
        >>> found.mixture.n_components, found.converged
        (1, True)
    """
    x, w, axes = checked(points, weights, floor)
    chosen("covariance", covariance, COVARIANCES)
    chosen("engine", engine, ENGINES)
    chosen("empty", empty, EMPTY)
    if isinstance(start, str):
        chosen("start", start, STARTS)
    elif start.dimension != x.shape[1] or start.n_components != components:
        raise ValueError(
            f"expected a start of {components} components in {x.shape[1]} dimensions, "
            f"got {start.n_components} in {start.dimension}"
        )
    if engine == "sklearn":
        if missing is not None:
            raise ValueError("expected engine='fast' for missing cells, got 'sklearn'")
        from .sklearn_engine import fit_reference

        return fit_reference(x, w, components, covariance, start, tolerance, iterations, axes, rng, watch)
    from .em.iterate import Options, Problem, run
    from .em.missing import Missing
    from .kernels.compiler import compile_seconds

    if not 0 <= neglect < 1 or iterations < 1 or starts < 1 or moves < 0 or components < 1:
        raise ValueError(
            "expected 0 <= neglect < 1, moves >= 0, and components, iterations and starts >= 1, got "
            f"{neglect}, {moves}, {components}, {iterations} and {starts}"
        )
    before = compile_seconds()
    if not w.all():
        x, w = x[w > 0], w[w > 0]
    enough_distinct(x, components)
    holes = None if missing is None else Missing.of(*missing, x.shape[1])
    options = Options(covariance, tolerance, iterations, precision, neglect, threads, empty)
    problem = Problem(x, w, axes, options, holes)
    course = run(problem, components, start, starts, moves, rng, watch)
    return _fit_of(problem, course, compile_seconds() - before)


def _fit_of(problem: Problem, course: Course, seconds: float) -> Fit:
    mixture = problem.mixture(course.state)
    return Fit(
        mixture,
        len(course.trace),
        course.converged,
        course.trace[-1],
        count_parameters(mixture.n_components, mixture.dimension, problem.options.covariance),
        course.trace,
        course.removed,
        seconds,
        reseeded=course.reseeded,
    )


def checked(points: ArrayLike, weights: ArrayLike | None, floor: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Points (n, d), weights (n,) and floor (d,) as float64. Raises ValueError where they are no such."""
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected points (n, d) with n >= 1, got shape {x.shape}")
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(x),):
        raise ValueError(f"expected weights ({len(x)},), got {w.shape}")
    if not (np.isfinite(x).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise ValueError("expected finite points and finite weights >= 0")
    if not w.any():
        raise ValueError("expected weights of which some are > 0, got none")
    axes = np.broadcast_to(np.asarray(floor, dtype=np.float64), (x.shape[1],))
    if not (np.isfinite(axes).all() and (axes > 0).all()):
        raise ValueError(f"expected a floor > 0 on every axis, got {axes}")
    return x, w, axes


class TooManyComponents(ValueError):  # noqa: N818 - it says what was asked for
    """More components were asked for than there are distinct points."""


def enough_distinct(points: Floats, components: int) -> None:
    """Raise TooManyComponents unless there are as many distinct points as components."""
    few = points[:: max(1, len(points) // (4 * components))]  # most often these will do
    if len(np.unique(few, axis=0)) >= components:
        return
    distinct = len(np.unique(points, axis=0))
    if distinct < components:
        raise TooManyComponents(
            f"expected at most {distinct} components, for there are {distinct} distinct points to fit; "
            f"got {components}"
        )


def count_parameters(components: int, dimension: int, covariance: str) -> int:
    """Free parameters of a mixture: K - 1 weights, K d means, and its covariances."""
    triangle = dimension * (dimension + 1) // 2
    spread = {
        "full": components * triangle,
        "diag": components * dimension,
        "spherical": components,
        "tied": triangle,
    }[covariance]
    return components - 1 + components * dimension + spread


def chosen(what: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError, saying what there is, unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"expected {what} to be one of {', '.join(choices)}, got {value!r}")
