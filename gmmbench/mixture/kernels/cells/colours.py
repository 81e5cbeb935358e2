"""Conditional laws of three columns given two: masses of a cell and of the cube, block by block."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp as scalar_exp
from math import log, sqrt
from typing import Any

import numpy as np

from ..compiler import kernel, part
from ..densities import BLOCK
from .cell import SCRATCH, make_log_cell
from .cube import FAR, TOLERANCE, make_cube
from .needed import DEGREES, MEAN, OFFSET, make_decay, make_upper
from .shares import make_shares, make_squares

RANK = 5
"""Columns: two known, three conditional."""

INNER = MEAN + RANK + 3
"""Where the rows of A of the conditional columns begin in a component's row."""

RELEVANT = 1e-8
"""A component with a smaller share at every point of a block counts as inside the cube there."""

BEST, ROUND = 4.0, 20.0
"""Nats below a point's, and a block's, best bound within which components are integrated first."""

SMOOTH = ((1e-6, 1), (2e-3, 2), (0.03, 3), (0.1, 4), (0.4, 6), (0.9, 8))
"""(standard deviations that a component's conditional mean moves within a block, Chebyshev nodes an axis
that interpolate the mass in the cube there to about 1e-7): n nodes err as the n-th power of the move, so
components of small shares do with fewer. A mean that moves more is not interpolated."""

WIDEST = 2.0
"""Standard deviations beyond which that power is no guide."""

FINEST = 8
"""Chebyshev nodes an axis at most."""


@cache
def make_tables() -> Any:
    """Lagrange's polynomials of Chebyshev nodes at points: `fill(u, n, out)`, u in -1..1, out (n,)."""

    def fill(u: float, n: int, out: Any) -> None:
        for i in range(n):
            at, value = np.cos(np.pi * (i + 0.5) / n), 1.0
            for j in range(n):
                if j != i:
                    other = np.cos(np.pi * (j + 0.5) / n)
                    value *= (u - other) / (at - other)
            out[i] = value

    return part(fill)


@cache
def make_inside(student: bool) -> Any:
    """Mass in the cube of a component's conditional law at a position: `inside(x, y, k, ...)`."""
    cube = make_cube(student)

    def inside(
        x: float, y: float, row: Any, law: Any, side: float, tolerance: float, roots: Any, root_shares: Any,
        low: Any, high: Any, a: Any, b: Any, outside: Any, faces: Any, panel: Any, panel_weights: Any,
    ) -> float:  # fmt: skip
        u, v = x - row[MEAN], y - row[MEAN + 1]
        df, stretch = row[DEGREES], 1.0
        if student:
            z0 = row[MEAN + RANK] * u
            z1 = row[MEAN + RANK + 1] * u + row[MEAN + RANK + 2] * v
            stretch = sqrt((df + z0 * z0 + z1 * z1) / (df + 2.0))
        for j in range(3):
            mean = row[MEAN + 2 + j] + law[6 + 2 * j] * u + law[7 + 2 * j] * v
            scale = 1.0 / (law[j] * stretch)
            low[j], high[j] = -mean * scale, (side - mean) * scale
        return cube(
            low, high, law[3:6], roots, root_shares, tolerance, a, b, outside, faces, panel, panel_weights
        )  # fmt: skip

    return part(inside)


