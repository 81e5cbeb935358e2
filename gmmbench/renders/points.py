"""The training data as such: a dot for each pixel that a model learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Floats, Picture, Renderer, Study, hookimpl, option

from ._dots import dots, shrink
from ._layout import resized
from ._theme import colour, theme

SMOOTH = 2
"""Cells along a pixel of the picture, about. A pixel of the image is a whole number of them: regular dots
would beat against the picture's pixels."""

TRAIN = 0
"""The code of a training pixel in a split."""


@dataclass(frozen=True)
class Points(Renderer):
    """The points that are fitted: of ink the coordinates of inked pixels, of colour those of all, coloured.

    Pixels that are kept from the fit are shown lightly, or not at all.
    """

    name = "points"
    needs = {"ink": (), "colour": ()}

    point_size: float = option(1.0, "diameter of a dot, pixels of the image", above=0, high=100)
    held_out: float = option(0.3, "opacity of the pixels that are kept from the fit", low=0, high=1)
    size: int = option(1000, "longer side of the picture, pixels", low=1, high=20_000)
    ink: str = option("#000000", "colour of the dots, of ink")
    paper: str = option("#ffffff", "colour below the dots")
    dark: bool = option(False, "a dark ground: ink and paper change places")

    def __post_init__(self) -> None:
        super().__post_init__()
        colour("ink", self.ink)
        colour("paper", self.paper)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the dots, those kept from the fit below."""
        image, lattice = study.image, study.image.lattice
        panel = lattice.resized(self.size)
        fine = max(1, round(SMOOTH * max(panel.shape) / max(lattice.shape)))
        cell = lattice.cell / fine
        ink, paper = colour("ink", self.ink), colour("paper", self.paper)
        ink, paper = (paper, ink) if self.dark else (ink, paper)
        trained = (study.split.codes == TRAIN).ravel()
        values = image.values.reshape(lattice.size, -1).astype(np.float64)
        there = values[:, 0] > 0 if image.view == "ink" else np.ones(lattice.size, dtype=bool)
        canvas = np.tile(paper, (lattice.height * fine, lattice.width * fine, 1))
        held = colour("ink", theme(self.dark).marks[1])
        for chosen, opacity in ((there & ~trained, self.held_out), (there & trained, 1.0)):
            where = np.flatnonzero(chosen)
            if not len(where) or not opacity:
                continue
            if image.view == "colour":
                paints = paper + opacity * (values[where] - paper)
            else:  # soft ink is as faint as there is little of it
                base = ink if opacity == 1.0 else held
                paints = paper + opacity * values[where] * (base - paper)
                if (paints == paints[0]).all():
                    paints = paints[:1]
            places: Floats = lattice.coordinates(where) / cell
            canvas = dots(places, paints, self.point_size * lattice.cell / cell, 1.0, canvas)
        counts = {"training": int((there & trained).sum()), "kept": int((there & ~trained).sum())}
        what = "inked pixels" if image.view == "ink" else "pixels, each with its colour"
        caption = (
            f"Points: the data, {counts['training']:,} {what}; {counts['kept']:,} kept from the fit "
            f"{'are shown lightly' if self.held_out else 'are left out'}."
        )
        whole = (panel.height * SMOOTH, panel.width * SMOOTH) == canvas.shape[:2]
        smooth = shrink(canvas, SMOOTH) if whole else resized(np.rint(canvas).astype(np.uint8), *panel.shape)
        return Picture(smooth, caption, counts)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Points]
