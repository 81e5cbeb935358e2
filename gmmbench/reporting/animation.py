"""An animation as the bytes of a GIF or an animated WebP, with what made it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..api import Bytes, Picture

ANIMATIONS = ("gif", "webp")
"""The kinds of file an animation is written as, besides its still picture."""

PALETTE_PIXELS = 1 << 18
"""Pixels of all frames from which the colours of a GIF are chosen."""

GROUND = 255
"""The entry of a GIF's palette that is the ground's, the last."""

LOSSY = 90
"""Quality of a WebP, 0..100: above it files grow fast and nothing more is seen."""

DESCRIPTION, SOFTWARE = 0x010E, 0x0131
"""Tags of EXIF."""


def animation(picture: Picture, kind: str, about: Mapping[str, str]) -> bytes:
    """The frames of a picture as a file that loops for ever: kind "gif" or "webp".

    A GIF has one palette of 256 colours for all its frames, so that nothing flickers, and `about` as its
    comment; a WebP has it in its EXIF, as the description of the image.
    """
    from PIL import Image

    frames = [Image.fromarray(frame) for frame in picture.frames]
    told = json.dumps(dict(about), ensure_ascii=True)
    more: dict[str, Any] = {}
    if kind == "gif":
        frames = _indexed(picture.frames)
        more = {"comment": told.encode(), "disposal": 1}
    else:
        exif = Image.Exif()
        exif[DESCRIPTION], exif[SOFTWARE] = told, about.get("Software", "gmmbench")
        more = {"quality": LOSSY, "method": 4, "exif": exif.tobytes()}
    # A GIF counts in hundredths of a second, and browsers slow down what is shorter than two.
    shown = [max(20, 10 * round(100 * second)) for second in picture.seconds]
    data = io.BytesIO()
    frames[0].save(data, kind, save_all=True, append_images=frames[1:], duration=shown, loop=0, **more)
    return data.getvalue()


def _indexed(frames: tuple[Bytes, ...]) -> list[Any]:
    """Frames of one palette, in which the colour of the ground has an entry of its own.

    A cut through the colours keeps averages alone, and white paper would turn grey.
    """
    from PIL import Image

    pixels = [frame.reshape(-1, 3) for frame in frames]
    step = -(-sum(map(len, pixels)) // PALETTE_PIXELS)
    some = np.concatenate([part[::step] for part in pixels])
    colours, often = np.unique(some, axis=0, return_counts=True)
    ground = colours[often.argmax()]
    palette = Image.fromarray(some[None]).quantize(GROUND, Image.Quantize.MEDIANCUT)
    entries = (palette.getpalette() or [])[: 3 * GROUND]
    entries += [0] * (3 * GROUND - len(entries)) + ground.tolist()
    indexed = []
    for frame in frames:
        # Dithering would crawl from frame to frame.
        flat = np.array(Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE))
        flat[(frame == ground).all(axis=2)] = GROUND
        image = Image.fromarray(flat, "P")
        image.putpalette(entries)
        indexed.append(image)
    return indexed
