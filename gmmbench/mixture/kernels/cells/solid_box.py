"""The mass of a three-dimensional Gaussian in a box, for any widths and any correlations: see `strip`."""

from __future__ import annotations

from functools import cache
from math import ceil, log, sqrt
from typing import Any

import numpy as np

from ..compiler import part
from .strip import DEPTH, LONGEST, NODES, REACH, STEEPEST, make_nearest_in_strip, make_strip

MOST_PANELS = 256
"""Panels of an outer integral at most."""

ENOUGH = 1e-6
"""Relative error at which an outer integral is no longer refined."""

BEYOND = 9.0
"""Standard deviations beyond which there is nothing: a tail of 1e-19."""

SEARCHES = 60
"""Steps of the searches for the summit and for the ends of an outer integral."""


@cache
def make_profile() -> Any:
    """Least squared distance where the first coordinate is x, and its slope: `profile(x, lower, upper, s)`.

    The coordinates are those of `make_solid_box`.
    """
    nearest = make_nearest_in_strip()

    def profile(x: float, lower: Any, upper: Any, slopes: Any) -> Any:
        shift, other = slopes[0] * x, slopes[1] * x
        low, high = lower[1] - shift, upper[1] - shift
        square, z, y = nearest(low, high, lower[2] - other, upper[2] - other, slopes[2])
        slope = 2.0 * (x - slopes[1] * y)
        if z <= low or z >= high:
            slope -= 2.0 * slopes[0] * (z - slopes[2] * y)
        return x * x + square, slope

    return part(profile)


@cache
def make_summit() -> Any:
    """Squared distance and first coordinate of a box's nearest point, where the profile has no slope."""
    profile = make_profile()

    def summit(lower: Any, upper: Any, slopes: Any) -> Any:
        left, right = lower[0], upper[0]
        for _ in range(SEARCHES):
            middle = 0.5 * (left + right)
            _, slope = profile(middle, lower, upper, slopes)
            if slope > 0.0:
                right = middle
            else:
                left = middle
        at_left, _ = profile(left, lower, upper, slopes)
        at_right, _ = profile(right, lower, upper, slopes)
        return (at_left, left) if at_left < at_right else (at_right, right)

    return part(summit)


@cache
def make_breaks() -> Any:
    """Ends of an outer integral's intervals: `breaks(start, end, summit, lower, upper, slopes, out) -> n`.

    out (40, 3) begins with the intervals' ends in order; its other columns, from row 20 on, hold the
    windows in which an edge or a corner of the box passes the mean: where each begins and ends, and the
    scale on which the integrand changes there.
    """

    def breaks(start: float, end: float, summit: float, lower: Any, upper: Any, slopes: Any, out: Any) -> Any:
        windows = 0
        k, l, m = slopes[0], slopes[1], slopes[2]  # noqa: E741 - second on first, third on first and second
        speed = sqrt(k * k + (l - m * k) * (l - m * k))
        for side in range(2):
            edge = lower if side == 0 else upper
            if abs(k) > 1e-9:
                out[20 + windows, 0], out[20 + windows, 1] = edge[1] / k, 1.0 / abs(k)
                windows += 1
            if abs(l) > 1e-9:
                out[20 + windows, 0], out[20 + windows, 1] = edge[2] / l, sqrt(1.0 + m * m) / abs(l)
                windows += 1
            if speed > 1e-9:
                for other in range(2):
                    p, q = edge[1], (lower[2] if other == 0 else upper[2]) - m * edge[1]
                    if abs(p * (l - m * k) - q * k) < (REACH + 2.0) * speed:
                        along = (p * k + q * (l - m * k)) / (speed * speed)
                        out[20 + windows, 0], out[20 + windows, 1] = along, 1.0 / speed
                        windows += 1
        out[0, 0], out[1, 0], n = start, end, 2
        if start < summit < end:
            out[n, 0] = summit
            n += 1
        for w in range(windows):
            for side in range(2):
                at = out[20 + w, 0] + (2 * side - 1) * REACH * out[20 + w, 1]
                if start < at < end:
                    out[n, 0] = at
                    n += 1
        for i in range(1, n):
            x, j = out[i, 0], i - 1
            while j >= 0 and out[j, 0] > x:
                out[j + 1, 0] = out[j, 0]
                j -= 1
            out[j + 1, 0] = x
        return n, windows

    return part(breaks)


