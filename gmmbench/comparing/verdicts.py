"""Which model is really better: paired differences of one image's runs, tiers, and the frontier of costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..api import Floats
from ..scoring.intervals import LEVEL, Pair, all_pairs, difference, tiers
from .find import Group

Truths = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the maps of a group say, in the unit of its gain.

    Attributes:
        means: the gain of each ranked model. intervals: its 95 % interval over tiles.
        pairs: all pairs, corrected together. places: tiers; empty where nothing could be judged.
    """

    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float] | None]
    pairs: tuple[Pair, ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """The tier of each model; empty without pairs or where a pair has too few tiles."""
        judged = bool(self.pairs) and all(pair.corrected is not None for pair in self.pairs)
        return tiers(self.means, self.pairs) if judged else {}


def unit_of(report: Mapping[str, Any]) -> float:
    """Nats in a unit of the gain: bits from nats, and for colours of three dimensions each."""
    return math.log(2) * (3 if report["image"]["view"] == "colour" else 1)


def averaged(group: Group, label: str) -> tuple[Floats, Floats, Truths]:
    """Gain (nats) and weight of a model, (H, W), averaged over the compared seeds that hold a pixel out.

    The third is where any does.
    """
    times = gain = weight = np.zeros((group.report["image"]["height"], group.report["image"]["width"]))
    for entry in group.counted(label).values():
        g, w, held = entry.maps()
        times = times + held
        gain = gain + np.where(held, g, 0)
        weight = weight + np.where(held, w, 0)
    share = np.maximum(times, 1)
    return gain / share, weight / share, times > 0


def judge(group: Group) -> Verdict:
    """The verdict on the ranked models of a group."""
    gains: dict[str, Floats] = {}
    weight = scored = np.zeros(0)
    for label in group.ranked:
        gains[label], weight, known = averaged(group, label)
        scored = known.astype(np.float64)
    weight = weight * unit_of(group.report)
    means, intervals = {}, {}
    for label, gain in gains.items():
        own = difference(gain, weight, scored)
        if own is not None:
            means[label], intervals[label] = own.value, own.interval()
    return Verdict(means, intervals, tuple(all_pairs(gains, weight, scored)))


def pair_row(pair: Pair, of: int) -> dict[str, Any]:
    """A pair, one of `of`, as comparison.json holds it."""
    found = pair.difference
    return {
        "better": pair.better,
        "worse": pair.worse,
        "difference": found.value,
        "interval": found.interval(),
        "interval_corrected": corrected_interval(pair, of),
        "p_corrected": pair.corrected,
        "told_apart": pair.told_apart(),
        "tiles": found.tiles,
    }


def corrected_interval(pair: Pair, of: int) -> tuple[float, float] | None:
    """The interval that leaves out 0 just where Holm's correction tells the pair apart.

    Its level is 1 - 0.05 p / p', p' being the corrected p-value of p: Holm multiplied p by p' / p. Where that
    cannot be read off (p' is cut off at 1, or p is 0) the factor is the number of pairs, as Bonferroni's is.
    """
    p, corrected = pair.difference.p_value, pair.corrected
    if p is None or corrected is None:
        return None
    factor = corrected / p if p > 0 and 0 < corrected < 1 else float(of)
    return pair.difference.interval(1 - (1 - LEVEL) / factor)


def frontier(gains: Mapping[str, float | None], costs: Mapping[str, float | None]) -> list[str]:
    """The models that none beats at no higher cost (Pareto), the cheapest first.

    Of equal ones all stand there.
    """
    known = {
        label: (cost, gain)
        for label, gain in gains.items()
        if gain is not None and (cost := costs[label]) is not None
    }
    best = [
        label
        for label, (cost, gain) in known.items()
        if not any(
            c <= cost and g >= gain and (c, g) != (cost, gain)
            for other, (c, g) in known.items()
            if other != label
        )
    ]
    return sorted(best, key=lambda label: (known[label], label))
