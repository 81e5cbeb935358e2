"""The contour plot: lines of equal log density, with a colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Floats, Picture, Renderer, Study, hookimpl, knob

from .canvas import asked

MAPS = ("viridis", "cividis", "magma", "inferno", "plasma", "Greys", "Blues")


@dataclass(frozen=True)
class Contour(Renderer):
    """Contours of log p(x, y) per pixel area, or of a classifier's log P(ink)."""

    name = "contour"
    needs = {"ink": ("log_ink",)}

    levels: int = knob(14, "number of contour levels", low=2, high=200)
    depth: float = knob(7.0, "how far below the maximum the lowest level lies, nats", above=0, high=1000)
    filled: bool = knob(False, "fill the bands between the lines")
    line_width: float = knob(0.8, "of the lines, points", above=0, high=20)
    colours: str = knob("viridis", "colour map, by matplotlib's name", choices=MAPS)
    resolution: int = knob(500, "positions along the longer side", low=2, high=10_000)
    size: int = knob(900, "longer side of the picture, pixels", low=100, high=10_000)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the contours."""
        lattice = study.image.lattice
        fine = lattice.resized(self.resolution)
        values = asked(study.log_ink, fine)
        is_density = "log_density" in study.answers()
        if is_density:  # log p per pixel area: what is expected of all the ink, without its amount
            values = values - self._log_amount(study)
        top = float(values.max())
        step = self.depth / self.levels
        # Multiples of the step, so that the bar reads in round numbers; a filled plot reaches the top.
        lines = (np.floor(top / step) + np.arange(1 - self.levels, 2 if self.filled else 1)) * step
        label = "log density, nats per pixel" if is_density else "log P(ink), nats"
        caption = (
            f"Contour: {label}, {len(lines)} levels from {lines[0]:.2f} to {lines[-1]:.2f}; "
            f"the maximum is {top:.2f}."
        )
        pixels = self._draw(np.maximum(values, lines[0] - 1), fine.centres() / lattice.cell, lines, label)
        return Picture(pixels, caption, {"levels": lines.tolist(), "maximum": top})

    def _log_amount(self, study: Study) -> float:
        where = study.image.lattice.centres()[:1]
        density = study.fitted.log_density(where)  # type: ignore[attr-defined]  # asked by `answers`
        return float((study.log_ink(where) - density)[0] - 2 * np.log(study.image.lattice.cell))

    def _draw(self, values: Floats, centres: Floats, levels: Floats, label: str) -> Any:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        height, width = values.shape
        x = centres[:width, 0]
        y = centres[::width, 1]
        inches = self.size / 150
        bar = 0.16 * max(1.0, width / height)
        figure = Figure(
            figsize=(inches * min(1, width / height) + 1.1, inches * min(1, height / width) + 0.2),
            dpi=150,
            layout="constrained",
        )
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        if self.filled:
            drawn = axes.contourf(x, y, values, levels=levels, cmap=self.colours)
        else:
            drawn = axes.contour(x, y, values, levels=levels, cmap=self.colours, linewidths=self.line_width)
        axes.set_aspect("equal")
        axes.set_xlim(0, x[-1] + x[0])
        axes.set_ylim(y[-1] + y[0], 0)  # y runs down, as in the image
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_color("0.85")
        scale = figure.colorbar(drawn, ax=axes, fraction=0.05, pad=0.02, aspect=30 / max(bar, 0.16) * 0.16)
        scale.ax.yaxis.set_major_formatter("{x:.1f}")
        scale.set_label(label, fontsize=8, color="0.3")
        scale.ax.tick_params(labelsize=7, colors="0.3", length=2)
        scale.outline.set_visible(False)
        if not self.filled:
            for line in scale.lines:
                line.set_linewidth(3)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib's own gap
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]  # likewise


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Contour]
