"""Samples from the fit as dots, in panels of growing sample size."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from gmmbench import Density, Floats, Picture, Renderer, Study, hookimpl, option

from ._dots import dots, shrink
from ._grey_levels import to_levels
from ._layout import listed, panels
from ._theme import (
    COLOUR_MAPS,
    Bytes,
    apply_map,
    ink_and_paper,
    ink_option,
    paper_option,
    swap_option,
    theme,
    themed_map,
)

SUPERSAMPLING = 3
"""Cells per pixel of the panel: dots are painted this much larger and averaged."""

LARGE_DOT = 16
"""Diameter, in pixels of the panel, from which a dot needs no supersampling, which costs nine times more."""

Bools = NDArray[np.bool_]

COVER = 2.0
"""Area of the dots of the largest panel, in areas of the ink (for a colour image: of the whole image)."""

LAYOUTS = ("row", "square", "staggered")

PALEST = 0.15
"""Position in a colour map of the least dense dots: any lower, and they would vanish in the background."""


@dataclass(frozen=True)
class Sample(Renderer):
    """Samples from the fit as dots. For a colour image they have sampled colours, clipped to 0..255.

    The panels show the same samples, the larger ones more of them. By default the size of the dots is such
    that those of the largest panel have COVER times the area to be painted.
    """

    name = "sample"
    needs = {"ink": ("sample",), "colour": ("sample",)}

    sizes: list[int] = option([5000, 20000, 40000], "samples in each panel", low=1, high=10_000_000)
    layout: str = option(
        "row",
        "arrangement of the panels; staggered: every other row shifted by half a panel",
        choices=LAYOUTS,
    )
    columns: int | None = option(None, "panels per row (null: by the layout)", low=1, high=100)
    point_size: float | None = option(
        None, "diameter of a dot, pixels of the image (null: by the largest panel)", above=0, high=1000
    )
    alpha: float = option(0.7, "opacity of a dot", above=0, high=1)
    colours: str = option(
        "plain", "ink images: plain, or a colour map of log density", choices=("plain", *COLOUR_MAPS)
    )
    size: int | None = option(600, "longer side of a panel, pixels (null: as the image)", low=1, high=20_000)
    ink: str = ink_option("colour of the dots (ink images)")
    paper: str = paper_option("colour behind the dots")
    dark: bool = swap_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        ink_and_paper(self)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Sample once and paint each panel."""
        fitted, image = study.fitted, study.image
        assert isinstance(fitted, Density)  # `needs` names sample
        # Some fits return samples sorted by component; after shuffling, the first n are a fair sample.
        samples = rng.permutation(fitted.sample(max(self.sizes), rng))
        inside = _within(samples[:, :2], image.lattice.box)
        clipped = inside & ~_within(samples[:, 2:], 1.0)
        diameter = self.point_size or self._diameter(study)
        pictures = self._panels(study, samples, inside, diameter)
        outside = [int((~inside[:n]).sum()) for n in self.sizes]
        figures = {
            "sizes": list(self.sizes),
            "point_size": diameter,
            "outside": outside,
            "colour_clipped": [int(clipped[:n].sum()) for n in self.sizes],
        }
        sizes = listed([f"{n:,}" for n in self.sizes])
        caption = (
            f"Sample: {sizes} samples from the fit, as dots of {diameter:.2g} image pixels at opacity "
            f"{self.alpha:g}; {max(outside):,} of {len(samples):,} samples fall outside the image."
        )
        if len(pictures) == 1:
            return Picture(pictures[0], caption, figures)
        labels = [f"{n:,} samples" for n in self.sizes]
        columns = self.columns or (
            min(3, len(pictures)) if self.layout == "row" else ceil(sqrt(len(pictures)))
        )
        sheet = panels(pictures, labels, columns, theme(self.dark), self.layout == "staggered")
        return Picture(sheet, caption, figures)

    def _panels(self, study: Study, samples: Floats, inside: Bools, diameter: float) -> list[Bytes]:
        """A panel for each size; each is painted on top of the next smaller one."""
        lattice = study.image.lattice
        panel = lattice.resized(self.size)
        fine = SUPERSAMPLING if diameter * lattice.cell < LARGE_DOT * panel.cell else 1
        cell = panel.cell / fine
        colours, paper = self._colours(study, samples)
        canvas = np.tile(paper, (panel.height * fine, panel.width * fine, 1))
        done, pictures = 0, {}
        for n in sorted(set(self.sizes)):
            new = done + np.flatnonzero(inside[done:n])
            paints = colours if len(colours) == 1 else colours[new]
            canvas = dots(samples[new, :2] / cell, paints, diameter * lattice.cell / cell, self.alpha, canvas)
            pictures[n] = shrink(canvas, fine)
            done = n
        return [pictures[n] for n in self.sizes]

    def _colours(self, study: Study, samples: Floats) -> tuple[Floats, Floats]:
        """The colours of the dots, (n, 3) or (1, 3), and of the background, (3,)."""
        ink, paper = ink_and_paper(self)
        if study.image.view == "colour":
            return to_levels(samples[:, 2:]), paper
        if self.colours == "plain":
            return ink[None], paper
        assert isinstance(study.fitted, Density)
        density = study.fitted.log_density(samples)
        low, high = np.percentile(density, (2, 98))
        share = PALEST + (1 - PALEST) * np.clip((density - low) / max(high - low, 1e-12), 0, 1)
        return apply_map(share, themed_map(self.colours, self.dark)).astype(np.float64), paper

    def _diameter(self, study: Study) -> float:
        """The default diameter of a dot, in pixels of the image."""
        image = study.image
        area = float(image.values.sum()) if image.view == "ink" else float(image.lattice.size)
        return float(np.clip(np.sqrt(4 / np.pi * COVER * area / max(self.sizes)), 0.5, 100))


def _within(samples: Floats, box: float | tuple[float, float]) -> Bools:
    """Which samples lie within 0..box in every column; all of them if there are no columns."""
    return np.asarray(((samples >= 0) & (samples <= box)).all(axis=1))


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Sample]
