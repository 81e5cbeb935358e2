"""The training data: a dot for each pixel that the model is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Lattice, Picture, Renderer, Study, hookimpl, option

from ._dots import dots, shrink
from ._layout import resize
from ._theme import Bytes, ink_and_paper, ink_option, paper_option, rgb, swap_option, theme

SUPERSAMPLING = 2
"""Cells per pixel of the picture, about. A pixel of the image is a whole number of cells: otherwise the
regular dots and the pixels of the picture would give a moire pattern."""


@dataclass(frozen=True)
class Points(Renderer):
    """The points that are fitted: the inked pixels of an ink image, or all pixels in their colours.

    Pixels withheld from the fit are drawn faintly, or not at all.
    """

    name = "points"
    needs = {"ink": (), "colour": ()}

    point_size: float = option(1.0, "diameter of a dot, pixels of the image", above=0, high=100)
    held_out: float = option(0.3, "opacity of the pixels withheld from the fit (0: not drawn)", low=0, high=1)
    size: int = option(1000, "longer side of the picture, pixels", low=1, high=20_000)
    ink: str = ink_option("colour of the dots (ink images)")
    paper: str = paper_option("colour behind the dots")
    dark: bool = swap_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        ink_and_paper(self)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the withheld pixels first and the training pixels over them."""
        image, lattice = study.image, study.image.lattice
        panel = lattice.resized(self.size)
        fine = max(1, round(SUPERSAMPLING * max(panel.shape) / max(lattice.shape)))
        ink, paper = ink_and_paper(self)
        data = (
            np.asarray(image.values > 0).ravel() if image.view == "ink" else np.ones(lattice.size, dtype=bool)
        )
        trained = study.split.trained.ravel()
        withheld_ink = ink if self.held_out == 1 else rgb(theme(self.dark).series[1])
        canvas = np.tile(paper, (lattice.height * fine, lattice.width * fine, 1))
        for chosen, opacity, colour in (
            (data & ~trained, self.held_out, withheld_ink),
            (data & trained, 1.0, ink),
        ):
            if opacity and chosen.any():
                canvas = self._paint(study, canvas, np.flatnonzero(chosen), opacity, colour, paper)
        training, withheld = int((data & trained).sum()), int((data & ~trained).sum())
        caption = self._caption(image.view, training, withheld)
        counts = {"training": training, "withheld": withheld}
        return Picture(_scaled_down(canvas, panel), caption, counts)

    def _paint(
        self,
        study: Study,
        canvas: Floats,
        pixels: NDArray[np.intp],
        opacity: float,
        colour: Floats,
        paper: Floats,
    ) -> Floats:
        """Paint a dot for each of the pixels (n,) of the image."""
        image, lattice = study.image, study.image.lattice
        values = image.values.reshape(lattice.size, -1)[pixels].astype(np.float64)
        if image.view == "colour":
            paints = paper + opacity * (values - paper)
        else:  # soft ink is painted fainter
            paints = paper + opacity * values * (colour - paper)
            if (paints == paints[0]).all():
                paints = paints[:1]
        cell = lattice.cell / (canvas.shape[0] // lattice.height)
        centres: Floats = lattice.coordinates(pixels) / cell
        return dots(centres, paints, self.point_size * lattice.cell / cell, 1.0, canvas)

    def _caption(self, view: str, training: int, withheld: int) -> str:
        what = "with ink" if view == "ink" else "in their colours"
        caption = f"Points: {training:,} training pixels {what}"
        if not withheld:
            return f"{caption}."
        how = "are drawn faintly" if self.held_out else "are not drawn"
        return f"{caption}; {withheld:,} more, withheld from the fit, {how}."


def _scaled_down(canvas: Floats, panel: Lattice) -> Bytes:
    """The canvas at the size of the panel."""
    if (panel.height * SUPERSAMPLING, panel.width * SUPERSAMPLING) == canvas.shape[:2]:
        return shrink(canvas, SUPERSAMPLING)
    return resize(np.rint(canvas).astype(np.uint8), *panel.shape)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Points]
