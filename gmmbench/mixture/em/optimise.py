"""A whole run of EM: the best of several initialisations, iterated, then split-and-merge moves."""

from __future__ import annotations

import numpy as np

from ..distributions.gaussian import Mixture
from ..fit_result import Watcher
from .iterate import EMProgress, iterate
from .problem import Problem
from .split_merge import improve

TRIAL = 10
"""The number of iterations after which the best of several initialisations is chosen."""


def optimise(
    problem: Problem,
    components: int,
    init: str | Mixture,
    n_init: int,
    split_merge: int,
    rng: np.random.Generator,
    watch: Watcher | None,
) -> EMProgress:
    """Iterate from the best of several initialisations, then try moves that leave poor optima."""
    options = problem.options
    best = EMProgress(problem.begin(components, init, rng))
    if n_init > 1:
        for attempt in range(n_init):
            if attempt:
                problem.expectation.forget()
                candidate = EMProgress(problem.begin(components, init, rng))
            else:
                candidate = best
            candidate = iterate(problem, candidate, min(TRIAL, options.iterations), None)
            if not attempt or candidate.trace[-1] > best.trace[-1]:
                best = candidate
        problem.expectation.forget()
    best = iterate(problem, best, options.iterations, watch)
    return improve(problem, best, split_merge, rng) if split_merge else best
