"""The mass of a three-dimensional Gaussian or t in a box."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..compiler import part
from .normal_cdf import make_corner_three, make_corner_two
from .tails import make_between, make_tail

FAR = 6.5
"""Standard deviations beyond which a face of the box takes nothing: a tail of 4e-11."""

TOLERANCE = 5e-8
"""Of a component's mass in the cube, times its share."""


@cache
def make_faces() -> Any:
    """Faces that an axis needs: `faces(low, high, tolerance, out (2,)) -> (how many, sign)`.

    With one, the axis is turned by the sign so that all lies below out[0]; with two the mass is what lies
    below out[0] less what lies below out[1].
    """
    tail = make_tail()

    def faces(low: float, high: float, tolerance: float, out: Any) -> Any:
        below = tail(low) if low < 0.0 else 1.0
        above = tail(high) if high > 0.0 else 1.0
        if below <= tolerance:
            out[0] = high
            return 1, 1.0
        if above <= tolerance:
            out[0] = -low
            return 1, -1.0
        out[0], out[1] = high, low
        return 2, 1.0

    return part(faces)


@cache
def make_box() -> Any:
    """P(low <= z <= high) of three standard normals, to the tolerance given.

    `box(low (3,), high (3,), r (3,), tolerance, outside (3,), faces (3, 2), nodes, weights)`; r holds the
    correlations of axes 0 1, 0 2 and 1 2. What lies outside on each axis alone is known exactly; axes on
    which it is less than the tolerance need no joint law. Otherwise the mass is a sum over corners.
    """
    between, tail, find = make_between(), make_tail(), make_faces()
    corner_two, corner_three = make_corner_two(), make_corner_three()

    def two(
        a: Any, b: Any, i: int, j: int, r: float, tolerance: float, at: Any, nodes: Any, weights: Any
    ) -> float:
        m, turn_i = find(a[i], b[i], tolerance, at[0])
        n, turn_j = find(a[j], b[j], tolerance, at[1])
        r *= turn_i * turn_j
        total = 0.0
        for s in range(m):
            for t in range(n):
                value = corner_two(at[0, s], at[1, t], r, nodes, weights)
                total += value if s == t else -value
        return total

    pair = part(two)

    def three(a: Any, b: Any, r: Any, tolerance: float, at: Any, nodes: Any, weights: Any) -> float:
        i, j, k, r_ij, r_ik, r_jk = 0, 1, 2, r[0], r[1], r[2]
        if abs(r_ik) > abs(r_jk) and abs(r_ik) >= abs(r_ij):
            i, j, r_ik, r_jk = 1, 0, r_jk, r_ik
        elif abs(r_ij) > abs(r_jk):
            i, k, r_ij, r_jk = 2, 0, r_jk, r_ij
        l, turn_i = find(a[i], b[i], tolerance, at[0])  # noqa: E741
        m, turn_j = find(a[j], b[j], tolerance, at[1])
        n, turn_k = find(a[k], b[k], tolerance, at[2])
        r_ij, r_ik, r_jk = r_ij * turn_i * turn_j, r_ik * turn_i * turn_k, r_jk * turn_j * turn_k
        total = 0.0
        for s in range(l):
            for t in range(m):
                for u in range(n):
                    value = corner_three(at[0, s], at[1, t], at[2, u], r_ij, r_ik, r_jk, nodes, weights)
                    total += value if (s + t + u) % 2 == 0 else -value
        return total

    triple = part(three)

    def box(
        a: Any, b: Any, r: Any, tolerance: float, outside: Any, at: Any, nodes: Any, weights: Any
    ) -> float:
        for j in range(3):
            if a[j] > -FAR or b[j] < FAR:
                if a[j] >= 0.0 or b[j] <= 0.0:
                    outside[j] = 1.0 - between(a[j], tail(a[j]), b[j], tail(b[j]))
                else:
                    outside[j] = tail(a[j]) + tail(b[j])
            else:
                outside[j] = 0.0
        # axes by how much lies outside: most, middle, least
        i, j, k = 0, 1, 2
        if outside[i] < outside[j]:
            i, j = j, i
        if outside[j] < outside[k]:
            j, k = k, j
            if outside[i] < outside[j]:
                i, j = j, i
        rest = (1.0 - outside[j]) * (1.0 - outside[k])
        if outside[j] + outside[k] <= tolerance or 1.0 - outside[i] <= tolerance:
            return (1.0 - outside[i]) * rest
        face = 0.2 * tolerance
        if outside[k] <= 0.5 * tolerance:
            return pair(a, b, i, j, r[i + j - 1], face, at, nodes, weights) * (1.0 - outside[k])
        return triple(a, b, r, face, at, nodes, weights)

    return part(box)


@cache
def make_cube(student: bool) -> Any:
    """Mass in a box whose faces lie at low..high standard deviations of a Gaussian, or scales of a t.

    `cube(low, high, r, roots, shares, tolerance, a (3,), b (3,), outside (3,), faces (3, 2), nodes,
    weights)`. A t is a Gaussian whose precision is chi-square / df: the mass is a sum over the nodes
    `roots` of that root's law with weights `shares` (`arrays.root_rules`), which end where they are 0.
    """
    box = make_box()

    def gaussian(
        low: Any, high: Any, r: Any, roots: Any, shares: Any, tolerance: float, a: Any, b: Any, outside: Any,
        faces: Any, nodes: Any, weights: Any,
    ) -> float:  # fmt: skip
        return box(low, high, r, tolerance, outside, faces, nodes, weights)

    def mixed(
        low: Any, high: Any, r: Any, roots: Any, shares: Any, tolerance: float, a: Any, b: Any, outside: Any,
        faces: Any, nodes: Any, weights: Any,
    ) -> float:  # fmt: skip
        total, count = 0.0, 0
        while count < roots.shape[0] and shares[count] > 0.0:
            count += 1
        for node in range(count):
            share = shares[node]
            for j in range(3):
                a[j], b[j] = low[j] * roots[node], high[j] * roots[node]
            total += share * box(a, b, r, tolerance / (share * count), outside, faces, nodes, weights)
        return total

    return part(mixed if student else gaussian)
