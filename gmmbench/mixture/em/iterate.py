"""Iterations of expectation-maximisation."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np

from ..fit_result import Watcher
from .e_step import KernelComponents
from .initialize import State, reseeded
from .m_step import maximise
from .problem import Problem

log = logging.getLogger(__name__)

EMPTIES = {"remove": "removed", "reseed": "reseeded"}
"""What happens to components that become empty, and the attribute that counts them."""


@dataclass(frozen=True, eq=False)
class EMProgress:
    """The state of a run of EM: the parameters, the bound at each iteration, whether it has converged."""

    state: State
    trace: tuple[float, ...] = ()
    converged: bool = False
    removed: int = 0
    reseeded: int = 0


def step(problem: Problem, state: State) -> tuple[float, State, int]:
    """One iteration: the mean log-likelihood of `state`, the next state, the number of empty components."""
    moments = problem.expectation.moments(KernelComponents.of(state.weights, state.means, state.covariances))
    bound = moments.bound / problem.total - problem.log_volume
    if not np.isfinite(bound):
        raise ValueError(
            "the log-likelihood is no longer finite; try precision='double' or a larger covariance floor"
        )
    after = maximise(moments, state, problem.covariance_floor, problem.options.covariance)
    full = after.weights > 0
    gone = int((~full).sum())
    if not gone:
        return bound, after, 0
    if problem.options.empty == "remove":
        return bound, after.keep(full), gone
    after = reseeded(after)
    spread = problem.options.covariance.restrict(after.covariances, after.weights)
    return bound, replace(after, covariances=spread), gone


def iterate(problem: Problem, progress: EMProgress, iterations: int, watch: Watcher | None) -> EMProgress:
    """Iterate until the bound gains less than the tolerance, or to a total of `iterations`."""
    state, trace, converged = progress.state, list(progress.trace), progress.converged
    action, emptied = EMPTIES[problem.options.empty], 0
    while len(trace) < iterations and not converged:
        bound, state, gone = step(problem, state)
        trace.append(bound)
        emptied += gone
        if gone:
            log.info("%s %d empty components at iteration %d", action, gone, len(trace))
        if watch is not None:
            watch(len(trace), bound, lambda now=state: problem.mixture(now))
        converged = not gone and len(trace) > 1 and abs(trace[-1] - trace[-2]) < problem.options.tolerance
    counted = {action: getattr(progress, action) + emptied}
    return replace(progress, state=state, trace=tuple(trace), converged=converged, **counted)
