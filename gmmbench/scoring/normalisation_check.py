"""The normalisation check: a density's cell masses, its samples and its total mass must agree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from ..api import Density, Floats, Lattice
from ..results import CheckDetails
from .lattice_masses import Masses

SAMPLES = 100_000
"""Samples that are compared with the masses."""

ERRORS = 4.0
"""Standard errors by which the share of samples inside the box may be off."""

EXCESS = 1e-3
"""The mass inside the box may exceed 1 by no more than this."""

EXPECTED = 20.0
"""The least number of samples that a tile of the chi-squared test expects."""

REJECT = 1e-4
"""The chi-squared test rejects below this probability."""


@dataclass(frozen=True, eq=False)
class NormalisationCheck:
    """Whether a fit is the density it claims to be.

    Attributes:
        reasons: why it is not; empty if it is.
        mass_in_box: M, the mass inside the image (or the range of levels).
        share_in_box: the share of the samples that lie there.
        tiles, p_value: of the chi-squared test of samples against masses.
        how: how the masses were integrated.
    """

    reasons: tuple[str, ...]
    mass_in_box: float
    share_in_box: float
    tiles: int
    p_value: float | None
    how: str

    @property
    def holds(self) -> bool:
        """Whether the fit is a density."""
        return not self.reasons

    def details(self) -> CheckDetails:
        """The check as a report has it."""
        return CheckDetails(**vars(self), holds=self.holds)


def check_density(
    fitted: Density, masses: Masses, lattice: Lattice, rng: np.random.Generator, samples: int = SAMPLES
) -> NormalisationCheck:
    """Compare `samples` points of fitted.sample with masses (H, W) on a lattice.

    Nothing is normalised: that would hide a density that is a multiple of one.
    """
    cells = np.floor(fitted.sample(samples, apart(rng)) / lattice.cell)
    inside = ((cells >= 0) & (cells < (lattice.width, lattice.height))).all(axis=1)
    column, row = cells[inside].astype(np.intp).T
    counts = np.bincount(row * lattice.width + column, minlength=lattice.size).reshape(lattice.shape)
    return _judged(masses, counts, samples)


def check_levels(
    fitted: Density, masses: Masses, rng: np.random.Generator, samples: int = SAMPLES
) -> NormalisationCheck:
    """Compare samples with masses (levels,) of a density over one coordinate in 0..1."""
    levels = len(masses.values)
    cells = np.floor(fitted.sample(samples, apart(rng))[:, 0] * levels)
    inside = cells[(cells >= 0) & (cells < levels)].astype(np.intp)
    counts = np.bincount(inside, minlength=levels)
    return _judged(Masses(masses.values[None], masses.how, masses.settled), counts[None], samples)


def apart(rng: np.random.Generator) -> np.random.Generator:
    """A random stream to hand to a model, which tells it nothing of `rng` and leaves that alone."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(rng.bytes(32)).digest(), "big"))


def _judged(masses: Masses, counts: NDArray[np.intp], samples: int) -> NormalisationCheck:
    total, share = masses.total, float(counts.sum()) / samples
    reasons = []
    if not masses.settled:
        reasons.append(
            "its cell masses are not certified: it is too narrow to be integrated to 1e-4 nats"
            if masses.how == "exact"
            else "its cell masses still move at the finest quadrature"
        )
    if not (np.isfinite(masses.values).all() and (masses.values >= 0).all()):
        reasons.append("its cell masses are not all finite and >= 0")
        return NormalisationCheck(tuple(reasons), total, share, 0, None, masses.how)
    if total > 1 + EXCESS:
        reasons.append(f"its mass inside the box is {total:.6g}, more than 1")
    inner = min(total, 1.0)
    error = np.sqrt(max(inner * (1 - inner), 1 / samples) / samples)
    if abs(total - share) > ERRORS * error + (0 if masses.how == "exact" else EXCESS):
        reasons.append(f"its mass inside the box is {total:.6g}, but {share:.6g} of its samples lie there")
    expected, observed = _tiles(samples * masses.values, counts.astype(np.float64))
    out = samples - expected.sum()
    if out >= EXPECTED:  # what lies outside the box is one more tile
        expected, observed = np.append(expected, out), np.append(observed, samples - counts.sum())
    p_value = None
    if len(expected) > 1:
        expected = expected * observed.sum() / expected.sum()
        statistic = float(((observed - expected) ** 2 / expected).sum())
        p_value = float(chi2.sf(statistic, len(expected) - 1))
        if p_value < REJECT:
            reasons.append(
                f"its samples do not follow its density (chi-squared over {len(expected)} tiles, "
                f"p = {p_value:.1g})"
            )
    return NormalisationCheck(tuple(reasons), total, share, len(expected), p_value, masses.how)


def _tiles(expected: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Expected and observed counts of rectangles.

    A rectangle is cut into halves of equal expectation as long as both expect enough.
    """
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
