"""Where in the image one model beats another: maps of the difference of their log scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..api import Bytes, Floats
from ..scoring.intervals import NOTHING
from .grouping import Group
from .thumbnails import SIDE, embedded
from .verdicts import nats_per_unit, seed_average

MOST_MAPS = 12
"""Maps of one table at the most."""

STOPS = ("#7f3b08", "#e08214", "#fdd9ae", "#f7f7f7", "#d1d3ea", "#7d6fb0", "#2d004b")
"""From worse to better: ColorBrewer's PuOr, which colour-blind readers can tell apart (Brewer 2003)."""

STEPS = 41
REACH = 0.99
"""The share of a map's differences that its scale covers; the others have the colours of its ends."""


@dataclass(frozen=True)
class DeltaMap:
    """A map of `better` against `worse`, as a data URI.

    `reach` is the difference at the ends of its scale, in bits per pixel (colours: per dimension, too).
    """

    better: str
    worse: str
    uri: str
    reach: float


@dataclass(frozen=True)
class DeltaMaps:
    """The maps of a table.

    Attributes:
        maps: those of the chosen pairs. pairs: how many pairs there are.
        window: the standard deviation of the Gaussian window over held-out pixels, in pixels.
        holes: whether some places have no held-out pixel nearby.
        scale: the colours as a data URI.
    """

    maps: tuple[DeltaMap, ...]
    pairs: int
    window: float
    holes: bool
    scale: str


def delta_maps(group: Group, pairs: Sequence[tuple[str, str]], most: int = MOST_MAPS) -> DeltaMaps | None:
    """Maps of the first `most` pairs (better, worse); None where there is nothing to draw.

    The colour of a pixel is the mean difference of the held-out pixels around it in a Gaussian window: single
    pixels are too noisy to look at, and most of them are not held out in any seed.
    """
    chosen = list(pairs[:most])
    window = max(1.5, max(group.report.image.height, group.report.image.width) / 100)
    gains = {
        label: seed_average(group, label)
        for label in dict.fromkeys(label for pair in chosen for label in pair)
    }
    maps, holes = [], False
    for better, worse in chosen:
        (a, _, scored), (b, _, _) = gains[better], gains[worse]
        delta = _around(np.where(scored, a - b, 0.0) / nats_per_unit(group.report), scored, window)
        known = np.isfinite(delta)
        reach = float(np.quantile(np.abs(delta[known]), REACH)) if known.any() else 0.0
        holes = holes or not known.all()
        if reach > NOTHING:
            maps.append(DeltaMap(better, worse, embedded(coloured(_smaller(delta), reach)), reach))
    if not maps:
        return None
    scale = coloured(np.linspace(-1, 1, 2 * STEPS)[None, :], 1.0)
    return DeltaMaps(tuple(maps), len(pairs), window, holes, embedded(scale))


def chosen_pairs(order: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of models, which are given best first: the best with each, then neighbours, then all others."""
    best = [(order[0], other) for other in order[1:]]
    rest = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :]]
    return list(dict.fromkeys([*best, *pairwise(order), *rest]))


def coloured(delta: Floats, reach: float) -> Bytes:
    """Differences (H, W) as colours (H, W, 4): 0 is white, NaN is transparent."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in STOPS], dtype=np.float64)
    place = np.clip(np.nan_to_num(delta) / reach, -1, 1) * 0.5 + 0.5
    place = np.round(place * (STEPS - 1)) / (STEPS - 1)  # few colours compress to some kilobytes
    at = np.linspace(0, 1, len(stops))
    colours = np.stack([np.interp(place, at, stops[:, channel]) for channel in range(3)], axis=-1)
    alpha = np.where(np.isfinite(delta), 255, 0)[..., None]
    return np.concatenate([np.rint(colours), alpha], axis=-1).astype(np.uint8)


def _around(values: Floats, scored: np.ndarray, window: float) -> Floats:
    """The weighted mean of the scored values around each pixel; NaN where none is within two windows."""
    from scipy.ndimage import gaussian_filter

    near = gaussian_filter(scored.astype(np.float64), window, mode="constant")
    total = gaussian_filter(values, window, mode="constant")
    one = 0.02 / (2 * np.pi * window**2)
    return np.where(near > one, total / np.maximum(near, one), np.nan)


def _smaller(delta: Floats) -> Floats:
    """Every n-th pixel, so that the longer side is at most SIDE; the window has smoothed the others."""
    step = -(-max(delta.shape) // SIDE)
    return delta[::step, ::step]
