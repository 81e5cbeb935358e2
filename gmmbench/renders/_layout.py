"""Pictures on a sheet: in tables with labels, beside a colour bar, above a line of text; by Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gmmbench import Floats

from ._theme import Bytes, Theme, mapped


def font(size: float) -> Any:
    """Pillow's own font, size in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size=max(9, round(size)))


def resized(picture: Bytes, height: int, width: int) -> Bytes:
    """A picture at another size: smooth when it shrinks, its pixels seen when it grows much."""
    from PIL import Image

    if picture.shape[:2] == (height, width):
        return picture
    way = Image.Resampling.NEAREST if height >= 2 * picture.shape[0] else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize((width, height), way))


def within(picture: Bytes, height: int, width: int) -> Bytes:
    """A picture at the largest size, shape kept, that goes into height x width."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    return resized(picture, *(max(1, round(side * scale)) for side in picture.shape[:2]))


def table(
    pictures: Sequence[Bytes], labels: Sequence[str], columns: int, theme: Theme, staggered: bool = False
) -> Bytes:
    """Pictures of one size in rows, each with its label below.

    Staggered, every other row is moved by half a panel and the last row is in the middle.
    """
    from PIL import Image, ImageDraw

    height, width = pictures[0].shape[:2]
    letters = font(min(max(height, width) / 24, width / 12))
    gap = max(8, round(width / 40))
    line = round(letters.size * 1.9)
    columns = min(columns, len(pictures))
    rows = _rows(len(pictures), columns, staggered)
    shift = (width + gap) // 2
    across = columns * (width + gap) + gap
    sheet = Image.new("RGB", (across, len(rows) * (height + line) + gap), theme.ground)
    pen = ImageDraw.Draw(sheet)
    index = 0
    for row, many in enumerate(rows):
        top = gap + row * (height + line)
        for column in range(many):
            left = gap + column * (width + gap) + (shift * (columns - many) if staggered else 0)
            sheet.paste(Image.fromarray(pictures[index]), (left, top))
            place = (left + width / 2, top + height + line / 2)
            pen.text(place, labels[index], fill=theme.soft, font=letters, anchor="mm")
            index += 1
    return np.asarray(sheet)


def _rows(count: int, columns: int, staggered: bool) -> list[int]:
    """How many pictures stand in each row; staggered, a full row and one less by turns."""
    rows: list[int] = []
    while count > 0:
        full = columns - 1 if staggered and columns > 1 and len(rows) % 2 else columns
        rows.append(min(full, count))
        count -= rows[-1]
    return rows


def below(picture: Bytes, text: str, theme: Theme) -> Bytes:
    """A picture above a line of text, as high for every text: frames of an animation keep one size."""
    from PIL import Image, ImageDraw

    height, width = picture.shape[:2]
    letters = font(max(height, width) / 34)
    line = round(letters.size * 2)
    while letters.getlength(text) > 0.98 * width and letters.size > 9:
        letters = font(letters.size - 1)
    sheet = Image.new("RGB", (width, height + line), theme.ground)
    sheet.paste(Image.fromarray(picture), (0, 0))
    place = (width / 2, height + line / 2)
    ImageDraw.Draw(sheet).text(place, text, fill=theme.text, font=letters, anchor="mm")
    return np.asarray(sheet)


def with_bar(picture: Bytes, colours: str, ends: tuple[float, float], label: str, theme: Theme) -> Bytes:
    """A picture beside the colour bar of its map, from the low end at the bottom to the high one."""
    from PIL import Image, ImageDraw

    height, width = picture.shape[:2]
    letters = font(max(height, width) / 38)
    gap, size = round(letters.size), letters.size
    tall, wide = max(60, round(0.7 * height)), max(8, round(size))
    ticks = round_numbers(*ends, 6)
    words = numerals(ticks)
    room = round(max(letters.getlength(word) for word in words))
    across = width + 2 * gap + wide + room + round(2.6 * size)
    sheet = Image.new("RGB", (across, max(height, tall)), theme.ground)
    sheet.paste(Image.fromarray(picture), (0, 0))
    left, top = width + gap, (sheet.height - tall) // 2
    ramp = mapped(np.linspace(1, 0, tall)[:, None].repeat(wide, axis=1), colours)
    sheet.paste(Image.fromarray(ramp), (left, top))
    pen = ImageDraw.Draw(sheet)
    for tick, word in zip(ticks, words, strict=True):
        at = top + (ends[1] - tick) / (ends[1] - ends[0]) * (tall - 1)
        pen.line([(left + wide, at), (left + wide + size * 0.3, at)], fill=theme.soft)
        pen.text((left + wide + size * 0.5, at), word, fill=theme.soft, font=letters, anchor="lm")
    upright = Image.new("RGB", (round(letters.getlength(label)) + 4, round(size * 1.6)), theme.ground)
    ImageDraw.Draw(upright).text((2, upright.height / 2), label, fill=theme.soft, font=letters, anchor="lm")
    upright = upright.rotate(90, expand=True)
    if upright.height > sheet.height:
        upright = upright.resize((upright.width, sheet.height))
    sheet.paste(upright, (across - upright.width, (sheet.height - upright.height) // 2))
    return np.asarray(sheet)


def numerals(values: Floats) -> list[str]:
    """Numbers with as few digits as tell them apart."""
    digits = next(n for n in range(16) if n == 15 or np.allclose(values, np.round(values, n), atol=1e-9))
    return [f"{value + 0.0:.{digits}f}" for value in np.round(values, digits)]  # + 0.0: no -0


def round_numbers(low: float, high: float, about: int) -> Floats:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within low..high, about so many."""
    step = round_step((high - low) / max(1, about))
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step


def round_step(step: float) -> float:
    """The nearest of 1, 2, 2.5 and 5 times a power of ten."""
    if not step > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(step))
    return float(min((1, 2, 2.5, 5, 10), key=lambda n: abs(np.log(n * power / step))) * power)
