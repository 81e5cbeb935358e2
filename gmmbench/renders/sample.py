"""Pictures by sampling: panels of more and more draws from the fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._dots import dots, levels, shrink
from ._layout import table
from ._theme import MAPS, Bytes, colour, mapped, theme, turned

SMOOTH = 3
"""Cells along a pixel of the panel: dots are painted this much larger and averaged."""

LARGE_DOT = 16
"""Pixels of the panel from which on a dot is round enough without smoothing, which costs nine times more."""

Bools = NDArray[np.bool_]

COVER = 2.0
"""Area of the largest panel's dots in areas of the ink (of a colour image: of all of it). They overlap."""

LAYOUTS = ("row", "square", "staggered")

PALEST = 0.15
"""Where on a colour map the least dense dots are: lower, they would be lost on the ground."""


@dataclass(frozen=True)
class Sample(Renderer):
    """Draws from the fit as dots. A colour fit brings its own colours, clipped to what can be shown.

    The panels show the same draws, the larger ones more of them. Left to itself, a dot is as large as lets
    those of the largest panel have COVER times the area of what there is to paint.
    """

    name = "sample"
    needs = {"ink": ("sample",), "colour": ("sample",)}

    sizes: list[int] = option([5000, 20000, 40000], "draws in each panel", low=1, high=10_000_000)
    layout: str = option("row", "of the panels; staggered: every other row moved by half", choices=LAYOUTS)
    columns: int | None = option(None, "panels in a row (null: by the layout)", low=1, high=100)
    point_size: float | None = option(
        None, "diameter of a dot, pixels of the image (null: by the largest panel)", above=0, high=1000
    )
    alpha: float = option(0.7, "opacity of a dot", above=0, high=1)
    colours: str = option("plain", "of ink: plain, or a colour map of log density", choices=("plain", *MAPS))
    size: int | None = option(600, "longer side of a panel, pixels (null: as the image)", low=1, high=20_000)
    ink: str = option("#000000", "colour of the dots, of ink")
    paper: str = option("#ffffff", "colour below the dots")
    dark: bool = option(False, "a dark ground: ink and paper change places")

    def __post_init__(self) -> None:
        super().__post_init__()
        colour("ink", self.ink)
        colour("paper", self.paper)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw once, paint each panel."""
        fitted, image = study.fitted, study.image
        assert isinstance(fitted, Density)  # `needs` asks for sample
        # Some samplers return their draws component by component: any beginning must be a fair sample.
        draws = rng.permutation(fitted.sample(max(self.sizes), rng))
        inside = _within(draws[:, :2], image.lattice.box)
        clipped = inside & ~_within(draws[:, 2:], 1.0)
        diameter = self.point_size or self._diameter(study)
        painted = self._panels(study, draws, inside, diameter)
        outside = [int((~inside[:n]).sum()) for n in self.sizes]
        figures = {
            "sizes": list(self.sizes),
            "point_size": diameter,
            "outside": outside,
            "colour_clipped": [int(clipped[:n].sum()) for n in self.sizes],
        }
        caption = (
            f"Sample: {', '.join(f'{n:,}' for n in self.sizes)} draws from the fit, dots of "
            f"{diameter:.2g} px of the image at opacity {self.alpha:g}; of {len(draws):,} draws "
            f"{max(outside):,} fell outside."
        )
        if len(painted) == 1:
            return Picture(painted[0], caption, figures)
        labels = [f"{n:,} draws" for n in self.sizes]
        columns = self.columns or (min(3, len(painted)) if self.layout == "row" else ceil(sqrt(len(painted))))
        sheet = table(painted, labels, columns, theme(self.dark), self.layout == "staggered")
        return Picture(sheet, caption, figures)

    def _panels(self, study: Study, draws: Floats, inside: Bools, diameter: float) -> list[Bytes]:
        """A panel for each size; each is painted on, from the size before."""
        lattice = study.image.lattice
        panel = lattice.resized(self.size)
        smooth = SMOOTH if diameter * lattice.cell < LARGE_DOT * panel.cell else 1
        cell = panel.cell / smooth
        colours, paper = self._paints(study, draws)
        canvas = np.tile(paper, (panel.height * smooth, panel.width * smooth, 1))
        done, pictures = 0, {}
        for n in sorted(set(self.sizes)):
            new = done + np.flatnonzero(inside[done:n])
            own = colours if len(colours) == 1 else colours[new]
            canvas = dots(draws[new, :2] / cell, own, diameter * lattice.cell / cell, self.alpha, canvas)
            pictures[n] = shrink(canvas, smooth)
            done = n
        return [pictures[n] for n in self.sizes]

    def _paints(self, study: Study, draws: Floats) -> tuple[Floats, Floats]:
        """The colours of the dots, (n, 3) or (1, 3), and that of the ground."""
        ink, paper = colour("ink", self.ink), colour("paper", self.paper)
        ink, paper = (paper, ink) if self.dark else (ink, paper)
        if study.image.view == "colour":
            return levels(draws[:, 2:]), paper
        if self.colours == "plain":
            return ink[None], paper
        assert isinstance(study.fitted, Density)
        density = study.fitted.log_density(draws)
        low, high = np.percentile(density, (2, 98))
        share = PALEST + (1 - PALEST) * np.clip((density - low) / max(high - low, 1e-12), 0, 1)
        return mapped(share, turned(self.colours, self.dark)).astype(np.float64), paper

    def _diameter(self, study: Study) -> float:
        """The diameter of a dot in pixels of the image, where the user has not said it."""
        image = study.image
        area = float(image.values.sum()) if image.view == "ink" else float(image.lattice.size)
        return float(np.clip(np.sqrt(4 / np.pi * COVER * area / max(self.sizes)), 0.5, 100))


def _within(draws: Floats, box: float | tuple[float, float]) -> Bools:
    """Which draws lie within 0..box along every column; without columns, all."""
    return np.asarray(((draws >= 0) & (draws <= box)).all(axis=1))


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Sample]
