"""An animation of the fit: the grid plot, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gmmbench import Density, Fitted, Floats, Picture, Renderer, Study, hookimpl, option

from ._layout import with_text_below
from ._theme import swap_option, theme
from ._tone_curve import MAPPINGS
from .grid import Grid

MOST_POINTS = 20_000
"""The largest number of points over which the log-likelihood of a frame is averaged."""


@dataclass(frozen=True)
class Evolution(Renderer):
    """The grid plot of the fit after each iteration, with its log-likelihood, as an animation.

    The log-likelihood is the mean over held-out points (over training points if none are held out), the
    same in every frame, in nats per point, with positions in pixels and levels 0..255.
    """

    name = "evolution"
    needs = {"ink": ("history", "log_ink"), "colour": ("history", "predict")}

    frames: int = option(30, "largest number of frames; further iterations are skipped", low=2, high=1000)
    mapping: str = option(
        "linear", "ink images: tone curve from scaled density to darkness, as for grid", choices=MAPPINGS
    )
    size: int = option(480, "longer side of a frame, pixels", low=16, high=10_000)
    seconds: float = option(
        0.2, "duration of a frame, seconds; the last lasts ten times longer", above=0, high=10
    )
    dark: bool = swap_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw a grid plot for each of the chosen iterations."""
        history = study.history
        chosen = np.unique(np.rint(np.linspace(0, len(history) - 1, self.frames)).astype(int))
        grid = Grid(size=self.size, mapping=self.mapping, dark=self.dark)
        points, weights = _points(study, rng)
        frames, reached, iterations = [], [], []
        for index in chosen:
            iteration, _, fitted = history[index]
            text = f"iteration {iteration}"
            value = _log_likelihood(study, fitted, points, weights)
            if value is not None:
                text += f": log-likelihood {value:.3f} nats per point"
            pixels = grid.render(replace(study, fitted=fitted), rng).pixels
            frames.append(with_text_below(pixels, text, theme(self.dark)))
            reached.append(value)
            iterations.append(iteration)
        seconds = (*(self.seconds for _ in frames[1:]), 10 * self.seconds)
        caption = f"Evolution: the grid plot after {len(frames)} of {iterations[-1]} iterations"
        if reached[-1] is not None:
            kind = "held-out" if study.split.tested.any() else "training"
            caption += (
                f"; the mean log-likelihood of {len(points):,} {kind} points goes from {reached[0]:.3f} to "
                f"{reached[-1]:.3f} nats"
            )
        figures = {"iterations": iterations, "log_likelihood": reached}
        return Picture(frames[-1], f"{caption}.", figures, tuple(frames), seconds)


def _points(study: Study, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Held-out points (n, d), or training points if none are held out, and their weights (n,)."""
    image, split = study.image, study.split
    chosen = (split.tested if split.tested.any() else split.trained).ravel()
    values = image.coordinates.reshape(image.lattice.size, -1)
    ink = image.view == "ink"
    indices = np.flatnonzero(chosen & (values[:, 0] > 0 if ink else True))
    if len(indices) > MOST_POINTS:
        indices = np.sort(rng.choice(indices, MOST_POINTS, replace=False))
    positions = image.lattice.coordinates(indices)
    if ink:
        return positions, values[indices, 0]
    return np.hstack((positions, values[indices])), np.ones(len(indices))


def _log_likelihood(study: Study, fitted: Fitted, points: Floats, weights: Floats) -> float | None:
    """The weighted mean of log p in nats, per pixel and level; None if the fit is not a density."""
    if not isinstance(fitted, Density) or not len(points):
        return None
    volume = 2 * np.log(study.image.lattice.cell) - (len(fitted.columns) - 2) * np.log(256)
    return float(np.average(fitted.log_density(points), weights=weights) + volume)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Evolution]
