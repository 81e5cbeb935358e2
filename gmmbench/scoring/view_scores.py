"""What a view's scoring hands to the whole, and the unit that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..api import Floats
from ..results import PatchDetails, Score, ViewDetails
from .catalogue import SCORES
from .intervals import Difference
from .score_lookup import score_of

LN2 = float(np.log(2))


@dataclass(frozen=True, eq=False)
class Part:
    """Scores of one view.

    Attributes:
        values, details: as `results.Scores` has them.
        not_ranked: what the checks of this view found wrong; `fit_verdict` makes the verdict of it.
        gain: (H, W) nats over uniform that each pixel brings. weight: (H, W) what it counts.
        image_bits: the code length of the image's values under the fit, bits; None where there is none.
    """

    values: Mapping[str, Score]
    not_ranked: tuple[str, ...]
    details: ViewDetails
    gain: Floats
    weight: Floats
    image_bits: float | None


def unscored(view: str, weight: Floats, not_ranked: tuple[str, ...]) -> Part:
    """The part of a fit whose answers cannot be scored: every score is empty, with the reason.

    Args:
        weight: (H, W) what each pixel counts.
    """
    keys = [key for key, declared in SCORES.items() if view in declared.views and key != "log_likelihood"]
    values = {key: score_of(key, view, reason=not_ranked[0]) for key in keys}
    return Part(values, not_ranked, ViewDetails(), np.full(weight.shape, np.nan), weight, None)


def bits(nats: float | None) -> float | None:
    """Nats in bits; None stays None."""
    return None if nats is None else nats / LN2


def patches(found: Difference | None) -> PatchDetails | None:
    """What the interval of a difference rests on, as a report has it."""
    return None if found is None else PatchDetails(found.patches, found.reach)
