"""Decoding: from a file to 8-bit levels, upright, composited on white, and downscaled if requested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Lattice

from .decoder_warnings import decoder_kept_quiet, pillow_kept_quiet
from .levels import eight_bits
from .unreadable import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = (
    "PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "AVIF",
    "JPEG2000", "PPM", "ICO", "PCX", "QOI", "SGI", "TGA",
)  # fmt: skip
"""The formats that are tried. Pillow knows more, but its EPS reader, for one, runs another program."""

ORIENTATION = 0x0112
TURNED = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""The transposition that turns each EXIF orientation upright (Pillow rotates counter-clockwise)."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded file.

    Attributes:
        levels: (H, W) grey or (H, W, 3) colour, 0..255.
        sha256: of the bytes of the file.
        notes: what was decided while decoding.
    """

    levels: NDArray[np.uint8]
    sha256: str
    notes: tuple[str, ...]


def decode(file: Path, max_pixels: int, max_side: int | None) -> Decoded:
    """Decode a regular file. Colour profiles are not applied; of an animation, the first frame is used.

    Args:
        file: a regular file.
        max_pixels: the largest number of pixels that its header may announce.
        max_side: the longer side after downscaling, pixels (None: unchanged).

    Raises:
        Unreadable: the file is not an image, is damaged or too large, or its values cannot be read as levels.
    """
    from PIL import Image, UnidentifiedImageError

    remarks: list[str] = []
    try:
        with file.open("rb") as handle, pillow_kept_quiet(remarks):
            Image.init()
            picture = Image.open(handle, formats=[name for name in FORMATS if name in Image.OPEN])
            _check_size(*picture.size, max_pixels)
            # The directory of an icon or a later frame may state wrong sizes: from here Pillow checks, too.
            Image.MAX_IMAGE_PIXELS = max_pixels
            raw = _raw_layout(picture)
            with decoder_kept_quiet(picture.format, remarks):
                picture.load()
            grey_or_colour, notes = eight_bits(picture, raw)
            upright, turned = _upright(grey_or_colour, picture)
            smaller, shrunk = _at_most(upright, max_side)
            handle.seek(0)
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
            notes += [*turned, *shrunk, *_frames(picture)]
            levels = np.array(smaller, dtype=np.uint8)
    except Unreadable:
        raise
    except PermissionError as error:
        raise Unreadable("a file without read permission", "chmod u+r on it, or a copy") from error
    except UnidentifiedImageError as error:
        raise Unreadable(
            "an unknown format (its header is damaged, or it is not PNG, JPEG, TIFF, GIF, BMP, WebP, ...)",
            "saving it as 8-bit PNG",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(
            "more pixels in the file than its header announces",
            f"image.max_pixels={4 * max_pixels}",
            f"at most {max_pixels:,} pixels",
        ) from error
    except Exception as error:
        # Damaged bytes make Pillow's readers raise errors of any type (OSError, ValueError, SyntaxError,
        # struct.error, NotImplementedError, ...); for a user they all mean the same.
        why = str(error) or type(error).__name__
        raise Unreadable(f"a damaged one ({why})", "a fresh copy of it") from error
    return Decoded(levels, digest, (*notes, *remarks))


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise Unreadable(f"one of {width} x {height} pixels", "another file")
    if width * height > max_pixels:
        raise Unreadable(
            f"{width:,} x {height:,} = {width * height:,}",
            f"image.max_pixels={width * height}, with image.max_side=1000 to work on a smaller one",
            f"at most {max_pixels:,} pixels",
        )


def _raw_layout(picture: Picture) -> str:
    tiles: Any = getattr(picture, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _upright(picture: Picture, opened: Picture) -> tuple[Picture, list[str]]:
    """Apply the EXIF orientation. It is read after loading, because Pillow itself rotates a TIFF."""
    from PIL.Image import Transpose

    try:
        orientation = opened.getexif().get(ORIENTATION, 1)
    except Exception:  # of any type, as with pixels; the pixels are usable without the EXIF data
        return picture, ["unreadable EXIF data: assumed to be upright"]
    if orientation not in TURNED:
        return picture, []
    righted = picture.transpose(Transpose[TURNED[orientation]])
    return righted, [f"turned upright by its EXIF orientation {orientation}"]


def _at_most(picture: Picture, longer: int | None) -> tuple[Picture, list[str]]:
    """Downscale to `longer` pixels on the longer side; on levels, so that thin strokes turn grey first."""
    from PIL.Image import Resampling

    width, height = picture.size
    if longer is None or max(width, height) <= longer:
        return picture, []
    rows, columns = Lattice(height, width).resized(longer).shape
    note = f"downscaled from {width} x {height} to {columns} x {rows} pixels"
    return picture.resize((columns, rows), Resampling.LANCZOS), [note]


def _frames(picture: Picture) -> list[str]:
    try:
        count = int(getattr(picture, "n_frames", 1))
    except Exception:  # of any type; the first frame has been read, and no other is needed
        return ["the first of several frames, some of them damaged"]
    return [f"the first of {count} frames"] if count > 1 else []
