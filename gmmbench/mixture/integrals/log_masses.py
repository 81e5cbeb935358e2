"""Log masses with their errors: a cell has no more than the cube, and the cube at most 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Floats

SLACK = 3e-4
"""Nats by which two integrals of their errors may contradict one another."""


class LogMasses(NamedTuple):
    """What mixtures give to the cell of each colour and to the cube of all colours.

    Attributes:
        cell: (n,) log of the mass in the cell, nats.
        cube: (n,) log of the mass in the cube; cell <= cube <= 0.
        error: (n,) estimate of the error of cell - cube, nats; infinity where the integral is not known.
    """

    cell: Floats
    cube: Floats
    error: Floats


def log_masses(cell: Floats, cube: Floats, error: Floats) -> LogMasses:
    """Masses with cell <= cube <= 0: rounding beyond that is cut off, and more makes the error infinite."""
    with np.errstate(invalid="ignore"):
        over = np.maximum(cell - cube, cube)
    broken = ~(over <= SLACK) | ~np.isfinite(cell) | ~np.isfinite(cube) | np.isnan(error)
    cube = np.minimum(cube, 0.0)
    return LogMasses(np.minimum(cell, cube), cube, np.where(broken, np.inf, error))
