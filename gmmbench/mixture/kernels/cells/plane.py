"""Masses of two-dimensional components in the cells of a lattice, a tile of cells at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log, sqrt
from typing import Any

import numpy as np

from ..compiler import kernel, part
from ..elementary import make_exp
from .cell import NARROWER
from .needed import DEGREES, FIRST, LEAST, MEAN, OFFSET, make_upper
from .quadrature import make_enough_here
from .tails import make_between, make_log1p, make_ratio

TILE = 16
"""Cells along a tile's side: two vectors of eight floats."""

WEIGHT, NARROW, AT, SD, SLOPE, INVERSE, NODES = range(7)
"""What a Gaussian's row of `shapes` holds: weight, the axis of the error function (0: x, 1: y), mean along
the other axis, standard deviation along it, slope of the conditional mean, 1 / conditional deviation, and the
Gauss-Legendre nodes a cell: 0 for a diagonal covariance, which is exact along both axes."""

FROM = 7
"""And the mean along the axis of the error function."""

FARTHEST = 81.0
"""Squared distance up to which a component has its nodes: 40 nats down."""


@cache
def make_gaussian_tile() -> Any:
    """Add a component's masses to a tile's: `add(x0, y0, row, shape, nodes, weights, across, down, lanes)`.

    `across` (TILE, TILE) holds masses [cell along x, cell along y], `down` [y, x]: the error function
    runs over the first index, so that lanes run over the second.
    """
    exp, ratio, between = make_exp("float64"), make_ratio(), make_between()
    normaliser = 1.0 / sqrt(2.0 * np.pi)

    def sheared(first: float, start: float, shape: Any, node: float, share: float, out: Any, s: Any) -> None:
        """One node along the wide axis of every cell, whose first cells begin at `first` and `start`."""
        density, centre, before, tail = s[0], s[1], s[2], s[3]
        at, inverse_sd, slope, inverse = (
            start + node - shape[AT],
            1.0 / shape[SD],
            shape[SLOPE],
            shape[INVERSE],
        )
        scale = share * shape[WEIGHT] * inverse_sd * normaliser
        most = 0.0
        for p in range(TILE):
            u = at + p
            z = u * inverse_sd
            density[p] = scale * exp(-0.5 * z * z)
            centre[p] = shape[FROM] + slope * u
            b = (first - centre[p]) * inverse
            before[p] = b
            tail[p] = exp(-0.5 * b * b) * ratio(abs(b))
        for p in range(TILE):
            most = density[p] if density[p] > most else most
        if most == 0.0:
            return
        for cell in range(TILE):
            edge = first + cell + 1.0
            line = out[cell]
            for p in range(TILE):
                b = (edge - centre[p]) * inverse
                t = exp(-0.5 * b * b) * ratio(abs(b))
                line[p] += density[p] * between(before[p], tail[p], b, t)
                before[p] = b
                tail[p] = t

    one_node = part(sheared)

    def steps(start: float, at: float, inverse: float, out: Any) -> None:
        """Masses of the cells along one axis."""
        a = (start - at) * inverse
        tail_a = exp(-0.5 * a * a) * ratio(abs(a))
        for p in range(TILE):
            b = (start + p + 1.0 - at) * inverse
            tail_b = exp(-0.5 * b * b) * ratio(abs(b))
            out[p] = between(a, tail_a, b, tail_b)
            a, tail_a = b, tail_b

    along = part(steps)

    def add(
        x0: float, y0: float, row: Any, shape: Any, nodes: Any, weights: Any, across: Any, down: Any, s: Any
    ) -> None:
        narrow, n = int(shape[NARROW]), int(shape[NODES])
        first, start, out = (x0, y0, across) if narrow == 0 else (y0, x0, down)
        if n == 0:
            along(first, shape[FROM], shape[INVERSE], s[0])
            along(start, shape[AT], 1.0 / shape[SD], s[1])
            for i in range(TILE):
                height = shape[WEIGHT] * s[0, i]
                for p in range(TILE):
                    out[i, p] += height * s[1, p]
        else:
            for q in range(n):
                one_node(first, start, shape, nodes[n, q], weights[n, q], out, s)

    return part(add)


