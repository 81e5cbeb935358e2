"""The mass of a two-dimensional Gaussian in a rectangle, for any widths and any correlation.

The Cholesky factor of a covariance turns a box into lower_i <= z_i + sum_{j<i} slope_ij z_j <= upper_i for
independent standard normals z. The last one is integrated by the normal tail, the others by Gauss-Legendre on
panels between all places where the integrand can change. The integrand is log-concave along each axis
(Prekopa 1973), so it has one summit, and beyond the panels it holds nothing. All is relative to the box's
point nearest to the mean, so that far boxes keep their digits.
"""

from __future__ import annotations

from functools import cache
from math import ceil, log, sqrt
from typing import Any

import numpy as np

from ..compiler import part
from ..elementary import make_exp
from .tails import make_ratio

NODES = 10
"""Gauss-Legendre nodes of a panel."""

DEPTH = 24.0
"""Nats below the summit where integrals end: 4e-11 of the density there."""

REACH = 6.5
"""Standard deviations around an edge within which it blurs what is cut off: a tail of 4e-11."""

LONGEST = 3.2
"""Standard deviations that a panel is long at most."""

STEEPEST = 7.0
"""Nats that the integrand falls within a panel at most."""

PANELS = 48
"""Panels of an inner integral at most: 7 intervals, none in more than 6 pieces."""


def panel_rule() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows for a panel (4, NODES): nodes on 0..1, weights, and the two highest Legendre coefficients."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    high = [
        (2 * n + 1) / 2 * w * np.polynomial.legendre.legval(x, np.eye(NODES)[n])
        for n in (NODES - 2, NODES - 1)
    ]
    return np.ascontiguousarray(np.stack(((x + 1) / 2, w / 2, *high)))


@cache
def make_nearest_in_strip() -> Any:
    """The point of a strip nearest to 0: `nearest(low, high, a, b, k) -> (square, z, y)`.

    The strip is low <= z <= high, a <= y + k z <= b: z^2 + y^2 is convex in z when y is the best for it.
    """

    def nearest(low: float, high: float, a: float, b: float, k: float) -> Any:
        edge = a if a > 0.0 else (b if b < 0.0 else 0.0)
        z = k * edge / (1.0 + k * k)
        z = min(max(z, low), high)
        below, above = a - k * z, b - k * z
        y = below if below > 0.0 else (above if above < 0.0 else 0.0)
        return z * z + y * y, z, y

    return part(nearest)


@cache
def make_span() -> Any:
    """Where the squared distance is at most `limit`: `span(low, high, a, b, k, limit) -> (from, to)`."""

    def span(low: float, high: float, a: float, b: float, k: float, limit: float) -> Any:
        root = sqrt(max(limit, 0.0))
        start, end = -root, root
        one = 1.0 + k * k
        for side in range(2):
            edge = a if side == 0 else b
            free = one * limit - edge * edge
            if free > 0.0:
                free = sqrt(free)
                left, right = (k * edge - free) / one, (k * edge + free) / one
                # these count only where the edge is what is nearest
                if (edge - k * left > 0.0) == (side == 0):
                    start = max(start, left)
                if (edge - k * right > 0.0) == (side == 0):
                    end = min(end, right)
        return max(start, low), min(end, high)

    return part(span)


