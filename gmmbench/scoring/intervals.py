"""Is the difference real? Intervals of paired differences over tiles, and rankings that hold together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import stdtr, stdtrit

from ..api import Floats

LEAST_SIDE = 8
"""Pixels along the side of a tile at the least."""

LENGTHS = 4.0
"""Correlation lengths along the side of a tile."""

LEAST_TILES = 10
"""With fewer tiles there is no interval and no ranking."""

LEVEL = 0.95

NOTHING = 1e-12
"""Differences closer to 0 are 0: rounding, such as of one fit under two names."""


@dataclass(frozen=True, eq=False)
class Difference:
    """A paired difference per unit of weight, such as nats per held-out ink pixel.

    Attributes:
        value: D = sum s_i / sum n_i over tiles.
        error: its standard error; None with fewer than LEAST_TILES tiles.
        tiles: g, tiles that hold weight. side: of a tile, pixels.
    """

    value: float
    error: float | None
    tiles: int
    side: int

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Student's t interval on g - 1 degrees of freedom, or None where there are too few tiles."""
        if self.error is None:
            return None
        reach = float(stdtrit(self.tiles - 1, 0.5 + level / 2)) * self.error
        return self.value - reach, self.value + reach

    @property
    def p_value(self) -> float | None:
        """Two-sided, of no difference."""
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.tiles - 1, -abs(self.value) / self.error))


def difference(terms: Floats, weight: Floats, scored: Floats, side: int | None = None) -> Difference | None:
    """D of per-pixel differences (H, W) with weights (H, W), over the pixels `scored` (H, W) of truth values.

    Pixels are not independent, so squares of pixels are resampled in theory: with s_i and n_i a tile's
    sums of differences and weights, se^2 = g / (g - 1) sum (s_i - D n_i)^2 / (sum n_i)^2 (Cochran 1977,
    ratio estimate over clusters). None without weight.
    """
    d = np.where(scored, terms, 0.0)
    n = np.where(scored, weight, 0.0)
    total = n.sum()
    if not total > 0:
        return None
    value = float(d.sum() / total)
    if abs(value) < NOTHING:
        value = 0.0
    if side is None:
        side = tile_side(d - value * n, scored)
    sums, sizes = (_tiled(a, side) for a in (d, n))
    tiles = int((sizes > 0).sum())
    # a tile without weight still has its terms, such as ink expected where there is none: none is left out
    counted = (sizes > 0) | (sums != 0)
    sums, sizes = sums[counted], sizes[counted]
    if tiles < LEAST_TILES:
        return Difference(value, None, tiles, side)
    g = len(sums)
    error = float(np.sqrt(g / (g - 1) * ((sums - value * sizes) ** 2).sum()) / total)
    return Difference(value, error, tiles, side)


def tile_side(terms: Floats, scored: Floats) -> int:
    """max(LEAST_SIDE, LENGTHS x the correlation length of the terms), pixels."""
    return max(LEAST_SIDE, int(np.ceil(LENGTHS * correlation_length(terms, scored))))


def correlation_length(terms: Floats, scored: Floats) -> float:
    """The lag in pixels at which the autocorrelation of terms (H, W) first falls to 1 / e.

    Over pairs of scored pixels that many apart along an axis, straight between whole lags. Tiles of four
    such lengths covered the truth in 0.93 of smooth fields, where tiles of two did in 0.85.
    """
    known = np.asarray(scored, dtype=np.bool_)
    if not known.any():
        return 0.0
    x = np.where(known, terms - terms[known].mean(), 0.0)
    variance = float((x**2).sum() / known.sum())
    if not variance > 0:
        return 0.0
    before = 1.0
    for lag in range(1, max(2, max(x.shape) // 4)):
        products, pairs = 0.0, 0
        for axis in (0, 1):
            if lag >= x.shape[axis]:
                continue
            near = [slice(None)] * 2
            far = [slice(None)] * 2
            near[axis], far[axis] = slice(None, -lag), slice(lag, None)
            products += float((x[tuple(near)] * x[tuple(far)]).sum())
            pairs += int((known[tuple(near)] & known[tuple(far)]).sum())
        if pairs == 0:
            continue
        alike = products / pairs / variance
        if alike < 1 / np.e:
            return lag - 1 + (before - 1 / np.e) / (before - alike)
        before = alike
    return float(max(x.shape) // 4)


def _tiled(values: Floats, side: int) -> Floats:
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], side), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, values.shape[1], side), axis=1).ravel())


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979), in their order."""
    order = np.argsort(p_values)
    corrected = np.empty(len(order))
    worst = 0.0
    for place, at in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - place) * p_values[at]))
        corrected[at] = worst
    return corrected.tolist()


@dataclass(frozen=True, eq=False)
class Pair:
    """One of all pairs: how much `better` scores more than `worse`, with Holm's corrected p-value."""

    better: str
    worse: str
    difference: Difference
    corrected: float | None

    def told_apart(self, level: float = LEVEL) -> bool:
        """Whether the difference is real at this level, all pairs taken together."""
        return self.corrected is not None and self.corrected < 1 - level


def all_pairs(scores: Mapping[str, Floats], weight: Floats, scored: Floats) -> list[Pair]:
    """Every pair of per-pixel scores (H, W), the better first, with Holm's correction over all of them."""
    found = []
    for a, b in combinations(scores, 2):
        apart = difference(scores[a] - scores[b], weight, scored)
        if apart is None:
            continue
        if apart.value < 0:
            a, b = b, a  # noqa: PLW2901 - the pair is told the better way round
            apart = Difference(-apart.value, apart.error, apart.tiles, apart.side)
        found.append((a, b, apart))
    judged = [(place, p) for place, (_, _, apart) in enumerate(found) if (p := apart.p_value) is not None]
    corrected: dict[int, float] = dict(
        zip((place for place, _ in judged), holm([p for _, p in judged]), strict=True)
    )
    return [Pair(a, b, apart, corrected.get(place)) for place, (a, b, apart) in enumerate(found)]


def tiers(means: Mapping[str, float], pairs: Sequence[Pair]) -> dict[str, int]:
    """The tier of each name, 1 the best: nobody in a tier is really better than its first.

    Going down by mean score, a name opens a new tier when the first of the present one is told apart
    from it.
    """
    apart = {(pair.better, pair.worse) for pair in pairs if pair.told_apart()}
    tier, first = 1, None
    found = {}
    for name in sorted(means, key=lambda name: -means[name]):
        if first is None:
            first = name
        elif (first, name) in apart:
            tier, first = tier + 1, name
        found[name] = tier
    return found
