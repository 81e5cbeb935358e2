"""Labels of points in a plot, placed so that none collides with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NARROW, HIGH = 270.0, 300.0
"""The plot on a narrow screen, in px: labels that do not collide there collide nowhere."""

LETTER, LINE = 6.6, 15.0
"""A letter's width and a line's height in the labels, px."""

Box = tuple[float, float, float, float]
"""Left, top, width and height, px."""


@dataclass(frozen=True)
class Label:
    """A text beside a point, `dx` and `dy` px from it."""

    text: str
    anchor: Literal["start", "end"]
    dx: float
    dy: float


def place_labels(points: Sequence[tuple[float, float, str, bool]], only_front: bool) -> list[Label | None]:
    """A label for each point (x, y in per cent, its text, whether it is on the front); None without room.

    Points of the front come first; `only_front` leaves out all others.
    """
    centres = [(x * NARROW / 100, y * HIGH / 100) for x, y, _, _ in points]
    taken: list[Box] = [(x - 6, y - 6, 12.0, 12.0) for x, y in centres]
    labels: list[Label | None] = [None] * len(points)
    for place in sorted(range(len(points)), key=lambda place: not points[place][3]):
        _, _, text, on_front = points[place]
        if on_front or not only_front:
            labels[place] = _place(*centres[place], text, taken)
    return labels


def _place(x: float, y: float, text: str, taken: list[Box]) -> Label | None:
    """The label where it first collides with nothing; its box is then taken."""
    width = len(text) * LETTER
    sides: tuple[Literal["start", "end"], ...] = ("start", "end")
    for dy in (0, -16, 16, -30, 30, -44, 44):
        for side in sides:
            left = x + 10 if side == "start" else x - 10 - width
            box = (left, y + dy - LINE / 2, width, LINE)
            inside = left >= -30 and left + width <= NARROW + 12 and 0 <= y + dy <= HIGH
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                return Label(text, side, 10 if side == "start" else -10, dy)
    return None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
