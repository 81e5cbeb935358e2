"""A colour image and its channels R, G and B, as they are and as the fit expects them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Picture, Predictor, Renderer, Study, hookimpl, option

from ._dots import asked, levels
from ._layout import resized, table
from ._theme import Bytes, theme

NAMES = ("red", "green", "blue")


@dataclass(frozen=True)
class Channels(Renderer):
    """The image above, E[r, g, b | x, y] below; at the left in colour, then channel by channel."""

    name = "channels"
    needs = {"colour": ("predict",)}

    tint: bool = option(True, "show each channel in its colour (false: in grey)")
    fit: bool = option(True, "show the fit's channels below the image's")
    size: int = option(420, "longer side of a panel, pixels", low=1, high=20_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Take the image and the expected colours apart."""
        fitted, lattice = study.fitted, study.image.lattice
        assert isinstance(fitted, Predictor)  # `needs` asks for predict
        expected = np.rint(levels(asked(fitted.predict, lattice))).astype(np.uint8)
        original = study.image.pixels()
        panel = lattice.resized(self.size)
        rows = {"image": original, **({"fit": expected} if self.fit else {})}
        pictures, labels = [], []
        for name, pixels in rows.items():
            shown = resized(pixels, *panel.shape)
            pictures += [shown, *(self._channel(shown, index) for index in range(3))]
            labels += [name, *(f"{name}, {channel}" for channel in NAMES)]
        error = np.abs(expected.astype(np.float64) - original).mean(axis=(0, 1))
        figures = {"mean_absolute_error": dict(zip("rgb", error.tolist(), strict=True))}
        caption = (
            "Channels: the image and its red, green and blue"
            + ("; below, as the fit expects them" if self.fit else "")
            + f", off by {error[0]:.1f}, {error[1]:.1f} and {error[2]:.1f} levels on average."
        )
        return Picture(table(pictures, labels, 4, theme(self.dark)), caption, figures)

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
