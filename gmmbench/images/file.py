"""Images from files, on disk or inside an installed package, in one of three views."""

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

    The EXIF orientation is applied, transparency is composited on white, and grey of more than 8 bits is
    quantised to 256 levels; the notes of the image list what was done. Otsu's threshold: N. Otsu, "A
    threshold selection method from gray-level histograms", 1979.

    Example:
        >>> image = File(path="pkg://gmmbench/images/data/dog.png").load()
        >>> image.name, image.view, image.values.shape, int(image.values.sum())
        ('dog', 'ink', (311, 399), 15357)
    """

    name = "file"

    path: str = option("", "the file; or pkg://package/inner/path.png for a file inside a package")
    view: str = option("auto", "what is modelled; auto: chosen from the image", choices=VIEWS)
    threshold: str = option("otsu", "what is ink: otsu, soft, or the lightest grey level of ink, 0..255")
    invert: bool = option(False, "use the negative: light pixels are ink")
    max_side: int | None = option(None, "largest longer side, pixels; larger images are downscaled", low=1)
    max_pixels: int = option(50_000_000, "most pixels; a file that announces more is not read", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold not in ("otsu", "soft") and not _is_level(self.threshold):
            raise Refused(
                f"threshold: expected otsu, soft or a grey level 0..255, got {self.threshold!r}; try otsu"
            )

    def load(self) -> Image:
        """Read the file. Raises Refused, naming the file, if it cannot be read as requested."""
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
