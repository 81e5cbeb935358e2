"""The contact sheet: a picture of each model by each renderer, beside the original."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .find import FoundRun
from .grouping import Group
from .schema import ImageTable, ModelRow
from .thumbnails import FINE, SIDE, Thumbnail, thumbnail

PICTURES = 1200
"""Thumbnails in a page at the most: 240 px each, some 10 MB."""

FEW = 80
"""Up to so many pictures, thumbnails are twice as large, for screens of twice the resolution."""


@dataclass(frozen=True)
class PagePicture:
    """A thumbnail and the address of the full picture."""

    thumbnail: Thumbnail
    link: str


class Pictures:
    """Makes thumbnails until there are PICTURES of them, and counts the others."""

    def __init__(self, folder: Path, wanted: int) -> None:
        self.folder, self.side = folder.resolve(), FINE if wanted <= FEW else SIDE
        self.made = self.left_out = 0

    def of(self, file: Path) -> PagePicture | None:
        """The thumbnail of the picture in a file; None where it cannot be read or there are too many."""
        if self.made >= PICTURES:
            self.left_out += 1
            return None
        found = thumbnail(file, self.side)
        if found is None:
            return None
        self.made += 1
        return PagePicture(found, self.address(file))

    def address(self, file: Path) -> str:
        """The address of a file, relative to where the page will be."""
        return quote(os.path.relpath(file.resolve(), self.folder).replace(os.sep, "/"))


@dataclass(frozen=True)
class Drawing:
    """What a renderer drew of a fit: a picture and, if it moves, its animation."""

    file: Path
    caption: str
    animation: Path | None


@dataclass(frozen=True)
class SheetCell:
    """A model's picture in a strip; `moving` is the address of its animation."""

    id: str
    row: ModelRow
    picture: PagePicture
    caption: str
    moving: str | None


@dataclass(frozen=True)
class Strip:
    """The pictures of one renderer; `missing` names the models without one, by the reason."""

    option: str
    cells: tuple[SheetCell, ...]
    missing: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Overlay:
    """A picture of the original's shape, which can be laid over it."""

    model: str
    option: str
    id: str


@dataclass(frozen=True)
class ContactSheet:
    """A strip for each renderer, and the seeds whose fits are shown."""

    original: PagePicture | None
    strips: tuple[Strip, ...]
    seeds: tuple[int, ...]
    overlays: tuple[Overlay, ...]


def drawings(group: Group) -> dict[tuple[str, str], Drawing]:
    """What the contact sheet shows, by model and renderer: of each model the first seed that is counted.

    Pictures of another run of the same fit are shown with it.
    """
    found: dict[tuple[str, str], Drawing] = {}
    for label, by_seed in group.runs.items():
        for run in by_seed[_seed_shown(group, label)]:
            for picture in run.report.pictures:
                # the name alone, so that a report cannot reach out of its folder
                file = run.path / Path(picture.file).name
                animations = [run.path / Path(name).name for name in picture.animations]
                drawing = Drawing(file, picture.caption, animations[-1] if animations else None)
                found.setdefault((label, picture.option), drawing)
    return found


def _seed_shown(group: Group, label: str) -> int:
    return min(group.counted(label), default=min(group.runs[label]))


def contact_sheet(place: int, table: ImageTable, group: Group, pictures: Pictures) -> ContactSheet:
    """The contact sheet of the page's table number `place`."""
    drawn = drawings(group)
    original = pictures.of(group.first.path / "original.png")
    options = list(dict.fromkeys(option for _, option in drawn))
    strips = tuple(
        _strip(f"picture-{place}-{number}", option, table, group, drawn, pictures)
        for number, option in enumerate(options)
    )
    return ContactSheet(
        original=original,
        strips=strips,
        seeds=tuple(sorted({_seed_shown(group, row.model) for row in table.models})),
        overlays=tuple(_overlays(original, strips)),
    )


def _strip(
    prefix: str,
    option: str,
    table: ImageTable,
    group: Group,
    drawn: Mapping[tuple[str, str], Drawing],
    pictures: Pictures,
) -> Strip:
    cells: list[SheetCell] = []
    missing: dict[str, list[str]] = {}
    for row in table.models:
        drawing = drawn.get((row.model, option))
        picture = pictures.of(drawing.file) if drawing else None
        if drawing and picture:
            moving = pictures.address(drawing.animation) if drawing.animation else None
            cells.append(SheetCell(f"{prefix}-{len(cells)}", row, picture, drawing.caption, moving))
            continue
        why = "left out, or unreadable"
        if drawing is None:
            runs = group.runs[row.model][_seed_shown(group, row.model)]
            why = _not_drawn(runs).get(option, "not asked for")
        missing.setdefault(why, []).append(row.model)
    return Strip(option, tuple(cells), missing)


def _not_drawn(runs: Sequence[FoundRun]) -> dict[str, str]:
    why: dict[str, str] = {}
    for run in runs:
        why |= {option: f"not drawn: {reason}" for option, reason in run.report.skipped.items()}
        why |= {option: f"failed: {reason}" for option, reason in run.report.failed.items()}
    return why


def _overlays(original: PagePicture | None, strips: Sequence[Strip]) -> Iterator[Overlay]:
    for strip in strips:
        for cell in strip.cells:
            if original and abs(cell.picture.thumbnail.aspect / original.thumbnail.aspect - 1) < 0.02:
                yield Overlay(cell.row.model, strip.option, cell.id)
