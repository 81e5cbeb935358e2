"""What a view's scoring hands to the whole, and the unit that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api import Floats
from ..results import Score

LN2 = float(np.log(2))


@dataclass(frozen=True, eq=False)
class Part:
    """Scores of one view.

    Attributes:
        values, not_ranked, details: as `outcome.Scores` has them.
        gain: (H, W) nats over uniform that each pixel brings. weight: (H, W) what it counts.
        image_bits: the code length of the image's values under the fit, bits; None where there is none.
    """

    values: Mapping[str, Score]
    not_ranked: tuple[str, ...]
    details: Mapping[str, Any]
    gain: Floats
    weight: Floats
    image_bits: float | None


def bits(nats: float | None) -> float | None:
    """Nats in bits; None stays None."""
    return None if nats is None else nats / LN2
