"""False positives and power on real images, for models that are equal by construction and for larger ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tables import row, table

import gmmbench
from gmmbench.api import Scene, Split, Watch
from gmmbench.scoring.intervals import all_pairs
from gmmbench.scoring.score import score

IMAGES = ("bw10_tiger.png", "bw13_mechorse.png", "bw14_great_wave.png", "kodim23.png")
MODELS = 25
"""300 pairs."""
SEEDS = 3
SIDE = 160
COMPONENTS = 60
OPTIONS = ("model=gmm", "model.init=random")
"""The fit depends on where it begins, so that fits differ although their models do not."""

BETTER = {"bw14_great_wave.png": (70, 90, 140), "kodim23.png": (70, 90, 140)}
REPEATED = 4
"""Models of each size in the table of power: 16 pairs."""

Maps = list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]


def real_tables(folder: Path) -> Iterator[str]:
    """Rows of the table of false positives: for each image, the share of 300 pairs with p < 0.05."""
    lines = []
    for name in IMAGES:
        view = _view(name)
        models = fits(folder / name, view, COMPONENTS, MODELS)
        for seeds in (1, SEEDS):
            alone, corrected = told_apart([runs[:seeds] for runs in models])
            gains = [np.mean([run[3] for run in runs[:seeds]]) for runs in models]
            spread = f"{min(gains):.3f} to {max(gains):.3f}"
            lines.append(row(name, view, seeds, spread, f"{100 * alone:.1f}", f"{100 * corrected:.1f}"))
    yield from table("image | view | seeds | gains, nats | pairs below 0.05, % | told apart (Holm), %", lines)


def power_table(folder: Path) -> Iterator[str]:
    """Rows of the table of power: how often a larger model differs significantly from a smaller one."""
    lines = []
    for name, sizes in BETTER.items():
        view = _view(name)
        known = {size: fits(folder / name, view, size, REPEATED) for size in (COMPONENTS, *sizes)}
        for size in sizes:
            gains = [np.mean([run[3] for runs in known[k] for run in runs]) for k in (COMPONENTS, size)]
            found = []
            for seeds in (1, SEEDS):
                pairs = [[a[:seeds], b[:seeds]] for a in known[COMPONENTS] for b in known[size]]
                found.append(np.mean([told_apart(pair)[0] for pair in pairs]))
            shares = (f"{100 * share:.0f}" for share in found)
            lines.append(row(name, view, size, f"{gains[1] - gains[0]:.3f}", *shares))
    yield from table("image | view | components | gains more, nats | one seed, % | three seeds, %", lines)


def _view(name: str) -> str:
    return "colour" if name.startswith("kodim") else "ink"


def fits(path: Path, view: str, components: int, n_models: int) -> list[Maps]:
    """For each model and seed its gain, weight, held-out pixels (H, W) and held-out gain in nats."""
    words = (f"image.path={path}", f"image.max_side={SIDE}", f"image.view={view}")
    run = gmmbench.compose(*words, *OPTIONS, f"model.components={components}")
    image = run.image.load()
    found: list[Maps] = [[] for _ in range(n_models)]
    for seed in range(SEEDS):
        split = Split.draw(image.lattice, seed, run.hold_out)
        scene = Scene.of(image, split)
        for model in range(n_models):
            fitted = run.model.fit(scene, np.random.default_rng([seed, model]), Watch(1, lambda *_: None))
            scores = score(fitted, image, split, np.random.default_rng(seed))
            held = split.tested
            gain = float(scores.gain[held].sum() / scores.weight[held].sum())
            found[model].append((scores.gain, scores.weight, held, gain))
    return found


def told_apart(models: list[Maps]) -> tuple[float, float]:
    """The shares of pairs with p < 0.05, and of those told apart after Holm's correction."""
    held = np.stack([run[2] for run in models[0]])
    count = np.maximum(held.sum(axis=0), 1)

    def mean(maps: list[np.ndarray]) -> np.ndarray:
        return np.asarray(np.where(held, maps, 0).sum(axis=0) / count)

    weight = mean([run[1] for run in models[0]])
    maps = {f"model {i}": mean([run[0] for run in runs]) for i, runs in enumerate(models)}
    by_seed = {f"model {i}": [run[3] for run in runs] for i, runs in enumerate(models)}
    pairs = all_pairs(maps, weight, held.any(axis=0), by_seed)
    p_values = [pair.difference.p_value for pair in pairs]
    below = np.mean([p is not None and p < 0.05 for p in p_values])
    return float(below), float(np.mean([pair.told_apart() for pair in pairs]))
