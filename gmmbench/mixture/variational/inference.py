"""Iterations of variational Bayes, on the E-step of EM."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..distributions.gaussian import Mixture
from ..em.problem import Problem
from ..fit_result import Watcher
from .empirical_bayes import learned_prior
from .posterior import Posterior
from .prior import Prior


@dataclass(frozen=True, eq=False)
class VariationalProgress:
    """The state of the iterations: posterior, evidence bounds, number of E-steps, whether converged."""

    posterior: Posterior
    trace: tuple[float, ...] = ()
    steps: int = 0
    converged: bool = False


class Inference:
    """Variational inference for some points: each iteration is an E-step and an update of the posterior.

    Args:
        problem: the points.
        scale: the factor that makes the problem's weights count points.
        learn: whether each iteration also sets the prior to the best one for its posterior.
    """

    def __init__(self, problem: Problem, scale: float, learn: bool) -> None:
        self.problem, self.scale, self.learn = problem, scale, learn
        self.points = problem.total * scale
        # for incomplete points, the mean over their known cells
        self._log_volume = problem.units.log_volume if problem.complete else problem.log_volume

    def begin(
        self, prior: Prior, components: int, init: str | Mixture, rng: np.random.Generator
    ) -> Posterior:
        """The first posterior: each component of the initialisation holds its weight of the points."""
        state = self.problem.begin(components, init, rng)
        nothing = np.zeros_like(self.problem.covariance_floor)  # these covariances already include the floor
        return Posterior.of(prior, state.weights * self.points, state.means, state.covariances, nothing)

    def step(self, q: Posterior) -> tuple[float, Posterior]:
        """The evidence bound of a posterior, with its best responsibilities, nats per point; the next one."""
        problem = self.problem
        moments = problem.expectation.moments(q.components(problem.covariance_floor))
        bound = (moments.bound * self.scale - q.divergence()) / self.points - self._log_volume
        if not np.isfinite(bound):
            raise ValueError(
                "the evidence bound is no longer finite; try precision='double' or a larger covariance floor"
            )
        after = q.update(moments, self.scale, problem.covariance_floor)
        return bound, replace(after, prior=learned_prior(after)) if self.learn else after

    def iterate(
        self, progress: VariationalProgress, iterations: int, tolerance: float, watch: Watcher | None
    ) -> VariationalProgress:
        """Iterate until the bound gains less than the tolerance, or to a total of `iterations`."""
        q, trace, converged = progress.posterior, list(progress.trace), progress.converged
        while len(trace) < iterations and not converged:
            bound, q = self.step(q)
            trace.append(bound)
            if watch is not None:
                watch(len(trace), bound, lambda now=q: self.mixture(now))
            converged = len(trace) > 1 and abs(trace[-1] - trace[-2]) < tolerance
        steps = progress.steps + len(trace) - len(progress.trace)
        return VariationalProgress(q, tuple(trace), steps, converged)

    def mixture(self, q: Posterior) -> Mixture:
        """The used components at their posterior means, in the points' own units."""
        kept = q.used
        means, covariances = self.problem.units.out_of(q.means[kept], q.covariances[kept])
        return Mixture(q.weights[kept], means, covariances)
