"""Colours of the renderers: a light and a dark theme, the colours of ink and paper, and colour maps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Refused, option

Bytes = NDArray[np.uint8]

COLOUR_MAPS = tuple(
    name + suffix
    for name in ("magma", "inferno", "plasma", "viridis", "cividis", "Greys")
    for suffix in ("_r", "")
)
"""Perceptually uniform colour maps, which also print well; the suffix "_r" reverses one."""


@dataclass(frozen=True)
class Theme:
    """A background and the colours drawn on it, as "#rrggbb".

    `highlight` is red and `accent` blue. The colours of `series` are those of M. Okabe and K. Ito, "Color
    universal design" (2008), which colour-blind readers can tell apart; they are lighter on the dark
    background.
    """

    background: str
    text: str
    muted: str
    faint: str
    highlight: str
    accent: str
    series: tuple[str, ...]


LIGHT = Theme(
    "#ffffff", "#222222", "#6b6b6b", "#d9d9d9", "#d0311d", "#0072b2",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)  # fmt: skip
DARK = Theme(
    "#14161a", "#ececec", "#a0a0a0", "#44484f", "#ff6b4a", "#56b4e9",
    ("#56b4e9", "#ff8a3d", "#2ac79a", "#e39cc3", "#f0c14b", "#9ad4f5"),
)  # fmt: skip


def theme(dark: bool) -> Theme:
    """The theme that a renderer's option `dark` selects."""
    return DARK if dark else LIGHT


def dark_option(help: str = "draw on a dark background") -> Any:
    """The option `dark`, which every renderer has."""
    return option(False, help)


def swap_option() -> Any:
    """The option `dark` of a renderer that paints with ink on paper."""
    return dark_option("dark background: ink and paper swap colours")


def ink_option(help: str) -> Any:
    """The option `ink`, a colour that `ink_and_paper` checks."""
    return option("#000000", help)


def paper_option(help: str) -> Any:
    """The option `paper`, a colour that `ink_and_paper` checks."""
    return option("#ffffff", help)


class InkOptions(Protocol):
    """The options of a renderer that paints with ink on paper."""

    @property
    def ink(self) -> str: ...
    @property
    def paper(self) -> str: ...
    @property
    def dark(self) -> bool: ...


def ink_and_paper(options: InkOptions) -> tuple[Floats, Floats]:
    """The colours to paint ink and paper with, swapped by `dark`: (3,) each in 0..255.

    Raises:
        Refused: naming the option whose value is not a colour.
    """
    ink, paper = parse_colour("ink", options.ink), parse_colour("paper", options.paper)
    return (paper, ink) if options.dark else (ink, paper)


def parse_colour(key: str, text: str) -> Floats:
    """A colour written "#rrggbb" as (3,) in 0..255. Raises Refused, naming the key."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise Refused(f"{key}: expected a colour such as '#1a1a1a', got {text!r}; try '#000000'")
    return rgb(text)


def rgb(text: str) -> Floats:
    """A valid colour "#rrggbb" as (3,) in 0..255."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def themed_map(name: str, dark: bool) -> str:
    """A colour map for the background: one that starts light on light paper is reversed for a dark one."""
    if not dark:
        return name
    return name.removesuffix("_r") if name.endswith("_r") else f"{name}_r"


def apply_map(values: Floats, name: str) -> Bytes:
    """Values in 0..1 through a colour map of matplotlib: shape (...) becomes (..., 3)."""
    from matplotlib import colormaps

    table = np.rint(255 * colormaps[name](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)
    return table[np.rint(255 * np.clip(values, 0, 1)).astype(np.intp)]
