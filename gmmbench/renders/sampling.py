"""How a mixture is sampled: a component is chosen, it draws, and the density emerges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Picture, Renderer, Study, hookimpl, option

from ._dots import dots, levels
from ._layout import below
from ._plot import Plot
from ._shapes import ellipses
from ._theme import Bytes, colour, theme

LEVELS = 256

ROOMY = 60
"""Components up to which the outlines of all are drawn in full; of more they fade."""

ENOUGH = 100
"""Draws from which on their histogram is shown: of fewer it is a comb."""

COVER = 1.2
"""Area of all dots in areas of what there is to paint."""


@dataclass(frozen=True)
class Sampling(Renderer):
    """Component i is chosen with probability w_i and lights up red; what it draws appears blue; and again.

    After a few draws, one by one, each frame adds more of them: the histogram of grey levels takes the
    shape of the density, the dots that of the picture.
    """

    name = "sampling"
    needs = {"levels": ("mixture",), "ink": ("mixture",), "colour": ("mixture",)}

    slow: int = option(6, "draws that are shown one by one", low=0, high=1000)
    fast: int = option(40, "frames in which the rest are drawn, more and more in each", low=1, high=1000)
    draws: int | None = option(
        None, "draws in all (null: 5000 of levels, 20000 of ink and colour)", low=10, high=1_000_000
    )
    seconds: float = option(
        0.6, "how long a slow step is shown, seconds; a fast one a sixth", above=0, high=10
    )
    bins: int = option(64, "of levels: bins of the histogram over 256 levels", low=1, high=256)
    size: int = option(560, "longer side of a frame, pixels", low=64, high=10_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw once, and show it from the first to the last."""
        mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` asks for it
        flat = study.image.view == "levels"
        total = max(self.draws or (5000 if flat else 20_000), self.slow + 1)
        which = rng.choice(mixture.n_components, size=total, p=mixture.weights)
        factors = np.linalg.cholesky(mixture.covariances)[which]
        noise = rng.standard_normal((total, mixture.dimension))
        values = mixture.means[which] + np.einsum("nij,nj->ni", factors, noise)
        # Steps: (draws so far, whether the last is shown yet), the fast ones spaced geometrically.
        steps = [(n, shown) for n in range(1, self.slow + 1) for shown in (False, True)]
        rest = np.unique(np.rint(np.geomspace(self.slow + 1, total, self.fast)).astype(int))
        steps += [(int(n), True) for n in rest]
        frames = (_levels if flat else _plane)(self, study, which, values, steps)
        shown = [self.seconds] * (2 * self.slow) + [self.seconds / 6] * (len(rest) - 1) + [5 * self.seconds]
        caption = (
            f"Sampling: {total:,} draws, each from a component that is chosen by its weight (red), the last "
            f"draw in blue; {self.slow} of them are shown one by one."
        )
        often = np.bincount(which, minlength=mixture.n_components)
        figures = {
            "draws": total,
            "most_chosen": int(often.argmax()),
            "never_chosen": int((often == 0).sum()),
        }
        return Picture(frames[-1], caption, figures, tuple(frames), tuple(shown))


def _told(mixture: Any, k: int, n: int, slow: bool) -> str:
    if slow:
        return (
            f"draw {n}: component {k + 1} of {mixture.n_components}, chosen with w = {mixture.weights[k]:.3g}"
        )
    return f"{n:,} draws"


def _plane(
    options: Sampling, study: Study, which: NDArray[np.intp], values: Floats, steps: list[tuple[int, bool]]
) -> list[Bytes]:
    """Ellipses over x and y; the draws gather as dots, of a colour image in their colours."""
    mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` asks for it
    look, image = theme(options.dark), study.image
    panel = image.lattice.resized(options.size)
    ground, faint, text, red, blue = (
        colour("", word) for word in (look.ground, look.faint, look.text, look.chosen, look.drawn)
    )
    places, spread = mixture.means[:, :2] / panel.cell, mixture.covariances[:, :2, :2] / panel.cell**2
    area = float(image.values.sum()) if image.view == "ink" else float(image.lattice.size)
    area *= (image.lattice.cell / panel.cell) ** 2
    diameter = float(np.clip(np.sqrt(4 / np.pi * COVER * area / len(values)), 1.2, 12))
    paints = levels(values[:, 2:]) if image.view == "colour" else text[None]
    canvas = np.tile(ground, (*panel.shape, 1))
    lines = ground + min(1.0, (ROOMY / len(places)) ** 0.5) * (faint - ground)
    canvas = ellipses(canvas, places, spread, 2.0, faint[None], 0.0, lines[None], 1.0)
    at, done, frames = values[:, :2] / panel.cell, 0, []
    for n, drawn in steps:
        settled = n - 1  # the last draw is still blue
        new = slice(done, settled)
        canvas = dots(at[new], paints if len(paints) == 1 else paints[new], diameter, 0.85, canvas)
        done, k = settled, which[n - 1]
        lit = ellipses(canvas, places[k : k + 1], spread[k : k + 1], 2.0, red[None], 0.35, red[None], 1.6)
        if drawn:
            lit = dots(at[n - 1 : n], ground[None], max(9.0, diameter + 5), 0.9, lit)
            lit = dots(at[n - 1 : n], blue[None], max(6.0, diameter + 2), 1.0, lit)
        words = _told(mixture, int(k), n, n <= options.slow)
        frames.append(below(np.rint(lit).astype(np.uint8), words, look))
    return frames