@cache
def make_student_tile() -> Any:
    """The same for t distributions, by Gauss-Legendre along both axes.

    As many nodes as the component needs here: along an axis its density varies over the conditional
    standard deviation times sqrt((df + q) / (df + 2)), q being the least squared distance in the tile, and
    its logarithm changes by (df + 2) sqrt(q) / (df + q) per deviation, most where q = df.
    """
    exp, log1p, enough, narrower = make_exp("float64"), make_log1p(), make_enough_here(), NARROWER

    def add(x0: float, y0: float, row: Any, bound: float, nodes: Any, weights: Any, down: Any) -> None:
        df, mx, my = row[DEGREES], row[MEAN], row[MEAN + 1]
        a, b, c = row[MEAN + 2], row[MEAN + 3], row[MEAN + 4]
        power, inverse, height = 0.5 * (df + 2.0), 1.0 / df, np.exp(row[OFFSET])
        more = np.exp((row[OFFSET] - bound) / power)  # 1 + q / df
        stretch = narrower * sqrt(df / (df + 2.0) * more)
        far = max(df * (more - 1.0), min(df, FARTHEST))
        steep, slant = (df + 2.0) * sqrt(far) / (df + far) / narrower, sqrt(a * a + b * b)
        across = enough(stretch / slant, steep * slant)
        along = enough(stretch / c, steep * c)
        for i in range(TILE):
            line = down[i]
            for j in range(along):
                y = y0 + i + nodes[along, j] - my
                for k in range(across):
                    share = height * weights[along, j] * weights[across, k]
                    left = x0 + nodes[across, k] - mx
                    for p in range(TILE):
                        x = left + p
                        u, v = a * x, b * x + c * y
                        line[p] += share * exp(-power * log1p((u * u + v * v) * inverse))

    return part(add)


@cache
def make_cells(student: bool) -> Callable[..., Any]:
    """Masses of a mixture in cells of side 1, for tiles start..stop, written to out (height, width).

    Components that hold less than exp(cut) of the least mass of the tile's cells in each of them are
    left out. First those within FIRST nats of the best bound are summed: their least cell bounds the
    truth from below, and decides which others are needed.
    """
    upper = make_upper(2, 2, student)
    add_gaussian, add_student = make_gaussian_tile(), make_student_tile()

    def cells(
        rows: Any, columns: Any, shapes: Any, cut: float, nodes: Any, weights: Any,
        out: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        height, width = out.shape
        n_components = rows.shape[0]
        tiles = (width + TILE - 1) // TILE
        bound, c, r = np.empty(n_components), np.empty(n_components), np.empty(n_components)
        across, down, s = np.empty((TILE, TILE)), np.empty((TILE, TILE)), np.empty((4, TILE))
        centre, half = np.empty(2), np.full(2, 0.5 * TILE)
        for tile in range(start, stop):
            left, top = TILE * (tile % tiles), TILE * (tile // tiles)
            wide, high = min(TILE, width - left), min(TILE, height - top)
            centre[0], centre[1] = left + 0.5 * TILE, top + 0.5 * TILE
            best = upper(centre, half, columns, columns[OFFSET], bound, c, r)
            across[:] = 0.0
            down[:] = 0.0
            ceiling, floor = np.inf, best - FIRST
            for _ in range(2):
                for k in range(n_components):
                    if floor <= bound[k] < ceiling and bound[k] > LEAST:
                        if student:
                            add_student(float(left), float(top), rows[k], bound[k], nodes, weights, down)
                        else:
                            add_gaussian(
                                float(left), float(top), rows[k], shapes[k], nodes, weights, across, down, s
                            )
                least = np.inf
                for i in range(high):
                    for j in range(wide):
                        mass = down[i, j] + across[j, i]
                        least = mass if mass < least else least
                ceiling = floor
                floor = min(ceiling, log(least) + cut) if least > 0.0 else LEAST
            for i in range(high):
                for j in range(wide):
                    out[top + i, left + j] = down[i, j] + across[j, i]

    return kernel(cells, f"cells-{'student' if student else 'gaussian'}")
