"""The descent of a mixture of experts: Adam's steps, and components moved to where the error is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from .expert_points import ExpertPoints, Lists
from .expert_state import ExpertState

RATE = 0.1
"""The first steps' size, in units of each component's own; it falls linearly to 0."""

LINE = {"squared_error": 1.6, "likelihood": 1.0, "bernoulli": 4.0}
"""Steps of an expert's line against those of its gate."""

MEMORY = (0.9, 0.99)
"""Of the mean gradient and of its mean square (Kingma and Ba 2015)."""

RELIST = 10
"""Steps that lists of components serve."""

ROUNDS = 12
"""Times that components are moved, in the first MOVING of the descent."""

MOVING = 0.7

MOVED = 0.04
"""The largest share of the components that one round moves."""

WORTH = 0.5
"""A component is moved if it explains less than this of the loss under the one that is halved for it."""


@dataclass(frozen=True)
class Descent:
    """How far to go.

    Attributes:
        steps: steps of the whole descent.
        seconds: end sooner, after this many; None for no limit.
        least: (d,) the least standard deviations of a gate.
        least_residual: (m,) of a residual.
        patience: with validation points, the part of the descent after which a loss there that does not
            fall any more ends it.
    """

    steps: int
    seconds: float | None
    least: Floats
    least_residual: Floats
    patience: float = 0.2


@dataclass(frozen=True, eq=False)
class Descended:
    """The end of a descent: the best state it came by, its loss, and how it went."""

    state: ExpertState
    loss: float
    trace: tuple[float, ...]
    steps: int
    moved: int


class Adam:
    """Steps by the mean gradient over the root of its mean square, both forgetting (Kingma and Ba 2015)."""

    def __init__(self, shape: tuple[int, int], scale: Floats) -> None:
        self._mean, self._square = np.zeros(shape), np.zeros(shape)
        self._count = np.zeros((shape[0], 1))
        self._scale = scale

    def step(self, gradient: Floats, rate: float) -> Floats:
        """The next step (K, width) for a gradient of the loss (K, width)."""
        mean, square = MEMORY
        self._count += 1
        self._mean += (1 - mean) * (gradient - self._mean)
        self._square += (1 - square) * (gradient**2 - self._square)
        first = self._mean / (1 - mean**self._count)
        second = np.sqrt(self._square / (1 - square**self._count))
        return -rate * self._scale * first / (second + 1e-12)

    def forget(self, components: Floats) -> None:
        """Start anew for components that are elsewhere now."""
        self._mean[components] = self._square[components] = self._count[components] = 0


def descend(
    points: ExpertPoints,
    state: ExpertState,
    descent: Descent,
    validation: ExpertPoints | None = None,
    watch: Callable[[int, float, ExpertState], None] | None = None,
) -> Descended:
    """Improve a state; what is returned is never worse than it, on validation points where there are some."""
    d = state.shape[1]
    gate = 1 + d + d * (d + 1) // 2
    lists = points.lists(state)
    judge = validation or points
    best, best_loss, best_at = state, judge.full_loss(state), 0.0
    trace: list[float] = []
    adam: Adam | None = None
    began, moved, step, rounds = time.perf_counter(), 0, 0, 0
    while True:
        gone = step / descent.steps
        if descent.seconds is not None:
            gone = max(gone, (time.perf_counter() - began) / descent.seconds)
        if step and step % RELIST == 0:
            if validation is not None:
                loss = validation.full_loss(state)
                if loss < best_loss:
                    best, best_loss, best_at = state, loss, gone
                elif gone - best_at > descent.patience:
                    break
            if (
                points.objective != "likelihood"
                and gone < MOVING
                and gone >= (rounds + 1) * MOVING / (ROUNDS + 1)
            ):
                rounds += 1
                state, elsewhere = _relocated(points, state, lists)
                if adam is not None and len(elsewhere):
                    adam.forget(elsewhere)
                    moved += len(elsewhere) // 2
            lists = points.lists(state)
        if gone >= 1:
            break
        loss, gradient = points.gradient(state, lists)
        trace.append(loss)
        if watch is not None:
            watch(step, loss, state)
        if adam is None:
            scale = np.ones(gradient.shape[1])
            scale[gate:] = LINE[points.objective]
            adam = Adam(gradient.shape, scale)
        state = state.moved(adam.step(gradient, RATE * (1 - gone)), descent.least, descent.least_residual)
        step += 1
    loss = judge.full_loss(state)
    if loss < best_loss:
        best, best_loss = state, loss
    return Descended(best, best_loss, tuple(trace), step, moved)


def _relocated(points: ExpertPoints, state: ExpertState, lists: Lists) -> tuple[ExpertState, Floats]:
    """Components that explain least made halves of those with the greatest loss; and which were changed."""
    change, under = points.removal(state, lists)
    most = max(1, int(MOVED * len(change)))
    weak = np.argsort(change, kind="stable")[:most]
    bad = np.argsort(-under, kind="stable")
    bad = bad[~np.isin(bad, weak)][: len(weak)]
    weak = weak[: len(bad)]
    worth = change[weak] < WORTH * under[bad]
    if not worth.any():
        return state, np.empty(0, int)
    return state.halved(bad[worth], weak[worth]), np.concatenate((bad[worth], weak[worth]))
