"""Plots with axes, laid out in pixels: matplotlib without its global state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from gmmbench import Floats

from ._theme import Bytes, Theme

INVISIBLE = 1e-3
"""Share of an axis below which a curve coincides with it."""

DPI = 72
"""Dots per inch: a point of matplotlib is then a pixel."""


def hide_zeros(curve: Floats, top: float) -> Floats:
    """A curve with NaN where it would lie on the axis, for an axis that ends at `top`."""
    return np.where(curve > INVISIBLE * top, curve, np.nan)


class Plot:
    """A figure measured in pixels; text and lines scale with `unit`, the pixels per pixel of the design."""

    def __init__(self, width: float, height: float, theme: Theme, unit: float = 1.0) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height, self.theme, self.unit = round(width), round(height), theme, unit
        self.figure = Figure((self.width / DPI, self.height / DPI), DPI, facecolor=theme.background)
        self.canvas = FigureCanvasAgg(self.figure)

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes at a position in pixels from the top left corner, with an unobtrusive frame and ticks."""
        low = self.height - top - height
        axes = self.figure.add_axes(
            (left / self.width, low / self.height, width / self.width, height / self.height)
        )
        theme, unit = self.theme, self.unit
        axes.set_facecolor(theme.background)
        axes.spines[:].set_color(theme.faint)
        axes.spines[:].set_linewidth(unit)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(
            labelsize=12 * unit, labelcolor=theme.muted, color=theme.faint, length=4 * unit, width=unit,
            pad=4 * unit,
        )  # fmt: skip
        return axes

    def label(self, axes: Any, x: str = "", y: str = "", title: str = "") -> None:
        """Label the axes and set their title."""
        style = {"color": self.theme.muted, "fontsize": 13 * self.unit, "labelpad": 6 * self.unit}
        axes.set_xlabel(x, **style)
        axes.set_ylabel(y, **style)
        if title:
            axes.set_title(title, color=self.theme.text, fontsize=13 * self.unit, pad=8 * self.unit)

    def legend(self, axes: Any, place: str = "best") -> None:
        """Add a legend without a frame."""
        axes.legend(
            loc=place, frameon=False, fontsize=12 * self.unit, labelcolor=self.theme.text,
            handlelength=1.8, borderaxespad=0.4,
        )  # fmt: skip

    def show_picture(self, axes: Any, pixels: Bytes) -> None:
        """Show a picture in axes without ticks; the axes are in pixels of the picture, y down."""
        axes.imshow(pixels, interpolation="antialiased", aspect="auto")
        self.frame_picture(axes, *pixels.shape[:2])

    def frame_picture(self, axes: Any, height: float, width: float) -> None:
        """Set axes up for a picture of height x width: no ticks, and y down as in the image."""
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(True)

    def pixels(self) -> Bytes:
        """The figure as it is: (height, width, 3)."""
        self.canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
        return self._grab()

    def frames(self, moving: Sequence[Any], states: Iterable[Callable[[], None]]) -> list[Bytes]:
        """The figure in each state; only the moving artists are redrawn."""
        for artist in moving:
            artist.set_animated(True)
        canvas: Any = self.canvas
        canvas.draw()
        still = canvas.copy_from_bbox(self.figure.bbox)
        frames = []
        for change in states:
            canvas.restore_region(still)
            change()
            for artist in moving:
                artist.axes.draw_artist(artist)
            frames.append(self._grab())
        return frames

    def _grab(self) -> Bytes:
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]  # likewise
