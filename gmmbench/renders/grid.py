"""The grid plot: each position painted by what the fit says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Floats, Picture, Predictor, Renderer, Study, hookimpl, option

from ._dots import asked, blend, levels
from ._layout import with_bar
from ._theme import MAPS, Bytes, colour, mapped, theme, turned
from ._tone_curve import MAPPINGS, Mapping, drawn_beside

SCALES = ("ink", "peak")

SHOWN = ("mean", "mode", "variance", "entropy")

UNSEEN = 0.5
"""Percent of the positions at either end of a map of variance or entropy that its colours do not follow."""


@dataclass(frozen=True)
class Grid(Renderer):
    """Ink: the density scaled to [0, 1] and mapped to darkness. Colour: E[r, g, b | x, y], or more of it.

    What scales to 1 is a pixel that is expected to be full of ink (scale=ink: n p(x) cell^2 for a density,
    P(ink) for a classifier, so that the two can be compared), or the density that only the darkest ink
    exceeds (scale=peak). The mapping takes that to darkness: linear; piecewise, through the knots; gamma,
    to a power; log, falling to nothing `decades` powers of ten below 1; quantile, the share of the mass
    at positions that are no denser.

    Of a colour image the conditional's mean is shown, its mode, the root of its variance (the mean of the
    three channels'), or its entropy in bits a channel, where a channel that is evenly spread has 8.
    """

    name = "grid"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}

    mapping: str = option("linear", "from scaled density to darkness", choices=MAPPINGS)
    scale: str = option("ink", "what is black: a pixel expected full of ink, or the peak", choices=SCALES)
    peak: float = option(
        95.0, "of scale=peak: percent of the ink at or below the density drawn black", above=0, high=100
    )
    knots: list[list[float]] = option(
        [[0, 0], [0.05, 0.35], [0.4, 0.85], [1, 1]], "of piecewise: [scaled density, darkness]", low=0, high=1
    )
    gamma: float = option(0.5, "of gamma: the power; below 1 lifts what is faint", above=0, high=10)
    decades: float = option(2.0, "of log: how many powers of ten are shown", above=0, high=100)
    show_map: bool = option(False, "of ink: draw the mapping beside the picture")
    show: str = option("mean", "of the conditional law of colour", choices=SHOWN)
    colours: str = option("cividis", "colour map of variance and entropy", choices=MAPS)
    size: int | None = option(
        None, "longer side of the picture, pixels (null: as the image)", low=1, high=20_000
    )
    ink: str = option("#000000", "colour of the densest places, of ink")
    paper: str = option("#ffffff", "colour of the empty places, of ink")
    dark: bool = option(False, "a dark ground: ink and paper change places")

    def __post_init__(self) -> None:
        super().__post_init__()
        colour("ink", self.ink)
        colour("paper", self.paper)
        self.map()

    def cannot(self, study: Study) -> str | None:
        """As every renderer, and where more than the mean is asked of a fit that knows the mean alone."""
        reason = super().cannot(study)
        if reason or self.show == "mean":
            return reason
        if study.image.view == "ink":
            return f"grid shows the {self.show} of colours, this image is seen as ink"
        if knows_law(study):
            return None
        return f"grid asks for a law of colour to show its {self.show}, and this fit knows the mean alone"

    def map(self) -> Mapping:
        """The mapping that the options say. Raises Refused for knots that do not rise."""
        return Mapping(self.mapping, self.knots, self.gamma, self.decades)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the grid."""
        if study.image.view == "colour":
            return self._colour(study) if self.show in ("mean", "mode") else self._spread(study)
        lattice = study.image.lattice.resized(self.size)
        ink = np.exp(asked(study.log_ink, lattice))
        top = _peak(ink, self.peak) if self.scale == "peak" else 1.0
        scaled = np.clip(ink / top, 0, 1)
        darkness = self.map()(scaled)
        figures = {
            "black_at_ink_per_pixel": top,
            "most_ink_per_pixel": float(ink.max()),
            "share_of_pixels_clipped": float((ink > top).mean()),
            "mean_darkness": float(darkness.mean()),
        }
        what = "the density" if "log_density" in study.answers() else "P(ink)"
        caption = (
            f"Grid: {what} at each of {lattice.width} x {lattice.height} positions, {self.map().words()}; "
            f"black where {top:.3g} or more ink is expected in a pixel."
        )
        paper, black = colour("paper", self.paper), colour("ink", self.ink)
        pixels = blend(darkness, *((black, paper) if self.dark else (paper, black)))
        if self.show_map:
            pixels = drawn_beside(
                pixels, self.map(), scaled, theme(self.dark), self.ink if self.dark else self.paper
            )
            caption = caption[:-1] + "; the map stands beside it."
        return Picture(pixels, caption, figures)

    def _colour(self, study: Study) -> Picture:
        from ._conditional import mode, over

        fitted = study.fitted
        assert isinstance(fitted, Predictor)  # `needs` asks for predict
        lattice = study.image.lattice.resized(self.size)
        mean = self.show == "mean"
        answer = asked(fitted.predict, lattice) if mean else over(lattice, fitted, mode)
        shown = np.rint(levels(answer))
        what = "the expected colour E[r, g, b | x, y]" if mean else "the most probable colour given x, y"
        caption = f"Grid: {what} at each of {lattice.width} x {lattice.height} positions."
        means = dict(zip("rgb", shown.reshape(-1, 3).mean(axis=0).tolist(), strict=True))
        return Picture(shown.astype(np.uint8), caption, {"mean_level": means})

    def _spread(self, study: Study) -> Picture:
        """How unsure the colour is, by a colour map."""
        from ._conditional import covariance, entropy, over

        lattice = study.image.lattice.resized(self.size)
        if self.show == "entropy":
            # Of a channel, over levels: a difference of entropies in units of 0..1 is 8 bits.
            values = over(lattice, study.fitted, entropy) / (3 * np.log(2)) + 8
            label = "entropy, bits per channel"
        else:
            spread = over(lattice, study.fitted, lambda law: np.trace(covariance(law), axis1=1, axis2=2))
            values = 256 * np.sqrt(spread / 3)
            label = "standard deviation, levels"
        low, high = np.percentile(values, (UNSEEN, 100 - UNSEEN))
        high = max(high, low + 1e-3)
        name = turned(self.colours, self.dark and self.colours.endswith("_r"))
        pixels: Bytes = mapped((values - low) / (high - low), name)
        pixels = with_bar(pixels, name, (float(low), float(high)), label, theme(self.dark))
        caption = (
            f"Grid: the {label} of the colour given x, y at each of {lattice.width} x {lattice.height} "
            f"positions, {values.mean():.3g} on average."
        )
        figures: dict[str, Any] = {"mean": float(values.mean()), "least": float(values.min())}
        return Picture(pixels, caption, {**figures, "most": float(values.max())})


def knows_law(study: Study) -> bool:
    """Whether a fit tells a law of colour, and not its mean alone."""
    fitted = study.fitted
    if "mixture" in study.answers():
        return True
    return isinstance(fitted, Predictor) and fitted.law(study.image.lattice.centres()[:1]) is not None


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


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Grid]
