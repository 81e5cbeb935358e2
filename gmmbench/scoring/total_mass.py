"""The total mass of a predictive distribution of colours, by importance sampling at some pixels.

Colours are drawn from a known distribution q over the 256^3 cells; the mean of mass / q is the total mass.
The parts of q are all cells alike, blocks around colours of the image, and steps from colours that have mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm

from ..api import LEVELS, Floats
from .asking import Whole, shuffled
from .decoys import WIDTHS, AskMasses, Training, centres_of

CHECKED = 32
"""Pixels at which the total mass is estimated."""

NEAR = 96
"""Training pixels nearest to such a pixel from whose colours blocks are made."""

FIRST, SECOND, CENTRES = 1024, 4096, 32
"""Colours drawn at each pixel: FIRST find the CENTRES where the mass is, by which SECOND are drawn."""

FINE, ROUNDS = 5e-4, 4
"""Up to ROUNDS times SECOND colours are drawn until the standard error is FINE."""

MOST_ERROR = 0.005
"""Largest standard error of a total mass that is ranked."""

ERRORS, ROUNDING = 4.0, 1e-5
"""A total mass may differ from 1 by this many standard errors, and by this for rounding."""


@dataclass(frozen=True)
class TotalMass:
    """The total mass over what the fit claims for the cube, and its standard error."""

    value: float
    error: float

    @property
    def differs(self) -> bool:
        """Whether it is not 1."""
        return abs(self.value - 1) > ERRORS * self.error + ROUNDING


@dataclass(frozen=True, eq=False)
class ColourBlocks:
    """A part of q: a colour is chosen by weight, then any cell of its block.

    Attributes:
        levels: (k, 3). weights: (k,), of sum 1. side: of a block, in levels.
    """

    levels: Whole
    weights: Floats
    side: int

    def draw(self, n: int, rng: np.random.Generator) -> Whole:
        """n cells (n, 3)."""
        chosen = rng.choice(len(self.levels), size=n, p=self.weights)
        return self.levels[chosen] // self.side * self.side + rng.integers(self.side, size=(n, 3))

    def probability(self, cells: Whole) -> Floats:
        """Of cells (m, 3): (m,)."""
        inside = ((cells >= 0) & (cells < LEVELS)).all(axis=1)
        return np.where(inside, self._table[self._code(np.clip(cells, 0, LEVELS - 1))], 0.0)

    @cached_property
    def _table(self) -> Floats:
        """Probability of a cell of each block."""
        count = (LEVELS // self.side) ** 3
        return np.bincount(self._code(self.levels), self.weights, count) / self.side**3

    def _code(self, cells: Whole) -> Whole:
        return np.asarray(cells // self.side @ (LEVELS // self.side) ** np.arange(3))


@dataclass(frozen=True, eq=False)
class ColourSteps:
    """A part of q: a step from one of some centres (k, 3) in levels, of some standard deviation."""

    centres: Whole
    width: float

    def draw(self, n: int, rng: np.random.Generator) -> Whole:
        """n cells (n, 3), some of them outside the cube."""
        below = np.cumsum(self._table[:-1])
        below[-1] = 1.0
        steps = np.searchsorted(below, rng.random((n, 3)), side="right") - LEVELS
        return self.centres[rng.integers(len(self.centres), size=n)] + steps

    def probability(self, cells: Whole) -> Floats:
        """Of cells (m, 3): (m,)."""
        table = self._table
        apart = np.clip(cells[:, None] - self.centres, -LEVELS - 1, LEVELS + 1) + LEVELS
        return np.asarray(table[apart].prod(axis=2).mean(axis=1))

    @cached_property
    def _table(self) -> Floats:
        """Probabilities of a step of -LEVELS..LEVELS levels along an axis; then 0, for longer ones."""
        steps = np.diff(norm.cdf((np.arange(-LEVELS, LEVELS + 2) - 0.5) / self.width))
        return np.append(steps / steps.sum(), 0.0)


Parts = Sequence[tuple[float, ColourBlocks | ColourSteps]]
"""The parts of q with their shares, which sum to 1."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Cells (m, 3) drawn from q, and their probabilities under each of its parts (m, parts)."""

    cells: Whole
    parts: Floats
    shares: Floats

    @classmethod
    def of(cls, parts: Parts, n: int, rng: np.random.Generator) -> Drawn:
        """n cells in order of the parts that they are drawn from."""
        shares = np.array([share for share, _ in parts])
        counts = rng.multinomial(n, shares)
        cells = np.concatenate(
            [part.draw(count, rng) for count, (_, part) in zip(counts, parts, strict=True)]
        )
        return cls(cells, np.column_stack([part.probability(cells) for _, part in parts]), shares)

    @property
    def colours(self) -> Floats:
        """The centres of the cells in 0..1; those outside the cube are moved into it."""
        return centres_of(np.clip(self.cells, 0, LEVELS - 1))

    def ratios(self, log_masses: Floats) -> Floats:
        """mass / q of each cell (m,): 0 outside the cube."""
        inside = ((self.cells >= 0) & (self.cells < LEVELS)).all(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.where(inside, np.exp(log_masses) / (self.parts @ self.shares), 0.0)

    def total(self, log_masses: Floats) -> TotalMass:
        """The mean of mass / q, given log masses (m,) over what the cube has.

        The parts over q have mean 1 and are control variates (Owen and Zhou 2000, Safe and effective
        importance sampling): the mass of a mixture of the parts, as the uniform one, is known exactly.
        """
        ratio = self.ratios(log_masses)
        if not np.isfinite(ratio).all():
            return TotalMass(float("inf"), float("inf"))
        controls = self.parts / (self.parts @ self.shares)[:, None] - 1
        design = np.column_stack((np.ones(len(ratio)), controls))
        beta = np.linalg.pinv(design.T @ design, hermitian=True) @ (design.T @ ratio)
        left = ratio - design @ beta
        freedom = max(1, len(ratio) - design.shape[1])
        error = float(np.sqrt((left**2).sum() / freedom / len(ratio)))
        return TotalMass(float(beta[0]), 0.0 if error < 1e-10 else error)


def total_mass(training: Training, ask: AskMasses, rng: np.random.Generator) -> TotalMass:
    """The total mass of a predictive distribution, as a mean over some pixels.

    The first colours at a pixel tell where its mass lies; only the later ones are counted, so that the
    estimate is unbiased (population Monte Carlo: Cappé and others 2004).

    Args:
        ask: log of the mass of a cell over what the fit claims for the cube: (m,).
    """
    n = len(training.coordinates)
    pixels = rng.choice(n, size=min(CHECKED, n), replace=False)
    every = np.full(len(training.levels), 1 / len(training.levels))
    anywhere: Parts = [
        (0.1, ColourBlocks(np.zeros((1, 3), dtype=np.intp), np.ones(1), LEVELS)),
        *((0.05, ColourBlocks(training.levels, every, side)) for side in (8, 32)),
    ]
    around = [[*anywhere, *_around(levels)] for levels in training.nearest(pixels, NEAR)]
    first = [Drawn.of([(share / 0.7, part) for share, part in parts], FIRST, rng) for parts in around]
    found = _answers(ask, pixels, first, rng)
    mixed = [
        [*parts, *_where(drawn.ratios(logs), drawn.cells, rng)]
        for parts, drawn, logs in zip(around, first, found, strict=True)
    ]
    mixed = [[(share / 1.3, part) for share, part in parts] for parts in mixed]
    totals: list[TotalMass] = []
    while len(totals) < ROUNDS:
        second = [Drawn.of(parts, SECOND, rng) for parts in mixed]
        found = _answers(ask, pixels, second, rng)
        totals.append(_mean([drawn.total(logs) for drawn, logs in zip(second, found, strict=True)]))
        total = _mean(totals)
        if total.error <= FINE or total.differs:
            break
    return total


def _around(near: Whole) -> Parts:
    """Parts around the colours (k, 3) of the pixels near by, of shares that sum to 0.5."""
    alike = np.full(len(near), 1 / len(near))
    blocks = [(0.1, ColourBlocks(near, alike, side)) for side in (8, 32)]
    return [*blocks, *((0.1, ColourSteps(near[:16], width)) for width in WIDTHS)]


def _where(weight: Floats, cells: Whole, rng: np.random.Generator) -> Parts:
    """Parts where cells (m, 3) of weights (m,) have found mass, of shares that sum to 0.6."""
    inside = np.clip(cells, 0, LEVELS - 1)
    total = weight.sum()
    share = weight / total if 0 < total < np.inf else np.full(len(weight), 1 / len(weight))
    mean = share @ inside
    deviation = float(np.sqrt(share @ (inside - mean) ** 2).mean())
    best = inside[rng.choice(len(inside), size=CENTRES, p=share)]
    middle = np.rint(mean).astype(np.intp)[None]
    return [
        (0.15, ColourBlocks(inside, share, 8)),
        *((0.05, ColourSteps(best, width)) for width in WIDTHS),
        *((0.1, ColourSteps(middle, max(deviation * wider, WIDTHS[0]))) for wider in (0.8, 1.0, 1.25)),
    ]


def _answers(ask: AskMasses, pixels: Whole, drawn: Sequence[Drawn], rng: np.random.Generator) -> list[Floats]:
    """Log masses of the cells that are drawn at each pixel, asked in shuffled batches."""
    at = np.repeat(pixels, [len(one.cells) for one in drawn])
    colours = np.concatenate([one.colours for one in drawn])
    found = shuffled(lambda part: ask(at[part], colours[part]), len(at), rng)
    return list(found.reshape(len(pixels), -1))


def _mean(found: Sequence[TotalMass]) -> TotalMass:
    """The mean of independent estimates."""
    errors = np.array([one.error for one in found])
    value = float(np.mean([one.value for one in found]))
    return TotalMass(value, float(np.sqrt((errors**2).sum()) / len(found)))


def not_one(total: TotalMass) -> tuple[str, ...]:
    """Why a total mass over what is claimed is not 1; empty if it is."""
    if total.differs:
        return (f"its law has {total.value:.5g} times the mass in the cube of colours that it claims",)
    if not total.error <= MOST_ERROR:
        return (
            f"its law is too narrow to be checked (the mass of the cube is {total.value:.3g} "
            f"+- {total.error:.2g})",
        )
    return ()
