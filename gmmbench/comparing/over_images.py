"""Tests and ranks over images: one mean for each image and model, never pooled pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..scoring.across import LEAST_IMAGES, mean_ranks, sign_flip
from ..scoring.intervals import LEVEL, NOTHING, holm

SAME = ("view", "hold_out", "hold_out_block", "convention", "unit")


def over_images(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of every set of tables of one view, hold-out and convention: mean ranks, and a test for each pair.

    An image that stands in several tables (at two sizes, say) is one image: its gains are averaged first.
    """
    sets: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for table in tables:
        sets.setdefault(tuple(table[key] for key in SAME), []).append(table)
    return [_of(dict(zip(SAME, same, strict=True)), members) for same, members in sets.items()]


def _of(same: dict[str, Any], tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_image: dict[str, list[Mapping[str, Any]]] = {}
    for table in tables:
        by_image.setdefault(table["sha256"], []).append(table)
    names = [members[0]["image"] for members in by_image.values()]
    several = [members[0]["image"] for members in by_image.values() if len(members) > 1]
    gains: dict[str, dict[str, float]] = {}
    for image, members in by_image.items():
        for label, gain in _gains(members).items():
            gains.setdefault(label, {})[image] = gain
    everywhere = sorted(label for label, of in gains.items() if len(of) == len(by_image))
    partly = {label: len(of) for label, of in gains.items() if len(of) < len(by_image)}
    ranks = []
    if len(everywhere) > 1:
        values = [[gains[label][image] for label in everywhere] for image in by_image]
        found = zip(everywhere, mean_ranks(values), strict=True)
        ranks = [{"model": label, "mean_rank": rank} for label, rank in sorted(found, key=lambda x: x[1])]
    return {
        **same,
        "images": names,
        "averaged_images": several,
        "models": everywhere,
        "left_out": [
            {"model": label, "images": count, "of": len(by_image)} for label, count in sorted(partly.items())
        ],
        "mean_ranks": ranks,
        "why_no_ranks": "" if ranks else "fewer than two models are ranked on every image",
        "tests": _tests(gains),
        "why_no_tests": _why_not(gains, len(by_image)),
    }


def _gains(tables: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The gain of each model that is ranked in all of an image's tables."""
    ranked = [{m["model"]: m["gain"] for m in table["models"] if m["tier"] is not None} for table in tables]
    return {
        label: float(np.mean([of[label] for of in ranked]))
        for label in ranked[0]
        if all(label in of for of in ranked)
    }


def _tests(gains: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """A sign-flip test for each pair that LEAST_IMAGES images or more share, corrected together."""
    found: list[dict[str, Any]] = []
    for a, b in combinations(sorted(gains), 2):
        shared = [image for image in gains[a] if image in gains[b]]
        differences = np.array([gains[a][image] - gains[b][image] for image in shared])
        differences[np.abs(differences) < NOTHING] = 0
        p = sign_flip(differences)
        if p is None:
            continue
        mean = float(differences.mean())
        better, worse = (a, b) if mean >= 0 else (b, a)
        found.append(
            {"better": better, "worse": worse, "mean_difference": abs(mean), "images": len(shared), "p": p}
        )
    for row, corrected in zip(found, holm([row["p"] for row in found]), strict=True):
        row["p_corrected"] = corrected
        row["told_apart"] = corrected < 1 - LEVEL
    return found


def _why_not(gains: Mapping[str, Mapping[str, float]], images: int) -> str:
    if images < LEAST_IMAGES:
        of = "1 image" if images == 1 else f"{images} images"
        return f"with {of} none can reach 0.05, it takes {LEAST_IMAGES}"
    most = max((len(gains[a].keys() & gains[b]) for a, b in combinations(gains, 2)), default=0)
    if most < LEAST_IMAGES:
        return f"no two models are ranked on {LEAST_IMAGES} of the {images} images together"
    return ""
