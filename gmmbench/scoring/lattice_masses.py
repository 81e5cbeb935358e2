"""Cell masses of any density by quadrature that refines until it no longer moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..api import Density, Floats, Lattice
from ..errors import Refused
from ..mixture_fit import MixtureDensity

ORDERS = (3, 5, 9, 17, 33)
"""Gauss-Legendre nodes along a cell's side, all odd: even orders can agree on a wrong answer, as for mass
on a line through the cells' centres."""

STILL = 1e-3
"""The score (nats per ink pixel) and the mass may move by no more than this from one order to the next."""

STILL_CELL, STILL_SHARE = 1e-2, 0.95
"""This share of the cells may move by no more than this part of themselves."""

FROZEN = 1e-5
"""A cell that moves by less than this part of itself is not refined any more."""

KNOWN = 1e-4
"""Nats by which the score of a mixture may err, and what its mass in the box may."""

MOST_ERROR = 100.0
"""Nats that stand for an infinite error: cells below exp(-40) have it, and do not matter."""

LEAST = 1e-3
"""Share of the uniform mass below which the floor of the score decides."""

CHUNK = 1 << 20
"""Points that are asked about at once."""


@dataclass(frozen=True, eq=False)
class Masses:
    """What a density gives to each cell.

    Attributes:
        values: (H, W), or (256,) of levels.
        how: "exact" (integrated to 1e-4 nats), or the quadrature's order.
        settled: whether they are known: they no longer moved, or their errors are small.
    """

    values: Floats
    how: str
    settled: bool = True

    @property
    def total(self) -> float:
        """The mass in the box."""
        return float(self.values.sum())


def ink_masses(fitted: Density, lattice: Lattice, ink: Floats) -> Masses:
    """The masses of a density over x, y in the cells of a lattice, given the image's ink (H, W)."""
    if isinstance(fitted, MixtureDensity):
        try:
            found = fitted.estimated_cell_masses(lattice)
        except ValueError as error:
            raise Refused(f"the mixture of {type(fitted).__name__}: {error}") from error
        return Masses(found.values, "exact", _known(found.values, found.error, ink))
    corners = lattice.centres() - lattice.cell / 2
    values, how, settled = _refined(fitted, corners, lattice.cell, ink.ravel())
    return Masses(values.reshape(lattice.shape), how, settled)


def level_masses(fitted: Density, levels: int, counts: Floats) -> Masses:
    """The masses of a density over one coordinate in `levels` cells of [0, 1], given their counts."""
    if isinstance(fitted, MixtureDensity):
        return Masses(fitted.level_masses(levels), "exact")
    corners = np.arange(levels)[:, None] / levels
    return Masses(*_refined(fitted, corners, 1 / levels, counts))


def _known(values: Floats, error: Floats, ink: Floats) -> bool:
    """Whether masses (H, W) with errors in nats are known well enough: what is below the floor may err."""
    least = LEAST / values.size
    error = np.minimum(error, MOST_ERROR)
    of_score = (ink * error * values / (values + least)).sum()
    return bool(of_score <= KNOWN * ink.sum() and (error * values).sum() <= KNOWN)


def _refined(fitted: Density, corners: Floats, side: float, weight: Floats) -> tuple[Floats, str, bool]:
    """Masses of the cells (n, d) with these low corners; weight (n,) is the ink that each would score."""
    least = LEAST / len(corners)
    before = _quadrature(fitted, corners, side, ORDERS[0])
    moving = np.arange(len(corners))
    for order in ORDERS[1:]:
        now = before.copy()
        now[moving] = _quadrature(fitted, corners[moving], side, order)
        apart = np.abs(now - before) / (np.maximum(now, before) + least)
        with np.errstate(divide="ignore"):
            score = weight * np.abs(np.log((now + least) / (before + least)))
        still = (
            abs(now.sum() - before.sum()) < STILL
            and score.sum() < STILL * max(weight.sum(), 1e-300)
            and (apart < STILL_CELL).mean() >= STILL_SHARE
        )
        if still:
            return now, f"Gauss-Legendre {order}", True
        before, moving = now, moving[apart[moving] > FROZEN]
    return before, f"Gauss-Legendre {ORDERS[-1]}", False


def _quadrature(fitted: Density, corners: Floats, side: float, order: int) -> Floats:
    d = corners.shape[1]
    nodes, weights = np.polynomial.legendre.leggauss(order)
    grids = np.meshgrid(*[(nodes + 1) / 2 * side] * d, indexing="ij")
    offsets = np.stack([grid.ravel() for grid in grids], axis=1)
    share = np.ones(1)
    for _ in range(d):
        share = np.outer(share, weights / 2).ravel()
    out = np.empty(len(corners))
    rows = max(1, CHUNK // len(offsets))
    for start in range(0, len(corners), rows):
        part = corners[start : start + rows]
        points = (part[:, None, :] + offsets).reshape(-1, d)
        density = np.exp(fitted.log_density(points)).reshape(len(part), -1)
        out[start : start + rows] = density @ share * side**d
    return out