def _levels(
    options: Sampling, study: Study, which: NDArray[np.intp], values: Floats, steps: list[tuple[int, bool]]
) -> list[Bytes]:
    """The weighted components over grey levels; the draws gather in a histogram."""
    mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` asks for it
    look, unit = theme(options.dark), options.size / 760
    plot = Plot(options.size, 470 * unit, look, unit)
    axes = plot.axes(74 * unit, 20 * unit, 664 * unit, 350 * unit)
    at = np.linspace(-0.5, LEVELS - 0.5, 1025)
    mean, deviation = mixture.means[:, 0] * LEVELS - 0.5, np.sqrt(mixture.covariances[:, 0, 0]) * LEVELS
    parts = np.exp(-0.5 * ((at - mean[:, None]) / deviation[:, None]) ** 2)
    parts *= (mixture.weights / (np.sqrt(2 * np.pi) * deviation))[:, None]
    top = 1.2 * float(parts.sum(axis=0).max())
    for part in parts:
        axes.plot(at, part, color=look.soft, lw=unit, ls=(0, (4, 2)), alpha=0.7)
    axes.plot(at, parts.sum(axis=0), color=look.soft, lw=1.4 * unit)
    axes.set(xlim=(-0.5, LEVELS - 0.5), ylim=(-0.05 * top, top))
    axes.set_xticks(range(0, 257, 32))
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
    plot.label(axes, "grey level", "density per level")
    return plot.frames(*_moving(options, plot, axes, (at, parts), which, values, steps, mixture))


def _moving(
    options: Sampling,
    plot: Plot,
    axes: Any,
    curves: tuple[Floats, Floats],
    which: NDArray[np.intp],
    values: Floats,
    steps: list[tuple[int, bool]],
    mixture: Any,
) -> tuple[list[Any], list[Callable[[], None]]]:
    """What moves from frame to frame, and how."""
    (at, parts), look, unit = curves, plot.theme, plot.unit
    edges = np.linspace(-0.5, LEVELS - 0.5, options.bins + 1)
    low, high = axes.get_ylim()
    x = values[:, 0] * LEVELS - 0.5
    (bars,) = axes.fill([0, 0], [0, 0], color=look.drawn, alpha=0.3, lw=0)
    (area,) = axes.fill([0, 0], [0, 0], color=look.chosen, alpha=0.25, lw=0)
    (curve,) = axes.plot([], [], color=look.chosen, lw=2.4 * unit)
    (rug,) = axes.plot([], [], "|", color=look.drawn, ms=9 * unit, mew=unit, alpha=0.6)
    (last,) = axes.plot([], [], "o", color=look.drawn, mec=look.ground, ms=10 * unit, mew=1.5 * unit)
    words = plot.figure.text(0.5, 14 / 470, "", color=look.text, fontsize=15 * unit, ha="center", va="bottom")

    def state(n: int, drawn: bool) -> Callable[[], None]:
        def change() -> None:
            k, seen = int(which[n - 1]), x[: n if drawn else n - 1]
            outline = np.zeros((2, 2))
            if len(seen) >= ENOUGH:
                heights = np.histogram(seen, edges)[0] / (len(seen) * (edges[1] - edges[0]))
                steps_of = np.repeat(np.minimum(heights, high), 2)
                outline = np.column_stack((np.repeat(edges, 2), np.r_[0, steps_of, 0]))
            bars.set_xy(outline)
            area.set_xy(np.column_stack((np.r_[at[0], at, at[-1]], np.r_[0, parts[k], 0])))
            curve.set_data(at, parts[k])
            ticks = seen[-400:]
            rug.set_data(ticks, np.full(len(ticks), 0.5 * low))
            last.set_data([x[n - 1]] if drawn else [], [0.0] if drawn else [])
            words.set_text(_told(mixture, k, n, n <= options.slow))

        return change

    # The words belong to the figure, and are drawn by any axes.
    words.axes = axes
    return [bars, rug, area, curve, last, words], [state(n, drawn) for n, drawn in steps]


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Sampling]
