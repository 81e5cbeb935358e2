"""The growth curves as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def slope(curve: list[tuple[int, float]]) -> float:
    """The exponent of the power law nearest to a curve (least squares in logarithms)."""
    size, seconds = np.log(np.array(curve)).T
    return float(np.polyfit(size, seconds, 1)[0])


def draw(by_n: list[tuple[int, float]], by_k: list[tuple[int, float]], k: int, n: int, path: Path) -> None:
    """Two panels, log-log, each with a line of slope 1 from its first point."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    panels = [(by_n, "points n", f"K = {k}"), (by_k, "components K", f"n = {n:,}")]
    for ax, (curve, label, title) in zip(axes, panels, strict=True):
        size, seconds = np.array(curve).T
        guide = seconds[0] * size / size[0]
        ax.plot(size, guide, color="0.7", linewidth=1, linestyle="--")
        ax.annotate("slope 1", (size[-1], guide[-1]), color="0.5", ha="right", va="bottom")
        ax.plot(size, seconds, color="#1f5fa8", marker="o", markersize=5, linewidth=1.8)
        ax.set(xscale="log", yscale="log", xlabel=label)
        ax.set_title(f"{title}, measured slope {slope(curve):.2f}", loc="left", fontsize=11)
        ax.set_xticks(size, [f"{int(v):,}" for v in size], fontsize=8)
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds an iteration")
    figure.savefig(path, dpi=150)
