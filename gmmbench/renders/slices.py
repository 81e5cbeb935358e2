"""Slices of a density: p(y | x) at chosen x, beside the picture that shows where they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._layout import listed
from ._plot import Plot, hide_zeros
from ._theme import Bytes, dark_option, theme
from .grid import Grid

FINE = 3
"""Values of y per pixel of the image at which a slice is evaluated."""

BEYOND = 0.25
"""How far a slice extends beyond the image, in image heights: its integral includes what lies there."""

COMMON = 85
"""Percent of the slices of the animation whose peak fits on the axis; those through hairlines exceed it."""

FEW = 4
"""The largest number of components whose weights in a slice are written beside it."""


@dataclass(frozen=True)
class Slices(Renderer):
    """p(y | x) = p(x, y) / integral of p(x, y) over y, per pixel; y runs down, as in the picture.

    A conditional of a Gaussian mixture is a mixture with new weights (Bishop 2006, eqs. 2.81-2.82). Ticks
    along the axis mark the ink of the image at that x. The still picture shows several x; the animation
    sweeps over all of them.
    """

    name = "slices"
    needs = {"ink": ("log_density",)}

    at: list[float] = option(
        [0.25, 0.5, 0.75], "x of the slices in the still picture, fractions of the width", low=0, high=1
    )
    frames: int = option(60, "frames of the animation (0: none)", low=0, high=1000)
    seconds: float = option(0.08, "duration of a frame, seconds", above=0, high=10)
    size: int = option(900, "width of the picture, pixels", low=200, high=10_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the still picture, and the animation over the same axes."""
        width = study.image.lattice.width
        chosen = np.unique(np.minimum((np.array(self.at) * width).astype(int), width - 1))
        swept = np.unique(np.linspace(0, width - 1, self.frames).astype(int)) if self.frames else chosen[:0]
        curves = _conditionals(study, np.union1d(chosen, swept))
        picture = Grid(dark=self.dark).render(study, rng).pixels
        peaks = {column: float(curve.max()) for column, curve in curves.items()}
        pixels = self._still(study, picture, curves, chosen, 1.05 * max(peaks[column] for column in chosen))
        frames = []
        if self.frames:
            # One scale for all frames, set by the common peaks and not by the sharpest one.
            common = float(np.percentile([peaks[column] for column in swept], COMMON))
            frames = self._animation(study, picture, curves, swept, 1.05 * common)
        figures = {"x": chosen.tolist(), "highest": [peaks[column] for column in chosen]}
        caption = f"Slices: p(y | x) at x = {listed(chosen.tolist())} px" + (
            f"; the animation sweeps over x in {len(frames)} frames." if frames else "."
        )
        return Picture(pixels, caption, figures, tuple(frames), (self.seconds,) * len(frames))

    def _plot(self, study: Study, picture: Bytes, top: float) -> tuple[Plot, Any, Any]:
        """A plot, its axes with the picture at the left, and its axes for the curves at the right."""
        height, width = study.image.lattice.shape
        unit = self.size / 900
        edge, curves_width = 16 * unit, 300 * unit
        picture_width = self.size - curves_width - 4 * edge - 20 * unit
        picture_height = min(picture_width * height / width, 900 * unit)
        picture_width = picture_height * width / height
        plot = Plot(self.size, picture_height + 66 * unit, theme(self.dark), unit)
        left = plot.axes(edge, edge, picture_width, picture_height)
        plot.show_picture(left, picture)
        start = 2 * edge + picture_width + 20 * unit
        right = plot.axes(start, edge, self.size - picture_width - 4 * edge - 20 * unit, picture_height)
        right.set(xlim=(-0.06 * top, top), ylim=(height - 0.5, -0.5))
        right.axvline(0, color=plot.theme.faint, lw=unit)
        right.spines["left"].set_visible(False)
        right.set_yticks([])
        right.set_xticks([tick for tick in right.get_xticks() if 0 <= tick <= top][:5])
        plot.label(right, "p(y | x) per pixel")
        return plot, left, right

    def _still(
        self, study: Study, picture: Bytes, curves: dict[int, Floats], chosen: Floats, top: float
    ) -> Bytes:
        plot, left, right = self._plot(study, picture, top)
        ys, unit = _rows(study), plot.unit
        for index, column in enumerate(chosen):
            colour = plot.theme.series[index % len(plot.theme.series)]
            left.axvline(column, color=colour, lw=2 * unit)
            right.fill_betweenx(ys, 0, curves[column], color=colour, alpha=0.15, lw=0)
            curve = hide_zeros(curves[column], top)
            right.plot(curve, ys, color=colour, lw=2 * unit, label=_slice_text(study, column))
            place = -top * (0.012 + 0.015 * (index % 3))
            right.plot(*_ink_ticks(study, column, place), "_", color=colour, ms=5 * unit, mew=unit)
        plot.legend(right)
        return plot.pixels()

    def _animation(
        self, study: Study, picture: Bytes, curves: dict[int, Floats], swept: Floats, top: float
    ) -> list[Bytes]:
        plot, left, right = self._plot(study, picture, top)
        ys, look = _rows(study), plot.theme
        line = left.axvline(0, color=look.highlight, lw=2 * plot.unit)
        (area,) = right.fill([0, 0], [0, 1], color=look.highlight, alpha=0.15, lw=0)
        (curve,) = right.plot([], [], color=look.highlight, lw=2 * plot.unit)
        (ticks,) = right.plot([], [], "_", color=look.muted, ms=8 * plot.unit, mew=plot.unit)
        place = {"transform": right.transAxes, "ha": "right", "va": "bottom", "fontsize": 13 * plot.unit}
        text = right.text(0.98, 0.02, "", color=look.text, **place)

        def state(column: int) -> Callable[[], None]:
            def change() -> None:
                line.set_xdata([column, column])
                curve.set_data(hide_zeros(curves[column], top), ys)
                area.set_xy(np.column_stack((np.r_[0, curves[column], 0], np.r_[ys[0], ys, ys[-1]])))
                ticks.set_data(*_ink_ticks(study, column, -0.03 * top))
                text.set_text(_slice_text(study, column))

            return change

        return plot.frames((line, area, curve, ticks, text), [state(int(column)) for column in swept])


