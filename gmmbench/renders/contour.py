"""The contour plot: lines or bands of equal log density, with a colour bar."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, knob

from .canvas import Bytes, asked

MAPS = tuple(
    name + way for name in ("magma", "inferno", "plasma", "viridis", "cividis", "Greys") for way in ("_r", "")
)
"""Colour maps of even lightness; "_r" turns a map round. The default grows darker with the density."""

DPI = 150


@dataclass(frozen=True)
class Contour(Renderer):
    """Contours of log p(x, y) per pixel area, or of a classifier's log P(ink)."""

    name = "contour"
    needs = {"ink": ("log_ink",)}

    levels: int = knob(14, "number of contour levels", low=2, high=200)
    depth: float = knob(7.0, "how far below the maximum the lowest level lies, nats", above=0, high=1000)
    filled: bool = knob(True, "fill the bands between the levels")
    line_width: float = knob(0.8, "of the lines where nothing is filled, points", above=0, high=20)
    colours: str = knob("magma_r", "colour map, by matplotlib's name", choices=MAPS)
    resolution: int = knob(500, "positions along the longer side", low=2, high=10_000)
    size: int = knob(800, "longer side of the plot without its bar, pixels", low=100, high=10_000)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the contours."""
        lattice, fitted = study.image.lattice, study.fitted
        fine = lattice.resized(self.resolution)
        if isinstance(fitted, Density):
            label = "log density, nats per pixel"
            values = asked(fitted.log_density, fine) + 2 * np.log(lattice.cell)
        else:
            label = "log P(ink), nats"
            values = asked(study.log_ink, fine)
        top = float(values.max())
        step = self.depth / self.levels
        # Multiples of the step, so that the bar reads in round numbers; a filled plot reaches the top.
        levels = (np.floor(top / step) + np.arange(1 - self.levels, 2 if self.filled else 1)) * step
        caption = (
            f"Contour: {label}, {self.levels} {'bands' if self.filled else 'lines'} {step:.3g} nats apart "
            f"from {levels[0]:.2f}; the maximum is {top:.2f}, and what lies lower is left white."
        )
        pixels = self._draw(np.maximum(values, levels[0] - 1), levels, label)
        return Picture(pixels, caption, {"levels": levels.tolist(), "maximum": top})

    def _draw(self, values: Floats, levels: Floats, label: str) -> Bytes:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        height, width = (round(n * self.size / max(values.shape)) or 1 for n in values.shape)
        # The plot has its exact pixels; room for the bar and its numbers is added at the right.
        tall, wide = max(height, 260) + 24, width + 140
        figure = Figure(figsize=(wide / DPI, tall / DPI), dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)

        def place(left: float, w: float, h: float) -> Any:
            return figure.add_axes((left / wide, (tall - h) / 2 / tall, w / wide, h / tall))

        axes = place(12, width, height)
        x, y = (np.arange(n) + 0.5 for n in reversed(values.shape))
        with warnings.catch_warnings():
            # A flat density has no lines: an empty plot is the right picture of it.
            warnings.filterwarnings("ignore", "No contour levels were found")
            if self.filled:
                drawn = axes.contourf(x, y, values, levels=levels, cmap=self.colours)
            else:
                drawn = axes.contour(
                    x, y, values, levels=levels, cmap=self.colours, linewidths=self.line_width
                )
        axes.set_xlim(0, values.shape[1])
        axes.set_ylim(values.shape[0], 0)  # y runs down, as in the image
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("0.85")
        bar = figure.colorbar(drawn, cax=place(width + 28, 16, max(240, 0.7 * height)))
        # Every so many levels has its number, with as many digits as tell neighbours apart.
        digits = int(max(1, np.ceil(-np.log10(levels[1] - levels[0]))))
        shown = levels[:: -(-len(levels) // 8)]
        bar.set_ticks(shown.tolist(), labels=[f"{level:.{digits}f}" for level in shown])
        bar.ax.minorticks_off()
        bar.set_label(label, fontsize=7, color="0.3")
        bar.ax.tick_params(labelsize=6.5, labelcolor="0.3", color="0.7", length=2)
        bar.outline.set_visible(False)
        bar.ax.spines[:].set_visible(False)
        if not self.filled:
            for line in bar.lines:
                line.set_linewidth(2)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib's own gap
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]  # likewise


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Contour]
