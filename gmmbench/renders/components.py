"""The components of a mixture as ellipses: coloured by weight for ink, in their mean colours for colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Floats, Picture, Renderer, Study, hookimpl, option

from ._grey_levels import to_levels
from ._layout import with_colour_bar
from ._shapes import ellipses
from ._theme import COLOUR_MAPS, apply_map, dark_option, rgb, theme, themed_map


@dataclass(frozen=True)
class Components(Renderer):
    """The ellipse of each Gaussian over x and y, at a number of standard deviations, largest at the back.

    An ellipse is coloured by the weight of its component for an ink image, and in the component's mean
    colour for a colour image.
    """

    name = "components"
    needs = {"ink": ("mixture",), "colour": ("mixture",)}

    deviations: float = option(2.0, "size of an ellipse, standard deviations", above=0, high=10)
    alpha: float | None = option(None, "opacity (null: 0.6 for ink, 1 for colour)", low=0, high=1)
    outline: float = option(1.0, "width of the outlines, pixels (0: none)", low=0, high=50)
    colours: str = option(
        "viridis_r", "ink images: colour map of the weights (reversed if dark)", choices=COLOUR_MAPS
    )
    size: int = option(900, "longer side of the picture without its colour bar, pixels", low=1, high=20_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the ellipses."""
        mixture: Any = study.fitted.mixture  # type: ignore[attr-defined]  # `needs` names mixture
        look, panel = theme(self.dark), study.image.lattice.resized(self.size)
        ink = study.image.view == "ink"
        order = _largest_first(mixture)
        weights = mixture.weights[order]
        top = float(np.percentile(weights, 98)) if len(weights) > 50 else float(weights.max())
        colour_map = themed_map(self.colours, self.dark)
        fills, lines = self._colours(mixture, order, weights / top, colour_map, ink)
        alpha = self.alpha if self.alpha is not None else (0.6 if ink else 1.0)
        width = self.outline * self.size / 900
        painted = ellipses(
            np.tile(rgb(look.background), (*panel.shape, 1)),
            mixture.means[order, :2] / panel.cell,
            mixture.covariances[order, :2, :2] / panel.cell**2,
            self.deviations,
            fills,
            alpha,
            lines if width else None,
            width,
        )
        pixels = np.rint(painted).astype(np.uint8)
        if ink:
            pixels = with_colour_bar(pixels, colour_map, (0.0, top), "weight", look)
        caption = (
            f"Components: {len(order):,} Gaussians as ellipses at {self.deviations:g} standard deviations, "
            f"{'coloured by weight' if ink else 'in their mean colours'}, the largest at the back."
        )
        return Picture(pixels, caption, {"components": len(order), "largest_weight": float(weights.max())})

    def _colours(
        self, mixture: Any, order: Floats, share: Floats, colour_map: str, ink: bool
    ) -> tuple[Floats, Floats]:
        """The colours of the ellipses and of their outlines, (K, 3) each."""
        if not ink:
            fills = to_levels(mixture.means[order, 2:])
            return fills, 0.35 * fills
        fills = apply_map(share, colour_map).astype(np.float64)
        return fills, fills + 0.35 * (rgb(theme(self.dark).text) - fills)


def _largest_first(mixture: Any) -> Any:
    """The indices of the components with positive weight, in descending order of their area."""
    used = np.flatnonzero(mixture.weights > 0)
    area = np.linalg.det(mixture.covariances[used, :2, :2])
    return used[np.argsort(-area, kind="stable")]


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Components]
