"""What a law of colours must be, and which of its components the fast integrals do not hold for."""

from __future__ import annotations

import numpy as np

from ..array_types import Booleans, Floats
from ..distributions.exact_factors import exact_factors

ASYMMETRY = 1.5e-8
"""Of the product of two standard deviations: half of the digits, as of a mixture's covariances."""

NARROW = 0.12
"""Conditional standard deviation in cells below which the fast integrals of a cell do not hold."""

NARROW_T = 0.2
"""The same of the scale of a t."""

FLAT = 3e-5
"""Conditional over marginal standard deviation below which their factors lose too many digits."""

UNSURE = 1e-14
"""A determinant of correlations below this is rounding: whether the matrix is flat cannot be told from it."""

CHUNK = 1 << 18
"""Matrices held at once."""


def checked_law(weights: Floats, means: Floats, covariances: Floats, degrees: Floats | None) -> Floats:
    """The covariances (n or 1, m, 3, 3) of a law that is one, made symmetric to the last bit.

    Raises:
        ValueError: a value is NaN or infinite, a weight negative, all weights of a point 0, a matrix not
            symmetric (beyond rounding) or without positive variances, degrees not positive.
    """
    for name, values in (("weights", weights), ("means", means), ("covariances", covariances)):
        _refuse(~np.isfinite(values), f"expected finite {name}", values)
    _refuse(weights < 0, "expected weights >= 0", weights)
    empty = weights.sum(axis=1) <= 0
    if empty.any():
        raise ValueError(f"expected weights of positive sum, got {weights[empty][0].tolist()}{_at(empty)}")
    variance = np.diagonal(covariances, axis1=-2, axis2=-1)
    _refuse(variance <= 0, "expected positive definite covariances", variance, "a variance of ")
    turned = np.swapaxes(covariances, -1, -2)
    if not np.array_equal(covariances, turned):
        sd = np.sqrt(variance)
        apart = np.abs(covariances - turned) > ASYMMETRY * sd[..., :, None] * sd[..., None, :]
        _refuse(apart, "expected symmetric covariances", covariances)
        covariances = covariances / 2 + turned / 2
    if degrees is not None:
        _refuse(~(degrees > 0), "expected degrees > 0", degrees)
    return covariances


def refuse_indefinite(covariances: Floats, doubtful: Booleans) -> None:
    """Raise ValueError if one of the doubtful matrices (n or 1, m, 3, 3) is not positive definite."""
    bad = doubtful.copy()
    bad[doubtful] = ~np.isfinite(exact_factors(covariances[doubtful])).all(axis=(-2, -1))
    if bad.any():
        matrix = covariances[bad][0].tolist()
        raise ValueError(f"expected positive definite covariances, got {matrix}{_at(bad)}")


def _refuse(bad: Booleans, expected: str, values: Floats, got: str = "") -> None:
    if bad.any():
        raise ValueError(f"{expected}, got {got}{values[bad][0]:g}{_at(bad)}")


def _at(bad: Booleans) -> str:
    """Where the first is, of points, components, and columns."""
    where = [int(i) for i in np.argwhere(bad)[0]]
    names = ("point", "component", "column", "column")
    return " at " + ", ".join(f"{name} {i}" for name, i in zip(names, where, strict=False))


def narrowest(degrees: Floats | None) -> float:
    """Conditional standard deviations (of t: scales) in cells from which the fast integrals hold."""
    return NARROW if degrees is None else NARROW_T


def narrow_components(covariances: Floats, cell: float, degrees: Floats | None = None) -> Booleans:
    """Which Gaussians or t of three columns (..., 3, 3) are too narrow or too flat for the fast integrals.

    NaN and indefinite matrices are among them.
    """
    flat, least = covariances.reshape(-1, 3, 3), narrowest(degrees)
    out = np.empty(len(flat), np.bool_)
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        with np.errstate(invalid="ignore", divide="ignore"):
            sd = np.sqrt(np.diagonal(part, axis1=1, axis2=2))
            a, b, c = (part[:, i, j] / (sd[:, i] * sd[:, j]) for i, j in ((0, 1), (0, 2), (1, 2)))
            rest = 1 + 2 * a * b * c - a * a - b * b - c * c
            ratio = np.sqrt(rest[:, None] / np.stack((1 - c * c, 1 - b * b, 1 - a * a), axis=1))
            fine = (ratio * sd >= least * cell) & (ratio >= FLAT)
        out[start : start + CHUNK] = ~(fine.all(axis=1) & (rest > UNSURE))
    return out.reshape(covariances.shape[:-2])
