"""One pass of a mixture of experts over the blocks: its loss and the gradient, or what it predicts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import pi
from typing import Any

import numpy as np

from .compiler import kernel, part
from .densities import BLOCK, entries, make_moments, make_shares, make_square
from .e_step_kernel import FAMILY, make_first_bound, make_select
from .elementary import make_exp, make_log

LEAST = 1e-7
"""Chances lie between this and one less this, for their logarithms; a gate leaves as much to the others."""

REAL = "float32"


def width(dimension: int, outputs: int, objective: str) -> int:
    """Numbers in a component's gradient: of its gate, of each output's line, and of its residuals' factor."""
    gate = 1 + dimension + entries(dimension, diagonal=False)
    return gate + outputs * (1 + dimension) + (entries(outputs, False) if objective == "likelihood" else 0)


@cache
def make_lists(dimension: int) -> Callable[..., Any]:
    """Which components a block's points can see: `lists(..., names (b, cap), counts (b,), start, stop)`.

    Component k is left out of a block where its gate lies more than `cut` below another's everywhere.
    A count above the cap says that the cap is too small. Families start..stop are done.
    """
    floor_of = make_first_bound(dimension, False, REAL)
    select = make_select(dimension, False, REAL)

    def lists(
        centre: Any, half: Any, family_centre: Any, family_half: Any, columns: Any, cut: Any,
        names: Any, counts: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        every = np.arange(columns.shape[1])
        scratch = np.empty((4, columns.shape[1]), np.float32)
        near_columns = np.empty(columns.shape, np.float32)
        nothing = np.empty((columns.shape[0], 0), np.float32)
        near, chosen = np.empty(len(every), np.int64), np.empty(len(every), np.int64)
        for family in range(start, stop):
            floor = floor_of(family_centre[family], family_half[family], columns, len(every), scratch)
            count = select(
                family_centre[family], family_half[family], columns, every, len(every), floor - cut,
                near_columns, near, scratch,
            )  # fmt: skip
            for b in range(family * FAMILY, min((family + 1) * FAMILY, len(centre))):
                floor = floor_of(centre[b], half[b], near_columns, count, scratch)
                found = select(
                    centre[b], half[b], near_columns, near, count, floor - cut, nothing, chosen, scratch
                )
                counts[b] = found
                for f in range(min(found, names.shape[1])):
                    names[b, f] = chosen[f]

    return kernel(lists, f"experts-lists-d{dimension}")


@cache
def make_pass(  # noqa: PLR0915 - the kernels it is made of must share its closure
    dimension: int, outputs: int, objective: str
) -> Callable[..., Any]:
    """The loss of blocks start..stop, and what is wanted besides; see `experts.expert_points.ExpertPoints`.

    Expert k answers e = b_k + G_k (x - m_k) and its gate is g_k = exp(c_k - |A_k (x - m_k)|^2 / 2), divided
    by the sum of all. The loss of a point is |y - sum_k g_k e_k|^2 / 2 ("squared_error"),
    -log sum_k g_k N(y; e_k, (R_k^T R_k)^-1) ("likelihood"), or of y in 0..1 the cross-entropy of
    sum_k g_k / (1 + exp(-e_k)) ("bernoulli"). What is wanted are the arrays that are not empty:

    - totals (K, width): the gradient. Of c, m and A it is given by moments of q = dloss/dlog g_k about m_k,
      sum q, sum q (x - m) and sum q (x - m)(x - m)^T; of b and G likewise by sum q and sum q (x - m) of each
      output; of R by the sum of h (1 - t t^T), with t = R (y - e) and responsibilities h.
    - removal (K, 3 + m (m + 1) / 2): how the loss would change without component k, the loss under it, its
      share of the points, and of squared errors the sum of g r r^T of residuals r.
    - predicted (b, m, BLOCK): the expectation of y.
    """
    m, d = outputs, dimension
    squared, gaussian = objective == "squared_error", objective == "likelihood"
    gate_width = 1 + d + entries(d, False)
    square, shares = make_square(d, False, REAL), make_shares(REAL)
    moments, lines_moments = make_moments(d, False, REAL), make_moments(d, False, REAL, order=1)
    exp, log = make_exp(REAL), make_log(REAL)
    zero, one, half, infinity = np.float32(0), np.float32(1), np.float32(0.5), np.float32(np.inf)
    least, most = np.float32(LEAST), np.float32(1 - LEAST)
    constant = np.float32(0.5 * m * np.log(2 * pi))

    def answer(x: Any, row: Any, lines: Any, out: Any) -> None:
        """What an expert answers at the points of a block."""
        for c in range(m):
            for p in range(BLOCK):
                out[c, p] = lines[c, 0]
            for j in range(d):
                slope, mean = lines[c, 1 + j], row[1 + j]
                for p in range(BLOCK):
                    out[c, p] += slope * (x[j, p] - mean)

    answers = part(answer)

    def chance(logits: Any, out: Any) -> None:
        for p in range(BLOCK):
            e = exp(-abs(logits[p]))
            out[p] = (one if logits[p] >= zero else e) / (one + e)

    chances = part(chance)

    def open_gates(x: Any, rows: Any, names: Any, first: int, count: int, cut: Any, gate: Any, marks: Any,
                   top: Any, total: Any) -> None:  # fmt: skip
        """Gates of the components of a list at the points of a block, summing to 1."""
        for p in range(BLOCK):
            top[p] = -infinity
            total[p] = zero
        for f in range(count):
            square(x, rows[names[first + f]], gate[f])
            for p in range(BLOCK):
                top[p] = gate[f, p] if gate[f, p] > top[p] else top[p]
        for f in range(count):
            marks[f] = shares(gate[f], top, total, -cut)
        for p in range(BLOCK):
            total[p] = one / total[p]
        for f in range(count):
            if marks[f] != 0:
                for p in range(BLOCK):
                    gate[f, p] *= total[p]

    gates = part(open_gates)

    def standardise(y: Any, expert: Any, factor: Any, t: Any, out: Any) -> None:
        """t = R (y - e) and the log density of a residual."""
        for p in range(BLOCK):
            out[p] = factor[0] - constant
        at = 1
        for i in range(m):
            for p in range(BLOCK):
                t[i, p] = zero
            for j in range(i + 1):
                a = factor[at]
                at += 1
                for p in range(BLOCK):
                    t[i, p] += a * (y[j, p] - expert[j, p])
            for p in range(BLOCK):
                out[p] -= half * t[i, p] * t[i, p]

    residuals_of = part(standardise)

    def run(  # noqa: PLR0912, PLR0915 - one pass: calls into Python's own objects would cost it its speed
        x: Any, y: Any, weight: Any, starts: Any, names: Any, rows: Any, lines: Any, factors: Any, cut: Any,
        totals: Any, removal: Any, predicted: Any, start: int, stop: int,
    ) -> float:  # fmt: skip
        longest = 1
        for b in range(start, stop):
            longest = max(longest, starts[b + 1] - starts[b])
        gate = np.empty((longest, BLOCK), np.float32)
        expert = np.empty((longest, m, BLOCK), np.float32)
        t = np.empty((longest if gaussian else 0, m, BLOCK), np.float32)
        joint = np.empty((longest if gaussian else 0, BLOCK), np.float32)
        marks = np.empty(longest, np.int64)
        top, total = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
        mean, error = np.empty((m, BLOCK), np.float32), np.empty((m, BLOCK), np.float32)
        loss, pull, push = (
            np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
        )  # fmt: skip
        sum_of = 0.0
        for b in range(start, stop):
            first = starts[b]
            count = starts[b + 1] - first
            gates(x[b], rows, names, first, count, cut, gate, marks, top, total)
            for c in range(m):
                for p in range(BLOCK):
                    mean[c, p] = zero
            for f in range(count):
                if marks[f] == 0:
                    continue
                answers(x[b], rows[names[first + f]], lines[names[first + f]], expert[f])
                if not squared and not gaussian:
                    chances(expert[f, 0], expert[f, 0])
                for c in range(m):
                    for p in range(BLOCK):
                        mean[c, p] += gate[f, p] * expert[f, c, p]
            if predicted.shape[0] > 0:
                for c in range(m):
                    for p in range(BLOCK):
                        predicted[b, c, p] = mean[c, p]
            # the loss at each point, and its derivative with respect to the mean where there is one
            if gaussian:
                for p in range(BLOCK):
                    top[p] = -infinity
                    total[p] = zero
                for f in range(count):
                    if marks[f] == 0:
                        continue
                    residuals_of(y[b], expert[f], factors[names[first + f]], t[f], joint[f])
                    for p in range(BLOCK):
                        joint[f, p] -= log(one / gate[f, p]) if gate[f, p] > zero else infinity
                        top[p] = joint[f, p] if joint[f, p] > top[p] else top[p]
                for f in range(count):
                    if marks[f] == 0:
                        continue
                    for p in range(BLOCK):
                        joint[f, p] = exp(joint[f, p] - top[p])
                        total[p] += joint[f, p]
                for p in range(BLOCK):
                    loss[p] = -(top[p] + log(total[p]))
                    total[p] = one / total[p]
            elif squared:
                for p in range(BLOCK):
                    loss[p] = zero
                for c in range(m):
                    for p in range(BLOCK):
                        difference = mean[c, p] - y[b, c, p]
                        loss[p] += half * difference * difference
                        error[c, p] = difference * weight[b, p]
            else:
                for p in range(BLOCK):
                    clipped = min(max(mean[0, p], least), most)
                    loss[p] = y[b, 0, p] * log(one / clipped) + (one - y[b, 0, p]) * log(
                        one / (one - clipped)
                    )
                    error[0, p] = weight[b, p] * (clipped - y[b, 0, p]) / (clipped * (one - clipped))
            for p in range(BLOCK):
                sum_of += float(weight[b, p]) * float(loss[p])
            if totals.shape[0] == 0 and removal.shape[0] == 0:
                continue
            for f in range(count):
                if marks[f] == 0:
                    continue
                k = names[first + f]
                if gaussian:
                    for p in range(BLOCK):
                        joint[f, p] *= total[p]
                if removal.shape[0] > 0:
                    change, under, seen = 0.0, 0.0, 0.0
                    for p in range(BLOCK):
                        rest = max(one - gate[f, p], least)
                        if gaussian:
                            share = joint[f, p]
                            change += float(
                                weight[b, p] * (log(one / max(one - share, least)) - log(one / rest))
                            )
                        elif squared:
                            share = gate[f, p]
                            without = zero
                            for c in range(m):
                                moved = share / rest * (mean[c, p] - expert[f, c, p])
                                without += moved * (mean[c, p] - y[b, c, p] + half * moved)
                            change += float(weight[b, p] * without)
                        else:
                            share = gate[f, p]
                            moved = mean[0, p] + share / rest * (mean[0, p] - expert[f, 0, p])
                            moved = min(max(moved, least), most)
                            without = y[b, 0, p] * log(one / moved) + (one - y[b, 0, p]) * log(
                                one / (one - moved)
                            )
                            change += float(weight[b, p] * (without - loss[p]))
                        under += float(weight[b, p] * share * loss[p])
                        seen += float(weight[b, p] * gate[f, p])
                    removal[k, 0] += change
                    removal[k, 1] += under
                    removal[k, 2] += seen
                    at = 3
                    for i in range(m if squared else 0):
                        for j in range(i + 1):
                            spread = 0.0
                            for p in range(BLOCK):
                                spread += float(gate[f, p] * error[i, p] * (mean[j, p] - y[b, j, p]))
                            removal[k, at] += spread
                            at += 1
                if totals.shape[0] == 0:
                    continue
                # dloss / dlog g_k, as pull; gate * push is the weight of an output's line
                if gaussian:
                    for p in range(BLOCK):
                        pull[p] = (gate[f, p] - joint[f, p]) * weight[b, p]
                        top[p] = one
                    moments(x[b], pull, top, rows[k], totals[k, :gate_width], marks[f])
                    at = gate_width
                    for c in range(m):
                        for p in range(BLOCK):
                            pull[p] = joint[f, p] * weight[b, p]
                        lines_moments(x[b], pull, t[f, c], rows[k], totals[k, at : at + 1 + d], marks[f])
                        at += 1 + d
                    for i in range(m):
                        for j in range(i + 1):
                            s = zero
                            for p in range(BLOCK):
                                s += pull[p] * ((one if i == j else zero) - t[f, i, p] * t[f, j, p])
                            totals[k, at] += float(s)
                            at += 1
                else:
                    for p in range(BLOCK):
                        pull[p] = zero
                    for c in range(m):
                        for p in range(BLOCK):
                            pull[p] += error[c, p] * (expert[f, c, p] - mean[c, p])
                    moments(x[b], gate[f], pull, rows[k], totals[k, :gate_width], marks[f])
                    at = gate_width
                    for c in range(m):
                        if squared:
                            lines_moments(
                                x[b], gate[f], error[c], rows[k], totals[k, at : at + 1 + d], marks[f]
                            )
                        else:
                            for p in range(BLOCK):
                                push[p] = error[c, p] * expert[f, c, p] * (one - expert[f, c, p])
                            lines_moments(x[b], gate[f], push, rows[k], totals[k, at : at + 1 + d], marks[f])
                        at += 1 + d
        return sum_of

    return kernel(run, f"experts-{objective}-d{d}-m{m}")
