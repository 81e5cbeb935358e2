"""Checks of the arguments of mixtures: parameters, columns and values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Floats


def checked_parameters(
    weights: ArrayLike, means: ArrayLike, covariances: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Weights (K,), normalised, means (K, d) and covariances (K, d, d), as float64 copies.

    Raises:
        ValueError: shapes that do not agree, values that are not finite, weights that are negative or all
            zero, a matrix that is not symmetric.
    """
    w = np.array(weights, dtype=np.float64)
    m = np.array(means, dtype=np.float64)
    c = np.array(covariances, dtype=np.float64)
    if w.ndim != 1 or m.ndim != 2 or len(m) != len(w) or c.shape != (*m.shape, m.shape[1]):
        raise ValueError(
            "expected weights (K,), means (K, d) and covariances (K, d, d), "
            f"got {w.shape}, {m.shape} and {c.shape}"
        )
    if not (np.isfinite(w).all() and np.isfinite(m).all() and np.isfinite(c).all()):
        raise ValueError("expected finite weights, means and covariances, got NaN or infinity")
    if (w < 0).any() or not w.any():
        raise ValueError("expected weights >= 0 with a positive sum")
    with np.errstate(over="ignore"):
        total = w.sum()
    if not np.isfinite(total):
        w, total = w / w.max(), (w / w.max()).sum()
    return w / total, m, _symmetric(c, np.asarray(covariances).dtype == np.float32)


def _symmetric(matrices: Floats, single: bool) -> Floats:
    """Matrices (K, d, d) made symmetric to the last bit, if they were within rounding (`single`: of float32).

    Raises:
        ValueError: two entries that should be equal differ by more than half of the digits.
    """
    turned = np.swapaxes(matrices, 1, 2)
    if (matrices == turned).all():
        return matrices
    rounding = np.finfo(np.float32 if single else np.float64).eps
    scale = np.sqrt(np.abs(np.diagonal(matrices, axis1=1, axis2=2)))
    apart = np.abs(matrices - turned) / np.maximum(scale[:, :, None] * scale[:, None, :], 1e-300)
    worst = np.unravel_index(int(apart.argmax()), apart.shape)
    if apart[worst] > np.sqrt(rounding):
        k, i, j = (int(at) for at in worst)
        raise ValueError(
            f"expected symmetric covariances, got {matrices[k, i, j]:g} at [{i}, {j}] and "
            f"{matrices[k, j, i]:g} at [{j}, {i}] of component {k}"
        )
    return matrices / 2 + turned / 2


def chosen_columns(columns: Sequence[int], dimension: int) -> list[int]:
    """Numbers of columns, from different numbers of 0..dimension - 1 or a mask of `dimension` booleans.

    Raises:
        ValueError: anything else, and no column at all.
    """
    given = list(columns)
    flags = [isinstance(column, bool | np.bool_) for column in given]
    if all(flags) and len(given) == dimension:
        chosen = [at for at, flag in enumerate(given) if flag]
    elif any(flags) or not all(isinstance(column, int | np.integer) for column in given):
        chosen = []
    else:
        chosen = [int(column) for column in given]
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(dimension)):
        raise ValueError(
            f"expected different columns of 0..{dimension - 1}, or a mask of {dimension} booleans, "
            f"got {columns}"
        )
    return chosen


def other_columns(columns: Sequence[int], dimension: int) -> list[int]:
    """The columns that are not among those given, in their order. Raises ValueError if there are none."""
    rest = [column for column in range(dimension) if column not in columns]
    if not rest:
        raise ValueError("expected at least one column left unknown, got all of them known")
    return rest


def checked_values(values: ArrayLike, columns: Sequence[int]) -> Floats:
    """Finite values (n, c) of c columns, from (n, c), from (c,) for one row, or from (n,) for one column.

    Raises:
        ValueError: another shape, NaN or infinity.
    """
    given = np.asarray(values, dtype=np.float64)
    c = len(columns)
    x = given.reshape(-1, c) if given.ndim < 2 and (c == 1 or given.shape == (c,)) else given
    if x.ndim != 2 or x.shape[1] != c:
        raise ValueError(f"expected values (n, {c}) of the {c} known columns, got {given.shape}")
    return checked_finite(x, "values")


def checked_finite(x: Floats, what: str) -> Floats:
    """The rows themselves. Raises ValueError, naming the first row (n, d) with NaN or infinity."""
    bad = ~np.isfinite(x).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"expected finite {what}, got {x[row].tolist()} in row {row}")
    return x
