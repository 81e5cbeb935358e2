"""Variational Bayes on the fast engine's E-step: iterations, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..distributions.gaussian import Mixture
from ..distributions.student import StudentMixture
from ..em.iterate import Problem
from ..fit import Fit, count_parameters
from .posterior import Posterior
from .predictive import left_over, predictive
from .prior import Prior

Floats = NDArray[np.float64]
Listen = Callable[[int, float, Callable[[], Mixture]], None]

UNUSED = 0.5
"""A component that holds fewer points than this has nothing but its prior and is pruned."""


@dataclass(frozen=True, eq=False)
class BayesianFit(Fit):
    """A Fit whose mixture has the posterior means; the bound is the evidence bound per point, in nats.

    Its trace has one bound an iteration, and one for each half round of births and deaths.

    Attributes:
        predictive: the posterior predictive, which the truth of the model is: a mixture of Student's t.
        leftover: the share of the predictive that is drawn from the prior: what a Dirichlet process has
            not broken off its stick, with what components weigh that hold no point.
        used: components that hold points: those of the mixture.
    """

    predictive: StudentMixture | None = None
    leftover: float = 0.0
    used: int = 0


@dataclass(frozen=True, eq=False)
class Course:
    """Where an iteration stands: the posterior, the evidence bound on the way, E-steps done, converged."""

    posterior: Posterior
    trace: tuple[float, ...] = ()
    steps: int = 0
    converged: bool = False


class Inference:
    """Points whose evidence is bounded: each iteration is an E-step and the posterior it gives.

    Args:
        problem: the points.
        scale: what its weights must be multiplied by to count points.
        learn: whether each iteration also sets the prior to the best for its posterior.
    """

    def __init__(self, problem: Problem, scale: float, learn: bool) -> None:
        self.problem, self.scale, self.learn = problem, scale, learn
        self.points = problem.total * scale

    def begin(
        self, prior: Prior, components: int, start: str | Mixture, rng: np.random.Generator
    ) -> Posterior:
        """The first posterior: as if each of the start's components held its weight of the points."""
        state = self.problem.begin(components, start, rng)
        nothing = np.zeros_like(self.problem.floor)  # a start's covariances have the floor already
        return Posterior.of(prior, state.weights * self.points, state.means, state.covariances, nothing)

    def step(self, q: Posterior) -> tuple[float, Posterior]:
        """The evidence bound of a posterior with its best responsibilities, nats per point; the next one."""
        problem = self.problem
        moments = problem.expectation.moments(q.components(problem.floor))
        bound = (moments.bound * self.scale - q.divergence()) / self.points - problem.units.log_volume
        if not np.isfinite(bound):
            raise ValueError(
                "the evidence bound is no longer finite; try precision='double' or a larger floor"
            )
        return bound, q.update(moments, self.scale, problem.floor, self.learn)

    def iterate(self, course: Course, iterations: int, tolerance: float, listen: Listen | None) -> Course:
        """Go on until the bound gains less than the tolerance, for `iterations` in all."""
        q, trace, converged = course.posterior, list(course.trace), course.converged
        while len(trace) < iterations and not converged:
            bound, q = self.step(q)
            trace.append(bound)
            if listen is not None:
                now = q
                listen(len(trace), bound, lambda now=now: self.mixture(now))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            converged = len(trace) > 1 and abs(trace[-1] - trace[-2]) < tolerance
        return Course(q, tuple(trace), course.steps + len(trace) - len(course.trace), converged)

    def mixture(self, q: Posterior) -> Mixture:
        """The used components at their posterior means, in the points' units."""
        kept = used(q)
        return self.problem.units.out_of(q.weights[kept], q.means[kept], q.covariances[kept])


def used(q: Posterior) -> NDArray[np.bool_]:
    """Which components hold points; of a posterior that has none such, the largest: (K,)."""
    return (q.count > UNUSED) | (q.count == q.count.max())


def run(
    inference: Inference,
    prior: Prior,
    components: int,
    start: str | Mixture,
    births: int,
    rng: np.random.Generator,
    listen: Listen | None,
) -> BayesianFit:
    """Iterate, then let components be born and die while the evidence bound rises; prune what is unused.

    Args:
        inference: the points.
        births: the most rounds of births and deaths there are, see `births.grow`.
        (the others): as for `bayes.fit_bayesian`.
    """
    options = inference.problem.options
    course = Course(inference.begin(prior, components, start, rng))
    course = inference.iterate(course, options.iterations, options.tolerance, listen)
    if births:
        from .births import grow

        course = grow(inference, course, births, listen)
    q, units = course.posterior, inference.problem.units
    mixture = inference.mixture(q)
    found = predictive(q, used(q), units)
    return BayesianFit(
        mixture,
        course.steps,
        course.converged,
        course.trace[-1],
        count_parameters(mixture.n_components, mixture.dimension, options.covariance),
        course.trace,
        len(q.count) - mixture.n_components,
        0.0,
        found,
        left_over(q, used(q)),
        mixture.n_components,
    )
