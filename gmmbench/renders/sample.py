"""Pictures by sampling: panels of more and more draws from the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, knob

from .canvas import Bytes, colour, dots, panels, shrink

SMOOTH = 3
"""Cells along a pixel of the panel: dots are painted this much larger and averaged."""


@dataclass(frozen=True)
class Sample(Renderer):
    """Draws from the fit as dots. A colour fit brings its own colours, clipped to what can be shown.

    The panels show the same draws, the larger ones more of them.
    """

    name = "sample"
    needs = {"ink": ("sample",), "colour": ("sample",)}

    sizes: list[int] = knob([5000, 20000, 80000], "draws in each panel", low=1, high=50_000_000)
    columns: int = knob(3, "panels in a row", low=1, high=100)
    point_size: float = knob(1.5, "diameter of a dot, pixels of the image", above=0, high=1000)
    alpha: float = knob(0.7, "opacity of a dot", above=0, high=1)
    size: int | None = knob(None, "longer side of a panel, pixels (null: as the image)", low=1, high=20_000)
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
        draws = fitted.sample(max(self.sizes), rng)
        width, height = image.lattice.box
        inside = ((draws[:, :2] >= 0) & (draws[:, :2] < (width, height))).all(axis=1)
        paper, ink = colour("paper", self.paper), colour("ink", self.ink)
        colours = np.clip(256 * draws[:, 2:] - 0.5, 0, 255) if image.view == "colour" else None
        pictures = [
            self._panel(study, draws[:n], None if colours is None else colours[:n]) for n in self.sizes
        ]
        label = [f"{n:,} draws" for n in self.sizes]
        outside = len(draws) - int(inside.sum())
        figures = {
            "sizes": list(self.sizes),
            "outside": outside,
            "mean": dict(zip(fitted.columns, draws.mean(axis=0).tolist(), strict=True)),
        }
        caption = (
            f"Sample: {', '.join(f'{n:,}' for n in self.sizes)} draws from the fit, dots of "
            f"{self.point_size:g} px at opacity {self.alpha:g}; {outside:,} of {len(draws):,} fell outside."
        )
        if len(pictures) == 1:
            return Picture(pictures[0], caption, figures)
        return Picture(panels(pictures, label, self.columns, paper, ink), caption, figures)

    def _panel(self, study: Study, draws: Floats, colours: Floats | None) -> Bytes:
        lattice = study.image.lattice
        panel = lattice.resized(self.size)
        cell = panel.cell / SMOOTH
        painted = dots(
            draws[:, :2] / cell,
            colour("ink", self.ink)[None] if colours is None else colours,
            (panel.height * SMOOTH, panel.width * SMOOTH),
            self.point_size * lattice.cell / cell,
            self.alpha,
            colour("paper", self.paper),
        )
        return shrink(painted, SMOOTH)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Sample]
