"""How many Gauss-Legendre nodes a cell of side 1 needs for a smooth density."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler import part

MOST = 16
"""Nodes a cell has at most along an axis."""

WIDTHS = ((8.0, 2), (2.0, 3), (0.97, 4), (0.5, 5), (0.27, 6), (0.2, 8), (0.15, 10), (0.1, 12))
"""(standard deviation in cells, nodes that then err by less than 1e-4 of any cell within five of them):
measured against the error function; the floor of cell^2 / 12 is a standard deviation of 0.289."""

STEEP = ((2.0, 3), (3.9, 4), (6.1, 5), (8.6, 6), (13.8, 8), (19.3, 10), (24.7, 12))
"""(nats a cell, nodes that integrate the exponential that falls so fast to 3e-5): far out in a tail."""


def tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights on 0..1 of the rules of n = 0..MOST nodes, a row each."""
    nodes, weights = np.zeros((2, MOST + 1, MOST))
    for n in range(1, MOST + 1):
        x, w = np.polynomial.legendre.leggauss(n)
        nodes[n, :n], weights[n, :n] = (x + 1) / 2, w / 2
    return nodes, weights


@cache
def make_enough() -> Any:
    """`enough(sd) -> n`: nodes for a density whose standard deviation along the axis is sd cells."""
    widths, most = WIDTHS, MOST

    def enough(sd: float) -> int:
        for width, n in widths:
            if sd >= width:
                return n
        return most

    return part(enough)


@cache
def make_enough_here() -> Any:
    """`enough_here(sd, steep) -> n`: the same where the log density also changes by `steep` a cell."""
    enough, limits, most = make_enough(), STEEP, MOST

    def enough_here(sd: float, steep: float) -> int:
        by_width = enough(sd)
        if steep * sd < 5.0:
            return by_width
        for limit, n in limits:
            if steep <= limit:
                return max(n, by_width)
        return most

    return part(enough_here)
