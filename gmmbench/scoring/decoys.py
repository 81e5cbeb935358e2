"""Decoys: colours that are asked about beside a pixel's own, so that a question does not give it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..api import LEVELS, Floats
from .asking import AGAIN, LARGEST, Whole, shuffled, unsteady

NEAR = 16
"""Nearest training pixels whose colours a pixel's decoys surround: predictive distributions are local."""

WIDTHS = (0.7, 3.0, 12.0)
"""Standard deviations in levels of the steps from such a colour to a decoy."""

UNIFORM = 0.1
"""Share of the decoys that are uniform over all colours."""

SHARE = 1 / 16
"""Share of the pixels at which a decoy is asked about beside the pixel's own colour."""

BESIDE = 3
"""Decoys at each of the pixels that are asked about once more."""

AskMasses = Callable[[Whole, Floats], Floats]
"""Of pixels (m,) and centres of cells (m, 3): what a fit says of each cell, (m,) or (m, k)."""


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers about the pixels' own colours (n, k), and why the fit cannot be ranked."""

    truths: Floats
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Training:
    """Where training pixels are and which levels they have, among which decoys are drawn.

    Attributes:
        coordinates: (n, 2) of all pixels. where: (k, 2) of training pixels. levels: (k, 3) theirs.
    """

    coordinates: Floats
    where: Floats
    levels: Whole

    @classmethod
    def of(cls, coordinates: Floats, colours: Floats, trained: NDArray[np.bool_]) -> Training:
        """Of coordinates (n, 2), colours (n, 3) in 0..1 and which pixels are for training (n,)."""
        return cls(coordinates, coordinates[trained], levels_of(colours[trained]))

    def nearest(self, pixels: Whole, count: int = NEAR) -> Whole:
        """Levels of the training pixels nearest to each pixel (m,): (m, count, 3)."""
        ranks = np.arange(1, min(count, len(self.where)) + 1)
        return self.levels[cKDTree(self.where).query(self.coordinates[pixels], ranks)[1]]

    def decoys(self, pixels: Whole, rng: np.random.Generator) -> Floats:
        """A decoy at each of `pixels` (m,), as the centre of a cell in 0..1: (m, 3)."""
        near = self.nearest(pixels)
        m = len(pixels)
        cells = near[np.arange(m), rng.integers(near.shape[1], size=m)]
        steps = rng.choice(WIDTHS, size=(m, 1)) * rng.standard_normal((m, 3))
        cells = np.clip(np.rint(cells + steps), 0, LEVELS - 1).astype(np.intp)
        anything = rng.integers(LEVELS, size=(m, 3))
        return centres_of(np.where(rng.random((m, 1)) < UNIFORM, anything, cells))


def levels_of(colours: Floats) -> Whole:
    """Colours in 0..1 as levels 0..255."""
    return np.rint(colours * LEVELS - 0.5).astype(np.intp)


def centres_of(levels: Whole) -> Floats:
    """Levels as the centres of their cells in 0..1."""
    return (levels + 0.5) / LEVELS


def answered(
    training: Training,
    colours: Floats,
    ask: AskMasses,
    other: AskMasses,
    method: str,
    rng: np.random.Generator,
    largest: int = LARGEST,
) -> Answered:
    """Ask about the colours of all pixels (n, 3) in shuffled batches, with a decoy at some of the pixels.

    Afterwards some pixels are asked about once more among fresh decoys *at the same pixels*: a fit that is
    surer of a colour because it is asked about has to guess there which one is the pixel's own.

    Args:
        ask, other: the same question to two copies of a fit: (m, k).
        method: its name. largest: the size of a batch.
    """
    n = len(colours)
    hidden = rng.choice(n, size=int(np.ceil(n * SHARE)), replace=False)
    pixels = np.concatenate((np.arange(n), hidden))
    asked = np.concatenate((colours, training.decoys(hidden, rng)))
    found = shuffled(lambda part: ask(pixels[part], asked[part]), len(pixels), rng, largest)
    chosen = rng.choice(n, size=min(AGAIN, n), replace=False)
    beside = training.decoys(np.repeat(chosen, BESIDE), rng).reshape(len(chosen), BESIDE, 3)
    told = np.concatenate((colours[chosen, None], beside), axis=1)

    def again(part: Whole) -> Floats:
        order = rng.permutation(len(part) * (BESIDE + 1))
        row, place = np.divmod(order, BESIDE + 1)
        out = np.empty((len(order), found.shape[1]))
        out[order] = other(chosen[part[row]], told[part[row], place])
        return out[:: BESIDE + 1]

    return Answered(found[:n], unsteady(method, again, found[chosen], rng))
