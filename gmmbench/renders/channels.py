"""A colour image split into its red, green and blue channels, beside the same channels of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Picture, Predictor, Renderer, Study, hookimpl, option

from ._grey_levels import to_levels
from ._layout import listed, panels, resize
from ._theme import Bytes, dark_option, theme

NAMES = ("red", "green", "blue")


@dataclass(frozen=True)
class Channels(Renderer):
    """The image in the upper row and E[r, g, b | x, y] in the lower: in colour, then channel by channel."""

    name = "channels"
    needs = {"colour": ("predict",)}

    tint: bool = option(True, "show each channel in its own colour (false: in grey)")
    fit: bool = option(True, "show the channels of the fit below those of the image")
    size: int = option(420, "longer side of a panel, pixels", low=1, high=20_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Split the image and the expected colours into channels."""
        fitted, lattice = study.fitted, study.image.lattice
        assert isinstance(fitted, Predictor)  # `needs` names predict
        expected = np.rint(to_levels(lattice.ask(fitted.predict))).astype(np.uint8)
        original = study.image.pixels()
        panel = lattice.resized(self.size)
        rows = {"image": original, **({"fit": expected} if self.fit else {})}
        pictures, labels = [], []
        for name, pixels in rows.items():
            shown = resize(pixels, *panel.shape)
            pictures += [shown, *(self._channel(shown, index) for index in range(3))]
            labels += [name, *(f"{name}, {channel}" for channel in NAMES)]
        error = np.abs(expected.astype(np.float64) - original).mean(axis=(0, 1))
        figures = {"mean_absolute_error": dict(zip("rgb", error.tolist(), strict=True))}
        below = "; below, the expected colours of the fit" if self.fit else ""
        errors = listed([f"{channel:.1f}" for channel in error])
        caption = (
            f"Channels: the image and its red, green and blue channels{below}. The fit is off by {errors} "
            "levels on average."
        )
        return Picture(panels(pictures, labels, 4, theme(self.dark)), caption, figures)

    def _channel(self, pixels: Bytes, index: int) -> Bytes:
        """One channel as a picture."""
        if not self.tint:
            return np.repeat(pixels[..., index : index + 1], 3, axis=2)
        alone = np.zeros_like(pixels)
        alone[..., index] = pixels[..., index]
        return alone


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Channels]
