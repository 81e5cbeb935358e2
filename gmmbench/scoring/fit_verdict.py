"""The verdict on a fit: whether it may be ranked, and if not, why. It is made here and nowhere else.

Report, comparison, page and search obey it. Scorers hand in what their checks found (`Part.not_ranked`);
here the scores themselves are judged as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..api import Floats, Split
from ..results import Score, Scores
from .declaration import PARTS
from .view_scores import Part

BEYOND = 1e-6
"""Bits by which rounding may lift a score over its ceiling."""

ROUNDING = 1e-9
"""How far rounding may push a probability out of 0..1."""


@dataclass(frozen=True)
class FitVerdict:
    """Whether a fit may be ranked.

    Attributes:
        reasons: why it must not be; empty if it may.
        alarms: those of the reasons that are scores too good to be true.
    """

    reasons: tuple[str, ...]
    alarms: tuple[str, ...]

    @property
    def ranked(self) -> bool:
        """Whether it may be ranked."""
        return not self.reasons


def fit_verdict(part: Part, values: Mapping[str, Score], split: Split) -> FitVerdict:
    """The verdict on a fit with these scores.

    A fit is not ranked if one of its scorer's checks failed (normalisation, certified masses, predictions
    within 0..1, a bound that can be verified), if a score is not finite, or if a score beats its ceiling.
    """
    found = alarms(values)
    return FitVerdict((*part.not_ranked, *_not_finite(part, values, split), *found), found)


def unranked(scores: Scores, reasons: Iterable[str]) -> Scores:
    """The scores with more reasons not to rank the fit, found after scoring, as by a verification."""
    return replace(scores, not_ranked=(*scores.not_ranked, *reasons))


def alarms(values: Mapping[str, Score]) -> tuple[str, ...]:
    """What is too good to be true: a gain beyond its ceiling, or fewer than no bits."""
    found = []
    gain, ceiling, per_dim = (values.get(key, Score()) for key in ("gain", "ceiling", "bits_per_dim"))
    for part in ("train", "held_out"):
        got, top = getattr(gain, part), getattr(ceiling, part)
        if got is not None and top is not None and got > top + BEYOND:
            found.append(
                f"the gain ({part}) of {got:.4f} lies beyond its ceiling of {top:.4f} {ceiling.unit}"
            )
        bits = getattr(per_dim, part)
        if bits is not None and bits < -BEYOND:
            found.append(f"bits_per_dim ({part}) of {bits:.4f} lie below 0")
    return tuple(found)


def outside(probabilities: Floats) -> tuple[str, ...]:
    """What is wrong with a classifier's probabilities: not finite, or outside 0..1; empty if nothing is."""
    wrong = int(np.count_nonzero(~np.isfinite(probabilities)))
    if wrong:
        return (f"predict is not a finite number at {_pixels(wrong)}",)
    low, high = float(probabilities.min()), float(probabilities.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        return (f"predict lies outside 0..1: from {low:.4g} to {high:.4g}",)
    return ()


def _not_finite(part: Part, values: Mapping[str, Score], split: Split) -> tuple[str, ...]:
    """NaN in any score, and a gain that is infinite. Other infinite scores say that a mass is 0."""
    found = []
    for key, score in values.items():
        numbers = {name: getattr(score, name) for name in PARTS}
        wrong = [
            PARTS[name]
            for name, x in numbers.items()
            if x is not None and (np.isnan(x) or (key == "gain" and name == "held_out" and np.isinf(x)))
        ]
        if wrong:
            found.append(f"{key} ({', '.join(wrong)}) is not a finite number")
    held = part.gain[split.tested]
    if values["gain"].held_out is not None and not found and not np.isfinite(held).all():
        found.append(f"{_pixels(int(np.count_nonzero(~np.isfinite(held))))} held out without a finite score")
    return tuple(found)


def _pixels(n: int) -> str:
    return f"{n:,} pixel{'' if n == 1 else 's'}"