@cache
def make_cube_block(student: bool) -> Any:  # noqa: PLR0915 - the kernel inside counts
    """Add share times mass in the cube of one component to every point of a block.

    The mass is a smooth function of the position: where a block's box moves the conditional mean little,
    it is interpolated between few of them.
    """
    inside, fill = make_inside(student), make_tables()
    smooth = SMOOTH

    def cube_block(  # noqa: PLR0912 - calls between the steps would cost it its speed
        x: Any, centre: Any, half: Any, row: Any, law: Any, side: float, shares: Any, total: Any, out: Any,
        basis: Any, known: Any, values: Any, roots: Any, root_shares: Any, low: Any, high: Any, a: Any,
        b: Any, outside: Any, faces: Any, panel: Any, panel_weights: Any,
    ) -> None:  # fmt: skip
        most, relevant = 0.0, 0
        for p in range(BLOCK):
            r = shares[p] / total[p]
            most = r if r > most else most
            relevant += 1 if r > RELEVANT else 0
        stretch, near, far = 1.0, 0.0, 0.0
        df, u, v = row[DEGREES], centre[0] - row[MEAN], centre[1] - row[MEAN + 1]
        if student:
            e, f, g, span = row[MEAN + RANK], row[MEAN + RANK + 1], row[MEAN + RANK + 2], 0.0
            for sign in range(2):
                z0 = e * half[0]
                z1 = f * half[0] + g * (half[1] if sign else -half[1])
                span = max(span, sqrt(z0 * z0 + z1 * z1))
            z0, z1 = e * u, f * u + g * v
            middle = sqrt(z0 * z0 + z1 * z1)
            near, far = max(middle - span, 0.0), middle + span
            stretch = sqrt((df + far * far) / (df + 2.0))
        clear = True
        for j in range(3):
            mean = row[MEAN + 2 + j] + law[6 + 2 * j] * u + law[7 + 2 * j] * v
            reach = law[18] * stretch * law[j]
            reach += abs(law[6 + 2 * j]) * half[0] + abs(law[7 + 2 * j]) * half[1]
            clear = clear and mean > reach and side - mean > reach
        if most < RELEVANT or clear:
            for p in range(BLOCK):
                out[p] += shares[p]
            return
        moved = 0.0
        for i in range(3):  # rows of A of the conditional columns, their two known columns
            at = INNER + 2 * i + i * (i + 1) // 2
            step = abs(row[at]) * half[0] + abs(row[at + 1]) * half[1]
            moved += step * step
        moved = sqrt(moved)
        if student:
            moved /= sqrt((df + near * near) / (df + 2.0))
            moved += 0.5 * FAR * log((df + far * far) / (df + near * near))
        n = 0
        for limit, nodes in smooth:
            if moved < min(limit / most ** (1.0 / nodes), WIDEST):
                n = nodes
                break
        if n == 0 or n * n >= relevant:
            for p in range(BLOCK):
                if shares[p] > RELEVANT * total[p]:
                    mass = inside(
                        x[0, p], x[1, p], row, law, side, TOLERANCE * total[p] / shares[p],
                        roots, root_shares, low, high, a, b, outside, faces, panel, panel_weights,
                    )  # fmt: skip
                    out[p] += shares[p] * mass
                else:
                    out[p] += shares[p]
            return
        if not known[n]:
            known[n] = True
            for p in range(BLOCK):
                for axis in range(2):
                    u = (x[axis, p] - centre[axis]) / half[axis] if half[axis] > 0.0 else 0.0
                    fill(u, n, basis[n, axis, p])
        for i in range(n):
            for j in range(n):
                values[i, j] = inside(
                    centre[0] + half[0] * np.cos(np.pi * (i + 0.5) / n),
                    centre[1] + half[1] * np.cos(np.pi * (j + 0.5) / n),
                    row, law, side, TOLERANCE / most,
                    roots, root_shares, low, high, a, b, outside, faces, panel, panel_weights,
                )  # fmt: skip
        for p in range(BLOCK):
            mass = 0.0
            for i in range(n):
                line = 0.0
                for j in range(n):
                    line += values[i, j] * basis[n, 1, p, j]
                mass += line * basis[n, 0, p, i]
            out[p] += shares[p] * min(max(mass, 0.0), 1.0)

    return part(cube_block)


@cache
def make_bounded(student: bool) -> Any:
    """Upper bounds of log(w_k times its mass in the cell) at a block: `bounded(x, row, out, square, z)`.

    In a cell of side 1 around the point the squared distance is at least what it is at the point less
    the sum of its slopes.
    """
    known = make_squares(RANK, 0, 2)
    decay = make_decay(RANK, student)

    def bounded(x: Any, row: Any, out: Any, square: Any, z: Any) -> None:
        known(x, row, square, z[0])
        for i in range(3):
            at = INNER + 2 * i + i * (i + 1) // 2
            for p in range(BLOCK):
                z[i, p] = row[at] * (x[0, p] - row[MEAN])
            for j in range(1, i + 3):
                a, m = row[at + j], row[MEAN + j]
                for p in range(BLOCK):
                    z[i, p] += a * (x[j, p] - m)
        a, b, c, d, e, f = (
            row[INNER + 2], row[INNER + 5], row[INNER + 6], row[INNER + 9], row[INNER + 10], row[INNER + 11]
        )  # fmt: skip
        for p in range(BLOCK):
            z0, z1, z2 = z[0, p], z[1, p], z[2, p]
            g = abs(z0 * a + z1 * b + z2 * d) + abs(z1 * c + z2 * e) + abs(z2 * f)
            q = z0 * z0 + z1 * z1 + z2 * z2 - g
            square[p] += q if q > 0.0 else 0.0
        height, df = row[OFFSET], row[DEGREES]
        for p in range(BLOCK):
            out[p] = height - decay(square[p], df)

    return part(bounded)


@cache
def make_cell_of(student: bool) -> Any:
    """log(w_k times its mass in the cell) at one point: `cell_of(x (5, BLOCK), p, row, a, ...)`."""
    log_cell = make_log_cell(student)
    decay = make_decay(RANK, student)

    def cell_of(
        x: Any, p: int, row: Any, law: Any, nodes: Any, weights: Any, squares: Any, shares: Any, z: Any
    ) -> float:
        at = MEAN + RANK
        for i in range(RANK):
            z[i] = 0.0
            for j in range(i + 1):
                z[i] += row[at] * (x[j, p] - row[MEAN + j])
                at += 1
        q, df = z[0] * z[0] + z[1] * z[1], row[DEGREES]
        here = row[OFFSET] - decay(q, df)
        return here + log_cell(
            z[2], z[3], z[4], law[12:18], df + q, 0.5 * (df + RANK), nodes, weights, squares, shares
        )

    return part(cell_of)


