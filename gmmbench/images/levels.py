"""Levels: every pixel format that Pillow opens as 8-bit grey or colour, with notes of what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .unreadable import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

# The TIFF tags that say what a number means (TIFF 6.0, sections 8 and 19).
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO, SIGNED = 0, 2

SIXTEEN_BITS = 65535
SCALED_KEYS = {"L;2": 85, "L;4": 17}
"""Pillow scales a PNG of 2 or 4 bits to 0..255, but not the grey level that it declares transparent."""


def eight_bits(picture: Picture, raw: str) -> tuple[Picture, list[str]]:
    """A loaded picture in mode L (grey) or RGB, and notes.

    Args:
        picture: the picture, its pixels loaded.
        raw: Pillow's name for the layout of the pixels in the file, which is lost when they are loaded.

    Raises:
        Unreadable: the values have no known black and white: NaN, negative, signed or out of range.
    """
    tags = getattr(picture, "tag_v2", {})
    if SIGNED in _as_tuple(tags.get(SAMPLE_FORMAT)):
        raise Unreadable("a TIFF of signed integers, which have no defined black", "saving it as 8-bit PNG")
    if picture.mode.startswith("I") or picture.mode == "F":
        return _numbers(picture, tags)
    notes = []
    if picture.mode == "CMYK":
        notes.append("CMYK converted to RGB without a colour profile")
    if picture.has_transparency_data:
        return _on_white(picture, raw, notes)
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB"), notes


def _on_white(picture: Picture, raw: str, notes: list[str]) -> tuple[Picture, list[str]]:
    from PIL import Image

    key = picture.info.get("transparency")
    if raw in SCALED_KEYS and isinstance(key, int):
        picture.info["transparency"] = key * SCALED_KEYS[raw]
    elif raw.startswith("RGB;16") and isinstance(key, tuple):
        picture.info["transparency"] = tuple(part >> 8 for part in key)  # as Pillow truncates the pixels
    inked = picture.convert("RGBA")
    clear = int(np.count_nonzero(np.asarray(inked.getchannel("A")) < 255))
    if clear:
        notes.append(f"{clear:,} transparent or translucent pixels composited on white")
    paper = Image.new("RGBA", inked.size, "white")
    return Image.alpha_composite(paper, inked).convert("RGB"), notes


def _numbers(picture: Picture, tags: Any) -> tuple[Picture, list[str]]:
    """Grey of more than 8 bits. Pillow's own conversion would clip it at 255."""
    from PIL import Image

    values = np.asarray(picture)
    scaled, note = _fractions(values) if picture.mode == "F" else _integers(values, tags)
    levels = np.rint(scaled).astype(np.uint8)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow applies it to 8 bits only
        levels = 255 - levels
    notes = [note]
    key = picture.info.get("transparency")
    if isinstance(key, int) and np.any(values == key):
        levels[values == key] = 255
        notes.append(f"pixels of the transparent grey {key} composited on white")
    return Image.fromarray(levels), notes


def _integers(values: NDArray[Any], tags: Any) -> tuple[NDArray[np.float64], str]:
    bits = int(_as_tuple(tags.get(BITS_PER_SAMPLE, 16))[0])
    low, high = int(values.min()), int(values.max())
    if bits > 16 or low < 0 or high > SIXTEEN_BITS:
        got = f"{bits}-bit integers from {low} to {high}, with no defined white"
        raise Unreadable(got, "saving it as 8-bit or 16-bit PNG", "grey levels 0..65535")
    white = 2**bits - 1
    note = f"{bits}-bit grey levels {low}..{high} of 0..{white} quantised to 256"
    return values * (255 / white), note


def _fractions(values: NDArray[Any]) -> tuple[NDArray[np.float64], str]:
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise Unreadable(
            f"NaN or infinite values in {bad:,} of {values.size:,} pixels",
            "replacing them and saving it as 8-bit PNG",
            "finite levels",
        )
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise Unreadable(
            f"floating-point levels {low:g}..{high:g}",
            "scaling them to 0..1",
            "floating-point levels 0..1 or 0..255",
        )
    white = 1 if high <= 1 else 255
    note = f"floating-point levels {low:g}..{high:g}, read as 0..{white}, quantised to 256"
    return values.astype(np.float64) * (255 / white), note


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
