"""A collage: the original image and the other pictures of the run on one sheet."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from gmmbench import Picture, Renderer, Study, hookimpl, option

from ._layout import font, resize_to_fit
from ._theme import Bytes, Theme, dark_option, theme
from .grid import Grid


@dataclass(frozen=True)
class Collage(Renderer):
    """The image and the pictures drawn before this one, each with its name, in rows of equal width.

    It shows the renderers that precede it in `render=[...]`; on its own, the image and its grid plot.
    """

    name = "collage"
    needs = {"ink": (), "colour": (), "levels": ()}

    columns: int | None = option(None, "pictures per row, about (null: automatic)", low=1, high=100)
    title: bool = option(True, "write the image and the number of components above")
    size: int = option(1600, "width, pixels", low=100, high=20_000)
    dark: bool = dark_option()

    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Lay the pictures out."""
        pictures = {choice: picture.pixels for choice, picture in study.pictures.items()}
        if not pictures and Grid().cannot(study) is None:
            pictures["grid"] = Grid(dark=self.dark).render(study, rng).pixels
        pictures = {"original": study.image.pixels(), **pictures}
        title = _title(study) if self.title else ""
        pixels = _lay_out(pictures, self.columns, self.size, title, theme(self.dark))
        return Picture(pixels, f"Collage: {', '.join(pictures)}.", {"pictures": list(pictures)})


def _title(study: Study) -> str:
    count = study.fitted.facts().get("components")
    if count is None:
        return study.image.name
    return f"{study.image.name}  |  {count:,} component{'' if count == 1 else 's'}"


def _lay_out(pictures: dict[str, Bytes], columns: int | None, size: int, title: str, look: Theme) -> Bytes:
    """Rows of pictures, each row of one height and all of one width, each picture with its name below."""
    from PIL import Image, ImageDraw

    gap, letters, title_letters = round(size / 60), font(size / 64), font(size / 40)
    line = round(letters.size * 2)
    top = round(size / 60) + (round(title_letters.size * 1.8) if title else 0)
    rows = _rows(pictures, columns or ceil(sqrt(len(pictures))))
    heights = _row_heights(pictures, rows, size, gap)
    sheet = Image.new("RGB", (size, top + sum(heights) + len(rows) * (line + gap)), look.background)
    pen = ImageDraw.Draw(sheet)
    if title:
        place = (gap, size / 60 + title_letters.size * 0.6)
        pen.text(place, title, fill=look.text, font=title_letters, anchor="lm")
    for row, height in zip(rows, heights, strict=True):
        shown = {name: resize_to_fit(pictures[name], height, size) for name in row}
        left = (size - sum(picture.shape[1] for picture in shown.values()) - gap * (len(row) - 1)) // 2
        for name, picture in shown.items():
            sheet.paste(Image.fromarray(picture), (left, top))
            label_at = (left + picture.shape[1] / 2, top + height + line / 2)
            pen.text(label_at, name.replace("_", " "), fill=look.muted, font=letters, anchor="mm")
            left += picture.shape[1] + gap
        top += height + line + gap
    return np.asarray(sheet)


def _row_heights(pictures: dict[str, Bytes], rows: list[list[str]], size: int, gap: int) -> list[int]:
    """The height at which each row fills the width, capped so that a row of one small picture need not."""
    heights = []
    for row in rows:
        aspect = sum(_aspect(pictures[name]) for name in row)
        heights.append((size - gap * (len(row) + 1)) / aspect)
    cap = 1.25 * float(np.median(heights))
    return [max(1, round(min(height, cap))) for height in heights]


def _rows(pictures: dict[str, Bytes], columns: int) -> list[list[str]]:
    """The names in order, divided into rows of about the same width."""
    aspects = {name: _aspect(picture) for name, picture in pictures.items()}
    count = ceil(len(pictures) / columns)
    share = sum(aspects.values()) / count
    rows: list[list[str]] = [[] for _ in range(count)]
    done = 0.0
    for name, aspect in aspects.items():
        rows[min(count - 1, int((done + aspect / 2) / share))].append(name)
        done += aspect
    return [row for row in rows if row]


def _aspect(picture: Bytes) -> float:
    """Width over height."""
    return picture.shape[1] / picture.shape[0]


@hookimpl
def gmmbench_renders() -> list[type[Renderer]]:
    """Offer the renderer."""
    return [Collage]
