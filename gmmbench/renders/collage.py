"""What one would post: the original beside the other pictures of the run."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from gmmbench import Picture, Renderer, Study, hookimpl, option

from ._layout import font, within
from ._theme import Bytes, Theme, theme
from .grid import Grid


@dataclass(frozen=True)
class Collage(Renderer):
    """The image and the pictures drawn before this one, each with its name, in rows of one width.

    It shows what stands before it in `render=[...]`; alone, the image and its grid plot.
    """

    name = "collage"
    needs = {"ink": (), "colour": (), "levels": ()}

    columns: int | None = option(None, "pictures in a row, about (null: as suits)", low=1, high=100)
    title: bool = option(True, "write above what it is")
    size: int = option(1600, "width, pixels", low=100, high=20_000)
    dark: bool = option(False, "a dark ground")

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Lay the pictures out."""
        pictures = {option: picture.pixels for option, picture in study.pictures.items()}
        if not pictures and Grid().cannot(study) is None:
            pictures["grid"] = Grid(dark=self.dark).render(study, rng).pixels
        pictures = {"original": study.image.pixels(), **pictures}
        count = study.fitted.facts().get("components")
        told = "" if count is None else f"  |  {count:,} component{'' if count == 1 else 's'}"
        heading = f"{study.image.name}{told}" if self.title else ""
        pixels = _laid(pictures, self.columns, self.size, heading, theme(self.dark))
        caption = f"Collage: {', '.join(pictures)}."
        return Picture(pixels, caption, {"pictures": list(pictures)})


def _laid(pictures: dict[str, Bytes], columns: int | None, size: int, heading: str, look: Theme) -> Bytes:
    """Rows of pictures of one height each, all rows of one width, each picture with its name below."""
    from PIL import Image, ImageDraw

    gap, letters = round(size / 60), font(size / 64)
    line, top = round(letters.size * 2), round(size / 60)
    title = font(size / 40)
    if heading:
        top += round(title.size * 1.8)
    rows = _rows(pictures, columns or ceil(sqrt(len(pictures))))
    heights = []
    for row in rows:
        shape = sum(pictures[name].shape[1] / pictures[name].shape[0] for name in row)
        heights.append((size - gap * (len(row) + 1)) / shape)
    # A last row of one small picture need not fill the width.
    most = 1.25 * float(np.median(heights))
    heights = [max(1, round(min(height, most))) for height in heights]
    sheet = Image.new("RGB", (size, top + sum(heights) + len(rows) * (line + gap)), look.ground)
    pen = ImageDraw.Draw(sheet)
    if heading:
        pen.text((gap, size / 60 + title.size * 0.6), heading, fill=look.text, font=title, anchor="lm")
    for row, height in zip(rows, heights, strict=True):
        shown = [within(pictures[name], height, size) for name in row]
        left = (size - sum(picture.shape[1] for picture in shown) - gap * (len(row) - 1)) // 2
        for name, picture in zip(row, shown, strict=True):
            sheet.paste(Image.fromarray(picture), (left, top))
            place = (left + picture.shape[1] / 2, top + height + line / 2)
            pen.text(place, name.replace("_", " "), fill=look.soft, font=letters, anchor="mm")
            left += picture.shape[1] + gap
        top += height + line + gap
    return np.asarray(sheet)


def _rows(pictures: dict[str, Bytes], columns: int) -> list[list[str]]:
    """The names in order, cut into rows of about the same width."""
    shapes = {name: picture.shape[1] / picture.shape[0] for name, picture in pictures.items()}
    count = ceil(len(pictures) / columns)
    share = sum(shapes.values()) / count
    rows: list[list[str]] = [[] for _ in range(count)]
    done = 0.0
    for name, shape in shapes.items():
        rows[min(count - 1, int((done + shape / 2) / share))].append(name)
        done += shape
    return [row for row in rows if row]


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Collage]
