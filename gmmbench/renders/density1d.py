"""The density of grey levels: a histogram, a rug, the weighted components and their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._grey_levels import LEVELS, RANGE, component_densities, level_axes
from ._plot import Plot, hide_zeros
from ._theme import Bytes, dark_option, theme

FEW = 6
"""The largest number of components that are drawn in individual colours and listed in the legend."""


@dataclass(frozen=True)
class Density1D(Renderer):
    """p(level) = sum_i w_i N(level; m_i, s_i^2) per grey level: the sum solid, its terms dashed.

    Behind the curves lies the histogram of the training pixels, scaled to a density; below the axis, some
    of the pixels as a rug. With `weights`, there is one panel per row instead, which shows the density of
    the same components with those weights.
    """

    name = "density1d"
    needs = {"levels": ("log_density",)}

    weights: list[list[float]] | None = option(
        None, "one panel per row: the same components with these weights (null: the fit)", low=0
    )
    histogram: bool = option(True, "draw the histogram of the training pixels")
    bins: int = option(64, "bins of the histogram over 256 levels", low=1, high=256)
    rug: int = option(250, "training pixels in the rug below the axis (0: none)", low=0, high=10_000)
    components: bool = option(True, "draw each weighted component, dashed")
    size: int = option(960, "width of the plot, pixels", low=200, high=10_000)
    dark: bool = dark_option()

    def cannot(self, study: Study) -> str | None:
        """As for every renderer; `weights` also needs a mixture with as many components."""
        reason = super().cannot(study)
        if reason or self.weights is None:
            return reason
        if "mixture" not in study.answers():
            return "density1d needs a mixture to change its weights; this fit has none"
        count = study.fitted.mixture.n_components  # type: ignore[attr-defined]  # it answers mixture
        odd = [row for row in self.weights if len(row) != count or not sum(row) > 0]
        if odd:
            return f"density1d.weights: expected {count} in each row, one per component, got {odd[0]}"
        return None

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the curves."""
        fitted = study.fitted
        assert isinstance(fitted, Density)  # `needs` names log_density
        at = np.linspace(*RANGE, 4 * LEVELS + 1)
        if self.weights is not None:
            return self._weights_picture(fitted, at, self.weights)
        data = study.image.values[study.split.trained].astype(np.float64)
        total = np.exp(fitted.log_density((at[:, None] + 0.5) / LEVELS)) / LEVELS
        terms = np.empty((0, len(at)))
        weights = np.empty(0)
        if "mixture" in study.answers():
            mixture: Any = fitted.mixture  # type: ignore[attr-defined]  # it answers mixture
            weights, terms = mixture.weights, component_densities(mixture, at)
        pixels = self._draw(at, total, (weights, terms), data, rng)
        mass = float(np.trapezoid(total, at))
        caption = (
            f"Density: p(level){f', the sum of {len(weights)} components' if len(weights) else ''}, over a "
            f"{self.bins}-bin histogram of {len(data):,} training pixels; {mass:.1%} of its mass lies within "
            "0..255."
        )
        return Picture(pixels, caption, {"mass_within": mass, "highest": float(total.max())})

    def _weights_picture(self, fitted: Density, at: Floats, weights: list[list[float]]) -> Picture:
        """The panels of other weights."""
        rows = [np.array(row) / np.sum(row) for row in weights]
        densities = component_densities(fitted.mixture, at)  # type: ignore[attr-defined]  # see `cannot`
        caption = (
            f"Density: {len(densities)} components with the weights {'; '.join(map(_weights_text, rows))}."
        )
        figures = {"weights": [row.tolist() for row in rows]}
        return Picture(self._panels(at, densities, rows), caption, figures)

    def _draw(
        self, at: Floats, total: Floats, terms: tuple[Floats, Floats], data: Floats, rng: np.random.Generator
    ) -> Bytes:
        look, unit = theme(self.dark), self.size / 960
        plot = Plot(960 * unit, 540 * unit, look, unit)
        axes = plot.axes(84 * unit, 24 * unit, 852 * unit, 436 * unit)
        top = float(total.max())
        if self.histogram:
            heights, edges = np.histogram(data, self.bins, RANGE, density=True)
            top = max(top, float(heights.max()))
            axes.stairs(heights, edges, fill=True, color=look.faint, label="training pixels")
        if self.components:
            _draw_components(axes, at, *terms, plot)
        axes.plot(at, total, color=look.text, lw=2.4 * unit, label="p(level)")
        bottom = 0.0
        if self.rug:
            shown = rng.choice(data, min(self.rug, len(data)), replace=False) + rng.uniform(-0.5, 0.5, 1)
            bottom = -0.06 * top
            axes.vlines(shown, bottom * 0.85, bottom * 0.2, color=look.muted, lw=unit, alpha=0.35)
        level_axes(plot, axes, bottom, 1.06 * top)
        plot.legend(axes)
        return plot.pixels()

    def _panels(self, at: Floats, densities: Floats, rows: list[Floats]) -> Bytes:
        """One panel per row of weights, all at one scale."""
        columns = 2 if len(rows) == 4 else min(3, len(rows))
        down = -(-len(rows) // columns)
        unit = self.size / (380 * columns + 60)
        plot = Plot(self.size, (down * 300 + 24) * unit, theme(self.dark), unit)
        top = 1.06 * max(float((row[:, None] * densities).sum(axis=0).max()) for row in rows)
        for index, row in enumerate(rows):
            left, above = (index % columns) * 380 + 80, (index // columns) * 300 + 40
            axes = plot.axes(left * unit, above * unit, 330 * unit, 222 * unit)
            _draw_components(axes, at, row, densities, plot)
            axes.plot(at, row @ densities, color=plot.theme.text, lw=2.2 * unit)
            axes.set(xlim=RANGE, ylim=(0, top), xticks=range(0, LEVELS + 1, 64))
            if index % columns:
                axes.set_yticklabels([])
            lowest = index >= len(rows) - columns
            plot.label(
                axes, "grey level" if lowest else "", "" if index % columns else "density per level",
                f"w = {_weights_text(row)}" if len(row) <= FEW else "",
            )  # fmt: skip
        return plot.pixels()


def _draw_components(axes: Any, at: Floats, weights: Floats, densities: Floats, plot: Plot) -> None:
    """Draw each weighted component as a dashed line; a few are filled and listed in the legend."""
    weighted = weights[:, None] * densities
    top = float(weighted.sum(axis=0).max()) if len(weights) else 0.0
    few = len(weights) <= FEW
    for index, (weight, curve) in enumerate(zip(weights, hide_zeros(weighted, top), strict=True)):
        name = f"w = {weight:.2f}" if few else ("weighted components" if index == 0 else None)
        if few:  # where the sum hides a dashed line, the filled area still shows the component
            axes.fill_between(at, np.nan_to_num(curve), color=plot.theme.series[index], alpha=0.1, lw=0)
        axes.plot(
            at, curve, ls=(0, (4, 2)), lw=(1.8 if few else 1.1) * plot.unit, label=name,
            color=plot.theme.series[index] if few else plot.theme.accent, alpha=1 if few else 0.6,
        )  # fmt: skip


def _weights_text(row: Floats) -> str:
    return "(" + ", ".join(f"{weight:.2g}" for weight in row) + ")"


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Density1D]
