"""The kernel of the E-step: responsibilities and the M-step's sums in one pass, without (n, K) arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from .bounds import SLACK, make_bounds
from .compiler import kernel, part
from .densities import BLOCK, make_moments, make_shares, make_square
from .elementary import make_log

FAMILY = 16
"""Blocks that share a first, coarse list of components."""

GUESS = 0.5
"""Nats that a block's least log density may fall in an iteration before the block is done again."""

REMEMBERED = 256
"""The largest number of components that a block remembers having evaluated in vain."""


@cache
def make_select(dimension: int, diagonal: bool, precision: str) -> Any:
    """List the components that a box needs: `select(...) -> count`.

    A component is left out if its log joint density is below `least` everywhere in the box. The names of the
    others are written to `chosen` (K,), and their columns to `chosen_columns` (w, K) unless that is empty.
    """
    bounds = make_bounds(dimension, diagonal, precision)

    def select(
        centre: Any,
        half: Any,
        columns: Any,
        names: Any,
        count: int,
        least: float,
        chosen_columns: Any,
        chosen: Any,
        scratch: Any,
    ) -> int:
        bounds(centre, half, columns, count, scratch[0], scratch[1], scratch[2], scratch[3], False)
        upper = scratch[0]
        found = 0
        for k in range(count):
            if upper[k] >= least:
                scratch[1, found] = k
                chosen[found] = names[k]
                found += 1
        if chosen_columns.shape[1] > 0:
            for t in range(columns.shape[0]):
                for f in range(found):
                    chosen_columns[t, f] = columns[t, int(scratch[1, f])]
        return found

    return part(select)


@cache
def make_first_bound(dimension: int, diagonal: bool, precision: str) -> Any:
    """A lower bound of the largest log joint density anywhere in a box, over `count` components.

    `first_bound(centre (d,), half (d,), columns (w, K), count, scratch (4, K)) -> bound`
    """
    bounds = make_bounds(dimension, diagonal, precision)
    infinity = np.dtype(precision).type(np.inf)

    def first_bound(centre: Any, half: Any, columns: Any, count: int, scratch: Any) -> Any:
        bounds(centre, half, columns, count, scratch[0], scratch[1], scratch[2], scratch[3], True)
        best = -infinity
        for k in range(count):
            best = scratch[1, k] if scratch[1, k] > best else best
        return best

    return part(first_bound)


