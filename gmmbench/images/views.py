"""Views: levels as ink, as colours or as grey levels, and the choice between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .unreadable import Unreadable

Levels = NDArray[np.uint8]
Seen = tuple[str, NDArray[Any], list[str]]

COLOURED_BEYOND = 16
"""A pixel is coloured if its channels differ by more levels; JPEG noise and paper tints stay below."""
COLOURED_SHARE = 0.01
"""An image is coloured if a larger share of its pixels is; a red stamp on a letter is not enough."""
NEAR = 32
"""A pixel within so many levels of black or white is near it, like the edges of scanned strokes."""
MOSTLY = 0.9
"""Share of pixels near black or white from which an image is plainly a drawing."""
LUMA = (19595, 38470, 7471)
"""The weights of R, G and B in luma (ITU-R BT.601), times 65536; they leave grey exactly unchanged."""


def see(levels: Levels, view: str, threshold: str, invert: bool) -> Seen:
    """The view, its values as in `Image`, and notes of what was decided.

    Args:
        levels: (H, W) grey or (H, W, 3) colour, 0..255.
        view: auto, ink, colour or levels.
        threshold: otsu, soft or a level; pixels at the level or darker are ink.
        invert: use the negative: light pixels are ink.

    Raises:
        Unreadable: an ink image has no ink, or nothing but ink.
    """
    notes = []
    if view == "auto":
        view, why = _choose(levels)
        notes.append(why)
    if view == "colour":
        colour = levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)
        return view, 255 - colour if invert else colour, notes
    grey = luma(levels)
    if view == "levels":
        return view, 255 - grey if invert else grey, notes
    values, how = _ink(grey, threshold, invert)
    return view, values, [*notes, how]


def luma(levels: Levels) -> Levels:
    """The grey levels (H, W) of grey or colour levels: 0.299 R + 0.587 G + 0.114 B, rounded."""
    if levels.ndim == 2:
        return levels
    red, green, blue = (levels[..., i].astype(np.uint32) * weight for i, weight in enumerate(LUMA))
    total: NDArray[np.uint32] = red + green + blue + 32768
    return (total >> 16).astype(np.uint8)


def _choose(levels: Levels) -> tuple[str, str]:
    if levels.ndim == 3:
        coloured = float(np.mean(levels.max(axis=2) - levels.min(axis=2) > COLOURED_BEYOND))
        if coloured > COLOURED_SHARE:
            return "colour", f"view auto: colour, because {coloured:.1%} of the pixels are coloured"
    grey = luma(levels)
    near = float(np.mean((grey <= NEAR) | (grey >= 255 - NEAR)))
    if near >= MOSTLY:
        return "ink", f"view auto: ink, because {near:.1%} of the pixels are near black or white"
    return "ink", (
        f"view auto: ink, because the image is grey, although only {near:.1%} of its pixels are near "
        "black or white (image.threshold=soft keeps greys as amounts of ink, image.view=levels models them)"
    )


def _ink(grey: Levels, threshold: str, invert: bool) -> tuple[NDArray[np.float64], str]:
    low, high = int(grey.min()), int(grey.max())
    if low == high:
        raise Unreadable(f"{_all(high <= 127, invert)}: every pixel has level {low}", "another file", _WANTED)
    if threshold == "soft":
        amount = grey / 255.0
        ink = amount if invert else 1.0 - amount
        rule = "level / 255" if invert else "1 - level / 255"
        return ink, f"soft ink, {rule} in each pixel, equivalent to {ink.sum():,.0f} full pixels"
    level, name = _level(grey, threshold)
    dark = grey <= level
    if dark.all() or not dark.any():
        got = f"{_all(bool(dark.all()), invert)}: its levels are {low}..{high}, the threshold is {level:g}"
        raise Unreadable(got, "image.threshold=otsu", _WANTED)
    ink = (dark != invert).astype(np.float64)
    side = "lighter" if invert else "at that level or darker"
    count = f"{int(ink.sum()):,} ink pixels of {ink.size:,}"
    return ink, f"{name} at level {level:g}; pixels {side} are ink: {count}"


_WANTED = "an image of ink and paper"


def _all(dark: bool, invert: bool) -> str:
    return "nothing but ink" if dark != invert else "no ink at all"


def _level(grey: Levels, threshold: str) -> tuple[float, str]:
    if threshold != "otsu":
        return float(threshold), "threshold"
    from skimage.filters import threshold_otsu

    otsu = threshold_otsu(grey)  # type: ignore[no-untyped-call]  # scikit-image types it not
    return float(otsu), "Otsu threshold"
