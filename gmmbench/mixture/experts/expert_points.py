"""Points with targets, in blocks: what a mixture of experts is asked about them, on threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..array_types import Floats, KernelFloats
from ..em.blocks import Blocks, arrange
from ..parallel import cores
from .expert_state import ExpertState

CHUNKS = 16
"""Parts that a pass is cut into, whatever the threads: sums are formed in the same order on any number."""

FULL = 16.0
"""Gates of less than exp(-this) of another one change no loss that float32 can tell."""

SHRINK = 4.0
"""Points that the residual covariance of all experts counts for in that of one."""

CAP = 64
"""Components that a block's list has room for at first."""


@dataclass(frozen=True, eq=False)
class Lists:
    """The components of each block: names[starts[b] : starts[b + 1]]."""

    starts: NDArray[np.int64]
    names: NDArray[np.int32]


class ExpertPoints:
    """Points (n, d) with targets (n, m) and weights (n,).

    Args:
        objective: "squared_error", "likelihood" or "bernoulli", see `kernels.expert_pass.make_pass`.
        cut: gates are left out of a block where they are less than exp(-cut) of another everywhere.
        threads: None for as many as this process may use; the sums do not depend on it.
    """

    def __init__(
        self,
        points: Floats,
        targets: Floats,
        weights: Floats,
        objective: str,
        cut: float,
        threads: int | None,
    ) -> None:
        from ..kernels.densities import BLOCK
        from ..kernels.e_step_kernel import FAMILY

        self.n, self.dimension = points.shape
        self.outputs, self.objective, self.cut = targets.shape[1], objective, cut
        self.blocks: Blocks = arrange(points, weights, "float32", BLOCK, FAMILY)
        self.total = float(weights.sum())
        count, size = self.blocks.weight.shape
        order = np.concatenate((self.blocks.order, np.repeat(self.blocks.order[-1:], count * size - self.n)))
        self._targets = np.ascontiguousarray(
            targets.astype(np.float32)[order].reshape(count, size, self.outputs).transpose(0, 2, 1)
        )
        self._family, self._cap = FAMILY, CAP
        self.threads = threads or cores()
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self._compiled: set[str] = set()

    def lists(self, state: ExpertState) -> Lists:
        """Which components each block can see."""
        from ..kernels.expert_pass import make_lists

        run, b = make_lists(self.dimension), self.blocks
        columns = np.ascontiguousarray(state.rows().T)
        counts = np.empty(len(b.x), np.int64)
        while True:
            names = np.empty((len(b.x), self._cap), np.int32)

            def part(start: int, stop: int, names: NDArray[np.int32] = names) -> None:
                run(
                    b.centre, b.half, b.family_centre, b.family_half, columns, np.float32(self.cut),
                    names, counts, start, stop,
                )  # fmt: skip

            self._each(part, len(b.family_centre), "lists")
            if counts.max() <= self._cap:
                break
            self._cap = int(counts.max())
        seen = np.arange(self._cap) < counts[:, None]
        return Lists(np.concatenate(([0], np.cumsum(counts))), names[seen])

    def loss(self, state: ExpertState, lists: Lists) -> float:
        """The mean loss of a point."""
        return self._pass(state, lists)[0]

    def full_loss(self, state: ExpertState) -> float:
        """The same with gates that are left out only where they are below exp(-FULL) of another."""
        cut, self.cut = self.cut, max(self.cut, FULL)
        try:
            return self.loss(state, self.lists(state))
        finally:
            self.cut = cut

    def gradient(self, state: ExpertState, lists: Lists) -> tuple[float, Floats]:
        """The mean loss, and its gradient with respect to a step of the state: (K, width)."""
        loss, totals, _, _ = self._pass(state, lists, gradient=True)
        return loss, state.gradient(totals)

    def removal(self, state: ExpertState, lists: Lists) -> tuple[Floats, Floats]:
        """How the mean loss would change without each component, and the loss under it: (K,) each."""
        changes = self._pass(state, lists, removal=True)[2]
        return changes[:, 0], changes[:, 1]

    def error_covariances(self, state: ExpertState, least: Floats) -> Floats:
        """Covariances (K, m, m) of squared errors under each gate, with `least` (m, m) added."""
        m = self.outputs
        found = self._pass(state, self.lists(state), removal=True)[2]
        lower = np.tril_indices(m)
        spread = np.zeros((len(found), m, m))
        spread[:, *lower] = spread[:, lower[1], lower[0]] = found[:, 3:]
        whole = spread.sum(axis=0) / found[:, 2].sum()
        share = found[:, 2] * self.total
        return (spread * self.total + SHRINK * whole) / (share + SHRINK)[:, None, None] + least

    def predict(self, state: ExpertState) -> KernelFloats:
        """The expectation of the target at every point, in their order: (n, m)."""
        out = self._pass(state, self.lists(state), predict=True)[3]
        return np.stack([self.blocks.scatter(out[:, c]) for c in range(self.outputs)], axis=1)

    def _pass(
        self,
        state: ExpertState,
        lists: Lists,
        *,
        gradient: bool = False,
        removal: bool = False,
        predict: bool = False,
    ) -> tuple[float, Floats, Floats, KernelFloats]:
        from ..kernels.densities import entries
        from ..kernels.expert_pass import make_pass, width

        run, b = make_pass(self.dimension, self.outputs, self.objective), self.blocks
        rows, lines, factors = state.rows(), state.lines(), state.residual_rows()
        k, w = len(rows), width(self.dimension, self.outputs, self.objective)
        predicted = np.empty((len(b.x) if predict else 0, self.outputs, b.x.shape[2]), np.float32)

        def part(start: int, stop: int) -> tuple[float, Floats, Floats]:
            totals = np.zeros((k if gradient else 0, w))
            changes = np.zeros((k if removal else 0, 3 + entries(self.outputs, diagonal=False)))
            loss = run(
                b.x, self._targets, b.weight, lists.starts, lists.names, rows, lines, factors,
                np.float32(self.cut), totals, changes, predicted, start, stop,
            )  # fmt: skip
            return loss, totals, changes

        parts = self._each(part, len(b.x), "pass")
        loss, totals, changes = parts[0]
        for more, some, others in parts[1:]:
            loss += more
            totals += some
            changes += others
        return loss / self.total, totals / self.total, changes / self.total, predicted

    def _each(self, part: Any, count: int, kind: str) -> list[Any]:
        """part(start, stop) of every chunk of range(count), on threads."""
        edges = np.unique(np.linspace(0, count, CHUNKS + 1).round().astype(int)).tolist()
        spans = list(pairwise(edges))
        if self._pool is None or len(spans) == 1:
            return [part(*span) for span in spans]
        if kind not in self._compiled:
            part(0, 0)  # compiles, in this thread, so that its seconds are counted here
            self._compiled.add(kind)
        return list(self._pool.map(part, *zip(*spans, strict=True)))
