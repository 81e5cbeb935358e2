"""The grid plot: each position painted by what the fit predicts there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Floats, Lattice, Picture, Predictor, Renderer, Study, hookimpl, option

from ._dots import blend
from ._grey_levels import to_levels
from ._layout import with_colour_bar
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
from ._tone_curve import MAPPINGS, ToneCurve, with_tone_curve

SCALES = ("ink", "peak")

STATISTICS = ("mean", "mode", "variance", "entropy")

TAIL = 0.5
"""Percent of the positions at either end of a map of variance or entropy that its colour scale ignores."""


@dataclass(frozen=True)
class Grid(Renderer):
    """Ink: the density scaled to [0, 1] and mapped to darkness. Colour: E[r, g, b | x, y], or its spread.

    With scale=ink, 1 is a pixel that is expected to be full of ink: n p(x) cell^2 for a density, P(ink) for
    a classifier, so that the two can be compared. With scale=peak, 1 is the density that only the densest
    ink exceeds. The tone curve maps scaled density to darkness: linear; piecewise linear through the
    knots; gamma, a power; log, white at `decades` powers of ten below 1; quantile, the share of the mass
    at positions of lower or equal density.

    A colour image shows a statistic of the predictive distribution: its mean, its mode, its standard
    deviation (the root of the variance, averaged over three channels), or its entropy in bits per channel,
    where a uniformly distributed channel has 8.
    """

    name = "grid"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}

    mapping: str = option("linear", "tone curve from scaled density to darkness", choices=MAPPINGS)
    scale: str = option(
        "ink", "what is black: a pixel expected to be full of ink, or the peak density", choices=SCALES
    )
    peak: float = option(
        95.0, "scale=peak: percent of the ink at or below the density drawn black", above=0, high=100
    )
    knots: list[list[float]] = option(
        [[0, 0], [0.05, 0.35], [0.4, 0.85], [1, 1]],
        "mapping=piecewise: pairs [scaled density, darkness]",
        low=0,
        high=1,
    )
    gamma: float = option(0.5, "mapping=gamma: the exponent; below 1 darkens faint strokes", above=0, high=10)
    decades: float = option(2.0, "mapping=log: how many powers of ten are shown", above=0, high=100)
    show_map: bool = option(False, "ink images: draw the tone curve beside the picture")
    show: str = option("mean", "colour images: statistic of the predictive distribution", choices=STATISTICS)
    colours: str = option("cividis", "colour map of variance and entropy", choices=COLOUR_MAPS)
    size: int | None = option(
        None, "longer side of the picture, pixels (null: as the image)", low=1, high=20_000
    )
    ink: str = ink_option("colour of the densest places (ink images)")
    paper: str = paper_option("colour of the empty places (ink images)")
    dark: bool = swap_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        ink_and_paper(self)
        self.tone_curve()

    def cannot(self, study: Study) -> str | None:
        """As for every renderer; statistics other than the mean also need a predictive distribution."""
        reason = super().cannot(study)
        if reason or self.show == "mean":
            return reason
        if study.image.view == "ink":
            return f"grid draws the {self.show} of colour images only; this image has the view ink"
        if has_predictive_distribution(study):
            return None
        return f"grid needs a predictive distribution to show its {self.show}; this fit has only a mean"

    def tone_curve(self) -> ToneCurve:
        """The tone curve that the options describe. Raises Refused if the knots do not increase."""
        return ToneCurve(self.mapping, self.knots, self.gamma, self.decades)

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Paint the grid."""
        lattice = study.image.lattice.resized(self.size)
        if study.image.view == "ink":
            return self._ink(study, lattice)
        return (self._colour if self.show in ("mean", "mode") else self._spread)(study, lattice)

    def _ink(self, study: Study, lattice: Lattice) -> Picture:
        """Darkness by the expected ink."""
        expected = np.exp(lattice.ask(study.log_ink))
        top = _peak(expected, self.peak) if self.scale == "peak" else 1.0
        scaled = np.clip(expected / top, 0, 1)
        curve = self.tone_curve()
        darkness = curve(scaled)
        figures = {
            "black_at_ink_per_pixel": top,
            "most_ink_per_pixel": float(expected.max()),
            "share_of_pixels_clipped": float((expected > top).mean()),
            "mean_darkness": float(darkness.mean()),
        }
        what = "the density" if "log_density" in study.answers() else "P(ink)"
        caption = (
            f"Grid: {what} at {lattice.width} x {lattice.height} positions, drawn as darkness "
            f"({curve.describe()}); black means an expected ink of {top:.3g} or more per pixel."
        )
        ink, paper = ink_and_paper(self)
        pixels = blend(darkness, paper, ink)
        if self.show_map:
            background = self.ink if self.dark else self.paper
            pixels = with_tone_curve(pixels, curve, scaled, theme(self.dark), background)
            caption += " The tone curve is drawn beside the picture."
        return Picture(pixels, caption, figures)

    def _colour(self, study: Study, lattice: Lattice) -> Picture:
        """The mean or the mode of the colour."""
        from ._conditional import evaluate_conditional, mode

        fitted = study.fitted
        assert isinstance(fitted, Predictor)  # `needs` names predict
        if self.show == "mean":
            what, colours = "the expected colour E[r, g, b | x, y]", lattice.ask(fitted.predict)
        else:
            what, colours = "the most probable colour given x, y", evaluate_conditional(lattice, fitted, mode)
        shown = np.rint(to_levels(colours))
        caption = f"Grid: {what} at {lattice.width} x {lattice.height} positions."
        means = dict(zip("rgb", shown.reshape(-1, 3).mean(axis=0).tolist(), strict=True))
        return Picture(shown.astype(np.uint8), caption, {"mean_level": means})

    def _spread(self, study: Study, lattice: Lattice) -> Picture:
        """The uncertainty of the colour, through a colour map."""
        values, what, unit = self._uncertainty(study, lattice)
        low, high = np.percentile(values, (TAIL, 100 - TAIL))
        high = max(high, low + 1e-3)
        name = themed_map(self.colours, self.dark and self.colours.endswith("_r"))
        pixels: Bytes = apply_map((values - low) / (high - low), name)
        pixels = with_colour_bar(
            pixels, name, (float(low), float(high)), f"{what} ({unit})", theme(self.dark)
        )
        caption = (
            f"Grid: the {what} of the colour given x, y at {lattice.width} x {lattice.height} positions; "
            f"its mean is {values.mean():.3g} {unit}."
        )
        figures = {"mean": float(values.mean()), "least": float(values.min()), "most": float(values.max())}
        return Picture(pixels, caption, figures)

    def _uncertainty(self, study: Study, lattice: Lattice) -> tuple[Floats, str, str]:
        """The entropy or the standard deviation (H, W), its name and its unit."""
        from ._conditional import covariance, entropy, evaluate_conditional

        if self.show == "entropy":
            # The entropy of a channel in levels is that in units of 0..1 plus 8 bits.
            nats = evaluate_conditional(lattice, study.fitted, entropy)
            return nats / (3 * np.log(2)) + 8, "entropy", "bits per channel"
        variance = evaluate_conditional(
            lattice, study.fitted, lambda mixtures: np.trace(covariance(mixtures), axis1=1, axis2=2)
        )
        return 256 * np.sqrt(variance / 3), "standard deviation", "levels"


def has_predictive_distribution(study: Study) -> bool:
    """Whether a fit has a predictive distribution of colour, beyond its mean."""
    fitted = study.fitted
    if "mixture" in study.answers():
        return True
    return isinstance(fitted, Predictor) and fitted.law(study.image.lattice.centres()[:1]) is not None


def _peak(ink: Floats, percent: float) -> float:
    """The density at or below which that percentage of the ink lies.

    It is a percentile of the ink, not of the positions: most of a drawing is paper, and a percentile of the
    positions would be the density of paper.
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
