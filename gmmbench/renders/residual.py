"""Where the model is wrong: the log score of each pixel of ink, or the error of each colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Floats, Picture, Predictor, Renderer, Study, hookimpl, option

from ._dots import asked, levels
from ._layout import resized, with_bar
from ._theme import MAPS, mapped, theme, turned

TRAIN = 0
"""The code of a training pixel in a split."""

DIVERGING = {False: "RdBu", True: "berlin_r"}
"""By `dark`: red is worse than uniform and blue better; the middle is the ground's colour."""

FLOOR = 1e-3
"""Share of the uniform rate that is mixed in, so that one pixel cannot cost infinity."""


@dataclass(frozen=True)
class Residual(Renderer):
    """Ink: s = y log(l / r) - (l - r) of each pixel, in nats, where l is the ink that the fit expects there,
    r the mean of the training pixels, y the ink that is there: a Poisson log score, 0 for the uniform rate.

    Colour: |E[r, g, b | x, y] - (r, g, b)| of each pixel, the root of the mean square of three channels.
    """

    name = "residual"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}

    reach: float = option(99.5, "percent of the pixels that the colours span", above=0, high=100)
    colours: str = option("magma", "of colour images: map of the error", choices=MAPS)
    size: int | None = option(800, "longer side of the map, pixels (null: as the image)", low=1, high=20_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Score each pixel and paint the scores."""
        ink = study.image.view == "ink"
        values = score(study) if ink else _error(study)
        most = max(float(np.percentile(np.abs(values), self.reach)), 1e-9)
        panel = study.image.lattice.resized(self.size)
        name = DIVERGING[self.dark] if ink else turned(self.colours, self.dark and "_r" in self.colours)
        low = -most if ink else 0.0
        pixels = resized(mapped((values - low) / (most - low), name), *panel.shape)
        label = "nats over uniform" if ink else "error of colour, levels"
        pixels = with_bar(pixels, name, (low, most), label, theme(self.dark))
        held = study.split.codes != TRAIN
        figures = {
            "mean": float(values.mean()),
            "mean_kept_from_the_fit": float(values[held].mean()) if held.any() else None,
        }
        if ink:
            worse = float((values < 0).mean())
            caption = (
                "Residual: the Poisson log score of each pixel, in nats over a uniform rate; "
                f"{worse:.1%} of the pixels are worse than uniform, the sum is {values.sum():,.0f} nats."
            )
        else:
            caption = (
                f"Residual: how far the expected colour is from the pixel's own, {values.mean():.1f} levels "
                "on average (root of the mean square of the channels)."
            )
        return Picture(pixels, caption, figures)


def score(study: Study) -> Floats:
    """The Poisson log score of each pixel over the uniform rate: (H, W) nats."""
    lattice, y = study.image.lattice, np.asarray(study.image.values, dtype=np.float64)
    uniform = y[study.split.codes == TRAIN].mean()
    expected = np.exp(asked(study.log_ink, lattice))
    expected = (1 - FLOOR) * expected + FLOOR * uniform
    return np.asarray(y * np.log(expected / uniform) - (expected - uniform))


def _error(study: Study) -> Floats:
    assert isinstance(study.fitted, Predictor)  # `needs` asks for predict
    expected = levels(asked(study.fitted.predict, study.image.lattice))
    return np.asarray(np.sqrt(((expected - study.image.values) ** 2).mean(axis=2)))


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Residual]
