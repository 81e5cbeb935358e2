"""Arranging pictures with Pillow: panels with labels, a colour bar beside one, a line of text below one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gmmbench import Floats

from ._theme import Bytes, Theme, apply_map


def font(size: float) -> Any:
    """The font that Pillow ships, at a size in pixels (at least 9)."""
    from PIL import ImageFont

    return ImageFont.load_default(size=max(9, round(size)))


def resize(picture: Bytes, height: int, width: int) -> Bytes:
    """A picture at another size: smoothed, unless it grows so much that its pixels should be visible."""
    from PIL import Image

    if picture.shape[:2] == (height, width):
        return picture
    method = Image.Resampling.NEAREST if height >= 2 * picture.shape[0] else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def resize_to_fit(picture: Bytes, height: int, width: int) -> Bytes:
    """A picture at the largest size that fits into height x width with its aspect ratio kept."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    return resize(picture, *(max(1, round(side * scale)) for side in picture.shape[:2]))


def panels(
    pictures: Sequence[Bytes], labels: Sequence[str], columns: int, theme: Theme, staggered: bool = False
) -> Bytes:
    """Pictures of one size in rows, each with its label below.

    If `staggered`, every other row is shifted by half a panel and the last row is centred.
    """
    from PIL import Image, ImageDraw

    height, width = pictures[0].shape[:2]
    letters = font(min(max(height, width) / 24, width / 12))
    gap = max(8, round(width / 40))
    line = round(letters.size * 1.9)
    columns = min(columns, len(pictures))
    rows = _row_lengths(len(pictures), columns, staggered)
    shift = (width + gap) // 2
    across = columns * (width + gap) + gap
    sheet = Image.new("RGB", (across, len(rows) * (height + line) + gap), theme.background)
    pen = ImageDraw.Draw(sheet)
    index = 0
    for row, count in enumerate(rows):
        top = gap + row * (height + line)
        for column in range(count):
            left = gap + column * (width + gap) + (shift * (columns - count) if staggered else 0)
            sheet.paste(Image.fromarray(pictures[index]), (left, top))
            place = (left + width / 2, top + height + line / 2)
            pen.text(place, labels[index], fill=theme.muted, font=letters, anchor="mm")
            index += 1
    return np.asarray(sheet)


def _row_lengths(count: int, columns: int, staggered: bool) -> list[int]:
    """The number of pictures in each row; staggered rows alternate between full and one fewer."""
    rows: list[int] = []
    while count > 0:
        full = columns - 1 if staggered and columns > 1 and len(rows) % 2 else columns
        rows.append(min(full, count))
        count -= rows[-1]
    return rows


def with_text_below(picture: Bytes, text: str, theme: Theme) -> Bytes:
    """A picture above a line of text; the height does not depend on the text, so animations keep one size."""
    from PIL import Image, ImageDraw

    height, width = picture.shape[:2]
    letters = font(max(height, width) / 34)
    line = round(letters.size * 2)
    while letters.getlength(text) > 0.98 * width and letters.size > 9:
        letters = font(letters.size - 1)
    sheet = Image.new("RGB", (width, height + line), theme.background)
    sheet.paste(Image.fromarray(picture), (0, 0))
    place = (width / 2, height + line / 2)
    ImageDraw.Draw(sheet).text(place, text, fill=theme.text, font=letters, anchor="mm")
    return np.asarray(sheet)


def with_colour_bar(
    picture: Bytes, colour_map: str, ends: tuple[float, float], label: str, theme: Theme
) -> Bytes:
    """A picture beside the bar of its colour map, from the value `ends[0]` at the bottom to `ends[1]`."""
    from PIL import Image, ImageDraw

    height, width = picture.shape[:2]
    letters = font(max(height, width) / 38)
    gap, size = round(letters.size), letters.size
    bar_height, bar_width = max(60, round(0.7 * height)), max(8, round(size))
    ticks = round_ticks(*ends, 6)
    names = tick_labels(ticks)
    room = round(max(letters.getlength(name) for name in names))
    across = width + 2 * gap + bar_width + room + round(2.6 * size)
    upright = _upright_text(label, letters, theme)
    sheet = Image.new("RGB", (across, max(height, bar_height, upright.height)), theme.background)
    sheet.paste(Image.fromarray(picture), (0, 0))
    left, top = width + gap, (sheet.height - bar_height) // 2
    ramp = apply_map(np.linspace(1, 0, bar_height)[:, None].repeat(bar_width, axis=1), colour_map)
    sheet.paste(Image.fromarray(ramp), (left, top))
    pen = ImageDraw.Draw(sheet)
    for tick, name in zip(ticks, names, strict=True):
        at = top + (ends[1] - tick) / (ends[1] - ends[0]) * (bar_height - 1)
        pen.line([(left + bar_width, at), (left + bar_width + size * 0.3, at)], fill=theme.muted)
        pen.text((left + bar_width + size * 0.5, at), name, fill=theme.muted, font=letters, anchor="lm")
    sheet.paste(upright, (across - upright.width, (sheet.height - upright.height) // 2))
    return np.asarray(sheet)


def _upright_text(text: str, letters: Any, theme: Theme) -> Any:
    """Text that reads from bottom to top, as a Pillow image."""
    from PIL import Image, ImageDraw

    size = round(letters.getlength(text)) + 4, round(letters.size * 1.6)
    image = Image.new("RGB", size, theme.background)
    ImageDraw.Draw(image).text((2, size[1] / 2), text, fill=theme.muted, font=letters, anchor="lm")
    return image.rotate(90, expand=True)


def tick_labels(values: Floats) -> list[str]:
    """Numbers with the fewest digits that tell them apart."""
    digits = next(n for n in range(16) if n == 15 or np.allclose(values, np.round(values, n), atol=1e-9))
    return [f"{value + 0.0:.{digits}f}" for value in np.round(values, digits)]  # + 0.0: no -0


def round_ticks(low: float, high: float, about: int) -> Floats:
    """About so many multiples of 1, 2, 2.5 or 5 times a power of ten within low..high."""
    step = round_step((high - low) / max(1, about))
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step


def round_step(step: float) -> float:
    """The nearest of 1, 2, 2.5 and 5 times a power of ten."""
    if not step > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(step))
    return float(min((1, 2, 2.5, 5, 10), key=lambda n: abs(np.log(n * power / step))) * power)


def listed(items: Sequence[object]) -> str:
    """Items for a sentence: "a", "a and b", "a, b and c"."""
    *front, last = map(str, items)
    return f"{', '.join(front)} and {last}" if front else last
