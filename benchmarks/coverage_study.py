"""The simulations and tables of coverage.py."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path

import numpy as np
from coverage_fields import KINDS
from coverage_figure import draw
from coverage_real import power_table, real_tables
from scipy.special import stdtr, stdtrit
from tables import row, table

from gmmbench.scoring.intervals import ScoredPixels, all_pairs, difference, holm

Floats = np.ndarray
HELD_OUT = 0.2
SIDES = {120: 1000, 240: 500, 480: 250}
"""Image sides in pixels, and how many images of each kind."""
FAMILIES = {
    120: (
        "independent",
        "correlated, 1.5 px",
        "correlated, 8 px",
        "correlated, 15 px",
        "1/10 smooth, 15 px",
        "edges",
        "bursts",
        "heavy tails, t(3)",
        "specks",
        "blobs",
    ),
}
FAMILY_IMAGES = 200
MODELS = 12
PARTS = ("coverage", "seeds", "real", "families")
DIFFERENCES = np.geomspace(1e-3, 10, 161)
"""True differences at which power is known, in standard deviations of a pixel."""


@dataclass(frozen=True, eq=False)
class Known:
    """What a method says of D (images,), whose truth is 0: its errors and their degrees of freedom."""

    value: Floats
    error: Floats
    degrees: Floats

    @property
    def judged(self) -> Floats:
        """Whether there is an interval."""
        return np.isfinite(self.error)

    def found(self, truth: float) -> float:
        """Share of images on which a true difference is significant; no interval counts as not."""
        margin = stdtrit(self.degrees, 0.975) * self.error
        with np.errstate(invalid="ignore"):
            return float(np.mean(np.abs(self.value + truth) > margin))

    @property
    def covered(self) -> float:
        """The share of intervals that hold the truth."""
        margin = (stdtrit(self.degrees, 0.975) * self.error)[self.judged]
        return float(np.mean(np.abs(self.value[self.judged]) <= margin)) if self.judged.any() else np.nan

    @property
    def p_values(self) -> Floats:
        """Two-sided."""
        return np.asarray(2 * stdtr(self.degrees, -np.abs(self.value) / self.error))


def pixels(field: Floats, scored: Floats) -> tuple[float, float]:
    """The error of independent pixels and its degrees of freedom."""
    values = field[scored]
    return float(values.std(ddof=1) / np.sqrt(values.size)), float(values.size - 1)


def tiles(field: Floats, scored: Floats) -> tuple[float, float]:
    """The error over square tiles of side max(8, 4 correlation lengths), as it was before."""
    return over_tiles(field, scored, tile_side(field, scored))


def tile_side(field: Floats, scored: Floats) -> int:
    """Of the tiles that suit a field."""
    residuals = np.where(scored, field - field[scored].mean(), 0.0)
    return max(8, int(np.ceil(4 * correlation_length(residuals, scored))))


def over_tiles(field: Floats, scored: Floats, side: int) -> tuple[float, float]:
    """The error over tiles of that side and its degrees of freedom; NaN with fewer than ten."""
    mean = field[scored].mean()
    sums, sizes = (_tiled(part, side) for part in (np.where(scored, field, 0.0), scored.astype(float)))
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    g = len(sums)
    if g < 10:
        return np.nan, np.nan
    squares = ((sums - mean * sizes) ** 2).sum()
    return float(np.sqrt(g / (g - 1) * squares) / sizes.sum()), float(g - 1)


def correlation_length(residuals: Floats, scored: Floats) -> float:
    """The lag at which the autocorrelation along the axes first falls to 1 / e."""
    variance, before = (residuals**2).sum() / scored.sum(), 1.0
    for lag in range(1, scored.shape[0] // 4):
        products = sum((a[lag:] * a[:-lag]).sum() for a in (residuals, residuals.T))
        alike = products / sum((a[lag:] & a[:-lag]).sum() for a in (scored, scored.T)) / variance
        if alike < 1 / np.e:
            return float(lag - 1 + (before - 1 / np.e) / (before - alike))
        before = alike
    return float(scored.shape[0] // 4)


def _tiled(values: Floats, side: int) -> Floats:
    starts = np.arange(0, values.shape[0], side)
    return np.asarray(np.add.reduceat(np.add.reduceat(values, starts, 0), starts, 1).ravel())


@lru_cache(maxsize=8)
def _pixels(mask: bytes, side: int) -> ScoredPixels:
    found = ScoredPixels.of(np.ones((side, side)), np.frombuffer(mask, dtype=bool).reshape(side, side))
    assert found is not None
    return found


def patches(field: Floats, scored: Floats) -> tuple[float, float]:
    """What gmmbench says."""
    over = _pixels(scored.tobytes(), len(scored))  # as `difference` does it, for many fields of one mask
    found = over.difference(over.masked(field), None, ())
    return (np.nan, np.nan) if found.error is None else (found.error, found.degrees)


Method = Callable[[Floats, Floats], tuple[float, float]]
METHODS: Mapping[str, Method] = {"pixels": pixels, "tiles": tiles, "gmmbench": patches}
MASKS = 5
"""Choices of held-out pixels among which the images of a kind are divided."""


def simulate(kind: str, side: int, images: int) -> dict[str, Known]:
    """Every method on the same images."""
    rng = np.random.default_rng([side, *kind.encode()])
    values, found = [], {name: [] for name in METHODS}
    masks = [rng.random((side, side)) < HELD_OUT for _ in range(MASKS)]
    for image in range(images):
        field, scored = KINDS[kind](side, rng), masks[image % MASKS]
        values.append(field[scored].mean())
        for name, method in METHODS.items():
            found[name].append(method(field, scored))
    return {name: Known(np.array(values), *np.array(errors).T) for name, errors in found.items()}


def smallest_found(known: Known) -> float:
    """The true difference that is found on 80 % of images, or NaN."""
    power = np.array([known.found(truth) for truth in DIFFERENCES])
    return float(DIFFERENCES[np.argmax(power >= 0.8)]) if (power >= 0.8).any() else np.nan


def coverage_table(known: Mapping[str, dict[str, Known]], side: int) -> list[str]:
    """A row for each kind of field."""
    lines = []
    for kind, methods in known.items():
        own = methods["gmmbench"]
        oracle = (1.96 + 0.8416) * own.value.std()
        covered = [percent(methods[name].covered) for name in METHODS]
        silent = [percent(1 - methods[name].judged.mean()) for name in ("tiles", "gmmbench")]
        finds = [digits(smallest_found(own)), digits(oracle)]
        lines.append(row(kind, *covered, *silent, *finds))
    images = len(next(iter(known.values()))["gmmbench"].value)
    silent_heads = "tiles: none, % | gmmbench: none, %"
    head = f"errors | pixels, % | tiles, % | gmmbench, % | {silent_heads} | found | oracle finds"
    return [f"\n**{side} px, {images} images of each kind**\n", *table(head, lines)]


def percent(share: float) -> str:
    """Of a share; blank without one."""
    return "" if np.isnan(share) else f"{100 * share:.1f}"


def digits(value: float) -> str:
    """Two significant ones."""
    return "" if np.isnan(value) else f"{value:.2g}"


def family(kind: str, side: int, images: int) -> dict[str, float]:
    """Of images on which 12 equal models are ranked, the share with any false difference, by method."""
    rng = np.random.default_rng([side + 1, *kind.encode()])
    wrong = dict.fromkeys(METHODS, 0)
    for _ in range(images):
        scored = rng.random((side, side)) < HELD_OUT
        models = {f"model {i}": KINDS[kind](side, rng) for i in range(MODELS)}
        wrong["gmmbench"] += any(
            pair.told_apart() for pair in all_pairs(models, np.ones_like(scored), scored)
        )
        apart = [a - b for a, b in combinations(models.values(), 2)]
        of_tiles = tile_side(apart[0], scored)
        for name, method in (("pixels", pixels), ("tiles", partial(over_tiles, side=of_tiles))):
            p = [_p_value(field, scored, method) for field in apart]
            wrong[name] += min(holm([found for found in p if np.isfinite(found)]), default=1) < 0.05
    return {name: count / images for name, count in wrong.items()}


def _p_value(field: Floats, scored: Floats, method: Method) -> float:
    return float(Known(field[scored].mean(), *map(np.asarray, method(field, scored))).p_values)


def family_table(images: int, pool: Executor) -> Iterator[str]:
    """False rankings of equal models."""
    cases = [(kind, side) for side, kinds in FAMILIES.items() for kind in kinds]
    shares = pool.map(family, *zip(*cases, strict=True), [images] * len(cases))
    lines = [
        row(kind, side, *(percent(found[name]) for name in METHODS))
        for (kind, side), found in zip(cases, shares, strict=True)
    ]
    yield from table("errors | px | pixels, % | tiles, % | gmmbench, %", lines)


def over_seeds(seeds: int, kind: str, fits: float, images: int, side: int = 96) -> tuple[float, float]:
    """Coverage with seeds in the error and without, where each seed's fit is off by chance.

    `fits` is the variance of that, over the one which the choice of held-out pixels gives a seed's mean.
    """
    rng = np.random.default_rng([seeds, int(10 * fits), *kind.encode()])
    size = round(HELD_OUT * side**2)
    covered = []
    for _ in range(images):
        field = KINDS[kind](side, rng)
        total, times, by_seed = np.zeros(side**2), np.zeros(side**2), []
        for shift in np.sqrt(fits / size) * rng.normal(size=seeds):
            held = rng.choice(side**2, size, replace=False)
            total[held] += field.flat[held] + shift
            times[held] += 1
            by_seed.append(float(field.flat[held].mean() + shift))
        terms, scored = (total / np.maximum(times, 1)).reshape(side, side), (times > 0).reshape(side, side)
        ones = np.ones((side, side))
        tests = [difference(terms, ones, scored, found) for found in (by_seed, ())]
        covered.append([test is not None and (test.p_value or 0) > 0.05 for test in tests])
    with_seeds, without = np.mean(covered, axis=0)
    return float(with_seeds), float(without)


def seeds_table(images: int, pool: Executor) -> Iterator[str]:
    """Coverage of differences of models by the number of seeds."""
    fits = (0.0, 1.0, 4.0, 20.0)
    lines = []
    for kind in ("independent", "correlated, 4 px"):
        for seeds in (1, 2, 3, 5, 10):
            cases = [(seeds, kind, share, images) for share in fits]
            found = pool.map(over_seeds, *zip(*cases, strict=True))
            lines.append(row(kind, seeds, *(f"{percent(a)} ({percent(b)})" for a, b in found)))
    yield from table(" | ".join(["errors", "seeds", *(f"fits vary {share:g}" for share in fits)]), lines)


def main() -> None:
    """Print the tables and draw the picture."""
    ask = argparse.ArgumentParser(description="How often intervals of a score difference hold the truth.")
    ask.add_argument("--images", type=Path, help="folder of real images, for the last table")
    ask.add_argument("--picture", type=Path)
    ask.add_argument("--fields", type=int, default=1000, help="images of each kind at most")
    ask.add_argument("--workers", type=int, default=1)
    ask.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    told = ask.parse_args()
    started = time.perf_counter()
    with ProcessPoolExecutor(told.workers) as pool:
        for part in told.parts:
            for line in _part(part, told.fields, told.picture, told.images, pool):
                print(line, flush=True)
            print(f"{part}: {time.perf_counter() - started:.0f} s", file=sys.stderr)


def _part(part: str, fields: int, picture: Path | None, images: Path | None, pool: Executor) -> Iterator[str]:
    if part == "coverage":
        known: dict[int, dict[str, dict[str, Known]]] = {}
        for side, most in SIDES.items():
            found = pool.map(simulate, KINDS, [side] * len(KINDS), [min(most, fields)] * len(KINDS))
            known[side] = dict(zip(KINDS, found, strict=True))
            yield from coverage_table(known[side], side)
        if picture:
            draw(known, picture)
    elif part == "seeds":
        yield from seeds_table(min(400, fields), pool)
    elif part == "real" and images:
        yield from real_tables(images)
        yield from power_table(images)
    elif part == "families":
        yield from family_table(min(FAMILY_IMAGES, fields), pool)
