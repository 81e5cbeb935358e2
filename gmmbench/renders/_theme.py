"""The colours of the renderers: two grounds, marks that the colour-blind can tell apart, and colour maps."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Refused

Bytes = NDArray[np.uint8]

MAPS = tuple(
    name + way for name in ("magma", "inferno", "plasma", "viridis", "cividis", "Greys") for way in ("_r", "")
)
"""Colour maps of even lightness, which print; "_r" turns one round."""


@dataclass(frozen=True)
class Theme:
    """A ground and what is drawn on it, as "#rrggbb".

    The marks are those of M. Okabe and K. Ito, "Color universal design" (2008), lightened on the dark ground.
    """

    ground: str
    text: str
    soft: str
    faint: str
    chosen: str
    drawn: str
    marks: tuple[str, ...]


LIGHT = Theme(
    "#ffffff", "#222222", "#6b6b6b", "#d9d9d9", "#d0311d", "#0072b2",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)  # fmt: skip
DARK = Theme(
    "#14161a", "#ececec", "#a0a0a0", "#44484f", "#ff6b4a", "#56b4e9",
    ("#56b4e9", "#ff8a3d", "#2ac79a", "#e39cc3", "#f0c14b", "#9ad4f5"),
)  # fmt: skip


def theme(dark: bool) -> Theme:
    """The theme of a renderer's option `dark`."""
    return DARK if dark else LIGHT


def colour(key: str, word: str) -> Floats:
    """A colour written "#rrggbb" as (3,) in 0..255. Raises Refused, naming the key."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", word):
        raise Refused(f"{key}: expected a colour such as '#1a1a1a', got {word!r}; try '#000000'")
    return np.array([int(word[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def turned(name: str, dark: bool) -> str:
    """A colour map whose low end is as light as a light ground, turned round for a dark one."""
    if not dark:
        return name
    return name.removesuffix("_r") if name.endswith("_r") else f"{name}_r"


def mapped(values: Floats, name: str) -> Bytes:
    """Values in 0..1 by a colour map of matplotlib's: their shape and (3,) more."""
    from matplotlib import colormaps

    table = np.rint(255 * colormaps[name](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)
    return table[np.rint(255 * np.clip(values, 0, 1)).astype(np.intp)]
