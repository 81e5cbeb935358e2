"""Masses of narrow and steep components of two columns in the cells of a lattice: slower, with an error."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp as scalar_exp
from math import log, log1p, sqrt
from typing import Any

import numpy as np

from ..compiler import kernel, part
from .careful_colours import FIRST, ROUNDING
from .heavy_box import make_box_of
from .needed import LEAST
from .strip import NODES, PANELS

ORDER, INVERSE, SLOPE = 0, 2, 4
"""Where a component's row of the table holds its axes in their order, 1 / conditional standard deviations of
these (in cells), and the slope of the second on the first; 5 numbers."""


@cache
def make_place_in_plane() -> Any:
    """A rectangle in a component's coordinates, and a bound of its log mass there.

    `place(low (2,), high (2,), mean (2,), row (5,), degrees, lower (2,), upper (2,)) -> bound`: the mass
    is at most that of everything at least as far away, exp(-d^2 / 2) of a Gaussian in two dimensions.
    """

    def place(low: Any, high: Any, mean: Any, row: Any, degrees: float, lower: Any, upper: Any) -> float:
        for i in range(2):
            axis = int(row[ORDER + i])
            lower[i] = (low[axis] - mean[axis]) * row[INVERSE + i]
            upper[i] = (high[axis] - mean[axis]) * row[INVERSE + i]
        near = max(lower[0], -upper[0], 0.0)
        a, b = row[SLOPE] * lower[0], row[SLOPE] * upper[0]
        next_ = max(lower[1] - max(a, b), min(a, b) - upper[1], 0.0)
        square = near * near + next_ * next_
        return -0.5 * degrees * log1p(square / degrees) if degrees > 0.0 else -0.5 * square

    return part(place)


@cache
def make_careful_plane() -> Callable[..., Any]:
    """Add the masses of components to cells of side 1, for rows start..stop of cells.

    `careful(log_weights (K,), means (K, 2), table (K, 5), degrees (K,), cut, rule, out (H, W),
    mistakes (H, W), start, stop)`. A component's mass is added to `out` unless it is less than exp(cut) of
    what the cell has, and the estimate of its error to `mistakes`.
    """
    place, box = make_place_in_plane(), make_box_of(2)

    def careful(
        log_weights: Any, means: Any, table: Any, degrees: Any, cut: float, rule: Any,
        out: Any, mistakes: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        width, m = out.shape[1], len(log_weights)
        low, high, lower, upper = np.empty(2), np.empty(2), np.empty(3), np.empty(3)
        scaled, slopes = np.empty((2, 3)), np.zeros(3)
        z, share, value = np.empty(PANELS * NODES), np.empty(PANELS), np.empty(PANELS * NODES)
        panels, ends = np.empty((1, 4)), np.empty((1, 3))
        bound = np.empty(m)
        for y in range(start, stop):
            for x in range(width):
                low[0], high[0], low[1], high[1] = x, x + 1.0, y, y + 1.0
                best = -np.inf
                for k in range(m):
                    bound[k] = log_weights[k] + place(low, high, means[k], table[k], degrees[k], lower, upper)
                    best = max(best, bound[k])
                least, ceiling = max(best - FIRST, LEAST), np.inf
                for attempt in range(2):
                    known = log(out[y, x]) + cut if out[y, x] > 0.0 else -np.inf
                    least = max(least, known) if attempt == 0 else max(min(ceiling, known), LEAST)
                    for k in range(m):
                        if not (least <= bound[k] < ceiling and bound[k] > -np.inf):
                            continue
                        place(low, high, means[k], table[k], degrees[k], lower, upper)
                        slopes[0] = table[k, SLOPE]
                        mass, error = box(
                            lower, upper, slopes, degrees[k], scaled, rule, z, share, value, panels, ends
                        )  # fmt: skip
                        if mass == -np.inf:
                            continue
                        size = 0.0
                        for j in range(2):
                            axis = int(table[k, ORDER + j])
                            size = max(size, (high[axis] + abs(means[k, axis])) * table[k, INVERSE + j])
                        far = sqrt(2.0 * abs(mass))
                        far = far if degrees[k] <= 0.0 else min(far, sqrt(degrees[k] + 2.0))
                        error += ROUNDING * ((1.0 + far) * size + abs(mass))
                        mass = scalar_exp(log_weights[k] + mass)
                        out[y, x] += mass
                        mistakes[y, x] += error * mass
                    ceiling = least

    return kernel(careful, "cells-careful-plane")
