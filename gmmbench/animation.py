"""An animation as the bytes of a GIF or an animated WebP, with what made it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .api import Bytes, Picture

ANIMATIONS = ("gif", "webp")
"""The kinds of file an animation is written as, besides its still picture."""

PALETTE_PIXELS = 1 << 18
"""Pixels of all frames from which the colours of a GIF are chosen."""

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
        palette = _palette(picture.frames)
        # Dithering would crawl from frame to frame.
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
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


def _palette(frames: tuple[Bytes, ...]) -> Any:
    """An image with a palette for all frames, the ground's colour among them as it is: a cut through the
    colours keeps averages alone, and white paper would turn grey.
    """
    from PIL import Image

    pixels = [frame.reshape(-1, 3) for frame in frames]
    step = -(-sum(map(len, pixels)) // PALETTE_PIXELS)
    some = np.concatenate([part[::step] for part in pixels])
    colours, often = np.unique(some, axis=0, return_counts=True)
    palette = Image.fromarray(some[None]).quantize(255, Image.Quantize.MEDIANCUT)
    palette.putpalette([*(palette.getpalette() or ()), *colours[often.argmax()].tolist()])
    return palette
