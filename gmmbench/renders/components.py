"""The components of a mixture as ellipses: of ink coloured by weight, of colour in their own colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Picture, Renderer, Study, hookimpl, option

from ._dots import levels
from ._layout import with_bar
from ._shapes import ellipses
from ._theme import MAPS, colour, mapped, theme, turned


@dataclass(frozen=True)
class Components(Renderer):
    """The ellipse of each Gaussian over x and y at so many standard deviations, the large ones below.

    Of ink, its colour is its weight; of a colour image its mean colour: a stained-glass portrait.
    """

    name = "components"
    needs = {"ink": ("mixture",), "colour": ("mixture",)}

    deviations: float = option(2.0, "size of an ellipse, standard deviations", above=0, high=10)
    alpha: float | None = option(None, "opacity (null: 0.6 of ink, 1 of colour)", low=0, high=1)
    outline: float = option(1.0, "width of the outlines, pixels (0: none)", low=0, high=50)
    colours: str = option(
        "viridis_r", "of ink: colour map of the weights (dark turns it round)", choices=MAPS
    )
    size: int = option(900, "longer side of the picture without its bar, pixels", low=1, high=20_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the ellipses."""
        mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` asks for it
        lattice, look = study.image.lattice, theme(self.dark)
        panel = lattice.resized(self.size)
        ink = study.image.view == "ink"
        used = np.flatnonzero(mixture.weights > 0)
        places, spread = mixture.means[used, :2] / panel.cell, mixture.covariances[used, :2, :2]
        order = np.argsort(-np.linalg.det(spread), kind="stable")
        spread = spread[order] / panel.cell**2
        weights = mixture.weights[used][order]
        ends = (0.0, float(np.percentile(weights, 98)) if len(weights) > 50 else float(weights.max()))
        name = turned(self.colours, self.dark)
        if ink:
            fills = mapped(weights / ends[1], name).astype(np.float64)
            lines = fills + 0.35 * (colour("text", look.text) - fills)
        else:
            fills = levels(mixture.means[used, 2:][order])
            lines = 0.35 * fills  # leads between the panes
        alpha = self.alpha if self.alpha is not None else (0.6 if ink else 1.0)
        canvas = np.tile(colour("ground", look.ground), (*panel.shape, 1))
        width = self.outline * self.size / 900
        painted = ellipses(
            canvas, places[order], spread, self.deviations, fills, alpha, lines if width else None, width
        )
        pixels = np.rint(painted).astype(np.uint8)
        if ink:
            pixels = with_bar(pixels, name, ends, "weight", look)
        what = "coloured by weight" if ink else "in their mean colours"
        caption = (
            f"Components: {len(used):,} Gaussians, each out to {self.deviations:g} of its standard "
            f"deviations, {what}, the large ones below."
        )
        figures = {"components": len(used), "largest_weight": float(weights.max())}
        return Picture(pixels, caption, figures)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Components]
