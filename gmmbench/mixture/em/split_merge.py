"""Split-and-merge moves, which leave poor optima: each merges two components and splits a heavy one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import Floats
from ..covariances import CovarianceType
from .initialize import State, split
from .iterate import EMProgress, iterate
from .problem import Problem

SETTLE = 8
"""The number of iterations of a proposal before it is judged: halves of a split must separate first."""

NEIGHBOURS = 8
"""The number of nearest components that a component may be merged with."""


def improve(problem: Problem, progress: EMProgress, split_merge: int, rng: np.random.Generator) -> EMProgress:
    """Propose `split_merge` batches of split-and-merge moves; a batch is kept only if the bound rises.

    A rejected batch is halved, since one bad move must not hide the good ones.
    Source: Ueda, Nakano, Ghahramani and Hinton, SMEM algorithm for mixture models (2000).
    """
    batch = max(1, len(progress.state.weights) // 10)
    for _ in range(split_merge):
        if len(progress.state.weights) < 3:
            break
        proposal = propose(progress.state, batch, problem.options.covariance, rng)
        problem.expectation.forget()
        trial = iterate(problem, replace(progress, state=proposal, trace=(), converged=False), SETTLE, None)
        if trial.trace[-1] > progress.trace[-1]:
            progress = replace(trial, trace=(*progress.trace, trial.trace[-1]), converged=progress.converged)
        else:
            batch = max(1, batch // 2)
    problem.expectation.forget()
    return progress


def propose(state: State, batch: int, covariance: CovarianceType, rng: np.random.Generator) -> State:
    """Merge the `batch` cheapest pairs of neighbours, and split as many others, drawn by weight."""
    weights, means, spread = (np.array(a) for a in (state.weights, state.means, state.covariances))
    taken: set[int] = set()
    whole, free = [], []
    for a, b in cheapest(state):
        if len(taken) >= 2 * batch or len(taken) + 2 > len(weights) - 1:
            break
        if a in taken or b in taken:
            continue
        others = np.setdiff1d(np.arange(len(weights)), [*taken, a, b])
        heavy = int(rng.choice(others, p=weights[others] / weights[others].sum()))
        if heavy in taken:
            continue
        taken |= {a, b, heavy}
        weights[a], means[a], spread[a] = merged(weights[[a, b]], means[[a, b]], spread[[a, b]])
        whole.append(heavy)
        free.append(b)
    parts = split(State(weights, means, spread), np.array(whole, np.intp), np.array(free, np.intp))
    return replace(parts, covariances=covariance.restrict(parts.covariances, parts.weights))


def merged(weights: Floats, means: Floats, spread: Floats) -> tuple[Floats, Floats, Floats]:
    """The weight, mean and covariance of components (m,), (m, d), (m, d, d) as a whole."""
    weight = weights.sum()
    share = weights / weight
    mean = share @ means
    apart = means - mean
    return weight, mean, np.einsum("k,kij->ij", share, spread + apart[:, :, None] * apart[:, None, :])


def cheapest(state: State) -> list[tuple[int, int]]:
    """Pairs of neighbours, ordered by an upper bound of the cost of a merge (Runnalls 2007, eq. 16)."""
    from scipy.spatial import cKDTree

    k = len(state.weights)
    _, near = cKDTree(state.means).query(state.means, min(NEIGHBOURS + 1, k))
    pairs = np.unique(
        np.sort(np.stack((np.repeat(np.arange(k), near.shape[1]), near.ravel())), axis=0), axis=1
    )
    a, b = pairs[:, pairs[0] != pairs[1]]
    wa, wb = state.weights[a], state.weights[b]
    apart = state.means[a] - state.means[b]
    share = wa / (wa + wb)
    both = (
        share[:, None, None] * state.covariances[a]
        + (1 - share)[:, None, None] * state.covariances[b]
        + (share * (1 - share))[:, None, None] * apart[:, :, None] * apart[:, None, :]
    )
    size = np.linalg.slogdet(state.covariances)[1]
    cost = 0.5 * ((wa + wb) * np.linalg.slogdet(both)[1] - wa * size[a] - wb * size[b])
    order = np.argsort(cost)
    return list(zip(a[order].tolist(), b[order].tolist(), strict=True))
