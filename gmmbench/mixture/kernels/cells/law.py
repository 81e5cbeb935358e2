"""Masses of mixtures of three columns, one mixture a point, in a cell around the point and in the cube."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp as scalar_exp
from math import log, sqrt
from typing import Any

import numpy as np

from ..compiler import kernel, part
from .cell import HALF_LOG_TWO_PI, SCRATCH, make_log_cell
from .cube import TOLERANCE, make_cube


@cache
def make_prepare() -> Any:
    """A (6), sd (3), correlations (3) and log det A of a covariance: `prepare(c (3, 3), unit, out (13,))`.

    They are in units of `unit`.
    """

    def prepare(c: Any, unit: float, out: Any) -> None:
        # the inverse of the lower Cholesky factor, row by row
        s0, s1, s2 = sqrt(c[0, 0]) * unit, sqrt(c[1, 1]) * unit, sqrt(c[2, 2]) * unit
        square = unit * unit
        l00 = s0
        l10, l20 = c[1, 0] * square / l00, c[2, 0] * square / l00
        l11 = sqrt(s1 * s1 - l10 * l10)
        l21 = (c[2, 1] * square - l20 * l10) / l11
        l22 = sqrt(s2 * s2 - l20 * l20 - l21 * l21)
        out[0], out[2], out[5] = 1.0 / l00, 1.0 / l11, 1.0 / l22
        out[1] = -l10 * out[0] * out[2]
        out[4] = -l21 * out[2] * out[5]
        out[3] = -(l20 * out[0] + l21 * out[1]) * out[5]
        out[6], out[7], out[8] = s0, s1, s2
        out[9], out[10], out[11] = l10 / s1, l20 / s2, (l10 * l20 + l11 * l21) / (s1 * s2)
        out[12] = -log(l00 * l11 * l22)

    return part(prepare)


@cache
def make_law(student: bool) -> Callable[..., Any]:  # noqa: PLR0915 - the kernel inside counts
    """Log masses of points start..stop in their own mixtures; see `colour.law_masses`."""
    prepare, log_cell, cube = make_prepare(), make_log_cell(student), make_cube(student)

    def law(  # noqa: PLR0912, PLR0915 - one pass: calls into Python would cost it its speed
        weights: Any, means: Any, covariances: Any, degrees: Any, constants: Any, which: Any, roots: Any,
        root_shares: Any, colours: Any, cell: float, cut: float, nodes: Any, node_weights: Any, panel: Any,
        panel_weights: Any, log_cells: Any, log_cubes: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        m, unit = weights.shape[1], 1.0 / cell
        shared, free = covariances.shape[0] == 1, degrees.shape[0] == 1
        table, bound, white = np.empty((m, 13)), np.empty(m), np.empty((m, 3))
        low, high, a, b = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
        outside, faces = np.empty(3), np.empty((3, 2))
        squares, shares = np.empty(SCRATCH), np.empty(SCRATCH)
        if shared and stop > start:
            for k in range(m):
                prepare(covariances[0, k], unit, table[k])
        for i in range(start, stop):
            total, inside, best, whole = 0.0, 0.0, -np.inf, 0.0
            for k in range(m):
                whole += weights[i, k]
            for k in range(m):
                weight = weights[i, k]
                bound[k] = -np.inf
                if weight <= 0.0:
                    continue
                if not shared:
                    prepare(covariances[i, k], unit, table[k])
                row = table[k]
                d0 = (colours[i, 0] - means[i, k, 0]) * unit
                d1 = (colours[i, 1] - means[i, k, 1]) * unit
                d2 = (colours[i, 2] - means[i, k, 2]) * unit
                z0, z1, z2 = row[0] * d0, row[1] * d0 + row[2] * d1, row[3] * d0 + row[4] * d1 + row[5] * d2
                white[k, 0], white[k, 1], white[k, 2] = z0, z1, z2
                g = abs(z0 * row[0] + z1 * row[1] + z2 * row[3])
                g += abs(z1 * row[2] + z2 * row[4]) + abs(z2 * row[5])
                q = max(z0 * z0 + z1 * z1 + z2 * z2 - g, 0.0)
                df = degrees[0 if free else i, k]
                constant = constants[0 if free else i, k] if student else -3.0 * HALF_LOG_TWO_PI
                decay = 0.5 * (df + 3.0) * log(1.0 + q / df) if student else 0.5 * q
                bound[k] = log(weight) + row[12] + constant - decay
                best = max(best, bound[k])
                total += weight
                for j in range(3):
                    mean = means[i, k, j] * unit
                    low[j], high[j] = -mean / row[6 + j], (unit - mean) / row[6 + j]
                rule = which[0 if free else i, k]
                inside += weight * cube(
                    low, high, row[9:12], roots[rule], root_shares[rule], TOLERANCE * whole / weight,
                    a, b, outside, faces, panel, panel_weights,
                )  # fmt: skip
            top, sum_ = -np.inf, 0.0
            floor, ceiling = best - 4.0, np.inf
            for attempt in range(2):
                for k in range(m):
                    if not (floor <= bound[k] < ceiling and bound[k] > -np.inf):
                        continue
                    row = table[k]
                    df = degrees[0 if free else i, k]
                    constant = constants[0 if free else i, k] if student else -3.0 * HALF_LOG_TWO_PI
                    value = log(weights[i, k]) + row[12] + constant + log_cell(
                        white[k, 0], white[k, 1], white[k, 2], row, df, 0.5 * (df + 3.0), nodes, node_weights,
                        squares, shares,
                    )  # fmt: skip
                    if value > top:
                        sum_ = sum_ * scalar_exp(top - value) + 1.0
                        top = value
                    elif value > -np.inf:
                        sum_ += scalar_exp(value - top)
                if attempt == 0:
                    ceiling = floor
                    floor = min(ceiling, top + log(sum_) + cut)
            log_cells[i] = top + log(sum_) - log(total)
            log_cubes[i] = log(max(inside / total, 1e-300))

    return kernel(law, f"cells-law-{'student' if student else 'gaussian'}")
