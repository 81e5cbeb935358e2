"""Questions to a fit at every pixel, chunk by chunk, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..api import Floats, Lattice

CHUNK = 1 << 20
"""Pixels that are asked about at once."""


def answers(question: Callable[[Floats], Floats], lattice: Lattice) -> Floats:
    """A question answered at every centre of a lattice: (H, W) or (H, W, 3)."""
    parts = [
        np.asarray(question(lattice.coordinates(np.arange(start, min(start + CHUNK, lattice.size)))))
        for start in range(0, lattice.size, CHUNK)
    ]
    found = np.concatenate(parts)
    return found.reshape(*lattice.shape, *found.shape[1:])
