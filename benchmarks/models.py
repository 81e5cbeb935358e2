"""Every model on ink and colour images over several seeds: gains, intervals and tiers, as Markdown.

    python benchmarks/models.py --images ../shared/images > models.md

Images that are not in the package come from the folder of `--images`; where it is missing they are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import gmmbench
from gmmbench.api import TEST
from gmmbench.results import Outcome
from gmmbench.scoring.intervals import all_pairs, tiers

INK = ("image=dog", "image=tiger", "image.path={}/bw13_mechorse.png", "image.path={}/bw14_great_wave.png")
COLOUR = ("image=china", "image=astronaut", "image.path={}/art_sailboats.png", "image.path={}/kodim23.png")
SIDES = {"ink": 400, "colour": 160}
MODELS = {
    "uniform": ("model=uniform",),
    "histogram": ("model=histogram",),
    "gmm 100": ("model=gmm", "model.components=100"),
    "gmm 400": ("model=gmm", "model.components=400"),
    "bgmm 200": ("model=bgmm", "model.components=200"),
    "infinite": ("model=infinite",),
    "lightgbm": ("model=lightgbm",),
}


def main() -> None:
    """Print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    ask.add_argument("--images", type=Path, default=Path("../shared/images"))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--only", default="", help="a part of an image's word")
    told = ask.parse_args()
    for view, words in (("ink", INK), ("colour", COLOUR)):
        for word in words:
            if told.only not in word or ("{}" in word and not told.images.is_dir()):
                continue
            run = (word.format(told.images), f"image.max_side={SIDES[view]}", f"image.view={view}")
            print("\n".join(_table(run, view, told.seeds)), flush=True)


def _table(image: tuple[str, ...], view: str, seeds: int) -> Iterator[str]:
    rows = {
        name: [_scored((*image, *words), seed) for seed in range(seeds)] for name, words in MODELS.items()
    }
    first = rows["uniform"][0]
    size = f"{first.study.image.lattice.width} x {first.study.image.lattice.height}"
    maps, weight, scored = _averaged(rows, view)
    means = {name: float(np.mean([_gain(done) for done in runs])) for name, runs in rows.items()}
    ranked = {
        name: means[name] for name, runs in rows.items() if not any(done.scores.not_ranked for done in runs)
    }
    by_seed = {name: [_gain(done) * np.log(2) for done in rows[name]] for name in ranked}
    pairs = all_pairs({name: maps[name] for name in ranked}, weight, scored, by_seed)
    tier = tiers(ranked, pairs)
    best = max(ranked, key=lambda name: ranked[name])
    tops = [done.scores.values["ceiling"].held_out for done in rows["uniform"]]
    top = f", ceiling {np.mean(tops):.3f}" if tops[0] is not None else ""
    unit = first.scores.values["gain"].unit
    yield f"\n**{first.study.image.name}**, {view}, {size}: {unit}{top}\n"
    heads = "tier | gain | over seeds | behind the best, 95 % | PSNR, dB | parameters | fit, s | scoring, s |"
    yield f"| model | {heads}"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name in sorted(rows, key=lambda name: -means[name]):
        runs = rows[name]
        gains = [_gain(done) for done in runs]
        values = runs[0].scores.values
        pair = next((p for p in pairs if {p.better, p.worse} == {name, best}), None)
        behind = "" if pair is None or (interval := pair.difference.interval()) is None else _bits(interval)
        reasons = sorted({reason for done in runs for reason in done.scores.not_ranked})
        place = str(tier[name]) if name in tier else f"not ranked: {'; '.join(reasons)}"
        spread = f"{min(gains):z.3f} to {max(gains):z.3f}"
        psnr = values["psnr"].held_out
        parameters = runs[0].study.fitted.n_parameters
        yield (
            f"| {name} | {place} | {means[name]:z.3f} | {spread} | {behind} "
            f"| {'' if psnr is None else f'{psnr:.1f}'} | {'' if parameters is None else f'{parameters:,}'} "
            f"| {np.mean([done.cost.wall_seconds for done in runs]):.1f} "
            f"| {np.mean([done.cost.score_seconds for done in runs]):.1f} |"
        )
    if view == "ink":
        for baseline in ("ratio_kde_half_pixel", "ratio_kde_one_pixel"):
            gain = np.mean([done.scores.details.baselines[baseline] for done in rows["uniform"]])
            yield f"| *{baseline.replace('_', ' ')}* | | {gain:.3f} | | | | | | |"


def _scored(words: tuple[str, ...], seed: int) -> Outcome:
    return gmmbench.execute(gmmbench.compose(*words, f"seed={seed}", "render=grid"))


def _gain(done: Outcome) -> float:
    gain = done.scores.values["gain"].held_out
    return float("nan") if gain is None else float(gain)


def _averaged(
    rows: dict[str, list[Outcome]], view: str
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Per-pixel gains (H, W) averaged over the seeds that hold the pixel out, weights, and where any do."""
    held = np.stack([done.study.split.codes == TEST for done in rows["uniform"]])
    count = np.maximum(held.sum(axis=0), 1)
    maps = {
        name: np.where(held, np.nan_to_num([done.scores.gain for done in runs]), 0).sum(axis=0) / count
        for name, runs in rows.items()
    }
    weight = rows["uniform"][0].scores.weight * (3 if view == "colour" else 1)
    return maps, weight, held.any(axis=0)


def _bits(interval: tuple[float, float]) -> str:
    low, high = (bound / np.log(2) for bound in interval)
    return f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
