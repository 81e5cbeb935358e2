"""Densities of grey levels: histogram, rug, the weighted components and their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._plot import Plot, seen
from ._theme import Bytes, theme

LEVELS = 256

FEW = 6
"""Components up to which each has a colour of its own and a name."""

TRAIN = 0
"""The code of a training pixel in a split."""


@dataclass(frozen=True)
class Density1D(Renderer):
    """p(level) = sum_i w_i N(level; m_i, s_i^2), per grey level: the sum solid, what it sums dashed.

    Below it lie the training pixels: their histogram, scaled to a density, and some of them as a rug. With
    `weights`, a panel for each row of them shows what the same components make with other weights.
    """

    name = "density1d"
    needs = {"levels": ("log_density",)}

    weights: list[list[float]] | None = option(
        None, "panels of the same components with these weights (null: the fit alone)", low=0
    )
    histogram: bool = option(True, "draw the histogram of the training pixels")
    bins: int = option(64, "bins of the histogram over 256 levels", low=1, high=256)
    rug: int = option(250, "training pixels drawn as a rug below the axis (0: none)", low=0, high=10_000)
    components: bool = option(True, "draw each weighted component, dashed")
    size: int = option(960, "width of the plot, pixels", low=200, high=10_000)
    dark: bool = option(False, "a dark ground")

    def cannot(self, study: Study) -> str | None:
        """As every renderer, and where the weights asked for are not as many as the components."""
        reason = super().cannot(study)
        if reason or self.weights is None:
            return reason
        if "mixture" not in study.answers():
            return "density1d changes the weights of a mixture, which this fit is not"
        count = study.fitted.mixture.n_components  # type: ignore[attr-defined]  # it answers mixture
        odd = [row for row in self.weights if len(row) != count or not sum(row) > 0]
        if odd:
            return f"density1d's weights: expected {count} in each row, one a component, got {odd[0]}"
        return None

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the curves."""
        fitted = study.fitted
        assert isinstance(fitted, Density)  # `needs` asks for log_density
        at = np.linspace(-0.5, LEVELS - 0.5, 2 * LEVELS * 2 + 1)
        data = study.image.values[study.split.codes == TRAIN].astype(np.float64)
        parts = self._parts(study, at)
        if self.weights is not None:
            rows = [np.array(row) / np.sum(row) for row in self.weights]
            pixels = self._panels(at, parts[1], rows)
            words = "; ".join(_shares(row) for row in rows)
            return Picture(
                pixels,
                f"Density: {len(parts[1])} components with the weights {words}.",
                {"weights": [row.tolist() for row in rows]},
            )
        total = np.exp(fitted.log_density((at[:, None] + 0.5) / LEVELS)) / LEVELS
        pixels = self._draw(at, total, parts, data, rng)
        mixture = f", the sum of {len(parts[0])} components" if len(parts[0]) else ""
        caption = (
            f"Density: p(level){mixture}, over the histogram of {len(data):,} training pixels in "
            f"{self.bins} bins; {np.trapezoid(total, at):.1%} of it lies within 0..255."
        )
        figures = {"mass_within": float(np.trapezoid(total, at)), "highest": float(total.max())}
        return Picture(pixels, caption, figures)

    def _parts(self, study: Study, at: Floats) -> tuple[Floats, Floats]:
        """The weights (K,) and the densities (K, n) of the components, per level; empty without any."""
        if "mixture" not in study.answers():
            return np.empty(0), np.empty((0, len(at)))
        mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # it answers mixture
        mean = mixture.means[:, 0] * LEVELS - 0.5
        deviation = np.sqrt(mixture.covariances[:, 0, 0]) * LEVELS
        white = (at - mean[:, None]) / deviation[:, None]
        return mixture.weights, np.exp(-0.5 * white**2) / (np.sqrt(2 * np.pi) * deviation[:, None])

    def _draw(
        self, at: Floats, total: Floats, parts: tuple[Floats, Floats], data: Floats, rng: np.random.Generator
    ) -> Bytes:
        look = theme(self.dark)
        unit = self.size / 960
        plot = Plot(960 * unit, 540 * unit, look, unit)
        axes = plot.axes(84 * unit, 24 * unit, 852 * unit, 436 * unit)
        top = float(total.max())
        if self.histogram:
            heights, edges = np.histogram(data, self.bins, (-0.5, LEVELS - 0.5), density=True)
            top = max(top, float(heights.max()))
            axes.stairs(heights, edges, fill=True, color=look.faint, label="training pixels")
        if self.components:
            _dashed(axes, at, *parts, plot)
        axes.plot(at, total, color=look.text, lw=2.4 * unit, label="p(level)")
        floor = 0.0
        if self.rug:
            shown = rng.choice(data, min(self.rug, len(data)), replace=False) + rng.uniform(-0.5, 0.5, 1)
            floor = -0.06 * top
            axes.vlines(shown, floor * 0.85, floor * 0.2, color=look.soft, lw=unit, alpha=0.35)
        axes.set(xlim=(-0.5, LEVELS - 0.5), ylim=(floor, 1.06 * top))
        axes.set_xticks(range(0, 257, 32))
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 1.06 * top])
        plot.label(axes, "grey level", "density per level")
        plot.legend(axes)
        return plot.pixels()

    def _panels(self, at: Floats, densities: Floats, rows: list[Floats]) -> Bytes:
        """One panel a row of weights, to one scale."""
        columns = 2 if len(rows) == 4 else min(3, len(rows))
        down = -(-len(rows) // columns)
        unit = self.size / (380 * columns + 60)
        plot = Plot(self.size, (down * 300 + 24) * unit, theme(self.dark), unit)
        top = 1.06 * max(float((row[:, None] * densities).sum(axis=0).max()) for row in rows)
        for index, row in enumerate(rows):
            left, above = (index % columns) * 380 + 80, (index // columns) * 300 + 40
            axes = plot.axes(left * unit, above * unit, 330 * unit, 222 * unit)
            _dashed(axes, at, row, densities, plot)
            axes.plot(at, row @ densities, color=plot.theme.text, lw=2.2 * unit)
            axes.set(xlim=(-0.5, LEVELS - 0.5), ylim=(0, top), xticks=range(0, 257, 64))
            if index % columns:
                axes.set_yticklabels([])
            lowest = index >= len(rows) - columns
            plot.label(
                axes, "grey level" if lowest else "", "" if index % columns else "density per level",
                f"w = {_shares(row)}" if len(row) <= FEW else "",
            )  # fmt: skip
        return plot.pixels()


def _dashed(axes: Any, at: Floats, weights: Floats, densities: Floats, plot: Plot) -> None:
    top = float((weights[:, None] * densities).sum(axis=0).max()) if len(weights) else 0.0
    few = len(weights) <= FEW
    at_all = seen(weights[:, None] * densities, top)
    for index, (weight, curve) in enumerate(zip(weights, at_all, strict=True)):
        name = f"w = {weight:.2f}" if few else ("weighted components" if index == 0 else None)
        if few:  # where the sum covers a dashed line, the area below still tells whose it is
            axes.fill_between(at, np.nan_to_num(curve), color=plot.theme.marks[index], alpha=0.1, lw=0)
        axes.plot(
            at, curve, ls=(0, (4, 2)), lw=(1.8 if few else 1.1) * plot.unit, label=name,
            color=plot.theme.marks[index] if few else plot.theme.drawn, alpha=1 if few else 0.6,
        )  # fmt: skip


def _shares(row: Floats) -> str:
    return "(" + ", ".join(f"{weight:.2g}" for weight in row) + ")"


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Density1D]
