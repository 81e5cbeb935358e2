"""The contour plot: lines or bands of equal log density, with a colour bar."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from gmmbench import Density, Floats, Lattice, Picture, Renderer, Study, hookimpl, option

from ._dots import asked
from ._layout import numerals, round_step
from ._plot import Plot
from ._theme import MAPS, Bytes, theme, turned

TRAIN = 0
"""The code of a training pixel in a split."""

ROOM = 116
"""Room for the bar and its numbers, in pixels of the design."""


@dataclass(frozen=True)
class Contour(Renderer):
    """Contours of log p(x, y) per pixel area, or of a classifier's log P(ink).

    The levels are multiples of a round step. They go down from the maximum by `depth`, and no farther than
    what occurs.
    """

    name = "contour"
    needs = {"ink": ("log_ink",)}

    levels: int = option(14, "about how many contour levels", low=2, high=200)
    depth: float = option(
        7.0, "how far below the maximum the lowest level lies at most, nats", above=0, high=1000
    )
    filled: bool = option(True, "fill the bands between the levels")
    line_width: float = option(0.8, "of the lines where nothing is filled, pixels", above=0, high=20)
    colours: str = option("magma_r", "colour map (dark turns it round)", choices=MAPS)
    points: int = option(0, "training points drawn over it, at most", low=0, high=100_000)
    resolution: int = option(500, "positions along the longer side", low=2, high=10_000)
    size: int = option(800, "longer side of the plot without its bar, pixels", low=100, high=10_000)
    dark: bool = option(False, "a dark ground")

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
        levels = self._levels(values)
        top, step = float(values.max()), levels[1] - levels[0]
        under = float((values < levels[0]).mean())
        caption = (
            f"Contour: {label}, {'bands' if self.filled else 'lines'} {step:.3g} nats apart from "
            f"{levels[0]:.4g}; the maximum is {top:.2f}"
            + (f", and {under:.0%} of the plane lies lower and is left empty." if under > 0 else ".")
        )
        pixels = self._draw(np.maximum(values, levels[0] - 1), levels, label, self._points(study, fine, rng))
        return Picture(pixels, caption, {"levels": levels.tolist(), "maximum": top, "share_below": under})

    def _levels(self, values: Floats) -> Floats:
        """Round numbers over what occurs, at most `depth` below the maximum."""
        top, low = float(values.max()), float(values.min())
        step = round_step(min(self.depth, max(top - low, 1e-6 * max(1.0, abs(top)))) / self.levels)
        lowest = max(np.ceil((top - self.depth) / step), np.floor(low / step))
        highest = np.ceil(top / step - 1e-9) if self.filled else np.floor(top / step)
        return np.asarray(np.arange(lowest, max(highest, lowest + 1) + 1) * step)

    def _points(self, study: Study, fine: Lattice, rng: np.random.Generator) -> Floats:
        """Some training points, each somewhere in its pixel, in cells of the plot: (n, 2)."""
        ink = np.where(study.split.codes == TRAIN, study.image.values, 0).ravel().astype(np.float64)
        count = min(self.points, int(np.count_nonzero(ink)))
        if not count:
            return np.empty((0, 2))
        where = rng.choice(ink.size, count, replace=False, p=ink / ink.sum())
        within = (rng.random((count, 2)) - 0.5) * study.image.lattice.cell  # a pixel is a square, not a point
        return (study.image.lattice.coordinates(where) + within) / fine.cell

    def _draw(self, values: Floats, levels: Floats, label: str, points: Floats) -> Bytes:
        height, width = (max(1, round(n * self.size / max(values.shape))) for n in values.shape)
        unit = max(0.6, self.size / 800)
        edge, room = 12 * unit, ROOM * unit
        colours, ground = turned(self.colours, self.dark), theme(self.dark)
        plot = Plot(edge + width + room, max(height, 260 * unit) + 2 * edge, ground, unit)
        axes = plot.axes(edge, (plot.height - height) / 2, width, height)
        x, y = (np.arange(n) for n in reversed(values.shape))
        with warnings.catch_warnings():
            # A flat density has no lines: an empty plot is the right picture of it.
            warnings.filterwarnings("ignore", "No contour levels were found")
            if self.filled:
                drawn = axes.contourf(x, y, values, levels=levels, cmap=colours)
            else:
                width_of_lines = self.line_width * unit
                drawn = axes.contour(x, y, values, levels=levels, cmap=colours, linewidths=width_of_lines)
        if len(points):
            axes.plot(*(points - 0.5).T, "o", color=ground.text, ms=3 * unit, mew=0, alpha=0.5)
        plot.bare(axes, *values.shape)
        if not (self.filled or ((levels > values.min()) & (levels < values.max())).any()):
            return plot.pixels()  # without a line there is nothing that a bar could tell
        tall = max(220 * unit, 0.7 * height)
        beside = plot.axes(edge + width + 16 * unit, (plot.height - tall) / 2, 14 * unit, tall)
        bar = plot.figure.colorbar(drawn, cax=beside)
        # Every so many levels has its number, with as many digits as tell neighbours apart.
        shown = levels[np.rint(levels / (levels[1] - levels[0])) % -(-len(levels) // 9) == 0]
        bar.set_ticks(shown.tolist(), labels=[word.replace("-", "\u2212") for word in numerals(shown)])
        bar.ax.minorticks_off()
        bar.set_label(label, fontsize=13 * unit, color=ground.soft, labelpad=8 * unit)
        bar.ax.tick_params(labelsize=12 * unit, labelcolor=ground.soft, color=ground.faint, length=3 * unit)
        bar.outline.set_visible(False)
        bar.ax.spines[:].set_visible(False)
        if not self.filled:
            for line in bar.lines:
                line.set_linewidth(2 * unit)
        return plot.pixels()


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Contour]
