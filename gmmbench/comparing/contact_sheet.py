"""The contact sheet: a picture of each model by each renderer, beside the original."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .find import Entry, Group
from .thumbnails import FINE, SIDE, Thumbnail, thumbnail

PICTURES = 1200
"""Thumbnails in a page at the most: 240 px each, some 10 MB."""

FEW = 80
"""Up to so many pictures thumbnails are twice as large, for screens of twice the resolution."""


class Pictures:
    """Makes thumbnails until there are PICTURES of them, and counts the others."""

    def __init__(self, folder: Path, wanted: int) -> None:
        self.folder, self.side = folder.resolve(), FINE if wanted <= FEW else SIDE
        self.made = self.left_out = 0

    def of(self, file: Path) -> Mapping[str, Any] | None:
        """The thumbnail in the file and the address of the full picture; None where there is none."""
        if self.made >= PICTURES:
            self.left_out += 1
            return None
        found: Thumbnail | None = thumbnail(file, self.side)
        if found is None:
            return None
        self.made += 1
        size = {"width": found.width, "height": found.height, "wide": found.width / found.height}
        return {"uri": found.uri, "link": self.address(file), **size}

    def address(self, file: Path) -> str:
        """Of a file, from where the page stands."""
        return quote(os.path.relpath(file.resolve(), self.folder).replace(os.sep, "/"))


@dataclass(frozen=True)
class Drawing:
    """What a renderer drew of a fit: a picture, and where it moves its animation."""

    file: Path
    caption: str
    animation: Path | None


def wanted(group: Group) -> dict[tuple[str, str], Drawing]:
    """What the contact sheet shows, by model and renderer: of one seed a model, the first that is counted.

    What another run of the same fit drew is shown with it.
    """
    found: dict[tuple[str, str], Drawing] = {}
    for label, by_seed in group.runs.items():
        for entry in by_seed[_seed_shown(group, label)]:
            for picture in entry.report.get("pictures", []):
                # a name alone: a report does not reach out of its folder
                file = entry.path / Path(picture["file"]).name
                animations = [entry.path / Path(name).name for name in picture.get("animations", [])]
                drawing = Drawing(file, picture["caption"], animations[-1] if animations else None)
                found.setdefault((label, picture["option"]), drawing)
    return found


def _seed_shown(group: Group, label: str) -> int:
    return min(group.counted(label), default=min(group.runs[label]))


def sheet(place: int, table: Mapping[str, Any], group: Group, pictures: Pictures) -> dict[str, Any]:
    """The contact sheet: a strip for each renderer, in it the original and a picture of each model."""
    drawn = wanted(group)
    original = pictures.of(group.first.path / "original.png")
    seeds = {row["model"]: _seed_shown(group, row["model"]) for row in table["models"]}
    strips: list[dict[str, Any]] = []
    for option in dict.fromkeys(option for _, option in drawn):
        cells: list[dict[str, Any]] = []
        missing: dict[str, list[str]] = {}
        for row in table["models"]:
            label = row["model"]
            drawing = drawn.get((label, option))
            picture = pictures.of(drawing.file) if drawing else None
            if drawing and picture:
                name = f"picture-{place}-{len(strips)}-{len(cells)}"
                moving = pictures.address(drawing.animation) if drawing.animation else None
                shown = {"id": name, "picture": picture, "caption": drawing.caption, "moving": moving}
                cells.append({**row, **shown})
            else:
                why = _why_not_drawn(group.runs[label][seeds[label]]).get(option, "not asked for")
                missing.setdefault("left out, or not to be read" if drawing else why, []).append(label)
        strips.append({"option": option, "cells": cells, "missing": missing})
    return {
        "original": original,
        "strips": strips,
        "seeds": sorted(set(seeds.values())),
        "pairs": list(_beside(original, strips)),
    }


def _why_not_drawn(entries: Sequence[Entry]) -> dict[str, str]:
    why: dict[str, str] = {}
    for entry in entries:
        why |= {option: f"not drawn: {reason}" for option, reason in entry.report.get("skipped", {}).items()}
        why |= {option: f"failed: {reason}" for option, reason in entry.report.get("failed", {}).items()}
    return why


def _beside(
    original: Mapping[str, Any] | None, strips: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The pictures that lie on the original: those of its shape."""
    for strip in strips:
        for cell in strip["cells"]:
            if original and abs(cell["picture"]["wide"] / original["wide"] - 1) < 0.02:
                yield {"model": cell["model"], "option": strip["option"], "id": cell["id"]}
