"""Mappings from scaled density to darkness, and the plot of one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gmmbench import Floats, Refused

from ._plot import Plot
from ._theme import Bytes, Theme

MAPPINGS = ("linear", "piecewise", "gamma", "log", "quantile")


@dataclass(frozen=True)
class Mapping:
    """Scaled density in 0..1 to darkness in 0..1; the options are those of the grid plot."""

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
                "knots: expected two or more pairs [density, darkness], densities rising and darkness not "
                f"falling, got {self.knots}; try [[0,0],[0.1,0.6],[1,1]]"
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
            return _share_below(scaled)
        return scaled

    def words(self) -> str:
        """The mapping, for a caption."""
        return {
            "linear": "linear in the density",
            "piecewise": f"through the knots {self.knots}",
            "gamma": f"to the power {self.gamma:g}",
            "log": f"logarithmic over {self.decades:g} powers of ten",
            "quantile": "by the share of the mass that is no denser",
        }[self.kind]


def _share_below(scaled: Floats) -> Floats:
    """The share of the mass at positions no denser than each: equal densities get equal shares."""
    values, place = np.unique(scaled, return_inverse=True)
    mass = np.bincount(place.ravel(), scaled.ravel())
    total = mass.sum()
    share = np.cumsum(mass) / total if total > 0 else np.zeros(len(values))
    return share[place].reshape(scaled.shape)


def drawn_beside(picture: Bytes, mapping: Mapping, scaled: Floats, theme: Theme, ground: str) -> Bytes:
    """A picture with the plot of its mapping at the right: the curve, and where the ink lies along it.

    `ground` is the paper of the picture, "#rrggbb".
    """
    height, width = picture.shape[:2]
    theme = replace(theme, ground=ground)
    unit = max(0.75, max(height, width) / 800)
    side = min(0.62 * max(height, 240 * unit), 420 * unit)
    tall = max(height, round(side + 110 * unit))
    plot = Plot(side + 100 * unit, tall, theme, unit)
    axes = plot.axes(62 * unit, (tall - side) / 2 - 10 * unit, side, side)
    # How the ink is spread over scaled densities, as a ground to the curve.
    mass, edges = np.histogram(scaled, bins=40, range=(0, 1), weights=scaled)
    axes.stairs(mass / max(mass.max(), 1e-300), edges, fill=True, color=theme.faint, alpha=0.6)
    if mapping.kind == "quantile":
        at = np.sort(scaled, axis=None)
        axes.plot(at, mapping(at), color=theme.drawn, lw=2.2 * unit)
    else:
        at = np.union1d(np.linspace(0, 1, 400), np.geomspace(1e-4, 1, 200))
        axes.plot(at, mapping(at), color=theme.drawn, lw=2.2 * unit)
    if mapping.kind == "piecewise":
        x, y = np.array(mapping.knots).T
        axes.plot(x, y, "o", color=theme.drawn, ms=6 * unit, clip_on=False, zorder=5)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.set_xticklabels(("0", "0.5", "1"))
    axes.set_yticklabels(("0", "0.5", "1"))
    plot.label(axes, "scaled density", "darkness")
    sheet = np.empty((tall, width + plot.width, 3), dtype=np.uint8)
    sheet[:] = plot.pixels()[0, 0]
    sheet[(tall - height) // 2 : (tall - height) // 2 + height, :width] = picture
    sheet[:, width:] = plot.pixels()
    return sheet
