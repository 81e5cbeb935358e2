"""The contour plot: bands or lines of equal log density, with a colour bar."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Lattice, Picture, Renderer, Study, hookimpl, option

from ._layout import round_step, tick_labels
from ._plot import Plot
from ._theme import COLOUR_MAPS, Bytes, dark_option, theme, themed_map

BAR_ROOM = 116
"""Width kept for the colour bar and its numbers, in pixels of the design."""


@dataclass(frozen=True)
class Contour(Renderer):
    """Contours of log p(x, y) per pixel area, or of a classifier's log P(ink).

    The levels are multiples of a round step. They reach from the maximum down to `depth` below it, but not
    below the minimum.
    """

    name = "contour"
    needs = {"ink": ("log_ink",)}

    levels: int = option(14, "number of contour levels, about", low=2, high=200)
    depth: float = option(
        7.0, "largest distance of the lowest level from the maximum, nats", above=0, high=1000
    )
    filled: bool = option(True, "fill the bands between the levels (false: draw lines)")
    line_width: float = option(0.8, "width of the lines if filled=false, pixels", above=0, high=20)
    colours: str = option("magma_r", "colour map (reversed if dark)", choices=COLOUR_MAPS)
    points: int = option(0, "largest number of training points drawn on top (0: none)", low=0, high=100_000)
    resolution: int = option(500, "positions along the longer side", low=2, high=10_000)
    size: int = option(800, "longer side of the plot without its colour bar, pixels", low=100, high=10_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the contours."""
        lattice, fitted = study.image.lattice, study.fitted
        fine = lattice.resized(self.resolution)
        if isinstance(fitted, Density):
            what, unit = "log density", "nats per pixel"
            values = fine.ask(fitted.log_density) + 2 * np.log(lattice.cell)
        else:
            what, unit = "log P(ink)", "nats"
            values = fine.ask(study.log_ink)
        levels = self._levels(values)
        top, step = float(values.max()), levels[1] - levels[0]
        below = float((values < levels[0]).mean())
        caption = (
            f"Contour: {what} ({unit}), {'bands' if self.filled else 'lines'} {step:.3g} nats apart from "
            f"{levels[0]:.4g} upwards; the maximum is {top:.2f}."
            + (f" The {below:.0%} of the plane below the lowest level is blank." if below > 0 else "")
        )
        clipped = np.maximum(values, levels[0] - 1)
        pixels = self._draw(clipped, levels, f"{what} ({unit})", self._points(study, fine, rng))
        return Picture(pixels, caption, {"levels": levels.tolist(), "maximum": top, "share_below": below})

    def _levels(self, values: Floats) -> Floats:
        """Round numbers that cover the values, at most `depth` below the maximum."""
        top, low = float(values.max()), float(values.min())
        step = round_step(min(self.depth, max(top - low, 1e-6 * max(1.0, abs(top)))) / self.levels)
        lowest = max(np.ceil((top - self.depth) / step), np.floor(low / step))
        highest = np.ceil(top / step - 1e-9) if self.filled else np.floor(top / step)
        return np.asarray(np.arange(lowest, max(highest, lowest + 1) + 1) * step)

    def _points(self, study: Study, fine: Lattice, rng: np.random.Generator) -> Floats:
        """Training points, each at a random place within its pixel, in cells of the plot: (n, 2)."""
        ink = np.where(study.split.trained, study.image.values, 0).ravel().astype(np.float64)
        count = min(self.points, int(np.count_nonzero(ink)))
        if not count:
            return np.empty((0, 2))
        chosen = rng.choice(ink.size, count, replace=False, p=ink / ink.sum())
        within = (rng.random((count, 2)) - 0.5) * study.image.lattice.cell  # a pixel is a square, not a point
        return (study.image.lattice.coordinates(chosen) + within) / fine.cell

    def _draw(self, values: Floats, levels: Floats, label: str, points: Floats) -> Bytes:
        height, width = (max(1, round(n * self.size / max(values.shape))) for n in values.shape)
        unit, look = max(0.6, self.size / 800), theme(self.dark)
        edge = 12 * unit
        plot = Plot(edge + width + BAR_ROOM * unit, max(height, 260 * unit) + 2 * edge, look, unit)
        axes = plot.axes(edge, (plot.height - height) / 2, width, height)
        contours = self._draw_contours(axes, values, levels, unit)
        if len(points):
            axes.plot(*(points - 0.5).T, "o", color=look.text, ms=3 * unit, mew=0, alpha=0.5)
        plot.frame_picture(axes, *values.shape)
        # A plot without a single line needs no colour bar.
        if self.filled or ((levels > values.min()) & (levels < values.max())).any():
            self._draw_bar(plot, contours, levels, label, (edge + width + 16 * unit, height))
        return plot.pixels()

    def _draw_contours(self, axes: Any, values: Floats, levels: Floats, unit: float) -> Any:
        """Draw the bands or lines; the result is matplotlib's set of contours."""
        x, y = (np.arange(n) for n in reversed(values.shape))
        colour_map = themed_map(self.colours, self.dark)
        with warnings.catch_warnings():
            # A constant density has no contours, and an empty plot is right for it.
            warnings.filterwarnings("ignore", "No contour levels were found")
            if self.filled:
                return axes.contourf(x, y, values, levels=levels, cmap=colour_map)
            width = self.line_width * unit
            return axes.contour(x, y, values, levels=levels, cmap=colour_map, linewidths=width)

    def _draw_bar(
        self, plot: Plot, contours: Any, levels: Floats, label: str, at: tuple[float, float]
    ) -> None:
        """Draw the colour bar; `at` is its left edge and the height of the plot, in pixels."""
        unit, look = plot.unit, plot.theme
        left, height = at
        bar_height = max(220 * unit, 0.7 * height)
        bar_axes = plot.axes(left, (plot.height - bar_height) / 2, 14 * unit, bar_height)
        bar = plot.figure.colorbar(contours, cax=bar_axes)
        # Every few levels carry a number, with the digits that tell neighbours apart.
        numbered = levels[np.rint(levels / (levels[1] - levels[0])) % -(-len(levels) // 9) == 0]
        names = [name.replace("-", "\u2212") for name in tick_labels(numbered)]
        bar.set_ticks(numbered.tolist(), labels=names)
        bar.ax.minorticks_off()
        bar.set_label(label, fontsize=13 * unit, color=look.muted, labelpad=8 * unit)
        bar.ax.tick_params(labelsize=12 * unit, labelcolor=look.muted, color=look.faint, length=3 * unit)
        bar.outline.set_visible(False)
        bar.ax.spines[:].set_visible(False)
        if not self.filled:
            for line in bar.lines:
                line.set_linewidth(2 * unit)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Contour]
