"""Slices of a density: p(y | x) at chosen x, beside the picture with the lines drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._plot import Plot, seen
from ._theme import Bytes, theme
from .grid import Grid

FINE = 3
"""Values of y in a pixel of the image at which a slice is taken."""

BEYOND = 0.25
"""How far a slice goes beyond the image, in heights of it, for what lies outside to be in its integral."""


COMMON = 85
"""Percent of the sweep's slices whose peak the axis shows; those of a hairline leave it."""


FEW = 4
"""Components up to which the weights of a slice are written beside it."""


@dataclass(frozen=True)
class Slices(Renderer):
    """p(y | x) = p(x, y) / integral of p(x, y) over y, per pixel; y runs down, as in the picture beside it.

    Conditionals of a Gaussian mixture are mixtures with new weights (Bishop 2006, eqs. 2.81-2.82). Ticks
    along the axis are the image's own ink at that x. The still shows several x, the animation sweeps.
    """

    name = "slices"
    needs = {"ink": ("log_density",)}

    at: list[float] = option([0.25, 0.5, 0.75], "x of the still's slices, shares of the width", low=0, high=1)
    frames: int = option(60, "frames of the sweep (0: the still alone)", low=0, high=1000)
    seconds: float = option(0.08, "how long a frame is shown, seconds", above=0, high=10)
    size: int = option(900, "width of the sheet, pixels", low=200, high=10_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the still, and the sweep over the same axes."""
        width = study.image.lattice.width
        chosen = np.unique(np.minimum((np.array(self.at) * width).astype(int), width - 1))
        swept = np.unique(np.linspace(0, width - 1, self.frames).astype(int)) if self.frames else chosen[:0]
        curves = _conditionals(study, np.union1d(chosen, swept))
        picture = Grid(dark=self.dark).render(study, rng).pixels
        peaks = {column: float(curve.max()) for column, curve in curves.items()}
        pixels = self._still(study, picture, curves, chosen, 1.05 * max(peaks[column] for column in chosen))
        frames = []
        if self.frames:
            # One scale for all frames: of what is common, not of the sharpest peak there is.
            common = float(np.percentile([peaks[column] for column in swept], COMMON))
            frames = self._sweep(study, picture, curves, swept, 1.05 * common)
        figures = {"x": chosen.tolist(), "highest": [peaks[column] for column in chosen]}
        caption = f"Slices: p(y | x) at x = {', '.join(map(str, chosen))} px" + (
            f"; the animation sweeps x in {len(frames)} frames." if frames else "."
        )
        return Picture(pixels, caption, figures, tuple(frames), (self.seconds,) * len(frames))

    def _sheet(self, study: Study, picture: Bytes, most: float) -> tuple[Plot, Any, Any]:
        """The picture at the left and the axes of the curves at the right, as tall."""
        height, width = study.image.lattice.shape
        unit = self.size / 900
        edge, right = 16 * unit, 300 * unit
        wide = self.size - right - 4 * edge - 20 * unit
        tall = min(wide * height / width, 900 * unit)
        wide = tall * width / height
        plot = Plot(self.size, tall + 66 * unit, theme(self.dark), unit)
        left = plot.axes(edge, edge, wide, tall)
        plot.picture(left, picture)
        left.set_xlim(-0.5, width - 0.5)
        left.set_ylim(height - 0.5, -0.5)
        beside = plot.axes(2 * edge + wide + 20 * unit, edge, self.size - wide - 4 * edge - 20 * unit, tall)
        beside.set(xlim=(-0.06 * most, most), ylim=(height - 0.5, -0.5))
        beside.axvline(0, color=plot.theme.faint, lw=unit)
        beside.spines["left"].set_visible(False)
        beside.set_yticks([])
        beside.set_xticks([tick for tick in beside.get_xticks() if 0 <= tick <= most][:5])
        plot.label(beside, "p(y | x) per pixel")
        return plot, left, beside

    def _still(
        self, study: Study, picture: Bytes, curves: dict[int, Floats], chosen: Floats, most: float
    ) -> Bytes:
        plot, left, beside = self._sheet(study, picture, most)
        ys = _rows(study)
        for index, column in enumerate(chosen):
            mark = plot.theme.marks[index % len(plot.theme.marks)]
            left.axvline(column, color=mark, lw=2 * plot.unit)
            beside.fill_betweenx(ys, 0, curves[column], color=mark, alpha=0.15, lw=0)
            beside.plot(
                seen(curves[column], most), ys, color=mark, lw=2 * plot.unit, label=_told(study, column)
            )
            place = -most * (0.012 + 0.015 * (index % 3))
            beside.plot(*_ticks(study, column, place), "_", color=mark, ms=5 * plot.unit, mew=plot.unit)
        plot.legend(beside)
        return plot.pixels()

    def _sweep(
        self, study: Study, picture: Bytes, curves: dict[int, Floats], swept: Floats, most: float
    ) -> list[Bytes]:
        plot, left, beside = self._sheet(study, picture, most)
        ys, look = _rows(study), plot.theme
        line = left.axvline(0, color=look.chosen, lw=2 * plot.unit)
        (area,) = beside.fill([0, 0], [0, 1], color=look.chosen, alpha=0.15, lw=0)
        (curve,) = beside.plot([], [], color=look.chosen, lw=2 * plot.unit)
        (ticks,) = beside.plot([], [], "_", color=look.soft, ms=8 * plot.unit, mew=plot.unit)
        place = {"transform": beside.transAxes, "ha": "right", "va": "bottom", "fontsize": 13 * plot.unit}
        words = beside.text(0.98, 0.02, "", color=look.text, **place)

        def moved(column: int) -> Callable[[], None]:
            def change() -> None:
                line.set_xdata([column, column])
                curve.set_data(seen(curves[column], most), ys)
                area.set_xy(np.column_stack((np.r_[0, curves[column], 0], np.r_[ys[0], ys, ys[-1]])))
                ticks.set_data(*_ticks(study, column, -0.03 * most))
                words.set_text(_told(study, column))

            return change

        return plot.frames((line, area, curve, ticks, words), [moved(int(column)) for column in swept])


def _rows(study: Study) -> Floats:
    """The y of a slice within the image, in pixels."""
    height = study.image.lattice.height
    return (np.arange(height * FINE) + 0.5) / FINE - 0.5


def _conditionals(study: Study, columns: Floats) -> dict[int, Floats]:
    """p(y | x) per pixel at the middle of each column, at `_rows`."""
    fitted, lattice = study.fitted, study.image.lattice
    assert isinstance(fitted, Density)  # `needs` asks for log_density
    beyond = round(BEYOND * lattice.height) * FINE
    ys = (np.arange(-beyond, lattice.height * FINE + beyond) + 0.5) / FINE * lattice.cell
    # All columns are asked about at once: a density answers many points faster than a few often.
    xs = (np.repeat(columns, len(ys)) + 0.5) * lattice.cell
    log_p = fitted.log_density(np.column_stack((xs, np.tile(ys, len(columns))))).reshape(-1, len(ys))
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    p *= FINE / p.sum(axis=1, keepdims=True)
    return {int(column): row[beyond : len(ys) - beyond] for column, row in zip(columns, p, strict=True)}


def _told(study: Study, column: float) -> str:
    """The x of a slice, and of a small mixture its weights there: w_k N(x; m_k, C_k), normalised."""
    mixture: Any = getattr(study.fitted, "mixture", None)
    if mixture is None or mixture.n_components > FEW:
        return f"x = {column}"
    weights = mixture.condition((0,), [(column + 0.5) * study.image.lattice.cell]).weights
    return f"x = {column}, w = ({', '.join(f'{weight:.2f}' for weight in weights)})"


def _ticks(study: Study, column: float, place: float) -> tuple[Floats, Floats]:
    """Where the image has ink in a column: x and y of ticks."""
    rows = np.flatnonzero(study.image.values[:, int(column)] > 0.5).astype(np.float64)
    return np.full(len(rows), place), rows


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Slices]