@cache
def make_strip() -> Any:  # noqa: PLR0915 - the function inside counts
    """Mass of a strip: `strip(low, high, a, b, k, base, rule, z, share, value) -> (mass, error)`.

    The integral over low <= z <= high of exp(-(z^2 + base) / 2) P(a <= y + k z <= b), y standard normal,
    without the 1 / sqrt(2 pi) of z. `base` is a squared distance taken off: what is more than DEPTH nats
    down counts as 0. The error is estimated by the fall of each panel's Legendre coefficients.
    """
    exp, ratio, nearest, span = make_exp("float64"), make_ratio(), make_nearest_in_strip(), make_span()

    def strip(  # noqa: PLR0915 - calls between the steps would cost it its speed
        low: float, high: float, a: float, b: float, k: float, base: float,
        rule: Any, z: Any, share: Any, value: Any,
    ) -> Any:  # fmt: skip
        if k < 0.0:
            a, b, k = -b, -a, -k
        square, summit, _ = nearest(low, high, a, b, k)
        if square + base > 2.0 * DEPTH:
            return 0.0, 0.0
        start, end = span(low, high, a, b, k, 2.0 * DEPTH - base)
        if not end > start:
            return 0.0, 0.0
        left_a, right_a, left_b, right_b = -np.inf, -np.inf, -np.inf, -np.inf
        if k > 1e-9:
            left_a, right_a = (a - REACH) / k, (a + REACH) / k
            left_b, right_b = (b - REACH) / k, (b + REACH) / k
        count, at, before = 0, start, max(a - k * start, k * start - b, 0.0)
        before = start * start + before * before
        while at < end and count < PANELS:
            # the next end of an interval
            stop = end
            stop = summit if at < summit < stop else stop
            stop = left_a if at < left_a < stop else stop
            stop = right_a if at < right_a < stop else stop
            stop = left_b if at < left_b < stop else stop
            stop = right_b if at < right_b < stop else stop
            middle = 0.5 * (at + stop)
            blurred = left_a < middle < right_a or left_b < middle < right_b
            length = stop - at
            after = max(a - k * stop, k * stop - b, 0.0)
            after = stop * stop + after * after
            finest = max(k, 1.0) if blurred else 1.0
            pieces = max(length * finest / LONGEST, 0.5 * abs(after - before) / STEEPEST)
            n = min(max(ceil(pieces), 1), PANELS - count)
            for piece in range(n):
                for i in range(NODES):
                    z[count * NODES + i] = at + length * (piece + rule[0, i]) / n
                share[count] = length / n
                count += 1
            at, before = stop, after
        width = b - a
        for i in range(count * NODES):
            x = z[i]
            lower, upper = a - k * x, b - k * x
            outside = lower > 0.0 or upper < 0.0
            p, q = abs(lower), abs(upper)
            near, far = min(p, q), max(p, q)
            fall = exp(-0.5 * (width if outside else far - near) * (far + near))
            here = exp(-0.5 * near * near)
            front = exp(-0.5 * (base + x * x + (near * near if outside else 0.0)))
            tail, beyond = ratio(near), fall * ratio(far)
            value[i] = front * (tail - beyond if outside else 1.0 - here * (tail + beyond))
        total, error = 0.0, 0.0
        for panel in range(count):
            mass, last, other, most, first = 0.0, 0.0, 0.0, 0.0, panel * NODES
            for i in range(NODES):
                f = value[first + i]
                mass += rule[1, i] * f
                last += rule[2, i] * f
                other += rule[3, i] * f
                most = max(most, f)
            total += share[panel] * mass
            if most > 0.0:
                last = abs(last) + abs(other)
                error += share[panel] * last * last / most
        return total, error

    return part(strip)


@cache
def make_plane_box() -> Any:
    """log mass of a Gaussian in a rectangle: `box(lower, upper, slopes, rule, z, share, value)`.

    lower, upper (3,) and slopes (3,) as in `make_solid_box`, of which the first two and the first count.
    Returns the log mass and an estimate of its error.
    """
    nearest, strip = make_nearest_in_strip(), make_strip()
    scale = 0.5 * float(np.log(2 * np.pi))

    def box(lower: Any, upper: Any, slopes: Any, rule: Any, z: Any, share: Any, value: Any) -> Any:
        least, _, _ = nearest(lower[0], upper[0], lower[1], upper[1], slopes[0])
        mass, error = strip(
            lower[0], upper[0], lower[1], upper[1], slopes[0], -least, rule, z, share, value
        )  # fmt: skip
        if not mass > 0.0:
            return -np.inf, np.inf
        return log(mass) - scale - 0.5 * least, error / mass

    return part(box)
