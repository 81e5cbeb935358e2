"""Tests and ranks over images: one mean for each image and model, never pooled pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..scoring.across_images import LEAST_IMAGES, mean_ranks, sign_flip
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
    names = {image: members[0]["image"] for image, members in by_image.items()}
    ranked = {image: found for image, members in by_image.items() if len(found := _gains(members)) > 1}
    gains: dict[str, dict[str, float]] = {}
    for image, found in ranked.items():
        for label, gain in found.items():
            gains.setdefault(label, {})[image] = gain
    everywhere = sorted(label for label, of in gains.items() if len(of) == len(ranked))
    ranks = []
    if len(everywhere) > 1:
        values = [[found[label] for label in everywhere] for found in ranked.values()]
        placed = zip(everywhere, mean_ranks(values), strict=True)
        ranks = [{"model": label, "mean_rank": rank} for label, rank in sorted(placed, key=lambda x: x[1])]
    tests = _tests(gains)
    return {
        **same,
        "images": list(names.values()),
        "averaged_images": [names[image] for image, members in by_image.items() if len(members) > 1],
        "unranked_images": [names[image] for image in names if image not in ranked],
        "models": everywhere,
        "left_out": [
            {"model": label, "images": len(of), "of": len(ranked)}
            for label, of in sorted(gains.items())
            if len(of) < len(ranked)
        ],
        "mean_ranks": ranks,
        "why_no_ranks": "" if ranks else "fewer than two models are ranked on every image",
        "tests": tests,
        "least_p": _least_p(tests),
        "why_no_tests": _why_not(gains, len(ranked)),
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


def _least_p(tests: Sequence[Mapping[str, Any]]) -> float | None:
    """The least corrected p-value that there can be: of n images two flips of 2^n are as far as any."""
    if not tests:
        return None
    return min(1.0, len(tests) * 2.0 ** (1 - max(row["images"] for row in tests)))


def _why_not(gains: Mapping[str, Mapping[str, float]], images: int) -> str:
    if images < LEAST_IMAGES:
        of = {0: "no ranked image", 1: "1 ranked image"}.get(images, f"{images} ranked images")
        return f"with {of} none can reach 0.05, it takes {LEAST_IMAGES}"
    most = max((len(gains[a].keys() & gains[b]) for a, b in combinations(gains, 2)), default=0)
    if most < LEAST_IMAGES:
        return f"no two models are ranked on {LEAST_IMAGES} of the {images} images together"
    return ""
