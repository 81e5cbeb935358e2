"""Making image files byte by byte, where no encoder would write what a test needs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from gmmbench import Image
from gmmbench.images.file import File

GREY, COLOUR, PALETTE, GREY_ALPHA = 0, 2, 3, 4
"""PNG's colour types."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG whose `rows` each begin with a filter byte."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def sixteen(*values: int) -> bytes:
    """One PNG row of 16-bit samples."""
    return b"\0" + struct.pack(f">{len(values)}H", *values)


def tiff(path: Path, values: Any, **how: Any) -> Path:
    tifffile.imwrite(path, np.asarray(values), **how)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def levels(path: Path, **options: Any) -> list[Any]:
    """What a file is read as, in the view levels."""
    return load(path, view="levels", **options).values.tolist()


def colours(path: Path, **options: Any) -> list[Any]:
    return load(path, view="colour", **options).values.tolist()


def load(path: Path | str, **options: Any) -> Image:
    return File(path=str(path), **options).load()
