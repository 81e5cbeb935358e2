"""The certificate of being a density: masses, draws and the whole must agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from ..api import Density, Floats, Lattice
from .lattice_masses import Masses

DRAWS = 100_000
"""Draws that are held against the masses."""

ERRORS = 4.0
"""Standard errors that the share of draws inside the box may be off."""

EXCESS = 1e-3
"""The mass inside the box may exceed 1 by no more than this."""

EXPECTED = 20.0
"""Draws expected in a tile of the chi-squared test, at the least."""

REJECT = 1e-4
"""The chi-squared test rejects below this probability."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """Whether a fit is the density it claims to be.

    Attributes:
        reasons: why not; empty when it is one.
        mass_in_box: M, the mass inside the image (or the range of levels).
        share_in_box: of the draws.
        tiles, p_value: of the chi-squared test of samples against masses.
        how: of the masses.
    """

    reasons: tuple[str, ...]
    mass_in_box: float
    share_in_box: float
    tiles: int
    p_value: float | None
    how: str

    @property
    def holds(self) -> bool:
        """Whether it is a density."""
        return not self.reasons


def certify(
    fitted: Density, masses: Masses, lattice: Lattice, rng: np.random.Generator, draws: int = DRAWS
) -> Certificate:
    """Hold `draws` of fitted.sample against masses (H, W) on a lattice.

    Normalising the masses would hide a density that is a multiple of one, so nothing is normalised.
    """
    cells = np.floor(fitted.sample(draws, rng) / lattice.cell)
    inside = ((cells >= 0) & (cells < (lattice.width, lattice.height))).all(axis=1)
    column, row = cells[inside].astype(np.intp).T
    counts = np.bincount(row * lattice.width + column, minlength=lattice.size).reshape(lattice.shape)
    return _judged(masses, counts, draws)


def certify_levels(
    fitted: Density, masses: Masses, rng: np.random.Generator, draws: int = DRAWS
) -> Certificate:
    """The same for masses (levels,) of a density over one coordinate in 0..1."""
    levels = len(masses.values)
    cells = np.floor(fitted.sample(draws, rng)[:, 0] * levels)
    inside = cells[(cells >= 0) & (cells < levels)].astype(np.intp)
    counts = np.bincount(inside, minlength=levels)
    return _judged(Masses(masses.values[None], masses.how, masses.settled), counts[None], draws)


def _judged(masses: Masses, counts: NDArray[np.intp], draws: int) -> Certificate:
    total, share = masses.total, float(counts.sum()) / draws
    reasons = []
    if not masses.settled:
        reasons.append("its cell masses still move at the finest quadrature: not certified")
    if not (np.isfinite(masses.values).all() and (masses.values >= 0).all()):
        reasons.append("its cell masses are not all finite and >= 0")
        return Certificate(tuple(reasons), total, share, 0, None, masses.how)
    if total > 1 + EXCESS:
        reasons.append(f"its mass inside the box is {total:.6g}, more than 1")
    inner = min(total, 1.0)
    error = np.sqrt(max(inner * (1 - inner), 1 / draws) / draws)
    if abs(total - share) > ERRORS * error + (0 if masses.how == "exact" else EXCESS):
        reasons.append(f"its mass inside the box is {total:.6g}, but {share:.6g} of its samples lie there")
    expected, observed = _tiles(draws * masses.values, counts.astype(np.float64))
    out = draws - expected.sum()
    if out >= EXPECTED:  # what lies outside the box is one more tile
        expected, observed = np.append(expected, out), np.append(observed, draws - counts.sum())
    p_value = None
    if len(expected) > 1:
        expected = expected * observed.sum() / expected.sum()
        statistic = float(((observed - expected) ** 2 / expected).sum())
        p_value = float(chi2.sf(statistic, len(expected) - 1))
        if p_value < REJECT:
            reasons.append(
                f"its draws do not follow its density (chi-squared over {len(expected)} tiles, "
                f"p = {p_value:.1g})"
            )
    return Certificate(tuple(reasons), total, share, len(expected), p_value, masses.how)


def _tiles(expected: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Expected and observed counts of rectangles, halved by expectation while both halves expect enough."""
    sums = [np.pad(np.cumsum(np.cumsum(a, axis=0), axis=1), ((1, 0), (1, 0))) for a in (expected, counts)]

    def within(table: Floats, top: int, bottom: int, left: int, right: int) -> float:
        return float(table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left])

    def halves(top: int, bottom: int, left: int, right: int) -> list[tuple[int, int, int, int]] | None:
        """The two halves of equal expectation across the longer side, else the shorter, else None."""
        table = sums[0]
        for axis in sorted((0, 1), key=lambda axis: (top - bottom, left - right)[axis]):
            if axis == 0:
                run = table[top : bottom + 1, right] - table[top : bottom + 1, left]
                cut = top + int(np.searchsorted(run - run[0], (run[-1] - run[0]) / 2))
                pair = [(top, cut, left, right), (cut, bottom, left, right)]
            else:
                run = table[bottom, left : right + 1] - table[top, left : right + 1]
                cut = left + int(np.searchsorted(run - run[0], (run[-1] - run[0]) / 2))
                pair = [(top, bottom, left, cut), (top, bottom, cut, right)]
            if all(within(table, *half) >= EXPECTED for half in pair):
                return pair
        return None

    leaves = []
    todo = [(0, expected.shape[0], 0, expected.shape[1])]
    while todo:
        box = todo.pop()
        pair = halves(*box)
        if pair is None:
            leaves.append(box)
        else:
            todo += pair
    return tuple(np.array([within(table, *box) for box in leaves]) for table in sums)  # type: ignore[return-value]  # two tables
