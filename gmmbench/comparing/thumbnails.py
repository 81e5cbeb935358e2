"""Pictures small enough to embed in a page, as data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..api import Bytes

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 240
"""Pixels of the longer side of a thumbnail where there are many; FINE where there are few."""

FINE = 480
QUALITY = 80


@dataclass(frozen=True)
class Thumbnail:
    """A picture in a page: its data URI, its size, and the size of the full picture, in pixels."""

    uri: str
    width: int
    height: int
    full: tuple[int, int]

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height


def thumbnail(file: Path, side: int) -> Thumbnail | None:
    """The picture in a file with its longer side at most `side`; None where it cannot be read."""
    from PIL import Image as Pillow

    if not file.is_file():  # opening a named pipe would wait for its writer
        return None
    try:
        with Pillow.open(file) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Pillow.DecompressionBombError):
        return None
    full = picture.size
    picture.thumbnail((side, side), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    # a picture of few pixels is shown pixel by pixel, so nothing of it may be lost
    return Thumbnail(_webp(picture, lossless=max(full) <= SIDE), *picture.size, full)


def embedded(pixels: Bytes) -> str:
    """Pixels (H, W, 3 or 4) as a data URI, without loss."""
    from PIL import Image as Pillow

    return _webp(Pillow.fromarray(pixels), lossless=True)


def _webp(picture: Image, lossless: bool) -> str:
    data = io.BytesIO()
    picture.save(data, "WEBP", lossless=lossless, quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()
