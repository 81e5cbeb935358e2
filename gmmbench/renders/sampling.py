"""An animation of sampling from a mixture: choose a component, sample from it, repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Picture, Renderer, Study, hookimpl, option

from ._dots import dots
from ._grey_levels import LEVELS, RANGE, component_densities, level_axes, to_levels
from ._layout import with_text_below
from ._plot import Plot
from ._shapes import ellipses
from ._theme import Bytes, dark_option, rgb, theme

ROOMY = 60
"""The largest number of components whose outlines are drawn at full strength; more are drawn fainter."""

ENOUGH = 100
"""The smallest number of samples whose histogram is shown: that of fewer is a comb."""

COVER = 1.2
"""Area of all dots, in areas of what there is to paint."""


@dataclass(frozen=True)
class Sampling(Renderer):
    """Component i is chosen with probability w_i and turns red; the sample drawn from it appears in blue.

    The first few samples are shown one at a time. Then each frame adds more of them, until the histogram of
    grey levels has the shape of the density, and the dots that of the picture.
    """

    name = "sampling"
    needs = {view: ("mixture", "sample") for view in ("levels", "ink", "colour")}

    slow: int = option(6, "samples that are shown one at a time", low=0, high=1000)
    fast: int = option(40, "frames for all other samples, each adding more of them", low=1, high=1000)
    samples: int | None = option(
        None,
        "total number of samples (null: 5000 for levels, 20000 for ink and colour)",
        low=10,
        high=1_000_000,
        formerly=("draws",),
    )
    seconds: float = option(
        0.6, "duration of a slow step, seconds; a fast one lasts a sixth of it", above=0, high=10
    )
    bins: int = option(64, "grey levels: bins of the histogram over 256 levels", low=1, high=256)
    size: int = option(560, "longer side of a frame, pixels", low=64, high=10_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Sample once, and show the samples from the first to the last."""
        mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` names mixture
        levels = study.image.view == "levels"
        total = max(self.samples or (5000 if levels else 20_000), self.slow + 1)
        chosen = rng.choice(mixture.n_components, size=total, p=mixture.weights)
        factors = np.linalg.cholesky(mixture.covariances)[chosen]
        noise = rng.standard_normal((total, mixture.dimension))
        values = mixture.means[chosen] + np.einsum("nij,nj->ni", factors, noise)
        # A step is (samples so far, whether the last is visible yet); the fast ones are spaced geometrically.
        steps = [(n, visible) for n in range(1, self.slow + 1) for visible in (False, True)]
        fast = np.unique(np.rint(np.geomspace(self.slow + 1, total, self.fast)).astype(int))
        steps += [(int(n), True) for n in fast]
        seconds = [self.seconds] * (2 * self.slow) + [self.seconds / 6] * (len(fast) - 1) + [5 * self.seconds]
        frames = (_histogram_frames if levels else _plane_frames)(self, study, chosen, values, steps)
        caption = (
            f"Sampling: {total:,} samples, each from a component (red) chosen with probability equal to its "
            "weight; the latest sample is blue."
            + (f" The first {self.slow} are shown one at a time." if self.slow else "")
        )
        counts = np.bincount(chosen, minlength=mixture.n_components)
        figures = {
            "samples": total,
            "most_chosen": int(counts.argmax()),
            "never_chosen": int((counts == 0).sum()),
        }
        return Picture(frames[-1], caption, figures, tuple(frames), tuple(seconds))


def _step_text(mixture: Any, component: int, n: int, slow: bool) -> str:
    if not slow:
        return f"{n:,} samples"
    weight = mixture.weights[component]
    return f"sample {n}: component {component + 1} of {mixture.n_components}, chosen with weight {weight:.3g}"


def _plane_frames(
    options: Sampling, study: Study, chosen: NDArray[np.intp], values: Floats, steps: list[tuple[int, bool]]
) -> list[Bytes]:
    """Ellipses over x and y; the samples accumulate as dots, in their own colours for a colour image."""
    mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` names mixture
    look, image = theme(options.dark), study.image
    panel = image.lattice.resized(options.size)
    background, faint, text, red, blue = map(
        rgb, (look.background, look.faint, look.text, look.highlight, look.accent)
    )
    centres, spread = mixture.means[:, :2] / panel.cell, mixture.covariances[:, :2, :2] / panel.cell**2
    diameter = _dot_diameter(study, panel.cell, len(values))
    paints = to_levels(values[:, 2:]) if image.view == "colour" else text[None]
    canvas = np.tile(background, (*panel.shape, 1))
    lines = background + min(1.0, (ROOMY / len(centres)) ** 0.5) * (faint - background)
    canvas = ellipses(canvas, centres, spread, 2.0, faint[None], 0.0, lines[None], 1.0)
    at, done, frames = values[:, :2] / panel.cell, 0, []
    for n, visible in steps:
        settled = n - 1  # the last sample is still blue
        new = slice(done, settled)
        canvas = dots(at[new], paints if len(paints) == 1 else paints[new], diameter, 0.85, canvas)
        done, k = settled, chosen[n - 1]
        frame = ellipses(canvas, centres[k : k + 1], spread[k : k + 1], 2.0, red[None], 0.35, red[None], 1.6)
        if visible:
            frame = dots(at[n - 1 : n], background[None], max(9.0, diameter + 5), 0.9, frame)
            frame = dots(at[n - 1 : n], blue[None], max(6.0, diameter + 2), 1.0, frame)
        step = _step_text(mixture, int(k), n, n <= options.slow)
        frames.append(with_text_below(np.rint(frame).astype(np.uint8), step, look))
    return frames