@cache
def make_e_step_kernel(  # noqa: PLR0915 - the kernels it is made of must share its closure
    dimension: int, diagonal: bool, precision: str, task: str
) -> Callable[..., Any]:
    """One pass over blocks start..stop; `e_step.Expectation` gives the shapes of the arguments.

    The task is "em" (sums for an M-step), "density", or "regression": the mean of lines under the
    responsibilities, sum_k r_k (b_k + G_k (x - m_k)), with lines [b, G] as rows.

    A block sums every component that can have more than exp(cut) of any of its points. This is judged by a
    lower bound of the block's densities: the least density of the last pass, less GUESS. The densities that
    the pass finds are lower bounds themselves, since leaving out components only lowers them. If the least
    of them is below the guess, the block is done again with it as the bound. The truncated share is
    therefore always bounded, not just usually.

    A component that was evaluated in vain is remembered by its least distance |A (x - m)| from the
    block's points. If its factor and mean change to A', m', then |A' (x - m')| >= (distance - shift) *
    shrink with shift = |A (m' - m)| and 1 / shrink = 1 + |A A'^-1 - 1|. As long as this distance is large
    enough, the component need not be evaluated again (Hamerly 2010 does this for k-means).
    """
    real = np.dtype(precision).type
    square = make_square(dimension, diagonal, precision)
    shares = make_shares(precision)
    log = make_log(precision)
    select = make_select(dimension, diagonal, precision)
    known_bound = make_first_bound(dimension, diagonal, precision)
    moments = make_moments(dimension, diagonal, precision)
    zero, one, half_, infinity = real(0), real(1), real(0.5), real(np.inf)
    slack, relative = real(SLACK), real(1 - 1e-5)

    def evaluate(
        x: Any, rows: Any, chosen: Any, count: int, least: Any, drift: Any, vain: Any, far: Any, known: int,
        names: Any, distances: Any, joint: Any, top: Any, counts: Any,
    ) -> tuple[int, int]:  # fmt: skip
        """Log joint densities of the listed components that reach `least`; the others are remembered."""
        for p in range(BLOCK):
            top[p] = -infinity
        kept = passed = at = 0
        for f in range(count):
            k = chosen[f]
            while at < known and vain[at] < k:  # both lists ascend
                at += 1
            if at < known and vain[at] == k:
                distance = (far[at] - drift[0, k]) * drift[1, k]
                if distance > zero and rows[k, 0] - half_ * relative * distance * distance + slack < least:
                    names[passed], distances[passed] = k, distance
                    passed += 1
                    continue
            most = square(x, rows[k], joint[kept])
            counts[0] += 1
            if most < least:
                if most > -infinity:
                    names[passed] = k
                    distances[passed] = real(sqrt(real(2) * max(rows[k, 0] - most, zero)))
                    passed += 1
                continue
            row = joint[kept]
            for p in range(BLOCK):
                top[p] = row[p] if row[p] > top[p] else top[p]
            chosen[kept] = k
            kept += 1
        return kept, passed

    evaluation = part(evaluate)

    def share(joint: Any, count: int, cut: Any, top: Any, total: Any, value: Any, marks: Any) -> Any:
        """Turn log joint densities into shares of the largest, sum them, and return the least log density."""
        for p in range(BLOCK):
            total[p] = zero
        for f in range(count):
            marks[f] = shares(joint[f], top, total, cut)
        for p in range(BLOCK):
            value[p] = top[p] + log(total[p])
        least = infinity
        for p in range(BLOCK):
            least = value[p] if value[p] < least else least
        return least

    sharing = part(share)

    def add_line(x: Any, shares: Any, scale: Any, row: Any, coefficients: Any, out: Any) -> None:
        for p in range(BLOCK):
            y = coefficients[0]
            for j in range(dimension):
                y += coefficients[1 + j] * (x[j, p] - row[1 + j])
            out[p] += shares[p] * scale[p] * y

    line = part(add_line)
    moments_too, regression_too = task == "em", task == "regression"

    def e_step(  # noqa: PLR0912, PLR0915 - one pass: calls into Python objects would be slow
        x: Any,
        weight: Any,
        centre: Any,
        half: Any,
        family_centre: Any,
        family_half: Any,
        rows: Any,
        columns: Any,
        low: Any,
        cut: float,
        drift: Any,
        vain: Any,
        far: Any,
        known: Any,
        totals: Any,
        density: Any,
        lines: Any,
        regressed: Any,
        start: int,
        stop: int,
        counts: Any,
    ) -> float:
        n_components, width = rows.shape
        every = np.arange(n_components)
        scratch = np.empty((4, n_components), x.dtype)
        near_columns = np.empty((width, n_components), x.dtype)
        nothing = np.empty((width, 0), x.dtype)
        near = np.empty(n_components, np.int64)
        chosen = np.empty(n_components, np.int64)
        names = np.empty(n_components, np.int32)
        distances = np.empty(n_components, x.dtype)
        marks = np.empty(n_components, np.int64)
        joint = np.empty((n_components, BLOCK), x.dtype)
        top = np.empty(BLOCK, x.dtype)
        total = np.empty(BLOCK, x.dtype)
        value = np.empty(BLOCK, x.dtype)
        limit = real(cut)
        bound = 0.0
        for family in range(start // FAMILY, (stop + FAMILY - 1) // FAMILY):
            begin = family * FAMILY  # chunks begin at families
            end = begin + FAMILY if begin + FAMILY < stop else stop
            lowest = infinity
            near_count = 0
            if cut > -np.inf:
                for b in range(begin, end):
                    if low[b] == -infinity:
                        low[b] = known_bound(centre[b], half[b], columns, n_components, scratch)
                    lowest = low[b] if low[b] < lowest else lowest
                near_count = select(
                    family_centre[family],
                    family_half[family],
                    columns,
                    every,
                    n_components,
                    lowest + limit,
                    near_columns,
                    near,
                    scratch,
                )
            for b in range(begin, end):
                lowest = low[b]
                memory = known[b] if moments_too else 0
                for attempt in range(2):
                    if cut == -np.inf:
                        count = n_components
                        for k in range(n_components):
                            chosen[k] = k
                    else:  # if the guess was too high, the family's list may be too short as well
                        counts[1] += attempt
                        count = select(
                            centre[b], half[b],
                            columns if attempt else near_columns,
                            every if attempt else near,
                            n_components if attempt else near_count,
                            lowest + limit, nothing, chosen, scratch,
                        )  # fmt: skip
                    count, passed = evaluation(
                        x[b], rows, chosen, count, lowest + limit, drift, vain[b], far[b], memory,
                        names, distances, joint, top, counts,
                    )  # fmt: skip
                    least = sharing(joint, count, limit, top, total, value, marks)
                    if cut == -np.inf or least >= lowest:
                        break
                    lowest = least
                low[b] = least - real(GUESS)
                if moments_too and cut > -np.inf:
                    passed = min(passed, vain.shape[1])
                    known[b] = passed
                    for f in range(passed):
                        vain[b, f] = names[f]
                        far[b, f] = distances[f]
                for p in range(BLOCK):
                    bound += float(weight[b, p]) * float(value[p])
                    total[p] = (weight[b, p] if moments_too else one) / total[p]
                if density.shape[0] > 0:
                    density[b] = value
                for f in range(count):
                    if marks[f] == 0:
                        continue
                    k = chosen[f]
                    counts[2] += 1
                    if regression_too:
                        for t in range(regressed.shape[1]):
                            line(x[b], joint[f], total, rows[k], lines[k, t], regressed[b, t])
                    if moments_too:
                        moments(x[b], joint[f], total, rows[k], totals[k], marks[f])
        return bound

    form = "diag" if diagonal else "full"
    return kernel(e_step, f"e-step-{task}-d{dimension}-{form}-{precision}")
