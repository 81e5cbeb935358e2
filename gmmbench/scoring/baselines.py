"""Baselines that every table of ink shows beside a model: rates that need no model."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from ..api import Floats, Split

REACH = 12.0
"""Standard deviations at which the kernel is truncated; it is 1e-32 there."""


def ratio_kde(ink: Floats, split: Split, width: float) -> Floats:
    """The mean ink of the training pixels around each pixel (Nadaraya 1964; Watson 1964): (H, W).

    It is sum_A k(u - v) y_v / sum_A k(u - v), where A are the training pixels and k is a Gaussian of `width`
    pixels, and the uniform rate where no training pixel is near.
    """
    seen = split.trained.astype(np.float64)
    above = gaussian_filter(ink * seen, width, mode="constant", truncate=REACH)
    below = gaussian_filter(seen, width, mode="constant", truncate=REACH)
    rho = float(ink[split.trained].mean())
    known = below > 1e-300
    return np.where(known, above / np.where(known, below, 1.0), rho)
