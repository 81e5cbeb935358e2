"""The E-step and the sums of the M-step in one pass over the blocks, with no (n, K) array."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log
from typing import Any

import numpy as np

from .arithmetic import make_exp
from .bounds import make_bounds
from .compiling import kernel, part
from .forms import BLOCK, make_moments, make_square

FAMILY = 16
"""Blocks that share a first, coarse list of components."""

GUESS = 0.5
"""Nats that a block's least log density may fall in an iteration before its list is made again."""


@cache
def make_select(dimension: int, diagonal: bool, precision: str) -> Any:
    """Copy the components that a box needs: `select(...) -> count`, rows (K, w) and columns (w, K).

    Component k is left out where its log joint density lies below `floor` everywhere in the box.
    """
    bounds = make_bounds(dimension, diagonal, precision)

    def select(
        centre: Any,
        half: Any,
        columns: Any,
        names: Any,
        count: int,
        floor: float,
        chosen_columns: Any,
        chosen: Any,
        scratch: Any,
    ) -> int:
        bounds(centre, half, columns, count, scratch[0], scratch[1], scratch[2], scratch[3], False)
        upper = scratch[0]
        found = 0
        for k in range(count):
            if upper[k] >= floor:
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
def make_sweep(  # noqa: PLR0915 - the kernels it is made of must share its closure
    dimension: int, diagonal: bool, precision: str, task: str
) -> Callable[..., Any]:
    """One pass over blocks start..stop; see `expectation.Expectation` for the arguments' shapes.

    The task is "em" (sums for an M-step), "density" or "regression": the mean of lines under the
    responsibilities, sum_k r_k (b_k + G_k (x - m_k)), with lines [b, G] as rows.

    A block's list holds every component that can have more than exp(cut) of any of its points, judged
    by a lower bound of the block's densities: last pass's least one less GUESS. What the pass finds is
    itself a lower bound, for leaving out components only lowers it; so if it lies below the guess the
    block is done again with every component, and the neglected share is bounded always, not usually.
    """
    real = np.dtype(precision).type
    square = make_square(dimension, diagonal, precision)
    exp = make_exp(precision)
    bounds = make_bounds(dimension, diagonal, precision)
    select = make_select(dimension, diagonal, precision)
    moments = make_moments(dimension, diagonal, precision)
    zero, one, infinity = real(0), real(1), real(np.inf)

    def first_floor(centre: Any, half: Any, columns: Any, count: int, scratch: Any) -> Any:
        bounds(centre, half, columns, count, scratch[0], scratch[1], scratch[2], scratch[3], True)
        best = -infinity
        for k in range(count):
            best = scratch[1, k] if scratch[1, k] > best else best
        return best

    known_floor = part(first_floor)

    def expect(x: Any, rows: Any, chosen: Any, count: int, joint: Any, top: Any, total: Any) -> Any:
        """Fill joint (count, BLOCK) with exp(log joint - top); give the least log density."""
        for p in range(BLOCK):
            top[p] = -infinity
            total[p] = zero
        for f in range(count):
            square(x, rows[chosen[f]], joint[f])
            for p in range(BLOCK):
                top[p] = joint[f, p] if joint[f, p] > top[p] else top[p]
        for f in range(count):
            for p in range(BLOCK):
                e = exp(joint[f, p] - top[p])
                joint[f, p] = e
                total[p] += e
        least = infinity
        for p in range(BLOCK):
            value = top[p] + real(log(total[p]))
            least = value if value < least else least
        return least

    expectation = part(expect)

    def add_line(x: Any, shares: Any, scale: Any, row: Any, coefficients: Any, out: Any) -> None:
        for p in range(BLOCK):
            y = coefficients[0]
            for j in range(dimension):
                y += coefficients[1 + j] * (x[j, p] - row[1 + j])
            out[p] += shares[p] * scale[p] * y

    line = part(add_line)
    moments_too, regression_too = task == "em", task == "regression"

    def sweep(  # noqa: PLR0912, PLR0915 - one pass: calls into Python's own objects would cost it its speed
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
        totals: Any,
        density: Any,
        lines: Any,
        regressed: Any,
        start: int,
        stop: int,
        counts: Any,
    ) -> float:
        n_components, width = rows.shape
        names = np.empty(n_components, np.int64)
        for k in range(n_components):
            names[k] = k
        scratch = np.empty((4, n_components), x.dtype)
        near_columns = np.empty((width, n_components), x.dtype)
        nothing = np.empty((width, 0), x.dtype)
        near = np.empty(n_components, np.int64)
        chosen = np.empty(n_components, np.int64)
        joint = np.empty((n_components, BLOCK), x.dtype)
        top = np.empty(BLOCK, x.dtype)
        total = np.empty(BLOCK, x.dtype)
        apart = np.empty((dimension + 1, BLOCK), x.dtype)
        least_share = real(np.exp(cut))
        bound = 0.0
        for family in range(start // FAMILY, (stop + FAMILY - 1) // FAMILY):
            begin = family * FAMILY  # chunks begin at families
            end = begin + FAMILY if begin + FAMILY < stop else stop
            floor = infinity
            near_count = 0
            if cut > -np.inf:
                for b in range(begin, end):
                    if low[b] == -infinity:
                        low[b] = known_floor(centre[b], half[b], columns, n_components, scratch)
                    floor = low[b] if low[b] < floor else floor
                near_count = select(
                    family_centre[family],
                    family_half[family],
                    columns,
                    names,
                    n_components,
                    floor + real(cut),
                    near_columns,
                    near,
                    scratch,
                )
            for b in range(begin, end):
                least = infinity
                floor = low[b]
                for attempt in range(2):
                    if cut > -np.inf and attempt == 0:
                        count = select(
                            centre[b], half[b], near_columns, near, near_count,
                            floor + real(cut), nothing, chosen, scratch,
                        )  # fmt: skip
                    else:  # exact, or done again: the coarse list may miss what the fine one missed
                        counts[1] += attempt
                        count = n_components
                        for k in range(n_components):
                            chosen[k] = k
                    least = expectation(x[b], rows, chosen, count, joint, top, total)
                    counts[0] += count
                    if cut == -np.inf or least >= floor:
                        break
                low[b] = least - real(GUESS)
                for p in range(BLOCK):
                    value = top[p] + real(log(total[p]))
                    bound += float(weight[b, p]) * float(value)
                    if density.shape[0] > 0:
                        density[b, p] = value
                    total[p] = (weight[b, p] if moments_too else one) / total[p]
                if regression_too:
                    for f in range(count):
                        k = chosen[f]
                        for t in range(regressed.shape[1]):
                            line(x[b], joint[f], total, rows[k], lines[k, t], regressed[b, t])
                if moments_too:
                    for f in range(count):
                        most = zero
                        for p in range(BLOCK):
                            joint[f, p] *= total[p]
                            most = joint[f, p] if joint[f, p] > most else most
                        if most > least_share:
                            counts[2] += 1
                            k = chosen[f]
                            moments(x[b], joint[f], rows[k], apart, totals[k])
        return bound

    form = "diag" if diagonal else "full"
    return kernel(sweep, f"sweep-{task}-d{dimension}-{form}-{precision}")
