"""The rates that every table of ink shows beside a model's: what can be had without a model."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from ..api import TRAIN, Floats, Split

REACH = 12.0
"""Standard deviations to which a kernel reaches; it is 1e-32 there."""


def ratio_kde(ink: Floats, split: Split, width: float) -> Floats:
    """Nadaraya (1964) and Watson (1964): the mean ink of the training pixels around each pixel (H, W).

    sum_A k(u - v) y_v / sum_A k(u - v), k a Gaussian of `width` pixels; the uniform rate where no
    training pixel is near.
    """
    seen = (split.codes == TRAIN).astype(np.float64)
    above = gaussian_filter(ink * seen, width, mode="constant", truncate=REACH)
    below = gaussian_filter(seen, width, mode="constant", truncate=REACH)
    rho = float(ink[split.codes == TRAIN].mean())
    known = below > 1e-300
    return np.where(known, above / np.where(known, below, 1.0), rho)
