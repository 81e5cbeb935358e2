"""The fast engine: expectation-maximisation on the compiled kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..distributions.gaussian import Mixture
from .e_step import PRECISIONS, Components, Expectation
from .initialize import State, begin, reseeded
from .m_step import maximise, shaped
from .missing import Filled, Missing
from .whitening import Units

Floats = NDArray[np.float64]
Listen = Callable[[int, float, Callable[[], Mixture]], None]

log = logging.getLogger(__name__)

RIDGE = 1e-13
"""Least variance in units of the points' own: what float64 can tell from none."""

NARROW = 1e-4
"""Floors of a smaller standard deviation than this, in units of the points' own, need float64."""

EMPTIES = {"remove": "removed", "reseed": "reseeded"}
"""What can be done to components that become empty, and where it is counted."""

TRIAL = 10
"""Iterations after which the best of several starts is chosen."""


@dataclass(frozen=True)
class Options:
    """How to iterate: what `fitting.fit` explains, one by one."""

    covariance: str = "full"
    tolerance: float = 1e-3
    iterations: int = 100
    precision: str = "auto"
    neglect: float = 1e-5
    threads: int | None = None
    empty: str = "reseed"


@dataclass(frozen=True, eq=False)
class Course:
    """Where an iteration stands: parameters, the bound at each iteration, whether it converged."""

    state: State
    trace: tuple[float, ...] = ()
    converged: bool = False
    removed: int = 0
    reseeded: int = 0


class Problem:
    """Points (n, d) with weights (n,) and a floor (d,), in units and blocks, ready to iterate on.

    With missing cells the bound is the log-likelihood of the points given that they lie elsewhere.
    """

    def __init__(
        self,
        points: Floats,
        weights: Floats,
        floor: Floats,
        options: Options,
        missing: Missing | None = None,
    ) -> None:
        self.options = options
        self.units = Units.of(points, weights, floor, options.covariance)
        self.weights = weights / weights.max()
        self.points = self.units.into(points)
        spread = self.units.spread_into(np.diag(floor))
        least = float(np.linalg.eigvalsh(spread)[0])
        self.floor = spread + max(0.0, RIDGE - least) * np.eye(len(floor))
        precision = options.precision
        if precision == "auto":
            precision = "double" if least < NARROW**2 else "single"
        if precision not in PRECISIONS:
            raise ValueError(f"expected a precision of auto, single, double, got {options.precision!r}")
        prepared = partial(
            Expectation,
            diagonal=options.covariance in ("diag", "spherical"),
            precision=precision,
            neglect=options.neglect,
            threads=options.threads,
        )
        self.total = float(self.weights.sum())
        self.expectation: Expectation | Filled = prepared(self.points, self.weights)
        self.hidden = np.empty((0, points.shape[1]))
        if missing is not None:
            self.hidden = self.units.into(missing.points)
            hidden = prepared(self.hidden, np.zeros(len(self.hidden)))
            volume = missing.volume / np.exp(self.units.log_volume)
            most = missing.most / float(weights.max())
            self.expectation = Filled(self.expectation, hidden, self.total, volume, most)

    def parts(self, components: Components) -> list[tuple[Expectation, Floats, Floats]]:
        """The points, and missing cells as `components` fill them: E-steps, points (n, d), weights (n,)."""
        if not isinstance(self.expectation, Filled):
            return [(self.expectation, self.points, self.weights)]
        self.expectation.fill(components)
        seen, hidden = self.expectation.seen, self.expectation.hidden
        return [(seen, self.points, self.weights), (hidden, self.hidden, self.expectation.weights)]

    def begin(self, components: int, start: str | Mixture, rng: np.random.Generator) -> State:
        """The first parameters: made by name, or a mixture in the points' units."""
        covariance = self.options.covariance
        if isinstance(start, Mixture):
            means = np.linalg.solve(self.units.factor, (start.means - self.units.origin).T).T
            spread = shaped(self.units.spread_into(start.covariances), start.weights, covariance)
            return State(start.weights, np.asarray(means, dtype=np.float64), spread)
        state = begin(self.points, self.weights, components, start, self.floor, rng)
        return replace(state, covariances=shaped(state.covariances, state.weights, covariance))

    def mixture(self, state: State) -> Mixture:
        """A state in the points' units."""
        return self.units.out_of(state.weights, state.means, state.covariances)

    def step(self, state: State) -> tuple[float, State, int]:
        """One iteration: the mean log-likelihood of `state`, the next one, and how many became empty."""
        moments = self.expectation.moments(Components.of(state.weights, state.means, state.covariances))
        bound = moments.bound / self.total - self.units.log_volume
        if not np.isfinite(bound):
            raise ValueError(
                "the log-likelihood is no longer finite; try precision='double' or a larger floor"
            )
        after = maximise(moments, state, self.floor, self.options.covariance)
        full = after.weights > 0
        gone = int((~full).sum())
        if not gone:
            return bound, after, 0
        if self.options.empty == "remove":
            return bound, after.keep(full), gone
        after = reseeded(after)
        spread = shaped(after.covariances, after.weights, self.options.covariance)
        return bound, replace(after, covariances=spread), gone

    def iterate(self, course: Course, iterations: int, listen: Listen | None) -> Course:
        """Go on until the bound gains less than the tolerance, for `iterations` in all."""
        state, trace, converged = course.state, list(course.trace), course.converged
        emptied = 0
        while len(trace) < iterations and not converged:
            bound, state, gone = self.step(state)
            trace.append(bound)
            emptied += gone
            if gone:
                log.info(
                    "%s %d empty components at iteration %d", EMPTIES[self.options.empty], gone, len(trace)
                )
            if listen is not None:
                now = state
                listen(len(trace), bound, lambda now=now: self.mixture(now))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            converged = not gone and len(trace) > 1 and abs(trace[-1] - trace[-2]) < self.options.tolerance
        name = EMPTIES[self.options.empty]
        counted = {name: getattr(course, name) + emptied}
        return replace(course, state=state, trace=tuple(trace), converged=converged, **counted)


def run(
    problem: Problem,
    components: int,
    start: str | Mixture,
    starts: int,
    moves: int,
    rng: np.random.Generator,
    listen: Listen | None,
) -> Course:
    """Iterate from the best of several starts, then try moves that leave poor optima."""
    options = problem.options
    best = Course(problem.begin(components, start, rng))
    if starts > 1:
        for attempt in range(starts):
            if attempt:
                problem.expectation.forget()
                candidate = Course(problem.begin(components, start, rng))
            else:
                candidate = best
            candidate = problem.iterate(candidate, min(TRIAL, options.iterations), None)
            if not attempt or candidate.trace[-1] > best.trace[-1]:
                best = candidate
        problem.expectation.forget()
    best = problem.iterate(best, options.iterations, listen)
    if moves:
        from .split_merge import improve

        best = improve(problem, best, moves, rng)
    return best
