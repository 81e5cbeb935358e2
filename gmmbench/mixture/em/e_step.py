"""The E-step over all points: kernels work on blocks, threads on chunks of blocks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..array_types import Floats, Integers, KernelFloats
from ..parallel import cores
from .blocks import Blocks, arrange

CHUNKS = 32
"""The largest number of chunks of a pass. It does not depend on the threads, so that sums have one order."""

CHUNK_PAIRS = 1 << 20
"""The fewest points times components of a chunk."""

CHUNK_BYTES = 1 << 28
"""The most memory for the totals of all chunks: large components make fewer chunks."""

TRUNCATION = 1e-5
"""The default for the largest share of a point's responsibilities that may be left out."""

ROUNDING = 1e-6
"""The share of a remembered distance that each pass subtracts as an allowance for rounding."""

PRECISIONS = {"single": "float32", "double": "float64"}


@dataclass(frozen=True, eq=False)
class KernelComponents:
    """K components as an E-step needs them: log joint density = offset - |A (x - mean)|^2 / 2.

    Args:
        offset: (K,), the part that does not depend on x, nats.
        means: (K, d).
        factors: A, (K, d, d), lower triangular (the inverse of the covariance's Cholesky factor).
    """

    offset: KernelFloats
    means: KernelFloats
    factors: KernelFloats

    @classmethod
    def of(cls, weights: KernelFloats, means: KernelFloats, covariances: KernelFloats) -> KernelComponents:
        """From a mixture's weights (K,), means (K, d) and covariances (K, d, d).

        Raises:
            ValueError: a covariance is not positive definite.
        """
        try:
            lower = np.linalg.cholesky(covariances)
        except np.linalg.LinAlgError:
            raise ValueError(
                "expected positive definite covariances, got one that is not; "
                "try a larger covariance floor, fewer components, or points of a smaller scale"
            ) from None
        factors = inverse_of_lower(lower)
        with np.errstate(divide="ignore"):
            offset = np.log(weights) + np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        return cls(offset - 0.5 * means.shape[1] * np.log(2 * np.pi), means, factors)

    def table(self, diagonal: bool, precision: str) -> KernelFloats:
        """Rows [offset, mean (d), factor row by row] for the kernels: (K, 1 + d + entries)."""
        d = self.means.shape[1]
        flat = self.factors[:, *_places(d, diagonal)]
        joined = np.concatenate((self.offset[:, None], self.means, flat), axis=1)
        return np.ascontiguousarray(joined.astype(precision))

    def rounded(self, precision: str) -> KernelComponents:
        """The components as the kernels of a precision see them, in float64."""
        return KernelComponents(
            self.offset, *(a.astype(precision).astype(float) for a in (self.means, self.factors))
        )

    def drift_from(self, before: KernelComponents) -> KernelFloats:
        """How much the distances |A (x - mean)| may have shrunk at any x: (2, K), [shift, shrink].

        With A and mean before, and A' and mean' now: |A' (x - mean')| >= (|A (x - mean)| - shift) shrink,
        since A (x - mean) = (A A'^-1) A' (x - mean') + A (mean' - mean) and |A A'^-1| <= 1 + |A A'^-1 - 1|.
        """
        moved = np.einsum("kij,kj->ki", before.factors, self.means - before.means)
        turned = before.factors @ inverse_of_lower(self.factors) - np.eye(self.means.shape[1])
        shift, growth = np.sqrt((moved**2).sum(axis=1)), np.sqrt((turned**2).sum(axis=(1, 2)))
        return np.stack((shift * (1 + ROUNDING), (1 - ROUNDING) / (1 + growth)))


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the points, weighted by responsibilities r, about the means of the E-step.

    Attributes:
        bound: sum of weight times log density, nats.
        count: (K,) sum r.
        first: (K, d) sum r (x - mean).
        second: (K, d, d) sum r (x - mean)(x - mean)^T; for diagonal forms only the diagonal.
        pairs: the numbers of block-component pairs evaluated, of blocks done again, and of pairs summed.
    """

    bound: float
    count: Floats
    first: Floats
    second: Floats
    pairs: NDArray[np.int64]


class Expectation:
    """Points that are ready for E-steps. It remembers the least density of each block.

    Args:
        points: (n, d), in units in which their spread is about one.
        weights: (n,), each 0..1.
        diagonal: whether factors are diagonal, and only the diagonals of second moments are needed.
        precision: "single" or "double", the precision of the kernels. Totals are always float64.
        truncation: the largest share of any point's responsibilities that may be left out; 0: none.
        threads: the number of threads; None: as many as this process may use.
        sort: the function that sorts points into blocks.
    """

    def __init__(
        self,
        points: KernelFloats,
        weights: KernelFloats,
        *,
        diagonal: bool = False,
        precision: str = "single",
        truncation: float = TRUNCATION,
        threads: int | None = None,
        sort: Callable[..., Blocks] = arrange,
    ) -> None:
        from ..kernels.densities import BLOCK
        from ..kernels.e_step_kernel import FAMILY, REMEMBERED

        self.n, self.dimension = points.shape
        self.diagonal, self.precision = diagonal, PRECISIONS[precision]
        self.truncation = truncation
        self.threads = threads or cores()
        self.blocks: Blocks = sort(points, weights, self.precision, BLOCK, FAMILY)
        self._family = FAMILY
        count = len(self.blocks.x)
        self._low = np.full(count, -np.inf, self.precision)
        # the components of the last pass, and what each block evaluated in vain: see `kernels.e_step_kernel`
        self._before: KernelComponents | None = None
        self._known = np.zeros(count, np.int32)
        self._vain = np.empty((count, REMEMBERED if truncation > 0 else 0), np.int32)
        self._far = np.empty(self._vain.shape, self.precision)
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self._compiled: set[str] = set()

    def moments(self, components: KernelComponents) -> Moments:
        """One E-step and the sums an M-step needs."""
        d = self.dimension
        bound, totals, pairs, _ = self._pass(components, "em")
        second = np.zeros((len(totals), d, d))
        rows, columns = _places(d, self.diagonal)
        second[:, rows, columns] = totals[:, 1 + d :]
        second[:, columns, rows] = totals[:, 1 + d :]
        return Moments(bound, totals[:, 0], totals[:, 1 : 1 + d], second, pairs)

    def log_density(self, components: KernelComponents) -> KernelFloats:
        """Log density at every point: (n,)."""
        _, _, _, density = self._pass(components, "density")
        return self.blocks.scatter(density)

    def regression(self, components: KernelComponents, lines: KernelFloats) -> KernelFloats:
        """sum_k p(k | x) (b_k + G_k (x - mean_k)) at every point: (n, t), for lines [b, G] (K, t, 1 + d)."""
        out = np.zeros((len(self.blocks.x), lines.shape[1], self.blocks.x.shape[2]), self.precision)
        self._pass(components, "regression", lines.astype(self.precision), out)
        return np.stack([self.blocks.scatter(out[:, t]) for t in range(lines.shape[1])], axis=1)

    def reweigh(self, weights: KernelFloats) -> None:
        """Replace the weights of the points: (n,), each >= 0."""
        self.blocks.weight.reshape(-1)[: self.n] = weights[self.blocks.order]

    def forget(self) -> None:
        """Forget the lists of the last E-step; needed before components that are unlike the last ones."""
        self._low[:] = -np.inf
        self._before = None

    def _pass(
        self,
        components: KernelComponents,
        task: str,
        lines: KernelFloats | None = None,
        regressed: KernelFloats | None = None,
    ) -> tuple[float, Floats, NDArray[np.int64], KernelFloats]:
        from ..kernels.densities import BLOCK
        from ..kernels.e_step_kernel import make_e_step_kernel

        rows = components.table(self.diagonal, self.precision)
        columns = np.ascontiguousarray(rows.T)
        k, width = rows.shape
        cut = float(np.log(self.truncation / (2 * k))) if self.truncation > 0 else -np.inf
        run = make_e_step_kernel(self.dimension, self.diagonal, self.precision, task)
        moments = task == "em"
        if lines is None or regressed is None:
            lines = np.empty((0, 0, 1 + self.dimension), self.precision)
            regressed = np.empty((0, 0, BLOCK), self.precision)
        b, count = self.blocks, len(self.blocks.x)
        out = np.empty((count if task == "density" else 0, BLOCK), self.precision)
        drift = self._drift(components) if moments else np.empty((2, 0), self.precision)

        def part(start: int, stop: int) -> tuple[float, Floats, NDArray[np.int64]]:
            totals = np.zeros((k, width) if moments else (0, width))
            counts = np.zeros(3, np.int64)
            bound = run(
                b.x, b.weight, b.centre, b.half, b.family_centre, b.family_half, rows, columns,
                self._low, cut, drift, self._vain, self._far, self._known,
                totals, out, lines, regressed, start, stop, counts,
            )  # fmt: skip
            return bound, totals, counts

        spans = list(pairwise(self._edges(k, k * width * 8 if moments else 1)))
        if self._pool is None or len(spans) == 1:
            parts = [part(*span) for span in spans]
        else:
            if task not in self._compiled:
                part(0, 0)  # compile in this thread, which counts the seconds
                self._compiled.add(task)
            parts = list(self._pool.map(part, *zip(*spans, strict=True)))
        totals = parts[0][1]
        for _, more, _ in parts[1:]:
            totals += more
        bound = float(sum(bound for bound, _, _ in parts))
        return bound, totals, sum((counts for *_, counts in parts), np.zeros(3, np.int64)), out

    def _drift(self, components: KernelComponents) -> KernelFloats:
        """The drift of the components since the last E-step. Without one, the blocks' memory is cleared."""
        now = components.rounded(self.precision)
        before, self._before = self._before, now
        if before is None or before.means.shape != now.means.shape:
            self._known[:] = 0
            return np.zeros((2, len(now.means)), self.precision)
        return now.drift_from(before).astype(self.precision)

    def _edges(self, components: int, bytes_each: int) -> list[int]:
        """The edges of chunks of blocks, at families. Their number depends on the work, not on threads."""
        blocks = len(self.blocks.x)
        families = -(-blocks // self._family)
        worth = self.n * components // CHUNK_PAIRS
        chunks = max(1, min(CHUNKS, families, worth, CHUNK_BYTES // bytes_each))
        at = np.unique(np.linspace(0, families, chunks + 1).round().astype(int)) * self._family
        return [*(int(edge) for edge in at[:-1]), blocks]


def inverse_of_lower(lower: KernelFloats) -> KernelFloats:
    """Inverses of lower triangular matrices (K, d, d), all at once, by forward substitution."""
    given = np.ascontiguousarray(np.moveaxis(lower, 0, -1))
    inverse = np.zeros_like(given)
    for i in range(len(given)):
        inverse[i, i] = 1 / given[i, i]
        if i:
            inverse[i, :i] = -inverse[i, i] * (given[i, :i, None] * inverse[:i, :i]).sum(axis=0)
    return np.ascontiguousarray(np.moveaxis(inverse, -1, 0))


def _places(d: int, diagonal: bool) -> tuple[Integers, Integers]:
    """The row and column of each entry of a component's factor, in the order of the kernels."""
    return (np.arange(d), np.arange(d)) if diagonal else np.tril_indices(d)