@cache
def make_colour(student: bool) -> Callable[..., Any]:  # noqa: PLR0915 - the kernel inside counts
    """Log masses of cells and of the cube at blocks start..stop; see `integrals.colour_masses`.

    Components are listed by the marginal for the shares and the cube, and by the joint law's bound over
    the block's cells for the cells; within the list a component is integrated at a point only where its
    bound there reaches exp(cut) of what the point has already.
    """
    shares_of, upper = make_shares(RANK, 2, student), make_upper(RANK, RANK, student)
    cube_block, bounded, cell_of = make_cube_block(student), make_bounded(student), make_cell_of(student)

    def add(value: float, top: Any, total: Any, p: int) -> None:
        """Add exp(value) to exp(top) total."""
        if value > top[p]:
            total[p] = total[p] * scalar_exp(top[p] - value) + 1.0
            top[p] = value
        elif value > -np.inf:
            total[p] += scalar_exp(value - top[p])

    add_to = part(add)

    def colour(  # noqa: PLR0912 - one pass: calls into Python would cost it its speed
        x: Any, centre: Any, half: Any, rows: Any, columns: Any, laws: Any, marginal: Any, roots: Any,
        root_shares: Any, side: float, cut: float, nodes: Any, weights: Any, panel: Any, panel_weights: Any,
        log_cells: Any, log_cubes: Any, start: int, stop: int,
    ) -> None:  # fmt: skip
        k_all = rows.shape[0]
        bound, c, r = np.empty(k_all), np.empty(k_all), np.empty(k_all)
        chosen, joint = np.empty(k_all, np.int64), np.empty((k_all, BLOCK))
        square, z = np.empty(BLOCK), np.empty((3, BLOCK))
        top, total, inside, best = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        basis = np.empty((FINEST + 1, 2, BLOCK, FINEST))
        known, values = np.empty(FINEST + 1, np.bool_), np.empty((FINEST, FINEST))
        low, high, a, b = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
        outside, faces = np.empty(3), np.empty((3, 2))
        squares, shares, five = np.empty(SCRATCH), np.empty(SCRATCH), np.empty(RANK)
        for t in range(start, stop):
            count = shares_of(
                x[t], centre[t, :2], half[t, :2], rows, columns, marginal, cut,
                bound, c, r, chosen, joint, square, z[0], top, total,
            )  # fmt: skip
            inside[:] = 0.0
            known[:] = False
            for f in range(count):
                k = chosen[f]
                cube_block(
                    x[t], centre[t], half[t], rows[k], laws[k], side, joint[f], total, inside,
                    basis, known, values, roots[k], root_shares[k],
                    low, high, a, b, outside, faces, panel, panel_weights,
                )  # fmt: skip
            for p in range(BLOCK):
                log_cubes[t, p] = log(max(inside[p] / total[p], 1e-300))
                log_cells[t, p] = -top[p] - log(total[p])
            ceiling, floor = np.inf, upper(centre[t], half[t], columns, columns[OFFSET], bound, c, r) - ROUND
            for p in range(BLOCK):
                top[p], total[p] = -np.inf, 0.0
            for attempt in range(2):
                count = 0
                for p in range(BLOCK):
                    best[p] = -np.inf
                for k in range(k_all):
                    if floor <= bound[k] < ceiling and bound[k] > -np.inf:
                        line = joint[count]
                        bounded(x[t], rows[k], line, square, z)
                        for p in range(BLOCK):
                            best[p] = line[p] if line[p] > best[p] else best[p]
                        chosen[count] = k
                        count += 1
                for p in range(BLOCK):
                    limit = best[p] - BEST if attempt == 0 else np.inf
                    if attempt == 0:
                        for f in range(count):
                            if joint[f, p] >= limit:
                                k = chosen[f]
                                value = cell_of(
                                    x[t], p, rows[k], laws[k], nodes, weights, squares, shares, five
                                )
                                add_to(value, top, total, p)
                    need = top[p] + log(total[p]) + cut
                    for f in range(count):
                        if need <= joint[f, p] < limit:
                            k = chosen[f]
                            value = cell_of(x[t], p, rows[k], laws[k], nodes, weights, squares, shares, five)
                            add_to(value, top, total, p)
                least = np.inf
                for p in range(BLOCK):
                    least = min(least, top[p] + log(total[p]))
                ceiling = floor
                floor = min(ceiling, least + cut)
            for p in range(BLOCK):
                log_cells[t, p] += top[p] + log(total[p])

    return kernel(colour, f"cells-colour-{'student' if student else 'gaussian'}")
