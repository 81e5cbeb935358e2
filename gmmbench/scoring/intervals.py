"""Is the difference real? Intervals of paired differences, and rankings that hold together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtridf, stdtrit

from ..api import Floats
from .spatial_variance import Lags

LEAST_PATCHES = 2
"""With fewer independent patches there is no interval and no ranking.

Student's t needs one degree of freedom. Intervals of few patches are wide, and those of three or four
still hold the truth (docs/coverage.md, errors of 15 px on 120 px).
"""

LEVEL = 0.95

LEAST_PIXELS = 10
"""With weight on fewer pixels, such as held-out ink, there is no interval and no ranking either."""

NOTHING = 1e-12
"""Differences closer to 0 are 0: rounding, such as of one fit under two names. Likewise residuals."""

CACHE_BYTES = 256 << 20
"""Memory for the transforms of models that are compared pair by pair."""


@dataclass(frozen=True, eq=False)
class Difference:
    """A paired difference per unit of weight, such as nats per held-out ink pixel.

    Attributes:
        value: D = sum s / sum n over the scored pixels.
        error: its standard error; None where the image holds too few patches.
        degrees: of freedom of Student's t; 0 without an error.
        patches: how many independent patches of the image the error rests on.
        reach: the lag in pixels up to which pixels were taken as correlated; 0 for none.
        seeds: how many seeds vary in the error; below 2 the difference is of two fits, not of two models.
    """

    value: float
    error: float | None
    degrees: float
    patches: float
    reach: float
    seeds: int = 1

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Student's t interval, or None where there are too few patches."""
        if self.error is None:
            return None
        margin = float(stdtrit(self.degrees, 0.5 + level / 2)) * self.error
        return self.value - margin, self.value + margin

    @property
    def p_value(self) -> float | None:
        """Two-sided, of no difference."""
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.degrees, -abs(self.value) / self.error))


def difference(
    terms: Floats, weight: Floats, scored: Floats, by_seed: Sequence[float] = ()
) -> Difference | None:
    """D of per-pixel differences (H, W) with weights (H, W), over the pixels `scored` (H, W) of truth values.

    The variance of D is that over the image (spatial_variance.py) plus, where `by_seed` has the difference
    under each of S >= 2 seeds, that over seeds (`_with_seeds`). None without weight.
    """
    pixels = ScoredPixels.of(weight, scored)
    return None if pixels is None else pixels.difference(pixels.masked(terms), None, by_seed)


@dataclass(frozen=True, eq=False)
class ScoredPixels:
    """Scored pixels, their weights, and what every difference over them needs."""

    scored: NDArray[np.bool_]
    weight: Floats
    total: float
    lags: Lags
    weight_transform: NDArray[np.complex128]

    @classmethod
    def of(cls, weight: Floats, scored: Floats) -> ScoredPixels | None:
        """The pixels (H, W) where `scored` is true, with their weights (H, W); None without weight."""
        known = np.asarray(scored, dtype=np.bool_)
        n = np.where(known, weight, 0.0)
        total = float(n.sum())
        if not total > 0:
            return None
        lags = Lags(known)
        return cls(known, n, total, lags, lags.transform(n))

    def masked(self, terms: Floats) -> Floats:
        """Terms (H, W), 0 where no pixel is scored."""
        return np.where(self.scored, terms, 0.0)

    def difference(
        self, terms: Floats, transform: NDArray[np.complex128] | None, by_seed: Sequence[float]
    ) -> Difference:
        """D of masked terms; `transform` is theirs where it is known."""
        value = float(terms.sum() / self.total)
        if not np.isfinite(value):
            return Difference(value, None, 0.0, 0.0, 0.0)
        if abs(value) < NOTHING:
            value = 0.0
        residuals = terms - value * self.weight
        if np.abs(residuals).max() < NOTHING:
            residuals[:], transform = 0.0, None
        if transform is None:
            transform = self.lags.transform(residuals)
        else:
            transform = transform - value * self.weight_transform
        space = self.lags.variance(transform, self.total)
        # Kish's effective number of pixels: a few heavy ones are no more patches than they are
        pixels = self.total**2 / float((self.weight**2).sum())
        patches = min(space.patches, pixels)
        by_seed = [found for found in by_seed if np.isfinite(found)]  # a seed may hold out no ink
        seeds = len(by_seed)
        if patches < LEAST_PATCHES or pixels < LEAST_PIXELS:
            return Difference(value, None, 0.0, patches, space.reach, max(1, seeds))
        # of two seeds nothing is taken off: one degree of freedom does not tell how much is left
        chosen = space.independent * self._share_of_choice(seeds) if seeds > 2 else 0.0
        error, degrees = _with_seeds(space.variance, patches - 1, by_seed, chosen)
        return Difference(value, error, degrees, patches, space.reach, max(1, seeds))

    def _share_of_choice(self, seeds: int) -> float:
        """How much the choice of pixels adds to the variance over seeds / seeds, for independent pixels.

        Each seed holds out its own m of N pixels, so differences vary over seeds even if fits do not: by
        v (1 - m / N) / m for a variance v of pixels (Cochran 1977, section 2.5). This is returned as a share
        of v / M, M being the pixels that any seed holds out.
        """
        union = self.lags.pixels / self.scored.size
        held_out = 1 - (1 - union) ** (1 / seeds)
        return union * (1 - held_out) / (seeds * held_out)


