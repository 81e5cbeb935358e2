"""All scores of a density of grey levels."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from ..api import LEVELS, TEST, TRAIN, Density, Floats, Image, Split
from ..results import ViewDetails
from .asking import FreshCopies
from .intervals import difference
from .lattice_masses import level_masses
from .normalisation_check import check_levels
from .score_lookup import score_of
from .view_scores import LN2, Part, patches

UNIFORM = float(np.log2(LEVELS))
"""Bits per pixel of the uniform density."""


def score_levels(copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator) -> Part:
    """Bits per pixel of held-out levels; uniform is 8, the bound their own histogram's entropy."""
    fitted = copies.fresh()
    assert isinstance(fitted, Density)  # a model of levels is one
    levels = image.values.astype(np.intp)
    train, test = split.codes == TRAIN, split.codes == TEST
    counts = np.bincount(levels[test | train], minlength=LEVELS).astype(np.float64)
    masses = level_masses(fitted, LEVELS, counts)
    check = check_levels(fitted, masses, rng)
    with np.errstate(divide="ignore"):
        nats = np.log(masses.values / masses.total) if masses.total > 0 else np.full(LEVELS, -np.inf)
    gain = nats[levels] + np.log(LEVELS)
    apart = difference(gain, np.ones(gain.shape), test)
    interval = apart.interval() if apart is not None else None

    def mean(pixels: Floats) -> float | None:
        return float(gain[pixels].mean() / LN2) if pixels.any() else None

    def bound(pixels: Floats) -> float | None:
        return UNIFORM - _entropy(levels[pixels]) if pixels.any() else None

    gained, held, top, top_held = mean(train), mean(test), bound(train), bound(test)
    values = {
        "gain": score_of(
            "gain",
            "levels",
            train=gained,
            held_out=held,
            interval=None if interval is None else (interval[0] / LN2, interval[1] / LN2),
        ),
        "skill": score_of(
            "skill", "levels", held_out=held / top_held if held is not None and top_held else None
        ),
        "ceiling": score_of("ceiling", "levels", train=top, held_out=top_held),
        "bits_per_dim": score_of(
            "bits_per_dim", "levels", train=_less(UNIFORM, gained), held_out=_less(UNIFORM, held)
        ),
        "kl": score_of("kl", "levels", train=_less(top, gained), held_out=_less(top_held, held)),
        "mass_in_box": score_of("mass_in_box", "levels", overall=check.mass_in_box),
    }
    details = ViewDetails(normalisation_check=check.details(), patches=patches(apart))
    image_bits = float((np.log(LEVELS) - gain).sum() / LN2)
    return Part(values, check.reasons, details, gain, np.ones(gain.shape), image_bits)


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _entropy(levels: Floats) -> float:
    share = np.bincount(levels, minlength=LEVELS) / len(levels)
    return float(-xlogy(share, share).sum() / LN2)
