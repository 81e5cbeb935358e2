"""Births and deaths: an infinite mixture finds its size where the evidence bound is highest."""

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
"""The axes, shortest to longest, that components are cut across in one round after another: sometimes
only four parts are better than one."""

SETTLE = 16
"""Iterations that a proposal gets before it is judged: halves of a split must part first."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """Other components for groups of the present ones: a group of one may become several, or two one.

    Attributes:
        posterior: of K' components.
        groups: (K',) the group of each of these.
        now: (K,) the group of each present component; the last group has those that hold no point.
        changed: (groups,) whether a group is proposed anew.
    """

    posterior: Posterior
    groups: Integers
    now: Integers
    changed: Booleans


def grow(
    inference: Inference, progress: VariationalProgress, rounds: int, watch: Watcher | None
) -> VariationalProgress:
    """Rounds of births and then deaths, until no kind of birth gains more than the tolerance any more.

    A half round proposes a change for every component at once. After SETTLE iterations the gain of each
    is told apart, changes that lose are taken back, and what is left must have a higher bound after
    SETTLE iterations more than the present components after as many.

    Source: after Hughes and Sudderth, Memoized online variational inference for Dirichlet process
    mixture models (2013), who propose and judge births and merges one by one.
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
    """Every used component cut in halves across an axis, or in quarters across two: see CUTS."""
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
    """The used components in pairs of neighbours, the cheapest pairs first, each pair as one."""
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
    """The present components after 2 SETTLE iterations, or those changes that gain if they do better."""
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

    What the points gain in expected log density, shared out by the present responsibilities, less what
    the new parameters diverge more from the prior than the old ones. Sticks have an even share each. What
    missing cells are expected to hold gains likewise, which is no more than the bound gains by it.
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
    """By how much log densities are higher under the other components: (n,) nats."""
    expectation.forget()
    gained = expectation.log_density(other).astype(np.float64)
    expectation.forget()
    return np.asarray(gained - expectation.log_density(present))


def _mixed(now: Posterior, trial: Posterior, proposal: Proposal, good: Booleans) -> Posterior:
    """The trial's components of good groups, and the present ones of the others that hold points."""
    new, old = good[proposal.groups], ~good[proposal.now] & now.used
    count, means, covariances = (
        np.concatenate((getattr(now, name)[old], getattr(trial, name)[new]))
        for name in ("count", "means", "covariances")
    )
    # as they are: the prior has drawn at these means and covariances already
    return replace(_as_held(now, count, means, covariances), means=means, covariances=covariances)


def _as_held(q: Posterior, count: Floats, means: Floats, spread: Floats) -> Posterior:
    """The posterior if components held so many points (K,) of such means and covariances."""
    return Posterior.of(q.prior, count, means, spread, np.zeros_like(spread[0]))
