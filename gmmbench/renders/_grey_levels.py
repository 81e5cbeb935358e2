"""Levels 0..255: from coordinates to levels, a mixture's density per grey level, and axes for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gmmbench import Floats

from ._plot import Plot

LEVELS = 256

RANGE = (-0.5, LEVELS - 0.5)
"""The interval that the cells of the levels cover: level c covers c - 1/2 to c + 1/2."""


def to_levels(coordinates: Floats) -> Floats:
    """Coordinates 0..1 as levels 0..255, not rounded; values outside are clipped."""
    return np.clip(LEVELS * coordinates - 0.5, 0, LEVELS - 1)


def component_densities(mixture: Any, at: Floats) -> Floats:
    """The density of each component, not weighted, per level, at levels (n,): (K, n)."""
    mean = mixture.means[:, 0] * LEVELS - 0.5
    deviation = np.sqrt(mixture.covariances[:, 0, 0]) * LEVELS
    standardised = (at - mean[:, None]) / deviation[:, None]
    return np.asarray(np.exp(-0.5 * standardised**2) / (np.sqrt(2 * np.pi) * deviation[:, None]))


def level_axes(plot: Plot, axes: Any, low: float, high: float) -> None:
    """Set axes up for densities of grey levels; below 0 there is room for a rug, without ticks."""
    axes.set(xlim=RANGE, ylim=(low, high))
    axes.set_xticks(range(0, LEVELS + 1, 32))
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= high])
    plot.label(axes, "grey level", "density per level")
