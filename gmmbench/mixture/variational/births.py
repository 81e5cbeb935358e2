"""Births and deaths: an infinite mixture finds the size with the highest evidence bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..array_types import Booleans, Floats, Integers
from ..em.e_step import Expectation, KernelComponents
from ..em.initialize import State
from ..em.split_merge import cheapest, merged
from ..fit_result import Watcher
from .inference import Inference, VariationalProgress
from .posterior import Posterior

CUTS = ((-1,), (-2,), (-1, -2))
"""The axes that components are cut across in consecutive rounds; -1 is the longest. Sometimes only four
parts are better than one."""

SETTLE = 16
"""The number of iterations of a proposal before it is judged: halves of a split must separate first."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """Proposed components for groups of the present ones: one component becomes several, or two become one.

    Attributes:
        posterior: that of the K' proposed components.
        groups: (K',), the group of each of these.
        now: (K,), the group of each present component. The last group has those without points.
        changed: (groups,), whether the proposal changes a group.
    """

    posterior: Posterior
    groups: Integers
    now: Integers
    changed: Booleans


def grow(
    inference: Inference, progress: VariationalProgress, rounds: int, watch: Watcher | None
) -> VariationalProgress:
    """Rounds of births and then deaths, until no kind of birth gains more than the tolerance.

    A half round proposes a change for every component at once. After SETTLE iterations, the gain of each
    change is computed, and changes that lose are undone. The others are kept only if, after SETTLE more
    iterations, their bound is higher than that of the present components after as many iterations.

    Source: after Hughes and Sudderth, Memoized online variational inference for Dirichlet process
    mixture models (2013); there, births and merges are proposed and judged one by one.
    """
    idle = 0
    for turn in range(rounds):
        before = progress.trace[-1]
        progress = _attempt(inference, progress, births(progress.posterior, turn), watch)
        progress = _attempt(inference, progress, deaths(progress.posterior), watch)
        idle = idle + 1 if progress.trace[-1] - before < inference.problem.options.tolerance else 0
        if idle == len(CUTS):
            return replace(progress, converged=True)
    return replace(progress, converged=False)


def births(q: Posterior, turn: int) -> Proposal:
    """Propose to cut every used component in halves across one axis, or in quarters across two: see CUTS."""
    kept = np.flatnonzero(q.used)
    values, vectors = np.linalg.eigh(q.covariances[kept])
    names = np.arange(len(kept))
    count, means, spread, groups = q.count[kept], q.means[kept], q.covariances[kept].copy(), names
    for axis in CUTS[turn % len(CUTS)]:
        at = max(axis, -q.means.shape[1])
        # two halves of a Gaussian cut across an axis: their means lie sqrt(2 / pi) sd away
        step = vectors[:, :, at] * np.sqrt(values[:, at, None] * 2 / np.pi)
        spread -= step[:, :, None] * step[:, None, :]
        means = np.concatenate((means + step[groups], means - step[groups]))
        count, groups = np.tile(count / 2, 2), np.tile(groups, 2)
        if q.means.shape[1] == 1:
            break
    now = np.full(len(q.count), len(kept))
    now[kept] = names
    parts = _as_held(q, count, means, spread[groups])
    return Proposal(parts, groups, now, np.append(np.ones(len(kept), bool), False))


def deaths(q: Posterior) -> Proposal:
    """Propose to merge the used components in pairs of neighbours, the cheapest pairs first."""
    kept = np.flatnonzero(q.used)
    count, means, spread = q.count[kept], q.means[kept], q.covariances[kept]
    groups: list[list[int]] = []
    taken: set[int] = set()
    for pair in cheapest(State(count, means, spread)) if len(kept) > 1 else ():
        if taken.isdisjoint(pair):
            taken.update(pair)
            groups.append(list(pair))
    pairs = len(groups)
    groups += [[k] for k in range(len(kept)) if k not in taken]
    whole = [merged(count[g], means[g], spread[g]) for g in groups]
    now = np.full(len(q.count), len(groups))
    for name, members in enumerate(groups):
        now[kept[members]] = name
    return Proposal(
        _as_held(q, *(np.array(part) for part in zip(*whole, strict=True))),
        np.arange(len(groups)),
        now,
        np.arange(len(groups) + 1) < pairs,
    )


def _attempt(
    inference: Inference, progress: VariationalProgress, proposal: Proposal, watch: Watcher | None
) -> VariationalProgress:
    """The present components after 2 SETTLE iterations, or the changes that gain if they are better."""
    now = _settled(inference, progress.posterior).posterior
    trial = _settled(inference, proposal.posterior).posterior
    good = proposal.changed & (_gains(inference, now, trial, proposal) > 0)
    best = _settled(inference, now)
    if good.any():
        mixed = _settled(inference, _mixed(now, trial, proposal, good))
        best = mixed if mixed.trace[-1] > best.trace[-1] else best
    done = VariationalProgress(best.posterior, (*progress.trace, best.trace[-1]), progress.steps + 2 * SETTLE)
    if watch is not None:
        watch(len(done.trace), done.trace[-1], lambda: inference.mixture(done.posterior))
    return done


def _settled(inference: Inference, q: Posterior) -> VariationalProgress:
    inference.problem.expectation.forget()
    return inference.iterate(VariationalProgress(q), SETTLE, 0.0, None)


def _gains(inference: Inference, now: Posterior, trial: Posterior, proposal: Proposal) -> Floats:
    """What each group gains in evidence, nats: (groups,).

    The gain is that of the points in expected log density, shared among groups by the present
    responsibilities, less the increase of the divergence from the prior. The divergence of the sticks is
    shared equally. The expected content of missing cells counts like points; the bound gains at least that.
    """
    problem = inference.problem
    present, other = now.components(problem.covariance_floor), trial.components(problem.covariance_floor)
    problem.expectation.forget()
    parts = problem.parts(present)
    gains = [_difference(part, other, present) for part, _, _ in parts]
    least = min(float(gained.min()) for gained in gains)
    width = max(max(float(gained.max()) for gained in gains) - least, 1e-300)
    won = least * now.count
    for (part, points, weights), gained in zip(parts, gains, strict=True):
        weighted = Expectation(
            points,
            weights * ((gained - least) / width),
            diagonal=part.diagonal,
            precision="double" if part.precision == "float64" else "single",
            truncation=part.truncation,
            threads=part.threads,
        )
        won += weighted.moments(present).count * (width * inference.scale)
    groups = len(proposal.changed)

    def cost(q: Posterior, names: Integers) -> Floats:
        each = q.mean_divergences()
        if not q.prior.kind.shared:
            each = each + q.precision_divergences()
        return np.asarray(np.bincount(names, each, groups), dtype=np.float64)

    sticks = (trial.weight_divergence() - now.weight_divergence()) / max(1, int(proposal.changed.sum()))
    costs = cost(trial, proposal.groups) - cost(now, proposal.now) + sticks
    return np.asarray(np.bincount(proposal.now, won, groups) - costs)


def _difference(expectation: Expectation, other: KernelComponents, present: KernelComponents) -> Floats:
    """The gain in log density from the present to the other components: (n,), nats."""
    expectation.forget()
    gained = expectation.log_density(other).astype(np.float64)
    expectation.forget()
    return np.asarray(gained - expectation.log_density(present))


def _mixed(now: Posterior, trial: Posterior, proposal: Proposal, good: Booleans) -> Posterior:
    """The trial's components of good groups, and the present used components of the other groups."""
    new, old = good[proposal.groups], ~good[proposal.now] & now.used
    count, means, covariances = (
        np.concatenate((getattr(now, name)[old], getattr(trial, name)[new]))
        for name in ("count", "means", "covariances")
    )
    # unchanged: the prior is already included in these means and covariances
    return replace(_as_held(now, count, means, covariances), means=means, covariances=covariances)


def _as_held(q: Posterior, count: Floats, means: Floats, spread: Floats) -> Posterior:
    """The posterior if the components held this many points (K,), with these means and covariances."""
    return Posterior.of(q.prior, count, means, spread, np.zeros_like(spread[0]))
