"""The mass of one three-dimensional component in a cell of side 1 around a point."""

from __future__ import annotations

from functools import cache
from math import log, log1p, sqrt
from typing import Any

import numpy as np

from ..compiler import part
from ..elementary import make_exp
from .quadrature import MOST, make_enough_here
from .tails import make_log1p, make_log_between

SCRATCH = MOST**3
"""Nodes a cell has at most."""

LEAST = 1e-290
"""Stands for a sum that underflows, at distances where a nat more or less is nothing."""

NARROWER = 0.8
"""A t needs the nodes of a Gaussian that is so much narrower, for its density has poles."""

HALF_LOG_TWO_PI = 0.5 * float(np.log(2 * np.pi))


@cache
def make_log_cell(student: bool) -> Any:
    """log of the integral of f(|z + A u|^2) over u in the cube [-1/2, 1/2)^3.

    `log_cell(z0, z1, z2, a, freedom, power, nodes, weights, squares, shares)`, with a the six entries of
    the lower triangular A row by row. A Gaussian's f is exp(-s / 2), and of a diagonal A the integral is
    a product of differences of distribution functions; a t's is (1 + s / freedom)^-power. Otherwise
    Gauss-Legendre, along each axis with the nodes that the density needs there. What leads is taken out
    before exponentials are formed, so that the farthest point has a finite value.
    """
    exp, log1p_vector, log_between = make_exp("float64"), make_log1p(), make_log_between()
    enough, narrower = make_enough_here(), NARROWER

    def fill(
        z0: float, z1: float, z2: float, a: Any, n: Any, nodes: Any, weights: Any, squares: Any, shares: Any
    ) -> int:
        count = 0
        for i in range(n[0]):
            u = nodes[n[0], i] - 0.5
            t0, t1, t2 = z0 + a[0] * u, z1 + a[1] * u, z2 + a[3] * u
            t0 *= t0
            for j in range(n[1]):
                v = nodes[n[1], j] - 0.5
                s1, s2 = t1 + a[2] * v, t2 + a[4] * v
                s1 = t0 + s1 * s1
                share = weights[n[0], i] * weights[n[1], j]
                for k in range(n[2]):
                    r = s2 + a[5] * (nodes[n[2], k] - 0.5)
                    squares[count] = s1 + r * r
                    shares[count] = share * weights[n[2], k]
                    count += 1
        return count

    filled = part(fill)

    def slopes(z0: float, z1: float, z2: float, a: Any) -> Any:
        return z0 * a[0] + z1 * a[1] + z2 * a[3], z1 * a[2] + z2 * a[4], z2 * a[5]

    slope = part(slopes)

    def gaussian(
        z0: float, z1: float, z2: float, a: Any, freedom: float, power: float,
        nodes: Any, weights: Any, squares: Any, shares: Any,
    ) -> float:  # fmt: skip
        if a[1] == 0.0 and a[3] == 0.0 and a[4] == 0.0:
            h0, h1, h2 = 0.5 * a[0], 0.5 * a[2], 0.5 * a[5]
            mass = log_between(z0 - h0, z0 + h0) + log_between(z1 - h1, z1 + h1)
            mass += log_between(z2 - h2, z2 + h2) + 3.0 * HALF_LOG_TWO_PI
            return mass - log(a[0] * a[2] * a[5])
        g0, g1, g2 = slope(z0, z1, z2, a)
        n = (
            enough(1.0 / sqrt(a[0] * a[0] + a[1] * a[1] + a[3] * a[3]), abs(g0)),
            enough(1.0 / sqrt(a[2] * a[2] + a[4] * a[4]), abs(g1)),
            enough(1.0 / a[5], abs(g2)),
        )
        count = filled(z0, z1, z2, a, n, nodes, weights, squares, shares)
        # no node comes nearer than this
        least = z0 * z0 + z1 * z1 + z2 * z2 - abs(g0) - abs(g1) - abs(g2)
        total = 0.0
        for i in range(count):
            total += shares[i] * exp(-0.5 * (squares[i] - least))
        return log(max(total, LEAST)) - 0.5 * least

    def heavy(
        z0: float, z1: float, z2: float, a: Any, freedom: float, power: float,
        nodes: Any, weights: Any, squares: Any, shares: Any,
    ) -> float:  # fmt: skip
        g0, g1, g2 = slope(z0, z1, z2, a)
        # no node comes nearer than this
        least = max(z0 * z0 + z1 * z1 + z2 * z2 - abs(g0) - abs(g1) - abs(g2), 0.0)
        steep = 2.0 * power / (freedom + least)  # of the log density, against a Gaussian's
        stretch = narrower / sqrt(steep)
        n = (
            enough(stretch / sqrt(a[0] * a[0] + a[1] * a[1] + a[3] * a[3]), steep * abs(g0)),
            enough(stretch / sqrt(a[2] * a[2] + a[4] * a[4]), steep * abs(g1)),
            enough(stretch / a[5], steep * abs(g2)),
        )
        count = filled(z0, z1, z2, a, n, nodes, weights, squares, shares)
        inverse, total = 1.0 / (freedom + least), 0.0
        for i in range(count):
            total += shares[i] * exp(-power * log1p_vector(max(squares[i] - least, 0.0) * inverse))
        return log(max(total, LEAST)) - power * log1p(least / freedom)

    return part(heavy if student else gaussian)
