"""The grid plot: each position painted by what the fit says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Floats, Picture, Predictor, Refused, Renderer, Study, hookimpl, knob

from .canvas import asked, blend, colour, levels

MAPPINGS = ("linear", "piecewise", "gamma", "log", "quantile")
SCALES = ("ink", "peak")


@dataclass(frozen=True)
class Grid(Renderer):
    """Ink: the density scaled to [0, 1] and mapped to darkness. Colour: E[r, g, b | x, y].

    What scales to 1 is a pixel that is expected to be full of ink (scale=ink: n p(x) cell^2 for a density,
    P(ink) for a classifier, so that the two can be compared), or the density that only the darkest ink
    exceeds (scale=peak). The mapping takes that to darkness: linear; piecewise, through the knots; gamma,
    to a power; log, falling to nothing `decades` powers of ten below 1; quantile, the share of the mass
    at positions that are no denser.
    """

    name = "grid"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}

    mapping: str = knob("linear", "from scaled density to darkness", choices=MAPPINGS)
    scale: str = knob("ink", "what is black: a pixel expected full of ink, or the peak", choices=SCALES)
    peak: float = knob(
        95.0, "of scale=peak: percent of the ink at or below the density drawn black", above=0, high=100
    )
    knots: list[list[float]] = knob(
        [[0, 0], [0.05, 0.35], [0.4, 0.85], [1, 1]], "of piecewise: [scaled density, darkness]", low=0, high=1
    )
    gamma: float = knob(0.5, "of gamma: the power; below 1 lifts what is faint", above=0, high=10)
    decades: float = knob(2.0, "of log: how many powers of ten are shown", above=0, high=100)
    size: int | None = knob(
        None, "longer side of the picture, pixels (null: as the image)", low=1, high=20_000
    )
    ink: str = knob("#000000", "colour of the densest places, of ink")
    paper: str = knob("#ffffff", "colour of the empty places, of ink")

    def __post_init__(self) -> None:
        super().__post_init__()
        colour("ink", self.ink)
        colour("paper", self.paper)
        rising = len(self.knots) > 1 and all(len(knot) == 2 for knot in self.knots)
        if rising:
            density, darkness = np.diff(self.knots, axis=0).T
            rising = bool((density > 0).all() and (darkness >= 0).all())
        if not rising:
            raise Refused(
                "knots: expected two or more pairs [density, darkness], densities rising and darkness not "
                f"falling, got {self.knots}; try [[0,0],[0.1,0.6],[1,1]]"
            )

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the grid."""
        if study.image.view == "colour":
            return self._colour(study)
        lattice = study.image.lattice.resized(self.size)
        ink = np.exp(asked(study.log_ink, lattice))
        top = _peak(ink, self.peak) if self.scale == "peak" else 1.0
        darkness = self.map(np.clip(ink / top, 0, 1))
        figures = {
            "black_at_ink_per_pixel": top,
            "most_ink_per_pixel": float(ink.max()),
            "share_of_pixels_clipped": float((ink > top).mean()),
            "mean_darkness": float(darkness.mean()),
        }
        what = "the density" if "log_density" in study.answers() else "P(ink)"
        caption = (
            f"Grid: {what} at each of {lattice.width} x {lattice.height} positions, {self._words()}; "
            f"black where {top:.3g} or more ink is expected in a pixel."
        )
        pixels = blend(darkness, colour("paper", self.paper), colour("ink", self.ink))
        return Picture(pixels, caption, figures)

    def map(self, scaled: Floats) -> Floats:
        """Scaled density in 0..1 to darkness in 0..1, of the same shape."""
        if self.mapping == "piecewise":
            densities, darkness = np.array(self.knots, dtype=np.float64).T
            return np.interp(scaled, densities, darkness)
        if self.mapping == "gamma":
            return scaled**self.gamma
        if self.mapping == "log":
            with np.errstate(divide="ignore"):
                return np.clip(1 + np.log10(scaled) / self.decades, 0, 1)
        if self.mapping == "quantile":
            return _share_below(scaled)
        return scaled

    def _colour(self, study: Study) -> Picture:
        fitted = study.fitted
        assert isinstance(fitted, Predictor)  # `needs` asks for predict
        lattice = study.image.lattice.resized(self.size)
        shown = np.rint(levels(asked(fitted.predict, lattice)))
        caption = (
            f"Grid: the expected colour E[r, g, b | x, y] at each of {lattice.width} x {lattice.height} "
            "positions."
        )
        means = dict(zip("rgb", shown.reshape(-1, 3).mean(axis=0).tolist(), strict=True))
        return Picture(shown.astype(np.uint8), caption, {"mean_level": means})

    def _words(self) -> str:
        return {
            "linear": "linear in the density",
            "piecewise": f"through the knots {self.knots}",
            "gamma": f"to the power {self.gamma:g}",
            "log": f"logarithmic over {self.decades:g} powers of ten",
            "quantile": "by the share of the mass that is no denser",
        }[self.mapping]


def _peak(ink: Floats, percent: float) -> float:
    """The density at or below which so many percent of the ink lie.

    Of the ink, not of the positions: most of a drawing is paper, and a percentile of the positions would
    be a density of the paper's.
    """
    values = np.sort(ink, axis=None)
    share = np.cumsum(values)
    place = int(np.searchsorted(share, percent / 100 * share[-1]))
    top = float(values[min(place, len(values) - 1)])
    return top if top > 0 else 1.0


def _share_below(scaled: Floats) -> Floats:
    """The share of the mass at positions no denser than each: equal densities get equal shares."""
    values, place = np.unique(scaled, return_inverse=True)
    mass = np.bincount(place.ravel(), scaled.ravel())
    total = mass.sum()
    share = np.cumsum(mass) / total if total > 0 else np.zeros(len(values))
    return share[place].reshape(scaled.shape)


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Grid]
