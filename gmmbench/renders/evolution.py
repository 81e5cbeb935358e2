"""The picture as the fit learns it, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gmmbench import Density, Fitted, Floats, Picture, Renderer, Study, hookimpl, option

from ._layout import below
from ._theme import theme
from ._tone_curve import MAPPINGS
from .grid import Grid

TRAIN, TEST = 0, 2
"""The codes of training and held-out pixels in a split."""

ASKED = 20_000
"""Pixels of which the log-likelihood of a frame is the mean, at most."""


@dataclass(frozen=True)
class Evolution(Renderer):
    """The grid plot of the fit as it was after each iteration, with its log-likelihood: an animation.

    The log-likelihood is that of held-out points (of training points where nothing is held out), the same
    ones in every frame, in nats per point, with positions in pixels and levels 0..255.
    """

    name = "evolution"
    needs = {"ink": ("history", "log_ink"), "colour": ("history", "predict")}

    frames: int = option(30, "frames at most; iterations between them are left out", low=2, high=1000)
    mapping: str = option("linear", "of ink: from scaled density to darkness, as of grid", choices=MAPPINGS)
    size: int = option(480, "longer side of a frame, pixels", low=16, high=10_000)
    seconds: float = option(
        0.2, "how long a frame is shown, seconds; the last one ten times", above=0, high=10
    )
    dark: bool = option(False, "a dark ground: ink and paper change places")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint a grid for each iteration that is kept."""
        history = study.history
        chosen = np.unique(np.rint(np.linspace(0, len(history) - 1, self.frames)).astype(int))
        grid = Grid(size=self.size, mapping=self.mapping, dark=self.dark)
        points, weights = _points(study, rng)
        frames, reached, iterations = [], [], []
        for index in chosen:
            iteration, _, fitted = history[index]
            words = f"iteration {iteration}"
            value = _log_likelihood(study, fitted, points, weights)
            if value is not None:
                words += f"   {value:.3f} nats per point"
            pixels = grid.render(replace(study, fitted=fitted), rng).pixels
            frames.append(below(pixels, words, theme(self.dark)))
            reached.append(value)
            iterations.append(iteration)
        shown = (*(self.seconds for _ in frames[1:]), 10 * self.seconds)
        caption = (
            f"Evolution: {len(frames)} of {iterations[-1]} iterations, as grid plots, with the mean "
            f"log-likelihood of {len(points):,} points"
            + (f", from {reached[0]:.3f} to {reached[-1]:.3f} nats." if reached[-1] is not None else ".")
        )
        figures = {"iterations": iterations, "log_likelihood": reached}
        return Picture(frames[-1], caption, figures, tuple(frames), shown)


def _points(study: Study, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Held-out points (n, d), or training points where there are none, and their weights (n,)."""
    image, codes = study.image, study.split.codes.ravel()
    code = TEST if (codes == TEST).any() else TRAIN
    values = image.coordinates.reshape(image.lattice.size, -1)
    ink = image.view == "ink"
    where = np.flatnonzero((codes == code) & (values[:, 0] > 0 if ink else True))
    if len(where) > ASKED:
        where = np.sort(rng.choice(where, ASKED, replace=False))
    places = image.lattice.coordinates(where)
    if ink:
        return places, values[where, 0]
    return np.hstack((places, values[where])), np.ones(len(where))


def _log_likelihood(study: Study, fitted: Fitted, points: Floats, weights: Floats) -> float | None:
    """The weighted mean of log p in nats, per pixel and level; None where there is no density."""
    if not isinstance(fitted, Density) or not len(points):
        return None
    volume = 2 * np.log(study.image.lattice.cell) - (len(fitted.columns) - 2) * np.log(256)
    return float(np.average(fitted.log_density(points), weights=weights) + volume)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Evolution]
