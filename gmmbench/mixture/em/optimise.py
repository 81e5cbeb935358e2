"""A whole run of EM: the best of several initialisations, iterated, then split-and-merge moves."""

from __future__ import annotations

import numpy as np

from ..distributions.gaussian import Mixture
from ..fit_result import Watcher
from .iterate import EMProgress, iterate
from .problem import Problem
from .split_merge import improve

TRIAL = 10
"""Iterations after which the best of several initialisations is chosen."""


def optimise(
    problem: Problem,
    components: int,
    start: str | Mixture,
    starts: int,
    moves: int,
    rng: np.random.Generator,
    watch: Watcher | None,
) -> EMProgress:
    """Iterate from the best of several initialisations, then try moves that leave poor optima."""
    options = problem.options
    best = EMProgress(problem.begin(components, start, rng))
    if starts > 1:
        for attempt in range(starts):
            if attempt:
                problem.expectation.forget()
                candidate = EMProgress(problem.begin(components, start, rng))
            else:
                candidate = best
            candidate = iterate(problem, candidate, min(TRIAL, options.iterations), None)
            if not attempt or candidate.trace[-1] > best.trace[-1]:
                best = candidate
        problem.expectation.forget()
    best = iterate(problem, best, options.iterations, watch)
    return improve(problem, best, moves, rng) if moves else best
