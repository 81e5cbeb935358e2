"""Which model is significantly better: paired differences on one image, tiers, and Pareto fronts."""

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
from .grouping import Group
from .schema import PairRow


@dataclass(frozen=True, eq=False)
class Ranking:
    """What the maps of a group say, in the unit of its information gain.

    Attributes:
        means: the gain of each ranked model. intervals: its 95 % interval over tiles.
        pairs: all pairs, with their p-values corrected together.
    """

    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float] | None]
    pairs: tuple[Pair, ...]

    @cached_property
    def tiers(self) -> dict[str, int]:
        """The tier of each model; empty without pairs, or where a pair has too few tiles."""
        testable = bool(self.pairs) and all(pair.corrected is not None for pair in self.pairs)
        return tiers(self.means, self.pairs) if testable else {}


def nats_per_unit(report: Mapping[str, Any]) -> float:
    """Nats in a unit of the gain: a bit, or for colours a bit for each of three dimensions."""
    return math.log(2) * (3 if report["image"]["view"] == "colour" else 1)


def seed_average(group: Group, label: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """A model's gain (nats) and weight (H, W), averaged over the seeds that hold a pixel out.

    The third array is True where any of the compared seeds does.
    """
    times = gain = weight = np.zeros((group.report["image"]["height"], group.report["image"]["width"]))
    for run in group.counted(label).values():
        run_gain, run_weight, held = run.maps()
        times = times + held
        gain = gain + np.where(held, run_gain, 0)
        weight = weight + np.where(held, run_weight, 0)
    share = np.maximum(times, 1)
    return gain / share, weight / share, times > 0


def judge(group: Group) -> Ranking:
    """The verdict on the ranked models of a group."""
    gains: dict[str, Floats] = {}
    weight = scored = np.zeros(0)
    for label in group.ranked:
        gains[label], weight, known = seed_average(group, label)
        scored = known.astype(np.float64)
    weight = weight * nats_per_unit(group.report)
    means, intervals = {}, {}
    for label, gain in gains.items():
        own = difference(gain, weight, scored)
        if own is not None:
            means[label], intervals[label] = own.value, own.interval()
    return Ranking(means, intervals, tuple(all_pairs(gains, weight, scored)))


def pair_row(pair: Pair, n_pairs: int) -> PairRow:
    """A pair, one of `n_pairs`, as comparison.json holds it."""
    return PairRow(
        better=pair.better,
        worse=pair.worse,
        difference=pair.difference.value,
        interval=pair.difference.interval(),
        interval_corrected=corrected_interval(pair, n_pairs),
        p_corrected=pair.corrected,
        significant=pair.told_apart(),
        tiles=pair.difference.tiles,
    )


def corrected_interval(pair: Pair, n_pairs: int) -> tuple[float, float] | None:
    """The interval that excludes 0 exactly where the pair is significant after Holm's correction.

    Its level is 1 - 0.05 p / p', where Holm multiplied the p-value p by p' / p. Where that factor is unknown
    (p' is cut off at 1, or p is 0) it is the number of pairs, as Bonferroni's is.
    """
    p, corrected = pair.difference.p_value, pair.corrected
    if p is None or corrected is None:
        return None
    factor = corrected / p if p > 0 and 0 < corrected < 1 else float(n_pairs)
    return pair.difference.interval(1 - (1 - LEVEL) / factor)


def pareto_front(gains: Mapping[str, float | None], costs: Mapping[str, float | None]) -> tuple[str, ...]:
    """The models that no other beats at no higher cost, the cheapest first; of equal ones all."""
    known = {
        label: (cost, gain)
        for label, gain in gains.items()
        if gain is not None and (cost := costs[label]) is not None
    }
    front = [
        label
        for label, (cost, gain) in known.items()
        if not any(
            c <= cost and g >= gain and (c, g) != (cost, gain)
            for other, (c, g) in known.items()
            if other != label
        )
    ]
    return tuple(sorted(front, key=lambda label: (known[label], label)))