def _with_seeds(space: float, degrees: float, by_seed: Sequence[float], chosen: float) -> tuple[float, float]:
    """The standard error over the image and over seeds together, and its degrees of freedom.

    The variance over S seeds, divided by S, is added to that over the image, less the part `chosen` that the
    choice of held-out pixels has in it, since that is counted in the image's. The squares of the two margins
    of 95 % are added (Zou and Donner 2008); the degrees of freedom are those that give this margin. Those of
    Satterthwaite (1946) covered the truth too rarely: docs/coverage.md.
    """
    n = len(by_seed)
    seeds = max(0.0, float(np.var(by_seed, ddof=1)) / n - chosen) if n > 1 else 0.0
    both = space + seeds
    if not seeds > 0:
        return float(np.sqrt(space)), degrees
    t_space, t_seeds = stdtrit([degrees, n - 1], 0.5 + LEVEL / 2)
    # in shares of the sum, whose square may underflow
    t = np.sqrt((space / both) * t_space**2 + (seeds / both) * t_seeds**2)
    return float(np.sqrt(both)), float(stdtridf(0.5 + LEVEL / 2, t))


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


def all_pairs(
    scores: Mapping[str, Floats],
    weight: Floats,
    scored: Floats,
    by_seed: Mapping[str, Sequence[float]] | None = None,
) -> list[Pair]:
    """Every pair of per-pixel scores (H, W), the better first, with Holm's correction over all of them.

    Scores are averaged over seeds. `by_seed` has each model's mean score under every seed, in one order of
    seeds, so that the spread over seeds counts in the error.
    """
    pixels = ScoredPixels.of(weight, scored)
    if pixels is None:
        return []
    masked = {name: pixels.masked(values) for name, values in scores.items()}
    fits = len(masked) * pixels.lags.transform_bytes <= CACHE_BYTES
    transforms = {name: pixels.lags.transform(values) for name, values in masked.items()} if fits else {}
    found = []
    for a, b in combinations(scores, 2):
        seeds = [] if by_seed is None else list(np.subtract(by_seed[a], by_seed[b]))
        with np.errstate(invalid="ignore"):  # a score that is not finite leaves its pairs undecided
            transform = transforms[a] - transforms[b] if fits else None
            apart = pixels.difference(masked[a] - masked[b], transform, seeds)
        if apart.value < 0:
            a, b = b, a  # noqa: PLW2901 - the pair is told the better way round
            apart = replace(apart, value=-apart.value)
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
