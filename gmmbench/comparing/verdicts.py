"""What is decided on one image: which models are told apart, their letters, and which drop out and why."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..api import Floats
from ..reporting.report import Report
from ..scoring.intervals import LEVEL, Pair, all_pairs, difference
from ..scoring.tier_letters import tier_letters
from .grouping import Group
from .schema import PairRow

TOO_FEW = "too few independent patches with held-out data"
"""Why a pair is undecided whose error is not known."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """What the maps of a group say, in the unit of its information gain.

    Attributes:
        means: the gain of each model whose fits may be ranked. intervals: its 95 % interval,
            over the image and over seeds.
        pairs: all pairs of them, with their p-values corrected together.
        letters: of each model that is ranked, the best first.
        reasons: why a model of `means` is not ranked.
    """

    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float] | None]
    pairs: tuple[PairRow, ...]
    letters: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str]


def name_order(label: str) -> list[str | int]:
    """What sorts names, 9 before 10. Text and numbers take turns, so any two can be compared."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]{1,18})", label)]


def nats_per_unit(report: Report) -> float:
    """Nats in a unit of the gain: a bit, or for colours a bit for each of three dimensions."""
    return math.log(2) * (3 if report.image.view == "colour" else 1)


def seed_average(group: Group, label: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """A model's gain (nats) and weight (H, W), averaged over the seeds that hold a pixel out.

    The third array is True where any of the compared seeds does.
    """
    times = gain = weight = np.zeros((group.report.image.height, group.report.image.width))
    for run in group.counted(label).values():
        run_gain, run_weight, held = run.maps()
        times = times + held
        gain = gain + np.where(held, run_gain, 0)
        weight = weight + np.where(held, run_weight, 0)
    share = np.maximum(times, 1)
    return gain / share, weight / share, times > 0


def judge(group: Group) -> Ranking:
    """The verdict on the models of a group whose fits may be ranked."""
    gains: dict[str, Floats] = {}
    weight = scored = np.zeros(0)
    for label in group.ranked:
        gains[label], weight, known = seed_average(group, label)
        scored = known.astype(np.float64)
    weight = weight * nats_per_unit(group.report)
    by_seed = {label: seed_gains(group, label) for label in gains}
    means, intervals = {}, {}
    for label, gain in gains.items():
        own = difference(gain, weight, scored, by_seed[label])
        if own is not None:
            means[label], intervals[label] = own.value, own.interval()
    found = all_pairs(gains, weight, scored, by_seed)
    bounds = {label for label in gains if group.has_bound(label)}
    pairs = tuple(pair_row(pair, len(found), bounds) for pair in found)
    return Ranking(means, intervals, pairs, *ranking(means, pairs, bool(group.report.hold_out)))


def seed_gains(group: Group, label: str) -> list[float]:
    """A model's held-out gain under each seed that counts, in their order."""
    gains = [run.report.scores["gain"].held_out for run in group.counted(label).values()]
    return [float("nan") if gain is None else float(gain) for gain in gains]


def ranking(
    means: Mapping[str, float], pairs: Sequence[PairRow], held_out: bool = True
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The letters of the models, the best first, and why others have none.

    A model is ranked if it can be judged against any other; a pair that cannot be judged is undecided.
    """
    judged = {name for pair in pairs if not pair.undecided for name in (pair.better, pair.worse)}
    order = sorted(judged, key=lambda label: (-means[label], name_order(label)))
    letters = tier_letters(order, [(pair.better, pair.worse) for pair in pairs if pair.significant])
    return letters, {
        label: _why_not(label, pairs, held_out, len(means)) for label in means if label not in judged
    }


def _why_not(label: str, pairs: Sequence[PairRow], held_out: bool, models: int) -> str:
    if not held_out:
        return "nothing was held out"
    if models < 2:
        return "there is no other model to compare it with"
    reasons = [pair.undecided for pair in pairs if label in (pair.better, pair.worse)]
    return "; ".join(dict.fromkeys(reasons)) or "there is no held-out data"


def pair_row(pair: Pair, n_pairs: int, bounds: Collection[str] = ()) -> PairRow:
    """A pair, one of `n_pairs`, with what is decided about it; the scores of `bounds` are lower bounds.

    A lower bound that is told apart from a lower score is above it. One that is the lower score decides
    nothing: the score itself may be the higher one.
    """
    undecided = ""
    if pair.corrected is None:
        undecided = TOO_FEW
    elif pair.worse in bounds:
        undecided = f"the score of {pair.worse} is only known to be at least so high"
    return PairRow(
        better=pair.better,
        worse=pair.worse,
        difference=pair.difference.value,
        interval=pair.difference.interval(),
        interval_corrected=corrected_interval(pair, n_pairs),
        p_corrected=pair.corrected,
        significant=pair.told_apart() and not undecided,
        undecided=undecided,
        patches=pair.difference.patches,
        reach=pair.difference.reach,
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
