"""Masses of mixtures of three columns in boxes, whatever the widths: slower than `law`, with an error."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp as scalar_exp
from math import log, log1p, sqrt
from typing import Any

import numpy as np

from ..compiler import kernel, part
from .heavy_box import make_box_of
from .solid_box import MOST_PANELS
from .strip import NODES, PANELS

ORDER, INVERSE, SLOPES = 0, 3, 6
"""Where a component's row of the table holds its axes in their order, 1 / conditional standard deviations of
these, and the slopes of the second on the first and of the third on both; 9 numbers."""

FIRST = 4.0
"""Nats below the best bound within which components are integrated first."""

ROUNDING = 4e-16
"""Relative error of a float64 after a few operations."""


@cache
def make_place() -> Any:
    """A box in a component's coordinates, and a bound of its log mass there.

    `place(low (3,), high (3,), mean (3,), row (9,), stretch, degrees, lower (3,), upper (3,)) -> bound`.
    The mass is at most that of everything at least as far away as the nearest point: of a Gaussian
    (1 + d) exp(-d^2 / 2) in three dimensions, of a t its mean over the precisions.
    """

    def place(
        low: Any, high: Any, mean: Any, row: Any, stretch: float, degrees: float, lower: Any, upper: Any
    ) -> float:
        for i in range(3):
            axis, scale = int(row[ORDER + i]), row[INVERSE + i] / stretch
            lower[i], upper[i] = (low[axis] - mean[axis]) * scale, (high[axis] - mean[axis]) * scale
        # each coordinate's range, from those before it
        near = max(lower[0], -upper[0], 0.0)
        square = near * near
        a, b = row[SLOPES] * lower[0], row[SLOPES] * upper[0]
        from_, to = lower[1] - max(a, b), upper[1] - min(a, b)
        near = max(from_, -to, 0.0)
        square += near * near
        a, b = row[SLOPES + 1] * lower[0], row[SLOPES + 1] * upper[0]
        c, d = row[SLOPES + 2] * from_, row[SLOPES + 2] * to
        near = max(lower[2] - max(a, b) - max(c, d), min(a, b) + min(c, d) - upper[2], 0.0)
        square += near * near
        if degrees > 0.0:
            fall = log1p(square / degrees)
            return min(0.0, log1p(sqrt(square / (1.0 + square / degrees))) - 0.5 * degrees * fall)
        return min(0.0, log1p(sqrt(square)) - 0.5 * square)

    return part(place)


@cache
def make_careful() -> Callable[..., Any]:
    """Log masses of boxes start..stop in their own mixtures: see `careful_masses.careful_masses`."""
    place, box = make_place(), make_box_of(3)

    def careful(  # noqa: PLR0912 - one pass: calls into Python would cost it its speed
        log_weights: Any, means: Any, stretch: Any, table: Any, degrees: Any, lows: Any, highs: Any,
        known: Any, cut: float, rule: Any, out: Any, errors: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        m, shared, free = log_weights.shape[1], table.shape[0] == 1, degrees.shape[0] == 1
        bound, lower, upper, scaled = np.empty(m), np.empty(3), np.empty(3), np.empty((2, 3))
        z, share, value = np.empty(PANELS * NODES), np.empty(PANELS), np.empty(PANELS * NODES)
        panels, ends = np.empty((MOST_PANELS, 4)), np.empty((40, 3))
        for i in range(start, stop):
            low, high, best = lows[i], highs[i], -np.inf
            for k in range(m):
                bound[k] = log_weights[i, k]
                if bound[k] > -np.inf:
                    bound[k] += place(
                        low, high, means[i, k], table[0 if shared else i, k], stretch[i, k],
                        degrees[0 if free else i, k], lower, upper,
                    )  # fmt: skip
                best = max(best, bound[k])
            top, total, mistake = known[i, 0], 0.0, 0.0
            if top > -np.inf:
                total, mistake = 1.0, known[i, 1]
            least, ceiling = max(best - FIRST, top + cut), np.inf
            for _ in range(2):
                for k in range(m):
                    if not (least <= bound[k] < ceiling and bound[k] > -np.inf):
                        continue
                    row, df = table[0 if shared else i, k], degrees[0 if free else i, k]
                    place(low, high, means[i, k], row, stretch[i, k], df, lower, upper)
                    mass, error = box(
                        lower, upper, row[SLOPES : SLOPES + 3], df, scaled,
                        rule, z, share, value, panels, ends,
                    )  # fmt: skip
                    if mass == -np.inf:
                        continue
                    size = 0.0
                    for j in range(3):
                        axis = int(row[ORDER + j])
                        edge = max(abs(low[axis]), abs(high[axis])) + abs(means[i, k, axis])
                        size = max(size, edge * row[INVERSE + j] / stretch[i, k])
                    far = sqrt(2.0 * abs(mass)) if df <= 0.0 else sqrt(min(2.0 * abs(mass), df + 3.0))
                    error += ROUNDING * ((1.0 + far) * size + abs(mass))
                    here = log_weights[i, k] + mass
                    if here > top:
                        shrunk = scalar_exp(top - here) if top > -np.inf else 0.0
                        total, mistake, top = total * shrunk + 1.0, mistake * shrunk + error, here
                    else:
                        part_of = scalar_exp(here - top)
                        total += part_of
                        mistake += part_of * error
                ceiling = least
                least = min(ceiling, top + log(total) + cut) if total > 0.0 else -np.inf
            if total > 0.0:
                out[i], errors[i] = top + log(total), mistake / total
            else:
                out[i], errors[i] = best, np.inf

    return kernel(careful, "cells-careful")
