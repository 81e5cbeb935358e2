"""Mixtures and boosted trees with the same budget: each tuned on validation pixels, scored on held-out ones.

    python benchmarks/budget.py --images ../shared/images > budget.md

A budget is of CPU seconds of fits, compiling apart, on one thread: other work on the machine changes it
least. Each model goes up a ladder of its own, from the cheapest choice; what ends beyond the budget does not
count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import gmmbench
from gmmbench.api import TEST, VALIDATION, Split, stream
from gmmbench.results import Outcome
from gmmbench.scoring.score import score

IMAGES = (
    "image=dog image.max_side=400",
    "image.path={}/bw14_great_wave.png image.view=ink image.max_side=400",
    "image=astronaut image.max_side=160",
    "image.path={}/kodim23.png image.view=colour image.max_side=160",
)
COMPONENTS = (25, 50, 100, 200, 400, 800, 1600)
TREES = (
    "trees=30 leaves=15 rate=0.3 rotations=2 folds=2",
    "trees=60 leaves=31 rate=0.3 rotations=2 folds=2",
    "trees=60 leaves=63 rate=0.2 folds=2",
    "trees=100 leaves=63 rate=0.2 folds=2",
    "trees=150 leaves=127 rate=0.1",
    "trees=300 leaves=63 rate=0.1",
    "trees=300 leaves=127 rate=0.1",
    "trees=300 leaves=127 rate=0.1 leaf_pixels=20",
    "trees=300 leaves=127 rate=0.1 neighbours=25",
    "trees=300 leaves=127 rate=0.1 rotations=8",
    "trees=600 leaves=127 rate=0.05",
    "trees=600 leaves=255 rate=0.05",
)
LADDERS = {
    "gmm": (
        *(f"components={k}" for k in COMPONENTS),
        *(f"components={k} split_merge=10 tolerance=1e-4" for k in COMPONENTS[2:]),
    ),
    "infinite": tuple(f"components={k}" for k in (25, 50, 100, 200, 400)),
    "lightgbm": TREES,
}


@dataclass(frozen=True)
class Best:
    """What a model came to in a budget: its words, gain on held-out pixels, and what was spent on it."""

    words: str
    gain: float
    seconds: float
    tried: int


def main() -> None:
    """Print a table an image."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    ask.add_argument("--images", type=Path, default=Path("../shared/images"))
    ask.add_argument("--only", default="", help="a part of an image's word")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--budgets", type=float, nargs="+", default=[1.0, 10.0, 60.0])
    told = ask.parse_args()
    for word in IMAGES:
        if told.only not in word or ("{}" in word and not told.images.is_dir()):
            continue
        print("\n".join(_table(word.format(told.images).split(), told.seeds, told.budgets)), flush=True)


def _table(image: list[str], seeds: int, budgets: list[float]) -> Iterator[str]:
    found = {
        model: [_climb([*image, f"model={model}"], ladder, seed, budgets) for seed in range(seeds)]
        for model, ladder in LADDERS.items()
    }
    yield f"\n**{' '.join(image)}**\n"
    heads = " | ".join(f"gain in {budget:g} s | spent, s | choices" for budget in budgets)
    yield f"| model | {heads} | chosen at most |"
    yield f"|---|{'---|' * (3 * len(budgets) + 1)}"
    for model, per_seed in found.items():
        cells = []
        for at in range(len(budgets)):
            done = [best[at] for best in per_seed]
            told = [one for one in done if one is not None]
            if len(told) < len(done):
                cells.append("none ended | | ")
                continue
            gains = [one.gain for one in told]
            cells.append(
                f"{np.mean(gains):.3f} ({min(gains):.3f} to {max(gains):.3f}) "
                f"| {np.mean([one.seconds for one in told]):.1f} | {np.mean([one.tried for one in told]):.0f}"
            )
        last = per_seed[0][-1]
        yield f"| {model} | {' | '.join(cells)} | {'' if last is None else last.words} |"


def _climb(words: list[str], ladder: tuple[str, ...], seed: int, budgets: list[float]) -> list[Best | None]:
    """For each budget the choice that was best on validation pixels, None where not even one ended."""
    spent, top = 0.0, -np.inf
    best: list[Best | None] = [None] * len(budgets)
    for tried, options in enumerate(ladder, 1):
        run = gmmbench.compose(
            *words,
            *(f"model.{option}" for option in options.split()),
            f"seed={seed}",
            "threads=1",
            "render=grid",
        )
        done = gmmbench.execute(replace(run, renders={}))
        spent += done.cost.cpu_seconds
        if spent > budgets[-1]:
            break
        valid = _on_validation(done)
        gain = done.scores.values["gain"].held_out
        assert gain is not None
        for at, budget in enumerate(budgets):
            before = best[at]
            if spent > budget:
                continue
            if before is None or valid > top:
                best[at] = Best(options, float(gain), spent, tried)
            else:
                best[at] = replace(before, seconds=spent, tried=tried)
        top = max(top, valid)
    return best


def _on_validation(done: Outcome) -> float:
    """The gain over the validation pixels, as if they were those held out."""
    codes = done.study.split.codes
    swapped = codes.copy()
    swapped[codes == TEST], swapped[codes == VALIDATION] = VALIDATION, TEST
    split = Split(swapped, done.study.split.block)
    found = score(done.study.fitted, done.study.image, split, stream(done.run.seed, "validation"))
    gain = found.values["gain"].held_out
    assert gain is not None
    return float(gain)


if __name__ == "__main__":
    main()