def _dot_diameter(study: Study, cell: float, samples: int) -> float:
    """The diameter of a dot, in cells of the panel."""
    image = study.image
    area = float(image.values.sum()) if image.view == "ink" else float(image.lattice.size)
    area *= (image.lattice.cell / cell) ** 2
    return float(np.clip(np.sqrt(4 / np.pi * COVER * area / samples), 1.2, 12))


def _histogram_frames(
    options: Sampling, study: Study, chosen: NDArray[np.intp], values: Floats, steps: list[tuple[int, bool]]
) -> list[Bytes]:
    """The weighted components over grey levels; the samples accumulate in a histogram."""
    mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` names mixture
    look, unit = theme(options.dark), options.size / 760
    plot = Plot(options.size, 470 * unit, look, unit)
    axes = plot.axes(74 * unit, 20 * unit, 664 * unit, 350 * unit)
    at = np.linspace(*RANGE, 4 * LEVELS + 1)
    terms = component_densities(mixture, at) * mixture.weights[:, None]
    top = 1.2 * float(terms.sum(axis=0).max())
    for term in terms:
        axes.plot(at, term, color=look.muted, lw=unit, ls=(0, (4, 2)), alpha=0.7)
    axes.plot(at, terms.sum(axis=0), color=look.muted, lw=1.4 * unit)
    level_axes(plot, axes, -0.05 * top, top)
    levels = values[:, 0] * LEVELS - 0.5
    moving = _MovingHistogram(plot, axes, (at, terms), np.linspace(*RANGE, options.bins + 1))
    texts = [_step_text(mixture, int(chosen[n - 1]), n, n <= options.slow) for n, _ in steps]
    states = [
        moving.state(levels[:n], int(chosen[n - 1]), visible, text)
        for (n, visible), text in zip(steps, texts, strict=True)
    ]
    return plot.frames(moving.artists, states)


class _MovingHistogram:
    """The parts of the plot that change from frame to frame."""

    def __init__(self, plot: Plot, axes: Any, curves: tuple[Floats, Floats], edges: Floats) -> None:
        look, unit = plot.theme, plot.unit
        (self.at, self.terms), self.edges = curves, edges
        self.low, self.high = axes.get_ylim()
        (self.bars,) = axes.fill([0, 0], [0, 0], color=look.accent, alpha=0.3, lw=0)
        (self.area,) = axes.fill([0, 0], [0, 0], color=look.highlight, alpha=0.25, lw=0)
        (self.curve,) = axes.plot([], [], color=look.highlight, lw=2.4 * unit)
        (self.rug,) = axes.plot([], [], "|", color=look.accent, ms=9 * unit, mew=unit, alpha=0.6)
        (self.last,) = axes.plot(
            [], [], "o", color=look.accent, mec=look.background, ms=10 * unit, mew=1.5 * unit
        )
        place: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 15 * unit}
        self.text = plot.figure.text(0.5, 14 / 470, "", color=look.text, **place)
        self.text.axes = axes  # `Plot.frames` draws artists through their axes, and this one has none
        self.artists = [self.bars, self.rug, self.area, self.curve, self.last, self.text]

    def state(self, levels: Floats, component: int, visible: bool, text: str) -> Callable[[], None]:
        """A function that shows the samples so far; the last one only if `visible`."""

        def change() -> None:
            shown = levels if visible else levels[:-1]
            self.bars.set_xy(self._outline(shown))
            term = self.terms[component]
            self.area.set_xy(np.column_stack((np.r_[self.at[0], self.at, self.at[-1]], np.r_[0, term, 0])))
            self.curve.set_data(self.at, term)
            ticks = shown[-400:]
            self.rug.set_data(ticks, np.full(len(ticks), 0.5 * self.low))
            self.last.set_data(levels[-1:] if visible else [], [0.0] if visible else [])
            self.text.set_text(text)

        return change

    def _outline(self, levels: Floats) -> Floats:
        """The outline of the histogram as a polygon, (2 bins + 2, 2); of too few samples, a point."""
        if len(levels) < ENOUGH:
            return np.zeros((2, 2))
        heights = np.histogram(levels, self.edges)[0] / (len(levels) * (self.edges[1] - self.edges[0]))
        tops = np.repeat(np.minimum(heights, self.high), 2)
        return np.column_stack((np.repeat(self.edges, 2), np.r_[0, tops, 0]))


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Sampling]
