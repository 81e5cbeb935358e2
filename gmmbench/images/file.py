"""File: any image file, or one shipped inside an installed package, in one of three views."""

from __future__ import annotations

from dataclasses import dataclass

from gmmbench import Image, ImageSource, Refused, hookimpl, option

from .decode import decode
from .locate import locate
from .unreadable import Unreadable
from .views import see

VIEWS = ("auto", "ink", "colour", "levels")


@dataclass(frozen=True)
class File(ImageSource):
    """An image from a file (PNG, JPEG, TIFF, GIF, BMP, WebP and others).

    EXIF orientation is heeded, transparency is composited on white, grey of more than 8 bits is
    quantised to 256 levels; the notes of the image say what was done. Otsu's threshold: N. Otsu, "A
    threshold selection method from gray-level histograms", 1979.

    Example:
        >>> image = File(path="pkg://gmmbench/images/data/dog.png").load()
        >>> image.name, image.view, image.values.shape, int(image.values.sum())
        ('dog', 'ink', (311, 399), 15357)
    """

    name = "file"

    path: str = option("", "the file's name; or pkg://package/inner/path.png for one inside a package")
    view: str = option("auto", "what is modelled: ink, colour, grey levels, or what suits", choices=VIEWS)
    threshold: str = option("otsu", "what is ink: otsu, soft, or the lightest grey level 0..255 that is")
    invert: bool = option(False, "see the negative: ink is what is light")
    max_side: int | None = option(None, "downscale to a longer side of at most this, pixels", low=1)
    max_pixels: int = option(50_000_000, "refuse a file that announces more pixels, before reading it", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold not in ("otsu", "soft") and not _is_level(self.threshold):
            raise Refused(
                f"threshold: expected otsu, soft or a grey level 0..255, got {self.threshold!r}; try otsu"
            )

    def load(self) -> Image:
        """Read the file. Raises Refused, one line that names it, when it cannot be the image wanted."""
        try:
            file, name = locate(self.path)
            decoded = decode(file, self.max_pixels, self.max_side)
            view, values, notes = see(decoded.levels, self.view, self.threshold, self.invert)
        except Unreadable as error:
            raise Refused(f"image.path={self.path!r}: {error}") from error
        return Image(name, view, values, decoded.sha256, (*decoded.notes, *notes))


def _is_level(word: str) -> bool:
    try:
        return 0 <= float(word) <= 255
    except ValueError:
        return False


@hookimpl
def gmmbench_images() -> list[type[ImageSource]]:
    """The image sources offered here."""
    return [File]
