"""Tests and ranks over images: one mean for each image and model; pixels of images are never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..scoring.across_images import LEAST_IMAGES, mean_ranks, sign_flip
from ..scoring.intervals import LEVEL, NOTHING, holm
from .schema import AcrossImages, ImageTable, ImageTest, MeanRank, PartlyRanked

Gains = Mapping[str, Mapping[str, float]]
"""Information gains by model and image."""


def over_images(tables: Sequence[ImageTable]) -> tuple[AcrossImages, ...]:
    """For the tables of each view, hold-out and convention: mean ranks, and a test of each pair of models.

    An image that is in several tables (at two sizes, say) is one image: its gains are averaged first.
    """
    sets: dict[tuple[object, ...], list[ImageTable]] = {}
    for table in tables:
        sets.setdefault(table.protocol, []).append(table)
    return tuple(_across(members) for members in sets.values())


def _across(tables: Sequence[ImageTable]) -> AcrossImages:
    by_image: dict[str, list[ImageTable]] = {}
    for table in tables:
        by_image.setdefault(table.sha256, []).append(table)
    names = {image: members[0].image for image, members in by_image.items()}
    ranked = {image: found for image, members in by_image.items() if len(found := _gains(members)) > 1}
    gains: dict[str, dict[str, float]] = {}
    for image, found in ranked.items():
        for label, gain in found.items():
            gains.setdefault(label, {})[image] = gain
    everywhere = sorted(label for label, by in gains.items() if len(by) == len(ranked))
    ranks = _mean_ranks(everywhere, list(ranked.values()))
    tests = _tests(gains)
    first = tables[0]
    return AcrossImages(
        view=first.view,
        hold_out=first.hold_out,
        hold_out_block=first.hold_out_block,
        convention=first.convention,
        unit=first.unit,
        images=tuple(names.values()),
        averaged_images=tuple(names[image] for image, members in by_image.items() if len(members) > 1),
        unranked_images=tuple(names[image] for image in names if image not in ranked),
        models=tuple(everywhere),
        left_out=tuple(
            PartlyRanked(label, len(by), len(ranked))
            for label, by in sorted(gains.items())
            if len(by) < len(ranked)
        ),
        mean_ranks=ranks,
        no_ranks_reason="" if ranks else "fewer than two models are ranked on every image",
        tests=tests,
        smallest_p=_smallest_p(tests),
        no_tests_reason=_no_tests_reason(gains, len(ranked)),
    )


def _gains(tables: Sequence[ImageTable]) -> dict[str, float]:
    """The gain of each model that is ranked in all of an image's tables."""
    ranked = [{row.model: row.gain for row in table.ranked if row.gain is not None} for table in tables]
    return {
        label: float(np.mean([gains[label] for gains in ranked]))
        for label in ranked[0]
        if all(label in gains for gains in ranked)
    }


def _mean_ranks(labels: Sequence[str], images: Sequence[Mapping[str, float]]) -> tuple[MeanRank, ...]:
    if len(labels) < 2:
        return ()
    ranks = mean_ranks([[gains[label] for label in labels] for gains in images])
    found = [MeanRank(label, rank) for label, rank in zip(labels, ranks, strict=True)]
    return tuple(sorted(found, key=lambda row: row.mean_rank))


@dataclass(frozen=True)
class _Tested:
    """A pair of models before the correction: its images, and its p-value."""

    better: str
    worse: str
    mean_difference: float
    images: int
    p: float


def _tests(gains: Gains) -> tuple[ImageTest, ...]:
    """A sign-flip test of each pair that shares at least LEAST_IMAGES images, corrected together."""
    tested = [found for a, b in combinations(sorted(gains), 2) if (found := _test(a, b, gains)) is not None]
    corrected = holm([pair.p for pair in tested])
    return tuple(
        ImageTest(pair.better, pair.worse, pair.mean_difference, pair.images, pair.p, p, p < 1 - LEVEL)
        for pair, p in zip(tested, corrected, strict=True)
    )


def _test(a: str, b: str, gains: Gains) -> _Tested | None:
    shared = [image for image in gains[a] if image in gains[b]]
    differences = np.array([gains[a][image] - gains[b][image] for image in shared])
    differences[np.abs(differences) < NOTHING] = 0
    p = sign_flip(differences)
    if p is None:
        return None
    mean = float(differences.mean())
    better, worse = (a, b) if mean >= 0 else (b, a)
    return _Tested(better, worse, abs(mean), len(shared), p)


def _smallest_p(tests: Sequence[ImageTest]) -> float | None:
    """The smallest corrected p-value that is possible: of the 2^n sign flips of n images two are extreme."""
    if not tests:
        return None
    return min(1.0, len(tests) * 2.0 ** (1 - max(test.images for test in tests)))


def _no_tests_reason(gains: Gains, images: int) -> str:
    if images < LEAST_IMAGES:
        ranked = {0: "no image is ranked", 1: "only 1 image is ranked"}.get(
            images, f"only {images} images are ranked"
        )
        return f"{ranked}; with fewer than {LEAST_IMAGES} no p-value can reach 0.05"
    most = max((len(gains[a].keys() & gains[b]) for a, b in combinations(gains, 2)), default=0)
    if most < LEAST_IMAGES:
        return f"no two models are both ranked on {LEAST_IMAGES} of the {images} images"
    return ""
