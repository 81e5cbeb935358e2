"""Masses of Student's t in boxes: means of masses of Gaussians over the root of their precision."""

from __future__ import annotations

from functools import cache
from math import exp, floor, lgamma, log, sqrt
from typing import Any

import numpy as np

from ..compiler import part
from .solid_box import make_solid_box
from .strip import make_plane_box

STEP = 0.2
"""Largest step of the logarithm of the root of the precision: the integrand is analytic and bounded where its
imaginary part is below pi / 4, so the trapezoidal rule errs by exp(-pi^2 / 2 STEP) = 2e-11 of itself
(Trefethen and Weideman 2014, theorem 5.1)."""

OF_WIDTH = 0.9
"""The same in units of the standard deviation of that logarithm, for many degrees of freedom: 5e-11."""

NEGLIGIBLE = 21.0
"""Nats below its largest term where the sum ends."""

MOST_STEPS = 400
"""Terms of the sum on either side at most."""

GAUSSIAN = 1e10
"""Degrees of freedom from which a t is a Gaussian."""


@cache
def make_box_of(dimension: int) -> Any:
    """log mass in a box of a Gaussian or a t, of two or three axes.

    `box(lower, upper, slopes, degrees, scaled (2, 3), rule, z, share, value, panels, ends) -> (log, error)`:
    see `solid_box.make_solid_box`; degrees 0 stand for a Gaussian.
    """
    plane, solid = make_plane_box(), make_solid_box()
    half_log_two_pi = 0.5 * log(2 * np.pi)

    def plane_of(
        lower: Any, upper: Any, slopes: Any, rule: Any, z: Any, share: Any, value: Any, panels: Any, ends: Any
    ) -> Any:
        return plane(lower, upper, slopes, rule, z, share, value)

    gaussian = part(plane_of) if dimension == 2 else solid

    def nearest_of(lower: Any, upper: Any, slopes: Any, log_mass: float) -> float:
        """A guess of the squared distance, from a Gaussian's mass."""
        return max(-2.0 * (log_mass + dimension * half_log_two_pi), 0.0)

    guess = part(nearest_of)

    def term(
        j: int, step: float, degrees: float, constant: float, lower: Any, upper: Any, slopes: Any,
        scaled: Any, rule: Any, z: Any, share: Any, value: Any, panels: Any, ends: Any,
    ) -> Any:  # fmt: skip
        u = j * step
        root = exp(u)
        for i in range(dimension):
            scaled[0, i], scaled[1, i] = lower[i] * root, upper[i] * root
        mass, error = gaussian(scaled[0], scaled[1], slopes, rule, z, share, value, panels, ends)
        return constant + degrees * (u - 0.5 * root * root) + mass, error

    one_term = part(term)

    def box(
        lower: Any, upper: Any, slopes: Any, degrees: float, scaled: Any,
        rule: Any, z: Any, share: Any, value: Any, panels: Any, ends: Any,
    ) -> Any:  # fmt: skip
        if degrees <= 0.0 or degrees >= GAUSSIAN:
            return gaussian(lower, upper, slopes, rule, z, share, value, panels, ends)
        plain, _ = gaussian(lower, upper, slopes, rule, z, share, value, panels, ends)
        step = min(STEP, OF_WIDTH / sqrt(2.0 * (degrees + dimension)))
        constant = log(2.0 * step) + 0.5 * degrees * log(0.5 * degrees) - lgamma(0.5 * degrees)
        square = guess(lower, upper, slopes, plain)
        middle = floor(0.5 * log((degrees + dimension) / (degrees + square)) / step)
        top, total, even, mistake = -np.inf, 0.0, 0.0, 0.0
        for side in range(2):
            j, before, steps = middle - side, -np.inf, 0
            while steps < MOST_STEPS:
                here, error = one_term(
                    j, step, degrees, constant, lower, upper, slopes, scaled,
                    rule, z, share, value, panels, ends,
                )  # fmt: skip
                if here > top:
                    shrunk = exp(top - here) if top > -np.inf else 0.0
                    total, even, mistake, top = total * shrunk, even * shrunk, mistake * shrunk, here
                if here > -np.inf:
                    share_here = exp(here - top)
                    total += share_here
                    even += 2.0 * share_here if j % 2 == 0 else 0.0
                    mistake += share_here * error
                if here < top - NEGLIGIBLE and here <= before:
                    break
                before = here
                j += 1 if side == 0 else -1
                steps += 1
        if not total > 0.0:
            return -np.inf, np.inf
        apart = (even - total) / total
        return top + log(total), mistake / total + apart * apart

    return part(box)
