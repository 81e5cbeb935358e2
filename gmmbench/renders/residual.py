"""Where the model is wrong: the log score of each pixel of ink, or the error of each colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Floats, Picture, Predictor, Renderer, Study, hookimpl, option

from ._grey_levels import to_levels
from ._layout import resize, with_colour_bar
from ._theme import COLOUR_MAPS, apply_map, dark_option, theme, themed_map

DIVERGING = {False: "RdBu", True: "berlin_r"}
"""By `dark`: red scores below uniform and blue above; the middle has the colour of the background."""

UNIFORM_SHARE = 1e-3
"""Share of the uniform rate mixed into the expected ink, so that no single pixel scores -infinity."""


@dataclass(frozen=True)
class Residual(Renderer):
    """A map of how well each pixel is predicted.

    Ink: the Poisson log score s = y log(l / r) - (l - r) of each pixel in nats, where y is its ink, l the
    expected ink and r the mean ink of the training pixels. The uniform rate scores 0.

    Colour: the root-mean-square difference between E[r, g, b | x, y] and the colour of each pixel.
    """

    name = "residual"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}

    percentile: float = option(
        99.5,
        "percentile of the absolute values where the colours end",
        above=0,
        high=100,
        formerly=("reach",),
    )
    colours: str = option("magma", "colour images: colour map of the error", choices=COLOUR_MAPS)
    size: int | None = option(800, "longer side of the map, pixels (null: as the image)", low=1, high=20_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Score each pixel and paint the scores."""
        ink = study.image.view == "ink"
        values = log_scores(study) if ink else _colour_errors(study)
        top = max(float(np.percentile(np.abs(values), self.percentile)), 1e-9)
        panel = study.image.lattice.resized(self.size)
        reverse = self.dark and self.colours.endswith("_r")
        name = DIVERGING[self.dark] if ink else themed_map(self.colours, reverse)
        low = -top if ink else 0.0
        pixels = resize(apply_map((values - low) / (top - low), name), *panel.shape)
        label = "log score over uniform (nats)" if ink else "colour error (levels)"
        pixels = with_colour_bar(pixels, name, (low, top), label, theme(self.dark))
        withheld = ~study.split.trained
        figures = {
            "mean": float(values.mean()),
            "mean_withheld": float(values[withheld].mean()) if withheld.any() else None,
        }
        if ink:
            caption = (
                "Residual: the Poisson log score of each pixel relative to a uniform rate; "
                f"{(values < 0).mean():.1%} of the pixels score below uniform, and all scores sum to "
                f"{values.sum():,.0f} nats."
            )
        else:
            caption = (
                "Residual: the root-mean-square error of the expected colour of each pixel over its three "
                f"channels, {values.mean():.1f} levels on average."
            )
        return Picture(pixels, caption, figures)


def log_scores(study: Study) -> Floats:
    """The Poisson log score of each pixel relative to the uniform rate: (H, W) nats."""
    y = np.asarray(study.image.values, dtype=np.float64)
    uniform = y[study.split.trained].mean()
    expected = np.exp(study.image.lattice.ask(study.log_ink))
    expected = (1 - UNIFORM_SHARE) * expected + UNIFORM_SHARE * uniform
    return np.asarray(y * np.log(expected / uniform) - (expected - uniform))


def _colour_errors(study: Study) -> Floats:
    """The root-mean-square error over the channels of each pixel: (H, W) levels."""
    assert isinstance(study.fitted, Predictor)  # `needs` names predict
    expected = to_levels(study.image.lattice.ask(study.fitted.predict))
    return np.asarray(np.sqrt(((expected - study.image.values) ** 2).mean(axis=2)))


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Residual]