@cache
def make_solid_box() -> Any:  # noqa: PLR0915 - the function inside counts
    """log mass of a Gaussian in a box: `box(lower, upper, slopes, rule, z, share, value, panels, ends)`.

    Args:
        lower, upper: (3,) of lower_i <= z_i + sum_{j<i} slope_ij z_j <= upper_i.
        slopes: (3,) of the second axis on the first, and of the third on the first and on the second.
        rule: `panel_rule()`. z, share, value: scratch of PANELS * NODES numbers each. panels:
            (MOST_PANELS, 4) scratch; ends: (40, 3) scratch.

    Returns:
        The log mass and an estimate of its error.
    """
    strip, profile, find, make_ends = make_strip(), make_profile(), make_summit(), make_breaks()
    scale = float(np.log(2 * np.pi))

    def panel(
        at: float, length: float, least: float, lower: Any, upper: Any, slopes: Any, rule: Any,
        z: Any, share: Any, value: Any,
    ) -> Any:  # fmt: skip
        """Mass and error of one panel of the outer integral."""
        mass, last, other, most, inner = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(NODES):
            x = at + length * rule[0, i]
            shift, shift_two = slopes[0] * x, slopes[1] * x
            f, error = strip(
                lower[1] - shift, upper[1] - shift, lower[2] - shift_two, upper[2] - shift_two, slopes[2],
                x * x - least, rule, z, share, value,
            )  # fmt: skip
            mass += rule[1, i] * f
            inner += rule[1, i] * error
            last += rule[2, i] * f
            other += rule[3, i] * f
            most = max(most, f)
        last = abs(last) + abs(other)
        return length * mass, length * last * last / most if most > 0.0 else 0.0, length * inner

    one_panel = part(panel)

    def edge_of(inside: float, outside: float, limit: float, lower: Any, upper: Any, slopes: Any) -> float:
        """Where the squared distance exceeds the limit, between a point inside and one that may be beyond."""
        square, _ = profile(outside, lower, upper, slopes)
        if square <= limit:
            return outside
        for _ in range(SEARCHES):
            middle = 0.5 * (inside + outside)
            square, _ = profile(middle, lower, upper, slopes)
            if square <= limit:
                inside = middle
            else:
                outside = middle
        return outside

    end_of = part(edge_of)

    def box(
        lower: Any, upper: Any, slopes: Any, rule: Any, z: Any, share: Any, value: Any, panels: Any, ends: Any
    ) -> Any:
        second = BEYOND * sqrt(1.0 + slopes[0] * slopes[0])
        third = BEYOND * sqrt(1.0 + slopes[1] * slopes[1] + slopes[2] * slopes[2])
        if (
            max(lower[0], -upper[0]) < -BEYOND
            and max(lower[1], -upper[1]) < -second
            and max(lower[2], -upper[2]) < -third
        ):
            return 0.0, 0.0
        least, summit = find(lower, upper, slopes)
        limit = least + 2.0 * DEPTH
        start = end_of(summit, lower[0], limit, lower, upper, slopes)
        end = end_of(summit, upper[0], limit, lower, upper, slopes)
        n, windows = make_ends(start, end, summit, lower, upper, slopes, ends)
        count, total, error = 0, 0.0, 0.0
        before, _ = profile(ends[0, 0], lower, upper, slopes)
        for i in range(n - 1):
            at, length = ends[i, 0], ends[i + 1, 0] - ends[i, 0]
            after, _ = profile(ends[i + 1, 0], lower, upper, slopes)
            finest, middle = 1.0, at + 0.5 * length
            for w in range(windows):
                if abs(middle - ends[20 + w, 0]) < REACH * ends[20 + w, 1]:
                    finest = min(finest, ends[20 + w, 1])
            pieces = max(length / finest / LONGEST, 0.5 * abs(after - before) / STEEPEST)
            before = after
            if length <= 0.0:
                continue
            m = min(max(ceil(pieces), 1), max(MOST_PANELS - 2 * n - count, 1))
            for piece in range(m):
                panels[count, 0], panels[count, 1] = at + length * piece / m, length / m
                count += 1
        for i in range(count):
            mass, mistake, inner = one_panel(
                panels[i, 0], panels[i, 1], least, lower, upper, slopes, rule, z, share, value
            )  # fmt: skip
            panels[i, 2], panels[i, 3] = mass, mistake
            total += mass
            error += inner
        i = 0
        while i < count:
            if panels[i, 3] > 0.1 * ENOUGH * total and count < MOST_PANELS:
                half = 0.5 * panels[i, 1]
                panels[count, 0], panels[count, 1], panels[i, 1] = panels[i, 0] + half, half, half
                total -= panels[i, 2]
                for j in (i, count):
                    panels[j, 2], panels[j, 3], inner = one_panel(
                        panels[j, 0], half, least, lower, upper, slopes, rule, z, share, value
                    )  # fmt: skip
                    total += panels[j, 2]
                count += 1
            else:
                error += panels[i, 3]
                i += 1
        if not total > 0.0:
            return -np.inf, np.inf
        return log(total) - scale - 0.5 * least, error / total

    return part(box)
