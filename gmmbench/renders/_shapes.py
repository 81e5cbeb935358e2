"""Ellipses of Gaussians, painted with antialiasing."""

from __future__ import annotations

import numpy as np

from gmmbench import Floats

THINNEST = 0.25
"""Variance added to each axis of an ellipse, in square pixels: without it, thin ones would be invisible."""


def ellipses(
    canvas: Floats,
    means: Floats,
    covariances: Floats,
    deviations: float,
    fills: Floats,
    alpha: float,
    lines: Floats | None = None,
    width: float = 1.0,
) -> Floats:
    """Paint the regions within a Mahalanobis distance of their means, in order.

    Args:
        canvas: (h, w, 3) in 0..255, the background; it is not changed.
        means, covariances: (n, 2) and (n, 2, 2), of column and row in pixels of the canvas.
        deviations: the Mahalanobis distance.
        fills: (n, 3) or (1, 3) in 0..255. alpha: their opacity; 0 draws the outlines only.
        lines: colours of the outlines, shaped like `fills` (None: no outlines). width: of a line, pixels.

    Returns:
        (h, w, 3).
    """
    out = canvas.copy()
    height, canvas_width = canvas.shape[:2]
    spread = covariances + THINNEST * np.eye(2)
    precision = np.linalg.inv(spread)
    reach = deviations * np.sqrt(np.diagonal(spread, axis1=1, axis2=2)) + width / 2 + 1
    first = np.maximum(np.floor(means - reach), 0).astype(np.intp)
    last = np.minimum(np.ceil(means + reach), (canvas_width, height)).astype(np.intp)
    for k in np.flatnonzero((last > first).all(axis=1)):
        rows, columns = slice(first[k, 1], last[k, 1]), slice(first[k, 0], last[k, 0])
        x = np.arange(first[k, 0], last[k, 0]) + 0.5 - means[k, 0]
        y = (np.arange(first[k, 1], last[k, 1]) + 0.5 - means[k, 1])[:, None]
        (a, b), (_, c) = precision[k]
        across, down = a * x + b * y, b * x + c * y
        distance = np.sqrt(np.maximum(across * x + down * y, 1e-12))
        # The distance divided by its slope is a number of pixels: half a pixel on either side is blended.
        outside = (distance - deviations) * distance / np.maximum(np.hypot(across, down), 1e-12)
        part = out[rows, columns]
        if alpha:
            cover = alpha * np.clip(0.5 - outside, 0, 1)[..., None]
            part = part + cover * (fills[k % len(fills)] - part)
        if lines is not None:
            cover = np.clip(0.5 + width / 2 - np.abs(outside), 0, min(1.0, width))[..., None]
            part = part + cover * (lines[k % len(lines)] - part)
        out[rows, columns] = part
    return out
