"""Pictures by sampling: panels of more and more draws from the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, knob

from .canvas import Bytes, colour, dots, levels, panels, shrink

SMOOTH = 3
"""Cells along a pixel of the panel: dots are painted this much larger and averaged."""

LARGE_DOT = 16
"""Pixels of the panel from which on a dot is round enough without smoothing, which costs nine times more."""

Bools = NDArray[np.bool_]

COVER = 2.0
"""Area of the largest panel's dots in areas of the ink (of a colour image: of all of it). They overlap."""


@dataclass(frozen=True)
class Sample(Renderer):
    """Draws from the fit as dots. A colour fit brings its own colours, clipped to what can be shown.

    The panels show the same draws, the larger ones more of them. Left to itself, a dot is as large as lets
    those of the largest panel have COVER times the area of what there is to paint.
    """

    name = "sample"
    needs = {"ink": ("sample",), "colour": ("sample",)}

    sizes: list[int] = knob([5000, 20000, 40000], "draws in each panel", low=1, high=10_000_000)
    columns: int = knob(3, "panels in a row", low=1, high=100)
    point_size: float | None = knob(
        None, "diameter of a dot, pixels of the image (null: by the largest panel)", above=0, high=1000
    )
    alpha: float = knob(0.7, "opacity of a dot", above=0, high=1)
    size: int | None = knob(600, "longer side of a panel, pixels (null: as the image)", low=1, high=20_000)
    ink: str = knob("#000000", "colour of the dots, of ink")
    paper: str = knob("#ffffff", "colour below the dots")

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
        paper, ink = colour("paper", self.paper), colour("ink", self.ink)
        return Picture(panels(painted, labels, self.columns, paper, ink), caption, figures)

    def _panels(self, study: Study, draws: Floats, inside: Bools, diameter: float) -> list[Bytes]:
        """A panel for each size; each is painted on, from the size before."""
        lattice = study.image.lattice
        panel = lattice.resized(self.size)
        smooth = SMOOTH if diameter * lattice.cell < LARGE_DOT * panel.cell else 1
        cell = panel.cell / smooth
        colours = levels(draws[:, 2:]) if study.image.view == "colour" else colour("ink", self.ink)[None]
        canvas = np.tile(colour("paper", self.paper), (panel.height * smooth, panel.width * smooth, 1))
        done, pictures = 0, {}
        for n in sorted(set(self.sizes)):
            new = done + np.flatnonzero(inside[done:n])
            own = colours if len(colours) == 1 else colours[new]
            canvas = dots(draws[new, :2] / cell, own, diameter * lattice.cell / cell, self.alpha, canvas)
            pictures[n] = shrink(canvas, smooth)
            done = n
        return [pictures[n] for n in self.sizes]

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