def _rows(study: Study) -> Floats:
    """The y of a slice within the image, in pixels."""
    height = study.image.lattice.height
    return (np.arange(height * FINE) + 0.5) / FINE - 0.5


def _conditionals(study: Study, columns: Floats) -> dict[int, Floats]:
    """p(y | x) per pixel at the middle of each column, at `_rows`."""
    fitted, lattice = study.fitted, study.image.lattice
    assert isinstance(fitted, Density)  # `needs` names log_density
    beyond = round(BEYOND * lattice.height) * FINE
    ys = (np.arange(-beyond, lattice.height * FINE + beyond) + 0.5) / FINE * lattice.cell
    # One call for all columns: a density is faster at many points at once.
    xs = (np.repeat(columns, len(ys)) + 0.5) * lattice.cell
    log_p = fitted.log_density(np.column_stack((xs, np.tile(ys, len(columns))))).reshape(-1, len(ys))
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    p *= FINE / p.sum(axis=1, keepdims=True)
    return {int(column): row[beyond : len(ys) - beyond] for column, row in zip(columns, p, strict=True)}


def _slice_text(study: Study, column: float) -> str:
    """The x of a slice, and for a small mixture its weights there: w_k N(x; m_k, C_k), normalised."""
    mixture: Any = getattr(study.fitted, "mixture", None)
    if mixture is None or mixture.n_components > FEW:
        return f"x = {column}"
    weights = mixture.condition((0,), [(column + 0.5) * study.image.lattice.cell]).weights
    return f"x = {column}, w = ({', '.join(f'{weight:.2f}' for weight in weights)})"


def _ink_ticks(study: Study, column: float, place: float) -> tuple[Floats, Floats]:
    """The x and y of ticks where the image has ink in a column."""
    rows = np.flatnonzero(study.image.values[:, int(column)] > 0.5).astype(np.float64)
    return np.full(len(rows), place), rows


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Slices]
