"""The choice of a bandwidth by leave-one-out likelihood, for all pixels at once by FFT."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gmmbench import Floats

from .density import bell

SMALLEST, STEP = 0.5, 2**0.5
"""The first bandwidth tried, in pixels, and the ratio of one to the next; a finer grid gains < 0.01 nats."""
PAST = 0.1
"""Nats below the best score so far at which the search ends, because wider kernels only blur."""
REACH = 8
"""Standard deviations at which the kernel is truncated for the FFT; exp(-8^2 / 2) is about its round-off."""
ROUND_OFF = 1e-11
"""Below this share of |ink| |kernel|, the largest sum possible, the fourth digit of a sum may be noise."""


def candidates(shape: tuple[int, ...]) -> Iterator[float]:
    """Bandwidths in pixels, narrow to wide, up to the longer side of an image of this (height, width)."""
    steps = math.log(max(shape) / SMALLEST, STEP)
    return (SMALLEST * STEP**step for step in range(math.floor(steps) + 1))


def leave_one_out(ink: Floats, deviation: float) -> float:
    """How well each pixel of ink is predicted by the others: sum_i w_i log p_-i(z_i) / sum_i w_i.

    Rules of thumb (Silverman 1986, eq. 4.14) treat a drawing as one bell and blur it beyond recognition,
    while the leave-one-out likelihood (Silverman 1986, section 3.4.4) preserves its strokes. The sums over
    all other pixels are one convolution with a kernel whose centre is 0, by FFT (Silverman 1982).

    Args:
        ink: (height, width), at least two pixels above 0.
        deviation: the standard deviation of the kernel, pixels.

    Returns:
        Nats per unit of ink, for a density per square pixel.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2
    from scipy.spatial import KDTree

    rows, columns = np.nonzero(ink)
    weights = ink[rows, columns]
    reach = [
        min(side - 1, math.ceil(REACH * deviation)) for side in ink.shape
    ]  # no other pixel is farther away
    tall, wide = (bell(np.arange(-r, r + 1), np.zeros(1), deviation) for r in reach)
    kernel = tall * wide.T
    kernel[reach[0], reach[1]] = 0  # the pixel itself; subtracting it from the sums would lose digits
    # Without padding by the size of the kernel, ink at one edge would blur into the opposite edge.
    padded = [next_fast_len(side + 2 * r, real=True) for side, r in zip(ink.shape, reach, strict=True)]
    sums = irfft2(rfft2(ink, padded) * rfft2(kernel, padded), padded)[rows + reach[0], columns + reach[1]]

    sure = sums > ROUND_OFF * np.linalg.norm(ink) * np.linalg.norm(kernel)
    logs = np.log(np.where(sure, sums, 1))
    if not sure.all():  # isolated pixels: only the nearest other pixel counts
        pixels = np.column_stack((columns, rows))
        distance, other = map(np.ravel, KDTree(pixels).query(pixels[~sure], k=[2]))
        logs[~sure] = np.log(weights[other]) - 0.5 * (distance / deviation) ** 2
    logs -= np.log((weights.sum() - weights) * 2 * np.pi * deviation**2)
    return float(weights @ logs / weights.sum())
