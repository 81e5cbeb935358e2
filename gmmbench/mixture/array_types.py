"""Types of the arrays that the engine passes around; docstrings give the shapes."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
"""float64: parameters, points, totals."""

KernelFloats: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64, whichever precision the kernels run in."""

Integers: TypeAlias = NDArray[np.intp]
"""Indices, labels and counts."""

Booleans: TypeAlias = NDArray[np.bool_]
"""Masks."""
