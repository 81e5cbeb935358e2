"""The coverage study as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

COLOURS = {"pixels": "#b9b9b9", "tiles": "#d98b2b", "gmmbench": "#1f5fa8"}
SIDE = 240
POWER = ("independent", "1/10 smooth, 6 px", "correlated, 4 px", "correlated, 15 px")


def draw(known: dict[int, dict[str, dict[str, Any]]], path: Path) -> None:
    """Coverage of each kind of error by three methods; below it power against an oracle."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subfigures(2, 1, height_ratios=(2, 1))
    sides = list(known)
    for ax, side in zip(above.subplots(1, len(sides), sharey=True), sides, strict=True):
        coverage(ax, known[side], side)
    for ax, kind in zip(below.subplots(1, len(POWER), sharey=True), POWER, strict=True):
        power(ax, known[SIDE][kind], kind)
    figure.savefig(path, dpi=110)


def coverage(ax: Any, known: dict[str, dict[str, Any]], side: int) -> None:
    """The share of 95 % intervals that hold the truth, with the band that the study asks for."""
    ax.axvspan(93, 97, color="#1f5fa8", alpha=0.12, linewidth=0)
    at = np.arange(len(known))[::-1]
    for lower, (name, colour) in zip((-0.2, 0.0, 0.2), COLOURS.items(), strict=True):
        covered = [100 * methods[name].covered for methods in known.values()]
        ax.plot(covered, at - lower, "o", color=colour, markersize=5, label=name)
    images = len(next(iter(known.values()))["gmmbench"].value)
    ax.set_title(f"{side} px, {images} images", loc="left", fontsize=10)
    ax.set(xlim=(0, 102), xlabel="intervals that hold the truth, %")
    ax.set_yticks(at, list(known), fontsize=8)
    ax.grid(axis="y", color="0.92")
    ax.spines[["top", "right"]].set_visible(False)
    if side == SIDE:
        ax.legend(loc="lower left", fontsize=8, frameon=False)


def power(ax: Any, methods: dict[str, Any], kind: str) -> None:
    """Plot power against the true difference, beside that of an oracle that knows the variance."""
    from scipy.special import ndtr

    sd = methods["gmmbench"].value.std()
    truths = np.linspace(0, 6 * sd, 61)
    oracle = [100 * (ndtr(truth / sd - 1.96) + ndtr(-truth / sd - 1.96)) for truth in truths]
    ax.plot(truths, oracle, color="0.6", linestyle="--", linewidth=1, label="oracle")
    ax.plot(truths, [100 * methods["gmmbench"].found(truth) for truth in truths], color=COLOURS["gmmbench"])
    ax.axhline(5, color="0.85", linewidth=0.8)
    ax.set_title(f"{kind} ({SIDE} px)", loc="left", fontsize=9)
    ax.set(ylim=(0, 102), xlim=(0, None), xlabel="true difference, sd of a pixel")
    ax.spines[["top", "right"]].set_visible(False)
    if kind == POWER[0]:
        ax.set_ylabel("differences found, %")
        ax.legend(fontsize=8, frameon=False, loc="lower right")
