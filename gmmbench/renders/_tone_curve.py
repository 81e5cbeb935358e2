"""Tone curves: from scaled density to darkness, and a plot of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gmmbench import Floats, Refused

from ._plot import Plot
from ._theme import Bytes, Theme

MAPPINGS = ("linear", "piecewise", "gamma", "log", "quantile")


@dataclass(frozen=True)
class ToneCurve:
    """A map from scaled density in 0..1 to darkness in 0..1; the fields are options of the grid plot."""

    kind: str
    knots: list[list[float]]
    gamma: float
    decades: float

    def __post_init__(self) -> None:
        rising = len(self.knots) > 1 and all(len(knot) == 2 for knot in self.knots)
        if rising:
            density, darkness = np.diff(self.knots, axis=0).T
            rising = bool((density > 0).all() and (darkness >= 0).all())
        if not rising:
            raise Refused(
                "knots: expected two or more pairs [density, darkness] with increasing density and "
                f"non-decreasing darkness, got {self.knots}; try [[0,0],[0.1,0.6],[1,1]]"
            )

    def __call__(self, scaled: Floats) -> Floats:
        """Darkness, of the same shape."""
        if self.kind == "piecewise":
            densities, darkness = np.array(self.knots, dtype=np.float64).T
            return np.interp(scaled, densities, darkness)
        if self.kind == "gamma":
            return scaled**self.gamma
        if self.kind == "log":
            with np.errstate(divide="ignore"):
                return np.clip(1 + np.log10(scaled) / self.decades, 0, 1)
        if self.kind == "quantile":
            return _mass_up_to(scaled)
        return scaled

    def describe(self) -> str:
        """The tone curve, for a caption."""
        return {
            "linear": "linear",
            "piecewise": "piecewise linear through " + ", ".join(f"({x:g}, {y:g})" for x, y in self.knots),
            "gamma": f"gamma {self.gamma:g}",
            "log": f"logarithmic over {self.decades:g} decades",
            "quantile": "quantile: the share of the mass at lower or equal density",
        }[self.kind]


def _mass_up_to(scaled: Floats) -> Floats:
    """The share of the mass at positions of lower or equal density."""
    values, place = np.unique(scaled, return_inverse=True)
    mass = np.bincount(place.ravel(), scaled.ravel())
    total = mass.sum()
    share = np.cumsum(mass) / total if total > 0 else np.zeros(len(values))
    return share[place].reshape(scaled.shape)


def with_tone_curve(picture: Bytes, curve: ToneCurve, scaled: Floats, theme: Theme, paper: str) -> Bytes:
    """A picture with a plot of its tone curve at the right.

    Args:
        picture: (h, w, 3).
        curve: its tone curve.
        scaled: the scaled densities (h, w); the plot shows how the ink is distributed over them.
        theme: of the plot.
        paper: the colour of the picture's paper, "#rrggbb", which becomes the background of the plot.
    """
    height, width = picture.shape[:2]
    theme = replace(theme, background=paper)
    unit = max(0.75, max(height, width) / 800)
    side = min(0.62 * max(height, 240 * unit), 420 * unit)
    sheet_height = max(height, round(side + 110 * unit))
    plot = Plot(side + 100 * unit, sheet_height, theme, unit)
    axes = plot.axes(62 * unit, (sheet_height - side) / 2 - 10 * unit, side, side)
    _draw_curve(plot, axes, curve, scaled)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.set_xticklabels(("0", "0.5", "1"))
    axes.set_yticklabels(("0", "0.5", "1"))
    plot.label(axes, "scaled density", "darkness")
    sheet = np.empty((sheet_height, width + plot.width, 3), dtype=np.uint8)
    sheet[:] = plot.pixels()[0, 0]
    sheet[(sheet_height - height) // 2 : (sheet_height - height) // 2 + height, :width] = picture
    sheet[:, width:] = plot.pixels()
    return sheet


def _draw_curve(plot: Plot, axes: Any, curve: ToneCurve, scaled: Floats) -> None:
    """Draw the curve over a histogram of the ink by scaled density."""
    mass, edges = np.histogram(scaled, bins=40, range=(0, 1), weights=scaled)
    axes.stairs(mass / max(mass.max(), 1e-300), edges, fill=True, color=plot.theme.faint, alpha=0.6)
    if curve.kind == "quantile":
        at = np.sort(scaled, axis=None)
    else:
        at = np.union1d(np.linspace(0, 1, 400), np.geomspace(1e-4, 1, 200))
    axes.plot(at, curve(at), color=plot.theme.accent, lw=2.2 * plot.unit)
    if curve.kind == "piecewise":
        x, y = np.array(curve.knots).T
        axes.plot(x, y, "o", color=plot.theme.accent, ms=6 * plot.unit, clip_on=False, zorder=5)
